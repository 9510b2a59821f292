/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/file_content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"
#include "base/path.h"
#include "io/digest.h"
#include "io/newfile.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "plan/vars.h"

static int
read_below(int treefd, struct context *context, const char *path,
	   struct str *out, struct error *err)
{
	own_fd int dirfd = path_open_dir(treefd, path_parent(context->arena,
		path_join(context->arena, "/", path)), err);

	if (dirfd < 0)
		return -1;
	return file_read_at(dirfd, path_base(path), FILE_CONTENT_MAX, out, err);
}

static int
read_from_package(struct context *context, const struct file_spec *spec,
		  struct str *out, struct error *err)
{
	char package[256];
	const char *path = file_split_from(spec->from, package, sizeof package);
	struct step *step = plan_find(context->plan, "package", package);
	const char *tree = step->staged ? step->staged
					: step->resource->destination;
	own_fd int treefd = path_open_dir(context->rootfd, tree, err);

	if (treefd < 0)
		return error_in(err, "package %s", package);
	if (read_below(treefd, context, path, out, err) == 0)
		return 0;
	/* No path of this host would help: it is the archive that lacks it. */
	if (err->sys == ENOENT || err->sys == ENOTDIR)
		return error_raise(err, ERROR_FORMAT,
			"from = \"%s\": the archive of package %s has no %s "
			"in the directory that becomes %s; correct the path "
			"(or root of the package)", spec->from, package, path,
			step->resource->destination);
	return error_in(err, "the file %s of package %s", path, package);
}

/* A signature of the profile covers a file beside it by its digest only. */
static int
check_source(const struct context *context, const struct file_spec *spec,
	     const char *path, const struct str *text, struct error *err)
{
	struct digest want, have;
	char hex[DIGEST_HEX];

	if (!spec->sha256 && !context->profile->signer)
		return 0;
	digest_of(str_get(text), text->len, &have);
	digest_hex(&have, hex);
	if (!spec->sha256)
		return error_raise(err, ERROR_TRUST,
			"the profile is signed, and names the source %s "
			"without its sha256: add it (it is %s now) and sign "
			"again", path, hex);
	if (digest_parse(spec->sha256, &want) == 0 &&
	    digest_equal(&want, &have))
		return 0;
	return error_raise(err, ERROR_TRUST,
		"the source %s is not what was promised: its sha256 is %s, "
		"the profile wants %s", path, hex, spec->sha256);
}

static int
read_source(struct context *context, const struct file_spec *spec,
	    struct str *out, struct error *err)
{
	const char *path = spec->source;

	if (path[0] != '/') {
		if (!context->profile->directory && context->recorded)
			return error_raise(err, ERROR_CHECK,
				"it is not as it was installed, and source = "
				"\"%s\" was beside the profile, which is not "
				"at hand at boot: apply the profile again, or "
				"name it by an absolute path, or url", path);
		if (!context->profile->directory)
			return error_raise(err, ERROR_PROFILE,
				"source = \"%s\" is relative, and this profile "
				"is no file on this host (%s): give an "
				"absolute path, or url", path,
				context->profile->source);
		path = path_join(context->arena, context->profile->directory,
				 path);
	}
	if (file_read_at(AT_FDCWD, path, FILE_CONTENT_MAX, out, err) < 0)
		return err->sys == ENOENT ? error_next(err, "put it there, or "
						       "correct source") : -1;
	return check_source(context, spec, path, out, err);
}

int
file_expand(struct context *context, const struct file_spec *spec,
	    struct str *text, struct error *err)
{
	const char *expanded;

	if (!spec->template)
		return 0;
	if (strlen(str_get(text)) != text->len)
		return error_raise(err, ERROR_FORMAT,
			"template = true, but the file is not text (it holds "
			"a zero byte)");
	expanded = vars_expand(&context->profile->vars, context->arena,
			       str_get(text), err);
	if (!expanded)
		return -1;
	if (expanded == str_get(text))   /* nothing to expand */
		return 0;
	str_clear(text);
	str_add(text, expanded);
	return 0;
}

int
file_content(struct context *context, const struct file_spec *spec,
	     struct str *text, struct error *err)
{
	if (spec->content)
		str_add(text, spec->content);
	else if (spec->source && read_source(context, spec, text, err) < 0)
		return -1;
	else if (spec->from && read_from_package(context, spec, text, err) < 0)
		return -1;
	return file_expand(context, spec, text, err);
}
