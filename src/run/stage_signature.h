/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature of a stream, which is fetched beside it, as a small file in
 * memory. The stream's own bytes are hashed as they pass (sign/sign.h).
 */
#pragma once

#include "base/error.h"
#include "plan/kind.h"
#include "sign/sign.h"

/* The stream that fetches what STREAM is signed by, into a file in memory
 * (stream->file_fd, the caller's to close). */
int stage_signature_stream(const struct stream *stream, struct arena *arena,
			   struct stream *ret_stream, struct error *err);
/* What came, read and verified but for the bytes that it is of. */
int stage_signature_read(const struct stream_signature *wanted, int fd,
			 struct minisign_signature *ret_signature,
			 struct error *err);
