/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "sandbox/sandbox_private.h"
#include "sandbox/tree_mount.h"

#define PROBE_MS 10000

static const char *const names[SANDBOX_MEASURES] = {
	[SANDBOX_LIMITS] = "limits",
	[SANDBOX_NETWORK] = "network",
	[SANDBOX_MOUNT] = "mount",
	[SANDBOX_CHROOT] = "chroot",
	[SANDBOX_UID] = "uid",
	[SANDBOX_CAPABILITIES] = "capabilities",
	[SANDBOX_NO_NEW_PRIVS] = "no-new-privs",
	[SANDBOX_UNDUMPABLE] = "undumpable",
	[SANDBOX_LANDLOCK] = "landlock",
	[SANDBOX_SECCOMP] = "seccomp",
};

bool
sandbox_asks(enum sandbox_duty duty, enum sandbox_measure measure)
{
	if (measure == SANDBOX_MOUNT)
		return duty == SANDBOX_UNPACKER;
	return duty != SANDBOX_FETCHER || (measure != SANDBOX_NETWORK &&
					   measure != SANDBOX_CHROOT);
}

const char *
sandbox_duty_name(enum sandbox_duty duty)
{
	static const char *const duties[SANDBOX_DUTIES] = {
		[SANDBOX_FETCHER] = "fetcher", [SANDBOX_READER] = "reader",
		[SANDBOX_UNPACKER] = "unpacker",
	};

	return duties[duty];
}

/* -------------------------------------------------------------- the report */

static const char *
measure_text(const struct sandbox_report *report, unsigned measure, char *buf,
	     size_t size)
{
	if (report->absent >> measure & 1)
		snprintf(buf, size, "%s (%s)", names[measure],
			 strerror(report->sys[measure]));
	else if (measure == SANDBOX_LANDLOCK)
		snprintf(buf, size, "landlock (ABI %d)",
			 (int)report->landlock_abi);
	else if (measure == SANDBOX_MOUNT && report->idmap > 0)
		snprintf(buf, size, "mount (idmapped)");
	else if (measure == SANDBOX_MOUNT && report->idmap < 0)
		snprintf(buf, size, "mount (not idmapped: %s)",
			 strerror(-report->idmap));
	else
		snprintf(buf, size, "%s", names[measure]);
	return buf;
}

char *
sandbox_text(const struct sandbox_report *report, bool absent, char *buf,
	     size_t size)
{
	uint32_t wanted = absent ? report->absent : report->held;
	own_str struct str text = STR_INIT(size - 1);
	char one[96];

	for (unsigned i = 0; i < SANDBOX_MEASURES; i++)
		if (wanted >> i & 1)
			str_addf(&text, "%s%s", text.len ? ", " : "",
				 measure_text(report, i, one, sizeof(one)));
	snprintf(buf, size, "%s", str_get(&text));
	return buf;
}

struct json *
sandbox_json(const struct sandbox_report *report)
{
	struct json *object = json_new_object();
	struct json *held = json_new_array(), *absent = json_new_array();

	for (unsigned i = 0; i < SANDBOX_MEASURES; i++) {
		if (report->held >> i & 1)
			json_add_text(held, names[i]);
		if (report->absent >> i & 1)
			json_add_text(absent, names[i]);
	}
	json_set(object, "held", held);
	json_set(object, "absent", absent);
	json_set_number(object, "landlock_abi", report->landlock_abi);
	if (sandbox_holds(report, SANDBOX_MOUNT))
		json_set_bool(object, "idmapped", report->idmap > 0);
	return object;
}

/* A word, on the next line where this one has no room for it. */
static void
print_word(const char *word, size_t *column, struct str *out)
{
	enum { INDENT = 12, COLUMNS = 80 };
	size_t n = strlen(word);

	if (*column + n + 1 > COLUMNS) {
		str_addf(out, "\n%*s", INDENT - 1, "");
		*column = INDENT - 1;
	}
	str_addf(out, " %s", word);
	*column += n + 1;
}

static void
print_names(const struct json *list, bool idmapped, size_t *column,
	    struct str *out)
{
	size_t n = json_count(list);
	char word[64];

	for (size_t i = 0; i < n; i++) {
		const char *name = json_text(json_item(list, i), "", "?");

		snprintf(word, sizeof(word), "%s%s%s", name,
			 idmapped && str_equal(name, names[SANDBOX_MOUNT])
			 ? " (idmapped)" : "", i + 1 < n ? "," : "");
		print_word(word, column, out);
	}
}

void
sandbox_print(const struct json *confinement, struct str *out)
{
	for (size_t i = 0; i < json_count(confinement); i++) {
		const char *duty = json_key(confinement, i);
		const struct json *row = json_at(confinement, duty);
		const char *error = json_text(row, "error", NULL);
		size_t column = 11;

		str_addf(out, "%-11s", duty);
		if (error)
			str_addf(out, " %s", error);
		print_names(json_at(row, "held"),
			    json_bool(row, "idmapped", false),
			    &column, out);
		if (json_count(json_at(row, "absent"))) {
			print_word("(not here:", &column, out);
			print_names(json_at(row, "absent"), false, &column,
				    out);
			str_add(out, ")");
		}
		str_add(out, "\n");
	}
}

void
sandbox_log(const struct sandbox_report *report, const char *resource)
{
	char text[512];

	log_debug("sandbox.held", resource, "confined by: %s",
		  sandbox_text(report, false, text, sizeof(text)));
	if (report->absent)
		log_info("sandbox.absent", resource, "this host does not have "
			 "for its confinement: %s; the other measures hold",
			 sandbox_text(report, true, text, sizeof(text)));
}

const char *
sandbox_signal_text(int number)
{
	switch (number) {
	case SIGSYS:
		return ": it tried something that its duty never needs";
	case SIGXCPU:
		return ": it used more processor time than any duty needs";
	default:
		return "";
	}
}

/* ---------------------------------------------------------- the commander */

static bool
is_sane(const struct sandbox_report *report, enum sandbox_duty duty)
{
	uint32_t all = report->held | report->absent | report->failed;

	if (report->magic != SANDBOX_REPORT_MAGIC ||
	    (report->held & report->absent) != 0 ||
	    (report->failed & (report->held | report->absent)) != 0 ||
	    (report->failed & (report->failed - 1)) != 0 ||
	    report->landlock_abi < 0 || report->landlock_abi > 1000 ||
	    report->idmap != 0 ||
	    (report->landlock_abi > 0) != sandbox_holds(report,
							SANDBOX_LANDLOCK))
		return false;
	for (unsigned i = 0; i < SANDBOX_MEASURES; i++) {
		bool told = all >> i & 1;

		if (report->sys[i] < 0 || report->sys[i] > 4095 ||
		    (told && !sandbox_asks(duty, i)) ||
		    (!told && sandbox_asks(duty, i) && !report->failed))
			return false;
	}
	return all >> SANDBOX_MEASURES == 0;
}

int
sandbox_report_read(const void *raw, size_t n, enum sandbox_duty duty,
		    struct sandbox_report *ret_report, struct error *err)
{
	struct sandbox_report report;

	if (n != sizeof(report))
		return error_raise(err, ERROR_BUG, "it ended before it was "
				   "confined");
	memcpy(&report, raw, sizeof(report));
	if (!is_sane(&report, duty))
		return error_raise(err, ERROR_BUG, "what it says of its "
				   "confinement is nonsense");
	for (unsigned i = 0; i < SANDBOX_MEASURES; i++) {
		if (!(report.failed >> i & 1))
			continue;
		errno = report.sys[i];
		return error_sys(err, "confine it: %s", names[i]);
	}
	*ret_report = report;
	return 0;
}

/* Wait until FD can be read. */
static int
wait_readable(int fd, struct deadline deadline, struct error *err)
{
	int rc = interrupt_wait(fd, deadline, err);

	if (rc == 0)
		return error_raise(err, ERROR_TIMEOUT, "it did not confine "
				   "itself within the time that was left");
	return rc < 0 ? -1 : 0;
}

int
sandbox_await(int fd, enum sandbox_duty duty, struct deadline deadline,
	      struct sandbox_report *ret_report, struct error *err)
{
	char raw[sizeof(*ret_report)];
	ssize_t n;

	/* Shorter than what a pipe takes or gives in one piece (PIPE_BUF). */
	do {
		if (wait_readable(fd, deadline, err) < 0)
			return -1;
		n = read(fd, raw, sizeof(raw));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return error_sys(err, "read what it says of its confinement");
	return sandbox_report_read(raw, (size_t)n, duty, ret_report, err);
}

/* -------------------------------------------------------------- the probe */

struct probe {
	struct sandbox sandbox;
	int fd;
};

static int
probe_main(void *argument)
{
	const struct probe *probe = argument;

	return sandbox_enter(&probe->sandbox, probe->fd) < 0;
}

int
sandbox_probe(enum sandbox_duty duty, struct sandbox_report *ret_report,
	      struct error *err)
{
	struct deadline deadline = deadline_in(PROBE_MS);
	own_fd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ends[2], rc;

	if (root < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "look how duties can be confined");

	own_fd int read_end = ends[0], write_end = ends[1];
	own_tree_mount struct tree_mount mount = TREE_MOUNT_INIT;
	const struct idmap map = { SANDBOX_UNPACKER_UID, 0, 0 };
	struct probe probe = {
		.sandbox = { .duty = duty, .tree_is_foreign = true,
			     .data_bytes = 1 << 30 },
		.fd = write_end,
	};
	pid_t pid;

	if (sandbox_asks(duty, SANDBOX_MOUNT))
		tree_mount_open(root, &map, &mount);
	probe.sandbox.mount_sys = mount.sys;
	probe.sandbox.tree_dirfd = mount.dirfd < 0 ? root : mount.dirfd;
	const int keep[] = { probe.sandbox.tree_dirfd, write_end };

	if (process_fork("fitout-probe", probe_main, &probe, keep, 2, &pid,
			 err) < 0)
		return -1;
	drop_fd(&write_end);
	rc = sandbox_await(read_end, duty, deadline, ret_report, err);
	process_kill(pid);
	if (rc == 0)
		ret_report->idmap = mount.idmap;
	return rc < 0 ? error_in(err, "look how duties can be confined") : 0;
}
