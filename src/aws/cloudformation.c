/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cloudformation.h"

#include <string.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/str.h"

#define API_VERSION "2010-05-15"
#define N_FIELDS 4

static void
fields_of(const struct cloudformation_signal *signal,
	  struct sigv4_pair fields[static N_FIELDS])
{
	fields[0] = (struct sigv4_pair){ "LogicalResourceId",
					 signal->resource };
	fields[1] = (struct sigv4_pair){ "StackName", signal->stack };
	fields[2] = (struct sigv4_pair){ "Status", signal->success
					 ? "SUCCESS" : "FAILURE" };
	fields[3] = (struct sigv4_pair){ "UniqueId", signal->instance };
}

static int
by_role(struct aws *aws, const struct cloudformation_signal *signal,
	struct deadline deadline, struct aws_answer *answer,
	struct error *err)
{
	struct sigv4_pair fields[N_FIELDS];
	struct aws_query query = {
		.service = "cloudformation",
		.version = API_VERSION,
		.action = "SignalResource",
		.parameters = fields,
		.n_parameters = N_FIELDS,
		.deadline = deadline,
	};

	fields_of(signal, fields);
	return aws_query(aws, &query, answer, err);
}

/* ----------------------------------------------------------- by identity */

static void
add_without_newlines(struct str *out, const char *text)
{
	for (; *text; text++)
		if (*text != '\n' && *text != '\r')
			str_add_n(out, text, 1);
}

/* "CFN_V1 <document in base64>:<its signature>" */
static int
vouch(struct imds *imds, struct deadline deadline, struct str *out,
      struct error *err)
{
	const char *document = NULL, *signature = NULL;

	if (imds_get(imds, "dynamic/instance-identity/document", deadline,
		     &document, err) < 0 ||
	    imds_get(imds, "dynamic/instance-identity/signature", deadline,
		     &signature, err) < 0)
		return -1;
	if (!document || !signature)
		return error_raise(err, ERROR_NETWORK, "the instance metadata "
				   "has no identity document");
	str_add(out, "CFN_V1 ");
	base64_encode(document, strlen(document), out);
	str_add(out, ":");
	add_without_newlines(out, signature);
	return out->full ? error_raise(err, ERROR_LIMIT, "the identity "
				       "document is too large") : 0;
}

static int
by_identity(struct aws *aws, struct imds *imds,
	    const struct cloudformation_signal *signal,
	    struct deadline deadline, struct aws_answer *answer,
	    struct error *err)
{
	own_str struct str proof = STR_INIT((size_t)16 * 1024);
	struct sigv4_pair query[N_FIELDS + 3];
	struct sigv4_pair header = { "Authorization", NULL };
	struct endpoint endpoint;
	struct aws_request request = {
		.label = "cloudformation",
		.endpoint = &endpoint,
		.method = "GET",
		.path = "/",
		.query = query,
		.n_query = N_FIELDS + 3,
		.headers = &header,
		.n_headers = 1,
		.deadline = deadline,
	};

	fields_of(signal, query);
	query[N_FIELDS] = (struct sigv4_pair){ "Action", "SignalResource" };
	query[N_FIELDS + 1] = (struct sigv4_pair){ "ContentType", "JSON" };
	query[N_FIELDS + 2] = (struct sigv4_pair){ "Version",
						   API_VERSION };
	if (vouch(imds, deadline, &proof, err) < 0 ||
	    aws_endpoint(aws, "cloudformation", deadline, &endpoint, err) < 0)
		return -1;
	header.value = str_get(&proof);
	return aws_send(aws_link(aws), &request, answer, err);
}

/* ----------------------------------------------------------------- judge */

/* A stack that is complete, rolled back or gone waits for nobody. */
static bool
is_late(const struct aws_answer *answer)
{
	return strcmp(answer->code, "ValidationError") == 0 &&
	       (strstr(answer->message, "cannot be signaled") ||
		strstr(answer->message, "can not be signaled"));
}

static bool
may_not(int result, const struct aws_answer *answer)
{
	return result < 0 || answer->failure == AWS_DENIED ||
	       answer->failure == AWS_BAD_KEYS ||
	       answer->failure == AWS_EXPIRED;
}

int
cloudformation_signal(struct aws *aws, struct imds *imds,
		      const struct cloudformation_signal *signal,
		      struct deadline deadline, bool *ret_late,
		      struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	struct error role = ERROR_INIT;
	int result = by_role(aws, signal, deadline, &answer, &role);

	if (result < 0 && role.code == ERROR_INTERRUPTED) {
		*err = role;
		return -1;
	}
	if (may_not(result, &answer)) {
		if (result == 0)
			aws_answer_raise(&answer, &role, "signal");
		log_info("signal.identity", NULL, "signals the stack by the "
			 "instance's identity document, as its role cannot: "
			 "%s", role.text);
		aws_answer_release(&answer);
		if (by_identity(aws, imds, signal, deadline, &answer, err) < 0)
			return -1;
	}
	*ret_late = is_late(&answer);
	if (answer.failure == AWS_OK || *ret_late)
		return 0;
	return aws_answer_raise(&answer, err, "signal the CloudFormation "
				"stack");
}
