/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of CA certificates: whatever is read lies within what was given. */
#include "fuzz.h"

#include "fetch/fetch_bundle.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bundle b = BUNDLE_INIT;

	if (bundle_read(&b, (const char *)data, n) < 0) {
		FUZZ_HOLDS(b.bytes == NULL && b.entries.n == 0);
		return 0;
	}
	for (size_t i = 0; i < b.entries.n; i++) {
		const struct bundle_entry *e = &b.entries.item[i];

		FUZZ_HOLDS(e->der >= b.bytes && e->der + e->der_bytes <=
						b.bytes + n);
		FUZZ_HOLDS(e->subject > e->der &&
			   e->subject + e->subject_bytes <=
			   e->der + e->der_bytes);
		FUZZ_HOLDS(e->subject_bytes >= 2 && e->subject[0] == 0x30);
	}
	bundle_release(&b);
	return 0;
}
