/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/manifest_line.h"

#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------- escapes */

/* Length of the well-formed UTF-8 sequence (RFC 3629) at S, or 0. */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (n < length || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* How many bytes at S may stand as they are. */
static size_t
plain_length(const unsigned char *s, size_t n)
{
	size_t i = 0, length;

	while (i < n) {
		if (s[i] > 0x20 && s[i] < 0x7f && s[i] != '%')
			length = 1;
		else if (s[i] < 0x80)
			break;
		else if ((length = utf8_length(s + i, n - i)) == 0)
			break;
		i += length;
	}
	return i;
}

void
manifest_add_escaped(struct str *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = strlen(text);

	while (n) {
		size_t plain = plain_length(s, n);
		char hex[4];

		str_add_n(out, s, plain);
		s += plain;
		n -= plain;
		if (n == 0)
			break;
		snprintf(hex, sizeof(hex), "%%%02X", *s);
		str_add_n(out, hex, 3);
		s++;
		n--;
	}
}

/* 0, or -1 when S holds what manifest_add_escaped() never writes. */
static int
unescape(const char *s, size_t n, struct str *out)
{
	str_clear(out);
	while (n) {
		const char *percent = memchr(s, '%', n);
		size_t plain = percent ? (size_t)(percent - s) : n;
		char hex[3] = "";
		unsigned char byte;

		str_add_n(out, s, plain);
		s += plain;
		n -= plain;
		if (n == 0)
			break;
		if (n < 3)
			return -1;
		memcpy(hex, s + 1, 2);
		if (hex_decode(hex, &byte, 1) < 0 || byte == 0)
			return -1;
		str_add_n(out, &byte, 1);
		s += 3;
		n -= 3;
	}
	return out->full ? -1 : 0;
}

/* ----------------------------------------------------------------- fields */

/* The fields of a line, from left to right. */
struct fields {
	const char *at, *end;      /* of the line, without its newline */
};

/* The next field; 0 bytes when there is none. */
static const char *
field(struct fields *fields, size_t *ret_n)
{
	const char *start = fields->at;
	const char *blank = memchr(start, ' ', (size_t)(fields->end - start));

	*ret_n = (size_t)((blank ? blank : fields->end) - start);
	fields->at = blank ? blank + 1 : fields->end;
	return start;
}

static int
number(struct fields *fields, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n;
	const char *text = field(fields, &n);

	if (n == 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)text[i] - (unsigned)'0';

		if (digit >= base ||
		    __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value) ||
		    value > max)
			return -1;
	}
	*ret = value;
	return 0;
}

static int
small_number(struct fields *fields, unsigned base, unsigned *ret)
{
	uint64_t value;

	if (number(fields, base, UINT32_MAX, &value) < 0)
		return -1;
	*ret = (unsigned)value;
	return 0;
}

static int
signed_number(struct fields *fields, int64_t *ret)
{
	bool negative = fields->at < fields->end && *fields->at == '-';
	uint64_t value;

	fields->at += negative;
	if (number(fields, 10, (uint64_t)INT64_MAX + negative, &value) < 0)
		return -1;
	*ret = negative ? (int64_t)-value : (int64_t)value;
	return 0;
}

static int
digest_field(struct fields *fields, struct manifest_line *line)
{
	size_t n;
	const char *text = field(fields, &n);
	char hex[DIGEST_HEX];

	line->has_digest = !(n == 1 && *text == '-');
	if (!line->has_digest)
		return 0;
	if (n != DIGEST_HEX - 1)
		return -1;
	memcpy(hex, text, n);
	hex[n] = '\0';
	return digest_parse(hex, &line->digest);
}

static int
text_field(struct fields *fields, struct str *out)
{
	size_t n;
	const char *text = field(fields, &n);

	return n == 0 ? -1 : unescape(text, n, out);
}

int
manifest_line_parse(const char *text, const char *end,
		    struct manifest_line *line)
{
	struct fields fields = { text, end };
	size_t n;
	const char *type = field(&fields, &n);

	if (n != 1 || !memchr("dfl", *type, 3))
		return -1;
	line->type = *type;
	line->mode = 0;
	if (*type != 'l' && small_number(&fields, 8, &line->mode) < 0)
		return -1;
	if (small_number(&fields, 10, &line->uid) < 0 ||
	    small_number(&fields, 10, &line->gid) < 0)
		return -1;
	if (*type == 'f' &&
	    (number(&fields, 10, UINT64_MAX, &line->size) < 0 ||
	     signed_number(&fields, &line->mtime_ns) < 0 ||
	     digest_field(&fields, line) < 0))
		return -1;
	if (*type == 'l' && text_field(&fields, &line->target) < 0)
		return -1;
	if (text_field(&fields, &line->path) < 0 || fields.at != end)
		return -1;
	if (str_equal(str_get(&line->path), "."))
		str_clear(&line->path);
	return 0;
}
