/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_date.h"

#include <time.h>

int64_t
http_date_parse(const char *value)
{
	struct tm tm = { 0 };
	const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	int64_t seconds = end && !*end ? (int64_t)timegm(&tm) : -1;

	return seconds < 0 ? -1 : seconds;
}
