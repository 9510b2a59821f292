/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile that is being written down: what was understood of a script, what
 * was not, and what is wrong with the script. Everything lives in one arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

#define DRAFT_DIGEST_MISSING "FILL IN"   /* where a sha256 is not known */

struct draft_package {
	int line;
	const char *name, *url, *into;
	const char *root;         /* or NULL */
	const char *owner, *group;
	const char *keep;         /* one path in it; or NULL */
	const char *sha256;       /* NULL: not known yet */
};

struct draft_file {
	int line;
	const char *from, *url, *content;   /* one of them */
	const char *to, *mode;
	const char *sha256;       /* of url; NULL: not known yet */
};

struct draft_directory {
	int line;
	const char *path, *owner, *group, *mode;
	const char *note;         /* a comment; or NULL */
};

/* A word with the line it came from: a service, a program, a package. */
struct draft_word {
	int line;
	const char *text, *more;  /* (link) where it leads */
};

struct draft_account {
	int line;
	const char *name, *id, *group, *home, *shell;
	bool system;
};

/* What the script installs the agent from. */
struct draft_agent_package {
	int line;
	const char *url;          /* NULL: there is none */
	const char *sha256;       /* NULL: not known yet */
	bool unpinned;            /* it fetches the agent by itself */
	bool as_is;
	const char *root;         /* or NULL */
	const char **install;     /* n_install words */
	size_t n_install;
};

struct draft_note {
	int line;
	const char *text;
};

#define DRAFT_LIST(type) struct { struct type *item; size_t n, cap; }

struct draft {
	struct arena *arena;
	DRAFT_LIST(draft_package) packages;
	DRAFT_LIST(draft_file) files;
	DRAFT_LIST(draft_directory) directories;
	DRAFT_LIST(draft_account) users, groups;
	DRAFT_LIST(draft_word) links, os_packages, services, programs;
	DRAFT_LIST(draft_note) unread;    /* commands of the script, as text */
	DRAFT_LIST(draft_note) faults;    /* of the script */
	bool supervisor;
	const char *supervisor_config;    /* or NULL */
	const char *agent;                /* "codedeploy", or NULL */
	struct draft_agent_package agent_package;
	int agent_line;
};

/* Make room for one more in LIST (which doubles) and take it there. */
#define draft_add(draft, list, ...)                                          \
	do {                                                                 \
		__typeof__(*(list)->item) added_ = __VA_ARGS__;              \
									     \
		(list)->item = draft_room((draft)->arena, (list)->item,      \
					  (list)->n, &(list)->cap,           \
					  sizeof *(list)->item);             \
		(list)->item[(list)->n++] = added_;                          \
	} while (0)
void *draft_room(struct arena *arena, void *items, size_t n, size_t *cap,
		 size_t size);

/* A directory, or more of one that is there: what is said last counts. */
void draft_directory_add(struct draft *draft,
			 const struct draft_directory *directory);

/* FMT as a note of LINE. */
void draft_fault(struct draft *draft, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The profile. SCRIPT is its name, for the comment at the top. */
void draft_print(const struct draft *draft, const char *script,
		 struct str *out);
