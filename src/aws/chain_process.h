/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that a program prints (credential_process): version 1 of the JSON that
 * the AWS SDKs read.
 */
#pragma once

#include "aws/chain.h"

/* The words of a command line: blanks separate, '...' and "..." and \ quote.
 * No shell. NULL-terminated; NULL: a quote is not closed. Pure. */
const char *const *command_words(struct arena *arena, const char *command);

/* 1, or -1. The program gets our environment without keys, and the chain's
 * deadline, a minute at most. */
int process_keys(struct chain *chain, const char *command,
		 struct credentials *ret_credentials, struct error *err);
