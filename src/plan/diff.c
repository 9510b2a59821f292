/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/diff.h"

#include <string.h>

#include "base/arena.h"

#define CONTEXT_LINES 3

struct line {
	const char *text;
	size_t n;              /* with its newline, if it has one */
};

struct lines {
	struct line *line;
	int n;
};

static struct lines
split(struct arena *arena, const char *text, size_t n)
{
	struct lines lines = { 0 };
	const char *end = text + n;
	size_t count = 1;

	for (size_t i = 0; i < n; i++)
		count += text[i] == '\n';
	lines.line = arena_array(arena, count, sizeof *lines.line);
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *next = newline ? newline + 1 : end;

		lines.line[lines.n++] = (struct line){
			text, (size_t)(next - text)
		};
		text = next;
	}
	return lines;
}

static bool
same(const struct line *a, const struct line *b)
{
	return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
}

/* What becomes of each line: kept in both, taken away, or added. */
struct script {
	bool *removed;         /* of the old lines */
	bool *added;           /* of the new lines */
};

/* Myers: V[k] is the furthest x on diagonal k; a copy of V for each number
 * of edits lets us walk back. */
static bool
edit(struct arena *arena, const struct lines *a, const struct lines *b,
     struct script *script)
{
	int max = a->n + b->n, d, k = 0;
	int bound = max < DIFF_EDITS_MAX ? max : DIFF_EDITS_MAX;
	int *v = arena_array(arena, (size_t)(2 * bound + 3), sizeof *v);
	int **trace = arena_array(arena, (size_t)bound + 1, sizeof *trace);
	int off = bound + 1, x = 0, y = 0;

	for (d = 0; d <= bound; d++) {
		trace[d] = arena_array(arena, (size_t)(2 * d + 3), sizeof **trace);
		for (k = -d; k <= d; k += 2) {
			x = k == -d || (k != d && v[off + k - 1] <
					v[off + k + 1])
				? v[off + k + 1] : v[off + k - 1] + 1;
			y = x - k;
			while (x < a->n && y < b->n &&
			       same(&a->line[x], &b->line[y]))
				x++, y++;
			v[off + k] = x;
			if (x >= a->n && y >= b->n)
				break;
		}
		/* v[-d-1 .. d+1] is all that the walk back looks at */
		for (int i = -d - 1; i <= d + 1; i++)
			trace[d][i + d + 1] = v[off + i];
		if (k <= d)
			break;
	}
	if (d > bound)
		return false;
	for (x = a->n, y = b->n; d > 0; d--) {
		const int *before = trace[d - 1];
		int previous;

		k = x - y;
		/* index of diagonal j in trace[d - 1] is j + d */
#define BEFORE(j) ((j) < -d || (j) > d ? -1 : before[(j) + d])
		previous = k == -d || (k != d && BEFORE(k - 1) < BEFORE(k + 1))
			? k + 1 : k - 1;
		x = BEFORE(previous);
#undef BEFORE
		y = x - previous;
		if (previous == k + 1)
			script->added[y] = true;
		else
			script->removed[x] = true;
	}
	return true;
}

static void
put(struct str *out, char mark, const struct line *line)
{
	str_add_n(out, &mark, 1);
	str_add_n(out, line->text, line->n);
	if (!line->n || line->text[line->n - 1] != '\n')
		str_add(out, "\n\\ No newline at end of file\n");
}

struct hunk {
	int old_begin, old_end, new_begin, new_end;
};

static void
range(struct str *out, char mark, int begin, int end)
{
	int n = end - begin;

	/* POSIX: an empty range names the line before it */
	str_addf(out, "%c%d", mark, n ? begin + 1 : begin);
	if (n != 1)
		str_addf(out, ",%d", n);
}

static void
print_hunk(struct str *out, const struct lines *a, const struct lines *b,
	   const struct script *script, const struct hunk *hunk)
{
	int x = hunk->old_begin, y = hunk->new_begin;

	str_add(out, "@@ ");
	range(out, '-', hunk->old_begin, hunk->old_end);
	str_add(out, " ");
	range(out, '+', hunk->new_begin, hunk->new_end);
	str_add(out, " @@\n");
	while (x < hunk->old_end || y < hunk->new_end) {
		if (x < hunk->old_end && script->removed[x]) {
			put(out, '-', &a->line[x++]);
		} else if (y < hunk->new_end && script->added[y]) {
			put(out, '+', &b->line[y++]);
		} else {
			put(out, ' ', &a->line[x]);
			x++, y++;
		}
	}
}

/* From (x, y), both on a kept line or at an edit: the next hunk, or false. */
static bool
next_hunk(const struct lines *a, const struct lines *b,
	  const struct script *script, int *x, int *y, struct hunk *hunk)
{
	int kept = 0;

	while (*x < a->n && *y < b->n && !script->removed[*x] &&
	       !script->added[*y])
		(*x)++, (*y)++;
	if (*x >= a->n && *y >= b->n)
		return false;
	hunk->old_begin = *x > CONTEXT_LINES ? *x - CONTEXT_LINES : 0;
	hunk->new_begin = *y - (*x - hunk->old_begin);
	if (hunk->new_begin < 0) {
		hunk->old_begin -= hunk->new_begin;
		hunk->new_begin = 0;
	}
	while (*x < a->n || *y < b->n) {
		if (*x < a->n && script->removed[*x]) {
			(*x)++;
			kept = 0;
		} else if (*y < b->n && script->added[*y]) {
			(*y)++;
			kept = 0;
		} else {
			if (kept == 2 * CONTEXT_LINES)
				break;
			(*x)++, (*y)++, kept++;
		}
	}
	if (kept > CONTEXT_LINES) {
		*x -= kept - CONTEXT_LINES;
		*y -= kept - CONTEXT_LINES;
	}
	hunk->old_end = *x;
	hunk->new_end = *y;
	return true;
}

static bool
is_text(const char *text, size_t n)
{
	return n <= DIFF_BYTES_MAX && !memchr(text, '\0', n) &&
	       str_is_utf8(text, n);
}

bool
diff_unified(const char *name, const char *old, size_t old_n,
	     const char *new_text, size_t new_n, struct str *out)
{
	struct arena arena = ARENA_INIT;
	struct lines a, b;
	struct script script;
	struct hunk hunk;
	int x = 0, y = 0;
	bool small;

	if (!is_text(old, old_n) || !is_text(new_text, new_n))
		return false;
	a = split(&arena, old, old_n);
	b = split(&arena, new_text, new_n);
	script.removed = arena_array(&arena, (size_t)a.n + 1, sizeof(bool));
	script.added = arena_array(&arena, (size_t)b.n + 1, sizeof(bool));
	small = edit(&arena, &a, &b, &script);
	if (small && (old_n != new_n || memcmp(old, new_text, old_n))) {
		str_addf(out, "--- %s\n+++ %s\n", name, name);
		while (next_hunk(&a, &b, &script, &x, &y, &hunk))
			print_hunk(out, &a, &b, &script, &hunk);
	}
	arena_release(&arena);
	return small;
}
