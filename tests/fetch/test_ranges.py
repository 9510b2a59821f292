# SPDX-License-Identifier: Apache-2.0
"""Parts of a large body at once, with the limits as they are: what is asked
for, over how many connections, and in how much memory. (How servers of parts
misbehave: behaviours.py.)"""
import random
import subprocess
import threading
import time

import pytest

from behaviours import part_of
from conftest import CLEAN
from web import head, status

MIB = 1 << 20
PART = 2 * MIB
BODY = random.Random(9).randbytes(26 * MIB + 12345)
ETAG = '"v1"'


class Paced:
    """A server of parts that gives each connection some 50 MB a second, and
    knows how many it gave at once."""

    def __init__(self, body=BODY, each=0.005):
        self.body, self.each = body, each
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, request, conn):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return self._answer(request, conn)
        finally:
            with self.lock:
                self.now -= 1

    def _answer(self, request, conn):
        size = len(self.body)
        if "range" in request.headers:
            assert request.headers["if-match"] == ETAG
            first, last = request.range
            conn.sendall(head(
                206, "Partial Content", Content_Length=last + 1 - first,
                Content_Range=f"bytes {first}-{last}/{size}", ETag=ETAG))
        else:
            first, last = 0, size - 1
            conn.sendall(head(200, Content_Length=size, ETag=ETAG,
                              Accept_Ranges="bytes"))
        for at in range(first, last + 1, MIB // 4):
            self.pace(conn, self.body[at:min(at + MIB // 4, last + 1)])
        return True

    def pace(self, conn, data):
        conn.sendall(data)
        time.sleep(self.each)


def parts_asked(web):
    return [q.range for q in web.requests if "range" in q.headers]


def fetched(fetchcat, tmp_path, *args, quiet=True):
    """To a file: who reads a pipe here may be slow, and then there are no
    parts."""
    with open(tmp_path / "f", "wb") as out:
        done = subprocess.run([fetchcat, *args], stdout=out,
                              stderr=subprocess.PIPE, text=True, env=CLEAN,
                              timeout=60)
    assert done.returncode == 0, done.stderr
    assert not (quiet and "retry" in done.stderr)
    return (tmp_path / "f").read_bytes()


# That they bring more here is not to be judged on a machine that is busy.
UNPROVEN = ("--prove", "0")


def test_each_byte_is_asked_for_once_beside_the_first_request(
        web, fetchcat, tmp_path):
    paced = Paced()
    web.on("/f", paced)
    assert fetched(fetchcat, tmp_path, *UNPROVEN, web.url("/f")) == BODY
    assert "range" not in web.requests[0].headers
    asked = sorted(parts_asked(web))
    assert len(asked) >= 5
    for (first, last), (follows, _) in zip(asked, asked[1:]):
        assert last + 1 == follows and last + 1 - first == PART
    assert asked[-1][1] == len(BODY) - 1
    # The first one's, of which a server may not know yet that it was hung up
    # on, and no more than four of the others.
    assert 2 <= paced.most <= 5 and web.connections <= 5


def test_a_body_that_is_not_large_comes_from_one_connection(web, fetch):
    body = BODY[:15 * MIB]
    web.on("/f", Paced(body))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == body
    assert len(web.requests) == web.connections == 1


def test_a_reader_that_is_slower_has_one_connection(web, fetch):
    body = BODY[:17 * MIB]
    web.on("/f", Paced(body))
    r = fetch("--pause", 40, web.url("/f"))
    assert r.code == 0 and r.out == body
    assert len(web.requests) == 1


def test_one_connection_is_all_a_server_sees_where_it_is_asked_for(web,
                                                                   fetch):
    web.on("/f", Paced())
    r = fetch("--connections", 1, web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert len(web.requests) == 1


def test_a_limit_holds_for_all_parts_together(web, fetch):
    web.on("/f", Paced())
    _, text = fetch("--max", 20 * MIB, web.url("/f")).failure()
    assert f"more than the limit of {20 * MIB}" in text


def test_the_deadline_holds_for_all_parts_together(web, fetch):
    class Slower(Paced):
        def _answer(self, request, conn):
            if "range" in request.headers and request.range[0] > 10 * MIB:
                time.sleep(4)
            return super()._answer(request, conn)
    web.on("/f", Slower())
    start = time.monotonic()
    kind, text = fetch(*UNPROVEN, "--timeout", 2000,
                       web.url("/f")).failure()
    assert kind == "timeout" and "not finished in the time allowed" in text
    assert time.monotonic() - start < 4


def test_a_proxy_is_asked_for_whole_things(web, fetch):
    web.on("*", Paced())
    web.on("http://origin.test/f", Paced())
    r = fetch("http://origin.test/f",
              env={"http_proxy": f"http://127.0.0.1:{web.port}"})
    assert r.code == 0 and r.out == BODY
    assert len(web.requests) == 1


def test_three_at_once_share_the_room_for_parts(web, fetchcat):
    """8 MiB for parts, however many transfers."""
    paced = Paced()
    for name in "abc":
        web.on(f"/{name}", paced)
    process = subprocess.Popen(
        [fetchcat, *UNPROVEN, "--each", *(web.url(f"/{name}") for name in "abc")],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=CLEAN)
    anonymous = 0
    while process.poll() is None:
        anonymous = max(anonymous, anonymous_of_children(process.pid))
        time.sleep(0.01)
    said = process.stderr.read()
    assert process.returncode == 0, said
    assert said.count("done id=") == 3
    assert said.count(f" bytes={len(BODY)}\n") == 3
    assert len(parts_asked(web)) > 5
    assert paced.most <= 8          # three wholes, and parts
    assert 0 < anonymous < (64 if "sanitize" in fetchcat else 16) * MIB


class Link:
    """What all connections share: RATE bytes a second together."""

    def __init__(self, rate):
        self.rate, self.lock = rate, threading.Lock()
        self.free_at = 0

    def send(self, conn, data):
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + len(data) / self.rate
            wait = self.free_at - now
        time.sleep(wait)
        conn.sendall(data)


class Limited(Paced):
    """A fast server behind a link that is the limit."""

    def __init__(self, rate):
        super().__init__()
        self.link = Link(rate)

    def pace(self, conn, data):
        self.link.send(conn, data)


def test_where_the_link_is_the_limit_one_connection_goes_on(
        web, fetchcat, tmp_path):
    """One part, or a few where a reader held things up, shows that more
    connections bring no more."""
    web.on("/f", Limited(10_000_000))
    assert fetched(fetchcat, tmp_path, web.url("/f")) == BODY
    assert 1 <= len(parts_asked(web)) <= 3
    assert len(web.requests) == 1 + len(parts_asked(web))


def test_where_each_connection_is_paced_others_are_asked_for(
        web, fetchcat, tmp_path):
    web.on("/f", Paced(each=0.03))
    assert fetched(fetchcat, tmp_path, web.url("/f")) == BODY
    asked = sorted(parts_asked(web))
    assert len(asked) >= 5
    for (first, last), (follows, _) in zip(asked, asked[1:]):
        assert last + 1 == follows and last + 1 - first == PART


def test_six_at_once_find_that_parts_help(web, fetchcat):
    """One more connection is little, beside six: what counts is what it does
    not take from them."""
    for name in "abcdef":
        web.on(f"/{name}", Paced(each=0.03))
    web.on("/a", Paced(BODY * 2, each=0.03))
    done = subprocess.run(
        [fetchcat, "--each", *(web.url(f"/{name}") for name in "abcdef")],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=CLEAN, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("done id=") == 6
    assert len(parts_asked(web)) > 6


class SlowLater(Paced):
    """Paces a connection after 8 MiB."""

    def __init__(self):
        super().__init__(BODY * 2, each=0.02)
        self.sent = 0

    def pace(self, conn, data):
        self.sent += len(data)
        if self.sent > 8 * MIB:
            super().pace(conn, data)
        else:
            conn.sendall(data)


def test_whose_reader_held_it_up_asks_for_parts_later(web, fetchcat,
                                                      tmp_path):
    """After 8 MiB that came slowly, not after 4."""
    web.on("/f", SlowLater())
    held = 4 * MIB
    assert fetched(fetchcat, tmp_path, *UNPROVEN, "--full", str(held),
                   web.url("/f")) == BODY * 2
    asked = sorted(parts_asked(web))
    assert asked and asked[0][0] >= held + 8 * MIB


class Faulty(Paced):
    """The first part that is asked for is not as it should be."""

    def __init__(self, fault):
        super().__init__(each=0.01)
        self.fault = fault

    def _answer(self, request, conn):
        if "range" in request.headers and self.fault:
            fault, self.fault = self.fault, None
            return fault(request, conn)
        return super()._answer(request, conn)


FAULTS = {
    "cut": part_of(BODY, cut_to=1000),
    "absent": status(404, "Not Found"),
    "too many": status(429, "Too Many Requests"),
    "of another thing": part_of(BODY, ETag='"v2"'),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_first_part_that_fails_costs_nothing(web, fetchcat, tmp_path,
                                               fault):
    web.on("/f", Faulty(fault))
    assert fetched(fetchcat, tmp_path, web.url("/f"), quiet=False) == BODY
    assert len(parts_asked(web)) >= 1


class Dripping(Paced):
    """So slow, after its first bytes, that it is never done; not slow enough to
    be given up."""

    def pace(self, conn, data):
        conn.sendall(data[:1024])
        for at in range(1024, len(data), 1024):
            time.sleep(0.2)
            conn.sendall(data[at:at + 1024])


def test_one_that_drips_keeps_no_other_from_its_end(web, fetchcat):
    web.on("/slow", Dripping())
    for name in "ab":
        web.on(f"/{name}", Paced(BODY * 2, each=0.01))
    done = subprocess.run(
        [fetchcat, "--timeout", "9000", "--each",
         *(web.url(f"/{name}") for name in ("slow", "a", "b"))],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=CLEAN, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("done id=") == 2, done.stderr


def anonymous_of_children(pid):
    """Bytes of memory of their own that the children hold now."""
    total = 0
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        for child in children:
            with open(f"/proc/{child}/status") as file:
                for line in file:
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return total
