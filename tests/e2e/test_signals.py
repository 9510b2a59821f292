# SPDX-License-Identifier: Apache-2.0
"""A signal in the middle of each phase: exit status 1, the host as before,
nothing of the run goes on, the agent not started."""
import pytest

from artifacts import archive
from origin import Fault
from scene import APP, RUNNING, Watched

pytestmark = pytest.mark.host


def observe(scene):
    scene.add('commands = ( { name = "migrate"; run = [ "true" ]; '
              'unless = [ "sleep", "100" ]; } );')
    return [], lambda run: run.wait_for(
        "step.begin", resource="command migrate", message="observe")


def fetch(scene):
    scene.origin.faults["/app.tar.gz"] = Fault(silent=True)
    return [], lambda run: run.wait_for("fetch.start",
                                        resource="package tool")


def unpack(scene):
    """The first half has come and is unpacked."""
    data = archive({f"app/{n}": "x" * 300000 for n in range(30)}, "")
    scene.serve("app.tar.gz", data)
    scene.packages()
    scene.origin.faults["/app.tar.gz"] = Fault(stall=len(data) // 2)

    def wait(run):
        run.wait_for("fetch.start", resource="package app")
        scene.host.wait_for("half a tree", lambda: list(
            scene.host.disk.path("/srv").glob(".fitout-*/*/app/9")))
    return [], wait


def hold(scene):
    scene.change("agent", '"stop" ];', '"stop-slowly" ];\n'
                 '  status = [ "true" ];')
    return [], lambda run: run.wait_for("step.begin", resource="agent",
                                        message="hold")


def in_a_slow(scene, call, nth):
    """The nth such system call takes three seconds."""
    def wait(run):
        run.wait_for("run.begin")
        path = f"/proc/{run.pid()}/stat"
        scene.host.wait_for(call, lambda: " (fitout) t " in
                            scene.host.read(path))
    return ["strace", "--follow-forks", "--seccomp-bpf", "--quiet=all",
            "--output=/dev/null", f"--trace={call}",
            f"--inject={call}:delay_enter=3s:when={nth}"], wait


def sync(scene):
    return in_a_slow(scene, "syncfs", 1)


def commit(scene):
    """Something is in place, something is not."""
    return in_a_slow(scene, "renameat2", 5)


def command(scene):
    scene.add('commands = ( { name = "migrate"; run = [ "sh", "-c", '
              '"sleep 100 & touch /srv/app/migrating; sleep 101" ]; '
              'creates = "/srv/done"; } );')
    return [], lambda run: scene.host.wait_for(
        "the command", lambda: scene.host.disk.path(
            "/srv/app/migrating").exists())


def activate(scene):
    scene.serve("app.tar.gz", archive({
        **APP, "app/etc/app.conf":
            APP["app/etc/app.conf"].replace("startsecs=1", "startsecs=20")}))
    scene.packages()
    return [], lambda run: scene.host.wait_for(
        "supervisord", scene.supervisord_is_up)


def check(scene):
    scene.blocks["checks"] = 'checks = ( { tcp = "127.0.0.1:8099"; } );\n'
    return [], lambda run: run.wait_for("check.wait")


def agent_install(scene):
    scene.change("agent", "start =", 'install = [ "sleep", "100" ]; start =')
    return [], lambda run: run.wait_for("agent.install")


def agent_start(scene):
    """It has done something already when the signal comes."""
    scene.change("agent", '"start" ];', '"start-slowly" ];')
    return [], lambda run: scene.host.wait_for(
        "the start", lambda: scene.host.disk.path(
            RUNNING).exists())


PHASES = (observe, fetch, unpack, hold, sync, commit, command, activate,
          check, agent_install, agent_start)


@pytest.mark.parametrize("name", ["INT", "TERM"])
@pytest.mark.parametrize("phase", PHASES, ids=lambda of: of.__name__)
def test_signal_in(scene, phase, name):
    under, wait = phase(scene)

    def apply():
        run = Watched(scene, *under, **(
            {"ASAN_OPTIONS": "detect_leaks=0"} if under else {}))
        wait(run)
        run.signal(name)
        return run.end()

    scene.refused(1, f"interrupted by SIG{name}",
                  '"outcome":"failed"', apply=apply)
    assert not scene.host.disk.path(RUNNING).exists()

