/* SPDX-License-Identifier: Apache-2.0 */
/* A symbolic link. */
#include "kind/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "kind/place.h"
#include "transaction/transaction.h"

struct link_spec {
	const char *path, *target;
};

static const struct key link_keys[] = {
	{ "path", KEY_PATH, KEY_REQUIRED, offsetof(struct link_spec, path),
	  .text = "where the link is" },
	{ "target", KEY_TEXT, KEY_REQUIRED, offsetof(struct link_spec, target),
	  .text = "what it points to, as it is written into the link" },
	{ NULL }
};

static void
link_check(const struct resource *resource, const struct profile *profile,
	   struct problems *problems)
{
	const struct link_spec *spec = resource->spec;

	(void)profile;
	if (!spec->target[0] || strlen(spec->target) > 4000)
		problems_add(problems, resource_place(resource, "target"),
			     "target of %s is empty or longer than 4000 bytes",
			     resource->label);
}

static int
read_target(struct context *context, const char *path, char *buf, size_t size,
	    struct error *err)
{
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, path), err);
	ssize_t n;

	if (dirfd < 0)
		return -1;
	n = readlinkat(dirfd, path_base(path), buf, size - 1);
	if (n < 0)
		return error_sys(err, "read the link %s", path);
	buf[n] = '\0';
	return 0;
}

static int
link_observe(struct context *context, struct step *step, struct error *err)
{
	const struct link_spec *spec = step->resource->spec;
	char target[4096];
	struct stat st;
	int there = place_look(context, spec->path, &st, err);

	if (there < 0)
		return -1;
	if (!there) {
		place_decide(context, step, ACTION_CREATE, "not there");
		return 0;
	}
	if (!S_ISLNK(st.st_mode)) {
		if (S_ISDIR(st.st_mode) && !place_was_ours(step))
			return error_raise(err, ERROR_SYSTEM,
				"%s is a directory, and the profile wants a "
				"link there: move it away first", spec->path);
		place_decide(context, step, ACTION_CHANGE, "it is %s",
			     place_type(st.st_mode));
		return 0;
	}
	if (read_target(context, spec->path, target, sizeof target, err) < 0)
		return -1;
	if (strcmp(target, spec->target) != 0)
		place_decide(context, step, ACTION_CHANGE, "points to %s",
			     target);
	return 0;
}

static int
link_stage(struct context *context, struct step *step, struct error *err)
{
	const struct link_spec *spec = step->resource->spec;
	const char *path, *name;
	int dirfd;

	if (transaction_staging(context->transaction, spec->path, &dirfd,
				&path, err) < 0)
		return -1;
	name = transaction_new_name(context->transaction);
	if (symlinkat(spec->target, dirfd, name) < 0)
		return error_sys(err, "make the link %s/%s", path, name);
	step->staged = path_join(context->arena, path, name);
	return 0;
}

const struct kind kind_link = {
	.name = "link",
	.block = "links",
	.shape = BLOCK_LIST,
	.phase = PHASE_PLACE,
	.keys = link_keys,
	.spec_size = sizeof(struct link_spec),
	.name_key = "path",
	.destination_key = "path",
	.check = link_check,
	.observe = link_observe,
	.stage = link_stage,
	.commit = place_commit,
	.record = place_record,
};
