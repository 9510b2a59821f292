/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run leaves for the next one should it be cut short, and what the
 * next one makes of it (doc/design/0005-recovery.md):
 *
 *	recovery_begin     first of all: temporary files go, what was begun is
 *	                   undone, what was recorded is finished; what was
 *	                   committed but not recorded waits in run->transaction
 *	recovery_settle    after observing: may this run finish that? Else it
 *	                   is undone here and the host observed again
 *	recovery_commit    commits; before that, the generation to be and which
 *	                   paths changed under programs are on the disk
 *	recovery_kept      the generation is recorded: that is settled
 *	recovery_undone    all was taken back: so is that
 *
 * STATE/unfinished, format 1, lines of text: paths that changed on top of a
 * generation while programs made of them were not yet seen to run since. It
 * counts only as long as that generation is the current one.
 *
 *	fitout-unfinished 1
 *	generation 3
 *	changed /usr/local/programs/nginx
 *	end SHA256                          see run/seal.h
 *
 * What was found and done is noted for people: run/recovered.h.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

/* After run_open. Sets run->finishes, and then run->transaction. */
int recovery_begin(struct run *run, struct error *err);
/* After run_plan: fill run->plan.changed. */
int recovery_changed(struct run *run, struct error *err);
/* After run_observe. *RET_AGAIN: from run_plan on everything has to be done
 * again. ERROR_UNDO when the host is half of this and half of that. */
int recovery_settle(struct run *run, bool *ret_again, struct error *err);
/*
 * For plan, which changes nothing: recovery_look after run_open finds out what
 * recovery_begin would do (run->left, run->busy; run->finishes, so that the
 * plan compares with what was committed). recovery_foretell after run_observe
 * says it in a sentence, or NULL.
 */
int recovery_look(struct run *run, struct error *err);
const char *recovery_foretell(const struct run *run);
int recovery_commit(struct run *run, struct error *err);
void recovery_kept(struct run *run);
void recovery_undone(struct run *run);
