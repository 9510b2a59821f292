/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: an append-only file of records that makes a transaction survive
 * a crash. It knows bytes, not their meaning (transaction/transaction.h does).
 *
 * Format, version 1, integers little-endian. Header: "FITOUTJ1" (8 bytes).
 * Record: u32 payload length (1..65536), u32 CRC-32C (RFC 3720, B.4) of type
 * and payload, u16 type, payload. A torn tail (short record, or a bad CRC in
 * the last record) is what a crash leaves: it is cut, durably, when opened.
 * A bad record with good ones behind it is damage: ERROR_STATE, never guessed
 * at. Another version: ERROR_STATE, naming both versions. When the file ends
 * in a record of type 0xffff, "emptied\n", nothing before it counts, whatever
 * it looks like: a crash came while the file was being emptied.
 *
 * The file is made whole (header written and synced under a temporary name,
 * renamed, directory synced) and afterwards only grows at its end or is cut
 * at a record's boundary; so a file without a whole header is damage.
 * Append with SYNC whatever a later record relies on: only one record at a
 * time may be on its way to the disk, else a tail torn in the middle would
 * look like damage.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"

#define JOURNAL_NAME "journal"
#define JOURNAL_RECORD_MAX 65536
#define JOURNAL_EMPTY_BYTES 8    /* of the file while it holds no record */

struct journal;

/* Open or create STATE_DIRFD/journal; the caller holds the run lock. */
int journal_open(int state_dirfd, struct journal **ret_journal,
		 struct error *err);
/* To look only, without a lock and changing nothing: a torn tail is left out,
 * not cut. *ret_journal is NULL when there is none. Never append to it. */
int journal_open_to_read(int state_dirfd, struct journal **ret_journal,
			 struct error *err);
void journal_free(struct journal *journal);
OWN(journal, struct journal *, journal_free)
#define own_journal own(journal)

/* Append a record; durable on return when SYNC (fdatasync). After a failure
 * the record is not there: what was written of it has been cut again, or,
 * where not even that works, every later append fails (ERROR_STATE). */
int journal_append(struct journal *journal, uint16_t type,
		   const void *payload, size_t n, bool sync,
		   struct error *err);
/* Make sure that N more bytes of records can be appended even if the disk
 * gets full meanwhile (no promise where the filesystem cannot reserve). */
int journal_reserve(struct journal *journal, size_t n, struct error *err);
#define JOURNAL_FRAME_BYTES 10   /* of a record, beside its payload */
/* Read from the start: 1 and a record (valid until the next call), 0 at the
 * end, -1 on damage. journal_rewind starts over. */
int journal_next(struct journal *journal, uint16_t *ret_type,
		 const void **ret_payload, size_t *ret_n, struct error *err);
int journal_rewind(struct journal *journal, struct error *err);
/* Where the next record will begin, and where the next one to be read does;
 * for journal_cut. */
uint64_t journal_end(const struct journal *journal);
uint64_t journal_position(const struct journal *journal);
/* Take every record from END on away again, durably. Needs no space. */
int journal_cut(struct journal *journal, uint64_t end, struct error *err);
/* Empty it, durably: a last record says so, then it is cut to the header in
 * place. (Not a new file under a temporary name: that needs space, and undoing
 * must work on a full disk.) */
int journal_reset(struct journal *journal, struct error *err);
/* Bytes of torn tail that journal_open cut; 0 normally. */
size_t journal_cut_bytes(const struct journal *journal);
