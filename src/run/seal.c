/* SPDX-License-Identifier: Apache-2.0 */
#include "run/seal.h"

#include <string.h>

#include "io/digest.h"

#define MARK "end "
#define TAIL (strlen(MARK) + DIGEST_HEX)   /* MARK, hex and a newline */

void
seal_add(struct str *text)
{
	struct digest digest;
	char hex[DIGEST_HEX];

	digest_of(text->data, text->len, &digest);
	str_addf(text, MARK "%s\n", digest_hex(&digest, hex));
}

int
seal_check(const char *text, size_t n, const char *path, size_t *ret_n,
	   struct error *err)
{
	own_str struct str promised = STR_INIT(TAIL);
	struct digest digest;
	char hex[DIGEST_HEX];

	if (n > TAIL) {
		digest_of(text, n - TAIL, &digest);
		str_addf(&promised, MARK "%s\n", digest_hex(&digest, hex));
		if (memcmp(text + n - TAIL, promised.data, TAIL) == 0) {
			*ret_n = n - TAIL;
			return 0;
		}
	}
	return error_raise(err, ERROR_STATE,
		"%s is damaged (its digest does not hold): restore it, or "
		"move the state directory away to start anew", path);
}
