/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_part.h"

#include <stddef.h>

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

/* How many parts T may have: its share of the room. One part beside nothing
 * is worth less than the connection there is. */
static unsigned
share(const struct transfer *t)
{
	unsigned n = RANGE_POOL_PARTS / t->pool->wanting;

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

/* The next part of the rest, where there is one and room for it. */
static struct part *
next_part(struct transfer *t)
{
	struct ranges *r = t->ranges;
	struct part *part = free_slot(t);
	uint64_t rest = t->size - r->next;
	unsigned had = part_count(t, false);
	bool room = t->pool->used < RANGE_POOL_PARTS;

	/* Without a connection and without a part it would never end. */
	if (!part || r->next >= t->size || had >= share(t) ||
	    (!room && !(r->alone && had == 0)))
		return NULL;
	part->first = r->next;
	part->bytes = rest < t->options->range_bytes ? rest
						     : t->options->range_bytes;
	part->filled = 0;
	part->attempt = 1;
	part->asked_for_time = 0;
	part->state = PART_WAITING;
	part->wake_ms = 0;
	r->next += part->bytes;
	t->pool->used++;
	return part;
}

/* A trial is to have come before the one connection is there. */
static uint64_t
ahead(const struct transfer *t)
{
	bool proven = !t->options->ranges_prove ||
		      t->ranges->state == RANGES_ON;

	return (proven ? 1 : 2) * (uint64_t)t->options->range_bytes;
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
	if (part_count(t, false) == 0 &&
	    t->ranges->next < t->delivered + ahead(t))
		t->ranges->next = t->delivered + ahead(t);
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
