/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/sigv4.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "io/digest.h"

#define TEXT_MAX ((size_t)128 * 1024)
#define STAMP_BYTES 17                  /* 20150830T123600Z and its NUL */

/* Everything of one signature that is text. */
struct signing {
	struct arena *arena;
	const struct sigv4_request *request;
	const struct credentials *keys;     /* or NULL */
	char stamp[STAMP_BYTES];
	const char *scope;                  /* date/region/service/aws4_request */
	const char *query;                  /* canonical, and as it is sent */
	struct sigv4_pair *headers;         /* sorted, lower case */
	size_t n_headers;
	const char *signed_headers;         /* "host;x-amz-date" */
};

/* ---- encoding ---- */

void
sigv4_encode(struct str *out, const char *s, bool slashes)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (isalnum(c) || c == '-' || c == '.' || c == '_' ||
		    c == '~' || (slashes && c == '/'))
			str_add_n(out, s, 1);
		else
			str_addf(out, "%%%02X", c);
	}
}

static const char *
encoded(struct arena *arena, const char *s, bool slashes)
{
	own_str struct str out = STR_INIT(TEXT_MAX);

	sigv4_encode(&out, s, slashes);
	return arena_dup(arena, str_get(&out));
}

/* RFC 3986 6.2.2.3, and no empty segments. */
static const char *
normalised(struct arena *arena, const char *path)
{
	char *out = arena_alloc(arena, strlen(path) + 2);
	size_t n = 0;
	bool open = true;       /* the last one was no name: it ends in "/" */

	out[n++] = '/';
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0) {
			if (n > 1)
				n--;
			while (n > 1 && out[n - 1] != '/')
				n--;
			open = true;
		} else if (len > 0 && !(len == 1 && *path == '.')) {
			memcpy(out + n, path, len);
			n += len;
			out[n++] = '/';
			open = path[len] == '/';
		} else if (len == 1) {
			open = true;
		}
		path += len + (path[len] == '/');
	}
	if (!open && n > 1)
		n--;
	out[n] = '\0';
	return out;
}

static const char *
canonical_path(struct arena *arena, const struct sigv4_request *request)
{
	if (request->s3)
		return encoded(arena, request->path, true);
	return encoded(arena,
		       encoded(arena, normalised(arena, request->path), true),
		       true);
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct sigv4_pair *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : strcmp(x->value, y->value);
}

/* Sorted by the encoded names, then values. */
static const char *
query_text(struct arena *arena, const struct sigv4_pair *query, size_t n)
{
	own_str struct str out = STR_INIT(TEXT_MAX);
	struct sigv4_pair *sorted = arena_array(arena, n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++) {
		sorted[i].name = encoded(arena, query[i].name, false);
		sorted[i].value = encoded(arena, query[i].value, false);
	}
	qsort(sorted, n, sizeof(*sorted), compare_pairs);
	for (size_t i = 0; i < n; i++)
		str_addf(&out, "%s%s=%s", i ? "&" : "", sorted[i].name,
			 sorted[i].value);
	return arena_dup(arena, str_get(&out));
}

/* ---- headers ---- */

static char *
lower(struct arena *arena, const char *s)
{
	char *copy = arena_dup(arena, s);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* Trimmed, and runs of blanks made one. */
static char *
folded(struct arena *arena, const char *value)
{
	char *out = arena_alloc(arena, strlen(value) + 1);
	size_t n = 0;

	for (; *value; value++)
		if (*value != ' ' && *value != '\t')
			out[n++] = *value;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

/* In order of names; of one name in the order in which they came. */
static void
add_header(struct signing *s, const char *name, const char *value)
{
	struct sigv4_pair pair = {
		lower(s->arena, name), folded(s->arena, value),
	};
	size_t at = s->n_headers;

	for (size_t i = 0; i < s->n_headers; i++)
		if (strcmp(s->headers[i].name, pair.name) == 0) {
			s->headers[i].value = arena_printf(s->arena, "%s,%s",
				s->headers[i].value, pair.value);
			return;
		}
	for (; at > 0 && strcmp(s->headers[at - 1].name, pair.name) > 0; at--)
		s->headers[at] = s->headers[at - 1];
	s->headers[at] = pair;
	s->n_headers++;
}

static void
name_signed_headers(struct signing *s)
{
	own_str struct str names = STR_INIT(TEXT_MAX);

	for (size_t i = 0; i < s->n_headers; i++)
		str_addf(&names, "%s%s", i ? ";" : "", s->headers[i].name);
	s->signed_headers = arena_dup(s->arena, str_get(&names));
}

/* ---- the signature ---- */

static const char *
canonical_request(const struct signing *s)
{
	own_str struct str out = STR_INIT(4 * TEXT_MAX);

	str_addf(&out, "%s\n%s\n%s\n", s->request->method,
		 canonical_path(s->arena, s->request), s->query);
	for (size_t i = 0; i < s->n_headers; i++)
		str_addf(&out, "%s:%s\n", s->headers[i].name,
			 s->headers[i].value);
	str_addf(&out, "\n%s\n%s", s->signed_headers,
		 s->request->payload_sha256);
	return arena_dup(s->arena, str_get(&out));
}

static void
hmac_text(struct digest *key, const char *text)
{
	struct digest out;

	hmac_sha256(key->bytes, sizeof(key->bytes), text, strlen(text), &out);
	*key = out;
}

/* Of "AWS4" and the secret, date by region by service. */
static void
derive_key(const struct signing *s, struct digest *ret_key)
{
	char first[4 + sizeof(s->keys->secret)] = "AWS4";
	size_t n = strnlen(s->keys->secret, sizeof(s->keys->secret));
	char date[9];

	memcpy(first + 4, s->keys->secret, n);
	memcpy(date, s->stamp, 8);
	date[8] = '\0';
	hmac_sha256(first, 4 + n, date, 8, ret_key);
	explicit_bzero(first, sizeof(first));
	hmac_text(ret_key, s->request->region);
	hmac_text(ret_key, s->request->service);
	hmac_text(ret_key, "aws4_request");
}

static const char *
signature(const struct signing *s)
{
	const char *canonical = canonical_request(s);
	char hex[DIGEST_HEX];
	struct digest digest;
	const char *text;

	digest_of(canonical, strlen(canonical), &digest);
	text = arena_printf(s->arena, "AWS4-HMAC-SHA256\n%s\n%s\n%s",
			    s->stamp, s->scope, digest_hex(&digest, hex));
	derive_key(s, &digest);
	hmac_text(&digest, text);
	text = arena_dup(s->arena, digest_hex(&digest, hex));
	explicit_bzero(&digest, sizeof(digest));
	return text;
}

/* ---- both forms ---- */

static void
begin(struct signing *s, struct arena *arena,
      const struct sigv4_request *request, const struct credentials *keys)
{
	time_t now = (time_t)request->now_s;
	struct tm tm;

	*s = (struct signing){ .arena = arena, .request = request,
			       .keys = keys };
	gmtime_r(&now, &tm);
	strftime(s->stamp, sizeof(s->stamp), "%Y%m%dT%H%M%SZ", &tm);
	s->scope = arena_printf(arena, "%.8s/%s/%s/aws4_request", s->stamp,
				request->region, request->service);
	s->headers = arena_array(arena, request->n_headers + 4,
				 sizeof(*s->headers));
	add_header(s, "host", request->host);
}

static void
begin_headers(struct signing *s, struct arena *arena,
	      const struct sigv4_request *request,
	      const struct credentials *keys)
{
	begin(s, arena, request, keys);
	for (size_t i = 0; i < request->n_headers; i++)
		add_header(s, request->headers[i].name,
			   request->headers[i].value);
	if (keys) {
		add_header(s, "x-amz-date", s->stamp);
		if (request->s3)
			add_header(s, "x-amz-content-sha256",
				   request->payload_sha256);
		if (keys->token[0])
			add_header(s, "x-amz-security-token", keys->token);
	}
	s->query = query_text(arena, request->query, request->n_query);
	name_signed_headers(s);
}

static const char *
target(const struct signing *s)
{
	const char *path = encoded(s->arena, s->request->path, true);

	return s->query[0] ? arena_printf(s->arena, "%s?%s", path, s->query)
			   : path;
}

void
sigv4_sign(struct arena *arena, const struct sigv4_request *request,
	   const struct credentials *keys, struct sigv4_signed *ret_signed)
{
	struct signing s;
	const char **lines;
	size_t n = 0;

	begin_headers(&s, arena, request, keys);
	lines = arena_array(arena, s.n_headers + 2, sizeof(*lines));
	for (size_t i = 0; i < s.n_headers; i++)
		if (strcmp(s.headers[i].name, "host") != 0)
			lines[n++] = arena_printf(arena, "%s: %s",
						  s.headers[i].name,
						  s.headers[i].value);
	if (keys)
		lines[n++] = arena_printf(arena, "Authorization: "
			"AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
			"Signature=%s", keys->id, s.scope, s.signed_headers,
			signature(&s));
	ret_signed->target = target(&s);
	ret_signed->headers = lines;
}

const char *
sigv4_canonical(struct arena *arena, const struct sigv4_request *request,
		const struct credentials *keys)
{
	struct signing s;

	begin_headers(&s, arena, request, keys);
	return canonical_request(&s);
}

const char *
sigv4_presign(struct arena *arena, const struct sigv4_request *request,
	      const struct credentials *keys, int64_t expires_s)
{
	struct sigv4_request unsigned_body = *request;
	struct sigv4_pair *query = arena_array(arena, request->n_query + 6,
					       sizeof(*query));
	size_t n = request->n_query;
	struct signing s;

	if (n > 0)
		memcpy(query, request->query, n * sizeof(*query));
	unsigned_body.n_headers = 0;
	unsigned_body.payload_sha256 = SIGV4_UNSIGNED_PAYLOAD;
	begin(&s, arena, &unsigned_body, keys);
	name_signed_headers(&s);
	query[n++] = (struct sigv4_pair){ "X-Amz-Algorithm",
					  "AWS4-HMAC-SHA256" };
	query[n++] = (struct sigv4_pair){ "X-Amz-Credential",
		arena_printf(arena, "%s/%s", keys->id, s.scope) };
	query[n++] = (struct sigv4_pair){ "X-Amz-Date", s.stamp };
	query[n++] = (struct sigv4_pair){ "X-Amz-Expires",
		arena_printf(arena, "%" PRId64, expires_s) };
	query[n++] = (struct sigv4_pair){ "X-Amz-SignedHeaders",
					  s.signed_headers };
	if (keys->token[0])
		query[n++] = (struct sigv4_pair){ "X-Amz-Security-Token",
						  keys->token };
	s.query = query_text(arena, query, n);
	return arena_printf(arena, "%s&X-Amz-Signature=%s", target(&s),
			    signature(&s));
}
