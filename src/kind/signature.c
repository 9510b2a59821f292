/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/signature.h"

#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "sign/sign.h"

#define SUFFIX ".minisig"

bool
signature_wanted(const struct signature_spec *spec)
{
	return spec->urls || spec->keys;
}

void
signature_check(const struct signature_spec *spec, const char *label,
		struct place where, struct problems *problems)
{
	for (size_t i = 0; spec->keys && spec->keys[i]; i++) {
		const char *text = spec->keys[i];
		struct error err = ERROR_INIT;
		struct minisign_key key;

		if (minisign_read_key(text, strlen(text), &key, &err) < 0)
			problems_add(problems, where, "%s: public_key \"%s\" "
				     "%s", label, text, err.text);
	}
}

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

/* Each with the suffix behind its path, before its query (an object's
 * version is not that of its signature). */
static const char *const *
beside(struct arena *arena, const char *const *urls)
{
	size_t n = count(urls);
	const char **made = arena_array(arena, n + 1, sizeof *made);

	for (size_t i = 0; i < n; i++) {
		size_t path = strcspn(urls[i], "?#");

		made[i] = arena_printf(arena, "%.*s" SUFFIX "%s", (int)path,
				       urls[i], str_starts(urls[i], "s3://")
				       ? "" : urls[i] + path);
	}
	return made;
}

/* What the file is called at each of URLS. */
static const char *const *
names_of(struct arena *arena, const char *const *urls)
{
	size_t n = count(urls);
	const char **made = arena_array(arena, n + 1, sizeof *made);

	for (size_t i = 0; i < n; i++)
		made[i] = path_base(arena_dup_n(arena, urls[i],
						strcspn(urls[i], "?#")));
	return made;
}

const char *const *
signature_addresses(struct arena *arena, const struct signature_spec *spec,
		    const char *const *urls)
{
	if (!signature_wanted(spec))
		return NULL;
	return spec->urls ? spec->urls : beside(arena, urls);
}

static int
take_keys(struct trust *trust, const char *const *keys, struct error *err)
{
	trust->n_keys = trust->n_certificates = 0;
	for (size_t i = 0; keys[i]; i++)
		if (trust_add(trust, keys[i], strlen(keys[i]), err) < 0)
			return error_in(err, "public_key \"%s\"", keys[i]);
	return 0;
}

/* *RET_SIGNATURE is NULL when none is asked for. */
static int
expect(const struct context *context, const struct signature_spec *spec,
       const struct stream *stream,
       const struct stream_signature **ret_signature, struct error *err)
{
	struct stream_signature *signature;
	struct trust *trust;

	*ret_signature = NULL;
	if (!signature_wanted(spec))
		return 0;
	trust = arena_alloc(context->arena, sizeof *trust);
	if (context->trust)
		*trust = *context->trust;
	trust->arena = context->arena;
	if (spec->keys && take_keys(trust, spec->keys, err) < 0)
		return -1;
	if (trust->n_keys == 0)
		return error_raise(err, ERROR_TRUST,
			"has a signature and no public_key, and this host "
			"trusts no key of minisign: say public_key, here or in "
			"the section [trust] of fitout.ini");
	signature = arena_alloc(context->arena, sizeof *signature);
	*signature = (struct stream_signature){
		.urls = signature_addresses(context->arena, spec,
					    stream->urls),
		.names = names_of(context->arena, stream->urls),
		.named = !stream->sha256,
		.trust = trust,
	};
	*ret_signature = signature;
	return 0;
}

int
signature_fetch(struct context *context, struct step *step,
		const struct signature_spec *spec, const struct stream *stream,
		struct error *err)
{
	struct stream wanted = *stream;

	wanted.label = step->resource->label;
	if (expect(context, spec, stream, &wanted.signature, err) < 0)
		return -1;
	return context_fetch(context, step, &wanted, err);
}
