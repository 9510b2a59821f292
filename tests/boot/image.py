# SPDX-License-Identifier: Apache-2.0
"""An image: a builder that is baked, and machines that boot copies of it."""
import json
import os
import re

from artifacts import File, archive, sha256

PROFILE = "/etc/fitout/image.cfg"
AGENT_LOG = "/var/log/demo-agent.log"
READY = "/run/fitout/ready"
BIG = "big" * 100_000           # is not read by the proof: over 64 KiB
APP = {
    "app/bin/run": File("#!/bin/sh\nexec sleep 100000\n", 0o755),
    "app/etc/app.conf": "[program:app]\ncommand=/srv/app/bin/run\n"
                        "startsecs=1\n",
    "app/share/big": BIG,
    "app/logs/README": "logs go here\n",
    "app/version": "1\n",
    **{f"app/share/{n}": f"{n}\n" for n in range(40)},
}
# Else cloud-init looks for names that are not there, five seconds a boot.
ADDRESS = """datasource:
  Ec2: { metadata_urls: [ "http://169.254.169.254" ] }
"""
# What tells one host from another, before the image is made.
IDENTITY = {
    "/etc/ssh/ssh_host_ed25519_key": "the builder's\n",
    "/etc/ssh/ssh_host_ed25519_key.pub": "the builder's\n",
    "/etc/ssh/sshd_config": "# stays\n",
    "/var/lib/cloud/instances/i-builder/user-data.txt": "secret\n",
    "/var/lib/cloud/seed/nocloud/meta-data": "stays\n",
    "/var/log/app.log": "the builder's\n",
    "/var/log/app.log.1": "the builder's\n",
    "/root/.bash_history": "the builder's\n",
    "/home/ops/.bash_history": "the builder's\n",
    "/home/ops/.bashrc": "# stays\n",
    "/var/lib/dhcp/dhclient.leases": "the builder's\n",
    "/opt/codedeploy-agent/deployment-root/d-1/file": "the builder's\n",
}
STAYS = ("sshd_config", "/seed/", ".bashrc")


def profile(app, agent, base):
    return f"""fitout = 1;
name = "image";
serial = 1;
budget = "2m";
packages = ( {{ name = "app"; url = "{base}/app.tar.gz";
  sha256 = "{sha256(app)}"; into = "/srv/app"; keep = [ "logs" ]; }} );
files = (
  {{ from = "app:etc/app.conf"; to = "/etc/supervisor/conf.d/app.conf"; }},
  {{ content = "version 1\\n"; to = "/etc/app-motd"; mode = "0640"; }} );
supervisor = {{ programs = [ "app" ]; }};
checks = ( {{ run = [ "test", "-e", "/srv/app/version" ]; }} );
agent = {{ kind = "service"; service = "demo-agent";
  package = {{ url = "{base}/agent.tar.gz";
    sha256 = "{sha256(agent)}"; }};
  install = [ "./install", "auto" ]; }};
"""


class Host:
    """A machine with fitout on it."""

    def __init__(self, machine):
        self.machine = machine
        self.disk = machine.disk
        self.run = machine.run

    def boot(self):
        self.machine.boot()
        self.wait("the boot", lambda: self.machine.init != "systemd" or
                  self.run("systemctl", "is-active", "multi-user.target",
                           check=False).out == "active\n")

    def wait(self, what, condition, timeout=60):
        try:
            # Looking takes a processor that the boot could have.
            return self.machine.wait_for(what, condition, timeout, 0.2)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.said()}") from error

    def said(self):
        """What fitout boot said: for messages."""
        return self.run("sh", "-c", "journalctl -u fitout-boot -o cat "
                        "--no-pager | tail -n 60; cat "
                        "/var/log/fitout-boot.log; systemctl status "
                        "fitout-boot demo-agent; fitout report",
                        check=False).out

    def starts(self):
        """When the agent started, and what the gate was then."""
        path = self.disk.path(AGENT_LOG)
        if not path.exists():
            return []
        return re.findall(r"^(\S+) start pid=\S+ gate=(\S+)$",
                          path.read_text(), re.M)

    def agent_runs(self):
        return self.run("pgrep", "-f", "^/bin/sh /usr/lib/demo-agent/",
                        check=False).status == 0

    def report(self):
        return json.loads(self.run("fitout", "--json", "report").out)

    def booted(self, starts):
        """`fitout boot` has ended well, and the agent has started that
        often in all, each time with the gate open."""
        def done():
            found = self.starts()
            # The report is written after the start; it must be this boot's.
            return len(found) == starts and self.run(
                "grep", "-q", "agents started", READY,
                check=False).status == 0 and self.ended()
        self.wait(f"start {starts} of the agent", done)
        assert all(gate == "open" for _, gate in self.starts())
        assert self.agent_runs()
        report = self.report()
        assert (report["command"], report["outcome"]) == ("boot", "done"), \
            self.said()
        return report

    def ended(self):
        # (fitout drain --watch does not end.)
        return self.run("pgrep", "-f", "^[^ ]*fitout boot",
                        check=False).status != 0

    def failed(self):
        """`fitout boot` has failed, and the agent does not run; nor can
        anybody start it."""
        def done():
            return self.run("systemctl", "is-failed", "fitout-boot",
                            check=False).out == "failed\n"
        self.wait("boot to fail", done)
        assert not self.machine.exists(READY)
        for words in (["systemctl", "start", "demo-agent"],
                      ["service", "demo-agent", "start"]):
            self.run(*words, check=False)
        assert not self.agent_runs(), self.said()
        return self.said()

    def page_of_timeline(self, report):
        """When rows of the timeline began and ended, by event."""
        rows = {}
        for row in report["timeline"]:
            rows.setdefault(row["event"], []).append(row)
        return rows

    def reboot(self):
        self.machine.power_off()
        self.boot()


def keep_times(path, change):
    """Change a file so that lstat tells nothing of it."""
    before = os.lstat(path)
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.lstat(path)
    assert (after.st_size, after.st_mtime_ns) == (
        before.st_size, before.st_mtime_ns)


def flip(path):
    """One bit of the first byte; size and times stay."""
    def change(file):
        data = bytearray(file.read_bytes())
        data[0] ^= 1
        with open(file, "r+b") as opened:
            opened.write(data)
    keep_times(path, change)


def builder(machine, cloud, fitout, agentpkg, base="http://origin.test"):
    """A machine with the profile and the binary, and an origin; or, where
    there is no network, `base` is a file:// address of the machine's."""
    app = archive(APP)
    agent = (agentpkg / "demo-agent.tar.gz").read_bytes()
    cloud.origin.content["/app.tar.gz"] = app
    cloud.origin.content["/agent.tar.gz"] = agent
    host = Host(machine)
    host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    host.disk.write("/etc/cloud/cloud.cfg.d/90-metadata.cfg", ADDRESS)
    if base.startswith("file://"):
        for name, data in (("app", app), ("agent", agent)):
            host.disk.write(f"{base[7:]}/{name}.tar.gz", data)
    host.disk.write(PROFILE, profile(app, agent, base))
    return host
