/* SPDX-License-Identifier: Apache-2.0 */
#include "run/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "io/newfile.h"
#include "run/generation.h"

#define STARTED "agents started\n"

struct proof {
	int64_t generation;
};

/* A ready file that survived a reboot (a state directory outside /run) must
 * not count: it names the boot that it is true for. */
char *
gate_boot_id(char buf[static GATE_BOOT_ID])
{
	own_fd int fd = open("/proc/sys/kernel/random/boot_id",
			     O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, GATE_BOOT_ID - 1);

	if (n < 0)
		n = 0;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

/* Directory of the gate's file, or -1. */
static int
open_directory(const struct state *state, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int fd = path_open_dir(state->rootfd,
			       path_parent(&arena, state->ready_path), err);

	arena_release(&arena);
	return fd;
}

bool
gate_is_open(const struct state *state)
{
	struct error ignored = ERROR_INIT;
	own_fd int dirfd = open_directory(state, &ignored);
	own_str struct str text = STR_INIT(1024);
	char boot[GATE_BOOT_ID];

	if (dirfd < 0 || file_read_at(dirfd, path_base(state->ready_path), 1000,
				      &text, &ignored) < 0)
		return false;
	gate_boot_id(boot);
	return strstr(str_get(&text), boot) && strstr(str_get(&text), STARTED);
}

int
gate_close(const struct state *state, struct error *err)
{
	struct error probe = ERROR_INIT;
	own_fd int dirfd = open_directory(state, &probe);

	if (dirfd < 0) {
		if (probe.sys == ENOENT)
			return 0;
		*err = probe;
		return error_in(err, "close the gate");
	}
	if (unlinkat(dirfd, path_base(state->ready_path), 0) < 0 &&
	    errno != ENOENT)
		return error_sys(err, "close the gate: remove %s",
				 state->ready_path);
	return 0;
}

int
gate_make_directory(const struct state *state, struct error *err)
{
	struct arena arena = ARENA_INIT;
	const char *parent = path_parent(&arena, state->ready_path);
	own_fd int fd = path_open_dir(state->rootfd,
				      path_parent(&arena, parent), err);
	int result = 0;

	if (fd < 0)
		result = -1;
	else if (mkdirat(fd, path_base(parent), 0755) < 0 && errno != EEXIST)
		result = error_sys(err, "make %s", parent);
	arena_release(&arena);
	return result;
}

int
gate_prove(const struct state *state, struct arena *arena, int64_t generation,
	   const struct proof **ret_proof, struct error *err)
{
	struct proof *proof;
	int64_t current;

	if (generation_current(state, &current, err) < 0)
		return -1;
	if (current != generation || generation < 1)
		return error_raise(err, ERROR_BUG,
			"generation %lld is not recorded (current is %lld)",
			(long long)generation, (long long)current);
	proof = arena_alloc(arena, sizeof *proof);
	proof->generation = generation;
	*ret_proof = proof;
	return 0;
}

int
gate_open(const struct state *state, struct arena *arena, int64_t generation,
	  const struct proof **ret_proof, struct error *err)
{
	own_str struct str text = STR_INIT(1024);
	const struct proof *proof;
	char boot[GATE_BOOT_ID];

	if (gate_prove(state, arena, generation, &proof, err) < 0)
		return error_in(err, "the gate stays closed");
	if (gate_make_directory(state, err) < 0)
		return error_in(err, "open the gate");
	own_fd int dirfd = open_directory(state, err);
	if (dirfd < 0)
		return error_in(err, "open the gate");
	gate_boot_id(boot);
	str_addf(&text, "generation %lld\nboot %s\n", (long long)generation,
		 boot);
	if (newfile_replace(dirfd, path_base(state->ready_path), text.data,
			    text.len, 0644, err) < 0)
		return error_in(err, "open the gate %s", state->ready_path);
	*ret_proof = proof;
	return 0;
}

/* In place and not synced: it matters until this boot ends, no longer. */
int
gate_started(const struct state *state, struct error *err)
{
	own_fd int dirfd = open_directory(state, err);
	own_fd int fd = dirfd < 0 ? -1 : openat(dirfd,
		path_base(state->ready_path),
		O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);

	if (dirfd < 0)
		return -1;
	if (fd < 0)
		return error_sys(err, "open %s", state->ready_path);
	if (write_all(fd, STARTED, strlen(STARTED), err) < 0)
		return error_in(err, "note the start in %s",
				state->ready_path);
	return 0;
}

int64_t
proof_generation(const struct proof *proof)
{
	return proof->generation;
}
