/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of systemd, by its own protocol (systemd.io/
 * JOURNAL_NATIVE_PROTOCOL): a record is one datagram of NAME=VALUE lines.
 * Only where stderr leads to the journal anyway, which systemd says in
 * $JOURNAL_STREAM (systemd.exec(5)); a record is sent or written to stderr,
 * never both.
 */
#pragma once

#include <stddef.h>

#include "base/log.h"

/* A socket connected to the journal when STDERR_FD is a stream of it; -1:
 * it is not, or the journal cannot be reached. */
int log_journal_open(int stderr_fd);

/* What is printable already; RESOURCE may be NULL. */
struct journal_record {
	enum log_level level;
	const char *event, *resource, *message;
	const struct log_facts *facts;
};
/* The datagram into OUT (SIZE bytes); returns its length, less than SIZE. */
size_t log_journal_form(const struct journal_record *record, char *out,
			size_t size);
