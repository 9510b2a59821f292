/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs wrote before they failed, by label ("command migrate"): the
 * last time of each, kept for the evidence of a run that fails. A check that
 * holds at its third try leaves what its second wrote; nobody asks then.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

#define OUTPUTS_MAX 32
#define OUTPUTS_BYTES_MAX 8192         /* of one: the last ones */

struct outputs {
	struct output {
		char *label;
		struct str text;
	} row[OUTPUTS_MAX];
	size_t n;
};

/* Past the maximum the first ones stay. */
void outputs_note(struct outputs *outputs, const char *label,
		  const char *text);
void outputs_release(struct outputs *outputs);
