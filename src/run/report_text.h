/* SPDX-License-Identifier: Apache-2.0 */
/* A report as text of at most 80 columns: for a terminal, and the console of
 * an instance that can be reached in no other way. */
#pragma once

#include "base/json.h"
#include "base/str.h"

void report_print(const struct json *report, struct str *out);
