/* SPDX-License-Identifier: Apache-2.0 */
/* What an unpacker left in staging, looked at before it is believed. */
#include "kind/package_spec.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "kind/unpacked.h"

/* What is at the top of the archive, for messages. 1 and *ret_only when that
 * is one directory, else 0; -1. */
static int
look_at_top(struct context *context, int dirfd, struct str *names,
	    const char **ret_only, struct error *err)
{
	own_dir DIR *dir = directory_list(dirfd);
	const char *only = NULL;
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (!dir)
		return error_sys(err, "read what was unpacked");
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		str_add(names, n++ ? ", " : "");
		str_add_printable(names, entry->d_name,
				  strlen(entry->d_name), 64);
		only = arena_dup(context->arena, entry->d_name);
	}
	if (n != 1 || fstatat(dirfd, only, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return 0;
	*ret_only = only;
	return 1;
}

static int
find_root(struct context *context, struct step *step, const char **ret_root,
	  struct error *err)
{
	const struct package_spec *spec = step->resource->spec;
	struct package_state *state = step->state;
	own_str struct str names = STR_INIT(200);
	struct error probe = ERROR_INIT;
	int only;

	*ret_root = ".";
	if (spec->root && strcmp(spec->root, ".") == 0)
		return 0;
	if (spec->root) {
		own_fd int fd = path_open_dir(state->tree_dirfd,
			path_join(context->arena, "/", spec->root), &probe);

		*ret_root = spec->root;
		if (fd >= 0)
			return 0;
	}
	only = look_at_top(context, state->tree_dirfd, &names, ret_root, err);
	if (only < 0)
		return -1;
	if (spec->root)
		return error_raise(err, ERROR_FORMAT,
			"the archive has no directory '%s' (root of %s); at "
			"its top it has: %s%s", spec->root,
			step->resource->label, str_get(&names),
			names.full ? ", ..." : "");
	if (only)
		return 0;
	return error_raise(err, ERROR_FORMAT,
		"the archive does not have one directory at its top; it has: "
		"%s%s. Say which one with root = \"...\" (root of %s)",
		str_get(&names), names.full ? ", ..." : "",
		step->resource->label);
}

/* Nobody but us reads or writes in staging: what the manifest says of it now
 * holds until programs run. */
static int
accept(struct context *context, struct step *step, const char *root,
       struct error *err)
{
	struct package_state *state = step->state;
	struct manifest_filter filter = package_others(context, step);
	own_str struct str lines = STR_INIT(MANIFEST_BYTES);
	const struct unpacked unpacked = {
		.root = root, .manifest = &lines, .filter = &filter,
		.policy = package_policy(step->resource->spec, context->arena),
	};
	struct timespec now;

	if (unpacker_reuse(step->stream->unpacker, root, err) < 0 ||
	    unpacked_accept(step->stream->unpacker, &unpacked, err) < 0)
		return -1;
	if (lines.full)
		return error_raise(err, ERROR_LIMIT, "the list of files does "
				   "not fit into %zu bytes", lines.max);
	clock_gettime(CLOCK_REALTIME, &now);
	state->known = (struct manifest_known){
		.lines = arena_dup_n(context->arena, lines.data, lines.len),
		.n = lines.len,
		.at_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec,
	};
	return 0;
}

static void
tell_reused(const struct step *step)
{
	const struct package_state *state = step->state;
	char size[32];
	uint64_t bytes;
	size_t n;

	if (!step->stream->reuse)
		return;
	n = reuse_linked(state->reuse, &bytes);
	if (n)
		log_info("package.reused", step->resource->label,
		 n == 1 ? "%zu file (%s) is the same as before, and was linked"
		 : "%zu files (%s) are the same as before, and were linked", n,
		 bytes_format(bytes, size, sizeof size));
}

int
package_settle(struct context *context, struct step *step, struct error *err)
{
	struct package_state *state = step->state;
	const char *root;

	if (state->kept)
		return 0;
	if (find_root(context, step, &root, err) < 0 ||
	    accept(context, step, root, err) < 0)
		return -1;
	tell_reused(step);
	drop_fd(&state->tree_dirfd);
	drop_fd(&state->old_dirfd);
	step->staged = strcmp(root, ".") == 0 ? state->tree_path
		: path_join(context->arena, state->tree_path, root);
	return 0;
}
