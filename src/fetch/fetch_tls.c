/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_tls.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"
#include "fetch/fetch_bundle.h"
#include "io/newfile.h"

#define PRELOADED_FILE_BYTES (((size_t)16 << 20) - 1)

/* ---- trust ---- */

/* Does PATH hold names as OpenSSL looks them up ("1a2b3c4d.0")? */
static bool
is_hash(const char *name)
{
	return strlen(name) == 10 && name[8] == '.' &&
	       strspn(name, "0123456789abcdef") == 8;
}

static bool
is_hashed(const char *path)
{
	own_dir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_hash(entry->d_name))
			return true;
	return false;
}

/* ... in one of a list's directories ("a:b")? */
static bool
any_is_hashed(const char *list)
{
	char path[PATH_MAX];

	while (*list) {
		size_t n = strcspn(list, ":");

		if (n > 0 && n < sizeof(path)) {
			memcpy(path, list, n);
			path[n] = '\0';
			if (is_hashed(path))
				return true;
		}
		list += n + (list[n] == ':');
	}
	return false;
}

static const char *
usual_directory(void)
{
	static const char *const usual[] = {
		"/etc/ssl/certs",                  /* Debian, Alpine, SUSE */
		"/etc/pki/ca-trust/extracted/pem/directory-hash", /* Fedora */
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (is_hashed(usual[i]))
			return usual[i];
	return NULL;
}

static const char *
usual_bundle(void)
{
	static const char *const usual[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Amazon Linux */
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/var/lib/ca-certificates/ca-bundle.pem",
		"/etc/ssl/cert.pem",                  /* Alpine's libssl */
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

static void
problem(struct tls_trust *trust, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
problem(struct tls_trust *trust, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(trust->problem, sizeof(trust->problem), fmt, ap);
	va_end(ap);
}

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* What was asked for by name is all there is. */
static void
check_named(struct tls_trust *trust)
{
	if (trust->file && access(trust->file, R_OK) < 0)
		problem(trust, "no CA bundle to check its certificate with: "
			"cannot read %.40s (install ca-certificates, or set "
			"SSL_CERT_FILE)", trust->file);
	else if (trust->directory && !any_is_hashed(trust->directory))
		problem(trust, "no CA certificates by their hash "
			"(openssl-rehash(1)) in SSL_CERT_DIR %.90s",
			trust->directory);
}

void
tls_trust_find(const char *ca_file, bool bundle_only,
	       struct tls_trust *ret_trust)
{
	*ret_trust = (struct tls_trust){
		.file = ca_file ? ca_file : setting("SSL_CERT_FILE"),
		.directory = ca_file ? NULL : setting("SSL_CERT_DIR"),
	};
	if (ret_trust->file || ret_trust->directory) {
		check_named(ret_trust);
		return;
	}
	if (!bundle_only)
		ret_trust->directory = usual_directory();
	ret_trust->has_more = ret_trust->directory != NULL;
	if (!ret_trust->directory)
		ret_trust->file = usual_bundle();
	if (!ret_trust->directory && !ret_trust->file)
		problem(ret_trust, "no CA bundle to check its certificate "
			"with (install ca-certificates, or set "
			"SSL_CERT_FILE)");
}

static void
preload_hashed(const char *path, struct str *bundle)
{
	own_dir DIR *dir = opendir(path);
	struct error ignored = ERROR_INIT;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_hash(entry->d_name))
			file_read_at(dirfd(dir), entry->d_name,
				     PRELOADED_FILE_BYTES, bundle, &ignored);
}

void
tls_trust_preload(const char *ca_file, struct tls_preload *ret_preload)
{
	struct tls_preload *p = ret_preload;
	const char *list;
	struct error ignored = ERROR_INIT;

	p->file = ca_file ? ca_file : setting("SSL_CERT_FILE");
	if (p->file)
		file_read_at(AT_FDCWD, p->file, PRELOADED_FILE_BYTES,
			     &p->bundle, &ignored);
	list = ca_file ? NULL : setting("SSL_CERT_DIR");
	while (list && *list) {
		size_t n = strcspn(list, ":");
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.*s", (int)n, list);
		preload_hashed(path, &p->bundle);
		list += n + (list[n] == ':');
	}
	if (p->bundle.full)
		str_clear(&p->bundle);
}

/* ---- a bundle, as it is needed ---- */

struct tls_bundle {
	struct bundle read;
	X509_NAME **names;          /* of its entries; NULL: not parsed yet */
	X509_LOOKUP_METHOD *method;
};

/* Names are compared as RFC 5280 7.1 has it, so they are parsed. */
static void
parse_names(struct tls_bundle *b)
{
	if (b->names)
		return;
	b->names = xcalloc(b->read.entries.n, sizeof(X509_NAME *));
	for (size_t i = 0; i < b->read.entries.n; i++) {
		const struct bundle_entry *e = &b->read.entries.item[i];
		const unsigned char *at = e->subject;

		/* (One that cannot be parsed is never found.) */
		b->names[i] = d2i_X509_NAME(NULL, &at, (long)e->subject_bytes);
	}
}

/* All of this subject go to the store, which looks among them itself. */
static int
on_lookup(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
	  X509_OBJECT *ret)
{
	struct tls_bundle *b = X509_LOOKUP_get_method_data(lookup);
	X509_STORE *store = X509_LOOKUP_get_store(lookup);
	bool found = false;

	if (type != X509_LU_X509)
		return 0;
	parse_names(b);
	for (size_t i = 0; i < b->read.entries.n; i++) {
		const struct bundle_entry *e = &b->read.entries.item[i];
		const unsigned char *at = e->der;
		X509 *x;

		if (!b->names[i] || X509_NAME_cmp(b->names[i], name) != 0)
			continue;
		x = d2i_X509(NULL, &at, (long)e->der_bytes);
		if (!x)
			continue;
		if (X509_STORE_add_cert(store, x) == 1 && !found) {
			found = X509_OBJECT_set1_X509(ret, x);
			/* (The caller adds its own reference to what it is
			 * given, and the store has one: drop this.) */
			if (found)
				X509_free(x);
		}
		X509_free(x);
	}
	return found;
}

struct tls_bundle *
tls_bundle_open(const char *file)
{
	own_str struct str text = STR_INIT((size_t)16 << 20);
	struct error ignored = ERROR_INIT;
	struct bundle read = BUNDLE_INIT;
	struct tls_bundle *b;

	if (file_read_at(AT_FDCWD, file, PRELOADED_FILE_BYTES, &text,
			 &ignored) < 0 ||
	    bundle_read(&read, str_get(&text), text.len) < 0)
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->read = read;
	return b;
}

void
tls_bundle_trust(struct tls_bundle *b, void *ssl_ctx)
{
	X509_LOOKUP *lookup;

	if (!b->method) {
		b->method = X509_LOOKUP_meth_new("a bundle, as needed");
		X509_LOOKUP_meth_set_get_by_subject(b->method, on_lookup);
	}
	lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(ssl_ctx),
				       b->method);
	if (lookup)
		X509_LOOKUP_set_method_data(lookup, b);
}

void
tls_bundle_close(struct tls_bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; b->names && i < b->read.entries.n; i++)
		X509_NAME_free(b->names[i]);
	free(b->names);
	X509_LOOKUP_meth_free(b->method);
	bundle_release(&b->read);
	free(b);
}

/* ---- policy ---- */

void
tls_forget_environment(void)
{
	static const char *const names[] = {
		"OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_MODULES",
		"OPENSSL_ENGINES", "SSLKEYLOGFILE",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

void
tls_harden(void *ssl_ctx)
{
	SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION);
	SSL_CTX_set_security_level(ssl_ctx, 2);
	SSL_CTX_clear_options(ssl_ctx, SSL_OP_LEGACY_SERVER_CONNECT |
				       SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION);
}

bool
tls_error_is_final(const char *text)
{
	unsigned long code = 0;

	/* ("TLS connect error: error:0A00042E:...") */
	while (code == 0 && (text = strstr(text, "error:"))) {
		text += strlen("error:");
		if (strspn(text, "0123456789ABCDEFabcdef") == 8)
			code = strtoul(text, NULL, 16);
	}
	/* ERR_GET_REASON() of both OpenSSL 1.1 and 3 */
	switch (code & 0xfff) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
	case SSL_R_DH_KEY_TOO_SMALL:
	case SSL_R_EE_KEY_TOO_SMALL:
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
		return true;
	default:
		return false;
	}
}

/* ---- close_notify ---- */

/* Where a watch hangs on its SSL_CTX; an index of our own, since curl may
 * use what OpenSSL calls application data. */
static int
watch_index(void)
{
	static int made = -1;

	if (made < 0)
		made = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return made;
}

static void
on_info(const SSL *ssl, int where, int alert)
{
	struct tls_watch *watch = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl),
						      watch_index());

	if (watch && where == SSL_CB_READ_ALERT &&
	    (alert & 0xff) == SSL_AD_CLOSE_NOTIFY)
		watch->closed(watch->context, ssl);
}

void
tls_watch_closing(void *ssl_ctx, struct tls_watch *watch)
{
	SSL_CTX_set_ex_data(ssl_ctx, watch_index(), watch);
	SSL_CTX_set_info_callback(ssl_ctx, on_info);
}
