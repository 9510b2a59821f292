# SPDX-License-Identifier: Apache-2.0
"""Two runs at once: one works, the other ends at once with status 3 and says
who holds the lock, and since when."""
import fcntl
import json
import os
import re
import subprocess
import time

import pytest

import snapshot
from place import Place

pytestmark = pytest.mark.host

WHO = r"another run holds the lock \(pid (\d+), fitout (\w+), since " \
    r"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)\); wait for it to end"


@pytest.fixture
def place(tmp_path, fitout):
    place = Place(tmp_path, fitout)
    for text in "12":
        place.apply(words(place, text))
    return place


def words(place, text):
    return 'files = ( { to = "%s/host"; content = "%s"; } );' % (
        place.path, text)


class Holder:
    """A run that waits in a command until it is let go."""

    def __init__(self, place, *under):
        self.place = place
        self.hold, waits = place.path / "hold", place.path / "waits"
        self.hold.touch()
        waits.unlink(missing_ok=True)
        profile = place.write(
            words(place, "3"), 'commands = ( { name = "wait"; creates = '
            '"%s/done"; run = [ "/bin/sh", "-c", "touch %s; while [ -e %s ]; '
            'do sleep 0.05; done; touch %s/done" ]; } );' % (
                place.path, waits, self.hold, place.path))
        self.process = subprocess.Popen(
            [*under, place.binary, "--state", str(place.path / "state"),
             "apply", str(profile)], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while not waits.exists():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.01)

    def end(self):
        self.hold.unlink()
        assert self.process.wait(60) == 0, self.process.stderr.read()


@pytest.mark.parametrize("command", ["apply", "rollback"])
def test_the_other_run_ends_at_once_and_says_who(place, command):
    holder = Holder(place)
    other = place.path / "other.cfg"
    other.write_text('fitout = 1;\nname = "web";\n' + words(place, "4"))
    other.chmod(0o644)
    before = snapshot.take(place.path)
    done = place.run(command, *([str(other)] if command == "apply" else []))
    assert done.returncode == 3, done.stderr
    found = re.search(WHO, done.stderr)
    assert found, done.stderr
    assert int(found.group(1)) == holder.process.pid
    assert found.group(2) == "apply"
    began = time.strptime(found.group(3), "%Y-%m-%dT%H:%M:%SZ")
    assert 0 <= time.mktime(time.gmtime()) - time.mktime(began) < 600
    assert "namespace" not in done.stderr
    assert snapshot.diff(before, snapshot.take(place.path)) == []
    # Whoever only looks need not wait, and is told.
    status = json.loads(place.run("--json", "status").stdout)
    assert status["at_work"].startswith(f"pid {holder.process.pid}, ")
    assert f"at work     pid {holder.process.pid}, fitout apply, since" in \
        place.run("status").stdout
    holder.end()
    assert place.read("host") == "3"
    assert "at_work" not in json.loads(place.run("--json", "status").stdout)


def test_a_holder_in_another_pid_namespace(place):
    if os.geteuid() != 0:
        pytest.skip("needs root for a pid namespace")
    holder = Holder(place, "unshare", "--pid", "--fork", "--mount-proc")
    done = place.run("rollback")
    assert done.returncode == 3, done.stderr
    found = re.search(r"\(pid (\d+), fitout apply, since 20[^,]+, in pid "
                      r"namespace (\d+)\)", done.stderr)
    assert found, done.stderr
    assert found.group(1) == "1"
    assert found.group(2) not in os.readlink("/proc/self/ns/pid")
    holder.end()


def test_a_holder_that_died_holds_nothing(place):
    holder = Holder(place)
    holder.process.kill()
    holder.process.wait()
    assert f"pid {holder.process.pid}, " in place.read("state/lock")
    done = place.run("rollback")
    assert done.returncode == 0, done.stderr
    assert place.read("host") == "1"
    holder.hold.unlink()


def test_who_has_not_written_yet_is_not_taken_for_the_last_one(place):
    """The file still tells of a run that is over."""
    assert "pid " in place.read("state/lock")
    with open(place.path / "state/lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place.run("rollback")
    assert done.returncode == 3
    assert "another run holds the lock (it has not said who it is)" in \
        done.stderr
    (place.path / "state/lock").write_bytes(b"\x1b[1m\xff" * 20)
    with open(place.path / "state/lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place.run("rollback")
    assert done.returncode == 3
    assert "\x1b" not in done.stderr
