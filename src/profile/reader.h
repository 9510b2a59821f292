/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to model, in four steps: bytes (bytes.h), one text with everything
 * included (source.h, token.h), a tree by libconfig (syntax.h), and here the
 * model: variables, the specs by the kinds' key tables (values.h), checks.
 *
 * Resources come in the order of the table of kinds, those of one kind in the
 * order of the file. ${env:NAME} needs no source: it is answered here.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "plan/kind.h"
#include "plan/problem.h"
#include "plan/profile.h"
#include "plan/vars.h"
#include "profile/bytes.h"   /* PROFILE_BYTES_MAX */
#include "profile/source.h"

struct reader_options {
	const struct kind *const *kinds;      /* NULL-terminated table */
	const struct variable *settings;      /* --set, in order */
	size_t n_settings;
	vars_source *source;                  /* for env:, imds:, ...; or NULL */
	void *source_context;
	struct source_files files;            /* reads what is included */
};

/*
 * Read TEXT (n bytes) known as NAME; @include paths are taken from DIRECTORY
 * (NULL: includes are refused), those inside an included file from where that
 * file is. The file of a place is NAME or such a path: both can be opened.
 * Everything lives in ARENA.
 * Returns 0 with *ret_profile; or -1 with ERROR_PROFILE when PROBLEMS has at
 * least one (all that could be found in one reading: unknown keys with the
 * nearest known one, wrong types, missing keys, bad values, undefined
 * variables, duplicate names and destinations), each with file and line.
 * Text that is not libconfig at all is one problem with its line.
 */
int reader_read(struct arena *arena, const char *name, const char *directory,
		const char *text, size_t n,
		const struct reader_options *options,
		struct problems *problems, const struct profile **ret_profile,
		struct error *err);
/* The same from a file, or from standard input ("-"). A directory, an empty
 * file, one over the limit, or one that cannot be read is an error
 * (ERROR_PROFILE) naming PATH, and no problem. */
int reader_read_file(struct arena *arena, const char *path,
		     const struct reader_options *options,
		     struct problems *problems,
		     const struct profile **ret_profile, struct error *err);
