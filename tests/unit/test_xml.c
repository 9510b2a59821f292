/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/xml.h"

static struct arena arena = ARENA_INIT;

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static const struct xml *
parse(const char *text)
{
	struct error err = ERROR_INIT;
	const struct xml *root = xml_parse(&arena, text, strlen(text), &err);

	assert_string_equal(err.text, "");
	assert_non_null(root);
	return root;
}

static void
assert_refused(const char *text, enum error_code code, const char *part)
{
	struct error err = ERROR_INIT;

	assert_null(xml_parse(&arena, text, strlen(text), &err));
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, part));
}

/* What supervisord answers to supervisor.getProcessInfo. */
static const char answer[] =
	"<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>"
	"<struct>\n<member>\n<name>name</name>\n<value><string>nginx</string>"
	"</value>\n</member>\n<member>\n<name>pid</name>\n<value><int>12</int>"
	"</value>\n</member>\n</struct></value>\n</param>\n</params>\n"
	"</methodResponse>\n";

static void
a_real_answer_is_walked(void **state)
{
	const struct xml *root = parse(answer), *member;

	assert_string_equal(root->name, "methodResponse");
	member = xml_at(root, "params/param/value/struct/member");
	assert_non_null(member);
	assert_string_equal(xml_text(member, "name", "-"), "name");
	assert_string_equal(xml_text(member, "value/string", "-"), "nginx");
	assert_string_equal(xml_text(member->next, "name", "-"), "pid");
	assert_string_equal(xml_text(member->next, "value/int", "-"), "12");
	assert_null(member->next->next);
}

static void
what_is_missing_is_null_or_the_fallback(void **state)
{
	const struct xml *root = parse("<a><bc/></a>");

	assert_null(xml_at(root, "b"));
	assert_null(xml_at(root, "bcd"));
	assert_null(xml_at(root, "bc/x"));
	assert_null(xml_at(NULL, "a"));
	assert_string_equal(xml_text(root, "none", "fb"), "fb");
	assert_string_equal(xml_text(root, "bc", "fb"), "");
	assert_ptr_equal(xml_at(root, ""), root);
}

static void
text_is_joined_and_entities_are_resolved(void **state)
{
	const struct xml *root = parse(
		"<a>one &amp; <b>inner</b>two&#x20;&lt;<![CDATA[<&>]]></a>");

	assert_string_equal(root->text, "one & two <<&>");
	assert_string_equal(xml_text(root, "b", "-"), "inner");
}

static void
prefixes_are_dropped_from_names(void **state)
{
	const struct xml *root = parse(
		"<s:Envelope xmlns:s='urn:x'><s:Body x='1'>t</s:Body>"
		"</s:Envelope>");

	assert_string_equal(root->name, "Envelope");
	assert_string_equal(xml_text(root, "Body", "-"), "t");
}

static void
another_encoding_becomes_utf8(void **state)
{
	const struct xml *root = parse(
		"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>");

	assert_string_equal(root->text, "\xc3\xa9");
}

static void
doctypes_and_entities_are_refused(void **state)
{
	assert_refused("<!DOCTYPE a><a/>", ERROR_FORMAT, "document type");
	assert_refused("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
		       ERROR_FORMAT, "document type");
	assert_refused("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
		       ERROR_FORMAT, "document type");
	assert_refused("<a>&undefined;</a>", ERROR_FORMAT, "entity");
}

static void
what_is_not_xml_is_refused_with_its_place(void **state)
{
	assert_refused("", ERROR_FORMAT, "line 1");
	assert_refused("no xml", ERROR_FORMAT, "line 1, column 1:");
	assert_refused("<a>\n<b></a>", ERROR_FORMAT, "line 2");
	assert_refused("<a>", ERROR_FORMAT, "line 1");
	assert_refused("<a/><b/>", ERROR_FORMAT, "line 1, column 5:");
	assert_refused("<a>\xff</a>", ERROR_FORMAT, "line 1");
	assert_refused("<a x='1' x='2'/>", ERROR_FORMAT, "line 1");
}

static struct xml *
parse_nested(size_t depth, struct error *err)
{
	own_str struct str text = STR_INIT(10000);

	for (size_t i = 0; i < depth; i++)
		str_add(&text, "<a>text");
	for (size_t i = 0; i < depth; i++)
		str_add(&text, "</a>");
	return xml_parse(&arena, str_get(&text), text.len, err);
}

static void
depth_ends_at_64(void **state)
{
	struct error err = ERROR_INIT;

	assert_non_null(parse_nested(64, &err));
	assert_null(parse_nested(65, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "more than 64"));
}

static struct xml *
parse_wide(size_t n, struct error *err)
{
	own_str struct str text = STR_INIT(1 << 20);

	str_add(&text, "<r>");
	for (size_t i = 1; i < n; i++)
		str_add(&text, "<a/>");
	str_add(&text, "</r>");
	return xml_parse(&arena, str_get(&text), text.len, err);
}

static void
elements_end_at_100000(void **state)
{
	struct error err = ERROR_INIT;

	assert_non_null(parse_wide(100000, &err));
	assert_null(parse_wide(100001, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "more than 100000"));
}

static void
escaped_text_comes_back_as_it_was(void **state)
{
	own_str struct str text = STR_INIT(1000);

	xml_add_escaped(&text, "plain");
	assert_string_equal(str_get(&text), "plain");
	str_clear(&text);
	xml_add_escaped(&text, "");
	assert_string_equal(str_get(&text), "");
	xml_add_escaped(&text, "<a b=\"c\" d='e'>&amp;</a>]]>");
	assert_string_equal(str_get(&text),
			    "&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;amp;"
			    "&lt;/a&gt;]]&gt;");
	str_clear(&text);
	str_add(&text, "<x>");
	xml_add_escaped(&text, "<&>\"'x");
	str_add(&text, "</x>");
	assert_string_equal(parse(str_get(&text))->text, "<&>\"'x");
}

#define XML(test) cmocka_unit_test_teardown(test, release_arena)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		XML(a_real_answer_is_walked),
		XML(what_is_missing_is_null_or_the_fallback),
		XML(text_is_joined_and_entities_are_resolved),
		XML(prefixes_are_dropped_from_names),
		XML(another_encoding_becomes_utf8),
		XML(doctypes_and_entities_are_refused),
		XML(what_is_not_xml_is_refused_with_its_place),
		XML(depth_ends_at_64),
		XML(elements_end_at_100000),
		XML(escaped_text_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
