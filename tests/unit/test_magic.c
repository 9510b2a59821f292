/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "unpack/magic.h"
#include "scratch.h"

#define BYTES(text) (text), sizeof(text) - 1

static void
packings_are_told_by_their_first_bytes(void **state)
{
	assert_int_equal(magic_packing(BYTES("\x1f\x8b\x08")), PACKING_GZIP);
	assert_int_equal(magic_packing(BYTES("\xfd" "7zXZ\0\0")), PACKING_XZ);
	assert_int_equal(magic_packing(BYTES("\x28\xb5\x2f\xfd")),
			 PACKING_ZSTD);
	assert_int_equal(magic_packing(BYTES("BZh91AY")), PACKING_BZIP2);
	assert_int_equal(magic_packing(BYTES("BZh0")), PACKING_NONE);
	assert_int_equal(magic_packing(BYTES("BZh")), PACKING_NONE);
	assert_int_equal(magic_packing(BYTES("\xfd" "7zX")), PACKING_NONE);
	assert_int_equal(magic_packing(BYTES("\x1f")), PACKING_NONE);
	assert_int_equal(magic_packing("", 0), PACKING_NONE);
	assert_int_equal(magic_packing(BYTES("\x1f\x9d")), PACKING_NONE);
	assert_int_equal(magic_packing(BYTES("etc/")), PACKING_NONE);
}

static void
formats_have_the_names_of_their_files(void **state)
{
	assert_string_equal(magic_format_name(PACKING_NONE), "tar");
	assert_string_equal(magic_format_name(PACKING_GZIP), "tar.gz");
	assert_string_equal(magic_format_name(PACKING_XZ), "tar.xz");
	assert_string_equal(magic_format_name(PACKING_ZSTD), "tar.zst");
	assert_string_equal(magic_format_name(PACKING_BZIP2), "tar.bz2");
}

static void
other_things_are_named(void **state)
{
	assert_string_equal(magic_guess(BYTES("PK\3\4xx")), "a zip archive");
	assert_string_equal(magic_guess(BYTES("\n <!DOCTYPE HTML>")),
			    "an HTML page");
	assert_string_equal(magic_guess(BYTES("<html>")), "an HTML page");
	assert_string_equal(magic_guess(BYTES("<?xml version='1.0'?><Error>")),
			    "an XML document");
	assert_string_equal(magic_guess(BYTES("\x5d\0\0\x80")),
			    "raw lzma data");
	assert_null(magic_guess(BYTES("\x5d\0\1\x80")));
	assert_null(magic_guess(BYTES("hello")));
	assert_null(magic_guess(BYTES("\0\0\0")));
	assert_null(magic_guess("", 0));
	assert_null(magic_guess(BYTES("   ")));
}

/* The window that magic_window() finds in what SCRIPT prints. */
static uint64_t
window_of(const char *script, enum packing packing)
{
	char line[256];
	uint64_t window;
	size_t n;
	char *data;

	snprintf(line, sizeof(line), "%s > packed", script);
	scratch_sh(line);
	data = scratch_read("packed", &n);
	assert_int_equal(magic_packing(data, n), packing);
	window = magic_window(packing, data, n);
	free(data);
	return window;
}

static void
xz_tells_its_dictionary(void **state)
{
	if (!scratch_has("xz"))
		skip();
	assert_int_equal(window_of("seq 9 | xz -6", PACKING_XZ), 8 << 20);
	assert_int_equal(window_of("seq 9 | xz -9", PACKING_XZ), 64 << 20);
	assert_int_equal(window_of("seq 9 | xz --lzma2=dict=96MiB",
				   PACKING_XZ), 96 << 20);
	/* Other filters before, sizes in the header. */
	assert_int_equal(window_of("seq 9 | xz --x86 --delta=dist=4 "
				   "--lzma2=dict=1MiB", PACKING_XZ), 1 << 20);
	assert_int_equal(window_of("seq 99999 | xz -T2 --block-size=100000 "
				   "--lzma2=dict=1MiB", PACKING_XZ), 1 << 20);
	assert_int_equal(window_of("xz < /dev/null", PACKING_XZ), 0);
}

static void
zstd_tells_its_window(void **state)
{
	if (!scratch_has("zstd"))
		skip();
	assert_int_equal(window_of("seq 9 | zstd --long=27", PACKING_ZSTD),
			 128 << 20);
	assert_int_equal(window_of("seq 9 | zstd --long=20", PACKING_ZSTD),
			 1 << 20);
	/* One segment: as large as the content, in 1, 2 or 4 bytes. */
	scratch_sh("seq 9 > 18; seq 1000 > 3893; head -c 70000 /dev/zero > "
		   "70000");
	assert_int_equal(window_of("zstd -c 18", PACKING_ZSTD), 18);
	assert_int_equal(window_of("zstd -c 3893", PACKING_ZSTD), 3893);
	assert_int_equal(window_of("zstd -c 70000", PACKING_ZSTD), 70000);
	/* RFC 8878, 3.1.1.1.2: 10 + 4, an eighth seven times. */
	assert_int_equal(magic_window(PACKING_ZSTD,
				      BYTES("\x28\xb5\x2f\xfd\0\x27")),
			 16384 + 7 * 2048);
}

static void
headers_cut_anywhere_are_read_within_bounds(void **state)
{
	static const char *const scripts[] = {
		"seq 9 | xz --x86 --lzma2=dict=1MiB > packed",
		"seq 99 > plain; zstd -qc plain > packed",
	};

	if (!scratch_has("xz") || !scratch_has("zstd"))
		skip();
	for (int i = 0; i < 2; i++) {
		size_t n;
		char *data;

		scratch_sh(scripts[i]);
		data = scratch_read("packed", &n);
		/* Copies of the exact size, so that a sanitizer sees it. */
		for (size_t cut = 0; cut < n && cut < 64; cut++) {
			char *copy = malloc(cut ? cut : 1);
			uint64_t window;

			memcpy(copy, data, cut);
			window = magic_window(i ? PACKING_ZSTD : PACKING_XZ,
					      copy, cut);
			assert_in_set(window, ((const LargestIntegralType[])
				      { 0, 1 << 20, 288 }), 3);
			magic_packing(copy, cut);
			magic_guess(copy, cut);
			free(copy);
		}
		free(data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packings_are_told_by_their_first_bytes),
		cmocka_unit_test(formats_have_the_names_of_their_files),
		cmocka_unit_test(other_things_are_named),
		FRESH(xz_tells_its_dictionary),
		FRESH(zstd_tells_its_window),
		FRESH(headers_cut_anywhere_are_read_within_bounds),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
