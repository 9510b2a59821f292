/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/output.h"

#include <string.h>

#define TAIL_BYTES 280
#define LINES_MAX 5

const char *const usual_path[] = {
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin",
	"/bin", NULL
};

static const char *const clean_environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", NULL
};

/* Start of the last LINES_MAX lines of TEXT[0..n) within TAIL_BYTES. */
static size_t
tail_begin(const char *text, size_t n)
{
	size_t at = n, lines = 0;

	while (at > 0 && n - at < TAIL_BYTES) {
		if (text[at - 1] == '\n' && ++lines == LINES_MAX)
			break;
		at--;
	}
	return at;
}

const char *
last_lines(struct arena *arena, const char *text)
{
	own_str struct str out = STR_INIT(4 * TAIL_BYTES);
	size_t n = strlen(text), at;

	while (n > 0 && strchr("\n\r\t ", text[n - 1]))
		n--;
	at = tail_begin(text, n);
	while (at < n) {
		size_t line = strcspn(text + at, "\n");

		if (at + line > n)
			line = n - at;
		if (out.len)
			str_add(&out, " | ");
		str_add_printable(&out, text + at, line, TAIL_BYTES);
		at += line + 1;
	}
	return arena_dup(arena, str_get(&out));
}

const char *
output_tail(struct arena *arena, const struct str *output)
{
	const char *lines = last_lines(arena, str_get(output));

	return *lines ? arena_printf(arena, ": %s", lines) : "";
}

static bool
same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return !strncmp(a, b, n) && b[n] == '=';
}

const char *const *
environment_with(struct arena *arena, const char *const *extra)
{
	const char **all;
	size_t n = 0, extras = 0;

	if (!extra || !extra[0])
		return NULL;
	while (extra[extras])
		extras++;
	all = arena_array(arena, extras + sizeof clean_environment /
				 sizeof *clean_environment, sizeof *all);
	for (size_t i = 0; clean_environment[i]; i++) {
		bool over = false;

		for (size_t j = 0; j < extras; j++)
			over |= same_name(clean_environment[i], extra[j]);
		if (!over)
			all[n++] = clean_environment[i];
	}
	for (size_t j = 0; j < extras; j++)
		all[n++] = extra[j];
	return all;
}
