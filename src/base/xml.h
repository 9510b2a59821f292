/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML by expat, which is included by xml.c only: a small tree of elements.
 * Doctypes and entity declarations are refused; depth <= 64, nodes <= 100000.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct xml {
	const char *name;         /* local name, without prefix */
	const char *text;         /* character data directly inside, joined */
	struct xml *child, *next; /* first child, next sibling; or NULL */
};

/* The root element; lives in ARENA. NULL on error. XML 1.0 (Fifth Edition). */
struct xml *xml_parse(struct arena *arena, const char *text, size_t n,
		      struct error *err);
/* First element reached by a slash path of names below NODE, or NULL. */
const struct xml *xml_at(const struct xml *node, const char *path);
/* Its text, or FALLBACK. */
const char *xml_text(const struct xml *node, const char *path,
		     const char *fallback);
/* Append TEXT with &, <, > and quotes escaped. */
void xml_add_escaped(struct str *out, const char *text);
