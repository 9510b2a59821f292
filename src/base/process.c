/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process_private.h"

#define USUAL_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const clean_env[] = {
	"PATH=" USUAL_PATH, "LANG=C.UTF-8", "HOME=/root",
	"DEBIAN_FRONTEND=noninteractive", NULL,
};

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
set_descriptors(int null, int out, int error, int report)
{
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(error, 2) < 0)
		return -1;
	child_close_all_but(&report, 1);
	return 0;
}

_Noreturn static void
become(const struct process_run *run, int null, int out, int report)
{
	const char *const *env = run->env ? run->env : clean_env;

	setpgid(0, 0);
	child_default_signals();
	umask(022);
	if (run->rootfd >= 0 &&
	    (fchdir(run->rootfd) < 0 || chroot(".") < 0))
		give_up(report, STEP_ROOT);
	if (chdir(run->cwd ? run->cwd : "/") < 0)
		give_up(report, STEP_CWD);
	if (set_descriptors(null, out, run->quiet_stderr ? null : out,
			    report) < 0)
		give_up(report, STEP_DESCRIPTORS);
	child_unblock_signals();
	if (strchr(run->argv[0], '/'))
		execve(run->argv[0], (char *const *)run->argv,
		       (char *const *)env);
	else
		exec_searching(run->argv, env);
	give_up(report, STEP_EXEC);
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
		error_sys(err, "run %s", name);
		return failure->sys != ENOENT ? -1 : error_next(err,
			"install it, or correct its name or its #! line");
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
	child_reap(pid, &unused, &ignored);
	return raise_setup(run, &failure, err);
}

static int
start(const struct process_run *run, struct child *child, struct error *err)
{
	own_fd int null = child_null(), out_write = -1;
	own_fd int report_read = -1, report_write = -1;
	int out[2] = { -1, -1 }, report[2] = { -1, -1 };

	if (null < 0)
		return error_sys(err, "open /dev/null");
	if (child_pipe(out) < 0 || child_pipe(report) < 0) {
		own_close(out[0]);
		own_close(out[1]);
		return error_sys(err, "make the pipes of a child");
	}
	child->out = out[0];
	out_write = out[1];
	report_read = report[0];
	report_write = report[1];
	child->pid = child_fork();
	if (child->pid < 0)
		return error_sys(err, "fork");
	if (child->pid == 0)
		become(run, null, out_write, report_write);
	drop_fd(&out_write);
	drop_fd(&report_write);
	child->pidfd = child_pidfd(child->pid);
	return started(run, child->pid, report_read, err);
}

static int
run_to_end(struct child *child, struct deadline deadline,
	   struct process_status *status, struct error *err)
{
	enum wait_end end = child_wait(child, deadline, interrupt_fd());

	status->timed_out = end == WAIT_TIME_OUT;
	if (end != WAIT_ENDED && child_end_group(child, err) < 0)
		return -1;
	child_drain(child);
	if (child_reap(child->pid, status, err) < 0)
		return -1;
	return end == WAIT_INTERRUPTED ? interrupt_check(err) : 0;
}

int
process_run(const struct process_run *run, struct process_status *ret_status,
	    struct error *err)
{
	own_child struct child child = CHILD_INIT;
	struct process_status status = { .exit = -1 };
	char name[128];

	child.output = run->output;
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
