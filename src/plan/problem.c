/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/quote.h"

#define PROBLEMS_MAX 1000
#define TEXT_BYTES_MAX 1000
#define WORD_MAX 64

void
problems_init(struct problems *problems, struct arena *arena)
{
	*problems = (struct problems){ .arena = arena };
}

/* The arena never frees singly: growing doubles, so the waste is bounded. */
static void
reserve_one(struct problems *problems)
{
	size_t cap = problems->cap ? problems->cap * 2 : 16;
	struct problem *item;

	if (problems->n < problems->cap)
		return;
	item = arena_array(problems->arena, cap, sizeof(*item));
	if (problems->n > 0)
		memcpy(item, problems->item, problems->n * sizeof(*item));
	problems->item = item;
	problems->cap = cap;
}

void
problems_add(struct problems *problems, struct place where, const char *fmt,
	     ...)
{
	own_str struct str text = STR_INIT(4 * TEXT_BYTES_MAX);
	char raw[TEXT_BYTES_MAX + 4];
	va_list ap;

	problems->total++;
	if (problems->n == PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_add_printable(&text, raw, strlen(raw), TEXT_BYTES_MAX);
	reserve_one(problems);
	problems->item[problems->n++] = (struct problem){
		.where = where,
		.text = arena_dup(problems->arena, str_get(&text)),
	};
}

/* A problem with what it is sorted by. */
struct ranked {
	struct problem problem;
	size_t file, order;
};

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->problem.where.line != y->problem.where.line)
		return x->problem.where.line < y->problem.where.line ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Index of the first problem in the same file. */
static size_t
file_rank(const struct problems *problems, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_equal(problems->item[k].where.file,
			      problems->item[i].where.file))
			return k;
	return i;
}

static bool
same_problem(const struct problem *a, const struct problem *b)
{
	return a->where.line == b->where.line &&
	       str_equal(a->where.file, b->where.file) &&
	       strcmp(a->text, b->text) == 0;
}

/* Append unless one of the same place says the same already. */
static size_t
append_new(struct problem *sorted, size_t n, const struct problem *problem)
{
	for (size_t k = n; k > 0; k--) {
		if (same_problem(&sorted[k - 1], problem))
			return n;
		if (sorted[k - 1].where.line != problem->where.line)
			break;
	}
	sorted[n] = *problem;
	return n + 1;
}

const struct problem *
problems_sorted(const struct problems *problems, size_t *ret_n)
{
	struct ranked *ranked;
	struct problem *sorted;
	size_t n = 0;

	ranked = arena_array(problems->arena, problems->n + 1,
			     sizeof(*ranked));
	sorted = arena_array(problems->arena, problems->n + 1,
			     sizeof(*sorted));
	for (size_t i = 0; i < problems->n; i++)
		ranked[i] = (struct ranked){ problems->item[i],
					     file_rank(problems, i), i };
	qsort(ranked, problems->n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < problems->n; i++)
		n = append_new(sorted, n, &ranked[i].problem);
	*ret_n = n;
	return sorted;
}

void
place_print(struct place where, struct str *out)
{
	if (!where.file) {
		str_add(out, "--set");
		return;
	}
	str_add_printable(out, where.file, strlen(where.file), 4096);
	if (where.line > 0)
		str_addf(out, ":%d", where.line);
}

void
problems_source(struct problems *problems, const char *file, const char *text,
		size_t n)
{
	struct problem_source *source = arena_alloc(problems->arena,
						    sizeof(*source));

	*source = (struct problem_source){ problems->sources, file, text, n };
	problems->sources = source;
}

static void
quote(const struct problems *problems, const struct problem *problem,
      struct str *out)
{
	const struct problem_source *source = problems->sources;
	const char *line, *end, *next;

	while (source && !str_equal(source->file, problem->where.file))
		source = source->next;
	if (!source || problem->where.line < 1)
		return;
	line = source->text;
	end = source->text + source->n;
	for (int i = 1; line && i < problem->where.line; i++) {
		line = memchr(line, '\n', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	if (!line || line == end)
		return;
	next = memchr(line, '\n', (size_t)(end - line));
	quote_line(line, (size_t)((next ? next : end) - line), problem->text,
		   out);
}

static void
print_all(const struct problems *problems, bool quoted, struct str *out)
{
	const struct problem *sorted;
	size_t n;

	sorted = problems_sorted(problems, &n);
	for (size_t i = 0; i < n; i++) {
		place_print(sorted[i].where, out);
		str_addf(out, ": %s\n", sorted[i].text);
		if (quoted)
			quote(problems, &sorted[i], out);
	}
	if (problems->total > problems->n)
		str_addf(out, "and %zu more problems\n",
			 problems->total - problems->n);
}

void
problems_print(const struct problems *problems, struct str *out)
{
	print_all(problems, false, out);
}

void
problems_print_quoted(const struct problems *problems, struct str *out)
{
	print_all(problems, true, out);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance in which a swap of neighbours counts as one (optimal string
 * alignment): that is how names are mistyped. */
static size_t
edit_distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t k = 0; k <= bn; k++)
		above[k] = k;
	for (size_t i = 1; i <= an; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t k = 1; k <= bn; k++) {
			row[k] = least(above[k], row[k - 1]) + 1;
			row[k] = least(row[k], above[k - 1] +
					       (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[bn];
}

const char *
problems_nearest(const char *word, const char *const *words)
{
	size_t length = strlen(word), best = 3;
	const char *nearest = NULL;

	if (length > WORD_MAX)
		return NULL;
	for (; *words; words++) {
		size_t n = strlen(*words), distance;

		if (n > WORD_MAX || n > length + 2 || length > n + 2)
			continue;
		distance = edit_distance(word, length, *words, n);
		if (distance < best && 2 * distance < length) {
			best = distance;
			nearest = *words;
		}
	}
	return nearest;
}
