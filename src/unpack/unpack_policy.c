/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/unpack_policy.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "io/shown.h"

/* "...; raise limits.KEY": what a person does about a limit. */
#define RAISE(key) "; raise limits." key " if that is right"

const struct unpack_policy unpack_policy_default = {
	.limits = {
		.total_bytes = 64ull << 30,
		.entries = 2000000,
		.file_bytes = 16ull << 30,
		.path_bytes = 4096,
		.depth = 64,
		.ratio = 1000,
		.header_bytes = 1 << 20,
		.window_bytes = 128ull << 20,
	},
};

/* ----------------------------------------------------------------- paths */

/* The length of the longest component, and their number. */
static void
measure(const char *path, uint32_t *ret_depth, size_t *ret_longest)
{
	uint32_t depth = 0;
	size_t longest = 0;

	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		depth += n > 0 && !(n == 1 && *p == '.');
		if (n > longest)
			longest = n;
		p += n;
	}
	*ret_depth = depth;
	*ret_longest = longest;
}

/* WHAT: "the path", or whose target it is. */
static int
check_path(const struct unpack_policy *policy, const char *path,
	   const char *what, struct error *err)
{
	const struct unpack_limits *limits = &policy->limits;
	size_t n = strlen(path), longest;
	uint32_t depth;

	measure(path, &depth, &longest);
	if (n > limits->path_bytes)
		return error_raise(err, ERROR_LIMIT, "limit path_length: %s "
				   "%s is %zu bytes long, allowed are %"
				   PRIu32 RAISE("path_length"), what,
				   SHOWN(path), n, limits->path_bytes);
	if (depth > limits->depth)
		return error_raise(err, ERROR_LIMIT, "limit depth: %s %s has %"
				   PRIu32 " components, allowed are %" PRIu32
				   RAISE("depth"), what, SHOWN(path), depth,
				   limits->depth);
	if (longest > NAME_MAX)
		return error_raise(err, ERROR_LIMIT, "limit name: %s %s has a "
				   "component of %zu bytes; no file system "
				   "takes more than %d", what, SHOWN(path),
				   longest, NAME_MAX);
	/* A control character, a bidi control, or bytes that are no UTF-8. */
	if (!(policy->allow & UNPACK_ODD_NAMES) && !str_is_printable(path))
		return error_raise(err, ERROR_FORMAT, "%s %s has a control "
				   "character, or is not UTF-8; if that is "
				   "right, say allow = [ \"odd_names\" ]",
				   what, SHOWN(path));
	return 0;
}

static int
check_name(const struct unpack_policy *policy, const char *path,
	   struct error *err)
{
	if (*path == '/')
		return error_raise(err, ERROR_FORMAT, "the path %s is "
				   "absolute; archives must hold relative "
				   "paths only", SHOWN(path));
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return error_raise(err, ERROR_FORMAT, "the path %s "
					   "has \"..\" in it, which could lead "
					   "out of the tree", SHOWN(path));
		p += n;
	}
	return check_path(policy, path, "the path", err);
}

/* ------------------------------------------------------------- by a type */

static int
count_bytes(const struct unpack_policy *policy,
	    const struct archive_member *member,
	    struct unpack_policy_state *state, struct error *err)
{
	const struct unpack_limits *limits = &policy->limits;
	uint64_t size = (uint64_t)member->size;

	if (member->size < 0)
		return error_raise(err, ERROR_FORMAT, "%s has no size",
				   SHOWN(member->path));
	if (size > limits->file_bytes)
		return error_raise(err, ERROR_LIMIT, "limit file_size: %s is "
				   "%" PRIu64 " bytes long, allowed are %"
				   PRIu64 RAISE("file_size"),
				   SHOWN(member->path), size,
				   limits->file_bytes);
	if (__builtin_add_overflow(state->bytes, size, &state->bytes) ||
	    state->bytes > limits->total_bytes)
		return error_raise(err, ERROR_LIMIT, "limit total_size: with "
				   "%s the archive unpacks to more than %"
				   PRIu64 " bytes" RAISE("total_size"),
				   SHOWN(member->path), limits->total_bytes);
	return 0;
}

static int
check_mode(const struct unpack_policy *policy,
	   const struct archive_member *member, struct error *err)
{
	static const struct {
		mode_t bit;
		unsigned allow;
		const char *name;
	} bits[] = {
		{ S_ISUID, UNPACK_SETUID, "setuid" },
		{ S_ISGID, UNPACK_SETGID, "setgid" },
	};

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		if ((member->mode & bits[i].bit) &&
		    !(policy->allow & bits[i].allow))
			return error_raise(err, ERROR_FORMAT, "%s has the %s "
				"bit (mode %04o): pack it without, or, if it "
				"must have it, say allow = [ \"%s\" ]",
				SHOWN(member->path), bits[i].name,
				(unsigned)member->mode, bits[i].name);
	}
	return 0;
}

static int
check_link(const struct unpack_policy *policy,
	   const struct archive_member *member, struct error *err)
{
	if (!member->target)
		return error_raise(err, ERROR_FORMAT, "the link %s has no "
				   "target that can be read as UTF-8",
				   SHOWN(member->path));
	if (check_path(policy, member->target, "the target", err) < 0)
		return error_in(err, "the link %s", SHOWN(member->path));
	return 0;
}

static const char *
type_name(enum archive_type type)
{
	switch (type) {
	case ARCHIVE_DEVICE:
		return "a device node";
	case ARCHIVE_FIFO:
		return "a FIFO";
	case ARCHIVE_SOCKET:
		return "a socket";
	default:
		return "of an unknown type";
	}
}

static int
check_type(const struct unpack_policy *policy,
	   const struct archive_member *member,
	   struct unpack_policy_state *state, struct error *err)
{
	switch (member->type) {
	case ARCHIVE_FILE:
		if (check_mode(policy, member, err) < 0)
			return -1;
		return count_bytes(policy, member, state, err);
	case ARCHIVE_DIRECTORY:
		return 0;
	case ARCHIVE_SYMLINK:
	case ARCHIVE_HARDLINK:
		return check_link(policy, member, err);
	default:
		return error_raise(err, ERROR_FORMAT, "%s is %s; an archive "
				   "may hold files, directories and links only",
				   SHOWN(member->path),
				   type_name(member->type));
	}
}

int
unpack_policy_entry(const struct unpack_policy *policy,
		    const struct archive_member *member,
		    struct unpack_policy_state *state, struct error *err)
{
	state->entries++;
	if (state->entries > policy->limits.entries)
		return error_raise(err, ERROR_LIMIT, "limit entries: the "
				   "archive has more than %" PRIu64 ", the "
				   "next is %s" RAISE("entries"),
				   policy->limits.entries,
				   SHOWN(member->path ? member->path : "?"));
	if (!member->path || !*member->path)
		return error_raise(err, ERROR_FORMAT, "entry %" PRIu64 " has "
				   "no name, or none that can be read as UTF-8",
				   state->entries);
	if (check_name(policy, member->path, err) < 0)
		return -1;
	return check_type(policy, member, state, err);
}

int
unpack_policy_ratio(const struct unpack_policy *policy, uint64_t packed,
		    uint64_t unpacked, struct error *err)
{
	uint64_t ratio = policy->limits.ratio, most;

	/* What is small compresses well, and harms nobody. */
	if (unpacked <= 64ull << 20 ||
	    __builtin_mul_overflow(packed, ratio, &most) || unpacked <= most)
		return 0;
	return error_raise(err, ERROR_LIMIT, "limit ratio: %" PRIu64
			   " packed bytes have become more than %" PRIu64
			   " times as many" RAISE("ratio"), packed, ratio);
}
