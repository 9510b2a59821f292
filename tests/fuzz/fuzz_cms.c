/* SPDX-License-Identifier: Apache-2.0 */
/* CMS signatures, and the certificates that are to be trusted: both parsed by
 * libcrypto, behind our own checks. */
#include "fuzz.h"

#include "sign/sign_cms.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char text[] = "a profile\n";
	struct error err = ERROR_INIT;
	struct digest digest;
	struct signer signer;
	/* A certificate is what the input says it is. */
	const char *pem[] = { "-----BEGIN CERTIFICATE-----\n" };
	const struct cms_trust trust = { .pem = pem, .n = 1 };

	if (cms_certificate_digest((const char *)data, n, &digest, &err) < 0)
		FUZZ_HOLDS(err.text[0] != '\0');
	err = (struct error)ERROR_INIT;
	/* Nobody is trusted, so nothing may pass. */
	FUZZ_HOLDS(cms_verify(&trust, text, sizeof(text) - 1, data, n, &signer,
			      &err) < 0);
	FUZZ_HOLDS(err.text[0] != '\0');
	return 0;
}
