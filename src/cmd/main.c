/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/options.h"

/* A daemon manager may start us with 0, 1 or 2 closed; a file that we open
 * must not become stdout. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int
run_command(struct options *options, int argc, char **argv, int at,
	    struct error *err)
{
	const struct command *command;
	const char *name = at < argc ? argv[at] : NULL;

	if (!name)
		return error_raise(err, ERROR_USAGE,
			"no command; 'fitout help' lists them");
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return help_print(NULL, err);
	if (!strcmp(name, "--version"))
		name = "version";
	command = command_find(name);
	if (!command)
		return command_unknown(name, err);
	if (at + 1 < argc && (!strcmp(argv[at + 1], "--help") ||
			      !strcmp(argv[at + 1], "-h")))
		return help_print(name, err);
	return command->run(options, argc - at - 1, argv + at + 1, err);
}

int
main(int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct options options = {
		.arena = &arena,
		.log_level = LOG_LEVEL_INFO,
		.progress = "auto",
	};
	struct log_options log = { .level = LOG_LEVEL_INFO, .fd = 2 };
	int at = argc, status;

	fill_standard_descriptors();
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(022);
	log_open(&log);
	status = options_parse(&options, argc, argv, &at, &err);
	if (status == 0) {
		log.level = options.log_level;
		log.json = options.json;
		log_open(&log);
		status = run_command(&options, argc, argv, at, &err);
	}
	if (status < 0) {
		log_error("run.error", NULL, "%s", err.text);
		status = error_exit_status(&err);
	}
	if (fflush(stdout) != 0 && status == 0) {
		log_error("run.error", NULL, "cannot write the result to stdout");
		status = 1;
	}
	arena_release(&arena);
	return status;
}
