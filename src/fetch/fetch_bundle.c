/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_bundle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define BEGIN "-----BEGIN "
#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE "-----END CERTIFICATE-----"

/* ---- DER (X.690) ---- */

struct der {
	const uint8_t *at, *end;
};

/* The next element: its tag, all of it, and what is in it. */
static bool
der_next(struct der *in, uint8_t *ret_tag, struct der *ret_whole,
	 struct der *ret_content)
{
	const uint8_t *at = in->at;
	size_t n;

	if (in->end - at < 2)
		return false;
	*ret_tag = *at++;
	n = *at++;
	if (n >= 0x80) {
		size_t octets = n & 0x7f;

		if (octets < 1 || octets > 3 ||
		    (size_t)(in->end - at) < octets)
			return false;
		for (n = 0; octets > 0; octets--)
			n = n << 8 | *at++;
	}
	if ((size_t)(in->end - at) < n)
		return false;
	*ret_whole = (struct der){ in->at, at + n };
	*ret_content = (struct der){ at, at + n };
	in->at = at + n;
	return true;
}

/* Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version OPTIONAL,
 * serialNumber, signature, issuer, validity, subject, ... */
static bool
find_subject(struct bundle_entry *entry)
{
	struct der in = { entry->der, entry->der + entry->der_bytes };
	struct der whole, content, inside;
	uint8_t tag;

	if (!der_next(&in, &tag, &whole, &content) || tag != 0x30 ||
	    in.at != in.end || !der_next(&content, &tag, &whole, &inside) ||
	    tag != 0x30)
		return false;
	if (inside.at < inside.end && *inside.at == 0xa0 &&
	    !der_next(&inside, &tag, &whole, &content))
		return false;
	for (int i = 0; i < 4; i++)
		if (!der_next(&inside, &tag, &whole, &content))
			return false;
	if (!der_next(&inside, &tag, &whole, &content) || tag != 0x30)
		return false;
	entry->subject = whole.at;
	entry->subject_bytes = (size_t)(whole.end - whole.at);
	return true;
}

/* ---- PEM ---- */

enum { IS_BLANK = 64, IS_PADDING, IS_NONE };

/* (A table, as a bundle has 200,000 of them: RFC 4648 4.) */
static void
make_table(uint8_t table[static 256])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(table, IS_NONE, 256);
	for (uint8_t i = 0; i < 64; i++)
		table[(unsigned char)digits[i]] = i;
	table['\n'] = table['\r'] = table[' '] = table['\t'] = IS_BLANK;
	table['='] = IS_PADDING;
}

/* What TEXT[0..n) stands for in base64, to OUT; bytes, or -1. */
static ptrdiff_t
decode(const uint8_t *table, const char *text, size_t n, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned have = 0, padding = 0;
	uint8_t *at = out;

	for (size_t i = 0; i < n; i++) {
		uint8_t value = table[(unsigned char)text[i]];

		if (value == IS_BLANK)
			continue;
		if (value == IS_PADDING) {
			padding++;
			continue;
		}
		if (value == IS_NONE || padding > 0)
			return -1;
		bits = bits << 6 | value;
		if (++have == 4) {
			*at++ = (uint8_t)(bits >> 16);
			*at++ = (uint8_t)(bits >> 8);
			*at++ = (uint8_t)bits;
			bits = have = 0;
		}
	}
	if (have + padding != 0 && have + padding != 4)
		return -1;
	if (have == 1)
		return -1;
	if (have >= 2)
		*at++ = (uint8_t)(bits >> (have == 2 ? 4 : 10));
	if (have == 3)
		*at++ = (uint8_t)(bits >> 2);
	return at - out;
}

static const char *
find(const char *from, const char *end, const char *what)
{
	return memmem(from, (size_t)(end - from), what, strlen(what));
}

static int
read_blocks(struct bundle *b, const char *text, size_t n)
{
	const char *at = text, *end = text + n, *last;
	uint8_t *out = b->bytes;
	uint8_t table[256];

	make_table(table);
	while ((at = find(at, end, BEGIN))) {
		struct bundle_entry entry = { .der = out };
		ptrdiff_t bytes;

		if ((size_t)(end - at) < strlen(BEGIN_CERTIFICATE) ||
		    memcmp(at, BEGIN_CERTIFICATE, strlen(BEGIN_CERTIFICATE)))
			return -1;
		at += strlen(BEGIN_CERTIFICATE);
		last = find(at, end, END_CERTIFICATE);
		bytes = last ? decode(table, at, (size_t)(last - at), out)
			     : -1;
		if (bytes < 0)
			return -1;
		entry.der_bytes = (size_t)bytes;
		if (!find_subject(&entry) || vec_push(&b->entries, entry) < 0)
			return -1;
		out += bytes;
		at = last + strlen(END_CERTIFICATE);
	}
	return b->entries.n > 0 ? 0 : -1;
}

int
bundle_read(struct bundle *b, const char *text, size_t n)
{
	/* Base64 only ever shrinks. */
	b->bytes = xmalloc(n + 1);
	if (read_blocks(b, text, n) == 0)
		return 0;
	bundle_release(b);
	return -1;
}

void
bundle_release(struct bundle *b)
{
	free(b->bytes);
	b->bytes = NULL;
	vec_release(&b->entries);
}
