/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report's timeline as a picture, in the manner of systemd-analyze plot:
 * SVG 1.1 with a style sheet of its own, light and dark, no scripts, nothing
 * from outside. It stands alone and inside a page alike.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

/* The <svg> element; as a file with an XML declaration when ALONE. */
void report_svg(const struct json *report, bool alone, struct str *out);
