/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "profile/reader.h"

/* Kinds of our own, with a key of every type. */

struct part_spec {
	const char *hook;
	int64_t wait_s;
};

struct thing_spec {
	const char *name, *to, *relative, *sha256, *choice, *literal, *secret;
	bool flag, world_writable;
	int64_t number, offset, size, wait_s;
	int32_t mode;
	const char *const *texts, *const *relatives, *const *urls, *const *run;
	const struct part_spec *part;
};

#define AT(member) offsetof(struct thing_spec, member)

static const char *const choices[] = { "always", "never", NULL };

static const struct key part_keys[] = {
	{ "hook", KEY_TEXT, KEY_REQUIRED, offsetof(struct part_spec, hook),
	  .text = "its hook" },
	{ "wait", KEY_DURATION, 0, offsetof(struct part_spec, wait_s),
	  .fallback = "5m", .text = "" },
	{ NULL }
};

static const struct key thing_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, AT(name), .text = "its name" },
	{ "to", KEY_PATH, 0, AT(to), .text = "" },
	{ "relative", KEY_RELATIVE, 0, AT(relative), .text = "" },
	{ "sha256", KEY_DIGEST, 0, AT(sha256), .text = "" },
	{ "choice", KEY_CHOICE, 0, AT(choice), .fallback = "never",
	  .choices = choices, .text = "" },
	{ "literal", KEY_TEXT, KEY_LITERAL, AT(literal), .text = "" },
	{ "secret", KEY_DIGEST, KEY_SECRET, AT(secret), .text = "" },
	{ "flag", KEY_BOOL, 0, AT(flag), .text = "" },
	{ "number", KEY_NUMBER, 0, AT(number), .fallback = "7", .text = "" },
	{ "offset", KEY_NUMBER, KEY_SIGNED, AT(offset), .text = "" },
	{ "size", KEY_SIZE, 0, AT(size), .fallback = "1k", .text = "" },
	{ "wait", KEY_DURATION, 0, AT(wait_s), .text = "" },
	{ "mode", KEY_MODE, 0, AT(mode), .text = "" },
	{ "world_writable", KEY_BOOL, 0, AT(world_writable), .text = "" },
	{ "texts", KEY_TEXTS, 0, AT(texts), .text = "" },
	{ "relatives", KEY_RELATIVES, 0, AT(relatives), .text = "" },
	{ "urls", KEY_URLS, 0, AT(urls), .text = "" },
	{ "run", KEY_ARGV, 0, AT(run), .text = "" },
	{ "part", KEY_GROUP, 0, AT(part), .keys = part_keys,
	  .group_size = sizeof(struct part_spec), .text = "" },
	{ NULL }
};

struct word_spec {
	const char *word;
};
static const struct key word_keys[] = {
	{ "word", KEY_TEXT, KEY_REQUIRED, offsetof(struct word_spec, word),
	  .text = "" },
	{ NULL }
};

struct probe_spec {
	const char *name, *http;
	const char *const *run;
	int32_t mode;
};
static const struct key probe_keys[] = {
	{ "http", KEY_TEXT, 0, offsetof(struct probe_spec, http),
	  .text = "" },
	{ "run", KEY_ARGV, 0, offsetof(struct probe_spec, run), .text = "" },
	{ "name", KEY_TEXT, 0, offsetof(struct probe_spec, name),
	  .text = "" },
	{ "mode", KEY_MODE, 0, offsetof(struct probe_spec, mode),
	  .text = "" },
	{ NULL }
};

static int checks_run;
static size_t resources_seen;

static void
thing_check(const struct resource *resource, const struct profile *profile,
	    struct problems *problems)
{
	checks_run++;
	resources_seen = profile->n;
	if (strcmp(resource->name, "cursed") == 0)
		problems_add(problems, resource_place(resource, "number"),
			     "%s is cursed", resource->label);
}

static const struct kind thing = {
	.name = "thing", .block = "things", .shape = BLOCK_LIST,
	.phase = PHASE_PLACE, .keys = thing_keys,
	.spec_size = sizeof(struct thing_spec), .name_key = "name",
	.destination_key = "to", .check = thing_check,
};
static const struct kind word = {
	.name = "word", .block = "words", .shape = BLOCK_TEXTS,
	.phase = PHASE_PREPARE, .keys = word_keys,
	.spec_size = sizeof(struct word_spec), .name_key = "word",
};
static const struct kind probe = {
	.name = "probe", .block = "probes", .shape = BLOCK_LIST,
	.phase = PHASE_CHECK, .keys = probe_keys,
	.spec_size = sizeof(struct probe_spec), .name_key = "name",
};
static const struct kind boss = {
	.name = "boss", .block = "boss", .shape = BLOCK_GROUP,
	.phase = PHASE_GATE, .keys = probe_keys,
	.spec_size = sizeof(struct probe_spec),
};
static const struct kind *const kinds[] = { &thing, &word, &probe, &boss,
					    NULL };

static struct arena arena = ARENA_INIT;
static struct problems problems;
static struct reader_options options;
static char directory[] = "/tmp/fitout-test-reader-XXXXXX";

static int
start(void **state)
{
	problems_init(&problems, &arena);
	options = (struct reader_options){ .kinds = kinds };
	checks_run = 0;
	return 0;
}

static int
finish(void **state)
{
	arena_release(&arena);
	return 0;
}

static const struct profile *
read_all(const char *text, size_t n)
{
	const struct profile *profile = NULL;
	struct error err = ERROR_INIT;
	int status = reader_read(&arena, "p.cfg", directory, text, n,
				 &options, &problems, &profile, &err);

	if (status == 0) {
		assert_int_equal(problems.total, 0);
		assert_string_equal(err.text, "");
		assert_non_null(profile);
		return profile;
	}
	assert_int_equal(status, -1);
	assert_int_equal(err.code, ERROR_PROFILE);
	assert_true(problems.total > 0);
	assert_null(profile);
	return NULL;
}

/* BODY behind a head of two lines: its first line is line 3. */
static const struct profile *
read_body(const char *body)
{
	const char *text = arena_printf(&arena, "fitout = 1;\nname = \"t\";\n"
					"%s", body);

	return read_all(text, strlen(text));
}

static const struct profile *
read_good(const char *body)
{
	const struct profile *profile = read_body(body);
	own_str struct str out = STR_INIT(64 * 1024);

	if (!profile) {
		problems_print(&problems, &out);
		assert_string_equal(str_get(&out), "");
	}
	return profile;
}

static void
assert_problems(const char *body, const char *want)
{
	own_str struct str out = STR_INIT(64 * 1024);

	assert_null(read_body(body));
	problems_print(&problems, &out);
	assert_string_equal(str_get(&out), want);
	problems_init(&problems, &arena);
}

/* HEAD and one thing of these settings. */
static const struct thing_spec *
thing_after(const char *head, const char *settings)
{
	const struct profile *profile = read_good(arena_printf(
		&arena, "%s things = ( { name = \"x\"; %s } );\n", head,
		settings));

	assert_int_equal(profile->n, 1);
	return profile->resources[0].spec;
}

static const struct thing_spec *
only_thing(const char *settings)
{
	return thing_after("", settings);
}

static void
put(const char *name, const char *text, size_t n)
{
	own_file FILE *file = fopen(arena_printf(&arena, "%s/%s", directory,
						 name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
}

static void
a_profile_becomes_resources_by_kind_and_place(void **state)
{
	const struct profile *profile = read_good(
		"budget = \"2m\";\n"
		"boss = { http = \"http://x\"; };\n"
		"words = [ \"b\", \"a\" ];\n"
		"things = (\n"
		"  { name = \"one\";\n"
		"    to = \"/one\"; },\n"
		"  { name = \"two\"; },   # a comma left behind\n"
		");\n");
	const struct resource *one = &profile->resources[0];

	assert_int_equal(profile->version, 1);
	assert_string_equal(profile->name, "t");
	assert_string_equal(profile->source, "p.cfg");
	assert_int_equal(profile->budget_s, 120);
	assert_int_equal(profile->keep_generations, 2);
	assert_null(profile->signal);
	assert_int_equal(profile->n, 5);
	assert_string_equal(one->label, "thing one");
	assert_string_equal(one->destination, "/one");
	assert_int_equal(one->where.line, 7);
	assert_int_equal(resource_place(one, "to").line, 8);
	assert_int_equal(resource_place(one, "mode").line, 7);
	assert_int_equal(resource_place(one, NULL).line, 7);
	assert_null(profile->resources[1].destination);
	assert_string_equal(profile->resources[2].label, "word b");
	assert_string_equal(profile->resources[3].label, "word a");
	assert_string_equal(profile->resources[4].label, "boss");
	assert_ptr_equal(profile_find(profile, "thing", "two"),
			 &profile->resources[1]);
	assert_int_equal(checks_run, 2);
	assert_int_equal(resources_seen, 5);
}

static void
what_is_not_said_has_its_fallback(void **state)
{
	const struct thing_spec *spec = only_thing("");

	assert_null(spec->to);
	assert_null(spec->texts);
	assert_null(spec->part);
	assert_false(spec->flag);
	assert_int_equal(spec->number, 7);
	assert_int_equal(spec->size, 1024);
	assert_int_equal(spec->mode, -1);
	assert_string_equal(spec->choice, "never");
}

static void
every_type_of_value_is_stored(void **state)
{
	const struct thing_spec *spec = only_thing(
		"to = \"/a/b\"; relative = \"c/d\"; choice = \"always\";"
		"sha256 = \"ABCDEF00112233445566778899aabbcc"
		"ddeeff00112233445566778899AABBCC\";"
		"literal = \"${untouched}\"; flag = TRUE; number = 0x10;"
		"offset = -5; size = \"2M\"; wait = \"1h30m\";"
		"mode = \"0640\"; texts = [ \"a\", \"b\" ];"
		"relatives = \"logs\"; urls = ( \"http://h/x\","
		" \"s3://b/k\", \"file:///p\", \"https://h\" );"
		"run = [ \"/bin/true\" ]; part = { hook = \"boot\"; };");

	assert_string_equal(spec->to, "/a/b");
	assert_string_equal(spec->relative, "c/d");
	assert_string_equal(spec->choice, "always");
	assert_string_equal(spec->sha256,
			    "abcdef00112233445566778899aabbcc"
			    "ddeeff00112233445566778899aabbcc");
	assert_string_equal(spec->literal, "${untouched}");
	assert_true(spec->flag);
	assert_int_equal(spec->number, 16);
	assert_int_equal(spec->offset, -5);
	assert_int_equal(spec->size, 2 * 1024 * 1024);
	assert_int_equal(spec->wait_s, 5400);
	assert_int_equal(spec->mode, 0640);
	assert_string_equal(spec->texts[1], "b");
	assert_null(spec->texts[2]);
	assert_string_equal(spec->relatives[0], "logs");
	assert_null(spec->relatives[1]);
	assert_string_equal(spec->urls[3], "https://h");
	assert_null(spec->urls[4]);
	assert_string_equal(spec->run[0], "/bin/true");
	assert_string_equal(spec->part->hook, "boot");
	assert_int_equal(spec->part->wait_s, 300);
}

static void
numbers_need_no_suffix_to_be_large(void **state)
{
	assert_true(only_thing("number = 5000000000;")->number == 5000000000);
	assert_true(only_thing("size = 0x100000000;")->size == 0x100000000);
	assert_true(only_thing("offset = -9223372036854775808;")->offset ==
		    INT64_MIN);
}

static void
an_empty_list_is_said_but_empty(void **state)
{
	const struct thing_spec *spec = only_thing("texts = [ ];");

	assert_non_null(spec->texts);
	assert_null(spec->texts[0]);
}

static void
a_variable_gives_texts_numbers_and_truth(void **state)
{
	const struct thing_spec *spec = thing_after(
		"vars = { port = 8080; on = \"true\"; root = \"/srv\";"
		" dir = \"${root}/a\"; };",
		"number = \"${port}\"; flag = \"${on}\"; to = \"${dir}/x\";"
		"texts = [ \"${port}\", \"$${port}\" ];"
		"wait = \"${port}\";");

	assert_int_equal(spec->number, 8080);
	assert_int_equal(spec->wait_s, 8080);
	assert_true(spec->flag);
	assert_string_equal(spec->to, "/srv/a/x");
	assert_string_equal(spec->texts[0], "8080");
	assert_string_equal(spec->texts[1], "${port}");
}

static void
a_setting_of_the_command_line_wins(void **state)
{
	const struct variable settings[] = {
		{ "root", "/first" }, { "root", "/set" }, { "only", "here" },
		{ "unused", "fine" },
	};
	const struct thing_spec *spec;

	options.settings = settings;
	options.n_settings = 4;
	spec = thing_after("vars = { root = \"${nowhere}\";"
			   " sub = \"${root}\"; };",
			   "to = \"${root}/${only}${sub}\";");
	assert_string_equal(spec->to, "/set/here/set");
}

static void
the_environment_is_asked_without_a_source(void **state)
{
	setenv("FITOUT_TEST_READER", "from outside", 1);
	assert_string_equal(
		only_thing("texts = \"${env:FITOUT_TEST_READER}\";")->texts[0],
		"from outside");
	unsetenv("FITOUT_TEST_READER");
	assert_problems("things = ( { name = \"${env:FITOUT_TEST_READER}\"; }"
			" );",
			"p.cfg:3: name: undefined variable "
			"${env:FITOUT_TEST_READER}: the environment has no "
			"FITOUT_TEST_READER\n");
}

static const char *
instance_source(void *context, struct arena *in, const char *name,
		struct error *err)
{
	assert_ptr_equal(context, &options);
	return strcmp(name, "instance_id") == 0 ? "i-77" : NULL;
}

static void
the_instance_is_asked_of_the_callers_source(void **state)
{
	options.source = instance_source;
	options.source_context = &options;
	assert_string_equal(only_thing("texts = \"${instance_id}\";")->texts[0],
			    "i-77");
	assert_problems("things = ( { name = \"${region}\"; } );",
			"p.cfg:3: name: undefined variable ${region}: there "
			"is no instance metadata here; give its value with a "
			"variable of your own\n");
}

static void
a_broken_variable_is_told_once(void **state)
{
	assert_problems("vars = { a = \"${nope}\"; b = \"${a}/x\"; c = 1.5;\n"
			"  d = true; };\n"
			"things = ( { name = \"${b}\"; to = \"${c}${d}\";\n"
			"  relative = \"${new}\"; } );",
			"p.cfg:3: variable a: undefined variable ${nope}; "
			"define it in vars or with --set nope=VALUE\n"
			"p.cfg:3: variable c must be a text, found the "
			"fraction 1.5; put it in quotes\n"
			"p.cfg:4: variable d must be a text, found true; "
			"put it in quotes\n"
			"p.cfg:6: relative: undefined variable ${new}; "
			"define it in vars or with --set new=VALUE\n");
}

struct bad {
	const char *setting, *want;
};

static void
a_bad_value_says_what_it_must_be(void **state)
{
	static const struct bad bad[] = {
		{ "mode = 0644;", "mode must be a text such as \"0644\", "
		  "found the integer 644; put it in quotes" },
		{ "mode = \"rw\";", "mode \"rw\" must be 3 or 4 octal "
		  "digits, such as \"0644\"" },
		{ "mode = \"0888\";", "mode \"0888\" must be 3 or 4 octal "
		  "digits, such as \"0644\"" },
		{ "mode = \"00644\";", "mode \"00644\" must be 3 or 4 octal "
		  "digits, such as \"0644\"" },
		{ "to = \"a\";", "to \"a\" is not absolute" },
		{ "to = \"/a/../b\";", "to \"/a/../b\" has a component "
		  "\"..\"" },
		{ "relative = \"/a\";", "relative \"/a\" is absolute" },
		{ "relatives = [ \"a\", \"../b\" ];", "element 2 of relatives "
		  "\"../b\" has a component \"..\"" },
		{ "sha256 = \"abc\";", "sha256 \"abc\" must be a SHA-256 "
		  "digest of 64 hex digits, has 3 characters" },
		{ "choice = \"nevr\";", "choice \"nevr\" must be one of "
		  "\"always\", \"never\"; did you mean \"never\"?" },
		{ "choice = 1;", "choice must be one of \"always\", "
		  "\"never\", found the integer 1; put it in quotes" },
		{ "flag = 1;", "flag must be true or false, found the "
		  "integer 1" },
		{ "flag = \"yes\";", "flag must be true or false, found the "
		  "text \"yes\"" },
		{ "number = -1;", "number must not be negative, found -1" },
		{ "number = \"5x\";", "number must be a number, found the "
		  "text \"5x\"" },
		{ "number = 1.5;", "number must be a number, found the "
		  "fraction 1.5" },
		{ "number = \"99999999999999999999\";", "number must be a "
		  "number, found the text \"99999999999999999999\"" },
		{ "size = \"9999999999T\";", "size must be a number of bytes "
		  "or a text such as \"64M\", found the text "
		  "\"9999999999T\"" },
		{ "size = \"1kk\";", "size must be a number of bytes or a "
		  "text such as \"64M\", found the text \"1kk\"" },
		{ "wait = \"5 minutes\";", "wait must be a number of seconds "
		  "or a text such as \"15m\", found the text "
		  "\"5 minutes\"" },
		{ "texts = { };", "texts must be a text or a list of texts, "
		  "found a group" },
		{ "texts = ( \"a\", 5 );", "element 2 of texts must be a "
		  "text, found the integer 5; put it in quotes" },
		{ "urls = [ ];", "urls must be an address (http, https, s3 "
		  "or file) or a list of them, found an empty list" },
		{ "urls = \"ftp://h/x\";", "urls \"ftp://h/x\" must begin "
		  "with http://, https://, s3:// or file://" },
		{ "urls = \"http:///x\";", "urls \"http:///x\" has no host" },
		{ "urls = \"file://x\";", "urls \"file://x\" must have an "
		  "absolute path: file:///..." },
		{ "urls = \"http://u:pw@h/a b?token=t\";",
		  "urls \"http://h/a b\" has a blank or a control character; "
		  "write it as %20 or the like" },
		{ "run = \"ls\";", "run must be a list: the program and its "
		  "arguments, found the text \"ls\"" },
		{ "run = [ ];", "run must be a list: the program and its "
		  "arguments, found an empty list" },
		{ "run = [ \"\" ];", "run must begin with a program, found "
		  "an empty text" },
		{ "part = 3;", "part must be a group { ... }, found the "
		  "integer 3" },
		{ "part = { };", "this part has no hook, which is required: "
		  "its hook" },
		{ "part = { hook = \"x\"; hok = 1; };", "unknown key \"hok\" "
		  "in this part; did you mean \"hook\"?" },
		{ "secret = \"hunter2\";", "secret must be a SHA-256 digest "
		  "of 64 hex digits, has 7 characters" },
		{ "secret = 5;", "secret must be a SHA-256 digest, 64 hex "
		  "digits, found an integer; put it in quotes" },
		{ "mode = \"0666\";", "mode \"0666\" lets everyone write to "
		  "it; say world_writable = true if that is meant" },
		{ "nmae = 1;", "unknown key \"nmae\" in this thing; did you "
		  "mean \"name\"?" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_problems(
			arena_printf(&arena, "things = ( { name = \"x\"; %s } "
				     ");", bad[i].setting),
			arena_printf(&arena, "p.cfg:3: %s\n", bad[i].want));
}

static void
everyone_may_write_only_by_an_explicit_word(void **state)
{
	assert_int_equal(only_thing("mode = \"1777\"; world_writable = true;")
				 ->mode, 01777);
	assert_problems("boss = { mode = \"0002\"; };",
			"p.cfg:3: mode \"0002\" lets everyone write to it\n");
}

static void
all_problems_come_at_once(void **state)
{
	assert_problems("budgt = 5;\n"
			"keep_generations = 0;\n"
			"things = ( { },\n"
			"  { name = \"a\"; to = \"/a\"; nmber = 1; },\n"
			"  { name = \"a\"; to = \"/a\"; },\n"
			"  \"no group\",\n"
			"  { name = \"cursed\"; number = 3; } );\n"
			"words = { };\n"
			"boss = ( );\n"
			"other = 1;\n"
			"probes = \"x\";",
			"p.cfg:3: unknown key \"budgt\" in the profile; did "
			"you mean \"budget\"?\n"
			"p.cfg:4: keep_generations must be from 1 to 1000, "
			"found 0\n"
			"p.cfg:5: this thing has no name, which is required: "
			"its name\n"
			"p.cfg:6: unknown key \"nmber\" in this thing; did "
			"you mean \"number\"?\n"
			"p.cfg:7: thing a has the same destination as thing "
			"a: /a (said first at p.cfg:6)\n"
			"p.cfg:7: a second thing a; names are unique in "
			"things (said first at p.cfg:6)\n"
			"p.cfg:8: element 4 of things must be a group "
			"{ ... }, found the text \"no group\"\n"
			"p.cfg:9: thing cursed is cursed\n"
			"p.cfg:10: words must be a list of texts [ \"...\", "
			"\"...\" ], found a group\n"
			"p.cfg:11: boss must be a group { ... }, found an "
			"empty list\n"
			"p.cfg:12: unknown key \"other\" in the profile, "
			"which takes fitout, name, budget, keep_generations, "
			"serial, expires, signal, vars, things, words, probes, boss\n"
			"p.cfg:13: probes must be a list of groups "
			"( { ... }, { ... } ), found the text \"x\"\n");
}

static void
half_a_resource_is_not_asked_of_its_kind(void **state)
{
	assert_problems("things = ( { name = \"cursed\"; to = 5; } );",
			"p.cfg:3: to must be an absolute path, found the "
			"integer 5; put it in quotes\n");
	assert_int_equal(checks_run, 0);
}

static void
the_unnamed_are_called_by_their_first_text(void **state)
{
	const struct profile *profile = read_good(
		"probes = ( { http = \"http://u:p@h/x?sig=1\"; },\n"
		" { http = \"http://h/x\"; }, { run = [ \"a\", \"b\" ]; },\n"
		" { name = \"last\"; http = \"http://h\"; }, { } );");

	assert_string_equal(profile->resources[0].name, "http://h/x");
	assert_string_equal(profile->resources[1].name, "http://h/x (2)");
	assert_string_equal(profile->resources[2].label, "probe a b");
	assert_string_equal(profile->resources[3].name, "last");
	assert_string_equal(profile->resources[4].name, "?");
}

static void
a_name_is_fit_to_be_shown(void **state)
{
	char body[400];

	assert_problems("things = ( { name = \"\"; } );",
			"p.cfg:3: name of this thing must not be empty\n");
	assert_problems("things = ( { name = \"a\\nb\"; } );",
			"p.cfg:3: name of this thing has a control "
			"character\n");
	snprintf(body, sizeof(body), "things = ( { name = \"%0300d\"; } );",
		 0);
	assert_problems(body, "p.cfg:3: name of this thing is longer than "
			"200 bytes\n");
}

static void
the_profile_itself_is_checked(void **state)
{
	own_str struct str out = STR_INIT(64 * 1024);
	const char *text = "x = 1;";

	assert_problems("signal = { autoscaling = { hook = \"h\"; heartbeat = "
			"0; on_failure = \"hold\"; }; evidence = "
			"\"http://x\"; };",
			"p.cfg:3: on_failure \"hold\" must be \"abandon\", "
			"\"continue\" or \"hold\" with a time, such as "
			"\"hold 30m\" (no hook waits longer than 48h)\n"
			"p.cfg:3: heartbeat must be longer than 0\n"
			"p.cfg:3: evidence \"http://x\" must begin with "
			"s3:// or https://\n");
	assert_problems("signal = { evidence = \"https://h/x?sig=1\"; };",
			"p.cfg:3: evidence must have no \"?\" and no \"#\": "
			"the names of files are put behind it\n");
	assert_problems("signal = { autoscaling = { hook = \"a b\"; group = "
			"\"\"; on_failure = \"hold 49h\"; }; };",
			"p.cfg:3: on_failure \"hold 49h\" must be "
			"\"abandon\", \"continue\" or \"hold\" with a time, "
			"such as \"hold 30m\" (no hook waits longer than "
			"48h)\n"
			"p.cfg:3: hook must have 1 to 255 letters, digits, "
			"'-', '_' or '/'\n"
			"p.cfg:3: group must have 1 to 255 characters, none "
			"of them a control character\n");
	assert_problems("budget = 0;",
			"p.cfg:3: budget must be longer than 0\n");
	assert_problems("vars = [ ];",
			"p.cfg:3: vars must be a group { NAME = \"VALUE\"; }, "
			"found an empty list\n");
	assert_null(read_all(text, strlen(text)));
	problems_print(&problems, &out);
	assert_non_null(strstr(str_get(&out), "p.cfg:1: the profile has no "
			       "fitout, which is required: "));
	assert_non_null(strstr(str_get(&out), "p.cfg:1: the profile has no "
			       "name, which is required: "));
}

static void
a_signal_is_read_whole(void **state)
{
	const struct profile *profile = read_good(
		"signal = { autoscaling = { hook = \"bootstrap\";\n"
		"  on_failure = \"hold 30m\"; };\n"
		"  cloudformation = { stack = \"s\"; resource = \"r\"; };\n"
		"  evidence = \"s3://logs/\"; };");

	assert_string_equal(profile->signal->autoscaling->hook, "bootstrap");
	assert_string_equal(profile->signal->autoscaling->on_failure,
			    "hold 30m");
	/* A third of what the hook waits. */
	assert_int_equal(profile->signal->autoscaling->heartbeat_s, 0);
	assert_string_equal(profile->signal->console, "auto");
	assert_null(profile->signal->autoscaling->group);
	assert_string_equal(profile->signal->cloudformation->resource, "r");
	assert_string_equal(profile->signal->evidence, "s3://logs/");
}

static void
another_schema_is_the_only_problem(void **state)
{
	own_str struct str out = STR_INIT(64 * 1024);
	const char *text = "\nfitout = 2;\nnew_things = 5;\n";

	assert_null(read_all(text, strlen(text)));
	problems_print(&problems, &out);
	assert_string_equal(str_get(&out),
			    "p.cfg:2: this profile is written for schema 2, "
			    "this fitout reads 1\n");
}

static void
bytes_that_no_profile_has_are_told_with_their_line(void **state)
{
	static const char text[] = "\xef\xbb\xbfname = 1;\r\n\n\0\xff";
	own_str struct str out = STR_INIT(64 * 1024);

	assert_null(read_all(text, sizeof(text) - 1));
	problems_print(&problems, &out);
	assert_string_equal(str_get(&out),
		"p.cfg:1: begins with a byte order mark; save it as UTF-8 "
		"without one\n"
		"p.cfg:1: a carriage return; save it with line ends of Unix "
		"(LF, not CRLF)\n"
		"p.cfg:3: a NUL byte: this is not a text file\n"
		"p.cfg:3: bytes that are not UTF-8; save it as UTF-8\n");
}

static void
what_is_no_libconfig_is_told_in_plain_words(void **state)
{
	static const struct bad bad[] = {
		{ "a = b;", "misplaced \"b\": a text is written in double "
		  "quotes, or say true or false" },
		{ "a = \"x", "the text that begins here has no closing "
		  "quote" },
		{ "a = 'x';", "a single quote; a text is written in double "
		  "quotes" },
		{ "a = ( 1 2 );", "misplaced \"2\": a comma is missing "
		  "before it (the \"(\" opened at p.cfg:3 is still open)" },
		{ "a = ( , );", "misplaced \",\": there is nothing before "
		  "it (the \"(\" opened at p.cfg:3 is still open)" },
		{ "a = [ { } ];", "\"{\" inside [ ... ], which takes plain "
		  "values only; write a list of groups or lists as "
		  "( ... )" },
		{ "a = { b = 1; );", "\")\" where \"}\" should close the "
		  "\"{\" opened at p.cfg:3" },
		{ "a = { b = 1;", "this \"{\" is never closed" },
		{ "a = 1; }", "\"}\" closes nothing that is open" },
		{ "a = ;", "misplaced \";\": there is no value after the "
		  "\"=\"" },
		{ "a b = 1;", "misplaced \"b\": the name before it has no "
		  "\"= VALUE\"" },
		{ "a =", "\"a\" has no value" },
		{ "= 1;", "misplaced \"=\": there is no name before it" },
		{ "1;", "misplaced \"1\": a value needs its name: NAME = "
		  "VALUE;" },
		{ "a = 1;;", "misplaced \";\": there is nothing before it" },
		{ "a = [ 1, \"x\" ];", "values of different types in "
		  "[ ... ]; write a list of them as ( ... )" },
		{ "a = 1; a = 2;", "duplicate setting \"a\" (said first at "
		  "p.cfg:3)" },
		{ "name = \"again\";", "duplicate setting \"name\" (said "
		  "first at p.cfg:2)" },
		{ "a = 99999999999999999999;", "a number that does not fit "
		  "64 bits" },
		{ "a = 12ab;", "\"12ab\" is no number; a text is written in "
		  "double quotes" },
		{ "a = \"\\d\";", "an unknown escape in a text; there are "
		  "\\\\ \\\" \\n \\t \\r \\f and \\xNN (write \\\\ for one "
		  "backslash)" },
		{ "a = \"\\x00\";", "\\x00 in a text: a NUL byte cannot be "
		  "part of one" },
		{ "/* never", "the comment that begins here is never closed "
		  "by */" },
		{ "a = $b;", "\"$\" outside of a text; a text is written in "
		  "double quotes (\"...\")" },
		{ "@define x", "an unknown directive; there is only @include "
		  "\"FILE\"" },
		{ "@include x", "@include needs a file name in double quotes "
		  "on the same line" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_problems(bad[i].setting,
				arena_printf(&arena, "p.cfg:3: %s\n",
					     bad[i].want));
}

static void
lines_are_those_of_the_values(void **state)
{
	assert_problems("things = (\n"
			"  /* two\n"
			"     lines */\n"
			"  { name = \"a\n"
			"b\";\n"
			"    texts = [ \"x\",\n"
			"      \"y\"\n"
			"    ];\n"
			"    relatives = [\n"
			"      \"ok\",\n"
			"      \"/bad\"\n"
			"    ];\n"
			"    number = # here\n"
			"      \"bad\"\n"
			"    ;\n"
			"  }\n"
			");\n"
			"last = 1;",
			"p.cfg:6: name of this thing has a control "
			"character\n"
			"p.cfg:13: element 2 of relatives \"/bad\" is "
			"absolute\n"
			"p.cfg:15: number must be a number, found the text "
			"\"bad\"\n"
			"p.cfg:20: unknown key \"last\" in the profile, which "
			"takes fitout, name, budget, keep_generations, "
			"serial, expires, signal, vars, things, words, probes, boss\n");
}

static void
nesting_is_bounded(void **state)
{
	char text[200] = "a = ";

	memset(text + 4, '(', 40);
	assert_problems(text, "p.cfg:3: groups and lists are nested more "
			"than 32 deep\n");
}

static void
settings_of_a_group_are_bounded(void **state)
{
	own_str struct str text = STR_INIT(1024 * 1024);

	for (int i = 0; i < 5000; i++)
		str_addf(&text, "a%d=1\n", i);
	assert_null(read_body(str_get(&text)));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.item[0].text,
			    "more than 4096 settings in one group");
}

#define PUT(name, text) put((name), (text), strlen(text))

static void
an_include_stands_where_it_is_named(void **state)
{
	const struct profile *profile;

	PUT("words.inc", "words = [ \"a\"\n ]");
	PUT("inner.inc", "\"b\",");
	PUT("outer.inc", "things = (\n { name = \"x\"; texts = [\n"
	    "@include \"inner.inc\"\n \"c\" ]; } );");
	profile = read_good("@include \"words.inc\"\n;\n"
			    "@include \"outer.inc\"\n");
	assert_int_equal(profile->n, 2);
	assert_string_equal(((const struct thing_spec *)
			     profile->resources[0].spec)->texts[0], "b");
	assert_string_equal(profile->resources[0].where.file,
			    arena_printf(&arena, "%s/outer.inc", directory));
	assert_int_equal(profile->resources[0].where.line, 2);
}

static void
lines_go_on_behind_an_include(void **state)
{
	const char *inc = arena_printf(&arena, "%s/v.inc", directory);

	PUT("v.inc", "\n\nvars = {\n a = 1.5; };\n");
	assert_problems("@include \"v.inc\"\n\nx = 1;\n",
			arena_printf(&arena,
			"%s:4: variable a must be a text, found the fraction "
			"1.5; put it in quotes\n"
			"p.cfg:5: unknown key \"x\" in the profile, which "
			"takes fitout, name, budget, keep_generations, "
			"serial, expires, signal, vars, things, words, probes, boss\n", inc));
}

static void
an_include_that_cannot_be_is_told_where_it_is_named(void **state)
{
	const char *at = directory;

	mkdir(arena_printf(&arena, "%s/dir", at), 0755);
	PUT("empty.inc", "");
	PUT("self.inc", "@include \"self.inc\"");
	PUT("crlf.inc", "a = 1;\nb = 2;\r\n");
	assert_problems("@include \"gone.inc\"",
			arena_printf(&arena, "p.cfg:3: include: "
				     "%s/gone.inc: cannot be read: No such "
				     "file or directory; correct the path\n",
				     at));
	assert_problems("@include \"dir\"",
			arena_printf(&arena, "p.cfg:3: include: "
				     "%s/dir: is a directory, not a "
				     "profile; name a file\n", at));
	assert_problems("@include \"empty.inc\"",
			arena_printf(&arena, "p.cfg:3: include: "
				     "%s/empty.inc: is empty; what a profile "
				     "says: fitout help fitout.cfg\n", at));
	assert_problems("@include \"self.inc\"",
			arena_printf(&arena, "%s/self.inc:1: %s/self.inc "
				     "includes itself\n", at, at));
	assert_problems("@include \"crlf.inc\"",
			arena_printf(&arena, "%s/crlf.inc:2: a carriage "
				     "return; save it with line ends of Unix "
				     "(LF, not CRLF)\n", at));
}

static void
includes_are_bounded(void **state)
{
	own_str struct str out = STR_INIT(64 * 1024);

	for (int i = 0; i < 12; i++) {
		const char *text = arena_printf(&arena,
			"@include \"deep%d.inc\"\n", i + 1);

		put(arena_printf(&arena, "deep%d.inc", i), text,
		    strlen(text));
	}
	assert_null(read_body("@include \"deep0.inc\""));
	problems_print(&problems, &out);
	assert_string_equal(str_get(&out),
		arena_printf(&arena, "%s/deep7.inc:1: too much is included: "
			     "more than 100 files, or 8 deep, or 8388608 "
			     "bytes\n", directory));
}

static void
a_text_from_elsewhere_includes_nothing(void **state)
{
	static const char text[] = "@include \"v.inc\"";
	const struct profile *profile;
	struct error err = ERROR_INIT;

	assert_int_equal(reader_read(&arena, "http://h/p.cfg", NULL, text,
				     strlen(text), &options, &problems,
				     &profile, &err), -1);
	assert_string_equal(problems.item[0].text,
			    "@include needs a profile that is a file beside "
			    "what it includes");
}

static void
assert_unreadable(const char *name, const char *want)
{
	const char *path = arena_printf(&arena, "%s/%s", directory, name);
	const struct profile *profile;
	struct error err = ERROR_INIT;

	assert_int_equal(reader_read_file(&arena, path, &options, &problems,
					  &profile, &err), -1);
	assert_int_equal(err.code, ERROR_PROFILE);
	assert_int_equal(problems.total, 0);
	assert_string_equal(err.text, arena_printf(&arena, "%s: %s", path,
						   want));
}

static void
a_file_that_is_no_profile_is_an_error_that_names_it(void **state)
{
	char *big = arena_alloc(&arena, PROFILE_BYTES_MAX + 1);

	memset(big, '#', PROFILE_BYTES_MAX + 1);
	put("big.cfg", big, PROFILE_BYTES_MAX + 1);
	put("empty.cfg", "", 0);
	mkfifo(arena_printf(&arena, "%s/fifo", directory), 0600);
	mkdir(arena_printf(&arena, "%s/d.cfg", directory), 0755);
	assert_unreadable("gone.cfg",
			  "cannot be read: No such file or directory; "
			  "correct the path");
	assert_unreadable("d.cfg", "is a directory, not a profile; name a file");
	assert_unreadable("fifo", "is not a regular file");
	assert_unreadable("empty.cfg", "is empty; what a profile says: "
			  "fitout help fitout.cfg");
	assert_unreadable("big.cfg", "is 1048577 bytes long; a profile has "
			  "at most 1048576");
}

static void
a_file_is_read_with_what_lies_beside_it(void **state)
{
	const struct profile *profile = NULL;
	struct error err = ERROR_INIT;
	const char *path = arena_printf(&arena, "%s/main.cfg", directory);

	PUT("main.cfg", "@include \"head.inc\"\nwords = [ \"a\" ];");
	PUT("head.inc", "fitout = 1; name = \"n\";");
	assert_int_equal(reader_read_file(&arena, path, &options, &problems,
					  &profile, &err), 0);
	assert_string_equal(profile->name, "n");
	assert_string_equal(profile->source, path);
	assert_int_equal(profile->n, 1);
}

/* Whatever is cut off or changed, reading ends in a model or in problems. */
static void
no_damage_to_a_profile_does_harm(void **state)
{
	static const char text[] =
		"fitout = 1; name = \"t\"; /* c */ vars = { a = \"b\"; };\n"
		"things = ( { name = \"x${a}\"; mode = \"0644\"; number = "
		"0x1f; # e\n texts = [ \"q\\x41\", \"r\" ]; part = { hook = "
		"\"h\"; }; }, );\nwords = [ \"w\" ]; boss : { };\n";
	static const char noise[] = "{}()[]=:;,\"\\@#/*-+.0aE\n\x01\xff";
	char damaged[sizeof(text)];

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		finish(NULL);
		start(NULL);
		read_all(text, n);
		for (size_t i = 0; i < sizeof(noise) - 1; i++) {
			memcpy(damaged, text, sizeof(text));
			damaged[n] = noise[i];
			problems_init(&problems, &arena);
			read_all(damaged, sizeof(text) - 1);
		}
	}
}

static int
make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int
remove_directory(void **state)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	own_closedir(dir);
	return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_profile_becomes_resources_by_kind_and_place),
		TEST(what_is_not_said_has_its_fallback),
		TEST(every_type_of_value_is_stored),
		TEST(numbers_need_no_suffix_to_be_large),
		TEST(an_empty_list_is_said_but_empty),
		TEST(a_variable_gives_texts_numbers_and_truth),
		TEST(a_setting_of_the_command_line_wins),
		TEST(the_environment_is_asked_without_a_source),
		TEST(the_instance_is_asked_of_the_callers_source),
		TEST(a_broken_variable_is_told_once),
		TEST(a_bad_value_says_what_it_must_be),
		TEST(everyone_may_write_only_by_an_explicit_word),
		TEST(all_problems_come_at_once),
		TEST(half_a_resource_is_not_asked_of_its_kind),
		TEST(the_unnamed_are_called_by_their_first_text),
		TEST(a_name_is_fit_to_be_shown),
		TEST(the_profile_itself_is_checked),
		TEST(a_signal_is_read_whole),
		TEST(another_schema_is_the_only_problem),
		TEST(bytes_that_no_profile_has_are_told_with_their_line),
		TEST(what_is_no_libconfig_is_told_in_plain_words),
		TEST(lines_are_those_of_the_values),
		TEST(nesting_is_bounded),
		TEST(settings_of_a_group_are_bounded),
		TEST(an_include_stands_where_it_is_named),
		TEST(lines_go_on_behind_an_include),
		TEST(an_include_that_cannot_be_is_told_where_it_is_named),
		TEST(includes_are_bounded),
		TEST(a_text_from_elsewhere_includes_nothing),
		TEST(a_file_that_is_no_profile_is_an_error_that_names_it),
		TEST(a_file_is_read_with_what_lies_beside_it),
		TEST(no_damage_to_a_profile_does_harm),
	};

	return cmocka_run_group_tests_name("reader", tests, make_directory,
					   remove_directory);
}
