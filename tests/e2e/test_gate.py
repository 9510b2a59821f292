# SPDX-License-Identifier: Apache-2.0
"""The gate in front of a service of the host. test_agentpkg.py shows that
this very package starts itself in every way when nothing holds it."""
import time

import pytest

from artifacts import sha256
from repository import publish

LOG = "/var/log/demo-agent.log"
READY = "/run/fitout/ready"
INITS = ["bookworm", "bookworm-sysvinit"]
PROFILE = """fitout = 1;
name = "gate";
budget = "120s";
files = ( { content = "%(content)s"; to = "/etc/gate-test"; } );
checks = ( { run = [ "test", "-e", "/etc/holds" ]; timeout = 1; } );
agent = { kind = "service"; service = "demo-agent"; %(agent)s };
"""


class Gated:
    """A machine with an agent in the profile."""

    def __init__(self, host, fitout, agentpkg):
        self.host = host
        archive = (agentpkg / "demo-agent.tar.gz").read_bytes()
        host.disk.copy(agentpkg / "demo-agent.tar.gz", "/root/a.tar.gz")
        host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
        self.install = (
            'package = { url = "file:///root/a.tar.gz"; sha256 = '
            f'"{sha256(archive)}"; }}; install = [ "./install", "auto" ];')

    def boot(self):
        self.host.boot()
        self.host.wait_for("boot", self.host.is_up)
        self.host.run("mount", "-o", "remount,rw", "/", check=False)

    def reboot(self):
        self.host.power_off()
        self.boot()

    def apply(self, status, agent="", content="x", more=""):
        self.host.run("mkdir", "-p", "/etc/fitout")
        self.host.run("sh", "-c", "cat >/etc/fitout/p.cfg", stdin=more +
                      PROFILE % {"agent": agent, "content": content})
        done = self.host.run("fitout", "apply", "/etc/fitout/p.cfg",
                             check=False, timeout=200)
        assert done.status == status, done.out + done.err
        return done.out + done.err

    def log(self):
        return self.host.read(LOG) if self.host.exists(LOG) else ""

    def starts(self):
        return [float(line.split()[0]) for line in self.log().splitlines()
                if line.split()[1] == "start"]

    def running(self):
        # Never by its init script, which is what is being tested.
        return self.host.run("pgrep", "-f", "^/bin/sh /usr/lib/demo-agent/",
                             check=False).status == 0

    def try_everything(self):
        """All that is known to start it: cron's line, its service, its
        script, the package once more."""
        cron = "/etc/cron.d/demo-agent"
        if self.host.exists(cron):
            line = self.host.read(cron).splitlines()[-1]
            assert line.startswith("* * * * * root "), line
            self.host.run("sh", "-c", line.split("root ", 1)[1], check=False)
        for words in (["service", "demo-agent", "start"],
                      ["service", "demo-agent", "restart"],
                      ["/etc/init.d/demo-agent", "start"],
                      ["invoke-rc.d", "demo-agent", "start"],
                      ["dpkg-reconfigure", "demo-agent"]):
            self.host.run(*words, check=False)
        if self.host.init == "systemd":
            for verb in ("start", "restart", "try-restart"):
                self.host.run("systemctl", verb, "demo-agent", check=False)
        time.sleep(1)


@pytest.fixture(params=INITS)
def gated(request, machine, fitout, agentpkg):
    return Gated(machine(request.param), fitout, agentpkg)


@pytest.mark.parametrize("gated", [*INITS, "trixie"], indirect=True)
def test_an_agent_that_starts_itself_cannot_before_the_run_is_complete(gated):
    gated.boot()
    text = gated.apply(1, gated.install)
    assert "does not hold" in text, text
    # A failed check: the package never came to be installed.
    assert not gated.host.exists("/usr/lib/demo-agent")
    gated.host.run("touch", "/etc/holds")
    text = gated.apply(0, gated.install)
    assert gated.running() and len(gated.starts()) == 1, text + gated.log()
    # As the agent saw it when it started.
    assert " gate=open\n" in gated.log() and gated.host.exists(READY)
    # Nothing to do: it is left alone.
    assert "nothing to do" in gated.apply(0, gated.install)
    assert len(gated.starts()) == 1


def test_after_a_reboot_it_waits_for_fitout(gated):
    gated.boot()
    gated.host.run("touch", "/etc/holds")
    gated.apply(0, gated.install)
    gated.reboot()
    time.sleep(2)
    before = len(gated.starts())
    assert before == 1 and not gated.running(), gated.log()
    gated.try_everything()
    assert len(gated.starts()) == 1 and not gated.running(), gated.log()
    gated.apply(0, gated.install)
    assert len(gated.starts()) == 2 and gated.running(), gated.log()
    # The gate is open now: the service is an ordinary one.
    gated.host.run("service", "demo-agent", "stop")
    assert not gated.running()
    gated.host.run("service", "demo-agent", "start")
    gated.host.wait_for("the start", gated.running)


DIRECTLY = "* * * * * root /usr/lib/demo-agent/demo-agent &\n"


def test_cron_itself_does_not_start_it_within_its_minute(gated):
    """With a real cron, and the agent's program called directly."""
    gated.boot()
    gated.host.run("touch", "/etc/holds")
    gated.host.run("sh", "-ec", """
        mkdir /root/x && cd /root/x && tar -xf /root/a.tar.gz
        cd demo-agent && dpkg-deb -R demo-agent.deb new
        cat >new/etc/cron.d/demo-agent
        dpkg-deb -Zgzip -b new demo-agent.deb >/dev/null
        """, stdin=DIRECTLY)
    gated.apply(0, 'install = [ "/root/x/demo-agent/install", "auto" ];')
    assert gated.host.read("/etc/cron.d/demo-agent") == DIRECTLY.replace(
        "root ", "root [ -e /run/fitout/ready ] || exit 0; ")
    gated.host.run("sh", "-c", "cat >/etc/cron.d/witness",
                   stdin="* * * * * root touch /run/cron-was-here\n")
    gated.reboot()
    starts = len(gated.starts())
    gated.host.wait_for("cron's minute", lambda: gated.host.exists(
        "/run/cron-was-here"), 100)
    time.sleep(2)
    assert not gated.running() and len(gated.starts()) == starts, gated.log()


def test_an_agent_of_the_image_is_held_by_a_run_that_fails(gated):
    """It runs when fitout comes: it is stopped, and stays so."""
    gated.boot()
    gated.host.run("tar", "-C", "/root", "-xf", "/root/a.tar.gz")
    gated.host.run("/root/demo-agent/install", "auto")
    gated.host.wait_for("the agent", gated.running)
    text = gated.apply(1)
    assert "left in place" in text and "demo-agent" in text, text
    assert not gated.running(), text
    starts = len(gated.starts())
    gated.try_everything()
    assert not gated.running() and len(gated.starts()) == starts
    gated.reboot()
    time.sleep(2)
    gated.try_everything()
    assert not gated.running() and len(gated.starts()) == starts, gated.log()
    gated.host.run("touch", "/etc/holds")
    gated.apply(0)
    assert gated.running() and len(gated.starts()) == starts + 1


def test_a_failing_run_on_a_live_host_lets_the_agent_go_on(gated):
    gated.boot()
    gated.host.run("touch", "/etc/holds")
    gated.apply(0, gated.install)
    gated.host.run("rm", "/etc/holds")
    gated.apply(1, gated.install, content="newer")
    assert gated.running(), gated.log()
    assert gated.host.read("/etc/gate-test") == "x"


def test_an_upgrade_of_the_package_does_not_lift_the_gate(gated, agentpkg):
    gated.host.disk.copy(agentpkg / "demo-agent.deb", "/root/a.deb")
    gated.boot()
    gated.host.run("touch", "/etc/holds")
    gated.apply(0, gated.install)
    gated.reboot()
    gated.host.run("sh", "-ec", """
        cd /root
        dpkg-deb -R a.deb new
        sed -i 's/^Version: .*/Version: 2.0/' new/DEBIAN/control
        echo '# version 2' >>new/etc/cron.d/demo-agent
        echo '# version 2' >>new/etc/init.d/demo-agent
        dpkg-deb -Zgzip -b new b.deb >/dev/null
        dpkg --force-confnew -i b.deb
        """)
    gated.try_everything()
    assert not gated.running() and len(gated.starts()) == 1, gated.log()
    gated.apply(0, gated.install)
    assert gated.running() and len(gated.starts()) == 2


def test_an_agent_that_comes_as_a_package_of_the_system_is_held(
        gated, agentpkg, tmp_path):
    deb = tmp_path / "demo-agent.deb"
    deb.write_bytes((agentpkg / "demo-agent.deb").read_bytes())
    publish(gated.host.disk, deb)
    gated.boot()
    more = 'os_packages = [ "demo-agent" ];\n'
    text = gated.apply(1, more=more)
    assert "package demo-agent installed" in text, text
    assert not gated.running() and gated.starts() == [], gated.log()
    gated.try_everything()
    gated.reboot()
    time.sleep(2)
    gated.try_everything()
    assert not gated.running() and gated.starts() == [], gated.log()
    gated.host.run("touch", "/etc/holds")
    gated.apply(0, more=more)
    assert gated.running() and len(gated.starts()) == 1, gated.log()
