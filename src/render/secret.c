/* SPDX-License-Identifier: Apache-2.0 */
#include "render/secret.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/str.h"

/* Of AWS: AKIA (lasting) or ASIA (of a session), and 16 more. */
static bool
holds_access_key(const char *text)
{
	for (; (text = strstr(text, "IA")); text += 2) {
		size_t n = 2;

		while (isupper((unsigned char)text[n]) ||
		       isdigit((unsigned char)text[n]))
			n++;
		/* The first two bytes lie before what was found. */
		if (n == 18 && (text[-1] == 'K' || text[-1] == 'S') &&
		    text[-2] == 'A' && !isalnum((unsigned char)text[n]))
			return true;
	}
	return false;
}

static bool
holds_private_key(const char *text)
{
	const char *at = strstr(text, "-----BEGIN ");
	const char *end = at ? strstr(at, "PRIVATE KEY") : NULL;

	return end && end - at < 40;
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* "db_password = hunter2", of a variable or a setting. */
static bool
is_called_secret(const char *name, const char *text)
{
	static const char *const ends[] = {
		"password", "passwd", "secret", "token", "api_key", "apikey",
		"private_key", "secret_key", "credentials", NULL
	};

	if (!*text || strstr(text, "${"))
		return false;
	for (size_t i = 0; ends[i]; i++)
		if (ends_in(name, ends[i]))
			return true;
	return false;
}

const char *
secret_shape(const char *name, const char *text)
{
	if (strstr(text, "X-Amz-Signature=") || strstr(text, "token="))
		return "an address with a signature or a token in it";
	if (url_password_in(text))
		return "an address with a password in it";
	/* Two bytes in front, so that the search may look back. */
	if (strlen(text) > 2 && holds_access_key(text + 2))
		return "an access key of AWS";
	if (holds_private_key(text))
		return "a private key";
	if (is_called_secret(name, text))
		return "a secret, by its name";
	return NULL;
}

void
secret_look(const char *where, const char *name, const char *text)
{
	const char *shape = secret_shape(name, text);

	if (shape)
		log_warning("render.secret", where,
			"%s holds %s: every process of the instance can read "
			"it; let the instance's role fetch it instead", name,
			shape);
}
