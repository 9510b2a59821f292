# SPDX-License-Identifier: Apache-2.0
"""Programs under a real supervisord."""
import os
import time

import pytest
from conftest import SLEEPER


def two_programs(place, one=SLEEPER, two=SLEEPER, **conf):
    """A profile with packages one and two, and a program of each."""
    log = place.dir
    return f"""
packages = ( {place.package("one", {"bin/run": one})},
             {place.package("two", {"bin/run": two})} );
files = ( {place.main_conf(**conf)},
          {place.program("one",
                         f"{place.programs}/one/bin/run {log}/one.log")},
          {place.program("two",
                         f"{place.programs}/two/bin/run {log}/two.log")} );
{place.supervisor_block("one", "two")}"""


def starts(place, name):
    path = place.dir / f"{name}.log"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_supervisor_is_started_when_it_is_down(place):
    place.apply(two_programs(place))
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}
    assert starts(place, "one") == starts(place, "two") == 1


def test_a_second_run_finds_nothing_to_do(place):
    profile = two_programs(place)
    place.apply(profile)
    pids = place.pids()
    done = place.apply(profile)
    assert "nothing to do" in done.out + done.err
    assert place.pids() == pids


def test_supervisor_that_was_stopped_is_started_again(place):
    profile = two_programs(place)
    place.apply(profile)
    place.rpc().shutdown()
    while place.daemon_pid():
        time.sleep(0.05)
    place.apply(profile)
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}


def test_a_program_that_was_stopped_is_started_again(place):
    profile = two_programs(place)
    place.apply(profile)
    pids = place.pids()
    place.rpc().stopProcess("one")
    done = place.apply(profile)
    assert "program one is STOPPED" in done.err
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}
    assert place.pids()["two"] == pids["two"]


def test_only_the_program_whose_tree_changed_is_restarted(place):
    place.apply(two_programs(place))
    pids = place.pids()
    place.apply(two_programs(place, one=SLEEPER + "# newer\n"))
    now = place.pids()
    assert now["one"] != pids["one"] and now["two"] == pids["two"]
    assert starts(place, "one") == 2 and starts(place, "two") == 1


def test_only_the_program_whose_file_changed_is_restarted(place):
    profile = two_programs(place)
    place.apply(profile)
    pids = place.pids()
    place.apply(profile.replace("/two.log", "/two.log newer"))
    now = place.pids()
    assert now["one"] == pids["one"] and now["two"] != pids["two"]
    assert "newer" in (place.dir / "two.log").read_text()


def test_a_program_is_added_to_a_running_supervisor(place):
    profile = two_programs(place)
    place.apply(profile)
    pids = place.pids()
    three = place.program(
        "three", f"{place.programs}/one/bin/run {place.dir}/three.log")
    place.apply(profile.replace("files = (", f"files = ( {three},")
                .replace('"two" ]', '"two", "three" ]'))
    assert place.states() == dict.fromkeys(("one", "two", "three"), "RUNNING")
    assert {k: v for k, v in place.pids().items() if k != "three"} == pids


def test_a_program_renamed_in_its_file_takes_the_old_ones_place(place):
    profile = two_programs(place)
    place.apply(profile)
    place.apply(profile.replace("[program:one]", "[program:uno]")
                .replace('"one", "two" ]', '"uno", "two" ]'))
    assert place.states() == {"uno": "RUNNING", "two": "RUNNING"}


def test_a_program_that_the_profile_no_longer_brings_is_removed(place):
    profile = two_programs(place)
    three = place.program(
        "three", f"{place.programs}/one/bin/run {place.dir}/three.log")
    place.apply(profile.replace("files = (", f"files = ( {three},"))
    pids = place.pids()
    assert "three" in pids
    place.apply(profile)
    assert "three" not in place.pids()
    assert place.pids() == {k: v for k, v in pids.items() if k != "three"}


def test_a_listed_program_whose_file_goes_is_refused(place):
    profile = two_programs(place)
    three = place.program(
        "three", f"{place.programs}/one/bin/run {place.dir}/three.log")
    listed = profile.replace('"two" ]', '"two", "three" ]')
    place.apply(listed.replace("files = (", f"files = ( {three},"))
    error = place.apply(listed, status=1).error()
    assert "program three is defined by no file" in error, error
    assert place.states()["three"] == "RUNNING"


def test_programs_of_others_are_left_alone(place):
    (place.conf_d / "other.conf").write_text(
        f"[program:other]\ncommand = /bin/sleep 1000\n")
    place.apply(two_programs(place))
    pids = place.pids()
    (place.conf_d / "other.conf").write_text(
        f"[program:other]\ncommand = /bin/sleep 1001\n")
    (place.conf_d / "more.conf").write_text(
        f"[program:more]\ncommand = /bin/sleep 1000\n")
    place.apply(two_programs(place, one=SLEEPER + "# newer\n"))
    now = place.pids()
    assert now["other"] == pids["other"] and "more" not in now
    assert now["one"] != pids["one"]


def test_what_supervisord_itself_is_configured_with_restarts_it(place):
    place.apply(two_programs(place))
    pids, daemon = place.pids(), place.daemon_pid()
    place.apply(two_programs(place, more="minfds = 512\n"))
    assert place.daemon_pid() == daemon
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}
    assert all(place.pids()[name] != pids[name] for name in pids)


def test_a_program_in_a_group_is_known_by_its_own_name(place):
    profile = two_programs(place)
    group = place.file(place.conf_d / "web.conf",
                       "[group:web]\nprograms = one,two\n")
    place.apply(profile.replace("files = (", f"files = ( {group},"))
    assert {each["group"] for each in place.rpc().getAllProcessInfo()} == \
        {"web"}
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}


def test_several_processes_of_one_program(place):
    profile = two_programs(place)
    more = "numprocs = 3\\nprocess_name = %(program_name)s_%(process_num)02d\\n"
    place.apply(profile.replace("stopwaitsecs = 5\n",
                                "stopwaitsecs = 5\n" + more.replace(
                                    "\\n", "\n"), 1))
    states = place.states()
    assert states == {"one_00": "RUNNING", "one_01": "RUNNING",
                      "one_02": "RUNNING", "two": "RUNNING"}


def test_a_program_that_is_not_started_by_itself_is_started_when_listed(place):
    profile = two_programs(place).replace(
        "stopwaitsecs = 5\n", "stopwaitsecs = 5\nautostart = false\n")
    place.apply(profile)
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}
    place.apply(profile.replace('[ "one", "two" ]', '[ "one" ]'))
    place.rpc().stopProcess("two")
    place.apply(profile.replace('[ "one", "two" ]', '[ "one" ]'))
    assert place.states() == {"one": "RUNNING", "two": "STOPPED"}


def test_a_job_that_ends_well_at_once_is_no_failure(place):
    job = place.file(place.conf_d / "job.conf", (
        "[program:job]\ncommand = /bin/true\nstartsecs = 0\n"
        "autorestart = false\nexitcodes = 0\n"))
    profile = two_programs(place).replace("files = (", f"files = ( {job},")
    place.apply(profile)
    assert place.states()["job"] == "EXITED"
    assert "nothing to do" in place.apply(profile).out


def test_a_password_on_the_socket(place):
    profile = two_programs(place).replace(
        "chmod = 0700\n", "chmod = 0700\nusername = me\npassword = s:cret\n")
    place.apply(profile)
    assert "nothing to do" in place.apply(profile).out
    with pytest.raises(Exception, match="401"):
        place.states()


# ---- what must fail, and leave things as they were ----

def test_a_program_that_exits_at_once_fails_the_run(place):
    bad = "#!/bin/sh\necho cannot find my keys >&2\nexit 3\n"
    done = place.apply(two_programs(place, two=bad), status=1)
    error = done.error()
    assert "program two" in error and "cannot find my keys" in error, error
    assert "FATAL" in error and "exit" in error.lower(), error
    assert not list(place.programs.iterdir())
    assert not place.daemon_pid(), "started by the failed run, and left"


def test_without_startsecs_a_program_that_exits_is_noticed_too(place):
    bad = "#!/bin/sh\necho gone >&2\nexit 0\n"
    profile = two_programs(place, two=bad).replace(
        "startsecs = 1\n", "startsecs = 0\nautorestart = false\n"
        "exitcodes = 2\n")
    error = place.apply(profile, status=1).error()
    assert "program two is EXITED" in error and "gone" in error, error


def test_a_failed_upgrade_brings_the_old_programs_back(place):
    place.apply(two_programs(place))
    pids = place.pids()
    bad = "#!/bin/sh\necho worse than before >&2\nexit 3\n"
    done = place.apply(two_programs(place, two=bad), status=1)
    assert "worse than before" in done.error()
    assert place.states() == {"one": "RUNNING", "two": "RUNNING"}
    assert place.pids()["one"] == pids["one"]
    assert (place.programs / "two/bin/run").read_text() == SLEEPER


def test_a_failed_run_takes_away_the_programs_it_added(place):
    profile = two_programs(place)
    place.apply(profile)
    pids = place.pids()
    three = place.program("three", "/bin/false")
    place.apply(profile.replace("files = (", f"files = ( {three},")
                .replace('"two" ]', '"two", "three" ]'), status=1)
    assert place.pids() == pids
    assert not (place.conf_d / "three.conf").exists()


def test_what_was_stopped_before_a_failed_run_is_stopped_after_it(place):
    profile = two_programs(place).replace('[ "one", "two" ]', '[ "one" ]')
    place.apply(profile)
    place.rpc().stopProcess("two")
    newer = two_programs(place, one="#!/bin/sh\nexit 1\n",
                         two=SLEEPER + "# newer\n").replace(
                             '[ "one", "two" ]', '[ "one" ]')
    place.apply(newer, status=1)
    assert place.states() == {"one": "RUNNING", "two": "STOPPED"}


BROKEN = {
    "no section": ("just words\n", "one.conf"),
    "no program section": ("[unix_http_server]\nfile = /x\n",
                           "no [program:...] section"),
    "no command": ("[program:one]\nautostart = true\n",
                   "one.conf:1: program:one has no command"),
    "empty section": ("; comment\n[program:one]\n",
                      "one.conf:2: program:one has no command"),
    "no such program": ("[program:one]\ncommand = /nowhere/run -x\n",
                        "one.conf:2: program one: the command /nowhere/run"),
    "not in PATH": ("[program:one]\ncommand = no-such-program-anywhere\n",
                    "one.conf:2: program one: the command no-such-program"),
    "unclosed quote": ("[program:one]\ncommand = /bin/sh -c \\\"exit\n",
                       "one.conf:2: a quote in the command is not closed"),
    "number": ("[program:one]\ncommand = /bin/cat\nstartsecs = soon\n",
               "one.conf:3: startsecs is not a number"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_program_file_is_refused_before_anything_changes(place, case):
    text, message = BROKEN[case]
    profile = two_programs(place)
    begin = profile.index("[program:one]")
    end = profile.index('"; }', begin)
    done = place.apply(profile[:begin] + text + profile[end:], status=1)
    assert message in done.error(), done.error()
    assert not list(place.programs.iterdir())
    assert not list(place.supervisor.glob("*.conf"))
    assert not place.daemon_pid()


def test_a_command_that_its_package_lacks_names_file_line_and_package(place):
    profile = two_programs(place).replace("two/bin/run", "two/bin/jog")
    error = place.apply(profile, status=1).error()
    assert "two.conf:2" in error and "package two" in error, error
    assert f"{place.programs}/two/bin/jog" in error, error


def test_a_listed_program_that_nothing_defines_is_refused(place):
    profile = two_programs(place).replace('"two" ]', '"two", "three" ]')
    error = place.apply(profile, status=1).error()
    assert "program three" in error and "found: one, two" in error, error


def test_a_configuration_without_a_socket_is_refused(place):
    profile = two_programs(place).replace("[unix_http_server]", "[other]")
    error = place.apply(profile, status=1).error()
    assert "unix_http_server" in error and "supervisord.conf" in error, error


def test_supervisord_that_cannot_be_found(place):
    profile = two_programs(place)
    block = profile.index('daemon = [ "supervisord"')
    error = place.apply(profile.replace(
        'daemon = [ "supervisord"', 'daemon = [ "no-supervisord"'),
        status=1).error()
    assert "no-supervisord" in error, error
    assert block and not list(place.programs.iterdir())


def test_a_program_that_never_gets_past_startsecs_runs_out_of_time(place):
    slow = "#!/bin/sh\nsleep 2\nexit 1\n"
    profile = two_programs(place, two=slow).replace(
        "startretries = 1", "startretries = 100").replace(
            "startsecs = 1", "startsecs = 4").replace(
                "timeout = 20", "timeout = 7")
    error = place.apply(profile, status=1).error()
    assert "program two is still" in error and "timeout" in error, error


def test_startsecs_longer_than_the_timeout_is_refused(place):
    profile = two_programs(place).replace("startsecs = 1", "startsecs = 60")
    error = place.apply(profile, status=1).error()
    assert "startsecs = 60" in error and "20 s" in error, error


def test_a_program_that_cannot_be_executed_by_supervisord(place):
    """The command is there, but its interpreter is not."""
    bad = "#!/no/such/interpreter\n"
    error = place.apply(two_programs(place, two=bad), status=1).error()
    assert "program two" in error, error
    assert not place.daemon_pid()
    assert os.listdir(place.programs) == []


def test_a_misspelt_daemon_is_refused_even_while_supervisord_is_up(place):
    place.apply(two_programs(place))
    for more in "", "directories = ( { path = \"%s/d\"; } );" % place.dir:
        text = two_programs(place).replace(
            'daemon = [ "supervisord"', 'daemon = [ "/usr/bin/supervisrd"')
        error = place.apply(text + more, status=1).error()
        assert "supervisor: daemon: there is no program " \
            "/usr/bin/supervisrd" in error, error
    assert set(place.states().values()) == {"RUNNING"}


COMPLAINS = """#!/bin/sh
echo "%s cannot start" >&2
exit 3
"""


def test_what_was_written_before_is_not_said_of_a_new_program(place):
    """Neither under the supervisord that ran the one before, nor under one
    that is started for it."""
    logs = f"stderr_logfile = {place.dir}/%(program_name)s.err\n"

    def profile(one):
        return f"""
packages = ( {place.package("one", {"bin/run": one})} );
files = ( {place.main_conf()},
          {place.program("one", f"{place.programs}/one/bin/run "
                                f"{place.dir}/one.log", more=logs)} );
{place.supervisor_block("one")}"""

    place.apply(profile(SLEEPER.replace(
        "echo", 'echo "the old one cannot count" >&2\necho', 1)))
    err = place.dir / "one.err"
    assert "cannot count" in err.read_text()
    done = place.apply(profile(COMPLAINS % "the new one"), status=1)
    assert "it wrote: the new one cannot start" in done.error(), done.err
    assert "cannot count" not in done.err, done.err
    # One that is silent did not write what its predecessors did.
    done = place.apply(profile("#!/bin/sh\nexit 4\n"), status=1)
    assert "it wrote nothing to its log" in done.error(), done.err
    place.rpc().shutdown()
    while place.daemon_pid():
        time.sleep(0.05)
    done = place.apply(profile(COMPLAINS % "a third"), status=1)
    assert "it wrote: a third cannot start" in done.error(), done.err
    assert "cannot count" not in done.err and "new one" not in done.err


def test_programs_of_a_supervisor_that_the_profile_no_longer_has(place):
    profile = two_programs(place)
    place.apply(profile)
    pids = place.pids()
    done = place.apply(profile.partition("supervisor = {")[0])
    for name in ("one", "two"):
        assert f"the file of program {name}, " in done.err, done.err
    assert place.pids() == pids
