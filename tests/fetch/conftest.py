# SPDX-License-Identifier: Apache-2.0
import os
import re
import subprocess

import pytest

from web import Certificates, Web

LIMIT_S = 60        # of any one run of the probe

# The environment of the person who runs the tests says nothing here.
CLEAN = {k: v for k, v in os.environ.items()
         if not k.lower().endswith("_proxy") and
         k not in ("SSL_CERT_FILE", "SSL_CERT_DIR")}


class Event(dict):
    def __getattr__(self, name):
        return self[name]


class Result:
    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err.decode()
        self.events = [self._event(line) for line in self.err.splitlines()
                       if re.match(r"(started|retry|mirror|done|failed) id=",
                                   line)]

    @staticmethod
    def _event(line):
        kind, _, rest = line.partition(" ")
        fields, _, text = rest.partition(" text=")
        event = Event(kind=kind, text=text)
        for field in fields.split():
            name, _, value = field.partition("=")
            event[name] = int(value) if value.isdigit() else value
        return event

    def kinds(self):
        return [event.kind for event in self.events]

    def failure(self):
        """The final event or error that says why it failed."""
        assert self.code == 1, self.err
        last = self.err.splitlines()[-1]
        match = re.match(r"(?:failed|error) .*?code=(\S+) text=(.*)", last)
        assert match, self.err
        return match.group(1), match.group(2)


@pytest.fixture(scope="session")
def fetchcat():
    path = os.environ.get("FETCHCAT")
    assert path and os.access(path, os.X_OK), \
        "set FETCHCAT to the built tests/fetch/fetchcat"
    return path


@pytest.fixture
def fetch(fetchcat):
    """Run the probe with short waits; keyword env adds variables."""
    def run(*args, env=None, prefix=()):
        command = [*prefix, fetchcat, "--backoff", "5", *map(str, args)]
        done = subprocess.run(command, capture_output=True, timeout=LIMIT_S,
                              env={**CLEAN, **(env or {})},
                              stdin=subprocess.DEVNULL)
        # Shown by pytest when the test fails.
        print("$", *command[len(prefix):])
        print(done.stderr.decode(), f"exit status {done.returncode}")
        return Result(done.returncode, done.stdout, done.stderr)
    return run


@pytest.fixture
def web():
    server = Web()
    yield server
    print("the server was asked:", *[q.line for q in server.requests])
    server.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serve():
    """More servers: serve(context=..., unix=...)."""
    servers = []

    def start(**kwargs):
        servers.append(Web(**kwargs))
        return servers[-1]
    yield start
    for server in servers:
        server.close()


@pytest.fixture
def refused():
    """An address at which nothing listens."""
    import socket
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))      # bound, never listening
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"
