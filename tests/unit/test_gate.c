/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "scratch.h"

#include "plan/kept.h"
#include "run/gate.h"
#include "run/generation.h"
#include "run/state.h"

static struct arena arena;
static struct state state;

static int
fresh_state(void **unused)
{
	struct error err = ERROR_INIT;

	state_release(&state);
	state = (struct state)STATE_INIT;
	arena_release(&arena);
	if (scratch_fresh(unused) < 0)
		return -1;
	return state_open(&arena, NULL, scratch, true, &state, &err);
}

/* Of what write_one() names. */
#define NAMED_SHA256 "9118facaefa451314bbd60c4859fcd24" \
	"a4da79986e6710f015673bbab1db440b"

static void
write_one(int64_t number)
{
	struct generation_text text;
	struct generation_source source = {
		.profile = "fitout = 1;\n",
		.says = "budget = 900\nkeep_generations = 2\n",
		.settings = (struct variable[]){
			{ "base", "http://x\n\"y\"" } },
		.n_settings = 1,
		.named = { .text = "fitout = 1; # so\n", .n = 17,
			   .signature = "signed\n", .signature_bytes = 7,
			   .suffix = ".minisig" },
	};
	struct record record = {
		.spec = "into = \"/a\"\n",
		.destination = "/a",
		.created = true,
		.apart = (const char *const[]){ "logs", "x y", NULL },
		.manifest = "d 0755 0 0 .\nf 0644 0 0 1 2 - b\n",
	};
	struct error err = ERROR_INIT;

	record.manifest_bytes = strlen(record.manifest);
	generation_begin(&text, "0123abcd", 1800000000, "web", NAMED_SHA256,
			 &source);
	generation_add(&text, "package", "a b", &record);
	generation_add(&text, "check", "c", &(struct record){
		.spec = "", .manifest = "" });
	assert_int_equal(generation_write(&state, &text, number, &source,
					  &err), 0);
	assert_int_equal(generation_make_current(&state, number, &err), 0);
	generation_text_release(&text);
}

static void
what_a_generation_records_is_read_back(void **unused)
{
	struct generation generation;
	const struct record *record;
	struct error err = ERROR_INIT;

	write_one(1);
	assert_int_equal(generation_load(&state, &arena, 0, &generation,
					 &err), 0);
	assert_int_equal(generation.number, 1);
	assert_string_equal(generation.profile_name, "web");
	assert_string_equal(generation.says,
			    "budget = 900\nkeep_generations = 2\n");
	record = generation_find(&generation, "package", "a b");
	assert_non_null(record);
	assert_string_equal(record->spec, "into = \"/a\"\n");
	assert_string_equal(record->destination, "/a");
	assert_true(record->created);
	assert_string_equal(record->apart[0], "logs");
	assert_string_equal(record->apart[1], "x y");
	assert_null(record->apart[2]);
	assert_memory_equal(record->manifest,
			    "d 0755 0 0 .\nf 0644 0 0 1 2 - b\n",
			    record->manifest_bytes);
	assert_non_null(generation_find(&generation, "check", "c"));
	assert_null(generation_find(&generation, "check", "d"));
}

static void
what_a_generation_was_made_from_is_read_back(void **unused)
{
	struct generation_source source;
	struct error err = ERROR_INIT;

	write_one(1);
	assert_int_equal(generation_source(&state, &arena, 1, &source, &err),
			 0);
	assert_string_equal(source.profile, "fitout = 1;\n");
	assert_int_equal(source.n_settings, 1);
	assert_string_equal(source.settings[0].name, "base");
	assert_string_equal(source.settings[0].value, "http://x\n\"y\"");
	assert_int_equal(source.named.n, 17);
	assert_memory_equal(source.named.text, "fitout = 1; # so\n", 17);
	assert_int_equal(source.named.signature_bytes, 7);
	assert_memory_equal(source.named.signature, "signed\n", 7);
	assert_string_equal(source.named.suffix, ".minisig");
}

static void
a_generation_with_a_flipped_byte_is_refused(void **unused)
{
	struct generation generation;
	struct error err = ERROR_INIT;

	write_one(1);
	assert_int_equal(scratch_try("sed -i 's/x y/x z/' "
				     "generations/1/manifest"), 0);
	assert_int_equal(generation_load(&state, &arena, 0, &generation,
					 &err), -1);
	assert_int_equal(err.code, ERROR_STATE);
	assert_non_null(strstr(err.text, "generations/1/manifest"));
}

static void
a_current_file_that_is_no_number_is_refused(void **unused)
{
	struct error err = ERROR_INIT;
	int64_t number;

	write_one(1);
	assert_int_equal(scratch_try("echo x1 > generations/current"), 0);
	assert_int_equal(generation_current(&state, &number, &err), -1);
	assert_int_equal(err.code, ERROR_STATE);
}

static void
the_gate_does_not_open_without_a_recorded_generation(void **unused)
{
	const struct proof *proof = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(gate_open(&state, &arena, 1, &proof, &err), -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_null(proof);
	assert_false(gate_is_open(&state));
}

static void
the_gate_does_not_open_for_another_generation(void **unused)
{
	const struct proof *proof = NULL;
	struct error err = ERROR_INIT;

	write_one(1);
	assert_int_equal(gate_open(&state, &arena, 2, &proof, &err), -1);
	assert_null(proof);
	assert_false(gate_is_open(&state));
}

static void
the_gate_counts_once_the_agents_were_started_and_closes(void **unused)
{
	const struct proof *proof = NULL;
	struct error err = ERROR_INIT;

	write_one(1);
	assert_int_equal(gate_open(&state, &arena, 1, &proof, &err), 0);
	assert_non_null(proof);
	assert_int_equal(proof_generation(proof), 1);
	assert_false(gate_is_open(&state));
	assert_int_equal(gate_started(&state, &err), 0);
	assert_true(gate_is_open(&state));
	assert_int_equal(gate_close(&state, &err), 0);
	assert_false(gate_is_open(&state));
	assert_int_equal(gate_close(&state, &err), 0);
}

static void
a_gate_file_of_another_boot_does_not_count(void **unused)
{
	const struct proof *proof = NULL;
	struct error err = ERROR_INIT;

	write_one(1);
	assert_int_equal(gate_open(&state, &arena, 1, &proof, &err), 0);
	assert_int_equal(gate_started(&state, &err), 0);
	assert_true(gate_is_open(&state));
	assert_int_equal(scratch_try("sed -i 's/^boot .*/boot "
		"00000000-0000-0000-0000-000000000000/' ready"), 0);
	assert_false(gate_is_open(&state));
}

static void
a_state_directory_that_others_can_write_is_refused(void **unused)
{
	struct state other = STATE_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(scratch_try("mkdir s && chmod 0777 s"), 0);
	assert_int_equal(state_open(&arena, NULL,
		arena_printf(&arena, "%s/s", scratch), true, &other, &err),
		-1);
	assert_int_equal(err.code, ERROR_STATE);
	assert_non_null(strstr(err.text, "0777"));
	state_release(&other);
}

static void
kept_trees_stand_beside_where_they_were(void **unused)
{
	assert_string_equal(kept_path(&arena, "/usr/local/nginx", 12, 0),
			    "/usr/local/.fitout-old/nginx-12");
	assert_string_equal(kept_path(&arena, "/usr/local/nginx", 0, 3),
			    "/usr/local/.fitout-old/nginx-0.3");
	assert_true(kept_is_of("nginx-12", "/usr/local/nginx", 12));
	assert_true(kept_is_of("nginx-12.1", "/usr/local/nginx", 12));
	assert_true(kept_is_of("a-1-30.20", "/a-1", 30));
	assert_false(kept_is_of("nginx-12", "/usr/local/nginx", 1));
	assert_false(kept_is_of("nginx-12", "/usr/local/nginx", 2));
	assert_false(kept_is_of("nginx-12", "/usr/local/inx", 12));
	assert_false(kept_is_of("nginx-12", "/usr/local/ngin", 12));
	assert_false(kept_is_of("a-1-30", "/a", 1));
	assert_false(kept_is_of("a-30", "/a-1", 30));
	assert_false(kept_is_of("nginx-12.", "/usr/local/nginx", 12));
	assert_false(kept_is_of("nginx-12.x", "/usr/local/nginx", 12));
	assert_false(kept_is_of("nginx-12.1x", "/usr/local/nginx", 12));
	assert_false(kept_is_of("nginx-12.01", "/usr/local/nginx", 12));
	assert_false(kept_is_of("nginx", "/usr/local/nginx", 12));
}

#define test(name) cmocka_unit_test_setup(name, fresh_state)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_a_generation_records_is_read_back),
		test(what_a_generation_was_made_from_is_read_back),
		test(a_generation_with_a_flipped_byte_is_refused),
		test(a_current_file_that_is_no_number_is_refused),
		test(the_gate_does_not_open_without_a_recorded_generation),
		test(the_gate_does_not_open_for_another_generation),
		test(the_gate_counts_once_the_agents_were_started_and_closes),
		test(a_gate_file_of_another_boot_does_not_count),
		test(a_state_directory_that_others_can_write_is_refused),
		test(kept_trees_stand_beside_where_they_were),
	};
	int failed = cmocka_run_group_tests(tests, scratch_make,
					    scratch_remove);

	state_release(&state);
	arena_release(&arena);
	return failed;
}
