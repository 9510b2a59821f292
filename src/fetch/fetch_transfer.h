/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One order of the commander's: a state machine over mirrors, attempts at a
 * mirror, and the hops (requests) of an attempt. It decides; fetch/fetch_hop.c
 * speaks HTTP for it and reports here how a hop ended. Knows no libcurl.
 *
 *	WAITING --wake_ms--> (hop starts) RUNNING --ends--> WAITING or ENDED
 *
 * While one runs, parts of a large body may be fetched beside it by hops of
 * their own (fetch/fetch_ranges.h), which take its place when they are proven.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/vec.h"
#include "fetch/fetch_address.h"
#include "fetch/fetch_answer.h"
#include "fetch/fetch_event.h"
#include "fetch/fetch_trial.h"
#include "fetch/fetch_wire.h"

struct failure {
	enum error_code code;       /* ERROR_NONE: there was none */
	char text[160];
};
void failure_set(struct failure *failure, enum error_code code,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Events on their way to the commander. */
struct outbox {
	VEC(struct fetch_event) events;
	bool full;                  /* the commander does not listen */
};

/* What is to follow when a hop was stopped from inside. */
enum stop {
	STOP_NOT,
	STOP_MIRROR,                /* final for this mirror */
	STOP_ALL,                   /* final */
};

struct transfer;
struct part;
struct ranges;
struct range_pool;

/* One request and its answer. Zeroed when it starts. */
struct hop {
	struct transfer *transfer;
	struct part *part;          /* what it fetches; NULL: the body */
	bool unwanted;              /* to be dropped; says nothing any more */
	struct fetch_answer answer;
	size_t head_bytes;          /* of header lines so far */
	char fields[FETCH_FIELDS_BYTES];  /* those that are wanted */
	bool ranged;                /* asked for a part */
	bool judged;                /* the head is whole; the next three hold */
	enum fetch_verdict verdict;
	struct fetch_plan plan;
	uint64_t skip;              /* of the body, still to be left out */
	uint64_t got;               /* bytes of this answer's body */
	int64_t progress_ms;        /* when bytes of any kind last moved */
	size_t held;                /* handled front of what comes again */
	bool paused;                /* the pipe is full */
	int stand_in;               /* socket to be replaced; 0: none */
	uint64_t body_at;           /* of the request's body */
	enum stop stop;
	struct failure stopped;
	const void *tls;            /* its SSL, or NULL */
	bool close_notify;          /* ... ended as TLS should */
	bool by_directory;          /* its CA came from the hashed directory */
	/* fetch/fetch_hop.c's: */
	void *easy, *headers;
	struct hop *next;
	char error[256];            /* CURL_ERROR_SIZE */
};

enum transfer_state { TRANSFER_WAITING, TRANSFER_RUNNING, TRANSFER_ENDED };

struct transfer {
	const struct fetcher_options *options;
	struct outbox *outbox;
	struct fetch_order *order;
	struct deadline deadline;
	enum transfer_state state;
	int64_t wake_ms;            /* while waiting */
	uint64_t moved;             /* bytes of any kind, either way */
	int64_t pace_ms;            /* since when its speed is measured */
	uint64_t pace_moved;        /* ... and what had moved by then */

	unsigned mirror;            /* index into order->urls */
	unsigned attempt;           /* of this mirror, from 1 */
	unsigned asked_for_time;    /* by it, and these did not count */
	unsigned redirects;         /* of this attempt */
	unsigned retries;           /* of all mirrors */
	int64_t waited_ms;          /* ... and the waits before them */
	char *url;                  /* of this hop */
	bool was_https;             /* some hop of this attempt */
	enum address_class origin;  /* where the first hop went */
	struct failure *failures;   /* the last of each mirror */

	uint64_t delivered;         /* bytes in the pipe since the start */
	uint64_t delivered_before;  /* ... at the start of this attempt */
	uint64_t size;              /* of the body once announced */
	bool started;               /* FETCH_STARTED was sent */
	char etag[192];             /* of what was delivered; this mirror's */
	char validator[192];        /* for If-Range */
	struct hop hop;             /* the body, from one connection */

	struct range_pool *pool;
	struct ranges *ranges;      /* NULL: there were none yet */
	unsigned width;             /* connections that this mirror bears */
	bool divisible;             /* the answer that arrives, by ranges */
	struct trial trial;
	uint64_t stretch_from;      /* delivered without a wait for its reader */
	int64_t stretch_ms;         /* ... since */
	bool held_up;               /* by its reader, ever */
};

/* Takes ORDER and its descriptors; waits to be started at once. */
struct transfer *transfer_new(struct fetch_order *order,
			      const struct fetcher_options *options,
			      struct outbox *outbox, struct range_pool *pool);
/* Its hops have been dropped. */
void transfer_free(struct transfer *t);

bool transfer_method_is(const struct transfer *t, const char *method);
bool transfer_has_flag(const struct transfer *t, enum fetch_flag flag);

/* ---- a hop, as it goes ---- */

bool transfer_takes_body(const struct transfer *t);
/* ADD each header line of this hop's request, as CURLOPT_HTTPHEADER takes
 * them ("Name:" leaves curl's own out); those of the caller only if it is
 * AT_HOME, with the server they were meant for. */
void hop_headers(struct hop *hop, bool at_home,
		 void (*add)(struct hop *hop, const char *line));
/* N bytes of any kind were sent or received: it is alive. */
void hop_moved(struct hop *hop, size_t n);
/* A line of the answer's head: keep it if it is wanted. */
void hop_note_field(struct hop *hop, const char *line, size_t n);
/* The head of the answer is whole: decide what to do with the body. PATH is
 * the URL's; PROXIED: something between may have its own mind. */
void hop_judge(struct hop *hop, const char *path, bool proxied);
/*
 * Bytes of the body: they go to the pipe, or wait for their turn, or, of an
 * answer that is not wanted, go nowhere. DELIVER_PAUSE: the pipe is full and
 * all N bytes must come again (how many of them were handled is remembered);
 * DELIVER_STOP: no more of it.
 */
enum delivery { DELIVER_TAKEN, DELIVER_PAUSE, DELIVER_STOP };
enum delivery hop_deliver(struct hop *hop, const char *data, size_t n);
/* The next bytes of the request's body; -1 on error. */
ssize_t hop_request_body(struct hop *hop, char *out, size_t n);
/* Once more at once, without counting. */
void hop_again(struct hop *hop);

/* Why a redirect to NEXT is not followed, or NULL. */
const char *transfer_redirect_problem(const struct transfer *t,
				      const char *next);

/* ---- how a hop ended: each leaves RUNNING ---- */

/* All is well as far as HTTP can tell: done, unless bytes are missing. */
void transfer_arrived(struct transfer *t);
void transfer_redirect(struct transfer *t, const char *next);
/* This attempt broke; another may do better. */
void transfer_retry(struct transfer *t, const struct failure *why);
/* Final for this mirror. */
void transfer_next_mirror(struct transfer *t, const struct failure *why);
/* Final. */
void transfer_fail(struct transfer *t, const struct failure *why);
void transfer_cancel(struct transfer *t);

/* ---- the clock, and the pipe ---- */

/* When transfer_tick() wants to be called, in CLOCK_MONOTONIC ms. */
int64_t transfer_due_ms(const struct transfer *t);
/* Give up what takes too long. */
void transfer_tick(struct transfer *t, int64_t now_ms);
/* Then, until there is none: a hop to be dropped, a hop to be started. */
struct hop *transfer_unwanted_hop(struct transfer *t);
struct hop *transfer_due_hop(struct transfer *t, int64_t now_ms);

/* Does it wait for room in the pipe? */
bool transfer_is_blocked(const struct transfer *t);
/* There is room again, and the time in between was not the server's. The hop
 * that is to be resumed, or NULL. */
struct hop *transfer_unblocked(struct transfer *t);
