/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/profile.h"

#include <string.h>

static const struct key autoscaling_keys[] = {
	{ "hook", KEY_TEXT, 0, offsetof(struct autoscaling_spec, hook),
	  .text = "name of the launch lifecycle hook that is answered; "
		  "default: the group's only one" },
	{ "group", KEY_TEXT, 0, offsetof(struct autoscaling_spec, group),
	  .text = "the Auto Scaling group; default: the instance's own" },
	{ "heartbeat", KEY_DURATION, 0,
	  offsetof(struct autoscaling_spec, heartbeat_s),
	  .text = "how often the hook is told that the run goes on; default: "
		  "a third of the time that it waits" },
	{ "on_failure", KEY_TEXT, 0,
	  offsetof(struct autoscaling_spec, on_failure), .fallback = "abandon",
	  .text = "\"abandon\", \"continue\", or \"hold 30m\": wait so long "
		  "for a person, then abandon" },
	{ NULL }
};

static const struct key cloudformation_keys[] = {
	{ "stack", KEY_TEXT, KEY_REQUIRED,
	  offsetof(struct cloudformation_spec, stack),
	  .text = "name or id of the stack" },
	{ "resource", KEY_TEXT, KEY_REQUIRED,
	  offsetof(struct cloudformation_spec, resource),
	  .text = "logical name of the resource that waits" },
	{ NULL }
};

static const struct key drain_keys[] = {
	{ "hook", KEY_TEXT, 0, offsetof(struct drain_spec, hook),
	  .text = "name of the terminating lifecycle hook that is answered; "
		  "default: the group's only one" },
	{ "timeout", KEY_DURATION, 0, offsetof(struct drain_spec, timeout_s),
	  .fallback = "90s",
	  .text = "how long stopping and keeping logs may take" },
	{ "logs", KEY_TEXTS, 0, offsetof(struct drain_spec, logs),
	  .text = "paths of logs that are kept, with * and ?" },
	{ "to", KEY_TEXT, 0, offsetof(struct drain_spec, to),
	  .text = "s3:// or https:// address below which they are put" },
	{ NULL }
};

static const struct key breaker_keys[] = {
	{ "at", KEY_TEXT, KEY_REQUIRED, offsetof(struct breaker_spec, at),
	  .text = "s3:// address below which the record is kept" },
	{ "failures", KEY_NUMBER, 0, offsetof(struct breaker_spec, failures),
	  .fallback = "3",
	  .text = "how many failed runs in the window open the breaker" },
	{ "window", KEY_DURATION, 0, offsetof(struct breaker_spec, window_s),
	  .fallback = "1h",
	  .text = "how long a failure counts, and the breaker stays open after "
		  "the last one" },
	{ NULL }
};

static const char *const console_choices[] = { "auto", "always", "never",
					       NULL };

static const struct key signal_keys[] = {
	{ "autoscaling", KEY_GROUP, 0,
	  offsetof(struct signal_spec, autoscaling), .keys = autoscaling_keys,
	  .group_size = sizeof(struct autoscaling_spec),
	  .text = "answer a lifecycle hook of an Auto Scaling group" },
	{ "cloudformation", KEY_GROUP, 0,
	  offsetof(struct signal_spec, cloudformation),
	  .keys = cloudformation_keys,
	  .group_size = sizeof(struct cloudformation_spec),
	  .text = "signal a resource of a CloudFormation stack" },
	{ "drain", KEY_GROUP, 0, offsetof(struct signal_spec, drain),
	  .keys = drain_keys, .group_size = sizeof(struct drain_spec),
	  .text = "what happens when the instance is to end" },
	{ "breaker", KEY_GROUP, 0, offsetof(struct signal_spec, breaker),
	  .keys = breaker_keys, .group_size = sizeof(struct breaker_spec),
	  .text = "boot the last profile known to work after too many "
		  "failures" },
	{ "evidence", KEY_TEXT, 0, offsetof(struct signal_spec, evidence),
	  .text = "s3:// or https:// address below which the evidence of a "
		  "failed run is put" },
	{ "console", KEY_CHOICE, 0, offsetof(struct signal_spec, console),
	  .choices = console_choices, .fallback = "auto",
	  .text = "whether a failed run writes a frame to /dev/console; auto: "
		  "where standard error is no terminal" },
	{ NULL }
};

const struct key profile_keys[] = {
	{ "fitout", KEY_NUMBER, KEY_REQUIRED,
	  offsetof(struct profile, version),
	  .text = "version of the schema: 1" },
	{ "name", KEY_TEXT, KEY_REQUIRED, offsetof(struct profile, name),
	  .text = "what this profile is called in records and reports: "
		  "letters, digits, '.', '_' and '-', at most 64" },
	{ "budget", KEY_DURATION, 0, offsetof(struct profile, budget_s),
	  .fallback = "15m",
	  .text = "time for the whole run; every wait inside it is bounded "
		  "by it" },
	{ "keep_generations", KEY_NUMBER, 0,
	  offsetof(struct profile, keep_generations), .fallback = "2",
	  .text = "how many generations are kept for rollback" },
	{ "serial", KEY_NUMBER, 0, offsetof(struct profile, serial),
	  .text = "number of this edition: one lower than the last applied is "
		  "refused" },
	{ "expires", KEY_TEXT, 0, offsetof(struct profile, expires),
	  .text = "when this profile stops being good, in UTC: "
		  "2026-12-31T23:59:59Z" },
	{ "signal", KEY_GROUP, 0, offsetof(struct profile, signal),
	  .keys = signal_keys, .group_size = sizeof(struct signal_spec),
	  .text = "who is told how the run ended" },
	{ NULL }
};

void
profile_describe(const struct profile *profile, struct str *out)
{
	struct profile goes_by = *profile;

	goes_by.version = goes_by.serial = 0;
	goes_by.name = goes_by.expires = NULL;
	key_describe(profile_keys, &goes_by, out);
}

const struct resource *
profile_find(const struct profile *profile, const char *kind_name,
	     const char *name)
{
	for (size_t i = 0; i < profile->n; i++) {
		const struct resource *resource = &profile->resources[i];

		if (strcmp(resource->kind->name, kind_name) == 0 &&
		    strcmp(resource->name, name) == 0)
			return resource;
	}
	return NULL;
}

/* Was A said before B? Resources come by kind, not by line. */
static bool
said_before(const struct resource *a, const struct resource *b)
{
	if (str_equal(a->where.file, b->where.file) &&
	    a->where.line != b->where.line)
		return a->where.line < b->where.line;
	return a < b;
}

static bool
same_name(const struct resource *a, const struct resource *b)
{
	return a->kind == b->kind && str_equal(a->name, b->name);
}

static bool
same_destination(const struct resource *a, const struct resource *b)
{
	return a->destination && str_equal(a->destination, b->destination);
}

/* The first that was said before RESOURCE and is the same as it, or NULL. */
static const struct resource *
first_same(const struct profile *profile, const struct resource *resource,
	   bool (*same)(const struct resource *, const struct resource *))
{
	const struct resource *first = NULL;

	for (size_t i = 0; i < profile->n; i++) {
		const struct resource *other = &profile->resources[i];

		if (other != resource && same(resource, other) &&
		    said_before(other, resource) &&
		    (!first || said_before(other, first)))
			first = other;
	}
	return first;
}

static bool
named_by_destination(const struct resource *resource)
{
	return resource->kind->name_key &&
	       str_equal(resource->kind->name_key,
			 resource->kind->destination_key);
}

static void
check_resource(const struct profile *profile, const struct resource *resource,
	       struct problems *problems)
{
	const struct resource *other = first_same(profile, resource,
						  same_destination);
	own_str struct str first = STR_INIT(4200);

	if (other) {
		place_print(resource_place(other,
					   other->kind->destination_key),
			    &first);
		problems_add(problems,
			     resource_place(resource,
					    resource->kind->destination_key),
			     "%s has the same destination as %s: %s (said "
			     "first at %s)", resource->label, other->label,
			     resource->destination, str_get(&first));
		if (named_by_destination(resource))
			return;
		str_clear(&first);
	}
	other = first_same(profile, resource, same_name);
	if (!other)
		return;
	place_print(resource_place(other, other->kind->name_key), &first);
	problems_add(problems,
		     resource_place(resource, resource->kind->name_key),
		     "a second %s; names are unique in %s (said first at %s)",
		     resource->label, resource->kind->block, str_get(&first));
}

void
profile_check(const struct profile *profile, struct problems *problems)
{
	for (size_t i = 0; i < profile->n; i++)
		check_resource(profile, &profile->resources[i], problems);
}
