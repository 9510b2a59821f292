/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion in a shell. The script of each shell only asks this very binary
 * (--line) and hands on the answer, so it is right for every version.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/command.h"
#include "cmd/complete.h"

#define CANDIDATES_BYTES_MAX (1024 * 1024)

/* bash cuts words at "=" as well: put them together again. */
static const char bash[] =
"_fitout() {\n"
"	local IFS=$'\\n' line cur=$2\n"
"	COMPREPLY=()\n"
"	while read -r line; do\n"
"		case $line in\n"
"		:directories) COMPREPLY+=($(compgen -d -- \"$cur\")) ;;\n"
"		:files) COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
"		:profiles) COMPREPLY+=($(compgen -d -- \"$cur\")\n"
"			$(compgen -f -X '!*.cfg' -- \"$cur\")) ;;\n"
"		*) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
"		esac\n"
"	done < <(\"${COMP_WORDS[0]}\" completion --line -- \\\n"
"		\"${COMP_WORDS[@]:1:COMP_CWORD-1}\" \"$cur\" 2>/dev/null)\n"
"	[ ! -d \"${COMPREPLY[0]-}\" ] || compopt -o filenames 2>/dev/null\n"
"}\n"
"complete -F _fitout fitout\n";

static const char zsh[] =
"#compdef fitout\n"
"_fitout() {\n"
"	local line\n"
"	local -a candidates\n"
"	for line in ${(f)\"$($words[1] completion --line -- \\\n"
"		\"${(@)words[2,CURRENT]}\" 2>/dev/null)\"}; do\n"
"		case $line in\n"
"		:directories) _files -/ ;;\n"
"		:files) _files ;;\n"
"		:profiles) _files -g '*.cfg' ;;\n"
"		*) candidates+=(\"${${line//:/\\\\:}/$'\\t'/:}\") ;;\n"
"		esac\n"
"	done\n"
"	_describe fitout candidates\n"
"}\n"
"if [ \"$funcstack[1]\" = _fitout ]; then _fitout; else "
"compdef _fitout fitout; fi\n";

static const char fish[] =
"function __fitout_complete\n"
"	set -l words (commandline -opc)\n"
"	set -l program $words[1]\n"
"	for line in ($program completion --line -- $words[2..] "
"(commandline -ct) 2>/dev/null)\n"
"		switch $line\n"
"		case :directories\n"
"			__fish_complete_directories (commandline -ct)\n"
"		case :files\n"
"			__fish_complete_path (commandline -ct)\n"
"		case :profiles\n"
"			__fish_complete_suffix .cfg\n"
"		case '*'\n"
"			printf '%s\\n' $line\n"
"		end\n"
"	end\n"
"end\n"
"complete -c fitout -f -a '(__fitout_complete)'\n";

static const struct {
	const char *shell, *script;
} scripts[] = {
	{ "bash", bash },
	{ "zsh", zsh },
	{ "fish", fish },
};

static const struct option_row completion_options[] = {
	{ "line", NULL },
	{ NULL, NULL }
};

static int
print_script(const char *shell, struct error *err)
{
	char shown[64];

	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		if (strcmp(scripts[i].shell, shell) == 0) {
			fputs(scripts[i].script, stdout);
			return 0;
		}
	return error_raise(err, ERROR_USAGE, "no completion for the shell "
			   "'%s'; there are bash, zsh and fish",
			   str_printable(shell, shown, sizeof shown));
}

static int
completion_run(struct options *options, int argc, char **argv,
	       struct error *err)
{
	struct option_walk walk = { completion_options, argc, argv, 0, false };
	own_str struct str out = STR_INIT(CANDIDATES_BYTES_MAX);
	char **words = arena_array(options->arena, (size_t)argc + 1,
				   sizeof *words);
	const char *name, *value;
	bool line = false;
	int got, n = 0;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 1)
			line = true;
		else
			words[n++] = arena_dup(options->arena, value);
	}
	if (got < 0)
		return -1;
	if (n == 0 || (!line && n > 1))
		return error_raise(err, ERROR_USAGE, "completion needs a "
				   "shell: fitout completion bash|zsh|fish");
	if (!line)
		return print_script(words[0], err);
	complete_line(options->arena, words, n, &out);
	fputs(str_get(&out), stdout);
	return 0;
}

const struct command command_completion = {
	.name = "completion",
	.operands = "bash|zsh|fish",
	.options = completion_options,
	.summary = "print the completion script of a shell",
	.bare = true,
	.run = completion_run,
};
