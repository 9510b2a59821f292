/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch_tls.h"

#include <dirent.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#define HASHED_DIRECTORY "/etc/ssl/certs"

/* ---- trust ---- */

/* Does PATH hold names as OpenSSL looks them up ("1a2b3c4d.0")? */
static bool
is_hashed(const char *path)
{
	own_dir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) == 10 &&
		    strspn(entry->d_name, "0123456789abcdef") == 8 &&
		    entry->d_name[8] == '.')
			return true;
	return false;
}

static const char *
usual_bundle(void)
{
	static const char *const usual[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

void
tls_trust_find(const char *ca_file, bool bundle_only,
	       struct tls_trust *ret_trust)
{
	*ret_trust = (struct tls_trust){ .file = ca_file };
	if (!ca_file)
		ret_trust->file = getenv("SSL_CERT_FILE");
	if (ret_trust->file && ret_trust->file[0])
		return;
	ret_trust->file = NULL;
	if (!bundle_only && is_hashed(HASHED_DIRECTORY))
		ret_trust->directory = HASHED_DIRECTORY;
	else
		ret_trust->file = usual_bundle();
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
