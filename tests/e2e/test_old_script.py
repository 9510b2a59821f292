# SPDX-License-Identifier: Apache-2.0
"""The three faults of the user-data script that fitout replaces, by name.

It tested `[ -n $pid ]`, which is true without a pid, and so never started a
supervisord that was down. It started the deploy agent first, and went on
after every error. It ended with chmod -R 777.
"""
import os
import stat

import pytest

from artifacts import File, archive

PROGRAM = """fitout = 1;
name = "sleeper";
files = (
  { content = "[program:sleeper]\\ncommand=/bin/sleep 1000\\n";
    to = "/etc/supervisor/conf.d/sleeper.conf"; }
);
supervisor = { programs = [ "sleeper" ]; };
"""


@pytest.mark.host
def test_supervisor_is_started_when_it_is_down(scene):
    assert not scene.supervisord_is_up()
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.supervisord_is_up()
    assert "sleep 1000" in scene.processes()


def is_active(host):
    words = ["systemctl", "is-active", "--quiet", "supervisor"]
    if host.init != "systemd":
        words = ["service", "supervisor", "status"]
    return host.run(*words, check=False).status == 0


@pytest.mark.parametrize("name", ["bookworm", "bookworm-sysvinit"])
def test_debians_supervisor_is_started_when_it_is_down_and_enabled(
        name, machine, fitout):
    host = machine(name)
    host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    host.disk.write("/etc/fitout/p.cfg", PROGRAM)
    host.boot()
    host.wait_for("boot", host.is_up)
    assert not is_active(host)
    host.run("fitout", "apply", "/etc/fitout/p.cfg", timeout=120)
    assert is_active(host)
    assert "RUNNING" in host.run("supervisorctl", "status", "sleeper").out
    host.power_off()
    host.boot()
    host.wait_for("the program", lambda: "RUNNING" in host.run(
        "supervisorctl", "status", "sleeper", check=False).out)


FAILURES = {
    "fetch": lambda s: s.origin.content.pop("/tool.tar.xz"),
    "digest": lambda s: s.origin.content.update({"/app.tar.gz": b"other"}),
    "unpack": lambda s: s.packages(app_more='root = "elsewhere";'),
    "file": lambda s: s.change("files", "app:etc/logrotate", "app:etc/none"),
    "command": lambda s: s.add('commands = ( { name = "c"; run = [ "false" ];'
                               ' creates = "/srv/never"; } );'),
    "supervisor": lambda s: s.blocks.update(supervisor="""supervisor = {
        config = "/srv/supervisor/supervisord.conf"; timeout = 3;
        programs = [ "app", "nobody" ];
        daemon = [ "supervisord", "-c",
                   "/srv/supervisor/supervisord.conf" ]; };\n"""),
    "check": lambda s: s.blocks.update(
        checks='checks = ( { tcp = "127.0.0.1:1"; timeout = 1; } );\n'),
}


@pytest.mark.host
@pytest.mark.parametrize("failure", FAILURES)
def test_agent_does_not_start_when_anything_failed(failure, scene):
    FAILURES[failure](scene)
    done = scene.apply()
    assert done.status == 1, done.err
    assert not scene.agent_started()
    assert "The agent was not started." in done.err
    assert not scene.host.exists("/run/fitout/ready")


@pytest.mark.host
def test_agent_starts_after_the_cause_of_a_failure_is_gone(scene):
    kept = scene.origin.content.pop("/tool.tar.xz")
    assert scene.apply().status == 1
    scene.origin.content["/tool.tar.xz"] = kept
    assert scene.apply().status == 0
    assert scene.agent_started()


@pytest.mark.host
def test_no_installed_path_is_world_writable(scene):
    digest = scene.serve("tool.tar.xz", archive({
        "tool/open": File("x", 0o666), "tool/run": File("#!/bin/sh\n", 0o777),
        "tool/below/open": File("x", 0o622)}, "xz"))
    scene.packages(tool={"sha256": digest})
    before = set(scene.look())
    # Whoever starts fitout may have switched the mask off.
    scene.write()
    done = scene.host.run("sh", "-c", "umask 0; exec fitout apply "
                          "/etc/fitout/scene.cfg", check=False,
                          env=scene.environment)
    assert done.status == 0, done.err
    installed = [path for path in scene.host.disk.snapshot("/srv/agent")
                 if path not in before]
    assert "srv/tool/below/open" in installed
    writable = []
    for path in installed:
        info = os.lstat(scene.host.disk.upper / path)
        if not stat.S_ISLNK(info.st_mode) and info.st_mode & stat.S_IWOTH:
            writable.append(path)
    assert writable == []
    tool = scene.host.disk.path("/srv/tool/run").stat()
    assert stat.S_IMODE(tool.st_mode) == 0o775
