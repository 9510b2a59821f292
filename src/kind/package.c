/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package: an archive whose tree becomes one directory, exchanged whole.
 */
#include "kind/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "io/manifest.h"
#include "io/transaction.h"
#include "io/tree.h"
#include "kind/place.h"
#include "plan/kept.h"
#include "plan/plan.h"
#include "plan/profile.h"

struct package_spec {
	const char *name;
	const char *const *url;
	const char *sha256;
	bool unverified;
	const char *root;
	const char *into;
	const char *owner, *group;
	bool preserve_owner;
	const char *const *keep;
	int64_t max_size;
};

static const struct key package_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, offsetof(struct package_spec, name),
	  .text = "what the package is called in this profile" },
	{ "url", KEY_URLS, KEY_REQUIRED, offsetof(struct package_spec, url),
	  .text = "where the archive is: one address, or mirrors in order" },
	{ "sha256", KEY_DIGEST, 0, offsetof(struct package_spec, sha256),
	  .text = "SHA-256 of the archive, 64 hex digits" },
	{ "unverified", KEY_BOOL, 0, offsetof(struct package_spec, unverified),
	  .text = "true: go without sha256; warned about at every run" },
	{ "root", KEY_RELATIVE, KEY_OR_TOP, offsetof(struct package_spec, root),
	  .text = "directory in the archive that becomes 'into', \".\" for "
		  "all of it; default: its only top-level one" },
	{ "into", KEY_PATH, KEY_REQUIRED, offsetof(struct package_spec, into),
	  .text = "the directory that the tree becomes" },
	{ "owner", KEY_TEXT, 0, offsetof(struct package_spec, owner), "root",
	  .text = "owner of everything in it, a name or a number" },
	{ "group", KEY_TEXT, 0, offsetof(struct package_spec, group), "root",
	  .text = "group of everything in it, a name or a number" },
	{ "preserve_owner", KEY_BOOL, 0,
	  offsetof(struct package_spec, preserve_owner),
	  .text = "true: keep the archive's own owners (numeric)" },
	{ "keep", KEY_RELATIVES, 0, offsetof(struct package_spec, keep),
	  .text = "paths in the tree that survive an upgrade: moved from the "
		  "old tree into the new one" },
	{ "max_size", KEY_SIZE, 0, offsetof(struct package_spec, max_size),
	  "16G", .text = "largest archive accepted, packed" },
	{ NULL }
};

/* What changes without the tree having to be put down again. */
static const char *const harmless_keys[] = { "url", "keep", "max_size",
					     "unverified", NULL };

struct package_state {
	const char *tree_path;     /* staging directory of the unpacked tree */
	int tree_dirfd;
	bool owner_known;
	const char *kept;          /* rollback: the tree that waited */
	const char *staged;        /* where it goes through; see commit */
};

static bool
is_system_directory(const char *path)
{
	static const char *const system[] = {
		"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32",
		"/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/srv",
		"/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local",
		"/usr/local/bin", "/usr/local/lib", "/usr/sbin", "/usr/share",
		"/var", "/var/cache", "/var/lib", "/var/log", "/var/spool",
		"/var/tmp", NULL
	};

	for (size_t i = 0; system[i]; i++)
		if (strcmp(system[i], path) == 0)
			return true;
	return false;
}

static void
check_keep(const struct resource *resource, struct problems *problems)
{
	const struct package_spec *spec = resource->spec;

	for (size_t i = 0; spec->keep && spec->keep[i]; i++)
		for (size_t j = 0; spec->keep[j]; j++)
			if (i != j && path_is_below(spec->keep[i],
						    spec->keep[j]))
				problems_add(problems,
					resource_place(resource, "keep"),
					"keep of %s names \"%s\" and, in it, "
					"\"%s\": the first is enough",
					resource->label, spec->keep[j],
					spec->keep[i]);
}

static void
package_check(const struct resource *resource, const struct profile *profile,
	      struct problems *problems)
{
	const struct package_spec *spec = resource->spec;

	(void)profile;
	if (strpbrk(spec->name, ":/"))
		problems_add(problems, resource_place(resource, "name"),
			     "the name of %s holds ':' or '/'; files could "
			     "not name it", resource->label);
	if (is_system_directory(spec->into))
		problems_add(problems, resource_place(resource, "into"),
			     "into = \"%s\" of %s: a package replaces all of "
			     "its directory, and this one is the system's",
			     spec->into, resource->label);
	check_keep(resource, problems);
	if (!spec->sha256 && !spec->unverified)
		problems_add(problems, resource->where,
			"%s has no sha256: add it (sha256sum of the archive), "
			"or say unverified = true", resource->label);
	if (spec->sha256 && spec->unverified)
		problems_add(problems, resource_place(resource, "unverified"),
			"%s has both sha256 and unverified = true: take one "
			"away", resource->label);
	if (spec->preserve_owner &&
	    (strcmp(spec->owner, "root") || strcmp(spec->group, "root")))
		problems_add(problems,
			resource_place(resource, "preserve_owner"),
			"%s has preserve_owner and an owner or group: take "
			"one away", resource->label);
}

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* Paths in the tree that are not the package's to judge. */
static struct manifest_filter
others(struct context *context, const struct step *step)
{
	const struct package_spec *spec = step->resource->spec;
	const char *const *inside = plan_inside(context->plan, context->arena,
						step);
	size_t kept = count(spec->keep), n = count(inside);
	const char **skip = arena_array(context->arena, kept + n + 1,
					sizeof *skip);

	for (size_t i = 0; i < kept; i++)
		skip[i] = spec->keep[i];
	for (size_t i = 0; i < n; i++)
		skip[kept + i] = inside[i];
	return (struct manifest_filter){ skip, kept + n };
}

struct first_difference {
	struct context *context;
	const char *text;
};

static int
note_difference(void *arg, const struct manifest_difference *difference)
{
	struct first_difference *first = arg;

	if (!first->text)
		first->text = arena_printf(first->context->arena, "%s: %s",
					   difference->path, difference->what);
	return 0;
}

static int
observe_drift(struct context *context, struct step *step, struct error *err)
{
	const char *into = step->resource->destination;
	struct manifest_filter filter = others(context, step);
	struct first_difference first = { context, NULL };
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, into), err);
	size_t n = 0;

	if (dirfd < 0)
		return -1;
	if (manifest_compare(dirfd, path_base(into), step->recorded->manifest,
			     step->recorded->manifest_bytes, &filter, false,
			     note_difference, &first, &n, err) < 0)
		return error_in(err, "compare %s with what was installed",
				into);
	if (n)
		place_decide(context, step, ACTION_CHANGE,
			"changed since it was installed, %zu difference%s: %s",
			n, n == 1 ? "" : "s", first.text ? first.text : "");
	return 0;
}

static int
package_observe(struct context *context, struct step *step, struct error *err)
{
	const struct package_spec *spec = step->resource->spec;
	const char *change;
	struct stat st;
	int there = place_look(context, spec->into, &st, err);

	if (spec->unverified)
		log_warning("fetch.unverified", step->resource->label,
			    "unverified = true: whoever answers for its "
			    "address decides what it holds");
	if (there < 0)
		return -1;
	if (path_is_below(context->state_path, spec->into) ||
	    path_is_below(context->ready_path, spec->into))
		return error_raise(err, ERROR_FORMAT,
			"%s would replace all of %s, and fitout's own state "
			"is in there (%s): choose another directory",
			step->resource->label, spec->into,
			context->state_path);
	step->apart = others(context, step).skip;
	if (!there) {
		place_decide(context, step, ACTION_CREATE, "not there");
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return error_raise(err, ERROR_SYSTEM,
			"%s is %s, and %s would replace it by a directory: "
			"move it away first", spec->into,
			place_type(st.st_mode), step->resource->label);
	if (!step->recorded) {
		place_decide(context, step, ACTION_CHANGE,
			     "replaces a directory that fitout did not install");
		return 0;
	}
	change = place_spec_change(context, step, harmless_keys);
	if (change) {
		place_decide(context, step, ACTION_CHANGE, "%s changed",
			     change);
		return 0;
	}
	return observe_drift(context, step, err);
}

/* In a rollback, the tree of then: kept when it was replaced, and still what
 * the generation recorded. NULL: it has to be fetched. */
static const char *
find_kept(struct context *context, struct step *step)
{
	struct manifest_filter filter = others(context, step);
	struct error ignored = ERROR_INIT;
	struct stat st;
	size_t n = 1;

	if (!step->earlier)
		return NULL;
	for (int64_t number = context->rollback_to;
	     number < context->generation; number++) {
		const char *path = kept_path(context->arena,
			step->resource->destination, number);

		if (place_look(context, path, &st, &ignored) <= 0)
			continue;
		own_fd int dirfd = path_open_dir(context->rootfd,
			path_parent(context->arena, path), &ignored);
		if (dirfd >= 0 &&
		    manifest_compare(dirfd, path_base(path),
				     step->earlier->manifest,
				     step->earlier->manifest_bytes, &filter,
				     false, NULL, NULL, &n, &ignored) == 0 &&
		    n == 0)
			return path;
		return NULL;
	}
	return NULL;
}

static int
package_stage(struct context *context, struct step *step, struct error *err)
{
	const struct package_spec *spec = step->resource->spec;
	struct package_state *state = arena_alloc(context->arena,
						  sizeof *state);
	struct place_owner owner;
	const char *name, *path;
	int dirfd;

	if (place_owner(context, spec->owner, spec->group, &owner, err) < 0 ||
	    transaction_staging(context->transaction, spec->into, &dirfd,
				&path, err) < 0)
		return -1;
	name = transaction_new_name(context->transaction);
	step->state = state;
	state->tree_dirfd = -1;
	state->kept = find_kept(context, step);
	if (state->kept) {
		state->staged = path_join(context->arena, path, name);
		log_info("package.kept", step->resource->label,
			 "taken back from %s", state->kept);
		return 0;
	}
	if (mkdirat(dirfd, name, 0755) < 0)
		return error_sys(err, "make %s/%s", path, name);
	state->tree_dirfd = openat(dirfd, name, O_RDONLY | O_DIRECTORY |
				   O_NOFOLLOW | O_CLOEXEC);
	if (state->tree_dirfd < 0)
		return error_sys(err, "open %s/%s", path, name);
	state->tree_path = path_join(context->arena, path, name);
	state->owner_known = owner.known;
	return context_fetch(context, step, &(struct stream){
		.label = step->resource->label,
		.urls = spec->url,
		.sha256 = spec->sha256,
		.max_bytes = (uint64_t)spec->max_size,
		.tree_dirfd = state->tree_dirfd,
		.file_fd = -1,
		.uid = owner.known ? owner.uid : 0,
		.gid = owner.known ? owner.gid : 0,
		.preserve_owner = spec->preserve_owner,
	}, err);
}

static bool
package_source(const struct context *context, const struct step *step,
	       struct fetch_source *ret_source)
{
	const struct package_spec *spec = step->resource->spec;

	(void)context;
	*ret_source = (struct fetch_source){ spec->url, (uint64_t)spec->max_size };
	return true;
}

/* The names at the top of the archive, for the message. */
static int
only_directory(struct context *context, struct step *step, int dirfd,
	       const char **ret_name, struct error *err)
{
	own_fd int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	own_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	own_str struct str names = STR_INIT(200);
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (!dir)
		return error_sys(err, "read what was unpacked");
	steal_fd(&copy);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		str_add(&names, n++ ? ", " : "");
		str_add_printable(&names, entry->d_name,
				  strlen(entry->d_name), 64);
		*ret_name = arena_dup(context->arena, entry->d_name);
	}
	if (n == 1 && fstatat(dirfd, *ret_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return 0;
	return error_raise(err, ERROR_FORMAT,
		"the archive does not have one directory at its top; it has: "
		"%s%s. Say which one with root = \"...\"  (root of %s)",
		str_get(&names), names.full ? ", ..." : "",
		step->resource->label);
}

static int
find_root(struct context *context, struct step *step, const char **ret_root,
	  struct error *err)
{
	const struct package_spec *spec = step->resource->spec;
	struct package_state *state = step->state;
	struct error probe = ERROR_INIT;
	const char *only = NULL;

	*ret_root = ".";
	if (spec->root && strcmp(spec->root, ".") == 0)
		return 0;
	if (!spec->root)
		return only_directory(context, step, state->tree_dirfd,
				      ret_root, err);
	own_fd int fd = path_open_dir(state->tree_dirfd,
		path_join(context->arena, "/", spec->root), &probe);
	*ret_root = spec->root;
	if (fd >= 0)
		return 0;
	if (only_directory(context, step, state->tree_dirfd, &only, err) == 0)
		return error_raise(err, ERROR_FORMAT,
			"the archive has no directory '%s' (root of %s); at "
			"its top it has: %s", spec->root,
			step->resource->label, only);
	return error_in(err, "no directory '%s' in it (root of %s)",
			spec->root, step->resource->label);
}

/* The unpacker is not believed: what it left is looked at again. */
static int
inspect(void *context, int dirfd, const char *name, const char *path,
	const struct stat *st, const char *target, struct error *err)
{
	char printable[256];
	const char *problem;

	(void)context;
	(void)dirfd;
	str_printable(*path ? path : name, printable, sizeof printable);
	if (!*path && !S_ISDIR(st->st_mode))
		return error_raise(err, ERROR_FORMAT,
			"root '%s' is not a directory in the archive",
			printable);
	/* Good inside the archive, a link may still leave its root. */
	problem = target ? tree_link_problem(path, target) : NULL;
	if (problem)
		return error_raise(err, ERROR_FORMAT,
			"the symbolic link %s leads out of the package: %s",
			printable, problem);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) &&
	    !S_ISLNK(st->st_mode))
		return error_raise(err, ERROR_TRUST,
			"the unpacked tree holds a special file: %s",
			printable);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07002))
		return error_raise(err, ERROR_TRUST,
			"the unpacked tree holds %s with mode %04o",
			printable, (unsigned)st->st_mode & 07777);
	return 0;
}

static int
package_settle(struct context *context, struct step *step, struct error *err)
{
	struct package_state *state = step->state;
	const char *root;

	if (state->kept) {
		step->staged = state->kept;
		return 0;
	}
	if (find_root(context, step, &root, err) < 0 ||
	    tree_walk(state->tree_dirfd, root, inspect, NULL, err) < 0)
		return -1;
	drop_fd(&state->tree_dirfd);
	step->staged = strcmp(root, ".") == 0 ? state->tree_path
		: path_join(context->arena, state->tree_path, root);
	return 0;
}

static int
package_own(struct context *context, struct step *step, struct error *err)
{
	const struct package_spec *spec = step->resource->spec;
	struct package_state *state = step->state;
	struct place_owner owner;

	if (state->owner_known || spec->preserve_owner || state->kept)
		return 0;
	if (place_owner_now(context, spec->owner, spec->group, &owner,
			    err) < 0)
		return -1;
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, step->staged), err);
	if (dirfd < 0)
		return -1;
	return tree_chown(dirfd, path_base(step->staged), owner.uid,
			  owner.gid, err);
}

/* A kept path whose parents the new tree does not have gets them. */
static int
make_parents(int treefd, const char *path, struct error *err)
{
	char prefix[4096];

	for (const char *slash = strchr(path, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(prefix, sizeof prefix, "%.*s", (int)(slash - path),
			 path);
		if (mkdirat(treefd, prefix, 0755) < 0 && errno != EEXIST)
			return error_sys(err, "make %s in the new tree",
					 prefix);
	}
	return 0;
}

/* A link on the way would lead out of the tree: into whose place? 1 when KEPT
 * is there and no link is, 0 when it is not there, -1. */
static int
look_at_kept(struct context *context, const char *tree, const char *kept,
	     struct error *err)
{
	const char *slash = kept;
	struct stat st;
	int there;

	do {
		const char *part;

		slash = strchr(slash + 1, '/');
		part = slash ? arena_printf(context->arena, "%s/%.*s", tree,
					    (int)(slash - kept), kept)
			     : path_join(context->arena, tree, kept);
		there = place_look(context, part, &st, err);
		if (there <= 0)
			return there;
		if (slash && S_ISLNK(st.st_mode))
			return error_raise(err, ERROR_FORMAT,
				"%s is a symbolic link: what is kept must be "
				"inside the tree", part);
	} while (slash);
	return 1;
}

/* Where the package was until now: its profile may have moved it. */
static const char *
old_tree(struct context *context, struct step *step)
{
	const char *into = step->resource->destination;
	struct error ignored = ERROR_INIT;
	struct stat st;

	if (place_look(context, into, &st, &ignored) > 0 || !step->recorded ||
	    !step->recorded->destination)
		return into;
	return step->recorded->destination;
}

static int
keep_path(struct context *context, struct step *step, const char *kept,
	  struct error *err)
{
	const char *tree = old_tree(context, step);
	const char *to = path_join(context->arena, step->staged, kept);
	int there = look_at_kept(context, tree, kept, err);

	if (there <= 0)
		return there;
	own_fd int treefd = path_open_dir(context->rootfd, step->staged, err);
	if (treefd < 0 || make_parents(treefd, kept, err) < 0)
		return -1;
	return transaction_move(context->transaction,
				path_join(context->arena, tree, kept), to,
				err);
}

static int
keep_paths(struct context *context, struct step *step, struct error *err)
{
	const struct package_spec *spec = step->resource->spec;

	for (size_t i = 0; spec->keep && spec->keep[i]; i++)
		if (keep_path(context, step, spec->keep[i], err) < 0)
			return error_in(err, "keep %s", spec->keep[i]);
	return 0;
}

static int
package_commit(struct context *context, struct step *step, struct error *err)
{
	const struct package_state *state = step->state;
	const char *into = step->resource->destination;

	if (state->kept) {
		if (transaction_move(context->transaction, state->kept,
				     state->staged, err) < 0)
			return -1;
		step->staged = state->staged;
	}
	if (keep_paths(context, step, err) < 0 ||
	    place_commit(context, step, err) < 0)
		return -1;
	if (!step->old || context->profile->keep_generations < 1)
		return 0;
	return transaction_keep_old(context->transaction, step->old,
		kept_path(context->arena, into, context->generation), err);
}

static int
package_record(struct context *context, struct step *step,
	       struct str *manifest, struct error *err)
{
	struct manifest_filter filter = others(context, step);
	const char *into = step->resource->destination;
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, into), err);

	if (dirfd < 0)
		return -1;
	step->apart = filter.skip;
	return manifest_write(dirfd, path_base(into), &filter,
			      context->digests ? MANIFEST_DIGESTS
					       : MANIFEST_NO_DIGESTS,
			      manifest, err);
}

const struct kind kind_package = {
	.name = "package",
	.block = "packages",
	.shape = BLOCK_LIST,
	.phase = PHASE_PLACE,
	.keys = package_keys,
	.spec_size = sizeof(struct package_spec),
	.name_key = "name",
	.destination_key = "into",
	.tree = true,
	.check = package_check,
	.observe = package_observe,
	.source = package_source,
	.stage = package_stage,
	.settle = package_settle,
	.chown = package_own,
	.commit = package_commit,
	.record = package_record,
};
