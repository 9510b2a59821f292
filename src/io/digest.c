/* SPDX-License-Identifier: Apache-2.0 */
#include "io/digest.h"

/*
 * The SHA256_* functions are deprecated in OpenSSL 3 in favour of EVP, but
 * EVP loads the default provider first: 0.5 to 1.2 ms at every start, against
 * 0.02 ms. Both end in the same assembly (SHA-NI where there is one).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

struct hasher {
	SHA256_CTX context;
};

struct hasher *
hasher_new(void)
{
	struct hasher *hasher = xcalloc(1, sizeof(*hasher));

	hasher_begin(hasher);
	return hasher;
}

void
hasher_begin(struct hasher *hasher)
{
	SHA256_Init(&hasher->context);
}

void
hasher_add(struct hasher *hasher, const void *data, size_t n)
{
	if (n)
		SHA256_Update(&hasher->context, data, n);
}

void
hasher_end(struct hasher *hasher, struct digest *ret_digest)
{
	SHA256_Final(ret_digest->bytes, &hasher->context);
}

void
hasher_free(struct hasher *hasher)
{
	free(hasher);
}

void
digest_of(const void *data, size_t n, struct digest *ret_digest)
{
	struct hasher hasher;

	SHA256_Init(&hasher.context);
	hasher_add(&hasher, data, n);
	hasher_end(&hasher, ret_digest);
}

#define HMAC_BLOCK_BYTES 64

void
hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t n,
	    struct digest *ret_mac)
{
	uint8_t inner[HMAC_BLOCK_BYTES], outer[HMAC_BLOCK_BYTES];
	struct digest digest = { { 0 } };
	struct hasher hasher;

	if (key_bytes > HMAC_BLOCK_BYTES) {
		digest_of(key, key_bytes, &digest);
		key = digest.bytes;
		key_bytes = sizeof(digest.bytes);
	}
	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (size_t i = 0; i < key_bytes; i++) {
		inner[i] ^= ((const uint8_t *)key)[i];
		outer[i] ^= ((const uint8_t *)key)[i];
	}
	SHA256_Init(&hasher.context);
	hasher_add(&hasher, inner, sizeof(inner));
	hasher_add(&hasher, data, n);
	hasher_end(&hasher, &digest);
	SHA256_Init(&hasher.context);
	hasher_add(&hasher, outer, sizeof(outer));
	hasher_add(&hasher, digest.bytes, sizeof(digest.bytes));
	hasher_end(&hasher, ret_mac);
	explicit_bzero(inner, sizeof(inner));
	explicit_bzero(outer, sizeof(outer));
	explicit_bzero(&hasher, sizeof(hasher));
	explicit_bzero(&digest, sizeof(digest));
}

int
digest_of_fd(int fd, struct digest *ret_digest, struct error *err)
{
	/* On the stack: for a small file, the pages of a large block from the
	 * heap cost more than the hash. */
	uint8_t block[64 * 1024];
	struct hasher hasher;

	hasher_begin(&hasher);
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read");
		if (n == 0)
			break;
		hasher_add(&hasher, block, (size_t)n);
	}
	hasher_end(&hasher, ret_digest);
	return 0;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	volatile uint8_t differing = 0;

	for (size_t i = 0; i < DIGEST_BYTES; i++)
		differing |= a->bytes[i] ^ b->bytes[i];
	return differing == 0;
}

int
digest_parse(const char *hex, struct digest *ret_digest)
{
	struct digest digest;

	if (hex_decode(hex, digest.bytes, DIGEST_BYTES) < 0)
		return -1;
	*ret_digest = digest;
	return 0;
}

char *
digest_hex(const struct digest *digest, char buf[static DIGEST_HEX])
{
	hex_encode(digest->bytes, DIGEST_BYTES, buf);
	return buf;
}

/* Read N bytes of /dev/urandom: kernels before 3.17, strict sandboxes. */
static int
urandom(uint8_t *out, size_t n)
{
	own_fd int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while (n) {
		ssize_t got = read(fd, out, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		out += got;
		n -= (size_t)got;
	}
	return 0;
}

void
random_bytes(void *out, size_t n)
{
	uint8_t *at = out;

	while (n) {
		/* 256 bytes at most are never cut short by a signal. */
		size_t want = n < 256 ? n : 256;
		ssize_t got = getrandom(at, want, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			static const char text[] =
				"fitout: no random numbers: getrandom(2) and "
				"/dev/urandom both fail\n";

			if (urandom(at, n) == 0)
				return;
			/* Guessable names would be worse than no run. */
			(void)!write(2, text, sizeof(text) - 1);
			_exit(1);
		}
		at += got;
		n -= (size_t)got;
	}
}
