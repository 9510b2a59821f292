/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/boot_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "io/digest.h"
#include "kind/init_file.h"
#include "kind/place_text.h"

#define UNITS "/etc/systemd/system/"
#define WANTS UNITS "multi-user.target.wants/"
#define PROGRAM_PATH "/usr/local/bin/fitout"

const char *const boot_init_names[] = { "systemd", "openrc", "upstart",
					"sysv", NULL };

static bool
exists(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_node(context->rootfd, path, &ignored);

	return fd >= 0;
}

enum boot_init
boot_init_detect(const struct context *context)
{
	struct init_system init;

	init_system_detect(context, &init);
	if (init.type == INIT_SYSTEMD)
		return BOOT_SYSTEMD;
	if (exists(context, "/sbin/openrc-run") &&
	    exists(context, "/etc/runlevels/default"))
		return BOOT_OPENRC;
	if (exists(context, "/sbin/initctl") && exists(context, "/etc/init"))
		return BOOT_UPSTART;
	return init.type == INIT_SYSV ? BOOT_SYSV : BOOT_NONE;
}

/* A place that is still there after a reboot, and in an image. */
static bool
is_lasting(const char *path)
{
	static const char *const places[] = { "/usr", "/opt", "/bin", "/sbin",
					      NULL };

	for (size_t i = 0; places[i]; i++)
		if (path_is_below(path, places[i]))
			return access(path, X_OK) == 0;
	return false;
}

/* This program's path where that will do; else the one it is copied to. */
static const char *
program_path(const struct context *context)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n > 0 && !context->image) {
		path[n] = '\0';
		if (is_lasting(path))
			return arena_dup(context->arena, path);
	}
	return PROGRAM_PATH;
}

static void
add(struct boot_files *files, struct boot_file file)
{
	files->file[files->n++] = file;
}

static void
add_program(struct boot_files *files)
{
	if (!strcmp(files->program, PROGRAM_PATH))
		add(files, (struct boot_file){ .path = files->program,
			.program = true, .mode = 0755 });
}

static void
add_unit(struct arena *arena, struct boot_files *files, const char *unit,
	 const struct init_value *values)
{
	const char *path = arena_printf(arena, UNITS "%s", unit);

	add(files, (struct boot_file){ .path = path, .mode = 0644,
		.text = init_file_text(arena, unit, values) });
	add(files, (struct boot_file){ .target = path,
		.path = arena_printf(arena, WANTS "%s", unit) });
}

void
drain_files_find(const struct context *context, struct boot_files *ret_files)
{
	const char *program = program_path(context);
	const struct init_value values[] = { { "fitout", program },
					     { NULL, NULL } };

	*ret_files = (struct boot_files){ .init = BOOT_SYSTEMD,
					  .program = program };
	add_program(ret_files);
	add_unit(context->arena, ret_files, DRAIN_SERVICE ".service", values);
}

void
boot_files_find(const struct context *context, enum boot_init init,
		const char *profile_from, struct boot_files *ret_files)
{
	const char *program = program_path(context);
	const struct init_value values[] = {
		{ "fitout", program },
		{ "options", !strcmp(profile_from, "user-data")
			? " --profile-from user-data" : "" },
		{ NULL, NULL }
	};
	struct arena *arena = context->arena;

	*ret_files = (struct boot_files){ .init = init, .program = program };
	add_program(ret_files);
	switch (init) {
	case BOOT_SYSTEMD:
		add_unit(arena, ret_files, BOOT_SERVICE ".service", values);
		return;
	case BOOT_UPSTART:
		add(ret_files, (struct boot_file){
			.path = "/etc/init/" BOOT_SERVICE ".conf",
			.text = init_file_text(arena, BOOT_SERVICE ".upstart",
					       values), .mode = 0644 });
		return;
	case BOOT_OPENRC:
	case BOOT_SYSV:
		add(ret_files, (struct boot_file){
			.path = "/etc/init.d/" BOOT_SERVICE,
			.text = init_file_text(arena, init == BOOT_SYSV
				? BOOT_SERVICE ".sysv"
				: BOOT_SERVICE ".openrc", values),
			.mode = 0755 });
		return;
	case BOOT_NONE:
		return;
	}
}

static bool
is_this_program(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	own_fd int dir = path_open_dir(context->rootfd,
		path_parent(context->arena, path), &ignored);
	own_fd int fd = dir < 0 ? -1 : openat(dir, path_base(path),
					      O_RDONLY | O_CLOEXEC);
	struct digest mine, there;
	struct stat a, b;

	if (self < 0 || fd < 0 || fstat(self, &a) < 0 || fstat(fd, &b) < 0 ||
	    a.st_size != b.st_size || !(b.st_mode & 0111))
		return false;
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return true;
	return digest_of_fd(self, &mine, &ignored) == 0 &&
	       digest_of_fd(fd, &there, &ignored) == 0 &&
	       digest_equal(&mine, &there);
}

static bool
is_link_to(const struct context *context, const char *path,
	   const char *target)
{
	struct error ignored = ERROR_INIT;
	own_fd int dir = path_open_dir(context->rootfd,
		path_parent(context->arena, path), &ignored);
	char have[4096];
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, path_base(path), have,
					      sizeof have - 1);

	if (n < 0)
		return false;
	have[n] = '\0';
	/* systemctl may have made it, as a relative one. */
	return !strcmp(have, target) || (str_starts(have, "../") &&
		!strcmp(path_base(have), path_base(target)));
}

static bool
has_mode(const struct context *context, const struct boot_file *file)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_node(context->rootfd, file->path, &ignored);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 &&
	       (st.st_mode & 07777) == file->mode;
}

bool
boot_file_is_there(const struct context *context, const struct boot_file *file)
{
	if (file->program)
		return is_this_program(context, file->path);
	if (file->target)
		return is_link_to(context, file->path, file->target);
	return place_has_text(context, file->path, file->text) &&
	       has_mode(context, file);
}

bool
boot_needs_enabling(const struct boot_files *files)
{
	return files->init == BOOT_SYSV || files->init == BOOT_OPENRC;
}
