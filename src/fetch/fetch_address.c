/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static enum address_class
class_of_v4(uint32_t address)
{
	if (address == 0xa9fea9fe || address == 0xa9feaa02 ||
	    address == 0xa9feaa17)
		return ADDRESS_METADATA;
	if (address >> 24 == 127 || address >> 24 == 0)
		return ADDRESS_LOOPBACK;
	return address >> 16 == 0xa9fe ? ADDRESS_LINK_LOCAL : ADDRESS_OPEN;
}

static uint32_t
v4_at(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

/* IPv4 in IPv6's clothes: mapped (RFC 4291 2.5.5), compatible (the same,
 * long obsolete), 6to4 (RFC 3056), and by NAT64's well-known prefix (RFC
 * 6052). */
static bool
holds_v4(const struct in6_addr *address, uint32_t *ret)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	const uint8_t *b = address->s6_addr;

	if (b[0] == 0x20 && b[1] == 0x02)
		*ret = v4_at(b + 2);
	else if (IN6_IS_ADDR_V4MAPPED(address) ||
		 IN6_IS_ADDR_V4COMPAT(address) ||
		 memcmp(b, nat64, sizeof(nat64)) == 0)
		*ret = v4_at(b + 12);
	else
		return false;
	return true;
}

static enum address_class
class_of_v6(const struct in6_addr *address)
{
	static const uint8_t metadata[4] = { 0xfd, 0x00, 0x0e, 0xc2 };
	const uint8_t *b = address->s6_addr;
	uint32_t v4;

	if (holds_v4(address, &v4))
		return class_of_v4(v4);
	if (memcmp(b, metadata, sizeof(metadata)) == 0)
		return ADDRESS_METADATA;
	if (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address))
		return ADDRESS_LOOPBACK;
	if (IN6_IS_ADDR_LINKLOCAL(address))
		return ADDRESS_LINK_LOCAL;
	return (b[0] & 0xfe) == 0xfc ? ADDRESS_UNIQUE_LOCAL : ADDRESS_OPEN;
}

/* RFC 6761 6.3: "localhost" and what ends so, with or without a last dot. */
static bool
is_localhost(const char *name, size_t n)
{
	static const char localhost[] = "localhost";
	size_t m = strlen(localhost);

	if (n > 0 && name[n - 1] == '.')
		n--;
	return n >= m && strncasecmp(name + n - m, localhost, m) == 0 &&
	       (n == m || name[n - m - 1] == '.');
}

bool
address_text(const struct sockaddr *sa, char *buf, size_t size)
{
	const void *address;

	if (sa->sa_family == AF_INET)
		address = &((const struct sockaddr_in *)(const void *)sa)
				   ->sin_addr;
	else if (sa->sa_family == AF_INET6)
		address = &((const struct sockaddr_in6 *)(const void *)sa)
				   ->sin6_addr;
	else
		return false;
	return inet_ntop(sa->sa_family, address, buf, (socklen_t)size);
}

enum address_class
address_class_of(const char *text, enum address_class otherwise)
{
	char bare[64];
	size_t n = strlen(text);
	struct in_addr v4;
	struct in6_addr v6;

	if (is_localhost(text, n))
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
