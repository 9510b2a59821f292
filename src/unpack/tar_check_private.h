/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of tar_check share, inside unpack/tar_check*.c only: the
 * stream and the headers (tar_check.c), and what is said about an entry in
 * front of it (tar_check_meta.c: pax records, GNU long names).
 */
#pragma once

#include "base/str.h"
#include "unpack/tar_check.h"
#include "unpack/tar_sparse.h"

enum { BLOCK = 512, NAME_SHOWN = 300 };

enum state {
	STATE_HEADER,      /* BLOCK bytes of a header */
	STATE_EXTENDED,    /* BLOCK bytes more of a GNU sparse map */
	STATE_META,        /* what a pax header or a long name holds */
	STATE_MAP,         /* a sparse map in front of the data */
	STATE_DATA,
	STATE_AFTER,       /* the end mark was seen */
};

struct tar_check {
	struct tar_check_options options;
	enum state state;
	uint8_t block[BLOCK];
	size_t in_block;
	unsigned zero_blocks;
	uint64_t left;             /* of META, MAP or DATA, with padding */
	uint64_t meta_bytes;       /* of META, without */
	char meta_type;
	struct str meta;
	/* Of the entry that is being announced. */
	uint64_t header_bytes;
	bool has_pax, has_name, has_link, has_size;
	uint64_t size;
	struct tar_sparse sparse;
	uint64_t map_bytes;
	char name[NAME_SHOWN];     /* cut; for messages and a last slash */
	uint64_t entries;
	uint64_t at;               /* bytes fed so far: for messages */
};

/* Which entry a message is about. */
const char *tar_check_which(const struct tar_check *check, char *buf,
			    size_t size);
#define WHICH(check) tar_check_which((check), (char[256]){ "" }, 256)

/* N bytes more of headers for the entry at hand. */
int tar_check_count(struct tar_check *check, uint64_t n, struct error *err);
/* It has this name: the last part of it, when it is long. */
void tar_check_name(struct tar_check *check, const void *name, size_t n);
/* Its sparse map is none. */
int tar_check_bad_map(const struct tar_check *check, struct error *err);
/* A pax header or long name is whole. */
int tar_check_meta(struct tar_check *check, struct error *err);
