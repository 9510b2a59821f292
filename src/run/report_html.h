/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as one page: HTML 5 with its style and its picture inside, no
 * script, nothing from outside (its own Content-Security-Policy holds it to
 * that), light and dark, for a window of 400 pixels and for print.
 */
#pragma once

#include "base/json.h"
#include "base/str.h"

/* COMPARED: report_compare() of it with another; or NULL. */
void report_html(const struct json *report, const struct json *compared,
		 struct str *out);
