/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "import/script_private.h"

/* "-fsSo" ends in "-o". */
static bool
ends_cluster(const char *word, const char *option)
{
	size_t n = strlen(word);

	return strlen(option) == 2 && n > 2 && word[0] == '-' &&
	       word[1] != '-' && word[n - 1] == option[1] &&
	       strspn(word + 1, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n - 1;
}

const char *
script_option(const char *const *args, size_t n, const char *option)
{
	size_t length = strlen(option);

	for (size_t i = 0; i < n; i++) {
		if (option[length - 1] == '=') {
			if (str_starts(args[i], option))
				return args[i] + length;
		} else if (strcmp(args[i], option) == 0 ||
			   ends_cluster(args[i], option)) {
			return i + 1 < n ? args[i + 1] : NULL;
		}
	}
	return NULL;
}

size_t
script_operands(const char *const *args, size_t n, const char **out,
		size_t max)
{
	size_t found = 0;

	for (size_t i = 0; i < n && found < max; i++)
		if (args[i][0] != '-' || !args[i][1])
			out[found++] = args[i];
	return found;
}

bool
script_letter(const char *const *args, size_t n, char c)
{
	for (size_t i = 0; i < n; i++)
		if (args[i][0] == '-' && args[i][1] != '-' &&
		    strchr(args[i] + 1, c))
			return true;
	return false;
}

static bool
is_among(const char *name, const char *names)
{
	size_t n = strlen(name);

	for (const char *at = names; n > 0 && (at = strstr(at, name)); at += n)
		if ((at == names || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static const struct script_row *
find_row(const char *name)
{
	const struct script_row *tables[2] = { script_place_rows,
					       script_system_rows };

	for (size_t i = 0; i < 2; i++)
		for (const struct script_row *row = tables[i]; row->names; row++)
			if (is_among(name, row->names))
				return row;
	return NULL;
}

/* Words that only a shell could know leave what they stand for unknown. */
static bool
is_known(const struct shell_command *command)
{
	for (size_t i = 0; i < command->n; i++)
		if (command->words[i].unknown)
			return false;
	return true;
}

static bool
has_bare_variable(const struct shell_command *command)
{
	for (size_t i = 0; i < command->n; i++)
		if (command->words[i].bare_variable)
			return true;
	return false;
}

/* [ -n $pid ] with nothing in pid is [ -n ], which is true. */
static void
judge_test(struct script *script, const char *const *args, size_t n)
{
	if (has_bare_variable(script->command) && n > 0 &&
	    (strcmp(args[0], "-n") == 0 || strcmp(args[0], "-z") == 0))
		draft_fault(script->draft, script->command->line,
			    "[ %s %s ] without quotes is not a test: when "
			    "there is nothing in it, [ -n ] is true", args[0],
			    n > 1 ? args[1] : "");
}

/* What a script does beside its work. */
static bool
is_idle(struct script *script, const char *name, const char *const *args,
	size_t n)
{
	if (strcmp(name, "[") == 0 || strcmp(name, "[[") == 0 ||
	    strcmp(name, "test") == 0) {
		judge_test(script, args, n);
		return true;
	}
	if (strcmp(name, "set") == 0) {
		if (script_letter(args, n, 'e') ||
		    (n > 1 && strcmp(args[1], "errexit") == 0))
			script->stops_on_error = true;
		return true;
	}
	if (strcmp(name, "sleep") == 0) {
		draft_fault(script->draft, script->command->line,
			    "sleep waits for a time, not for what is needed; "
			    "checks = ( ... ) wait until it holds");
		return true;
	}
	if (is_among(name, "sha256sum sha512sum gpg minisign")) {
		script->compares_digests = true;
		return true;
	}
	return !script->command->output &&
	       is_among(name, "echo printf export exit true : pgrep pidof ps "
			"which command date logger umask hash return local "
			"trap exec");
}

bool
script_command(struct script *script, const char *program, const char *name,
	       const char *const *args, size_t n)
{
	const struct script_row *row;

	if (is_idle(script, name, args, n))
		return true;
	if (!is_known(script->command))
		return false;
	/* "./install" is what the script fetched, not install(1). */
	if (strchr(program, '/') && find_row("*")->read(script, program, args, n))
		return true;
	row = find_row(name);
	if (!row && str_starts(program, "/etc/init.d/")) {
		const char *words[] = { name, n > 0 ? args[0] : "" };

		return find_row("service")->read(script, "service", words, 2);
	}
	return row && row->read(script, program, args, n);
}
