/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "fetch/fetch_bundle.h"

/* Of /CN=ca; what it says does not matter, nor that it ends. */
static const char certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBbzCCARWgAwIBAgIUSdYPigXxY5QNz+xsVLFN00AiVjEwCgYIKoZIzj0EAwIw\n"
	"DTELMAkGA1UEAwwCY2EwHhcNMjYxMTI5MTcwMTAxWhcNMjYxMjI5MTcwMTAxWjAN\n"
	"MQswCQYDVQQDDAJjYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKmaomImgNtS\n"
	"wzbEojKalEPfn9AWFLZ1oAQDvLKu7ap0MaDdFm9d1am88yZhSvcLPcYoXcK427DW\n"
	"IVwnsaRSrmSjUzBRMB0GA1UdDgQWBBRtRySLRe+lfC603uf+tsxN8JXFrTAfBgNV\n"
	"HSMEGDAWgBRtRySLRe+lfC603uf+tsxN8JXFrTAPBgNVHRMBAf8EBTADAQH/MAoG\n"
	"CCqGSM49BAMCA0gAMEUCIQCnSPeG3aEX9eJSp1ryna4ISJe/Ca5Uu2YOTFLONV+l\n"
	"9wIgPxF0E8lf4UCIaVuLq9QEouCna/TftFLRkcuYM28n/ek=\n"
	"-----END CERTIFICATE-----\n";

static int
read_text(struct bundle *b, const char *text)
{
	*b = (struct bundle)BUNDLE_INIT;
	return bundle_read(b, text, strlen(text));
}

static void
refused(const char *text)
{
	struct bundle b;

	assert_int_equal(read_text(&b, text), -1);
	assert_null(b.bytes);
}

static void
certificates_are_found_by_their_subjects(void **state)
{
	/* SEQUENCE { SET { SEQUENCE { commonName, UTF8String "ca" } } } */
	static const uint8_t name[] = {
		0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04,
		0x03, 0x0c, 0x02, 'c', 'a',
	};
	char text[4 * sizeof(certificate)];
	struct bundle b;

	snprintf(text, sizeof(text), "# comment\n%s\nUTN: other\n%s",
		 certificate, certificate);
	assert_int_equal(read_text(&b, text), 0);
	assert_int_equal(b.entries.n, 2);
	for (size_t i = 0; i < b.entries.n; i++) {
		const struct bundle_entry *e = &b.entries.item[i];

		assert_int_equal(e->der[0], 0x30);
		assert_int_equal(e->subject_bytes, sizeof(name));
		assert_memory_equal(e->subject, name, sizeof(name));
	}
	assert_ptr_equal(b.entries.item[1].der, b.entries.item[0].der +
			 b.entries.item[0].der_bytes);
	bundle_release(&b);
	bundle_release(&b);
}

static void
line_ends_do_not_matter(void **state)
{
	char text[2 * sizeof(certificate)] = "";
	struct bundle b;

	for (const char *at = certificate; *at; at++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 *at == '\n' ? "\r\n" : "%c", *at);
	assert_int_equal(read_text(&b, text), 0);
	bundle_release(&b);
}

static void
what_is_not_plainly_certificates_is_for_the_library(void **state)
{
	char text[sizeof(certificate) + 64];

	refused("");
	refused("no certificates here\n");
	refused("-----BEGIN CERTIFICATE-----\n");
	refused("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
	refused("-----BEGIN CERTIFICATE-----\nMAA=\n"
		"-----END CERTIFICATE-----\n");
	refused("-----BEGIN TRUSTED CERTIFICATE-----\n");
	refused("-----BEGIN X509 CRL-----\n");
	/* One that is good, and then ... */
	snprintf(text, sizeof(text), "%s-----BEGIN PRIVATE KEY-----\n",
		 certificate);
	refused(text);
	/* Cut, and with letters that are none. */
	for (size_t cut = 30; cut < sizeof(certificate) - 30; cut += 7) {
		snprintf(text, sizeof(text), "%.*s\n%s", (int)cut, certificate,
			 "-----END CERTIFICATE-----\n");
		refused(text);
		memcpy(text, certificate, sizeof(certificate));
		text[cut] = '-';
		refused(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_found_by_their_subjects),
		cmocka_unit_test(line_ends_do_not_matter),
		cmocka_unit_test(
			what_is_not_plainly_certificates_is_for_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
