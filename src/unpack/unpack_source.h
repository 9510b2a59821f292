/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of an archive, read out of it: decompressed (unpack_input.h),
 * checked (tar_check.h), parsed (archive_reader.h) and judged
 * (unpack_policy.h); nothing is hashed. Touches no file but the descriptor of
 * the archive.
 *
 *	unpack_source_open(fd, &policy, &source, &err)
 *	... of unpack_source_members(source), see member_source.h
 *	unpack_source_free(source);
 */
#pragma once

#include "base/own.h"
#include "unpack/member_source.h"
#include "unpack/unpack.h"

struct unpack_source;
/* FD and POLICY stay the caller's, and must outlive it. The
 * process's LC_CTYPE must be UTF-8 (archive_reader.h). */
int unpack_source_open(int fd, const struct unpack_policy *policy,
		       struct unpack_source **ret_source, struct error *err);
struct member_source *unpack_source_members(struct unpack_source *source);
void unpack_source_free(struct unpack_source *source);
OWN(unpack_source, struct unpack_source *, unpack_source_free)
#define own_unpack_source own(unpack_source)
