# SPDX-License-Identifier: Apache-2.0
"""The deploy agent's package with nothing in its way: it starts itself when
it is installed, at every boot, and by cron. What the gate tests show is
worth something only because of this."""
import pytest

LOG = "/var/log/demo-agent.log"


def starts(machine):
    """When the agent said that it started, oldest first."""
    if not machine.exists(LOG):
        return []
    return [float(line.split()[0]) for line in machine.read(LOG).splitlines()
            if line.split()[1] == "start"]


@pytest.mark.parametrize("name", ["bookworm", "bookworm-sysvinit"])
def test_the_agent_starts_itself_every_way_it_can(name, machine, agentpkg):
    host = machine(name)
    host.disk.copy(agentpkg / "demo-agent.tar.gz", "/root/agent.tar.gz")
    host.boot()
    host.wait_for("boot", host.is_up)
    host.run("tar", "-C", "/root", "-xf", "/root/agent.tar.gz")
    host.run("/root/demo-agent/install", "auto")
    host.wait_for("the first start", lambda: len(starts(host)) == 1)
    host.disk.write("/var/lib/demo-agent/revisions/1/deploy",
                    "echo content >/srv/deployed\n")
    host.wait_for("a deployment", lambda: host.exists("/srv/deployed"))
    host.run("service", "demo-agent", "stop")
    line = host.read("/etc/cron.d/demo-agent").splitlines()[-1]
    assert line.startswith("* * * * * root ")
    host.run("sh", "-c", line.split("root ", 1)[1])
    host.wait_for("the start by cron", lambda: len(starts(host)) == 2)
    host.power_off()
    host.boot()
    host.wait_for("the start at boot", lambda: len(starts(host)) >= 3)
    assert host.run("service", "demo-agent", "status").status == 0
