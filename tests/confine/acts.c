/* SPDX-License-Identifier: Apache-2.0 */
#include "acts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTSIDE "/tmp/fitout-hostile"

/* The value of a call that gives a descriptor: closed, and 0. */
static int
got(long fd)
{
	if (fd < 0)
		return -1;
	close((int)fd);
	return 0;
}

static int
opens(const char *path, int flags)
{
	return got(syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600));
}

/* ---- files ---- */

static int read_shadow(int tree) { return opens("/etc/shadow", O_RDONLY); }
static int read_hosts(int tree) { return opens("/etc/hosts", O_RDONLY); }
static int write_passwd(int tree) { return opens("/etc/passwd", O_WRONLY); }
static int append_motd(int tree)
{
	return opens("/etc/hosts", O_WRONLY | O_APPEND);
}
static int create_outside(int tree)
{
	return opens(OUTSIDE "/created", O_WRONLY | O_CREAT | O_EXCL);
}
static int tmpfile_outside(int tree)
{
	return opens("/tmp", O_RDWR | O_TMPFILE);
}
static int read_kernel_memory(int tree) { return opens("/dev/mem", O_RDONLY); }
static int read_kmsg(int tree) { return opens("/dev/kmsg", O_RDONLY); }

static int
read_above_tree(int tree)
{
	return got(syscall(SYS_openat, tree,
			   "../../../../../../../../../etc/shadow",
			   O_RDONLY | O_CLOEXEC));
}

static int
read_through_link(int tree)
{
	if (symlinkat("/etc/shadow", tree, "link") < 0)
		return -1;
	return got(syscall(SYS_openat, tree, "link", O_RDONLY | O_CLOEXEC));
}

static int
truncate_outside(int tree)
{
	return (int)syscall(SYS_truncate, OUTSIDE "/victim", 0L);
}

static int
mkdir_outside(int tree)
{
	return (int)syscall(SYS_mkdirat, AT_FDCWD, OUTSIDE "/directory", 0700);
}

static int
unlink_outside(int tree)
{
	return (int)syscall(SYS_unlinkat, AT_FDCWD, OUTSIDE "/victim", 0);
}

static int
rename_outside(int tree)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, OUTSIDE "/victim",
			    AT_FDCWD, OUTSIDE "/renamed", 0);
}

static int
chmod_outside(int tree)
{
	return (int)syscall(SYS_fchmodat, AT_FDCWD, OUTSIDE "/victim", 0777);
}

static int
chown_outside(int tree)
{
	return (int)syscall(SYS_fchownat, AT_FDCWD, OUTSIDE "/victim", 1, 1, 0);
}

static int
link_from_outside(int tree)
{
	return (int)syscall(SYS_linkat, AT_FDCWD, OUTSIDE "/victim", tree,
			    "victim", 0);
}

static int
symlink_outside(int tree)
{
	return (int)syscall(SYS_symlinkat, "x", AT_FDCWD, OUTSIDE "/symlink");
}

static int
times_outside(int tree)
{
	return (int)syscall(SYS_utimensat, AT_FDCWD, OUTSIDE "/victim", NULL, 0);
}

static int
make_device(int tree)
{
	return (int)syscall(SYS_mknodat, tree, "null", S_IFCHR | 0666, 0x103);
}

static int
make_fifo(int tree)
{
	return (int)syscall(SYS_mknodat, tree, "fifo", S_IFIFO | 0600, 0);
}

/* 0 when FD has one of the bits. */
static int
is_special(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	close(fd);
	errno = EPERM;
	return st.st_mode & 07000 ? 0 : -1;
}

static int
create_setuid(int tree)
{
	int fd = (int)syscall(SYS_openat, tree, "suid",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 04755);

	return fd < 0 ? -1 : is_special(fd);
}

static int
chmod_setuid(int tree)
{
	int fd = (int)syscall(SYS_openat, tree, "suid2",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	if (fd < 0 || syscall(SYS_fchmod, fd, 06755) < 0)
		return -1;
	return is_special(fd);
}

static int
mkdir_sticky(int tree)
{
	if (syscall(SYS_mkdirat, tree, "sticky", 01777) < 0)
		return -1;
	return is_special(openat(tree, "sticky", O_RDONLY | O_CLOEXEC));
}

static int
give_to_root(int tree)
{
	int fd = (int)syscall(SYS_openat, tree, "roots",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	return fd < 0 ? -1 : (int)syscall(SYS_fchown, fd, 12, 12);
}

static int
set_file_capability(int tree)
{
	uint32_t cap[5] = { 0x02000001, 1, 0, 0, 0 };
	int fd = (int)syscall(SYS_openat, tree, "capable",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	return fd < 0 ? -1 : (int)syscall(SYS_fsetxattr, fd,
					  "security.capability", cap,
					  sizeof(cap), 0);
}

static int
write_huge(int tree)
{
	int fd = (int)syscall(SYS_openat, tree, "huge",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : (int)syscall(SYS_ftruncate, fd, 1L << 40);
}

/* ---- where a reader is: what an unpacker may do in its tree ---- */

static int
create_here(int tree)
{
	return got(syscall(SYS_openat, tree, "created",
			   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int
mkdir_here(int tree)
{
	return (int)syscall(SYS_mkdirat, tree, "made", 0700);
}

static int
symlink_here(int tree)
{
	return (int)syscall(SYS_symlinkat, "/etc", tree, "link");
}

static int
link_here(int tree)
{
	return (int)syscall(SYS_linkat, AT_FDCWD, "/proc/self/fd/3", tree,
			    "hard", AT_SYMLINK_FOLLOW);
}

static int list_here(int tree)
{
	return opens(".", O_RDONLY | O_DIRECTORY);
}
static int list_root(int tree)
{
	return opens("/", O_RDONLY | O_DIRECTORY);
}

static int
look_at_root(int tree)
{
	struct stat st;

	return (int)syscall(SYS_newfstatat, AT_FDCWD, "/", &st, 0);
}

static int
write_above_root(int tree)
{
	return got(syscall(SYS_openat, AT_FDCWD,
			   "../../../../../../../.." OUTSIDE "/above",
			   O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int
duplicate_to_lowest(int tree)
{
	return got(syscall(SYS_dup, 0));
}

static int
open_by_handle(int tree)
{
	struct { struct file_handle head; unsigned char f[128]; } h;
	int mount_id;

	h.head.handle_bytes = sizeof(h.f);
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, "/etc", &h, &mount_id,
		    0) < 0)
		return -1;
	return got(syscall(SYS_open_by_handle_at,
			   open("/", O_RDONLY | O_CLOEXEC), &h, O_RDONLY));
}

/* ---- the network ---- */

static int
makes_socket(int family, int type, int protocol)
{
	return got(syscall(SYS_socket, family, type | SOCK_CLOEXEC, protocol));
}

static int tcp_socket(int t) { return makes_socket(AF_INET, SOCK_STREAM, 0); }
static int tcp6_socket(int t) { return makes_socket(AF_INET6, SOCK_STREAM, 0); }
static int udp_socket(int t) { return makes_socket(AF_INET, SOCK_DGRAM, 0); }
static int raw_socket(int t)
{
	return makes_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static int packet_socket(int t)
{
	return makes_socket(AF_PACKET, SOCK_RAW, htons(3));
}
static int netlink_socket(int t) { return makes_socket(AF_NETLINK, SOCK_RAW, 0); }
static int unix_socket(int t) { return makes_socket(AF_UNIX, SOCK_STREAM, 0); }
static int unix_datagram_pair(int t)
{
	int fds[2];

	return (int)syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, fds);
}
static int vsock_socket(int t) { return makes_socket(AF_ALG, SOCK_SEQPACKET, 0); }

static int
connects(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
			      0);

	if (fd < 0)
		return -1;
	if (syscall(SYS_connect, fd, &to, sizeof(to)) == 0 ||
	    errno == ECONNREFUSED)
		return 0;
	return -1;
}

static int connect_tcp(int tree) { return connects(); }

static int
listens(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
			      0);

	if (fd < 0 || syscall(SYS_bind, fd, &at, sizeof(at)) < 0)
		return -1;
	return (int)syscall(SYS_listen, fd, 1);
}

static int listen_tcp(int tree) { return listens(0); }
static int bind_low_port(int tree) { return listens(901); }

static int
raise_an_interface(int tree)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : (int)syscall(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
}

/* ---- programs and processes ---- */

static int
execute(int tree)
{
	static char name[] = "true", *const argv[] = { name, NULL };

	/* What it does is end with 0: see hostile.c. */
	return (int)syscall(SYS_execve, "/bin/true", argv, argv + 1);
}

static int
execute_from_memory(int tree)
{
	static char name[] = "x", *const argv[] = { name, NULL };
	int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int fd = (int)syscall(SYS_memfd_create, "x", 0);
	char block[4096];
	ssize_t n;

	while (fd >= 0 && from >= 0 && (n = read(from, block, sizeof(block))) > 0)
		if (write(fd, block, (size_t)n) != n)
			return -1;
	return (int)syscall(SYS_execveat, fd, "", argv, argv + 1,
			    AT_EMPTY_PATH);
}

static int
execute_from_tree(int tree)
{
	static char name[] = "x", *const argv[] = { name, NULL };
	int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int fd = (int)syscall(SYS_openat, tree, "program",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char block[4096];
	ssize_t n;

	while (fd >= 0 && from >= 0 && (n = read(from, block, sizeof(block))) > 0)
		if (write(fd, block, (size_t)n) != n)
			return -1;
	close(fd);
	return (int)syscall(SYS_execveat, tree, "program", argv, argv + 1, 0);
}

static int
forks(long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -1;
	waitpid((pid_t)pid, NULL, 0);
	return 0;
}

static int fork_plain(int tree) { return forks(0); }
static int fork_newuser(int tree) { return forks(CLONE_NEWUSER); }

static int
fork_by_clone3(int tree)
{
	uint64_t args[8] = { [4] = SIGCHLD };
	long pid = syscall(SYS_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static int
trace_parent(int tree)
{
	if (ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0)
		return -1;
	return 0;
}

static int kill_parent(int t) { return (int)syscall(SYS_kill, getppid(), 0); }
static int kill_init(int t) { return (int)syscall(SYS_kill, 1, 0); }
static int kill_everyone(int t) { return (int)syscall(SYS_kill, -1, 0); }

static int
signal_parent_by_thread(int tree)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int
queue_signal_to_parent(int tree)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	return (int)syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info);
}

static int
signals_by_owner(int tree)
{
	int fds[2];

	if (pipe(fds) < 0)
		return -1;
	return fcntl(fds[0], F_SETOWN, getppid());
}

static int
read_parents_memory(int tree)
{
	char byte;
	struct iovec ours = { &byte, 1 }, theirs = { (void *)&acts, 1 };

	return syscall(SYS_process_vm_readv, getppid(), &ours, 1L, &theirs, 1L,
		       0L) < 0 ? -1 : 0;
}

static int
write_parents_memory(int tree)
{
	static char byte = 'x';
	struct iovec ours = { &byte, 1 }, theirs = { &byte, 1 };

	return syscall(SYS_process_vm_writev, getppid(), &ours, 1L, &theirs, 1L,
		       0L) < 0 ? -1 : 0;
}

static int
opens_of_parent(const char *what, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), what);
	return opens(path, flags);
}

static int read_init_memory(int t) { return opens("/proc/1/mem", O_RDONLY); }
static int read_environment(int t)
{
	return opens_of_parent("environ", O_RDONLY);
}
static int write_memory(int t) { return opens_of_parent("mem", O_RDWR); }
static int list_descriptors(int t)
{
	return opens_of_parent("fd", O_RDONLY | O_DIRECTORY);
}

static int
take_parents_descriptor(int tree)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	return pidfd < 0 ? -1 : got(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

static int
limit_parent(int tree)
{
	struct rlimit limit;

	if (syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, NULL, &limit) < 0)
		return -1;
	return (int)syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, &limit,
			    NULL);
}

static int
slow_parent_down(int tree)
{
	return (int)syscall(SYS_setpriority, PRIO_PROCESS, getppid(), 0);
}

static int
schedule_parent(int tree)
{
	unsigned long all[16];
	long n = syscall(SYS_sched_getaffinity, getppid(), sizeof(all), all);

	return n < 0 ? -1 : (int)syscall(SYS_sched_setaffinity, getppid(), n,
					 all);
}

/* ---- rights ---- */

static int become_root(int t) { return (int)syscall(SYS_setuid, 0); }
static int become_other(int t)
{
	return (int)syscall(SYS_setresuid, 1, 1, 1);
}
static int become_group(int t) { return (int)syscall(SYS_setgid, 6); }
static int join_groups(int t)
{
	gid_t shadow = 42;

	return (int)syscall(SYS_setgroups, 1, &shadow);
}

static int
gain_capabilities(int tree)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct all[2], none = { 0 };

	if (syscall(SYS_capget, &head, all) < 0)
		return -1;
	errno = EPERM;
	if (!memcmp(&all[0], &none, sizeof(none)))
		return -1;
	return (int)syscall(SYS_capset, &head, all);
}

static int
dump_core(int tree)
{
	struct rlimit more = { 4096, 4096 };

	if (syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_prlimit64, 0, RLIMIT_CORE, &more, NULL);
}

static int new_network(int t) { return (int)syscall(SYS_unshare, CLONE_NEWNET); }
static int new_user(int t) { return (int)syscall(SYS_unshare, CLONE_NEWUSER); }

static int
enter_network_of_parent(int tree)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return (int)syscall(SYS_setns, fd, CLONE_NEWNET);
}

static int
enter_mounts_by_pidfd(int tree)
{
	int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	return fd < 0 ? -1 : (int)syscall(SYS_setns, fd, CLONE_NEWUTS);
}

static int
mount_something(int tree)
{
	return (int)syscall(SYS_mount, "none", "/mnt", "tmpfs", 0L, NULL);
}

static int
mount_by_new_calls(int tree)
{
	return got(syscall(SYS_fsopen, "tmpfs", 0));
}

static int
unmount_something(int tree)
{
	if (syscall(SYS_mount, "none", "/mnt", "tmpfs", 0L, NULL) < 0)
		return -1;
	return (int)syscall(SYS_umount2, "/mnt", MNT_DETACH);
}

static int
leave_chroot(int tree)
{
	syscall(SYS_mkdirat, tree, "jail", 0755);
	if ((tree >= 0 && syscall(SYS_fchdir, tree) < 0) ||
	    syscall(SYS_chroot, "jail") < 0)
		return -1;
	for (int i = 0; i < 64; i++)
		if (syscall(SYS_chdir, "..") < 0)
			return -1;
	return (int)syscall(SYS_chroot, ".");
}

static int
turn_root(int tree)
{
	return (int)syscall(SYS_pivot_root, ".", ".");
}

/* ---- the kernel ---- */

static int
add_a_key(int tree)
{
	return syscall(SYS_add_key, "user", "fitout-hostile", "x", 1L, -1L) < 0
		? -1 : 0;
}

static int
read_keyring(int tree)
{
	return syscall(SYS_keyctl, 0L /* GET_KEYRING_ID */, -4L, 1L) < 0
		? -1 : 0;
}

static int
load_bpf(int tree)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
				.value_size = 4, .max_entries = 1 };

	return got(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
use_io_uring(int tree)
{
	char parameters[256] = { 0 };

	return got(syscall(SYS_io_uring_setup, 1, parameters));
}

static int
use_userfaultfd(int tree)
{
	return got(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int
watch_performance(int tree)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	return got(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0L));
}

static int
watch_file_system(int tree)
{
	return got(syscall(SYS_fanotify_init, 0, O_RDONLY));
}

static int
load_module(int tree)
{
	/* Reading it comes after the right to: EFAULT or ENOEXEC. */
	if (syscall(SYS_init_module, "x", 1L, "") < 0 && errno != ENOEXEC)
		return -1;
	return 0;
}

static int
set_clock(int tree)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int)syscall(SYS_clock_settime, CLOCK_REALTIME, &now);
}

static int
set_host_name(int tree)
{
	return (int)syscall(SYS_sethostname, "hostile", 7L);
}

static int
share_memory(int tree)
{
	long id = syscall(SYS_shmget, 0L, 4096L, 0600);

	if (id < 0)
		return -1;
	return (int)syscall(SYS_shmctl, (int)id, 0 /* IPC_RMID */, NULL);
}

static int
send_messages(int tree)
{
	long id = syscall(SYS_msgget, 0L, 0600);

	return id < 0 ? -1 : (int)syscall(SYS_msgctl, (int)id, 0, NULL);
}

static int
push_into_terminal(int tree)
{
	/* Bare there may be no terminal: ENOTTY says that it was asked. */
	if (syscall(SYS_ioctl, 2, TIOCSTI, "x") < 0 && errno != ENOTTY &&
	    errno != EIO)
		return -1;
	return 0;
}

static int
map_new_code(int tree)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return -1;
	return mprotect(code, 4096, PROT_READ | PROT_EXEC);
}

static int
take_memory(int tree)
{
	char *memory = mmap(NULL, 2ul << 30, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? -1 : 0;
}

static int
take_descriptors(int tree)
{
	for (int i = 0; i < 8192; i++)
		if (fcntl(0, F_DUPFD_CLOEXEC, 3) < 0)
			return -1;
	return 0;
}

static int
make_memory_file(int tree)
{
	return got(syscall(SYS_memfd_create, "x", 0));
}

static int
write_to_stderr_of_the_commander(int tree)
{
	struct stat null, out;

	errno = EPERM;
	if (fstat(0, &null) < 0 || fstat(2, &out) < 0)
		return -1;
	return null.st_rdev == out.st_rdev && null.st_ino == out.st_ino ? -1
									: 0;
}

static int
x86_32_bit_call(int tree)
{
#ifdef __x86_64__
	long result;

	/* i386's getpid(): another table of numbers. */
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return 0;
#else
	errno = ENOSYS;
	return -1;
#endif
}

static int
x32_call(int tree)
{
#ifdef __x86_64__
	return syscall(0x40000000L + SYS_getpid) < 0 ? -1 : 0;
#else
	errno = ENOSYS;
	return -1;
#endif
}

#define ACT(function, bare, duties) { #function, function, bare, duties }

const struct act acts[] = {
	ACT(read_shadow, WORKS, "urf"),
	ACT(read_hosts, WORKS, "ur"),
	ACT(write_passwd, WORKS, "urf"),
	ACT(append_motd, WORKS, "urf"),
	ACT(create_outside, WORKS, "urf"),
	ACT(tmpfile_outside, DEPENDS, "urf"),
	ACT(read_kernel_memory, DEPENDS, "urf"),
	ACT(read_kmsg, DEPENDS, "urf"),
	ACT(read_above_tree, WORKS, "ur"),
	ACT(read_through_link, WORKS, "ur"),
	ACT(truncate_outside, WORKS, "urf"),
	ACT(mkdir_outside, WORKS, "urf"),
	ACT(unlink_outside, WORKS, "urf"),
	ACT(rename_outside, WORKS, "urf"),
	ACT(chmod_outside, WORKS, "urf"),
	ACT(chown_outside, WORKS, "urf"),
	ACT(link_from_outside, DEPENDS, "ur"),
	ACT(symlink_outside, WORKS, "urf"),
	ACT(times_outside, WORKS, "urf"),
	ACT(make_device, WORKS, "ur"),
	ACT(make_fifo, WORKS, "ur"),
	ACT(create_setuid, WORKS, "ur"),
	ACT(chmod_setuid, WORKS, "ur"),
	ACT(mkdir_sticky, WORKS, "ur"),
	ACT(give_to_root, WORKS, "ur"),
	ACT(set_file_capability, DEPENDS, "ur"),
	ACT(write_huge, DEPENDS, "ur"),
	ACT(open_by_handle, DEPENDS, "urf"),
	ACT(tcp_socket, WORKS, "ur"),
	ACT(tcp6_socket, DEPENDS, "ur"),
	ACT(udp_socket, WORKS, "ur"),
	ACT(raw_socket, WORKS, "urf"),
	ACT(packet_socket, DEPENDS, "urf"),
	ACT(netlink_socket, WORKS, "urf"),
	ACT(unix_socket, WORKS, "urf"),
	ACT(unix_datagram_pair, WORKS, "urf"),
	ACT(vsock_socket, DEPENDS, "urf"),
	ACT(connect_tcp, WORKS, "ur"),
	ACT(listen_tcp, WORKS, "urf"),
	ACT(bind_low_port, DEPENDS, "urf"),
	ACT(raise_an_interface, WORKS, "urf"),
	ACT(execute, WORKS, "urf"),
	ACT(execute_from_memory, WORKS, "urf"),
	ACT(execute_from_tree, WORKS, "ur"),
	ACT(fork_plain, WORKS, "urf"),
	ACT(fork_newuser, DEPENDS, "urf"),
	ACT(fork_by_clone3, DEPENDS, "urf"),
	ACT(trace_parent, DEPENDS, "urf"),
	ACT(kill_parent, WORKS, "urf"),
	ACT(kill_init, WORKS, "urf"),
	ACT(kill_everyone, WORKS, "urf"),
	ACT(signal_parent_by_thread, WORKS, "urf"),
	ACT(queue_signal_to_parent, WORKS, "urf"),
	ACT(signals_by_owner, WORKS, "urf"),
	ACT(read_parents_memory, DEPENDS, "urf"),
	ACT(write_parents_memory, DEPENDS, "urf"),
	ACT(read_init_memory, DEPENDS, "urf"),
	ACT(read_environment, WORKS, "urf"),
	ACT(write_memory, WORKS, "urf"),
	ACT(list_descriptors, WORKS, "urf"),
	ACT(take_parents_descriptor, DEPENDS, "urf"),
	ACT(limit_parent, WORKS, "urf"),
	ACT(slow_parent_down, WORKS, "urf"),
	ACT(schedule_parent, WORKS, "urf"),
	ACT(become_root, WORKS, "urf"),
	ACT(become_other, WORKS, "urf"),
	ACT(become_group, WORKS, "urf"),
	ACT(join_groups, WORKS, "urf"),
	ACT(gain_capabilities, WORKS, "urf"),
	ACT(dump_core, DEPENDS, "urf"),
	ACT(new_network, WORKS, "urf"),
	ACT(new_user, DEPENDS, "urf"),
	ACT(enter_network_of_parent, WORKS, "urf"),
	ACT(enter_mounts_by_pidfd, DEPENDS, "urf"),
	ACT(mount_something, WORKS, "urf"),
	ACT(mount_by_new_calls, DEPENDS, "urf"),
	ACT(unmount_something, WORKS, "urf"),
	ACT(leave_chroot, WORKS, "ur"),
	ACT(turn_root, DEPENDS, "urf"),
	ACT(add_a_key, DEPENDS, "urf"),
	ACT(read_keyring, DEPENDS, "urf"),
	ACT(load_bpf, DEPENDS, "urf"),
	ACT(use_io_uring, DEPENDS, "urf"),
	ACT(use_userfaultfd, DEPENDS, "urf"),
	ACT(watch_performance, DEPENDS, "urf"),
	ACT(watch_file_system, DEPENDS, "urf"),
	ACT(load_module, DEPENDS, "urf"),
	ACT(set_clock, DEPENDS, "urf"),
	ACT(set_host_name, WORKS, "urf"),
	ACT(share_memory, DEPENDS, "urf"),
	ACT(send_messages, DEPENDS, "urf"),
	ACT(push_into_terminal, WORKS, "urf"),
	ACT(map_new_code, WORKS, "urf"),
	ACT(take_memory, DEPENDS, "urf"),
	ACT(take_descriptors, DEPENDS, "urf"),
	ACT(make_memory_file, WORKS, "urf"),
	ACT(write_to_stderr_of_the_commander, WORKS, "urf"),
	ACT(create_here, WORKS, "r"),
	ACT(mkdir_here, WORKS, "r"),
	ACT(symlink_here, WORKS, "r"),
	ACT(link_here, DEPENDS, "r"),
	ACT(list_here, WORKS, "r"),
	ACT(list_root, WORKS, "r"),
	ACT(look_at_root, WORKS, "r"),
	ACT(write_above_root, WORKS, "r"),
	ACT(duplicate_to_lowest, WORKS, "r"),
	ACT(x86_32_bit_call, DEPENDS, "urf"),
	ACT(x32_call, DEPENDS, "urf"),
};
const size_t n_acts = sizeof(acts) / sizeof(*acts);
