/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

void *
secret_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* An older kernel knows neither; the copies then have them. */
	madvise(p, bytes, MADV_WIPEONFORK);
	madvise(p, bytes, MADV_DONTDUMP);
	return p;
}

void
secret_free(void *p, size_t bytes)
{
	if (!p)
		return;
	explicit_bzero(p, bytes);
	munmap(p, bytes);
}

__attribute__((noinline)) void
secret_wipe_stack(void)
{
	char below[128 * 1024];

	explicit_bzero(below, sizeof(below));
}

void
secret_forget_environment(void)
{
	static const char *const names[] = {
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *value = getenv(names[i]);

		if (value)
			explicit_bzero(value, strlen(value));
	}
}
