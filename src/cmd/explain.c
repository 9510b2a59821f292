/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the manual says of one word: a key of the profile, a code of an error,
 * an event, an exit status, an option. The pages are the only source, so
 * this reads them as they are printed:
 *
 *	DESCRIPTION            a section, in column 0
 *	   packages            a subsection, in column 3
 *	     sha256 (text)     an item, in column 5; what is said of it is
 *	             ...       further in, or behind it
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/command.h"
#include "cmd/help.h"
#include "plan/problem.h"

#define SUBSECTION_COLUMN 3
#define ITEM_COLUMN 5
#define WORDS_MAX 2000

/* Where somebody looks first for what a word means. */
static const char *const first_pages[] = {
	"fitout-errors", "fitout-exit", "fitout.cfg", "fitout.ini",
	"fitout-events", "fitout", NULL
};

struct line {
	const char *text;      /* without what it is indented by */
	size_t n, column;
	bool empty;
};

/* A page as it is read. */
struct reading {
	const char *page, *at;
	struct line line;
	char subsection[64];   /* "packages", or "" */
};

static bool
next_line(struct reading *reading)
{
	size_t n = strcspn(reading->at, "\n");

	if (!*reading->at)
		return false;
	reading->line.column = strspn(reading->at, " ");
	if (reading->line.column > n)
		reading->line.column = n;
	reading->line.text = reading->at + reading->line.column;
	reading->line.n = n - reading->line.column;
	reading->line.empty = reading->line.n == 0;
	reading->at += n + (reading->at[n] == '\n');
	if (!reading->line.empty && reading->line.column < ITEM_COLUMN)
		snprintf(reading->subsection, sizeof reading->subsection,
			 "%.*s", reading->line.column == SUBSECTION_COLUMN
				? (int)reading->line.n : 0,
			 reading->line.text);
	return true;
}

/* The word that an item begins with: "sha256" of "sha256 (text)"; 0 bytes
 * when this is none but a sentence. */
static size_t
item_word(const struct line *line)
{
	size_t n = strcspn(line->text, " \n");
	const char *rest = line->text + n;

	/* Two blanks end a sentence, too. */
	if (line->empty || line->column != ITEM_COLUMN ||
	    line->text[n - 1] == '.')
		return 0;
	return *rest == '\n' || strncmp(rest, " (", 2) == 0 ||
	       strncmp(rest, "  ", 2) == 0 || *line->text == '-' ? n : 0;
}

static bool
says(const char *text, size_t n, const char *word)
{
	while (n > 0 && *text == '-' && *word != '-') {
		text++;        /* "json" is "--json" as well */
		n--;
	}
	return strlen(word) == n && memcmp(text, word, n) == 0;
}

/* Is this item WORD, or "SUBSECTION.ITEM" that WORD says? */
static bool
item_is(const struct reading *reading, const char *word)
{
	size_t n = item_word(&reading->line), m = strlen(reading->subsection);

	if (n == 0)
		return false;
	if (says(reading->line.text, n, word))
		return true;
	return m > 0 && strncmp(word, reading->subsection, m) == 0 &&
	       word[m] == '.' && says(reading->line.text, n, word + m + 1);
}

static bool
subsection_is(const struct reading *reading, const char *word)
{
	return reading->line.column == SUBSECTION_COLUMN &&
	       !reading->line.empty && strcmp(reading->subsection, word) == 0;
}

/* The line at hand, and all that follow and are further in than COLUMN. */
static void
print_block(struct reading *reading, size_t column)
{
	struct reading ahead = *reading;
	const char *end = reading->at;

	printf("%s%s%s:\n", reading->page, *reading->subsection ? ", " : "",
	       reading->subsection);
	while (next_line(&ahead)) {
		if (!ahead.line.empty && ahead.line.column <= column)
			break;
		if (!ahead.line.empty)
			end = ahead.at;
	}
	printf("%*s%.*s\n", (int)reading->line.column, "",
	       (int)(end - reading->line.text), reading->line.text);
	reading->at = end;
}

/* How often PAGE explains WORD; all of it is printed. */
static size_t
explain_in(const char *page, const char *text, const char *word)
{
	struct reading reading = { .page = page, .at = text };
	size_t found = 0;

	while (next_line(&reading)) {
		if (subsection_is(&reading, word))
			print_block(&reading, SUBSECTION_COLUMN);
		else if (item_is(&reading, word))
			print_block(&reading, ITEM_COLUMN);
		else
			continue;
		found++;
	}
	return found;
}

/* The rank of a page among the first ones; past the last for any other. */
static size_t
rank(const char *page)
{
	size_t i = 0;

	while (first_pages[i] && strcmp(first_pages[i], page) != 0)
		i++;
	return i;
}

static size_t
explain_in_pages(const char *word)
{
	const size_t ranks = sizeof first_pages / sizeof *first_pages;
	const char *page, *text;
	size_t found = 0;

	for (size_t wanted = 0; wanted < ranks; wanted++)
		for (size_t i = 0; (page = help_page(i, &text)); i++)
			if (rank(page) == wanted)
				found += explain_in(page, text, word);
	return found;
}

/* All that could be asked for, for "did you mean". */
static const char **
known_words(struct arena *arena)
{
	const char **words = arena_array(arena, WORDS_MAX + 1, sizeof *words);
	const char *page;
	struct reading reading;
	size_t n = 0, length;

	for (size_t i = 0; (page = help_page(i, &reading.at)); i++) {
		reading.page = page;
		while (next_line(&reading) && n < WORDS_MAX) {
			length = item_word(&reading.line);
			if (length > 0)
				words[n++] = arena_dup_n(arena,
					reading.line.text, length);
		}
	}
	words[n] = NULL;
	return words;
}

static int
unknown(struct options *options, const char *word, struct error *err)
{
	const char *nearest = problems_nearest(word,
					       known_words(options->arena));
	char shown[64];

	str_printable(word, shown, sizeof shown);
	if (nearest)
		return error_raise(err, ERROR_USAGE, "the manual has no '%s'; "
				   "did you mean '%s'?", shown, nearest);
	return error_raise(err, ERROR_USAGE, "the manual has no '%s': ask for "
			   "a key of the profile (sha256, packages.keep), an "
			   "error's code (trust), an event (fetch.retry), an "
			   "exit status (4) or an option (--json)", shown);
}

static int
explain_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { NULL, argc, argv, 0, false };
	const char *name, *value, *word = NULL;
	int got;

	/* An option is what it is asked about. */
	if (argc == 1 && str_starts(argv[0], "--") && argv[0][2])
		walk.only_operands = true;
	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (word)
			return error_raise(err, ERROR_USAGE, "explain takes "
					   "one word, found '%s' as well",
					   value);
		word = value;
	}
	if (got < 0)
		return -1;
	if (!word || !*word)
		return error_raise(err, ERROR_USAGE, "explain needs a word: "
				   "fitout explain CODE|KEY");
	if (explain_in_pages(word) > 0)
		return 0;
	return command_find(word) ? help_print(word, err)
				  : unknown(options, word, err);
}

const struct command command_explain = {
	.name = "explain",
	.operands = "WORD",
	.summary = "what the manual says of a key, an error's code, an event",
	.bare = true,
	.run = explain_run,
};
