/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/key.h"

#define SECRET "(secret)"

struct restoring {
	struct arena *arena;
	const char *at;          /* what is left of the text */
};

/* A key's own place in its spec; groups on the way are made. */
struct spot {
	const struct key *key;
	void *at;
};

/* KEY_MODE is the one type whose "not said" is not zero. */
static void
clear(const struct key *keys, void *spec)
{
	for (; keys && keys->name; keys++)
		if (keys->type == KEY_MODE)
			*(int32_t *)((char *)spec + keys->offset) = -1;
}

static void *
open_group(struct arena *arena, const struct key *key, void *at)
{
	void **group = at;

	if (!*group) {
		*group = arena_alloc(arena, key->group_size);
		clear(key->keys, *group);
	}
	return *group;
}

/* NAME (n bytes), "group.name"; key NULL when there is none of that name. */
static struct spot
find(struct arena *arena, const struct key *keys, void *spec,
     const char *name, size_t n)
{
	char part[128];
	const char *dot = memchr(name, '.', n);
	size_t length = dot ? (size_t)(dot - name) : n;
	const struct key *key = NULL;
	void *at;

	if (length < sizeof part) {
		memcpy(part, name, length);
		part[length] = '\0';
		key = key_find(keys, part);
	}
	if (!key || (key->type == KEY_GROUP) != (dot != NULL))
		return (struct spot){ NULL, NULL };
	at = (char *)spec + key->offset;
	if (!dot)
		return (struct spot){ key, at };
	return find(arena, key->keys, open_group(arena, key, at), dot + 1,
		    n - length - 1);
}

static bool
take(struct restoring *r, const char *word)
{
	if (!str_starts(r->at, word))
		return false;
	r->at += strlen(word);
	return true;
}

/* One byte of a quoted text; -1 when it is not as add_quoted() writes. */
static int
unquoted(struct restoring *r)
{
	unsigned char byte;

	if (*r->at == '\0' || *r->at == '\n' || *r->at == '"')
		return -1;
	if (*r->at != '\\')
		return (unsigned char)*r->at++;
	r->at++;
	if (take(r, "n"))
		return '\n';
	if (*r->at == '"' || *r->at == '\\')
		return (unsigned char)*r->at++;
	if (*r->at != 'x' || !r->at[1] || !r->at[2])
		return -1;
	char hex[3] = { r->at[1], r->at[2], '\0' };
	if (hex_decode(hex, &byte, 1) < 0 || byte == 0)
		return -1;
	r->at += 3;
	return byte;
}

static const char *
text_value(struct restoring *r)
{
	const char *end = strchr(r->at, '\n');
	char *text = arena_alloc(r->arena,
		(end ? (size_t)(end - r->at) : strlen(r->at)) + 1);
	size_t n = 0;
	int byte;

	if (!take(r, "\""))
		return NULL;
	while (*r->at != '"') {
		byte = unquoted(r);
		if (byte < 0)
			return NULL;
		text[n++] = (char)byte;
	}
	r->at++;
	text[n] = '\0';
	return text;
}

static const char *const *
list_value(struct restoring *r)
{
	size_t most = 1, n = 0;
	const char **texts;

	if (!take(r, "["))
		return NULL;
	for (const char *c = r->at; *c && *c != '\n'; c++)
		most += *c == '"';
	texts = arena_array(r->arena, most, sizeof *texts);
	while (!take(r, "]")) {
		if ((n > 0 && !take(r, ", ")) || !(texts[n] = text_value(r)))
			return NULL;
		n++;
	}
	texts[n] = NULL;
	return texts;
}

static int
number_value(struct restoring *r, int base, int64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoll(r->at, &end, base);
	if (errno || end == r->at)
		return -1;
	r->at = end;
	return 0;
}

static int
mode_value(struct restoring *r, int32_t *ret_mode)
{
	int64_t mode;

	if (!take(r, "\"") || number_value(r, 8, &mode) < 0 ||
	    !take(r, "\"") || mode < 0 || mode > 07777)
		return -1;
	*ret_mode = (int32_t)mode;
	return 0;
}

static int
value(struct restoring *r, const struct spot *spot)
{
	switch (spot->key->type) {
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_RELATIVE:
	case KEY_DIGEST:
	case KEY_CHOICE:
		*(const char **)spot->at = text_value(r);
		return *(const char **)spot->at ? 0 : -1;
	case KEY_TEXTS:
	case KEY_RELATIVES:
	case KEY_URLS:
	case KEY_ARGV:
		*(const char *const **)spot->at = list_value(r);
		return *(const char *const **)spot->at ? 0 : -1;
	case KEY_BOOL:
		*(bool *)spot->at = true;
		return take(r, "true") ? 0 : -1;
	case KEY_MODE:
		return mode_value(r, spot->at);
	case KEY_NUMBER:
	case KEY_SIZE:
	case KEY_DURATION:
		return number_value(r, 10, spot->at);
	case KEY_GROUP:
		break;
	}
	return -1;
}

static int
line(struct restoring *r, const struct key *keys, void *spec)
{
	size_t n = strcspn(r->at, " \n");
	struct spot spot = find(r->arena, keys, spec, r->at, n);

	r->at += n;
	if (!take(r, " = "))
		return -1;
	if (!spot.key || take(r, SECRET))
		r->at += strcspn(r->at, "\n");
	else if (value(r, &spot) < 0)
		return -1;
	return take(r, "\n") || !*r->at ? 0 : -1;
}

int
key_restore(const struct key *keys, const char *description,
	    struct arena *arena, void *spec)
{
	struct restoring r = { arena, description };

	clear(keys, spec);
	while (*r.at)
		if (line(&r, keys, spec) < 0)
			return -1;
	return 0;
}
