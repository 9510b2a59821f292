/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of host a numeric address is: a redirect must not lead from a
 * server on the network to what only this host, or its link, can reach
 * (metadata services above all). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum address_class {
	ADDRESS_OPEN,
	ADDRESS_LOOPBACK,       /* RFC 1122 3.2.1.3, RFC 4291 2.5.3 */
	ADDRESS_LINK_LOCAL,     /* RFC 3927, RFC 4291 2.5.6 */
	ADDRESS_UNIQUE_LOCAL,   /* RFC 4193 */
	ADDRESS_METADATA,       /* what gives EC2, ECS and EKS credentials:
				   169.254.169.254, 169.254.170.2, .23,
				   fd00:ec2::/32 */
};

/* Of TEXT ("127.0.0.1", "::1", "[::1]", "localhost", "x.localhost"; IPv4
 * within IPv6 is IPv4); OTHERWISE when it is a name. */
enum address_class address_class_of(const char *text,
				    enum address_class otherwise);
/* SA as address_class_of() takes it, into BUF; false: it is of no address
 * family of the Internet. */
bool address_text(const struct sockaddr *sa, char *buf, size_t size);
/* Never to a metadata service; inwards only from a place just as near. */
bool address_may_redirect(enum address_class from, enum address_class to);
