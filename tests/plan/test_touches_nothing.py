# SPDX-License-Identifier: Apache-2.0
"""plan makes no system call that changes a file system, and writes nothing
but its result, its log and what its fetcher is told: by strace(1), on hosts in
every state that plan looks at differently. Its JSON is as its schema says.

FITOUT names another binary than build/static/fitout.
"""
import hashlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile

import jsonschema
import pytest

HERE = pathlib.Path(__file__).parent
TOP = HERE.parent.parent
FITOUT = os.environ.get("FITOUT", str(TOP / "build/static/fitout"))
SCHEMA = json.loads((TOP / "doc/plan.schema.json").read_text())

CHANGING = re.compile(
    r"^(creat|mkdir|mkdirat|rmdir|unlink|unlinkat|rename|renameat|renameat2|"
    r"link|linkat|symlink|symlinkat|mknod|mknodat|chmod|fchmod|fchmodat|"
    r"fchmodat2|chown|lchown|fchown|fchownat|truncate|ftruncate|fallocate|"
    r"utime|utimes|futimesat|utimensat|setxattr|lsetxattr|fsetxattr|"
    r"removexattr|lremovexattr|fremovexattr|mount|umount2|pivot_root|"
    r"sync|syncfs|fsync|fdatasync|sync_file_range|flock|copy_file_range|"
    r"sendfile|splice|quotactl|swapon|acct)$")
WRITING = re.compile(r"^(write|writev|pwrite64|pwritev|pwritev2|"
                     r"sendto|sendmsg|sendmmsg)$")
# strace -yy: "3<pipe:[5]>", "4<UNIX:[7->8]>" (a pair without a name), "5<TCP:".
CHANNEL = re.compile(r"^\d+<(pipe:|anon_inode:\[eventfd\]|"
                     r"UNIX(-\w+)?:\[\d+->\d+\]>|TCP:)")
CALL = re.compile(r"^\d+ +(\w+)\((.*)$")


def forbidden(line):
    """Why this line of strace's is no business of plan's, or None."""
    match = CALL.match(line)
    if not match:
        return None
    name, words = match.groups()
    if CHANGING.match(name):
        return "it changes something"
    if name in ("open", "openat", "openat2"):
        if '"/dev/null"' not in words and re.search(
                r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE", words):
            return "it opens for writing"
    if name == "bind" and "AF_UNIX" in words:
        return "it makes a socket's file"
    if name == "fcntl" and re.search(r"F_(OFD_)?SETLK|F_SETLEASE", words):
        return "it takes a lock"
    if WRITING.match(name) and not re.match(r"[12]<", words) and \
            not CHANNEL.match(words):
        return "it writes to something else"
    return None


@pytest.mark.parametrize("line", [
    '7 mkdirat(3</>, "x", 0755) = 0',
    '7 openat(AT_FDCWD</>, "/x", O_RDWR|O_CREAT, 0600) = 3',
    '7 write(3</tmp/x>, "x", 1) = 1',
    '7 flock(3</tmp/x>, LOCK_EX) = 0',
    '7 fdatasync(3</tmp/x>) = 0',
    '7 sendto(3<UNIX:[7->8,"/run/log"]>, "x", 1, 0, NULL, 0) = 1',
])
def test_such_calls_are_seen(line):
    assert forbidden(line)


@pytest.mark.parametrize("line", [
    '7 openat(3</>, "x", O_RDONLY|O_CLOEXEC) = 4',
    '7 write(1</tmp/out>, "x", 1) = 1',
    '7 write(5<pipe:[77]>, "x", 1) = 1',
    '7 write(5<anon_inode:[eventfd]>, "x", 8) = 8',
    '7 sendmsg(5<UNIX:[7->8]>, {}) = 8',
])
def test_such_calls_are_not(line):
    assert not forbidden(line)


class Host:
    def __init__(self, top):
        self.top = top
        (top / "served").mkdir()
        (top / "host").mkdir()
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            entry = tarfile.TarInfo("app/version")
            entry.size = 2
            tar.addfile(entry, io.BytesIO(b"1\n"))
        (top / "served/app.tar").write_bytes(data.getvalue())
        self.sum = hashlib.sha256(data.getvalue()).hexdigest()
        self.where = ["--state", f"{top}/state"]
        self.prefix = f"{top}/host"

    def image(self):
        self.where = ["--root", f"{self.top}/host"]
        self.prefix = ""

    def profile(self, web, more=""):
        p = self.prefix
        name = self.top / "p.cfg"
        name.write_text(f"""fitout = 1; name = "p";
packages = ( {{ name = "app"; url = "{web}/app.tar"; sha256 = "{self.sum}";
                into = "{p}/srv/app"; }} );
files = ( {{ from = "app:version"; to = "{p}/srv/version"; }},
          {{ content = "hello\\n"; to = "{p}/etc/motd"; mode = "0640"; }},
          {{ url = "file://{self.top}/served/app.tar"; unverified = true;
             to = "{p}/srv/loose"; }} );
directories = ( {{ path = "{p}/srv/data"; owner = "1"; }} );
links = ( {{ path = "{p}/srv/link"; target = "app"; }} );
{more}
""")
        return str(name)

    def run(self, *words):
        return subprocess.run([FITOUT, *self.where, *words], timeout=120,
                              capture_output=True, text=True)

    def apply(self, profile):
        done = self.run("apply", profile)
        assert done.returncode == 0, done.stderr

    def plan(self, profile, *words, status=10):
        log = self.top / "strace"
        done = subprocess.run(
            ["strace", "-f", "-qq", "-yy", "-s", "64", "-o", str(log),
             FITOUT, *self.where, "plan", "--exit-code", "--size-timeout",
             "60s", *words, profile],
            timeout=300, capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        lines = log.read_text(errors="replace").splitlines()
        assert len(lines) > 20
        assert any("execve(" in line for line in lines)
        bad = [f"{why}: {line}" for line in lines
               if (why := forbidden(line))]
        assert bad == []
        return done.stdout, lines


LIVE = """commands = ( { name = "made"; run = [ "true" ]; unless = [ "true" ]; } );
checks = ( { run = [ "true" ]; } );
agent = { kind = "command"; start = [ "true" ]; stop = [ "true" ]; };
"""


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.fixture
def web(host):
    server = subprocess.Popen(
        [sys.executable, str(HERE / "web.py"), str(host.top / "served")],
        stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    server.kill()
    server.wait()


def test_on_a_clean_host(host, web):
    out, lines = host.plan(host.profile(web, LIVE))
    assert "fetch 10.2 kB from http://" in out
    # The server was really asked, and by another process than plan's own.
    pids = {line.split()[0] for line in lines}
    asking = {line.split()[0] for line in lines if '"HEAD /app.tar' in line}
    assert len(asking) == 1 and asking < pids
    assert lines[0].split()[0] not in asking


def test_on_a_clean_host_as_json(host, web):
    out, _ = host.plan(host.profile(web, LIVE), "--json")
    plan = json.loads(out)
    jsonschema.validate(plan, SCHEMA)
    assert plan["fetch"] == {"things": 2, "bytes": 20480, "unknown": 0}


def test_in_an_image(host, web):
    host.image()
    out, _ = host.plan(host.profile(web), "--json")
    jsonschema.validate(json.loads(out), SCHEMA)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_on_a_live_host(host, web, words):
    profile = host.profile(web, LIVE)
    host.apply(profile)
    host.plan(profile, *words, status=0)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_on_a_host_that_drifted(host, web, words):
    profile = host.profile(web, LIVE)
    host.apply(profile)
    (host.top / "host/srv/app/version").write_text("2\n")
    (host.top / "host/etc/motd").chmod(0o600)
    (host.top / "host/srv/link").unlink()
    (host.top / "state/ready").unlink()
    out, _ = host.plan(profile, *words)
    if words:
        plan = json.loads(out)
        jsonschema.validate(plan, SCHEMA)
        assert plan["gate"] == "opens" and plan["agents"] == ["agent"]


@pytest.mark.parametrize("words", [(), ("--json",)])
@pytest.mark.parametrize("block", ["commands", "checks", "agent"])
def test_after_a_run_that_was_cut_short(host, web, block, words):
    kill = '[ "sh", "-c", "kill -9 $PPID; sleep 10" ]'
    more = {
        "commands": f'commands = ( {{ name = "kill"; run = {kill};'
                    ' unless = [ "false" ]; } );',
        "checks": f"checks = ( {{ run = {kill}; }} );",
        "agent": f'agent = {{ kind = "command"; start = {kill};'
                 ' stop = [ "true" ]; };',
    }[block]
    profile = host.profile(web, more)
    assert host.run("apply", profile).returncode == -signal.SIGKILL
    out, _ = host.plan(profile, *words)
    assert "the run before was" in out
    if words:
        jsonschema.validate(json.loads(out), SCHEMA)
