/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory "tree" that something is unpacked into, with a canary beside
 * it. Nothing may change there, and what is in the tree must be what a walk
 * accepts: no devices, nothing setuid, nothing that others may write.
 */
#pragma once

#include "unpack/unpack.h"

/* Make both in TOP; the tree's descriptor, the caller's to close. */
int canary_tree_make(int top);
/* What is put there, but for where it comes from. */
struct unpack_options canary_options(void);
/* Look at both, and remove them. */
void canary_tree_look(int top);
