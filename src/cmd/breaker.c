/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/breaker.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "cmd/instance.h"
#include "cmd/profile_generation.h"
#include "cmd/profile_text.h"
#include "fetch/fetcher.h"
#include "io/digest.h"
#include "run/freshness.h"
#include "run/generation.h"
#include "run/report.h"
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

/* By its text with all that it includes: what that was is what worked. */
static void
describe(struct options *options, const char *source,
	 const struct profile *profile, struct breaker_choice *choice)
{
	bool whole = !profile->includes;

	choice->text = whole ? profile->original : profile->text;
	choice->n = whole ? profile->original_bytes : strlen(profile->text);
	choice->sha256 = whole ? profile->text_sha256
		: digest_text(options->arena, profile->text);
	choice->file = strcmp(source, "-") == 0 ? "profile.cfg"
		: profile_file_name(options->arena, source);
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

	if (options_state(options, state, &ignored) < 0 ||
	    generation_current(state, &number, &ignored) < 0 || number == 0 ||
	    generation_source(state, options->arena, number, source,
			      &ignored) < 0)
		return 0;
	return number;
}

/* What the run would refuse is nothing to go by: it would be counted, too. */
static int
check_fallback(struct options *options, const struct run_options *run,
	       const struct boot_profile *at_boot,
	       const struct profile *profile, struct error *err)
{
	struct state state = STATE_INIT;
	int result;

	if (at_boot && boot_profile_check_signer(options, at_boot, profile,
						 err) < 0)
		return -1;
	result = options_state(options, &state, err);
	if (result == 0)
		result = freshness_check(profile, &run->freshness, &state,
					 err);
	state_release(&state);
	return result;
}

static int
take_good(struct options *options, const struct profile_request *request,
	  const struct breaker_good *good, const struct boot_profile *at_boot,
	  struct run_options *run, struct breaker_choice *choice,
	  struct error *err)
{
	struct profile_request instead = *request;
	const struct profile *profile;

	instead.source = good->url;
	instead.sha256 = good->sha256;
	if (profile_get(options, &instead, &profile, err) < 0 ||
	    check_fallback(options, run, at_boot, profile, err) < 0)
		return -1;
	run->profile = profile;
	run->recorded = 0;
	describe(options, good->url, profile, choice);
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
	describe(options, "-", profile, choice);
	return 0;
}

/* Is that what this host was last made from? Then nothing need be fetched. */
static bool
is_current(struct options *options, const char *sha256)
{
	struct error ignored = ERROR_INIT;
	struct generation generation = { 0 };
	struct state state = STATE_INIT;
	bool is = options_state(options, &state, &ignored) == 0 &&
		  generation_load(&state, options->arena, 0, &generation,
				  &ignored) == 0 &&
		  generation.number &&
		  str_equal(generation.profile_sha256, sha256);

	state_release(&state);
	return is;
}

static void
fall_back(struct options *options, const struct profile_request *request,
	  const struct breaker_good *good, const struct boot_profile *at_boot,
	  struct run_options *run, struct breaker_choice *choice)
{
	struct error err = ERROR_INIT, ignored = ERROR_INIT;
	const char *given = choice->given_sha256;

	if (!good->url)
		error_raise(&err, ERROR_STATE, "no profile is known to work "
			    "yet");
	choice->instead =
		(good->url && is_current(options, good->sha256) &&
		 take_current(options, run, choice, &ignored) == 0) ||
		(good->url && take_good(options, request, good, at_boot, run,
					choice, &err) == 0) ||
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
    const struct boot_profile *at_boot, struct run_options *run,
    struct breaker_choice *choice)
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
		fall_back(options, request, &good, at_boot, run, choice);
	}
}

static struct breaker_choice *
begin(struct options *options, struct run_options *run)
{
	const struct signal_spec *signal = run->profile->signal;
	struct breaker_choice *choice;

	if (!signal || !signal->breaker || options->root)
		return NULL;
	choice = arena_alloc(options->arena, sizeof(*choice));
	*choice = (struct breaker_choice){ .spec = signal->breaker,
					   .name = run->profile->name };
	run->breaker = choice;
	return choice;
}

void
breaker_choose(struct options *options, const struct profile_request *request,
	       struct run_options *run)
{
	struct breaker_choice *choice = begin(options, run);
	struct generation_source source;
	struct state state = STATE_INIT;
	bool works_here;

	if (!choice)
		return;
	describe(options, request->source, run->profile, choice);
	choice->given_sha256 = choice->sha256;
	works_here = current(options, &state, &source) &&
		     str_equal(source.profile, run->profile->text);
	state_release(&state);
	if (!works_here)
		ask(options, request, NULL, run, choice);
}

/* ---- at boot ---- */

/* Has it ended well here, with the agent? An image has not, nor has who failed
 * at the last boot. */
static bool
has_served(const struct state *state)
{
	struct error ignored = ERROR_INIT;
	own_json struct json *report = report_load(state, &ignored);

	return report && json_bool(report, "gate_open", false) &&
	       strcmp(json_text(report, "outcome", ""), "done") == 0;
}

/* Whether it has served; and where it is signed, but no signature is at hand
 * that others could verify, it is not kept for them. */
static bool
look_at_host(struct options *options, const struct profile *profile,
	     struct breaker_choice *choice)
{
	struct error ignored = ERROR_INIT;
	struct state state = STATE_INIT;
	const char *signer = NULL;
	bool served = false;

	if (options_state(options, &state, &ignored) == 0) {
		served = has_served(&state);
		choice->keeps &= profile->signature ||
			(freshness_signer(&state, choice->name, options->arena,
					  &signer, &ignored) == 0 && !signer);
	}
	state_release(&state);
	return served;
}

void
breaker_choose_at_boot(struct options *options,
		       const struct boot_profile *what,
		       struct run_options *run)
{
	struct profile_request request = { .source = run->profile->source };
	struct breaker_choice *choice = begin(options, run);
	bool served;

	if (!choice)
		return;
	describe(options, what->recorded ? "-" : request.source, run->profile,
		 choice);
	choice->given_sha256 = choice->sha256;
	served = look_at_host(options, run->profile, choice);
	if (!what->recorded || !served)
		ask(options, &request, what, run, choice);
	if (choice->instead)
		run->profile = profile_with_boot_of(options->arena,
						    run->profile,
						    what->profile);
}
