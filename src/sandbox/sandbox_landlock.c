/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (landlock(7)), by number: headers older than a kernel know less
 * than it. The right to do everything it knows of is given up, and what the
 * duty needs given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "sandbox/sandbox_private.h"

/* The same numbers on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SYM = 1 << 12,
	FS_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,          /* ABI 2: links between directories */
	FS_TRUNCATE = 1 << 14,       /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15,      /* ABI 5 */
};
enum { NET_BIND_TCP = 1, NET_CONNECT_TCP = 2 };                 /* ABI 4 */
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1, SCOPE_SIGNAL = 2 };      /* ABI 6 */

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* How much of struct ruleset a kernel of that ABI knows. */
static size_t
ruleset_bytes(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? offsetof(struct ruleset, scoped)
			: offsetof(struct ruleset, net);
}

static struct ruleset
given_up(enum sandbox_duty duty, int abi)
{
	struct ruleset all = { .fs = FS_ABI_1 | FS_REFER };

	if (abi >= 3)
		all.fs |= FS_TRUNCATE;
	if (abi >= 4)
		all.net = NET_BIND_TCP |
			  (duty == SANDBOX_FETCHER ? 0 : NET_CONNECT_TCP);
	if (abi >= 5)
		all.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		all.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return all;
}

static int
give_back(int ruleset, int fd, uint64_t rights)
{
	struct path_rule rule = { .allowed = rights, .parent_fd = fd };

	return (int)syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
}

static int
allow_tree(int ruleset, int tree_dirfd, uint64_t known)
{
	return give_back(ruleset, tree_dirfd,
			 (FS_WRITE_FILE | FS_READ_DIR | FS_REMOVE_FILE |
			  FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM | FS_REFER |
			  FS_TRUNCATE) & known);
}

/*
 * What name resolution and TLS read: names, addresses and certificates; where
 * resolv.conf may be a link to; and, where the C library loads modules for
 * it, these. What is not there, or not for this uid, needs no rule.
 */
static int
allow_path(int ruleset, const char *path)
{
	own_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	return give_back(ruleset, fd, S_ISDIR(st.st_mode)
				      ? FS_READ_FILE | FS_READ_DIR
				      : FS_READ_FILE);
}

static int
allow_reading(int ruleset, const char *another)
{
	static const char *const paths[] = {
		"/etc", "/usr/share/ca-certificates", "/usr/lib/ssl",
		"/usr/local/share/ca-certificates", "/var/lib/ca-certificates",
		"/run/systemd/resolve", "/run/resolvconf", "/run/netconfig",
		"/run/NetworkManager", "/run/connman", "/dev/urandom",
		"/dev/random", "/dev/null", "/nix/store",
#ifdef __GLIBC__
		"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/proc/self",
		"/proc/meminfo", "/proc/cpuinfo",
#endif
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (allow_path(ruleset, paths[i]) < 0)
			return -1;
	return another ? allow_path(ruleset, another) : 0;
}

static int
give_back_duty(int ruleset, const struct sandbox *sandbox, uint64_t known)
{
	switch (sandbox->duty) {
	case SANDBOX_FETCHER:
		return allow_reading(ruleset, sandbox->readable);
	case SANDBOX_UNPACKER:
		return allow_tree(ruleset, sandbox->tree_dirfd, known);
	default:
		return 0;
	}
}

enum taken
sandbox_take_landlock(const struct sandbox *sandbox, int32_t *ret_abi)
{
	int abi = (int)syscall(CREATE_RULESET, NULL, 0,
			       RULESET_VERSION);
	struct ruleset all = given_up(sandbox->duty, abi);
	own_fd int ruleset = -1;

	if (abi < 0)
		return sandbox_not_taken();
	if (abi < 2) {
		errno = ENOSYS;
		return TAKEN_ABSENT;
	}
	ruleset = (int)syscall(CREATE_RULESET, &all, ruleset_bytes(abi), 0);
	if (ruleset < 0)
		return sandbox_not_taken();
	if (give_back_duty(ruleset, sandbox, all.fs) < 0)
		return TAKEN_FAILED;
	if (syscall(RESTRICT_SELF, ruleset, 0) < 0) {
		/* Some container has taken all layers that there are. */
		return errno == E2BIG ? TAKEN_ABSENT : sandbox_not_taken();
	}
	*ret_abi = abi;
	return TAKEN_HELD;
}
