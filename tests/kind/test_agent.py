# SPDX-License-Identifier: Apache-2.0
"""An agent that is a command: when it is started, stopped, left alone."""
import hashlib
import io
import os
import re
import signal
import subprocess
import tarfile
import time

import pytest
from conftest import SLEEPER

# start, stop and status of a real process, with a log of what was asked.
AGENT = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
[ "$1" = status ] || echo "$1" >>asked
# A dead process that nobody has waited for is no running agent.
alive() {
	[ -e pid ] && case $(ps -o stat= -p "$(cat pid)") in
	"" | Z*) false ;;
	esac
}
case $1 in
start)
	[ ! -e start-hangs ] || sleep 3600
	[ ! -e start-fails ] || { echo "no key" >&2; exit 6; }
	sleep 3600 >/dev/null 2>&1 &
	echo $! >pid ;;
stop) [ ! -e stop-fails ] || exit 1
	alive && kill "$(cat pid)"; rm -f pid ;;
status) alive ;;
esac
"""


class Agent:
    def __init__(self, place):
        self.place = place
        self.dir = place.dir / "agent"
        self.dir.mkdir()
        self.program = self.dir / "agent"
        self.program.write_text(AGENT)
        self.program.chmod(0o755)

    def block(self, more="", words=("start", "stop", "status")):
        keys = " ".join(f'{w} = [ "{self.program}", "{w}" ];' for w in words)
        return f'agent = {{ kind = "command"; {keys} {more} }};\n'

    def profile(self, content="x", check="true", **how):
        return (f'files = ( {{ content = "{content}"; to = '
                f'"{self.place.dir}/file"; }} );\n'
                f'checks = ( {{ run = [ "{check}" ]; timeout = 1; }} );\n' +
                self.block(**how))

    def asked(self):
        path = self.dir / "asked"
        return path.read_text().split() if path.exists() else []

    def running(self):
        return subprocess.run([self.program, "status"]).returncode == 0

    def close(self):
        if self.running():
            os.kill(int((self.dir / "pid").read_text()), signal.SIGKILL)
            while self.running():
                time.sleep(0.02)


@pytest.fixture
def agent(place):
    made = Agent(place)
    yield made
    made.close()


def test_it_is_started_last_and_then_left_alone(agent, place):
    place.apply(agent.profile())
    assert agent.running() and agent.asked() == ["start"]
    assert "nothing to do" in place.apply(agent.profile()).out
    assert agent.asked() == ["start"]


def test_it_is_stopped_while_something_changes(agent, place):
    place.apply(agent.profile())
    text = agent.profile(content="y").replace(
        "checks = (", "commands = ( { name = \"look\"; run = [ \"sh\", "
        f"\"-c\", \"test ! -e {agent.dir}/pid && touch {place.dir}/quiet\" ];"
        f" creates = \"{place.dir}/quiet\"; }} );\nchecks = (")
    place.apply(text)
    assert agent.running() and agent.asked() == ["start", "stop", "start"]


def test_it_is_started_again_when_it_has_ended(agent, place):
    place.apply(agent.profile())
    agent.close()
    done = place.apply(agent.profile())
    assert "not running" in done.err
    assert agent.running()


def test_it_is_not_started_when_a_check_fails(agent, place):
    place.apply(agent.profile(check="false"), status=1)
    assert "start" not in agent.asked() and not agent.running()


def test_a_failing_run_on_a_live_host_starts_it_again(agent, place):
    place.apply(agent.profile())
    place.apply(agent.profile(content="y", check="false"), status=1)
    assert agent.running()
    assert (place.dir / "file").read_text() == "x"


def test_a_start_that_fails_fails_the_run(agent, place):
    (agent.dir / "start-fails").touch()
    done = place.apply(agent.profile(), status=1)
    assert "exit status 6" in done.error() and "no key" in done.error()
    assert not (place.dir / "file").exists()


def test_a_start_that_does_not_return_is_ended_and_explained(agent, place):
    (agent.dir / "start-hangs").touch()
    error = place.apply(agent.profile(more="timeout = 1;"), status=1).error()
    assert "must return once the agent runs" in error, error
    assert not agent.running()


def test_an_agent_that_ends_right_after_its_start_fails_the_run(agent, place):
    agent.program.write_text(AGENT.replace("sleep 3600 >", "true >"))
    error = place.apply(agent.profile(more="timeout = 2;"), status=1).error()
    assert "agent.status" in error, error


def test_a_stop_that_fails_fails_the_run_before_anything_changes(
        agent, place):
    place.apply(agent.profile())
    (agent.dir / "stop-fails").touch()
    error = place.apply(agent.profile(content="y"), status=1).error()
    assert "stop the agent" in error, error
    assert agent.asked() == ["start", "stop"]
    assert agent.running() and (place.dir / "file").read_text() == "x"


def test_an_agent_that_runs_and_cannot_be_stopped(agent, place):
    place.apply(agent.profile(words=("start", "status")))
    error = place.apply(agent.profile("y", words=("start", "status")),
                        status=1).error()
    assert "add stop" in error, error


def test_its_package_is_installed_once(agent, place):
    package = place.package("agent-package", {
        "install": "#!/bin/sh\necho \"$1 $PWD\" >>/%s/installed\n" % place.dir})
    keys = package[package.index("url ="):package.index("into =")]
    more = f'package = {{ {keys} }}; install = [ "./install", "auto" ];'
    place.apply(agent.profile(more=more))
    (line,) = (place.dir / "installed").read_text().splitlines()
    word, where = line.split()
    assert word == "auto" and where.endswith("/tree") and "fitout" in where
    assert agent.running()
    assert "nothing to do" in place.apply(agent.profile(more=more)).out
    place.apply(agent.profile(content="y", more=more))
    assert len((place.dir / "installed").read_text().splitlines()) == 1
    assert not os.path.exists(where), "staging is gone"


def test_what_was_unpacked_for_it_is_looked_at(agent, place):
    path = place.dir / "agent.tar"
    with tarfile.open(path, "w") as tar:
        for name, target in (("agent/install", None), ("other", None),
                             ("agent/up", "../other")):
            info = tarfile.TarInfo(name)
            if target:
                info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info, None if target else io.BytesIO())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    error = place.apply(agent.profile(
        more=f'package = {{ url = "file://{path}"; sha256 = "{digest}"; '
             'root = "agent"; }; install = [ "./install" ];'),
        status=1).error()
    assert "the symbolic link up leads out of the package" in error, error


def test_an_installer_that_starts_it_fails_the_run(agent, place):
    more = f'install = [ "{agent.program}", "start" ];'
    error = place.apply(agent.profile(more=more), status=1).error()
    assert "in spite of the gate" in error, error
    assert not agent.running() and agent.asked() == ["start", "stop"]


def test_an_installer_that_fails(agent, place):
    more = 'install = [ "sh", "-c", "echo wrong machine; exit 9" ];'
    done = place.apply(agent.profile(more=more), status=1)
    assert "exit status 9" in done.error() and "wrong machine" in done.error()
    assert agent.asked() == []
    assert "left in place" in done.out + done.err


def test_an_undo_starts_it_as_it_was_started_before(agent, place):
    place.apply(agent.profile())
    text = agent.profile(content="y").replace('"start"', '"strat"')
    agent.program.write_text(AGENT.replace("start)", "strat) exit 7 ;;\nstart)"))
    done = place.apply(text, status=1)
    assert "exit status 7" in done.error()
    assert agent.running(), "by the words of the generation before"
    assert agent.asked() == ["start", "stop", "strat", "start"]
    assert "The agent runs on what was there before." in done.err
    assert (place.dir / "file").read_text() == "x"


def test_an_upgrade_stops_it_as_it_was_started(agent, place):
    """The new profile is about another agent: the old one must end first."""
    place.apply(agent.profile())
    other = place.dir / "other"
    other.mkdir()
    (other / "agent").write_text(AGENT)
    (other / "agent").chmod(0o755)
    text = agent.profile(content="y").replace(str(agent.program),
                                              f"{other}/agent")
    place.apply(text)
    try:
        assert not agent.running() and agent.asked() == ["start", "stop"]
        assert (other / "asked").read_text() == "start\n"
    finally:
        subprocess.run([other / "agent", "stop"])


def test_a_profile_may_mend_a_stop_that_does_not_work(agent, place):
    place.apply(agent.profile().replace('"stop"', '"stpo"'))
    agent.program.write_text(AGENT.replace("stop)", "stpo) exit 3 ;;\nstop)"))
    done = place.apply(agent.profile(content="y"))
    assert "exit status 3" in done.err, done.err
    assert agent.running() and agent.asked() == ["start", "stpo", "stop",
                                                 "start"]


def test_an_agent_that_cannot_be_started_again_is_all_that_is_missing(
        agent, place):
    place.apply(agent.profile())
    (agent.dir / "start-fails").touch()
    done = place.apply(agent.profile(content="y"), status=4)
    assert (place.dir / "file").read_text() == "x"
    assert "neither old nor new" not in done.err
    assert "BUT NOT THE AGENT" in done.err and "no key" in done.err
    assert "generation 1 again" in done.err, done.err
    assert not agent.running()
    (agent.dir / "start-fails").unlink()
    place.apply(agent.profile())
    assert agent.running(), "what the message says helps"


def test_one_that_did_not_run_is_not_said_to_run(agent, place):
    place.apply(agent.profile())
    agent.close()
    done = place.apply(agent.profile(content="y", check="false"), status=1)
    assert "runs on what was there" not in done.err
    assert "The agent did not run before, and was not started" in done.err
    assert not agent.running() and agent.asked().count("start") == 1


@pytest.mark.parametrize("word", ["start", "stop", "status"])
def test_a_program_that_exists_nowhere_is_refused_before_anything_changes(
        agent, place, word):
    place.apply(agent.profile())
    for content in "x", "y":     # nothing to do, and something
        text = agent.profile(content=content).replace(
            f'{word} = [ "{agent.program}"', f'{word} = [ "{agent.dir}/agnt"')
        error = place.apply(text, status=1).error()
        assert re.search(rf"profile.cfg:\d+: agent: {word}: there is no "
                         rf"program {agent.dir}/agnt", error), error
        assert place.run("plan", place.profile).status == 2
    assert agent.running() and agent.asked() == ["start"]


def test_a_program_that_a_package_brings_is_there(agent, place):
    """In a tree that comes, by a link in it, or through a link to it."""
    package = place.package("tree", {"bin/agent": AGENT})
    at = place.programs / "tree"
    tail = f'links = ( {{ path = "{place.dir}/to"; target = "{at}/bin"; }} );\n'
    for program in f"{at}/bin/agent", f"{place.dir}/to/agent":
        text = (f"packages = ( {package} );\n" + tail + agent.block()).replace(
            str(agent.program), program)
        place.apply(text)
        subprocess.run([program, "stop"], check=True)
        place.apply("")
    error = place.apply(text.replace("to/agent", "to/agnt"), status=1).error()
    assert "to/agnt" in error, error
    error = place.apply((f"packages = ( {package} );\n" +
                         agent.block()).replace(str(agent.program),
                                                f"{at}/bin/agnt"),
                        status=1).error()
    assert "there is no program" in error and "bin/agnt" in error, error
    assert not at.exists()


def test_supervisor_keeps_an_agent_that_the_gate_starts(place):
    """autostart = false, and no word of it in supervisor.programs."""
    log = place.dir / "agent.log"
    run = f"{place.programs}/agent/bin/run"
    ctl = ('"supervisorctl", "-s", '
           f'"unix://{place.socket}"')
    words = " ".join(f'{w} = [ {ctl}, "{w}", "deployer" ];'
                     for w in ("start", "stop", "status"))

    def profile(check="true", content="x"):
        return f"""
packages = ( {place.package("agent", {"bin/run": SLEEPER})},
             {place.package("one", {"bin/run": SLEEPER})} );
files = ( {place.main_conf()},
  {place.program("one", f"{place.programs}/one/bin/run {place.dir}/one.log")},
  {place.program("deployer", f"{run} {log}",
                 more="autostart = false")},
  {{ content = "{content}"; to = "{place.dir}/file"; }} );
{place.supervisor_block("one")}
checks = ( {{ run = [ "{check}" ]; timeout = 1; }} );
agent = {{ kind = "command"; {words} }};
"""
    place.apply(profile())
    assert place.states() == {"one": "RUNNING", "deployer": "RUNNING"}
    assert "nothing to do" in place.apply(profile()).out
    # It dies: supervisor brings it back, as is its work.
    first = place.pids()["deployer"]
    os.kill(first, signal.SIGKILL)
    wait(lambda: place.pids().get("deployer", 0) not in (0, first))
    # Down with supervisord, as at a boot: not up again before the checks.
    place.rpc().shutdown()
    wait(lambda: not place.daemon_pid())
    starts = len(log.read_text().splitlines())
    place.apply(profile("false", "y"), status=1)
    assert len(log.read_text().splitlines()) == starts
    place.apply(profile())
    assert place.states() == {"one": "RUNNING", "deployer": "RUNNING"}
    assert len(log.read_text().splitlines()) == starts + 1


def wait(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
