/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define PATH_MAX_BYTES 4095
#define COMPONENT_MAX_BYTES 255
#define LINKS_MAX 16

static const char *
component_problem(const char *component, size_t n)
{
	if (n == 0)
		return "has an empty component";
	if (n == 1 && component[0] == '.')
		return "has a component \".\"";
	if (n == 2 && component[0] == '.' && component[1] == '.')
		return "has a component \"..\"";
	if (n > COMPONENT_MAX_BYTES)
		return "has a component of more than 255 bytes";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)component[i] < 0x20 || component[i] == 0x7f)
			return "has a control character";
	return NULL;
}

static const char *
components_problem(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");
		const char *problem = component_problem(path, n);

		if (problem)
			return problem;
		if (path[n] == '\0')
			return NULL;
		path += n + 1;
		if (*path == '\0')
			return "ends in a slash";
	}
}

const char *
path_destination_problem(const char *path)
{
	if (path[0] == '\0')
		return "is empty";
	if (path[0] != '/')
		return "is not absolute";
	if (path[1] == '\0')
		return "is the root directory";
	if (strlen(path) > PATH_MAX_BYTES)
		return "is longer than 4095 bytes";
	return components_problem(path + 1);
}

const char *
path_relative_problem(const char *path)
{
	if (path[0] == '\0')
		return "is empty";
	if (path[0] == '/')
		return "is absolute";
	if (strlen(path) > PATH_MAX_BYTES)
		return "is longer than 4095 bytes";
	return components_problem(path);
}

bool
path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

/* A slash sorts before every other byte, so that /a/b comes before /a-b. */
static int
rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : 2 + (unsigned char)c;
}

int
path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (rank(*a) > rank(*b)) - (rank(*a) < rank(*b));
}

const char *
path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *
path_parent(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_dup(arena, ".");
	if (slash == path)
		return arena_dup(arena, "/");
	return arena_dup_n(arena, path, (size_t)(slash - path));
}

char *
path_join(struct arena *arena, const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 0 && a[n - 1] == '/')
		n--;
	while (*b == '/')
		b++;
	return arena_printf(arena, "%.*s/%s", (int)n, a, b);
}

/* A walk down from ROOT: CWD is where it stands, REST what is ahead. */
struct walk {
	int root, cwd;
	int links;
	bool guarded;          /* nobody else may be able to change anything */
	int file;              /* guarded: the last component, opened; or -1 */
	mode_t shared;         /* guarded: of the directory that was looked in
				  last, when others may write to it; or 0 */
	char rest[PATH_MAX];
};

static int
set_cwd(struct walk *walk, int fd)
{
	if (fd < 0)
		return -1;
	drop_fd(&walk->cwd);
	walk->cwd = fd;
	return 0;
}

static int
dup_cloexec(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool
same_node(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int
go_up(struct walk *walk)
{
	if (same_node(walk->cwd, walk->root))
		return 0;
	return set_cwd(walk, openat(walk->cwd, "..",
				    O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Could somebody else have put this link here? */
static int
check_link(const struct walk *walk, const struct stat *link,
	   const char *name, struct error *err)
{
	struct stat dir;
	char shown[128];

	str_printable(name, shown, sizeof(shown));
	if (fstat(walk->cwd, &dir) < 0)
		return error_sys(err, "look at the directory of %s", shown);
	if (!is_ours(link))
		return error_raise(err, ERROR_TRUST,
				   "\"%s\" is a symbolic link of uid %u; "
				   "remove it or give it to root", shown,
				   (unsigned)link->st_uid);
	if (!is_ours(&dir))
		return error_raise(err, ERROR_TRUST,
				   "\"%s\" is a symbolic link in a directory "
				   "of uid %u; name its target instead", shown,
				   (unsigned)dir.st_uid);
	if ((dir.st_mode & S_IWOTH) ||
	    ((dir.st_mode & S_IWGRP) && dir.st_gid != 0))
		return error_raise(err, ERROR_TRUST,
				   "\"%s\" is a symbolic link in a directory "
				   "that others may write to (mode %04o); "
				   "name its target instead", shown,
				   (unsigned)dir.st_mode & 07777);
	return 0;
}

/* Put the target of LINK in front of what is ahead, which is nothing or
 * starts with a slash. */
static int
follow(struct walk *walk, int link, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	size_t ahead = strlen(walk->rest);

	if (n < 0)
		return error_sys(err, "read a symbolic link");
	errno = ELOOP;
	if (++walk->links > LINKS_MAX)
		return error_sys(err, "after %d symbolic links", LINKS_MAX);
	errno = ENAMETOOLONG;
	if ((size_t)n + ahead + 1 > sizeof(walk->rest))
		return error_sys(err, "follow a symbolic link");
	memmove(walk->rest + n, walk->rest, ahead + 1);
	memcpy(walk->rest, target, (size_t)n);
	if (target[0] == '/' && set_cwd(walk, dup_cloexec(walk->root)) < 0)
		return error_sys(err, "return to the root");
	return 0;
}

/* Cut the next component off REST into NAME; false at the end. */
static bool
next_component(struct walk *walk, char name[static PATH_MAX])
{
	size_t skip = strspn(walk->rest, "/");
	size_t n = strcspn(walk->rest + skip, "/");

	memcpy(name, walk->rest + skip, n);
	name[n] = '\0';
	memmove(walk->rest, walk->rest + skip + n,
		strlen(walk->rest + skip + n) + 1);
	return n > 0;
}

/* Could somebody else put something in the place of NAME? */
static int
check_guarded_directory(struct walk *walk, const char *name,
			struct error *err)
{
	struct stat dir;
	char shown[128];

	if (fstat(walk->cwd, &dir) < 0)
		return error_sys(err, "look at a directory");
	walk->shared = dir.st_mode & 022 ? dir.st_mode & 07777 : 0;
	if (is_ours(&dir) && (!walk->shared || (dir.st_mode & S_ISVTX)))
		return 0;
	return error_raise(err, ERROR_TRUST,
			   "the directory that holds \"%s\" belongs to uid %u "
			   "with mode %04o: others can put something else in "
			   "its place, and it decides what runs as root; chown "
			   "root and chmod go-w the directory",
			   str_printable(name, shown, sizeof(shown)),
			   (unsigned)dir.st_uid,
			   (unsigned)dir.st_mode & 07777);
}

/* Nothing is swapped meanwhile: the directory has been checked. */
static int
open_guarded_file(struct walk *walk, const char *name, struct error *err)
{
	struct stat st;
	char shown[128];
	own_fd int fd = openat(walk->cwd, name, O_RDONLY | O_NOFOLLOW |
			       O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	str_printable(name, shown, sizeof(shown));
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "\"%s\"", shown);
	if (!is_ours(&st) || (S_ISREG(st.st_mode) && (st.st_mode & 022)))
		return error_raise(err, ERROR_TRUST,
				   "\"%s\" belongs to uid %u with mode %04o: "
				   "others can write it, and it decides what "
				   "runs as root; chown root and chmod go-w it",
				   shown, (unsigned)st.st_uid,
				   (unsigned)st.st_mode & 07777);
	walk->file = steal_fd(&fd);
	return 0;
}

static int
step(struct walk *walk, const char *name, struct error *err)
{
	char shown[300];
	struct stat st;
	own_fd int fd = -1;

	str_printable(name, shown, sizeof(shown));
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return go_up(walk) < 0 ? error_sys(err, "go up") : 0;
	if (walk->guarded && check_guarded_directory(walk, name, err) < 0)
		return -1;
	fd = openat(walk->cwd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "\"%s\"", shown);
	if (S_ISLNK(st.st_mode))
		return check_link(walk, &st, name, err) < 0
			       ? -1
			       : follow(walk, fd, err);
	errno = ENOTDIR;
	if (!S_ISDIR(st.st_mode) && walk->rest[0] != '\0')
		return error_sys(err, "\"%s\"", shown);
	if (walk->guarded && walk->rest[0] == '\0')
		return open_guarded_file(walk, name, err);
	return set_cwd(walk, steal_fd(&fd));
}

static int
walk_to_end(struct walk *walk, const char *path, struct error *err)
{
	char name[PATH_MAX];

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof(walk->rest))
		return error_sys(err, "%zu bytes", strlen(path));
	memcpy(walk->rest, path, strlen(path) + 1);
	if (set_cwd(walk, dup_cloexec(walk->root)) < 0)
		return error_sys(err, "start at the root");
	while (next_component(walk, name))
		if (step(walk, name, err) < 0)
			return -1;
	return 0;
}

int
path_open_node(int rootfd, const char *path, struct error *err)
{
	own_fd int host = -1;
	struct walk walk = { .root = rootfd, .cwd = -1 };
	char shown[300];

	str_printable(path, shown, sizeof(shown));
	if (rootfd < 0) {
		host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (host < 0)
			return error_sys(err, "open /");
		walk.root = host;
	}
	if (walk_to_end(&walk, path, err) < 0) {
		drop_fd(&walk.cwd);
		return error_in(err, "open %s", shown);
	}
	return walk.cwd;
}

/* PATH as it is seen from "/". */
static int
from_root(const char *path, char full[static PATH_MAX], struct error *err)
{
	char here[PATH_MAX] = "";
	size_t n;

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return error_sys(err, "find the current directory");
	n = strlen(here);
	errno = ENAMETOOLONG;
	if (n + strlen(path) + 2 > PATH_MAX)
		return error_sys(err, "%zu bytes", strlen(path));
	memcpy(full, here, n);
	full[n] = '/';
	memcpy(full + n + 1, path, strlen(path) + 1);
	return 0;
}

/* As path_open_guarded(); *ret_shared: of the directory where it ended. */
static int
open_guarded(int rootfd, const char *path, mode_t *ret_shared,
	     struct error *err)
{
	own_fd int host = -1;
	struct walk walk = { .root = rootfd, .cwd = -1, .guarded = true,
			     .file = -1 };
	char full[PATH_MAX];
	int result;

	if (rootfd < 0) {
		host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (host < 0)
			return error_sys(err, "open /");
		walk.root = host;
	}
	result = from_root(path, full, err);
	if (result == 0)
		result = walk_to_end(&walk, full, err);
	drop_fd(&walk.cwd);
	*ret_shared = walk.shared;
	if (result < 0)
		return -1;
	errno = EISDIR;
	return walk.file < 0 ? error_sys(err, "it") : walk.file;
}

int
path_open_guarded(int rootfd, const char *path, struct error *err)
{
	char shown[300];
	mode_t shared;
	int fd = open_guarded(rootfd, path, &shared, err);

	if (fd < 0)
		error_in(err, "open %s",
			 str_printable(path, shown, sizeof(shown)));
	return fd;
}

int
path_guard(int rootfd, const char *path, struct error *err)
{
	struct error why = ERROR_INIT;
	mode_t shared = 0;
	own_fd int fd = open_guarded(rootfd, path, &shared, &why);
	char shown[300];
	/* A way that the kernel might go to its end, and we did not. */
	bool not_judged = why.sys == ELOOP || why.sys == ENAMETOOLONG;

	if (fd >= 0 || (why.code != ERROR_TRUST && !shared && !not_judged))
		return 0;
	str_printable(path, shown, sizeof(shown));
	if (why.code != ERROR_TRUST && !not_judged)
		return error_raise(err, ERROR_TRUST, "nothing of root's is at "
			"%s, and others may write to the directory that would "
			"hold it (mode %04o): what they put there would run "
			"as root; keep it where only root may write", shown,
			(unsigned)shared);
	*err = why;
	err->code = ERROR_TRUST;
	return error_in(err, "open %s", shown);
}

int
path_open_dir(int rootfd, const char *path, struct error *err)
{
	own_fd int node = path_open_node(rootfd, path, err);
	char shown[300];
	int fd;

	if (node < 0)
		return -1;
	/* An O_PATH descriptor cannot be read or synced: open it anew. */
	fd = openat(node, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open the directory %s",
				 str_printable(path, shown, sizeof(shown)));
	return fd;
}
