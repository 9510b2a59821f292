/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/process.h"

/* Far more than anything here needs, far less than what would be waited for
 * if the deadline, the signal or the closed pipe did not count. */
#define SOON_MS 60000

#define SH(script) ((const char *const[]){ "sh", "-c", (script), NULL })

static const struct deadline no_deadline = { INT64_MAX };
static char scratch[64];
static struct str output = STR_INIT(64 * 1024);

static int
make_scratch(void **state)
{
	snprintf(scratch, sizeof(scratch), "/tmp/fitout-test-process-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int
remove_scratch(void **state)
{
	return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
start_afresh(void **state)
{
	struct error err = ERROR_INIT;

	str_release(&output);
	return interrupt_catch(&err);
}

static int
end_clean(void **state)
{
	interrupt_reset();
	str_release(&output);
	return 0;
}

static struct process_run
shell(const char *const *argv, struct deadline deadline)
{
	return (struct process_run){ .argv = argv, .rootfd = -1,
				     .deadline = deadline,
				     .output = &output };
}

/* Run SCRIPT, which must start and end by itself. */
static struct process_status
run_script(const char *script)
{
	struct process_status status = { .exit = -2 };
	struct process_run run = shell(SH(script), deadline_in(SOON_MS));
	struct error err = ERROR_INIT;

	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_string_equal(err.text, "");
	assert_false(status.timed_out);
	return status;
}

static const char *
output_of(const char *script)
{
	run_script(script);
	return str_get(&output);
}

/* The test is the subreaper (see main): orphans come to us. Returns the
 * signal that ended PID, 0 when it exited, -1 when it does not end. */
static int
reap_orphan(pid_t pid)
{
	struct deadline deadline = deadline_in(SOON_MS);
	int status;

	assert_true(pid > 1);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (deadline_passed(deadline))
			return -1;
		usleep(5000);
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static pid_t
pid_in(const char *text)
{
	return (pid_t)strtol(text, NULL, 10);
}

/* ---- process_run ------------------------------------------------------ */

static void
exit_status_and_signal_are_told_apart(void **state)
{
	struct process_status status = run_script("exit 3");

	assert_int_equal(status.exit, 3);
	assert_int_equal(status.signal, 0);
	status = run_script("kill -9 $$");
	assert_int_equal(status.exit, -1);
	assert_int_equal(status.signal, SIGKILL);
	status = run_script("exit 0");
	assert_int_equal(status.exit, 0);
}

static void
both_outputs_are_kept_in_order(void **state)
{
	assert_string_equal(output_of("echo a; echo b >&2; echo c"),
			    "a\nb\nc\n");
}

static void
of_much_output_the_tail_is_kept(void **state)
{
	run_script("i=0; while [ $i -lt 20000 ]; do echo line $i; "
		   "i=$((i+1)); done; echo the end");
	assert_int_equal(output.len, output.max);
	assert_true(output.full);
	assert_true(str_ends(str_get(&output), "line 19999\nthe end\n"));
}

static void
output_may_be_discarded(void **state)
{
	struct process_run run = shell(SH("echo a; exit 5"), no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;

	run.output = NULL;
	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_int_equal(status.exit, 5);
}

static void
the_environment_is_clean_unless_given(void **state)
{
	const char *const env[] = { "PATH=/usr/bin:/bin", "ONLY=this", NULL };
	struct process_run run = shell(SH("env | sort"), no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;

	setenv("FITOUT_TEST_SECRET", "x", 1);
	assert_string_equal(
		output_of("unset PWD OLDPWD _ SHLVL; env | sort"),
		"DEBIAN_FRONTEND=noninteractive\nHOME=/root\nLANG=C.UTF-8\n"
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
		"/bin\n");
	str_clear(&output);
	run.env = env;
	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_non_null(strstr(str_get(&output), "ONLY=this\n"));
	assert_null(strstr(str_get(&output), "HOME="));
}

static void
the_program_is_looked_up_in_the_path_it_is_given(void **state)
{
	char path[100], env_path[100];
	const char *const env[] = { env_path, NULL };
	const char *const argv[] = { "fitout-test-tool", "x", NULL };
	struct process_run run = shell(argv, no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;
	FILE *file;

	snprintf(path, sizeof(path), "%s/fitout-test-tool", scratch);
	snprintf(env_path, sizeof(env_path), "PATH=/nonexistent::%s", scratch);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("#!/bin/sh\necho \"$0 $1\"\n", file);
	fclose(file);
	run.env = env;
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_int_equal(err.sys, EACCES);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_true(str_starts(str_get(&output), path));
	assert_true(str_ends(str_get(&output), " x\n"));
	run.env = NULL;
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

static void
a_program_that_cannot_start_is_named_with_the_cause(void **state)
{
	struct process_run run = shell((const char *const[]){
		"/nonexistent/pro\ngram", NULL }, no_deadline);
	struct process_status status = { .exit = 77 };
	struct error err = ERROR_INIT;

	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.text, "run /nonexistent/pro\\x0agram: "
				      "No such file or directory; install it, or "
				      "correct its name or its #! line");
	run.argv = (const char *const[]){ "/etc/passwd", NULL };
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_int_equal(err.sys, EACCES);
	run.argv = (const char *const[]){ "fitout-no-such-program", NULL };
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_string_equal(err.text, "run fitout-no-such-program: "
				      "No such file or directory; install it, or "
				      "correct its name or its #! line");
	run.argv = SH("true");
	run.cwd = "/nonexistent";
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_string_equal(err.text, "run sh in /nonexistent: "
				      "No such file or directory");
	assert_int_equal(status.exit, 77);
	/* None of them is left as a zombie. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
the_working_directory_is_the_root_unless_told(void **state)
{
	struct process_run run = shell(SH("pwd"), no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;

	assert_string_equal(output_of("pwd"), "/\n");
	str_clear(&output);
	run.cwd = "/usr/bin";
	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_string_equal(str_get(&output), "/usr/bin\n");
}

static void
stdin_is_empty_and_umask_and_signals_are_plain(void **state)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR2, SIG_IGN);
	umask(077);
	assert_string_equal(
		output_of("readlink /proc/self/fd/0; cat; umask; "
			  "grep -E '^Sig(Blk|Ign)' /proc/self/status"),
		"/dev/null\n0022\nSigBlk:\t0000000000000000\n"
		"SigIgn:\t0000000000000000\n");
	umask(022);
	signal(SIGUSR2, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

#define COUNT_DESCRIPTORS \
	"n=0; for f in 3 4 5 6 7 8 9 50 99 200; do " \
	"[ -e /proc/$$/fd/$f ] && n=$((n+1)); done; echo $n"

static void
no_descriptor_is_inherited(void **state)
{
	int low = dup(0), high = dup2(0, 99), higher = dup2(0, 200);

	assert_true(low > 2 && high == 99 && higher == 200);
	assert_string_equal(output_of(COUNT_DESCRIPTORS), "0\n");
	close(low);
	close(high);
	close(higher);
}

/* As when a daemon starts us with 0, 1 and 2 closed. */
static int
run_without_stdio(void *argument)
{
	struct process_run run = shell(SH("echo out; readlink /proc/self/fd/0;"
					  COUNT_DESCRIPTORS), no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;

	close(0);
	close(1);
	close(2);
	if (process_run(&run, &status, &err) < 0)
		return 1;
	return strcmp(str_get(&output), "out\n/dev/null\n0\n") == 0 ? 0 : 2;
}

static int
exit_status_of_duty(int (*duty)(void *), void *argument, const int *keep,
		    size_t n)
{
	struct process_status status;
	struct error err = ERROR_INIT;
	pid_t pid = -1;

	assert_int_equal(process_fork("duty", duty, argument, keep, n, &pid,
				      &err), 0);
	assert_true(pid > 0);
	assert_int_equal(process_wait(pid, deadline_in(SOON_MS), &status, &err),
			 0);
	assert_int_equal(status.signal, 0);
	return status.exit;
}

static void
a_program_runs_where_stdio_is_closed(void **state)
{
	assert_int_equal(exit_status_of_duty(run_without_stdio, NULL, NULL, 0),
			 0);
}

static void
the_root_is_changed_before_the_directory(void **state)
{
	struct process_run run = shell(SH("true"), no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;
	char inside[100];

	if (geteuid() != 0)
		skip();
	snprintf(inside, sizeof(inside), "%s/inside", scratch);
	assert_int_equal(mkdir(inside, 0755), 0);
	run.rootfd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	run.cwd = "/inside";
	/* The directory is there, the host's sh is not. */
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_string_equal(err.text, "run sh: No such file or directory; install "
			    "it, or correct its name or its #! line");
	run.cwd = "/usr";
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_string_equal(err.text,
			    "run sh in /usr: No such file or directory");
	close(run.rootfd);
	run.rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_int_equal(status.exit, 0);
	close(run.rootfd);
}

static void
a_grandchild_that_holds_the_output_does_not_delay(void **state)
{
	int64_t start = clock_ms();
	pid_t grandchild = pid_in(output_of("sleep 600 & echo $!"));

	assert_true(clock_ms() - start < SOON_MS);
	/* It was left alone: it is a daemon, for all we know. */
	assert_int_equal(kill(grandchild, 0), 0);
	kill(grandchild, SIGKILL);
	assert_int_equal(reap_orphan(grandchild), SIGKILL);
}

static void
a_grandchild_that_writes_for_ever_does_not_delay(void **state)
{
	char script[200], path[100], text[20] = "";
	int64_t start = clock_ms();
	FILE *file;

	snprintf(path, sizeof(path), "%s/pid", scratch);
	snprintf(script, sizeof(script), "yes & echo $! >%s; exit 4", path);
	assert_int_equal(run_script(script).exit, 4);
	assert_true(clock_ms() - start < SOON_MS);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_int_equal(reap_orphan(pid_in(text)), SIGPIPE);
}

static void
at_the_deadline_the_program_is_asked_to_end(void **state)
{
	struct process_run run = shell(
		SH("trap 'echo asked; exit 9' TERM; echo ready; "
		   "while :; do sleep 0.05; done"), deadline_in(1000));
	struct process_status status;
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_true(clock_ms() - start < SOON_MS);
	assert_true(status.timed_out);
	assert_int_equal(status.exit, 9);
	/* Between the two the shell may tell how its sleep ended. */
	assert_true(str_starts(str_get(&output), "ready\n"));
	assert_true(str_ends(str_get(&output), "asked\n"));
}

static void
one_that_does_not_listen_is_killed(void **state)
{
	struct process_run run = shell(
		SH("trap '' TERM; while :; do sleep 0.05; done"),
		deadline_in(300));
	struct process_status status;
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_in_range(clock_ms() - start, 2000, SOON_MS);
	assert_true(status.timed_out);
	assert_int_equal(status.signal, SIGKILL);
}

static void
at_the_deadline_the_whole_group_ends(void **state)
{
	/* The grandchild does not listen; its parent does. */
	struct process_run run = shell(
		SH("(trap '' TERM; exec sleep 600) & echo $!; wait"),
		deadline_in(1000));
	struct process_status status;
	struct error err = ERROR_INIT;

	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_true(status.timed_out);
	assert_int_equal(status.signal, SIGTERM);
	assert_int_equal(reap_orphan(pid_in(str_get(&output))), SIGKILL);
}

static void
a_deadline_that_is_past_ends_it_at_once(void **state)
{
	struct process_run run = shell(SH("sleep 600"), deadline_in(0));
	struct process_status status;
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(process_run(&run, &status, &err), 0);
	assert_true(clock_ms() - start < SOON_MS);
	assert_true(status.timed_out);
}

static pid_t
signal_us_later(int number)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		usleep(300000);
		kill(parent, number);
		_exit(0);
	}
	return pid;
}

static void
an_interrupt_ends_the_program_and_the_run(void **state)
{
	struct process_run run = shell(
		SH("sleep 600 & echo $!; wait"), no_deadline);
	struct process_status status = { .exit = 77 };
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();
	pid_t messenger = signal_us_later(SIGTERM);

	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_true(clock_ms() - start < SOON_MS);
	assert_int_equal(err.code, ERROR_INTERRUPTED);
	assert_string_equal(err.text, "run sh: interrupted by SIGTERM");
	assert_int_equal(status.exit, 77);
	assert_in_range(reap_orphan(pid_in(str_get(&output))), 9, 15);
	assert_int_equal(waitpid(messenger, NULL, 0), messenger);
}

static void
after_an_interrupt_nothing_is_started(void **state)
{
	struct process_run run = shell(SH("echo started"), no_deadline);
	struct process_status status;
	struct error err = ERROR_INIT;

	raise(SIGINT);
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_int_equal(err.code, ERROR_INTERRUPTED);
	assert_string_equal(str_get(&output), "");
}

static void
behind_the_shield_a_program_runs_to_its_end(void **state)
{
	pid_t messenger;

	interrupt_shield();
	messenger = signal_us_later(SIGTERM);
	assert_string_equal(output_of("sleep 0.6; echo done"), "done\n");
	assert_int_equal(waitpid(messenger, NULL, 0), messenger);
}

/* ---- process_run_ok and texts ----------------------------------------- */

static void
success_is_success(void **state)
{
	struct process_run run = shell(SH("echo fine"), no_deadline);
	struct error err = ERROR_INIT;

	assert_int_equal(process_run_ok(&run, &err), 0);
	assert_string_equal(str_get(&output), "fine\n");
	run.output = NULL;
	assert_int_equal(process_run_ok(&run, &err), 0);
}

static void
a_failure_tells_command_status_and_last_line(void **state)
{
	struct process_run run = shell(
		SH("echo first; echo 'E: \033[31mbroken' >&2; echo; exit 100"),
		no_deadline);
	struct error err = ERROR_INIT;

	run.output = NULL;
	assert_int_equal(process_run_ok(&run, &err), -1);
	assert_int_equal(err.code, ERROR_COMMAND);
	assert_true(str_starts(err.text, "\"sh -c echo first;"));
	assert_true(str_ends(err.text, "exit status 100; it last said: "
				       "E: \\x1b[31mbroken"));
	run.argv = SH("exit 1");
	assert_int_equal(process_run_ok(&run, &err), -1);
	assert_string_equal(err.text, "\"sh -c exit 1\": exit status 1; "
				      "it said nothing");
}

static void
a_long_failure_still_tells_all_three(void **state)
{
	char script[3000];
	struct process_run run = shell(SH(script), no_deadline);
	struct error err = ERROR_INIT;

	snprintf(script, sizeof(script), "# %02500d\nprintf 'last %%01000d' 7;"
		 " exit 3", 0);
	assert_int_equal(process_run_ok(&run, &err), -1);
	assert_true(str_starts(err.text, "\"sh -c # 000"));
	assert_non_null(strstr(err.text, "exit status 3; it last said: "
					 "last 000"));
}

static void
time_that_ran_out_is_a_failure_too(void **state)
{
	struct process_run run = shell(
		SH("trap 'exit 0' TERM; while :; do sleep 0.05; done"),
		deadline_in(500));
	struct error err = ERROR_INIT;

	assert_int_equal(process_run_ok(&run, &err), -1);
	assert_int_equal(err.code, ERROR_COMMAND);
	assert_non_null(strstr(err.text, "still running when its time ran"));
}

static void
a_status_is_told_in_words(void **state)
{
	char buf[80];
	const struct process_status exited = { .exit = 3 };
	const struct process_status killed = { .exit = -1, .signal = 9 };
	const struct process_status late = { .exit = -1, .signal = 9,
					     .timed_out = true };

	assert_string_equal(process_status_text(&exited, buf, sizeof(buf)),
			    "exit status 3");
	assert_string_equal(process_status_text(&killed, buf, sizeof(buf)),
			    "killed by signal 9 (Killed)");
	assert_string_equal(process_status_text(&late, buf, sizeof(buf)),
			    "still running when its time ran out");
}

/* ---- duties ----------------------------------------------------------- */

static int
return_argument(void *argument)
{
	return *(int *)argument;
}

static void
a_duty_ends_with_its_result(void **state)
{
	int result = 42;

	assert_int_equal(exit_status_of_duty(return_argument, &result, NULL,
					     0), 42);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool
is_null(int fd)
{
	char path[40], target[40] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target) - 1) > 0 &&
	       strcmp(target, "/dev/null") == 0;
}

static int
check_descriptors(void *argument)
{
	if (!is_open(40) || !is_open(60) || !is_open(70) || !is_open(2))
		return 1;
	if (is_open(41) || is_open(39) || is_open(61) || is_open(200))
		return 2;
	if (!is_null(0) || !is_null(1))
		return 3;
	for (int fd = 3; fd < 300; fd++)
		if (is_open(fd) && fd != 40 && fd != 60 && fd != 70)
			return fd;
	return 0;
}

static void
a_duty_has_its_descriptors_and_the_logs_and_no_other(void **state)
{
	static const int used[] = { 39, 40, 41, 60, 61, 70, 200 };
	const int keep[] = { 60, 40 };

	for (size_t i = 0; i < 7; i++)
		assert_int_equal(dup2(2, used[i]), used[i]);
	log_open(&(struct log_options){ .fd = 70 });
	assert_int_equal(exit_status_of_duty(check_descriptors, NULL, keep, 2),
			 0);
	log_open(&(struct log_options){ .fd = 2 });
	for (size_t i = 0; i < 7; i++)
		close(used[i]);
}

static int
check_attributes(void *argument)
{
	char name[17] = "";
	struct rlimit core;
	sigset_t blocked;
	int death = 0;

	prctl(PR_GET_NAME, name);
	if (strcmp(name, "duty") != 0)
		return 1;
	prctl(PR_GET_PDEATHSIG, &death);
	if (death != SIGKILL)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
		return 3;
	raise(SIGTERM);
	raise(SIGINT);
	raise(SIGHUP);
	raise(SIGPIPE);
	if (interrupt_fd() != -1)
		return 4;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int number = 1; number < 32; number++)
		if (sigismember(&blocked, number))
			return 100 + number;
	return 0;
}

static void
a_duty_is_named_guarded_and_deaf_to_signals(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(exit_status_of_duty(check_attributes, NULL, NULL, 0),
			 0);
	/* What it raised came to nobody else. */
	assert_int_equal(interrupt_check(&err), 0);
}

static int
sleep_long(void *argument)
{
	sleep(600);
	return 0;
}

static int
tell_and_sleep(void *report)
{
	pid_t pid = getpid();

	if (write(*(int *)report, &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	return sleep_long(NULL);
}

/* REPORT is a pipe. Die when the inner duty runs. */
static int
die_over_a_running_duty(void *report)
{
	struct error err = ERROR_INIT;
	int *fds = report;
	pid_t pid = -1, told = -2;

	if (process_fork("inner", tell_and_sleep, &fds[1], &fds[1], 1, &pid,
			 &err) < 0)
		return 1;
	if (read(fds[0], &told, sizeof(told)) != sizeof(told) || told != pid)
		return 2;
	return write(fds[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 3;
}

/* Die at once, mostly before the inner duty has asked to be killed then. */
static int
die_over_a_new_duty(void *report)
{
	struct error err = ERROR_INIT;
	int *fds = report;
	pid_t pid = -1;

	if (process_fork("inner", sleep_long, NULL, NULL, 0, &pid, &err) < 0)
		return 1;
	return write(fds[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 3;
}

/* What ended the inner duty, see reap_orphan(). */
static int
end_of_inner(int (*commander)(void *))
{
	int fds[2];
	pid_t inner = -1;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(exit_status_of_duty(commander, fds, fds, 2), 0);
	assert_int_equal(read(fds[0], &inner, sizeof(inner)), sizeof(inner));
	close(fds[0]);
	close(fds[1]);
	return reap_orphan(inner);
}

static void
a_duty_dies_with_its_commander(void **state)
{
	assert_int_equal(end_of_inner(die_over_a_running_duty), SIGKILL);
}

static void
a_duty_does_not_outlive_a_commander_that_died_early(void **state)
{
	for (int i = 0; i < 20; i++)
		assert_int_not_equal(end_of_inner(die_over_a_new_duty), -1);
}

static pid_t
sleeping_duty(void)
{
	struct error err = ERROR_INIT;
	pid_t pid = -1;

	assert_int_equal(process_fork("sleeper", sleep_long, NULL, NULL, 0,
				      &pid, &err), 0);
	return pid;
}

static void
a_duty_past_its_deadline_is_killed_and_reaped(void **state)
{
	struct process_status status;
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();
	pid_t pid = sleeping_duty();

	assert_int_equal(process_wait(pid, deadline_in(100), &status, &err), 0);
	assert_in_range(clock_ms() - start, 100, SOON_MS);
	assert_true(status.timed_out);
	assert_int_equal(status.signal, SIGKILL);
	assert_int_equal(kill(pid, 0), -1);
}

static void
an_interrupted_wait_kills_and_reaps(void **state)
{
	struct process_status status;
	struct error err = ERROR_INIT;
	pid_t pid = sleeping_duty();

	raise(SIGHUP);
	assert_int_equal(process_wait(pid, no_deadline, &status, &err), -1);
	assert_int_equal(err.code, ERROR_INTERRUPTED);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void
waiting_for_no_child_of_ours_is_an_error(void **state)
{
	struct process_status status;
	struct error err = ERROR_INIT;

	assert_int_equal(process_wait(1, deadline_in(SOON_MS), &status, &err),
			 -1);
	assert_int_equal(err.sys, ECHILD);
}

static void
kill_reaps_and_takes_no_pid_for_an_answer(void **state)
{
	pid_t pid = sleeping_duty();

	process_kill(pid);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	process_kill(0);
	process_kill(-1);
}

/* ---- an old kernel ---------------------------------------------------- */

/* From here on, in this process: as before 5.3. */
static int
forbid_new_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 434, 1, 0), /* pidfd_open */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436, 0, 1), /* close_range */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static bool
runs(const char *script, struct deadline deadline,
     struct process_status *status)
{
	struct process_run run = shell(SH(script), deadline);
	struct error err = ERROR_INIT;

	str_clear(&output);
	return process_run(&run, status, &err) == 0;
}

static int
work_on_an_old_kernel(void *argument)
{
	struct process_status status;
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();
	pid_t pid;

	if (forbid_new_calls() < 0 || dup2(0, 50) < 0 || dup2(0, 99) < 0)
		return 1;
	if (!runs(COUNT_DESCRIPTORS "; exit 3", no_deadline, &status) ||
	    status.exit != 3 || strcmp(str_get(&output), "0\n") != 0)
		return 2;
	if (!runs("sleep 600", deadline_in(200), &status) ||
	    !status.timed_out || status.signal != SIGTERM)
		return 3;
	if (!runs("sleep 0.3; echo late", no_deadline, &status) ||
	    strcmp(str_get(&output), "late\n") != 0)
		return 4;
	if (process_fork("sleeper", sleep_long, NULL, NULL, 0, &pid, &err) ||
	    process_wait(pid, deadline_in(100), &status, &err) < 0 ||
	    status.signal != SIGKILL)
		return 5;
	return clock_ms() - start < SOON_MS ? 0 : 6;
}

static void
it_works_without_pidfd_open_and_close_range(void **state)
{
	assert_int_equal(exit_status_of_duty(work_on_an_old_kernel, NULL, NULL,
					     0), 0);
}

/* ---- process_find ----------------------------------------------------- */

static void
programs_are_found_by_name_or_absolute(void **state)
{
	char buf[100];

	assert_true(process_find(-1, "sh", buf, sizeof(buf)));
	assert_true(str_ends(buf, "/sh"));
	assert_int_equal(buf[0], '/');
	assert_true(process_find(-1, "/bin/sh", buf, sizeof(buf)));
	assert_string_equal(buf, "/bin/sh");
	assert_false(process_find(-1, "fitout-no-such-program", buf,
				  sizeof(buf)));
	assert_false(process_find(-1, "", buf, sizeof(buf)));
	assert_false(process_find(-1, "bin/sh", buf, sizeof(buf)));
	assert_false(process_find(-1, "/usr/bin", buf, sizeof(buf)));
	assert_false(process_find(-1, "/etc/passwd", buf, sizeof(buf)));
	assert_false(process_find(-1, "sh", buf, 3));
}

static void
make_file(int rootfd, const char *path, mode_t mode)
{
	int fd = openat(rootfd, path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	close(fd);
}

static void
programs_are_found_inside_another_root(void **state)
{
	int rootfd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[100];

	assert_int_equal(mkdirat(rootfd, "usr", 0755), 0);
	assert_int_equal(mkdirat(rootfd, "usr/bin", 0755), 0);
	make_file(rootfd, "usr/bin/fitout-x", 0755);
	make_file(rootfd, "usr/bin/fitout-data", 0644);
	assert_int_equal(symlinkat("/usr/bin", rootfd, "bin"), 0);
	assert_int_equal(symlinkat("/usr/bin/fitout-x", rootfd,
				   "usr/bin/fitout-y"), 0);
	assert_true(process_find(rootfd, "fitout-x", buf, sizeof(buf)));
	assert_string_equal(buf, "/usr/bin/fitout-x");
	assert_true(process_find(rootfd, "/bin/fitout-y", buf, sizeof(buf)));
	assert_false(process_find(rootfd, "fitout-data", buf, sizeof(buf)));
	/* The host's are not those of the root. */
	assert_false(process_find(rootfd, "sh", buf, sizeof(buf)));
	assert_false(process_find(-1, "fitout-x", buf, sizeof(buf)));
	close(rootfd);
}

#define AFRESH(test) \
	cmocka_unit_test_setup_teardown(test, start_afresh, end_clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AFRESH(exit_status_and_signal_are_told_apart),
		AFRESH(both_outputs_are_kept_in_order),
		AFRESH(of_much_output_the_tail_is_kept),
		AFRESH(output_may_be_discarded),
		AFRESH(the_environment_is_clean_unless_given),
		AFRESH(the_program_is_looked_up_in_the_path_it_is_given),
		AFRESH(a_program_that_cannot_start_is_named_with_the_cause),
		AFRESH(the_working_directory_is_the_root_unless_told),
		AFRESH(stdin_is_empty_and_umask_and_signals_are_plain),
		AFRESH(no_descriptor_is_inherited),
		AFRESH(a_program_runs_where_stdio_is_closed),
		AFRESH(the_root_is_changed_before_the_directory),
		AFRESH(a_grandchild_that_holds_the_output_does_not_delay),
		AFRESH(a_grandchild_that_writes_for_ever_does_not_delay),
		AFRESH(at_the_deadline_the_program_is_asked_to_end),
		AFRESH(one_that_does_not_listen_is_killed),
		AFRESH(at_the_deadline_the_whole_group_ends),
		AFRESH(a_deadline_that_is_past_ends_it_at_once),
		AFRESH(an_interrupt_ends_the_program_and_the_run),
		AFRESH(after_an_interrupt_nothing_is_started),
		AFRESH(behind_the_shield_a_program_runs_to_its_end),
		AFRESH(success_is_success),
		AFRESH(a_failure_tells_command_status_and_last_line),
		AFRESH(a_long_failure_still_tells_all_three),
		AFRESH(time_that_ran_out_is_a_failure_too),
		AFRESH(a_status_is_told_in_words),
		AFRESH(a_duty_ends_with_its_result),
		AFRESH(a_duty_has_its_descriptors_and_the_logs_and_no_other),
		AFRESH(a_duty_is_named_guarded_and_deaf_to_signals),
		AFRESH(a_duty_dies_with_its_commander),
		AFRESH(a_duty_does_not_outlive_a_commander_that_died_early),
		AFRESH(a_duty_past_its_deadline_is_killed_and_reaped),
		AFRESH(an_interrupted_wait_kills_and_reaps),
		AFRESH(waiting_for_no_child_of_ours_is_an_error),
		AFRESH(kill_reaps_and_takes_no_pid_for_an_answer),
		AFRESH(it_works_without_pidfd_open_and_close_range),
		AFRESH(programs_are_found_by_name_or_absolute),
		AFRESH(programs_are_found_inside_another_root),
	};

	/* Orphaned grandchildren become our children, to be looked at. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 99;
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
