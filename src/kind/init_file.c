/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/init_file.h"

#include <string.h>

#include "base/str.h"
#include "kind/init_text.h"

/* The value whose mark is at AT ("@fitout@"), or NULL: it is no mark. */
static const struct init_value *
mark_at(const char *at, const struct init_value *values)
{
	for (; values->name; values++) {
		size_t n = strlen(values->name);

		if (at[0] == '@' && !strncmp(at + 1, values->name, n) &&
		    at[n + 1] == '@')
			return values;
	}
	return NULL;
}

const char *
init_file_text(struct arena *arena, const char *name,
	       const struct init_value *values)
{
	const struct init_row *row = init_rows;
	own_str struct str out = STR_INIT(65536);

	while (strcmp(row->name, name) != 0)
		row++;
	for (const char *at = row->text; *at;) {
		const struct init_value *value = mark_at(at, values);

		str_add_n(&out, value ? value->value : at,
			  value ? strlen(value->value) : 1);
		at += value ? strlen(value->name) + 2 : 1;
	}
	return arena_dup(arena, str_get(&out));
}
