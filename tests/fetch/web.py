# SPDX-License-Identifier: Apache-2.0
"""A web server that misbehaves to order, and certificates to go with it.

A route is a list of steps, one for each request; the last one repeats. A step
gets the request and the connection and writes what bytes it likes; it returns
True when the connection is to be kept.
"""
import socket
import ssl
import struct
import subprocess
import threading
import warnings


class Request:
    def __init__(self, line, headers, body):
        self.line = line
        self.method, self.target = line.split(" ")[:2]
        self.headers = headers          # names in lower case
        self.body = body

    @property
    def range(self):
        """First and last byte of Range: bytes=first-last."""
        first, _, last = self.headers["range"].removeprefix(
            "bytes=").partition("-")
        return int(first), int(last)


class Web:
    """greet(conn), where given, is all that is done with a connection."""

    def __init__(self, context=None, unix=None, host="127.0.0.1", greet=None,
                 scheme=None):
        self.greet = greet
        self.scheme = scheme or ("https" if context else "http")
        self.routes = {}
        self.requests = []
        self.connections = 0
        self.context = context
        self.lock = threading.Lock()
        self.open = []
        self.threads = []
        self.closing = False
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET,
                                     socket.SO_REUSEADDR, 1)
            self.listener.bind((host, 0))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        self._thread(self._accept)

    def url(self, path="/", host="127.0.0.1", user=""):
        return f"{self.scheme}://{user}{host}:{self.port}{path}"

    def on(self, path, *steps):
        self.routes[path] = list(steps)

    def close(self):
        """Only the thread that uses a socket closes it: a descriptor closed
        here could be another server's by the time its thread uses it."""
        self.closing = True
        hang_up(self.listener)
        with self.lock:
            for conn in self.open:
                hang_up(conn)
        for thread in self.threads:
            thread.join(10)

    def _accept(self):
        with self.listener:
            while not self.closing:
                try:
                    conn, _ = self.listener.accept()
                except OSError:
                    return
                self.connections += 1
                self._thread(self._serve, conn)

    def _thread(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _serve(self, conn):
        try:
            conn.settimeout(30)
            self._use(conn)
            if self.greet:
                self.greet(conn)
                return
            if self.context:
                conn = self.context.wrap_socket(
                    conn, server_side=True, do_handshake_on_connect=False)
                self._use(conn)
                conn.do_handshake()
            while not self.closing and self._one(conn):
                pass
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.remove(conn)
                conn.close()

    def _use(self, conn):
        with self.lock:
            self.open = [c for c in self.open if c.fileno() >= 0] + [conn]
            if self.closing:
                hang_up(conn)

    def _one(self, conn):
        data = b""
        while b"\r\n\r\n" not in data and len(data) < 1 << 20:
            more = conn.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        while len(body) < int(headers.get("content-length", 0)):
            body += conn.recv(65536)
        request = Request(lines[0], headers, body)
        with self.lock:
            self.requests.append(request)
            path = request.target.split("?")[0]
            steps = self.routes.get(path) or self.routes.get("*")
            if not steps:
                step = status(404, "Not Found")
            else:
                step = steps.pop(0) if len(steps) > 1 else steps[0]
        return step(request, conn)


def hang_up(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def head(code, phrase="OK", **fields):
    lines = [f"HTTP/1.1 {code} {phrase}"]
    lines += [f"{k.replace('_', '-')}: {v}" for k, v in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(data, keep=False):
    """These bytes, whatever was asked."""
    def step(request, conn):
        conn.sendall(data)
        return keep
    return step


def status(code, phrase, body=b"no\n", **fields):
    return raw(head(code, phrase, Content_Length=len(body), **fields) + body,
               keep=True)


def whole(body, **fields):
    return status(200, "OK", body, **fields)


def redirect(to, code=302):
    return status(code, "Found", Location=to)


def cut(body, after, reset=False, **fields):
    """Promise all of BODY, send AFTER bytes of it, break the connection."""
    def step(request, conn):
        fields.setdefault("Content_Length", len(body))
        conn.sendall(head(200, **fields) + body[:after])
        if reset:
            # Wait until the bytes were taken: a reset throws away the rest.
            drained(conn)
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        return False
    return step


def drained(conn):
    import array
    import fcntl
    import time
    left = array.array("i", [1])
    for _ in range(500):
        fcntl.ioctl(conn.fileno(), 0x5411, left)    # SIOCOUTQ
        if left[0] == 0:
            break
        time.sleep(0.01)
    time.sleep(0.2)


def ranged(body, cut_after=None, **fields):
    """A proper server of ranges; 200 without a usable Range."""
    def step(request, conn):
        wanted = request.headers.get("range")
        condition = request.headers.get("if-range")
        if wanted and condition in (fields.get("ETag"),
                                    fields.get("Last_Modified")):
            first = int(wanted[len("bytes="):].split("-")[0])
            part = body[first:]
            conn.sendall(head(206, "Partial Content",
                              Content_Length=len(part),
                              Content_Range=f"bytes {first}-"
                              f"{len(body) - 1}/{len(body)}", **fields))
        else:
            part = body
            conn.sendall(head(200, Content_Length=len(part), **fields))
        conn.sendall(part[:cut_after])
        return cut_after is None
    return step


class Parts:
    """A server of parts. The request for the whole brings two parts, a third
    when a part was asked for beside it, and then nothing more until it is
    hung up on; with BREAKS it breaks off then. Only then faults are shown,
    with HOLD; with RELEASE at once, and the whole goes on. FAULTS: steps for the part that begins at a byte, or for each (-1):
    the last one repeats for each, else what follows them is right. REST:
    steps of later requests for all that is left."""

    def __init__(self, body, size, etag, faults, rest=None, release=False,
                 breaks=False, hold=True):
        self.body, self.size, self.etag = body, size, etag
        self.faults, self.rest = faults, rest
        self.release, self.breaks = release, breaks
        self.hold = hold and not release

    def start(self):
        """A step, with a memory of its own."""
        asked, released, taken = (threading.Event() for _ in range(3))
        lock = threading.Lock()
        left = {at: list(steps) for at, steps in self.faults.items()}
        rest = list(self.rest or (ranged(self.body, ETag=self.etag),))

        def fault(at):
            with lock:
                if left.get(at):
                    return left[at].pop(0)
                steps = left.get(-1)
                if steps:
                    return steps.pop(0) if len(steps) > 1 else steps[0]
                return None

        def part(request, conn):
            asked.set()
            first, last = request.range
            step = fault(first)
            if step:
                if self.hold:
                    taken.wait(10)
                keep = step(request, conn)
                if self.release:
                    released.set()
                return keep
            data = self.body[first:last + 1]
            conn.sendall(head(
                206, "Partial Content", Content_Length=len(data),
                ETag=self.etag, Content_Range=f"bytes {first}-"
                f"{first + len(data) - 1}/{len(self.body)}") + data)
            return True

        def all_of_it(conn):
            conn.sendall(head(200, Content_Length=len(self.body),
                              ETag=self.etag, Accept_Ranges="bytes") +
                         self.body[:2 * self.size])
            asked.wait(10)
            if self.breaks:
                return False
            conn.sendall(self.body[2 * self.size:3 * self.size])
            conn.settimeout(0.05)
            for _ in range(200):
                if released.is_set():
                    conn.settimeout(30)
                    conn.sendall(self.body[3 * self.size:])
                    return True
                try:
                    conn.recv(1)
                    break
                except TimeoutError:
                    continue
            taken.set()
            return False

        def step(request, conn):
            if "if-match" in request.headers:
                return part(request, conn)
            if "range" not in request.headers:
                return all_of_it(conn)
            with lock:
                chosen = rest.pop(0) if len(rest) > 1 else rest[0]
            return chosen(request, conn)
        return step


def silence(seconds=20, first=b""):
    def step(request, conn):
        conn.sendall(first)
        conn.settimeout(seconds)
        conn.recv(1)
        return False
    return step


def openssl(*args, **kwargs):
    subprocess.run(["openssl", *args], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   **kwargs)


CA_CONF = """
[ca]
default_ca = here
[here]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Certificates:
    """A CA of our own, and servers' certificates by it."""

    def __init__(self, directory):
        self.dir = directory
        (directory / "index.txt").write_text("")
        (directory / "serial").write_text("01\n")
        (directory / "ca.conf").write_text(CA_CONF)
        self.ca = directory / "ca.pem"
        self._root("ca")
        self._root("stranger")
        self.good = self._issue("good", "IP:127.0.0.1,DNS:localhost")
        self.expired = self._issue("expired", "IP:127.0.0.1",
                                   "200101000000Z", "200201000000Z")
        self.future = self._issue("future", "IP:127.0.0.1",
                                  "20450101000000Z", "20460101000000Z")
        self.elsewhere = self._issue("elsewhere", "DNS:other.example")
        self.stranger = self._issue("strange", "IP:127.0.0.1", ca="stranger")
        self.self_signed = self._self_signed()
        self.wrong_purpose = self._issue(
            "purpose", "IP:127.0.0.1", more=("extendedKeyUsage=clientAuth",))
        self.weak_key = self._issue("weak", "IP:127.0.0.1", key="rsa:1024")
        self.sha1 = self._issue("sha1", "IP:127.0.0.1", digest="sha1")
        self.no_names = self._issue("127.0.0.1", None)
        self.by_a_leaf = self._issue("grandchild", "IP:127.0.0.1", ca="good",
                                     chain=True)

    def _root(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.pem", cwd=self.dir)

    def _issue(self, name, names, start=None, end=None, ca="ca", more=(),
               key="ec", digest="sha256", chain=False):
        curve = (["-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec"
                 else [])
        extensions = [f"subjectAltName={names}"] if names else []
        for extension in (*extensions, *more):
            curve += ["-addext", extension]
        openssl("req", "-newkey", key, *curve, "-nodes", "-subj",
                f"/CN={name}", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", cwd=self.dir)
        dates = (["-startdate", start, "-enddate", end] if start
                 else ["-days", "20"])
        openssl("ca", "-batch", "-config", "ca.conf", "-cert", f"{ca}.pem",
                "-keyfile", f"{ca}.key", "-in", f"{name}.csr", "-out",
                f"{name}.pem", "-notext", "-md", digest, *dates,
                cwd=self.dir)
        if chain:
            with open(self.dir / f"{name}.pem", "a") as file:
                file.write((self.dir / f"{ca}.pem").read_text())
        return self._context(name)

    def _self_signed(self):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "20", "-subj",
                "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", "alone.key", "-out", "alone.pem", cwd=self.dir)
        return self._context("alone")

    def _context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # What this side finds good enough is not the question.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(self.dir / f"{name}.pem",
                                self.dir / f"{name}.key")
        return context

    def old(self):
        """A server that knows no TLS after 1.1."""
        context = self._context("good")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():     # yes, they are deprecated
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context
