/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/reuse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/str.h"
#include "tree/tree_stack.h"
#include "unpack/reuse_private.h"

/* Times of change are those of the kernel's last tick: of one that is so long
 * ago, any later change shows. */
#define SETTLED_NS INT64_C(1000000000)

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

/* Does the record speak of a file that may be shared: which nobody but root
 * can edit, and root has no reason to? */
static bool
may_be_shared(const struct reuse *reuse, const struct manifest_line *line)
{
	return line->type == 'f' && line->has_digest && line->size > 0 &&
	       line->size <= REUSE_BYTES_MAX && line->uid == 0 &&
	       line->uid == reuse->source.uid &&
	       line->gid == reuse->source.gid &&
	       (line->mode & (S_IWGRP | S_IWOTH | S_ISUID | S_ISGID)) == 0 &&
	       !is_configuration(str_get(&line->path));
}

static bool
is_as_recorded(const struct manifest_line *line, const struct stat *st)
{
	return S_ISREG(st->st_mode) && line->size == (uint64_t)st->st_size &&
	       line->mtime_ns == manifest_mtime_ns(st) &&
	       line->mode == (st->st_mode & 07777u) &&
	       line->uid == st->st_uid && line->gid == st->st_gid;
}

/* Touched since it was recorded, it may hold something else all the same. */
static bool
still_holds(const struct reuse *reuse, const struct manifest_line *line,
	    int dirfd, const char *name, const struct stat *st)
{
	struct error ignored = ERROR_INIT;

	return reuse_changed_ns(st) < reuse->source.recorded_ns ||
	       reuse_reads_as(dirfd, name, &line->digest, &ignored) > 0;
}

/* Is the file of LINE there, looked at through no link, and as recorded? */
static bool
look_at(const struct reuse *reuse, struct tree_stack *stack,
	const struct manifest_line *line, struct stat *ret_st)
{
	const char *path = str_get(&line->path), *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct error gone = ERROR_INIT;
	int dirfd = tree_stack_enter(stack, path,
				     slash ? (size_t)(slash - path) : 0, &gone);

	return dirfd >= 0 &&
	       fstatat(dirfd, name, ret_st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       is_as_recorded(line, ret_st) &&
	       still_holds(reuse, line, dirfd, name, ret_st);
}

static void
add(struct reuse *reuse, const struct manifest_line *line,
    const struct stat *st)
{
	struct reuse_candidate *candidate = &reuse->item[reuse->n++];
	int64_t changed_ns = reuse_changed_ns(st);

	*candidate = (struct reuse_candidate){
		.path = arena_dup_n(reuse->arena, str_get(&line->path),
				    line->path.len),
		.digest = line->digest, .size = line->size,
		.mtime_ns = line->mtime_ns, .mode = line->mode,
		.inode = st->st_ino, .linked = st->st_nlink > 1,
		.changed_ns = changed_ns,
		.settled = changed_ns < reuse->source.recorded_ns ||
			   changed_ns < reuse->looked_ns - SETTLED_NS,
	};
	siphash(reuse->secret, candidate->path, line->path.len,
		candidate->key);
}

/* The lines have the order of the tree: no directory is read. */
static int
look_at_all(struct reuse *reuse, struct tree_stack *stack,
	    struct manifest_cursor *cursor, struct error *err)
{
	int rc = manifest_cursor_next(cursor, err);

	while (rc == 0 && cursor->have) {
		struct stat st;

		if (may_be_shared(reuse, &cursor->line) &&
		    look_at(reuse, stack, &cursor->line, &st))
			add(reuse, &cursor->line, &st);
		rc = manifest_cursor_next(cursor, err);
	}
	return rc;
}

/*
 * What was not touched since the tree was put in place need not be read. The
 * record is written later: a command of that run may have been at the files,
 * as setcap(8) is. A directory that is renamed is changed by that.
 */
static int
set_times(struct reuse *reuse, struct error *err)
{
	struct reuse_source *source = &reuse->source;
	struct timespec now;
	struct stat st;

	if (fstat(source->dirfd, &st) < 0)
		return error_sys(err, "look at the tree that is there");
	if (reuse_changed_ns(&st) < source->recorded_ns)
		source->recorded_ns = reuse_changed_ns(&st);
	clock_gettime(CLOCK_REALTIME, &now);
	reuse->looked_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return 0;
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
	struct reuse_candidate **by =
		arena_array(reuse->arena, reuse->n, sizeof(*by));
	size_t n = 0;

	for (size_t i = 0; i < reuse->n; i++)
		if (reuse->item[i].linked)
			by[n++] = &reuse->item[i];
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
	struct tree_stack stack = TREE_STACK_INIT(source->dirfd);
	struct manifest_cursor cursor = MANIFEST_CURSOR_INIT(source->lines,
							     source->n,
							     source->filter);
	/* A line with a digest is longer than the digest; what is not used of
	 * this is never touched. */
	size_t most = source->n / (2 * DIGEST_BYTES);
	int rc;

	if (most >= UINT32_MAX / 2)
		return error_raise(err, ERROR_LIMIT, "too many files");
	*reuse = (struct reuse){ .source = *source, .arena = arena };
	reuse->item = arena_array(arena, most, sizeof(*reuse->item));
	random_bytes(reuse->secret, sizeof(reuse->secret));
	rc = set_times(reuse, err);
	if (rc == 0)
		rc = look_at_all(reuse, &stack, &cursor, err);
	manifest_cursor_release(&cursor);
	tree_stack_release(&stack);
	reuse->source.filter = NULL;   /* the caller's; not needed any more */
	if (rc < 0)
		return -1;
	if (reuse->n) {
		drop_hard_links(reuse);
		build_index(reuse);
	}
	*ret_reuse = reuse->n ? reuse : NULL;
	return 0;
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
	siphash(reuse->secret, path, strlen(path), key);
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
	return !candidate->left && candidate->size == size &&
	       candidate->mode == mode && candidate->mtime_ns == mtime_ns
		? found : 0;
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
