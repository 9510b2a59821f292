/* SPDX-License-Identifier: Apache-2.0 */
#include "run/freshness.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "io/newfile.h"
#include "sign/sign.h"

#define FILE_NAME "serials"
#define HEADER "fitout-serials 1\n"
#define FILE_BYTES_MAX ((size_t)1 << 20)
#define NAME_LENGTH_MAX 64

struct row {
	char name[NAME_LENGTH_MAX + 1];
	int64_t serial;
	char signer[SIGNER_ID_BYTES];
};

/* ---- the file ---- */

/* The word at *AT, of at most SIZE - 1 bytes, and the END behind it. */
static int
take_word(const char **at, char end, char *word, size_t size)
{
	size_t n = strcspn(*at, " \n");

	if (n == 0 || n >= size || (*at)[n] != end)
		return -1;
	memcpy(word, *at, n);
	word[n] = '\0';
	*at += n + 1;
	return 0;
}

static int
take_row(const char **at, struct row *row)
{
	char number[20];

	if (take_word(at, ' ', row->name, sizeof row->name) < 0 ||
	    take_word(at, ' ', number, sizeof number) < 0 ||
	    take_word(at, '\n', row->signer, sizeof row->signer) < 0 ||
	    strspn(number, "0123456789") != strlen(number))
		return -1;
	row->serial = 0;
	for (const char *digit = number; *digit; digit++)
		if (__builtin_mul_overflow(row->serial, 10, &row->serial) ||
		    __builtin_add_overflow(row->serial, *digit - '0',
					   &row->serial))
			return -1;
	return 0;
}

static int
damaged(const struct state *state, struct error *err)
{
	return error_raise(err, ERROR_STATE,
		"%s/" FILE_NAME " is damaged, or of another version of fitout: "
		"restore it, or remove it to forget which editions of "
		"profiles were applied here", state->path);
}

static int
read_file(const struct state *state, struct str *text, struct error *err)
{
	struct error probe = ERROR_INIT;

	if (state->dirfd < 0)
		return 0;
	if (file_read_at(state->dirfd, FILE_NAME, FILE_BYTES_MAX, text,
			 &probe) < 0) {
		if (probe.sys == ENOENT)
			return 0;
		*err = probe;
		return error_in(err, "state directory %s", state->path);
	}
	if (!str_starts(str_get(text), HEADER) ||
	    strlen(str_get(text)) != text->len)
		return damaged(state, err);
	return 0;
}

/* 1 and the row of NAME, or 0. The other rows go to OTHERS, unless NULL. */
static int
find(const struct state *state, const char *name, struct row *ret_row,
     struct str *others, struct error *err)
{
	own_str struct str text = STR_INIT(FILE_BYTES_MAX + 1);
	const char *at;
	struct row row;
	int found = 0;

	if (read_file(state, &text, err) < 0)
		return -1;
	at = str_get(&text);
	at += *at ? strlen(HEADER) : 0;
	while (*at) {
		const char *begin = at;

		if (take_row(&at, &row) < 0)
			return damaged(state, err);
		if (strcmp(row.name, name) == 0) {
			*ret_row = row;
			found = 1;
		} else if (others) {
			str_add_n(others, begin, (size_t)(at - begin));
		}
	}
	return found;
}

int
freshness_signer(const struct state *state, const char *name,
		 struct arena *arena, const char **ret_signer,
		 struct error *err)
{
	struct row row;
	int found = find(state, name, &row, NULL, err);

	if (found < 0)
		return -1;
	*ret_signer = found && strcmp(row.signer, "-") != 0
		? arena_dup(arena, row.signer) : NULL;
	return 0;
}

int
freshness_save(const struct profile *profile, const struct state *state,
	       struct error *err)
{
	own_str struct str text = STR_INIT(FILE_BYTES_MAX);
	const char *signer = profile->signer ? profile->signer : "-";
	struct row row;
	int found;

	str_add(&text, HEADER);
	found = find(state, profile->name, &row, &text, err);
	if (found < 0)
		return -1;
	if (found ? row.serial == profile->serial &&
		    strcmp(row.signer, signer) == 0
		  : profile->serial == 0)
		return 0;
	str_addf(&text, "%s %" PRId64 " %s\n", profile->name, profile->serial,
		 signer);
	if (text.full)
		return error_raise(err, ERROR_LIMIT,
			"%s/" FILE_NAME " would hold more than %zu bytes",
			state->path, FILE_BYTES_MAX);
	if (newfile_replace(state->dirfd, FILE_NAME, str_get(&text), text.len,
			    0600, err) < 0)
		return error_in(err, "remember the serial of the profile");
	return 0;
}

/* ---- the judgement ---- */

int
freshness_check_expiry(const struct profile *profile,
		       const struct freshness_clock *clock, struct error *err)
{
	int64_t expires, now = clock->now_s;
	char shown[32], built[32];

	if (!profile->expires)
		return 0;
	if (clock_parse_utc(profile->expires, &expires) < 0)
		return error_raise(err, ERROR_BUG, "bad time in the model");
	clock_format_utc(now, shown, sizeof shown);
	if (now < clock->built_s) {
		/* It is at least as late as that. */
		now = clock->built_s;
		log_warning("clock.early", NULL,
			"the clock of this host says %s, and this fitout was "
			"made at %s: whether the profile, which expires at %s, "
			"has expired cannot be told", shown,
			clock_format_utc(clock->built_s, built, sizeof built),
			profile->expires);
	} else if (!clock->synchronised) {
		log_warning("clock.unsynchronised", NULL,
			"no time service keeps the clock of this host right; "
			"by it, %s, the profile, which expires at %s, %s",
			shown, profile->expires,
			now < expires ? "is good" : "has expired");
	}
	if (now < expires)
		return 0;
	return error_raise(err, ERROR_PROFILE,
		"the profile %s expired at %s (the clock of this host says "
		"%s): get its newer edition", profile->name, profile->expires,
		shown);
}

static int
older(const struct profile *profile, const struct row *row,
      const struct freshness_options *options, struct error *err)
{
	if (options->allow_older) {
		log_warning("serial.older", NULL,
			"the profile %s has serial %" PRId64 ", and %" PRId64
			" was applied here: --allow-older lets it pass",
			profile->name, profile->serial, row->serial);
		return 0;
	}
	return error_raise(err, ERROR_PROFILE,
		"the profile %s %s %" PRId64 ", and %" PRId64 " was applied "
		"here: it is an older edition. Get the newer one, or say "
		"--allow-older", profile->name, profile->serial
			? "has serial" : "says no serial, that is",
		profile->serial, row->serial);
}

static int
check_serial(const struct profile *profile,
	     const struct freshness_options *options,
	     const struct state *state, struct error *err)
{
	struct row row;
	int found = find(state, profile->name, &row, NULL, err);

	if (found <= 0)
		return found;
	if (options->trust && trust_has_revoked(options->trust, row.signer)) {
		log_warning("serial.forgotten", NULL,
			"serial %" PRId64 " of the profile %s was set by %s, "
			"which is revoked: it binds no more", row.serial,
			profile->name, row.signer);
		return 0;
	}
	if (profile->serial < row.serial)
		return older(profile, &row, options, err);
	if (profile->serial - row.serial > options->serial_jump)
		log_warning("serial.jump", NULL,
			"the serial of the profile %s leaps from %" PRId64
			" to %" PRId64 ": no edition between them can be "
			"applied after it", profile->name, row.serial,
			profile->serial);
	return 0;
}

int
freshness_check(const struct profile *profile,
		const struct freshness_options *options,
		const struct state *state, struct error *err)
{
	struct freshness_clock clock = {
		.now_s = clock_wall_s(),
		.built_s = BUILT_S,
		.synchronised = profile->expires && clock_is_synchronised(),
	};

	if (freshness_check_expiry(profile, &clock, err) < 0)
		return -1;
	return check_serial(profile, options, state, err);
}
