/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "kind/supervisor_config.h"

#define HERE "/srv/supervisor/conf.d/x.conf"

static struct arena arena = ARENA_INIT;

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct supervisor_file
parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct supervisor_file file = { 0 };

	assert_int_equal(supervisor_file_read(&arena, "x.conf", HERE, text,
		strlen(text), false, &file, &err), 0);
	assert_string_equal(err.text, "");
	return file;
}

static void
assert_refused(const char *text, const char *message)
{
	struct error err = ERROR_INIT;
	struct supervisor_file file = { .n_programs = 77 };

	assert_int_equal(supervisor_file_read(&arena, "x.conf", HERE, text,
		strlen(text), false, &file, &err), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_string_equal(err.text, message);
	assert_int_equal(file.n_programs, 77);
}

static void
a_program_is_read_with_supervisors_defaults(void **state)
{
	struct supervisor_file file =
		parse("[program:nginx]\ncommand=/opt/nginx -g 'daemon off;'\n");
	const struct supervisor_program *program = file.programs;

	assert_int_equal(file.n_programs, 1);
	assert_string_equal(program->name, "nginx");
	assert_string_equal(program->group, "nginx");
	assert_string_equal(program->executable, "/opt/nginx");
	assert_string_equal(program->file, HERE);
	assert_int_equal(program->line, 2);
	assert_true(program->autostart);
	assert_false(program->autorestart);
	assert_true(program->unexpected);
	assert_int_equal(program->startsecs, 1);
	assert_int_equal(program->stopwaitsecs, 10);
	assert_string_equal(program->exit_codes, "0");
	assert_null(program->directory);
}

static void
every_setting_that_matters_is_read(void **state)
{
	struct supervisor_file file = parse(
		"[program:a]\nCommand = /bin/a   ; why\nAUTOSTART=False\n"
		"autorestart=true # always\nstartsecs=7\nstopwaitsecs=99\n"
		"exitcodes=0,2\ndirectory=/srv/a\n");
	const struct supervisor_program *program = file.programs;

	assert_string_equal(program->command, "/bin/a");
	assert_false(program->autostart);
	assert_true(program->autorestart);
	assert_false(program->unexpected);
	assert_int_equal(program->startsecs, 7);
	assert_int_equal(program->stopwaitsecs, 99);
	assert_string_equal(program->exit_codes, "0,2");
	assert_string_equal(program->directory, "/srv/a");
}

static void
the_paths_in_a_command_are_found(void **state)
{
	struct supervisor_file file = parse(
		"[program:a]\ncommand=/opt/a/bin/a -c/opt/a/etc/a.conf -p "
		"/opt/a/ --pid=/run/a.pid relative/x 'say /not/this' / -v\n");
	const char *const *paths = file.programs->paths;

	assert_string_equal(paths[0], "/opt/a/bin/a");
	assert_string_equal(paths[1], "/opt/a/etc/a.conf");
	assert_string_equal(paths[2], "/opt/a");
	assert_string_equal(paths[3], "/run/a.pid");
	assert_null(paths[4]);
}

static void
words_are_split_as_a_shell_would(void **state)
{
	struct supervisor_file file = parse(
		"[program:a]\ncommand=\"/opt/my program/run\" x\\ y\n"
		"[program:b]\ncommand=/opt/it\\'s\n");

	assert_string_equal(file.programs[0].executable,
			    "/opt/my program/run");
	assert_string_equal(file.programs[1].executable, "/opt/it's");
}

static void
names_in_percent_are_expanded(void **state)
{
	struct supervisor_file file = parse(
		"[program:a]\ncommand=%(here)s/%(program_name)s 100%%\n"
		"[program:b]\ncommand=%(ENV_HOME)s/b\n");

	assert_string_equal(file.programs[0].command,
			    "/srv/supervisor/conf.d/a 100%");
	/* What only supervisord knows cannot be looked for. */
	assert_null(file.programs[1].executable);
}

static void
groups_take_their_programs(void **state)
{
	struct supervisor_file file = parse(
		"[program:a]\ncommand=/bin/a\n[program:b]\ncommand=/bin/b\n"
		"[group:web]\nprograms = a, c\n");

	assert_int_equal(file.n_groups, 1);
	assert_string_equal(file.programs[0].group, "web");
	assert_string_equal(file.programs[1].group, "b");
	assert_string_equal(file.groups->programs[1], "c");
}

static void
listeners_and_fcgi_programs_are_programs(void **state)
{
	struct supervisor_file file = parse(
		"[eventlistener:e]\ncommand=/bin/e\nevents=TICK_5\n"
		"[fcgi-program:f]\nsocket=tcp://127.0.0.1:9\ncommand=/bin/f\n");

	assert_int_equal(file.n_programs, 2);
	assert_string_equal(file.programs[0].name, "e");
	assert_string_equal(file.programs[1].name, "f");
}

static void
windows_files_and_byte_order_marks_are_read(void **state)
{
	struct supervisor_file file =
		parse("\xEF\xBB\xBF[program:a]\r\ncommand=/bin/a\r\n");

	assert_int_equal(file.n_programs, 1);
	assert_string_equal(file.programs->executable, "/bin/a");
}

static void
a_heading_inside_a_value_is_no_section(void **state)
{
	struct supervisor_file file = parse(
		"[program:a]\ncommand=/bin/a\nenvironment=\n"
		"  [program:b]\n");

	assert_int_equal(file.n_programs, 1);
}

static void
broken_files_are_refused_with_name_and_line(void **state)
{
	assert_refused("", "x.conf: this is no supervisor program file: it "
		       "has no [program:...] section");
	assert_refused("[supervisord]\nlogfile=/x\n", "x.conf: this is no "
		       "supervisor program file: it has no [program:...] "
		       "section");
	assert_refused("\n[program:a]\nautostart=true\n",
		       "x.conf:2: program:a has no command");
	assert_refused("[program:a]\n[program:b]\ncommand=/b\n",
		       "x.conf:1: program:a has no command");
	assert_refused("[program:]\ncommand=/b\n",
		       "x.conf:1: a program without a name");
	assert_refused("[program:a]\n\ncommand =\n",
		       "x.conf:3: the command is empty");
	assert_refused("[program:a]\ncommand=/bin/sh -c 'x\n",
		       "x.conf:2: a quote in the command is not closed");
	assert_refused("[program:a]\ncommand=/a\nstartsecs=1s\n",
		       "x.conf:3: startsecs is not a number");
	assert_refused("[group:g]\npriority=1\n",
		       "x.conf:1: group:g has no programs");
}

static void
the_main_file_says_where_supervisord_listens(void **state)
{
	static const char text[] =
		"[unix_http_server]\nfile=%(here)s/s.sock ; here\n"
		"username = u\npassword = p%%w\n"
		"[supervisord]\nnodaemon=true\n"
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
		"supervisor.rpcinterface:make_main_rpcinterface\n"
		"[include]\nfiles = conf.d/*.conf /etc/s/../t/*.ini\n"
		"[program:own]\ncommand=/bin/own\n";
	struct supervisor_config config = { 0 };
	struct error err = ERROR_INIT;

	assert_int_equal(supervisor_main_read(&arena, "s.conf",
		"/srv/s/s.conf", text, strlen(text), &config, &err), 0);
	assert_string_equal(config.socket, "/srv/s/s.sock");
	assert_int_equal(config.socket_line, 2);
	assert_string_equal(config.user, "u");
	assert_string_equal(config.password, "p%w");
	assert_true(config.has_rpc);
	assert_true(config.nodaemon);
	assert_string_equal(config.patterns[0], "/srv/s/conf.d/*.conf");
	assert_string_equal(config.patterns[1], "/etc/t/*.ini");
	assert_null(config.patterns[2]);
	assert_int_equal(config.n_programs, 1);
}

static void
a_main_file_may_lack_almost_everything(void **state)
{
	static const char text[] = "[supervisord]\n";
	struct supervisor_config config = { .socket = "x" };
	struct error err = ERROR_INIT;

	assert_int_equal(supervisor_main_read(&arena, "s.conf", "/s.conf",
		text, strlen(text), &config, &err), 0);
	assert_null(config.socket);
	assert_null(config.user);
	assert_false(config.has_rpc);
	assert_false(config.nodaemon);
	assert_null(config.patterns[0]);
	assert_int_equal(config.n_programs, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, release_arena)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_program_is_read_with_supervisors_defaults),
		TEST(every_setting_that_matters_is_read),
		TEST(the_paths_in_a_command_are_found),
		TEST(words_are_split_as_a_shell_would),
		TEST(names_in_percent_are_expanded),
		TEST(groups_take_their_programs),
		TEST(listeners_and_fcgi_programs_are_programs),
		TEST(windows_files_and_byte_order_marks_are_read),
		TEST(a_heading_inside_a_value_is_no_section),
		TEST(broken_files_are_refused_with_name_and_line),
		TEST(the_main_file_says_where_supervisord_listens),
		TEST(a_main_file_may_lack_almost_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
