/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_journal.h"
#include "base/str.h"

static int pipe_fds[2];
static char record[16 * 1024];

static int
open_pipe(void **state)
{
	return pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK);
}

static int
close_pipe(void **state)
{
	log_open(&(struct log_options){ .level = LOG_LEVEL_INFO });
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return 0;
}

static void
open_log(bool json, enum log_level level)
{
	log_open(&(struct log_options){ .json = json, .level = level,
					.fd = pipe_fds[1] });
}

/* Everything logged since the last call. */
static const char *
logged(void)
{
	ssize_t n = read(pipe_fds[0], record, sizeof(record) - 1);

	record[n > 0 ? n : 0] = '\0';
	return record;
}

/* "[   0.123] " at the start; what stands behind it. */
static const char *
behind_the_time(const char *line)
{
	const char *p = line + 1;

	assert_int_equal(line[0], '[');
	while (*p == ' ')
		p++;
	assert_true(isdigit(*p));
	while (isdigit(*p))
		p++;
	assert_int_equal(p - line, 5);
	assert_int_equal(*p++, '.');
	for (int i = 0; i < 3; i++)
		assert_true(isdigit(*p++));
	assert_int_equal(p[0], ']');
	assert_int_equal(p[1], ' ');
	return p + 2;
}

static void
people_see_time_resource_and_text(void **state)
{
	open_log(false, LOG_LEVEL_INFO);
	log_info("fetch.done", "package nginx", "%d bytes", 5);
	assert_string_equal(behind_the_time(logged()),
			    "package nginx: 5 bytes\n");
	log_info("run.start", NULL, "hello");
	assert_string_equal(behind_the_time(logged()), "hello\n");
}

static void
people_see_the_word_warning_or_error(void **state)
{
	open_log(false, LOG_LEVEL_DEBUG);
	log_warning("x", "package nginx", "unverified");
	assert_string_equal(behind_the_time(logged()),
			    "warning: package nginx: unverified\n");
	log_error("x", NULL, "it failed");
	assert_string_equal(behind_the_time(logged()), "error: it failed\n");
	log_debug("x", NULL, "detail");
	assert_string_equal(behind_the_time(logged()), "detail\n");
}

static void
records_below_the_level_are_dropped(void **state)
{
	open_log(false, LOG_LEVEL_WARNING);
	log_debug("x", NULL, "no");
	log_info("x", NULL, "no");
	assert_string_equal(logged(), "");
	log_warning("x", NULL, "yes");
	assert_string_equal(behind_the_time(logged()), "warning: yes\n");
}

static struct json *
parse_record(void)
{
	struct error err = ERROR_INIT;
	const char *line = logged();
	struct json *object;

	assert_true(str_ends(line, "}\n"));
	assert_null(memchr(line, '\n', strlen(line) - 1));
	object = json_parse(line, strlen(line), &err);
	assert_non_null(object);
	return object;
}

static void
json_records_have_their_keys_and_values(void **state)
{
	own_json struct json *object = NULL;
	const char *when;

	open_log(true, LOG_LEVEL_INFO);
	log_warning("fetch.retry", "package \"a\\b\"", "say \"%s\"", "x\\y");
	object = parse_record();
	assert_int_equal(json_count(object), 6);
	assert_string_equal(json_text(object, "level", ""), "warning");
	assert_string_equal(json_text(object, "event", ""), "fetch.retry");
	assert_string_equal(json_text(object, "resource", ""),
			    "package \"a\\b\"");
	assert_string_equal(json_text(object, "message", ""),
			    "say \"x\\y\"");
	assert_in_range(json_number(object, "elapsed_ms", -1), 0, 600000);
	when = json_text(object, "time", "");
	assert_int_equal(strlen(when), strlen("2026-11-23T02:03:04.123Z"));
	assert_int_equal(when[10], 'T');
	assert_int_equal(when[19], '.');
	assert_int_equal(when[23], 'Z');
}

static void
a_record_without_resource_has_no_such_key(void **state)
{
	own_json struct json *object = NULL;

	open_log(true, LOG_LEVEL_INFO);
	log_info("run.start", NULL, "hello");
	object = parse_record();
	assert_int_equal(json_count(object), 5);
	assert_null(json_at(object, "resource"));
}

static void
foreign_bytes_are_escaped_in_both_forms(void **state)
{
	own_json struct json *object = NULL;

	open_log(false, LOG_LEVEL_INFO);
	log_info("x", "pack\nage", "%s", "\x1b[31m \xff\n");
	assert_string_equal(behind_the_time(logged()),
			    "pack\\x0aage: \\x1b[31m \\xff\\x0a\n");
	open_log(true, LOG_LEVEL_INFO);
	log_info("x", NULL, "%s", "\x1b[31m \xff\n");
	object = parse_record();
	assert_string_equal(json_text(object, "message", ""),
			    "\\x1b[31m \\xff\\x0a");
}

static void
a_message_of_any_length_stays_one_whole_record(void **state)
{
	own_json struct json *object = NULL;
	char text[9000];

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	open_log(false, LOG_LEVEL_INFO);
	log_info("x", NULL, "%s", text);
	assert_true(str_ends(logged(), "\"\n"));
	assert_in_range(strlen(record), 1900, 2100);
	open_log(true, LOG_LEVEL_INFO);
	log_info(text, text, "%s", text);
	object = parse_record();
	assert_true(str_starts(json_text(object, "message", ""), "\"\"\""));
	assert_true(str_ends(json_text(object, "event", ""), "\"..."));
}

static void
errno_is_as_before_even_when_nobody_can_read(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(full >= 0);
	log_open(&(struct log_options){ .level = LOG_LEVEL_INFO, .fd = full });
	errno = EXDEV;
	log_info("x", NULL, "lost");
	assert_int_equal(errno, EXDEV);
	close(full);
}

static void
the_descriptor_is_stderr_unless_told(void **state)
{
	log_open(&(struct log_options){ .level = LOG_LEVEL_ERROR });
	assert_int_equal(log_fd(), 2);
	open_log(false, LOG_LEVEL_ERROR);
	assert_int_equal(log_fd(), pipe_fds[1]);
}

static void
levels_have_four_names(void **state)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	assert_int_equal(log_level_parse("error", &level), 0);
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("info", &level), 0);
	assert_int_equal(level, LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("warning", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_int_equal(log_level_parse("warn", &level), -1);
	assert_int_equal(log_level_parse("", &level), -1);
	assert_int_equal(log_level_parse("INFO", &level), -1);
	assert_int_equal(level, LOG_LEVEL_WARNING);
}

static void
addresses_are_shown_without_secrets(void **state)
{
	static const char *const pairs[][2] = {
		{ "https://host/path/x.tar", "https://host/path/x.tar" },
		{ "https://user:secret@host:8443/p", "https://host:8443/p" },
		{ "https://a@b:secret@host/p", "https://host/p" },
		{ "https://host/p?X-Amz-Signature=secret", "https://host/p" },
		{ "https://host/p#secret", "https://host/p" },
		{ "https://host?secret=1", "https://host" },
		{ "https://user:secret@host?q@r", "https://host" },
		{ "https://host/scope@1.2/x", "https://host/scope@1.2/x" },
		{ "s3://bucket/key", "s3://bucket/key" },
		{ "file:///srv/x.tar", "file:///srv/x.tar" },
		{ "/srv/profile@home.cfg", "/srv/profile@home.cfg" },
		{ "https://host/\x1b[31m", "https://host/\\x1b[31m" },
		{ "", "" },
	};
	char buf[100];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(url_redact(pairs[i][0], buf, sizeof(buf)),
				    pairs[i][1]);
	assert_string_equal(url_redact("https://u:p@host/long", buf, 12),
			    "https://...");
}

#define WITH_PIPE(test) \
	cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

static void
facts_are_members_of_the_json_form(void **state)
{
	struct error err;
	struct log_facts facts = { .duration_ms = 12, .bytes = 34,
				   .error = &err };
	struct error parse_error = ERROR_INIT;
	const char *line;

	error_raise_at(&err, ERROR_NETWORK, "src/a.c", 7, "gone");
	open_log(true, LOG_LEVEL_INFO);
	log_facts(LOG_LEVEL_ERROR, "x.y", "package a", &facts, "%s", err.text);
	line = logged();
	own_json struct json *value = json_parse(line, strlen(line),
						 &parse_error);
	assert_non_null(value);
	assert_int_equal(json_number(value, "duration_ms", 0), 12);
	assert_int_equal(json_number(value, "bytes", 0), 34);
	assert_string_equal(json_text(value, "error.code", ""), "network");
	assert_string_equal(json_text(value, "error.source", ""), "src/a.c");
	assert_int_equal(json_number(value, "error.line", 0), 7);
	log_info("x.z", NULL, "text");
	assert_null(strstr(logged(), "duration_ms"));
}

static char observed[200];

static void
observe(void *data, enum log_level level, const char *event,
	const char *resource, const char *message)
{
	snprintf(observed, sizeof observed, "%d %s %s %s", (int)level, event,
		 resource ? resource : "-", message);
}

static void
an_observer_is_told_of_warnings_whatever_the_level(void **state)
{
	open_log(false, LOG_LEVEL_ERROR);
	log_set_observer(observe, NULL);
	log_info("a.b", NULL, "not this");
	assert_string_equal(observed, "");
	log_warning("a.b", "file\033", "that\n");
	assert_string_equal(observed, "2 a.b file\\x1b that\\x0a");
	assert_string_equal(logged(), "");
	log_set_observer(NULL, NULL);
}

static void
write_elsewhere(void *data, const char *line, size_t n)
{
	snprintf(data, 200, "%.*s", (int)n, line);
}

static void
a_writer_gets_whole_records(void **state)
{
	char got[200] = "";

	open_log(false, LOG_LEVEL_INFO);
	log_set_writer(write_elsewhere, got);
	log_info("a.b", NULL, "text");
	log_set_writer(NULL, NULL);
	assert_string_equal(logged(), "");
	assert_string_equal(behind_the_time(got), "text\n");
}

static void
a_datagram_of_the_journal_has_a_field_a_line(void **state)
{
	const struct log_facts facts = { .duration_ms = 5, .bytes = -1 };
	struct journal_record fields = { LOG_LEVEL_WARNING, "fetch.retry",
					 "package a", "again", &facts };
	char out[200];
	size_t n = log_journal_form(&fields, out, sizeof out);

	assert_int_equal(n, strlen(out));
	assert_string_equal(out, "MESSAGE=package a: again\nPRIORITY=4\n"
		"SYSLOG_IDENTIFIER=fitout\nFITOUT_EVENT=fetch.retry\n"
		"FITOUT_RESOURCE=package a\nFITOUT_DURATION_MS=5\n");
	/* What does not fit is left out whole. */
	n = log_journal_form(&fields, out, 40);
	assert_string_equal(out, "MESSAGE=package a: again\nPRIORITY=4\n");
	assert_int_equal(n, strlen(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PIPE(people_see_time_resource_and_text),
		WITH_PIPE(people_see_the_word_warning_or_error),
		WITH_PIPE(records_below_the_level_are_dropped),
		WITH_PIPE(json_records_have_their_keys_and_values),
		WITH_PIPE(a_record_without_resource_has_no_such_key),
		WITH_PIPE(foreign_bytes_are_escaped_in_both_forms),
		WITH_PIPE(a_message_of_any_length_stays_one_whole_record),
		WITH_PIPE(errno_is_as_before_even_when_nobody_can_read),
		WITH_PIPE(the_descriptor_is_stderr_unless_told),
		WITH_PIPE(facts_are_members_of_the_json_form),
		WITH_PIPE(an_observer_is_told_of_warnings_whatever_the_level),
		WITH_PIPE(a_writer_gets_whole_records),
		cmocka_unit_test(
			a_datagram_of_the_journal_has_a_field_a_line),
		cmocka_unit_test(levels_have_four_names),
		cmocka_unit_test(addresses_are_shown_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
