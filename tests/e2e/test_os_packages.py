# SPDX-License-Identifier: Apache-2.0
"""Packages of the distribution, by a real apt."""
import pytest

from repository import make_deb, publish

HEAD = 'fitout = 1;\nname = "packages";\nbudget = "60s";\n'
# Holds apt's locks as another apt does, until /tmp/release is there.
LOCKER = """
import fcntl, os, sys, time
held = []
for name in sys.argv[1:]:
    held.append(open(name, "w"))
    fcntl.lockf(held[-1], fcntl.LOCK_EX)
open("/tmp/locked", "w")
time.sleep(5)
"""


@pytest.fixture
def host(box, fitout, tmp_path, agentpkg):
    made = box("bookworm")
    made.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    publish(made.disk, agentpkg / "demo-agent.deb",
            make_deb(tmp_path, "alpha", depends="beta",
                     files={"/usr/share/alpha/x": ("alpha\n", 0o644)}),
            make_deb(tmp_path, "beta",
                     files={"/usr/share/beta/x": ("beta\n", 0o644)}),
            make_deb(tmp_path, "gamma", files={
                "/usr/share/gamma/x": ("gamma\n", 0o644)}),
            make_deb(tmp_path, "broken", scripts={
                "postinst": "#!/bin/sh\necho cannot set up >&2\nexit 1\n"}))
    return made


def apply(host, text, status=0):
    host.run("sh", "-c", "cat >/root/p.cfg", stdin=HEAD + text)
    done = host.run("fitout", "apply", "/root/p.cfg", check=False,
                    timeout=120)
    assert done.status == status, done.out + done.err
    return done.out + done.err


def installed(host, name):
    return host.run("dpkg-query", "-W", "-f", "${db:Status-Status}", name,
                    check=False).out == "installed"


def test_missing_ones_are_installed_together_once(host):
    """apt's lists are empty at first, as in many images."""
    text = 'os_packages = [ "alpha", "gamma", "coreutils" ];\n'
    said = apply(host, text)
    assert all(installed(host, name) for name in ("alpha", "beta", "gamma"))
    assert "coreutils" not in said
    assert "nothing to do" in apply(host, text)
    history = host.read("/var/log/apt/history.log")
    assert history.count("Start-Date") == 1, history


def test_what_dpkg_knows_and_has_not_is_not_installed(host):
    apply(host, 'os_packages = [ "gamma" ];\n')
    host.run("dpkg", "--remove", "gamma")
    apply(host, 'os_packages = [ "gamma" ];\n')
    assert installed(host, "gamma")


def test_a_virtual_package_is_there_when_something_provides_it(host):
    apply(host, 'os_packages = [ "awk" ];\n'
                'files = ( { content = "x"; to = "/etc/x"; } );\n')
    assert not host.exists("/var/log/apt/history.log") or \
        "awk" not in host.read("/var/log/apt/history.log")


def test_an_unknown_package_fails_the_run_by_name(host):
    said = apply(host, 'os_packages = [ "no-such-package" ];\n'
                       'files = ( { content = "x"; to = "/etc/x"; } );\n',
                 status=1)
    assert "no-such-package" in said
    assert not host.exists("/etc/x")


def test_a_package_that_fails_to_configure(host):
    said = apply(host, 'os_packages = [ "broken" ];\n', status=1)
    assert "broken" in said
    assert "left in place" in said, said


@pytest.mark.parametrize("locks", [
    ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"],
    ["/var/lib/apt/lists/lock"]], ids=["dpkg", "lists"])
def test_another_programs_lock_is_waited_for(host, locks):
    host.run("mkdir", "-p", "/var/lib/apt/lists/partial")
    holder = host.start("python3", "-c", LOCKER, *locks)
    host.wait_for("the lock", lambda: host.exists("/tmp/locked"))
    apply(host, 'os_packages = [ "gamma" ];\n')
    assert installed(host, "gamma")
    assert holder.wait(30) == 0


def test_a_lock_that_is_never_given_up_ends_with_the_budget(host):
    locker = LOCKER.replace("time.sleep(5)", "time.sleep(600)")
    holder = host.start("python3", "-c", locker, "/var/lib/dpkg/lock-frontend",
                        "/var/lib/dpkg/lock")
    host.wait_for("the lock", lambda: host.exists("/tmp/locked"))
    host.run("sh", "-c", "cat >/root/p.cfg", stdin=HEAD.replace(
        "60s", "5s") + 'os_packages = [ "gamma" ];\n')
    done = host.run("fitout", "apply", "/root/p.cfg", check=False, timeout=60)
    said = done.out + done.err
    assert done.status == 1, said
    assert "lock" in said or "budget" in said, said
    holder.terminate()
    holder.wait(30)


def test_an_installation_that_was_cut_short_is_finished_first(host):
    apply(host, 'os_packages = [ "gamma" ];\n')
    host.run("sh", "-ec", """
        dpkg --unpack /srv/repository/beta_1.0_all.deb
        # What a dpkg that was killed leaves: its journal.
        grep -A99 '^Package: beta$' /var/lib/dpkg/status | sed '/^$/q' \
            >/var/lib/dpkg/updates/0001
        """)
    said = apply(host, 'os_packages = [ "alpha" ];\n')
    assert "cut short" in said, said
    assert installed(host, "alpha") and installed(host, "beta")


def test_a_policy_of_the_host_is_asked_and_put_back(host):
    policy = ("#!/bin/sh\necho \"$*\" >>/root/policy-was-asked\n"
              "exit 101\n")
    host.run("sh", "-c", "cat >/usr/sbin/policy-rc.d; "
             "chmod 755 /usr/sbin/policy-rc.d", stdin=policy)
    look = ("#!/bin/sh\nfor name in demo-agent other; do\n"
            "invoke-rc.d --quiet $name start\ndone\n")
    host.run("sh", "-c", "cat >/etc/init.d/other; "
             "chmod 755 /etc/init.d/other", stdin="#!/bin/sh\nexit 1\n")
    host.run("sh", "-c", "cat >/root/look; chmod 755 /root/look; "
             "mkdir -p /etc/dpkg/dpkg.cfg.d; echo post-invoke=/root/look "
             ">/etc/dpkg/dpkg.cfg.d/look", stdin=look)
    apply(host, 'os_packages = [ "demo-agent" ];\n'
                'agent = { kind = "service"; service = "demo-agent"; };\n')
    assert host.read("/usr/sbin/policy-rc.d") == policy
    assert host.run("ls", "/usr/sbin").out.count("policy-rc.d") == 1
    asked = host.read("/root/policy-was-asked").splitlines()
    assert any("other" in a and "start" in a for a in asked), asked
    assert not [a for a in asked if "demo-agent" in a], asked


def test_a_policy_that_a_killed_run_left_goes(host):
    host.run("sh", "-c", "cat >/usr/sbin/policy-rc.d",
             stdin="#!/bin/sh\n# fitout's gate: here while\nexit 101\n")
    host.run("sh", "-c", "echo mine >/usr/sbin/policy-rc.d.fitout-kept")
    apply(host, 'files = ( { content = "x"; to = "/etc/x"; } );\n'
                'agent = { kind = "command"; start = [ "true" ]; };\n')
    assert host.read("/usr/sbin/policy-rc.d") == "mine\n"
    assert host.run("ls", "/usr/sbin").out.count("policy-rc.d") == 1
