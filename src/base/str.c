/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"

/* From this capacity on a string has pages of its own: it grows without being
 * copied, what it does not fill is never touched, and what it held goes back
 * to the kernel, which clears it. */
#define PAGES_CAP ((size_t)256 * 1024)

/* What is given back must not keep what it held: keys pass through here. */
static void
give_back(struct str *s)
{
	if (s->cap >= PAGES_CAP) {
		munmap(s->data, s->cap);
	} else if (s->data) {
		explicit_bzero(s->data, s->cap);
		free(s->data);
	}
}

static char *
more_pages(const struct str *s, size_t cap)
{
	void *pages = s->cap >= PAGES_CAP
		? mremap(s->data, s->cap, cap, MREMAP_MAYMOVE)
		: mmap(NULL, cap, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		out_of_memory(cap);
	return pages;
}

static void
move(struct str *s, size_t cap)
{
	char *data = cap >= PAGES_CAP ? more_pages(s, cap) : xmalloc(cap);

	if (s->data && s->cap < PAGES_CAP) {
		memcpy(data, s->data, s->len + 1);
		give_back(s);
	}
	s->data = data;
	s->cap = cap;
}

/* Make room for N more bytes, or for as many as the maximum allows; returns
 * how many. */
static size_t
reserve(struct str *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 64;

	if (n > s->max - s->len) {
		n = s->max - s->len;
		s->full = true;
	}
	if (n == 0 || s->len + n < s->cap)
		return n;
	while (cap <= s->len + n)
		cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
	move(s, cap);
	return n;
}

char *
str_room(struct str *s, size_t n, size_t *ret_n)
{
	*ret_n = reserve(s, n);
	return s->data ? s->data + s->len : NULL;
}

void
str_grown(struct str *s, size_t n)
{
	s->len += n;
	s->data[s->len] = '\0';
}

void
str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

/* Names are short, and musl's memcpy() takes as long for one byte as for 200:
 * it begins with a "rep movs" for any length. These are moves of registers. */
static void
copy(char *to, const char *from, size_t n)
{
	if (n > 64) {
		memcpy(to, from, n);
	} else if (n >= 16) {
		for (size_t i = 0; i < n - 16; i += 16)
			memcpy(to + i, from + i, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else {
		to[0] = from[0];
		to[n / 2] = from[n / 2];
		to[n - 1] = from[n - 1];
	}
}

void
str_add_n(struct str *s, const void *data, size_t n)
{
	n = reserve(s, n);
	if (n == 0)
		return;
	copy(s->data + s->len, data, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void
str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	own_free char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	text = xmalloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	str_add_n(s, text, (size_t)n);
}

void
str_add_tail(struct str *s, const void *data, size_t n)
{
	const char *bytes = data;
	size_t surplus;

	if (n > s->max) {
		bytes += n - s->max;
		n = s->max;
		s->full = true;
	}
	if (n > s->max - s->len) {
		surplus = n - (s->max - s->len);
		memmove(s->data, s->data + surplus, s->len - surplus);
		s->len -= surplus;
		s->full = true;
	}
	str_add_n(s, bytes, n);
}

const char *
str_get(const struct str *s)
{
	return s->len > 0 ? s->data : "";
}

void
str_clear(struct str *s)
{
	s->len = 0;
	s->full = false;
	if (s->data)
		s->data[0] = '\0';
}

void
str_release(struct str *s)
{
	give_back(s);
	s->data = NULL;
	s->len = s->cap = 0;
	s->full = false;
}

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool
str_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool
is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the sequence that LEAD starts, 0 when none may; the bounds of
 * its second byte (RFC 3629, section 4) keep out overlong forms, surrogates
 * and what lies above U+10FFFF. */
static size_t
utf8_shape(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	if (lead == 0xe0)
		*low = 0xa0;
	if (lead == 0xed)
		*high = 0x9f;
	if (lead == 0xf0)
		*low = 0x90;
	if (lead == 0xf4)
		*high = 0x8f;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Length of the well-formed character at P (n bytes are left), or 0. */
static size_t
utf8_decode(const unsigned char *p, size_t n, uint32_t *ret_char)
{
	static const unsigned char lead_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char low, high;
	size_t length = n > 0 ? utf8_shape(p[0], &low, &high) : 0;
	uint32_t c;

	if (length == 0 || length > n)
		return 0;
	c = p[0] & lead_mask[length];
	if (length > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(p[i]))
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret_char = c;
	return length;
}

bool
str_is_utf8(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t c;

	while (n > 0) {
		size_t length = utf8_decode(p, n, &c);

		if (length == 0)
			return false;
		p += length;
		n -= length;
	}
	return true;
}

/* Characters that move the cursor or reorder what stands beside them. */
static bool
is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Of the character at P, when it may be shown as it is, or 0. */
static size_t
safe_length(const unsigned char *p, size_t n)
{
	uint32_t c = 0;
	size_t length;

	if (p[0] >= 0x20 && p[0] < 0x7f)
		return 1;
	length = utf8_decode(p, n, &c);
	return length > 0 && !is_unsafe(c) ? length : 0;
}

bool
str_is_printable(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = strlen(text);

	while (n > 0) {
		size_t length = safe_length(p, n);

		if (length == 0)
			return false;
		p += length;
		n -= length;
	}
	return true;
}

/* The printable form of what P starts with into OUT (>= 5 bytes); sets its
 * length and returns how many bytes of P it stands for. Of a bad or unsafe
 * sequence that is its first byte; the others are stray then, thus bad. */
static size_t
printable_unit(const unsigned char *p, size_t n, char *out, size_t *ret_length)
{
	size_t length = safe_length(p, n);

	if (length > 0) {
		memcpy(out, p, length);
		*ret_length = length;
		return length;
	}
	snprintf(out, 5, "\\x%02x", p[0]);
	*ret_length = 4;
	return 1;
}

/* At most SIZE - 1 bytes and a NUL; SIZE >= 1. Returns the length. */
static size_t
printable(const unsigned char *p, size_t n, char *out, size_t size)
{
	size_t max = size - 1, len = 0, cut = 0, unit_len;
	char unit[5];

	while (n > 0) {
		size_t used = printable_unit(p, n, unit, &unit_len);

		if (unit_len > max - len) {
			size_t dots = max - cut < 3 ? max - cut : 3;

			memcpy(out + cut, "...", dots);
			len = cut + dots;
			break;
		}
		memcpy(out + len, unit, unit_len);
		len += unit_len;
		if (len + 3 <= max)
			cut = len;
		p += used;
		n -= used;
	}
	out[len] = '\0';
	return len;
}

void
str_add_printable(struct str *s, const void *data, size_t n, size_t max_bytes)
{
	size_t room = n > SIZE_MAX / 8 ? SIZE_MAX / 2 : 4 * n;
	own_free char *text = NULL;

	if (room > max_bytes)
		room = max_bytes;
	text = xmalloc(room + 1);
	str_add_n(s, text, printable(data, n, text, room + 1));
}

char *
str_printable(const char *text, char *buf, size_t size)
{
	if (size > 0)
		printable((const unsigned char *)text, strlen(text), buf,
			  size);
	return buf;
}

void
hex_encode(const void *data, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

/* One more than its value; 0: no digit. */
static const unsigned char hex_digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int
hex_decode(const char *hex, void *out, size_t n)
{
	const unsigned char *from = (const unsigned char *)hex;
	unsigned char *p = out;

	if (strlen(hex) != 2 * n)
		return -1;
	for (size_t i = 0; i < 2 * n; i++)
		if (!hex_digits[from[i]])
			return -1;
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((hex_digits[from[2 * i]] - 1) << 4 |
				       (hex_digits[from[2 * i + 1]] - 1));
	return 0;
}
