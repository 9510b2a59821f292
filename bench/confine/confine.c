/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine [ROUNDS]
 *
 * What confinement costs: an unpacker with an archive of one small file, and
 * a fetcher that is started and ended, each with and without it, in turns, in
 * one run (the linker's --wrap leaves it out; fitout itself has no such way).
 * And a tree of many files, whose owners the commander sets. tests/confine/deny
 * around it leaves single measures out of the confined half.
 * Prints medians, their difference, and the median of the paired ratios.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"
#include "base/arena.h"
#include "base/own.h"
#include "fetch/fetcher.h"
#include "io/newfile.h"
#include "sandbox/sandbox_private.h"
#include "tree/tree.h"
#include "unpack/unpack.h"

#define MANY_FILES 4000

void __real_sandbox_give_tree(int tree_dirfd);
void __wrap_sandbox_give_tree(int tree_dirfd);

void
__wrap_sandbox_give_tree(int tree_dirfd)
{
	if (!bare)
		__real_sandbox_give_tree(tree_dirfd);
}

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
die(const char *what, const struct error *err)
{
	fprintf(stderr, "confine: %s: %s\n", what, err->text);
	exit(1);
}

/* ---- archives ---- */

static void
put_header(int fd, const char *name, size_t size)
{
	char h[512] = { 0 };
	unsigned sum = 0;

	snprintf(h, 100, "%s", name);
	memcpy(h + 100, "0000644\0000000000\0000000000", 24);
	snprintf(h + 124, 12, "%011zo", size);
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	if (write(fd, h, sizeof(h)) != sizeof(h))
		abort();
}

static int
make_archive(unsigned files)
{
	static const char zeros[1024];
	int fd = memfd_create("archive", MFD_CLOEXEC);

	for (unsigned i = 0; i < files; i++) {
		char name[64];

		snprintf(name, sizeof(name), "d%u/f%u", i / 100, i);
		put_header(fd, name, 512);
		if (write(fd, zeros, 512) != 512)
			abort();
	}
	if (write(fd, zeros, 1024) != 1024)
		abort();
	return fd;
}

/* ---- what is measured ---- */

static int archive_fd, directory_fd;

static double
unpack_once(void)
{
	struct unpacker unpacker = UNPACKER_INIT;
	struct unpack_result result;
	struct error err = ERROR_INIT;
	own_fd int tree = -1;
	double begin, end;

	if (mkdirat(directory_fd, "tree", 0700) < 0)
		abort();
	tree = openat(directory_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lseek(archive_fd, 0, SEEK_SET);
	struct unpack_options options = {
		.label = "bench", .input_fd = archive_fd, .tree_dirfd = tree,
		.policy = unpack_policy_default,
	};
	begin = now_ms();
	if (unpacker_start(&options, &unpacker, &err) < 0 ||
	    unpacker_finish(&unpacker, deadline_in(60000), &result, &err) < 0)
		die("unpack", &err);
	end = now_ms();
	if (tree_remove(directory_fd, "tree", &err) < 0)
		die("clean up", &err);
	return end - begin;
}

static double
fetch_once(void)
{
	/* A closed port of this host: an answer without a server. */
	static const char *const urls[] = { "http://127.0.0.1:9/", NULL };
	struct fetch_request request = {
		.urls = urls, .once = true, .no_proxy = true,
		.deadline = deadline_in(60000),
	};
	double begin = now_ms();
	own_fetcher struct fetcher *f = fetcher_new(&fetcher_options_default);
	struct error err = ERROR_INIT;
	int status;

	if (fetcher_exchange(f, &request, &status, NULL, &err) == 0)
		abort();
	return now_ms() - begin;
}

/* ---- pairs ---- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void
measure(const char *name, double (*once)(void), size_t rounds)
{
	double *with = xcalloc(rounds, sizeof(*with));
	double *without = xcalloc(rounds, sizeof(*without));
	double *ratio = xcalloc(rounds, sizeof(*ratio));
	double a, b;

	for (size_t i = 0; i < 2 * rounds; i++) {
		/* Which comes first changes from pair to pair. */
		bare = (i ^ i >> 1) & 1;
		(bare ? without : with)[i / 2] = once();
	}
	for (size_t i = 0; i < rounds; i++)
		ratio[i] = with[i] / without[i];
	a = median(with, rounds);
	b = median(without, rounds);
	printf("%-22s confined %8.2f ms  bare %8.2f ms  cost %+7.2f ms  "
	       "ratio %.2f\n", name, a, b, a - b, median(ratio, rounds));
	free(with);
	free(without);
	free(ratio);
}

int
main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 40;
	char directory[] = "/tmp/fitout-bench-XXXXXX";

	if (rounds < 1 || !mkdtemp(directory))
		return 2;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	archive_fd = make_archive(1);
	measure("unpacker, 1 file", unpack_once, rounds);
	measure("fetcher", fetch_once, rounds);
	close(archive_fd);
	archive_fd = make_archive(MANY_FILES);
	measure("unpacker, 4000 files", unpack_once, rounds / 5 + 1);
	return rmdir(directory) == 0 ? 0 : 1;
}
