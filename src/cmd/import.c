/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/download_digest.h"
#include "import/script.h"
#include "profile/bytes.h"

#define SCRIPT_BYTES_MAX (256 * 1024)
#define DRAFT_BYTES_MAX (4 * 1024 * 1024)

static const struct option_row import_options[] = {
	{ "fetch-digests", NULL },
	{ NULL, NULL }
};

static int
fill_digests(struct options *options, struct draft *draft, struct error *err)
{
	own_fetcher struct fetcher *fetcher =
		fetcher_new(&fetcher_options_default);

	if (interrupt_catch(err) < 0)
		return -1;
	if (draft->agent_package.url && !draft->agent_package.unpinned &&
	    download_digest(options, fetcher, draft->agent_package.url,
			    &draft->agent_package.sha256, err) < 0)
		return -1;
	for (size_t i = 0; i < draft->packages.n; i++)
		if (download_digest(options, fetcher,
				    draft->packages.item[i].url,
				    &draft->packages.item[i].sha256, err) < 0)
			return -1;
	for (size_t i = 0; i < draft->files.n; i++)
		if (draft->files.item[i].url &&
		    download_digest(options, fetcher, draft->files.item[i].url,
				    &draft->files.item[i].sha256, err) < 0)
			return -1;
	return 0;
}

static void
say_faults(const char *path, const struct draft *draft)
{
	for (size_t i = 0; i < draft->faults.n; i++)
		log_warning("import.fault", NULL, "%s:%d: %s", path,
			    draft->faults.item[i].line,
			    draft->faults.item[i].text);
}

static int
import_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { import_options, argc, argv, 0, false };
	own_str struct str out = STR_INIT(DRAFT_BYTES_MAX);
	const char *name, *value, *path = NULL, *text;
	struct draft draft;
	const char *problem;
	bool fetch = false;
	size_t n;
	int got, line = 1;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 1)
			fetch = true;
		else if (path)
			return error_raise(err, ERROR_USAGE, "import takes one "
				"script, found '%s' as well", value);
		else
			path = value;
	}
	if (got < 0)
		return -1;
	if (!path)
		return error_raise(err, ERROR_USAGE, "import needs a script: "
				   "fitout import user-data.sh");
	if (bytes_read(options->arena, path, SCRIPT_BYTES_MAX, &text, &n,
		       err) < 0) {
		err->code = ERROR_USAGE;
		return -1;
	}
	problem = strlen(text) == n
		? script_import(options->arena, text, &draft, &line)
		: "has a NUL in it: it is no shell script";
	if (problem)
		return error_raise(err, ERROR_USAGE, "%s:%d: %s", path, line,
				   problem);
	say_faults(path, &draft);
	if (fetch && fill_digests(options, &draft, err) < 0)
		return -1;
	draft_print(&draft, path, &out);
	fputs(str_get(&out), stdout);
	return 0;
}

const struct command command_import = {
	.name = "import",
	.operands = "FILE",
	.options = import_options,
	.summary = "a draft of a profile, made of an old user-data script",
	.run = import_run,
};
