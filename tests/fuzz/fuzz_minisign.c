/* SPDX-License-Identifier: Apache-2.0 */
/* minisign's keys and signatures. */
#include "fuzz.h"

#include <string.h>

#include "sign/sign_minisign.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct error err = ERROR_INIT;
	struct minisign_key key;
	struct minisign_signature signature;
	char id[MINISIGN_ID_TEXT], name[64];

	if (minisign_read_key(text, n, &key, &err) == 0)
		FUZZ_HOLDS(strlen(minisign_id(key.id, id)) == 16);
	else
		FUZZ_HOLDS(err.text[0] != '\0');
	err = (struct error)ERROR_INIT;
	if (minisign_read_signature(text, n, &signature, &err) < 0) {
		FUZZ_HOLDS(err.text[0] != '\0');
		return 0;
	}
	FUZZ_HOLDS(memchr(signature.comment, 0, sizeof(signature.comment)));
	if (minisign_field(&signature, "file", name, sizeof(name)))
		FUZZ_HOLDS(memchr(name, 0, sizeof(name)));
	return 0;
}
