/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetcher_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "fetch/fetcher_file.h"
#include "io/newfile.h"

#define EXCHANGE_MAX_BYTES (1024 * 1024)

static bool
has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int
check_url(const char *url, struct error *err)
{
	char shown[160];

	if (file_address_is(url))
		return error_raise(err, ERROR_FORMAT,
				   "%s: files stand before http mirrors, and "
				   "only where something is downloaded",
				   url_redact(url, shown, sizeof(shown)));
	if (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0)
		return error_raise(err, ERROR_FORMAT,
				   "%s is not an http, https or file address",
				   url_redact(url, shown, sizeof(shown)));
	if (has_control(url) || strchr(url, ' '))
		return error_raise(err, ERROR_FORMAT,
				   "%s holds a blank or control character: "
				   "write it as %%XX",
				   url_redact(url, shown, sizeof(shown)));
	return 0;
}

/* Put S and its NUL into the text of a message. */
static void
add_string(struct str *text, const char *s)
{
	str_add_n(text, s, strlen(s) + 1);
}

static int
add_urls(const struct fetch_request *request, struct fetch_head *head,
	 struct str *text, struct error *err)
{
	for (size_t i = 0; request->urls[i]; i++) {
		if (check_url(request->urls[i], err) < 0)
			return -1;
		add_string(text, request->urls[i]);
		head->n_urls++;
	}
	if (head->n_urls == 0 || head->n_urls > FETCH_MIRRORS_MAX)
		return error_raise(err, ERROR_LIMIT,
				   "%u mirrors: there may be 1 to %d",
				   head->n_urls, FETCH_MIRRORS_MAX);
	return 0;
}

static int
add_headers(const struct fetch_request *request, struct fetch_head *head,
	    struct str *text, struct error *err)
{
	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		if (has_control(request->headers[i]))
			return error_raise(err, ERROR_FORMAT, "a request "
					   "header holds a control character");
		add_string(text, request->headers[i]);
		head->n_headers++;
	}
	if (head->n_headers > FETCH_HEADERS_MAX)
		return error_raise(err, ERROR_LIMIT,
				   "%u request headers: there may be %d",
				   head->n_headers, FETCH_HEADERS_MAX);
	return 0;
}

static int
add_wanted(const struct fetch_request *request, struct fetch_head *head,
	   struct str *text, struct error *err)
{
	for (size_t i = 0; request->wanted && request->wanted[i]; i++) {
		add_string(text, request->wanted[i]);
		head->n_wanted++;
	}
	if (head->n_wanted > FETCH_WANTED_MAX)
		return error_raise(err, ERROR_BUG, "%u fields are wanted of "
				   "an answer: there may be %d",
				   head->n_wanted, FETCH_WANTED_MAX);
	return 0;
}

static void
fill_head(const struct fetch_request *request, bool stream,
	  struct fetch_head *head)
{
	uint64_t most = stream ? UINT64_MAX - 1 : EXCHANGE_MAX_BYTES;

	*head = (struct fetch_head){
		.command = FETCH_OPEN,
		.flags = (stream ? FETCH_FLAG_STREAM : 0u) |
			 (request->no_proxy ? FETCH_FLAG_NO_PROXY : 0u) |
			 (request->any_status && !stream
				  ? FETCH_FLAG_ANY_STATUS : 0u) |
			 (request->once ? FETCH_FLAG_ONCE : 0u) |
			 (request->probe && stream ? FETCH_FLAG_PROBE : 0u) |
			 (request->as_is ? FETCH_FLAG_AS_IS : 0u) |
			 (request->body ? FETCH_FLAG_HAS_BODY : 0u) |
			 (request->unix_socket ? FETCH_FLAG_HAS_SOCKET : 0u),
		.body_bytes = request->body ? request->body_bytes : 0,
		.max_bytes = request->max_bytes &&
				     request->max_bytes < UINT64_MAX
			? request->max_bytes : most,
		.deadline_ms = request->deadline.at_ms,
	};
}

int
fetch_request_encode(const struct fetch_request *request, bool stream,
		     struct fetch_head *head, struct str *text,
		     struct error *err)
{
	const char *method = request->method ? request->method : "GET";
	const char *path = request->unix_socket ? request->unix_socket : "";

	fill_head(request, stream, head);
	if (strlen(path) > 107)
		return error_raise(err, ERROR_LIMIT, "the path of a socket "
				   "may have 107 bytes: %s", path);
	add_string(text, method);
	add_string(text, path);
	if (add_urls(request, head, text, err) < 0 ||
	    add_headers(request, head, text, err) < 0 ||
	    add_wanted(request, head, text, err) < 0)
		return -1;
	if (text->full)
		return error_raise(err, ERROR_LIMIT, "addresses and headers "
				   "of one request are more than %zu bytes",
				   text->max);
	head->text_bytes = (uint32_t)text->len;
	return 0;
}

int
fetch_request_body(const struct fetch_request *request, int *ret_fd,
		   struct error *err)
{
	own_fd int fd = memfd_create("request", MFD_CLOEXEC |
						MFD_ALLOW_SEALING);

	if (fd < 0)
		return error_sys(err, "make a file for a request's body");
	if (write_all(fd, request->body, request->body_bytes, err) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
				   F_SEAL_WRITE) < 0)
		return error_sys(err, "seal a request's body");
	*ret_fd = steal_fd(&fd);
	return 0;
}

int
fetch_request_socket(const struct fetch_request *request, int *ret_fd,
		     struct error *err)
{
	own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
					SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return error_sys(err, "make a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 request->unix_socket);
	/* EAGAIN: more wait for its owner already than it wants to wait. */
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			int why = errno;

			return error_raise(err, ERROR_NETWORK, "cannot "
					   "connect to %s: %s", request->unix_socket,
					   strerror(why));
		}
		if (deadline_passed(request->deadline))
			return error_raise(err, ERROR_TIMEOUT, "cannot "
					   "connect to %s: it takes no connection in the "
					   "time allowed",
					   request->unix_socket);
		if (interrupt_sleep(10, request->deadline, err) < 0)
			return -1;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}
