/* SPDX-License-Identifier: Apache-2.0 */
#include "run/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"
#include "base/path.h"
#include "io/digest.h"
#include "io/newfile.h"
#include "run/generation_named.h"
#include "run/seal.h"
#include "tree/tree.h"

#define HEADER "fitout-generation "
#define VERSION_TEXT "1"
#define MANIFEST_BYTES_MAX ((size_t)1 << 30)
#define ROWS_MAX 100000
#define SETTINGS_BYTES_MAX ((size_t)4 << 20)
#define PROFILE_TEXT_MAX ((size_t)16 << 20)

/* One line of the manifest, cut out of the text (NUL for newline). */
static char *
next_line(char **at)
{
	char *line = *at;
	char *end;

	if (!*line)
		return NULL;
	end = strchr(line, '\n');
	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

static char *
field(char **line)
{
	return strsep(line, " ");
}

/* Before the digest is looked at: another version may end otherwise. */
static int
check_version(const char *text, const char *path, struct error *err)
{
	const char *version = text + strlen(HEADER);
	char found[64], shown[256];

	if (strncmp(text, HEADER, strlen(HEADER)) != 0)
		return error_raise(err, ERROR_STATE,
			"%s is damaged (it does not begin as a generation's "
			"manifest): restore it, or move the state directory "
			"away to start anew", path);
	snprintf(found, sizeof found, "%.*s", (int)strcspn(version, "\n"),
		 version);
	if (strcmp(found, VERSION_TEXT) == 0)
		return 0;
	return error_raise(err, ERROR_STATE,
		"%s has format %s, this fitout reads %s: use the fitout that "
		"wrote it, or a newer one", path,
		str_printable(found, shown, sizeof shown), VERSION_TEXT);
}

/* Move the lines that begin with MARK together, without the mark: the text
 * is edited in place, as one line only gets shorter. */
static char *
gather(char **at, char mark, size_t *ret_n)
{
	char *begin = *at, *out = *at;

	while ((*at)[0] == mark && (*at)[1] == ' ') {
		char *end = strchr(*at, '\n');
		size_t n;

		if (!end)
			break;
		n = (size_t)(end - *at) - 2 + 1;
		memmove(out, *at + 2, n);
		out += n;
		*at = end + 1;
	}
	*ret_n = (size_t)(out - begin);
	return begin;
}

static void
parse_header(struct generation *generation, struct arena *arena, char **at)
{
	size_t n;

	next_line(at);   /* see check_version */
	while (**at && **at != '@' && strncmp(*at, "end ", 4) != 0) {
		const char *key, *says = gather(at, '=', &n);
		char *line;

		if (n) {
			generation->says = arena_dup_n(arena, says, n);
			continue;
		}
		line = next_line(at);
		if (!line)
			break;
		key = field(&line);
		if (strcmp(key, "run") == 0)
			generation->run_id = line;
		else if (strcmp(key, "created") == 0)
			generation->created = line;
		else if (strcmp(key, "kept") == 0) {
			generation->kept_profile = field(&line);
			generation->kept_settings = line;
		} else if (strcmp(key, "profile") == 0) {
			generation->profile_name = field(&line);
			generation->profile_sha256 = line;
		}
	}
}

static const char *
parse_destination(struct arena *arena, char **at)
{
	size_t n;
	char *line = gather(at, '>', &n);

	return n ? arena_dup_n(arena, line, n - 1) : NULL;
}

/* The lines of TEXT (n bytes) as an array. */
static const char *const *
parse_list(struct arena *arena, const char *text, size_t n)
{
	char *copy = arena_dup_n(arena, text, n);
	const char **list;
	size_t lines = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	list = arena_array(arena, lines + 1, sizeof *list);
	while (at < lines)
		list[at++] = strsep(&copy, "\n");
	return list;
}

static void
parse_row(struct arena *arena, char **at, struct generation_row *row)
{
	char *line = next_line(at) + 2;
	char *text;
	size_t n;

	row->kind = field(&line);
	row->name = line ? line : "";
	row->record.destination = parse_destination(arena, at);
	gather(at, '!', &n);
	row->record.created = n > 0;
	text = gather(at, '-', &n);
	row->record.apart = parse_list(arena, text, n);
	text = gather(at, '=', &n);
	row->record.spec = arena_dup_n(arena, text, n);
	row->record.manifest = gather(at, '+', &row->record.manifest_bytes);
}

static void
add_row(struct generation *generation, struct arena *arena, size_t *cap,
	const struct generation_row *row)
{
	if (generation->n == *cap) {
		struct generation_row *rows;

		*cap = *cap ? 2 * *cap : 32;
		rows = arena_array(arena, *cap, sizeof *rows);
		if (generation->n)
			memcpy(rows, generation->rows,
			       generation->n * sizeof *rows);
		generation->rows = rows;
	}
	generation->rows[generation->n++] = *row;
}

static int
parse_rows(struct generation *generation, struct arena *arena, char *at,
	   const char *name, struct error *err)
{
	size_t cap = 0;

	while (at[0] == '@' && at[1] == ' ' && strchr(at, '\n') &&
	       generation->n < ROWS_MAX) {
		struct generation_row row = { 0 };

		parse_row(arena, &at, &row);
		add_row(generation, arena, &cap, &row);
	}
	if (strncmp(at, "end ", 4) != 0)
		return error_raise(err, ERROR_STATE,
				   "%s has a line it should not have", name);
	return 0;
}

int
generation_load(const struct state *state, struct arena *arena,
		int64_t number, struct generation *generation,
		struct error *err)
{
	own_str struct str text = STR_INIT(MANIFEST_BYTES_MAX + 1);
	const char *name, *path;
	char *copy;
	size_t n;

	*generation = (struct generation){ .number = number };
	if (number == 0 &&
	    generation_current(state, &generation->number, err) < 0)
		return -1;
	if (generation->number == 0)
		return 0;
	name = arena_printf(arena, "generations/%lld/manifest",
			    (long long)generation->number);
	path = path_join(arena, state->path, name);
	if (file_read_at(state->dirfd, name, MANIFEST_BYTES_MAX, &text,
			 err) < 0)
		return error_in(err, "state directory %s", state->path);
	if (check_version(str_get(&text), path, err) < 0 ||
	    seal_check(str_get(&text), text.len, path, &n, err) < 0)
		return -1;
	copy = arena_dup_n(arena, text.data, text.len);
	parse_header(generation, arena, &copy);
	return parse_rows(generation, arena, copy, path, err);
}

const struct record *
generation_find(const struct generation *generation, const char *kind,
		const char *name)
{
	for (size_t i = 0; i < generation->n; i++) {
		const struct generation_row *row = &generation->rows[i];

		if (!strcmp(row->kind, kind) && !strcmp(row->name, name))
			return &row->record;
	}
	return NULL;
}

static void
add_marked(struct str *out, const char *mark, const char *lines, size_t n)
{
	const char *end = lines + n;

	while (lines < end) {
		const char *newline = memchr(lines, '\n', (size_t)(end - lines));
		const char *stop = newline ? newline + 1 : end;

		str_add_n(out, mark, 2);
		str_add_n(out, lines, (size_t)(stop - lines));
		if (!newline)
			str_add_n(out, "\n", 1);
		lines = stop;
	}
}

static void
settings_text(const struct generation_source *source, struct str *out)
{
	own_json struct json *settings = json_new_object();

	for (size_t i = 0; i < source->n_settings; i++)
		json_set_text(settings, source->settings[i].name,
			      source->settings[i].value);
	json_print(settings, 1, out);
	str_add(out, "\n");
}

void
generation_begin(struct generation_text *text, const char *run_id,
		 int64_t created_s, const char *profile_name,
		 const char *profile_sha256,
		 const struct generation_source *source)
{
	own_str struct str settings = STR_INIT(SETTINGS_BYTES_MAX);
	struct digest profile_digest, settings_digest;
	char now[32], profile_hex[DIGEST_HEX], settings_hex[DIGEST_HEX];

	settings_text(source, &settings);
	digest_of(source->profile, strlen(source->profile), &profile_digest);
	digest_of(settings.data, settings.len, &settings_digest);
	text->text = (struct str)STR_INIT(MANIFEST_BYTES_MAX);
	str_addf(&text->text, HEADER VERSION_TEXT "\nrun %s\ncreated %s\n"
		 "profile %s %s\nkept %s %s\n", run_id,
		 clock_format_utc(created_s, now, sizeof now),
		 profile_name, profile_sha256,
		 digest_hex(&profile_digest, profile_hex),
		 digest_hex(&settings_digest, settings_hex));
	if (source->says)
		add_marked(&text->text, "= ", source->says,
			   strlen(source->says));
}

bool
generation_same_source(const struct generation *generation,
		       const struct generation_source *source)
{
	own_str struct str settings = STR_INIT(SETTINGS_BYTES_MAX);
	struct digest digest;
	char profile[DIGEST_HEX], set[DIGEST_HEX];

	settings_text(source, &settings);
	digest_of(source->profile, strlen(source->profile), &digest);
	digest_hex(&digest, profile);
	digest_of(settings.data, settings.len, &digest);
	digest_hex(&digest, set);
	return str_equal(generation->kept_profile, profile) &&
	       str_equal(generation->kept_settings, set);
}

bool
generation_same(const struct generation *one, const struct generation *other)
{
	return one->kept_profile && one->kept_settings &&
	       str_equal(one->profile_name, other->profile_name) &&
	       str_equal(one->kept_profile, other->kept_profile) &&
	       str_equal(one->kept_settings, other->kept_settings);
}

void
generation_again(struct generation_text *text,
		 const struct generation *generation)
{
	text->text = (struct str)STR_INIT(MANIFEST_BYTES_MAX);
	str_addf(&text->text, HEADER VERSION_TEXT "\nrun %s\ncreated %s\n"
		 "profile %s %s\nkept %s %s\n", generation->run_id,
		 generation->created, generation->profile_name,
		 generation->profile_sha256, generation->kept_profile,
		 generation->kept_settings);
	if (generation->says)
		add_marked(&text->text, "= ", generation->says,
			   strlen(generation->says));
}

void
generation_add(struct generation_text *text, const char *kind,
	       const char *name, const struct record *record)
{
	str_addf(&text->text, "@ %s %s\n", kind, name);
	if (record->destination)
		str_addf(&text->text, "> %s\n", record->destination);
	if (record->created)
		str_add(&text->text, "! created\n");
	for (const char *const *path = record->apart; path && *path; path++)
		str_addf(&text->text, "- %s\n", *path);
	add_marked(&text->text, "= ", record->spec, strlen(record->spec));
	add_marked(&text->text, "+ ", record->manifest,
		   record->manifest_bytes);
}

static int
write_settings(int dirfd, const struct generation_source *source,
	       struct error *err)
{
	own_str struct str text = STR_INIT(SETTINGS_BYTES_MAX);

	settings_text(source, &text);
	if (text.full)
		return error_raise(err, ERROR_LIMIT,
			"the variables of --set are larger than %zu bytes",
			(size_t)SETTINGS_BYTES_MAX);
	return newfile_put(dirfd, "settings.json", text.data, text.len, 0600,
			   err);
}

static int
write_files(int dirfd, const struct str *manifest,
	    const struct generation_source *source, struct error *err)
{
	if (newfile_put(dirfd, "manifest", manifest->data, manifest->len,
			0600, err) < 0 ||
	    newfile_put(dirfd, "profile.cfg", source->profile,
			strlen(source->profile), 0600, err) < 0 ||
	    write_settings(dirfd, source, err) < 0 ||
	    generation_named_write(dirfd, &source->named, err) < 0)
		return -1;
	return newfile_sync_all(dirfd, err);
}

static int
write_generation(int parentfd, const struct str *manifest, int64_t number,
		 const struct generation_source *source, struct error *err)
{
	char temporary[32], name[32];

	newfile_temporary_name(temporary, sizeof temporary);
	snprintf(name, sizeof name, "%lld", (long long)number);
	if (mkdirat(parentfd, temporary, 0700) < 0)
		return error_sys(err, "make generations/%s", temporary);
	own_fd int dirfd = openat(parentfd, temporary,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return error_sys(err, "open generations/%s", temporary);
	if (write_files(dirfd, manifest, source, err) < 0)
		return -1;
	/* A number that a crashed run wrote but never made current. */
	if (tree_remove(parentfd, name, err) < 0)
		return -1;
	if (renameat(parentfd, temporary, parentfd, name) < 0)
		return error_sys(err, "rename generations/%s to %s", temporary,
				 name);
	if (fsync(parentfd) < 0)
		return error_sys(err, "sync generations");
	return 0;
}

static int
finish_text(struct generation_text *text, struct error *err)
{
	seal_add(&text->text);
	if (text->text.full)
		return error_raise(err, ERROR_LIMIT,
			"the manifest is larger than %zu bytes",
			text->text.max);
	return 0;
}

int
generation_write(const struct state *state, struct generation_text *text,
		 int64_t number, const struct generation_source *source,
		 struct error *err)
{
	own_fd int dirfd = state_subdirectory(state, "generations", true, err);

	if (dirfd < 0 || finish_text(text, err) < 0)
		return -1;
	if (write_generation(dirfd, &text->text, number, source, err) < 0)
		return error_in(err, "record generation %lld in %s",
				(long long)number, state->path);
	return 0;
}

int
generation_rewrite(const struct state *state, struct generation_text *text,
		   int64_t number, struct error *err)
{
	char name[64];

	snprintf(name, sizeof name, "generations/%lld", (long long)number);
	own_fd int dirfd = openat(state->dirfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return error_sys(err, "open %s/%s", state->path, name);
	if (finish_text(text, err) < 0)
		return -1;
	return newfile_replace(dirfd, "manifest", text->text.data,
			       text->text.len, 0600, err);
}

int64_t
generation_recorded_ns(const struct state *state, int64_t number)
{
	char name[64];
	struct stat st;

	/* The manifest may have been written again since, with digests. */
	snprintf(name, sizeof name, "generations/%lld/profile.cfg",
		 (long long)number);
	if (fstatat(state->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return INT64_MIN;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

int
generation_remove(const struct state *state, int64_t number,
		  struct error *err)
{
	own_fd int dirfd = state_subdirectory(state, "generations", true, err);
	char name[32];

	if (dirfd < 0)
		return -1;
	snprintf(name, sizeof name, "%lld", (long long)number);
	if (tree_remove(dirfd, name, err) < 0)
		return error_in(err, "remove generation %lld of %s",
				(long long)number, state->path);
	return 0;
}

void
generation_text_release(struct generation_text *text)
{
	str_release(&text->text);
}

/* What the manifest says of it is what is there, or it is not used. */
static int
read_kept(const struct state *state, struct arena *arena, int64_t number,
	  const char *file, const char *sha256, struct str *out,
	  struct error *err)
{
	char *name = arena_printf(arena, "generations/%lld/%s",
				  (long long)number, file);
	struct digest digest;
	char hex[DIGEST_HEX];

	if (file_read_at(state->dirfd, name, out->max - 1, out, err) < 0)
		return error_in(err, "generation %lld of %s",
				(long long)number, state->path);
	digest_of(out->data, out->len, &digest);
	if (str_equal(digest_hex(&digest, hex), sha256))
		return 0;
	return error_raise(err, ERROR_STATE,
		"%s/%s is damaged (it is not what generation %lld recorded): "
		"restore it, or go back to another generation", state->path,
		name, (long long)number);
}

int
generation_source(const struct state *state, struct arena *arena,
		  int64_t number, struct generation_source *source,
		  struct error *err)
{
	own_str struct str profile = STR_INIT(PROFILE_TEXT_MAX + 1);
	own_str struct str text = STR_INIT(SETTINGS_BYTES_MAX + 1);
	own_json struct json *settings = NULL;
	struct generation generation;
	struct variable *list;

	if (generation_load(state, arena, number, &generation, err) < 0 ||
	    read_kept(state, arena, number, "profile.cfg",
		      generation.kept_profile, &profile, err) < 0 ||
	    read_kept(state, arena, number, "settings.json",
		      generation.kept_settings, &text, err) < 0)
		return -1;
	settings = json_parse(str_get(&text), text.len, err);
	if (!settings)
		return error_in(err, "settings of generation %lld",
				(long long)number);
	list = arena_array(arena, json_count(settings) + 1, sizeof *list);
	for (size_t i = 0; i < json_count(settings); i++) {
		const char *name = json_key(settings, i);

		list[i].name = arena_dup(arena, name);
		list[i].value = arena_dup(arena, json_text(settings, name, ""));
	}
	*source = (struct generation_source){
		.profile = arena_dup_n(arena, str_get(&profile), profile.len),
		.settings = list,
		.n_settings = json_count(settings),
	};
	return generation_named_read(state, arena, &generation, &source->named,
				     err);
}
