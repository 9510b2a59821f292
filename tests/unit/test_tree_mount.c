/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <grp.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "sandbox/tree_mount.h"
#include "scratch.h"

#define SEEN 65531

static const struct idmap www_data = { SEEN, 33, 4 };

/* A directory of OWNER on the disk, and its mount. */
static struct tree_mount
mount_of(uid_t uid, gid_t gid, const struct idmap *map)
{
	struct tree_mount mount;
	int fd;

	scratch_sh("mkdir t");
	fd = openat(scratch_fd, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, uid, gid), 0);
	tree_mount_open(fd, map, &mount);
	close(fd);
	return mount;
}

/* Here it may be refused: in containers, on old kernels, on overlayfs. */
static void
needs(const struct tree_mount *mount, int idmapped)
{
	if (mount->dirfd >= 0 && (!idmapped || mount->idmap > 0))
		return;
	print_message("# no mount (%s), or not idmapped (%s)\n",
		      strerror(mount->sys), strerror(-mount->idmap));
	skip();
}

/* The errno of ACT in a child that is UID, or 0. */
static int
as(uid_t uid, int (*act)(int dirfd), int dirfd)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			_exit(255);
		_exit(act(dirfd) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
make_some(int dirfd)
{
	struct stat st;
	int fd = openat(dirfd, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0644);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	errno = EPROTO;
	if (st.st_uid != geteuid() || st.st_gid != getegid())
		return -1;
	return mkdirat(dirfd, "d", 0755) < 0 ||
	       symlinkat("f", dirfd, "d/l") < 0 ||
	       linkat(dirfd, "f", dirfd, "d/h", 0) < 0 ? -1 : 0;
}

static void
belongs(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	assert_int_equal(fstatat(scratch_fd, path, &st, AT_SYMLINK_NOFOLLOW),
			 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, gid);
}

static void
what_is_made_belongs_to_another(void **state)
{
	if (geteuid() != 0)
		skip();

	own_tree_mount struct tree_mount mount = mount_of(33, 4, &www_data);

	needs(&mount, 1);
	assert_int_equal(as(SEEN, make_some, mount.dirfd), 0);
	belongs("t/f", 33, 4);
	belongs("t/d", 33, 4);
	belongs("t/d/l", 33, 4);
	belongs("t/d/h", 33, 4);
}

static void
root_in_it_is_not_root_on_the_disk(void **state)
{
	if (geteuid() != 0)
		skip();

	own_tree_mount struct tree_mount mount = mount_of(33, 4, &www_data);

	needs(&mount, 1);
	assert_int_equal(as(0, make_some, mount.dirfd), 0);
	belongs("t/f", SEEN, SEEN);
	belongs("t/d/l", SEEN, SEEN);
}

static void
its_own_number_stays_its_own(void **state)
{
	const struct idmap map = { SEEN, SEEN, 0 };

	if (geteuid() != 0)
		skip();

	own_tree_mount struct tree_mount mount = mount_of(SEEN, 0, &map);

	needs(&mount, 1);
	assert_int_equal(as(SEEN, make_some, mount.dirfd), 0);
	belongs("t/f", SEEN, 0);
}

/* Who is neither cannot make anything: it would have no owner. */
static void
others_make_nothing(void **state)
{
	if (geteuid() != 0)
		skip();

	own_tree_mount struct tree_mount mount = mount_of(33, 4, &www_data);

	needs(&mount, 1);
	assert_int_equal(fchmod(mount.dirfd, 0777), 0);
	assert_int_equal(as(33, make_some, mount.dirfd), EOVERFLOW);
}

static void
there_is_no_way_up_and_no_link_is_followed(void **state)
{
	struct statvfs flags;
	struct stat top, up;

	if (geteuid() != 0)
		skip();

	own_tree_mount struct tree_mount mount = mount_of(0, 0, NULL);

	needs(&mount, 0);
	assert_int_equal(mount.idmap, 0);
	assert_int_equal(fstat(mount.dirfd, &top), 0);
	assert_int_equal(fstatat(mount.dirfd, "../..", &up, 0), 0);
	assert_true(top.st_ino == up.st_ino && top.st_dev == up.st_dev);
	scratch_sh("echo > t/f; ln -s f t/l; ln -s . t/d");
	assert_int_equal(openat(mount.dirfd, "l", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(openat(mount.dirfd, "d/f", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(fstatvfs(mount.dirfd, &flags), 0);
	assert_int_equal(flags.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC),
			 ST_NOSUID | ST_NODEV | ST_NOEXEC);
}

static void
nothing_is_left_of_it(void **state)
{

	if (geteuid() != 0)
		skip();
	scratch_sh("cat /proc/self/mountinfo > before");

	struct tree_mount mount = mount_of(33, 4, &www_data);

	needs(&mount, 1);
	own_cleanup_tree_mount(&mount);
	own_cleanup_tree_mount(&mount);
	assert_int_equal(mount.dirfd, -1);
	/* Not even the namespace's holder. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	scratch_sh("cat /proc/self/mountinfo > after; cmp before after");
}

static void
where_it_cannot_be_it_says_why(void **state)
{
	struct tree_mount mount;
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (geteuid() != 0)
		skip();
	/* A file system that cannot be idmapped: the rest holds. */
	tree_mount_open(fd, &www_data, &mount);
	close(fd);
	needs(&mount, 0);
	assert_int_equal(mount.idmap, -EINVAL);
	own_cleanup_tree_mount(&mount);
	tree_mount_open(-1, &www_data, &mount);
	assert_int_equal(mount.dirfd, -1);
	assert_int_equal(mount.sys, EBADF);
	assert_int_equal(mount.idmap, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(what_is_made_belongs_to_another),
		FRESH(root_in_it_is_not_root_on_the_disk),
		FRESH(its_own_number_stays_its_own),
		FRESH(others_make_nothing),
		FRESH(there_is_no_way_up_and_no_link_is_followed),
		FRESH(nothing_is_left_of_it),
		FRESH(where_it_cannot_be_it_says_why),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
