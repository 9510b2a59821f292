/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "plan/plan.h"
#include "plan/profile.h"

static struct arena arena = ARENA_INIT;

static const struct key no_keys[] = { { NULL } };

#define KIND(kind_name, in_phase, ...)                                   \
	{ .name = kind_name, .block = kind_name "s", .phase = in_phase,  \
	  .keys = no_keys, .name_key = "name", __VA_ARGS__ }

static const struct kind
	group = KIND("group", PHASE_PREPARE, .tree = false),
	user = KIND("user", PHASE_PREPARE, .tree = false),
	package = KIND("package", PHASE_PLACE, .destination_key = "into",
		       .tree = true),
	file = KIND("file", PHASE_PLACE, .destination_key = "to"),
	command = KIND("command", PHASE_RUN, .tree = false),
	service = KIND("service", PHASE_ACTIVATE, .tree = false),
	check = KIND("check", PHASE_CHECK, .tree = false),
	agent = KIND("agent", PHASE_GATE, .tree = false);

#define RESOURCE(of_kind, with_name, at)                                 \
	{ .kind = &(of_kind), .name = with_name,                         \
	  .label = #of_kind " " with_name, .destination = at }

/* As a profile might say it, in no order at all. */
static const struct resource resources[] = {
	RESOURCE(agent, "codedeploy", NULL),
	RESOURCE(check, "health", NULL),
	RESOURCE(file, "/usr/nginx/conf/x", "/usr/nginx/conf/x"),
	RESOURCE(service, "cron", NULL),
	RESOURCE(package, "nginx", "/usr/nginx"),
	RESOURCE(package, "modules", "/usr/nginx/modules"),
	RESOURCE(group, "www", NULL),
	RESOURCE(user, "www", NULL),
	RESOURCE(file, "/usr/nginx.conf", "/usr/nginx.conf"),
	RESOURCE(file, "/usr/nginx/modules/m", "/usr/nginx/modules/m"),
	RESOURCE(command, "init", NULL),
	RESOURCE(group, "adm", NULL),
	RESOURCE(file, "/etc/motd", "/etc/motd"),
};
static const struct profile profile = {
	.resources = resources,
	.n = sizeof(resources) / sizeof(*resources),
};
static struct plan plan;

static int
make(void **state)
{
	plan_make(&arena, &profile, &plan);
	return 0;
}

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct step *
step(const char *kind_name, const char *name)
{
	struct step *found = plan_find(&plan, kind_name, name);

	assert_non_null(found);
	return found;
}

static void
steps_come_by_phase_then_path_then_profile(void **state)
{
	static const char *const want[] = {
		"group www", "user www", "group adm",
		"file /etc/motd",
		"package nginx", "file /usr/nginx/conf/x", "package modules",
		"file /usr/nginx/modules/m", "file /usr/nginx.conf",
		"command init", "service cron", "check health",
		"agent codedeploy",
	};

	assert_int_equal(plan.n, profile.n);
	for (size_t i = 0; i < plan.n; i++) {
		assert_string_equal(plan.steps[i].resource->label, want[i]);
		assert_int_equal(plan.steps[i].action, ACTION_NONE);
	}
}

static void
a_phase_is_a_range_of_steps(void **state)
{
	static const struct resource only = RESOURCE(check, "x", NULL);
	const struct profile small = { .resources = &only, .n = 1 };
	struct plan lone;

	assert_int_equal(plan_phase_begin(&plan, PHASE_PREPARE), 0);
	assert_int_equal(plan_phase_end(&plan, PHASE_PREPARE), 3);
	assert_int_equal(plan_phase_begin(&plan, PHASE_PLACE), 3);
	assert_int_equal(plan_phase_end(&plan, PHASE_PLACE), 9);
	assert_int_equal(plan_phase_end(&plan, PHASE_GATE), plan.n);
	plan_make(&arena, &small, &lone);
	assert_int_equal(plan_phase_begin(&lone, PHASE_RUN), 0);
	assert_int_equal(plan_phase_end(&lone, PHASE_RUN), 0);
	assert_int_equal(plan_phase_begin(&lone, PHASE_GATE), 1);
}

static void
an_empty_profile_has_an_empty_plan(void **state)
{
	const struct profile none = { .n = 0 };
	struct plan empty;

	plan_make(&arena, &none, &empty);
	assert_int_equal(empty.n, 0);
	assert_int_equal(plan_phase_end(&empty, PHASE_GATE), 0);
	assert_null(plan_owner(&empty, "/x"));
	assert_int_equal(plan_actions(&empty), 0);
}

static void
a_step_is_found_by_kind_and_name(void **state)
{
	assert_string_equal(step("user", "www")->resource->label, "user www");
	assert_string_equal(step("group", "www")->resource->label,
			    "group www");
	assert_null(plan_find(&plan, "user", "adm"));
	assert_null(plan_find(&plan, "nothing", "www"));
}

static void
the_owner_of_a_path_is_its_nearest_step(void **state)
{
	assert_ptr_equal(plan_owner(&plan, "/usr/nginx/sbin/nginx"),
			 step("package", "nginx"));
	assert_ptr_equal(plan_owner(&plan, "/usr/nginx/modules/a/b"),
			 step("package", "modules"));
	assert_ptr_equal(plan_owner(&plan, "/usr/nginx"),
			 step("package", "nginx"));
	assert_ptr_equal(plan_owner(&plan, "/etc/motd"),
			 step("file", "/etc/motd"));
	assert_null(plan_owner(&plan, "/usr/nginx2"));
	assert_null(plan_owner(&plan, "/usr"));
}

static void
a_path_is_touched_from_above_and_below(void **state)
{
	assert_false(plan_touches(&plan, "/usr/nginx"));
	step("package", "modules")->action = ACTION_CREATE;
	assert_true(plan_touches(&plan, "/usr/nginx"));
	assert_true(plan_touches(&plan, "/usr/nginx/modules"));
	assert_true(plan_touches(&plan, "/usr/nginx/modules/m.so"));
	assert_false(plan_touches(&plan, "/usr/nginx/sbin/nginx"));
	assert_false(plan_touches(&plan, "/usr/nginx.conf"));
	step("service", "cron")->action = ACTION_RUN;
	assert_false(plan_touches(&plan, "/etc"));
}

static void
what_is_inside_a_tree_is_named_relative_to_it(void **state)
{
	const char *const *paths = plan_inside(&plan, &arena,
					       step("package", "nginx"));

	assert_string_equal(paths[0], "conf/x");
	assert_string_equal(paths[1], "modules");
	assert_string_equal(paths[2], "modules/m");
	assert_null(paths[3]);
	paths = plan_inside(&plan, &arena, step("file", "/etc/motd"));
	assert_null(paths[0]);
	paths = plan_inside(&plan, &arena, step("check", "health"));
	assert_null(paths[0]);
}

static void
a_new_tree_places_again_what_stands_in_it(void **state)
{
	step("package", "nginx")->action = ACTION_CHANGE;
	step("file", "/usr/nginx/conf/x")->action = ACTION_CREATE;
	plan_propagate(&plan);
	assert_int_equal(step("package", "modules")->action, ACTION_CHANGE);
	assert_string_equal(step("package", "modules")->reason,
			    "it is inside a tree that is put there anew");
	assert_int_equal(step("file", "/usr/nginx/modules/m")->action,
			 ACTION_CHANGE);
	assert_int_equal(step("file", "/usr/nginx/conf/x")->action,
			 ACTION_CREATE);
	assert_int_equal(step("file", "/usr/nginx.conf")->action, ACTION_NONE);
	assert_int_equal(step("file", "/etc/motd")->action, ACTION_NONE);
}

static void
a_tree_that_stays_leaves_alone_what_stands_in_it(void **state)
{
	step("file", "/usr/nginx/modules/m")->action = ACTION_CHANGE;
	step("package", "modules")->action = ACTION_NONE;
	plan_propagate(&plan);
	assert_int_equal(plan_actions(&plan), 1);
}

static void
checks_and_activations_are_actions_but_no_changes(void **state)
{
	step("check", "health")->action = ACTION_RUN;
	step("service", "cron")->action = ACTION_RUN;
	assert_int_equal(plan_actions(&plan), 2);
	assert_int_equal(plan_changes(&plan), 0);
	step("command", "init")->action = ACTION_RUN;
	step("user", "www")->action = ACTION_CREATE;
	step("agent", "codedeploy")->action = ACTION_CHANGE;
	assert_int_equal(plan_actions(&plan), 5);
	assert_int_equal(plan_changes(&plan), 3);
}

static void
a_plan_prints_one_line_an_action(void **state)
{
	own_str struct str out = STR_INIT(64 * 1024);

	step("package", "nginx")->action = ACTION_CREATE;
	step("file", "/etc/motd")->action = ACTION_CHANGE;
	step("file", "/etc/motd")->reason = "content differs\x1b";
	step("check", "health")->action = ACTION_RUN;
	plan_print(&plan, &out);
	assert_string_equal(str_get(&out),
			    "change file /etc/motd  (content differs\\x1b)\n"
			    "create package nginx  /usr/nginx\n"
			    "run check health\n");
}

static void
names_and_destinations_are_unique(void **state)
{
	static const struct place places[] = { { "p.cfg", 7 } };
	const struct resource twice[] = {
		{ .kind = &package, .name = "a", .label = "package a",
		  .destination = "/a", .where = { "p.cfg", 1 } },
		{ .kind = &file, .name = "a", .label = "file a",
		  .destination = "/b", .where = { "p.cfg", 2 } },
		{ .kind = &package, .name = "a", .label = "package a",
		  .destination = "/b", .where = { "q.cfg", 3 },
		  .key_places = places },
	};
	const struct profile bad = { .resources = twice, .n = 3 };
	own_str struct str out = STR_INIT(64 * 1024);
	struct problems problems;

	problems_init(&problems, &arena);
	profile_check(&bad, &problems);
	problems_print(&problems, &out);
	assert_string_equal(str_get(&out),
		"q.cfg:3: package a has the same destination as file a: /b "
		"(said first at p.cfg:2)\n"
		"q.cfg:3: a second package a; names are unique in packages "
		"(said first at p.cfg:1)\n");
	assert_ptr_equal(profile_find(&bad, "file", "a"), &twice[1]);
	assert_null(profile_find(&bad, "file", "b"));
}

#define TEST(name) cmocka_unit_test_setup(name, make)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(steps_come_by_phase_then_path_then_profile),
		TEST(a_phase_is_a_range_of_steps),
		TEST(an_empty_profile_has_an_empty_plan),
		TEST(a_step_is_found_by_kind_and_name),
		TEST(the_owner_of_a_path_is_its_nearest_step),
		TEST(a_path_is_touched_from_above_and_below),
		TEST(what_is_inside_a_tree_is_named_relative_to_it),
		TEST(a_new_tree_places_again_what_stands_in_it),
		TEST(a_tree_that_stays_leaves_alone_what_stands_in_it),
		TEST(checks_and_activations_are_actions_but_no_changes),
		TEST(a_plan_prints_one_line_an_action),
		TEST(names_and_destinations_are_unique),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL,
					   release_arena);
}
