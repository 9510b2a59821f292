/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile [--bare] reader|unpacker|fetcher ACT|LIE DIRECTORY
 * hostile list
 *
 * The real commander's side and the real confinement around hostile code: it
 * stands where the parser of archives (unpack_read), the writer of trees
 * (unpack_write) or the parser of answers (fetch_serve) is in fitout; the
 * linker takes those from here. Prints
 *
 *	POSSIBLE                  the act was possible
 *	refused: Operation ...    it failed, with this errno
 *	said: ...                 what the commander makes of the process's end
 *
 * --bare leaves the confinement out (the linker's --wrap; fitout itself has
 * no such way): what is refused then was never an act.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acts.h"
#include "bare.h"
#include "base/own.h"
#include "fetch/fetch.h"
#include "fetch/fetch_wire.h"
#include "fetch/fetcher.h"
#include "io/newfile.h"
#include "sandbox/sandbox_private.h"
#include "unpack/member_ring_private.h"
#include "unpack/unpack.h"

#define WAIT_MS 20000

static bool in_reader;         /* the writer is fitout's own then */
static const struct act *act;
static const char *lie;

/* ---- hostile code ---- */

static void
perform(int tree_dirfd, char *text, size_t size)
{
	if (act->perform(tree_dirfd) == 0)
		snprintf(text, size, "POSSIBLE");
	else
		snprintf(text, size, "refused: %s", strerror(errno));
}

/* The pipe by which an unpacker speaks to the commander. */
static int
find_result_fd(const struct member_ring *ring)
{
	struct stat st;

	for (int fd = 3; fd < 1024; fd++)
		if (fd != ring->freed[1] && fstat(fd, &st) == 0 &&
		    S_ISFIFO(st.st_mode) &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
			return fd;
	_exit(99);
}

static void
tell_lie(int fd, size_t message)
{
	volatile uintptr_t nowhere = 8;
	char noise[16384];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7919 >> 3);
	if (!strcmp(lie, "noise"))
		_exit(write(fd, noise, message) < 0);
	if (!strcmp(lie, "part"))
		_exit(write(fd, noise, 10) < 0);
	if (!strcmp(lie, "long"))
		_exit(write(fd, noise, message * 2) < 0);
	if (!strcmp(lie, "flood"))
		while (write(fd, noise, message) > 0)
			continue;
	if (!strcmp(lie, "silent"))
		_exit(0);
	if (!strcmp(lie, "crash"))
		*(volatile int *)nowhere = 1;
	if (!strcmp(lie, "abort"))
		abort();
	_exit(98);
}

/* Of a file in pieces that it leaves to the unpacker to hash. */
static int
claim_digest(struct member_ring *ring)
{
	const struct {
		struct ring_head entry_head;
		struct ring_entry entry;
		char path[2];
	} __attribute__((packed)) entry = {
		{ RING_ENTRY, sizeof(entry) - sizeof(struct ring_head) },
		{ .type = ARCHIVE_FILE, .mode = 0644, .path_bytes = 2 }, "f",
	};
	const struct {
		struct ring_head head;
		struct ring_file_end end;
	} __attribute__((packed)) end = {
		{ RING_FILE_END, sizeof(end.end) }, { .digest_known = 1 },
	};
	uint32_t used = sizeof(entry) + sizeof(end);

	memcpy(ring->memory, &entry, sizeof(entry));
	memcpy(ring->memory + sizeof(entry), &end, sizeof(end));
	return write(ring->filled[1], &used, sizeof(used)) < 0 ? -1 : 0;
}

/* What a reader has to lie by: slots, and their tokens. */
static void
lie_in_ring(struct member_ring *ring)
{
	uint32_t used = RING_SLOT_BYTES;

	for (size_t i = 0; i < (size_t)RING_SLOTS * RING_SLOT_BYTES; i++)
		ring->memory[i] = (char)(i * 7919 >> 3);
	if (!strcmp(lie, "noise"))
		_exit(write(ring->filled[1], &used, sizeof(used)) < 0);
	if (!strcmp(lie, "part"))
		_exit(write(ring->filled[1], &used, 3) < 0);
	if (!strcmp(lie, "digest"))
		_exit(claim_digest(ring) < 0);
	used = UINT32_MAX;
	if (!strcmp(lie, "long"))
		_exit(write(ring->filled[1], &used, sizeof(used)) < 0);
	if (!strcmp(lie, "flood"))
		while (write(ring->filled[1], &used, sizeof(used)) > 0)
			continue;
	tell_lie(-1, 0);
}

int __real_unpack_read(const struct unpack_options *options,
		       struct member_ring *ring);
int __wrap_unpack_read(const struct unpack_options *options,
		       struct member_ring *ring);
int __real_unpack_write(const struct unpack_options *options,
			struct member_ring *ring,
			struct unpack_result *ret_result, struct error *err);
int __wrap_unpack_write(const struct unpack_options *options,
			struct member_ring *ring,
			struct unpack_result *ret_result, struct error *err);

int
__wrap_unpack_read(const struct unpack_options *options,
		   struct member_ring *ring)
{
	struct error err = ERROR_INIT;
	char text[256];

	if (!in_reader)
		return __real_unpack_read(options, ring);
	if (lie)
		lie_in_ring(ring);
	perform(AT_FDCWD, text, sizeof(text));
	error_raise(&err, ERROR_FORMAT, "%s", text);
	return member_ring_fail(ring, &err);
}

int
__wrap_unpack_write(const struct unpack_options *options,
		    struct member_ring *ring, struct unpack_result *ret_result,
		    struct error *err)
{
	char text[256];

	if (in_reader)
		return __real_unpack_write(options, ring, ret_result, err);
	if (lie)
		tell_lie(find_result_fd(ring), sizeof(*ret_result));
	perform(options->tree_dirfd, text, sizeof(text));
	return error_raise(err, ERROR_FORMAT, "%s", text);
}

int
fetch_serve(int socket, const struct fetcher_options *options)
{
	static struct fetch_order order;
	struct pollfd ready = { .fd = socket, .events = POLLIN };
	struct fetch_event event = { .type = FETCH_FAILED, .attempt = 1,
				     .code = ERROR_NETWORK };

	if (poll(&ready, 1, WAIT_MS) <= 0 ||
	    fetch_wire_receive(socket, &order) <= 0)
		return 97;
	if (lie)
		tell_lie(socket, sizeof(event));
	event.id = order.head.id;
	perform(-1, event.text, sizeof(event.text));
	return write(socket, &event, sizeof(event)) != sizeof(event);
}

/* ---- the commander ---- */

/* The texts of an act as they are, all others as what the commander says. */
static void
print_outcome(const char *text)
{
	if (strcmp(text, "POSSIBLE") != 0 && strncmp(text, "refused:", 8) != 0)
		fputs("said: ", stdout);
	puts(text);
}

static int
try_unpacker(const char *directory)
{
	struct unpacker unpacker = UNPACKER_INIT;
	struct unpack_result result;
	struct error err = ERROR_INIT;
	struct unpack_options options = {
		.label = "hostile", .policy = unpack_policy_default,
		.input_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC),
		.tree_dirfd = open(directory, O_RDONLY | O_DIRECTORY |
					      O_CLOEXEC),
	};

	if (options.tree_dirfd < 0 ||
	    unpacker_start(&options, &unpacker, &err) < 0) {
		fprintf(stderr, "hostile: %s: %s\n", directory, err.text);
		return 2;
	}
	if (unpacker_finish(&unpacker, deadline_in(WAIT_MS), &result, &err) < 0)
		print_outcome(err.text);
	else
		puts("said: unpacked");
	return 0;
}

static int
try_fetcher(void)
{
	static const char *const urls[] = { "http://127.0.0.1:9/x", NULL };
	own_fetcher struct fetcher *f = fetcher_new(&fetcher_options_default);
	struct fetch_request request = {
		.urls = urls, .deadline = deadline_in(WAIT_MS),
	};
	struct fetch_event event;
	struct error err = ERROR_INIT;
	uint32_t id;
	int fd, got;

	if (fetcher_open(f, &request, &id, &fd, &err) < 0) {
		print_outcome(err.text);
		return 0;
	}
	while ((got = fetcher_next(f, &event, &err)) == 0) {
		struct pollfd ready = { .fd = fetcher_fd(f), .events = POLLIN };

		if (poll(&ready, 1, WAIT_MS) <= 0)
			return 2;
	}
	print_outcome(got < 0 ? err.text : event.text);
	return 0;
}

/* What bare acts do to mounts and names stays in here. */
static int
keep_to_ourselves(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int
list(void)
{
	static const char *const bares[] = { "works", "depends" };

	for (size_t i = 0; i < n_acts; i++)
		printf("%s %s %s\n", acts[i].name, acts[i].duties,
		       bares[acts[i].bare]);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc > 1 && !strcmp(argv[1], "--bare")) {
		bare = true;
		argc--;
		argv++;
	}
	if (argc != 4)
		return 2;
	for (size_t i = 0; i < n_acts; i++)
		if (!strcmp(acts[i].name, argv[2]))
			act = &acts[i];
	if (!act)
		lie = argv[2];
	if (bare && keep_to_ourselves() < 0)
		return 2;
	in_reader = !strcmp(argv[1], "reader");
	return in_reader || !strcmp(argv[1], "unpacker")
		? try_unpacker(argv[3]) : try_fetcher();
}
