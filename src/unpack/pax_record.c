/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/pax_record.h"

#include <string.h>

size_t
pax_record_read(const char *data, size_t n, struct pax_record *ret_record)
{
	size_t length = 0, i = 0;
	const char *equals;

	/* Ten digits are more than any header has bytes. */
	for (; i < n && i < 10 && data[i] >= '0' && data[i] <= '9'; i++)
		length = length * 10 + (size_t)(data[i] - '0');
	if (i == 0 || data[0] == '0' || i == n || data[i] != ' ')
		return 0;
	i++;
	/* "=", and a newline. */
	if (length > n || length < i + 3 || data[length - 1] != '\n')
		return 0;
	equals = memchr(data + i, '=', length - 1 - i);
	if (!equals || equals == data + i || memchr(data + i, '\0',
						    (size_t)(equals - data) - i))
		return 0;
	*ret_record = (struct pax_record){
		.key = data + i, .key_bytes = (size_t)(equals - data) - i,
		.value = equals + 1,
		.value_bytes = length - 2 - (size_t)(equals - data),
	};
	return length;
}

bool
pax_key_is(const struct pax_record *record, const char *key)
{
	return strlen(key) == record->key_bytes &&
	       memcmp(key, record->key, record->key_bytes) == 0;
}

bool
pax_key_starts(const struct pax_record *record, const char *prefix)
{
	size_t n = strlen(prefix);

	return n <= record->key_bytes && memcmp(prefix, record->key, n) == 0;
}
