/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unpacker notes about the files it writes, for the commander: a
 * record of fixed size for each, in memory that the two share and nobody else.
 * It spares the commander to read again what was just written.
 *
 *	commander	file_notes_new(entries)      before the fork
 *			file_notes_keep(notes)       after it: no later child
 *						       gets the memory
 *	child		file_notes_add(notes, path, ...)
 *	commander	file_notes_index(notes)      when the child is gone
 *			file_notes_find(notes, root, path)
 *
 * The digests are the child's word for what the child itself wrote. A lie
 * makes an honest file look changed (`status --verify`, rollback), never a
 * changed one look honest; nothing that decides what is installed goes by
 * them alone (unpack/reuse.h hashes again). Records are found by a hash of the
 * path, so none is longer than another; of one path the last counts. Its key
 * is made anew for each archive and known to the two only: who packed the
 * archive cannot choose names that fall together, and a child that does has
 * spoiled no notes but its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/siphash.h"
#include "io/digest.h"

enum { FILE_KEY_BYTES = SIPHASH_BYTES };

struct file_note {
	uint8_t key[FILE_KEY_BYTES];   /* of the path in the archive */
	struct digest digest;
	uint32_t known;            /* 1: DIGEST says what is in it; else 0 */
	uint32_t same;             /* not 0: nothing was written, its content
				      is that of reuse candidate SAME - 1 */
};

struct file_notes;
/* For archives of up to ENTRIES entries; NULL where there is no such memory:
 * then nothing is noted. */
struct file_notes *file_notes_new(uint64_t entries);
void file_notes_keep(struct file_notes *notes);
/* In such a child: nothing is there, which valgrind's search for leaks must be
 * told, or it looks at every word. NOTES is of no use afterwards. */
void file_notes_forget(const struct file_notes *notes);
void file_notes_free(struct file_notes *notes);
OWN(file_notes, struct file_notes *, file_notes_free)
#define own_file_notes own(file_notes)

/* DIGEST NULL: what is at PATH from now on is not known. False when there is
 * no room, or NOTES is NULL. */
bool file_notes_add(struct file_notes *notes, const char *path,
		      const struct digest *digest, uint32_t same);

/* How many there are, as far as it can be believed. */
uint64_t file_notes_count(const struct file_notes *notes);
const struct file_note *file_notes_at(const struct file_notes *notes,
					  uint64_t i);
/* Make them findable. False: some are not, which means that somebody chose
 * their keys. */
bool file_notes_index(struct file_notes *notes);
/* The last one of PATH below ROOT (a path in the archive, or "."), or NULL.
 * NOTES may be NULL. */
const struct file_note *file_notes_find(struct file_notes *notes,
					const char *root, const char *path);
/* Is NOTE the one that file_notes_find would give for its path? */
bool file_notes_is_last(const struct file_notes *notes,
			  const struct file_note *note);

/* The key that a note of PATH below ROOT has. */
void file_notes_key(struct file_notes *notes, const char *root,
		    const char *path, uint8_t ret_key[static FILE_KEY_BYTES]);
