/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An old provisioning script, of the kind that is pasted into user-data, as a
 * draft of a profile. The usual commands (wget, curl, tar, mv, cp, chmod,
 * apt-get, service, supervisorctl, ...) are followed in order: where the
 * script stands, what it fetched, what it unpacked, where that went. What is
 * not understood goes into the draft as a comment; what is wrong with the
 * script is noted with its line. Nothing is run and nothing is fetched.
 *
 * script.c follows the commands, script_command.c knows each of them.
 */
#pragma once

#include "base/arena.h"
#include "import/draft.h"

/* TEXT is NUL-terminated. Why it is no such script (*ret_line is where), or
 * NULL. */
const char *script_import(struct arena *arena, const char *text,
			  struct draft *ret_draft, int *ret_line);
