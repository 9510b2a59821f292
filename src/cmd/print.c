/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/print.h"

#include <string.h>

#include "base/str.h"

#define OUTPUT_BYTES_MAX (4 * 1024 * 1024)

void
print_json_line(FILE *to, const struct json *line)
{
	own_str struct str text = STR_INIT(OUTPUT_BYTES_MAX);

	json_print(line, 0, &text);
	fprintf(to, "%s\n", str_get(&text));
}

static void
print_problems_json(const struct problems *problems)
{
	const struct problem *sorted;
	size_t n;

	sorted = problems_sorted(problems, &n);
	for (size_t i = 0; i < n; i++) {
		own_json struct json *line = json_new_object();

		json_set_text(line, "event", "profile.problem");
		json_set_text(line, "file", sorted[i].where.file);
		json_set_number(line, "line", sorted[i].where.line);
		json_set_text(line, "text", sorted[i].text);
		print_json_line(stderr, line);
	}
}

void
print_problems(const struct problems *problems, bool json)
{
	own_str struct str text = STR_INIT(OUTPUT_BYTES_MAX);

	if (json) {
		print_problems_json(problems);
		return;
	}
	problems_print_quoted(problems, &text);
	fputs(str_get(&text), stderr);
}

void
print_lines(FILE *to, const char *text)
{
	while (*text) {
		own_str struct str line = STR_INIT(OUTPUT_BYTES_MAX);
		size_t n = strcspn(text, "\n");

		str_add_printable(&line, text, n, OUTPUT_BYTES_MAX);
		fprintf(to, "%s%s", str_get(&line), text[n] ? "\n" : "");
		text += n + (text[n] != '\0');
	}
}
