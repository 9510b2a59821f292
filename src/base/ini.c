/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"

#include <ini.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"

#define TEXT_MAX_BYTES (1 << 20)
#define ENTRIES_MAX 100000
#define LINE_MAX_BYTES (64 * 1024)
/* inih cuts longer names without a word. */
#define SECTION_MAX_BYTES 48

/* Debian's inih takes its settings at run time. One that has them compiled in
 * lacks the variable; the address is NULL then, and the limit is its own. */
extern int ini_max_line __attribute__((weak));

struct reading {
	struct arena *arena;
	const char *name;
	struct error *err;
	bool stopped;             /* *err is filled */
	const char *at, *end;
	int line;                 /* the one that inih has now */
	bool indented;            /* it starts with a blank */
	bool after_heading;       /* no value was read since a [section] */
	VEC(struct ini_entry) entries;
	struct str joined;        /* value of the last entry, when it has
				     several lines */
};

static int
stop(struct reading *reading, enum error_code code, const char *what)
{
	reading->stopped = true;
	return error_raise(reading->err, code, "%s:%d: %s", reading->name,
			   reading->line, what);
}

/* fgets(3) for inih, but a line that is too long is an error instead of two
 * lines. */
static char *
next_line(char *buf, int size, void *stream)
{
	struct reading *reading = stream;
	size_t left = (size_t)(reading->end - reading->at), n = 0;

	if (left == 0 || reading->stopped)
		return NULL;
	reading->line++;
	while (n < left && reading->at[n] != '\n')
		n++;
	if (n < left)
		n++;
	if (n >= (size_t)size) {
		stop(reading, ERROR_LIMIT, "the line is too long");
		return NULL;
	}
	memcpy(buf, reading->at, n);
	buf[n] = '\0';
	reading->at += n;
	reading->indented = buf[0] == ' ' || buf[0] == '\t';
	if (buf[0] == '[')
		reading->after_heading = true;
	return buf;
}

/* An indented line belongs to the value above it. */
static bool
continues(const struct reading *reading, const char *section)
{
	size_t n = reading->entries.n;

	return reading->indented && !reading->after_heading && n > 0 &&
	       strcmp(reading->entries.item[n - 1].section, section) == 0;
}

/* Entries of one section stand together: share its name. */
static const char *
section_name(struct reading *reading, const char *section)
{
	size_t n = reading->entries.n;

	if (n > 0 && strcmp(reading->entries.item[n - 1].section,
			    section) == 0)
		return reading->entries.item[n - 1].section;
	return arena_dup(reading->arena, section);
}

static struct ini_entry *
last_entry(struct reading *reading)
{
	return &reading->entries.item[reading->entries.n - 1];
}

/* How much of VALUE stands before a comment. inih looks for one in the first
 * line only. */
static size_t
without_comment(const char *value)
{
	size_t n = 0;

	while (value[n] && !(value[n] == ';' && n > 0 &&
			     strchr(" \t", value[n - 1])))
		n++;
	while (n > 0 && strchr(" \t\r", value[n - 1]))
		n--;
	return n;
}

static void
join(struct reading *reading, const char *value)
{
	if (reading->joined.len == 0)
		str_add(&reading->joined, last_entry(reading)->value);
	str_add(&reading->joined, "\n");
	str_add_n(&reading->joined, value, without_comment(value));
}

static void
finish_joined(struct reading *reading)
{
	if (reading->joined.len == 0)
		return;
	last_entry(reading)->value = arena_dup_n(reading->arena,
						 str_get(&reading->joined),
						 reading->joined.len);
	str_clear(&reading->joined);
}

/* inih's handler: 1 goes on, 0 marks the line as bad. */
static int
on_value(void *user, const char *section, const char *key, const char *value)
{
	struct reading *reading = user;
	struct ini_entry entry;

	if (reading->stopped)
		return 0;
	if (strlen(section) > SECTION_MAX_BYTES)
		return stop(reading, ERROR_LIMIT, "the name of this section "
			    "is longer than 48 bytes"), 0;
	if (continues(reading, section)) {
		join(reading, value);
		return 1;
	}
	finish_joined(reading);
	reading->after_heading = false;
	entry = (struct ini_entry){
		.section = section_name(reading, section),
		.key = arena_dup(reading->arena, key),
		.value = arena_dup(reading->arena, value),
		.line = reading->line,
	};
	if (vec_push(&reading->entries, entry) < 0)
		return stop(reading, ERROR_LIMIT, "more than 100000 values"),
		       0;
	return 1;
}

static int
check_text(const char *name, const char *text, size_t n, struct error *err)
{
	const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	int line = 1;

	if (n > TEXT_MAX_BYTES)
		return error_raise(err, ERROR_LIMIT,
				   "%s: %zu bytes; at most 1 MiB are read",
				   name, n);
	if (!nul)
		return 0;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	return error_raise(err, ERROR_FORMAT, "%s:%d: a NUL byte: this is not "
			   "an INI file", name, line);
}

static int
parse(struct reading *reading)
{
	int rc;

	if (&ini_max_line)
		ini_max_line = LINE_MAX_BYTES;
	rc = ini_parse_stream(next_line, reading, on_value, reading);
	if (reading->stopped)
		return -1;
	if (rc == -2)
		out_of_memory(LINE_MAX_BYTES);
	reading->line = rc;
	if (rc != 0)
		return stop(reading, ERROR_FORMAT, "neither \"key = value\", a "
			    "[section] nor a comment");
	return 0;
}

int
ini_read(struct arena *arena, const char *name, const char *text, size_t n,
	 struct ini *ret_ini, struct error *err)
{
	struct reading reading = {
		.arena = arena, .name = name, .err = err,
		.at = text, .end = text + n, .entries = VEC_INIT(ENTRIES_MAX),
		.joined = STR_INIT(2 * TEXT_MAX_BYTES),
	};
	struct ini_entry *entries;
	int rc;

	if (check_text(name, text, n, err) < 0)
		return -1;
	rc = parse(&reading);
	if (rc == 0) {
		finish_joined(&reading);
		entries = arena_array(arena, reading.entries.n,
				      sizeof(*entries));
		for (size_t i = 0; i < reading.entries.n; i++)
			entries[i] = reading.entries.item[i];
		*ret_ini = (struct ini){ entries, reading.entries.n };
	}
	vec_release(&reading.entries);
	str_release(&reading.joined);
	return rc;
}

const struct ini_entry *
ini_get(const struct ini *ini, const char *section, const char *key)
{
	for (size_t i = ini->n; i > 0; i--) {
		const struct ini_entry *entry = &ini->entries[i - 1];

		if (strcmp(entry->section, section) == 0 &&
		    strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}
