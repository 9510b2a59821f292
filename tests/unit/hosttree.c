/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hosttree.h"

static void
new_in(const char *dir, char path[static 64])
{
	snprintf(path, 64, "%s/fitout-unit-XXXXXX", dir);
	assert_non_null(mkdtemp(path));
	assert_int_equal(chmod(path, 0755), 0);
}

void
hosttree_new(char path[static 64])
{
	new_in("/tmp", path);
}

void
hosttree_new_in_memory(char path[static 64])
{
	struct statfs fs;
	bool memory = statfs("/dev/shm", &fs) == 0 &&
		      fs.f_type == TMPFS_MAGIC && access("/dev/shm", W_OK) == 0;

	new_in(memory ? "/dev/shm" : "/tmp", path);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void
hosttree_remove(const char *path)
{
	assert_int_equal(nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS), 0);
}

static int
remove_below(const char *path, const struct stat *st, int type,
	     struct FTW *ftw)
{
	return ftw->level == 0 ? 0 : remove(path);
}

void
hosttree_empty(const char *path)
{
	assert_int_equal(nftw(path, remove_below, 32, FTW_DEPTH | FTW_PHYS),
			 0);
}

static void
make_parents(char *path, size_t from)
{
	for (char *slash = strchr(path + from, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) == 0)
			chmod(path, 0755);
		*slash = '/';
	}
}

static char *
full_path(const char *dir, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	make_parents(path, strlen(dir) + 1);
	return path;
}

void
hosttree_file(const char *dir, const char *name, const char *content,
	      mode_t mode)
{
	const char *path = full_path(dir, name);
	size_t n = strlen(content);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

void
hosttree_dir(const char *dir, const char *name, mode_t mode)
{
	const char *path = full_path(dir, name);

	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	assert_int_equal(chmod(path, mode), 0);
}

void
hosttree_link(const char *dir, const char *name, const char *target)
{
	assert_int_equal(symlink(target, full_path(dir, name)), 0);
}

static void
print_content(const char *path, struct str *out)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, sizeof buf);

	assert_true(fd >= 0 && n >= 0);
	str_add_n(out, buf, (size_t)n);
	close(fd);
}

static void
print_one(const char *path, const char *shown, const struct stat *st,
	  struct str *out)
{
	char target[PATH_MAX];
	ssize_t n;

	str_addf(out, "%s %06o %u:%u ", shown, (unsigned)st->st_mode,
		 (unsigned)st->st_uid, (unsigned)st->st_gid);
	if (S_ISREG(st->st_mode))
		print_content(path, out);
	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof target);
		assert_true(n > 0);
		str_add_n(out, target, (size_t)n);
	}
	str_add(out, "\n");
}

static void
print_below(const char *path, size_t root, struct str *out)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char below[PATH_MAX];
		struct stat st;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			snprintf(below, sizeof below, "%s/%s", path, name);
			assert_int_equal(lstat(below, &st), 0);
			print_one(below, below + root, &st, out);
			if (S_ISDIR(st.st_mode))
				print_below(below, root, out);
		}
		free(names[i]);
	}
	free(names);
}

void
hosttree_print(const char *dir, struct str *out)
{
	str_clear(out);
	print_below(dir, strlen(dir), out);
	assert_false(out->full);
}
