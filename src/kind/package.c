/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package: an archive whose tree becomes one directory, exchanged whole.
 */
#include "kind/address.h"
#include "kind/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "kind/package_spec.h"
#include "kind/place.h"
#include "plan/kept.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "transaction/transaction.h"
#include "tree/manifest.h"
#include "tree/tree.h"

static const struct key limits_keys[] = {
	{ "total_size", KEY_SIZE, 0, offsetof(struct package_limits,
					      total_size), "64G",
	  .text = "most that all files come to, unpacked" },
	{ "file_size", KEY_SIZE, 0, offsetof(struct package_limits, file_size),
	  "16G", .text = "largest file, unpacked" },
	{ "entries", KEY_NUMBER, 0, offsetof(struct package_limits, entries),
	  "2000000", .text = "most files, directories and links" },
	{ "path_length", KEY_NUMBER, 0,
	  offsetof(struct package_limits, path_length), "4096",
	  .text = "longest path, and longest target of a link, in bytes" },
	{ "depth", KEY_NUMBER, 0, offsetof(struct package_limits, depth),
	  "64", .text = "most components of a path" },
	{ "ratio", KEY_NUMBER, 0, offsetof(struct package_limits, ratio),
	  "1000", .text = "most bytes that a packed byte may become, once "
			  "there are more than 64 MiB" },
	{ "header_size", KEY_SIZE, 0,
	  offsetof(struct package_limits, header_size), "1M",
	  .text = "most that the headers of one entry take" },
	{ "window", KEY_SIZE, 0, offsetof(struct package_limits, window),
	  "128M", .text = "largest dictionary or window of the compressor: "
			  "the memory that unpacking takes" },
	{ NULL }
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
	{ "signature", KEY_URLS, 0, offsetof(struct package_spec, signed_by.urls),
	  .text = "where its minisign signature is; default, with public_key: "
		  "url with .minisig behind" },
	{ "public_key", KEY_TEXTS, 0, offsetof(struct package_spec, signed_by.keys),
	  .text = "minisign keys, one of which must have signed it" },
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
	{ "reuse", KEY_BOOL, 0, offsetof(struct package_spec, reuse), "true",
	  .text = "false: unpack all of it, also what the tree that is there "
		  "has already" },
	{ "keep", KEY_RELATIVES, 0, offsetof(struct package_spec, keep),
	  .text = "paths in the tree that survive an upgrade: moved from the "
		  "old tree into the new one" },
	{ "max_size", KEY_SIZE, 0, offsetof(struct package_spec, max_size),
	  "16G", .text = "largest archive accepted, packed" },
	{ "limits", KEY_GROUP, 0, offsetof(struct package_spec, limits),
	  .keys = limits_keys, .group_size = sizeof(struct package_limits),
	  .text = "what unpacking may come to" },
	{ "allow", KEY_TEXTS, 0, offsetof(struct package_spec, allow),
	  .text = "what the archive may hold although it is refused "
		  "otherwise" },
	{ NULL }
};

/* What changes without the tree having to be put down again; the first two
 * only where a digest says what is in it. */
static const char *const harmless_keys[] = {
	"url", "signature", "public_key", "keep", "reuse", "max_size", "unverified", "limits.total_size",
	"limits.file_size", "limits.entries", "limits.path_length",
	"limits.depth", "limits.ratio", "limits.header_size", "limits.window",
	NULL
};

static bool
is_pinned_by_signature(const struct package_spec *spec)
{
	return !spec->sha256 && signature_wanted(&spec->signed_by);
}

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
	addresses_check(resource, "url", spec->url, problems);
	addresses_check(resource, "signature", spec->signed_by.urls, problems);
	package_check_archive(resource, problems);
	signature_check(&spec->signed_by, resource->label,
			resource_place(resource, "public_key"), problems);
	if (spec->unverified && signature_wanted(&spec->signed_by))
		problems_add(problems, resource_place(resource, "unverified"),
			"%s has both a signature and unverified = true: take "
			"one away", resource->label);
	if (!spec->sha256 && !spec->unverified &&
	    !signature_wanted(&spec->signed_by))
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

struct manifest_filter
package_others(struct context *context, const struct step *step)
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
	struct manifest_filter filter = package_others(context, step);
	struct first_difference first = { context, NULL };
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, into), err);
	size_t n = 0;

	if (dirfd < 0)
		return -1;
	if (manifest_compare(dirfd, path_base(into), step->recorded->manifest,
			     step->recorded->manifest_bytes, &filter,
			     context->verify, note_difference, &first, &n, err) < 0)
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
	step->apart = package_others(context, step).skip;
	if (!there) {
		place_decide(context, step, ACTION_CREATE, "not there");
		return 0;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (!place_was_ours(step))
			return error_raise(err, ERROR_SYSTEM,
				"%s is %s, and %s would replace it by a "
				"directory: move it away first", spec->into,
				place_type(st.st_mode), step->resource->label);
		place_decide(context, step, ACTION_CHANGE, "it is %s",
			     place_type(st.st_mode));
		return 0;
	}
	if (!step->recorded) {
		place_decide(context, step, ACTION_CHANGE,
			     "replaces a directory that fitout did not install");
		return 0;
	}
	change = place_spec_change(context, step, is_pinned_by_signature(spec)
				   ? harmless_keys + 2 : harmless_keys);
	if (change) {
		place_decide(context, step, ACTION_CHANGE, "%s changed",
			     change);
		return 0;
	}
	return observe_drift(context, step, err);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A tree that is still there of an earlier generation. */
static void
stage_kept(struct step *step)
{
	struct package_state *state = step->state;

	state->known = (struct manifest_known){
		step->earlier->manifest, step->earlier->manifest_bytes,
		now_ns(),
	};
	state->chowned = true;   /* not the very lines of today */
	/* Now: a file out of it may be settled before it is. */
	step->staged = state->kept;
	log_info("package.kept", step->resource->label,
		 "taken back from %s", state->kept);
}

static int
request(struct context *context, struct step *step,
	const struct place_owner *owner, struct error *err)
{
	const struct package_spec *spec = step->resource->spec;

	return signature_fetch(context, step, &spec->signed_by,
			       &(struct stream){
		.urls = spec->url,
		.sha256 = spec->sha256,
		.max_bytes = (uint64_t)spec->max_size,
		.tree_dirfd = -1,
		.file_fd = -1,
		.uid = owner->known ? owner->uid : 0,
		.gid = owner->known ? owner->gid : 0,
		.preserve_owner = spec->preserve_owner,
		.unpack = package_policy(spec, context->arena),
	}, err);
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

	if (place_owner(context, spec->owner, spec->group, &owner, err) < 0)
		return -1;
	step->state = state;
	state->tree_dirfd = state->old_dirfd = -1;
	state->kept = package_find_kept(context, step);
	/* First the request: the disk syncs while the server answers. What comes
	 * waits for its unpacker, which begins after all steps are staged. */
	if ((!state->kept && request(context, step, &owner, err) < 0) ||
	    transaction_staging(context->transaction, spec->into, &dirfd,
				&path, err) < 0)
		return -1;
	name = transaction_new_name(context->transaction);
	if (state->kept) {
		state->staged = path_join(context->arena, path, name);
		stage_kept(step);
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
	step->stream->tree_dirfd = state->tree_dirfd;
	package_look_for_reuse(context, step, &owner);
	step->stream->reuse = state->reuse;
	return 0;
}

static bool
package_source(const struct context *context, const struct step *step,
	       struct fetch_source *ret_source)
{
	const struct package_spec *spec = step->resource->spec;

	*ret_source = (struct fetch_source){
		spec->url, (uint64_t)spec->max_size,
		signature_addresses(context->arena, &spec->signed_by, spec->url)
	};
	return true;
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
	state->chowned = true;
	return tree_chown(dirfd, path_base(step->staged), owner.uid,
			  owner.gid, err);
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
	step->carried = ((const struct package_spec *)step->resource->spec)->keep;
	if (package_keep_paths(context, step, err) < 0 ||
	    place_commit(context, step, err) < 0)
		return -1;
	if (!step->old || context->profile->keep_generations < 1)
		return 0;
	return transaction_keep_old(context->transaction, step->old,
		kept_path(context->arena, into, context->generation, 0),
		err);
}

static int
package_record(struct context *context, struct step *step,
	       struct str *manifest, struct error *err)
{
	struct manifest_filter filter = package_others(context, step);
	const char *into = step->resource->destination;
	const struct package_state *state = step->state;
	struct manifest_known known = state ? state->known
					    : (struct manifest_known){ .lines = "" };
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, into), err);

	if (dirfd < 0)
		return -1;
	step->apart = filter.skip;
	if (known.n && !context->programs_ran && !state->chowned) {
		str_add_n(manifest, known.lines, known.n);
		return 0;
	}
	return manifest_write_known(dirfd, path_base(into), &filter, &known,
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
