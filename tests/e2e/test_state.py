# SPDX-License-Identifier: Apache-2.0
"""The state directory: what it says of runs that were cut short; that a
damaged one, or a newer fitout's, is refused with a message and nothing
touched; how many generations there are, and what is kept of them."""
import json
import os
import shutil
import subprocess
import time

import pytest

import schema
import snapshot
from place import Place, packages

pytestmark = pytest.mark.host


@pytest.fixture
def place(tmp_path, fitout):
    return Place(tmp_path, fitout)


def text_file(place, name, text):
    return '{ to = "%s/host/%s"; content = "%s"; mode = "0644"; }' % (
        place.path, name, text)


def files(place, text, n=3):
    return "files = ( %s );" % ", ".join(
        text_file(place, "file%d" % i, "%s %d" % (text, i))
        for i in range(n))


def status(place, *words):
    done = place.run("--json", "status", *words)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    schema.validate(value, "status")
    return value


def cut_short(place, *blocks):
    """A run with these blocks, killed where it waits: a command or check
    that says so by a file."""
    hold, waits = place.path / "hold", place.path / "waits"
    hold.touch()
    waits.unlink(missing_ok=True)
    profile = place.write(*blocks)
    run = subprocess.Popen(
        [place.binary, "--state", str(place.path / "state"), "apply",
         str(profile)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    try:
        end = time.monotonic() + 60
        while not waits.exists():
            assert run.poll() is None, run.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        run.kill()
        run.wait()
        hold.unlink()


def waiting(place):
    return '[ "/bin/sh", "-c", "touch %s/waits; while [ -e %s/hold ]; do ' \
        'sleep 0.1; done; exit 1" ]' % (place.path, place.path)


def in_command(place):
    return 'commands = ( { name = "wait"; creates = "%s/host/done"; ' \
        'run = %s; } );' % (place.path, waiting(place))


def in_check(place):
    return "checks = ( { run = %s; } );" % waiting(place)


# ---- what the last recovery found and did ----

def test_no_run_was_found_cut_short(place):
    place.apply(files(place, "one"))
    assert "last_recovery" not in status(place)
    assert "recovery    none: no run was found cut short" in \
        place.run("status").stdout


def test_status_says_that_steps_were_taken_back(place):
    place.apply(files(place, "one"))
    cut_short(place, files(place, "two"), in_command(place))
    assert status(place)["unfinished"]
    assert "unfinished  a run was cut short" in place.run("status").stdout
    place.apply(files(place, "one"))
    found = status(place)
    assert not found["unfinished"]
    assert found["last_recovery"]["outcome"] == "undone"
    assert found["last_recovery"]["steps"] == 3
    assert "generation" not in found["last_recovery"]
    assert ": took back 3 steps of a run that was cut short" in \
        place.run("status").stdout
    # It stays to be read, also after runs that found nothing.
    place.apply(files(place, "three"))
    assert status(place)["last_recovery"] == found["last_recovery"]


def test_status_says_which_generation_was_finished(place):
    place.apply(files(place, "one"))
    cut_short(place, files(place, "two"), in_check(place))
    place.apply(files(place, "two"))
    found = status(place)
    assert found["generation"] == 2
    assert found["last_recovery"]["outcome"] == "resumed"
    assert found["last_recovery"]["generation"] == 2
    assert ": finished generation 2, whose files" in \
        place.run("status").stdout
    report = json.loads(place.run("--json", "report").stdout)
    schema.validate(report, "report")
    assert [row["detail"] for row in report["timeline"]
            if row["event"] == "recover"] == [
                found["last_recovery"]["message"]]


def test_status_says_what_could_not_be_undone(place):
    place.apply(files(place, "one"))
    # Its files are where they were when it is to be undone: not any more.
    result = place.apply(
        files(place, "two"),
        'commands = ( { name = "c"; creates = "%s/never"; run = [ "/bin/sh", '
        '"-c", "cd %s/host && rm -rf .fitout-* && exit 1" ]; } );' % (
            place.path, place.path), status=4)
    assert "COULD NOT BE UNDONE" in result.stderr
    found = status(place)
    assert found["last_run"]["outcome"] == "failed and could not be undone"
    assert "file2 could not be put back" in found["last_run"]["undo_error"]
    text = place.run("status").stdout
    assert "could not be undone: " + found["last_run"]["undo_error"] in text
    assert "a person must look" in text
    again = place.apply(files(place, "one"), status=4)
    assert "could not be put back" in again.stderr
    found = status(place)
    assert found["last_recovery"]["outcome"] == "failed"
    assert "could not be put back" in found["last_recovery"]["message"]
    assert found["unfinished"]


# ---- damaged, or a newer fitout's ----

VERSIONS = [
    ("journal", b"FITOUTJ1", b"FITOUTJ2"),
    ("generations/current", b"fitout-current 1", b"fitout-current 2"),
    ("generations/2/manifest", b"fitout-generation 1",
     b"fitout-generation 2"),
    ("unfinished", b"fitout-unfinished 1", b"fitout-unfinished 2"),
]


class State:
    """A state directory with two generations and a run that was cut short,
    to be spoilt and put right again."""

    def __init__(self, place):
        self.place = place
        self.path = place.path / "state"
        self.good = place.path / "good"
        place.apply(files(place, "zero"))
        place.apply(files(place, "one"))
        cut_short(place, files(place, "two", n=20), in_check(place))
        self.keep()

    def keep(self):
        shutil.rmtree(self.good, ignore_errors=True)
        shutil.copytree(self.path, self.good)
        self.host = snapshot.take(self.place.path / "host")

    def spoil(self, name, data):
        shutil.rmtree(self.path)
        shutil.copytree(self.good, self.path)
        (self.path / name).write_bytes(data)

    def read(self, name):
        return (self.good / name).read_bytes()

    def refused(self, words, *how):
        """1, and nothing touched; returns what was said."""
        profile = self.place.write(files(self.place, "three"))
        before = snapshot.take(self.path)
        done = self.place.run(*(how or ("apply", str(profile))))
        said = f"{words} {how}: {done.returncode}\n{done.stderr}"
        assert done.returncode == 1, said
        for word in words:
            assert word in done.stderr, said
        assert snapshot.diff(
            self.host, snapshot.take(self.place.path / "host")) == [], said
        changed = [line for line in snapshot.diff(
            before, snapshot.take(self.path)) if "lock" not in line]
        assert changed == [], said
        return done.stderr


@pytest.fixture
def spoilt(place):
    return State(place)


@pytest.mark.parametrize("name, old, new", VERSIONS,
                         ids=[name for name, _, _ in VERSIONS])
def test_what_a_newer_fitout_wrote_is_refused(spoilt, name, old, new):
    data = spoilt.read(name)
    assert data.count(old) == 1
    spoilt.spoil(name, data.replace(old, new))
    spoilt.refused([name, "use the fitout that wrote it"])


@pytest.mark.parametrize("name", [name for name, _, _ in VERSIONS])
def test_a_flipped_byte_is_refused(spoilt, name):
    data = spoilt.read(name)
    end = len(data)
    if name == "journal":
        # Its last record may be torn: that is what a crash leaves.
        end = spoilt.read(name).rindex(b"generation 3") - 12
    step = max(1, end // 60)
    for at in range(0, end, step):
        bad = bytearray(data)
        bad[at] ^= 1 << at % 8
        spoilt.spoil(name, bytes(bad))
        spoilt.refused([name])


@pytest.mark.parametrize("name", [name for name, _, _ in VERSIONS])
def test_an_empty_file_and_a_short_one_are_refused(spoilt, name):
    for n in (0, 5) if name == "journal" else (0, 5, -1, -30):
        spoilt.spoil(name, spoilt.read(name)[:n])
        spoilt.refused([name])


def test_what_only_looks_refuses_it_too(spoilt):
    spoilt.spoil("generations/current", b"1\n")
    profile = str(spoilt.place.write(files(spoilt.place, "three")))
    for how in (("status",), ("plan", profile), ("rollback",)):
        said = spoilt.refused(["generations/current is damaged"], *how)
        assert "the generations beside it: 1, 2" in said
        assert "move " in said


def test_a_damaged_record_to_go_back_to_is_refused(spoilt):
    # Whole again first: a rollback would recover.
    spoilt.spoil("lock", b"")
    spoilt.place.apply(files(spoilt.place, "two", n=20))
    spoilt.keep()
    for name, at in (("profile.cfg", 20), ("settings.json", 0),
                     ("manifest", 40)):
        bad = bytearray(spoilt.read(f"generations/2/{name}"))
        bad[at] ^= 4
        spoilt.spoil(f"generations/2/{name}", bytes(bad))
        spoilt.refused([f"generations/2/{name}", "damaged"], "rollback",
                       "--to", "2")


@pytest.mark.parametrize("bad, word", [
    (b"{ \"fitout_report\": 3 }", "has format 3, this fitout reads 1 to 2"),
    (b"{ \"fitout_report\": 1, ", "is damaged"), (b"", "is damaged"),
    (b"\xff\xfe\0", "is damaged")])
def test_a_report_that_cannot_be_read(place, bad, word):
    place.apply(files(place, "one"))
    (place.path / "state/report.json").write_bytes(bad)
    done = place.run("report")
    assert done.returncode == 1
    assert "report.json " + word in done.stderr
    assert "report.json " + word in status(place)["last_run_error"]
    done = place.run("status")
    assert "last run    unknown: " in done.stdout
    assert "report.json " + word in done.stdout
    # Nothing is decided by it; the next run writes it anew.
    place.apply(files(place, "two"))
    assert status(place)["last_run"]["outcome"] == "done"


@pytest.mark.parametrize("bad, word", [
    (b"{ \"fitout_recovery\": 2 }", "has format 2, this fitout reads 1"),
    (b"{", "recovery.json")])
def test_a_note_of_a_recovery_that_cannot_be_read(place, bad, word):
    place.apply(files(place, "one"))
    (place.path / "state/recovery.json").write_bytes(bad)
    assert word in status(place)["last_recovery_error"]
    assert "recovery    unknown: " in place.run("status").stdout
    assert "nothing to do" in place.apply(files(place, "one")).stdout


# ---- generations ----

def close_gate(place):
    os.unlink(place.path / "state/ready")


def test_opening_the_gate_again_adds_no_generation(place):
    for text in ("one", "two"):
        place.apply(packages(place.package("a", "p", {"f": text})))
    last = packages(place.package("a", "p", {"f": "two"}))
    record = place.read("state/generations/2/manifest")
    for _ in range(4):
        close_gate(place)
        assert "generation 2" in place.apply(last).stdout
    assert status(place)["generation"] == 2
    assert place.read("state/generations/2/manifest") == record
    # What a rollback needs is still there.
    done = place.run("rollback")
    assert done.returncode == 0, done.stderr
    assert place.read("p/f") == "one"


def test_a_profile_that_says_something_else_adds_one(place):
    place.apply(files(place, "one"))
    close_gate(place)
    place.apply(files(place, "one"), 'checks = ( { run = [ "true" ]; } );')
    assert status(place)["generation"] == 2
    close_gate(place)
    place.apply(files(place, "one"), 'checks = ( { run = [ "true" ]; } );',
                "keep_generations = 7;")
    assert status(place)["generation"] == 3
    assert "keep_generations = 7" in \
        place.read("state/generations/3/profile.cfg")


def test_trees_of_a_package_long_dropped_go(place):
    both = [place.package("a", "p", {"f": "1"}),
            place.package("b", "far/q", {"g": "1"})]
    one = "keep_generations = 1;"
    place.apply(packages(*both), one)
    place.apply(packages(both[0]), one)
    kept = place.path / "far/.fitout-old"
    assert (kept / "q-1/g").read_text() == "1"
    for text in "23":
        assert kept.exists() or text == "3"
        place.apply(packages(place.package("a", "p", {"f": text})), one)
    assert not kept.exists()
    assert sorted(p.name for p in (place.path / ".fitout-old").iterdir()) \
        == ["p-3"]
    assert sorted(p.name for p in (place.path / "state/generations").iterdir()
                  if p.name.isdigit()) == ["3", "4"]


def test_going_back_to_what_is_not_kept_lists_what_is(place):
    for text in "1234":
        place.apply(packages(place.package("a", "p", {"f": text})))
    done = place.run("rollback", "--to", "1")
    assert done.returncode == 2, done.stderr
    assert "--to 1: that generation is not kept; kept are 2, 3, 4, and 4 is " \
        "the current one" in done.stderr
    assert place.read("p/f") == "4"
