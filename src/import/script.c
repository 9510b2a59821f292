/* SPDX-License-Identifier: Apache-2.0 */
#include "import/script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/str.h"
#include "import/script_private.h"

/* ---- paths and names ---- */

const char *
script_path(const struct script *script, const char *path)
{
	char *full = path[0] == '/' ? arena_dup(script->arena, path)
				    : path_join(script->arena, script->cwd, path);
	char *out = arena_alloc(script->arena, strlen(full) + 2);
	size_t n = 0;

	for (char *part; (part = strsep(&full, "/"));) {
		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (n > 0 && out[--n] != '/')
				;
			continue;
		}
		out[n++] = '/';
		memcpy(out + n, part, strlen(part));
		n += strlen(part);
	}
	out[n] = '\0';
	return n > 0 ? out : "/";
}

/* "nginx" of "nginx1.14.tar.gz": what comes before the version. */
static const char *
name_of_archive(struct arena *arena, const char *url)
{
	const char *base = path_base(url);
	size_t n = strcspn(base, "?#"), end = 0;

	while (end < n && (isalpha((unsigned char)base[end]) ||
			   (end > 0 && strchr("-_", base[end]))))
		end++;
	while (end > 0 && strchr("-_", base[end - 1]))
		end--;
	return end > 0 ? arena_dup_n(arena, base, end) : "package";
}

/* Names are unique among packages, and of letters, digits, '.', '_', '-'. */
static const char *
new_name(const struct script *script, const char *wanted)
{
	char *name = arena_dup(script->arena, wanted);
	const char *unique = name;

	for (char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
			*at = '-';
	for (int number = 2;; number++) {
		size_t i = 0;

		while (i < script->draft->packages.n &&
		       strcmp(script->draft->packages.item[i].name, unique) != 0)
			i++;
		if (i == script->draft->packages.n)
			return unique;
		unique = arena_printf(script->arena, "%s-%d", name, number);
	}
}

void
script_place(struct script *script, struct archive *archive, const char *root,
	     const char *into)
{
	const char *name = root && strcmp(root, ".") != 0 ? root
		: name_of_archive(script->arena, archive->url);

	archive->placed = true;
	for (size_t i = 0; i < script->downloads.n; i++)
		if (strcmp(script->downloads.item[i].url, archive->url) == 0)
			script->downloads.item[i].used = true;
	draft_add(script->draft, &script->draft->packages,
		  (struct draft_package){
			.line = archive->line,
			.name = new_name(script, name),
			.url = archive->url,
			.root = root,
			.into = into,
		  });
}

void
script_unplace(struct script *script, struct archive *archive)
{
	size_t kept = 0;

	for (size_t i = 0; i < script->draft->packages.n; i++)
		if (script->draft->packages.item[i].line != archive->line ||
		    strcmp(script->draft->packages.item[i].url, archive->url))
			script->draft->packages.item[kept++] =
				script->draft->packages.item[i];
	script->draft->packages.n = kept;
	archive->placed = true;
	for (size_t i = 0; i < script->downloads.n; i++)
		if (strcmp(script->downloads.item[i].url, archive->url) == 0)
			script->downloads.item[i].used = true;
}

/* ---- faults that are not of one command ---- */

static void
find_secrets(struct script *script, const char *text)
{
	static const char *const words[] = {
		"aws_secret_access_key", "password=", "passwd=", "secret=",
		"token=", NULL
	};
	int line = 1;

	for (; *text; line++) {
		size_t n = strcspn(text, "\n");

		for (size_t i = 0; words[i]; i++) {
			size_t word_n = strlen(words[i]), at = 0;

			while (at + word_n <= n &&
			       strncasecmp(text + at, words[i], word_n) != 0)
				at++;
			if (at + word_n <= n) {
				draft_fault(script->draft, line,
					"this looks like a secret: every "
					"process of the instance can read "
					"user-data; fetch it with the "
					"instance's role instead");
				break;
			}
		}
		text += n + (text[n] == '\n');
	}
}

static void
judge_downloads(struct script *script)
{
	for (size_t i = 0; i < script->downloads.n; i++) {
		const struct download *download = &script->downloads.item[i];

		if (!script->compares_digests)
			draft_fault(script->draft, download->line,
				    "what %s gives is not checked: a broken or "
				    "changed download is unpacked as root; "
				    "here sha256 is required",
				    path_base(download->url));
		if (str_starts(download->url, "http://"))
			draft_fault(script->draft, download->line,
				    "fetched by plain http: whoever is on the "
				    "way decides what comes; use https");
	}
}

static void
judge(struct script *script)
{
	if (!script->stops_on_error)
		draft_fault(script->draft, 1, "the script goes on after every "
			    "error (there is no set -e); a run of fitout "
			    "stops and takes everything back");
	judge_downloads(script);
	if (script->agent_line > 0 && script->last_line > script->agent_line)
		draft_fault(script->draft, script->agent_line,
			    "the agent starts here, before what is done up to "
			    "line %d: a deployment can run on half an "
			    "instance; fitout starts it last, or not at all",
			    script->last_line);
}

static int
compare_notes(const void *a, const void *b)
{
	const struct draft_note *x = a, *y = b;

	return x->line != y->line ? (x->line < y->line ? -1 : 1)
				  : strcmp(x->text, y->text);
}

/* ---- the end ---- */

/* Unpacked and never moved: it stays where it was unpacked. */
static void
place_the_rest(struct script *script)
{
	for (size_t i = 0; i < script->archives.n; i++) {
		struct archive *archive = &script->archives.item[i];
		const char *name;

		if (archive->placed)
			continue;
		name = name_of_archive(script->arena, archive->url);
		script_place(script, archive, NULL,
			     path_join(script->arena, archive->dir, name));
		draft_add(script->draft, &script->draft->unread,
			  (struct draft_note){ archive->line,
			  "what the archive's directory is called is not "
			  "known: correct into" });
	}
	for (size_t i = 0; i < script->downloads.n; i++) {
		const struct download *download = &script->downloads.item[i];

		if (!download->used && download->meant)
			draft_add(script->draft, &script->draft->files,
				  (struct draft_file){
					.line = download->line,
					.url = download->url,
					.to = download->path,
					.mode = download->mode,
				  });
		else if (!download->used)
			draft_add(script->draft, &script->draft->unread,
				  (struct draft_note){ download->line,
				arena_printf(script->arena, "fetch %s to %s",
					     download->url, download->path) });
	}
}

/* What is written to in a package's tree outlives an upgrade. */
static void
keep_data(struct script *script)
{
	for (size_t i = 0; i < script->draft->directories.n; i++) {
		const char *path = script->draft->directories.item[i].path;

		for (size_t k = 0; k < script->draft->packages.n; k++) {
			struct draft_package *package =
				&script->draft->packages.item[k];

			if (!package->keep &&
			    path_is_below(path, package->into) &&
			    strcmp(path, package->into) != 0)
				package->keep = path + strlen(package->into) + 1;
		}
	}
}

/* A tree replaces all that is in its directory. */
static void
judge_places(struct script *script)
{
	static const char *const shared[] = {
		"/", "/bin", "/etc", "/home", "/lib", "/opt", "/root", "/srv",
		"/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local",
		"/usr/local/bin", "/var", "/var/lib", "/var/www", NULL
	};

	for (size_t i = 0; i < script->draft->packages.n; i++) {
		const struct draft_package *package =
			&script->draft->packages.item[i];
		bool bad = false;

		for (size_t k = 0; shared[k]; k++)
			bad |= strcmp(shared[k], package->into) == 0;
		for (size_t k = 0; k < script->draft->packages.n; k++)
			bad |= k != i && path_is_below(
				script->draft->packages.item[k].into,
				package->into);
		if (bad)
			draft_fault(script->draft, package->line,
				    "%s is unpacked right into %s, which holds "
				    "other things, too; a package replaces all "
				    "of its directory: give it one of its own "
				    "(into), and link or copy what must be "
				    "elsewhere", package->name, package->into);
	}
}

/* The tree of a package is a directory that it makes itself. */
static bool
is_package(const struct script *script, const char *path)
{
	for (size_t i = 0; i < script->draft->packages.n; i++)
		if (strcmp(script->draft->packages.item[i].into, path) == 0)
			return true;
	return false;
}

static void
keep_directories(struct script *script)
{
	for (size_t i = 0; i < script->made.n; i++) {
		const struct made *made = &script->made.item[i];

		if (made->absolute && !made->entered &&
		    !is_package(script, made->path))
			draft_directory_add(script->draft,
				&(struct draft_directory){
					.line = made->line,
					.path = made->path,
					.mode = made->mode,
				});
	}
}

/* ---- the walk ---- */

static void
leave_unread(struct script *script)
{
	const struct shell_command *command = script->command;
	own_str struct str text = STR_INIT(2000);

	for (size_t i = 0; i < command->n; i++)
		str_addf(&text, "%s%s", i > 0 ? " " : "", command->words[i].text);
	if (command->output)
		str_addf(&text, " >%s %s", command->appends ? ">" : "",
			 command->output);
	if (command->depth > 0)
		str_add(&text, "   (under a condition)");
	draft_add(script->draft, &script->draft->unread,
		  (struct draft_note){ command->line,
			arena_dup(script->arena, str_get(&text)) });
}

static void
follow(struct script *script)
{
	const struct shell_command *command = script->command;
	size_t first = command->n > 0 &&
		strcmp(command->words[0].text, "sudo") == 0;
	const char **args = arena_array(script->arena, command->n + 1,
					sizeof *args);
	const char *program;

	while (first && first < command->n &&
	       command->words[first].text[0] == '-')
		first++;
	if (first >= command->n) {
		leave_unread(script);
		return;
	}
	program = command->words[first].text;
	for (size_t i = first + 1; i < command->n; i++)
		args[i - first - 1] = command->words[i].text;
	if (!script_command(script, program, path_base(program), args,
			    command->n - first - 1))
		leave_unread(script);
	else
		script->understood = true;
	if (!command->piped_out)
		script->pipe_url = NULL;
}

/* What else comes as user-data, and other languages. */
static const char *
not_shell(const char *text)
{
	static const char *const shells[] = {
		"/sh", "/bash", "/dash", "/ash", "/ksh", "/zsh",
		" sh", " bash", " dash", " ash", " ksh", " zsh", NULL
	};
	size_t n = strcspn(text, "\r\n");

	if (str_starts(text, "#cloud-config") ||
	    str_starts(text, "Content-Type:") || str_starts(text, "MIME-"))
		return "is for cloud-init: give import the shell script in it";
	if (!str_starts(text, "#!"))
		return NULL;
	for (size_t i = 0; shells[i]; i++) {
		const char *at = memmem(text, n, shells[i], strlen(shells[i]));
		size_t end = at ? (size_t)(at - text) + strlen(shells[i]) : 0;

		if (at && (end == n || text[end] == ' '))
			return NULL;
	}
	return "is a script for another program than a shell";
}

const char *
script_import(struct arena *arena, const char *text, struct draft *ret_draft,
	      int *ret_line)
{
	struct script script = {
		.arena = arena,
		.draft = ret_draft,
		.cwd = "/",
	};
	struct shell_script commands;
	const char *problem;

	*ret_draft = (struct draft){ .arena = arena };
	*ret_line = 1;
	problem = not_shell(text);
	if (!problem)
		problem = shell_read(arena, text, &commands, ret_line);
	if (problem)
		return problem;
	if (commands.open_line)
		draft_fault(ret_draft, commands.open_line, "what begins here "
			    "(if, a loop, a group) is not ended: all of the "
			    "rest was taken to be under a condition");
	script.stops_on_error = str_starts(text, "#!") &&
		memmem(text, strcspn(text, "\n"), " -e", 3);
	for (size_t i = 0; i < commands.n; i++) {
		script.command = &commands.commands[i];
		follow(&script);
	}
	place_the_rest(&script);
	keep_directories(&script);
	keep_data(&script);
	judge_places(&script);
	find_secrets(&script, text);
	judge(&script);
	if (ret_draft->faults.n > 0)
		qsort(ret_draft->faults.item, ret_draft->faults.n,
		      sizeof *ret_draft->faults.item, compare_notes);
	if (ret_draft->unread.n > 0)
		qsort(ret_draft->unread.item, ret_draft->unread.n,
		      sizeof *ret_draft->unread.item, compare_notes);
	*ret_line = 1;
	return script.understood ? NULL
		: "has no command that import knows: is it a script?";
}
