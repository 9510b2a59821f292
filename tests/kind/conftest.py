# SPDX-License-Identifier: Apache-2.0
"""A scratch place on this host: its own state directory, its own supervisord.

Nothing outside tmp_path is written: every profile gives supervisor.daemon,
so that the init system is left alone.
"""
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile
import time
import xmlrpc.client
import http.client
import socket

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 120        # of any one run of fitout

SUPERVISORD_CONF = """\
[unix_http_server]
file = %(here)s/supervisor.sock
chmod = 0700

[supervisord]
logfile = {place}/supervisord.log
pidfile = {place}/supervisord.pid
childlogdir = {place}
{more}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files = conf.d/*.conf
"""

PROGRAM = """\
[program:{name}]
command = {command}
startsecs = {startsecs}
startretries = {retries}
stopwaitsecs = 5
"""

# A program that says when it starts and stops, and how it is meant to fare.
# What it does comes from its arguments, and from no file beside it.
SLEEPER = """\
#!/bin/sh
echo "start $$ $*" >>"$1"
trap 'exit 0' TERM
while :; do
	sleep 1 &
	wait $!
done
"""


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def events(self):
        """What --json logged, as dictionaries."""
        return [json.loads(line) for line in self.err.splitlines()
                if line.startswith("{")]

    def error(self):
        """The message of the failed run, on one line."""
        found = re.findall(r"error: (.*)", self.err)
        assert found, self.err
        return max(found, key=lambda line: line.startswith("supervisor: "))


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.path))
        return connection


def make_tarball(path, files, top="tree"):
    """A tarball of one directory, the same for the same content; returns
    its digest."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            mode = 0o755 if content.startswith("#!") else 0o644
            data = content.encode()
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), mode, 1542712800
            archive.addfile(entry, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Place:
    """One scratch host."""

    def __init__(self, directory, fitout):
        self.fitout = fitout
        self.dir = directory
        self.root = None            # a directory: --root
        self.supervisor = directory / "supervisor"
        self.conf_d = self.supervisor / "conf.d"
        self.programs = directory / "programs"
        self.profile = directory / "profile.cfg"
        self.socket = self.supervisor / "supervisor.sock"
        for path in (self.conf_d, self.programs):
            path.mkdir(parents=True)

    # ---- fitout ----

    def run(self, *words, timeout=LIMIT_S):
        where = ["--root", self.root] if self.root else \
            ["--state", self.dir / "state"]
        return Result(subprocess.run(
            [self.fitout, *where, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=timeout))

    def apply(self, text, status=0, **how):
        self.profile.write_text(f'fitout = 1;\nname = "kind-test";\n{text}')
        done = self.run("apply", self.profile, **how)
        assert done.status == status, \
            f"exit {done.status}\n{done.out}\n{done.err}"
        assert "ERROR: AddressSanitizer" not in done.err, done.err
        assert "runtime error:" not in done.err, done.err
        assert "ERROR: LeakSanitizer" not in done.err, done.err
        return done

    # ---- what profiles are made of ----

    def main_conf(self, more=""):
        """A `files` entry of supervisord.conf."""
        text = SUPERVISORD_CONF.format(place=self.supervisor, more=more)
        return self.file(self.supervisor / "supervisord.conf", text)

    def file(self, to, text):
        return '{ to = "%s"; content = "%s"; }' % (
            to, text.replace("\\", "\\\\").replace('"', '\\"'))

    def program(self, name, command, startsecs=1, retries=1, more=""):
        """A `files` entry of a program file."""
        return self.file(self.conf_d / f"{name}.conf", PROGRAM.format(
            name=name, command=command, startsecs=startsecs,
            retries=retries) + more)

    def package(self, name, files):
        """A `packages` entry; the tarball is made."""
        path = self.dir / f"{name}.tar"
        digest = make_tarball(path, files)
        return ('{ name = "%s"; url = "file://%s"; sha256 = "%s"; '
                'into = "%s"; }' % (name, path, digest, self.programs / name))

    def supervisor_block(self, *programs, timeout=20, more=""):
        names = ", ".join(f'"{name}"' for name in programs)
        conf = self.supervisor / "supervisord.conf"
        return ('supervisor = { config = "%s"; programs = [ %s ]; timeout = '
                '%d; daemon = [ "supervisord", "-c", "%s" ]; %s };\n' % (
                    conf, names, timeout, conf, more))

    # ---- supervisord ----

    def rpc(self):
        return xmlrpc.client.ServerProxy(
            "http://localhost", transport=UnixTransport(self.socket)
        ).supervisor

    def states(self):
        return {each["name"]: each["statename"]
                for each in self.rpc().getAllProcessInfo()}

    def pids(self):
        return {each["name"]: each["pid"]
                for each in self.rpc().getAllProcessInfo()}

    def daemon_pid(self):
        try:
            pid = int((self.supervisor / "supervisord.pid").read_text())
            os.kill(pid, 0)
            return pid
        except (OSError, ValueError):
            return 0

    def close(self):
        pid = self.daemon_pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + 30
            while self.daemon_pid() and time.monotonic() < end:
                time.sleep(0.05)
            if self.daemon_pid():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def fitout():
    binary = pathlib.Path(os.environ.get(
        "FITOUT", TOP / "build/static/fitout"))
    if not binary.exists():
        pytest.skip(f"{binary} is not built: run tools/build")
    return binary


@pytest.fixture
def place(tmp_path, fitout):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if not shutil.which("supervisord"):
        pytest.skip("not installed: supervisor")
    made = Place(tmp_path, fitout)
    yield made
    made.close()
