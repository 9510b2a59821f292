/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large is what a plan would fetch? Files are looked at, servers are
 * asked (HEAD; where that is refused or says no length, GET of the first
 * byte), all at once and for a bounded time. What cannot be learned is said
 * with its reason and is no failure: a server may be down now and up when
 * apply comes. Mirrors are asked in the order in which apply takes them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/kind.h"
#include "plan/plan.h"

struct size_row {
	const struct step *step;
	const char *url;           /* the one that said it, redacted; or NULL */
	bool known;
	uint64_t bytes;            /* when known */
	uint64_t max_bytes;        /* what the profile allows */
	const char *trouble;       /* why the mirrors before URL, or all of
				      them, said nothing: "URL: reason; ..."
				      (printable, redacted); or NULL */
};

/* A row for each step of PLAN that would fetch something, in its order, in
 * the context's arena. MS 0: no server is asked. Fails only when interrupted. */
int sizes_ask(struct context *context, const struct plan *plan, int64_t ms,
	      struct size_row **ret_rows, size_t *ret_n, struct error *err);
