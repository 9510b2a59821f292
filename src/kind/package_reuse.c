/* SPDX-License-Identifier: Apache-2.0 */
/* What a package's new edition takes over from the tree that is there. */
#include "kind/package_spec.h"

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "unpack/reuse.h"

/* Only what the last generation put there, at the same place, for the owner
 * that the new one has as well. */
static bool
is_eligible(const struct context *context, const struct step *step,
	    const struct place_owner *owner)
{
	const struct package_spec *spec = step->resource->spec;
	const struct record *record = step->recorded;

	return spec->reuse && !spec->preserve_owner && owner->known &&
	       owner->uid == 0 && record &&
	       record->manifest &&
	       str_equal(record->destination, step->resource->destination);
}

void
package_look_for_reuse(struct context *context, struct step *step,
		       const struct place_owner *owner)
{
	const struct package_spec *spec = step->resource->spec;
	struct package_state *state = step->state;
	struct manifest_filter filter = package_others(context, step);
	struct error ignored = ERROR_INIT;

	if (!is_eligible(context, step, owner))
		return;
	state->old_dirfd = path_open_dir(context->rootfd, spec->into, &ignored);
	if (state->old_dirfd < 0)
		return;
	if (reuse_look(&(struct reuse_source){
		.dirfd = state->old_dirfd,
		.lines = step->recorded->manifest,
		.n = step->recorded->manifest_bytes,
		.filter = &filter,
		.uid = owner->uid, .gid = owner->gid,
		.recorded_ns = context->recorded_ns,
		.verify = context->verify,
		.root = spec->root,
	}, context->arena, &state->reuse, &ignored) < 0)
		log_info("package.whole", step->resource->label,
			 "%s; unpacking all of it", ignored.text);
}
