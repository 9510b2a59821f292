/* SPDX-License-Identifier: Apache-2.0 */
#include "run/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/own.h"
#include "base/path.h"
#include "io/newfile.h"
#include "tree/tree.h"

#define DEPTH_MAX 64

enum way {
	REMOVE,              /* entries of the directory that match */
	REMOVE_IN_EACH,      /* the same in each directory of the directory */
	REMOVE_FILE,         /* the same, but no links */
	EMPTY_LOGS,          /* the directory's files, as deep as it goes */
	EMPTY_ID,
};

static const struct row {
	const char *what, *directory, *pattern, *except;
	enum way way;
} rows[] = {
	{ "cloud-init's state", "/var/lib/cloud", "*", "seed", REMOVE },
	{ "the machine id", "/etc", "machine-id", NULL, EMPTY_ID },
	{ "the machine id", "/var/lib/dbus", "machine-id", NULL, REMOVE_FILE },
	{ "random seeds", "/var/lib/systemd", "random-seed", NULL, REMOVE },
	{ "random seeds", "/var/lib/urandom", "random-seed", NULL, REMOVE },
	{ "keys of this host", "/var/lib/systemd", "credential.secret", NULL,
	  REMOVE },
	{ "keys of this host", "/var/lib/NetworkManager", "secret_key", NULL,
	  REMOVE },
	{ "names of network cards", "/etc/udev/rules.d",
	  "70-persistent-net.rules", NULL, REMOVE_FILE },
	{ "ssh host keys", "/etc/ssh", "ssh_host_*", NULL, REMOVE },
	{ "DHCP leases", "/var/lib/dhcp", "*lease*", NULL, REMOVE },
	{ "DHCP leases", "/var/lib/dhclient", "*lease*", NULL, REMOVE },
	{ "DHCP leases", "/var/lib/NetworkManager", "*.lease", NULL, REMOVE },
	{ "logs", "/var/log", NULL, NULL, EMPTY_LOGS },
	{ "the agent's deployments", "/opt/codedeploy-agent/deployment-root",
	  "*", NULL, REMOVE },
	{ "shell histories", "/root", ".*_history", NULL, REMOVE },
	{ "shell histories", "/home", ".*_history", NULL, REMOVE_IN_EACH },
	{ NULL, NULL, NULL, NULL, REMOVE }
};

struct cleaning {
	struct arena *arena;
	size_t n;                /* what went in this row */
	size_t failed;
	struct error *err;       /* the first failure */
};

/* Goes on after a failure: the next thing may be worse to leave. */
static void
failed(struct cleaning *cleaning, const struct error *why)
{
	if (cleaning->failed++ == 0)
		*cleaning->err = *why;
}

static bool
is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static bool
is_link(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

static void
remove_matching(struct cleaning *cleaning, int dirfd, const struct row *row)
{
	own_dir DIR *dir = directory_list(dirfd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct error why = ERROR_INIT;

		if (is_dots(entry->d_name) ||
		    fnmatch(row->pattern, entry->d_name, 0) != 0 ||
		    (row->except && !strcmp(row->except, entry->d_name)) ||
		    (row->way == REMOVE_FILE && is_link(dirfd, entry->d_name)))
			continue;
		if (tree_remove(dirfd, entry->d_name, &why) == 0) {
			cleaning->n++;
		} else {
			error_in(&why, "%s: remove %s/%s", row->what,
				 row->directory, entry->d_name);
			failed(cleaning, &why);
		}
	}
}

static void
remove_in_each(struct cleaning *cleaning, int dirfd, const struct row *row)
{
	own_dir DIR *dir = directory_list(dirfd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		own_fd int fd = is_dots(entry->d_name) ? -1
			: openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY |
				 O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			remove_matching(cleaning, fd, row);
	}
}

/* What is written no more: copies that were rotated, and the journal's. */
static bool
is_old_log(const char *name)
{
	static const char *const patterns[] = {
		"*.gz", "*.xz", "*.bz2", "*.zst", "*.old", "*.[0-9]",
		"*.[0-9][0-9]", "*-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]",
		"*.journal", "*.journal~", NULL
	};

	for (size_t i = 0; patterns[i]; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

static int
empty_log(int dirfd, const char *name, struct error *err)
{
	own_fd int fd = -1;

	if (is_old_log(name))
		return unlinkat(dirfd, name, 0) < 0
			? error_sys(err, "remove %s", name) : 0;
	fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0)
		return error_sys(err, "empty %s", name);
	return 0;
}

static void
empty_logs(struct cleaning *cleaning, int dirfd, const char *path, int depth)
{
	own_dir DIR *dir = directory_list(dirfd);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		struct error why = ERROR_INIT;

		if (is_dots(entry->d_name) ||
		    fstatat(dirfd, entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			own_fd int fd = openat(dirfd, entry->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
				O_CLOEXEC);

			if (fd >= 0)
				empty_logs(cleaning, fd,
					   path_join(cleaning->arena, path,
						     entry->d_name),
					   depth + 1);
			continue;
		}
		if (!S_ISREG(st.st_mode) ||
		    (st.st_size == 0 && !is_old_log(entry->d_name)))
			continue;
		if (empty_log(dirfd, entry->d_name, &why) == 0) {
			cleaning->n++;
		} else {
			error_in(&why, "logs: in %s", path);
			failed(cleaning, &why);
		}
	}
}

static void
empty_id(struct cleaning *cleaning, int dirfd, const struct row *row)
{
	struct error why = ERROR_INIT;
	struct stat directory, id;
	int there = fstatat(dirfd, row->pattern, &id, AT_SYMLINK_NOFOLLOW);

	if (there == 0 && fstat(dirfd, &directory) == 0 &&
	    directory.st_dev != id.st_dev) {
		error_raise(&why, ERROR_SYSTEM, "%s: something is mounted on "
			    "%s/%s; end that first "
			    "(systemd-machine-id-commit)", row->what,
			    row->directory, row->pattern);
		failed(cleaning, &why);
		return;
	}
	if (there == 0 && S_ISREG(id.st_mode) && id.st_size == 0)
		return;
	if (newfile_replace(dirfd, row->pattern, "", 0, 0444, &why) < 0) {
		error_in(&why, "%s: empty %s/%s", row->what, row->directory,
			 row->pattern);
		failed(cleaning, &why);
		return;
	}
	cleaning->n++;
}

static void
clean(struct cleaning *cleaning, int dirfd, const struct row *row)
{
	switch (row->way) {
	case REMOVE:
	case REMOVE_FILE:
		remove_matching(cleaning, dirfd, row);
		break;
	case REMOVE_IN_EACH:
		remove_in_each(cleaning, dirfd, row);
		break;
	case EMPTY_LOGS:
		empty_logs(cleaning, dirfd, row->directory, 0);
		break;
	case EMPTY_ID:
		empty_id(cleaning, dirfd, row);
		break;
	}
	syncfs(dirfd);
}

int
identity_clean(struct arena *arena, int rootfd, struct str *out,
	       struct error *err)
{
	struct cleaning cleaning = { .arena = arena, .err = err };

	for (const struct row *row = rows; row->what; row++) {
		struct error why = ERROR_INIT;
		own_fd int dirfd = path_open_dir(rootfd, row->directory, &why);

		cleaning.n = 0;
		if (dirfd >= 0) {
			clean(&cleaning, dirfd, row);
		} else if (why.sys != ENOENT) {
			error_in(&why, "%s", row->what);
			failed(&cleaning, &why);
		}
		if (row != rows && !strcmp(row->what, row[-1].what) &&
		    !cleaning.n)
			continue;
		str_addf(out, "sealed: %s (%s): ", row->what, row->directory);
		if (cleaning.n)
			str_addf(out, "%zu gone\n", cleaning.n);
		else
			str_add(out, "nothing there\n");
	}
	if (!cleaning.failed)
		return 0;
	if (cleaning.failed > 1)
		error_in(err, "%zu things cannot be cleaned, the first of them",
			 cleaning.failed);
	return -1;
}
