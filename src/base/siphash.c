/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
load(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return le64toh(word);
}

static void
store(uint8_t *to, uint64_t word)
{
	word = htole64(word);
	memcpy(to, &word, sizeof(word));
}

static inline uint64_t
rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void
mix(struct state *s, unsigned rounds)
{
	while (rounds--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32) + s->v3;
		s->v2 += s->v1;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void
take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

void
siphash(const uint8_t key[static SIPHASH_KEY_BYTES], const void *data,
	size_t n, uint8_t ret_hash[static SIPHASH_BYTES])
{
	uint64_t k0 = load(key), k1 = load(key + 8);
	const uint8_t *at = data;
	uint8_t last[8] = { 0 };
	struct state s = {
		k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573,
	};

	last[7] = (uint8_t)n;
	for (; n >= 8; at += 8, n -= 8)
		take(&s, load(at));
	for (size_t i = 0; i < n; i++)
		last[i] = at[i];
	take(&s, load(last));
	s.v2 ^= 0xee;
	mix(&s, 4);
	store(ret_hash, s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
	s.v1 ^= 0xdd;
	mix(&s, 4);
	store(ret_hash + 8, s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}
