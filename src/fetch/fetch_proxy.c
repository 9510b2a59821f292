/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_proxy.h"

#include <stdlib.h>
#include <strings.h>

static void
add_proxy(struct proxies *proxies, const char *name)
{
	const char *value = getenv(name);

	if (!value || !value[0])
		return;
	proxies->any = true;
	proxies->any_https |= strncasecmp(value, "https:", 6) == 0;
}

void
proxies_read(struct proxies *proxies)
{
	static const char *const names[] = {
		"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
		"ALL_PROXY",
	};

	*proxies = (struct proxies){ 0 };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_proxy(proxies, names[i]);
}

bool
proxies_may_reach(enum address_class host)
{
	return host == ADDRESS_OPEN || host == ADDRESS_UNIQUE_LOCAL;
}
