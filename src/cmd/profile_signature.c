/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/profile_signature.h"

#include <string.h>

#include "base/log.h"
#include "cmd/profile_text.h"

struct form {
	const char *suffix;
	bool cms;
};

static const struct form forms[] = {
	{ ".minisig", false },
	{ ".p7s", true },
	{ ".cms", true },
};
#define N_FORMS (sizeof forms / sizeof *forms)

/* 1 and the first signature that there is, or 0, or -1. */
static int
find(struct options *options, const struct trust *trust, const char *source,
     const char **ret_address, struct profile_signature *ret,
     struct error *err)
{
	struct error first = ERROR_INIT;

	for (size_t i = 0; i < N_FORMS; i++) {
		const char *address = profile_beside(trust->arena, source,
						     forms[i].suffix);
		int found;

		if (forms[i].cms ? trust->n_certificates == 0
				 : trust->n_keys == 0)
			continue;
		found = profile_read_beside(options, address,
			forms[i].cms ? CMS_BYTES_MAX : MINISIGN_BYTES_MAX,
			&ret->bytes, &ret->n, err);
		*ret_address = address;
		ret->suffix = forms[i].suffix;
		if (found > 0)
			return 1;
		/* A server that has not the one may have the other. */
		if (found < 0 && err->code != ERROR_NETWORK)
			return -1;
		if (found < 0 && first.code == ERROR_NONE)
			first = *err;
	}
	if (first.code == ERROR_NONE)
		return 0;
	*err = first;
	return -1;
}

static int
unsigned_profile(const struct trust *trust, bool required, const char *source,
		 struct error *err)
{
	char shown[256];

	url_redact(source, shown, sizeof shown);
	if (required && trust_is_empty(trust))
		return error_raise(err, ERROR_TRUST,
			"%s: a signature is required, and no key is trusted: "
			"give --public-key, or public_key in the section "
			"[trust] of fitout.ini", shown);
	if (required)
		return error_raise(err, ERROR_TRUST,
			"%s has no signature beside it (%s%s); it must be "
			"signed by one of: %s. See SIGNATURES in "
			"fitout-apply(1)", shown,
			trust->n_keys ? "NAME.minisig" : "",
			trust->n_certificates
				? trust->n_keys ? ", NAME.p7s, NAME.cms"
						: "NAME.p7s, NAME.cms"
				: "", trust_text(trust));
	log_warning("profile.unsigned", NULL,
		    "%s is not signed, and require_signature = false lets it "
		    "pass", shown);
	return 0;
}

int
profile_verify(struct options *options, const struct trust *trust,
	       bool required, const char *source, const char *text, size_t n,
	       struct signer *ret_signer,
	       struct profile_signature *ret_signature, struct error *err)
{
	struct profile_signature signature;
	const char *address;
	struct error missing = ERROR_INIT;
	char shown[256];
	int found = 0;

	*ret_signer = (struct signer){ 0 };
	if (!required && trust_is_empty(trust))
		return 0;
	if (strcmp(source, "-") == 0 && required)
		return error_raise(err, ERROR_TRUST,
			"standard input has no signature beside it, and one "
			"is required here: give the profile as a file or as "
			"an address");
	if (strcmp(source, "-") != 0 && !trust_is_empty(trust))
		found = find(options, trust, source, &address, &signature, &missing);
	if (found < 0 && (required || missing.code != ERROR_NETWORK)) {
		*err = missing;
		return error_in(err, "%s has no signature that can be read",
				url_redact(source, shown, sizeof shown));
	}
	if (found <= 0)
		return unsigned_profile(trust, required, source, err);
	if (trust_verify(trust, profile_file_name(trust->arena, source), text,
			 n, signature.bytes, signature.n, ret_signer,
			 err) < 0)
		return error_in(err, "the signature %s",
				url_redact(address, shown, sizeof shown));
	if (ret_signature)
		*ret_signature = signature;
	log_info("profile.signed", NULL, "%s: signed by %s",
		 url_redact(source, shown, sizeof shown), ret_signer->text);
	return 0;
}
