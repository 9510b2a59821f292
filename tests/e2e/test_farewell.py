# SPDX-License-Identifier: Apache-2.0
"""Supervisor's programs, or the agent, taken out of the profile whole: they
are stopped as one more removal, and run again where the run fails."""
import pytest

from artifacts import archive
from scene import APP, PROFILE, RUNNING, Watched

pytestmark = pytest.mark.host

CONF = "/srv/supervisor/conf.d/app.conf"
FILE = f'  {{ from = "app:etc/app.conf"; to = "{CONF}"; }},\n'
CHECK = 'checks = ( { run = [ "false" ]; timeout = 1; } );\n'
COMMAND = 'commands = ( { name = "no"; run = [ "false" ]; ' \
    'unless = [ "false" ]; } );\n'


@pytest.fixture
def applied(scene):
    # Of somebody else: no run of ours has to do with it.
    scene.host.disk.write("/srv/supervisor/conf.d/other.conf",
                          "[program:other]\ncommand=sleep 1000\n")
    scene.change("agent", "stop =", f'status = [ "test", "-e", "{RUNNING}" ];'
                 "\n  stop =")
    done = scene.apply()
    assert done.status == 0, done.err
    assert states(scene) == {"app": "RUNNING", "other": "RUNNING"}
    return scene


def states(scene):
    said = scene.host.run(
        "supervisorctl", "-c", "/srv/supervisor/supervisord.conf", "status",
        check=False).out
    return {words[0]: words[1] for words in
            map(str.split, said.splitlines())}


def plan(scene):
    scene.write()
    return scene.fitout("plan", "--exit-code", PROFILE)


def starts(scene):
    return scene.host.read("/srv/agent/started").count("\n")


def test_programs_without_their_supervisor(applied):
    block = applied.blocks.pop("supervisor")
    applied.change("files", FILE, "")
    # Shown, and nothing done.
    shown = plan(applied)
    assert shown.status == 10
    assert ("remove  supervisor  (the profile no longer names it)\n"
            f"    stop app: {CONF} goes\n") in shown.out
    assert f"remove  file {CONF}" in shown.out
    assert states(applied)["app"] == "RUNNING"
    # A run that fails brings it back.
    good, applied.blocks["checks"] = applied.blocks["checks"], CHECK
    done = applied.apply()
    assert done.status == 1 and "as it was before" in done.err, done.err
    assert states(applied) == {"app": "RUNNING", "other": "RUNNING"}
    assert applied.host.exists(CONF)
    # One that does not: stopped, and unknown to supervisord.
    applied.blocks["checks"] = good
    done = applied.apply()
    assert done.status == 0, done.err
    assert states(applied) == {"other": "RUNNING"}
    assert not applied.host.exists(CONF)
    assert applied.processes().count("sleep 1000") == 1     # the other
    again = plan(applied)
    assert (again.status, again.out) == (0, "nothing to do\n"), again.out
    # And back by a rollback.
    done = applied.fitout("rollback")
    assert done.status == 0, done.err
    assert states(applied) == {"app": "RUNNING", "other": "RUNNING"}
    applied.blocks["supervisor"] = block


SLOW = """[program:app]
command=sh -c 'trap "" TERM; while :; do sleep 1; done'
startsecs=1
stopwaitsecs=20
"""


def test_a_run_that_is_killed_meanwhile_is_done_again(scene):
    """The record of what had to go is the last generation's, not that of the
    run that was cut short."""
    scene.serve("app.tar.gz", archive(APP | {"app/etc/app.conf": SLOW}))
    scene.packages()
    done = scene.apply()
    assert done.status == 0, done.err
    del scene.blocks["supervisor"]
    scene.change("files", FILE, "")
    run = Watched(scene)
    scene.host.wait_for("the program is being stopped", lambda: states(
        scene).get("app") == "STOPPING")
    run.signal("KILL")
    run.end()
    done = scene.apply()
    assert done.status == 0, done.err
    assert states(scene) == {}
    assert not scene.host.exists(CONF)
    again = plan(scene)
    assert (again.status, again.out) == (0, "nothing to do\n"), again.out


def test_a_program_whose_file_stays_goes_on(applied):
    del applied.blocks["supervisor"]
    done = applied.apply()
    assert done.status == 0, done.err
    assert f"the file of program app, {CONF}, stays" in done.err
    assert states(applied) == {"app": "RUNNING", "other": "RUNNING"}
    again = applied.apply()
    assert "nothing to do" in again.out and "stays" not in again.err


def test_an_agent_that_is_taken_out_is_stopped(applied):
    del applied.blocks["agent"]
    shown = plan(applied)
    assert shown.status == 10
    assert "remove  agent  (the profile no longer names it" in shown.out
    assert "starts agent" not in shown.out, shown.out
    assert applied.host.exists(RUNNING) and starts(applied) == 1
    applied.blocks["fails"] = COMMAND
    done = applied.apply()
    assert done.status == 1, done.err
    assert applied.host.exists(RUNNING) and starts(applied) == 2
    del applied.blocks["fails"]
    done = applied.apply()
    assert done.status == 0, done.err
    assert "agent runs" not in done.out
    assert not applied.host.exists(RUNNING) and starts(applied) == 2
    assert states(applied)["app"] == "RUNNING"
    again = plan(applied)
    assert (again.status, again.out) == (0, "nothing to do\n"), again.out


def test_the_configuration_of_supervisor_goes_as_well(scene):
    config = scene.host.read("/srv/supervisor/supervisord.conf")
    files = scene.blocks["files"]
    scene.blocks["files"] = """files = (
  { content = "%s"; to = "/srv/sv/supervisord.conf"; },
  { from = "app:etc/app.conf"; to = "/srv/sv/conf.d/app.conf"; } );
""" % config.replace("\n", "\\n")
    block = scene.blocks["supervisor"].replace(
        "/srv/supervisor/supervisord.conf", "/srv/sv/supervisord.conf")
    scene.blocks["supervisor"] = block
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.processes().count("sleep 1000") == 1
    del scene.blocks["supervisor"]
    scene.blocks["files"] = files.replace(FILE, "")
    good, scene.blocks["checks"] = scene.blocks["checks"], CHECK
    done = scene.apply()
    assert done.status == 1 and "as it was before" in done.err, done.err
    assert scene.processes().count("sleep 1000") == 1
    scene.blocks["checks"] = good
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.processes().count("sleep 1000") == 0
    assert not scene.host.exists("/srv/sv/supervisord.conf")
