/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON value as YAML in block style (YAML 1.2, which readers of 1.1 take the
 * same): what a person reviews and a tool reads back as the same value. Texts
 * are plain where nothing else could be meant, a literal block ("|") where
 * they have lines, and in double quotes with JSON's escapes otherwise.
 */
#pragma once

#include "base/json.h"
#include "base/str.h"

/* VALUE is an object or an array. */
void yaml_print(const struct json *value, struct str *out);
/* One text as a scalar on one line. */
void yaml_text(const char *text, struct str *out);
