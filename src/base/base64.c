/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static int
value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

int
base64_decode(const char *text, size_t length, uint8_t *out, size_t n)
{
	size_t padding = (3 - n % 3) % 3;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t at = 0;

	if (length / 4 != (n + 2) / 3 || length % 4 != 0)
		return -1;
	for (size_t i = 0; i < length - padding; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return -1;
		bits = (bits << 6 | (uint32_t)value) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[at++] = (uint8_t)(bits >> have);
		}
	}
	for (size_t i = length - padding; i < length; i++)
		if (text[i] != '=')
			return -1;
	return bits & ((1u << have) - 1) ? -1 : 0;
}

void
base64_encode(const void *data, size_t n, struct str *out)
{
	const uint8_t *in = data;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)in[i] << 16;
		char quad[4];

		if (i + 1 < n)
			bits |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < n)
			bits |= in[i + 2];
		for (size_t k = 0; k < 4; k++)
			quad[k] = alphabet[bits >> (18 - 6 * k) & 63];
		if (i + 1 >= n)
			quad[2] = '=';
		if (i + 2 >= n)
			quad[3] = '=';
		str_add_n(out, quad, sizeof quad);
	}
}
