/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate. Its file (state->ready_path) exists only after a completed run of
 * this boot; the agent's unit has a condition on it. The function that starts
 * the agent (kind->release) takes a struct proof, and only gate_open() and
 * gate_prove() make one: after the generation of the run has been recorded,
 * durably.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "run/state.h"

struct proof;

/* True when the file is there and of this boot (it holds the boot id), and
 * the agents were started since: a run that was killed in between has to be
 * done again. */
bool gate_is_open(const struct state *state);
#define GATE_BOOT_ID 64
/* This boot's id (proc(5), random/boot_id) into BUF; returns BUF. */
char *gate_boot_id(char buf[static GATE_BOOT_ID]);
/* The directory of the gate's file is there from here on. */
int gate_make_directory(const struct state *state, struct error *err);
/* Remove the file. What is not there is closed. */
int gate_close(const struct state *state, struct error *err);
/*
 * Prove that GENERATION is the current, completed one on disk (it is read
 * back), write the gate's file, and hand out the proof (in ARENA). ERROR_BUG
 * when the record is not there: then nothing may be started.
 */
int gate_open(const struct state *state, struct arena *arena,
	      int64_t generation, const struct proof **ret_proof,
	      struct error *err);
/* The agents have been started: note it in the gate's file. */
int gate_started(const struct state *state, struct error *err);
/*
 * The same proof without opening the gate: GENERATION is the current one and
 * complete. For a host whose agent must not run yet (a warm pool), or whose
 * gate is open already.
 */
int gate_prove(const struct state *state, struct arena *arena,
	       int64_t generation, const struct proof **ret_proof,
	       struct error *err);
int64_t proof_generation(const struct proof *proof);
