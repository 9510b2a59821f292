/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "aws/ec2.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "io/newfile.h"
#include "run/signaller_private.h"

#define NAME "signal.autoscaling"
#define TAG "fitout:held"
#define TAG_MS (10 * 1000)
#define ABANDON_MS (120 * 1000)

static void
write_record(int fd, const struct side *side, const char *until,
	     const char *reason, struct error *err)
{
	own_json struct json *record = json_new_object();
	own_str struct str text = STR_INIT(4096);

	json_set_number(record, "fitout_hold", 1);
	json_set_number(record, "pid", getpid());
	json_set_text(record, "until", until);
	json_set_text(record, "run", side->options->run_id);
	json_set_text(record, "profile", side->options->profile_name);
	json_set_text(record, "reason", reason);
	if (side->hook.name)
		json_set_text(record, "hook", side->hook.name);
	json_print(record, 1, &text);
	str_add(&text, "\n");
	if (ftruncate(fd, 0) < 0)
		error_sys(err, "write %s", HOLD_FILE);
	else
		write_all(fd, str_get(&text), text.len, err);
}

/* The lock on it lasts as long as this process: it is not closed. */
static int
take_record(const struct side *side, const char *until, const char *reason,
	    struct error *err)
{
	int fd = openat(side->options->state_dirfd, HOLD_FILE,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_sys(err, "make %s", HOLD_FILE);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_sys(err, "lock %s", HOLD_FILE);
	write_record(fd, side, until, reason, err);
	return err->code == ERROR_NONE ? 0 : -1;
}

/* Whoever reads our output (tee, the journal) must see its end; what is to
 * be said goes to a file. */
static void
move_log(const struct side *side)
{
	int log = log_fd();
	own_fd int fd = openat(side->options->state_dirfd, HOLD_LOG,
			       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			       O_NOFOLLOW, 0600);
	own_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = steal_fd(&null);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
	    (log > STDERR_FILENO && dup2(fd, log) < 0))
		close(STDERR_FILENO);
}

/* Who looks for the instance finds it by its tag. */
static void
tag(struct side *side, const char *until, struct signal_answer *answer)
{
	char value[128];
	struct error err = ERROR_INIT;
	size_t n;

	snprintf(value, sizeof(value), "failed: %s; abandons at %s",
		 side->options->profile_name, until);
	if (!side->instance ||
	    ec2_tag(side->aws, side->instance, TAG, value,
		    deadline_in(TAG_MS), &err) < 0) {
		n = strlen(answer->text);
		snprintf(answer->text + n, sizeof(answer->text) - n,
			 "; not tagged: %.300s", side->instance ? err.text
			 : "the instance is not known");
		return;
	}
	n = strlen(answer->text);
	snprintf(answer->text + n, sizeof(answer->text) - n,
		 "; tagged %s = %s", TAG, value);
}

int
side_prepare_hold(struct side *side, const struct signal_order *order,
		  int64_t *ret_until_ms, struct signal_answer *answer,
		  struct error *err)
{
	char until[32];
	int64_t hold_s = order->hold_s;

	if (hold_s > HOOK_GLOBAL_MAX_S)
		hold_s = HOOK_GLOBAL_MAX_S;
	if (side->over) {
		*err = side->why;
		return -1;
	}
	clock_format_utc(clock_wall_s() + hold_s, until, sizeof(until));
	if (take_record(side, until, order->reason, err) < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, 0) < 0)
		return error_sys(err, "outlive the run");
	if (setsid() < 0)
		log_debug("signal.hold", NAME, "is a session's leader");
	*ret_until_ms = clock_ms() + hold_s * 1000;
	*answer = (struct signal_answer){ .told = true };
	snprintf(answer->text, sizeof(answer->text), "the instance is held "
		 "until %s by process %d (log: %s in the state directory); "
		 "then ABANDON. A run that succeeds before ends that", until,
		 (int)getpid(), HOLD_LOG);
	tag(side, until, answer);
	return 0;
}

void
side_hold(struct side *side, int64_t until_ms)
{
	struct signal_answer answer;

	own_close(side->socket);
	side->socket = -1;
	move_log(side);
	/* The next run, or a shutdown, ends it. */
	signal(SIGTERM, SIG_DFL);
	log_info("signal.hold", NAME, "holds the instance for %lld s",
		 (long long)((until_ms - clock_ms()) / 1000));
	while (clock_ms() < until_ms && !side->over) {
		struct deadline next = { until_ms };
		struct error ignored = ERROR_INIT;

		if (clock_ms() >= side->next_ms)
			side_beat(side);
		if (side->next_ms < next.at_ms)
			next.at_ms = side->next_ms;
		interrupt_sleep(INT32_MAX, next, &ignored);
	}
	side_tell(side, SIGNAL_ABANDON, deadline_in(ABANDON_MS), &answer);
	if (answer.failed)
		log_error("signal.failed", NAME, "%s", answer.text);
	else
		log_info("signal.told", NAME, "%s", answer.text);
	unlinkat(side->options->state_dirfd, HOLD_FILE, 0);
}
