/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "aws/autoscaling.h"

#define HOOK(name, transition, seconds)                                    \
	"<member><LifecycleHookName>" name "</LifecycleHookName>"          \
	"<LifecycleTransition>autoscaling:EC2_INSTANCE_" transition        \
	"</LifecycleTransition><HeartbeatTimeout>" seconds                 \
	"</HeartbeatTimeout><GlobalTimeout>172800</GlobalTimeout></member>"
#define ANSWER(hooks)                                                      \
	"<DescribeLifecycleHooksResponse xmlns=\"http://autoscaling."      \
	"amazonaws.com/doc/2011-01-01/\"><DescribeLifecycleHooksResult>"   \
	"<LifecycleHooks>" hooks "</LifecycleHooks>"                       \
	"</DescribeLifecycleHooksResult></DescribeLifecycleHooksResponse>"

static struct arena arena;
static struct lifecycle_hook hook;
static struct error err;

static int
read_hooks(const char *body, const char *name,
	   enum lifecycle_transition transition)
{
	err = (struct error)ERROR_INIT;
	hook = (struct lifecycle_hook){ 0 };
	return autoscaling_read_hooks(body, strlen(body), "web", name,
				      transition, &arena, &hook, &err);
}

static void
the_only_hook_is_taken(void **state)
{
	const char *body = ANSWER(
		HOOK("CodeDeploy-managed-automatic-launch-deployment-hook-x",
		     "LAUNCHING", "600")
		HOOK("last", "TERMINATING", "30")
		HOOK("bootstrap", "LAUNCHING", "3600"));

	assert_int_equal(read_hooks(body, NULL, LIFECYCLE_LAUNCHING), 0);
	assert_string_equal(hook.name, "bootstrap");
	assert_string_equal(hook.group, "web");
	assert_int_equal(hook.timeout_s, 3600);
	assert_int_equal(hook.global_s, HOOK_GLOBAL_MAX_S);
	assert_int_equal(read_hooks(body, NULL, LIFECYCLE_TERMINATING), 0);
	assert_string_equal(hook.name, "last");
}

static void
two_hooks_are_named_and_none_is_taken(void **state)
{
	const char *body = ANSWER(HOOK("a", "LAUNCHING", "30")
				  HOOK("b", "LAUNCHING", "30"));

	assert_int_equal(read_hooks(body, NULL, LIFECYCLE_LAUNCHING), -1);
	assert_int_equal(err.code, ERROR_CHECK);
	assert_non_null(strstr(err.text, "has 2 launch hooks: a, b"));
	assert_int_equal(read_hooks(body, "b", LIFECYCLE_LAUNCHING), 0);
	assert_string_equal(hook.name, "b");
	assert_int_equal(read_hooks(body, "c", LIFECYCLE_LAUNCHING), -1);
	assert_non_null(strstr(err.text, "no launch hook \"c\" (it has: a, "
			       "b)"));
	assert_int_equal(read_hooks(ANSWER(""), NULL, LIFECYCLE_LAUNCHING),
			 -1);
	assert_non_null(strstr(err.text, "(it has: none)"));
}

static void
nonsense_is_no_time(void **state)
{
	assert_int_equal(read_hooks(ANSWER(HOOK("a", "LAUNCHING", "-1")), NULL,
				    LIFECYCLE_LAUNCHING), 0);
	assert_int_equal(hook.timeout_s, 0);
	assert_int_equal(read_hooks(ANSWER(HOOK("a", "LAUNCHING",
						"99999999999999999999")),
				    NULL, LIFECYCLE_LAUNCHING), 0);
	assert_int_equal(hook.timeout_s, 0);
	assert_int_equal(read_hooks("<a", NULL, LIFECYCLE_LAUNCHING), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
}

static int
release(void **state)
{
	arena_release(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_hook_is_taken),
		cmocka_unit_test(two_hooks_are_named_and_none_is_taken),
		cmocka_unit_test(nonsense_is_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
