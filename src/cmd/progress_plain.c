/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress_plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "cmd/progress_text.h"

#define OFTEN_MS 2000
#define RARELY_MS 10000

static unsigned
quarter_of(const struct progress_transfer *transfer)
{
	if (transfer->size == 0 || transfer->bytes >= transfer->size)
		return 0;
	return (unsigned)((double)transfer->bytes * 4 /
			  (double)transfer->size);
}

static void
say_transfer(const struct progress_transfer *transfer,
	     struct progress_said *said, int64_t now)
{
	struct log_facts facts = LOG_NO_FACTS;
	own_str struct str text = STR_INIT(256);
	unsigned quarter = quarter_of(transfer);

	if (said->ms == 0)
		said->ms = now;
	if (transfer->state == PROGRESS_DONE ||
	    now - said->ms < OFTEN_MS ||
	    (now - said->ms < RARELY_MS && quarter <= said->quarter))
		return;
	progress_sentence(transfer, &text);
	facts.bytes = (int64_t)transfer->bytes;
	log_facts(LOG_LEVEL_INFO, "fetch.progress", transfer->label, &facts,
		  "%s", str_get(&text));
	said->ms = now;
	said->quarter = quarter;
}

static void
say_transfers(struct progress_plain *plain, const struct progress *progress,
	      int64_t now)
{
	if (progress->n_transfers > plain->n) {
		plain->said = xrealloc(plain->said, progress->n_transfers *
						    sizeof *plain->said);
		memset(plain->said + plain->n, 0,
		       (progress->n_transfers - plain->n) *
			       sizeof *plain->said);
		plain->n = progress->n_transfers;
	}
	for (size_t i = 0; i < progress->n_transfers; i++)
		say_transfer(&progress->transfer[i], &plain->said[i], now);
}

static void
say_step(struct progress_plain *plain, const struct progress *progress,
	 int64_t now)
{
	struct log_facts facts = LOG_NO_FACTS;
	const char *phase = progress->phase ? progress->phase : "starting";

	if (plain->step_ms != progress->since_ms) {
		plain->step_ms = progress->since_ms;
		plain->step_said_ms = progress->since_ms;
	}
	if (now - plain->step_said_ms < RARELY_MS)
		return;
	plain->step_said_ms = now;
	facts.duration_ms = now - progress->since_ms;
	log_facts(LOG_LEVEL_INFO, "run.progress", progress->resource, &facts,
		  "still in %s, for %lld s%s%s", phase,
		  (long long)facts.duration_ms / 1000,
		  progress->note[0] ? ": " : "", progress->note);
}

void
progress_plain_show(void *data, const struct progress *progress)
{
	struct progress_plain *plain = data;
	int64_t now = clock_ms();

	if (progress->n_transfers)
		say_transfers(plain, progress, now);
	else
		say_step(plain, progress, now);
}

void
progress_plain_release(struct progress_plain *plain)
{
	free(steal_ptr(plain->said));
	plain->n = 0;
}
