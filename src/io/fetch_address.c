/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static enum address_class
class_of_v4(uint32_t address)
{
	if (address == 0xa9fea9fe)
		return ADDRESS_METADATA;
	if (address >> 24 == 127 || address >> 24 == 0)
		return ADDRESS_LOOPBACK;
	return address >> 16 == 0xa9fe ? ADDRESS_LINK_LOCAL : ADDRESS_OPEN;
}

static enum address_class
class_of_v6(const struct in6_addr *address)
{
	static const uint8_t metadata[16] = { 0xfd, 0x00, 0x0e, 0xc2,
					      [14] = 0x02, [15] = 0x54 };
	const uint8_t *b = address->s6_addr;

	if (IN6_IS_ADDR_V4MAPPED(address))
		return class_of_v4((uint32_t)b[12] << 24 |
				   (uint32_t)b[13] << 16 |
				   (uint32_t)b[14] << 8 | b[15]);
	if (memcmp(b, metadata, sizeof(metadata)) == 0)
		return ADDRESS_METADATA;
	if (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address))
		return ADDRESS_LOOPBACK;
	if (IN6_IS_ADDR_LINKLOCAL(address))
		return ADDRESS_LINK_LOCAL;
	return (b[0] & 0xfe) == 0xfc ? ADDRESS_UNIQUE_LOCAL : ADDRESS_OPEN;
}

enum address_class
address_class_of(const char *text, enum address_class otherwise)
{
	char bare[64];
	size_t n = strlen(text);
	struct in_addr v4;
	struct in6_addr v6;

	if (strcasecmp(text, "localhost") == 0)
		return ADDRESS_LOOPBACK;
	if (n >= sizeof(bare) || n < 2)
		return otherwise;
	memcpy(bare, text, n + 1);
	if (bare[0] == '[' && bare[n - 1] == ']') {
		memmove(bare, bare + 1, n - 1);
		bare[n - 2] = '\0';
	}
	/* "fe80::1%eth0" */
	bare[strcspn(bare, "%")] = '\0';
	if (inet_pton(AF_INET, bare, &v4) == 1)
		return class_of_v4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, bare, &v6) == 1)
		return class_of_v6(&v6);
	return otherwise;
}

bool
address_may_redirect(enum address_class from, enum address_class to)
{
	return to == ADDRESS_OPEN ||
	       (to != ADDRESS_METADATA && to == from);
}
