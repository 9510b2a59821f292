/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzzers share. Each fuzz_NAME.c is a parser's libFuzzer target;
 * with replay.c instead of libFuzzer it is a test that reads its corpus.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Of the process: an empty private directory, removed at exit. */
int fuzz_directory(void);
/* The bytes as a file without a name, at its beginning. The caller closes. */
int fuzz_file(const uint8_t *data, size_t n);
/* Put the bytes at NAME in DIRFD, in place of what is there. */
void fuzz_write(int dirfd, const char *name, const void *data, size_t n);
/* What must hold, also without NDEBUG: a message, and abort(). */
#define FUZZ_HOLDS(what) ((what) ? (void)0 : fuzz_fails(#what, __FILE__, __LINE__))
_Noreturn void fuzz_fails(const char *what, const char *file, int line);
