/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual's pages, rendered when fitout was built (tools/manual-to-c):
 * plain text, at most 78 columns, each with a line feed at its end.
 */
#pragma once

#include <stddef.h>

/* The name of page I ("fitout.cfg") and its text; NULL past the last one. */
const char *help_page(size_t i, const char **ret_text);
