/* SPDX-License-Identifier: Apache-2.0 */
#include "render/policy.h"

#include <string.h>

#include "aws/s3.h"
#include "base/log.h"
#include "base/str.h"

#define ARN_MAX 16384
#define MANAGED_POLICY_MAX 6144

/* ---- texts ---- */

struct json *
policy_text(const char *text, bool sub)
{
	struct json *holder;

	if (!sub || !strstr(text, "${"))
		return json_new_text(text);
	holder = json_new_object();
	json_set_text(holder, "Fn::Sub", text);
	return holder;
}

/* N bytes of TEXT for a resource: IAM's wildcards and variables mean
 * themselves, "${*}"; and in Fn::Sub "${" is written "${!". */
static void
add_literal(const struct policy_scope *scope, const char *text, size_t n,
	    struct str *out)
{
	const char *end = text + n;

	while (text < end) {
		if (str_starts(text, FACTS_UNKNOWN_REGION)) {
			str_add(out, scope->region);
			text += strlen(FACTS_UNKNOWN_REGION);
		} else if (str_starts(text, FACTS_UNKNOWN)) {
			str_add(out, "*");
			text += strlen(FACTS_UNKNOWN);
		} else if (strchr("*?$", *text)) {
			str_addf(out, "${%s%c}", scope->sub ? "!" : "", *text);
			text++;
		} else {
			str_add_n(out, text++, 1);
		}
	}
}

/* "arn:aws:autoscaling:eu-west-1:123456789012:" */
static void
begin_arn(const struct policy_scope *scope, const char *service,
	  bool regional, struct str *out)
{
	str_addf(out, "arn:%s:%s:%s:%s:", scope->partition, service,
		 regional ? scope->region : "",
		 regional ? scope->account : "");
}

/* ---- statements ---- */

static struct json *
statement(struct json *statements, const char *sid, const char *const *actions)
{
	struct json *made = json_new_object();
	struct json *list = json_new_array();

	json_set_text(made, "Sid", sid);
	json_set_text(made, "Effect", "Allow");
	for (size_t i = 0; actions[i]; i++)
		json_add_text(list, actions[i]);
	json_set(made, "Action", list);
	json_add(statements, made);
	return made;
}

/* The ARN of ADDRESS, s3://BUCKET/KEY. */
static int
add_object(const struct render_request *request,
	   const struct policy_scope *scope, const char *address,
	   struct json *resources, struct json *versions, struct error *err)
{
	own_str struct str arn = STR_INIT(ARN_MAX);
	struct s3_address object;

	if (s3_address_parse(request->arena, address, &object, err) < 0)
		return -1;
	begin_arn(scope, "s3", false, &arn);
	add_literal(scope, object.bucket, strlen(object.bucket), &arn);
	str_add(&arn, "/");
	add_literal(scope, object.key, strlen(object.key), &arn);
	json_add(object.version ? versions : resources,
		 policy_text(str_get(&arn), scope->sub));
	return 0;
}

static void
allow(struct json *statements, const char *sid, const char *const *actions,
      struct json *resources)
{
	if (json_count(resources) == 0)
		json_free(resources);
	else
		json_set(statement(statements, sid, actions), "Resource",
			 resources);
}

static int
add_fetching(const struct render_request *request, const struct facts *facts,
	     const struct policy_scope *scope, struct json *statements,
	     struct error *err)
{
	static const char *const get[] = { "s3:GetObject", NULL };
	static const char *const get_version[] = {
		"s3:GetObjectVersion", NULL
	};
	struct json *resources = json_new_array();
	struct json *versions = json_new_array();
	const char *pointer = request->pointer;
	int status = 0;

	if (pointer && s3_address_is(pointer))
		status = add_object(request, scope, pointer, resources,
				    versions, err);
	for (size_t i = 0; status == 0 && i < facts->n_addresses; i++) {
		const char *address = facts->addresses[i];

		if (s3_address_is(address) && !str_equal(pointer, address))
			status = add_object(request, scope, address, resources,
					    versions, err);
	}
	allow(statements, "FetchArtifacts", get, resources);
	allow(statements, "FetchVersions", get_version, versions);
	return status;
}

static void
add_revisions(const struct render_request *request,
	      const struct policy_scope *scope, struct json *statements)
{
	static const char *const actions[] = {
		"s3:GetObject", "s3:GetObjectVersion", NULL
	};
	own_str struct str arn = STR_INIT(ARN_MAX);
	struct json *resources;

	if (!request->revisions)
		return;
	resources = json_new_array();
	begin_arn(scope, "s3", false, &arn);
	/* A template's parameter refers; a name stands for itself. */
	if (str_starts(request->revisions, "${"))
		str_add(&arn, request->revisions);
	else
		add_literal(scope, request->revisions,
			    strlen(request->revisions), &arn);
	str_add(&arn, "/*");
	json_add(resources, policy_text(str_get(&arn), scope->sub));
	json_set(statement(statements, "FetchRevisions", actions), "Resource",
		 resources);
}

/* Everything below the address. */
static int
add_evidence(const struct render_request *request, const struct facts *facts,
	     const struct policy_scope *scope, struct json *statements,
	     struct error *err)
{
	static const char *const actions[] = { "s3:PutObject", NULL };
	const struct signal_spec *signal = facts->profile->signal;
	own_str struct str arn = STR_INIT(ARN_MAX);
	struct s3_address below;
	struct json *resources;

	if (!signal || !s3_address_is(signal->evidence ? signal->evidence
							: ""))
		return 0;
	/* An object there: a place alone may have no key. */
	if (s3_address_parse(request->arena, arena_printf(request->arena,
			"%s%sx", signal->evidence,
			str_ends(signal->evidence, "/") ? "" : "/"),
			&below, err) < 0)
		return error_in(err, "signal.evidence");
	begin_arn(scope, "s3", false, &arn);
	add_literal(scope, below.bucket, strlen(below.bucket), &arn);
	str_add(&arn, "/");
	add_literal(scope, below.key, strlen(below.key) - 1, &arn);
	str_add(&arn, "*");
	resources = json_new_array();
	json_add(resources, policy_text(str_get(&arn), scope->sub));
	allow(statements, "WriteEvidence", actions, resources);
	return 0;
}

/* Its record and the texts below it; listing, without which what is not
 * there looks like what is denied. */
static int
add_breaker(const struct render_request *request, const struct facts *facts,
	    const struct policy_scope *scope, struct json *statements,
	    struct error *err)
{
	static const char *const objects[] = { "s3:GetObject", "s3:PutObject",
					       NULL };
	static const char *const buckets[] = { "s3:ListBucket", NULL };
	const struct signal_spec *signal = facts->profile->signal;
	own_str struct str arn = STR_INIT(ARN_MAX);
	struct s3_address below;
	struct json *resources;
	const char *at;

	if (!signal || !signal->breaker)
		return 0;
	at = signal->breaker->at;
	if (s3_address_parse(request->arena, arena_printf(request->arena,
			"%s%sx", at, str_ends(at, "/") ? "" : "/"), &below,
			err) < 0)
		return error_in(err, "signal.breaker.at");
	begin_arn(scope, "s3", false, &arn);
	add_literal(scope, below.bucket, strlen(below.bucket), &arn);
	resources = json_new_array();
	json_add(resources, policy_text(str_get(&arn), scope->sub));
	json_set(statement(statements, "ListBreaker", buckets), "Resource",
		 resources);
	str_add(&arn, "/");
	add_literal(scope, below.key, strlen(below.key) - 1, &arn);
	str_add(&arn, "*");
	resources = json_new_array();
	json_add(resources, policy_text(str_get(&arn), scope->sub));
	json_set(statement(statements, "KeepBreaker", objects), "Resource",
		 resources);
	return 0;
}

static void
add_hook(const struct facts *facts, const struct policy_scope *scope,
	 struct json *statements)
{
	static const char *const actions[] = {
		"autoscaling:CompleteLifecycleAction",
		"autoscaling:RecordLifecycleActionHeartbeat", NULL
	};
	static const char *const looking[] = {
		"autoscaling:DescribeAutoScalingInstances", NULL
	};
	const struct signal_spec *signal = facts->profile->signal;
	const struct autoscaling_spec *spec = signal ? signal->autoscaling
						     : NULL;
	own_str struct str arn = STR_INIT(ARN_MAX);
	struct json *resources;

	if (!spec)
		return;
	begin_arn(scope, "autoscaling", true, &arn);
	str_add(&arn, "autoScalingGroup:*:autoScalingGroupName/");
	if (scope->group)
		str_add(&arn, scope->group);
	else if (spec->group)
		add_literal(scope, spec->group, strlen(spec->group), &arn);
	else
		str_add(&arn, "*");
	resources = json_new_array();
	json_add(resources, policy_text(str_get(&arn), scope->sub));
	json_set(statement(statements, "AnswerHook", actions), "Resource",
		 resources);
	if (spec->group)
		return;
	/* Which group it is in; IAM knows no narrower resource for that. */
	json_set_text(statement(statements, "FindGroup", looking), "Resource",
		      "*");
	if (!scope->group)
		log_warning("render.wide", NULL,
			"signal.autoscaling names no group: the policy is for "
			"the hooks of every group; say group = \"...\"");
}

static void
add_stack(const struct facts *facts, const struct policy_scope *scope,
	  struct json *statements)
{
	static const char *const actions[] = {
		"cloudformation:SignalResource", NULL
	};
	const struct signal_spec *signal = facts->profile->signal;
	const struct cloudformation_spec *spec = signal
		? signal->cloudformation : NULL;
	own_str struct str arn = STR_INIT(ARN_MAX);
	struct json *resources;

	if (!spec)
		return;
	/* A stack's id is its ARN. */
	if (str_starts(spec->stack, "arn:")) {
		add_literal(scope, spec->stack, strlen(spec->stack), &arn);
	} else {
		begin_arn(scope, "cloudformation", true, &arn);
		str_add(&arn, "stack/");
		/* In a template, what the instance will know is this. */
		if (scope->sub && strcmp(spec->stack, FACTS_UNKNOWN) == 0)
			str_add(&arn, "${AWS::StackName}");
		else
			add_literal(scope, spec->stack, strlen(spec->stack),
				    &arn);
		str_add(&arn, "/*");
	}
	resources = json_new_array();
	json_add(resources, policy_text(str_get(&arn), scope->sub));
	json_set(statement(statements, "SignalStack", actions), "Resource",
		 resources);
}

static void
warn_unknown(const struct facts *facts, const struct policy_scope *scope)
{
	for (size_t i = 0; i < facts->n_addresses; i++) {
		const char *address = facts->addresses[i];
		own_str struct str shown = STR_INIT(ARN_MAX);

		if (!str_starts(address, "s3://") ||
		    !(strstr(address, FACTS_UNKNOWN) ||
		      (strstr(address, FACTS_UNKNOWN_REGION) && !scope->sub)))
			continue;
		add_literal(scope, address, strcspn(address, "?"), &shown);
		log_warning("render.wide", NULL,
			"%s: what only the instance knows is * in the policy; "
			"--region or vars make it narrower", str_get(&shown));
	}
}

struct json *
policy_document(const struct render_request *request, const struct facts *facts,
		const struct policy_scope *scope, struct error *err)
{
	own_json struct json *statements = json_new_array();
	struct json *document;
	own_str struct str text = STR_INIT(RENDER_BYTES_MAX);

	if (add_fetching(request, facts, scope, statements, err) < 0 ||
	    add_evidence(request, facts, scope, statements, err) < 0 ||
	    add_breaker(request, facts, scope, statements, err) < 0)
		return NULL;
	add_revisions(request, scope, statements);
	add_hook(facts, scope, statements);
	add_stack(facts, scope, statements);
	warn_unknown(facts, scope);
	document = json_new_object();
	json_set_text(document, "Version", "2012-10-17");
	json_set(document, "Statement", steal_ptr(statements));
	json_print(document, 0, &text);
	if (text.len > MANAGED_POLICY_MAX)
		log_warning("render.policy", NULL,
			"the policy is %zu characters; a managed policy may "
			"have %d, an inline one of a role 10240", text.len,
			MANAGED_POLICY_MAX);
	return document;
}
