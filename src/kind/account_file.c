/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/account_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/path.h"
#include "io/newfile.h"

#define FILE_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define FIELDS_MAX 8

struct account_file {
	struct str text;
	const char *path;
};

static int
file_open(const struct context *context, const char *name,
	  struct account_file *file, struct error *err)
{
	struct error probe = ERROR_INIT;
	own_fd int etc = path_open_dir(context->rootfd, "/etc", &probe);

	file->path = arena_printf(context->arena, "%s/etc/%s", context->root,
				  name);
	file->text = (struct str)STR_INIT(FILE_BYTES_MAX + 1);
	if (etc < 0 && probe.sys == ENOENT)
		return 0;
	if (etc < 0) {
		*err = probe;
		return error_in(err, "read %s", file->path);
	}
	if (file_read_at(etc, name, FILE_BYTES_MAX, &file->text, &probe) < 0 &&
	    probe.sys != ENOENT) {
		*err = probe;
		return error_in(err, "read %s", file->path);
	}
	return 0;
}

static void
file_release(struct account_file *file)
{
	str_release(&file->text);
}

/* Split the next line at ":" into FIELD; their number, 0 at the end. */
static size_t
next_line(struct arena *arena, const char **at, const char **field)
{
	while (**at) {
		size_t length = strcspn(*at, "\n"), n = 0;
		char *line = arena_dup_n(arena, *at, length);

		*at += length + ((*at)[length] == '\n');
		for (char *part; n < FIELDS_MAX && (part = strsep(&line, ":"));)
			field[n++] = part;
		if (n >= 4 && *field[0])
			return n;
	}
	return 0;
}

static int64_t
parse_id(const char *text)
{
	char *end;
	long long id = strtoll(text, &end, 10);

	return *text && !*end && id >= 0 && id <= ACCOUNT_ID_MAX ? id : -1;
}

static bool
entry_fits(const struct account *entry, const char *name, int64_t id)
{
	return name ? !strcmp(entry->name, name) : entry->id == id;
}

/* By NAME, or by ID when NAME is NULL. group(5), passwd(5). */
static bool
find(struct arena *arena, const struct account_file *file, bool users,
     const char *name, int64_t id, struct account *ret_entry)
{
	const char *at = str_get(&file->text), *field[FIELDS_MAX];
	size_t n;

	while ((n = next_line(arena, &at, field))) {
		struct account entry = {
			.name = field[0],
			.id = parse_id(field[2]),
			.group_id = users ? parse_id(field[3]) : -1,
			.members = users ? "" : field[3],
			.home = users && n > 5 ? field[5] : "",
			.shell = users && n > 6 ? field[6] : "",
		};

		if (entry_fits(&entry, name, id)) {
			*ret_entry = entry;
			return true;
		}
	}
	return false;
}

int
account_find(const struct context *context, bool users, const char *name,
	     int64_t id, bool *ret_found, struct account *ret_entry,
	     struct error *err)
{
	struct account_file file;

	if (file_open(context, users ? "passwd" : "group", &file, err) < 0)
		return -1;
	*ret_found = find(context->arena, &file, users, name, id, ret_entry);
	file_release(&file);
	return 0;
}

bool
account_is_member(const struct account *group, const char *user)
{
	size_t length = strlen(user);

	for (const char *at = group->members; *at;) {
		size_t n = strcspn(at, ",");

		if (n == length && !memcmp(at, user, n))
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}
