# SPDX-License-Identifier: Apache-2.0
"""profiles/demo.cfg with the real nginx and PHP under a real supervisord:
validate, plan, apply, upgrades that fail and that do not."""
import hashlib
import re

import pytest

import snapshot
from conftest import TOP
from machine import PATH

pytestmark = pytest.mark.host

PREFIX = "/usr/local"           # where the archives were made for
PROGRAMS = f"{PREFIX}/programs"
CONFIG = f"{PREFIX}/supervisor/supervisord.conf"
STATE = "/var/lib/fitout"
# Written to by what runs, not by fitout.
ALIVE = (STATE, f"{PREFIX}/supervisor/supervisord.log", f"{PREFIX}/agent",
         f"{PROGRAMS}/nginx/logs", f"{PROGRAMS}/php7/var")


class Demo:
    def __init__(self, scene, tarballs):
        """Of the scene only the host, the origin and the environment."""
        self.host, self.origin = scene.host, scene.origin
        self.environment = {**scene.environment, "PATH": PATH}
        for name in ("common.cfg", "demo.cfg"):
            self.host.disk.write(f"/etc/fitout/{name}",
                                 (TOP / "profiles" / name).read_text())
        self.host.disk.copy(TOP / "profiles/demo-agent",
                            f"{PREFIX}/agent/demo-agent", 0o755)
        for origin, name in (("old", "nginx1.14.tar"),
                             ("new", "nginx1.16.tar.gz")):
            self.origin.content[f"/{origin}/nginx1.14.tar"] = \
                (tarballs / name).read_bytes()
            self.origin.content[f"/{origin}/php7.tar"] = \
                (tarballs / "php7.tar.zst").read_bytes()

    def change(self, *pairs):
        name = "/etc/fitout/demo.cfg"
        text = self.host.disk.read(name)
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        self.host.disk.write(name, text)

    def sum(self, path):
        return hashlib.sha256(self.origin.content[path]).hexdigest()

    def fitout(self, *words, origin="old"):
        settings = {
            "prefix": PREFIX, "origin": f"http://origin.test/{origin}",
            "http_port": 80, "fpm_port": 9000,
            "nginx_sha256": self.sum(f"/{origin}/nginx1.14.tar"),
            "php_sha256": self.sum(f"/{origin}/php7.tar")}
        return self.host.run(
            "/usr/local/bin/fitout",
            *[w for k, v in settings.items() for w in ("--set", f"{k}={v}")],
            *words, "/etc/fitout/demo.cfg", timeout=150, check=False,
            env=self.environment)

    def apply(self, **how):
        done = self.fitout("apply", **how)
        assert done.status == 0, done.err
        return done.out

    def get(self, path):
        return self.host.run("curl", "-sS", "-m", "10",
                             f"http://127.0.0.1{path}").out

    def pid(self, program):
        return self.host.run("supervisorctl", "-c", CONFIG, "pid",
                             program).out

    def spawned(self):
        return re.findall(r"spawned: '(\S+)'", self.host.read(
            f"{PREFIX}/supervisor/supervisord.log"))

    def agent_says(self):
        return [line.split()[1] for line in self.host.read(
            f"{PREFIX}/agent/agent.log").splitlines()]

    def look(self):
        return self.host.disk.snapshot(*ALIVE, "/etc/fitout")


@pytest.fixture
def demo(scene, tarballs):
    return Demo(scene, tarballs)


@pytest.fixture
def serving(demo):
    demo.apply()
    assert demo.get("/version.txt") == "nginx1.14\n"
    assert "6*7=42" in demo.get("/index.php")
    demo.origin.forget()
    return demo


def test_validate_plan_apply_plan(demo):
    before = demo.host.disk.snapshot()
    done = demo.fitout("validate")
    assert done.status == 0, done.err
    assert re.fullmatch(r"/etc/fitout/demo.cfg: ok \(\d+ resources\)\n",
                        done.out)
    done = demo.fitout("plan", "--exit-code")
    assert done.status == 10, done.err
    for label in ("package nginx", "package php7", "supervisor", "agent",
                  f"file {CONFIG}", "check page"):
        assert label in done.out
    assert snapshot.diff(before, demo.host.disk.snapshot()) == []
    # Nothing is fetched: the origin is asked how large it is.
    assert {(r.method, r.path) for r in demo.origin.requests} == {
        ("HEAD", "/old/nginx1.14.tar"), ("HEAD", "/old/php7.tar")}
    for name in ("nginx1.14.tar", "php7.tar"):
        size = len(demo.origin.content[f"/old/{name}"])
        assert f"fetch {size / 1e6:.1f} MB from http://origin.test/old/{name}"\
            in done.out
    demo.apply()
    assert "6*7=42" in demo.get("/index.php")
    before = demo.look()
    demo.origin.forget()
    done = demo.fitout("plan", "--exit-code")
    assert done.status == 0, done.out
    assert "package" not in done.out, done.out
    assert "nothing to do" in demo.apply()
    assert demo.origin.connections == 0
    assert snapshot.diff(before, demo.look()) == []
    assert demo.agent_says() == ["started"]


def test_an_upgrade_restarts_what_changed(serving):
    logs = f"{PROGRAMS}/nginx/logs"
    serving.host.disk.write(f"{logs}/of-before.log", "kept\n")
    access = serving.host.read(f"{logs}/access.log")
    nginx, php = serving.pid("nginx"), serving.pid("php-fpm")
    serving.apply(origin="new")
    assert serving.get("/version.txt") == "nginx1.16\n"
    assert "6*7=42" in serving.get("/index.php")
    assert serving.host.read(f"{logs}/of-before.log") == "kept\n"
    assert serving.host.read(f"{logs}/access.log").startswith(access)
    assert serving.pid("nginx") != nginx
    assert serving.pid("php-fpm") == php
    assert sorted(serving.spawned()) == ["nginx", "nginx", "php-fpm"]
    assert serving.agent_says() == ["started", "stopped", "started"]
    # The archive of PHP is what is there: it is not fetched.
    assert serving.origin.asked("/new/php7.tar") == []


def test_an_upgrade_that_fails_leaves_the_old_serving(serving):
    serving.change(("6*7=42", "6*7=43"), ("timeout = 60", "timeout = 3"))
    logs = f"{PROGRAMS}/nginx/logs"
    serving.host.disk.write(f"{logs}/of-before.log", "kept\n")
    before = serving.look()
    configuration = serving.host.read(f"{PROGRAMS}/nginx/conf/nginx.conf")
    php = serving.pid("php-fpm")
    done = serving.fitout("apply", origin="new")
    assert done.status == 1, done.err
    assert "check page: http://127.0.0.1:80/index.php does not hold" \
        in done.err
    assert "The host is as it was before." in done.err
    assert "The agent runs on what was there before." in done.err
    assert serving.origin.asked("/new/nginx1.14.tar")
    assert serving.get("/version.txt") == "nginx1.14\n"
    assert "6*7=42" in serving.get("/index.php")
    assert serving.host.read(f"{PROGRAMS}/nginx/conf/nginx.conf") == \
        configuration
    assert serving.host.read(f"{logs}/of-before.log") == "kept\n"
    assert snapshot.diff(before, serving.look()) == []
    assert serving.pid("php-fpm") == php
    # Old, new, old again.
    assert sorted(serving.spawned()) == ["nginx", "nginx", "nginx", "php-fpm"]
    assert serving.agent_says() == ["started", "stopped", "started"]
    assert serving.host.exists("/run/fitout/ready")
    # What the state says is what is there.
    serving.change(("6*7=43", "6*7=42"), ("timeout = 3;", "timeout = 60;"))
    assert "nothing to do" in serving.apply()
