/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/address.h"

#include "aws/s3.h"

void
addresses_check(const struct resource *resource, const char *key,
		const char *const *urls, struct problems *problems)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct s3_address address;

	for (size_t i = 0; urls && urls[i]; i++)
		if (s3_address_is(urls[i]) &&
		    s3_address_parse(&arena, urls[i], &address, &err) < 0)
			problems_add(problems, resource_place(resource, key),
				     "%s of %s: %s", key, resource->label,
				     err.text);
	arena_release(&arena);
}
