/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage_signature.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "io/newfile.h"

int
stage_signature_stream(const struct stream *stream, struct arena *arena,
		       struct stream *ret_stream, struct error *err)
{
	int fd = memfd_create("signature", MFD_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "make a file in memory");
	*ret_stream = (struct stream){
		.label = arena_printf(arena, "%s: signature", stream->label),
		.urls = stream->signature->urls,
		.max_bytes = MINISIGN_BYTES_MAX,
		.tree_dirfd = -1,
		.file_fd = fd,
	};
	return 0;
}

int
stage_signature_read(const struct stream_signature *wanted, int fd,
		     struct minisign_signature *ret_signature,
		     struct error *err)
{
	own_str struct str text = STR_INIT(MINISIGN_BYTES_MAX + 1);

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_sys(err, "read what was fetched");
	if (file_read_fd(fd, "signature", MINISIGN_BYTES_MAX, &text, err) < 0)
		return -1;
	return trust_read(wanted->trust, wanted->names, wanted->named,
			  str_get(&text), text.len, ret_signature, err);
}
