/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sign.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Fewer are rather cut short than a number that begins with zeros. */
#define ID_DIGITS_MIN 12

static int
too_many(const char *what, struct error *err)
{
	return error_raise(err, ERROR_LIMIT, "is one more than the %d %s that "
			   "there may be", TRUST_MAX, what);
}

static int
add_certificate(struct trust *trust, const char *text, size_t n,
		struct error *err)
{
	struct digest digest;

	if (cms_certificate_digest(text, n, &digest, err) < 0)
		return -1;
	if (trust->n_certificates == TRUST_MAX)
		return too_many("certificates", err);
	trust->certificates[trust->n_certificates++] =
		arena_dup_n(trust->arena, text, n);
	return 0;
}

int
trust_add(struct trust *trust, const char *text, size_t n, struct error *err)
{
	own_str struct str whole = STR_INIT((size_t)64 * 1024);

	str_add_n(&whole, text, n);
	if (strstr(str_get(&whole), "-----BEGIN CERTIFICATE-----"))
		return add_certificate(trust, str_get(&whole), whole.len, err);
	if (trust->n_keys == TRUST_MAX)
		return too_many("keys", err);
	if (minisign_read_key(text, n, &trust->keys[trust->n_keys], err) < 0)
		return -1;
	trust->n_keys++;
	return 0;
}

/* An id is written as a number and kept as minisign's files have it. minisign
 * leaves out the zeros in front: one key in 16 has fewer digits there. */
static int
parse_id(const char *text, uint8_t id[static 8])
{
	char digits[MINISIGN_ID_TEXT] = "0000";
	uint8_t bytes[8];
	size_t n = strlen(text);

	if (n < ID_DIGITS_MIN || n > sizeof digits - 1)
		return -1;
	memcpy(digits + sizeof digits - 1 - n, text, n);
	if (hex_decode(digits, bytes, sizeof bytes) < 0)
		return -1;
	for (int i = 0; i < 8; i++)
		id[i] = bytes[7 - i];
	return 0;
}

int
trust_revoke(struct trust *trust, const char *id, struct error *err)
{
	struct digest digest;
	uint8_t key[8];

	if (parse_id(id, key) == 0) {
		if (trust->n_revoked_keys == TRUST_MAX)
			return too_many("revoked keys", err);
		memcpy(trust->revoked_keys[trust->n_revoked_keys++], key, 8);
		return 0;
	}
	if (digest_parse(id, &digest) < 0)
		return error_raise(err, ERROR_FORMAT,
			"is neither the id of a minisign key (16 hex digits, "
			"or fewer where it begins with zeros) nor the SHA-256 of a certificate (64)");
	if (trust->n_revoked_certificates == TRUST_MAX)
		return too_many("revoked certificates", err);
	trust->revoked_certificates[trust->n_revoked_certificates++] = digest;
	return 0;
}

static bool
key_is_revoked(const struct trust *trust, const uint8_t id[static 8])
{
	for (size_t i = 0; i < trust->n_revoked_keys; i++)
		if (memcmp(trust->revoked_keys[i], id, 8) == 0)
			return true;
	return false;
}

bool
trust_has_revoked(const struct trust *trust, const char *id)
{
	struct digest digest;
	uint8_t key[8];

	if (parse_id(id, key) == 0)
		return key_is_revoked(trust, key);
	if (digest_parse(id, &digest) < 0)
		return false;
	for (size_t i = 0; i < trust->n_revoked_certificates; i++)
		if (digest_equal(&digest, &trust->revoked_certificates[i]))
			return true;
	return false;
}

bool
trust_is_empty(const struct trust *trust)
{
	return trust->n_keys == 0 && trust->n_certificates == 0;
}

const char *
trust_text(const struct trust *trust)
{
	own_str struct str out = STR_INIT(200);
	char id[MINISIGN_ID_TEXT];

	for (size_t i = 0; i < trust->n_keys; i++)
		str_addf(&out, "%s%s", i ? ", " : trust->n_keys > 1
				? "minisign keys " : "minisign key ",
			 minisign_id(trust->keys[i].id, id));
	if (trust->n_certificates)
		str_addf(&out, "%s%zu certificate%s", out.len ? " and " : "",
			 trust->n_certificates,
			 trust->n_certificates == 1 ? "" : "s");
	return arena_dup(trust->arena, out.len ? str_get(&out) : "none");
}

/* The trusted key that SIGNATURE says it is by. */
static int
find_key(const struct trust *trust, const struct minisign_signature *signature,
	 const struct minisign_key **ret_key, struct error *err)
{
	char id[MINISIGN_ID_TEXT];

	minisign_id(signature->id, id);
	if (key_is_revoked(trust, signature->id))
		return error_raise(err, ERROR_TRUST,
			"is by the minisign key %s, which is revoked", id);
	for (size_t i = 0; i < trust->n_keys; i++) {
		if (memcmp(trust->keys[i].id, signature->id, 8) == 0) {
			*ret_key = &trust->keys[i];
			return 0;
		}
	}
	return error_raise(err, ERROR_TRUST,
		"is by the minisign key %s, which is not trusted here; "
		"trusted: %s", id, trust_text(trust));
}

static struct signer
signer_of(const struct minisign_key *key)
{
	struct signer signer;

	minisign_id(key->id, signer.id);
	snprintf(signer.text, sizeof signer.text, "minisign key %s",
		 signer.id);
	return signer;
}

static int
check_comment(const struct minisign_key *key,
	      const struct minisign_signature *signature, struct error *err)
{
	uint8_t message[64 + MINISIGN_COMMENT_MAX];
	size_t n = strlen(signature->comment);
	char id[MINISIGN_ID_TEXT];

	memcpy(message, signature->signature, 64);
	memcpy(message + 64, signature->comment, n);
	if (ed25519_verify(key->point, signature->global, message, 64 + n))
		return 0;
	return error_raise(err, ERROR_TRUST,
		"has a trusted comment that the minisign key %s did not sign",
		minisign_id(key->id, id));
}

/* A good signature of another file is no signature of this one. */
static int
check_name(const struct minisign_signature *signature,
	   const char *const *names, bool named, struct error *err)
{
	char id[MINISIGN_ID_TEXT], file[256], shown[256];

	minisign_id(signature->id, id);
	if (!minisign_field(signature, "file", file, sizeof file)) {
		if (!named)
			return 0;
		return error_raise(err, ERROR_TRUST,
			"by the minisign key %s does not say of which file it "
			"is; sign with a trusted comment that has file:NAME, "
			"as minisign's own has, or give a sha256 too", id);
	}
	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], file) == 0)
			return 0;
	return error_raise(err, ERROR_TRUST,
		"by the minisign key %s is of a file \"%s\", not of \"%s\"",
		id, str_printable(file, shown, sizeof shown),
		names[0] ? names[0] : "");
}

int
trust_read(const struct trust *trust, const char *const *names, bool named,
	   const char *text, size_t n,
	   struct minisign_signature *ret_signature, struct error *err)
{
	const struct minisign_key *key;
	char id[MINISIGN_ID_TEXT];

	if (minisign_read_signature(text, n, ret_signature, err) < 0 ||
	    find_key(trust, ret_signature, &key, err) < 0)
		return -1;
	if (!ret_signature->prehashed)
		return error_raise(err, ERROR_TRUST,
			"by the minisign key %s is a legacy one, of the whole "
			"file, which is never held here: sign with "
			"'minisign -S -H'", minisign_id(key->id, id));
	if (check_comment(key, ret_signature, err) < 0)
		return -1;
	return check_name(ret_signature, names, named, err);
}

int
trust_check(const struct trust *trust,
	    const struct minisign_signature *signature,
	    const uint8_t blake2[static BLAKE2_BYTES],
	    struct signer *ret_signer, struct error *err)
{
	const struct minisign_key *key;
	char id[MINISIGN_ID_TEXT];

	if (find_key(trust, signature, &key, err) < 0)
		return -1;
	minisign_id(key->id, id);
	if (!ed25519_verify(key->point, signature->signature, blake2,
			    BLAKE2_BYTES))
		return error_raise(err, ERROR_TRUST,
			"by the minisign key %s is not of these bytes", id);
	*ret_signer = signer_of(key);
	return 0;
}

static int
verify_whole(const struct trust *trust, const void *data, size_t n,
	     const struct minisign_signature *signature,
	     struct signer *ret_signer, struct error *err)
{
	own_blake2 struct blake2 *blake2 = NULL;
	const struct minisign_key *key;
	uint8_t hash[BLAKE2_BYTES];
	char id[MINISIGN_ID_TEXT];

	if (signature->prehashed) {
		blake2 = blake2_new();
		blake2_add(blake2, data, n);
		if (blake2_end(blake2, hash) < 0)
			return error_raise(err, ERROR_BUG,
					   "libcrypto computes no BLAKE2b");
		return trust_check(trust, signature, hash, ret_signer, err);
	}
	if (find_key(trust, signature, &key, err) < 0)
		return -1;
	minisign_id(key->id, id);
	if (!ed25519_verify(key->point, signature->signature, data, n))
		return error_raise(err, ERROR_TRUST,
			"by the minisign key %s is not of these bytes", id);
	*ret_signer = signer_of(key);
	return 0;
}

static int
verify_minisign(const struct trust *trust, const char *name, const void *data,
		size_t n, const char *text, size_t text_bytes,
		struct signer *ret_signer, struct error *err)
{
	const char *names[] = { name, NULL };
	struct minisign_signature signature;
	const struct minisign_key *key;

	if (minisign_read_signature(text, text_bytes, &signature, err) < 0 ||
	    find_key(trust, &signature, &key, err) < 0 ||
	    verify_whole(trust, data, n, &signature, ret_signer, err) < 0 ||
	    check_comment(key, &signature, err) < 0)
		return -1;
	return name ? check_name(&signature, names, false, err) : 0;
}

int
trust_verify(const struct trust *trust, const char *name, const void *data,
	     size_t n, const char *signature, size_t signature_bytes,
	     struct signer *ret_signer, struct error *err)
{
	static const char minisign[] = "untrusted comment:";
	struct cms_trust cms = {
		trust->certificates, trust->n_certificates,
		trust->revoked_certificates, trust->n_revoked_certificates,
	};

	if (signature_bytes >= strlen(minisign) &&
	    memcmp(signature, minisign, strlen(minisign)) == 0)
		return verify_minisign(trust, name, data, n, signature,
				       signature_bytes, ret_signer, err);
	if (trust->n_certificates == 0)
		return error_raise(err, ERROR_TRUST,
			"is no signature of minisign, and no certificate is "
			"trusted here; trusted: %s", trust_text(trust));
	return cms_verify(&cms, data, n, signature, signature_bytes,
			  ret_signer, err);
}
