/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/magic.h"

#include <string.h>
#include <strings.h>

struct magic {
	const char *bytes;
	size_t n;
	const char *name;
};
#define MAGIC(text, name) { (text), sizeof(text) - 1, (name) }

static const struct magic packings[] = {
	[PACKING_GZIP] = MAGIC("\x1f\x8b", "tar.gz"),
	[PACKING_XZ] = MAGIC("\xfd" "7zXZ\0", "tar.xz"),
	[PACKING_ZSTD] = MAGIC("\x28\xb5\x2f\xfd", "tar.zst"),
	[PACKING_BZIP2] = MAGIC("BZh", "tar.bz2"),
};

static const struct magic others[] = {
	MAGIC("PK\3\4", "a zip archive"),
	MAGIC("PK\5\6", "a zip archive"),
	MAGIC("7z\xbc\xaf\x27\x1c", "a 7z archive"),
	MAGIC("Rar!", "a rar archive"),
	MAGIC("!<arch>\n", "an ar archive or Debian package"),
	MAGIC("\xed\xab\xee\xdb", "an RPM package"),
	MAGIC("\x5d\0\0", "raw lzma data"),
	MAGIC("\x04\x22\x4d\x18", "lz4 data"),
	MAGIC("\x1f\x9d", "compress(1) data"),
	MAGIC("\x7f" "ELF", "a program"),
	MAGIC("#!", "a script"),
	MAGIC("<?xml", "an XML document"),
	MAGIC("<!doctype html", "an HTML page"),
	MAGIC("<html", "an HTML page"),
	MAGIC("{", "a JSON document"),
};

enum packing
magic_packing(const void *data, size_t n)
{
	const char *s = data;

	for (int i = PACKING_GZIP; i <= PACKING_BZIP2; i++) {
		const struct magic *m = &packings[i];

		if (n < m->n || memcmp(s, m->bytes, m->n) != 0)
			continue;
		if (i == PACKING_BZIP2 && (n < 4 || s[3] < '1' || s[3] > '9'))
			continue;
		return (enum packing)i;
	}
	return PACKING_NONE;
}

const char *
magic_format_name(enum packing packing)
{
	return packing == PACKING_NONE ? "tar" : packings[packing].name;
}

/* ------------------------------------------------------------------ zstd */

static uint64_t
little_endian(const uint8_t *s, size_t n)
{
	uint64_t value = 0;

	for (size_t i = n; i-- > 0;)
		value = value << 8 | s[i];
	return value;
}

static uint64_t
zstd_window(const uint8_t *s, size_t n)
{
	static const uint8_t size_bytes[] = { 1, 2, 4, 8 };
	static const uint8_t dictionary_bytes[] = { 0, 1, 2, 4 };
	uint8_t head;
	uint64_t base;
	size_t at;

	if (n < 6)
		return 0;
	head = s[4];
	if (!(head & 0x20)) {   /* a window descriptor follows */
		base = 1ull << (10 + (s[5] >> 3));
		return base + base / 8 * (s[5] & 7);
	}
	/* A single segment: the whole content is the window. */
	at = 5 + dictionary_bytes[head & 3];
	if (n < at + size_bytes[head >> 6])
		return 0;
	base = little_endian(s + at, size_bytes[head >> 6]);
	return head >> 6 == 1 ? base + 256 : base;
}

/* -------------------------------------------------------------------- xz */

struct bytes {
	const uint8_t *at, *end;
};

/* A variable-length integer (xz-file-format, 1.2); 0 where there is none. */
static uint64_t
variable(struct bytes *bytes)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 63 && bytes->at < bytes->end;
	     shift += 7) {
		uint8_t byte = *bytes->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	bytes->at = bytes->end;
	return 0;
}

static uint64_t
xz_dictionary(const uint8_t *s, size_t n)
{
	enum { STREAM_HEADER = 12, LZMA2 = 0x21 };
	struct bytes bytes = { s + STREAM_HEADER, s + n };
	unsigned flags, filters;

	/* An empty stream has an index (0x00) in the block's place. */
	if (n < STREAM_HEADER + 2 || s[STREAM_HEADER] == 0)
		return 0;
	flags = s[STREAM_HEADER + 1];
	bytes.at += 2;
	if (flags & 0x40)
		variable(&bytes);
	if (flags & 0x80)
		variable(&bytes);
	for (filters = (flags & 3) + 1; filters; filters--) {
		uint64_t id = variable(&bytes), size = variable(&bytes);

		if (size > (uint64_t)(bytes.end - bytes.at))
			return 0;
		if (id == LZMA2 && size == 1) {
			unsigned bits = *bytes.at & 0x3f;

			return bits >= 40 ? UINT32_MAX
				: (uint64_t)(2 | (bits & 1)) << (bits / 2 + 11);
		}
		bytes.at += size;
	}
	return 0;
}

uint64_t
magic_window(enum packing packing, const void *data, size_t n)
{
	if (packing == PACKING_ZSTD)
		return zstd_window(data, n);
	if (packing == PACKING_XZ)
		return xz_dictionary(data, n);
	return 0;
}

const char *
magic_guess(const void *data, size_t n)
{
	const char *s = data;

	while (n && strchr(" \t\r\n", *s) && *s)
		s++, n--;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (n >= others[i].n &&
		    strncasecmp(s, others[i].bytes, others[i].n) == 0 &&
		    (memchr(others[i].bytes, 0, others[i].n) == NULL ||
		     memcmp(s, others[i].bytes, others[i].n) == 0))
			return others[i].name;
	}
	return NULL;
}
