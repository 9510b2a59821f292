/* SPDX-License-Identifier: Apache-2.0 */
#include "import/shell.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

#define COMMANDS_MAX 10000
#define WORDS_MAX 1000
#define WORD_BYTES_MAX (1024 * 1024)
#define VARIABLES_MAX 1000
#define TEXT_BYTES_MAX (64 * 1024 * 1024)   /* of all words */

struct variable {
	const char *name, *value;
};

struct reading {
	struct arena *arena;
	const char *at;
	int line;
	int depth;
	bool piped;                 /* the next command reads a pipe */
	VEC(struct shell_command) commands;
	VEC(struct variable) variables;
	/* The command at hand. */
	VEC(struct shell_word) words;
	struct shell_command command;
	const char *here_end;       /* of the here-document that is due */
	bool here_quoted;           /* it is taken as it stands */
	int quote_line;             /* of a quote that is not closed */
	int open_line;              /* of the outermost compound command */
	size_t bytes;               /* of the words so far */
	bool full;
};

/* ---- variables ---- */

static const char *
variable_get(const struct reading *r, const char *name, size_t n)
{
	for (size_t i = r->variables.n; i-- > 0;)
		if (strlen(r->variables.item[i].name) == n &&
		    strncmp(r->variables.item[i].name, name, n) == 0)
			return r->variables.item[i].value;
	return NULL;
}

static size_t
name_length(const char *text)
{
	size_t n = 0;

	if (isdigit((unsigned char)*text))
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

/* "NAME=VALUE" for itself, not before a command. */
static bool
take_assignment(struct reading *r, const struct shell_word *word)
{
	size_t n = name_length(word->text);

	if (n == 0 || word->text[n] != '=')
		return false;
	if (!word->unknown)
		(void)vec_push(&r->variables, ((struct variable){
			arena_dup_n(r->arena, word->text, n),
			word->text + n + 1 }));
	return true;
}

/* ---- words ---- */

/* Everything up to the CLOSE that matches, as it stands. */
static void
copy_nested(struct reading *r, char open, char close, struct str *out)
{
	int depth = 0;

	for (; *r->at; r->at++) {
		r->line += *r->at == '\n';
		str_add_n(out, r->at, 1);
		if (*r->at == open && open != close)
			depth++;
		else if (*r->at == close && depth-- <= 1) {
			r->at++;
			return;
		}
	}
}

/* At a "$". */
static void
read_dollar(struct reading *r, bool quoted, struct shell_word *word,
	    struct str *out)
{
	const char *name = r->at + 1 + (r->at[1] == '{');
	size_t n = name_length(name);
	const char *value = n ? variable_get(r, name, n) : NULL;
	bool braces = r->at[1] == '{';

	if (value && (!braces || name[n] == '}')) {
		str_add(out, value);
		r->at = name + n + braces;
		return;
	}
	if (r->at[1] == '(' || braces) {
		word->unknown = true;
		str_add(out, "$");
		r->at++;
		copy_nested(r, *r->at, *r->at == '(' ? ')' : '}', out);
		return;
	}
	if (n > 0 || (r->at[1] && strchr("?$!#*@-0123456789", r->at[1]))) {
		word->unknown = true;
		word->bare_variable |= !quoted;
		n = n > 0 ? n : 1;
		str_add_n(out, r->at, n + 1);
		r->at += n + 1;
		return;
	}
	str_add(out, "$");
	r->at++;
}

static void
read_backquotes(struct reading *r, struct shell_word *word, struct str *out)
{
	word->unknown = true;
	str_add(out, "`");
	r->at++;
	copy_nested(r, '`', '`', out);
}

static void
read_single_quotes(struct reading *r, struct str *out)
{
	size_t n = strcspn(++r->at, "'");

	if (!r->at[n])
		r->quote_line = r->line;
	str_add_n(out, r->at, n);
	for (size_t i = 0; i < n; i++)
		r->line += r->at[i] == '\n';
	r->at += n + (r->at[n] == '\'');
}

static void
read_double_quotes(struct reading *r, struct shell_word *word, struct str *out)
{
	int line = r->line;

	r->at++;
	while (*r->at && *r->at != '"') {
		if (*r->at == '$') {
			read_dollar(r, true, word, out);
		} else if (*r->at == '`') {
			read_backquotes(r, word, out);
		} else if (*r->at == '\\' && r->at[1] &&
			   strchr("$`\"\\\n", r->at[1])) {
			r->line += r->at[1] == '\n';
			if (r->at[1] != '\n')
				str_add_n(out, r->at + 1, 1);
			r->at += 2;
		} else {
			r->line += *r->at == '\n';
			str_add_n(out, r->at++, 1);
		}
	}
	if (!*r->at)
		r->quote_line = line;
	r->at += *r->at == '"';
}

/* What a shell would replace by names of files, or write out. */
static bool
is_pattern(const char *at, size_t n)
{
	const char *open = memchr(at, '{', n);

	if (n == 1 || (n == 2 && at[0] == at[1]))
		return false;           /* "[", "[[", "]" */
	return memchr(at, '*', n) || memchr(at, '?', n) || memchr(at, '[', n) ||
	       (open && memchr(open, ',', n - (size_t)(open - at)) &&
		memchr(open, '}', n - (size_t)(open - at)));
}

/* The word at hand; it is not empty. */
static struct shell_word
read_word(struct reading *r)
{
	own_str struct str out = STR_INIT(WORD_BYTES_MAX);
	struct shell_word word = { 0 };
	const char *begin = r->at;

	while (*r->at && !strchr(" \t\r\n;&|<>()", *r->at)) {
		if (*r->at == '\'') {
			word.quoted = true;
			read_single_quotes(r, &out);
		} else if (*r->at == '"') {
			word.quoted = true;
			read_double_quotes(r, &word, &out);
		} else if (*r->at == '$') {
			read_dollar(r, false, &word, &out);
		} else if (*r->at == '`') {
			read_backquotes(r, &word, &out);
		} else if (*r->at == '\\' && r->at[1]) {
			r->line += r->at[1] == '\n';
			if (r->at[1] != '\n')
				str_add_n(&out, r->at + 1, 1);
			r->at += 2;
		} else {
			str_add_n(&out, r->at++, 1);
		}
	}
	word.text = arena_dup(r->arena, str_get(&out));
	/* Variables of variables could grow without end. */
	r->bytes += out.len;
	if (r->bytes > TEXT_BYTES_MAX)
		r->full = true;
	if (!word.quoted && is_pattern(begin, (size_t)(r->at - begin)))
		word.unknown = true;
	return word;
}

/* ---- here-documents and redirections ---- */

/* Variables that the script has set are written out, unless its end was said
 * in quotes. */
static const char *
here_text(const struct reading *r, const char *begin, size_t n)
{
	own_str struct str out = STR_INIT(WORD_BYTES_MAX);
	struct reading inner = *r;
	struct shell_word ignored = { 0 };

	inner.at = arena_dup_n(r->arena, begin, n);
	if (r->here_quoted)
		return inner.at;
	while (*inner.at) {
		if (*inner.at == '$')
			read_dollar(&inner, true, &ignored, &out);
		else if (*inner.at == '\\' && inner.at[1] &&
			 strchr("$`\\", inner.at[1])) {
			str_add_n(&out, inner.at + 1, 1);
			inner.at += 2;
		} else {
			str_add_n(&out, inner.at++, 1);
		}
	}
	return arena_dup(r->arena, str_get(&out));
}

/* What follows the line that announced it. */
static void
read_here(struct reading *r)
{
	size_t end_n = strlen(r->here_end);
	const char *begin = r->at;

	while (*r->at) {
		const char *line = r->at + strspn(r->at, "\t");
		size_t n = strcspn(r->at, "\n");
		const char *next = r->at + n + (r->at[n] == '\n');

		if (strncmp(line, r->here_end, end_n) == 0 &&
		    (line[end_n] == '\n' || line[end_n] == '\0'))
			break;
		r->at = next;
		r->line++;
	}
	if (r->commands.n > 0)
		r->commands.item[r->commands.n - 1].input =
			here_text(r, begin, (size_t)(r->at - begin));
	r->at += strcspn(r->at, "\n");
	r->here_end = NULL;
}

static void
read_redirection(struct reading *r)
{
	bool out = *r->at == '>', here = strncmp(r->at, "<<", 2) == 0;
	bool appends = strncmp(r->at, ">>", 2) == 0;
	struct shell_word word;

	r->at += strspn(r->at, "<>");
	if (*r->at == '&' || *r->at == '|' || *r->at == '-')
		r->at++;
	r->at += strspn(r->at, " \t");
	if (!*r->at || strchr("\n;&|<>()", *r->at))
		return;
	word = read_word(r);
	if (here) {
		r->here_end = word.text;
		r->here_quoted = word.quoted;
	} else if (out && !isdigit((unsigned char)*word.text) &&
		 strcmp(word.text, "/dev/null") != 0) {
		r->command.output = word.text;
		r->command.appends = appends;
	}
}

/* ---- commands ---- */

static bool
is_one_of(const char *word, const char *words)
{
	size_t n = strlen(word);

	for (const char *at = words; n > 0 && (at = strstr(at, word)); at += n)
		if ((at == words || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

/* Words of the grammar before the command's own. */
static void
drop_keywords(struct reading *r, size_t *first)
{
	for (; *first < r->words.n; ++*first) {
		const struct shell_word *word = &r->words.item[*first];

		if (word->quoted)
			return;
		if (is_one_of(word->text, "if while until for case {")) {
			if (r->depth++ == 0)
				r->open_line = r->command.line;
		} else if (is_one_of(word->text, "fi done esac }")) {
			r->depth -= r->depth > 0;
		} else if (!is_one_of(word->text,
				      "then else elif do ! time function")) {
			return;
		}
		if (is_one_of(word->text, "for case")) {
			*first = r->words.n;   /* no command in its head */
			return;
		}
	}
}

static void
keep_command(struct reading *r, size_t first)
{
	size_t n = r->words.n - first;
	struct shell_word *words = arena_array(r->arena, n + 1, sizeof *words);

	if (n > 0)
		memcpy(words, r->words.item + first, n * sizeof *words);
	r->command.words = words;
	r->command.n = n;
	r->command.depth = r->depth;
	if (vec_push(&r->commands, r->command) < 0)
		r->full = true;
}

/* The command ends at SEPARATOR. */
static void
end_command(struct reading *r, const char *separator)
{
	size_t first = 0;

	r->command.piped_in = r->piped;
	r->command.piped_out = strcmp(separator, "|") == 0;
	r->command.background = strcmp(separator, "&") == 0;
	drop_keywords(r, &first);
	while (first < r->words.n &&
	       take_assignment(r, &r->words.item[first]))
		first++;
	if (first < r->words.n || r->command.output)
		keep_command(r, first);
	r->piped = r->command.piped_out;
	r->words.n = 0;
	r->command = (struct shell_command){ 0 };
}

static void
read_separator(struct reading *r)
{
	char text[3] = { *r->at, '\0', '\0' };

	r->at++;
	if (*r->at == text[0] && strchr("&|;", text[0]))
		text[1] = *r->at++;
	/* "name()" begins a function; its "{" follows. */
	if (text[0] == '(' && *r->at == ')')
		r->words.n = 0;
	end_command(r, text);
}

static void
read_line_end(struct reading *r)
{
	r->at++;
	end_command(r, "\n");
	r->line++;
	if (r->here_end)
		read_here(r);
}

static void
read_next(struct reading *r)
{
	struct shell_word word;

	if (strchr(" \t\r", *r->at)) {
		r->at++;
	} else if (r->at[0] == '\\' && r->at[1] == '\n') {
		r->at += 2;
		r->line++;
	} else if (*r->at == '#') {
		r->at += strcspn(r->at, "\n");
	} else if (*r->at == '\n') {
		read_line_end(r);
	} else if (*r->at == '<' || *r->at == '>') {
		read_redirection(r);
	} else if (r->at[0] == '&' && r->at[1] == '>') {
		r->at++;
	} else if (strchr(";&|()", *r->at)) {
		read_separator(r);
	} else {
		if (r->words.n == 0)
			r->command.line = r->line;
		if (isdigit((unsigned char)*r->at) &&
		    (r->at[1] == '>' || r->at[1] == '<')) {
			r->at++;       /* of "2>" */
			return;
		}
		word = read_word(r);
		if (vec_push(&r->words, word) < 0)
			r->full = true;
	}
}

const char *
shell_read(struct arena *arena, const char *text,
	   struct shell_script *ret_script, int *ret_line)
{
	struct reading r = {
		.arena = arena,
		.at = text,
		.line = 1,
		.commands = VEC_INIT(COMMANDS_MAX),
		.variables = VEC_INIT(VARIABLES_MAX),
		.words = VEC_INIT(WORDS_MAX),
	};
	struct shell_command *commands;

	while (*r.at && !r.full)
		read_next(&r);
	end_command(&r, "");
	commands = arena_array(arena, r.commands.n + 1, sizeof *commands);
	if (r.commands.n > 0)
		memcpy(commands, r.commands.item,
		       r.commands.n * sizeof *commands);
	*ret_script = (struct shell_script){
		commands, r.commands.n, r.depth > 0 ? r.open_line : 0 };
	vec_release(&r.commands);
	vec_release(&r.variables);
	vec_release(&r.words);
	*ret_line = r.quote_line ? r.quote_line : r.line;
	if (r.full)
		return "has more than 10,000 commands, 1,000 words in one, "
		       "or 64 MiB of words";
	return r.quote_line ? "begins a quote that is not closed" : NULL;
}
