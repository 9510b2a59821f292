/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "io/newfile.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "transaction/transaction.h"
#include "tree/manifest.h"

#define ACCOUNT_FILE_MAX ((size_t)8 << 20)

int
place_look(struct context *context, const char *path, struct stat *st,
	   struct error *err)
{
	struct error probe = ERROR_INIT;
	own_fd int dirfd = path_open_dir(context->rootfd,
					 path_parent(context->arena, path),
					 &probe);

	if (dirfd < 0) {
		/* ENOTDIR: what is above it is in its own step's hands. */
		if (probe.sys == ENOENT || probe.sys == ENOTDIR)
			return 0;
		*err = probe;
		return -1;
	}
	if (fstatat(dirfd, path_base(path), st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return error_sys(err, "look at %s", path);
	}
	return 1;
}

/* Third field of NAME's line in /etc/passwd or /etc/group. */
static bool
find_id(const char *text, const char *name, unsigned *ret_id)
{
	size_t n = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *password;

		line += *line == '\n';
		if (strncmp(line, name, n) != 0 || line[n] != ':')
			continue;
		password = strchr(line + n + 1, ':');
		if (!password)
			return false;
		*ret_id = (unsigned)strtoul(password + 1, NULL, 10);
		return true;
	}
	return false;
}

static bool
is_number(const char *text, unsigned *ret_id)
{
	char *end;
	unsigned long number;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*end || errno || number > 0xfffffffeul)
		return false;
	*ret_id = (unsigned)number;
	return true;
}

/* 1 found, 0 not there, -1 error. */
static int
look_up(struct context *context, const char *file, const char *name,
	unsigned *ret_id, struct error *err)
{
	own_str struct str text = STR_INIT(ACCOUNT_FILE_MAX + 1);
	struct error probe = ERROR_INIT;
	own_fd int etc = -1;

	if (!name || strcmp(name, "root") == 0) {
		*ret_id = 0;
		return 1;
	}
	if (is_number(name, ret_id))
		return 1;
	etc = path_open_dir(context->rootfd, "/etc", &probe);
	if (etc < 0 || file_read_at(etc, file, ACCOUNT_FILE_MAX, &text,
				    &probe) < 0) {
		if (probe.sys == ENOENT)
			return 0;
		*err = probe;
		return error_in(err, "look up '%s'", name);
	}
	return find_id(str_get(&text), name, ret_id);
}

static bool
accounts_come(const struct context *context)
{
	size_t end = plan_phase_end(context->plan, PHASE_PREPARE);

	for (size_t i = 0; i < end; i++)
		if (context->plan->steps[i].action != ACTION_NONE)
			return true;
	return false;
}

static int
unknown_name(const char *what, const char *name, struct error *err)
{
	return error_raise(err, ERROR_SYSTEM,
		"%s '%s' does not exist on this host; declare it in the "
		"profile's %ss, or name one that exists", what, name, what);
}

static int
resolve(struct context *context, const char *owner, const char *group,
	bool may_wait, struct place_owner *ret, struct error *err)
{
	unsigned uid = 0, gid = 0;
	int user = look_up(context, "passwd", owner, &uid, err);
	int team;

	if (user < 0)
		return -1;
	team = look_up(context, "group", group, &gid, err);
	if (team < 0)
		return -1;
	*ret = (struct place_owner){ uid, gid, user && team };
	if (ret->known || may_wait)
		return 0;
	return user ? unknown_name("group", group, err)
		    : unknown_name("user", owner, err);
}

int
place_owner(struct context *context, const char *owner, const char *group,
	    struct place_owner *ret_owner, struct error *err)
{
	return resolve(context, owner, group, accounts_come(context),
		       ret_owner, err);
}

int
place_owner_now(struct context *context, const char *owner, const char *group,
		struct place_owner *ret_owner, struct error *err)
{
	return resolve(context, owner, group, false, ret_owner, err);
}

bool
place_was_ours(const struct step *step)
{
	return step->recorded && str_equal(step->recorded->destination,
					   step->resource->destination);
}

const char *
place_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "a file";
	case S_IFDIR: return "a directory";
	case S_IFLNK: return "a symbolic link";
	default: return "a special file";
	}
}

static bool
listed(const char *const *list, const char *name, size_t n)
{
	for (; list && *list; list++)
		if (strlen(*list) == n && strncmp(*list, name, n) == 0)
			return true;
	return false;
}

const char *
place_spec_change(struct context *context, const struct step *step,
		  const char *const *ignore)
{
	own_str struct str now = STR_INIT((size_t)16 << 20);
	own_str struct str names = STR_INIT(4096);
	own_str struct str kept = STR_INIT(4096);
	const char *at;

	key_describe(step->resource->kind->keys, step->resource->spec, &now);
	key_differences(step->recorded->spec, str_get(&now), &names);
	for (at = str_get(&names); *at; ) {
		size_t n = strcspn(at, ",");

		if (!listed(ignore, at, n)) {
			str_add(&kept, kept.len ? ", " : "");
			str_add_n(&kept, at, n);
		}
		at += n;
		at += strspn(at, ", ");
	}
	return kept.len ? arena_dup(context->arena, str_get(&kept)) : NULL;
}

void
place_decide(struct context *context, struct step *step, enum action action,
	     const char *fmt, ...)
{
	char text[512], printable[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	step->action = action;
	step->reason = arena_dup(context->arena,
		str_printable(text, printable, sizeof printable));
}

void
place_compare(struct context *context, struct step *step,
	      const struct stat *st, const struct place_owner *owner,
	      const char *name, const char *team, mode_t mode)
{
	if ((st->st_mode & 07777) != mode)
		place_decide(context, step, ACTION_CHANGE,
			     "mode is %04o, not %04o",
			     (unsigned)st->st_mode & 07777, (unsigned)mode);
	else if (!owner->known || st->st_uid != owner->uid ||
		 st->st_gid != owner->gid)
		place_decide(context, step, ACTION_CHANGE,
			     "owner is %u:%u, not %s:%s", (unsigned)st->st_uid,
			     (unsigned)st->st_gid, name, team);
}

int
place_commit(struct context *context, struct step *step, struct error *err)
{
	const char *destination = step->resource->destination;

	if (transaction_parents(context->transaction, destination, err) < 0)
		return -1;
	return transaction_place(context->transaction, step->staged,
				 destination, &step->old, err);
}

/* A visit that takes the first entry only. */
int
place_record(struct context *context, struct step *step, struct str *manifest,
	     struct error *err)
{
	const char *destination = step->resource->destination;
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, destination), err);
	static const struct manifest_filter all = { NULL, 0 };

	if (dirfd < 0)
		return -1;
	return manifest_write(dirfd, path_base(destination), &all,
			      MANIFEST_DIGESTS, manifest, err);
}
