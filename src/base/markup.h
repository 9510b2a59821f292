/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing HTML and SVG: the only way in which a text that came from elsewhere
 * gets into a page. What is not printable is escaped as everywhere else
 * (str_add_printable), then what would be markup; so the result is text in an
 * element or a quoted attribute of HTML and of XML alike.
 */
#pragma once

#include "base/str.h"

void markup_text(struct str *out, const char *text);
/* The same, cut at MAX_COLUMNS (base/columns.h). */
void markup_text_cut(struct str *out, const char *text, size_t max_columns);
/* <NAME CLASS>TEXT</NAME> and a newline; CLASS is "class=\"...\"", or any
 * other attributes, ours; or NULL. */
void markup_element(struct str *out, const char *name, const char *attributes,
		    const char *text);
