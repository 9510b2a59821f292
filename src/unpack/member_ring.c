/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/member_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "io/newfile.h"
#include "unpack/member_ring_private.h"

enum { GIVEN_BACK = 2, MEMORY_BYTES = RING_SLOTS * RING_SLOT_BYTES +
				      sizeof(struct ring_hints) };
_Static_assert(GIVEN_BACK < (int)RING_SLOTS, "somebody would wait for ever");

int
member_ring_open(struct member_ring *ring, struct error *err)
{
	struct member_ring made = MEMBER_RING_INIT;
	void *memory;

	/* A pipe takes the tokens of all slots: handing over never waits. */
	if (pipe2(made.filled, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	if (pipe2(made.freed, O_CLOEXEC) < 0) {
		error_sys(err, "make a pipe");
		member_ring_release(&made);
		return -1;
	}
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		error_sys(err, "get memory");
		member_ring_release(&made);
		return -1;
	}
	made.memory = memory;
	made.hints = (struct ring_hints *)(made.memory +
					   RING_SLOTS * RING_SLOT_BYTES);
	made.free = RING_SLOTS;
	*ring = made;
	return 0;
}

void
member_ring_release(struct member_ring *ring)
{
	for (unsigned i = 0; i < 2; i++) {
		drop_fd(&ring->filled[i]);
		drop_fd(&ring->freed[i]);
	}
	if (ring->memory)
		munmap(ring->memory, MEMORY_BYTES);
	ring->memory = NULL;
	ring->hints = NULL;
}

void
member_ring_fds(const struct member_ring *ring, bool reader,
		int ret_fds[static RING_FDS])
{
	ret_fds[0] = reader ? ring->filled[1] : ring->filled[0];
	ret_fds[1] = reader ? ring->freed[0] : ring->freed[1];
}

/* Up to N bytes, at least one; 0: the other side is gone, -1. */
static ssize_t
read_tokens(int fd, void *to, size_t n)
{
	ssize_t got;

	do
		got = read(fd, to, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static void
leave_slot(struct member_ring *ring)
{
	ring->slot = (ring->slot + 1) % RING_SLOTS;
	ring->at = ring->used = 0;
}

/* ------------------------------------------------------------- the reader */

int
ring_hand_over(struct member_ring *ring, struct error *err)
{
	uint32_t used = ring->at;

	if (used == 0)
		return 0;
	leave_slot(ring);
	ring->free--;
	ring->filled_ever++;
	if (write_all(ring->filled[1], &used, sizeof(used), err) < 0)
		return error_in(err, "hand over what was read");
	return 0;
}

int
ring_claim(struct member_ring *ring, struct error *err)
{
	char tokens[RING_SLOTS];
	ssize_t n;

	while (ring->free == 0) {
		n = read_tokens(ring->freed[0], tokens, sizeof(tokens));
		if (n < 0)
			return error_sys(err, "wait for the unpacker");
		if (n == 0)
			return error_raise(err, ERROR_BUG, "the unpacker "
					   "ended before the archive did");
		ring->free += (unsigned)n;
	}
	if (ring->free > RING_SLOTS)
		return error_raise(err, ERROR_BUG, "the unpacker gives back "
				   "more than it got");
	return 0;
}

uint32_t
ring_backlog(const struct member_ring *ring)
{
	return ring->filled_ever -
	       atomic_load_explicit(&ring->hints->emptied,
				    memory_order_relaxed);
}

/* ----------------------------------------------------------- the unpacker */

/* One; and with the same call those that wait after it. */
static int
read_length(struct member_ring *ring, uint32_t *ret_used, struct error *err)
{
	char *lengths = (char *)ring->lengths;

	while (ring->length_bytes < sizeof(*ret_used)) {
		ssize_t n = read_tokens(ring->filled[0],
					lengths + ring->length_bytes,
					sizeof(ring->lengths) -
					ring->length_bytes);

		if (n < 0)
			return error_sys(err, "wait for the archive's reader");
		if (n == 0) {
			ring->gone = true;
			return error_raise(err, ERROR_BUG, "the archive's "
					   "reader ended before the archive "
					   "did");
		}
		ring->length_bytes += (size_t)n;
	}
	*ret_used = ring->lengths[0];
	ring->length_bytes -= sizeof(*ret_used);
	memmove(lengths, lengths + sizeof(*ret_used), ring->length_bytes);
	return 0;
}

/* In twos, so that the reader is woken half as often. It always has another
 * one meanwhile; or it has said all, and is gone. */
static void
give_back(struct member_ring *ring)
{
	static const char tokens[GIVEN_BACK];

	leave_slot(ring);
	atomic_store_explicit(&ring->hints->emptied, ++ring->emptied_ever,
			      memory_order_relaxed);
	if (++ring->kept < GIVEN_BACK)
		return;
	ring->kept = 0;
	(void)!write(ring->freed[1], tokens, sizeof(tokens));
}

int
ring_next_slot(struct member_ring *ring, struct error *err)
{
	uint32_t used = 0;

	if (ring->used)
		give_back(ring);
	if (read_length(ring, &used, err) < 0)
		return -1;
	if (used == 0 || used > RING_SLOT_BYTES)
		return error_raise(err, ERROR_BUG, "the archive's reader said "
				   "nonsense (a slot of %u bytes)",
				   (unsigned)used);
	ring->used = used;
	return 0;
}
