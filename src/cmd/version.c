/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/sbom.h"

static int
print_json(bool sbom)
{
	own_json struct json *root = json_new_object();
	own_str struct str text = STR_INIT(64 * 1024);
	struct json *libraries = json_new_array();

	json_set_text(root, "name", "fitout");
	json_set_text(root, "version", PACKAGE_VERSION);
	for (const struct sbom_row *row = sbom_rows; sbom && row->name; row++) {
		struct json *library = json_new_object();

		json_set_text(library, "name", row->name);
		json_set_text(library, "version", row->version);
		json_set_text(library, "source", row->source);
		json_set_text(library, "license", row->license);
		json_add(libraries, library);
	}
	json_set(root, "libraries", libraries);
	json_print(root, 0, &text);
	puts(str_get(&text));
	return 0;
}

static void
print_text(bool sbom)
{
	printf("fitout %s\n", PACKAGE_VERSION);
	for (const struct sbom_row *row = sbom_rows; sbom && row->name; row++)
		printf("%-12s %-12s %-28s %s\n", row->name, row->version,
		       row->source, row->license);
}

static const struct option_row version_options[] = {
	{ "sbom", NULL },
	{ NULL, NULL }
};

static int
version_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { version_options, argc, argv, 0, false };
	const char *name, *value;
	bool sbom = false;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE,
				"version takes no operand, found '%s'", value);
		sbom = true;
	}
	if (got < 0)
		return -1;
	if (options->json)
		return print_json(sbom);
	print_text(sbom);
	return 0;
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.options = version_options,
	.summary = "print the version; --sbom lists the linked libraries",
	.bare = true,
	.run = version_run,
};
