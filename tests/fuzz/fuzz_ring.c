/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader that is not ours any more says to the unpacker: slots, each
 * behind its length in two bytes, the low one first. The tree is as if an
 * archive had said it (canary.h).
 */
#include "fuzz.h"
#include "canary.h"

#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "unpack/member_ring_private.h"
#include "unpack/unpack.h"

static void
fill(struct member_ring *ring, const uint8_t *data, size_t n)
{
	for (unsigned slot = 0; slot < RING_SLOTS && n >= 2; slot++) {
		uint32_t used = data[0] | (uint32_t)data[1] << 8;

		data += 2;
		n -= 2;
		if (used > n)
			used = (uint32_t)n;
		memcpy(ring->memory + (size_t)slot * RING_SLOT_BYTES, data,
		       used);
		FUZZ_HOLDS(write(ring->filled[1], &used, sizeof(used)) ==
			   sizeof(used));
		data += used;
		n -= used;
	}
	drop_fd(&ring->filled[1]);
}

/* Digests, where there are any, of files that were written. */
static void
look_at_notes(struct file_notes *notes)
{
	static const struct digest none;

	for (uint64_t i = 0; i < file_notes_count(notes); i++) {
		const struct file_note *note = file_notes_at(notes, i);

		FUZZ_HOLDS(note->known <= 1 && note->same == 0);
		FUZZ_HOLDS(note->known || digest_equal(&note->digest, &none));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int top = fuzz_directory();
	own_member_ring struct member_ring ring = MEMBER_RING_INIT;
	struct error err = ERROR_INIT;
	struct unpack_result result = { .magic = 0 };
	struct unpack_options options = canary_options();
	own_file_notes struct file_notes *notes =
		file_notes_new(options.policy.limits.entries);

	FUZZ_HOLDS(member_ring_open(&ring, &err) == 0);
	fill(&ring, data, n);
	{
		own_fd int tree = canary_tree_make(top);

		options.tree_dirfd = tree;
		options.notes = notes;
		if (unpack_write(&options, &ring, &result, &err) < 0)
			FUZZ_HOLDS(err.text[0] != '\0');
	}
	look_at_notes(notes);
	canary_tree_look(top);
	return 0;
}
