# SPDX-License-Identifier: Apache-2.0
"""plan, apply and plan again on a real machine: what was planned is done, and
nothing is left to do. The profiles of the repository are in
test_demo_profile.py and test_user_data.py; here is the manual's example."""
import re

from artifacts import File, archive, sha256
from conftest import TOP
from machine import PATH

SERVICE = """[Unit]
Description=The example's program
[Service]
ExecStart=/usr/bin/python3 -m http.server -b 127.0.0.1 8080
WorkingDirectory=/opt/app
[Install]
WantedBy=multi-user.target
"""
PROFILE = "/etc/fitout/app.cfg"


def example():
    """The profile under EXAMPLES of fitout.cfg(5)."""
    page = (TOP / "doc/man/fitout.cfg.5").read_text()
    examples = page[page.index(".Sh EXAMPLES\n"):]
    found = re.search(r"\.Bd -literal\n(.*?)\.Ed\n", examples, re.S)
    return found.group(1)


def test_the_example_of_the_manual(machine, cloud, fitout):
    host = machine("bookworm")
    data = archive({"app-7/app.service": SERVICE,
                    "app-7/run": File("#!/bin/sh\n", 0o755)})
    cloud.origin.content["/app-7.tar.zst"] = data
    text, n = re.subn(r"https://artifacts.example.com", "http://origin.test",
                      example())
    assert n == 1
    text, n = re.subn(r'"[0-9a-f]{64}"', f'"{sha256(data)}"', text)
    assert n == 1
    host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    host.disk.write(PROFILE, text)

    def run(*words):
        return host.run("fitout", *words, PROFILE, check=False, timeout=120,
                        env={"PATH": PATH})

    def planned(status, *words):
        done = run("plan", "--exit-code", "--size-timeout", "60s")
        assert done.status == status, done.out + done.err
        for word in words:
            assert word in done.out, done.out
        return done

    host.boot()
    host.wait_for("the network", lambda: host.run(
        "curl", "-sSI", "-m", "5", "http://origin.test/app-7.tar.zst",
        check=False).status == 0)
    planned(10, "create  package app  /opt/app  (not there)",
            f"fetch {len(data)} B from http://origin.test/app-7.tar.zst",
            "create  file /etc/systemd/system/app.service",
            "service app", "run     check 127.0.0.1:8080", "open    gate")
    assert not host.exists("/opt/app") and not host.exists("/var/lib/fitout")
    done = run("apply")
    assert done.status == 0, done.err
    planned(0, "nothing to do")
    # The next boot: it serves by itself, the gate is closed.
    host.power_off()
    host.boot()
    host.wait_for("the service", lambda: host.run(
        "curl", "-sS", "-m", "5", "http://127.0.0.1:8080/", check=False
        ).status == 0)
    planned(10, "run     check 127.0.0.1:8080  (no run of this boot is",
            "open    gate", "1 to do")
    done = run("apply")
    assert done.status == 0, done.err
    planned(0, "nothing to do")
