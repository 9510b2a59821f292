/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/source.h"

#include <stdbool.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "profile/bytes.h"
#include "profile/token.h"

#define TOTAL_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define INCLUDES_MAX 100
#define INCLUDE_DEPTH_MAX 8
#define BRACKET_DEPTH_MAX 32
#define SETTINGS_MAX 4096
#define SPANS_MAX ((size_t)8 * 1024 * 1024)

/* A setting's name inside the group that is open. */
struct name {
	struct name *next;
	struct place where;
	const char *text;
	size_t n;
};

struct bracket {
	char open;
	struct place where;
	struct name *names;
	size_t n_names;
};

/* The text as it grows. */
struct expansion {
	const struct source_files *reader;
	struct arena *arena;
	struct problems *problems;
	struct str out;
	VEC(struct source_span) spans;
	int line;              /* of OUT, where the next token goes */
	bool line_used;        /* it has tokens already */
	struct bracket brackets[BRACKET_DEPTH_MAX + 1];   /* [0] is the file */
	size_t depth;
	enum token_type last;  /* TOKEN_END: at the start of something */
	struct token name;     /* the last name, for its "=" */
	struct place name_at;
	const char *files[INCLUDE_DEPTH_MAX + 1];
	size_t n_files, includes;
};

/* OUT's current line stands for WHERE from here on. */
static void
set_place(struct expansion *x, struct place where)
{
	const struct source_span *span = x->spans.n > 0
		? &x->spans.item[x->spans.n - 1] : NULL;

	if (span && span->where.file == where.file &&
	    span->where.line + (x->line - span->first) == where.line)
		return;
	if (x->line_used) {
		str_add(&x->out, "\n");
		x->line++;
		x->line_used = false;
		set_place(x, where);
		return;
	}
	/* Cannot fail: there are no more lines than bytes. */
	(void)vec_push(&x->spans,
		       ((struct source_span){ x->line, where }));
}

/* Append a token as it should be read. What closes or separates stays on the
 * line of what it follows: libconfig says the line of a value only once it
 * has seen the token behind it. */
static void
emit(struct expansion *x, struct place where, const char *text, size_t n,
     bool stays)
{
	if (!stays || !x->line_used)
		set_place(x, where);
	if (x->line_used && !(n == 1 && strchr(";,", text[0])))
		str_add(&x->out, " ");
	str_add_n(&x->out, text, n);
	x->line_used = true;
	for (size_t i = 0; i < n; i++)
		x->line += text[i] == '\n';
}

static int
open_bracket(struct expansion *x, struct place where, char open)
{
	const struct bracket *outer = &x->brackets[x->depth];

	if (outer->open == '[') {
		problems_add(x->problems, where,
			     "\"%c\" inside [ ... ], which takes plain values "
			     "only; write a list of groups or lists as "
			     "( ... )", open);
		return -1;
	}
	if (x->depth == BRACKET_DEPTH_MAX) {
		problems_add(x->problems, where,
			     "groups and lists are nested more than %d deep",
			     BRACKET_DEPTH_MAX);
		return -1;
	}
	x->brackets[++x->depth] = (struct bracket){ open, where, NULL, 0 };
	return 0;
}

static char
closer_of(char open)
{
	return open == '{' ? '}' : open == '(' ? ')' : ']';
}

static int
close_bracket(struct expansion *x, struct place where, char close)
{
	const struct bracket *bracket = &x->brackets[x->depth];
	own_str struct str opened = STR_INIT(4200);

	if (x->depth == 0) {
		problems_add(x->problems, where,
			     "\"%c\" closes nothing that is open", close);
		return -1;
	}
	if (closer_of(bracket->open) != close) {
		place_print(bracket->where, &opened);
		problems_add(x->problems, where,
			     "\"%c\" where \"%c\" should close the \"%c\" "
			     "opened at %s", close, closer_of(bracket->open),
			     bracket->open, str_get(&opened));
		return -1;
	}
	/* A comma before it, as one leaves behind, means nothing. */
	if (close != '}' && x->last == TOKEN_COMMA)
		x->out.data[x->out.len - 1] = ' ';
	x->depth--;
	return 0;
}

/* A name followed by "=" or ":": a setting of the group that is open. */
static int
note_setting(struct expansion *x)
{
	struct bracket *group = &x->brackets[x->depth];
	own_str struct str first = STR_INIT(4200);
	struct name *name;

	for (name = group->names; name; name = name->next)
		if (name->n == x->name.n &&
		    memcmp(name->text, x->name.text, name->n) == 0)
			break;
	if (name) {
		place_print(name->where, &first);
		problems_add(x->problems, x->name_at,
			     "duplicate setting \"%.*s\" (said first at %s)",
			     (int)name->n, name->text, str_get(&first));
		return 0;
	}
	if (group->n_names == SETTINGS_MAX) {
		problems_add(x->problems, x->name_at,
			     "more than %d settings in one group",
			     SETTINGS_MAX);
		return -1;
	}
	name = arena_alloc(x->arena, sizeof(*name));
	*name = (struct name){ group->names, x->name_at, x->name.text,
			       x->name.n };
	group->names = name;
	group->n_names++;
	return 0;
}

static int expand(struct expansion *x, const char *name,
		  const char *directory, const char *text, size_t n);

static int
read_file(struct expansion *x, const char *path, const char **ret_text,
	  size_t *ret_n, struct error *err)
{
	if (x->reader->read)
		return x->reader->read(x->reader->context, x->arena, path,
				       ret_text, ret_n, err);
	return bytes_read(x->arena, path, PROFILE_BYTES_MAX, ret_text, ret_n,
			  err);
}

static int
include(struct expansion *x, struct place where, const char *directory,
	const struct token *token)
{
	struct error err = ERROR_INIT;
	const char *path, *text;
	size_t n;

	if (!directory) {
		problems_add(x->problems, where,
			     "@include needs a profile that is a file beside "
			     "what it includes");
		return -1;
	}
	path = arena_dup_n(x->arena, token->text, token->n);
	if (path[0] != '/' && strcmp(directory, ".") != 0)
		path = path_join(x->arena, directory, path);
	for (size_t i = 0; i < x->n_files; i++)
		if (strcmp(x->files[i], path) == 0) {
			problems_add(x->problems, where,
				     "%s includes itself", path);
			return -1;
		}
	if (x->n_files > INCLUDE_DEPTH_MAX || x->out.full ||
	    ++x->includes > INCLUDES_MAX) {
		problems_add(x->problems, where,
			     "too much is included: more than %d files, or "
			     "%d deep, or %zu bytes", INCLUDES_MAX,
			     INCLUDE_DEPTH_MAX, TOTAL_BYTES_MAX);
		return -1;
	}
	if (read_file(x, path, &text, &n, &err) < 0) {
		problems_add(x->problems, where, "include: %s", err.text);
		return -1;
	}
	return expand(x, path, path_parent(x->arena, path), text, n);
}

static bool
is_value(enum token_type type)
{
	return type == TOKEN_NUMBER || type == TOKEN_TEXT ||
	       type == TOKEN_BOOL || type == TOKEN_CLOSE;
}

/* What is wrong with TOKEN after the last one, in a group; or NULL. */
static const char *
misplaced_in_group(enum token_type last, enum token_type type)
{
	switch (type) {
	case TOKEN_NAME:
		if (last == TOKEN_EQUALS)
			return "a text is written in double quotes, or say "
			       "true or false";
		if (last == TOKEN_NAME)
			return "the name before it has no \"= VALUE\"";
		return NULL;
	case TOKEN_EQUALS:
		return last == TOKEN_NAME ? NULL : "there is no name before it";
	case TOKEN_NUMBER:
	case TOKEN_TEXT:
	case TOKEN_BOOL:
	case TOKEN_OPEN:
		if (last == TOKEN_EQUALS ||
		    (last == TOKEN_TEXT && type == TOKEN_TEXT))
			return NULL;
		return "a value needs its name: NAME = VALUE;";
	default:
		if (last == TOKEN_EQUALS)
			return "there is no value after the \"=\"";
		if (last == TOKEN_NAME)
			return "the name before it has no \"= VALUE\"";
		if (type == TOKEN_COMMA || type == TOKEN_SEMICOLON)
			return is_value(last) ? NULL
					      : "there is nothing before it";
		return NULL;
	}
}

/* The same between ( and ), or [ and ]. */
static const char *
misplaced_in_list(enum token_type last, enum token_type type)
{
	switch (type) {
	case TOKEN_NAME:
		return "a text is written in double quotes, and settings "
		       "stand in a group: { NAME = VALUE; }";
	case TOKEN_EQUALS:
	case TOKEN_SEMICOLON:
		return "values of a list are separated by commas, and "
		       "settings stand in a group: { NAME = VALUE; }";
	case TOKEN_COMMA:
		return is_value(last) ? NULL : "there is nothing before it";
	case TOKEN_CLOSE:
		return NULL;
	default:
		if (!is_value(last) ||
		    (last == TOKEN_TEXT && type == TOKEN_TEXT))
			return NULL;
		return "a comma is missing before it";
	}
}

/* libconfig would only say "syntax error", on some line. */
static int
check_grammar(struct expansion *x, struct place where,
	      const struct token *token)
{
	const struct bracket *bracket = &x->brackets[x->depth];
	bool list = bracket->open == '(' || bracket->open == '[';
	const char *problem = list ? misplaced_in_list(x->last, token->type)
				   : misplaced_in_group(x->last, token->type);
	const char *quote = token->type == TOKEN_TEXT ? "" : "\"";
	own_str struct str open = STR_INIT(4400);

	if (!problem)
		return 0;
	if (list) {
		str_addf(&open, " (the \"%c\" opened at ", bracket->open);
		place_print(bracket->where, &open);
		str_add(&open, " is still open)");
	}
	problems_add(x->problems, where, "misplaced %s%.*s%s: %s%s", quote,
		     token->n < 40 ? (int)token->n : 40, token->text, quote,
		     problem, str_get(&open));
	return -1;
}

static int
take(struct expansion *x, struct place where, const struct token *token)
{
	bool stays = true;
	int status = 0;

	if (check_grammar(x, where, token) < 0)
		return -1;
	switch (token->type) {
	case TOKEN_OPEN:
		status = open_bracket(x, where, token->text[0]);
		stays = false;
		break;
	case TOKEN_CLOSE:
		status = close_bracket(x, where, token->text[0]);
		break;
	case TOKEN_EQUALS:
		status = note_setting(x);
		break;
	case TOKEN_COMMA:
	case TOKEN_SEMICOLON:
		break;
	default:
		x->name = *token;
		x->name_at = where;
		stays = false;
		break;
	}
	emit(x, where, token->text, token->n, stays);
	x->last = token->type == TOKEN_OPEN ? TOKEN_END : token->type;
	return status;
}

/* All tokens of one file. */
static int
expand(struct expansion *x, const char *name, const char *directory,
       const char *text, size_t n)
{
	struct token_walk walk = { .text = text, .line = 1 };
	struct token token;
	const char *problem;

	problems_source(x->problems, name, text, n);
	if (bytes_check(name, text, n, x->problems) < 0)
		return -1;
	x->files[x->n_files++] = name;
	for (;;) {
		struct place where;

		problem = token_next(&walk, x->arena, &token);
		where = (struct place){ name, token.line };
		if (problem) {
			problems_add(x->problems, where, "%s", problem);
			return -1;
		}
		if (token.type == TOKEN_END)
			break;
		if (token.type == TOKEN_INCLUDE
			    ? include(x, where, directory, &token) < 0
			    : take(x, where, &token) < 0)
			return -1;
	}
	x->n_files--;
	return 0;
}

static int
check_whole(struct expansion *x)
{
	const struct bracket *bracket = &x->brackets[x->depth];
	bool cut = x->last == TOKEN_NAME || x->last == TOKEN_EQUALS;

	if (x->depth > 0)
		problems_add(x->problems, bracket->where,
			     "this \"%c\" is never closed", bracket->open);
	else if (cut)
		problems_add(x->problems, x->name_at,
			     "\"%.*s\" has no value", (int)x->name.n,
			     x->name.text);
	if (x->out.full)
		problems_add(x->problems, (struct place){ x->files[0], 1 },
			     "more than %zu bytes with everything included",
			     TOTAL_BYTES_MAX);
	return x->depth > 0 || cut || x->out.full ? -1 : 0;
}

int
source_expand(struct arena *arena, const char *name, const char *directory,
	      const char *text, size_t n, const struct source_files *files,
	      struct problems *problems, struct source *ret_source)
{
	struct expansion x = {
		.arena = arena,
		.reader = files,
		.problems = problems,
		.out = STR_INIT(TOTAL_BYTES_MAX),
		.spans = VEC_INIT(SPANS_MAX),
		.line = 1,
		.last = TOKEN_END,
	};
	size_t before = problems->total;
	struct source_span *spans;

	name = arena_dup(arena, name);
	if (expand(&x, name, directory, text, n) == 0 &&
	    check_whole(&x) == 0 && problems->total == before) {
		spans = arena_array(arena, x.spans.n + 1, sizeof(*spans));
		if (x.spans.n > 0)
			memcpy(spans, x.spans.item,
			       x.spans.n * sizeof(*spans));
		ret_source->text = arena_dup(arena, str_get(&x.out));
		ret_source->spans = spans;
		ret_source->n = x.spans.n;
		ret_source->includes = x.includes;
	}
	str_release(&x.out);
	vec_release(&x.spans);
	return problems->total > before ? -1 : 0;
}

struct place
source_place(const struct source *source, int line)
{
	size_t low = 0, high = source->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->spans[middle].first <= line)
			low = middle;
		else
			high = middle;
	}
	if (source->n == 0)
		return (struct place){ NULL, 0 };
	return (struct place){
		source->spans[low].where.file,
		source->spans[low].where.line +
			(line - source->spans[low].first),
	};
}
