/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHOWN(name): a name from an archive or a directory for a message:
 * printable, cut when long. Lives in the block of the caller.
 */
#pragma once

#include "base/str.h"

#define SHOWN(name) str_printable((name), (char[256]){ "" }, 256)
