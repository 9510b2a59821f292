/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a command that looks at a host with a profile in hand: what
 * apply, plan and rollback have in common. run_open() finds the state,
 * run_plan() the last generation and the plan; run_observe() compares.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "io/digest.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "run/freshness.h"
#include "run/generation.h"
#include "run/outputs.h"
#include "run/progress.h"
#include "run/prove.h"
#include "run/stage.h"
#include "run/state.h"
#include "run/timeline.h"
#include "run/warnings.h"
#include "transaction/journal.h"
#include "transaction/transaction.h"

struct breaker_choice;
struct imds;
struct instance;
struct proof;
struct signaller;

struct run_options {
	const char *command;             /* "apply", for the lock and report */
	const char *root, *state;        /* NULL: this host, the usual place */
	const struct profile *profile;
	const struct variable *settings; /* --set: kept in the generation */
	size_t n_settings;
	int64_t rollback_to;             /* a generation's number; 0: none */
	bool bake;                       /* image time: programs rest at last */
	bool hold_agent;                 /* all but the agent: the gate stays
					    closed (bake; a warm pool) */
	int64_t recorded;                /* the profile is this generation's
					    own, which must still be the
					    current one; 0: it is not */
	bool prove, prove_whole;         /* see run/prove.h */
	struct freshness_options freshness;
	int64_t sizes_ms;                /* plan: see run/sizes.h */
	struct imds *imds;               /* aws/imds.h; or NULL */
	bool read_only;                  /* make nothing, lock nothing */
	bool verify;                     /* hash every installed file */
	bool json;                       /* the summary as one JSON object */
	struct progress *progress;       /* who watches; NULL: nobody */
	/* Who is told how it ended (run/signal.h). */
	bool signals;                    /* of this command's runs */
	bool signals_again;              /* also if one of this boot told it:
					    the instance left a warm pool */
	bool imds_v1;
	const struct breaker_choice *breaker;   /* run/breaker.h; or NULL */
};

/* Everything one run holds. The context is what kinds see of it. */
struct run {
	struct context context;      /* first: run_of() in run.c */
	const struct run_options *options;
	struct arena *arena;
	struct state state;
	int lock_fd;
	struct journal *journal;
	struct transaction *transaction;
	struct fetcher *fetcher;
	struct aws *aws;
	struct stage *stage;
	const struct sandbox_unpacking *unpackers;   /* stage_unpackers() */
	struct plan plan;
	struct generation previous;
	struct generation earlier;   /* gone back to, in a rollback */
	int64_t finishes;            /* the generation that the run before
					committed and this one may finish:
					previous holds its rows; or 0 */
	bool farewells;              /* with finishes: it had something to bring
					down, see run/farewell.h */
	struct proven proven;        /* when options say prove */
	size_t recovered_steps;      /* of the run before, if cut short */
	bool promised;               /* see run/recovery.h */
	enum recovery_outcome left;  /* plan: what the next run will have to
					make of the one before */
	const char *busy;            /* plan: who is at work; or NULL */
	struct timeline timeline;
	struct warnings warnings;
	struct progress *progress;   /* never NULL */
	struct progress unwatched;   /* it, when nobody watches */
	bool lacks_digests;        /* the generation as it was written */
	struct {
		bool known;
		struct digest digest;
		int64_t created_s;
	} written;                 /* this run's generation, the last time */
	int64_t generation;          /* current on disk */
	bool gate_was_open;
	bool gate_is_open;
	bool held;                   /* the agent was stopped by this run */
	bool released;               /* ... and may have been started again */
	bool activated;              /* programs may have been touched */
	int64_t started_ms;          /* since the system started, when the
					agent ran; 0: it was not started */
	bool taken_back;             /* by undo: trees, files, programs */
	struct signaller *signaller; /* NULL: nobody is told anything */
	const struct instance *instance;   /* see run/instance.h; or NULL */
	const char *warm;            /* "Warmed:Stopped": see signal_is_warm;
					NULL: no */
	const struct proof *proof;   /* of this run, once it is complete */
	const char *signal_text;     /* what was told to whom; NULL: nothing */
	bool signal_failed;          /* somebody could not be told */
	const char *evidence;        /* see run/evidence.h; NULL: not wanted */
	bool evidence_failed;
	const char *breaker;         /* what it said and was told; or NULL */
	struct outputs outputs;      /* of programs that failed */
	struct str *summary;         /* what to print at the end */
};

#define RUN_INIT(run_options, run_arena)                         \
	{ .options = (run_options), .arena = (run_arena),        \
	  .state = STATE_INIT, .lock_fd = -1 }

/* State, lock, interrupts, journal. What the run before left in the journal
 * is for run/recovery.h, before anything is looked at. */
int run_open(struct run *run, struct error *err);
/* The last generation and the plan. May be called again to begin anew. */
int run_plan(struct run *run, struct error *err);
/* Compare every resource with the host; afterwards the plan says what is to
 * be done. */
int run_observe(struct run *run, struct error *err);
/* After run_observe: would apply leave everything alone? */
bool run_has_nothing_to_do(const struct run *run);
/* Would it leave the host alone, and record what the profile says? */
bool run_only_records(const struct run *run);
/* Are all programs that the profile names there, or to come? Part of
 * run_observe; asked again when all is staged. */
int run_expect(struct run *run, struct error *err);
/* Everything released; safe on what run_open left half. */
void run_release(struct run *run);

typedef int step_op(struct context *context, struct step *step,
		    struct error *err);
/* One op of one step: interrupts and the budget looked at, timed, the error
 * given the resource's name. OP may be NULL. */
int run_step(struct run *run, struct step *step, const char *name,
	     step_op *op, struct error *err);
