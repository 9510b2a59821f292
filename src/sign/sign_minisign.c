/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sign_minisign.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"

#define KEY_BYTES 42
#define KEY_TEXT_LENGTH 56
#define SIGNATURE_BYTES 74
#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

struct lines {
	const char *at, *end;
};

struct line {
	const char *text;
	size_t n;
};

/* The next line, without its end; false behind the last one. */
static bool
next_line(struct lines *lines, struct line *ret_line)
{
	const char *end;

	if (lines->at == lines->end)
		return false;
	end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	if (!end)
		end = lines->end;
	*ret_line = (struct line){ lines->at, (size_t)(end - lines->at) };
	lines->at = end == lines->end ? end : end + 1;
	/* Written on Windows, perhaps: a carriage return belongs to the end. */
	if (ret_line->n > 0 && ret_line->text[ret_line->n - 1] == '\r')
		ret_line->n--;
	return true;
}

static bool
line_starts(const struct line *line, const char *prefix)
{
	return line->n >= strlen(prefix) &&
	       memcmp(line->text, prefix, strlen(prefix)) == 0;
}

static bool
only_blank(const struct lines *lines)
{
	for (const char *at = lines->at; at < lines->end; at++)
		if (!strchr(" \t\r\n", *at) || !*at)
			return false;
	return true;
}

int
minisign_read_key(const char *text, size_t n, struct minisign_key *ret_key,
		  struct error *err)
{
	struct lines lines = { text, text + n };
	uint8_t bytes[KEY_BYTES];
	struct line line;

	if (n > MINISIGN_BYTES_MAX)
		return error_raise(err, ERROR_FORMAT,
			"is no public key of minisign: %zu bytes long", n);
	if (!next_line(&lines, &line))
		return error_raise(err, ERROR_FORMAT, "is empty");
	if (line_starts(&line, UNTRUSTED) && !next_line(&lines, &line))
		return error_raise(err, ERROR_FORMAT,
			"is cut short: the line of the key is missing");
	if (base64_decode(line.text, line.n, bytes, sizeof bytes) < 0 ||
	    !only_blank(&lines))
		return error_raise(err, ERROR_FORMAT,
			"is no public key of minisign: that is %d characters "
			"of base64, beginning with RW (in a file: after one "
			"line of comment)", KEY_TEXT_LENGTH);
	if (memcmp(bytes, "Ed", 2) != 0)
		return error_raise(err, ERROR_FORMAT,
			"is a key of an algorithm that this fitout does not "
			"know (bytes %02x %02x); it reads ed25519 ones, which "
			"begin with RW", bytes[0], bytes[1]);
	memcpy(ret_key->id, bytes + 2, 8);
	memcpy(ret_key->point, bytes + 10, 32);
	return 0;
}

static int
bad_line(struct error *err, int number, const char *wanted)
{
	return error_raise(err, ERROR_FORMAT,
		"is no signature of minisign: line %d must be %s", number,
		wanted);
}

static int
read_algorithm(const uint8_t bytes[static 2], bool *ret_prehashed,
	       struct error *err)
{
	if (memcmp(bytes, "ED", 2) != 0 && memcmp(bytes, "Ed", 2) != 0)
		return error_raise(err, ERROR_FORMAT,
			"is of an algorithm that this fitout does not know "
			"(bytes %02x %02x); it verifies ED and Ed, as minisign "
			"makes them", bytes[0], bytes[1]);
	*ret_prehashed = bytes[1] == 'D';
	return 0;
}

/* Text that goes into messages and is compared: nothing but text. */
static int
read_comment(const struct line *line, char *comment, struct error *err)
{
	const char *text = line->text + strlen(TRUSTED);
	size_t n = line->n - strlen(TRUSTED);

	if (n > MINISIGN_COMMENT_MAX)
		return error_raise(err, ERROR_FORMAT,
			"has a trusted comment of %zu bytes; at most %d are "
			"read", n, MINISIGN_COMMENT_MAX);
	if (memchr(text, '\0', n) || !str_is_utf8(text, n))
		return error_raise(err, ERROR_FORMAT,
			"has a trusted comment that is no text");
	memcpy(comment, text, n);
	comment[n] = '\0';
	return 0;
}

int
minisign_read_signature(const char *text, size_t n,
			struct minisign_signature *ret_signature,
			struct error *err)
{
	struct lines lines = { text, text + n };
	struct minisign_signature read = { 0 };
	uint8_t bytes[SIGNATURE_BYTES];
	struct line line;

	if (n > MINISIGN_BYTES_MAX)
		return error_raise(err, ERROR_FORMAT,
			"is no signature of minisign: %zu bytes long", n);
	if (!next_line(&lines, &line) || !line_starts(&line, UNTRUSTED))
		return bad_line(err, 1, "\"untrusted comment: ...\"");
	if (!next_line(&lines, &line) ||
	    base64_decode(line.text, line.n, bytes, sizeof bytes) < 0)
		return bad_line(err, 2, "100 characters of base64");
	if (read_algorithm(bytes, &read.prehashed, err) < 0)
		return -1;
	memcpy(read.id, bytes + 2, 8);
	memcpy(read.signature, bytes + 10, 64);
	if (!next_line(&lines, &line) || !line_starts(&line, TRUSTED))
		return bad_line(err, 3, "\"trusted comment: ...\"");
	if (read_comment(&line, read.comment, err) < 0)
		return -1;
	if (!next_line(&lines, &line) ||
	    base64_decode(line.text, line.n, read.global,
			  sizeof read.global) < 0)
		return bad_line(err, 4, "88 characters of base64");
	if (!only_blank(&lines))
		return bad_line(err, 5, "none: there is more behind it");
	*ret_signature = read;
	return 0;
}

char *
minisign_id(const uint8_t id[static 8], char buf[static MINISIGN_ID_TEXT])
{
	/* A little-endian number, printed as a number. */
	for (int i = 0; i < 8; i++)
		snprintf(buf + 2 * i, 3, "%02X", id[7 - i]);
	return buf;
}

bool
minisign_field(const struct minisign_signature *signature, const char *name,
	       char *buf, size_t size)
{
	const char *at = signature->comment;
	size_t prefix = strlen(name);

	while (*at) {
		size_t n = strcspn(at, "\t");

		if (n > prefix && at[prefix] == ':' &&
		    strncmp(at, name, prefix) == 0) {
			n -= prefix + 1;
			if (n >= size)
				return false;
			memcpy(buf, at + prefix + 1, n);
			buf[n] = '\0';
			return true;
		}
		at += n;
		at += *at == '\t';
	}
	return false;
}
