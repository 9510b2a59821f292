/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file: out of a package, written in the profile, beside the profile, or
 * fetched. Staged beside its destination, placed by rename.
 */
#include "kind/kinds.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "io/digest.h"
#include "io/newfile.h"
#include "kind/file_content.h"
#include "kind/file_spec.h"
#include "kind/place.h"
#include "kind/signature.h"
#include "plan/diff.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "plan/vars.h"
#include "transaction/transaction.h"

static const struct key file_keys[] = {
	{ "to", KEY_PATH, KEY_REQUIRED, offsetof(struct file_spec, to),
	  .text = "where the file is put" },
	{ "from", KEY_TEXT, 0, offsetof(struct file_spec, from),
	  .text = "PACKAGE:PATH, a file out of a package of this profile" },
	{ "content", KEY_TEXT, KEY_LITERAL, offsetof(struct file_spec, content),
	  .text = "the file's text itself" },
	{ "source", KEY_TEXT, KEY_BESIDE, offsetof(struct file_spec, source),
	  .text = "a path on this host, relative to the profile" },
	{ "url", KEY_URLS, 0, offsetof(struct file_spec, url),
	  .text = "where to fetch it: one address, or mirrors in order" },
	{ "sha256", KEY_DIGEST, 0, offsetof(struct file_spec, sha256),
	  .text = "SHA-256 of what url gives, or source is, 64 hex digits" },
	{ "unverified", KEY_BOOL, 0, offsetof(struct file_spec, unverified),
	  .text = "true: fetch without sha256; warned about at every run" },
	{ "signature", KEY_URLS, 0, offsetof(struct file_spec, signed_by.urls),
	  .text = "where its minisign signature is; default, with public_key: "
		  "url with .minisig behind" },
	{ "public_key", KEY_TEXTS, 0, offsetof(struct file_spec, signed_by.keys),
	  .text = "minisign keys, one of which must have signed it" },
	{ "template", KEY_BOOL, 0, offsetof(struct file_spec, template),
	  .text = "true: ${...} in it is expanded" },
	{ "owner", KEY_TEXT, 0, offsetof(struct file_spec, owner), "root",
	  .text = "its owner, a name or a number" },
	{ "group", KEY_TEXT, 0, offsetof(struct file_spec, group), "root",
	  .text = "its group, a name or a number" },
	{ "mode", KEY_MODE, 0, offsetof(struct file_spec, mode), "0644",
	  .text = "its permissions" },
	{ "world_writable", KEY_BOOL, 0,
	  offsetof(struct file_spec, world_writable),
	  .text = "true: a mode that lets everyone write is meant" },
	{ "max_size", KEY_SIZE, 0, offsetof(struct file_spec, max_size), "1G",
	  .text = "largest file accepted" },
	{ NULL }
};

struct file_state {
	int fd;                  /* the staged file */
	bool owner_known;
};

/* ---- observe ---- */

static int
read_installed(struct context *context, const char *path, struct str *out,
	       struct error *err)
{
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, path), err);

	if (dirfd < 0)
		return -1;
	return file_read_at(dirfd, path_base(path), FILE_CONTENT_MAX, out, err);
}

static int
content_differs(struct context *context, struct step *step,
		const struct stat *st, bool *ret_differs, struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	own_str struct str want = STR_INIT(FILE_CONTENT_MAX + 1);
	own_str struct str have = STR_INIT(FILE_CONTENT_MAX + 1);

	if (file_content(context, spec, &want, err) < 0)
		return -1;
	*ret_differs = true;
	if ((size_t)st->st_size != want.len)
		return 0;
	if (read_installed(context, spec->to, &have, err) < 0)
		return -1;
	*ret_differs = have.len != want.len ||
		       memcmp(str_get(&have), str_get(&want), want.len) != 0;
	return 0;
}

/* What a generation's own profile took from beside it may be gone, or be for
 * another generation by now. */
static bool
is_by_record(const struct context *context, const struct step *step)
{
	const struct file_spec *spec = step->resource->spec;

	return spec->url ||
	       (spec->source && context->recorded && step->recorded);
}

/* A fetched file is compared with its digest, or, where a template or no
 * digest stands between, with what the last generation recorded. */
static int
fetched_differs(struct context *context, struct step *step, bool *ret_differs,
		struct error *err)
{
	/* The first two not where a signature is the only pin. */
	static const char *const harmless[] = {
		"url", "signature", "public_key", "max_size", NULL
	};
	const struct file_spec *spec = step->resource->spec;
	struct digest want, have;

	*ret_differs = true;
	if (spec->sha256 && !spec->template) {
		own_fd int dirfd = path_open_dir(context->rootfd,
			path_parent(context->arena, spec->to), err);
		own_fd int fd = dirfd < 0 ? -1 : openat(dirfd,
			path_base(spec->to), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (dirfd < 0)
			return -1;
		if (fd < 0)
			return error_sys(err, "open %s", spec->to);
		if (digest_of_fd(fd, &have, err) < 0)
			return error_in(err, "read %s", spec->to);
		*ret_differs = digest_parse(spec->sha256, &want) < 0 ||
			       !digest_equal(&want, &have);
		return 0;
	}
	if (step->recorded) {
		own_str struct str now = STR_INIT(65536);

		if (place_record(context, step, &now, err) < 0)
			return -1;
		*ret_differs = place_spec_change(context, step, harmless +
				(!spec->sha256 && !spec->unverified ? 2 : 0)) ||
			now.len != step->recorded->manifest_bytes ||
			memcmp(now.data, step->recorded->manifest, now.len);
	}
	return 0;
}

/* True when the file comes out of a tree that this run brings. */
static bool
comes_new(struct context *context, const struct file_spec *spec)
{
	char package[256];
	struct step *step;

	if (!spec->from || !file_split_from(spec->from, package, sizeof package))
		return false;
	step = plan_find(context->plan, "package", package);
	return step && step->action != ACTION_NONE;
}

/* ${port} in a text that is no template stays as it is. Only a variable of
 * the profile's is worth a word: a script has ${...} of its own. */
static void
warn_literal(const struct context *context, const struct step *step)
{
	const struct file_spec *spec = step->resource->spec;
	const char *at = spec->template ? NULL : spec->content;

	while (at && (at = strstr(at, "${"))) {
		size_t n = strcspn(at + 2, "}");
		const char *name = arena_dup_n(context->arena, at + 2, n);

		at += 2;
		if (!at[n] || !vars_get(&context->profile->vars, name))
			continue;
		log_warning("file.literal", step->resource->label, "${%s} in "
			    "its content stays as it is; template = true puts "
			    "the value in its place", name);
		return;
	}
}

static int
file_observe(struct context *context, struct step *step, struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	struct place_owner owner;
	bool differs = false;
	struct stat st;
	int there = place_look(context, spec->to, &st, err);

	step->origin = spec->from ? spec->from : spec->source;
	warn_literal(context, step);
	if (spec->unverified)
		log_warning("fetch.unverified", step->resource->label,
			    "unverified = true: whoever answers for its "
			    "address decides what it holds");
	if (there < 0)
		return -1;
	if (!there) {
		place_decide(context, step, ACTION_CREATE, "not there");
		return 0;
	}
	if (S_ISDIR(st.st_mode) && !place_was_ours(step))
		return error_raise(err, ERROR_SYSTEM,
			"%s is a directory, and the profile wants a file "
			"there: move it away first", spec->to);
	if (!S_ISREG(st.st_mode)) {
		place_decide(context, step, ACTION_CHANGE, "it is %s",
			     place_type(st.st_mode));
		return 0;
	}
	if (comes_new(context, spec)) {
		place_decide(context, step, ACTION_CHANGE,
			     "its package changes");
		return 0;
	}
	if (place_owner(context, spec->owner, spec->group, &owner, err) < 0)
		return -1;
	if ((is_by_record(context, step)
	     ? fetched_differs(context, step, &differs, err)
	     : content_differs(context, step, &st, &differs, err)) < 0)
		return -1;
	if (differs)
		place_decide(context, step, ACTION_CHANGE, "content differs");
	else
		place_compare(context, step, &st, &owner, spec->owner,
			      spec->group, (mode_t)spec->mode);
	return 0;
}

/* ---- diff ---- */

static void
say_sizes(struct str *out, const struct file_spec *spec,
	  const struct str *have, const struct str *want)
{
	struct digest a, b;
	char hex_a[DIGEST_HEX], hex_b[DIGEST_HEX];

	digest_of(str_get(have), have->len, &a);
	digest_of(str_get(want), want->len, &b);
	str_addf(out, "--- %s\n+++ %s\n", spec->to, spec->to);
	str_addf(out, "-%zu bytes, sha256 %s\n", have->len,
		 digest_hex(&a, hex_a));
	str_addf(out, "+%zu bytes, sha256 %s\n", want->len,
		 digest_hex(&b, hex_b));
}

static int
file_diff(struct context *context, struct step *step, struct str *out,
	  struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	own_str struct str want = STR_INIT(FILE_CONTENT_MAX + 1);
	own_str struct str have = STR_INIT(FILE_CONTENT_MAX + 1);
	struct stat st;
	int there;

	if (spec->url || comes_new(context, spec))
		return 0;   /* known once it has been fetched */
	if (file_content(context, spec, &want, err) < 0)
		return -1;
	there = place_look(context, spec->to, &st, err);
	if (there < 0)
		return -1;
	if (there && S_ISREG(st.st_mode) &&
	    read_installed(context, spec->to, &have, err) < 0)
		return -1;
	if (!diff_unified(spec->to, str_get(&have), have.len, str_get(&want),
			  want.len, out))
		say_sizes(out, spec, &have, &want);
	return 0;
}

static bool
file_source(const struct context *context, const struct step *step,
	    struct fetch_source *ret_source)
{
	const struct file_spec *spec = step->resource->spec;

	if (!spec->url)
		return false;
	*ret_source = (struct fetch_source){
		spec->url, (uint64_t)spec->max_size,
		signature_addresses(context->arena, &spec->signed_by, spec->url)
	};
	return true;
}

static void
file_foresee(struct context *context, const struct step *step,
	     struct str *out)
{
	const struct file_spec *spec = step->resource->spec;

	if (comes_new(context, spec))
		str_addf(out, "out of %s: what it holds is known once that "
			 "is fetched\n", spec->from);
}

/* ---- stage, settle ---- */

static int
file_stage(struct context *context, struct step *step, struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	struct file_state *state = arena_alloc(context->arena, sizeof *state);
	const char *path, *name;
	int dirfd;

	if (transaction_staging(context->transaction, spec->to, &dirfd, &path,
				err) < 0)
		return -1;
	name = transaction_new_name(context->transaction);
	state->fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL |
			   O_NOFOLLOW | O_CLOEXEC, 0600);
	if (state->fd < 0)
		return error_sys(err, "make %s/%s", path, name);
	step->state = state;
	step->staged = path_join(context->arena, path, name);
	if (!spec->url)
		return 0;
	return signature_fetch(context, step, &spec->signed_by,
			       &(struct stream){
		.urls = spec->url,
		.sha256 = spec->sha256,
		.max_bytes = (uint64_t)spec->max_size,
		.tree_dirfd = -1,
		.file_fd = state->fd,
	}, err);
}

static int
rewrite(struct file_state *state, const struct str *text, struct error *err)
{
	if (lseek(state->fd, 0, SEEK_SET) < 0 || ftruncate(state->fd, 0) < 0)
		return error_sys(err, "rewrite the staged file");
	return write_all(state->fd, str_get(text), text->len, err);
}

static int
fill(struct context *context, struct step *step, struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	struct file_state *state = step->state;
	own_str struct str text = STR_INIT(FILE_CONTENT_MAX + 1);

	if (spec->url && !spec->template)
		return 0;
	if (spec->url) {
		if (lseek(state->fd, 0, SEEK_SET) < 0)
			return error_sys(err, "read the staged file");
		if (file_read_fd(state->fd, spec->to, FILE_CONTENT_MAX, &text,
				 err) < 0 ||
		    file_expand(context, spec, &text, err) < 0)
			return -1;
	} else if (file_content(context, spec, &text, err) < 0) {
		return -1;
	}
	return rewrite(state, &text, err);
}

/* logrotate reports what it cannot read as "error: FILE:LINE text". */
static int
check_logrotate(struct context *context, struct step *step, struct error *err)
{
	own_str struct str output = STR_INIT(65536);
	const char *staged = arena_printf(context->arena, "%s%s",
					  context->root, step->staged);
	const char *argv[] = { "logrotate", "-d", staged, NULL };
	struct process_run run = {
		.argv = argv,
		.rootfd = -1,
		.deadline = deadline_within(context->budget, 20000),
		.output = &output,
	};
	struct process_status status;
	char found[4096], printable[256];
	char *line, *at, *end;

	if (!process_find(-1, "logrotate", found, sizeof found))
		return 0;
	if (process_run(&run, &status, err) < 0)
		return -1;
	at = (char *)str_get(&output);
	while ((line = strsep(&at, "\n"))) {
		const char *place = strstr(line, staged);

		if (strncmp(line, "error:", 6) != 0 || !place)
			continue;
		place += strlen(staged);
		end = strpbrk(line, "\r");
		if (end)
			*end = '\0';
		return error_raise(err, ERROR_FORMAT,
			"logrotate does not accept it: line %s",
			str_printable(place + (*place == ':'), printable,
				      sizeof printable));
	}
	return 0;
}

static int
file_settle(struct context *context, struct step *step, struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	struct file_state *state = step->state;

	if (fill(context, step, err) < 0)
		return -1;
	if (fchmod(state->fd, (mode_t)spec->mode) < 0)
		return error_sys(err, "set the mode of %s", spec->to);
	if (path_is_below(spec->to, "/etc/logrotate.d"))
		return check_logrotate(context, step, err);
	return 0;
}

static int
file_own(struct context *context, struct step *step, struct error *err)
{
	const struct file_spec *spec = step->resource->spec;
	struct file_state *state = step->state;
	struct place_owner owner;

	if (place_owner_now(context, spec->owner, spec->group, &owner,
			    err) < 0)
		return -1;
	if (fchown(state->fd, owner.uid, owner.gid) < 0)
		return error_sys(err, "set the owner of %s", spec->to);
	/* chown takes setuid bits away, never the others: mode is as settled */
	drop_fd(&state->fd);
	return 0;
}

const struct kind kind_file = {
	.name = "file",
	.block = "files",
	.shape = BLOCK_LIST,
	.phase = PHASE_PLACE,
	.keys = file_keys,
	.spec_size = sizeof(struct file_spec),
	.name_key = "to",
	.destination_key = "to",
	.check = file_check,
	.observe = file_observe,
	.diff = file_diff,
	.source = file_source,
	.foresee = file_foresee,
	.stage = file_stage,
	.settle = file_settle,
	.chown = file_own,
	.commit = place_commit,
	.record = place_record,
};
