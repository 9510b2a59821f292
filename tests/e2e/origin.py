# SPDX-License-Identifier: Apache-2.0
"""An HTTP(S) server for artifacts, which fails on request.

    origin = Origin(directory)
    origin.listen(sock)                      # http
    origin.listen(sock, certs.good)          # https, as many as needed
    origin.faults["/php7.tar"] = Fault(status=500, times=2)
    ...
    origin.asked("/php7.tar")                # the requests for it
    origin.close()

It serves the files below its directory, and `content`, by path. Ranges are
served (206, 416, If-Range by ETag) unless a fault says `ranges=False`.
"""
import dataclasses
import email.utils
import hashlib
import http.server
import os
import re
import socket
import ssl
import struct
import threading
import time

CHUNK = 65536


@dataclasses.dataclass
class Fault:
    """What goes wrong with a path. Offsets of truncate, reset and stall
    count the bytes of this answer's body, the one of flip those of the file.
    """
    times: int = 0              # only the first so many requests; 0: always
    status: int = 0             # answer with this status and no content
    headers: dict = dataclasses.field(default_factory=dict)  # added to it
    redirect: str = ""          # 302 to this address
    truncate: int = -1          # close in good order after so many bytes
    reset: int = -1             # break the connection after so many bytes
    stall: int = -1             # send nothing more after so many bytes
    silent: bool = False        # not even an answer
    flip: int = -1              # invert one bit of the byte at this offset
    rate: int = 0               # bytes a second
    ranges: bool = True         # False: always the whole file, with 200


@dataclasses.dataclass
class Request:
    time: float
    scheme: str
    method: str
    path: str
    headers: dict
    status: int = 0             # 0: none was sent
    sent: int = 0               # bytes of the body


class Origin:
    def __init__(self, directory):
        self.directory = os.fspath(directory)
        self.content = {}
        self.faults = {}
        self.requests = []
        self.connections = 0
        self.tls_errors = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._servers = []

    def listen(self, sock, cert=None):
        """Serve on a listening socket; cert is (certificate, key) paths."""
        server = _Server(self, sock, cert)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,),
                         daemon=True).start()
        return sock.getsockname()[1]

    def asked(self, path):
        with self.lock:
            return [r for r in self.requests if r.path == path]

    def forget(self):
        """Forget what was asked so far."""
        with self.lock:
            self.requests.clear()
            self.connections = 0
            self.tls_errors.clear()

    def fault_of(self, path):
        with self.lock:
            fault = self.faults.get(path)
            if fault and fault.times:
                if fault.times == 1:
                    del self.faults[path]
                else:
                    self.faults[path] = dataclasses.replace(
                        fault, times=fault.times - 1)
        return fault or Fault()

    def open(self, path):
        """The content of a path and its size, or None."""
        if path in self.content:
            return Content(self.content[path])
        name = os.path.normpath(self.directory + path)
        if name.startswith(self.directory + "/") and os.path.isfile(name):
            return Content(name)
        return None

    def close(self):
        self.closing.set()
        # Each ends at its next look; not one after the other.
        ends = [threading.Thread(target=server.shutdown)
                for server in self._servers]
        for thread in ends:
            thread.start()
        for thread in ends:
            thread.join()
        for server in self._servers:
            server.server_close()
        self._servers.clear()


class Content:
    """Bytes given in memory, or a file's, read in pieces."""

    def __init__(self, source):
        self._bytes = source if isinstance(source, bytes) else None
        self._name = source
        if self._bytes is not None:
            self.size, mtime = len(source), 0
            mark = hashlib.sha256(source).hexdigest()[:16]
        else:
            info = os.stat(source)
            self.size, mtime = info.st_size, info.st_mtime
            mark = f"{info.st_mtime_ns:x}-{info.st_size:x}"
        self.etag = f'"{mark}"'
        self.modified = email.utils.formatdate(mtime, usegmt=True)

    def pieces(self, first, last):
        if self._bytes is not None:
            yield self._bytes[first:last + 1]
            return
        with open(self._name, "rb") as file:
            file.seek(first)
            left = last + 1 - first
            while left > 0:
                piece = file.read(min(CHUNK, left))
                if not piece:
                    return
                left -= len(piece)
                yield piece


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, origin, sock, cert):
        super().__init__(sock.getsockname(), _Handler,
                         bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        self.origin = origin
        self.tls = None
        if cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*cert)

    def finish_request(self, request, client_address):
        with self.origin.lock:
            self.origin.connections += 1
        if self.tls:
            request.settimeout(30)
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError as error:
                with self.origin.lock:
                    self.origin.tls_errors.append(str(error))
                return
            request.settimeout(None)
        self.RequestHandlerClass(request, client_address, self)

    def handle_error(self, request, client_address):
        pass        # a client that goes away is what many tests are about


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        origin = self.server.origin
        self.path = self.path.split("?")[0]
        self.entry = Request(
            time.time(), "https" if self.server.tls else "http",
            self.command, self.path,
            {k.lower(): v for k, v in self.headers.items()})
        with origin.lock:
            origin.requests.append(self.entry)
        self.fault = origin.fault_of(self.path)
        if self.fault.silent:
            self._hang()
        elif self.fault.redirect:
            self._empty(302, {"Location": self.fault.redirect})
        elif self.fault.status:
            self._empty(self.fault.status, self.fault.headers)
        else:
            self._serve(origin.open(self.path))

    do_HEAD = do_GET

    def _empty(self, status, headers):
        body = f"{status}\n".encode()
        self._head(status, {**headers, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status, headers):
        self.entry.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _serve(self, content):
        if content is None:
            self._empty(404, {})
            return
        status, first, last = self._range(content)
        if status == 416:
            self._empty(416, {"Content-Range": f"bytes */{content.size}"})
            return
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(last + 1 - first),
            "ETag": content.etag, "Last-Modified": content.modified}
        if self.fault.ranges:
            headers["Accept-Ranges"] = "bytes"
        if status == 206:
            headers["Content-Range"] = f"bytes {first}-{last}/{content.size}"
        self._head(status, headers)
        if self.command != "HEAD":
            self._body(content, first, last)

    def _range(self, content):
        whole = 200, 0, content.size - 1
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)",
                              self.headers.get("Range", ""))
        if not wanted or not self.fault.ranges or wanted.group() == "bytes=-":
            return whole
        if self.headers.get("If-Range", content.etag) not in (
                content.etag, content.modified):
            return whole
        start, end = wanted.groups()
        if start:
            first = int(start)
            last = min(int(end) if end else content.size - 1,
                       content.size - 1)
        else:
            first, last = max(content.size - int(end), 0), content.size - 1
        if first >= content.size or first > last:
            return 416, 0, 0
        return 206, first, last

    def _body(self, content, first, last):
        fault, at = self.fault, first
        cut = max(fault.truncate, fault.reset, fault.stall)
        for piece in content.pieces(first, last):
            if at <= fault.flip < at + len(piece):
                piece = bytearray(piece)
                piece[fault.flip - at] ^= 1
            if cut >= 0:
                piece = piece[:max(cut - self.entry.sent, 0)]
            self._send(piece)
            at += len(piece)
            if cut >= 0 and self.entry.sent >= cut:
                self._break()
                return

    def _send(self, piece):
        step = max(self.fault.rate // 20, 1) if self.fault.rate else CHUNK
        for at in range(0, len(piece), step):
            part = piece[at:at + step]
            self.wfile.write(part)
            self.wfile.flush()
            self.entry.sent += len(part)
            if self.fault.rate and self.server.origin.closing.wait(0.05):
                raise ConnectionAbortedError

    def _break(self):
        if self.fault.stall >= 0:
            self._hang()
        elif self.fault.reset >= 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            os.close(self.connection.detach())      # no shutdown before
        self.close_connection = True

    def _hang(self):
        """Say nothing more until the client gives up, or the test ends."""
        self.connection.settimeout(0.1)
        while not self.server.origin.closing.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True
