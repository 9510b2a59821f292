/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that is to be there, with its mode and owner. */
#include "kind/kinds.h"

#include <sys/stat.h>

#include "base/path.h"
#include "kind/place.h"
#include "transaction/transaction.h"

struct directory_spec {
	const char *path, *owner, *group;
	int32_t mode;
	bool world_writable;
};

static const struct key directory_keys[] = {
	{ "path", KEY_PATH, KEY_REQUIRED, offsetof(struct directory_spec, path),
	  .text = "where the directory is" },
	{ "owner", KEY_TEXT, 0, offsetof(struct directory_spec, owner), "root",
	  .text = "its owner, a name or a number" },
	{ "group", KEY_TEXT, 0, offsetof(struct directory_spec, group), "root",
	  .text = "its group, a name or a number" },
	{ "mode", KEY_MODE, 0, offsetof(struct directory_spec, mode), "0755",
	  .text = "its permissions" },
	{ "world_writable", KEY_BOOL, 0,
	  offsetof(struct directory_spec, world_writable),
	  .text = "true: a mode that lets everyone write is meant" },
	{ NULL }
};

static int
directory_observe(struct context *context, struct step *step,
		  struct error *err)
{
	const struct directory_spec *spec = step->resource->spec;
	struct place_owner owner;
	struct stat st;
	int there = place_look(context, spec->path, &st, err);

	if (there < 0)
		return -1;
	if (!there) {
		place_decide(context, step, ACTION_CREATE, "not there");
		return 0;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (!place_was_ours(step))
			return error_raise(err, ERROR_SYSTEM,
				"%s is %s, and the profile wants a directory "
				"there: move it away first", spec->path,
				place_type(st.st_mode));
		place_decide(context, step, ACTION_CHANGE, "it is %s",
			     place_type(st.st_mode));
		return 0;
	}
	if (place_owner(context, spec->owner, spec->group, &owner, err) < 0)
		return -1;
	place_compare(context, step, &st, &owner, spec->owner, spec->group,
		      (mode_t)spec->mode);
	return 0;
}

/* To where it can be kept for whoever put it there (run/drift.h). */
static int
take_away(struct context *context, struct step *step, struct error *err)
{
	const char *destination = step->resource->destination;
	const char *path;
	int dirfd;

	if (transaction_staging(context->transaction, destination, &dirfd,
				&path, err) < 0)
		return -1;
	step->old = path_join(context->arena, path,
		transaction_new_name(context->transaction));
	return transaction_move(context->transaction, destination, step->old,
				err);
}

/* Looked at again: an exchanged tree may have brought or lost it. */
static int
directory_commit(struct context *context, struct step *step,
		 struct error *err)
{
	const struct directory_spec *spec = step->resource->spec;
	struct place_owner owner;
	struct stat st;
	int there;

	if (place_owner_now(context, spec->owner, spec->group, &owner,
			    err) < 0 ||
	    transaction_parents(context->transaction, spec->path, err) < 0)
		return -1;
	there = place_look(context, spec->path, &st, err);
	if (there < 0)
		return -1;
	if (!there)
		return transaction_mkdir(context->transaction, spec->path,
					 (mode_t)spec->mode, owner.uid,
					 owner.gid, err);
	if (!S_ISDIR(st.st_mode)) {
		if (take_away(context, step, err) < 0)
			return -1;
		return transaction_mkdir(context->transaction, spec->path,
					 (mode_t)spec->mode, owner.uid,
					 owner.gid, err);
	}
	return transaction_attributes(context->transaction, spec->path,
				      (mode_t)spec->mode, owner.uid,
				      owner.gid, err);
}

const struct kind kind_directory = {
	.name = "directory",
	.block = "directories",
	.shape = BLOCK_LIST,
	.phase = PHASE_PLACE,
	.keys = directory_keys,
	.spec_size = sizeof(struct directory_spec),
	.name_key = "path",
	.destination_key = "path",
	.observe = directory_observe,
	.commit = directory_commit,
};
