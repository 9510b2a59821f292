/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload into a server: every connection it accepts sends at
 * most PACE_BYTES bytes a second, as an object store gives each connection its
 * share. The kernel's TCP paces the packets, so there are no bursts; nginx's
 * limit_rate gives a whole second's quota at once.
 *
 *	PACE_BYTES=80000000 LD_PRELOAD=./pace.so nginx ...
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	int (*next)(int, struct sockaddr *, socklen_t *, int);
	const char *text = getenv("PACE_BYTES");
	uint64_t rate = text != NULL ? strtoull(text, NULL, 10) : 0;
	int accepted;

	next = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(
		RTLD_NEXT, "accept4");
	accepted = next(fd, address, length, flags);
	if (accepted >= 0 && rate > 0)
		setsockopt(accepted, SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
			   sizeof rate);
	return accepted;
}
