/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sign_ed25519.h"

#include <openssl/evp.h>

#include "base/arena.h"

bool
ed25519_verify(const uint8_t point[static 32],
	       const uint8_t signature[static 64], const void *message,
	       size_t n)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						    point, 32);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	/* Anything but 1 is no: 0 is a wrong signature, below it an error. */
	bool good = key && context &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestVerify(context, signature, 64, message, n) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return good;
}

struct blake2 {
	EVP_MD_CTX *context;
	bool failed;
};

struct blake2 *
blake2_new(void)
{
	struct blake2 *blake2 = xcalloc(1, sizeof *blake2);

	blake2->context = EVP_MD_CTX_new();
	blake2->failed = !blake2->context ||
		EVP_DigestInit_ex(blake2->context, EVP_blake2b512(), NULL) != 1;
	return blake2;
}

void
blake2_add(struct blake2 *blake2, const void *data, size_t n)
{
	if (!blake2->failed && n)
		blake2->failed = EVP_DigestUpdate(blake2->context, data, n) != 1;
}

int
blake2_end(struct blake2 *blake2, uint8_t ret_hash[static BLAKE2_BYTES])
{
	unsigned n = 0;

	if (blake2->failed ||
	    EVP_DigestFinal_ex(blake2->context, ret_hash, &n) != 1)
		return -1;
	blake2->failed = true;
	return n == BLAKE2_BYTES ? 0 : -1;
}

void
blake2_free(struct blake2 *blake2)
{
	if (!blake2)
		return;
	EVP_MD_CTX_free(blake2->context);
	free(blake2);
}
