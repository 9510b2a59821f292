/* SPDX-License-Identifier: Apache-2.0 */
#include "run/prove.h"

#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "tree/manifest.h"

#define DIFFERENCES_LOGGED 20

struct proof_of {
	const char *place;
	size_t logged;
	size_t *differ;
	struct str last;           /* one entry may differ in several ways */
};

static int
note(void *context, const struct manifest_difference *difference)
{
	struct proof_of *proof = context;

	if (strcmp(str_get(&proof->last), difference->path) != 0)
		++*proof->differ;
	str_clear(&proof->last);
	str_add(&proof->last, difference->path);
	if (proof->logged++ < DIFFERENCES_LOGGED)
		log_warning("prove.differs", NULL, "%s: %s: %s", proof->place,
			    difference->path, difference->what);
	return 0;
}

static void
compare(struct arena *arena, int rootfd, const struct record *record,
	struct manifest_depth *depth, size_t *differ)
{
	struct manifest_filter filter = { record->apart, 0 };
	struct proof_of proof = { .place = record->destination,
				  .differ = differ,
				  .last = STR_INIT(4096) };
	struct error err = ERROR_INIT;
	size_t n;
	own_fd int dirfd = path_open_dir(rootfd,
		path_parent(arena, record->destination), &err);

	while (record->apart && record->apart[filter.n])
		filter.n++;
	if (dirfd < 0 ||
	    manifest_prove(dirfd, path_base(record->destination),
			   record->manifest, record->manifest_bytes, &filter,
			   depth, note, &proof, &n, &err) < 0)
		note(&proof, &(struct manifest_difference){ ".", ".",
							    err.text });
	str_release(&proof.last);
}

void
prove(struct arena *arena, int rootfd, const struct generation *generation,
      bool whole, struct proven *ret_proven)
{
	struct manifest_depth depth = {
		.read_bytes = whole ? UINT64_MAX : PROVE_READ_BYTES,
	};

	*ret_proven = (struct proven){ 0 };
	for (size_t i = 0; i < generation->n; i++) {
		const struct record *record = &generation->rows[i].record;

		if (record->destination && record->manifest_bytes)
			compare(arena, rootfd, record, &depth,
				&ret_proven->differ);
	}
	ret_proven->entries = depth.entries;
	ret_proven->read = depth.read;
	log_info("prove.done", NULL, "%zu of %zu file%s differ%s from what "
		 "generation %lld installed (%zu read)", ret_proven->differ,
		 depth.entries, depth.entries == 1 ? "" : "s",
		 depth.entries == 1 ? "s" : "",
		 (long long)generation->number, depth.read);
}

struct json *
proven_json(const struct proven *proven)
{
	struct json *object = json_new_object();

	json_set_number(object, "files", (int64_t)proven->entries);
	json_set_number(object, "read", (int64_t)proven->read);
	json_set_number(object, "differ", (int64_t)proven->differ);
	return object;
}
