/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that fetch, unpack and place files. */
#include <ctype.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "import/script_private.h"

#define OPERANDS_MAX 100

/* ---- fetch ---- */

static bool
is_address(const char *word)
{
	return str_starts(word, "http://") || str_starts(word, "https://") ||
	       str_starts(word, "s3://");
}

static const char *
name_in_address(struct arena *arena, const char *url)
{
	const char *base = path_base(url);

	return arena_dup_n(arena, base, strcspn(base, "?#"));
}

/* URL's bytes go to PATH (NULL: its own name, in the current directory), or
 * on to the next command. */
static void
note_download(struct script *script, const char *url, const char *path)
{
	if (script->command->piped_out && !path) {
		script->pipe_url = url;
		return;
	}
	if (!path)
		path = name_in_address(script->arena, url);
	draft_add(script->draft, &script->downloads, (struct download){
		.line = script->command->line,
		.url = url,
		.path = script_path(script, path),
		.meant = *path == '/' && !str_starts(path, "/tmp/") &&
			 !str_starts(path, "/var/tmp/"),
	});
}

static bool
read_fetch(struct script *script, const char *program,
	   const char *const *args, size_t n)
{
	bool curl = strcmp(path_base(program), "curl") == 0;
	const char *to = script_option(args, n, curl ? "-o" : "-O");
	const char *dir = script_option(args, n, "-P");
	size_t found = 0;

	if (!to)
		to = script_option(args, n, curl ? "--output=" : "--output-document=");
	if (!to && curl && script->command->output)
		to = script->command->output;
	if (to && strcmp(to, "-") == 0)
		to = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!is_address(args[i]))
			continue;
		if (dir)
			to = path_join(script->arena, dir,
				       name_in_address(script->arena, args[i]));
		note_download(script, args[i], to);
		found++;
	}
	return found > 0;
}

/* aws s3 cp s3://bucket/key path */
static bool
read_aws(struct script *script, const char *program, const char *const *args,
	 size_t n)
{
	const char *words[OPERANDS_MAX];
	size_t found = script_operands(args, n, words, OPERANDS_MAX);
	const char *to;

	if (found != 4 || strcmp(words[0], "s3") != 0 ||
	    script_option(args, n, "--recursive") ||
	    strcmp(args[n - 1], "--recursive") == 0 ||
	    strcmp(words[1], "cp") != 0 || !is_address(words[2]))
		return false;
	to = words[3];
	if (strcmp(to, "-") == 0)
		to = NULL;
	else if (str_ends(to, "/") || strcmp(to, ".") == 0)
		to = path_join(script->arena, to,
			       name_in_address(script->arena, words[2]));
	note_download(script, words[2], to);
	return true;
}

static struct download *
find_download(struct script *script, const char *path)
{
	for (size_t i = script->downloads.n; i-- > 0;)
		if (strcmp(script->downloads.item[i].path, path) == 0)
			return &script->downloads.item[i];
	return NULL;
}

/* ---- unpack ---- */

static const char *
tar_file(const char *const *args, size_t n)
{
	const char *file = script_option(args, n, "--file=");

	for (size_t i = 0; i < n && !file; i++)
		if ((i == 0 || args[i][0] == '-') && args[i][1] != '-' &&
		    str_ends(args[i], "f") && i + 1 < n)
			file = args[i + 1];
	return file;
}

static bool
read_tar(struct script *script, const char *program, const char *const *args,
	 size_t n)
{
	const char *file = tar_file(args, n), *url = NULL;
	const char *dir = script_option(args, n, "-C");
	bool extracts = n > 0 && (strchr(args[0], 'x') != NULL ||
				  script_letter(args, n, 'x'));
	struct download *download;
	struct archive *archive;

	if (!dir)
		dir = script_option(args, n, "--directory=");
	if (!extracts)
		return false;
	if (!file || strcmp(file, "-") == 0) {
		url = script->pipe_url;
	} else {
		download = find_download(script, script_path(script, file));
		url = download ? download->url : NULL;
	}
	if (!url)
		return false;
	if (script->pipe_url == url)
		draft_add(script->draft, &script->downloads, (struct download){
			.line = script->command->line,
			.url = url,
			.path = "-",
			.used = true,
		});
	draft_add(script->draft, &script->archives, (struct archive){
		.line = script->command->line,
		.url = url,
		.dir = script_path(script, dir ? dir : "."),
		.strip = script_option(args, n, "--strip-components=") ||
			 script_option(args, n, "--strip-components") ||
			 script_option(args, n, "--strip="),
	});
	script->last_line = script->command->line;
	archive = &script->archives.item[script->archives.n - 1];
	if (archive->strip)        /* it is in its place already */
		script_place(script, archive, NULL, archive->dir);
	return true;
}

static bool
read_zip(struct script *script, const char *program, const char *const *args,
	 size_t n)
{
	draft_fault(script->draft, script->command->line, "zip is not a format "
		    "that fitout unpacks: pack it as .tar.gz or .tar.zst");
	return false;
}

/* ---- place ---- */

/* Does the script mean a directory by PATH? */
static bool
is_directory(const struct script *script, const char *path)
{
	const char *full = script_path(script, path);

	if (str_ends(path, "/") || strcmp(path, ".") == 0 ||
	    str_ends(full, ".d"))
		return true;
	for (size_t i = 0; i < script->made.n; i++)
		if (strcmp(script->made.item[i].path, full) == 0)
			return true;
	return false;
}

static const char *
destination(const struct script *script, const char *to, const char *source)
{
	const char *full = script_path(script, to);

	return is_directory(script, to)
		? path_join(script->arena, full, path_base(source)) : full;
}

/* The last archive that was unpacked where PATH lies, and is nowhere yet. */
static struct archive *
find_archive(struct script *script, const char *path)
{
	for (size_t i = script->archives.n; i-- > 0;) {
		struct archive *archive = &script->archives.item[i];

		if (!archive->placed && strcmp(archive->dir,
				path_parent(script->arena, path)) == 0)
			return archive;
	}
	return NULL;
}

static bool
read_mv(struct script *script, const char *program, const char *const *args,
	size_t n)
{
	const char *words[OPERANDS_MAX], *from;
	size_t found = script_operands(args, n, words, OPERANDS_MAX);
	struct archive *archive;
	struct download *download;

	if (found != 2 || script->command->depth > 0)
		return false;
	from = script_path(script, words[0]);
	script->last_line = script->command->line;
	archive = find_archive(script, from);
	if (archive) {
		script_place(script, archive, path_base(from),
			     destination(script, words[1], from));
		return true;
	}
	download = find_download(script, from);
	if (!download)
		return false;
	download->used = true;
	draft_add(script->draft, &script->draft->files, (struct draft_file){
		.line = script->command->line,
		.url = download->url,
		.to = destination(script, words[1], from),
		.mode = download->mode,
	});
	return true;
}

/* A file that supervisord includes names its program. */
static void
note_program(struct script *script, const char *to)
{
	const char *base = path_base(to);

	if (!strstr(to, "supervisor") || !strstr(to, "conf.d") ||
	    !str_ends(base, ".conf"))
		return;
	draft_add(script->draft, &script->draft->programs, (struct draft_word){
		script->command->line,
		arena_dup_n(script->arena, base, strlen(base) - 5), NULL });
}

static bool
copy_one(struct script *script, const char *from, const char *to,
	 const char *mode)
{
	const struct draft_package *package = NULL;
	struct download *download = find_download(script, from);
	struct draft_file file = {
		.line = script->command->line, .to = to, .mode = mode,
	};

	for (size_t i = 0; i < script->draft->packages.n; i++)
		if (path_is_below(from, script->draft->packages.item[i].into))
			package = &script->draft->packages.item[i];
	if (package && strcmp(from, package->into) != 0)
		file.from = arena_printf(script->arena, "%s:%s", package->name,
					 from + strlen(package->into) + 1);
	else if (download)
		file.url = download->url;
	else
		return false;
	if (download)
		download->used = true;
	if (download && !file.mode)
		file.mode = download->mode;
	draft_add(script->draft, &script->draft->files, file);
	note_program(script, to);
	script->last_line = script->command->line;
	return true;
}

static bool
read_cp(struct script *script, const char *program, const char *const *args,
	size_t n)
{
	const char *words[OPERANDS_MAX], *mode = NULL;
	size_t found = script_operands(args, n, words, OPERANDS_MAX);
	bool read = true;

	if (strcmp(path_base(program), "install") == 0) {
		mode = script_option(args, n, "-m");
		for (size_t i = 0; mode && i < found; i++)
			if (words[i] == mode) {
				memmove(words + i, words + i + 1,
					(found - i - 1) * sizeof *words);
				found--;
			}
		if (mode && *mode != '0')
			mode = arena_printf(script->arena, "0%s", mode);
	}
	if (found < 2 || script->command->depth > 0 ||
	    script_letter(args, n, 'r') || script_letter(args, n, 'R') ||
	    script_letter(args, n, 'a'))
		return false;
	for (size_t i = 0; i + 1 < found; i++) {
		const char *from = script_path(script, words[i]);

		read = copy_one(script, from,
				destination(script, words[found - 1], from),
				mode) && read;
	}
	return read;
}

/* cat >file <<EOF, echo text >file */
static bool
read_text(struct script *script, const char *program,
	  const char *const *args, size_t n)
{
	own_str struct str text = STR_INIT(64 * 1024);
	const char *to = script->command->output;

	if (!to || script->command->appends || script->command->depth > 0)
		return false;
	if (strcmp(path_base(program), "cat") == 0) {
		if (!script->command->input || n > 0)
			return false;
		str_add(&text, script->command->input);
	} else {
		for (size_t i = 0; i < n; i++)
			str_addf(&text, "%s%s", i > 0 ? " " : "", args[i]);
		str_add(&text, "\n");
	}
	draft_add(script->draft, &script->draft->files, (struct draft_file){
		.line = script->command->line,
		.content = arena_dup(script->arena, str_get(&text)),
		.to = script_path(script, to),
	});
	note_program(script, script_path(script, to));
	script->last_line = script->command->line;
	return true;
}

static bool
read_cd(struct script *script, const char *program, const char *const *args,
	size_t n)
{
	script->cwd = n > 0 ? script_path(script, args[0]) : "/root";
	for (size_t i = 0; i < script->made.n; i++)
		if (strcmp(script->made.item[i].path, script->cwd) == 0)
			script->made.item[i].entered = true;
	return true;
}

static bool
read_mkdir(struct script *script, const char *program,
	   const char *const *args, size_t n)
{
	const char *words[OPERANDS_MAX], *mode = script_option(args, n, "-m");
	size_t found = script_operands(args, n, words, OPERANDS_MAX);

	for (size_t i = 0; i < found; i++) {
		if (words[i] == mode)
			continue;
		draft_add(script->draft, &script->made, (struct made){
			.line = script->command->line,
			.path = script_path(script, words[i]),
			.mode = !mode || *mode == '0' ? mode
				: arena_printf(script->arena, "0%s", mode),
			.absolute = words[i][0] == '/',
		});
	}
	return true;
}

static bool
read_ln(struct script *script, const char *program, const char *const *args,
	size_t n)
{
	const char *words[OPERANDS_MAX];
	size_t found = script_operands(args, n, words, OPERANDS_MAX);

	if (found != 2 || !script_letter(args, n, 's') ||
	    script->command->depth > 0)
		return false;
	draft_add(script->draft, &script->draft->links, (struct draft_word){
		script->command->line,
		destination(script, words[1], words[0]), words[0] });
	return true;
}

/* What was fetched or unpacked is cleared away; fitout does so itself. */
static bool
read_rm(struct script *script, const char *program, const char *const *args,
	size_t n)
{
	const char *words[OPERANDS_MAX];
	size_t found = script_operands(args, n, words, OPERANDS_MAX);

	for (size_t i = 0; i < found; i++)
		if (words[i][0] == '/' &&
		    !find_download(script, script_path(script, words[i])))
			return false;
	return true;
}

/* ---- permissions ---- */

static struct made *
find_made(struct script *script, const char *path)
{
	for (size_t i = 0; i < script->made.n; i++)
		if (strcmp(script->made.item[i].path, path) == 0)
			return &script->made.item[i];
	return NULL;
}

static bool
lets_all_write(const char *mode)
{
	size_t n = strlen(mode);

	return n >= 3 && strspn(mode, "01234567") == n &&
	       ((mode[n - 1] - '0') & 2);
}

/* Of a file that was fetched or written; "+x" is 0755. */
static bool
set_mode(struct script *script, const char *path, const char *mode)
{
	struct download *download = find_download(script, path);

	if (lets_all_write(mode))
		return false;
	for (size_t i = 0; i < script->draft->files.n; i++)
		if (strcmp(script->draft->files.item[i].to, path) == 0) {
			script->draft->files.item[i].mode = mode;
			return true;
		}
	if (download)
		download->mode = mode;
	return download;
}

static bool
read_chmod(struct script *script, const char *program,
	   const char *const *args, size_t n)
{
	const char *words[OPERANDS_MAX];
	size_t found = script_operands(args, n, words, OPERANDS_MAX);
	bool read = true;

	if (found < 2)
		return false;
	for (size_t i = 1; i < found; i++) {
		const char *path = script_path(script, words[i]);
		struct made *made = find_made(script, path);
		const char *mode = arena_printf(script->arena, "%s%s",
			words[0][0] == '0' ? "" : "0", words[0]);

		if (strchr(words[0], 'x'))
			mode = "0755";
		if (set_mode(script, path, mode))
			continue;
		if (lets_all_write(words[0])) {
			draft_fault(script->draft, script->command->line,
				    "chmod %s lets every user of the host "
				    "change %s, and what root runs out of it; "
				    "name the user that writes there",
				    words[0], path);
			draft_directory_add(script->draft,
				&(struct draft_directory){
				.line = script->command->line,
				.path = path,
				.owner = "root",
				.mode = "0755",
				.note = arena_printf(script->arena,
					"The script said %s: put as owner the "
					"user that writes there.", words[0]),
			});
		} else if (made && isdigit((unsigned char)words[0][0])) {
			made->mode = mode;
		} else {
			/* Of files in a tree the archive's modes count. */
			read = strchr(words[0], 'x') && read;
		}
	}
	return read;
}

static bool
read_chown(struct script *script, const char *program,
	   const char *const *args, size_t n)
{
	const char *words[OPERANDS_MAX], *owner, *group;
	size_t found = script_operands(args, n, words, OPERANDS_MAX), length;
	bool read = found > 1;

	if (!read)
		return false;
	length = strcspn(words[0], ":.");
	owner = length > 0 ? arena_dup_n(script->arena, words[0], length)
			   : NULL;
	group = words[0][length] && words[0][length + 1]
		? words[0] + length + 1 : NULL;
	for (size_t i = 1; i < found; i++) {
		const char *path = script_path(script, words[i]);
		struct draft_package *package = NULL;

		for (size_t k = 0; k < script->draft->packages.n; k++)
			if (strcmp(script->draft->packages.item[k].into,
				   path) == 0)
				package = &script->draft->packages.item[k];
		if (package) {
			package->owner = owner;
			package->group = group;
		} else {
			draft_directory_add(script->draft,
				&(struct draft_directory){
				.line = script->command->line,
				.path = path, .owner = owner, .group = group,
			});
		}
	}
	return read;
}

const struct script_row script_place_rows[] = {
	{ "wget curl", read_fetch },
	{ "aws", read_aws },
	{ "tar bsdtar", read_tar },
	{ "unzip", read_zip },
	{ "mv", read_mv },
	{ "cp install", read_cp },
	{ "cat echo printf", read_text },
	{ "cd pushd", read_cd },
	{ "mkdir", read_mkdir },
	{ "ln", read_ln },
	{ "rm rmdir", read_rm },
	{ "chmod", read_chmod },
	{ "chown", read_chown },
	{ NULL, NULL }
};
