/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as a person names them, on the command line and in fitout.ini: the 56
 * characters of a minisign key, or a file that holds one, or a certificate.
 */
#pragma once

#include "base/error.h"
#include "sign/sign.h"

/* A file must belong to root, or to us, and only its owner may be able to
 * write it and to replace it. The error names VALUE. */
int trust_take(struct trust *trust, const char *value, struct error *err);
