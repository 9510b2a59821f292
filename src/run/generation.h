/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations: what each completed run installed, in STATE/generations/N/
 *
 *	manifest       see below
 *	profile.cfg    the profile's text as it was applied, includes included
 *	settings.json  what --set said: { "NAME": "VALUE" }
 *	named.cfg      its bytes as they were named, where they are for others
 *	named.sig      and their signature: its suffix, a newline, its bytes
 *
 * and STATE/generations/current, the number of the current one; "before" is
 * the same file as it was before the last change. A generation is written
 * under a temporary name, synced and renamed; once the run is complete,
 * current is replaced. Whatever does not hold its digest, or has another
 * format, is refused (run/seal.h). Format of current, version 1:
 *
 *	3                           its number
 *	fitout-current 1
 *	end SHA256                  of every byte above this line
 *
 * Format of manifest, version 1, lines of UTF-8 text:
 *
 *	fitout-generation 1
 *	run RUN_ID
 *	created 2026-11-23T02:03:04Z
 *	profile NAME SHA256         of the text that was named
 *	kept SHA256 SHA256          of profile.cfg and settings.json
 *	= key = value               of the profile itself (profile_describe)
 *	@ KIND NAME                 a resource
 *	> /usr/local/programs/nginx where it is
 *	! created                   nothing was there before
 *	- logs                      what below it is not its to judge
 *	= key = value               its spec (plan/key.h key_describe)
 *	+ f 0644 0 0 ...            its tree (tree/manifest.h)
 *	end SHA256                  of every byte above this line
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "plan/kind.h"
#include "plan/vars.h"
#include "run/state.h"

struct generation {
	int64_t number;            /* 0: there is none yet */
	const char *run_id, *created, *profile_name, *profile_sha256;
	const char *kept_profile, *kept_settings;   /* digests, hex */
	const char *says;          /* of the profile itself; NULL: a fitout
				      wrote it that did not record that */
	size_t n;
	struct generation_row {
		const char *kind, *name;
		struct record record;
	} *rows;
};

/* Numbers of the generations that are kept, ascending; in ARENA. */
int generation_list(const struct state *state, struct arena *arena,
		    const int64_t **ret_numbers, size_t *ret_n,
		    struct error *err);
/* The same for a message: "3, 4", or "none". */
void generation_names(const struct state *state, struct str *out);

/* Number of the current generation, 0 when there is none. */
int generation_current(const struct state *state, int64_t *ret_number,
		       struct error *err);
/* Load generation NUMBER (0: the current one) into ARENA. Damage or an
 * unknown version is ERROR_STATE, naming the file. */
int generation_load(const struct state *state, struct arena *arena,
		    int64_t number, struct generation *ret_generation,
		    struct error *err);
/* What it says of a resource, or NULL. */
const struct record *generation_find(const struct generation *generation,
				     const char *kind, const char *name);

/* The text as it was named, and the signature beside it, where others may be
 * given them (run/breaker.h): whoever verifies one wants the very bytes. */
struct generation_named {
	const char *text;                /* NULL: not kept */
	size_t n;
	const char *signature;           /* NULL: none */
	size_t signature_bytes;
	const char *suffix;              /* ".minisig" */
};

/* What a generation was made from, to be made again. */
struct generation_source {
	const char *profile;             /* its text, includes included */
	const char *says;                /* profile_describe(); written only */
	const struct variable *settings;
	size_t n_settings;
	struct generation_named named;
};

/* Were both made from the same? Going from one to the other changes nothing,
 * then, but drift. */
bool generation_same(const struct generation *one,
		     const struct generation *other);
/* Was GENERATION made from just that? */
bool generation_same_source(const struct generation *generation,
			    const struct generation_source *source);

/* A generation being written. */
struct generation_text {
	struct str text;
};
void generation_begin(struct generation_text *text, const char *run_id,
		      int64_t created_s, const char *profile_name, const char *profile_sha256,
		      const struct generation_source *source);
/* The same with the words of another: only what is added differs. */
void generation_again(struct generation_text *text,
		      const struct generation *generation);
void generation_add(struct generation_text *text, const char *kind,
		    const char *name, const struct record *record);
/* Write it as NUMBER, durably, with its source. It is not the current one by
 * that. */
int generation_write(const struct state *state, struct generation_text *text,
		     int64_t number, const struct generation_source *source,
		     struct error *err);
/* Replace the manifest of NUMBER, which stays whole at every moment. */
int generation_rewrite(const struct state *state, struct generation_text *text,
		       int64_t number, struct error *err);
/* Make NUMBER the current one, durably; and back to the one before it (0:
 * there was none), which needs no space on the disk. */
int generation_make_current(const struct state *state, int64_t number,
			    struct error *err);
int generation_back_to(const struct state *state, int64_t number,
		       struct error *err);
/* When NUMBER was recorded, by its file system's clock; INT64_MIN where nobody
 * knows. */
int64_t generation_recorded_ns(const struct state *state, int64_t number);
/* Remove what was written as NUMBER. */
int generation_remove(const struct state *state, int64_t number,
		      struct error *err);
/* The source of generation NUMBER; in ARENA. */
int generation_source(const struct state *state, struct arena *arena,
		      int64_t number, struct generation_source *ret_source,
		      struct error *err);
void generation_text_release(struct generation_text *text);
