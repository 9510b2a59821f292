/* SPDX-License-Identifier: Apache-2.0 */
#include "io/reuse.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"
#include "io/reuse_private.h"
#include "io/shown.h"
#include "io/tree.h"

/* ------------------------------------------------------------- candidates */

/* Names of what people edit where it is: an edit would reach both trees. */
static bool
is_configuration(const char *path)
{
	static const char *const parts[] = {
		"etc", "conf", "config", "configuration", "settings",
	};
	static const char *const suffixes[] = {
		".conf", ".cfg", ".cnf", ".ini", ".env", ".toml", ".yaml",
		".yml", ".json", ".xml", ".properties", ".local",
	};
	const char *slash;
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t m = strlen(suffixes[i]);

		if (n >= m && strcmp(path + n - m, suffixes[i]) == 0)
			return true;
	}
	for (; (slash = strchr(path, '/')); path = slash + 1) {
		size_t m = (size_t)(slash - path);

		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			if (strlen(parts[i]) == m &&
			    memcmp(path, parts[i], m) == 0)
				return true;
		if (m > 2 && memcmp(slash - 2, ".d", 2) == 0)
			return true;
	}
	return false;
}

/* What nobody but root can edit, and root has no reason to. */
static bool
may_be_shared(const struct manifest_line *line, const struct stat *st)
{
	return st->st_uid == 0 &&
	       (st->st_mode & (S_IWGRP | S_IWOTH | S_ISUID | S_ISGID)) == 0 &&
	       !is_configuration(str_get(&line->path));
}

static bool
is_as_recorded(const struct reuse *reuse, const struct manifest_line *line,
	       const struct stat *st)
{
	return S_ISREG(st->st_mode) && line->type == 'f' && line->has_digest &&
	       line->size == (uint64_t)st->st_size && line->size > 0 &&
	       line->size <= REUSE_BYTES_MAX &&
	       line->mtime_ns == manifest_mtime_ns(st) &&
	       line->mode == (st->st_mode & 07777u) &&
	       line->uid == st->st_uid && line->gid == st->st_gid &&
	       line->uid == reuse->source.uid && line->gid == reuse->source.gid;
}

struct looking {
	struct reuse *reuse;
	struct manifest_cursor cursor;
	VEC(struct reuse_candidate) found;
};

static int
add(struct looking *looking, const struct stat *st, struct error *err)
{
	const struct manifest_line *line = &looking->cursor.line;
	struct reuse *reuse = looking->reuse;
	struct reuse_candidate candidate = {
		.path = arena_dup_n(reuse->arena, str_get(&line->path),
				    line->path.len),
		.digest = line->digest, .size = line->size,
		.mtime_ns = line->mtime_ns, .mode = line->mode,
		.inode = st->st_ino,
	};

	candidate.untouched = !reuse->source.verify &&
		reuse_changed_ns(st) < reuse->source.recorded_ns;
	file_key(candidate.path, candidate.key);
	if (vec_push(&looking->found, candidate) < 0)
		return error_raise(err, ERROR_LIMIT, "too many files");
	return 0;
}

static int
look_at(void *context, int dirfd, const char *name, const char *path,
	const struct stat *st, const char *target, struct error *err)
{
	struct looking *looking = context;
	struct manifest_cursor *cursor = &looking->cursor;

	(void)dirfd, (void)name, (void)target;
	if (*path && manifest_skips(looking->reuse->source.filter, path))
		return 1;
	while (cursor->have &&
	       manifest_compare_paths(str_get(&cursor->line.path), path) < 0)
		if (manifest_cursor_next(cursor, err) < 0)
			return -1;
	if (!cursor->have || !str_equal(str_get(&cursor->line.path), path) ||
	    !is_as_recorded(looking->reuse, &cursor->line, st) ||
	    !may_be_shared(&cursor->line, st))
		return 0;
	return add(looking, st, err);
}

/* ------------------------------------------------------------------ index */

static uint32_t *
find_slot(const struct reuse *reuse, const uint8_t *key)
{
	size_t at;

	memcpy(&at, key, sizeof(at));
	for (;; at++) {
		uint32_t *slot = &reuse->slots[at & reuse->mask];

		if (!*slot ||
		    memcmp(reuse->item[*slot - 1].key, key,
			   FILE_KEY_BYTES) == 0)
			return slot;
	}
}

static int
compare_inodes(const void *a, const void *b)
{
	const struct reuse_candidate *const *x = a, *const *y = b;

	return (*x)->inode < (*y)->inode ? -1 : (*x)->inode > (*y)->inode;
}

/* Names of one inode in the tree: a new edition may tell them apart. */
static void
drop_hard_links(struct reuse *reuse)
{
	size_t n = reuse->n;
	struct reuse_candidate **by = arena_array(reuse->arena, n, sizeof(*by));

	for (size_t i = 0; i < n; i++)
		by[i] = &reuse->item[i];
	qsort(by, n, sizeof(*by), compare_inodes);
	for (size_t i = 1; i < n; i++)
		if (by[i]->inode == by[i - 1]->inode)
			by[i]->shared = by[i - 1]->shared = true;
}

static void
build_index(struct reuse *reuse)
{
	size_t n = reuse->n, slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	reuse->slots = arena_array(reuse->arena, slots, sizeof(uint32_t));
	reuse->mask = slots - 1;
	for (size_t i = 0; i < n; i++)
		if (!reuse->item[i].shared)
			*find_slot(reuse, reuse->item[i].key) =
				(uint32_t)i + 1;
}

int
reuse_look(const struct reuse_source *source, struct arena *arena,
	   struct reuse **ret_reuse, struct error *err)
{
	struct reuse *reuse = arena_alloc(arena, sizeof(*reuse));
	struct looking looking = {
		.reuse = reuse,
		.cursor = MANIFEST_CURSOR_INIT(source->lines, source->n,
					       source->filter),
		.found = VEC_INIT(UINT32_MAX / 2),
	};
	int rc = manifest_cursor_next(&looking.cursor, err);

	*reuse = (struct reuse){ .source = *source, .arena = arena };
	if (rc == 0)
		rc = tree_walk(source->dirfd, ".", look_at, &looking, err);
	manifest_cursor_release(&looking.cursor);
	if (rc == 0 && looking.found.n) {
		reuse->n = looking.found.n;
		reuse->item = arena_array(arena, reuse->n,
					  sizeof(*reuse->item));
		memcpy(reuse->item, looking.found.item,
		       reuse->n * sizeof(*reuse->item));
		drop_hard_links(reuse);
		build_index(reuse);
	}
	vec_release(&looking.found);
	reuse->source.filter = NULL;   /* the caller's; not needed any more */
	if (rc == 0)
		*ret_reuse = reuse->n ? reuse : NULL;
	return rc;
}

/* -------------------------------------------------------------- the child */

/* PATH of the archive as it will be below the root, or NULL. */
static const char *
below_root(const struct reuse *reuse, const char *path)
{
	const char *root = reuse->source.root;
	size_t n = root ? strlen(root) : strcspn(path, "/");

	if (root && strcmp(root, ".") == 0)
		return path;
	if ((root && strncmp(path, root, n) != 0) || path[n] != '/')
		return NULL;
	return path + n + 1;
}

static uint32_t
find(const struct reuse *reuse, const char *path)
{
	uint8_t key[FILE_KEY_BYTES];

	path = reuse ? below_root(reuse, path) : NULL;
	if (!path)
		return 0;
	file_key(path, key);
	return *find_slot(reuse, key);
}

uint32_t
reuse_match(struct reuse *reuse, const char *path, uint64_t size, mode_t mode,
	    int64_t mtime_ns)
{
	uint32_t found = find(reuse, path);
	const struct reuse_candidate *candidate;

	if (!found)
		return 0;
	candidate = &reuse->item[found - 1];
	return !candidate->left && candidate->size == size && candidate->mode == mode &&
	       candidate->mtime_ns == mtime_ns ? found : 0;
}

bool
reuse_take(struct reuse *reuse, uint32_t found, const struct digest *digest)
{
	struct reuse_candidate *candidate = &reuse->item[found - 1];

	candidate->taken = digest_equal(&candidate->digest, digest);
	return candidate->taken;
}

void
reuse_leave(struct reuse *reuse, const char *path)
{
	uint32_t found = find(reuse, path);

	if (!found)
		return;
	reuse->item[found - 1].taken = false;
	reuse->item[found - 1].left = true;
}
