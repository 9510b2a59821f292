/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: whole pages that a forked copy of this process sees
 * emptied (MADV_WIPEONFORK, Linux 4.14: the fetcher and the unpackers parse
 * what strangers send), that no core has, and that are wiped when freed.
 */
#pragma once

#include <stddef.h>

/* Zeroed. NULL: out of memory. */
void *secret_alloc(size_t bytes);
/* BYTES as given to secret_alloc(). P may be NULL. */
void secret_free(void *p, size_t bytes);
/* Overwrite what functions that have returned left on the stack (128 KiB). */
void secret_wipe_stack(void);
/* In a forked copy: overwrite the values of the environment's variables that
 * are secrets of AWS's. */
void secret_forget_environment(void);
