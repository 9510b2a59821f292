/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive may hold (doc/design/0008-archives.md): one entry at a
 * time, before any of it is written. Pure: looks at the entry, the limits
 * and the exceptions only, and counts. The tree writer guards itself as well
 * (absolute names, "..", links that lead out): neither relies on the other.
 *
 *	struct unpack_policy_state state = { 0 };
 *	unpack_policy_entry(&policy, &member, &state, &err) for each entry
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "unpack/archive_reader.h"
#include "unpack/unpack.h"

struct unpack_policy_state {
	uint64_t entries;
	uint64_t bytes;            /* sum of file sizes */
};

/* Count MEMBER and judge it; -1 with ERROR_FORMAT or ERROR_LIMIT, naming the
 * entry and, for a limit, its key. */
int unpack_policy_entry(const struct unpack_policy *policy,
			const struct archive_member *member,
			struct unpack_policy_state *state, struct error *err);
/* UNPACKED bytes have come of PACKED ones (WHAT says where, for messages). */
int unpack_policy_ratio(const struct unpack_policy *policy, uint64_t packed,
			uint64_t unpacked, struct error *err);
