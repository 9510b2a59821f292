/* SPDX-License-Identifier: Apache-2.0 */
/* How a script installs the agent: by an installer, by a package of the
 * distribution, or out of an archive; each fetched by the script. */
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "import/script_private.h"

void
script_agent_starts(struct script *script)
{
	if (!script->draft->agent)
		script->draft->agent_line = script->command->line;
	script->draft->agent = "codedeploy";
	if (!script->agent_line)
		script->agent_line = script->command->line;
}

static bool
is_agent(const char *url)
{
	return strstr(url, "codedeploy") || str_ends(url, "/latest/install");
}

/* The last name of its path, by which agent.package keeps it. */
static const char *
name_of(struct arena *arena, const char *url)
{
	size_t n = strcspn(url, "?#"), at = n;

	while (at > 0 && url[at - 1] != '/')
		at--;
	return arena_dup_n(arena, url + at, n - at);
}

/* The command at hand installs the agent from PACKAGE, whose file, or whose
 * program, is the word SPOKEN of it: NAME there. */
static void
install(struct script *script, struct draft_agent_package package,
	const char *program, const char *const *args, size_t n,
	const char *spoken, const char *name)
{
	const char **words = arena_array(script->arena, n + 2, sizeof *words);
	const char *here = arena_printf(script->arena, "./%s", name);

	words[0] = program == spoken ? here : program;
	for (size_t i = 0; i < n; i++)
		words[i + 1] = args[i] == spoken ? here : args[i];
	package.line = script->command->line;
	package.install = words;
	package.n_install = n + 1;
	/* What is said again is said for when the first time failed. */
	if (!script->draft->agent_package.url)
		script->draft->agent_package = package;
	script_agent_starts(script);
}

static struct download *
find_agent(struct script *script, const char *path)
{
	for (size_t i = script->downloads.n; i-- > 0;) {
		struct download *download = &script->downloads.item[i];

		if (strcmp(download->path, path) == 0 &&
		    is_agent(download->url))
			return download;
	}
	return NULL;
}

bool
script_agent_package(struct script *script, const char *program,
		     const char *const *args, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *word = args[i], *url = NULL;
		struct download *download = NULL;

		if (str_ends(word, ".deb") || str_ends(word, ".rpm"))
			download = find_agent(script, script_path(script, word));
		if (download)
			url = download->url;
		else if (is_agent(word) && (str_starts(word, "https://") ||
					    str_starts(word, "http://")))
			url = word;
		if (!url || !*name_of(script->arena, url))
			continue;
		if (download)
			download->used = true;
		install(script, (struct draft_agent_package){
				.url = url, .as_is = true }, program, args, n,
			word, name_of(script->arena, url));
		return true;
	}
	return false;
}

/* An installer, which is what was fetched. */
static bool
read_installer(struct script *script, const char *program,
	       const char *const *args, size_t n, const char *spoken)
{
	struct download *download =
		find_agent(script, script_path(script, spoken));

	if (!download || !*name_of(script->arena, download->url))
		return false;
	download->used = true;
	install(script, (struct draft_agent_package){
			.url = download->url, .as_is = true, .unpinned = true,
		}, program, args, n, spoken,
		name_of(script->arena, download->url));
	return true;
}

/* A program of an archive: in its only directory, or deeper. */
static bool
read_unpacked(struct script *script, const char *program,
	      const char *const *args, size_t n, const char *spoken)
{
	const char *path = script_path(script, spoken);

	for (size_t i = script->archives.n; i-- > 0;) {
		struct archive *archive = &script->archives.item[i];
		const char *below, *root;

		/* (All of the host is below the root.) */
		if (!is_agent(archive->url) || !archive->dir[1] ||
		    !path_is_below(path, archive->dir) ||
		    strcmp(path, archive->dir) == 0)
			continue;
		below = path + strlen(archive->dir) + 1;
		root = archive->strip || !strchr(below, '/') ? NULL
			: arena_dup_n(script->arena, below,
				      (size_t)(path_base(below) - below) - 1);
		if (archive->strip && strchr(below, '/'))
			return false;   /* below a name that is not known */
		script_unplace(script, archive);
		install(script, (struct draft_agent_package){
				.url = archive->url, .root = root }, program,
			args, n, spoken, path_base(path));
		return true;
	}
	return false;
}

bool
script_agent_program(struct script *script, const char *program,
		     const char *const *args, size_t n, const char *spoken)
{
	return read_installer(script, program, args, n, spoken) ||
	       read_unpacked(script, program, args, n, spoken);
}
