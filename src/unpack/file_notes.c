/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/file_notes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/str.h"

/* Whoever writes the records also chooses their keys, and could make all of
 * them fall into one place: what is not found after so many steps is not
 * there. */
enum { NOTES_MAX = 4 * 1000 * 1000, PROBES = 128 };

struct shared {
	uint64_t n;
	struct file_note note[];
};

struct file_notes {
	struct shared *shared;
	size_t bytes, max;
	uint8_t secret[SIPHASH_KEY_BYTES];
	/* Of the commander: */
	uint32_t *slots;           /* 0, or 1 + the number of a note */
	size_t mask;
	struct str path;           /* that is looked for */
};

struct file_notes *
file_notes_new(uint64_t entries)
{
	struct file_notes *notes;
	size_t max = entries < NOTES_MAX ? (size_t)entries : NOTES_MAX;
	size_t bytes = sizeof(struct shared) + max * sizeof(struct file_note);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	notes = xcalloc(1, sizeof(*notes));
	notes->shared = memory;
	notes->bytes = bytes;
	notes->max = max;
	notes->path = (struct str)STR_INIT(64 * 1024 * 1024);
	random_bytes(notes->secret, sizeof(notes->secret));
	return notes;
}

void
file_notes_keep(struct file_notes *notes)
{
	if (notes)
		madvise(notes->shared, notes->bytes, MADV_DONTFORK);
}

void
file_notes_forget(const struct file_notes *notes)
{
	if (notes)
		munmap(notes->shared, notes->bytes);
}

void
file_notes_free(struct file_notes *notes)
{
	if (!notes)
		return;
	munmap(notes->shared, notes->bytes);
	free(notes->slots);
	str_release(&notes->path);
	free(notes);
}

static void
key_of(const struct file_notes *notes, const char *path, uint8_t *ret_key)
{
	siphash(notes->secret, path, strlen(path), ret_key);
}

bool
file_notes_add(struct file_notes *notes, const char *path,
		 const struct digest *digest, uint32_t same)
{
	struct file_note *note;

	if (!notes || notes->shared->n >= notes->max)
		return false;
	note = &notes->shared->note[notes->shared->n];
	key_of(notes, path, note->key);
	note->known = digest != NULL;
	if (digest)
		note->digest = *digest;
	note->same = same;
	notes->shared->n++;
	return true;
}

uint64_t
file_notes_count(const struct file_notes *notes)
{
	return !notes ? 0 : notes->shared->n < notes->max ? notes->shared->n
							  : notes->max;
}

const struct file_note *
file_notes_at(const struct file_notes *notes, uint64_t i)
{
	return &notes->shared->note[i];
}

/* The slot of KEY, or the free one where it would go; NULL: too many steps. */
static uint32_t *
find_slot(const struct file_notes *notes, const uint8_t *key)
{
	size_t at;

	memcpy(&at, key, sizeof(at));
	for (unsigned i = 0; i < PROBES; i++, at++) {
		uint32_t *slot = &notes->slots[at & notes->mask];

		if (!*slot || memcmp(notes->shared->note[*slot - 1].key, key,
				     FILE_KEY_BYTES) == 0)
			return slot;
	}
	return NULL;
}

bool
file_notes_index(struct file_notes *notes)
{
	size_t n = (size_t)file_notes_count(notes), slots = 16;
	bool all = true;

	if (n == 0 || notes->slots)
		return true;
	while (slots < 2 * n)
		slots *= 2;
	notes->slots = xcalloc(slots, sizeof(*notes->slots));
	notes->mask = slots - 1;
	for (size_t i = 0; i < n; i++) {
		uint32_t *slot = find_slot(notes, notes->shared->note[i].key);

		if (slot)
			*slot = (uint32_t)i + 1;
		all &= slot != NULL;
	}
	return all;
}

static const struct file_note *
find(const struct file_notes *notes, const uint8_t *key)
{
	const uint32_t *slot = notes && notes->slots ? find_slot(notes, key)
						     : NULL;

	return slot && *slot ? &notes->shared->note[*slot - 1] : NULL;
}

void
file_notes_key(struct file_notes *notes, const char *root, const char *path,
	       uint8_t ret_key[static FILE_KEY_BYTES])
{
	if (!str_equal(root, ".")) {
		str_clear(&notes->path);
		str_add(&notes->path, root);
		str_add_n(&notes->path, "/", 1);
		str_add(&notes->path, path);
		path = str_get(&notes->path);
	}
	key_of(notes, path, ret_key);
}

const struct file_note *
file_notes_find(struct file_notes *notes, const char *root, const char *path)
{
	uint8_t key[FILE_KEY_BYTES];

	if (!notes || !notes->slots)
		return NULL;
	file_notes_key(notes, root, path, key);
	return find(notes, key);
}

bool
file_notes_is_last(const struct file_notes *notes,
		     const struct file_note *note)
{
	return find(notes, note->key) == note;
}
