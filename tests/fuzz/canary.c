/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "canary.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/own.h"
#include "tree/tree.h"

static const char canary[] = "nobody writes here\n";

struct unpack_options
canary_options(void)
{
	struct unpack_options options = {
		.label = "fuzz",
		.policy = unpack_policy_default,
		.tree = { .uid = geteuid(), .gid = getegid() },
	};

	options.policy.limits.total_bytes = 4 << 20;
	options.policy.limits.entries = 2000;
	return options;
}

int
canary_tree_make(int top)
{
	int fd;

	fuzz_write(top, "canary", canary, sizeof(canary));
	FUZZ_HOLDS(mkdirat(top, "tree", 0700) == 0);
	fd = openat(top, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(fd >= 0);
	return fd;
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

void
canary_tree_look(int top)
{
	struct error err = ERROR_INIT;

	look_at_canary(top);
	look_at_tree(top, "tree", 0);
	FUZZ_HOLDS(tree_remove(top, "tree", &err) == 0);
}
