/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/base64.h"

static int
decode(const char *text, void *out, size_t n)
{
	return base64_decode(text, strlen(text), out, n);
}

static void
the_vectors_of_rfc_4648_are_read(void **state)
{
	static const struct {
		const char *text, *bytes;
	} vectors[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" },
		{ "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
	};
	uint8_t out[8];

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		size_t n = strlen(vectors[i].bytes);

		assert_int_equal(decode(vectors[i].text, out, n), 0);
		assert_memory_equal(out, vectors[i].bytes, n);
	}
}

static void
all_64_letters_have_their_values(void **state)
{
	static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				   "qrstuvwxyz0123456789+/";
	uint8_t out[48];

	(void)state;
	assert_int_equal(decode(text, out, sizeof out), 0);
	for (unsigned i = 0; i < 64; i++) {
		unsigned bit = i * 6, value = 0;

		for (unsigned b = bit; b < bit + 6; b++)
			value = value << 1 | (out[b / 8] >> (7 - b % 8) & 1);
		assert_int_equal(value, i);
	}
}

static void
what_is_not_exactly_the_value_is_refused(void **state)
{
	static const char *const bad[] = {
		"Zm9", "Zm9vA", "Zm9v====", "Zm9vYg==", "Zm9\n", "Zm 9", "Zm9-",
		"Zm9_", "Z===", "=Zm9", "", "Zm9=", "Zm8=", "Zg==",
	};
	uint8_t out[8];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(decode(bad[i], out, 3), -1);
	/* The same byte, but for bits that carry none. */
	assert_int_equal(decode("Zg==", out, 1), 0);
	assert_int_equal(decode("Zh==", out, 1), -1);
	assert_int_equal(decode("Zm8=", out, 2), 0);
	assert_int_equal(decode("Zm9=", out, 2), -1);
	/* A NUL is no letter. */
	assert_int_equal(base64_decode("Zm\0v", 4, out, 3), -1);
}

static void
what_is_written_is_read_as_it_was(void **state)
{
	uint8_t in[256], out[256];

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 7 + 3);
	for (size_t n = 0; n <= sizeof in; n++) {
		own_str struct str text = STR_INIT(1024);

		base64_encode(in, n, &text);
		assert_int_equal(text.len, (n + 2) / 3 * 4);
		assert_int_equal(decode(str_get(&text), out, n), 0);
		assert_memory_equal(in, out, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_as_it_was),
		cmocka_unit_test(the_vectors_of_rfc_4648_are_read),
		cmocka_unit_test(all_64_letters_have_their_values),
		cmocka_unit_test(what_is_not_exactly_the_value_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
