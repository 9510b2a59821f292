/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "kind/agent_gate.h"

#define ASKS "[ -e /run/fitout/ready ] || exit 0; "

static void
assert_cron(const char *text, bool system, const char *want)
{
	own_str struct str out = STR_INIT(65536);
	own_str struct str again = STR_INIT(65536);

	agent_gate_cron_text(text, system, "/run/fitout/ready", &out);
	assert_string_equal(str_get(&out), want);
	agent_gate_cron_text(str_get(&out), system, "/run/fitout/ready",
			     &again);
	assert_string_equal(str_get(&again), want);
}

static void
every_command_of_a_crontab_asks_first(void **state)
{
	assert_cron("* * * * * root service a start\n", true,
		    "* * * * * root " ASKS "service a start\n");
	assert_cron("*/5 1-3 * jan mon,tue\troot\ta; b\n@reboot root c\n",
		    true, "*/5 1-3 * jan mon,tue\troot\t" ASKS "a; b\n"
		    "@reboot root " ASKS "c\n");
	assert_cron(" 1 2 3 4 5 /bin/a %in\n@daily b", false,
		    " 1 2 3 4 5 " ASKS "/bin/a %in\n@daily " ASKS "b");
}

static void
what_is_no_command_stays(void **state)
{
	static const char text[] =
		"# * * * * * root a\n\n  \t\nSHELL=/bin/sh\nMAILTO = \"\"\n"
		"\"quoted\" = 1\nPATH\t=/bin\n";

	assert_cron(text, true, text);
	assert_cron("", true, "");
	assert_cron("* * * * *\n", false, "* * * * *\n");
	assert_cron("* * * * * root\n", true, "* * * * * root\n");
}

static void
odd_places_of_the_gate_are_quoted(void **state)
{
	own_str struct str cron = STR_INIT(65536);
	own_str struct str script = STR_INIT(65536);

	agent_gate_cron_text("@daily a\n", false, "/x y/50%'/ready", &cron);
	assert_string_equal(str_get(&cron), "@daily [ -e /x\\ y/50\\%\\'/"
			    "ready ] || exit 0; a\n");
	agent_gate_script_text("a", "", "/h", "/x y/$(z)/ready", &script);
	assert_non_null(strstr(str_get(&script),
			       "\nready=/x\\ y/\\$\\(z\\)/ready\n"));
}

static void
the_script_keeps_the_header_of_the_real_one(void **state)
{
	own_str struct str out = STR_INIT(65536);
	static const char real[] = "#!/bin/bash\n# chkconfig: 2345 20 80\n"
		"### BEGIN INIT INFO\n# Provides: mine\n"
		"### END INIT INFO\nexit 0\n";

	agent_gate_script_text("a", real, "/etc/init.d/.fitout/a",
			       "/run/fitout/ready", &out);
	assert_true(str_starts(str_get(&out), "#!/bin/sh\n"
		"# chkconfig: 2345 20 80\n# description: held by fitout\n"
		"### BEGIN INIT INFO\n# Provides: mine\n"
		"### END INIT INFO\n"));
	assert_null(strstr(str_get(&out), "bash"));
}

static void
the_script_has_a_header_of_its_own_otherwise(void **state)
{
	own_str struct str out = STR_INIT(65536);

	agent_gate_script_text("a", "### BEGIN INIT INFO\nno end", "/h",
			       "/run/fitout/ready", &out);
	assert_non_null(strstr(str_get(&out), "# Provides:          a\n"));
	assert_non_null(strstr(str_get(&out), "### END INIT INFO\n"));
}

static void
the_policy_says_no_to_one_service_only(void **state)
{
	own_str struct str out = STR_INIT(65536);

	agent_gate_policy_text("a", "/k", "/run/fitout/ready", &out);
	assert_string_equal(str_get(&out), "#!/bin/sh\n"
		"# fitout's gate: here while fitout installs packages.\n"
		"ready=/run/fitout/ready\n"
		"kept=/k\n"
		"case \"$*\" in\n"
		"*--list*) ;;\n"
		"\"a \"*start* | *\" a \"*start* | \\\n"
		"\"a.service \"*start* | *\" a.service \"*start*)\n"
		"\t[ -e \"$ready\" ] || exit 101 ;;\n"
		"esac\n"
		"[ ! -x \"$kept\" ] || exec \"$kept\" \"$@\"\n"
		"exit 0\n");
	str_clear(&out);
	agent_gate_policy_text(NULL, "/k", "/run/fitout/ready", &out);
	assert_true(str_ends(str_get(&out), "\nexit 101\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_of_a_crontab_asks_first),
		cmocka_unit_test(what_is_no_command_stays),
		cmocka_unit_test(odd_places_of_the_gate_are_quoted),
		cmocka_unit_test(the_script_keeps_the_header_of_the_real_one),
		cmocka_unit_test(the_script_has_a_header_of_its_own_otherwise),
		cmocka_unit_test(the_policy_says_no_to_one_service_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
