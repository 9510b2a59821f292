/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sign_cms.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Before cms.h, which declares its PEM functions only behind it. */
#include <openssl/pem.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

/* At least 112 bits: no SHA-1, no RSA below 2048 bits. */
#define SECURITY_LEVEL 2

OWN(bio, BIO *, BIO_free_all)
OWN(cms, CMS_ContentInfo *, CMS_ContentInfo_free)
OWN(store, X509_STORE *, X509_STORE_free)
OWN(x509, X509 *, X509_free)
#define own_bio own(bio)
#define own_cms own(cms)
#define own_store own(store)
#define own_x509 own(x509)

/* Never ask a person for a password: there is none at a boot. */
static int
no_password(char *buf, int size, int writing, void *context)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static X509 *
read_certificate(const char *pem, size_t n)
{
	own_bio BIO *bio = n > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)n);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password,
						    NULL) : NULL;
	own_x509 X509 *second = certificate
		? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

	ERR_clear_error();
	if (!second)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static int
digest_of_certificate(X509 *certificate, struct digest *ret_digest)
{
	unsigned char *der = NULL;
	int n = i2d_X509(certificate, &der);

	if (n < 0)
		return -1;
	digest_of(der, (size_t)n, ret_digest);
	OPENSSL_free(der);
	return 0;
}

int
cms_certificate_digest(const char *pem, size_t n, struct digest *ret_digest,
		       struct error *err)
{
	own_x509 X509 *certificate = read_certificate(pem, n);

	if (!certificate || digest_of_certificate(certificate, ret_digest) < 0)
		return error_raise(err, ERROR_FORMAT,
			"holds no single certificate in PEM (one block "
			"\"BEGIN CERTIFICATE\")");
	return 0;
}

static void
name_signer(X509 *certificate, struct signer *signer)
{
	own_bio BIO *bio = BIO_new(BIO_s_mem());
	struct digest digest = { 0 };
	char shown[128];
	char *text = NULL;
	own_str struct str name = STR_INIT(100);

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate),
				      0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)
	    >= 0) {
		long n = BIO_get_mem_data(bio, &text);

		if (n > 0)
			str_add_n(&name, text, (size_t)n);
	}
	digest_of_certificate(certificate, &digest);
	digest_hex(&digest, signer->id);
	snprintf(signer->text, sizeof signer->text,
		 "%s (certificate sha256 %s)",
		 str_printable(str_get(&name), shown, sizeof shown),
		 signer->id);
}

static bool
is_revoked(const struct cms_trust *trust, X509 *certificate)
{
	struct digest digest;

	if (digest_of_certificate(certificate, &digest) < 0)
		return true;
	for (size_t i = 0; i < trust->n_revoked; i++)
		if (digest_equal(&digest, &trust->revoked[i]))
			return true;
	return false;
}

static int
set_policy(X509_STORE *store)
{
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);

	/* What it is meant for is looked at in check_signer: the library's
	 * own purpose for CMS would refuse certificates for signing code. */
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1 &&
	       X509_VERIFY_PARAM_set_flags(param,
			X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static X509_STORE *
make_store(const struct cms_trust *trust, struct error *err)
{
	own_store X509_STORE *store = X509_STORE_new();

	if (!store || !set_policy(store)) {
		error_raise(err, ERROR_BUG, "libcrypto makes no store");
		return NULL;
	}
	for (size_t i = 0; i < trust->n; i++) {
		own_x509 X509 *certificate =
			read_certificate(trust->pem[i], strlen(trust->pem[i]));

		if (certificate && !is_revoked(trust, certificate))
			X509_STORE_add_cert(store, certificate);
	}
	return steal_ptr(store);
}

/* DER or PEM. */
static CMS_ContentInfo *
read_signature(const void *signature, size_t n)
{
	static const char pem[] = "-----BEGIN";
	own_bio BIO *bio = n > INT_MAX ? NULL
		: BIO_new_mem_buf(signature, (int)n);

	if (!bio)
		return NULL;
	if (n > strlen(pem) && memcmp(signature, pem, strlen(pem)) == 0)
		return PEM_read_bio_CMS(bio, NULL, no_password, NULL);
	return d2i_CMS_bio(bio, NULL);
}

/* Why libcrypto does not accept it; the cause is the first in its queue. */
static int
refused(struct error *err)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
	const char *reason = ERR_reason_error_string(code);
	char shown[160], now[32];

	if (!(flags & ERR_TXT_STRING))
		data = NULL;
	error_raise(err, ERROR_TRUST,
		"does not hold: %s%s%s (this host's clock says %s; the "
		"signature must have been made with -binary)",
		reason ? reason : "libcrypto does not say why",
		data && *data ? ": " : "",
		data ? str_printable(data, shown, sizeof shown) : "",
		clock_format_utc(clock_wall_s(), now, sizeof now));
	ERR_clear_error();
	return -1;
}

static bool
digest_is_strong(CMS_SignerInfo *info)
{
	X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *object = NULL;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &algorithm, NULL);
	if (!algorithm)
		return false;
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	switch (OBJ_obj2nid(object)) {
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
	case NID_sha3_256:
	case NID_sha3_384:
	case NID_sha3_512:
		return true;
	default:
		return false;
	}
}

static int
check_signer(const struct cms_trust *trust, CMS_SignerInfo *info,
	     struct signer *signer, struct error *err)
{
	X509 *certificate = NULL;
	uint32_t purposes, usage;

	CMS_SignerInfo_get0_algs(info, NULL, &certificate, NULL, NULL);
	if (!certificate)
		return error_raise(err, ERROR_TRUST,
				   "has a signer without a certificate");
	name_signer(certificate, signer);
	if (is_revoked(trust, certificate))
		return error_raise(err, ERROR_TRUST, "is by %s, which is "
				   "revoked", signer->text);
	if (!digest_is_strong(info))
		return error_raise(err, ERROR_TRUST,
			"of %s is of a weak digest; sign with -md sha256",
			signer->text);
	purposes = X509_get_extended_key_usage(certificate);
	usage = X509_get_key_usage(certificate);
	/* Both are UINT32_MAX where the certificate does not say. */
	if (!(purposes & (XKU_CODE_SIGN | XKU_SMIME)) ||
	    !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return error_raise(err, ERROR_TRUST,
			"is by %s, which is not meant for signing: it needs "
			"the extended key usage codeSigning or "
			"emailProtection, or none", signer->text);
	return 0;
}

static int
check_signers(const struct cms_trust *trust, CMS_ContentInfo *cms,
	      struct signer *ret_signer, struct error *err)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	struct signer signer;
	int n = infos ? sk_CMS_SignerInfo_num(infos) : 0;

	if (n < 1)
		return error_raise(err, ERROR_TRUST, "has no signer");
	for (int i = n - 1; i >= 0; i--)
		if (check_signer(trust, sk_CMS_SignerInfo_value(infos, i),
				 &signer, err) < 0)
			return -1;
	*ret_signer = signer;
	return 0;
}

int
cms_verify(const struct cms_trust *trust, const void *data, size_t n,
	   const void *signature, size_t signature_bytes,
	   struct signer *ret_signer, struct error *err)
{
	own_store X509_STORE *store = make_store(trust, err);
	own_bio BIO *content = n > INT_MAX ? NULL : BIO_new_mem_buf(data, (int)n);
	own_cms CMS_ContentInfo *cms = NULL;

	if (!store)
		return -1;
	ERR_clear_error();
	cms = read_signature(signature, signature_bytes);
	ERR_clear_error();
	if (!cms || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		return error_raise(err, ERROR_FORMAT,
			"is no CMS signature in DER or PEM; make it with "
			"'openssl cms -sign -binary -outform DER'");
	/* One that brings its own content would vouch for that. */
	if (CMS_is_detached(cms) != 1)
		return error_raise(err, ERROR_FORMAT,
			"is a CMS message with its content inside; make a "
			"detached signature, with 'openssl cms -sign -binary "
			"-outform DER' and without -nodetach");
	if (!content || CMS_verify(cms, NULL, store, content, NULL,
				   CMS_BINARY) != 1)
		return refused(err);
	return check_signers(trust, cms, ret_signer, err);
}
