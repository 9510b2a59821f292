/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"

#define ANSWER_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define TEXT_BYTES 300
#define TAIL_BYTES 4096

/* ---- text ---- */

static void
write_argument(const struct rpc_argument *argument, struct str *out)
{
	str_add(out, "<param><value>");
	switch (argument->type) {
	case RPC_TEXT:
		str_add(out, "<string>");
		xml_add_escaped(out, argument->text);
		str_add(out, "</string>");
		break;
	case RPC_INT:
		str_addf(out, "<int>%lld</int>", (long long)argument->number);
		break;
	case RPC_BOOL:
		str_addf(out, "<boolean>%d</boolean>", argument->number != 0);
		break;
	case RPC_END:
		break;
	}
	str_add(out, "</value></param>");
}

void
rpc_write_call(const char *method, const struct rpc_argument *arguments,
	       struct str *out)
{
	str_add(out, "<?xml version=\"1.0\"?><methodCall><methodName>");
	xml_add_escaped(out, method);
	str_add(out, "</methodName><params>");
	for (; arguments && arguments->type != RPC_END; arguments++)
		write_argument(arguments, out);
	str_add(out, "</params></methodCall>");
}

static const char *
printable(struct arena *arena, const char *text)
{
	char buf[TEXT_BYTES];

	return arena_dup(arena, str_printable(text, buf, sizeof buf));
}

int
rpc_read_answer(struct arena *arena, const char *text, size_t n,
		struct rpc_answer *ret_answer, struct error *err)
{
	const struct xml *root = xml_parse(arena, text, n, err);
	const struct xml *value, *fault;

	if (!root)
		return error_in(err, "supervisord's answer");
	if (strcmp(root->name, "methodResponse") != 0)
		return error_raise(err, ERROR_FORMAT, "supervisord's answer is "
				   "no methodResponse: <%s>",
				   printable(arena, root->name));
	fault = xml_at(root, "fault/value");
	value = xml_at(root, "params/param/value");
	if (fault) {
		*ret_answer = (struct rpc_answer){
			.fault = rpc_number(rpc_member(fault, "faultCode"),
					    RPC_FAILED),
			.fault_text = printable(arena,
				rpc_text(rpc_member(fault, "faultString"),
					 "no reason given")),
		};
		if (ret_answer->fault == RPC_NO_FAULT)
			ret_answer->fault = RPC_FAILED;
		return 0;
	}
	if (!value)
		return error_raise(err, ERROR_FORMAT, "supervisord's answer "
				   "holds neither a value nor a fault");
	*ret_answer = (struct rpc_answer){ .value = value };
	return 0;
}

/* A <value> without a type inside is a string. */
const char *
rpc_text(const struct xml *value, const char *fallback)
{
	if (!value)
		return fallback;
	if (value->child)
		value = value->child;
	return value->text ? value->text : "";
}

int64_t
rpc_number(const struct xml *value, int64_t fallback)
{
	const char *text = rpc_text(value, "");
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	return *text && !*end && errno == 0 ? number : fallback;
}

const struct xml *
rpc_member(const struct xml *value, const char *name)
{
	const struct xml *all = value ? xml_at(value, "struct") : NULL;

	for (const struct xml *at = all ? all->child : NULL; at; at = at->next)
		if (!strcmp(at->name, "member") &&
		    !strcmp(xml_text(at, "name", ""), name))
			return xml_at(at, "value");
	return NULL;
}

const struct xml *
rpc_first(const struct xml *value)
{
	return value ? xml_at(value, "array/data/value") : NULL;
}

const struct xml *
rpc_next(const struct xml *value)
{
	do
		value = value->next;
	while (value && strcmp(value->name, "value") != 0);
	return value;
}

static size_t
count(const struct xml *value)
{
	size_t n = 0;

	for (value = rpc_first(value); value; value = rpc_next(value))
		n++;
	return n;
}

void
rpc_read_processes(struct arena *arena, const struct xml *value,
		   struct rpc_processes *ret_processes)
{
	struct rpc_process *all = arena_array(arena, count(value) + 1,
					      sizeof *all);
	size_t n = 0;

	for (const struct xml *at = rpc_first(value); at; at = rpc_next(at))
		all[n++] = (struct rpc_process){
			.name = rpc_text(rpc_member(at, "name"), ""),
			.group = rpc_text(rpc_member(at, "group"), ""),
			.state = (enum rpc_state)rpc_number(
				rpc_member(at, "state"), RPC_STATE_UNKNOWN),
			.state_name = printable(arena, rpc_text(
				rpc_member(at, "statename"), "UNKNOWN")),
			.spawn_error = printable(arena, rpc_text(
				rpc_member(at, "spawnerr"), "")),
			.stdout_log = rpc_text(
				rpc_member(at, "stdout_logfile"), ""),
			.stderr_log = rpc_text(
				rpc_member(at, "stderr_logfile"), ""),
			.exit_status = rpc_number(
				rpc_member(at, "exitstatus"), 0),
			.pid = rpc_number(rpc_member(at, "pid"), 0),
			.start_s = rpc_number(rpc_member(at, "start"), 0),
			.now_s = rpc_number(rpc_member(at, "now"), 0),
		};
	*ret_processes = (struct rpc_processes){ all, n };
}

static const char *const *
read_names(struct arena *arena, const struct xml *value)
{
	const char **names = arena_array(arena, count(value) + 1,
					 sizeof *names);
	size_t n = 0;

	for (value = rpc_first(value); value; value = rpc_next(value))
		names[n++] = rpc_text(value, "");
	return names;
}

/* [[added, changed, removed]]: an array too many, by its authors' mistake. */
void
rpc_read_changes(struct arena *arena, const struct xml *value,
		 struct rpc_changes *ret_changes)
{
	const struct xml *lists[3] = { NULL };
	const struct xml *at = rpc_first(rpc_first(value));

	for (size_t i = 0; at && i < 3; i++, at = rpc_next(at))
		lists[i] = at;
	*ret_changes = (struct rpc_changes){
		.added = read_names(arena, lists[0]),
		.changed = read_names(arena, lists[1]),
		.removed = read_names(arena, lists[2]),
	};
}

/* ---- calls ---- */

/* RFC 4648, section 4. */
static void
add_base64(struct str *out, const unsigned char *data, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned long bits = (unsigned long)data[i] << 16;

		if (i + 1 < n)
			bits |= (unsigned long)data[i + 1] << 8;
		if (i + 2 < n)
			bits |= data[i + 2];
		str_addf(out, "%c%c%c%c", digits[bits >> 18],
			 digits[bits >> 12 & 63],
			 i + 1 < n ? digits[bits >> 6 & 63] : '=',
			 i + 2 < n ? digits[bits & 63] : '=');
	}
}

const char *
rpc_authorization(struct arena *arena, const char *user, const char *password)
{
	own_str struct str plain = STR_INIT(1024);
	own_str struct str header = STR_INIT(2048);

	str_addf(&plain, "%s:%s", user, password);
	str_add(&header, "Authorization: Basic ");
	add_base64(&header, (const unsigned char *)str_get(&plain), plain.len);
	return arena_dup(arena, str_get(&header));
}

int
rpc_call(const struct rpc *rpc, const char *method,
	 const struct rpc_argument *arguments, struct deadline deadline,
	 struct rpc_answer *ret_answer, struct error *err)
{
	static const char *const urls[] = { "http://localhost/RPC2", NULL };
	const char *const headers[] = { "Content-Type: text/xml",
					rpc->authorization, NULL };
	own_str struct str body = STR_INIT(65536);
	own_str struct str answer = STR_INIT(ANSWER_BYTES_MAX + 1);
	struct fetch_request request = {
		.label = "supervisor",
		.urls = urls,
		.method = "POST",
		.headers = headers,
		.unix_socket = rpc->socket,
		.no_proxy = true,
		.any_status = true,
		.once = true,
		.max_bytes = ANSWER_BYTES_MAX,
		.deadline = deadline,
	};
	int status;

	rpc_write_call(arena_printf(rpc->arena, "supervisor.%s", method),
		       arguments, &body);
	request.body = str_get(&body);
	request.body_bytes = body.len;
	if (fetcher_exchange(rpc->fetcher, &request, &status, &answer,
			     err) < 0)
		return error_in(err, "%s at %s", method, rpc->socket);
	if (status == 401)
		return error_raise(err, ERROR_CHECK, "supervisord at %s wants "
			"a name and a password other than those in its "
			"configuration", rpc->socket);
	if (status != 200)
		return error_raise(err, ERROR_CHECK, "supervisord at %s "
			"answers %s with HTTP status %d", rpc->socket, method,
			status);
	if (rpc_read_answer(rpc->arena, str_get(&answer), answer.len,
			    ret_answer, err) < 0)
		return error_in(err, "%s at %s", method, rpc->socket);
	return 0;
}

static int
fault_error(const struct rpc_answer *answer, const char *method,
	    const char *name, struct error *err)
{
	return error_raise(err, ERROR_CHECK, "supervisord refuses %s%s%s: %s "
			   "(fault %lld)", method, name ? " " : "",
			   name ? name : "", answer->fault_text,
			   (long long)answer->fault);
}

int
rpc_do(const struct rpc *rpc, const char *method, const char *name,
       enum rpc_fault tolerated, struct deadline deadline, struct error *err)
{
	const struct rpc_argument arguments[] = {
		{ name ? RPC_TEXT : RPC_END, name, 0 },
		/* wait = false: this one process must not be kept waiting */
		{ str_starts(method, "start") || str_starts(method, "stop")
			? RPC_BOOL : RPC_END, NULL, 0 },
		{ RPC_END, NULL, 0 },
	};
	struct rpc_answer answer;

	if (rpc_call(rpc, method, arguments, deadline, &answer, err) < 0)
		return -1;
	if (answer.fault && answer.fault != (int64_t)tolerated)
		return fault_error(&answer, method, name, err);
	return 0;
}

int
rpc_start(const struct rpc *rpc, const char *name, bool judged,
	  struct deadline deadline, struct error *err)
{
	const struct rpc_argument arguments[] = {
		{ RPC_TEXT, name, 0 },
		{ RPC_BOOL, NULL, 0 },
		{ RPC_END, NULL, 0 },
	};
	struct rpc_answer answer;

	if (rpc_call(rpc, "startProcess", arguments, deadline, &answer,
		     err) < 0)
		return -1;
	if (!answer.fault || answer.fault == RPC_ALREADY_STARTED ||
	    (judged && answer.fault == RPC_SPAWN_ERROR))
		return 0;
	return fault_error(&answer, "startProcess", name, err);
}

int
rpc_processes(const struct rpc *rpc, struct deadline deadline,
	      struct rpc_processes *ret_processes, struct error *err)
{
	struct rpc_answer answer;

	if (rpc_call(rpc, "getAllProcessInfo", NULL, deadline, &answer,
		     err) < 0)
		return -1;
	if (answer.fault)
		return fault_error(&answer, "getAllProcessInfo", NULL, err);
	rpc_read_processes(rpc->arena, answer.value, ret_processes);
	return 0;
}

int
rpc_reload_config(const struct rpc *rpc, struct deadline deadline,
		  struct rpc_changes *ret_changes, struct error *err)
{
	struct rpc_answer answer;

	if (rpc_call(rpc, "reloadConfig", NULL, deadline, &answer, err) < 0)
		return -1;
	if (answer.fault)
		return fault_error(&answer, "reloadConfig", NULL, err);
	rpc_read_changes(rpc->arena, answer.value, ret_changes);
	return 0;
}

bool
rpc_is_up(const struct rpc *rpc, struct deadline deadline)
{
	struct error ignored = ERROR_INIT;
	struct rpc_answer answer;
	struct stat st;

	if (!rpc->socket || stat(rpc->socket, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	return rpc_call(rpc, "getState", NULL, deadline, &answer,
			&ignored) == 0 && !answer.fault &&
	       rpc_number(rpc_member(answer.value, "statecode"), -1) == 1;
}

static const char *
tail(const struct rpc *rpc, const char *method, const char *name,
     int64_t bytes, struct deadline deadline)
{
	const struct rpc_argument arguments[] = {
		{ RPC_TEXT, name, 0 }, { RPC_INT, NULL, 0 },
		{ RPC_INT, NULL, bytes < TAIL_BYTES ? bytes : TAIL_BYTES },
		{ RPC_END, NULL, 0 },
	};
	struct error ignored = ERROR_INIT;
	struct rpc_answer answer;

	if (bytes < 1 || rpc_call(rpc, method, arguments, deadline, &answer,
				  &ignored) < 0 || answer.fault)
		return "";
	return rpc_text(rpc_first(answer.value), "");
}

const char *
rpc_log_tail(const struct rpc *rpc, const char *name, int64_t stderr_bytes,
	     int64_t stdout_bytes, struct deadline deadline)
{
	const char *text = tail(rpc, "tailProcessStderrLog", name,
				stderr_bytes, deadline);

	return *text ? text : tail(rpc, "tailProcessStdoutLog", name,
				   stdout_bytes, deadline);
}
