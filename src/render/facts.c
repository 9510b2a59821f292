/* SPDX-License-Identifier: Apache-2.0 */
#include "render/facts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "io/newfile.h"
#include "render/secret.h"

#define ADDRESSES_MAX 100000
#define BESIDE_MAX 1000
#define BESIDE_BYTES_MAX ((size_t)1024 * 1024)

const char *
facts_stand_in(void *context, struct arena *arena, const char *name,
	       struct error *err)
{
	const char *const *region = context;

	(void)arena;
	(void)err;
	if (strcmp(name, "region") == 0 ||
	    strcmp(name, "imds:placement/region") == 0)
		return *region ? *region : FACTS_UNKNOWN_REGION;
	if (strcmp(name, "instance_id") == 0 || str_starts(name, "imds:") ||
	    str_starts(name, "tag:"))
		return FACTS_UNKNOWN;
	return NULL;
}

struct gathering {
	struct arena *arena;
	const struct profile *profile;
	const struct resource *resource;
	VEC(const char *) addresses;
	VEC(struct beside_file) beside;
	struct error *err;
	bool failed;
};

/* ---- addresses ---- */

static void
add_addresses(struct gathering *gathering, const char *const *urls)
{
	for (size_t i = 0; urls && urls[i]; i++)
		/* Cannot fail: a profile is smaller than that. */
		(void)vec_push(&gathering->addresses, urls[i]);
}

static void
gather_addresses(struct gathering *gathering)
{
	const struct resource *resource = gathering->resource;
	struct context context = {
		.arena = gathering->arena,
		.profile = gathering->profile,
		.rootfd = -1,
	};
	const struct step step = {
		.resource = resource,
		.action = ACTION_CREATE,
	};
	struct fetch_source source;

	if (!resource->kind->source ||
	    !resource->kind->source(&context, &step, &source))
		return;
	add_addresses(gathering, source.urls);
	add_addresses(gathering, source.signatures);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
sort_addresses(struct gathering *gathering, struct facts *facts)
{
	const char **list = arena_array(gathering->arena,
					gathering->addresses.n + 1,
					sizeof *list);
	size_t n = 0;

	if (gathering->addresses.n > 0)
		qsort(gathering->addresses.item, gathering->addresses.n,
		      sizeof *list, compare_texts);
	for (size_t i = 0; i < gathering->addresses.n; i++) {
		const char *address = gathering->addresses.item[i];

		if (n == 0 || strcmp(list[n - 1], address) != 0)
			list[n++] = address;
	}
	facts->addresses = list;
	facts->n_addresses = n;
}

/* ---- files beside the profile ---- */

static int
read_beside(struct gathering *gathering, const char *path, struct error *err)
{
	own_str struct str bytes = STR_INIT(BESIDE_BYTES_MAX + 1);
	const char *label = gathering->resource->label;
	const char *full = path;

	if (!gathering->profile->directory)
		return error_raise(err, ERROR_PROFILE,
			"%s: it takes \"%s\" from beside the profile, and the "
			"profile is no file on this host: render it from one",
			label, path);
	if (path_relative_problem(path))
		return error_raise(err, ERROR_PROFILE,
			"%s: \"%s\" lies outside of the profile's directory, "
			"so it cannot be sent along: move it there, or use "
			"content or url", label, path);
	full = path_join(gathering->arena, gathering->profile->directory, path);
	if (file_read_at(AT_FDCWD, full, BESIDE_BYTES_MAX, &bytes, err) < 0)
		return error_in(err, "%s", label);
	for (size_t i = 0; i < gathering->beside.n; i++)
		if (strcmp(gathering->beside.item[i].path, path) == 0)
			return 0;
	if (vec_push(&gathering->beside, ((struct beside_file){
			path, label,
			arena_dup_n(gathering->arena, str_get(&bytes),
				    bytes.len), bytes.len })) < 0)
		return error_raise(err, ERROR_LIMIT, "more than %d files are "
				   "taken from beside the profile", BESIDE_MAX);
	return 0;
}

static void
take_text(void *context, const struct key *key, const char *text)
{
	struct gathering *gathering = context;

	if (gathering->failed)
		return;
	secret_look(gathering->resource->label, key->name, text);
	if ((key->flags & KEY_BESIDE) && text[0] != '/' &&
	    read_beside(gathering, text, gathering->err) < 0)
		gathering->failed = true;
}

static int
compare_paths(const void *a, const void *b)
{
	const struct beside_file *one = a, *other = b;

	return strcmp(one->path, other->path);
}

static void
sort_beside(struct gathering *gathering, struct facts *facts)
{
	size_t n = gathering->beside.n;
	struct beside_file *list = arena_array(gathering->arena, n + 1,
					       sizeof *list);

	if (n > 0) {
		memcpy(list, gathering->beside.item, n * sizeof *list);
		qsort(list, n, sizeof *list, compare_paths);
	}
	facts->beside = list;
	facts->n_beside = n;
}

/* ---- what is large ---- */

static int
compare_parts(const void *a, const void *b)
{
	const struct part *one = a, *other = b;

	if (one->bytes != other->bytes)
		return one->bytes > other->bytes ? -1 : 1;
	return strcmp(one->label, other->label);
}

static void
measure_parts(struct arena *arena, struct facts *facts)
{
	const struct profile *profile = facts->profile;
	struct part *parts = arena_array(arena, profile->n + 1, sizeof *parts);

	for (size_t i = 0; i < profile->n; i++) {
		const struct resource *resource = &profile->resources[i];
		own_str struct str text = STR_INIT((size_t)16 << 20);

		key_describe(resource->kind->keys, resource->spec, &text);
		parts[i] = (struct part){ resource->label, resource->where,
					  text.len };
	}
	if (profile->n > 0)
		qsort(parts, profile->n, sizeof *parts, compare_parts);
	facts->parts = parts;
	facts->n_parts = profile->n;
}

static void
warn_environment(const struct facts *facts)
{
	if (strstr(facts->text, "${env:"))
		log_warning("render.environment", NULL,
			"the profile uses ${env:...}: on an instance it is "
			"the environment of cloud-init, which holds next to "
			"nothing; use --set or vars");
}

static void
look_at_variables(const struct facts *facts)
{
	const struct vars *vars = &facts->profile->vars;

	for (size_t i = 0; i < vars->n; i++)
		secret_look("vars", vars->item[i].name, vars->item[i].value);
	for (size_t i = 0; i < facts->n_beside; i++)
		secret_look(facts->beside[i].label, "source",
			    facts->beside[i].data);
}

static int
gather_resources(struct gathering *gathering, struct facts *facts)
{
	const struct profile *profile = gathering->profile;

	for (size_t i = 0; i < profile->n; i++) {
		gathering->resource = &profile->resources[i];
		gather_addresses(gathering);
		key_each_text(gathering->resource->kind->keys,
			      gathering->resource->spec, take_text, gathering);
		if (gathering->failed)
			return -1;
		if (gathering->resource->kind->phase == PHASE_GATE)
			facts->agent = true;
	}
	sort_addresses(gathering, facts);
	sort_beside(gathering, facts);
	return 0;
}

/* They become part of texts that must be UTF-8. */
static int
check_settings(const struct variable *settings, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = settings[i].value;

		if (!str_is_utf8(value, strlen(value)) ||
		    strpbrk(value, "\r\n"))
			return error_raise(err, ERROR_USAGE,
				"--set %s: its value cannot be part of a "
				"script: it is no line of UTF-8 text",
				settings[i].name);
	}
	return 0;
}

int
facts_gather(struct arena *arena, const struct profile *profile,
	     const struct variable *settings, size_t n_settings,
	     struct facts *ret_facts, struct error *err)
{
	struct gathering gathering = {
		.arena = arena,
		.profile = profile,
		.addresses = VEC_INIT(ADDRESSES_MAX),
		.beside = VEC_INIT(BESIDE_MAX),
		.err = err,
	};
	struct facts facts = {
		.profile = profile,
		.name = profile->name,
		.settings = settings,
		.n_settings = n_settings,
	};
	struct digest digest;
	int status;

	facts.text = arena_printf(arena, "%s\n", profile->text);
	facts.n = strlen(facts.text);
	digest_of(facts.text, facts.n, &digest);
	digest_hex(&digest, facts.sha256);
	if (check_settings(settings, n_settings, err) < 0)
		return -1;
	status = gather_resources(&gathering, &facts);
	vec_release(&gathering.addresses);
	vec_release(&gathering.beside);
	if (status < 0)
		return -1;
	measure_parts(arena, &facts);
	look_at_variables(&facts);
	warn_environment(&facts);
	*ret_facts = facts;
	return 0;
}
