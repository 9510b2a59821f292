/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: options before the command's name are common to all
 * commands; those after it belong to the command (its row in commands.c says
 * which). Long options only, "--name VALUE" or "--name=VALUE"; "--" ends them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "plan/vars.h"
#include "sign/sign.h"

struct imds;
struct state;

#define SETTINGS_MAX 256

/* When a profile must be signed. */
enum require_signature {
	REQUIRE_WITH_KEYS,           /* when a key is trusted */
	REQUIRE_ALWAYS,
	REQUIRE_NEVER,               /* unless --public-key names one */
};

struct options {
	struct arena *arena;
	const char *root;            /* --root; NULL: this host */
	const char *state;           /* --state; NULL: /var/lib/fitout */
	struct variable settings[SETTINGS_MAX];   /* --set, in order */
	size_t n_settings;
	bool json;
	enum log_level log_level;
	const char *progress;        /* "auto", "plain", "none" */
	int progress_fd;             /* lines for a program; -1: nobody */
	const char *config;          /* --config; NULL: /etc/fitout.ini */
	/* Of fitout.ini only. */
	struct trust trust;
	enum require_signature require_signature;
	int64_t serial_jump;         /* more is warned about */
	bool imds_v1;                /* metadata without a token may do */
	struct imds *imds;           /* see cmd/instance.h; NULL: not asked */
	/* Set by a command that asks no instance: what stands in for it. */
	vars_source *stand_in;
	void *stand_in_context;
};

/* An option of one command. */
struct option_row {
	const char *name;            /* "sha256"; NULL ends a table */
	const char *argument;        /* "HEX"; NULL: takes none */
};

/* Those of every command. */
const struct option_row *options_common(void);
/* The row of NAME (n bytes) in ROWS (or NULL), or NULL. */
const struct option_row *option_find(const struct option_row *rows,
				     const char *name, size_t n);

/* Set the common option NAME to VALUE, as the command line would. */
int options_set(struct options *options, const char *name, const char *value,
		struct error *err);

/* The next of a command's own options, or of its operands. */
struct option_walk {
	const struct option_row *rows;
	int argc;
	char **argv;
	int at;
	bool only_operands;
};
/* 1 and an option (*ret_name, *ret_value or NULL), 2 and an operand
 * (*ret_value), 0 at the end, -1 with ERROR_USAGE (the nearest known one is
 * named). Common options are accepted here too and go to OPTIONS. */
int option_next(struct option_walk *walk, struct options *options,
		const char **ret_name, const char **ret_value,
		struct error *err);

/* Common options up to the command's name; *ret_at is its index (or argc). */
int options_parse(struct options *options, int argc, char **argv, int *ret_at,
		  struct error *err);

/* The state directory of --root and --state (run/state.h), where there is
 * one: nothing is made. */
int options_state(const struct options *options, struct state *ret_state,
		  struct error *err);
