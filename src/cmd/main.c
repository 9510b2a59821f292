/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/imds.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/log_journal.h"
#include "cmd/command.h"
#include "cmd/defaults.h"
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

/* Defaults come first, so that the command line has the last word; which
 * file they are in, the command line says. */
static int
read_options(struct options *options, struct log_options *log, int argc,
	     char **argv, int *ret_at, struct error *err)
{
	struct options first = *options;
	const struct command *command;

	if (options_parse(&first, argc, argv, ret_at, err) < 0)
		return -1;
	log->json = first.json;
	log_open(log);
	command = *ret_at < argc ? command_find(argv[*ret_at]) : NULL;
	if (command && !command->bare &&
	    defaults_read(first.config, options, err) < 0)
		return -1;
	if (options_parse(options, argc, argv, ret_at, err) < 0)
		return -1;
	log->level = options->log_level;
	log_open(log);
	return 0;
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
		.progress_fd = -1,
		.trust = { .arena = &arena },
		.serial_jump = 100 * 1000 * 1000,
	};
	struct log_options log = { .level = LOG_LEVEL_INFO, .fd = 2 };
	int at = argc, status;

	fill_standard_descriptors();
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(022);
	log.journal_fd = log_journal_open(2);
	log_open(&log);
	status = read_options(&options, &log, argc, argv, &at, &err);
	if (status == 0)
		status = run_command(&options, argc, argv, at, &err);
	if (status < 0) {
		struct log_facts facts = LOG_NO_FACTS;

		facts.error = &err;
		log_facts(LOG_LEVEL_ERROR, "run.error", NULL, &facts, "%s",
			  err.text);
		status = error_exit_status(&err);
	}
	if (fflush(stdout) != 0 && status == 0) {
		log_error("run.error", NULL, "cannot write the result to stdout");
		status = 1;
	}
	imds_free(options.imds);
	arena_release(&arena);
	return status;
}
