/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls into every library that deps/build made and prints their versions;
 * deps/build links it, looks at the result with readelf, and runs it. What it
 * checks beyond "it runs": a gzip stream inflated by ISA-L, a thread, and the
 * features of libcurl that fitout relies on.
 */
#include <archive.h>
#include <bzlib.h>
#include <curl/curl.h>
#include <expat.h>
#include <ini.h>
#include <isa-l.h>
#include <jansson.h>
#include <libconfig.h>
#include <lzma.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>

static int
on_ini(void *user, const char *section, const char *name, const char *value,
       int line)
{
	int *seen = user;

	*seen = line;
	return section && name && value;
}

static int
check_isal(void)
{
	static const unsigned char plain[] = "fitout fitout fitout fitout";
	unsigned char packed[256], out[sizeof plain];
	struct isal_zstream z;
	struct inflate_state state;

	isal_deflate_init(&z);
	z.end_of_stream = 1;
	z.gzip_flag = IGZIP_GZIP;
	z.next_in = (unsigned char *)plain;
	z.avail_in = sizeof plain;
	z.next_out = packed;
	z.avail_out = sizeof packed;
	if (isal_deflate(&z) != COMP_OK)
		return -1;
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	state.next_in = packed;
	state.avail_in = z.total_out;
	state.next_out = out;
	state.avail_out = sizeof out;
	if (isal_inflate(&state) != ISAL_DECOMP_OK)
		return -1;
	return memcmp(plain, out, sizeof plain) ? -1 : 0;
}

static int
check_curl(void)
{
	static const char *const want[] = { "http", "https" };
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	int features = CURL_VERSION_SSL | CURL_VERSION_IPV6 |
		CURL_VERSION_ASYNCHDNS | CURL_VERSION_UNIX_SOCKETS |
		CURL_VERSION_LARGEFILE | CURL_VERSION_THREADSAFE;
	CURL *easy = curl_easy_init();
	CURLcode sigv4;
	size_t i;

	if (!easy)
		return -1;
	sigv4 = curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, "aws:amz");
	curl_easy_cleanup(easy);
	if (sigv4 != CURLE_OK || (v->features & features) != features)
		return -1;
	for (i = 0; v->protocols[i]; i++)
		if (i == 2 || strcmp(v->protocols[i], want[i]) != 0)
			return -1;
	return i == 2 ? 0 : -1;
}

static int
check_openssl(void)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;

	return EVP_Digest("", 0, digest, &length, EVP_sha256(), NULL) == 1 &&
			digest[0] == 0xe3 && digest[31] == 0x55
		? 0 : -1;
}

static void *
in_thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static int failures;

static void
report(const char *name, const char *version, int ok)
{
	printf("%-10s %-40s %s\n", name, version, ok ? "ok" : "FAILED");
	failures += !ok;
}

int
main(void)
{
	int line = 0, ran = 0;
	pthread_t thread;
	config_t config;
	json_t *json;
	XML_Parser xml;

	if (pthread_create(&thread, NULL, in_thread, &ran) == 0)
		pthread_join(thread, NULL);
	report("musl", "threads", ran);
	report("openssl", OpenSSL_version(OPENSSL_VERSION_STRING),
	       check_openssl() == 0);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	report("libcurl", curl_version(), check_curl() == 0);
	report("isa-l", "igzip", check_isal() == 0);
	report("libarchive", archive_version_details(),
	       archive_zlib_version() && archive_liblzma_version() &&
	       archive_bzlib_version() && archive_libzstd_version());
	report("zlib", zlibVersion(), 1);
	report("liblzma", lzma_version_string(), 1);
	report("zstd", ZSTD_versionString(), 1);
	report("bzip2", BZ2_bzlibVersion(), 1);
	config_init(&config);
	report("libconfig", "", config_read_string(&config, "a = 1;"));
	config_destroy(&config);
	ini_parse_string("[a]\nb = c\n", on_ini, &line);
	report("inih", "", line == 2);
	json = json_pack("{s:i}", "a", 1);
	report("jansson", JANSSON_VERSION, json != NULL);
	json_decref(json);
	xml = XML_ParserCreate(NULL);
	report("expat", XML_ExpatVersion(),
	       xml && XML_Parse(xml, "<a/>", 4, 1) == XML_STATUS_OK);
	XML_ParserFree(xml);
	curl_global_cleanup();
	return failures != 0;
}
