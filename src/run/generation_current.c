/* SPDX-License-Identifier: Apache-2.0 */
#include "run/generation.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "io/newfile.h"
#include "run/seal.h"

#define FORMAT "\nfitout-current "
#define VERSION_TEXT "1"
#define BYTES_MAX 255

/* A generation's directory, by its name: 3, or 0. */
static int64_t
number_of(const char *name)
{
	char *end;
	long long number;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	errno = 0;
	number = strtoll(name, &end, 10);
	return *end || errno ? 0 : number;
}

static int
compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int
generation_list(const struct state *state, struct arena *arena,
		const int64_t **ret_numbers, size_t *ret_n, struct error *err)
{
	int fd = state_subdirectory(state, "generations", false, err);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int64_t *numbers = NULL;
	size_t n = 0, cap = 0;

	if (!dir) {
		own_close(fd);
		return -1;
	}
	while ((entry = readdir(dir))) {
		int64_t number = number_of(entry->d_name);

		if (number == 0)
			continue;
		if (n == cap) {
			int64_t *more;

			cap = cap ? 2 * cap : 32;
			more = arena_array(arena, cap, sizeof *more);
			if (n)
				memcpy(more, numbers, n * sizeof *more);
			numbers = more;
		}
		numbers[n++] = number;
	}
	if (n)
		qsort(numbers, n, sizeof *numbers, compare_numbers);
	*ret_numbers = numbers;
	*ret_n = n;
	return 0;
}

void
generation_names(const struct state *state, struct str *out)
{
	struct arena arena = ARENA_INIT;
	struct error ignored = ERROR_INIT;
	const int64_t *numbers;
	size_t n = 0;

	if (generation_list(state, &arena, &numbers, &n, &ignored) < 0 ||
	    n == 0)
		str_add(out, "none");
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%lld", i ? ", " : "", (long long)numbers[i]);
	arena_release(&arena);
}

/* ---- current ---- */

static void
current_text(int64_t number, struct str *out)
{
	str_addf(out, "%lld" FORMAT VERSION_TEXT "\n", (long long)number);
	seal_add(out);
}

static int
damaged(const struct state *state, const char *name, struct error *err)
{
	own_str struct str kept = STR_INIT(200);

	generation_names(state, &kept);
	return error_raise(err, ERROR_STATE,
		"%s/generations/%s is damaged: restore it from a copy (the "
		"generations beside it: %s), or move %s away; the next apply "
		"then puts everything there anew, and removes nothing that "
		"was installed before", state->path, name, str_get(&kept),
		state->path);
}

static int
parse(const struct state *state, const char *name, const struct str *text,
      int64_t *ret_number, struct error *err)
{
	struct error probe = ERROR_INIT;
	long long number;
	char *end, version[64], shown[256];
	size_t n;

	errno = 0;
	number = strtoll(str_get(text), &end, 10);
	if (errno || number < 1 || !str_starts(end, FORMAT))
		return damaged(state, name, err);
	end += strlen(FORMAT);
	snprintf(version, sizeof version, "%.*s", (int)strcspn(end, "\n"),
		 end);
	if (strcmp(version, VERSION_TEXT) != 0)
		return error_raise(err, ERROR_STATE,
			"%s/generations/%s has format %s, this fitout reads "
			"%s: use the fitout that wrote it, or a newer one",
			state->path, name,
			str_printable(version, shown, sizeof shown),
			VERSION_TEXT);
	if (seal_check(str_get(text), text->len, name, &n, &probe) < 0)
		return damaged(state, name, err);
	*ret_number = number;
	return 0;
}

/* *RET_NUMBER is 0 when there is no such file. */
static int
read_number(const struct state *state, const char *name, int64_t *ret_number,
	    struct error *err)
{
	own_str struct str text = STR_INIT(BYTES_MAX + 1);
	struct error probe = ERROR_INIT;
	char path[64];

	snprintf(path, sizeof path, "generations/%s", name);
	*ret_number = 0;
	if (file_read_at(state->dirfd, path, BYTES_MAX, &text, &probe) == 0)
		return parse(state, name, &text, ret_number, err);
	if (probe.code == ERROR_LIMIT)
		return damaged(state, name, err);
	if (probe.sys == ENOENT)
		return 0;
	*err = probe;
	return error_in(err, "state directory %s", state->path);
}

int
generation_current(const struct state *state, int64_t *ret_number,
		   struct error *err)
{
	*ret_number = 0;
	if (state->dirfd < 0)
		return 0;
	return read_number(state, "current", ret_number, err);
}

int
generation_make_current(const struct state *state, int64_t number,
			struct error *err)
{
	own_fd int dirfd = state_subdirectory(state, "generations", true, err);
	own_str struct str text = STR_INIT(BYTES_MAX);

	if (dirfd < 0)
		return -1;
	current_text(number, &text);
	if (unlinkat(dirfd, "before", 0) < 0 && errno != ENOENT)
		return error_sys(err, "remove %s/generations/before",
				 state->path);
	if (linkat(dirfd, "current", dirfd, "before", 0) < 0 &&
	    errno != ENOENT)
		return error_sys(err, "keep %s/generations/current",
				 state->path);
	if (newfile_replace(dirfd, "current", text.data, text.len, 0600,
			    err) < 0)
		return error_in(err, "make generation %lld of %s the current "
				"one", (long long)number, state->path);
	return 0;
}

static int
back_to(const struct state *state, int dirfd, int64_t number,
	struct error *err)
{
	int64_t found;

	if (number == 0) {
		if (unlinkat(dirfd, "current", 0) < 0 && errno != ENOENT)
			return error_sys(err, "remove generations/current");
		return 0;
	}
	if (read_number(state, "current", &found, err) < 0)
		return -1;
	if (found == number)
		return 0;
	if (read_number(state, "before", &found, err) < 0)
		return -1;
	if (found != number)
		return error_raise(err, ERROR_STATE, "generations/before is "
				   "not of generation %lld", (long long)number);
	if (renameat(dirfd, "before", dirfd, "current") < 0)
		return error_sys(err, "rename generations/before");
	return 0;
}

int
generation_back_to(const struct state *state, int64_t number,
		   struct error *err)
{
	own_fd int dirfd = state_subdirectory(state, "generations", false, err);

	if (dirfd < 0)
		return -1;
	if (back_to(state, dirfd, number, err) < 0)
		return error_in(err, "go back to generation %lld in %s",
				(long long)number, state->path);
	if (fsync(dirfd) < 0)
		return error_sys(err, "sync %s/generations", state->path);
	return 0;
}
