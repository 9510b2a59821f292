/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle of CA certificates (PEM, RFC 7468), read only as far as to find
 * one by its subject. A library that parses all 140 of the usual bundle takes
 * longer than a connection; a handshake needs one or two. Pure; whether a
 * certificate is any good is not its business.
 *
 *	struct bundle b = BUNDLE_INIT;
 *	if (bundle_read(&b, text, n) == 0)
 *		... b.entries.item[i].der, .subject ...
 *	bundle_release(&b);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

#define BUNDLE_CERTIFICATES_MAX 10000

struct bundle_entry {
	const uint8_t *der;         /* the certificate (RFC 5280 4.1) */
	size_t der_bytes;
	const uint8_t *subject;     /* its subject's Name, within */
	size_t subject_bytes;
};
struct bundle {
	uint8_t *bytes;             /* what the entries point into */
	VEC(struct bundle_entry) entries;
};
#define BUNDLE_INIT { .entries = VEC_INIT(BUNDLE_CERTIFICATES_MAX) }

/* 0, or -1: some block of TEXT[0..n) is not plainly a certificate, or there is
 * none; the library shall say what to make of it. */
int bundle_read(struct bundle *bundle, const char *text, size_t n);
void bundle_release(struct bundle *bundle);
