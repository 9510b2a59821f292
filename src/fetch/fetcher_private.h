/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of fetch/fetcher.h among themselves: fetcher.c takes requests,
 * fetcher_process.c is the process that serves them and what it says,
 * fetcher_exchange.c sends and waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "fetch/fetch_wire.h"
#include "fetch/fetcher.h"
#include "sandbox/sandbox.h"

/* A request that the fetcher has and that has not ended. */
struct stream {
	uint32_t id;
	unsigned n_urls;
	unsigned skipped;           /* mirrors before the fetcher's first */
	uint64_t max_bytes;
	bool exchange;              /* waited for inside fetcher_exchange */
	bool cancelled;             /* its events are of no interest */
};

struct fetcher {
	struct fetcher_options options;
	char *user_agent, *ca_file; /* what options points to */
	pid_t pid;                  /* 0: none runs */
	int socket;
	int epoll;                  /* what fetcher_fd() gives: socket, bell */
	int bell;                   /* eventfd: something waits on this side */
	bool rung;
	uint32_t last_id;
	VEC(struct stream) streams;
	VEC(struct fetch_event) queue;
	struct error death;         /* why the last process is gone */
	struct sandbox_report sandbox;   /* how the last one is confined */
	bool started;               /* there was one */
	bool untold;                /* and some stream's reader must be told */
};

/* ---- fetcher_process.c ---- */

/* No process, nothing said. */
void fetcher_process_init(struct fetcher *f);
void fetcher_process_release(struct fetcher *f);
/* The process runs from here on. Fails once when one died since and some
 * stream's reader has not been told. */
int fetcher_process_start(struct fetcher *f, struct error *err);
/* Tell it something, with N descriptors; waits while its socket is full. */
int fetcher_process_send(struct fetcher *f, const struct fetch_head *head,
			 const char *text, const int *fds, size_t n,
			 struct deadline deadline, struct error *err);
/* Put all that it has said into the queue. */
void fetcher_process_hear(struct fetcher *f);
/* Why the last one is gone. Returns -1. */
int fetcher_process_death(const struct fetcher *f, struct error *err);
/* fetcher_fd() works from here on. */
int fetcher_make_bell(struct fetcher *f, struct error *err);

/* NULL: none is open by this name. */
struct stream *fetcher_find(struct fetcher *f, uint32_t id);
/* Forget it; nothing more is expected of it. */
void fetcher_retire(struct fetcher *f, struct stream *stream);
/* -1: the queue is full. */
int fetcher_enqueue(struct fetcher *f, const struct fetch_event *event);
/* Take the first event of ID, or of anyone (0), out of the queue. */
bool fetcher_dequeue(struct fetcher *f, uint32_t id,
		     struct fetch_event *ret_event);
bool fetcher_is_final(const struct fetch_event *event);

/* ---- fetcher.c ---- */

/* Hand a request to the process; its body will come from *ret_fd. SKIPPED
 * mirrors stand before those of the request. */
int fetcher_submit(struct fetcher *f, const struct fetch_request *request,
		   unsigned skipped, bool stream, uint32_t *ret_id,
		   int *ret_fd, struct error *err);
