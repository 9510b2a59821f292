/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One shape for everything a profile can ask for. A kind is one file in
 * src/kind/ that ends in one const struct kind; run/ walks the plan and never
 * names a kind.
 *
 * In the order of a run (DESIGN, What apply does):
 *
 *	check     is the spec sensible? Pure; adds to problems, all of them.
 *	observe   compare resource and host; set step->action and reason. No effect.
 *	diff      what a change would change, for a person: a unified diff. Pure
 *	          reading; appends nothing where there is nothing to show.
 *	source    what stage would fetch for a step with an action; false when
 *	          nothing. Pure.
 *	foresee   what the run will do or cannot know yet, where reason and
 *	          diff do not say it: lines of text ("restart app: /srv/app
 *	          changes"). Pure reading.
 *	expect    are the programs there that the profile names, or do they come?
 *	          No effect. Asked of every step, before anything is staged
 *	          and once all is.
 *	hold      (agent) nothing may be deployed from here on: stop it, wait for
 *	          what it is doing, keep it from being started by anything.
 *	stage     no visible effect: prepare in staging; start the fetch.
 *	settle    its bytes have come and are verified; look at them, refuse them.
 *	          Steps without a stream are settled when all streams are done.
 *	chown     owners are known now (accounts exist): give what is staged to
 *	          them. Still no visible effect.
 *	commit    make it visible, through context->transaction, which can undo it;
 *	          what cannot be undone is named in step->left.
 *	activate  bring it up, or wait until it holds.
 *	farewell  in place of observe, where the profile no longer has what the
 *	          last generation recorded (step->farewell): what of it is to be
 *	          brought down. Of the other ops only hold, leave, restore and
 *	          foresee are called then, and release after an undo.
 *	leave     in place of activate: bring it down.
 *	restore   after an undo: bring up what is now there again.
 *	quit      stop what it runs: the host is to end (fitout drain).
 *	release   (agent) start it. Needs proof of a completed run.
 *	record    what the generation keeps: manifest lines of what is installed.
 *	rest      (bake) all held and is recorded: bring down what was brought
 *	          up, so that the next boot finds an image at rest.
 *
 * And outside of runs, with the specs of the last generation:
 *
 *	status    what of it lives now, by context_present; no effect, and over
 *	          within the budget. What cannot be found out is said so, too.
 *
 * All but check may fail: 0, or -1 after filling ERR. Ops that a kind does
 * not need are NULL. An op other than check, observe, expect and restore is
 * called only for steps with an action (hold, release and rest: always).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "plan/key.h"
#include "plan/problem.h"

struct aws;
struct context;
struct fetcher;
struct plan;
struct profile;
struct proof;         /* of a completed run; only run/gate.c can make one */
struct resource;
struct step;
struct transaction;
struct trust;
struct reuse;           /* unpack/reuse.h */
struct unpack_policy;   /* unpack/unpack.h */
struct unpacker;        /* the same */

/* The phases of a plan, in order. */
enum phase {
	PHASE_PREPARE,      /* groups, users, os packages: only ever added to */
	PHASE_PLACE,        /* trees, files, directories, links: by path */
	PHASE_RUN,          /* commands */
	PHASE_ACTIVATE,     /* supervisor, services */
	PHASE_CHECK,
	PHASE_GATE,         /* the agent */
};

enum block_shape {
	BLOCK_LIST,         /* packages = ( { ... }, { ... } ); */
	BLOCK_GROUP,        /* supervisor = { ... }; at most one */
	BLOCK_TEXTS,        /* os_packages = [ "ruby" ]; one resource each;
			       the text goes to the first key */
};

/* Bytes that would be fetched. */
struct fetch_source {
	const char *const *urls;        /* mirrors in order, NULL-terminated */
	uint64_t max_bytes;             /* more than that will be refused */
	const char *const *signatures;  /* of them, in order; NULL: none is
					   asked for */
};

struct kind {
	const char *name;          /* "package": messages, events, records */
	const char *block;         /* "packages": the key in the profile */
	enum block_shape shape;
	enum phase phase;
	const struct key *keys;
	size_t spec_size;
	/* Key that names a resource in messages ("package nginx"). Where it
	 * is NULL or not said, the first textual key that was said does
	 * ("check http://127.0.0.1/health", redacted); a BLOCK_GROUP whose
	 * name_key is NULL is called like its kind, and its label is that. */
	const char *name_key;
	/* Key that holds the place which this resource alone owns; or NULL. */
	const char *destination_key;
	/* A commit replaces all that is inside the destination (package): what
	 * else stands in there is placed again (plan_propagate). */
	bool tree;

	void (*check)(const struct resource *resource,
		      const struct profile *profile,
		      struct problems *problems);
	int (*observe)(struct context *context, struct step *step,
		       struct error *err);
	int (*farewell)(struct context *context, struct step *step,
			struct error *err);
	int (*leave)(struct context *context, struct step *step,
		     struct error *err);
	int (*diff)(struct context *context, struct step *step,
		    struct str *out, struct error *err);
	bool (*source)(const struct context *context, const struct step *step,
		       struct fetch_source *ret_source);
	void (*foresee)(struct context *context, const struct step *step,
			struct str *out);
	int (*expect)(struct context *context, struct step *step,
		      struct error *err);
	int (*hold)(struct context *context, struct step *step,
		    struct error *err);
	int (*stage)(struct context *context, struct step *step,
		     struct error *err);
	int (*settle)(struct context *context, struct step *step,
		      struct error *err);
	int (*chown)(struct context *context, struct step *step,
		     struct error *err);
	int (*commit)(struct context *context, struct step *step,
		      struct error *err);
	int (*activate)(struct context *context, struct step *step,
			struct error *err);
	int (*restore)(struct context *context, struct step *step,
		       struct error *err);
	int (*quit)(struct context *context, struct step *step,
		    struct error *err);
	int (*release)(struct context *context, struct step *step,
		       const struct proof *proof, struct error *err);
	int (*record)(struct context *context, struct step *step,
		      struct str *manifest, struct error *err);
	int (*rest)(struct context *context, struct step *step,
		    struct error *err);
	int (*status)(struct context *context, struct step *step,
		      struct error *err);
};

/* One thing that lives, for `fitout status`. Texts need not be printable. */
struct present {
	const char *name;          /* "program web:web_01" */
	const char *state;         /* "RUNNING", "stopped" */
	const char *detail;        /* "pid 17"; or NULL */
	bool good;                 /* as the profile wants it */
};

/* One thing the profile asks for. Const once read. */
struct resource {
	const struct kind *kind;
	const char *name;          /* "nginx" */
	const char *label;         /* "package nginx" */
	const char *destination;   /* absolute, or NULL */
	const void *spec;          /* the kind's own struct */
	struct place where;
	const struct place *key_places;  /* one for each row of kind->keys;
					    line 0: not said */
};
/* Where KEY of this resource was said; the resource's place otherwise. */
struct place resource_place(const struct resource *resource, const char *key);

enum action {
	ACTION_NONE,
	ACTION_CREATE,
	ACTION_CHANGE,
	ACTION_REMOVE,
	ACTION_RUN,         /* command, check, activation */
};

/* What the last completed generation recorded of a resource. */
struct record {
	const char *spec;          /* key_describe() text */
	const char *destination;   /* absolute, or NULL */
	bool created;              /* nothing was there before fitout came */
	const char *const *apart;  /* relative paths below it that are not its
				      to judge; NULL-terminated, or NULL */
	const char *manifest;      /* lines, see tree/manifest.h */
	size_t manifest_bytes;
};

/* One resource in one run. */
struct step {
	const struct resource *resource;
	enum action action;
	const char *reason;        /* "sha256 differs", printable; or NULL */
	const char *origin;        /* what the content is taken from, for
				      messages: "nginx:etc/app.conf"; or NULL */
	const struct record *recorded;   /* NULL: never installed by us */
	const void *before;        /* the kind's spec as the last generation has
				      it, without secrets; NULL where it is
				      the resource's, or nothing recorded */
	const struct record *earlier;    /* rollback: what the generation gone
					    back to says of it; or NULL */
	const char *staged;        /* absolute path in staging, once staged */
	const char *old;           /* where what was there is now; or NULL */
	const char *const *apart;  /* for the record, see there; set by record */
	const char *const *carried;  /* paths in a tree that went from the old one
				      into the new one; NULL-terminated; or
				      NULL */
	const char *left;          /* an effect that undo does not take back:
				      "group www added"; or NULL */
	const char *made;          /* a path that a program made, whose
				      filesystem is to be synced; or NULL */
	void *state;               /* the kind's own, in the arena */
	struct stream *stream;     /* set by context_fetch */
	bool farewell;             /* recorded, and no longer in the profile */
	bool staged_done, committed, activated;
	bool ran;                  /* (agent) it ran when we came, or nobody
				      can know: it is to run again after an
				      undo. Set by observe and hold */
};

/* Who must have signed the bytes of a stream. */
struct stream_signature {
	const char *const *urls;        /* of the signature; NULL-terminated */
	const char *const *names;       /* the file may be called so */
	bool named;                     /* and must be called something */
	const struct trust *trust;      /* sign/sign.h */
};

/* Bytes that a kind wants: from the first mirror that serves them, hashed by
 * the commander, into an unpacker or a file. */
struct stream {
	const char *label;              /* "package nginx" */
	const char *const *urls;        /* NULL-terminated */
	const char *sha256;             /* hex; NULL: signed, or unverified */
	const struct stream_signature *signature;   /* NULL: none is asked for */
	uint64_t max_bytes;             /* of the packed bytes */
	/* Exactly one sink, when stage returns: a kind may ask first and open
	 * it then (in step->stream). The descriptors stay the kind's to close,
	 * and it must keep them open until settle. */
	int tree_dirfd;                 /* unpack below it; or -1 */
	int file_fd;                    /* write to it; or -1 */
	uid_t uid;                      /* owner of unpacked entries */
	gid_t gid;
	bool preserve_owner;
	struct reuse *reuse;            /* files of a tree that is there, to be
					   taken over (unpack/reuse.h); or NULL */
	/* What the archive may hold; NULL: the default. */
	const struct unpack_policy *unpack;
	/* Results, when settle is called. */
	struct unpacker *unpacker;      /* of a tree, ended and not yet accepted;
					   gone after settle */
	const char *got_sha256;
	const char *signer;             /* "minisign key ..."; or NULL */
	const char *url_used;           /* redacted */
	const char *format;             /* "tar.gz", or "file" */
	uint64_t bytes, unpacked_bytes, entries;
};

/* A row of the timeline: something that began and ended (clock_ms). */
struct event {
	const char *name;               /* "program.running", in the manual */
	const char *resource;           /* or NULL */
	const char *detail;             /* or NULL */
	int64_t begin_ms, end_ms;
	unsigned tries;                 /* of what was tried; 0: once or not */
};

/* What kinds may use while they work. Made by run/, const for kinds. */
struct context {
	struct arena *arena;            /* as long as the run */
	const struct profile *profile;
	const struct plan *plan;
	int rootfd;                     /* "/" or the --root directory */
	const char *root;               /* its path; "" for "/" */
	bool image;                     /* --root: enable, never start */
	bool hold_agent;                /* this run does not start the agent */
	bool recorded;                  /* the profile is the generation's own:
					   what it was made from beside it may
					   be gone */
	bool first_run;                 /* no completed generation yet */
	int64_t generation;             /* completed before this run; 0: none */
	int64_t recorded_ns;            /* when that was recorded (by the clock
					   of its file system) */
	int64_t rollback_to;            /* 0: this is no rollback */
	bool gate_open;                 /* as the run found it */
	bool programs_ran;              /* since the first thing was placed: it
					   may not be what was placed */
	bool verify;                    /* observe: hash every file as well */
	struct deadline budget;         /* bounds every wait */
	int64_t budget_s;               /* as the profile says it */
	const char *run_id;
	const char *ready_path;         /* /run/fitout/ready, the gate's file */
	const char *state_path;         /* /var/lib/fitout */
	struct fetcher *fetcher;        /* fetch/fetcher.h */
	struct aws *aws;                /* aws/session.h */
	struct transaction *transaction;  /* transaction/transaction.h; NULL
					     before stage */
	const struct trust *trust;      /* keys of fitout.ini; or NULL */

	/* Implemented by run/; call the context_ functions below. */
	int (*fetch)(struct context *context, struct step *step,
		     const struct stream *stream, struct error *err);
	void (*event)(struct context *context, const struct event *event);
	void (*present)(struct context *context,
			const struct present *present);
	void (*waiting)(struct context *context, const char *what);
	void (*output)(struct context *context, const char *label,
		       const char *text);
};

/* Begin STREAM for STEP; a copy is found at step->stream. From stage only. */
int context_fetch(struct context *context, struct step *step,
		  const struct stream *stream, struct error *err);
/* What ended a wait of TIMEOUT_S that was to end at DEADLINE, for messages:
 * "its timeout (30 s)", or "the budget of the run (900 s)". */
const char *context_limit(const struct context *context,
			  struct deadline deadline, int64_t timeout_s);
/* What is waited for, in the words of what was found: for who watches the
 * run. Need not be printable. */
void context_waiting(struct context *context, const char *what);
/* TEXT is what the program of LABEL wrote, or the end of it, before it failed
 * (this time): evidence, should the run fail. Need not be printable. */
void context_output(struct context *context, const char *label,
		    const char *text);
/* From status only. */
void context_present(struct context *context, const struct present *present);
/* A row of the timeline; with the number of tries it took. */
void context_event(struct context *context, const char *name,
		   const char *resource, int64_t begin_ms, int64_t end_ms,
		   const char *detail);
void context_event_tries(struct context *context, const char *name,
			 const char *resource, int64_t begin_ms,
			 int64_t end_ms, unsigned tries);
