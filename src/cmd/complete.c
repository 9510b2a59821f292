/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/complete.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"

/* The line so far. */
struct line {
	struct arena *arena;
	const char *root, *state;          /* as the line says */
	const char *word;                  /* that is being written */
	const struct command *command;     /* NULL: none yet */
	int operands;                      /* of it, before the word */
	const struct option_row *awaits;   /* whose value the word is; or NULL */
	bool only_operands;                /* "--" has been */
};

/* A table names the argument; these are known beyond that. */
static const struct {
	const char *argument, *choices;
} known[] = {
	{ "LEVEL", "debug|info|warning|error" },
	{ "PROFILE", ":profiles" },
	{ "FILE", ":files" },
	{ "PATH", ":files" },
	{ "OTHER", ":files" },
	{ "WHERE", "generation|user-data" },
	{ "FORM", "shell|cloud-config|mime|boot" },
	{ "SYSTEM", "systemd|sysv|openrc|upstart" },
	{ "DIR", ":directories" },
};

/* The candidate that FMT makes, if it goes on from what is written. */
static void __attribute__((format(printf, 4, 5)))
add(const struct line *line, struct str *out, const char *summary,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (str_starts(text, line->word))
		str_addf(out, "%s%s%s\n", text, summary ? "\t" : "",
			 summary ? summary : "");
}

/* A row's "--name", with "=" not written: the value is the next word. */
static void
add_options(const struct line *line, const struct option_row *rows,
	    struct str *out)
{
	for (; rows && rows->name; rows++)
		add(line, out, rows->argument, "--%s", rows->name);
}

static void
add_commands(const struct line *line, struct str *out)
{
	for (size_t i = 0; commands[i]; i++)
		add(line, out, commands[i]->summary, "%s", commands[i]->name);
}

/* Of the state directory, which only root can read: nobody else gets any. */
static void
add_generations(const struct line *line, struct str *out)
{
	const char *path = arena_printf(line->arena, "%s%s/generations",
					line->root, line->state);
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[strspn(entry->d_name, "0123456789")] == '\0')
			add(line, out, NULL, "%s", entry->d_name);
	if (dir)
		closedir(dir);
}

/* WORD may be "--name=" and the begin of a value: the values carry it too. */
static void
add_choices(const struct line *line, const char *choices, size_t prefix_n,
	    struct str *out)
{
	if (*choices == ':') {
		str_addf(out, "%s\n", choices);
		return;
	}
	while (*choices) {
		size_t n = strcspn(choices, "|");

		add(line, out, NULL, "%.*s%.*s", (int)prefix_n, line->word,
		    (int)n, choices);
		choices += n + (choices[n] == '|');
	}
}

static void
add_values(const struct line *line, const char *argument, size_t prefix_n,
	   struct str *out)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].argument, argument) == 0)
			argument = known[i].choices;
	if (strcmp(argument, "N") == 0)
		add_generations(line, out);
	else if (strcmp(argument, "COMMAND") == 0)
		add_commands(line, out);
	else if (strpbrk(argument, ":|"))
		add_choices(line, argument, prefix_n, out);
}

/* The operand that the word is: "a|b PROFILE..." has any number. */
static void
add_operand(const struct line *line, struct str *out)
{
	const char *at = line->command->operands;
	char name[256] = "";

	for (int i = 0; i <= line->operands && *at; i++) {
		size_t n;

		at += strspn(at, " ");
		n = strcspn(at, " ");
		snprintf(name, sizeof name, "%.*s", (int)n, at);
		if (!strstr(name, "..."))
			at += n;
		else if (i == line->operands)
			break;
		if (!*at && i < line->operands)
			return;
	}
	/* "[COMMAND]", "PROFILE..." */
	if (*name == '[')
		memmove(name, name + 1, strlen(name));
	name[strcspn(name, "].")] = '\0';
	add_values(line, name, 0, out);
}

/* WORD may be "name=value". */
static const struct option_row *
row_called(const struct line *line, const char *word)
{
	size_t n = strcspn(word, "=");
	const struct option_row *row = line->command
		? option_find(line->command->options, word, n) : NULL;

	return row ? row : option_find(options_common(), word, n);
}

static void
note_value(struct line *line, const struct option_row *row, const char *value)
{
	if (strcmp(row->name, "root") == 0)
		line->root = value;
	if (strcmp(row->name, "state") == 0)
		line->state = value;
}

static void
take_word(struct line *line, const char *word)
{
	const struct option_row *row;

	if (line->awaits && strcmp(word, "=") == 0)
		return;                 /* bash cuts "--name=value" there */
	if (line->awaits) {
		note_value(line, line->awaits, word);
		line->awaits = NULL;
	} else if (!line->only_operands && strcmp(word, "--") == 0) {
		line->only_operands = true;
	} else if (!line->only_operands && strncmp(word, "--", 2) == 0) {
		row = row_called(line, word + 2);
		if (row && row->argument && !strchr(word, '='))
			line->awaits = row;
		else if (row && row->argument)
			note_value(line, row, strchr(word, '=') + 1);
	} else if (!line->command) {
		line->command = command_find(word);
	} else {
		line->operands++;
	}
}

void
complete_line(struct arena *arena, char *const *words, int n, struct str *out)
{
	struct line line = {
		.arena = arena,
		.root = "",
		.state = "/var/lib/fitout",
		.word = words[n - 1],
	};
	const struct option_row *row;
	bool option;

	for (int i = 0; i < n - 1; i++)
		take_word(&line, words[i]);
	if (line.awaits && strcmp(line.word, "=") == 0)
		line.word = "";
	option = !line.only_operands && *line.word == '-';
	if (line.awaits) {
		add_values(&line, line.awaits->argument, 0, out);
	} else if (option && strchr(line.word, '=')) {
		row = row_called(&line, line.word + strspn(line.word, "-"));
		if (row && row->argument)
			add_values(&line, row->argument,
				   strcspn(line.word, "=") + 1, out);
	} else if (option) {
		if (line.command)
			add_options(&line, line.command->options, out);
		add_options(&line, options_common(), out);
	} else if (!line.command) {
		add_commands(&line, out);
	} else {
		add_operand(&line, out);
	}
}
