/* SPDX-License-Identifier: Apache-2.0 */
#include "base/markup.h"

#include <string.h>

#include "base/columns.h"
#include "base/xml.h"

#define TEXT_BYTES_MAX 65536

static void
add(struct str *out, const char *text, size_t max_columns)
{
	own_str struct str printable = STR_INIT(TEXT_BYTES_MAX);
	own_str struct str cut = STR_INIT(TEXT_BYTES_MAX);

	str_add_printable(&printable, text, strlen(text), TEXT_BYTES_MAX);
	columns_cut(&cut, str_get(&printable), max_columns);
	xml_add_escaped(out, str_get(&cut));
}

void
markup_text(struct str *out, const char *text)
{
	add(out, text, TEXT_BYTES_MAX);
}

void
markup_text_cut(struct str *out, const char *text, size_t max_columns)
{
	add(out, text, max_columns);
}

void
markup_element(struct str *out, const char *name, const char *attributes,
	       const char *text)
{
	str_addf(out, "<%s%s%s>", name, attributes ? " " : "",
		 attributes ? attributes : "");
	markup_text(out, text);
	str_addf(out, "</%s>\n", name);
}
