/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/credentials.h"

#include <string.h>

void
credentials_wipe(struct credentials *credentials)
{
	explicit_bzero(credentials, sizeof(*credentials));
}

bool
credentials_expire_within(const struct credentials *credentials,
			  int64_t now_s, int64_t seconds)
{
	return credentials->expires_s != CREDENTIALS_FOREVER &&
	       credentials->expires_s - seconds <= now_s;
}
