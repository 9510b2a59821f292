/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there room? Asked as soon as it is known what is to come, so that a full
 * disk ends a run before it begins to write. A lower bound only: archives
 * grow when they are unpacked, and others write too; the write itself may
 * still fail with ENOSPC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Are A and B on one file system? */
bool space_is_shared(int a, int b);
/* -1 with ENOSPC unless the file system of FD has BYTES and INODES left,
 * leaving alone what is reserved. Where it does not count one of them
 * (btrfs has no inodes), that one is there. */
int space_check(int fd, uint64_t bytes, uint64_t inodes, struct error *err);
