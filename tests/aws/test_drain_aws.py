# SPDX-License-Identifier: Apache-2.0
"""fitout drain: the end of an instance, told in time."""
import os
import time

import pytest

from autoscaling import TERMINATING
from s3 import S3
from world import ID, World, messages, wait_for

WHEN = "2026-11-29T12:00:00Z"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, S3())
    world.cloud.s3.make("logs")
    world.stopped = tmp_path / "agent-stopped"
    world.stop = "date +%%s.%%N >%s" % world.stopped
    world.signal = {"autoscaling": "", "drain":
                    f'logs = [ "{tmp_path}/log/*.log" ]; '
                    'to = "s3://logs/web/";'}
    (tmp_path / "log").mkdir()
    (tmp_path / "log/app.log").write_text("what happened\n")
    group = world.scaling.group("web").hook("bootstrap", 30)
    world.launch()
    assert world.run().returncode == 0
    world.stopped.unlink()              # as every run does at first
    group.hook("last", 6, TERMINATING)
    yield world
    world.close()


def terminate(world):
    world.scaling.terminate(ID)
    world.metadata.set_target_state("Terminated")


def kept(world):
    return list(world.cloud.s3.buckets["logs"].objects)


def test_nothing_ends_and_nothing_is_done(world):
    run = world.run(command="drain")
    assert run.returncode == 0
    assert "--now" in run.out
    assert (world.state / "ready").exists()
    assert not world.stopped.exists()


def test_a_terminating_hook(world):
    terminate(world)
    run = world.run(command="drain")
    assert run.returncode == 0, run.err
    assert not (world.state / "ready").exists()
    assert world.stopped.exists()
    assert any(key.endswith("/log/app.log") for key in kept(world))
    when, hook, result, how = world.scaling.verdicts[-1]
    assert (hook, result, how) == ("last", "CONTINUE", "answered")
    assert when > float(world.stopped.read_text())
    assert world.scaling.beats("last")
    assert world.scaling.state(ID) == "Terminated"


def test_heartbeats_while_the_agent_takes_its_time(world):
    """It stops slowly: the hook of 6 s would have ended."""
    world.stop = "sleep 7; date +%%s.%%N >%s" % world.stopped
    world.check = "true "               # another profile: a new generation
    assert world.run().returncode == 0
    terminate(world)
    assert world.run(command="drain").returncode == 0
    assert len(world.scaling.beats("last")) >= 3
    assert world.scaling.verdicts[-1][1:] == ("last", "CONTINUE", "answered")


def test_a_spot_notice_without_a_hook(world):
    world.scaling.groups["web"].hooks.pop("last")
    world.metadata.set_spot_notice(WHEN)
    run = world.run(command="drain")
    assert run.returncode == 0, run.err
    assert WHEN in messages(run, "drain.notice")[0]
    assert world.stopped.exists() and kept(world)


def test_watch_waits_for_a_notice(world):
    run = world.start("--watch", command="drain")
    time.sleep(1)
    assert run.poll() is None and not world.stopped.exists()
    terminate(world)
    world.end(run, 30)
    assert run.returncode == 0
    assert world.scaling.verdicts[-1][1:] == ("last", "CONTINUE", "answered")


def test_logs_that_cannot_be_kept_do_not_stop_it(world):
    world.key.denied.add("PutObject")
    terminate(world)
    run = world.run(command="drain")
    assert run.returncode == 1
    assert "app.log" in messages(run, "drain.failed")[0]
    assert world.stopped.exists()
    assert world.scaling.verdicts[-1][1:] == ("last", "CONTINUE", "answered")


def test_no_log_is_what_somebody_else_made_a_name_for(world, tmp_path):
    (tmp_path / "secret").write_text("root's own\n")
    os.symlink("../secret", tmp_path / "log/link.log")
    os.lchown(tmp_path / "log/link.log", 1234, 1234)
    os.link(tmp_path / "secret", tmp_path / "log/other.log")
    os.symlink("app.log", tmp_path / "log/current.log")     # root's
    run = world.run("--now", command="drain")
    assert run.returncode == 1
    said = "\n".join(messages(run, "drain.failed"))
    assert "link.log" in said and "symbolic link of uid 1234" in said
    assert "other.log" in said and "another name" in said
    names = {key.rsplit("/", 1)[1] for key in kept(world)}
    assert names == {"app.log", "current.log"}


def test_now_asks_nobody_for_a_notice(world):
    world.scaling.groups["web"].hooks.pop("last")
    run = world.run("--now", command="drain")
    assert run.returncode == 0, run.err
    assert world.stopped.exists()
