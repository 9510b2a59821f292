/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "io/digest.h"
#include "scratch.h"

static void
is_sha256_of(const struct digest *digest, const char *hex)
{
	char buf[DIGEST_HEX];

	assert_string_equal(digest_hex(digest, buf), hex);
}

/* FIPS 180-4's own examples (NIST, "SHA256 examples"). */
static void
the_standard_s_examples_hold(void **state)
{
	static const char two[] =
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	struct digest digest;

	digest_of("", 0, &digest);
	is_sha256_of(&digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b9"
			      "34ca495991b7852b855");
	digest_of("abc", 3, &digest);
	is_sha256_of(&digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177"
			      "a9cb410ff61f20015ad");
	digest_of(two, strlen(two), &digest);
	is_sha256_of(&digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2"
			      "167f6ecedd419db06c1");
}

static void
pieces_make_the_same_digest_as_the_whole(void **state)
{
	char block[1000];
	struct digest whole, pieces;
	struct hasher *hasher = hasher_new();

	memset(block, 'a', sizeof(block));
	for (int i = 0; i < 1000; i++)
		hasher_add(hasher, block, sizeof(block));
	hasher_add(hasher, NULL, 0);
	hasher_end(hasher, &whole);
	hasher_free(hasher);
	/* A million times "a": the last of the standard's examples. */
	is_sha256_of(&whole, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200"
			     "e046d39ccc7112cd0");

	hasher = hasher_new();
	for (size_t n = 1, done = 0; done < 1000000; done += n) {
		n = n * 3 % sizeof(block) + 1;
		if (n > 1000000 - done)
			n = 1000000 - done;
		hasher_add(hasher, block, n);
	}
	hasher_end(hasher, &pieces);
	hasher_free(hasher);
	assert_true(digest_equal(&whole, &pieces));
}

static void
a_file_is_hashed_from_where_it_stands(void **state)
{
	struct digest digest, want;
	struct error err = ERROR_INIT;
	int fd;

	scratch_write("file", "xxabc", 5);
	fd = openat(scratch_fd, "file", O_RDONLY);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(digest_of_fd(fd, &digest, &err), 0);
	digest_of("abc", 3, &want);
	assert_true(digest_equal(&digest, &want));
	close(fd);
}

static void
a_directory_cannot_be_hashed(void **state)
{
	struct digest digest;
	struct error err = ERROR_INIT;

	assert_int_equal(digest_of_fd(scratch_fd, &digest, &err), -1);
	assert_int_equal(err.sys, EISDIR);
}

static void
digests_differ_by_any_bit(void **state)
{
	struct digest a, b;

	digest_of("abc", 3, &a);
	for (int bit = 0; bit < 8 * DIGEST_BYTES; bit++) {
		b = a;
		assert_true(digest_equal(&a, &b));
		b.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(digest_equal(&a, &b));
	}
}

static void
only_64_hex_digits_are_a_digest(void **state)
{
	char hex[DIGEST_HEX + 1] = "BA7816bf8f01cfea414140de5dae2223"
				   "b00361a396177a9cb410ff61f20015ad";
	struct digest digest, want;

	digest_of("abc", 3, &want);
	assert_int_equal(digest_parse(hex, &digest), 0);
	assert_true(digest_equal(&digest, &want));

	memset(&digest, 7, sizeof(digest));
	want = digest;
	hex[64] = '0';
	assert_int_equal(digest_parse(hex, &digest), -1);
	hex[64] = '\0';
	hex[63] = '\0';
	assert_int_equal(digest_parse(hex, &digest), -1);
	hex[63] = ' ';
	assert_int_equal(digest_parse(hex, &digest), -1);
	hex[63] = 'g';
	assert_int_equal(digest_parse(hex, &digest), -1);
	assert_int_equal(digest_parse("", &digest), -1);
	assert_true(digest_equal(&digest, &want));   /* untouched */
}

static void
random_bytes_are_filled_and_never_the_same(void **state)
{
	uint8_t a[1000] = { 0 }, b[1000] = { 0 };
	size_t same = 0;

	random_bytes(a, sizeof(a) - 1);
	random_bytes(b, sizeof(b) - 1);
	for (size_t i = 0; i < sizeof(a) - 1; i++)
		same += a[i] == b[i];
	/* 4 are to be expected; 100 in a thousand are not, ever. */
	assert_true(same < 100);
	assert_int_equal(a[sizeof(a) - 1], 0);
	same = 0;
	for (size_t i = 900; i < sizeof(a) - 1; i++)
		same += a[i] == 0;
	assert_true(same < 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standard_s_examples_hold),
		cmocka_unit_test(pieces_make_the_same_digest_as_the_whole),
		FRESH(a_file_is_hashed_from_where_it_stands),
		FRESH(a_directory_cannot_be_hashed),
		cmocka_unit_test(digests_differ_by_any_bit),
		cmocka_unit_test(only_64_hex_digits_are_a_digest),
		cmocka_unit_test(random_bytes_are_filled_and_never_the_same),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
