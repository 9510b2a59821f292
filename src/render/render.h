/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ecosystem's tools take, made of a profile: one renderer a file,
 * each ending in one const struct renderer that has a row in renderers.c. A
 * renderer knows facts (facts.h) and what was asked for, never a kind. The
 * same input gives the same bytes: nothing here asks for the time, the host
 * or chance.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "render/facts.h"

/* What was asked for; NULL, or 0: not said. */
struct render_request {
	struct arena *arena;
	const char *form;            /* "shell", "cloud-config", "mime",
					"pointer", "boot", "none" */
	const char *encoding;        /* "plain", "gzip-base64", "gzip" */
	const char *pointer;         /* where the flattened profile will be */
	const char *binary;          /* where fitout is on the instance */
	const char *binary_url, *binary_sha256;
	bool base64;
	const char *name;            /* of the template */
	const char *region, *account, *partition;
	const char *image_id, *instance_type, *instance_profile;
	const char *key_name, *security_groups, *revisions;
	int64_t hop_limit;           /* 1 when not said */
	struct str *notes;           /* for the person, beside the result */
};

struct renderer {
	const char *name;            /* "user-data" */
	const char *summary;
	const char *const *options;  /* that it understands; NULL-terminated */
	/* Append the whole result to OUT. */
	int (*render)(const struct render_request *request,
		      const struct facts *facts, struct str *out,
		      struct error *err);
};

extern const struct renderer *const renderers[];   /* NULL-terminated */
const struct renderer *renderer_find(const char *name);

extern const struct renderer render_cloudformation, render_iam_policy,
	render_launch_configuration, render_launch_template, render_packer,
	render_profile, render_user_data;

#define RENDER_BYTES_MAX ((size_t)32 << 20)
#define RENDER_BINARY "/usr/local/bin/fitout"
