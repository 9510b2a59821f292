/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include "aws/endpoint.h"
#include "base/json.h"
#include "render/policy.h"

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	const struct policy_scope scope = {
		.partition = request->partition ? request->partition
			: request->region ? partition_of(request->region)->name
			: "aws",
		.region = request->region ? request->region : "*",
		.account = request->account ? request->account : "*",
	};
	own_json struct json *document = policy_document(request, facts,
							 &scope, err);

	if (!document)
		return -1;
	if (json_count(json_at(document, "Statement")) == 0)
		return error_raise(err, ERROR_PROFILE,
			"profile %s asks nothing of AWS: no s3:// address, no "
			"signal; it needs no policy", facts->name);
	json_print(document, 2, out);
	str_add(out, "\n");
	return 0;
}

const struct renderer render_iam_policy = {
	.name = "iam-policy",
	.summary = "exactly what the instance's role must be allowed",
	.options = (const char *const[]){ "region", "account", "partition",
		"pointer", "revisions", NULL },
	.render = render,
};
