# SPDX-License-Identifier: Apache-2.0
"""A host below a temporary directory, and an origin whose answers wait.

    stand = Stand(tmp_path)
    stand.serve("/a.tar", b"...")        # a path of the origin
    answer = stand.origin.next("/a.tar") # the next request for it has come
    answer.send(1000)                    # so many bytes of the body
    answer.finish() / answer.reset() / answer.refuse(503)
"""
import hashlib
import io
import os
import pathlib
import queue
import socket
import struct
import subprocess
import tarfile
import threading

TOP = pathlib.Path(__file__).resolve().parents[2]
FITOUT = os.environ.get("FITOUT", str(TOP / "build/static/fitout"))
WAIT_S = 60


def tar_of(files):
    """A tar of {name: bytes}, with one directory at its top."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo("top/" + name)
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Answer:
    """One request that waits to be answered, in the test's own words."""

    def __init__(self, connection, body, first):
        self.connection = connection
        self.body = body
        self.at = first
        self.begun = False

    def _begin(self):
        if self.begun:
            return
        self.begun = True
        total = len(self.body)
        head = "HTTP/1.1 200 OK\r\n"
        if self.at:
            head = (f"HTTP/1.1 206 Partial\r\nContent-Range: "
                    f"bytes {self.at}-{total - 1}/{total}\r\n")
        self.connection.sendall((
            f"{head}Content-Length: {total - self.at}\r\n"
            'ETag: "same"\r\nAccept-Ranges: bytes\r\n\r\n').encode())

    def send(self, to):
        """The body up to the offset TO."""
        self._begin()
        self.connection.sendall(self.body[self.at:to])
        self.at = max(to, self.at)

    def finish(self):
        self.send(len(self.body))
        self.connection.close()

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.connection.close()

    def refuse(self, status):
        self.connection.sendall(
            f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n"
            "Retry-After: 0\r\nConnection: close\r\n\r\n".encode())
        self.connection.close()


class Origin:
    """Requests go to a queue for each path; nothing is answered by itself
    but what is in `free`."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.content, self.queues, self.free = {}, {}, set()
        self.answers = []       # a socket that nobody holds is closed
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def serve(self, path, body):
        self.queues[path] = queue.Queue()
        self.content[path] = body

    def next(self, path):
        return self.queues[path].get(timeout=WAIT_S)

    def close(self):
        # Closed under accept(), the number would be another one's next.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(WAIT_S)
        self.socket.close()
        for answer in self.answers:
            answer.connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,),
                             daemon=True).start()

    def _read(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                connection.close()
                return
            head += more
        path = head.split()[1].decode()
        first = 0
        for line in head.decode("latin-1").split("\r\n"):
            if line.lower().startswith("range: bytes="):
                first = int(line.split("=")[1].split("-")[0])
        answer = Answer(connection, self.content[path], first)
        self.answers.append(answer)
        if path in self.free:
            answer.finish()
        else:
            self.queues[path].put(answer)


class Stand:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.root = self.directory / "root"
        self.root.mkdir()
        self.origin = Origin()
        self.blocks = []

    def close(self):
        self.origin.close()

    def serve(self, path, body, free=False):
        self.origin.serve(path, body)
        if free:
            self.origin.free.add(path)
        return (f"http://127.0.0.1:{self.origin.port}{path}",
                hashlib.sha256(body).hexdigest())

    def package(self, name, size=200000, free=False, seed=b"x"):
        """A package of the profile, of about SIZE bytes; its answer waits
        unless FREE."""
        block = (seed * size)[:size]
        url, digest = self.serve(f"/{name}.tar", tar_of({"data": block}),
                                 free)
        self.blocks.append(
            f'{{ name = "{name}"; url = "{url}"; sha256 = "{digest}";'
            f' into = "/srv/{name}"; }}')

    def write(self, more="", name="web"):
        path = self.directory / "web.cfg"
        path.write_text(
            f'fitout = 1;\nname = "{name}";\nbudget = "2m";\n'
            f'packages = (\n{",".join(self.blocks)}\n);\n{more}\n')
        return path

    def argv(self, *words, progress="auto"):
        return [FITOUT, "--progress", progress, "--root", str(self.root),
                *words]

    def run(self, *words, progress="none", **more):
        return subprocess.run(self.argv(*words, progress=progress),
                              capture_output=True, text=True, timeout=WAIT_S,
                              **more)

    @property
    def report(self):
        return self.root / "var/lib/fitout/report.json"
