/* SPDX-License-Identifier: Apache-2.0 */
/* The text of supervisord's files. No system calls but gethostname. */
#include "kind/supervisor_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/ini.h"
#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "kind/supervisor_setting.h"

#define PROGRAMS_MAX 4096
#define WORDS_MAX 1024

/* ---- programs ---- */

struct reading {
	struct arena *arena;
	const char *name, *path;
	struct ini ini;
	VEC(struct supervisor_program) programs;
	VEC(struct supervisor_group) groups;
	struct error *err;
};

static int
refuse(struct reading *reading, int line, const char *fmt, const char *what)
{
	return error_raise(reading->err, ERROR_FORMAT, "%s:%d: %s%s%s",
			   reading->name, line, fmt, what ? " " : "",
			   what ? what : "");
}

static int
read_number(struct reading *reading, const char *section, const char *key,
	    int64_t fallback, int64_t *ret_number)
{
	const struct ini_entry *entry = setting_of(&reading->ini, section, key);
	const char *text;
	char *end;

	*ret_number = fallback;
	if (!entry)
		return 0;
	text = setting_text(reading->arena, entry->value);
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	if (!*text || *end || errno)
		return refuse(reading, entry->line, key, "is not a number");
	return 0;
}

static const char *
option(struct reading *reading, const char *section, const char *key,
       const char *fallback)
{
	const struct ini_entry *entry = setting_of(&reading->ini, section, key);

	return entry ? setting_text(reading->arena, entry->value)
		     : fallback;
}

static int
read_words(struct reading *reading, struct supervisor_program *program)
{
	const char *at = program->command, *word;
	const char **paths = arena_array(reading->arena, WORDS_MAX + 1,
					 sizeof *paths);
	size_t words = 0, n = 0;
	bool unclosed = false;

	while (n < WORDS_MAX &&
	       setting_next_word(reading->arena, &at, &word, &unclosed)) {
		const char *path = setting_path_in(reading->arena, word);

		if (unclosed)
			return refuse(reading, program->line, "a quote in the "
				      "command is not closed", NULL);
		if (words++ == 0 && !strstr(word, "%("))
			program->executable = word;
		if (path)
			paths[n++] = path;
	}
	if (words == 0)
		return refuse(reading, program->line, "the command is empty",
			      NULL);
	program->paths = paths;
	return 0;
}

static const char *
expanded(struct reading *reading, const char *section, const char *name,
	 const struct expansion *expansions)
{
	const char *value = option(reading, section, name, NULL);

	return value ? setting_expand(reading->arena, value, expansions) : NULL;
}

static int
read_program(struct reading *reading, const char *section, const char *name,
	     int line)
{
	struct arena *arena = reading->arena;
	char host[256] = "localhost";
	const struct expansion expansions[] = {
		{ "here", setting_here(arena, reading->path) },
		{ "program_name", name }, { "group_name", name },
		{ "host_node_name", host }, { NULL, NULL },
	};
	const struct ini_entry *command = setting_of(&reading->ini, section,
						 "command");
	struct supervisor_program program = { .name = name, .group = name,
					      .file = reading->path };
	const char *restart;

	gethostname(host, sizeof host - 1);
	if (!*name)
		return refuse(reading, line, "a program without a name", NULL);
	if (!command)
		return refuse(reading, line, section, "has no command");
	program.line = command->line;
	program.command = setting_expand(arena,
		setting_text(arena, command->value), expansions);
	program.directory = expanded(reading, section, "directory",
				     expansions);
	program.stdout_log = expanded(reading, section, "stdout_logfile",
				      expansions);
	program.stderr_log = expanded(reading, section, "stderr_logfile",
				      expansions);
	program.autostart = setting_is_true(option(reading, section,
						   "autostart", "true"));
	restart = option(reading, section, "autorestart", "unexpected");
	program.autorestart = setting_is_true(restart);
	program.unexpected = !strcasecmp(restart, "unexpected");
	program.exit_codes = option(reading, section, "exitcodes", "0");
	if (read_number(reading, section, "startsecs", 1,
			&program.startsecs) < 0 ||
	    read_number(reading, section, "stopwaitsecs", 10,
			&program.stopwaitsecs) < 0 ||
	    read_words(reading, &program) < 0)
		return -1;
	if (vec_push(&reading->programs, program) < 0)
		return refuse(reading, line, "too many programs", NULL);
	return 0;
}

static int
read_group(struct reading *reading, const char *section, const char *name,
	   int line)
{
	const struct ini_entry *entry = setting_of(&reading->ini, section,
					       "programs");
	struct supervisor_group group = { .name = name, .line = line,
					  .file = reading->path };

	if (!entry)
		return refuse(reading, line, section, "has no programs");
	group.programs = setting_list(reading->arena,
		setting_text(reading->arena, entry->value), ", \t\r\n");
	if (vec_push(&reading->groups, group) < 0)
		return refuse(reading, line, "too many groups", NULL);
	return 0;
}

static int
read_section(struct reading *reading, const char *section, int line)
{
	static const char *const programs[] = {
		"program:", "fcgi-program:", "eventlistener:", NULL
	};

	for (size_t i = 0; programs[i]; i++)
		if (str_starts(section, programs[i]))
			return read_program(reading, section,
				section + strlen(programs[i]), line);
	if (str_starts(section, "group:"))
		return read_group(reading, section,
				  section + strlen("group:"), line);
	return 0;
}

/* A heading that is indented counts only if it is not a part of the value
 * above it: if the INI reader took it for one, too. */
static bool
is_section(const struct ini *ini, const char *section)
{
	for (size_t i = 0; i < ini->n; i++)
		if (!strcmp(ini->entries[i].section, section))
			return true;
	return false;
}

/* "[NAME]" in LINE (n bytes), or NULL. */
static const char *
heading(struct reading *reading, const char *line, size_t n)
{
	const char *open = line, *close, *name;

	while (open < line + n && (*open == ' ' || *open == '\t'))
		open++;
	if (open == line + n || *open != '[')
		return NULL;
	close = memchr(open, ']', (size_t)(line + n - open));
	if (!close)
		return NULL;
	name = arena_dup_n(reading->arena, open + 1,
			   (size_t)(close - open - 1));
	return open == line || is_section(&reading->ini, name) ? name : NULL;
}

/* Every "[section]" line, in order, also of sections without a key. */
static int
read_sections(struct reading *reading, const char *text, size_t n)
{
	const char *end = text + n;

	if (n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
		text += 3;
	for (int line = 1; text < end; line++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *section;

		if (!eol)
			eol = end;
		section = heading(reading, text, (size_t)(eol - text));
		if (section && read_section(reading, section, line) < 0)
			return -1;
		text = eol + 1;
	}
	return 0;
}

static void
apply_groups(struct reading *reading)
{
	for (size_t i = 0; i < reading->groups.n; i++) {
		const struct supervisor_group *group = &reading->groups.item[i];

		for (size_t j = 0; j < reading->programs.n; j++) {
			struct supervisor_program *program =
				&reading->programs.item[j];

			for (size_t k = 0; group->programs[k]; k++)
				if (!strcmp(group->programs[k], program->name))
					program->group = group->name;
		}
	}
}

static void
hand_over(struct reading *reading, struct supervisor_file *ret_file)
{
	struct supervisor_program *programs = arena_array(reading->arena,
		reading->programs.n + 1, sizeof *programs);
	struct supervisor_group *groups = arena_array(reading->arena,
		reading->groups.n + 1, sizeof *groups);

	if (reading->programs.n)
		memcpy(programs, reading->programs.item,
		       reading->programs.n * sizeof *programs);
	if (reading->groups.n)
		memcpy(groups, reading->groups.item,
		       reading->groups.n * sizeof *groups);
	*ret_file = (struct supervisor_file){ programs, reading->programs.n,
					      groups, reading->groups.n };
}

int
supervisor_file_read(struct arena *arena, const char *name, const char *path,
		     const char *text, size_t n, bool main,
		     struct supervisor_file *ret_file, struct error *err)
{
	struct reading reading = {
		.arena = arena, .name = name, .path = path, .err = err,
		.programs = VEC_INIT(PROGRAMS_MAX),
		.groups = VEC_INIT(PROGRAMS_MAX),
	};
	int result = ini_read(arena, name, text, n, &reading.ini, err);

	if (result == 0)
		result = read_sections(&reading, text, n);
	if (result == 0 && !main && !reading.programs.n && !reading.groups.n)
		result = error_raise(err, ERROR_FORMAT, "%s: this is no "
			"supervisor program file: it has no [program:...] "
			"section", name);
	if (result == 0) {
		apply_groups(&reading);
		hand_over(&reading, ret_file);
	}
	vec_release(&reading.programs);
	vec_release(&reading.groups);
	return result;
}

/* ---- the main file ---- */

static bool
needs_restart(const char *section)
{
	return !strcmp(section, "supervisord") ||
	       !strcmp(section, "unix_http_server") ||
	       !strcmp(section, "inet_http_server") ||
	       str_starts(section, "rpcinterface:");
}

static const char *
daemon_text(struct arena *arena, const struct ini *ini)
{
	own_str struct str out = STR_INIT(1024 * 1024);

	for (size_t i = 0; i < ini->n; i++)
		if (needs_restart(ini->entries[i].section))
			str_addf(&out, "%s.%s=%s\n", ini->entries[i].section,
				 ini->entries[i].key, ini->entries[i].value);
	return arena_dup(arena, str_get(&out));
}

static const char *
main_value(struct arena *arena, const struct ini *ini, const char *path,
	   const char *section, const char *key)
{
	const struct ini_entry *entry = setting_of(ini, section, key);
	char host[256] = "localhost";
	const struct expansion expansions[] = {
		{ "here", setting_here(arena, path) },
		{ "host_node_name", host }, { NULL, NULL },
	};

	gethostname(host, sizeof host - 1);
	if (!entry || !*entry->value)
		return NULL;
	return setting_expand(arena, setting_text(arena, entry->value),
			      expansions);
}

/* A pattern's "//", "." and ".." go: it is compared with destinations. */
static const char *
normal_path(struct arena *arena, const char *path)
{
	own_str struct str out = STR_INIT(8192);

	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && !strncmp(path, "..", 2)) {
			char *slash = out.len ? strrchr(out.data, '/') : NULL;

			if (slash) {
				*slash = '\0';
				out.len = (size_t)(slash - out.data);
			}
		} else if (n && !(n == 1 && *path == '.')) {
			str_add(&out, "/");
			str_add_n(&out, path, n);
		}
		path += n;
	}
	return arena_dup(arena, str_get(&out));
}

static const char *const *
include_patterns(struct arena *arena, const struct ini *ini, const char *path)
{
	const char *files = main_value(arena, ini, path, "include", "files");
	const char *const *words = setting_list(arena, files ? files : "",
						" \t\r\n");
	const char **patterns;
	size_t n = 0;

	while (words[n])
		n++;
	patterns = arena_array(arena, n + 1, sizeof *patterns);
	for (size_t i = 0; i < n; i++)
		patterns[i] = normal_path(arena, *words[i] == '/' ? words[i]
			: arena_printf(arena, "%s/%s",
				       setting_here(arena, path), words[i]));
	return patterns;
}

int
supervisor_main_read(struct arena *arena, const char *name, const char *path,
		     const char *text, size_t n,
		     struct supervisor_config *ret_config, struct error *err)
{
	const struct ini_entry *socket;
	struct supervisor_file file;
	const char *nodaemon;
	struct ini ini;

	if (ini_read(arena, name, text, n, &ini, err) < 0 ||
	    supervisor_file_read(arena, name, path, text, n, true, &file,
				 err) < 0)
		return -1;
	socket = setting_of(&ini, "unix_http_server", "file");
	nodaemon = main_value(arena, &ini, path, "supervisord", "nodaemon");
	*ret_config = (struct supervisor_config){
		.path = path,
		.socket = main_value(arena, &ini, path, "unix_http_server",
				     "file"),
		.socket_line = socket ? socket->line : 0,
		.user = main_value(arena, &ini, path, "unix_http_server",
				   "username"),
		.password = main_value(arena, &ini, path, "unix_http_server",
				       "password"),
		.has_rpc = setting_of(&ini, "rpcinterface:supervisor",
				  "supervisor.rpcinterface_factory") != NULL,
		.nodaemon = nodaemon && setting_is_true(nodaemon),
		.patterns = include_patterns(arena, &ini, path),
		.daemon_text = daemon_text(arena, &ini),
		.programs = file.programs,
		.n_programs = file.n_programs,
	};
	return 0;
}
