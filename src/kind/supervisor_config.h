/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisord's configuration as far as fitout must know it: where it
 * listens, which files it includes, which programs they define and what
 * those programs are made of. Read strictly (a file that is about to be
 * installed must be right) or leniently (what stands on the host is
 * supervisord's own business).
 *
 * Source: supervisor 4.2, docs/configuration.rst and supervisor/options.py.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "plan/kind.h"

struct supervisor_program {
	const char *name;
	const char *group;         /* its own name, or the [group:]'s */
	const char *command;       /* %(here)s and such expanded */
	const char *executable;    /* first word of the command; NULL when it
				      holds what only supervisord can expand */
	const char *directory;     /* NULL when not said */
	const char *stdout_log, *stderr_log;   /* as they are said; or NULL */
	const char *const *paths;  /* absolute paths in the command */
	bool autostart;
	bool autorestart;          /* whatever its exit status */
	bool unexpected;           /* autorestart = unexpected */
	const char *exit_codes;    /* "0" or "0,2" */
	int64_t startsecs, stopwaitsecs;
	const char *file;          /* the file that defines it */
	int line;                  /* of its command */
};

struct supervisor_group {
	const char *name;
	const char *const *programs;
	const char *file;
	int line;
};

/* One file: what it defines. */
struct supervisor_file {
	const struct supervisor_program *programs;
	size_t n_programs;
	const struct supervisor_group *groups;
	size_t n_groups;
};
/*
 * Take apart TEXT (n bytes), known as NAME, that stands at PATH. Pure. An
 * error (ERROR_FORMAT) names NAME and line: not an INI file, no [program:...]
 * (or group, fcgi-program, eventlistener) section unless MAIN, a program
 * without command, an unclosed quote, numbers that are none.
 */
int supervisor_file_read(struct arena *arena, const char *name,
			 const char *path, const char *text, size_t n,
			 bool main, struct supervisor_file *ret_file,
			 struct error *err);

struct supervisor_config {
	const char *path;
	const char *socket;        /* of [unix_http_server]; NULL: none */
	int socket_line;
	const char *user, *password;   /* NULL: none wanted */
	bool has_rpc;              /* an [rpcinterface:supervisor] */
	bool nodaemon;
	const char *const *patterns;   /* of [include], absolute */
	/* What takes effect only when supervisord starts again. */
	const char *daemon_text;
	const struct supervisor_program *programs;
	size_t n_programs;
};
/* Only the main file's text. Pure. */
int supervisor_main_read(struct arena *arena, const char *name,
			 const char *path, const char *text, size_t n,
			 struct supervisor_config *ret_config,
			 struct error *err);

enum supervisor_view {
	SUPERVISOR_HOST,       /* as it is; broken included files are skipped */
	SUPERVISOR_PLANNED,    /* as it will be; a broken file is an error */
};
/* The configuration at PATH with all it includes. */
int supervisor_config_read(const struct context *context, const char *path,
			   enum supervisor_view view,
			   struct supervisor_config *ret_config,
			   struct error *err);

/* How messages call the file at PATH: with the resource that brings it. */
const char *supervisor_file_name(const struct context *context,
				 const char *path);
/* The program called NAME, or the first of the group of that name, or NULL. */
const struct supervisor_program *
supervisor_find(const struct supervisor_config *config, const char *name);
/* Does the run change something that PROGRAM is made of? */
bool supervisor_program_touched(const struct context *context,
				const struct supervisor_program *program);
/* Is the file that defines PROGRAM put there by the plan? */
bool supervisor_program_ours(const struct context *context,
			     const struct supervisor_program *program);
