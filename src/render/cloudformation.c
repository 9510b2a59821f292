/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CloudFormation template around the profile: launch template, Auto Scaling
 * group with its launch hook, instance profile with the least policy, and,
 * where an agent waits for the gate, CodeDeploy's application and group.
 *
 * The launch hook is part of the group, not a resource of its own: it must be
 * there before the first instance. The group's name is made of the stack's,
 * so that the role may name it without a circle of references.
 */
#include "render/render.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "render/policy.h"
#include "render/template_data.h"
#include "render/user_data.h"
#include "render/yaml.h"

#define HOOK_MIN_S 30
#define HOOK_MAX_S 7200
#define SIGNAL_MAX_M (12 * 60)
#define SIGNAL_MARGIN_M 5

struct template {
	const struct render_request *request;
	const struct facts *facts;
	const struct autoscaling_spec *hook;        /* or NULL */
	const struct cloudformation_spec *waiting;  /* or NULL */
	const char *group;            /* logical id of the group */
	const char *group_name;       /* its own, for Fn::Sub; or NULL */
	struct json *parameters, *resources, *outputs;
};

/* ---- intrinsic functions ---- */

static struct json *
call(const char *function, const char *argument)
{
	struct json *made = json_new_object();

	json_set_text(made, function, argument);
	return made;
}

static struct json *
ref(const char *name)
{
	return call("Ref", name);
}

static struct json *
attribute(const char *resource, const char *name)
{
	struct json *made = json_new_object();
	struct json *words = json_new_array();

	json_add_text(words, resource);
	json_add_text(words, name);
	json_set(made, "Fn::GetAtt", words);
	return made;
}

static struct json *
list_of(struct json *only)
{
	struct json *list = json_new_array();

	json_add(list, only);
	return list;
}

/* ---- parts ---- */

static void
add_parameter(struct template *template, const char *name, const char *type,
	      const char *text, const char *fallback)
{
	struct json *made = json_new_object();

	json_set_text(made, "Type", type);
	json_set_text(made, "Description", text);
	if (fallback)
		json_set_text(made, "Default", fallback);
	json_set(template->parameters, name, made);
}

static struct json *
add_resource(struct template *template, const char *name, const char *type,
	     struct json *properties)
{
	struct json *made = json_new_object();

	json_set_text(made, "Type", type);
	json_set(made, "Properties", properties);
	json_set(template->resources, name, made);
	return made;
}

static void
add_parameters(struct template *template)
{
	const struct render_request *request = template->request;

	add_parameter(template, "ImageId", "AWS::EC2::Image::Id",
		      "the image that instances start from",
		      request->image_id);
	add_parameter(template, "InstanceType", "String",
		      "the type of the instances",
		      request->instance_type ? request->instance_type
					     : "t3.small");
	add_parameter(template, "Subnets", "List<AWS::EC2::Subnet::Id>",
		      "where instances are started", NULL);
	add_parameter(template, "SecurityGroups",
		      "List<AWS::EC2::SecurityGroup::Id>",
		      "what instances may reach and be reached by",
		      request->security_groups);
	add_parameter(template, "MinSize", "Number", "fewest instances", "1");
	add_parameter(template, "MaxSize", "Number", "most instances", "2");
	if (template->facts->agent)
		add_parameter(template, "RevisionBucket", "String",
			      "the bucket that deployments are fetched from",
			      request->revisions);
}

/* Who may take a role on: SERVICE's principal, in every partition. */
static struct json *
trusting(const char *service)
{
	struct json *document = json_new_object();
	struct json *statement = json_new_object();

	json_set_text(statement, "Effect", "Allow");
	json_set(statement, "Principal", call("Service", service));
	json_set(statement, "Action",
		 list_of(json_new_text("sts:AssumeRole")));
	json_set_text(document, "Version", "2012-10-17");
	json_set(document, "Statement", list_of(statement));
	return document;
}

static struct json *
inline_policy(const char *name, struct json *document)
{
	struct json *policy = json_new_object();

	json_set_text(policy, "PolicyName", name);
	json_set(policy, "PolicyDocument", document);
	return list_of(policy);
}

static int
add_instance_role(struct template *template, struct error *err)
{
	const struct policy_scope scope = {
		.partition = "${AWS::Partition}",
		.region = "${AWS::Region}",
		.account = "${AWS::AccountId}",
		.group = template->group_name,
		.sub = true,
	};
	struct render_request request = *template->request;
	struct json *role = json_new_object();
	struct json *profile = json_new_object();
	struct json *document;

	request.revisions = template->facts->agent ? "${RevisionBucket}"
						   : NULL;
	document = policy_document(&request, template->facts, &scope, err);
	if (!document) {
		json_free(role);
		json_free(profile);
		return -1;
	}
	json_set(role, "AssumeRolePolicyDocument",
		 trusting("ec2.amazonaws.com"));
	if (json_count(json_at(document, "Statement")) > 0)
		json_set(role, "Policies", inline_policy("fitout", document));
	else
		json_free(document);
	add_resource(template, "InstanceRole", "AWS::IAM::Role", role);
	json_set(profile, "Roles", list_of(ref("InstanceRole")));
	add_resource(template, "InstanceProfile", "AWS::IAM::InstanceProfile",
		     profile);
	return 0;
}

/* As text where a reader may want to see it; CloudFormation itself makes the
 * base64 then. Fn::Sub is not applied to it: ${...} is the profile's. */
static int
add_user_data(struct template *template, struct json *data, struct error *err)
{
	own_str struct str bytes = STR_INIT(RENDER_BYTES_MAX);
	own_str struct str base64 = STR_INIT(RENDER_BYTES_MAX);

	if (user_data_base64(template->request, template->facts, &base64,
			     err) < 0)
		return -1;
	if (base64.len == 0)
		return 0;
	if (user_data_make(template->request, template->facts, &bytes, err) < 0)
		return -1;
	if (str_is_utf8(str_get(&bytes), bytes.len))
		json_set(data, "UserData", call("Fn::Base64",
						str_get(&bytes)));
	else
		json_set_text(data, "UserData", str_get(&base64));
	return 0;
}

static int
add_launch_template(struct template *template, struct error *err)
{
	const struct render_request *request = template->request;
	struct json *properties = json_new_object();
	struct json *data = json_new_object();
	struct json *profile = json_new_object();

	json_set(data, "ImageId", ref("ImageId"));
	json_set(data, "InstanceType", ref("InstanceType"));
	if (request->key_name)
		json_set_text(data, "KeyName", request->key_name);
	json_set(profile, "Arn", attribute("InstanceProfile", "Arn"));
	json_set(data, "IamInstanceProfile", profile);
	json_set(data, "SecurityGroupIds", ref("SecurityGroups"));
	json_set(data, "MetadataOptions",
		 template_metadata(request->hop_limit, true));
	json_set(data, "TagSpecifications",
		 template_tags(template->facts->name, template->facts->name));
	json_set(properties, "LaunchTemplateData", data);
	add_resource(template, "LaunchTemplate", "AWS::EC2::LaunchTemplate",
		     properties);
	return add_user_data(template, data, err);
}

/* fitout beats three times in the time that the hook waits. */
static struct json *
launch_hook(const struct autoscaling_spec *spec)
{
	struct json *hook = json_new_object();
	int64_t timeout = 3 * spec->heartbeat_s;

	if (timeout < HOOK_MIN_S)
		timeout = HOOK_MIN_S;
	if (timeout > HOOK_MAX_S)
		timeout = HOOK_MAX_S;
	json_set_text(hook, "LifecycleHookName", spec->hook);
	json_set_text(hook, "LifecycleTransition",
		      "autoscaling:EC2_INSTANCE_LAUNCHING");
	json_set_number(hook, "HeartbeatTimeout", timeout);
	json_set_text(hook, "DefaultResult", "ABANDON");
	return list_of(hook);
}

static void
add_waiting(struct template *template, struct json *group)
{
	struct json *signal = json_new_object();
	struct json *policy = json_new_object();
	struct json *rolling = json_new_object();
	struct json *update = json_new_object();
	int64_t minutes = template->facts->profile->budget_s / 60 +
		SIGNAL_MARGIN_M;
	char timeout[32];

	if (minutes > SIGNAL_MAX_M)
		minutes = SIGNAL_MAX_M;
	snprintf(timeout, sizeof timeout, "PT%lldM", (long long)minutes);
	json_set(signal, "Count", ref("MinSize"));
	json_set_text(signal, "Timeout", timeout);
	json_set(policy, "ResourceSignal", signal);
	json_set(group, "CreationPolicy", policy);
	json_set_number(rolling, "MaxBatchSize", 1);
	json_set_text(rolling, "PauseTime", timeout);
	json_set_bool(rolling, "WaitOnResourceSignals", true);
	json_set(update, "AutoScalingRollingUpdate", rolling);
	json_set(group, "UpdatePolicy", update);
}

static void
add_group(struct template *template)
{
	struct json *properties = json_new_object();
	struct json *launch = json_new_object();
	struct json *group;

	json_set(launch, "LaunchTemplateId", ref("LaunchTemplate"));
	json_set(launch, "Version",
		 attribute("LaunchTemplate", "LatestVersionNumber"));
	if (template->hook && template->hook->group)
		json_set_text(properties, "AutoScalingGroupName",
			      template->hook->group);
	else if (template->group_name)
		json_set(properties, "AutoScalingGroupName",
			 policy_text(template->group_name, true));
	json_set(properties, "LaunchTemplate", launch);
	json_set(properties, "MinSize", ref("MinSize"));
	json_set(properties, "MaxSize", ref("MaxSize"));
	json_set(properties, "VPCZoneIdentifier", ref("Subnets"));
	if (template->hook)
		json_set(properties, "LifecycleHookSpecificationList",
			 launch_hook(template->hook));
	group = add_resource(template, template->group,
			     "AWS::AutoScaling::AutoScalingGroup", properties);
	if (template->waiting)
		add_waiting(template, group);
}

/* ---- CodeDeploy ---- */

/* Launching by a template needs more than AWS's own policy gives (CodeDeploy
 * User Guide, "Create a service role"). */
static struct json *
launching(void)
{
	static const char *const actions[] = {
		"ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"
	};
	struct json *document = json_new_object();
	struct json *statements = json_new_array();

	for (size_t i = 0; i < 3; i++) {
		struct json *statement = json_new_object();

		json_set_text(statement, "Effect", "Allow");
		json_set(statement, "Action",
			 list_of(json_new_text(actions[i])));
		json_set(statement, "Resource", list_of(i < 2
			? json_new_text("*")
			: attribute("InstanceRole", "Arn")));
		json_add(statements, statement);
	}
	json_set_text(document, "Version", "2012-10-17");
	json_set(document, "Statement", statements);
	return document;
}

static void
add_deployment(struct template *template)
{
	struct json *role = json_new_object();
	struct json *application = json_new_object();
	struct json *group = json_new_object();
	struct json *rollback = json_new_object();

	json_set(role, "AssumeRolePolicyDocument",
		 trusting("codedeploy.amazonaws.com"));
	json_set(role, "ManagedPolicyArns", list_of(policy_text(
		"arn:${AWS::Partition}:iam::aws:policy/service-role/"
		"AWSCodeDeployRole", true)));
	json_set(role, "Policies", inline_policy("launch", launching()));
	add_resource(template, "DeployRole", "AWS::IAM::Role", role);
	json_set_text(application, "ComputePlatform", "Server");
	add_resource(template, "DeployApplication",
		     "AWS::CodeDeploy::Application", application);
	json_set(group, "ApplicationName", ref("DeployApplication"));
	json_set(group, "ServiceRoleArn", attribute("DeployRole", "Arn"));
	json_set(group, "AutoScalingGroups", list_of(ref(template->group)));
	json_set_text(group, "DeploymentConfigName",
		      "CodeDeployDefault.OneAtATime");
	json_set_bool(rollback, "Enabled", true);
	json_set(rollback, "Events",
		 list_of(json_new_text("DEPLOYMENT_FAILURE")));
	json_set(group, "AutoRollbackConfiguration", rollback);
	add_resource(template, "DeployGroup",
		     "AWS::CodeDeploy::DeploymentGroup", group);
}

static void
add_output(struct template *template, const char *name, const char *resource)
{
	struct json *made = json_new_object();

	json_set(made, "Value", ref(resource));
	json_set(template->outputs, name, made);
}

/* ---- the whole ---- */

static bool
is_logical_id(const char *text)
{
	size_t n = strlen(text);

	for (; *text; text++)
		if (!isalnum((unsigned char)*text))
			return false;
	return n > 0 && n <= 255;
}

static int
prepare(struct template *template, struct error *err)
{
	const struct signal_spec *signal = template->facts->profile->signal;

	template->hook = signal ? signal->autoscaling : NULL;
	template->waiting = signal ? signal->cloudformation : NULL;
	template->group = "Group";
	/* What instances take from the tags that their stack gives them is
	 * right whatever it is. */
	if (template->waiting &&
	    !strstr(template->waiting->resource, FACTS_UNKNOWN))
		template->group = template->waiting->resource;
	if (!is_logical_id(template->group))
		return error_raise(err, ERROR_PROFILE,
			"signal.cloudformation.resource is \"%s\": in a "
			"template it is a logical name, letters and digits "
			"only", template->group);
	if (template->hook && !template->hook->group)
		template->group_name = arena_printf(template->request->arena,
			"${AWS::StackName}-%s", template->facts->name);
	template->parameters = json_new_object();
	template->resources = json_new_object();
	template->outputs = json_new_object();
	return 0;
}

static int
fill(struct template *template, struct error *err)
{
	add_parameters(template);
	if (add_instance_role(template, err) < 0 ||
	    add_launch_template(template, err) < 0)
		return -1;
	add_group(template);
	add_output(template, "GroupName", template->group);
	if (template->facts->agent) {
		add_deployment(template);
		add_output(template, "Application", "DeployApplication");
		add_output(template, "DeploymentGroup", "DeployGroup");
	}
	return 0;
}

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	struct template template = { .request = request, .facts = facts };
	own_json struct json *document = json_new_object();
	int status;

	if (prepare(&template, err) < 0)
		return -1;
	status = fill(&template, err);
	json_set_text(document, "AWSTemplateFormatVersion", "2010-09-09");
	json_set_text(document, "Description",
		      arena_printf(request->arena, "profile %s, made by fitout "
				   "render; sha256 %s", facts->name,
				   facts->sha256));
	json_set(document, "Parameters", template.parameters);
	json_set(document, "Resources", template.resources);
	json_set(document, "Outputs", template.outputs);
	if (status < 0)
		return -1;
	if (template.waiting &&
	    !strstr(template.waiting->stack, FACTS_UNKNOWN))
		str_addf(request->notes, "create the stack with the name that "
			 "the profile signals: %s\n", template.waiting->stack);
	yaml_print(document, out);
	return 0;
}

const struct renderer render_cloudformation = {
	.name = "cloudformation",
	.summary = "a template: group with its hook, role, CodeDeploy",
	.options = (const char *const[]){ "form", "encoding", "pointer",
		"binary", "binary-url", "binary-sha256", "image-id",
		"instance-type", "key-name", "security-groups", "hop-limit",
		"revisions", NULL },
	.render = render,
};
