/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/siphash.h"
#include "base/str.h"

/* The reference implementation's key and input: 0, 1, 2, ... */
static void
it_is_the_reference_implementations(void **state)
{
	static const struct {
		size_t n;
		const char *hex;
	} vectors[] = {
		{ 0, "a3817f04ba25a8e66df67214c7550293" },
		{ 1, "da87c1d86b99af44347659119b22fc45" },
		{ 7, "a1f1ebbed8dbc153c0b84aa61ff08239" },
		{ 8, "3b62a9ba6258f5610f83e264f31497b4" },
		{ 9, "264499060ad9baabc47f8b02bb6d71ed" },
		{ 15, "5493e99933b0a8117e08ec0f97cfc3d9" },
		{ 16, "6ee2a4ca67b054bbfd3315bf85230577" },
		{ 63, "5150d1772f50834a503e069a973fbd7c" },
	};
	uint8_t key[SIPHASH_KEY_BYTES], data[64], hash[SIPHASH_BYTES];
	char hex[2 * SIPHASH_BYTES + 1];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	memcpy(key, data, sizeof(key));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		siphash(key, data, vectors[i].n, hash);
		hex_encode(hash, sizeof(hash), hex);
		assert_string_equal(hex, vectors[i].hex);
	}
}

static void
another_key_gives_another_hash(void **state)
{
	uint8_t key[SIPHASH_KEY_BYTES] = { 0 };
	uint8_t one[SIPHASH_BYTES], other[SIPHASH_BYTES];

	siphash(key, "a/b", 3, one);
	key[15] = 1;
	siphash(key, "a/b", 3, other);
	assert_memory_not_equal(one, other, sizeof(one));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_reference_implementations),
		cmocka_unit_test(another_key_gives_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
