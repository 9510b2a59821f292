/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the package kind share: package.c (keys, check, observe,
 * commit), package_archive.c (what the archive may hold), package_tree.c
 * (a look at what was unpacked), package_keep.c (what is kept: paths of the
 * old tree, and whole trees for a rollback).
 */
#pragma once

#include "base/error.h"
#include "kind/place.h"
#include "kind/signature.h"
#include "plan/kind.h"
#include "plan/problem.h"
#include "tree/manifest.h"
#include "unpack/unpack.h"

#define MANIFEST_BYTES ((size_t)1 << 30)

/* limits = { ... } */
struct package_limits {
	int64_t total_size, file_size, entries;
	int64_t path_length, depth;
	int64_t ratio;
	int64_t header_size, window;
};

struct package_spec {
	const char *name;
	const char *const *url;
	const char *sha256;
	bool unverified;
	struct signature_spec signed_by;
	const char *root;
	const char *into;
	const char *owner, *group;
	bool preserve_owner;
	bool reuse;
	const char *const *keep;
	int64_t max_size;
	const struct package_limits *limits;   /* NULL: the default */
	const char *const *allow;
};

struct package_state {
	const char *tree_path;     /* staging directory of the unpacked tree */
	int tree_dirfd;
	int old_dirfd;             /* of the tree that is there; or -1 */
	struct reuse *reuse;       /* of its files; or NULL */
	bool owner_known;
	struct manifest_known known;   /* what was unpacked, as it is staged */
	bool chowned;              /* its owners are not those any more */
	const char *kept;          /* rollback: the tree that waited */
	const char *staged;        /* where it goes through; see commit */
};

/* allow and limits. */
void package_check_archive(const struct resource *resource,
			   struct problems *problems);
const struct unpack_policy *
package_policy(const struct package_spec *spec, struct arena *arena);

/* Paths in the tree that are not the package's to judge. */
struct manifest_filter package_others(struct context *context,
				      const struct step *step);

/* What of the tree that is there may be taken over, when the record says that
 * it is ours: state->reuse. */
void package_look_for_reuse(struct context *context, struct step *step,
			    const struct place_owner *owner);
/* The unpacker is not believed: find the root in what it left, and look at
 * every name below. */
int package_settle(struct context *context, struct step *step,
		   struct error *err);

/* In a rollback, the tree of then: kept when it was replaced, and still what
 * the generation recorded. NULL: it has to be fetched. */
const char *package_find_kept(struct context *context, struct step *step);
/* Move what is kept (keep = [ ... ]) from the old tree into the new one. */
int package_keep_paths(struct context *context, struct step *step,
		       struct error *err);
