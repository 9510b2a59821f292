# SPDX-License-Identifier: Apache-2.0
"""Lifecycle hooks and stacks are told the truth, in time."""
import json
import os
import signal
import time

import pytest

from world import ID, World, messages, wait_for


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def hooked(world, timeout=30, **more):
    world.scaling.group("web").hook("bootstrap", timeout=timeout, **more)
    world.launch()
    return world


def test_continue_comes_after_the_agents_start(world):
    hooked(world)
    run = world.run()
    assert run.returncode == 0, run.err
    (when, hook, result, how), = world.scaling.verdicts
    assert (hook, result, how) == ("bootstrap", "CONTINUE", "answered")
    assert when > world.agent_started()[0]
    assert world.scaling.state(ID) == "InService"
    report = world.report()
    assert "told CONTINUE" in report["signal"]
    assert not report["signal_failed"]
    rows = [row["event"] for row in report["timeline"]]
    assert rows.index("signal") > rows.index("agent.start")
    assert "signal.heartbeat" in rows
    world.metadata.close()              # status asks nobody
    status = json.loads(world.run(command="status").out)
    assert status["instance"] == {
        "id": ID, "type": "t3.small", "zone": "eu-test-1a",
        "target_state": "InService"}


def test_heartbeats_from_the_first_second_at_a_third_of_the_time(world):
    hooked(world, timeout=3)
    world.command = "sleep 5"
    begin = time.time()
    run = world.run()
    assert run.returncode == 0, run.err
    beats = world.scaling.beats("bootstrap")
    assert beats[0] - begin < 1
    assert len(beats) >= 5
    assert max(b - a for a, b in zip(beats, beats[1:])) < 1.8
    assert world.scaling.results() == ["CONTINUE"]


def test_heartbeat_of_the_profile(world):
    hooked(world)
    world.signal["autoscaling"] = 'hook = "bootstrap"; heartbeat = 1;'
    world.command = "sleep 2"
    assert world.run().returncode == 0
    assert len(world.scaling.beats("bootstrap")) >= 2
    # All is said: the group is known by its tag, the hook need not be asked.
    assert world.cloud.calls("autoscaling", "DescribeLifecycleHooks") == []


def test_a_run_that_fails_abandons(world):
    hooked(world)
    world.check = "echo no >&2; exit 1"
    run = world.run()
    assert run.returncode == 1
    assert world.scaling.results() == ["ABANDON"]
    assert world.agent_started() == []
    assert "told ABANDON" in world.report()["signal"]
    assert world.scaling.state(ID) == "Terminating:Proceed"


def test_a_run_that_cannot_begin_abandons(world):
    """The state directory is damaged: there is not even a report."""
    hooked(world)
    world.state.mkdir(mode=0o700)
    (world.state / "journal").write_text("rubbish")
    run = world.run()
    assert run.returncode not in (0, 2)
    assert world.scaling.results() == ["ABANDON"]


def test_kill_9_in_the_middle_says_nothing(world):
    """The hook's own time-out decides, and its heartbeats have ended."""
    hooked(world, timeout=3)
    world.command = "touch %s/working; sleep 20" % world.directory
    run = world.start()
    wait_for((world.directory / "working").exists)
    wait_for(lambda: world.scaling.beats("bootstrap"))
    run.send_signal(signal.SIGKILL)
    run.wait()
    killed = time.time()
    wait_for(lambda: world.scaling.results(), 10)
    (when, _, result, how), = world.scaling.verdicts
    assert (result, how) == ("ABANDON", "timeout")
    assert world.scaling.beats("bootstrap")[-1] <= killed + 0.5
    assert world.cloud.calls("autoscaling", "CompleteLifecycleAction") == []


def test_the_run_after_a_killed_one_tells_it(world):
    hooked(world)
    world.command = "[ -e %s/second ] || { touch %s/second; sleep 20; }" % (
        world.directory, world.directory)
    run = world.start()
    wait_for((world.directory / "second").exists)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert world.run().returncode == 0
    assert world.scaling.results() == ["CONTINUE"]


def test_one_verdict_a_boot(world):
    hooked(world)
    assert world.run().returncode == 0
    calls = len(world.cloud.calls())
    again = world.run()
    assert again.returncode == 0
    assert len(world.cloud.calls()) == calls
    world.check = "exit 1"               # a later change that fails
    assert world.run().returncode == 1
    assert len(world.cloud.calls()) == calls
    assert world.scaling.results() == ["CONTINUE"]


def test_on_failure_continue(world):
    hooked(world)
    world.signal["autoscaling"] = 'on_failure = "continue";'
    world.check = "exit 1"
    assert world.run().returncode == 1
    assert world.scaling.results() == ["CONTINUE"]


def test_hold_waits_with_heartbeats_then_abandons(world):
    hooked(world, timeout=3)
    world.signal["autoscaling"] = 'on_failure = "hold 5s";'
    world.check = "exit 1"
    run = world.run()
    ended = time.time()
    assert run.returncode == 1
    assert world.scaling.results() == []
    assert "is held until" in world.report()["signal"]
    assert "tagged" in world.report()["signal"]
    assert "failed: web" in world.ec2.tags[ID]["fitout:held"]
    holder = world.hold()["pid"]
    assert os.getsid(holder) == holder
    status = json.loads(world.run(command="status").out)
    assert status["held"]["pid"] == holder
    wait_for(lambda: world.scaling.results(), 15)
    (when, _, result, how), = world.scaling.verdicts
    assert (result, how) == ("ABANDON", "answered")
    assert 4 < when - ended < 8
    assert len([b for b in world.scaling.beats("bootstrap")
                if b > ended]) >= 3
    wait_for(lambda: not world.hold())
    assert "told ABANDON" in (world.state / "hold.log").read_text()


def test_hold_without_the_right_to_tag(world):
    hooked(world)
    world.key.denied.add("CreateTags")
    world.signal["autoscaling"] = 'on_failure = "hold 1m";'
    world.check = "exit 1"
    assert world.run().returncode == 1
    assert "not tagged: " in world.report()["signal"]
    assert world.hold()


def test_a_run_that_succeeds_takes_over_a_hold(world):
    hooked(world, timeout=6)
    world.signal["autoscaling"] = 'on_failure = "hold 1m";'
    world.check = "exit 1"
    assert world.run().returncode == 1
    holder = world.hold()["pid"]
    world.check = "exit 0"
    run = world.run()
    assert run.returncode == 0, run.err
    assert "takes over" in messages(run, "signal.held")[0]
    assert world.scaling.results() == ["CONTINUE"]
    wait_for(lambda: not os.path.exists(f"/proc/{holder}"), 5)
    assert not world.hold()


def test_warm_pool_no_agent_and_continue(world):
    world.scaling.group("web").hook("bootstrap", timeout=30)
    world.launch(warm="Warmed:Stopped")
    run = world.run()
    assert run.returncode == 0, run.err
    assert world.agent_started() == []
    assert not (world.state / "ready").exists()
    assert world.scaling.results() == ["CONTINUE"]
    assert world.scaling.state(ID) == "Warmed:Stopped"
    assert world.report()["warm"] == "Warmed:Stopped"
    # Out of the pool, after a boot: the hook waits once more.
    (world.state / "signalled").write_text("boot another\n")
    world.scaling.launch("web", ID)
    world.metadata.set_target_state("InService")
    assert world.run().returncode == 0
    assert world.scaling.results() == ["CONTINUE", "CONTINUE"]
    assert len(world.agent_started()) == 1


def test_group_by_the_api_where_tags_are_not_shown(world):
    hooked(world)
    del world.metadata.meta["tags"]
    assert world.run().returncode == 0
    assert world.cloud.calls("autoscaling", "DescribeAutoScalingInstances")
    assert world.scaling.results() == ["CONTINUE"]


def test_codedeploys_hook_is_not_ours(world):
    world.scaling.group("web").hook(
        "CodeDeploy-managed-automatic-launch-deployment-hook-web-1", 600)
    hooked(world)
    assert world.run().returncode == 0
    assert world.scaling.results() == ["CONTINUE"]
    assert world.scaling.state(ID) == "Pending:Wait"    # for CodeDeploy


def test_two_hooks_and_no_choice(world):
    world.scaling.group("web").hook("a", 30).hook("b", 30)
    world.launch()
    run = world.run()
    assert run.returncode == 0          # the host is as it should be
    said = messages(run, "signal.failed")[0]
    assert "has 2 launch hooks: a, b" in said
    assert "signal.autoscaling.hook" in said
    assert world.scaling.results() == []
    assert world.report()["signal_failed"]


def test_two_hooks_and_a_choice(world):
    world.scaling.group("web").hook("a", 30).hook("b", 30)
    world.launch()
    world.signal["autoscaling"] = 'hook = "b";'
    assert world.run().returncode == 0
    assert [v[1:3] for v in world.scaling.verdicts] == [("b", "CONTINUE")]


def test_a_hook_that_is_not_there(world):
    hooked(world)
    world.signal["autoscaling"] = 'hook = "bootsrap";'
    run = world.run()
    assert run.returncode == 0
    assert 'no launch hook "bootsrap" (it has: bootstrap)' in \
        messages(run, "signal.failed")[0]
    assert world.scaling.results() == []


def test_hook_gone_in_the_middle(world):
    hooked(world, timeout=3)
    world.command = "sleep 2"
    run = world.start()
    wait_for(lambda: world.scaling.beats("bootstrap"))
    world.scaling.groups["web"].hooks.clear()
    world.end(run)
    assert run.returncode == 0
    assert "is gone" in messages(run, "signal.failed")[0]


def test_hook_completed_by_another(world):
    hooked(world, timeout=6)
    world.command = "sleep 2"
    run = world.start()
    wait_for(lambda: world.scaling.beats("bootstrap"))
    action, = world.scaling.actions
    world.scaling._finish(action, "CONTINUE", time.time(), "operator")
    world.end(run)
    assert run.returncode == 0
    assert world.scaling.results() == ["CONTINUE"]
    assert "was complete already: this instance is InService" in \
        world.report()["signal"]
    assert not world.report()["signal_failed"]


def test_hook_expired(world):
    """It waits two seconds in all (48 h, elsewhere)."""
    hooked(world, timeout=3, global_s=2)
    world.command = "sleep 4"
    run = world.run()
    assert run.returncode == 0
    assert "does not wait for this instance any more" in \
        messages(run, "signal.lost")[0]
    assert "CONTINUE came too late" in messages(run, "signal.failed")[0]
    assert "Terminating:Proceed" in world.report()["signal"]
    assert world.scaling.results() == ["ABANDON"]


def test_the_hook_waits_a_little_later(world):
    """User-data may be sooner than Pending:Wait."""
    world.scaling.group("web").hook("bootstrap", timeout=30)
    world.launch()
    actions, world.scaling.actions = world.scaling.actions, []
    world.scaling.instances[ID].state = "Pending"
    run = world.start()
    wait_for(world.agent_started)
    time.sleep(1)
    world.scaling.actions = actions
    world.end(run)
    assert run.returncode == 0
    assert world.scaling.results() == ["CONTINUE"]


def test_throttled(world):
    hooked(world, timeout=12)
    world.cloud.fail("autoscaling", "RecordLifecycleActionHeartbeat", 2,
                     status=400, code="Throttling")
    world.cloud.fail("autoscaling", "CompleteLifecycleAction", 3,
                     status=400, code="Throttling")
    run = world.run()
    assert run.returncode == 0, run.err
    assert world.scaling.results() == ["CONTINUE"]
    calls = world.cloud.calls("autoscaling", "CompleteLifecycleAction")
    assert len(calls) == 4


def test_denied_is_said_loudly(world):
    hooked(world)
    world.key.denied |= {"CompleteLifecycleAction",
                         "RecordLifecycleActionHeartbeat"}
    run = world.run()
    assert run.returncode == 0
    said = messages(run, "signal.failed")[0]
    assert "NOT told CONTINUE" in said and "not authorized" in said
    assert world.scaling.results() == []
    assert not (world.state / "signalled").exists()


def test_the_hooks_time_cannot_be_asked(world):
    hooked(world)
    world.key.denied.add("DescribeLifecycleHooks")
    world.signal["autoscaling"] = 'hook = "bootstrap";'
    run = world.run()
    assert run.returncode == 0
    assert "every 60 s" in messages(run, "signal.timeout")[0]
    assert world.scaling.results() == ["CONTINUE"]


def test_in_no_group(world):
    run = world.run()
    assert run.returncode == 0
    assert "in no Auto Scaling group" in world.report()["signal"]
    assert not world.report()["signal_failed"]


def test_metadata_absent(world):
    hooked(world)
    world.metadata.close()
    run = world.run()
    assert run.returncode == 0          # late, but the host is as it should be
    assert "NOT told" in messages(run, "signal.failed")[0] or \
        "no hook was told CONTINUE" in messages(run, "signal.failed")[0]
    assert "no instance metadata" in messages(run, "signal.failed")[0]
    assert world.scaling.results() == []


def test_token_expired_in_the_middle(world):
    hooked(world, timeout=3)
    world.command = "sleep 2"
    run = world.start()
    wait_for(lambda: world.scaling.beats("bootstrap"))
    world.metadata.tokens.clear()
    world.end(run)
    assert run.returncode == 0
    assert world.scaling.results() == ["CONTINUE"]


def test_stack_by_the_role(world):
    world.signal = {"cloudformation":
                    'stack = "web"; resource = "Group";'}
    world.stacks.waiting[("web", "Group")] = 1
    assert world.run().returncode == 0
    assert world.stacks.signals == [("web", "Group", ID, "SUCCESS", "role")]


def test_stack_by_the_identity_document(world):
    world.signal = {"cloudformation":
                    'stack = "web"; resource = "Group";'}
    world.stacks.waiting[("web", "Group")] = 1
    world.metadata.dynamic["instance-identity"]["signature"] = \
        "c2lnbmF0dXJl\nc2lnbmF0dXJl"
    world.stacks.identity = lambda: (
        world.metadata._document(), "c2lnbmF0dXJlc2lnbmF0dXJl")
    world.key.denied.add("SignalResource")
    world.check = "exit 1"
    assert world.run().returncode == 1
    assert world.stacks.signals == [
        ("web", "Group", ID, "FAILURE", "identity")]


def test_stack_that_waits_no_more(world):
    world.signal = {"cloudformation":
                    'stack = "web"; resource = "Group";'}
    run = world.run()
    assert run.returncode == 0
    assert "waits for no signal any more" in world.report()["signal"]
