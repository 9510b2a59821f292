/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/breaker.h"

#include <string.h>

#include "base/log.h"
#include "cmd/instance.h"
#include "cmd/profile_generation.h"
#include "cmd/profile_text.h"
#include "io/digest.h"
#include "io/fetcher.h"
#include "run/generation.h"
#include "run/state.h"

#define NAME "signal.breaker"
#define ASK_MS (15 * 1000)

static const char *
digest_text(struct arena *arena, const char *text)
{
	struct digest digest;
	char hex[DIGEST_HEX];

	digest_of(text, strlen(text), &digest);
	return arena_dup(arena, digest_hex(&digest, hex));
}

/* Is TEXT all of it? (A last newline is not in the text of the model.) */
static bool
is_whole(const struct profile *profile)
{
	size_t n = profile->original_bytes, whole = strlen(profile->text);

	while (n > 0 && profile->original[n - 1] == '\n')
		n--;
	while (whole > 0 && profile->text[whole - 1] == '\n')
		whole--;
	return n == whole && memcmp(profile->original, profile->text, n) == 0;
}

/* By its text with all that it includes: what that was is what worked. */
static void
describe(struct options *options, const struct profile_request *request,
	 const struct profile *profile, struct breaker_choice *choice)
{
	bool whole = is_whole(profile);

	choice->text = whole ? profile->original : profile->text;
	choice->n = whole ? profile->original_bytes : strlen(profile->text);
	choice->sha256 = whole ? profile->text_sha256
		: digest_text(options->arena, profile->text);
	choice->file = strcmp(request->source, "-") == 0 ? "profile.cfg"
		: profile_file_name(options->arena, request->source);
	choice->signature = profile->signature;
	choice->signature_bytes = profile->signature_bytes;
	choice->signature_suffix = profile->signature_suffix;
	choice->keeps = whole || !profile->signer;
}

/* The current generation: what it was made from, and its number; 0: none. */
static int64_t
current(struct options *options, struct state *state,
	struct generation_source *source)
{
	struct error ignored = ERROR_INIT;
	int64_t number = 0;

	if (state_open(options->arena, options->root, options->state, false,
		       state, &ignored) < 0 ||
	    generation_current(state, &number, &ignored) < 0 || number == 0 ||
	    generation_source(state, options->arena, number, source,
			      &ignored) < 0)
		return 0;
	return number;
}

static int
take_good(struct options *options, const struct profile_request *request,
	  const struct breaker_good *good, struct run_options *run,
	  struct breaker_choice *choice, struct error *err)
{
	struct profile_request instead = *request;
	const struct profile *profile;

	if (!good->url)
		return error_raise(err, ERROR_STATE, "no profile is known to "
				   "work yet");
	instead.source = good->url;
	instead.sha256 = good->sha256;
	if (profile_get(options, &instead, &profile, err) < 0)
		return -1;
	run->profile = profile;
	describe(options, &instead, profile, choice);
	return 0;
}

/* Its own generation, where it is of another profile. */
static int
take_current(struct options *options, struct run_options *run,
	     struct breaker_choice *choice, struct error *err)
{
	struct state state = STATE_INIT;
	struct generation_source source;
	int64_t number = current(options, &state, &source);
	const struct profile *profile;
	int result = -1;

	if (number && !str_equal(source.profile, run->profile->text))
		result = profile_of_generation(options, &state, number,
					       &profile, err);
	state_release(&state);
	if (result < 0)
		return -1;
	run->profile = profile;
	run->recorded = number;
	describe(options, &(struct profile_request){ .source = "-" }, profile,
		 choice);
	return 0;
}

static void
fall_back(struct options *options, const struct profile_request *request,
	  const struct breaker_good *good, struct run_options *run,
	  struct breaker_choice *choice)
{
	struct error err = ERROR_INIT, ignored = ERROR_INIT;
	const char *given = choice->given_sha256;

	choice->instead = take_good(options, request, good, run, choice,
				    &err) == 0 ||
			  take_current(options, run, choice, &ignored) == 0;
	if (!choice->instead) {
		choice->said = arena_printf(options->arena, "OPEN for profile "
			"%.12s, which has failed too often, but there is no "
			"other to go by (%s): it is tried all the same", given,
			err.text);
		log_error("breaker.nothing", NAME, "%s", choice->said);
		return;
	}
	choice->said = arena_printf(options->arena, "OPEN: profile %.12s has "
		"failed too often; this instance runs profile %.12s, which is "
		"known to work", given, choice->sha256);
	log_warning("breaker.open", NAME, "%s", choice->said);
}

static void
ask(struct options *options, const struct profile_request *request,
    struct run_options *run, struct breaker_choice *choice)
{
	own_fetcher struct fetcher *fetcher =
		fetcher_new(&fetcher_options_default);
	own_aws struct aws *aws = aws_new(fetcher, instance_metadata(options));
	struct error err = ERROR_INIT;
	enum breaker_verdict verdict;
	struct breaker_good good;

	if (breaker_ask(aws, choice, options->arena, deadline_in(ASK_MS),
			&verdict, &good, &err) < 0) {
		choice->said = arena_printf(options->arena, "NOT KNOWN, and "
			"the profile is gone on with: %s", err.text);
		log_warning("breaker.unreachable", NAME, "%s", choice->said);
	} else if (verdict == BREAKER_TRIAL) {
		choice->said = arena_printf(options->arena, "TRIAL: profile "
			"%.12s failed too often; this instance alone tries it "
			"again", choice->given_sha256);
		log_warning("breaker.trial", NAME, "%s", choice->said);
	} else if (verdict == BREAKER_OPEN) {
		fall_back(options, request, &good, run, choice);
	}
}

void
breaker_choose(struct options *options, const struct profile_request *request,
	       struct run_options *run)
{
	const struct signal_spec *signal = run->profile->signal;
	struct breaker_choice *choice;
	struct generation_source source;
	struct state state = STATE_INIT;
	bool works_here;

	if (!signal || !signal->breaker || options->root)
		return;
	choice = arena_alloc(options->arena, sizeof(*choice));
	*choice = (struct breaker_choice){ .spec = signal->breaker,
					   .name = run->profile->name };
	describe(options, request, run->profile, choice);
	choice->given_sha256 = choice->sha256;
	run->breaker = choice;
	works_here = current(options, &state, &source) &&
		     str_equal(source.profile, run->profile->text);
	state_release(&state);
	if (!works_here)
		ask(options, request, run, choice);
}
