/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisord's XML-RPC interface over its unix socket: calls and answers as
 * text (pure), and the calls that fitout makes (through the fetcher, the only
 * process that parses HTTP).
 *
 * XML-RPC: <http://xmlrpc.com/spec.md>. Methods, states and fault codes:
 * supervisor 4.2, docs/api.rst, supervisor/{rpcinterface,states,xmlrpc}.py.
 * A fault comes with HTTP status 200.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "base/xml.h"
#include "fetch/fetcher.h"

/* ---- text ---- */

enum rpc_argument_type { RPC_END, RPC_TEXT, RPC_INT, RPC_BOOL };
struct rpc_argument {
	enum rpc_argument_type type;
	const char *text;
	int64_t number;
};

/* Append a methodCall with ARGUMENTS (ended by RPC_END; NULL: none). */
void rpc_write_call(const char *method, const struct rpc_argument *arguments,
		    struct str *out);

enum rpc_fault {                 /* supervisor/xmlrpc.py, Faults */
	RPC_NO_FAULT = 0,
	RPC_UNKNOWN_METHOD = 1,
	RPC_SHUTDOWN_STATE = 6,
	RPC_BAD_NAME = 10,
	RPC_NO_FILE = 20,
	RPC_NOT_EXECUTABLE = 21,
	RPC_FAILED = 30,
	RPC_ABNORMAL_TERMINATION = 40,
	RPC_SPAWN_ERROR = 50,
	RPC_ALREADY_STARTED = 60,
	RPC_NOT_RUNNING = 70,
	RPC_ALREADY_ADDED = 90,
	RPC_STILL_RUNNING = 91,
	RPC_CANT_REREAD = 92,
};
struct rpc_answer {
	int64_t fault;           /* 0: none */
	const char *fault_text;  /* printable; NULL without a fault */
	const struct xml *value; /* the <value>; NULL with a fault */
};
/* Take apart a methodResponse (n bytes). Lives in ARENA. */
int rpc_read_answer(struct arena *arena, const char *text, size_t n,
		    struct rpc_answer *ret_answer, struct error *err);

/* Of a <value>; NULL and what does not fit give the fallback. */
const char *rpc_text(const struct xml *value, const char *fallback);
int64_t rpc_number(const struct xml *value, int64_t fallback);
const struct xml *rpc_member(const struct xml *value, const char *name);
/* First <value> of an array (go on with rpc_next), or NULL. */
const struct xml *rpc_first(const struct xml *value);
const struct xml *rpc_next(const struct xml *value);

/* ---- calls ---- */

struct rpc {
	struct arena *arena;
	struct fetcher *fetcher;
	const char *socket;      /* its path, or NULL */
	const char *authorization;  /* "Authorization: Basic ..."; or NULL */
};
/* The header for USER and PASSWORD, for struct rpc. RFC 7617. */
const char *rpc_authorization(struct arena *arena, const char *user,
			      const char *password);

/*
 * Call METHOD ("supervisor." is put in front) and wait for its answer until
 * DEADLINE. A fault is not an error here: *ret_answer tells. ERROR_NETWORK
 * when nobody answers.
 */
int rpc_call(const struct rpc *rpc, const char *method,
	     const struct rpc_argument *arguments, struct deadline deadline,
	     struct rpc_answer *ret_answer, struct error *err);
/* The same, where a fault other than TOLERATED (0: none) is an ERROR_CHECK. */
int rpc_do(const struct rpc *rpc, const char *method, const char *name,
	   enum rpc_fault tolerated, struct deadline deadline,
	   struct error *err);
/*
 * startProcess NAME, without waiting. That it runs already is no error; nor,
 * when the caller looks at its state later (JUDGED), that it ended at once:
 * the state comes with what the program wrote, the fault does not.
 */
int rpc_start(const struct rpc *rpc, const char *name, bool judged,
	      struct deadline deadline, struct error *err);

enum rpc_state {                 /* supervisor/states.py, ProcessStates */
	RPC_STOPPED = 0,
	RPC_STARTING = 10,
	RPC_RUNNING = 20,
	RPC_BACKOFF = 30,
	RPC_STOPPING = 40,
	RPC_EXITED = 100,
	RPC_FATAL = 200,
	RPC_STATE_UNKNOWN = 1000,
};
struct rpc_process {
	const char *name, *group;
	enum rpc_state state;
	const char *state_name;          /* "RUNNING" */
	const char *spawn_error;         /* "" when there is none */
	const char *stdout_log, *stderr_log;   /* "" when there is none */
	int64_t exit_status, pid, start_s, now_s;
};
struct rpc_processes {
	const struct rpc_process *item;
	size_t n;
};
/* getAllProcessInfo */
int rpc_processes(const struct rpc *rpc, struct deadline deadline,
		  struct rpc_processes *ret_processes, struct error *err);
/* The same from an answer's value. */
void rpc_read_processes(struct arena *arena, const struct xml *value,
			struct rpc_processes *ret_processes);

/* Names, NULL-terminated. */
struct rpc_changes {
	const char *const *added, *const *changed, *const *removed;
};
/* reloadConfig: what differs between the files and what is active. */
int rpc_reload_config(const struct rpc *rpc, struct deadline deadline,
		      struct rpc_changes *ret_changes, struct error *err);
void rpc_read_changes(struct arena *arena, const struct xml *value,
		      struct rpc_changes *ret_changes);

/* True when a supervisord answers at the socket, which is looked at first: a
 * socket that is not there costs no process. */
bool rpc_is_up(const struct rpc *rpc, struct deadline deadline);
/* End of the program's stderr log (stdout's where stderr goes there, or has
 * nothing), of each at most its so many last bytes; "" when there is none.
 * NAME is "group:process". */
const char *rpc_log_tail(const struct rpc *rpc, const char *name,
			 int64_t stderr_bytes, int64_t stdout_bytes,
			 struct deadline deadline);
