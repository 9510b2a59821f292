/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"

/* The same numbers on every architecture; older headers lack them. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define USUAL_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define TERM_GRACE_MS 2000
#define KILL_GRACE_MS 10000
#define POLL_FIRST_MS 2
#define POLL_MAX_MS 50
#define FD_LIMIT (1 << 20)
#define KEEP_MAX 63

static const char *const clean_env[] = {
	"PATH=" USUAL_PATH, "LANG=C.UTF-8", "HOME=/root",
	"DEBIAN_FRONTEND=noninteractive", NULL,
};

/* ---- descriptors ------------------------------------------------------ */

static bool
is_kept(int fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

/* The kept descriptor that is lowest from FIRST on, or INT_MAX. */
static int
next_kept(int first, const int *keep, size_t n)
{
	int found = INT_MAX;

	for (size_t i = 0; i < n; i++)
		if (keep[i] >= first && keep[i] < found)
			found = keep[i];
	return found;
}

static int
close_by_range(const int *keep, size_t n)
{
	for (int first = 3;;) {
		int kept = next_kept(first, keep, n);

		if (kept > first &&
		    syscall(SYS_close_range, (unsigned)first,
			    kept == INT_MAX ? ~0U : (unsigned)kept - 1, 0) < 0)
			return -1;
		if (kept == INT_MAX)
			return 0;
		first = kept + 1;
	}
}

static int
close_by_list(const int *keep, size_t n)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (fd > 2 && fd != dirfd(dir) && !is_kept(fd, keep, n))
			close(fd);
	}
	closedir(dir);
	return 0;
}

/* Without /proc. The limit may be a thousand million: stop where the kernel's
 * own default maximum (fs.nr_open) is. */
static void
close_one_by_one(const int *keep, size_t n)
{
	struct rlimit limit = { .rlim_cur = FD_LIMIT };

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > FD_LIMIT)
		limit.rlim_cur = FD_LIMIT;
	for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
		if (!is_kept(fd, keep, n))
			close(fd);
}

/* Close all descriptors above 2 but KEEP; close_range(2) came with 5.9. */
static void
close_all_but(const int *keep, size_t n)
{
	if (close_by_range(keep, n) < 0 && close_by_list(keep, n) < 0)
		close_one_by_one(keep, n);
}

/* A pipe whose ends are not 0, 1 or 2, even where those are closed. */
static int
high_pipe(int fds[static 2])
{
	own_fd int low_read = -1, low_write = -1;
	int raw[2];

	if (pipe2(raw, O_CLOEXEC) < 0)
		return -1;
	low_read = raw[0];
	low_write = raw[1];
	fds[0] = fcntl(low_read, F_DUPFD_CLOEXEC, 3);
	fds[1] = fcntl(low_write, F_DUPFD_CLOEXEC, 3);
	return fds[0] < 0 || fds[1] < 0 ? -1 : 0;
}

/* /dev/null, not as 0, 1 or 2. */
static int
open_null(void)
{
	own_fd int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* ---- signals ---------------------------------------------------------- */

/* No signal of ours may reach our handlers inside a child: block all around
 * the fork, so that the child can first put the dispositions right. */
static pid_t
fork_blocked(sigset_t *ret_old)
{
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, ret_old);
	pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, ret_old, NULL);
	return pid;
}

static void
unblock_all(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What is ignored stays so over exec: undo it for every signal there is. */
static void
default_signals(void)
{
	interrupt_reset();
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
}

/* ---- the child that becomes another program --------------------------- */

enum setup_step { STEP_DESCRIPTORS, STEP_ROOT, STEP_CWD, STEP_EXEC };

/* Why there is no program; sent through a pipe that exec closes. */
struct setup_failure {
	enum setup_step step;
	int sys;
};

_Noreturn static void
give_up(int report, enum setup_step step)
{
	struct setup_failure failure = { .step = step, .sys = errno };

	/* A parent that is gone learns nothing, and needs to know nothing. */
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

static const char *
search_path(const char *const *env)
{
	for (; *env; env++)
		if (str_starts(*env, "PATH="))
			return *env + strlen("PATH=");
	return USUAL_PATH;
}

/* Exec ARGV[0] from the directories of its own environment. As execvp(3):
 * what exists but may not be run is only reported if nothing else is found. */
static void
exec_searching(const char *const *argv, const char *const *env)
{
	const char *dirs = search_path(env);
	char path[PATH_MAX];
	int found = ENOENT;

	while (*dirs) {
		size_t n = strcspn(dirs, ":");
		int made = snprintf(path, sizeof(path), "%.*s/%s", (int)n, dirs,
				    argv[0]);

		if (n > 0 && made > 0 && (size_t)made < sizeof(path)) {
			execve(path, (char *const *)argv, (char *const *)env);
			if (errno != ENOENT && errno != ENOTDIR)
				found = errno;
			if (errno != ENOENT && errno != ENOTDIR &&
			    errno != EACCES)
				return;
		}
		dirs += n + (dirs[n] == ':');
	}
	errno = found;
}

static int
set_descriptors(int null, int out, int report)
{
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		return -1;
	close_all_but(&report, 1);
	return 0;
}

_Noreturn static void
become(const struct process_run *run, int null, int out, int report)
{
	const char *const *env = run->env ? run->env : clean_env;

	setpgid(0, 0);
	default_signals();
	umask(022);
	if (run->rootfd >= 0 &&
	    (fchdir(run->rootfd) < 0 || chroot(".") < 0))
		give_up(report, STEP_ROOT);
	if (chdir(run->cwd ? run->cwd : "/") < 0)
		give_up(report, STEP_CWD);
	if (set_descriptors(null, out, report) < 0)
		give_up(report, STEP_DESCRIPTORS);
	unblock_all();
	if (strchr(run->argv[0], '/'))
		execve(run->argv[0], (char *const *)run->argv,
		       (char *const *)env);
	else
		exec_searching(run->argv, env);
	give_up(report, STEP_EXEC);
}

/* ---- waiting ---------------------------------------------------------- */

struct child {
	pid_t pid;
	int pidfd;             /* -1 before Linux 5.3 */
	int out;               /* our end of its output; -1 when it ended */
	struct str *output;    /* or NULL */
	int backoff_ms;
};

static void
child_release(struct child child)
{
	own_close(child.pidfd);
	own_close(child.out);
}
OWN(child, struct child, child_release)
#define own_child own(child)

static int
pidfd_of(pid_t pid)
{
	/* Close-on-exec by definition. */
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* True when it has ended; it is not reaped yet, so that its process id, and
 * thus its group, cannot be anybody else's. */
static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };
	int rc;

	do
		rc = waitid(P_PID, (id_t)pid, &info,
			    WEXITED | WNOHANG | WNOWAIT);
	while (rc < 0 && errno == EINTR);
	return rc < 0 || info.si_pid == pid;
}

static int
reap(pid_t pid, struct process_status *status, struct error *err)
{
	int raw;
	pid_t got;

	do
		got = waitpid(pid, &raw, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_sys(err, "wait for process %d", (int)pid);
	status->exit = WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
	status->signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
	return 0;
}

static void
read_output(struct child *child)
{
	char buf[16 * 1024];
	ssize_t n = read(child->out, buf, sizeof(buf));

	if (n > 0 && child->output)
		str_add_tail(child->output, buf, (size_t)n);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		drop_fd(&child->out);
}

/* What the pipe holds now, and no more: a grandchild may write for ever. */
static void
drain_output(struct child *child)
{
	int left = 0;

	if (child->out < 0 || ioctl(child->out, FIONREAD, &left) < 0)
		return;
	for (; left > 0 && child->out >= 0; left -= 16 * 1024)
		read_output(child);
}

/* Without a pidfd: look often at first, then every 50 ms. */
static int
wait_ms(struct child *child, struct deadline until)
{
	int left = deadline_left_ms(until);

	if (child->pidfd >= 0)
		return left;
	child->backoff_ms = child->backoff_ms ? child->backoff_ms * 2
					      : POLL_FIRST_MS;
	if (child->backoff_ms > POLL_MAX_MS)
		child->backoff_ms = POLL_MAX_MS;
	return left < child->backoff_ms ? left : child->backoff_ms;
}

enum wait_end { WAIT_ENDED, WAIT_TIME_OUT, WAIT_INTERRUPTED };

/* Until the child has ended, UNTIL has passed, or INTERRUPT is readable. */
static enum wait_end
wait_for(struct child *child, struct deadline until, int interrupt)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->pidfd, .events = POLLIN },
			{ .fd = interrupt, .events = POLLIN },
		};

		if (has_ended(child->pid))
			return WAIT_ENDED;
		if (deadline_passed(until))
			return WAIT_TIME_OUT;
		if (poll(fds, 3, wait_ms(child, until)) <= 0)
			continue;
		if (fds[2].revents)
			return WAIT_INTERRUPTED;
		if (fds[0].revents)
			read_output(child);
	}
}

/* TERM, KILL, and word that even this did not help: a process that sleeps in
 * the kernel dies when the kernel lets it. */
static int
end_group(struct child *child, struct error *err)
{
	kill(-child->pid, SIGTERM);
	if (wait_for(child, deadline_in(TERM_GRACE_MS), -1) != WAIT_ENDED) {
		kill(-child->pid, SIGKILL);
		if (wait_for(child, deadline_in(KILL_GRACE_MS), -1) !=
		    WAIT_ENDED)
			return error_raise(err, ERROR_TIMEOUT,
					   "process %d does not end %d s after "
					   "SIGKILL", (int)child->pid,
					   KILL_GRACE_MS / 1000);
	}
	/* Its own children, when they outlived it. */
	kill(-child->pid, SIGKILL);
	return 0;
}

static int
run_to_end(struct child *child, struct deadline deadline,
	   struct process_status *status, struct error *err)
{
	enum wait_end end = wait_for(child, deadline, interrupt_fd());

	status->timed_out = end == WAIT_TIME_OUT;
	if (end != WAIT_ENDED && end_group(child, err) < 0)
		return -1;
	drain_output(child);
	if (reap(child->pid, status, err) < 0)
		return -1;
	return end == WAIT_INTERRUPTED ? interrupt_check(err) : 0;
}

/* ---- running a program ------------------------------------------------ */

static int
raise_setup(const struct process_run *run, const struct setup_failure *failure,
	    struct error *err)
{
	char name[128];

	str_printable(run->argv[0], name, sizeof(name));
	errno = failure->sys;
	switch (failure->step) {
	case STEP_DESCRIPTORS:
		return error_sys(err, "run %s: set its descriptors", name);
	case STEP_ROOT:
		return error_sys(err, "run %s: change the root", name);
	case STEP_CWD:
		return error_sys(err, "run %s in %s", name,
				 run->cwd ? run->cwd : "/");
	default:
		return error_sys(err, "run %s", name);
	}
}

/* 0 when the program runs; its setup failed otherwise, and it is reaped. */
static int
started(const struct process_run *run, pid_t pid, int report,
	struct error *err)
{
	struct setup_failure failure;
	struct process_status unused;
	struct error ignored = ERROR_INIT;
	ssize_t n;

	do
		n = read(report, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(failure))
		return 0;
	reap(pid, &unused, &ignored);
	return raise_setup(run, &failure, err);
}

static int
start(const struct process_run *run, struct child *child, struct error *err)
{
	own_fd int null = open_null(), out_write = -1;
	own_fd int report_read = -1, report_write = -1;
	int out[2] = { -1, -1 }, report[2] = { -1, -1 };
	sigset_t old;

	if (null < 0)
		return error_sys(err, "open /dev/null");
	if (high_pipe(out) < 0 || high_pipe(report) < 0) {
		own_close(out[0]);
		own_close(out[1]);
		return error_sys(err, "make the pipes of a child");
	}
	child->out = out[0];
	out_write = out[1];
	report_read = report[0];
	report_write = report[1];
	child->pid = fork_blocked(&old);
	if (child->pid < 0)
		return error_sys(err, "fork");
	if (child->pid == 0)
		become(run, null, out_write, report_write);
	drop_fd(&out_write);
	drop_fd(&report_write);
	child->pidfd = pidfd_of(child->pid);
	return started(run, child->pid, report_read, err);
}

int
process_run(const struct process_run *run, struct process_status *ret_status,
	    struct error *err)
{
	own_child struct child child = { .pid = -1, .pidfd = -1, .out = -1,
					 .output = run->output };
	struct process_status status = { .exit = -1 };
	char name[128];

	if (interrupt_check(err) < 0 || start(run, &child, err) < 0)
		return -1;
	if (run_to_end(&child, run->deadline, &status, err) < 0)
		return error_in(err, "run %s", str_printable(run->argv[0], name,
							     sizeof(name)));
	*ret_status = status;
	return 0;
}

static void
command_text(const char *const *argv, char *buf, size_t size)
{
	own_str struct str line = STR_INIT(1024);

	for (size_t i = 0; argv[i]; i++) {
		str_add(&line, i ? " " : "");
		str_add(&line, argv[i]);
	}
	str_printable(str_get(&line), buf, size);
}

/* The last line of TEXT that is not blank, printable. */
static void
last_line(const struct str *text, char *buf, size_t size)
{
	const char *start = str_get(text), *end = start + text->len;
	own_str struct str line = STR_INIT(size - 1);

	while (end > start && strchr(" \t\r\n", end[-1]))
		end--;
	for (const char *p = end; p > start; p--) {
		if (p[-1] == '\n' || p[-1] == '\r') {
			start = p;
			break;
		}
	}
	str_add_printable(&line, start, (size_t)(end - start), size - 1);
	snprintf(buf, size, "%s", str_get(&line));
}

int
process_run_ok(const struct process_run *run, struct error *err)
{
	own_str struct str tail = STR_INIT(4096);
	struct process_run copy = *run;
	struct process_status status;
	char command[160], what[80], last[200];

	if (!copy.output)
		copy.output = &tail;
	if (process_run(&copy, &status, err) < 0)
		return -1;
	if (status.exit == 0 && !status.timed_out)
		return 0;
	command_text(run->argv, command, sizeof(command));
	last_line(copy.output, last, sizeof(last));
	return error_raise(err, ERROR_COMMAND, "\"%s\": %s%s%s", command,
			   process_status_text(&status, what, sizeof(what)),
			   last[0] ? "; it last said: " : "; it said nothing",
			   last);
}

char *
process_status_text(const struct process_status *status, char *buf,
		    size_t size)
{
	if (status->timed_out)
		snprintf(buf, size, "still running when its time ran out");
	else if (status->signal)
		snprintf(buf, size, "killed by signal %d (%s)", status->signal,
			 strsignal(status->signal));
	else
		snprintf(buf, size, "exit status %d", status->exit);
	return buf;
}

/* ---- duties ----------------------------------------------------------- */

static void
duty_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	interrupt_reset();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	unblock_all();
}

static void
duty_descriptors(int null, const int *keep_fds, size_t n)
{
	int keep[KEEP_MAX + 1];
	size_t kept = 0;

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(126);
	while (kept < n && kept < KEEP_MAX) {
		keep[kept] = keep_fds[kept];
		kept++;
	}
	keep[kept++] = log_fd();
	close_all_but(keep, kept);
}

int
process_fork(const char *name, int (*main)(void *argument), void *argument,
	     const int *keep_fds, size_t n, pid_t *ret_pid, struct error *err)
{
	own_fd int null = open_null();
	const struct rlimit no_core = { 0, 0 };
	pid_t parent = getpid(), pid;
	sigset_t old;

	if (null < 0)
		return error_sys(err, "open /dev/null");
	if (n > KEEP_MAX)
		return error_raise(err, ERROR_BUG, "%zu descriptors for %s", n,
				   name);
	pid = fork_blocked(&old);
	if (pid < 0)
		return error_sys(err, "fork the %s", name);
	if (pid > 0) {
		*ret_pid = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before that. */
	if (getppid() != parent)
		_exit(126);
	prctl(PR_SET_NAME, name);
	setrlimit(RLIMIT_CORE, &no_core);
	duty_descriptors(null, keep_fds, n);
	duty_signals();
	_exit(main(argument));
}

int
process_wait(pid_t pid, struct deadline deadline,
	     struct process_status *ret_status, struct error *err)
{
	own_child struct child child = { .pid = pid, .pidfd = pidfd_of(pid),
					 .out = -1 };
	struct process_status status = { .exit = -1 };
	enum wait_end end = wait_for(&child, deadline, interrupt_fd());

	status.timed_out = end == WAIT_TIME_OUT;
	if (end != WAIT_ENDED)
		kill(pid, SIGKILL);
	if (reap(pid, &status, err) < 0)
		return -1;
	if (end == WAIT_INTERRUPTED && interrupt_check(err) < 0)
		return -1;
	*ret_status = status;
	return 0;
}

void
process_kill(pid_t pid)
{
	struct process_status unused;
	struct error ignored = ERROR_INIT;

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	reap(pid, &unused, &ignored);
}

/* ---- finding a program ------------------------------------------------ */

static bool
is_program(int rootfd, const char *path)
{
	struct error unused = ERROR_INIT;
	own_fd int fd = -1;
	struct stat st;

	if (rootfd < 0) {
		if (stat(path, &st) < 0)
			return false;
	} else {
		fd = path_open_node(rootfd, path, &unused);
		if (fd < 0 || fstat(fd, &st) < 0)
			return false;
	}
	return S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

bool
process_find(int rootfd, const char *name, char *buf, size_t size)
{
	const char *dirs = USUAL_PATH;

	if (strchr(name, '/')) {
		int n = snprintf(buf, size, "%s", name);

		return name[0] == '/' && (size_t)n < size &&
		       is_program(rootfd, name);
	}
	while (*name && *dirs) {
		size_t n = strcspn(dirs, ":");
		int made = snprintf(buf, size, "%.*s/%s", (int)n, dirs, name);

		if ((size_t)made < size && is_program(rootfd, buf))
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}
