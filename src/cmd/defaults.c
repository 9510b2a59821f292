/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/defaults.h"

#include <errno.h>
#include <string.h>

#include "base/ini.h"
#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/trust.h"
#include "io/newfile.h"
#include "plan/problem.h"

#define DEFAULTS_BYTES_MAX ((size_t)256 * 1024)

static int
set_state(struct options *options, const char *value, struct error *err)
{
	return options_set(options, "state", value, err);
}

static int
set_log_level(struct options *options, const char *value, struct error *err)
{
	return options_set(options, "log-level", value, err);
}

static int
set_progress(struct options *options, const char *value, struct error *err)
{
	return options_set(options, "progress", value, err);
}

static int
set_public_key(struct options *options, const char *value, struct error *err)
{
	return trust_take(&options->trust, value, err);
}

static int
set_revoked(struct options *options, const char *value, struct error *err)
{
	return trust_revoke(&options->trust, value, err) < 0
		? error_in(err, "\"%s\"", value) : 0;
}

static int
set_require_signature(struct options *options, const char *value,
		      struct error *err)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return error_raise(err, ERROR_PROFILE,
				   "\"%s\" is neither true nor false", value);
	options->require_signature = strcmp(value, "true") == 0
		? REQUIRE_ALWAYS : REQUIRE_NEVER;
	return 0;
}

static int
set_serial_jump(struct options *options, const char *value, struct error *err)
{
	int64_t number = 0;
	size_t n = strlen(value);

	if (n < 1 || n > 18 || strspn(value, "0123456789") != n)
		return error_raise(err, ERROR_PROFILE,
			"\"%s\" is no whole number from 1 to 10^18 - 1", value);
	for (const char *at = value; *at; at++)
		number = number * 10 + (*at - '0');
	if (number == 0)
		return error_raise(err, ERROR_PROFILE, "0 would warn of every "
				   "profile");
	options->serial_jump = number;
	return 0;
}

static int
set_imds_v1(struct options *options, const char *value, struct error *err)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return error_raise(err, ERROR_PROFILE,
				   "\"%s\" is neither true nor false", value);
	options->imds_v1 = strcmp(value, "true") == 0;
	return 0;
}

static const struct default_row {
	const char *section, *name;
	bool many;                /* may be said again */
	int (*set)(struct options *options, const char *value,
		   struct error *err);
} rows[] = {
	{ "", "state", false, set_state },
	{ "", "log_level", false, set_log_level },
	{ "", "progress", false, set_progress },
	{ "trust", "public_key", true, set_public_key },
	{ "trust", "revoked", true, set_revoked },
	{ "trust", "require_signature", false, set_require_signature },
	{ "trust", "serial_jump", false, set_serial_jump },
	{ "aws", "imds_v1", false, set_imds_v1 },
};
#define N_ROWS (sizeof rows / sizeof *rows)

static int
unknown(const struct ini_entry *entry, struct error *err)
{
	const char *words[N_ROWS + 1];
	const char *nearest;
	size_t n = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].section, entry->section) == 0)
			words[n++] = rows[i].name;
	words[n] = NULL;
	if (n == 0)
		return error_raise(err, ERROR_PROFILE,
			"unknown section [%s]; there are [trust] and [aws], and keys "
			"before any section", entry->section);
	nearest = problems_nearest(entry->key, words);
	if (nearest)
		return error_raise(err, ERROR_PROFILE,
			"unknown key '%s'; did you mean '%s'?", entry->key,
			nearest);
	return error_raise(err, ERROR_PROFILE,
		"unknown key '%s'%s%s; see fitout.ini(5)", entry->key,
		*entry->section ? " in section " : " before any section",
		entry->section);
}

static const struct ini_entry *
said_before(const struct ini *ini, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(ini->entries[i].section, ini->entries[at].section) &&
		    !strcmp(ini->entries[i].key, ini->entries[at].key))
			return &ini->entries[i];
	return NULL;
}

static int
take(struct options *options, const struct ini *ini, size_t at,
     struct error *err)
{
	const struct ini_entry *entry = &ini->entries[at];
	const struct ini_entry *before = said_before(ini, at);

	for (size_t i = 0; i < N_ROWS; i++) {
		if (strcmp(rows[i].section, entry->section) != 0 ||
		    strcmp(rows[i].name, entry->key) != 0)
			continue;
		if (before && !rows[i].many)
			return error_raise(err, ERROR_PROFILE,
				"%s is said twice (first in line %d)",
				entry->key, before->line);
		return rows[i].set(options, entry->value, err) < 0
			? error_in(err, "%s", entry->key) : 0;
	}
	return unknown(entry, err);
}

int
defaults_read(const char *path, struct options *options, struct error *err)
{
	own_str struct str text = STR_INIT(DEFAULTS_BYTES_MAX + 1);
	const char *name = path ? path : DEFAULTS_FILE;
	own_fd int fd = path_open_guarded(-1, name, err);
	struct ini ini;

	if (fd < 0) {
		if (!path && err->sys == ENOENT)
			return 0;
		err->code = ERROR_PROFILE;
		return -1;
	}
	if (file_read_fd(fd, name, DEFAULTS_BYTES_MAX, &text, err) < 0 ||
	    ini_read(options->arena, name, str_get(&text), text.len, &ini,
		     err) < 0) {
		err->code = ERROR_PROFILE;
		return -1;
	}
	for (size_t i = 0; i < ini.n; i++) {
		if (take(options, &ini, i, err) < 0) {
			err->code = ERROR_PROFILE;
			return error_in(err, "%s:%d", name,
					ini.entries[i].line);
		}
	}
	return 0;
}
