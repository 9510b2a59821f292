# SPDX-License-Identifier: Apache-2.0
"""The ways in which a server misbehaves, and what becomes of it: one row
each. test_behaviours.py has every row's server misbehave towards the fetcher,
and towards a whole `fitout apply` where the row says so.

Run as a program it prints the table.

What becomes of a fetch:
    WHOLE     the right bytes arrive
    REFUSED   an error, which names the server and the reason
    DIGEST    HTTP is content, the bytes are wrong: the digest refuses them
"""
import dataclasses
import gzip
import hashlib
import io
import random
import socket
import struct
import tarfile
import time

from web import (Parts, cut, head, ranged, raw, redirect, silence, status,
                 whole)

WHOLE, REFUSED, DIGEST = "whole", "refused", "digest"
ANY = -1
ETAG = '"v1"'


def archive():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        data = random.Random(7).randbytes(300_000)
        entry = tarfile.TarInfo("tree/noise")
        entry.size, entry.mtime = len(data), 1_500_000_000
        t.addfile(entry, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


BODY = archive()
SHA256 = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2
OTHER = random.Random(8).randbytes(len(BODY))
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>\n"


@dataclasses.dataclass
class Row:
    name: str               # what the server does
    steps: tuple            # web.py's, one a request, the last one repeats
    verdict: str
    words: str = ""         # of the message
    requests: int = 1       # that reach the server, in all; ANY: depends
    connections: int = 0    # where it is these that count
    server: str = "http"    # or one of web.py's certificates, or SERVERS
    options: tuple = ()     # of the probe
    path: str = "/f.bin"
    more: dict = dataclasses.field(default_factory=dict)  # other paths
    seconds: float = 15     # it must have ended by then
    apply: str = ""         # also in a whole run; what its profile adds


# ---- servers that are none ----

def reset(conn):
    conn.recv(10)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))


def deaf(conn):
    conn.settimeout(20)
    while conn.recv(65536):
        pass


def plain(conn):
    conn.recv(65536)
    conn.sendall(status_line())


def hello_then_cut(conn):
    conn.recv(65536)
    conn.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + b"\0" * 40)


SERVERS = {
    "reset": dict(greet=reset),
    "tls: reset": dict(greet=reset, scheme="https"),
    "tls: deaf": dict(greet=deaf, scheme="https"),
    "tls: plain http": dict(greet=plain, scheme="https"),
    "tls: cut hello": dict(greet=hello_then_cut, scheme="https"),
}


# ---- steps ----

def status_line():
    return head(200, Content_Length=len(BODY))


def headers(*lines, body=BODY):
    """Exactly these header lines."""
    return raw(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]) + body)


def chunks(*texts, body=b""):
    return raw(head(200, Transfer_Encoding="chunked") + b"".join(texts) + body)


def slowly(first, seconds=20):
    """FIRST, and then one byte at a time."""
    def step(request, conn):
        conn.sendall(first)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            conn.sendall(b"x")
            time.sleep(0.05)
        return False
    return step


def endless(first, block):
    """FIRST, then BLOCK as long as anyone takes it (at most 100 MB)."""
    def step(request, conn):
        conn.sendall(first)
        for _ in range(100_000_000 // len(block)):
            conn.sendall(block)
        return False
    return step


def close_notify(data):
    def step(request, conn):
        conn.sendall(data)
        conn.unwrap()
        return False
    return step


def flipped(data):
    return data[:HALF] + bytes([data[HALF] ^ 1]) + data[HALF + 1:]


def range_of(data, first, total=None, shown=None, **fields):
    """A 206 that says it begins at SHOWN."""
    part = data[first:]
    fields = {"ETag": ETAG, **fields}
    shown = first if shown is None else shown
    return raw(head(206, "Partial Content", Content_Length=len(part),
                    Content_Range=f"bytes {shown}-{shown + len(part) - 1}/"
                    f"{total or len(data)}", **fields) + part)


def echo(request, conn):
    """Say the request's secrets back, wherever a message could pick them
    up."""
    query = request.target.partition("?")[2]
    conn.sendall(f"HTTP/1.1 404 {query} "
                 f"{request.headers.get('authorization', '')}\r\n"
                 "Content-Length: 0\r\n\r\n".encode())
    return True


# ---- parallel ranges: parts of 32 KiB; the request for the whole brings 96
# of them before the parts take over, the first three are asked for beside it

PART = 32768
# (that they help is not looked at: test_ranges.py).
RANGES = ("--range", PART, "--ranges-from", 1, "--fast", 10**9,
          "--prove", 0)
ALL_PARTS = 1 + -(-(len(BODY) - 3 * PART) // PART)     # requests


def parts(faults=None, **more):
    return (Parts(BODY, PART, ETAG, faults or {}, **more),)


def part_of(data=BODY, shift=0, total=None, extra=b"", cut_to=None,
            reset_after=False, **fields):
    """An answer to the part that was asked for, not as it should be."""
    def step(request, conn):
        first, last = request.range
        first, last = first + shift, min(last + shift, len(data) - 1)
        body = data[first:last + 1]
        told = {"Content_Length": len(body), "ETag": ETAG, "Content_Range":
                f"bytes {first}-{last}/{total or len(data)}", **fields}
        told = {k: v for k, v in told.items() if v is not None}
        conn.sendall(head(206, "Partial Content", **told) +
                     body[:cut_to] + extra)
        if reset_after:
            time.sleep(0.05)
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        return cut_to is None and not extra
    return step


def late(seconds):
    def step(request, conn):
        time.sleep(seconds)
        return part_of()(request, conn)
    return step


CHANGED = ranged(OTHER, ETag='"v2"')
QUICK = ("--stall", "250", "--attempts", "2")
PACE = ("--pace-window", "500", "--pace-bytes", "1000", "--attempts", "2")
SHORT = 'budget = "4s";'
TO_ETAG = cut(BODY, HALF, ETag=ETAG)

ROWS = [
    # ---- it breaks off ----
    Row("closes in the middle of the body, always", (cut(BODY, HALF),),
        REFUSED, "broke off after", 5, apply=" "),
    Row("closes in the middle of the body, once",
        (cut(BODY, HALF), whole(BODY)), WHOLE, requests=2),
    Row("resets in the middle of the body, once",
        (cut(BODY, HALF, reset=True, ETag=ETAG), ranged(BODY, ETag=ETAG)),
        WHOLE, requests=2, apply=" "),
    Row("resets every connection", (), REFUSED, "connection broke", 0,
        connections=5, server="reset"),
    Row("closes without an answer", (raw(b""),), REFUSED,
        "closed the connection without an answer", 5),
    Row("closes in the middle of the status line", (raw(b"HTTP/1.1 20"),),
        REFUSED, "", 5),
    Row("closes in the middle of the headers",
        (raw(b"HTTP/1.1 200 OK\r\nContent-Len"),), REFUSED,
        "in the middle of its headers", 5),
    Row("closes one byte before the end", (cut(BODY, len(BODY) - 1),),
        REFUSED, "broke off after", 5),
    Row("closes where a Content-Length of one more was promised",
        (cut(BODY, len(BODY), Content_Length=len(BODY) + 1),), REFUSED,
        "broke off after", 5),
    # ---- it is silent, or slow ----
    Row("never answers", (silence(),), REFUSED, "no byte for", 2,
        options=QUICK, apply=SHORT),
    Row("stalls in the status line", (silence(first=b"HTTP/1.1 "),), REFUSED,
        "no byte for", 2, options=QUICK),
    Row("stalls in the headers",
        (silence(first=b"HTTP/1.1 200 OK\r\nContent-"),), REFUSED,
        "no byte for", 2, options=QUICK),
    Row("stalls in the body", (silence(first=status_line() + BODY[:HALF]),),
        REFUSED, "no byte for", 2, options=QUICK, apply=SHORT),
    Row("stalls before the last chunk",
        (silence(first=head(200, Transfer_Encoding="chunked") +
                 b"4\r\nabcd\r\n"),), REFUSED, "no byte for", 2,
        options=QUICK),
    Row("stalls in the TLS handshake", (), REFUSED, "no connection within",
        0, connections=2, server="tls: deaf",
        options=("--connect", "300", "--attempts", "2")),
    Row("slow loris: headers byte by byte",
        (slowly(b"HTTP/1.1 200 OK\r\nX-Long: "),), REFUSED, "too slow", 2,
        options=PACE),
    Row("slow loris: the body byte by byte", (slowly(status_line()),),
        REFUSED, "too slow", 2, options=PACE, apply=SHORT),
    Row("slow loris: a redirect's body byte by byte",
        (slowly(head(302, Location="/f.bin", Content_Length=9999)),),
        REFUSED, "too slow", 2, options=PACE),
    # ---- lengths ----
    Row("promises less than it sends",
        (raw(head(200, Content_Length=HALF) + BODY),), DIGEST, apply=" "),
    Row("Content-Length is hexadecimal",
        (headers(b"Content-Length: 0x10"),), REFUSED, "Content-Length"),
    Row("Content-Length has words behind",
        (headers(b"Content-Length: 10 bytes"),), REFUSED, "", 1),
    Row("Content-Length is negative", (headers(b"Content-Length: -1"),),
        REFUSED, "Content-Length"),
    Row("Content-Length is empty", (headers(b"Content-Length:"),), REFUSED,
        "Content-Length", 1),
    Row("Content-Length overflows",
        (headers(b"Content-Length: 99999999999999999999999"),), REFUSED, "",
        1),
    Row("two Content-Lengths that differ",
        (headers(b"Content-Length: 10", b"Content-Length: 11"),), REFUSED,
        "two Content-Lengths", 1, apply=" "),
    Row("Content-Length and Transfer-Encoding",
        (chunks(body=b"4\r\nabcd\r\n0\r\n\r\n"),
         ), DIGEST),
    Row("Transfer-Encoding: chunked with a Content-Length",
        (raw(head(200, Content_Length=4, Transfer_Encoding="chunked") +
             b"4\r\nabcd\r\n0\r\n\r\n"),), REFUSED,
        "a Content-Length and a Transfer-Encoding"),
    Row("Transfer-Encoding that was not asked for",
        (headers(b"Transfer-Encoding: gzip, chunked"),), REFUSED, "", 1),
    # ---- bodies ----
    Row("an endless body", (endless(head(200), b"z" * 65536),), REFUSED,
        "limit of 1000000 bytes", options=("--max", "1000000"),
        apply="max_size = 1000000;"),
    Row("a body larger than allowed, announced",
        (raw(head(200, Content_Length=10**12)),), REFUSED,
        "more than the limit", options=("--max", "1000000"),
        apply="max_size = 1000000;"),
    Row("one bit is another", (whole(flipped(BODY)),), DIGEST, apply=" "),
    Row("200 with a page of HTML", (whole(HTML, Content_Type="text/html"),),
        DIGEST, apply=" "),
    Row("200 with nothing", (whole(b""),), DIGEST, apply=" "),
    Row("no length, and closes early", (raw(head(200) + BODY[:HALF]),),
        DIGEST, apply=" "),
    Row("no length, all of it", (raw(head(200) + BODY),), WHOLE),
    Row("HTTP/1.0 without a length",
        (raw(b"HTTP/1.0 200 OK\r\n\r\n" + BODY),), WHOLE),
    Row("bytes after the end, and another answer",
        (raw(head(200, Content_Length=len(BODY)) + BODY +
             head(200, Content_Length=4) + b"evil", keep=True),), WHOLE),
    Row("gzip that was not asked for",
        (whole(gzip.compress(BODY), Content_Encoding="gzip"),), REFUSED,
        'Content-Encoding "gzip"', apply=" "),
    Row("deflate that was not asked for",
        (whole(BODY, Content_Encoding="deflate"),), REFUSED,
        'Content-Encoding "deflate"'),
    Row("an unknown coding", (whole(BODY, Content_Encoding="\x1b[31m"),),
        REFUSED, "Content-Encoding"),
    Row("a .tar.gz labelled as gzip",
        (whole(BODY, Content_Encoding="gzip"),), WHOLE, path="/f.tar.gz",
        apply=" "),
    # ---- chunks ----
    Row("chunk sizes that are none", (chunks(b"zz\r\n", BODY),), REFUSED, "",
        5),
    Row("a chunk size that overflows",
        (chunks(b"fffffffffffffffff\r\n", BODY),), REFUSED, "", 5),
    Row("a chunk longer than it says",
        (chunks(b"4\r\nabcdefgh\r\n0\r\n\r\n"),), REFUSED, "", 5),
    Row("chunks without an end", (chunks(b"4\r\nabcd\r\n"),), REFUSED, "",
        5),
    Row("endless trailers",
        (endless(head(200, Transfer_Encoding="chunked") + b"0\r\n",
                 b"X-More: " + b"y" * 1000 + b"\r\n"),), REFUSED,
        "256 KiB of headers"),
    # ---- ranges ----
    Row("206 without being asked",
        (raw(head(206, "Part", Content_Length=10,
                  Content_Range="bytes 0-9/20") + BODY[:10]),), REFUSED,
        "not asked for", apply=" "),
    Row("another range than asked for",
        (TO_ETAG, range_of(BODY, HALF - 1)), REFUSED, "another part", 2),
    Row("a range from elsewhere that says it is the right one",
        (TO_ETAG, range_of(b"x" + BODY, HALF, total=len(BODY))), REFUSED, "",
        2),
    Row("a range whose Content-Range is junk",
        (TO_ETAG, raw(head(206, "Part", ETag=ETAG, Content_Length=10,
                           Content_Range="bytes ten-twenty/many"))), REFUSED,
        "Content-Range is malformed", 2),
    Row("a range of a longer file",
        (TO_ETAG, ranged(BODY + b"x", ETag=ETAG)), REFUSED, "changed while",
        2),
    Row("416 with another size",
        (TO_ETAG, status(416, "No Range", Content_Range="bytes */5")),
        REFUSED, "changed while", 2),
    Row("ignores the range and sends all",
        (TO_ETAG, whole(BODY, ETag=ETAG)), WHOLE, requests=2),
    # ---- parallel ranges ----
    Row("ranges: as they should be", parts(), WHOLE, requests=ALL_PARTS,
        options=RANGES),
    Row("ranges: the first one comes last",
        parts({3 * PART: (late(0.3),)}, hold=False), WHOLE,
        requests=ALL_PARTS, options=RANGES),
    Row("ranges: one stalls",
        parts({4 * PART: (silence(), part_of())}), WHOLE,
        requests=ALL_PARTS + 1, options=(*RANGES, "--stall", 400)),
    Row("ranges: one stalls in its body",
        parts({5 * PART: (silence(first=head(
            206, Content_Length=PART, ETag=ETAG, Content_Range=f"bytes "
            f"{5 * PART}-{6 * PART - 1}/{len(BODY)}") +
            BODY[5 * PART:5 * PART + 99]),), 5 * PART + 99: (part_of(),)}),
        WHOLE, requests=ALL_PARTS + 1, options=(*RANGES, "--stall", 400)),
    Row("ranges: one is cut",
        parts({6 * PART: (part_of(cut_to=1000),)}), WHOLE,
        requests=ALL_PARTS + 1, options=RANGES),
    Row("ranges: one is reset",
        parts({4 * PART: (part_of(cut_to=0, reset_after=True),)}), WHOLE,
        requests=ANY, options=RANGES),
    Row("ranges: each is cut, always",
        parts({ANY: (part_of(cut_to=0),)}, release=True), WHOLE,
        requests=ANY, options=RANGES),
    Row("ranges: one is cut, always, and so is the rest",
        parts({4 * PART: (part_of(cut_to=0),) * 9}, rest=(cut(b"", 0),)), REFUSED,
        "changed while", requests=ANY, options=RANGES),
    Row("ranges: another part than asked for",
        parts({4 * PART: (part_of(shift=PART),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: they overlap",
        parts({5 * PART: (part_of(shift=-100),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: a part that says it is the right one, and is not",
        parts({5 * PART: (part_of(shift=-100, Content_Range=f"bytes "
               f"{5 * PART}-{6 * PART - 1}/{len(BODY)}"),)}), DIGEST,
        requests=ALL_PARTS, options=RANGES),
    Row("ranges: 200 with all of it to a later one",
        parts({7 * PART: (whole(BODY, ETag=ETAG),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: 200 to each, at once",
        parts({ANY: (whole(BODY, ETag=ETAG),)}, release=True), WHOLE,
        requests=ANY, options=RANGES),
    Row("ranges: 416 to a later one",
        parts({6 * PART: (status(416, "No Range"),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: a redirect of a later one",
        parts({6 * PART: (redirect("/g"),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: several parts in one answer",
        parts({6 * PART: (raw(head(
            206, Content_Length=4, ETag=ETAG,
            Content_Type="multipart/byteranges; boundary=x") + b"--x\n"),)}),
        WHOLE, requests=ANY, options=RANGES),
    Row("ranges: without a length",
        parts({6 * PART: (part_of(Content_Length=None, extra=b"evil"),)}),
        WHOLE, requests=ANY, options=RANGES),
    Row("ranges: gzip that was not asked for",
        parts({6 * PART: (part_of(Content_Encoding="gzip"),)}), WHOLE,
        requests=ANY, options=RANGES),
    Row("ranges: garbage instead of a later one",
        parts({6 * PART: (raw(b"\x16\x03\x01\0\1\0" * 9),)}), WHOLE,
        requests=ANY, options=RANGES),
    Row("ranges: 429 to the third connection",
        parts({5 * PART: (status(429, "Slow Down"),)}), WHOLE,
        requests=ALL_PARTS + 1, options=RANGES),
    Row("ranges: 503 to each, with a Retry-After",
        parts({ANY: (status(503, "Busy", Retry_After="30"),)},
              release=True), WHOLE, requests=ANY, options=RANGES),
    Row("ranges: closes extra connections without an answer",
        parts({ANY: (raw(b""),)}, release=True), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: 403 to a later one, and to the rest",
        parts({6 * PART: (status(403, "Forbidden"),)},
              rest=(status(403, "Forbidden"),)), REFUSED, "403 Forbidden",
        requests=ANY, options=RANGES),
    Row("ranges: the whole breaks off while they are under way",
        parts({ANY: (late(1),)}, breaks=True, hold=False), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: an ETag that is weak", (whole(
        BODY, ETag='W/"v1"', Accept_Ranges="bytes"),), WHOLE,
        options=RANGES),
    Row("ranges: no ETag", (whole(BODY, Accept_Ranges="bytes"),), WHOLE,
        options=RANGES),
    Row("ranges: not offered", (whole(BODY, ETag=ETAG),), WHOLE,
        options=RANGES),
    Row("ranges: offered as none", (whole(
        BODY, ETag=ETAG, Accept_Ranges="none"),), WHOLE, options=RANGES),
    Row("ranges: another ETag in a later one, nothing changed",
        parts({6 * PART: (part_of(ETag='"node-b"'),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: no ETag in a later one",
        parts({6 * PART: (part_of(ETag=None),)}), WHOLE, requests=ANY,
        options=RANGES),
    Row("ranges: 412 to each, nothing changed",
        parts({ANY: (status(412, "Precondition Failed"),)}, release=True),
        WHOLE, requests=ANY, options=RANGES),
    Row("ranges: content changes, another ETag",
        parts({6 * PART: (part_of(OTHER, ETag='"v2"'),)}, rest=(CHANGED,)),
        REFUSED, "changed while", requests=ANY, options=RANGES),
    Row("ranges: content changes, 412",
        parts({6 * PART: (status(412, "Precondition Failed"),)},
              rest=(CHANGED,)), REFUSED, "changed while", requests=ANY,
        options=RANGES),
    Row("ranges: content changes, another size",
        parts({6 * PART: (part_of(BODY + b"x"),)},
              rest=(ranged(BODY + b"x", ETag=ETAG),)), REFUSED,
        "changed while", requests=ANY, options=RANGES),
    Row("ranges: content changes, the same ETag",
        parts({6 * PART: (part_of(OTHER),)}), DIGEST, requests=ALL_PARTS,
        options=RANGES),
    # ---- content that changes ----
    Row("another ETag at the second request",
        (TO_ETAG, whole(OTHER, ETag='"v2"')), REFUSED, "changed while", 2,
        apply=" "),
    Row("another size at the second request",
        (cut(BODY, HALF), whole(BODY + b"x")), REFUSED, "changed while", 2),
    Row("other bytes at the second request, the same ETag",
        (TO_ETAG, ranged(OTHER, ETag=ETAG)), DIGEST, requests=2, apply=" "),
    Row("other bytes at the second request, no validator",
        (cut(BODY, HALF), whole(OTHER)), DIGEST, requests=2),
    # ---- redirects ----
    Row("redirects to itself", (redirect("/f.bin"),), REFUSED,
        "more than 5 times", 6, apply=" "),
    Row("redirects in a circle", (redirect("/g"),), REFUSED,
        "more than 5 times", 6, more={"/g": (redirect("/f.bin"),)}),
    Row("redirects nowhere", (status(302, "Found"),), REFUSED,
        "without saying where to"),
    Row("redirects to a file", (redirect("file:///etc/passwd"),), REFUSED,
        "other than http and https", apply=" "),
    Row("redirects to ftp", (redirect("ftp://127.0.0.1/f"),), REFUSED,
        "other than http and https"),
    Row("redirects to gopher", (redirect("gopher://127.0.0.1:1/x"),),
        REFUSED, "other than http and https"),
    Row("redirects to what is no address", (redirect("http://[::1/f"),),
        REFUSED, ""),
    Row("redirects from https to http", (redirect("http://127.0.0.1:1/f"),),
        REFUSED, "from https to http", server="good", apply=" "),
    Row("redirects to the metadata service",
        (redirect("http://169.254.169.254/latest/meta-data/"),), REFUSED,
        "an address local to this host: refused", apply=" "),
    Row("redirects to the metadata service, in decimal",
        (redirect("http://2852039166/latest/meta-data/"),), REFUSED,
        "an address local to this host: refused"),
    Row("redirects to the metadata service, IPv6",
        (redirect("http://[fd00:ec2::254]/latest/"),), REFUSED,
        "an address local to this host: refused"),
    Row("redirects to the metadata service, IPv4 in IPv6",
        (redirect("http://[::ffff:169.254.169.254]/latest/"),), REFUSED,
        "an address local to this host: refused"),
    Row("redirects to the link", (redirect("http://169.254.7.7/f"),),
        REFUSED, "an address local to this host: refused"),
    Row("redirects with an endless page",
        (endless(head(302, Location="/g"), b"z" * 65536),), REFUSED,
        "with a page of more than 64 KiB", more={"/g": (whole(BODY),)}),
    # ---- heads ----
    Row("100 MB of headers",
        (endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 1000 + b"\r\n"),),
        REFUSED, "256 KiB of headers", apply=" "),
    Row("one header line of 100 MB",
        (endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),), REFUSED,
        "a header line of more than 100 KB"),
    Row("100 Continue without end",
        (endless(b"", head(100, "Continue")),), REFUSED,
        "256 KiB of headers"),
    Row("103 Early Hints before the answer",
        (raw(head(103, "Hints", Link="</a>") + status_line() + BODY),),
        WHOLE),
    Row("binary headers",
        (headers(*[bytes([i]) * 20 for i in range(128, 255)]),), REFUSED),
    Row("a NUL in a header", (headers(b"X-Nul: a\0b"),), REFUSED),
    Row("headers without colons",
        (headers(b"Nonsense", b"Content-Length: %d" % len(BODY)),), REFUSED),
    Row("answers in HTTP/0.9", (raw(BODY),), REFUSED, "HTTP/0.9",
        apply=" "),
    Row("answers in HTTP/2",
        (raw(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5"),),
        REFUSED, "HTTP/0.9"),
    Row("answers in TLS to http",
        (raw(b"\x15\x03\x01\x00\x02\x02\x16" * 3),), REFUSED, "HTTP/0.9"),
    Row("no status", (raw(b"HTTP/1.1 OK\r\n\r\n" + BODY),), REFUSED, ""),
    # ---- statuses ----
    Row("204 No Content", (raw(head(204, "No Content")),), REFUSED,
        "204 No Content", apply=" "),
    Row("304 Not Modified", (raw(head(304, "Not Modified")),), REFUSED,
        "304 Not Modified", apply=" "),
    Row("201 Created", (status(201, "Created", BODY),), REFUSED,
        "201 Created"),
    Row("401 with a challenge",
        (status(401, "Unauthorized", WWW_Authenticate='Basic realm="x"'),),
        REFUSED, "401 Unauthorized"),
    Row("403 Forbidden", (status(403, "Forbidden"),), REFUSED,
        "403 Forbidden"),
    Row("404 Not Found", (status(404, "Not Found"),), REFUSED,
        "404 Not Found", apply=" "),
    Row("410 Gone", (status(410, "Gone"),), REFUSED, "410 Gone"),
    Row("500, always", (status(500, "Oops"),), REFUSED,
        "500 Oops (5 attempts)", 5, apply=" "),
    Row("503, once", (status(503, "Busy"), whole(BODY)), WHOLE, requests=2),
    Row("429, once, with Retry-After",
        (status(429, "Slow", Retry_After="1"), whole(BODY)), WHOLE,
        requests=2),
    Row("503 with a Retry-After of a year",
        (status(503, "Busy", Retry_After="31536000"),), REFUSED, "503 Busy"),
    Row("503 with a Retry-After that is none",
        (status(503, "Busy", Retry_After="soon"), whole(BODY)), WHOLE,
        requests=2),
    Row("says secrets back", (echo,), REFUSED, "404",
        path="/f.bin?X-Amz-Signature=s3cretsignature&token=t0kent0ken"),
    Row("terminal escapes in its phrase",
        (status(404, "\x1b]0;owned\x07"),), REFUSED, "\\x1b]0;owned",
        apply=" "),
    # ---- TLS ----
    Row("TLS: cut without close_notify, no length, always",
        (raw(head(200) + BODY),), REFUSED, "broke", 5, server="good"),
    Row("TLS: cut without close_notify, no length, once",
        (raw(head(200) + BODY[:HALF]), whole(BODY)), WHOLE, requests=2,
        server="good", apply=" "),
    Row("TLS: closed properly, no length",
        (close_notify(head(200) + BODY),), WHOLE, server="good"),
    Row("TLS: a certificate that has expired", (whole(BODY),), REFUSED,
        "expired", 0, connections=1, server="expired", apply=" "),
    Row("TLS: a certificate not yet valid", (whole(BODY),), REFUSED,
        "not yet valid (or is this host's clock wrong?)", 0, connections=1,
        server="future"),
    Row("TLS: another host's certificate", (whole(BODY),), REFUSED,
        "certificate refused", 0, connections=1, server="elsewhere",
        apply=" "),
    # (As private CAs still do; it is their word that this is the host.)
    Row("TLS: the host in the common name only", (whole(BODY),), WHOLE,
        server="no_names"),
    Row("TLS: self-signed", (whole(BODY),), REFUSED, "certificate refused",
        0, connections=1, server="self_signed", apply=" "),
    Row("TLS: by an unknown CA", (whole(BODY),), REFUSED,
        "certificate refused", 0, connections=1, server="stranger"),
    Row("TLS: signed by a certificate that is no CA", (whole(BODY),),
        REFUSED, "certificate refused", 0, connections=1,
        server="by_a_leaf"),
    Row("TLS: a client's certificate", (whole(BODY),), REFUSED,
        "certificate refused", 0, connections=1, server="wrong_purpose"),
    Row("TLS: RSA of 1024 bits", (whole(BODY),), REFUSED,
        "certificate refused", 0, connections=1, server="weak_key"),
    Row("TLS: signed with SHA-1", (whole(BODY),), REFUSED,
        "certificate refused", 0, connections=1, server="sha1"),
    Row("TLS: 1.0 and 1.1 only", (whole(BODY),), REFUSED,
        "no TLS 1.2 or later with it: ", 0, connections=1, server="old", apply=" "),
    Row("TLS: plain http instead", (), REFUSED, "no TLS 1.2 or later with it: ", 0,
        connections=1, server="tls: plain http"),
    Row("TLS: reset in the handshake", (), REFUSED, "", 0, connections=5,
        server="tls: reset"),
    Row("TLS: cut in the handshake", (), REFUSED, "", 0, connections=5,
        server="tls: cut hello"),
]


def table(rows=ROWS):
    for row in rows:
        said = f" {row.words!r}" if row.words else ""
        count = (f"{row.connections} connections" if row.connections
                 else f"{row.requests} requests")
        yield (f"{row.name:58} {row.verdict:8} {count:14} "
               f"{'apply' if row.apply else '':6}{said}")


if __name__ == "__main__":
    print(*table(), f"{len(ROWS)} behaviours", sep="\n")
