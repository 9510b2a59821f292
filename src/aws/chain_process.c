/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain_process.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "base/process.h"

#define OUTPUT_MAX ((size_t)64 * 1024)
#define PROCESS_MS (60 * 1000)
#define WORDS_MAX 64

extern char **environ;

/* One word at *AT into OUT, which has room; *AT moves behind it. */
static bool
take_word(const char **at, char *out)
{
	char quote = '\0';
	const char *p = *at;

	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (quote != '\'' && *p == '\\' && p[1])
			*out++ = *++p;
		else if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else
			*out++ = *p;
	}
	*out = '\0';
	*at = p;
	return !quote;
}

const char *const *
command_words(struct arena *arena, const char *command)
{
	const char **words = arena_array(arena, WORDS_MAX + 1, sizeof(*words));
	size_t n = 0;

	for (;;) {
		char *word;

		command += strspn(command, " \t");
		if (!*command || n == WORDS_MAX)
			break;
		word = arena_alloc(arena, strlen(command) + 1);
		if (!take_word(&command, word))
			return NULL;
		words[n++] = word;
	}
	return words;
}

static bool
is_secret(const char *variable)
{
	return str_starts(variable, "AWS_SECRET_ACCESS_KEY=") ||
	       str_starts(variable, "AWS_SESSION_TOKEN=") ||
	       str_starts(variable, "AWS_CONTAINER_AUTHORIZATION_TOKEN=");
}

static const char *const *
environment(struct arena *arena)
{
	const char **kept;
	size_t n = 0, to = 0;

	while (environ[n])
		n++;
	kept = arena_array(arena, n + 1, sizeof(*kept));
	for (size_t i = 0; i < n; i++)
		if (!is_secret(environ[i]))
			kept[to++] = environ[i];
	return kept;
}

/* Whoever could change the program could take the keys, and be root. */
static int
guard(const char *program, struct error *err)
{
	char found[PATH_MAX];

	/* (One with a slash in it is found from / on, as it is run.) */
	if (!strchr(program, '/') &&
	    !process_find(-1, program, found, sizeof(found)))
		return 0;
	if (strchr(program, '/'))
		snprintf(found, sizeof(found), "%s%s",
			 *program == '/' ? "" : "/", program);
	return path_guard(-1, found, err) == 0
		? 0 : error_in(err, "root does not run %s", program);
}

static int
run(struct chain *chain, struct arena *arena, const char *const *words,
    struct str *output, struct error *err)
{
	struct process_run process = {
		.argv = words,
		.env = environment(arena),
		.rootfd = -1,
		.deadline = deadline_within(chain->deadline, PROCESS_MS),
		.output = output,
		.quiet_stderr = true,
	};
	struct process_status status;
	char text[80];

	if (guard(words[0], err) < 0 ||
	    process_run(&process, &status, err) < 0)
		return -1;
	if (status.exit == 0)
		return 0;
	return error_raise(err, ERROR_COMMAND, "%s: %s; run it by hand to "
			   "see why", words[0],
			   process_status_text(&status, text, sizeof(text)));
}

int
process_keys(struct chain *chain, const char *command,
	     struct credentials *ret_credentials, struct error *err)
{
	/* Not in the chain's own memory: the child that becomes the program
	 * must see them. */
	struct arena arena = ARENA_INIT;
	const char *const *words = command_words(&arena, command);
	own_str struct str output = STR_INIT(OUTPUT_MAX);
	int rc;

	if (!words || !words[0]) {
		arena_release(&arena);
		return error_raise(err, ERROR_USAGE, "credential_process: no "
				   "program, or a quote that is not closed");
	}
	rc = run(chain, &arena, words, &output, err);
	if (rc == 0 && credentials_from_json(str_get(&output), output.len,
					     ret_credentials, err) < 0)
		rc = error_in(err, "%s", words[0]);
	if (rc < 0)
		error_in(err, "credential_process");
	else
		snprintf(ret_credentials->source,
			 sizeof(ret_credentials->source),
			 "credential_process %.100s", words[0]);
	arena_release(&arena);
	return rc < 0 ? -1 : 1;
}
