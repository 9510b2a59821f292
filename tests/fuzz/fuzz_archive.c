/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive to a tree: path filter, policy and tree writer. Nothing may
 * change beside the tree, and what is in the tree must be what a walk accepts:
 * no devices, nothing setuid, nothing that others may write.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "io/tree.h"
#include "io/unpack.h"

static const char canary[] = "nobody writes here\n";

static void
set_up(int top)
{
	fuzz_write(top, "canary", canary, sizeof(canary));
	FUZZ_HOLDS(mkdirat(top, "tree", 0700) == 0);
}

static void
look_at_canary(int top)
{
	char text[sizeof(canary) + 1];
	struct stat st;
	unsigned entries = 0;
	struct dirent *entry;
	own_fd int fd = openat(top, "canary", O_RDONLY | O_CLOEXEC);
	DIR *dir = fdopendir(openat(top, ".", O_RDONLY | O_DIRECTORY));

	FUZZ_HOLDS(fd >= 0 && fstat(fd, &st) == 0);
	FUZZ_HOLDS(st.st_mode == (S_IFREG | 0600) && st.st_nlink == 1);
	FUZZ_HOLDS(read(fd, text, sizeof(text)) == sizeof(canary));
	FUZZ_HOLDS(memcmp(text, canary, sizeof(canary)) == 0);
	FUZZ_HOLDS(dir != NULL);
	while ((entry = readdir(dir)))
		entries += entry->d_name[0] != '.';
	closedir(dir);
	FUZZ_HOLDS(entries == 2);
}

static void
look_at_tree(int parent, const char *name, unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	FUZZ_HOLDS(depth < 70);
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		FUZZ_HOLDS(fstatat(fd, entry->d_name, &st,
				   AT_SYMLINK_NOFOLLOW) == 0);
		FUZZ_HOLDS(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
			   S_ISLNK(st.st_mode));
		FUZZ_HOLDS(S_ISLNK(st.st_mode) ||
			   !(st.st_mode & (S_ISUID | S_ISGID | S_IWOTH)));
		if (S_ISDIR(st.st_mode))
			look_at_tree(fd, entry->d_name, depth + 1);
	}
	closedir(dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int top = fuzz_directory();
	struct error err = ERROR_INIT;
	struct unpack_result result = { .magic = 0 };
	struct unpack_options options = {
		.label = "fuzz",
		.policy = unpack_policy_default,
		.tree = { .uid = geteuid(), .gid = getegid() },
	};

	set_up(top);
	options.policy.limits.total_bytes = 4 << 20;
	options.policy.limits.entries = 2000;
	options.policy.limits.window_bytes = 8 << 20;
	{
		own_fd int input = fuzz_file(data, n);
		own_fd int tree = openat(top, "tree", O_RDONLY | O_DIRECTORY);

		options.input_fd = input;
		options.tree_dirfd = tree;
		if (unpack_stream(&options, &result, &err) < 0)
			FUZZ_HOLDS(err.text[0] != '\0');
	}
	look_at_canary(top);
	look_at_tree(top, "tree", 0);
	err = (struct error)ERROR_INIT;
	FUZZ_HOLDS(tree_remove(top, "tree", &err) == 0);
	return 0;
}
