/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_part.h"

#include <stddef.h>

#define TRIALS_MAX 3

uint64_t
part_end(const struct part *part)
{
	return part->first + part->bytes;
}

void
part_free(struct transfer *t, struct part *part)
{
	if (part->state == PART_FREE)
		return;
	part->state = PART_FREE;
	part->hop.unwanted = true;
	if (t->pool->trial == part)
		t->pool->trial = NULL;
	t->pool->used--;
}

struct part *
part_front(const struct transfer *t)
{
	for (size_t i = 0; i < RANGES_MAX; i++) {
		struct part *part = &t->ranges->parts[i];

		if (part->state != PART_FREE && t->delivered >= part->first &&
		    t->delivered < part_end(part))
			return part;
	}
	return NULL;
}

unsigned
part_count(const struct transfer *t, bool running)
{
	unsigned n = 0;

	for (size_t i = 0; t->ranges && i < RANGES_MAX; i++) {
		enum part_state state = t->ranges->parts[i].state;

		n += running ? state == PART_RUNNING : state != PART_FREE;
	}
	return n;
}

/* How many parts T may have before its last: its share of the room. One part
 * beside nothing is worth less than the connection there is. */
static unsigned
share(const struct transfer *t)
{
	unsigned n = (RANGE_POOL_PARTS - 1) / t->pool->wanting;

	return n < 2 ? 2 : n;
}

static struct part *
free_slot(struct transfer *t)
{
	for (size_t i = 0; i < RANGES_MAX; i++) {
		struct part *part = &t->ranges->parts[i];

		if (part->state == PART_FREE && !part->hop.easy)
			return part;
	}
	return NULL;
}

/* Those that are not there to be judged, and wait for all others. */
static unsigned
front_count(const struct transfer *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < RANGES_MAX; i++)
		n += t->ranges->parts[i].state != PART_FREE &&
		     t->ranges->parts[i].first < t->ranges->end;
	return n;
}

static void
make(struct transfer *t, struct part *part, uint64_t first, uint64_t end)
{
	uint64_t rest = end - first;

	part->first = first;
	part->bytes = rest < t->options->range_bytes ? rest
						     : t->options->range_bytes;
	part->filled = 0;
	part->attempt = 1;
	part->asked_for_time = 0;
	part->state = PART_WAITING;
	part->wake_ms = 0;
	t->pool->used++;
}

/* The next part of the rest, where there is one and room for it. */
static struct part *
next_part(struct transfer *t)
{
	struct ranges *r = t->ranges;
	struct part *part = free_slot(t);

	if (!part || !r->proven || r->next >= r->end ||
	    front_count(t) >= share(t) || t->pool->used >= RANGE_POOL_PARTS)
		return NULL;
	make(t, part, r->next, r->end);
	r->next += part->bytes;
	return part;
}

void
part_begin(struct transfer *t)
{
	struct ranges *r = t->ranges;
	struct part *part = free_slot(t);
	uint64_t end = r->on ? r->end : t->size;

	r->on = true;
	r->next = 0;
	r->end = end;
	r->proven = !t->options->ranges_prove;
	if (r->proven || !part ||
	    end < t->delivered + 2 * (uint64_t)t->options->range_bytes)
		return;
	r->trials++;
	r->end -= t->options->range_bytes;
	make(t, part, r->end, end);
	t->pool->trial = part;
}

bool
part_may_try_again(const struct transfer *t)
{
	const struct ranges *r = t->ranges;

	if (r->proven || !r->undecided || r->trials >= TRIALS_MAX)
		return false;
	for (size_t i = 0; i < RANGES_MAX; i++)
		if (r->parts[i].state == PART_ARRIVED &&
		    r->parts[i].first == r->end)
			return true;
	return false;
}

void
part_drop_passed(struct transfer *t)
{
	for (size_t i = 0; i < RANGES_MAX; i++) {
		struct part *part = &t->ranges->parts[i];

		if (part->state != PART_FREE && t->delivered >= part_end(part))
			part_free(t, part);
	}
	/* (With parts beyond, a gap before the next would never be filled.) */
	if (front_count(t) == 0 &&
	    t->ranges->next < t->delivered + t->options->range_bytes)
		t->ranges->next = t->delivered + t->options->range_bytes;
}

struct part *
part_due(struct transfer *t, int64_t now_ms)
{
	struct part *first = NULL;

	for (size_t i = 0; i < RANGES_MAX; i++) {
		struct part *part = &t->ranges->parts[i];

		if (part->state == PART_WAITING && part->wake_ms <= now_ms &&
		    !part->hop.easy && (!first || part->first < first->first))
			first = part;
	}
	return first ? first : next_part(t);
}
