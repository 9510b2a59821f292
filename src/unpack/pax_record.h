/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of a pax extended header (POSIX.1-2017, pax, "pax Extended
 * Header"): "LENGTH KEY=VALUE\n", LENGTH decimal and of the whole record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pax_record {
	const char *key;       /* not terminated */
	size_t key_bytes;
	const char *value;     /* not terminated; may hold any byte */
	size_t value_bytes;
};

/* Bytes of DATA that the record takes; 0 when there is no whole and
 * well-formed one. */
size_t pax_record_read(const char *data, size_t n,
		       struct pax_record *ret_record);
bool pax_key_is(const struct pax_record *record, const char *key);
bool pax_key_starts(const struct pax_record *record, const char *prefix);
