# SPDX-License-Identifier: Apache-2.0
"""A deployment that is in progress when fitout comes: it may end first."""
import time

import pytest

ONGOING = "/opt/codedeploy-agent/deployment-root/ongoing-deployment"
PROFILE = """fitout = 1;
name = "drain";
budget = "60s";
files = ( { content = "%s"; to = "/etc/drain-test"; } );
agent = { kind = "codedeploy"; service = "demo-agent"; drain = %d; };
"""


@pytest.fixture
def host(box, fitout, agentpkg):
    """A live host: the agent runs, the gate is open."""
    made = box("bookworm")
    made.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    made.disk.copy(agentpkg / "demo-agent.deb", "/root/a.deb")
    made.run("dpkg", "-i", "/root/a.deb")
    made.run("mkdir", "-p", ONGOING)
    apply(made, "1")
    assert running(made)
    return made


def apply(host, content, drain=30, status=0):
    host.run("sh", "-c", "cat >/root/p.cfg", stdin=PROFILE % (content, drain))
    done = host.run("fitout", "apply", "/root/p.cfg", check=False,
                    timeout=100)
    assert done.status == status, done.out + done.err
    return done.out + done.err


def running(host):
    return host.run("pgrep", "-f", "^/bin/sh /usr/lib/demo-agent/",
                    check=False).out


def test_the_agent_is_stopped_only_when_the_deployment_has_ended(host):
    agent = running(host)
    host.run("touch", f"{ONGOING}/d-ABC123")
    host.run("sh", "-c", "cat >/root/p.cfg", stdin=PROFILE % ("2", 30))
    run = host.start("fitout", "apply", "/root/p.cfg", stderr=-1, text=True)
    time.sleep(3)
    assert running(host) == agent
    assert host.read("/etc/drain-test") == "1"
    host.run("rm", f"{ONGOING}/d-ABC123")
    _, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert "d-ABC123" in said, said
    assert host.read("/etc/drain-test") == "2"
    assert running(host) and running(host) != agent


def test_a_deployment_that_does_not_end_is_not_cut_short(host):
    agent = running(host)
    host.run("touch", f"{ONGOING}/d-ABC123")
    said = apply(host, "2", drain=1, status=1)
    assert "d-ABC123 is still in progress" in said, said
    assert running(host) == agent
    assert host.read("/etc/drain-test") == "1"
    assert host.exists("/run/fitout/ready")


def test_what_a_crash_left_a_day_ago_is_no_deployment(host):
    host.run("touch", "-d", "2 days ago", f"{ONGOING}/d-OLD")
    begin = time.monotonic()
    apply(host, "2")
    assert time.monotonic() - begin < 20
    assert host.read("/etc/drain-test") == "2"
    assert running(host)
