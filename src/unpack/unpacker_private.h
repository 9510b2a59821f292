/* SPDX-License-Identifier: Apache-2.0 */
/* The children of an unpacker: between unpacker.c and unpacker_child.c. */
#pragma once

#include "unpack/member_ring.h"
#include "unpack/unpack.h"

#define UNPACK_RESULT_MAGIC 0x6669756e

struct unpacker_child {
	const struct unpack_options *options;
	struct member_ring *ring;
	int said_fd;               /* the report of its sandbox; and of who
				      writes, the result */
	int owners_fd;             /* who writes; or -1 */
	int mount_sys;             /* who writes; see struct sandbox */
	int nowhere_fd;            /* reader: an empty directory, removed */
};

/* The bits of 07000 that files may have by ALLOW. */
mode_t unpacker_special_modes(unsigned allow);

/* process_fork() mains; the argument is a struct unpacker_child. */
int unpacker_write_main(void *argument);
int unpacker_read_main(void *argument);
