/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "kind/supervisor_rpc.h"

static struct arena arena = ARENA_INIT;

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct rpc_answer
answer(const char *text)
{
	struct error err = ERROR_INIT;
	struct rpc_answer got = { 0 };

	assert_int_equal(rpc_read_answer(&arena, text, strlen(text), &got,
					 &err), 0);
	assert_string_equal(err.text, "");
	return got;
}

static void
assert_refused(const char *text, const char *part)
{
	struct error err = ERROR_INIT;
	struct rpc_answer got = { .fault = 77 };

	assert_int_equal(rpc_read_answer(&arena, text, strlen(text), &got,
					 &err), -1);
	assert_non_null(strstr(err.text, part));
	assert_int_equal(got.fault, 77);
}

static void
a_call_is_written_with_its_arguments(void **state)
{
	const struct rpc_argument arguments[] = {
		{ RPC_TEXT, "a<b & 'c'", 0 }, { RPC_INT, NULL, -5 },
		{ RPC_BOOL, NULL, 1 }, { RPC_END, NULL, 0 },
	};
	own_str struct str out = STR_INIT(4096);

	rpc_write_call("supervisor.x", arguments, &out);
	assert_string_equal(str_get(&out), "<?xml version=\"1.0\"?>"
		"<methodCall><methodName>supervisor.x</methodName><params>"
		"<param><value><string>a&lt;b &amp; &apos;c&apos;</string>"
		"</value></param><param><value><int>-5</int></value></param>"
		"<param><value><boolean>1</boolean></value></param>"
		"</params></methodCall>");
}

static void
a_call_without_arguments(void **state)
{
	own_str struct str out = STR_INIT(4096);

	rpc_write_call("m", NULL, &out);
	assert_string_equal(str_get(&out), "<?xml version=\"1.0\"?>"
		"<methodCall><methodName>m</methodName><params></params>"
		"</methodCall>");
}

static void
a_fault_has_code_and_text(void **state)
{
	/* As supervisor 4.2.5 sends it. */
	struct rpc_answer got = answer(
		"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n"
		"<value><struct>\n<member>\n<name>faultCode</name>\n"
		"<value><int>10</int></value>\n</member>\n<member>\n"
		"<name>faultString</name>\n"
		"<value><string>BAD_NAME: x&#x9b;y</string></value>\n</member>\n"
		"</struct></value>\n</fault>\n</methodResponse>\n");

	assert_int_equal(got.fault, RPC_BAD_NAME);
	assert_string_equal(got.fault_text, "BAD_NAME: x\\xc2\\x9by");
	assert_null(got.value);
}

static void
a_fault_without_a_code_is_a_fault(void **state)
{
	struct rpc_answer got = answer("<methodResponse><fault><value>"
		"<struct></struct></value></fault></methodResponse>");

	assert_int_equal(got.fault, RPC_FAILED);
	assert_string_equal(got.fault_text, "no reason given");
}

static void
answers_that_are_none_are_refused(void **state)
{
	assert_refused("", "supervisord's answer");
	assert_refused("<html>login</html>", "no methodResponse: <html>");
	assert_refused("<methodResponse/>", "neither a value nor a fault");
	assert_refused("<methodResponse><params><param>", "answer");
}

static void
values_of_another_type_give_the_fallback(void **state)
{
	struct rpc_answer got = answer("<methodResponse><params><param><value>"
		"<array><data><value>bare</value><value><int>x</int></value>"
		"<value><i4>7</i4></value></data></array></value></param>"
		"</params></methodResponse>");
	const struct xml *at = rpc_first(got.value);

	assert_string_equal(rpc_text(at, "f"), "bare");
	assert_int_equal(rpc_number(at, 42), 42);
	at = rpc_next(at);
	assert_int_equal(rpc_number(at, 42), 42);
	at = rpc_next(at);
	assert_int_equal(rpc_number(at, 42), 7);
	assert_null(rpc_next(at));
	assert_null(rpc_member(at, "name"));
	assert_null(rpc_first(at));
	assert_string_equal(rpc_text(NULL, "f"), "f");
	assert_int_equal(rpc_number(NULL, 3), 3);
}

#define MEMBER(name, value) \
	"<member><name>" name "</name><value>" value "</value></member>"

static void
processes_are_read(void **state)
{
	struct rpc_answer got = answer("<methodResponse><params><param><value>"
		"<array><data><value><struct>"
		MEMBER("name", "<string>php-fpm</string>")
		MEMBER("group", "<string>web</string>")
		MEMBER("start", "<int>1542712800</int>")
		MEMBER("now", "<int>1542712803</int>")
		MEMBER("state", "<int>30</int>")
		MEMBER("statename", "<string>BACKOFF</string>")
		MEMBER("spawnerr", "<string>Exited too quickly</string>")
		MEMBER("exitstatus", "<int>70</int>")
		MEMBER("stderr_logfile", "<string></string>")
		MEMBER("stdout_logfile", "<string>/tmp/o</string>")
		MEMBER("pid", "<int>0</int>")
		"</struct></value><value><struct></struct></value></data>"
		"</array></value></param></params></methodResponse>");
	struct rpc_processes processes;

	rpc_read_processes(&arena, got.value, &processes);
	assert_int_equal(processes.n, 2);
	assert_string_equal(processes.item[0].name, "php-fpm");
	assert_string_equal(processes.item[0].group, "web");
	assert_int_equal(processes.item[0].state, RPC_BACKOFF);
	assert_string_equal(processes.item[0].state_name, "BACKOFF");
	assert_string_equal(processes.item[0].spawn_error,
			    "Exited too quickly");
	assert_int_equal(processes.item[0].exit_status, 70);
	assert_string_equal(processes.item[0].stderr_log, "");
	assert_string_equal(processes.item[1].name, "");
	assert_int_equal(processes.item[1].state, RPC_STATE_UNKNOWN);
}

#define TEXT(text) "<value><string>" text "</string></value>"
#define LIST(items) "<value><array><data>" items "</data></array></value>"

static void
changes_are_read_from_an_array_too_many(void **state)
{
	struct rpc_answer got = answer("<methodResponse><params><param>"
		LIST(LIST(LIST(TEXT("a") TEXT("b")) LIST("") LIST(TEXT("c"))))
		"</param></params></methodResponse>");
	struct rpc_changes changes;

	rpc_read_changes(&arena, got.value, &changes);
	assert_string_equal(changes.added[0], "a");
	assert_string_equal(changes.added[1], "b");
	assert_null(changes.added[2]);
	assert_null(changes.changed[0]);
	assert_string_equal(changes.removed[0], "c");
	assert_null(changes.removed[1]);
}

static void
changes_of_another_shape_are_none(void **state)
{
	struct rpc_answer got = answer("<methodResponse><params><param><value>"
		"<int>1</int></value></param></params></methodResponse>");
	struct rpc_changes changes;

	rpc_read_changes(&arena, got.value, &changes);
	assert_null(changes.added[0]);
	assert_null(changes.changed[0]);
	assert_null(changes.removed[0]);
}

static void
credentials_are_encoded(void **state)
{
	/* RFC 7617, section 2; RFC 4648, section 10 for the padding. */
	assert_string_equal(rpc_authorization(&arena, "Aladdin",
		"open sesame"), "Authorization: Basic "
		"QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_string_equal(rpc_authorization(&arena, "", ""),
			    "Authorization: Basic Og==");
	assert_string_equal(rpc_authorization(&arena, "a", "b"),
			    "Authorization: Basic YTpi");
	assert_string_equal(rpc_authorization(&arena, "a", ""),
			    "Authorization: Basic YTo=");
}

#define TEST(name) cmocka_unit_test_teardown(name, release_arena)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_is_written_with_its_arguments),
		TEST(a_call_without_arguments),
		TEST(a_fault_has_code_and_text),
		TEST(a_fault_without_a_code_is_a_fault),
		TEST(answers_that_are_none_are_refused),
		TEST(values_of_another_type_give_the_fallback),
		TEST(processes_are_read),
		TEST(changes_are_read_from_an_array_too_many),
		TEST(changes_of_another_shape_are_none),
		TEST(credentials_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
