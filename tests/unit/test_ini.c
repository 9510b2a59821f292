/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/ini.h"
#include "base/str.h"

static struct arena arena = ARENA_INIT;

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct ini
parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct ini ini = { 0 };

	assert_int_equal(ini_read(&arena, "x.conf", text, strlen(text), &ini,
				  &err), 0);
	assert_string_equal(err.text, "");
	return ini;
}

static void
assert_entry(const struct ini *ini, const char *section, const char *key,
	     const char *value, int line)
{
	const struct ini_entry *entry = ini_get(ini, section, key);

	assert_non_null(entry);
	assert_string_equal(entry->value, value);
	assert_int_equal(entry->line, line);
}

static void
assert_refused(const char *text, size_t n, enum error_code code,
	       const char *part)
{
	struct error err = ERROR_INIT;
	struct ini ini = { .n = 77 };

	assert_int_equal(ini_read(&arena, "x.conf", text, n, &ini, &err), -1);
	assert_int_equal(err.code, code);
	assert_int_equal(ini.n, 77);
	if (!strstr(err.text, part))
		assert_string_equal(err.text, part);
}

static void
a_supervisor_file_is_read_with_its_lines(void **state)
{
	struct ini ini = parse("; nginx\n"
			       "[program:nginx]\n"
			       "command = /usr/sbin/nginx -g 'daemon off;'\n"
			       "autostart=true ; always\n"
			       "\n"
			       "# a comment\n"
			       "environment: A=\"1\"\n"
			       "[group:web]\r\n"
			       "programs=nginx\r\n");

	assert_int_equal(ini.n, 4);
	assert_entry(&ini, "program:nginx", "command",
		     "/usr/sbin/nginx -g 'daemon off;'", 3);
	assert_entry(&ini, "program:nginx", "autostart", "true", 4);
	assert_entry(&ini, "program:nginx", "environment", "A=\"1\"", 7);
	assert_entry(&ini, "group:web", "programs", "nginx", 9);
	assert_string_equal(ini.entries[0].key, "command");
	assert_string_equal(ini.entries[3].section, "group:web");
}

static void
what_is_missing_is_null(void **state)
{
	struct ini ini = parse("[a]\nx=1\n");

	assert_null(ini_get(&ini, "a", "y"));
	assert_null(ini_get(&ini, "b", "x"));
	assert_null(ini_get(&ini, "", "x"));
}

static void
nothing_is_an_empty_file(void **state)
{
	assert_int_equal(parse("").n, 0);
	assert_int_equal(parse("\n\n; only\n# comments\n[section]\n").n, 0);
}

static void
keys_before_any_section_have_an_empty_one(void **state)
{
	struct ini ini = parse("x = 1\n");

	assert_entry(&ini, "", "x", "1", 1);
}

static void
the_last_value_counts(void **state)
{
	struct ini ini = parse("[a]\nx=1\n[b]\nx=2\n[a]\nx=3\n");

	assert_int_equal(ini.n, 3);
	assert_entry(&ini, "a", "x", "3", 6);
	assert_entry(&ini, "b", "x", "2", 4);
}

static void
indented_lines_continue_the_value_above(void **state)
{
	struct ini ini = parse("[a]\n"
			       "x = one,\n"
			       "  two ; comment\n"
			       "\t[three]\n"
			       "  four = 4;5\n"
			       "y = 2\n"
			       "x =\n"
			       "  late\n");

	assert_int_equal(ini.n, 3);
	assert_string_equal(ini.entries[0].value,
			    "one,\ntwo\n[three]\nfour = 4;5");
	assert_int_equal(ini.entries[0].line, 2);
	assert_entry(&ini, "a", "y", "2", 6);
	assert_entry(&ini, "a", "x", "\nlate", 7);
}

static void
a_repeated_key_is_not_a_continuation(void **state)
{
	struct ini ini = parse("[a]\nx=1\nx=2\n[a]\n  x=3\n");

	assert_int_equal(ini.n, 3);
	assert_string_equal(ini.entries[0].value, "1");
	assert_string_equal(ini.entries[1].value, "2");
	assert_string_equal(ini.entries[2].value, "3");
}

static void
comments_start_where_the_contract_says(void **state)
{
	struct ini ini = parse("a = 1;2\nb = 1 ;2\nc = 1 #2\n#d = 1\n;e = 1\n"
			       "f = http://x/#y\n");

	assert_entry(&ini, "", "a", "1;2", 1);
	assert_entry(&ini, "", "b", "1", 2);
	assert_entry(&ini, "", "c", "1 #2", 3);
	assert_entry(&ini, "", "f", "http://x/#y", 6);
	assert_int_equal(ini.n, 4);
}

static void
a_byte_order_mark_and_a_missing_last_newline_are_fine(void **state)
{
	struct ini ini = parse("\xef\xbb\xbf[a]\nx=1");

	assert_entry(&ini, "a", "x", "1", 2);
}

static void
a_broken_line_is_named(void **state)
{
#define REFUSED(text, part) \
	assert_refused((text), strlen(text), ERROR_FORMAT, (part))
	REFUSED("[a]\nx=1\nbroken\n", "x.conf:3: ");
	REFUSED("[a]\n\n[program:x\ncommand=y\n", "x.conf:3: ");
	REFUSED("one\ntwo\nthree = 3\n", "x.conf:1: ");
	REFUSED("[a]\nx=1\nbroken", "key = value");
	assert_refused("[a]\nx=1\ny\0=2\n", 13, ERROR_FORMAT,
		       "x.conf:3: a NUL byte");
#undef REFUSED
}

static void
long_lines_are_whole(void **state)
{
	char text[21000];
	struct ini ini;
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
			     "[a]\nenvironment=%020000d\nnext=1\n", 7);
	assert_true(n < sizeof(text));
	ini = parse(text);
	assert_int_equal(strlen(ini_get(&ini, "a", "environment")->value),
			 20000);
	assert_entry(&ini, "a", "next", "1", 3);
}

/* Where a buffer is enlarged, and just below the limit. */
static void
lines_of_every_length_are_whole(void **state)
{
	static const int lengths[] = { 190, 198, 199, 200, 201, 397, 398, 399,
				       400, 401, 6400, 65000 };
	own_str struct str text = STR_INIT(1 << 20);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct ini ini;

		str_clear(&text);
		str_addf(&text, ";%0*d\n[a]\nx=%0*d\n y\nz=1\n", lengths[i], 1,
			 lengths[i], 1);
		ini = parse(str_get(&text));
		assert_int_equal(ini.n, 2);
		assert_int_equal(strlen(ini.entries[0].value), lengths[i] + 2);
		assert_entry(&ini, "a", "z", "1", 5);
	}
}

static void
limits_are_named(void **state)
{
	own_str struct str text = STR_INIT(4 << 20);

	str_addf(&text, "[a]\nx=%0100000d\n", 1);
	assert_refused(str_get(&text), text.len, ERROR_LIMIT,
		       "x.conf:2: the line is longer than 64 KiB");
	str_clear(&text);
	str_addf(&text, "\n[%048d]\nx=1\n", 1);
	assert_int_equal(parse(str_get(&text)).n, 1);
	str_clear(&text);
	str_addf(&text, "\n[%060d]\nx=1\n", 1);
	assert_refused(str_get(&text), text.len, ERROR_LIMIT,
		       "longer than 48 bytes");
	str_clear(&text);
	while (text.len <= 1 << 20)
		str_add(&text, "x=1\n");
	assert_refused(str_get(&text), text.len, ERROR_LIMIT, "1 MiB");
}

static void
many_continuations_stay_cheap(void **state)
{
	own_str struct str text = STR_INIT(1 << 20);
	struct ini ini;

	str_add(&text, "x=0\n");
	for (int i = 0; i < 200000; i++)
		str_add(&text, " 1\n");
	ini = parse(str_get(&text));
	assert_int_equal(ini.n, 1);
	assert_int_equal(strlen(ini.entries[0].value), 1 + 200000 * 2);
}

#define INI(test) cmocka_unit_test_teardown(test, release_arena)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		INI(a_supervisor_file_is_read_with_its_lines),
		INI(what_is_missing_is_null),
		INI(nothing_is_an_empty_file),
		INI(keys_before_any_section_have_an_empty_one),
		INI(the_last_value_counts),
		INI(indented_lines_continue_the_value_above),
		INI(a_repeated_key_is_not_a_continuation),
		INI(comments_start_where_the_contract_says),
		INI(a_byte_order_mark_and_a_missing_last_newline_are_fine),
		INI(a_broken_line_is_named),
		INI(long_lines_are_whole),
		INI(lines_of_every_length_are_whole),
		INI(limits_are_named),
		INI(many_continuations_stay_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
