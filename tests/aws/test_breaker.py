# SPDX-License-Identifier: Apache-2.0
"""A profile that fails everywhere stops the loop of launch and terminate."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from cloudformation import Ec2
from core import Cloud
from metadata import Metadata
from s3 import S3

FITOUT = os.environ.get("FITOUT", str(
    pathlib.Path(__file__).resolve().parents[2] / "build/static/fitout"))


ID = "i-0123456789abcdef0"


class Fleet:
    """Instances with a state of their own, of one profile."""

    def __init__(self, directory):
        self.directory = directory
        self.cloud = Cloud(S3(), Ec2())
        self.metadata = Metadata(instance_id=ID).serve()
        self.bucket = self.cloud.s3.make("fleet")
        self.key = self.cloud.new_key()
        self.breaker = 'at = "s3://fleet/breaker"; failures = 3;'
        self.config = directory / "fitout.ini"
        self.config.write_text("")
        self.fixed = directory / "fixed"
        self.n = 0

    def release(self, version, check="exit 0"):
        path = self.directory / "releases" / version / "web.cfg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"""fitout = 1;
name = "web";
files = ( {{ content = "{version}"; to = "${{host}}/file"; }} );
checks = ( {{ run = [ "/bin/sh", "-c", "{check}" ]; timeout = 1; }} );
signal = {{ breaker = {{ {self.breaker} }}; console = "never"; }};
""")
        return path

    def launch(self, profile, host=None, *words):
        if host is None:
            self.n += 1
            host = self.directory / ("host-%d" % self.n)
        process = subprocess.Popen(
            [FITOUT, "--json", "--config", self.config, "--state",
             host / "state", "--set", f"host={host}", "apply", *words,
             profile],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"],
                 "HOME": "/nonexistent", **self.metadata.environment(),
                 **self.cloud.environment(self.key)})
        process.host = host
        return process

    def boot(self, profile, host=None, *words):
        return self.end(self.launch(profile, host, *words))

    def end(self, process):
        process.out, process.err = process.communicate(timeout=100)
        file = process.host / "file"
        process.serves = file.read_text() if file.exists() else None
        process.result = json.loads(process.out) if process.out else {}
        process.events = [json.loads(line)["event"] for line in
                          process.err.splitlines() if line.startswith("{")]
        return process

    def together(self, profile, n):
        return [self.end(process) for process in
                [self.launch(profile) for _ in range(n)]]

    def record(self):
        return json.loads(self.bucket.get("breaker/web.json"))

    def failures(self, profile):
        return next((len(row["failures"]) for row in
                     self.record()["profiles"]
                     if row["sha256"] == digest(profile)), 0)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.cloud.close()
    fleet.metadata.close()


def broken_after(fleet, n=3):
    """A good profile, and one that has failed N times."""
    good, bad = fleet.release("1"), fleet.release("2", "exit 1")
    assert fleet.boot(good).returncode == 0
    for _ in range(n):
        assert fleet.boot(bad).returncode == 1
    return good, bad


def test_twenty_instances_of_a_broken_profile(fleet):
    """Four at a time, as a group replaces them."""
    good, bad = fleet.release("1"), fleet.release("2", "exit 1")
    assert fleet.boot(good).returncode == 0
    assert fleet.record()["good"]["sha256"] == digest(good)
    kept = "breaker/web/%s/web.cfg" % digest(good)
    assert fleet.bucket.get(kept) == good.read_bytes()
    runs = [run for _ in range(5) for run in fleet.together(bad, 4)]
    failed = [run for run in runs if run.returncode]
    # Who began before the third had failed fails; nobody after that.
    assert 3 <= len(failed) <= 6
    assert all(run.returncode == 1 and run.serves is None for run in failed)
    assert all(run.returncode == 0 for run in runs[8:])
    assert fleet.failures(bad) == len(failed)
    for run in runs:
        if run.returncode == 0:
            assert run.serves == "1"
            assert "OPEN: profile %.12s" % digest(bad) in \
                run.result["breaker"]
            assert "breaker.open" in run.events
    report = json.loads((runs[-1].host / "state/report.json").read_text())
    assert report["breaker"] == runs[-1].result["breaker"]
    assert report["profile_sha256"] == digest(good)
    assert fleet.record()["good"]["sha256"] == digest(good)
    assert fleet.cloud.ec2.tags[ID]["fitout:breaker"] == \
        runs[-1].result["breaker"]
    # Another release is another profile.
    assert fleet.boot(fleet.release("3")).serves == "3"


def test_failures_that_come_at_once_are_all_counted(fleet):
    fleet.breaker = 'at = "s3://fleet/breaker/"; failures = 50;'
    bad = fleet.release("2", "exit 1")
    fleet.cloud.fail("s3", "PutObject", times=3, status=412,
                     code="PreconditionFailed")
    fleet.cloud.fail("s3", "PutObject", times=2, status=409,
                     code="ConditionalRequestConflict")
    runs = fleet.together(bad, 8)
    assert [run.returncode for run in runs] == [1] * 8
    assert fleet.failures(bad) == 8
    puts = fleet.cloud.calls("s3", "PutObject")
    assert len(puts) >= 13
    # None without a condition.
    assert all(put.header("If-Match") or put.header("If-None-Match")
               for put in puts)


def test_after_the_window_one_instance_tries(fleet):
    fleet.breaker += ' window = "4s";'
    good, bad = fleet.release("1"), fleet.release(
        "2", "test -e %s" % fleet.fixed)
    assert fleet.boot(good).returncode == 0
    fleet.together(bad, 3)
    assert fleet.boot(bad).serves == "1"
    time.sleep(4.1)
    runs = fleet.together(bad, 3)           # one tries, and fails
    assert sorted(run.serves or "" for run in runs) == ["", "1", "1"]
    assert [run.events.count("breaker.trial") for run in runs].count(1) == 1
    assert fleet.boot(bad).serves == "1"
    time.sleep(4.1)
    fleet.fixed.touch()
    trial = fleet.boot(bad)
    assert trial.serves == "2" and "TRIAL" in trial.result["breaker"]
    assert fleet.record()["profiles"] == []
    assert fleet.record()["good"]["sha256"] == digest(bad)
    assert fleet.boot(bad).serves == "2"


def test_a_record_that_cannot_be_had(fleet):
    """The profile is gone on with, and it is said."""
    fleet.bucket.readers = fleet.bucket.writers = {"other"}
    run = fleet.boot(fleet.release("1"))
    assert run.returncode == 0 and run.serves == "1"
    assert "breaker.unreachable" in run.events
    assert "NOT KNOWN" in run.result["breaker"]
    assert "not counted" in run.result["breaker"]


def test_a_record_that_is_none_is_left_alone(fleet):
    fleet.bucket.put("breaker/web.json", b"<html>")
    assert fleet.boot(fleet.release("1")).serves == "1"
    assert fleet.boot(fleet.release("2", "exit 1")).returncode == 1
    assert fleet.bucket.get("breaker/web.json") == b"<html>"


def test_a_text_that_is_not_what_worked_is_not_applied(fleet):
    good, bad = broken_after(fleet)
    fleet.bucket.put("breaker/web/%s/web.cfg" % digest(good),
                     good.read_bytes().replace(b'"1"', b'"evil"'))
    run = fleet.boot(bad)
    assert run.returncode == 1 and run.serves is None
    assert "breaker.nothing" in run.events
    assert "not what was promised" in run.err


def test_a_host_falls_back_to_its_own_generation(fleet):
    good, bad = broken_after(fleet)
    del fleet.bucket.objects["breaker/web/%s/web.cfg" % digest(good)]
    host = fleet.directory / "host-1"
    run = fleet.boot(bad, host)
    assert run.returncode == 0 and run.serves == "1"
    assert "breaker.open" in run.events


def test_a_host_that_runs_it_does_not_ask(fleet):
    good = fleet.release("1")
    host = fleet.directory / "host-1"
    assert fleet.boot(good, host).returncode == 0
    calls = len(fleet.cloud.calls())
    assert fleet.boot(good, host).returncode == 0
    assert len(fleet.cloud.calls()) == calls


@pytest.mark.skipif(not shutil.which("minisign"), reason="no minisign")
def test_the_profile_that_works_must_be_signed_too(fleet):
    def sign(path):
        subprocess.run(["minisign", "-S", "-s", fleet.directory / "key",
                        "-m", path], check=True, capture_output=True)
    subprocess.run(["minisign", "-G", "-W", "-p", fleet.directory / "pub",
                    "-s", fleet.directory / "key"], check=True,
                   capture_output=True)
    words = ("--public-key", fleet.directory / "pub")
    good, bad = fleet.release("1"), fleet.release("2", "exit 1")
    sign(good)
    sign(bad)
    assert fleet.boot(good, None, *words).returncode == 0
    for _ in range(3):
        assert fleet.boot(bad, None, *words).returncode == 1
    run = fleet.boot(bad, None, *words)
    assert run.returncode == 0 and run.serves == "1", run.err
    signature = "breaker/web/%s/web.cfg.minisig" % digest(good)
    assert fleet.bucket.get(signature) == \
        (good.parent / "web.cfg.minisig").read_bytes()
    # Without its signature it is nobody's.
    del fleet.bucket.objects[signature]
    run = fleet.boot(bad, None, *words)
    assert run.returncode == 1 and "breaker.nothing" in run.events
