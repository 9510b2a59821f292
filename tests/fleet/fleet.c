/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet boots at once: a discrete-event simulation of instances that each
 * fetch some objects from one origin, which answers so many requests a second
 * (429 or 503 to the others) and has so much bandwidth. What a refused
 * instance does is decided by retry_decide() of src/fetch/fetch_retry.c, the
 * function that fitout itself calls, linked in; --policy old is what it did
 * before doc/design/0014-retries.md, to compare.
 *
 *	fleet [--policy new|old] [--seed N] [SCENARIO [INSTANCES]]
 *	fleet --check
 *
 * Prints a line a run; with --check, of some runs, whether what a polite fleet
 * must hold to does hold (TAP; exit status 1: it does not).
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fetch/fetch_retry.h"

/* As src/fetch/fetcher.c has them. */
#define ATTEMPTS 5
#define BACKOFF_MS 500
#define BUDGET_MS (15 * 60 * 1000)
#define RTT_MS 2
#define SLOT_MS 100             /* rates are looked at in such slots */
#define SLOTS (BUDGET_MS / SLOT_MS + 1)

struct scenario {
	const char *name;
	const char *text;
	unsigned objects;           /* of each instance, fetched at once */
	double object_bytes;
	double spread_ms;           /* instances come up within so long */
	double requests_s;          /* the origin's limit */
	double burst;               /* ... above which it may be for a while */
	double bandwidth_s;         /* bytes, of the origin */
	double link_s;              /* bytes, of an instance's connection */
	int64_t retry_after_ms;     /* said when it refuses; -1: nothing */
	bool asks_for_time;         /* it refuses by 429 or 503 */
	double down_until_ms;       /* refuses everything before */
};

static const struct scenario scenarios[] = {
	{ "s3", "5,500 requests/s, 100 Gbit/s, 503 Slow Down", 3, 25e6, 1000,
	  5500, 5500, 12.5e9, 80e6, -1, true, 0 },
	{ "origin", "500 requests/s, 10 Gbit/s, 429 with Retry-After: 1", 3,
	  25e6, 1000, 500, 500, 1.25e9, 80e6, 1000, true, 0 },
	{ "outage", "as s3, but 503 with Retry-After: 10 for 60 s", 3, 25e6,
	  1000, 5500, 5500, 12.5e9, 80e6, 10000, true, 60000 },
	{ "refused", "as s3, but refuses connections for 20 s", 3, 25e6, 1000,
	  5500, 5500, 12.5e9, 80e6, -1, false, 20000 },
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* ---- chance, the same on every machine ---- */

static uint64_t chance;

static uint32_t
dice(void)
{
	/* xorshift64* (Vigna 2016) */
	chance ^= chance >> 12;
	chance ^= chance << 25;
	chance ^= chance >> 27;
	return (uint32_t)((chance * 0x2545F4914F6CDD1Dull) >> 32);
}

/* ---- a heap of what comes at a time ---- */

struct event {
	double at;
	uint32_t object;            /* index of instance * objects + object */
};

struct heap {
	struct event *item;
	size_t n;
};

static void
heap_push(struct heap *heap, double at, uint32_t object)
{
	size_t i = heap->n++;

	while (i > 0 && heap->item[(i - 1) / 2].at > at) {
		heap->item[i] = heap->item[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap->item[i] = (struct event){ at, object };
}

static struct event
heap_pop(struct heap *heap)
{
	struct event first = heap->item[0];
	struct event last = heap->item[--heap->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < heap->n) {
		if (child + 1 < heap->n &&
		    heap->item[child + 1].at < heap->item[child].at)
			child++;
		if (heap->item[child].at >= last.at)
			break;
		heap->item[i] = heap->item[child];
		i = child;
	}
	heap->item[i] = last;
	return first;
}

/* ---- one run ---- */

struct object {
	struct retry_case state;    /* what retry_decide() is told */
	double begun_ms;
};

struct fleet {
	const struct scenario *s;
	bool old;
	unsigned instances;
	struct object *objects;
	struct heap requests;       /* by ms */
	struct heap arrivals;       /* by the service they wait for, below */
	double now_ms;
	/* Connections share the bandwidth evenly: SERVED is what one that was
	 * there from the start would have got. */
	double served;
	double tokens, tokens_ms;
	unsigned *asked;            /* requests of each instance */
	unsigned *left;             /* objects of each instance */
	unsigned *slots;            /* requests in each slot */
	double last_ms, sum_ms;     /* healthy instances */
	unsigned healthy, failed;
};

static double
rate_ms(const struct fleet *f)
{
	double n = (double)f->arrivals.n;
	double fair = n > 0 ? f->s->bandwidth_s / n : 0;

	return (fair < f->s->link_s ? fair : f->s->link_s) / 1000;
}

static void
pass_time(struct fleet *f, double to_ms)
{
	if (f->arrivals.n > 0)
		f->served += (to_ms - f->now_ms) * rate_ms(f);
	f->now_ms = to_ms;
}

static bool
is_admitted(struct fleet *f)
{
	const struct scenario *s = f->s;

	if (f->now_ms < s->down_until_ms)
		return false;
	f->tokens += (f->now_ms - f->tokens_ms) * s->requests_s / 1000;
	f->tokens_ms = f->now_ms;
	if (f->tokens > s->burst)
		f->tokens = s->burst;
	if (f->tokens < 1)
		return false;
	f->tokens--;
	return true;
}

/* Until design 0014: full jitter, five attempts, Retry-After to the letter. */
static bool
old_decide(const struct retry_case *c, int64_t *ret_wait_ms)
{
	int64_t most = c->backoff_ms, wait;

	for (unsigned i = 1; i < c->attempt && most < RETRY_WAIT_MAX_MS; i++)
		most *= 2;
	if (most > RETRY_WAIT_MAX_MS)
		most = RETRY_WAIT_MAX_MS;
	wait = (int64_t)(c->dice % (uint64_t)(most + 1));
	if (c->retry_after_ms > wait)
		wait = c->retry_after_ms;
	if (c->attempt >= c->attempts || c->retries >= 100 ||
	    c->waited_ms + wait > 5 * 60 * 1000 || wait > c->left_ms)
		return false;
	*ret_wait_ms = wait;
	return true;
}

static void
instance_failed(struct fleet *f, unsigned instance)
{
	if (f->left[instance] == UINT32_MAX)
		return;
	f->left[instance] = UINT32_MAX;
	f->failed++;
}

static void
refuse(struct fleet *f, uint32_t index)
{
	struct object *object = &f->objects[index];
	struct retry_case *c = &object->state;
	int64_t wait_ms;

	c->retry_after_ms = f->s->retry_after_ms;
	c->asks_for_time = f->s->asks_for_time;
	c->left_ms = (int64_t)(object->begun_ms + BUDGET_MS - f->now_ms);
	c->dice = dice();
	if (!(f->old ? old_decide : retry_decide)(c, &wait_ms)) {
		instance_failed(f, index / f->s->objects);
		return;
	}
	if (f->old || !c->asks_for_time)
		c->attempt++;
	else
		c->asked_for_time++;
	c->retries++;
	c->waited_ms += wait_ms;
	heap_push(&f->requests, f->now_ms + RTT_MS + (double)wait_ms, index);
}

static void
ask(struct fleet *f, uint32_t index)
{
	unsigned instance = index / f->s->objects;
	size_t slot = (size_t)(f->now_ms / SLOT_MS);

	if (f->left[instance] == UINT32_MAX)
		return;             /* it has given up as a whole */
	f->asked[instance]++;
	if (slot < SLOTS)
		f->slots[slot]++;
	if (is_admitted(f))
		heap_push(&f->arrivals, f->served + f->s->object_bytes,
			  index);
	else
		refuse(f, index);
}

static void
arrived(struct fleet *f, uint32_t index)
{
	unsigned instance = index / f->s->objects;

	if (f->left[instance] == UINT32_MAX || --f->left[instance] > 0)
		return;
	f->healthy++;
	f->last_ms = f->now_ms;
	f->sum_ms += f->now_ms;
}

static void
boot(struct fleet *f)
{
	for (unsigned i = 0; i < f->instances; i++) {
		double at = f->instances == 1 ? 0
			: f->s->spread_ms * dice() / 4294967296.0;

		f->left[i] = f->s->objects;
		for (unsigned o = 0; o < f->s->objects; o++) {
			uint32_t index = i * f->s->objects + o;

			f->objects[index].begun_ms = at;
			f->objects[index].state = (struct retry_case){
				.attempt = 1,
				.attempts = ATTEMPTS,
				.backoff_ms = BACKOFF_MS,
				.retry_after_ms = -1,
			};
			heap_push(&f->requests, at, index);
		}
	}
}

static void
run(struct fleet *f)
{
	f->tokens = f->s->burst;
	boot(f);
	while (f->requests.n + f->arrivals.n > 0) {
		double request = f->requests.n > 0 ? f->requests.item[0].at
						   : INFINITY;
		double arrival = f->arrivals.n > 0
			? f->now_ms + (f->arrivals.item[0].at - f->served) /
			  rate_ms(f) : INFINITY;

		if (request <= arrival) {
			pass_time(f, request);
			ask(f, heap_pop(&f->requests).object);
		} else {
			pass_time(f, arrival);
			arrived(f, heap_pop(&f->arrivals).object);
		}
	}
}

/* ---- what came of it ---- */

/* The most requests in a slot, as a rate, from FROM_MS on. */
static double
peak_s(const struct fleet *f, double from_ms)
{
	unsigned most = 0;

	for (size_t i = (size_t)(from_ms / SLOT_MS); i < SLOTS; i++)
		if (f->slots[i] > most)
			most = f->slots[i];
	return most * 1000.0 / SLOT_MS;
}

/* How far a slot stands out of the ten seconds around it: a fleet that asks in
 * step does so in waves. 0 where there are too few requests to say. */
static double
waves(const struct fleet *f, double from_ms)
{
	size_t half = 5000 / SLOT_MS;
	size_t from = (size_t)(from_ms / SLOT_MS) + half;
	double most = 0;

	for (size_t i = from; i + half < SLOTS; i++) {
		double sum = 0, mean;

		for (size_t k = i - half; k <= i + half; k++)
			sum += f->slots[k];
		mean = sum / (double)(2 * half + 1);
		if (mean >= 20 && f->slots[i] / mean > most)
			most = f->slots[i] / mean;
	}
	return most;
}

static unsigned
most_asked(const struct fleet *f)
{
	unsigned most = 0;

	for (unsigned i = 0; i < f->instances; i++)
		if (f->asked[i] > most)
			most = f->asked[i];
	return most;
}

static double
mean_asked(const struct fleet *f)
{
	double sum = 0;

	for (unsigned i = 0; i < f->instances; i++)
		sum += f->asked[i];
	return sum / f->instances;
}

/* No policy could be faster. */
static double
bound_ms(const struct fleet *f)
{
	const struct scenario *s = f->s;
	double n = (double)f->instances * s->objects;
	double by_requests = (n - s->burst) / s->requests_s * 1000;
	double by_bytes = n * s->object_bytes / s->bandwidth_s * 1000;
	double alone = s->object_bytes / s->link_s * 1000;
	double most = by_requests > by_bytes ? by_requests : by_bytes;

	return s->down_until_ms + (most > alone ? most : alone);
}

static void
print(const struct fleet *f)
{
	printf("# %-8s %-3s %6u  %8.1f %8.1f %8.1f %7u  %6.1f %4u  %8.0f "
	       "%6.1f\n",
	       f->s->name, f->old ? "old" : "new", f->instances,
	       bound_ms(f) / 1000, f->last_ms / 1000,
	       f->healthy ? f->sum_ms / f->healthy / 1000 : 0, f->failed,
	       mean_asked(f), most_asked(f),
	       peak_s(f, f->s->spread_ms + 1000),
	       waves(f, f->s->spread_ms + 1000));
}

/* A requirement: printed (TAP), and false where it does not hold. */
static bool
holds(const struct fleet *f, bool condition, const char *what)
{
	printf("%s - %s, %u at once: %s\n", condition ? "ok" : "not ok",
	       f->s->name, f->instances, what);
	return condition;
}

static bool
check(const struct fleet *f)
{
	double arrivals_s = f->instances * f->s->objects * 1000.0 /
			    f->s->spread_ms;
	bool ok = true;

	ok &= holds(f, f->failed == 0, "every instance becomes healthy");
	ok &= holds(f, f->last_ms <= 2 * bound_ms(f) + 60000,
		    "... in twice the shortest time there is, and a minute");
	ok &= holds(f, most_asked(f) <= 20 * f->s->objects,
		    "no instance asks for an object more than 20 times");
	ok &= holds(f, peak_s(f, f->s->spread_ms + 1000) <= 1.5 * arrivals_s + 100,
		    "retries are not half as many again as first requests");
	ok &= holds(f, waves(f, f->s->spread_ms + 1000) <= 3,
		    "they do not come in waves");
	return ok;
}

static bool
simulate(const struct scenario *s, unsigned instances, bool old, uint64_t seed,
	 bool checked)
{
	size_t n = (size_t)instances * s->objects;
	struct fleet f = { .s = s, .old = old, .instances = instances };
	bool ok = true;

	chance = seed;
	f.objects = xcalloc(n, sizeof(*f.objects));
	f.requests.item = xcalloc(n, sizeof(struct event));
	f.arrivals.item = xcalloc(n, sizeof(struct event));
	f.asked = xcalloc(instances, sizeof(unsigned));
	f.left = xcalloc(instances, sizeof(unsigned));
	f.slots = xcalloc(SLOTS, sizeof(unsigned));
	run(&f);
	print(&f);
	if (checked)
		ok = check(&f);
	free(f.objects);
	free(f.requests.item);
	free(f.arrivals.item);
	free(f.asked);
	free(f.left);
	free(f.slots);
	return ok;
}

static void
simulate_sizes(const struct scenario *s, unsigned instances, bool old,
	       uint64_t seed)
{
	if (instances > 0) {
		simulate(s, instances, old, seed, false);
		return;
	}
	printf("# %s\n", s->text);
	for (unsigned n = 1; n <= 100000; n *= 10)
		simulate(s, n, old, seed, false);
}

/* (Where connections are refused, all give up after five attempts: that is
 * meant.) */
static bool
check_all(uint64_t seed)
{
	bool ok = true;

	for (size_t i = 0; i < N_SCENARIOS; i++)
		for (unsigned n = 1; scenarios[i].asks_for_time && n <= 10000;
		     n *= 100)
			ok &= simulate(&scenarios[i], n, false, seed, true);
	return ok;
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	bool old = false, checked = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--check") == 0)
			checked = true;
		else if (strcmp(argv[i], "--policy") == 0 && i + 1 < argc)
			old = strcmp(argv[++i], "old") == 0;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10) | 1;
		else
			return 2;
	}
	printf("# scenario policy instances, all healthy in s: at best, in "
	       "fact, mean; failed; requests of an\n# instance: mean, most; "
	       "requests/s after the first 2 s: most; waves: most\n");
	if (checked)
		return check_all(seed) ? 0 : 1;
	for (size_t s = 0; s < N_SCENARIOS; s++)
		if (i >= argc || strcmp(argv[i], scenarios[s].name) == 0)
			simulate_sizes(&scenarios[s], i + 1 < argc
				? (unsigned)strtoul(argv[i + 1], NULL, 10)
				: 0, old, seed);
	return 0;
}
