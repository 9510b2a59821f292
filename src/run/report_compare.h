/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two reports side by side: of two runs, or two instances. As JSON first
 * (doc/report-compare.schema.json), which the text and the page show.
 */
#pragma once

#include "base/json.h"
#include "base/str.h"

/* { "fitout_report_compare": 1, "facts": [ { name, this, other } ],
 *   "rows": [ { name, this_ms, other_ms } ] }; a member that a report lacks is
 * left out. The caller frees it. */
struct json *report_compare(const struct json *report,
			    const struct json *other);
/* At most 80 columns. */
void report_compare_print(const struct json *compared, struct str *out);
