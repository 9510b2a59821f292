/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void
an_empty_string_is_readable(void **state)
{
	struct str s = STR_INIT(10);

	assert_string_equal(str_get(&s), "");
	str_add(&s, "");
	assert_string_equal(str_get(&s), "");
	assert_false(s.full);
	str_release(&s);
}

static void
appends_add_up(void **state)
{
	own_str struct str s = STR_INIT(100000);

	str_add(&s, "a");
	str_add_n(&s, "bcd", 2);
	str_addf(&s, "-%05d", 42);
	assert_string_equal(str_get(&s), "abc-00042");
	assert_int_equal(s.len, 9);
	for (int i = 0; i < 5000; i++)
		str_addf(&s, "%04d", i);
	assert_int_equal(s.len, 9 + 20000);
	assert_string_equal(str_get(&s) + s.len - 4, "4999");
	assert_false(s.full);
}

static void
bytes_past_the_maximum_are_dropped_and_marked(void **state)
{
	own_str struct str s = STR_INIT(5);

	str_add(&s, "12345");
	assert_false(s.full);
	str_add(&s, "6");
	assert_true(s.full);
	assert_string_equal(str_get(&s), "12345");
	str_clear(&s);
	assert_false(s.full);
	str_addf(&s, "%s", "abcdefgh");
	assert_true(s.full);
	assert_string_equal(str_get(&s), "abcde");
}

static void
a_large_string_keeps_what_it_holds_as_it_grows(void **state)
{
	own_str struct str s = STR_INIT(3 * 1024 * 1024 + 5);
	char text[16];
	size_t n;

	for (unsigned i = 0; !s.full; i++)
		str_addf(&s, "%08u", i);
	assert_int_equal(s.len, s.max);
	for (unsigned i = 0; i < s.max / 8; i++) {
		snprintf(text, sizeof(text), "%08u", i);
		assert_memory_equal(str_get(&s) + (size_t)8 * i, text, 8);
	}
	assert_null(memchr(str_get(&s), 0, s.len));
	assert_int_equal(str_get(&s)[s.len], 0);
	str_release(&s);
	assert_string_equal(str_get(&s), "");
	assert_non_null(str_room(&s, 1024 * 1024, &n));
	assert_int_equal(n, 1024 * 1024);
	assert_int_equal(s.len, 0);
}

static void
room_is_what_the_maximum_leaves(void **state)
{
	own_str struct str s = STR_INIT(5);
	size_t n;
	char *at;

	str_add(&s, "ab");
	at = str_room(&s, 100, &n);
	assert_int_equal(n, 3);
	assert_true(s.full);
	memcpy(at, "cde", 3);
	str_grown(&s, 2);
	assert_string_equal(str_get(&s), "abcd");
}

static void
a_maximum_of_zero_holds_nothing(void **state)
{
	own_str struct str s = STR_INIT(0);

	str_add(&s, "x");
	str_add_tail(&s, "yz", 2);
	assert_string_equal(str_get(&s), "");
	assert_true(s.full);
}

static void
a_nul_byte_is_a_byte(void **state)
{
	own_str struct str s = STR_INIT(10);

	str_add_n(&s, "a\0b", 3);
	assert_int_equal(s.len, 3);
	assert_memory_equal(str_get(&s), "a\0b", 4);
}

static void
a_tail_keeps_the_last_bytes(void **state)
{
	own_str struct str s = STR_INIT(5);

	str_add_tail(&s, "abc", 3);
	assert_string_equal(str_get(&s), "abc");
	assert_false(s.full);
	str_add_tail(&s, "de", 2);
	assert_false(s.full);
	str_add_tail(&s, "f", 1);
	assert_string_equal(str_get(&s), "bcdef");
	assert_true(s.full);
	str_add_tail(&s, "0123456789", 10);
	assert_string_equal(str_get(&s), "56789");
	str_add_tail(&s, "abcde", 5);
	assert_string_equal(str_get(&s), "abcde");
}

static void
release_is_safe_twice(void **state)
{
	struct str s = STR_INIT(10);

	str_add(&s, "x");
	str_release(&s);
	str_release(&s);
	str_add(&s, "y");
	assert_string_equal(str_get(&s), "y");
	str_release(&s);
}

static void
prefix_suffix_and_equality(void **state)
{
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("a", "ab"));
	assert_true(str_ends("abc", "bc"));
	assert_true(str_ends("abc", ""));
	assert_false(str_ends("c", "bc"));
	assert_true(str_equal("a", "a"));
	assert_false(str_equal("a", "b"));
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal(NULL, ""));
	assert_false(str_equal("", NULL));
}

/* Sequences of RFC 3629, section 4, and their neighbours outside. */
static void
utf8_is_what_rfc_3629_allows(void **state)
{
	static const char *const good[] = {
		"", "abc", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z",
	};
	static const char *const bad[] = {
		"\x80",             /* continuation alone */
		"\xc3",             /* cut off */
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xc0\x80",         /* overlong */
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",     /* surrogates */
		"\xed\xbf\xbf",
		"\xf4\x90\x80\x80", /* above U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xc3x",
		"a\xe2\x82z",
		"ok\xc3\xa9\xa9",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_true(str_is_utf8("a\0b", 3));
	/* The bytes behind the end are none of its business. */
	assert_false(str_is_utf8("\xc3\xa9", 1));
}

static void
assert_printable(const char *text, const char *want)
{
	char buf[200];

	assert_ptr_equal(str_printable(text, buf, sizeof(buf)), buf);
	assert_string_equal(buf, want);
	assert_int_equal(str_is_printable(text), strcmp(text, want) == 0);
}

static void
printable_text_escapes_what_moves_or_reorders(void **state)
{
	assert_printable("plain \"text\" caf\xc3\xa9 \xe2\x82\xac",
			 "plain \"text\" caf\xc3\xa9 \xe2\x82\xac");
	assert_printable("a\nb\tc\x1b[31m", "a\\x0ab\\x09c\\x1b[31m");
	assert_printable("\x7f", "\\x7f");
	assert_printable("\xc2\x9b", "\\xc2\\x9b");        /* C1: CSI */
	assert_printable("\xe2\x80\xae" "evil",            /* U+202E */
			 "\\xe2\\x80\\xaeevil");
	assert_printable("\xe2\x81\xa6x", "\\xe2\\x81\\xa6x"); /* U+2066 */
	assert_printable("\xe2\x80\x8f", "\\xe2\\x80\\x8f");   /* U+200F */
	assert_printable("\xd8\x9c", "\\xd8\\x9c");            /* U+061C */
	assert_printable("\xff" "a\xc3", "\\xffa\\xc3");
}

static void
printable_text_is_cut_with_dots_and_never_inside_an_escape(void **state)
{
	char buf[10];

	assert_string_equal(str_printable("123456789", buf, 10), "123456789");
	assert_string_equal(str_printable("1234567890", buf, 10), "123456...");
	/* "12345" + "\x0a" is as long as the room. */
	assert_string_equal(str_printable("12345\n", buf, 10), "12345\\x0a");
	assert_string_equal(str_printable("123456\n", buf, 10), "123456...");
	assert_string_equal(str_printable("1234\n\n", buf, 10), "1234...");
	assert_string_equal(str_printable("12345\xc3\xa9\xc3\xa9\xc3\xa9", buf,
					  10), "12345...");
	assert_string_equal(str_printable("abc", buf, 1), "");
	assert_string_equal(str_printable("abc", buf, 3), "..");
}

static void
printable_bytes_are_appended_up_to_their_own_limit(void **state)
{
	own_str struct str s = STR_INIT(100);

	str_add(&s, "<");
	str_add_printable(&s, "a\0b", 3, 50);
	str_add(&s, ">");
	str_add_printable(&s, "abcdefgh", 8, 5);
	str_add_printable(&s, "", 0, 5);
	str_add_printable(&s, "xyz", 3, 0);
	assert_string_equal(str_get(&s), "<a\\x00b>ab...");
}

static void
hex_goes_there_and_back(void **state)
{
	unsigned char bytes[4];
	char text[9];

	hex_encode("\x00\x7f\xa5\xff", 4, text);
	assert_string_equal(text, "007fa5ff");
	assert_int_equal(hex_decode("007fA5fF", bytes, 4), 0);
	assert_memory_equal(bytes, "\x00\x7f\xa5\xff", 4);
}

static void
hex_takes_exactly_its_digits_and_nothing_else(void **state)
{
	unsigned char bytes[2] = { 1, 2 };

	assert_int_equal(hex_decode("00ff0", bytes, 2), -1);
	assert_int_equal(hex_decode("00f", bytes, 2), -1);
	assert_int_equal(hex_decode("00fg", bytes, 2), -1);
	assert_int_equal(hex_decode(" 0ff", bytes, 2), -1);
	assert_int_equal(hex_decode("", bytes, 2), -1);
	assert_memory_equal(bytes, "\x01\x02", 2);
	assert_int_equal(hex_decode("", bytes, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_string_is_readable),
		cmocka_unit_test(appends_add_up),
		cmocka_unit_test(bytes_past_the_maximum_are_dropped_and_marked),
		cmocka_unit_test(a_large_string_keeps_what_it_holds_as_it_grows),
		cmocka_unit_test(room_is_what_the_maximum_leaves),
		cmocka_unit_test(a_maximum_of_zero_holds_nothing),
		cmocka_unit_test(a_nul_byte_is_a_byte),
		cmocka_unit_test(a_tail_keeps_the_last_bytes),
		cmocka_unit_test(release_is_safe_twice),
		cmocka_unit_test(prefix_suffix_and_equality),
		cmocka_unit_test(utf8_is_what_rfc_3629_allows),
		cmocka_unit_test(printable_text_escapes_what_moves_or_reorders),
		cmocka_unit_test(
			printable_text_is_cut_with_dots_and_never_inside_an_escape),
		cmocka_unit_test(
			printable_bytes_are_appended_up_to_their_own_limit),
		cmocka_unit_test(hex_goes_there_and_back),
		cmocka_unit_test(hex_takes_exactly_its_digits_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
