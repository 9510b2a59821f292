/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds that put something at a path have in common: looking at the
 * destination, owners by name, and the record of the last generation.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "plan/kind.h"

/* lstat PATH inside the root: 1 and *ret_st, 0 nothing is there, -1. */
int place_look(struct context *context, const char *path, struct stat *ret_st,
	       struct error *err);

struct place_owner {
	uid_t uid;
	gid_t gid;
	bool known;       /* false: a name that this run is yet to add */
};
/*
 * Owner and group by name or number (NULL: 0), from the root's own
 * /etc/passwd and /etc/group. A name that is not there is unknown when this
 * run adds accounts or os packages, else an error.
 */
int place_owner(struct context *context, const char *owner, const char *group,
		struct place_owner *ret_owner, struct error *err);
/* The same once accounts exist: every name must be known. */
int place_owner_now(struct context *context, const char *owner,
		    const char *group, struct place_owner *ret_owner,
		    struct error *err);

/* Did the last generation put something of this resource at this very place?
 * What is there instead was put there by somebody since, and goes. */
bool place_was_ours(const struct step *step);

/* What a type is called: "a directory", "a file", "a link". */
const char *place_type(mode_t mode);

/*
 * Names of the keys in which the resource differs from what was recorded,
 * leaving out those in IGNORE (NULL-terminated); NULL when none differs.
 * Lives in the run's arena.
 */
const char *place_spec_change(struct context *context, const struct step *step,
			      const char *const *ignore);

/* Set the step's action and reason (formatted, in the arena). */
void place_decide(struct context *context, struct step *step,
		  enum action action, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ACTION_CHANGE where mode or owner of what is there (ST) are not as wanted;
 * OWNER is what place_owner made of the profile's NAME and TEAM. */
void place_compare(struct context *context, struct step *step,
		   const struct stat *st, const struct place_owner *owner,
		   const char *name, const char *team, mode_t mode);

/* Move what is staged to the destination (parents are made). */
int place_commit(struct context *context, struct step *step,
		 struct error *err);
/* Manifest lines of the destination itself, without what lies below. */
int place_record(struct context *context, struct step *step,
		 struct str *manifest, struct error *err);
