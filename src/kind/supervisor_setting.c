/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_setting.h"

#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/path.h"
#include "base/str.h"

#define VALUE_BYTES 65536

const struct ini_entry *
setting_of(const struct ini *ini, const char *section, const char *key)
{
	const struct ini_entry *found = NULL;

	for (size_t i = 0; i < ini->n; i++)
		if (!strcmp(ini->entries[i].section, section) &&
		    !strcasecmp(ini->entries[i].key, key))
			found = &ini->entries[i];
	return found;
}

const char *
setting_text(struct arena *arena, const char *value)
{
	const char *at = value;

	while ((at = strchr(at, '#'))) {
		if (at > value && strchr(" \t", at[-1])) {
			while (at > value && strchr(" \t", at[-1]))
				at--;
			return arena_dup_n(arena, value,
					   (size_t)(at - value));
		}
		at++;
	}
	return value;
}

const char *
setting_expand(struct arena *arena, const char *text,
	       const struct expansion *expansions)
{
	own_str struct str out = STR_INIT(VALUE_BYTES);

	while (*text) {
		const struct expansion *at = expansions;
		size_t n = strcspn(text, "%");

		str_add_n(&out, text, n);
		text += n;
		if (!*text)
			break;
		if (text[1] == '%') {
			str_add(&out, "%");
			text += 2;
			continue;
		}
		for (; at->name; at++) {
			n = strlen(at->name);
			if (text[1] == '(' &&
			    !strncmp(text + 2, at->name, n) &&
			    !strncmp(text + 2 + n, ")s", 2))
				break;
		}
		if (at->name) {
			str_add(&out, at->value);
			text += n + 4;
		} else {
			str_add_n(&out, text++, 1);
		}
	}
	return arena_dup(arena, str_get(&out));
}

const char *
setting_here(struct arena *arena, const char *path)
{
	return path_parent(arena, path);
}

bool
setting_next_word(struct arena *arena, const char **text,
		  const char **ret_word, bool *ret_unclosed)
{
	own_str struct str word = STR_INIT(VALUE_BYTES);
	const char *at = *text + strspn(*text, " \t\r\n");
	char quote = 0;

	if (!*at)
		return false;
	for (; *at && (quote || !strchr(" \t\r\n", *at)); at++) {
		if (quote && *at == quote)
			quote = 0;
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else if (*at == '\\' && quote != '\'' && at[1])
			str_add_n(&word, ++at, 1);
		else
			str_add_n(&word, at, 1);
	}
	*ret_unclosed = quote != 0;
	*ret_word = arena_dup(arena, str_get(&word));
	*text = at;
	return true;
}

const char *
setting_path_in(struct arena *arena, const char *word)
{
	const char *at = *word == '/' ? word : NULL;
	size_t n;

	if (*word == '-' || strchr(word, '='))
		at = strchr(word, '/');
	if (!at)
		return NULL;
	n = strlen(at);
	while (n > 1 && at[n - 1] == '/')
		n--;
	return n > 1 ? arena_dup_n(arena, at, n) : NULL;
}

bool
setting_is_true(const char *text)
{
	return !strcasecmp(text, "true") || !strcasecmp(text, "yes") ||
	       !strcasecmp(text, "on") || !strcmp(text, "1");
}

const char *const *
setting_list(struct arena *arena, const char *text, const char *separators)
{
	const char **items = arena_array(arena, strlen(text) / 2 + 2,
					 sizeof *items);
	size_t n = 0;

	for (;;) {
		size_t length;

		text += strspn(text, separators);
		if (!*text)
			return items;
		length = strcspn(text, separators);
		items[n++] = arena_dup_n(arena, text, length);
		text += length;
	}
}
