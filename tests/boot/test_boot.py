# SPDX-License-Identifier: Apache-2.0
"""bake in one machine, copies of its disk boot: cold, in a warm pool, under
another instance id; damaged, and beyond repair."""
import json
import re
import time

import pytest

import image
from image import AGENT_LOG, IDENTITY, PROFILE, READY, STAYS, flip


@pytest.fixture(params=["bookworm", "trixie"])
def baked(request, machine, cloud, fitout, agentpkg):
    """baked(): a copy of the builder's disk, in a machine that is off."""
    host = image.builder(machine(request.param), cloud, fitout, agentpkg)
    for path, text in IDENTITY.items():
        host.disk.write(path, text, 0o600)
    host.boot()
    host.machine.wait_cloud_init()
    baked_once(host)
    host.machine.power_off()
    sealed(host)
    # From here on every byte must come from the image.
    served = dict(cloud.origin.content)
    cloud.origin.content.clear()

    def copy():
        cloud.next_instance()
        made = image.Host(machine(request.param, copy_of=host.disk))
        made.served, made.origin = served, cloud.origin
        return made
    copy.name = request.param
    return copy


def baked_once(host):
    done = host.run("fitout", "bake", "--seal", PROFILE, check=False,
                    timeout=180)
    said = done.out + done.err
    assert done.status == 0, said
    assert "generation 1, the agent is held\n" in done.out, said
    for what in ("cloud-init's state", "the machine id", "ssh host keys",
                 "logs", "the agent's deployments", "shell histories"):
        assert f"sealed: {what} (" in done.out, said
    # Checked, and at rest again.
    report = host.report()
    assert "check.holds" in [row["event"] for row in report["timeline"]]
    assert host.run("pgrep", "supervisord", check=False).status == 1
    assert host.starts() == [] and not host.agent_runs(), said
    assert not host.machine.exists(READY)
    # Installed, disabled and gated; nothing brings it back.
    enabled = host.run("systemctl", "is-enabled", "demo-agent", check=False)
    assert enabled.out == "disabled\n", said
    host.run("systemctl", "start", "demo-agent")
    assert not host.agent_runs()
    assert not host.machine.exists("/etc/cron.d/demo-agent")
    assert host.run("systemctl", "is-enabled", "fitout-boot").out == \
        "enabled\n"
    verified = host.run("systemd-analyze", "--man=no", "verify",
                        "/etc/systemd/system/fitout-boot.service",
                        check=False)
    assert (verified.status, verified.err) == (0, "")


def sealed(host):
    for path in IDENTITY:
        stays = any(word in path for word in STAYS)
        there = host.disk.path(path)
        if path == "/var/log/app.log":
            assert there.read_text() == ""
        else:
            assert there.exists() == stays, path
    assert host.disk.read("/etc/machine-id") == ""


def boots_cold(host, cloud, name):
    """The first boot of a copy, as another instance, without an origin."""
    cloud.imds.meta["instance-id"] = "i-0fedcba9876543210"
    host.boot()
    report = host.booted(1)
    proof = report["proof"]
    assert proof["differ"] == 0 and proof["files"] > 45, proof
    # All but the one that is too large to be read.
    assert proof["read"] > 40
    rows = host.page_of_timeline(report)
    assert rows["prove"][0]["end_ms"] <= rows["agent.start"][0]["begin_ms"]
    assert "fetch" not in rows
    # Sealed: the agent stayed disabled, and so did all that was.
    assert host.run("systemctl", "is-enabled", "demo-agent",
                    check=False).out == "disabled\n"
    assert re.fullmatch("[0-9a-f]{32}\n", host.machine.read(
        "/etc/machine-id"))
    assert "ordering cycle" not in host.run(
        "journalctl", "-b", "--no-pager").out
    print(f"\n{name}: the agent runs {report['agent_since_start_ms']} ms "
          f"after systemd began, boot took {report['elapsed_ms']} ms; "
          f"{proof['differ']} of {proof['files']} files differ")
    return report["agent_since_start_ms"]


def reboots(host, n):
    """The same every time, from a gate that is closed again."""
    for done in range(n):
        host.machine.power_off()
        # What opens it is not on the disk.
        assert not host.disk.path(READY).exists()
        host.boot()
        report = host.booted(2 + done)
        assert report["proof"]["differ"] == 0
        assert report["generation"] == 1
        assert [r for r in report["resources"] if r["action"] in (
            "create", "change", "remove")] == []
    return n


def watches(host):
    """From the next boot on somebody looks whether it is to end."""
    done = host.run("fitout", "install-init", "--drain")
    assert "fitout drain --watch is run at boot (systemd)" in done.out
    assert host.run("systemctl", "is-active", "fitout-drain",
                    check=False).out == "inactive\n"
    verified = host.run("systemd-analyze", "--man=no", "verify",
                        "/etc/systemd/system/fitout-drain.service",
                        check=False)
    assert (verified.status, verified.err) == (0, "")


def drained(host, cloud):
    """It has been looking since the boot; now EC2 takes the instance back."""
    def state():
        return host.run("systemctl", "show", "-P", "ActiveState", "-P",
                        "Result", "fitout-drain").out.split()
    assert state() == ["active", "success"] or \
        state() == ["success", "active"], host.said()
    cloud.imds.meta["spot"] = {"instance-action": json.dumps(
        {"action": "terminate", "time": "2030-01-01T00:00:00Z"})}
    host.wait("the drain's end", lambda: "inactive" in state(), 60)
    del cloud.imds.meta["spot"]
    assert "success" in state(), host.run(
        "journalctl", "-u", "fitout-drain", "--no-pager").out
    assert not host.agent_runs() and not host.machine.exists(READY)
    assert " STOPPED " in host.run("supervisorctl", "status",
                                   check=False).out


def test_copies_of_an_image(baked, cloud, machine, fitout, agentpkg):
    host = baked()
    cold_ms = boots_cold(host, cloud, baked.name)
    status = host.run("fitout", "status", check=False)
    assert status.status == 0, status.out
    if baked.name == "bookworm":
        watches(host)
    # Reboots: the same every time, and no user-data in sight.
    assert cloud.imds.user_data == b""
    starts = 1 + reboots(host, 5 if baked.name == "bookworm" else 0)
    # A file that comes out of a tree on this disk, without network; and one
    # in a tree, which is fetched again: both before the agent starts.
    host.machine.power_off()
    flip(host.disk.path("/etc/supervisor/conf.d/app.conf"))
    flip(host.disk.path("/etc/app-motd"))
    host.boot()
    starts += 1
    report = host.booted(starts)
    assert report["proof"]["differ"] == 2
    assert [r["resource"] for r in report["resources"]
            if r["action"] == "change"] == [
                "file /etc/app-motd", "file /etc/supervisor/conf.d/app.conf"]
    assert host.machine.read("/etc/supervisor/conf.d/app.conf") == \
        image.APP["app/etc/app.conf"]
    host.machine.power_off()
    flip(host.disk.path("/srv/app/share/7"))
    # Where it cannot be fetched, the agent never starts.
    host.boot()
    said = host.failed()
    assert "/srv/app: share/7: content" in said, said
    assert "The agent was not started" in said
    assert len(host.starts()) == starts
    # Where it can, it does, after that.
    cloud.origin.content.update(host.served)
    host.machine.power_off()
    if baked.name == "trixie":
        as_left_by_another_tool(host)
    host.boot()
    report = host.booted(starts + 1)
    rows = host.page_of_timeline(report)
    assert rows["fetch"][0]["end_ms"] <= rows["agent.start"][0]["begin_ms"]
    assert host.machine.read("/srv/app/share/7") == "7\n"
    if baked.name == "trixie":
        went_by_presets(host)
    else:
        drained(host, cloud)
    host.machine.power_off()
    if baked.name == "trixie":
        warm_pool(baked(), cloud)
    if baked.name == "bookworm":
        first_boot(machine, cloud, fitout, agentpkg, baked.name, host.served,
                   cold_ms)


def as_left_by_another_tool(host):
    """systemd takes that for the first boot, and enables what there is."""
    host.disk.write("/etc/machine-id", "uninitialized\n", 0o444)
    host.disk.write("/usr/lib/systemd/system/other.service",
                    "[Service]\nExecStart=/bin/true\n"
                    "[Install]\nWantedBy=multi-user.target\n")


def went_by_presets(host):
    """All was enabled but the agent."""
    def enabled(unit):
        return host.run("systemctl", "is-enabled", unit, check=False).out
    # It did go by presets: the image does not enable this one.
    assert enabled("other") == "enabled\n"
    assert enabled("demo-agent") == "disabled\n"


def first_boot(machine, cloud, fitout, agentpkg, name, served, cold_ms):
    """The same profile, all of it at first boot, by user-data."""
    cloud.origin.content.update(served)
    cloud.next_instance()
    host = image.builder(machine(name), cloud, fitout, agentpkg)
    cloud.imds.user_data = b"#!/bin/sh\nexec fitout apply " + \
        PROFILE.encode() + b"\n"
    host.boot()
    host.machine.wait_cloud_init(180)
    report = host.report()
    assert report["outcome"] == "done", host.machine.user_data_output()
    print(f"{name}: with all of it at first boot, "
          f"{report['agent_since_start_ms']} ms")
    assert report["agent_since_start_ms"] > cold_ms > 0
    host.machine.power_off()


def warm_pool(host, cloud):
    """Once is enough: nothing of it is systemd's."""
    state = cloud.imds.meta.setdefault("autoscaling", {})
    state["target-lifecycle-state"] = "Warmed:Stopped"
    host.boot()
    host.wait("all but the agent", lambda: "waiting in the warm pool" in
              host.said())
    assert host.run("supervisorctl", "status", check=False).out.count(
        " RUNNING ") == 1
    assert not host.agent_runs() and host.starts() == []
    assert not host.machine.exists(READY)
    # It is stopped, and started again for service.
    host.machine.power_off()
    assert host.starts() == []
    state["target-lifecycle-state"] = "InService"
    host.boot()
    host.booted(1)
    host.machine.power_off()
    # A pool whose instances run: no boot comes in between.
    state["target-lifecycle-state"] = "Warmed:Running"
    host.boot()
    host.wait("all but the agent", lambda: "waiting in the warm pool" in
              host.said())
    begin = time.time()
    state["target-lifecycle-state"] = "InService"
    host.booted(2)
    assert float(host.starts()[1][0]) > begin
    assert AGENT_LOG
