/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that things are fetched from, as far as only the parts that fetch
 * them know what is right.
 */
#pragma once

#include "plan/kind.h"

/* Problems of each of URLS (NULL: none), the value of KEY of RESOURCE. */
void addresses_check(const struct resource *resource, const char *key,
		     const char *const *urls, struct problems *problems);
