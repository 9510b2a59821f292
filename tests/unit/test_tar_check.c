/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "unpack/pax_record.h"
#include "unpack/tar_check.h"

static struct error err;
static char stream[16 * 512];
static size_t used;

static int
fresh(void **state)
{
	err = (struct error)ERROR_INIT;
	memset(stream, 0, sizeof(stream));
	used = 0;
	return 0;
}
#define MINE(test) cmocka_unit_test_setup(test, fresh)

static void
add(char type, const char *name, const char *size, const char *data)
{
	char *block = stream + used;
	unsigned sum = 0;

	snprintf(block, 100, "%s", name);
	memcpy(block + 124, size, strlen(size));
	block[156] = type;
	memcpy(block + 257, "ustar\0" "00", 8);
	memset(block + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	used += 512;
	memcpy(stream + used, data, strlen(data));
	used += (strlen(data) + 511) / 512 * 512;
}

/* The stream so far, its end mark, and PIECE bytes at a time. */
static int
read_it(size_t piece, uint64_t *ret_entries)
{
	const struct tar_check_options options = { .header_bytes = 4096 };
	own_tar_check struct tar_check *check = tar_check_new(&options);
	size_t n = used + 1024;

	for (size_t at = 0; at < n; at += piece)
		if (tar_check_feed(check, stream + at,
				   n - at < piece ? n - at : piece, &err) < 0)
			return -1;
	*ret_entries = tar_check_entries(check);
	return tar_check_end(check, &err);
}

static void
is_refused(const char *why)
{
	uint64_t entries = 0;

	if (read_it(512, &entries) == 0)
		fail_msg("accepted, %u entries", (unsigned)entries);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" lacks \"%s\"", err.text, why);
}

static void
entries_are_counted_in_pieces_of_any_size(void **state)
{
	uint64_t entries;

	add('0', "a", "0000005", "12345");
	add('x', "pax", "0000012", "10 path=b\n");
	add('0', "c", "0000000", "");
	add('5', "d/", "0000000", "");
	add('g', "pax", "0000012", "10 x=some\n");
	for (size_t piece = 1; piece < 1500; piece += 7) {
		if (read_it(piece, &entries) < 0)
			fail_msg("pieces of %zu: %s", piece, err.text);
		assert_int_equal(entries, 3);
	}
}

static void
numbers_that_are_none_are_refused(void **state)
{
	add('0', "a", "00x0005", "12345");
	is_refused("a has a size that is no number");
	fresh(NULL);
	add('0', "a", "-000005", "12345");
	is_refused("a has a size that is no number");
	fresh(NULL);
	/* Base-256: negative, and past 2^63. */
	add('0', "a", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "");
	is_refused("no number");
	fresh(NULL);
	add('0', "a", "\x80\x01\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff", "");
	is_refused("no number");
	fresh(NULL);
	add('0', "a", "\x80\x01\x01\x01", "");
	is_refused("no number");
}

static void
sizes_of_what_has_no_data_are_refused(void **state)
{
	static const char types[] = "123456";

	for (const char *type = types; *type; type++) {
		fresh(NULL);
		add(*type, "a", "0000005", "12345");
		is_refused("what follows can be read in two ways");
	}
	fresh(NULL);
	add('0', "a/", "0000005", "12345");
	is_refused("in two ways");
	/* Also where a pax header says so. */
	fresh(NULL);
	add('x', "pax", "0000011", "9 size=5\n");
	add('5', "d", "0000000", "12345");
	is_refused("in two ways");
}

static void
headers_out_of_place_are_refused(void **state)
{
	add('x', "pax", "0000012", "10 path=b\n");
	add('x', "pax", "0000012", "10 path=c\n");
	is_refused("two headers of type 'x'");
	fresh(NULL);
	add('L', "././@LongLink", "0000003", "abc");
	add('x', "pax", "0000012", "10 path=c\n");
	is_refused("both a pax header and a GNU long name");
	fresh(NULL);
	add('x', "pax", "0000012", "10 path=b\n");
	is_refused("announces an entry (b) that does not follow");
	fresh(NULL);
	add('g', "pax", "0000012", "10 path=b\n");
	is_refused("gives all entries the same name");
	fresh(NULL);
	add('L', "././@LongLink", "0010001", "");
	is_refused("limit header_size");
}

static void
types_that_are_no_entry_are_refused(void **state)
{
	static const struct {
		char type;
		const char *what;
	} types[] = {
		{ 'M', "multi-volume" }, { 'D', "incremental" },
		{ 'N', "old long names" }, { 'X', "not known (type 'X')" },
		{ '\x1b', "not known (type '\\x1b')" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		fresh(NULL);
		add(types[i].type, "name", "0000000", "");
		is_refused(types[i].what);
		assert_non_null(strstr(err.text, "name is "));
	}
}

static void
records_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"", "6", "6 ", "6 a=b", "7 a=b\n", "5 a=b\n", "06 a=b\n",
		"6 =bc\n", "6 abc\n", "x a=b\n", "-6 a=b\n", "6\ta=b\n",
		"99999999999 a=b\n", "4 =\n",
	};
	struct pax_record record;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (pax_record_read(bad[i], strlen(bad[i]), &record))
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(pax_record_read("6 a=b\n7 ", 8, &record), 6);
	assert_true(pax_key_is(&record, "a"));
	assert_int_equal(record.value_bytes, 1);
	assert_int_equal(pax_record_read("5 a=\n", 5, &record), 5);
	assert_int_equal(record.value_bytes, 0);
	assert_int_equal(pax_record_read("8 a==\n\n\n", 8, &record), 8);
	assert_int_equal(record.value_bytes, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MINE(entries_are_counted_in_pieces_of_any_size),
		MINE(numbers_that_are_none_are_refused),
		MINE(sizes_of_what_has_no_data_are_refused),
		MINE(headers_out_of_place_are_refused),
		MINE(types_that_are_no_entry_are_refused),
		MINE(records_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
