/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What looks like a secret. User-data can be read by every process of the
 * instance, and by whoever may describe it: nothing that is rendered may hold
 * one. A guess by well-known shapes: warned about, not refused.
 */
#pragma once

#include <stdbool.h>

/* Why TEXT, the value of NAME, looks like a secret, or NULL. */
const char *secret_shape(const char *name, const char *text);
/* Warn (render.secret) when it does; the value is not shown. WHERE says
 * whose it is. */
void secret_look(const char *where, const char *name, const char *text);
