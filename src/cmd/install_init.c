/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "cmd/print.h"
#include "io/newfile.h"
#include "kind/boot_files.h"
#include "run/state.h"

static const struct option_row install_init_options[] = {
	{ "drain", NULL },
	{ "init", "SYSTEM" },
	{ "profile-from", "WHERE" },
	{ "remove", NULL },
	{ NULL, NULL }
};

struct work {
	struct context context;
	struct boot_files files;
	const char *init, *profile_from;
	bool drain, remove;
	struct str out;
};

static int
parse(struct options *options, struct work *work, int argc, char **argv,
      struct error *err)
{
	struct option_walk walk = { install_init_options, argc, argv, 0,
				    false };
	const char *name, *value;
	int got;

	work->profile_from = "generation";
	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE, "install-init "
				"takes no operand, found '%s'", value);
		if (!strcmp(name, "remove"))
			work->remove = true;
		else if (!strcmp(name, "drain"))
			work->drain = true;
		else if (!strcmp(name, "init"))
			work->init = value;
		else
			work->profile_from = value;
	}
	if (got == 0 && strcmp(work->profile_from, "user-data") != 0 &&
	    strcmp(work->profile_from, "generation") != 0)
		return error_raise(err, ERROR_USAGE, "--profile-from wants "
			"generation or user-data, found '%s'",
			work->profile_from);
	return got;
}

static int
check_drain(enum boot_init init, struct error *err)
{
	if (init == BOOT_SYSTEMD)
		return 0;
	return error_raise(err, ERROR_USAGE, "--drain is for systemd only: "
		"have what this host has keep 'fitout drain --watch' running");
}

static int
choose(struct work *work, enum boot_init *ret_init, struct error *err)
{
	*ret_init = boot_init_detect(&work->context);
	if (!work->init && *ret_init == BOOT_NONE)
		return error_raise(err, ERROR_CHECK, "this host has neither "
			"systemd nor /etc/init.d: start 'fitout boot' by what "
			"it has; or say --init, of systemd, openrc, upstart, "
			"sysv");
	for (size_t i = 0; work->init && boot_init_names[i]; i++)
		if (!strcmp(boot_init_names[i], work->init)) {
			*ret_init = (enum boot_init)i;
			return work->drain ? check_drain(*ret_init, err) : 0;
		}
	if (!work->init)
		return work->drain ? check_drain(*ret_init, err) : 0;
	return error_raise(err, ERROR_USAGE,
		"--init wants systemd, openrc, upstart or sysv, found '%s'",
		work->init);
}

/* The directory of PATH, made with its parents if need be. */
static int
open_parent(struct work *work, const char *path, struct error *err)
{
	struct error probe = ERROR_INIT;
	const char *parent = path_parent(work->context.arena, path);
	int fd = path_open_dir(work->context.rootfd, parent, &probe);

	if (fd >= 0)
		return fd;
	*err = probe;
	if (probe.sys != ENOENT || !strcmp(parent, "/"))
		return error_in(err, "%s", path);
	own_fd int above = open_parent(work, parent, err);
	if (above < 0)
		return -1;
	if (mkdirat(above, path_base(parent), 0755) < 0 && errno != EEXIST)
		return error_sys(err, "make %s", parent);
	return path_open_dir(work->context.rootfd, parent, err);
}

static int
copy_program(int dirfd, const char *path, struct error *err)
{
	own_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	own_str struct str bytes = STR_INIT((size_t)256 << 20);

	if (self < 0)
		return error_sys(err, "open this program (/proc/self/exe)");
	if (file_read_fd(self, "this program", (size_t)256 << 20, &bytes,
			 err) < 0)
		return -1;
	return newfile_replace(dirfd, path_base(path), bytes.data, bytes.len,
			       0755, err);
}

static int
put_link(int dirfd, const struct boot_file *file, struct error *err)
{
	if (unlinkat(dirfd, path_base(file->path), 0) < 0 && errno != ENOENT)
		return error_sys(err, "replace it");
	if (symlinkat(file->target, dirfd, path_base(file->path)) < 0)
		return error_sys(err, "link it to %s", file->target);
	return 0;
}

static int
put(struct work *work, const struct boot_file *file, struct error *err)
{
	int result;

	if (boot_file_is_there(&work->context, file)) {
		str_addf(&work->out, "as it was  %s\n", file->path);
		return 0;
	}
	own_fd int dirfd = open_parent(work, file->path, err);
	if (dirfd < 0)
		return -1;
	result = file->program ? copy_program(dirfd, file->path, err)
		: file->target ? put_link(dirfd, file, err)
		: newfile_replace(dirfd, path_base(file->path), file->text,
				  strlen(file->text), file->mode, err);
	if (result < 0)
		return error_in(err, "%s", file->path);
	str_addf(&work->out, "placed     %s\n", file->path);
	return 0;
}

/* The program stays: who knows who else runs it. */
static int
take_away(struct work *work, const struct boot_file *file, struct error *err)
{
	struct error probe = ERROR_INIT;
	own_fd int dirfd = file->program ? -1
		: path_open_dir(work->context.rootfd,
				path_parent(work->context.arena, file->path),
				&probe);

	if (file->program)
		return 0;
	if (dirfd < 0 && probe.sys != ENOENT) {
		*err = probe;
		return -1;
	}
	if (dirfd < 0 || unlinkat(dirfd, path_base(file->path), 0) < 0) {
		if (dirfd >= 0 && errno != ENOENT)
			return error_sys(err, "remove %s", file->path);
		str_addf(&work->out, "not there  %s\n", file->path);
		return 0;
	}
	str_addf(&work->out, "removed    %s\n", file->path);
	return 0;
}

/* So that the init system takes notice, now and at the next boot. */
static int
tell_init(struct work *work, struct error *err)
{
	struct init_system init;

	init_system_detect(&work->context, &init);
	if (work->files.init == BOOT_SYSTEMD)
		return init_system_reload(&init, err);
	if (!boot_needs_enabling(&work->files) || init.type != INIT_SYSV)
		return 0;
	return work->remove ? init_system_forget(&init, BOOT_SERVICE, err)
			    : init_system_enable(&init, BOOT_SERVICE, err);
}

static int
do_it(struct work *work, struct error *err)
{
	enum boot_init init;

	if (choose(work, &init, err) < 0)
		return -1;
	if (work->drain)
		drain_files_find(&work->context, &work->files);
	else
		boot_files_find(&work->context, init, work->profile_from,
				&work->files);
	for (size_t i = 0; i < work->files.n; i++) {
		/* Links go before what they lead to. */
		size_t at = work->remove ? work->files.n - 1 - i : i;

		if ((work->remove ? take_away(work, &work->files.file[at], err)
				  : put(work, &work->files.file[at],
					err)) < 0)
			return -1;
	}
	if (tell_init(work, err) < 0)
		return -1;
	str_addf(&work->out, "%s: fitout %s %s at boot (%s)\n",
		 work->files.program, work->drain ? "drain --watch" : "boot",
		 work->remove ? "is not run" : "is run",
		 boot_init_names[init]);
	return 0;
}

static int
install_init_run(struct options *options, int argc, char **argv,
		 struct error *err)
{
	struct state state = STATE_INIT;
	struct work work = { .out = STR_INIT(64 * 1024) };
	int result;

	if (parse(options, &work, argc, argv, err) < 0)
		return -1;
	result = options_state(options, &state, err);
	work.context = (struct context){
		.arena = options->arena,
		.rootfd = state.rootfd,
		.root = state.root,
		.image = options->root != NULL && state.root[0] != '\0',
		.budget = deadline_in(120 * 1000),
	};
	if (result == 0)
		result = do_it(&work, err);
	state_release(&state);
	print_lines(stdout, str_get(&work.out));
	str_release(&work.out);
	return result;
}

const struct command command_install_init = {
	.name = "install-init",
	.operands = "",
	.options = install_init_options,
	.summary = "have fitout boot run at every boot",
	.run = install_init_run,
};
