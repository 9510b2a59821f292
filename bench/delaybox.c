/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link with a rate, a delay and a queue, between two network namespaces, for
 * kernels without netem.
 *
 *	delaybox NAME NETNS-FD RATE-MBIT DELAY-US QUEUE-KB
 *
 * makes a TUN device NAME here and one of the same name in the network
 * namespace that is open as NETNS-FD, prints "ready" and passes packets until
 * it is killed: each direction on its own sends RATE-MBIT, holds every packet
 * for DELAY-US (one way) and drops what finds more than QUEUE-KB waiting. The
 * devices have no addresses: whoever started it gives them some.
 *
 * Packets pass with their virtio header, that is unsegmented (up to 64 KB) and
 * with checksums still to be done, or the box itself would be the bottleneck.
 * The rate counts each segment's IP and TCP headers and 38 bytes of Ethernet.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	PACKET_BYTES_MAX = 65536 + 64,
	RING_SLOTS = 2048,
	ETHERNET_BYTES = 38,	/* header, checksum, preamble, gap */
	HEADER_BYTES = 52,	/* IPv4, TCP with timestamps */
};

struct packet {
	uint64_t sent_ns;	/* the last bit is on the wire */
	uint32_t length;
	uint32_t wire_bytes;
	uint8_t data[PACKET_BYTES_MAX];
};

struct direction {
	int from, to;
	struct packet *ring;
	uint32_t head, tail;	/* counted up for ever; slot: modulo */
	uint64_t busy_until_ns;
};

static uint64_t rate_bps, delay_ns, queue_bytes;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_tun(const char *name)
{
	struct ifreq request = {
		.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		err(1, "open /dev/net/tun");
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		err(1, "make the TUN device %s", name);
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0)
		err(1, "leave segmentation of %s to us", name);
	return fd;
}

static uint32_t wire_bytes(const struct packet *packet)
{
	struct virtio_net_hdr header;
	uint32_t payload = packet->length - sizeof header;
	uint32_t segments = 1;

	memcpy(&header, packet->data, sizeof header);
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE && header.gso_size > 0)
		segments = (payload + header.gso_size - 1) / header.gso_size;
	return payload + segments * ETHERNET_BYTES +
	       (segments - 1) * HEADER_BYTES;
}

static uint64_t wire_ns(uint64_t bytes)
{
	return bytes * 8 * 1000000000 / rate_bps;
}

/* Take what has arrived at the near end. */
static void take(struct direction *way)
{
	uint64_t now = now_ns();
	struct packet *packet;
	ssize_t got;

	for (;;) {
		packet = &way->ring[way->tail % RING_SLOTS];
		if (way->tail - way->head == RING_SLOTS)
			return;	/* the device's own queue holds the rest */
		got = read(way->from, packet->data, sizeof packet->data);
		if (got <= (ssize_t)sizeof(struct virtio_net_hdr))
			return;
		packet->length = (uint32_t)got;
		packet->wire_bytes = wire_bytes(packet);
		if (way->busy_until_ns < now)
			way->busy_until_ns = now;
		if (way->busy_until_ns - now > wire_ns(queue_bytes))
			continue;	/* dropped: the slot is used again */
		way->busy_until_ns += wire_ns(packet->wire_bytes);
		packet->sent_ns = way->busy_until_ns;
		way->tail++;
	}
}

/* Deliver what is due; when the next one is, or 0. */
static uint64_t give(struct direction *way)
{
	while (way->head != way->tail) {
		struct packet *packet = &way->ring[way->head % RING_SLOTS];

		if (packet->sent_ns + delay_ns > now_ns())
			return packet->sent_ns + delay_ns;
		/* EIO: the device is not up yet. */
		if (write(way->to, packet->data, packet->length) < 0 &&
		    errno != EIO)
			warn("a packet of %u bytes is lost", packet->length);
		way->head++;
	}
	return 0;
}

static void pass(struct direction ways[static 2])
{
	struct pollfd fds[2] = {
		{ .fd = ways[0].from, .events = POLLIN },
		{ .fd = ways[1].from, .events = POLLIN },
	};

	for (;;) {
		uint64_t due[2] = { give(&ways[0]), give(&ways[1]) };
		uint64_t first = due[0], now = now_ns(), wait;
		struct timespec timeout;

		if (first == 0 || (due[1] != 0 && due[1] < first))
			first = due[1];
		wait = first > now ? first - now : 0;
		timeout.tv_sec = (time_t)(wait / 1000000000);
		timeout.tv_nsec = (long)(wait % 1000000000);
		if (ppoll(fds, 2, first == 0 ? NULL : &timeout, NULL) < 0)
			err(1, "ppoll");
		take(&ways[0]);
		take(&ways[1]);
	}
}

int main(int argc, char **argv)
{
	struct direction ways[2] = { 0 };
	int near, far;

	if (argc != 6)
		errx(2, "usage: delaybox NAME NETNS-FD RATE-MBIT DELAY-US "
			"QUEUE-KB");
	rate_bps = strtoull(argv[3], NULL, 10) * 1000000;
	delay_ns = strtoull(argv[4], NULL, 10) * 1000;
	queue_bytes = strtoull(argv[5], NULL, 10) * 1024;
	if (rate_bps == 0)
		errx(2, "a rate of 0 passes nothing");
	near = open_tun(argv[1]);
	if (setns(atoi(argv[2]), CLONE_NEWNET) < 0)
		err(1, "enter the network namespace");
	far = open_tun(argv[1]);
	prctl(PR_SET_TIMERSLACK, 1);
	for (int i = 0; i < 2; i++) {
		ways[i].from = i == 0 ? near : far;
		ways[i].to = i == 0 ? far : near;
		ways[i].ring = calloc(RING_SLOTS, sizeof *ways[i].ring);
		if (ways[i].ring == NULL)
			err(1, "memory for packets");
	}
	puts("ready");
	fflush(stdout);
	pass(ways);
}
