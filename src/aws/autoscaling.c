/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/autoscaling.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xml.h"

#define CODEDEPLOY_HOOK "CodeDeploy-managed-"
#define ATTEMPTS 8

static int
call(struct aws *aws, const char *action, const struct sigv4_pair *pairs,
     size_t n, struct deadline deadline, struct aws_answer *answer,
     struct error *err)
{
	const struct aws_query query = {
		.service = "autoscaling",
		.version = "2011-01-01",
		.action = action,
		.parameters = pairs,
		.n_parameters = n,
		.attempts = ATTEMPTS,
		.deadline = deadline,
	};

	return aws_query(aws, &query, answer, err);
}

/* As far as it may be shown, and is a name at all. */
static const char *
name_in(struct arena *arena, const struct xml *node, const char *path)
{
	const char *text = xml_text(node, path, "");
	char shown[300];

	if (!*text)
		return NULL;
	return arena_dup(arena, str_printable(text, shown, sizeof(shown)));
}

/* ------------------------------------------------------------- the group */

/* The only element of DescribeAutoScalingInstances, or NULL: in no group. */
static int
describe(struct aws *aws, const char *instance, struct arena *arena,
	 struct deadline deadline, const struct xml **ret_member,
	 struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	const struct sigv4_pair id = { "InstanceIds.member.1", instance };
	const struct xml *root;

	if (call(aws, "DescribeAutoScalingInstances", &id, 1, deadline,
		 &answer, err) < 0)
		return -1;
	if (answer.failure != AWS_OK)
		return aws_answer_raise(&answer, err,
			"ask Auto Scaling about this instance");
	root = xml_parse(arena, str_get(&answer.body), answer.body.len, err);
	if (!root)
		return error_in(err, "Auto Scaling's answer about this "
				"instance");
	*ret_member = xml_at(root, "DescribeAutoScalingInstancesResult/"
			     "AutoScalingInstances/member");
	return 0;
}

int
autoscaling_state(struct aws *aws, const char *instance, struct arena *arena,
		  struct deadline deadline, const char **ret_state,
		  struct error *err)
{
	const struct xml *member = NULL;

	if (describe(aws, instance, arena, deadline, &member, err) < 0)
		return -1;
	*ret_state = member ? name_in(arena, member, "LifecycleState") : NULL;
	return 0;
}

int
autoscaling_find_group(struct aws *aws, struct imds *imds,
		       const char *instance, struct arena *arena,
		       struct deadline deadline, const char **ret_group,
		       struct error *err)
{
	const struct xml *member = NULL;
	struct error ignored = ERROR_INIT;
	const char *tag = NULL;

	if (imds_get(imds, "meta-data/tags/instance/aws:autoscaling:groupName",
		     deadline, &tag, &ignored) == 0 && tag) {
		*ret_group = arena_dup(arena, tag);
		return 0;
	}
	if (describe(aws, instance, arena, deadline, &member, err) < 0)
		return error_in(err, "find the Auto Scaling group (the "
				"instance is not shown its tags; name it: "
				"signal.autoscaling.group)");
	*ret_group = member ? name_in(arena, member, "AutoScalingGroupName")
			    : NULL;
	return 0;
}

/* ------------------------------------------------------------- the hooks */

static int64_t
seconds_in(const struct xml *hook, const char *name)
{
	const char *text = xml_text(hook, name, "0");
	int64_t value = 0;

	if (strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return 0;
	while (*text)
		value = value * 10 + (*text++ - '0');
	return value;
}

struct choice {
	const struct xml *hook;
	unsigned n;
	struct str names;           /* of all for this transition */
};

static void
choose(const struct xml *member, const char *name, const char *transition,
       struct choice *choice)
{
	for (; member; member = member->next) {
		const char *is = xml_text(member, "LifecycleHookName", "");

		if (!*is || strcmp(xml_text(member, "LifecycleTransition", ""),
				   transition) != 0)
			continue;
		str_add(&choice->names, choice->names.len ? ", " : "");
		str_add_printable(&choice->names, is, strlen(is), 80);
		if (name ? strcmp(is, name) != 0
			 : str_starts(is, CODEDEPLOY_HOOK))
			continue;
		choice->hook = member;
		choice->n++;
	}
}

static int
no_choice(const struct choice *choice, const char *group, const char *name,
	  const char *what, struct error *err)
{
	const char *names = str_get(&choice->names);

	if (name)
		return error_raise(err, ERROR_CHECK, "the Auto Scaling group "
			"%s has no %s hook \"%s\" (it has: %s)", group, what,
			name, *names ? names : "none");
	if (choice->n == 0)
		return error_raise(err, ERROR_CHECK, "the Auto Scaling group "
			"%s has no %s hook for fitout to answer (it has: %s)",
			group, what, *names ? names : "none");
	return error_raise(err, ERROR_CHECK, "the Auto Scaling group %s has "
		"%u %s hooks: %s; say which one is fitout's: "
		"signal.autoscaling.hook", group, choice->n, what, names);
}

int
autoscaling_read_hooks(const char *body, size_t n, const char *group,
		       const char *name,
		       enum lifecycle_transition transition,
		       struct arena *arena, struct lifecycle_hook *ret_hook,
		       struct error *err)
{
	bool launching = transition == LIFECYCLE_LAUNCHING;
	own_str struct str names = STR_INIT(400);
	struct choice choice = { .names = STR_INIT(400) };
	const struct xml *root = xml_parse(arena, body, n, err);
	int result = 0;

	if (!root)
		return error_in(err, "Auto Scaling's list of hooks");
	choose(xml_at(root, "DescribeLifecycleHooksResult/LifecycleHooks/"
		      "member"), name, launching
	       ? "autoscaling:EC2_INSTANCE_LAUNCHING"
	       : "autoscaling:EC2_INSTANCE_TERMINATING", &choice);
	if (choice.n == 1)
		*ret_hook = (struct lifecycle_hook){
			.group = arena_dup(arena, group),
			.name = name_in(arena, choice.hook,
					"LifecycleHookName"),
			.timeout_s = seconds_in(choice.hook,
						"HeartbeatTimeout"),
			.global_s = seconds_in(choice.hook, "GlobalTimeout"),
		};
	else
		result = no_choice(&choice, group, name,
				   launching ? "launch" : "terminate", err);
	str_release(&choice.names);
	return result;
}

int
autoscaling_find_hook(struct aws *aws, const char *group, const char *name,
		      enum lifecycle_transition transition,
		      struct arena *arena, struct deadline deadline,
		      struct lifecycle_hook *ret_hook, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	const struct sigv4_pair pair = { "AutoScalingGroupName", group };

	if (call(aws, "DescribeLifecycleHooks", &pair, 1, deadline, &answer,
		 err) < 0)
		return -1;
	if (answer.failure != AWS_OK) {
		aws_answer_raise(&answer, err, "list the group's lifecycle "
				 "hooks");
		if (answer.failure == AWS_DENIED)
			err->code = ERROR_TRUST;
		return -1;
	}
	return autoscaling_read_hooks(str_get(&answer.body), answer.body.len,
				      group, name, transition, arena,
				      ret_hook, err);
}

/* ------------------------------------------------------- speaking to one */

/* Auto Scaling has one code for all that it finds wrong; only the text tells
 * "no action" from the rest. */
static int
judge(const struct aws_answer *answer, const char *what,
      enum lifecycle_said *ret_said, struct error *err)
{
	if (answer->failure == AWS_OK) {
		*ret_said = LIFECYCLE_TAKEN;
		return 0;
	}
	if (strcmp(answer->code, "ValidationError") == 0) {
		if (strcasestr(answer->message, "no active lifecycle action")) {
			*ret_said = LIFECYCLE_NO_ACTION;
			return 0;
		}
		if (strcasestr(answer->message, "not found") ||
		    strcasestr(answer->message, "no lifecycle hook") ||
		    strcasestr(answer->message, "does not exist")) {
			*ret_said = LIFECYCLE_NO_HOOK;
			return 0;
		}
	}
	return aws_answer_raise(answer, err, what);
}

int
autoscaling_heartbeat(struct aws *aws, const struct lifecycle_hook *hook,
		      const char *instance, struct deadline deadline,
		      enum lifecycle_said *ret_said, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	const struct sigv4_pair pairs[] = {
		{ "AutoScalingGroupName", hook->group },
		{ "InstanceId", instance },
		{ "LifecycleHookName", hook->name },
	};

	if (call(aws, "RecordLifecycleActionHeartbeat", pairs, 3, deadline,
		 &answer, err) < 0)
		return -1;
	return judge(&answer, "tell the lifecycle hook that the run goes on",
		     ret_said, err);
}

int
autoscaling_complete(struct aws *aws, const struct lifecycle_hook *hook,
		     const char *instance, const char *result,
		     struct deadline deadline,
		     enum lifecycle_said *ret_said, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	const struct sigv4_pair pairs[] = {
		{ "AutoScalingGroupName", hook->group },
		{ "InstanceId", instance },
		{ "LifecycleActionResult", result },
		{ "LifecycleHookName", hook->name },
	};

	if (call(aws, "CompleteLifecycleAction", pairs, 4, deadline, &answer,
		 err) < 0)
		return -1;
	return judge(&answer, "answer the lifecycle hook", ret_said, err);
}
