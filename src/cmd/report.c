/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/own.h"
#include "cmd/print.h"
#include "io/newfile.h"
#include "run/report.h"
#include "run/report_compare.h"
#include "run/report_html.h"
#include "run/report_svg.h"
#include "run/report_text.h"
#include "run/state.h"

#define PAGE_BYTES_MAX ((size_t)64 << 20)

static const struct option_row report_options[] = {
	{ "svg", "FILE" },
	{ "html", "FILE" },
	{ "compare", "OTHER" },
	{ NULL, NULL }
};

struct wanted {
	const char *svg, *html, *compare;
};

/* A number is a generation's; anything else a file. */
static struct json *
load_other(const struct state *state, const char *other, struct error *err)
{
	char *end;
	long long number = strtoll(other, &end, 10);

	if (*other && !*end && number > 0)
		return report_of_generation(state, number, err);
	return report_of_file(other, err);
}

/* Into what is there and no file: a pipe, a terminal, the target of a link. */
static int
write_into(const char *path, const struct str *page, struct error *err)
{
	own_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_sys(err, "open %s", path);
	return write_all(fd, page->data, page->len, err);
}

/* Whole, or as it was: somebody may be looking at it. */
static int
replace(const char *path, const struct str *page, struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	own_str struct str directory = STR_INIT(4096);
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, page, err);
	str_add_n(&directory, path, n);
	own_fd int dirfd = open(n ? str_get(&directory) : ".",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0) {
		error_sys(err, "open its directory");
		return error_next(err, "name a file in a directory that is "
				  "there");
	}
	return newfile_replace(dirfd, path + n, page->data, page->len, 0644,
			       err);
}

static int
write_page(const char *path, const struct str *page, struct error *err)
{
	if (page->full)
		return error_raise(err, ERROR_LIMIT, "%s would be larger than "
				   "%zu bytes", path, PAGE_BYTES_MAX);
	if (strcmp(path, "-") == 0) {
		fwrite(str_get(page), 1, page->len, stdout);
		return 0;
	}
	return replace(path, page, err) < 0 ? error_in(err, "write %s", path)
					    : 0;
}

static int
write_pages(const struct wanted *wanted, const struct json *report,
	    const struct json *compared, struct error *err)
{
	own_str struct str svg = STR_INIT(PAGE_BYTES_MAX);
	own_str struct str html = STR_INIT(PAGE_BYTES_MAX);

	if (wanted->svg) {
		report_svg(report, true, &svg);
		if (write_page(wanted->svg, &svg, err) < 0)
			return -1;
	}
	if (!wanted->html)
		return 0;
	report_html(report, compared, &html);
	return write_page(wanted->html, &html, err);
}

static void
print_text(const struct json *report, const struct json *compared, bool json)
{
	own_str struct str text = STR_INIT((size_t)16 << 20);

	if (json) {
		json_print(compared ? compared : report, 1, &text);
		str_add(&text, "\n");
	} else if (compared) {
		report_compare_print(compared, &text);
	} else {
		report_print(report, &text);
	}
	print_lines(stdout, str_get(&text));
}

static int
show_report(struct options *options, const struct state *state,
	    const struct wanted *wanted, struct error *err)
{
	own_json struct json *report = report_load(state, err);
	own_json struct json *other = NULL, *compared = NULL;

	if (!report)
		return -1;
	if (wanted->compare) {
		other = load_other(state, wanted->compare, err);
		if (!other)
			return error_in(err, "--compare");
		compared = report_compare(report, other);
	}
	if (wanted->svg || wanted->html)
		return write_pages(wanted, report, compared, err);
	print_text(report, compared, options->json);
	return 0;
}

static int
report_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { report_options, argc, argv, 0, false };
	struct wanted wanted = { NULL, NULL, NULL };
	struct state state = STATE_INIT;
	const char *name, *value;
	int got, status;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE, "report takes no "
				"operand, found '%s'", value);
		if (strcmp(name, "svg") == 0)
			wanted.svg = value;
		else if (strcmp(name, "html") == 0)
			wanted.html = value;
		else
			wanted.compare = value;
	}
	if (got < 0)
		return -1;
	status = options_state(options, &state, err);
	if (status == 0)
		status = show_report(options, &state, &wanted, err);
	state_release(&state);
	return status;
}

const struct command command_report = {
	.name = "report",
	.operands = "",
	.options = report_options,
	.summary = "show what the last run did, and when",
	.run = report_run,
};
