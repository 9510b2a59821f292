# SPDX-License-Identifier: Apache-2.0
"""Applying a second time: nothing to do, or an upgrade, with the real nginx
and PHP under a real supervisord."""
import re
import subprocess

import pytest

PROGRAMS = "/usr/local/programs"
STATE = "/var/lib/fitout"
PROFILE = """fitout = 1;
name = "web";
budget = "2m";
vars = { base = "http://origin.test"; programs = "/usr/local/programs"; };
packages = (
  { name = "nginx"; url = "${base}/%(nginx)s"; sha256 = "%(nginx_sum)s";
    into = "${programs}/nginx"; keep = [ "logs" ]; },
  { name = "php7"; url = "${base}/php7.tar.zst"; sha256 = "%(php_sum)s";
    into = "${programs}/php7"; }
);
files = (
  { from = "nginx:logrotate.d/nginx"; to = "/etc/logrotate.d/nginx"; },
  { from = "nginx:supervisor.d/nginx.conf";
    to = "/etc/supervisor/conf.d/nginx.conf"; },
  { from = "php7:etc/supervisor.d/php-fpm.conf";
    to = "/etc/supervisor/conf.d/php-fpm.conf"; }
);
supervisor = { programs = [ "nginx", "php-fpm" ]; };
checks = ( { http = "http://127.0.0.1/"; body = "6*7=42"; } );
agent = { kind = "command"; start = [ "touch", "/srv/agent" ];
          status = [ "test", "-e", "/srv/agent" ];
          stop = [ "rm", "/srv/agent" ]; };
"""


class Web:
    def __init__(self, host, cloud, fitout, tarballs):
        self.host = host
        host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
        self.sums = {}
        for line in (tarballs / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split()
            self.sums[name] = digest
        for name in ("nginx1.14.tar", "nginx1.16.tar.gz", "php7.tar.zst"):
            cloud.origin.content["/" + name] = (tarballs / name).read_bytes()

    def profile(self, nginx):
        self.host.disk.write("/etc/fitout/web.cfg", PROFILE % {
            "nginx": nginx, "nginx_sum": self.sums[nginx],
            "php_sum": self.sums["php7.tar.zst"]})
        return ["/usr/local/bin/fitout", "apply", "/etc/fitout/web.cfg"]

    def apply(self, nginx):
        return self.host.run(*self.profile(nginx), timeout=150).out

    def get(self, path):
        return self.host.run("curl", "-sS", "-m", "10",
                             f"http://127.0.0.1{path}").out

    def pid(self, program):
        return self.host.run("supervisorctl", "pid", program).out

    def spawned(self):
        return re.findall(r"spawned: '(\S+)'", self.host.read(
            "/var/log/supervisor/supervisord.log"))


@pytest.fixture
def web(box, cloud, fitout, tarballs):
    made = Web(box("bookworm"), cloud, fitout, tarballs)
    made.apply("nginx1.14.tar")
    return made


def test_an_upgrade_keeps_logs_and_restarts_what_changed(web):
    assert "6*7=42" in web.get("/")
    assert web.get("/version.txt") == "nginx1.14\n"
    web.host.disk.write(f"{PROGRAMS}/nginx/logs/of-before.log", "kept\n")
    access = web.host.read(f"{PROGRAMS}/nginx/logs/access.log")
    nginx, php = web.pid("nginx"), web.pid("php-fpm")
    web.apply("nginx1.16.tar.gz")
    assert web.get("/version.txt") == "nginx1.16\n"
    assert "6*7=42" in web.get("/")
    logs = f"{PROGRAMS}/nginx/logs"
    assert web.host.read(f"{logs}/of-before.log") == "kept\n"
    assert web.host.read(f"{logs}/access.log").startswith(access)
    assert web.pid("nginx") != nginx
    assert web.pid("php-fpm") == php
    assert web.spawned().count("nginx") == 2
    assert web.spawned().count("php-fpm") == 1
    assert web.host.exists("/srv/agent")


# Calls that change a file system by a path, and those that open.
CHANGES = ("mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link "
           "linkat symlink symlinkat mknod mknodat chmod fchmodat chown "
           "lchown fchownat utimensat truncate creat mount setxattr").split()
OPENS = ["open", "openat", "openat2"]


def written_places(trace, root):
    """The paths that successful calls of a strace -yy file wrote to."""
    for line in trace.splitlines():
        called = re.match(r"\d+ +(\w+)\((.*)\) += (?!-1)", line)
        if not called or called.group(1) not in CHANGES + OPENS:
            continue
        call, words = called.groups()
        if call in OPENS and not re.search(
                r"O_(WRONLY|RDWR|CREAT|TRUNC)", words):
            continue
        place = re.match(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', words)
        assert place, line
        below, name = place.groups()
        yield (name if name.startswith("/") or not below
               else f"{below}/{name}").removeprefix(str(root))


def test_a_second_apply_does_nothing(web, cloud, tmp_path):
    cloud.origin.forget()
    nginx = web.pid("nginx")
    command = web.profile("nginx1.14.tar")
    before = web.host.disk.snapshot(STATE)
    trace = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-y", "-o", trace, "-e", "trace=" + ",".join(
            CHANGES + OPENS + ["socket", "connect", "execve"]),
         *web.host.inside(command, 100)],
        env=web.host.environment(None), capture_output=True, text=True,
        timeout=150)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    text = trace.read_text()
    ours = text[text.index('execve("/usr/local/bin/fitout"'):]
    places = list(written_places(ours, web.host.disk.root))
    # The lock at least: an empty list would say that nothing was traced.
    assert f"{STATE}/lock" in places, ours
    allowed = (STATE + "/", "/dev/null")
    assert [p for p in places if not p.startswith(allowed)] == []
    assert "AF_INET" not in ours
    assert cloud.origin.connections == 0
    assert web.host.disk.snapshot(STATE) == before
    assert web.pid("nginx") == nginx
