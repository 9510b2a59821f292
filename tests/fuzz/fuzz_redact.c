/* SPDX-License-Identifier: Apache-2.0 */
/* What programs wrote before a run failed, on its way off the host. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/redact.h"

/* An object or array: a single string is a text in quotes like any other. */
static bool
is_json(const char *text, size_t n)
{
	struct error err = ERROR_INIT;
	own_json struct json *json = NULL;
	size_t at = 0;

	while (at < n && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	if (at == n || (text[at] != '{' && text[at] != '['))
		return false;
	json = json_parse(text, n, &err);
	return json;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	own_str struct str out = STR_INIT(4 * n + 64);
	const char *text = (const char *)data;

	redact(text, n, &out);
	FUZZ_HOLDS(!out.full);
	FUZZ_HOLDS(!is_json(text, n) || is_json(str_get(&out), out.len));
	return 0;
}
