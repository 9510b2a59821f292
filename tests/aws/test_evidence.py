# SPDX-License-Identifier: Apache-2.0
"""A run that fails leaves evidence, before the instance is given up."""
import json
import socket
import time

import pytest

from s3 import S3
from world import ID, World, messages

SECRET = "hunter2-not-for-the-bucket"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, S3())
    world.cloud.s3.make("logs")
    world.signal["autoscaling"] = ""
    world.scaling.group("web").hook("bootstrap", timeout=30)
    world.launch()
    world.check = "echo no page >&2; echo DB_PASSWORD=%s >&2; exit 1" % SECRET
    yield world
    world.close()


def evidence(world, to):
    """The profile's key is a text, not a group."""
    profile = world.profile

    def made():
        path = profile()
        path.write_text(path.read_text().replace(
            'console = "never";', 'evidence = "%s"; console = "never";' % to))
        return path
    world.profile = made


def objects(world):
    return {key: versions[-1].data for key, versions in
            world.cloud.s3.buckets["logs"].objects.items()}


def test_evidence_comes_before_the_verdict(world):
    evidence(world, "s3://logs/web")
    run = world.run()
    assert run.returncode == 1
    assert world.scaling.results() == ["ABANDON"]
    found = objects(world)
    place, = {key.rpartition("/")[0] for key in found}
    report = world.report()
    assert place.startswith("web/%s/2" % ID)
    assert place.endswith("Z-" + report["run"])
    kept = json.loads(found[place + "/report.json"])
    assert kept["run"] == report["run"]
    assert kept["outcome"] == "failed"
    assert "no page" in kept["error"]["message"]
    assert "no page" in found[place + "/outputs.txt"].decode()
    # Nothing that looks like a secret is in any of it.
    assert not [key for key, data in found.items() if SECRET.encode() in data]
    assert b"DB_PASSWORD=***" in found[place + "/outputs.txt"]
    # In that order: all that is put, then the verdict.
    order = [call.operation for call in world.cloud.calls()
             if call.operation in ("PutObject", "CompleteLifecycleAction")]
    assert order == ["PutObject"] * len(found) + ["CompleteLifecycleAction"]
    assert report["evidence"] == "s3://logs/%s/ (%d files)" % (place,
                                                               len(found))
    assert report["evidence_failed"] is False
    assert json.loads(run.out)["evidence"] == report["evidence"]
    assert messages(run, "evidence.kept") == [report["evidence"]]


def test_a_good_run_leaves_none(world):
    evidence(world, "s3://logs/web/")
    world.check = "exit 0"
    assert world.run().returncode == 0
    assert objects(world) == {}
    assert "evidence" not in world.report()


def test_a_run_that_cannot_begin_leaves_evidence(world):
    evidence(world, "s3://logs/web/")
    world.state.mkdir(mode=0o700)
    (world.state / "journal").write_text("rubbish")
    (world.state / "report.json").write_text('{"run": "earlier"}')
    assert world.run().returncode not in (0, 2)
    assert world.scaling.results() == ["ABANDON"]
    (key, data), = [(key, data) for key, data in objects(world).items()
                    if key.endswith("report.json")]
    assert "could not begin" in json.loads(data)["outcome"]
    assert "journal" in json.loads(data)["error"]["message"]


def given_up(world, run, seconds, *words):
    """ABANDON came all the same, and in time; it is said why."""
    assert run.returncode == 1, run.err
    assert world.scaling.results() == ["ABANDON"]
    assert run.seconds < seconds
    report = world.report()
    assert report["evidence_failed"] is True
    assert report["evidence"].startswith("NOT KEPT at ")
    for word in words:
        assert word in report["evidence"], report["evidence"]
    assert messages(run, "evidence.failed") == [report["evidence"]]


def timed(world):
    begin = time.monotonic()
    run = world.run()
    run.seconds = time.monotonic() - begin
    return run


def test_denied(world):
    evidence(world, "s3://logs/web/")
    world.cloud.s3.buckets["logs"].writers = {"other"}
    given_up(world, timed(world), 6, "report.json", "s3://logs/web/")


def test_no_such_bucket(world):
    evidence(world, "s3://gone/web/")
    given_up(world, timed(world), 6, "NoSuchBucket")


def test_a_place_that_refuses_connections(world):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        evidence(world, "https://127.0.0.1:%d/web/" % sock.getsockname()[1])
        given_up(world, timed(world), 18, "127.0.0.1")


def test_a_place_that_never_answers(world):
    """It takes the connection and is silent: one file's time, not five's."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        evidence(world, "https://127.0.0.1:%d/web/" % sock.getsockname()[1])
        given_up(world, timed(world), 18, "report.json")
