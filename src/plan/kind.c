/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/kind.h"

#include <string.h>

struct place
resource_place(const struct resource *resource, const char *key)
{
	const struct key *keys = resource->kind->keys;

	for (size_t i = 0; key && keys && keys[i].name; i++)
		if (strcmp(keys[i].name, key) == 0 && resource->key_places &&
		    resource->key_places[i].line > 0)
			return resource->key_places[i];
	return resource->where;
}

int
context_fetch(struct context *context, struct step *step,
	      const struct stream *stream, struct error *err)
{
	return context->fetch(context, step, stream, err);
}

const char *
context_limit(const struct context *context, struct deadline deadline,
	      int64_t timeout_s)
{
	if (deadline.at_ms == context->budget.at_ms)
		return arena_printf(context->arena,
				    "the budget of the run (%lld s)",
				    (long long)context->budget_s);
	return arena_printf(context->arena, "its timeout (%lld s)",
			    (long long)timeout_s);
}

void
context_present(struct context *context, const struct present *present)
{
	context->present(context, present);
}

void
context_waiting(struct context *context, const char *what)
{
	if (context->waiting)
		context->waiting(context, what);
}

void
context_output(struct context *context, const char *label, const char *text)
{
	if (context->output)
		context->output(context, label, text);
}

void
context_event(struct context *context, const char *name, const char *resource,
	      int64_t begin_ms, int64_t end_ms, const char *detail)
{
	struct event event = { name, resource, detail, begin_ms, end_ms, 0 };

	context->event(context, &event);
}

void
context_event_tries(struct context *context, const char *name,
		    const char *resource, int64_t begin_ms, int64_t end_ms,
		    unsigned tries)
{
	struct event event = { name, resource, NULL, begin_ms, end_ms, tries };

	if (tries > 1)
		event.detail = arena_printf(context->arena, "%u tries", tries);
	context->event(context, &event);
}
