# SPDX-License-Identifier: Apache-2.0
"""What status says of programs, services and the agent as they are now."""
import json

import pytest

import schema
from scene import RUNNING

pytestmark = pytest.mark.host

CTL = ("supervisorctl", "-c", "/srv/supervisor/supervisord.conf")
SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: thing
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
case $1 in
start) touch /run/thing ;;
stop) rm -f /run/thing ;;
status) test -e /run/thing ;;
restart) touch /run/thing ;;
esac
"""


def look(scene):
    done = scene.fitout("--json", "status")
    assert done.status == 0, done.err
    value = json.loads(done.out)
    schema.validate(value, "status")
    return {(row["name"], line["name"]): (line["state"], line["good"])
            for row in value["resources"] for line in row.get("present", ())}


def says(scene, *words):
    done = scene.fitout("status")
    assert done.status == 0, done.err
    for word in words:
        assert word in done.out, f"{word!r} is not in:\n{done.out}"


@pytest.fixture
def applied(scene):
    scene.change("agent", "stop =", f'status = [ "test", "-e", "{RUNNING}" ];'
                 "\n  stop =")
    done = scene.apply()
    assert done.status == 0, done.err
    return scene


def test_programs_and_the_agent(applied):
    assert look(applied) == {
        ("supervisor", "supervisord"): ("running", True),
        ("supervisor", "app"): ("RUNNING", True),
        ("agent", "agent"): ("running", True)}
    pid = applied.host.run(*CTL, "pid", "app").out.strip()
    says(applied, "supervisord", "running, /run/scene.sock", "RUNNING, pid "
         + pid, "gate        open: the agent may run")
    applied.host.run(*CTL, "stop", "app")
    applied.host.run("rm", RUNNING)
    now = look(applied)
    assert now["supervisor", "app"] == ("STOPPED", False)
    assert now["agent", "agent"] == ("stopped", False)
    says(applied, "! app ", "! agent ")
    applied.host.run(*CTL, "shutdown")
    applied.host.wait_for("the end of supervisord",
                          lambda: not applied.supervisord_is_up())
    now = look(applied)
    assert now["supervisor", "supervisord"] == ("down", False)
    assert ("supervisor", "app") not in now
    says(applied, "! supervisord ", "down, /run/scene.sock is not there")


def test_a_program_that_supervisord_does_not_know(applied):
    applied.host.run(*CTL, "stop", "app")
    applied.host.run(*CTL, "remove", "app")
    assert look(applied)["supervisor", "app"] == ("unknown", False)
    says(applied, "unknown, supervisord does not know it")


def test_a_program_that_failed(applied):
    applied.host.disk.write("/srv/app/bin/run", "#!/bin/sh\nexit 3\n", 0o755)
    applied.host.run(*CTL, "restart", "app", check=False)
    applied.host.wait_for("the end of the program", lambda: look(applied)[
        "supervisor", "app"] == ("FATAL", False), timeout=60)
    says(applied, "! app ", "FATAL, Exited too quickly")


def test_a_socket_where_nobody_answers(applied):
    applied.host.run(*CTL, "shutdown")
    applied.host.wait_for("the end of supervisord",
                          lambda: not applied.supervisord_is_up())
    applied.host.run("/usr/bin/python3", "-c", "import socket; "
                     "socket.socket(socket.AF_UNIX).bind('/run/scene.sock')")
    assert look(applied)["supervisor", "supervisord"] == ("down", False)


def test_an_agent_that_cannot_be_asked(scene):
    assert scene.apply().status == 0
    assert look(scene)["agent", "agent"] == ("unknown", True)
    says(scene, "unknown, the profile has no agent.status to ask")


def test_a_service(applied):
    applied.host.disk.write("/etc/init.d/thing", SCRIPT, 0o755)
    applied.add('services = ( { name = "thing"; } );')
    done = applied.apply()
    assert done.status == 0, done.err
    assert look(applied)["thing", "thing"] == ("running", True)
    says(applied, "running, started at boot")
    applied.host.run("rm", "/run/thing")
    assert look(applied)["thing", "thing"] == ("stopped", False)
    applied.host.run("rm", "/etc/init.d/thing")
    assert look(applied)["thing", "thing"] == ("not installed", False)
    says(applied, "! thing ")


def test_status_of_an_image_asks_nobody(applied):
    done = applied.fitout("--json", "--root", "/srv", "status")
    assert done.status == 0, done.err
    assert json.loads(done.out)["resources"] == []
