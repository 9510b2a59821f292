/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what was read and written is read again. */
#include "fuzz.h"

#include "base/json.h"
#include "base/str.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct error err = ERROR_INIT;
	own_json struct json *value = json_parse((const char *)data, n, &err);
	own_json struct json *again = NULL;
	own_str struct str text = STR_INIT(16 << 20);

	if (!value) {
		FUZZ_HOLDS(err.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < json_count(value) && i < 100; i++) {
		json_item(value, i);
		json_key(value, i);
	}
	json_text(value, "a.b.c", "");
	json_number(value, "a", 0);
	json_print(value, 1, &text);
	again = json_parse(str_get(&text), text.len, &err);
	FUZZ_HOLDS(again != NULL);
	return 0;
}
