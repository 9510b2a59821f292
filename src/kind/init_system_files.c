/* SPDX-License-Identifier: Apache-2.0 */
/* What files tell of a host's services. */
#include "kind/init_system_private.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"

static const char *const unit_dirs[] = {
	"/etc/systemd/system", "/run/systemd/system",
	"/usr/local/lib/systemd/system", "/lib/systemd/system",
	"/usr/lib/systemd/system", "/run/systemd/generator",
	"/run/systemd/generator.late", NULL
};
/* Where a link in X.wants/ or X.requires/ means: started at boot. */
static const char *const wants_dirs[] = {
	"/etc/systemd/system", "/run/systemd/generator.late",
	"/usr/local/lib/systemd/system", "/lib/systemd/system",
	"/usr/lib/systemd/system", NULL
};
const char *const init_rc_dirs[] = {
	"/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d", NULL
};

static bool
exists(int rootfd, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_node(rootfd, path, &ignored);

	return fd >= 0;
}

bool
init_is_executable(int rootfd, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_node(rootfd, path, &ignored);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_mode & 0111;
}

static bool
has_systemd(const struct context *context)
{
	if (!context->image)
		return exists(context->rootfd, "/run/systemd/system");
	return exists(context->rootfd, "/lib/systemd/systemd") ||
	       exists(context->rootfd, "/usr/lib/systemd/systemd");
}

void
init_system_detect(const struct context *context, struct init_system *ret_init)
{
	*ret_init = (struct init_system){
		.type = INIT_NONE,
		.rootfd = context->rootfd,
		.image = context->image,
		.arena = context->arena,
		.budget = context->budget,
	};
	if (has_systemd(context))
		ret_init->type = INIT_SYSTEMD;
	else if (exists(context->rootfd, "/etc/init.d"))
		ret_init->type = INIT_SYSV;
}

const char *
init_system_name(const struct init_system *init)
{
	switch (init->type) {
	case INIT_SYSTEMD:
		return "systemd";
	case INIT_SYSV:
		return "System V init";
	case INIT_NONE:
		break;
	}
	return "no init system";
}

const char *
service_name_problem(const char *name)
{
	if (!*name)
		return "is empty";
	if (strlen(name) > 200)
		return "is longer than 200 bytes";
	if (*name == '-' || *name == '.')
		return "begins with '-' or '.'";
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("@:._-\\", *p))
			return "has a character other than letters, digits "
			       "and \"@:._-\"";
	if (str_ends(name, ".service"))
		return "must be given without \".service\"";
	return NULL;
}

const char *
init_unit_name(const struct init_system *init, const char *name)
{
	return arena_printf(init->arena, "%s.service", name);
}

const char *
init_system_unit_path(const struct init_system *init, const char *name)
{
	const char *script = arena_printf(init->arena, "/etc/init.d/%s", name);

	if (init->type == INIT_SYSTEMD) {
		const char *at = strchr(name, '@');

		for (size_t i = 0; unit_dirs[i]; i++) {
			const char *path = arena_printf(init->arena,
				"%s/%s.service", unit_dirs[i], name);

			if (exists(init->rootfd, path))
				return path;
			if (!at)
				continue;
			path = arena_printf(init->arena, "%s/%.*s@.service",
					    unit_dirs[i], (int)(at - name),
					    name);
			if (exists(init->rootfd, path))
				return path;
		}
	}
	if (init->type != INIT_NONE && init_is_executable(init->rootfd, script))
		return script;
	return NULL;
}

bool
init_system_has(const struct init_system *init, const char *name)
{
	return init_system_unit_path(init, name) != NULL;
}

/* Is there an entry in PATH for which FITS says yes? */
static bool
any_entry(int rootfd, const char *path,
	  bool (*fits)(int dirfd, const char *entry, const char *name),
	  const char *name)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_dir(rootfd, path, &ignored);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return false;
	steal_fd(&fd);
	while ((entry = readdir(dir)))
		if (fits(dirfd(dir), entry->d_name, name))
			return true;
	return false;
}

static bool
wants_unit(int dirfd, const char *entry, const char *unit)
{
	struct stat st;

	if (!str_ends(entry, ".wants") && !str_ends(entry, ".requires"))
		return false;
	own_fd int fd = openat(dirfd, entry,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A link to /dev/null there would be odd, but no start. */
	return fd >= 0 && fstatat(fd, unit, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "S20nginx" starts "nginx". */
static bool
starts_script(int dirfd, const char *entry, const char *name)
{
	return entry[0] == 'S' && isdigit((unsigned char)entry[1]) &&
	       isdigit((unsigned char)entry[2]) && !strcmp(entry + 3, name);
}

static bool
is_masked(const struct init_system *init, const char *name)
{
	struct error ignored = ERROR_INIT;
	own_fd int dir = path_open_dir(init->rootfd, "/etc/systemd/system",
				       &ignored);
	char target[32];
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, init_unit_name(init, name),
					      target, sizeof target);

	return n == 9 && !memcmp(target, "/dev/null", 9);
}

static bool
rc_enabled(const struct init_system *init, const char *name)
{
	for (size_t i = 0; init_rc_dirs[i]; i++)
		if (any_entry(init->rootfd, init_rc_dirs[i], starts_script,
			      name))
			return true;
	return false;
}

bool
init_system_is_enabled(const struct init_system *init, const char *name)
{
	if (init->type == INIT_NONE)
		return false;
	if (init->type == INIT_SYSV)
		return rc_enabled(init, name);
	if (is_masked(init, name))
		return false;
	for (size_t i = 0; wants_dirs[i]; i++)
		if (any_entry(init->rootfd, wants_dirs[i], wants_unit,
			      init_unit_name(init, name)))
			return true;
	return false;
}
