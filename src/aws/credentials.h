/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One set of AWS keys, by value, so that it can be wiped. Where keys come
 * from is aws/chain.h; who asks for them is aws/session.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CREDENTIALS_FOREVER INT64_MAX

struct credentials {
	char id[160];               /* AKIA..., ASIA... */
	char secret[160];
	char token[8192];           /* "": long-term keys have none */
	int64_t expires_s;          /* by the wall clock; or FOREVER */
	char source[160];           /* "instance role web", for messages */
};

/* Zeroes that the compiler does not leave out. */
void credentials_wipe(struct credentials *credentials);
/* Would they have expired SECONDS from NOW_S? */
bool credentials_expire_within(const struct credentials *credentials,
			       int64_t now_s, int64_t seconds);
