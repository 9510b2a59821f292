# SPDX-License-Identifier: Apache-2.0
"""Streams over plain http: what is retried, resumed, refused."""
import os
import random
import time
from email.utils import formatdate

import pytest

from web import (cut, head, ranged, raw, redirect, silence, status, whole)

BODY = random.Random(1).randbytes(300_000)
SMALL = b"the whole of it\n"


def test_a_file_arrives_whole_and_its_size_is_announced(web, fetch):
    web.on("/f", whole(BODY))
    r = fetch(web.url("/f"))
    assert (r.code, r.out) == (0, BODY)
    assert r.kinds() == ["started", "done"]
    assert r.events[0].size == len(BODY) == r.events[1].bytes
    assert r.events[0].status == 200


def test_the_request_says_no_more_than_it_must(web, fetch):
    web.on("/f", whole(SMALL, Set_Cookie="a=b; Path=/"))
    assert fetch("--repeat", 2, web.url("/f")).code == 0
    for request in web.requests:
        assert set(request.headers) == {"host", "user-agent", "accept"}
        assert request.headers["accept"] == "*/*"
        assert request.headers["user-agent"].startswith("fitout/")


def test_an_empty_file_is_a_file(web, fetch):
    web.on("/f", whole(b""))
    r = fetch(web.url("/f"))
    assert (r.code, r.out, r.events[-1].size) == (0, b"", 0)


def test_a_slow_reader_is_not_taken_for_a_stalled_server(web, fetch):
    body = BODY * 20                 # more than pipe and sockets hold
    web.on("/f", whole(body))
    r = fetch("--stall", 300, "--pause", 400, web.url("/f"))
    assert r.code == 0 and r.out == body
    assert r.kinds() == ["started", "done"]
    assert len(web.requests) == 1


@pytest.mark.parametrize("piece", [4096, 70_001, 262_144])
def test_what_a_full_pipe_has_no_room_for_comes_in_its_turn(web, fetch,
                                                            piece):
    body = random.Random(piece).randbytes(3_000_001 + 7 * piece)
    web.on("/f", whole(body))
    r = fetch("--pause", 1, "--read", piece, web.url("/f"))
    assert r.code == 0 and r.out == body
    assert r.kinds() == ["started", "done"]
    assert len(web.requests) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 410, 451])
def test_a_final_status_is_asked_for_once(web, fetch, code):
    web.on("/f", status(code, "Some Words"))
    kind, text = fetch(web.url("/f")).failure()
    assert kind == "network"
    assert text == f"http://127.0.0.1:{web.port}/f: {code} Some Words"
    assert len(web.requests) == 1


def test_after_a_404_the_next_mirror_is_asked(web, fetch):
    web.on("/b", whole(SMALL))
    r = fetch(web.url("/a"), web.url("/b"))
    assert (r.code, r.out) == (0, SMALL)
    assert r.kinds() == ["mirror", "started", "done"]
    assert r.events[0].mirror == 1
    assert "404 Not Found" in r.events[0].text


def test_when_all_mirrors_fail_each_reason_is_named(web, fetch, refused):
    web.on("/b", status(403, "Forbidden"))
    kind, text = fetch("--attempts", 2, web.url("/a"), web.url("/b"),
                       refused + "/c").failure()
    assert kind == "network"
    assert f"{web.port}/a: 404 Not Found; " in text
    assert f"{web.port}/b: 403 Forbidden; " in text
    assert text.endswith("/c: cannot connect: Connection refused "
                         "(2 attempts)")


def test_many_mirrors_do_not_push_the_reasons_out(web, fetch):
    urls = [web.url("/" + "x" * 300 + str(i)) for i in range(16)]
    _, text = fetch(*urls).failure()
    assert text.startswith("13 other mirrors failed; ")
    assert text.count("404 Not Found") == 3
    assert "17 mirrors" in fetch(*urls, urls[0]).failure()[1]


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_passing_trouble_is_tried_again(web, fetch, code):
    web.on("/f", status(code, "Wait"), status(code, "Wait"), whole(SMALL))
    r = fetch(web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)
    assert r.kinds() == ["retry", "retry", "started", "done"]
    assert [e.attempt for e in r.events] == [1, 2, 3, 3]
    assert f"{code} Wait" in r.events[0].text
    assert len(web.requests) == 3


def test_attempts_are_bounded(web, fetch):
    web.on("/f", status(500, "Broken"))
    _, text = fetch("--attempts", 4, web.url("/f")).failure()
    assert text.endswith("500 Broken (4 attempts)")
    assert len(web.requests) == 4


def test_once_means_once(web, fetch):
    web.on("/f", status(500, "Broken"))
    fetch("--once", web.url("/f")).failure()
    assert len(web.requests) == 1


def test_retry_after_in_seconds_is_waited_for(web, fetch):
    web.on("/f", status(503, "Busy", Retry_After="1"), whole(SMALL))
    start = time.monotonic()
    r = fetch(web.url("/f"))
    assert r.code == 0 and 1000 <= r.events[0].wait <= 1500
    assert time.monotonic() - start >= 1


def test_retry_after_as_a_date_is_waited_for(web, fetch):
    when = formatdate(time.time() + 3, usegmt=True)
    web.on("/f", status(429, "Slow Down", Retry_After=when), whole(SMALL))
    r = fetch(web.url("/f"))
    assert r.code == 0 and 1000 <= r.events[0].wait <= 4500


def test_retry_after_beyond_the_deadline_is_not_waited_for(web, fetch):
    web.on("/f", status(503, "Busy", Retry_After="86400"))
    start = time.monotonic()
    _, text = fetch("--timeout", 10000, web.url("/f")).failure()
    assert "503 Busy" in text
    assert time.monotonic() - start < 9


@pytest.mark.parametrize("reset", [False, True])
def test_a_broken_connection_is_resumed_where_it_broke(web, fetch, reset):
    web.on("/f", cut(BODY, 100_000, reset=reset, ETag='"v1"'),
           ranged(BODY, ETag='"v1"'))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert r.kinds() == ["started", "retry", "done"]
    again = web.requests[1].headers
    had = r.events[1].bytes
    assert 0 < had <= 100_000
    assert again["range"] == f"bytes={had}-"
    assert again["if-range"] == '"v1"'


def test_it_is_resumed_again_and_again(web, fetch):
    web.on("/f", ranged(BODY, 100_000, ETag='"v1"'))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert [q.headers.get("range") for q in web.requests] == \
        [None, "bytes=100000-", "bytes=200000-"]


def test_without_a_validator_all_is_fetched_and_the_front_left_out(web,
                                                                   fetch):
    web.on("/f", cut(BODY, 100_000), cut(BODY, 200_000), whole(BODY))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert all("range" not in q.headers for q in web.requests)


def test_a_weak_etag_is_no_ground_to_resume_on(web, fetch):
    web.on("/f", cut(BODY, 100_000, ETag='W/"v1"'), whole(BODY))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert "range" not in web.requests[1].headers


def test_a_strong_date_is_a_ground_to_resume_on(web, fetch):
    fields = {"Last_Modified": "Tue, 01 Sep 2020 10:00:00 GMT",
              "Date": "Wed, 02 Sep 2020 10:00:00 GMT"}
    web.on("/f", cut(BODY, 100_000, **fields), ranged(BODY, **fields))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert web.requests[1].headers["if-range"] == fields["Last_Modified"]


def test_a_server_that_ignores_the_range_is_understood(web, fetch):
    web.on("/f", cut(BODY, 100_000, ETag='"v1"'), whole(BODY, ETag='"v1"'))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert "range" in web.requests[1].headers


def test_another_mirror_is_read_from_its_start(web, fetch):
    web.on("/a", cut(BODY, 100_000, ETag='"v1"'), status(404, "Gone Now"))
    web.on("/b", whole(BODY, ETag='"else"'))
    r = fetch(web.url("/a"), web.url("/b"))
    assert r.code == 0 and r.out == BODY
    assert r.kinds() == ["started", "retry", "mirror", "done"]
    assert "range" not in web.requests[-1].headers


@pytest.mark.parametrize("second, words", [
    (whole(BODY, ETag='"v2"'), 'ETag was "v1", is "v2"'),
    (whole(BODY[:-1], ETag='"v1"'), "size was 300000, is 299999"),
    (whole(BODY[:50_000], ETag='"v1"'), "size was 300000, is 50000"),
    (ranged(BODY + b"x", ETag='"v1"'), "size was 300000, is 300001"),
    (status(416, "No Range", Content_Range="bytes */50000"),
     "size was 300000, is 50000"),
])
def test_a_file_that_changes_meanwhile_is_refused(web, fetch, second, words):
    web.on("/f", cut(BODY, 100_000, ETag='"v1"'), second)
    _, text = fetch(web.url("/f")).failure()
    assert "changed while it was being fetched" in text and words in text
    assert len(web.requests) == 2


def test_a_change_before_the_first_byte_is_none(web, fetch):
    web.on("/f", cut(BODY, 0, ETag='"v1"'), whole(SMALL, ETag='"v2"'))
    r = fetch(web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)


@pytest.mark.parametrize("fields, words", [
    ({"Content_Range": "bytes 99999-299999/300000"}, "another part"),
    ({}, "another part"),
    ({"Content_Range": "bytes 100000-299999/300001"}, "changed while"),
    ({"Content_Range": "bytes 100000-99999/300000"}, "malformed"),
    ({"Content_Range": "bytes 100000-300000/300000"}, "malformed"),
    ({"Content_Range": "lines 100000-299999/300000"}, "malformed"),
    ({"Content_Range": "bytes 100000-299999/300000",
      "Content_Length": "5"}, "differ"),
])
def test_a_wrong_part_is_refused(web, fetch, fields, words):
    fields.setdefault("Content_Length", 200_000)
    web.on("/f", cut(BODY, 100_000, ETag='"v1"'),
           raw(head(206, "Part", ETag='"v1"', **fields) + BODY[100_000:]))
    _, text = fetch(web.url("/f")).failure()
    assert words in text
    assert len(web.requests) == 2


def test_a_part_that_is_less_than_asked_for_is_taken_and_the_rest_asked_for(
        web, fetch):
    def half(request, conn):
        conn.sendall(head(206, "Part", ETag='"v1"', Content_Length=50_000,
                          Content_Range="bytes 100000-149999/300000") +
                     BODY[100_000:150_000])
    web.on("/f", cut(BODY, 100_000, ETag='"v1"'), half,
           ranged(BODY, ETag='"v1"'))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert web.requests[2].headers["range"] == "bytes=150000-"


def test_a_part_that_no_one_asked_for_is_refused(web, fetch):
    web.on("/f", raw(head(206, "Part", Content_Length=10,
                          Content_Range="bytes 0-9/20") + BODY[:10]))
    assert "not asked for" in fetch(web.url("/f")).failure()[1]


def test_a_416_at_the_very_end_means_that_all_was_had(web, fetch):
    web.on("/f",
           raw(head(200, ETag='"v1"', Transfer_Encoding="chunked") +
               b"10\r\n" + SMALL + b"\r\n"),       # the last chunk is lost
           status(416, "No Range", Content_Range=f"bytes */{len(SMALL)}"))
    r = fetch(web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)
    assert r.events[-1].size == len(SMALL)


def test_chunks_are_a_body(web, fetch):
    web.on("/f", raw(head(200, Transfer_Encoding="chunked") +
                     b"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"))
    r = fetch(web.url("/f"))
    assert (r.code, r.out) == (0, b"abcdefg")
    assert "size" not in r.events[0]


def test_without_any_length_the_end_is_the_end(web, fetch):
    web.on("/f", raw(head(200) + BODY))
    r = fetch(web.url("/f"))
    assert r.code == 0 and r.out == BODY


def test_a_stall_in_the_body_is_resumed(web, fetch):
    web.on("/f", silence(first=head(200, ETag='"v"', Content_Length=len(BODY))
                         + BODY[:1000]), ranged(BODY, ETag='"v"'))
    r = fetch("--stall", 300, web.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert "no byte for" in r.events[1].text


def test_a_server_that_never_answers_is_a_stall(web, fetch):
    web.on("/f", silence())
    kind, text = fetch("--stall", 200, "--attempts", 2,
                       web.url("/f")).failure()
    assert kind == "timeout"
    assert "no byte for" in text and "(2 attempts)" in text
    assert len(web.requests) == 2


def test_a_trickle_ends_with_the_deadline(web, fetch):
    def drip(request, conn):
        conn.sendall(head(200, Content_Length=10_000))
        for _ in range(600):
            conn.sendall(b"x")
            time.sleep(0.05)
    web.on("/f", drip)
    start = time.monotonic()
    kind, text = fetch("--stall", 500, "--timeout", 1500,
                       web.url("/f")).failure()
    assert kind == "timeout" and "not finished in the time allowed" in text
    assert 1.4 < time.monotonic() - start < 15


def test_a_refused_connection_is_tried_again(fetch, refused):
    kind, text = fetch("--attempts", 3, refused + "/f").failure()
    assert kind == "network"
    assert text.endswith("cannot connect: Connection refused (3 attempts)")


def test_an_unknown_host_is_named(fetch):
    _, text = fetch("--attempts", 2, "http://no-such-host.invalid/f"
                    ).failure()
    assert "no-such-host.invalid/f: cannot resolve its host name" in text


def test_a_server_that_hangs_up_is_tried_again(web, fetch):
    web.on("/f", raw(b""), whole(SMALL))
    r = fetch(web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)


@pytest.mark.parametrize("junk", [
    b"<html>I am no HTTP</html>\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    b"HTTP/1.1 OK\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10",
])
def test_an_answer_that_is_no_http_gives_no_bytes(web, fetch, junk):
    web.on("/f", raw(junk))
    r = fetch("--attempts", 2, web.url("/f"))
    r.failure()
    assert r.out == b""


@pytest.mark.parametrize("lines", [
    "Content-Length: 0x10", "Content-Length: 10 bytes", "Content-Length: -1",
    "Content-Length: 16\r\nContent-Length: 17",
    "Content-Length: 99999999999999999999999",
    "Content-Length:", "Transfer-Encoding: gzip, chunked",
])
def test_a_length_that_is_none_is_refused(web, fetch, lines):
    web.on("/f", raw(f"HTTP/1.1 200 OK\r\n{lines}\r\n\r\n".encode() + SMALL))
    r = fetch("--attempts", 2, web.url("/f"))
    r.failure()
    assert r.out == b""


@pytest.mark.parametrize("code", [201, 202, 203, 204, 205, 226, 300, 304,
                                  305, 306])
def test_only_200_is_a_file(web, fetch, code):
    web.on("/f", raw(head(code, "Odd", Content_Length=0)))
    r = fetch(web.url("/f"))
    assert f"{code} Odd" in r.failure()[1]
    assert len(web.requests) == 1


def test_a_coding_that_was_not_asked_for_is_refused(web, fetch):
    web.on("/f.gz", whole(SMALL, Content_Encoding="br"))
    web.on("/f", whole(SMALL, Content_Encoding="gzip"))
    for path in "/f.gz", "/f":
        r = fetch(web.url(path))
        assert "Content-Encoding" in r.failure()[1]
        assert r.out == b""


def test_a_gz_file_labelled_as_gzip_is_that_file_as_it_is(web, fetch):
    web.on("/f.tar.gz", whole(SMALL, Content_Encoding="x-gzip"))
    r = fetch(web.url("/f.tar.gz"))
    assert (r.code, r.out) == (0, SMALL)


def test_endless_headers_are_refused(web, fetch):
    def endless(request, conn):
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        for i in range(100_000):
            conn.sendall(b"X-%d: " % i + b"y" * 1000 + b"\r\n")
    web.on("/f", endless)
    assert "256 KiB of headers" in fetch(web.url("/f")).failure()[1]
    assert len(web.requests) == 1


def test_one_endless_header_is_refused(web, fetch):
    def endless(request, conn):
        conn.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100_000):
            conn.sendall(b"y" * 10_000)
    web.on("/f", endless)
    r = fetch("--attempts", 2, web.url("/f"))
    r.failure()
    assert r.out == b""


def test_an_endless_body_ends_at_the_limit(web, fetch):
    def endless(request, conn):
        conn.sendall(head(200))
        while True:
            conn.sendall(b"z" * 65536)
    web.on("/f", endless)
    r = fetch("--max", 1_000_000, web.url("/f"))
    kind, text = r.failure()
    assert kind == "limit" and "limit of 1000000 bytes" in text
    assert len(r.out) == 1_000_000
    assert len(web.requests) == 1


def test_a_body_of_just_the_limit_passes(web, fetch):
    web.on("/f", raw(head(200) + SMALL))
    r = fetch("--max", len(SMALL), web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)


def test_a_size_over_the_limit_is_refused_before_its_first_byte(web, fetch):
    web.on("/f", whole(BODY))
    r = fetch("--max", 299_999, web.url("/f"))
    kind, text = r.failure()
    assert kind == "limit" and "is 300000 bytes" in text
    assert r.out == b""


def test_a_kept_connection_serves_again(web, fetch):
    web.on("/f", whole(SMALL))
    assert fetch("--repeat", 5, web.url("/f")).out == SMALL * 5
    assert web.connections == 1


def test_bytes_after_the_end_never_reach_the_next_one(web, fetch):
    web.on("/f", raw(head(200, Content_Length=len(SMALL)) + SMALL +
                     head(200, Content_Length=4) + b"evil", keep=True))
    r = fetch("--repeat", 3, web.url("/f"))
    assert (r.code, r.out) == (0, SMALL * 3)


def test_streams_run_side_by_side(web, fetch):
    for i in range(8):
        web.on(f"/{i}", whole(BODY[:100_000 + i]))
    r = fetch("--each", *[web.url(f"/{i}") for i in range(8)])
    assert r.code == 0
    assert sorted(e.bytes for e in r.events if e.kind == "done") == \
        [100_000 + i for i in range(8)]


def test_progress_renews_the_attempts(web, fetch):
    body = BODY * 40
    web.on("/f", ranged(body, 1_500_000, ETag='"v"'))
    r = fetch("--attempts", 2, web.url("/f"))
    assert r.code == 0 and r.out == body
    assert len(web.requests) == 8


def test_a_cancelled_stream_says_no_more(web, fetch):
    web.on("/f", silence(first=head(200, Content_Length=len(BODY)) +
                         BODY[:5000]))
    web.on("/g", whole(SMALL))
    r = fetch("--cancel-after", 5000, "--repeat", 2, web.url("/f"))
    assert r.code == 0
    assert r.err.count("cancelled") == 2
    assert "done" not in r.kinds() and "failed" not in r.kinds()


def test_secrets_in_an_address_are_not_shown(web, fetch):
    url = web.url("/f?X-Amz-Signature=s3cret#frag", user="joe:pa55@")
    web.on("/f", status(503, "Busy"))
    r = fetch("--attempts", 2, url, url)
    r.failure()
    for secret in "s3cret", "pa55", "joe", "frag":
        assert secret not in r.err
    assert web.requests[0].headers["authorization"].startswith("Basic ")


def test_a_phrase_from_the_server_is_made_printable(web, fetch):
    web.on("/f", status(404, "\x1b[31mred\x9b"))
    r = fetch(web.url("/f"))
    assert "\\x1b[31mred" in r.failure()[1]
    assert "\x1b" not in r.err


# ---- redirects ----

def test_a_redirect_is_followed(web, fetch):
    web.on("/a", redirect("b"))
    web.on("/b", redirect(web.url("/c"), 308))
    web.on("/c", whole(SMALL))
    r = fetch(web.url("/a"))
    assert (r.code, r.out) == (0, SMALL)
    assert r.kinds() == ["started", "done"]


def test_five_redirects_are_enough(web, fetch):
    for i in range(5):
        web.on(f"/{i}", redirect(f"/{i + 1}"))
    web.on("/5", whole(SMALL))
    assert fetch(web.url("/0")).out == SMALL
    web.on("/-1", redirect("/0"))
    assert "more than 5 times" in fetch(web.url("/-1")).failure()[1]


def test_a_circle_of_redirects_ends(web, fetch):
    web.on("/a", redirect("/a"))
    assert "more than 5 times" in fetch(web.url("/a")).failure()[1]
    assert len(web.requests) == 6


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/f",
                                "gopher://127.0.0.1:1/x", "dict://x/y"])
def test_a_redirect_leads_to_nothing_but_http(web, fetch, to):
    web.on("/a", redirect(to))
    r = fetch(web.url("/a"))
    assert "something other than http and https" in r.failure()[1]
    assert r.out == b""


def test_a_redirect_without_a_place_is_refused(web, fetch):
    web.on("/a", status(301, "Moved"))
    assert "without saying where to" in fetch(web.url("/a")).failure()[1]


def test_a_retry_starts_from_the_first_address(web, fetch):
    web.on("/a", redirect("/b"))
    web.on("/b", cut(BODY, 1000, ETag='"v"'), ranged(BODY, ETag='"v"'))
    r = fetch(web.url("/a"))
    assert r.code == 0 and r.out == BODY
    assert [q.target for q in web.requests] == ["/a", "/b", "/a", "/b"]
    assert web.requests[3].headers["range"] == "bytes=1000-"


def test_headers_and_passwords_stay_with_their_server(web, serve, fetch):
    other = serve()
    other.on("/f", whole(SMALL))
    web.on("/a", redirect("/b"))
    web.on("/b", redirect(other.url("/f")))
    r = fetch("--header", "X-Token: t", "--header", "Authorization: Bearer q",
              web.url("/a"))
    assert r.code == 0
    assert [q.headers.get("x-token") for q in web.requests] == ["t", "t"]
    assert "x-token" not in other.requests[0].headers
    assert "authorization" not in other.requests[0].headers
    assert fetch(web.url("/a", user="u:p@")).code == 0
    assert "authorization" in web.requests[-2].headers
    assert "authorization" not in other.requests[-1].headers


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")
@pytest.mark.parametrize("target, good", [
    ("http://127.0.0.1:8080/f", False),
    ("http://localhost:8080/f", False),
    ("http://[::1]:8080/f", False),
    ("http://169.254.169.254:8080/f", False),
    ("http://169.254.7.7:8080/f", False),
    ("http://[fd00:ec2::254]:8080/f", False),
    ("http://192.0.2.2:8080/f", True),
])
def test_a_redirect_does_not_reach_inwards(fetch, tmp_path, target, good):
    """A public server must not send us to what only this host can reach."""
    script = tmp_path / "inside"
    server = os.path.join(os.path.dirname(__file__), "inward.py")
    script.write_text(f"""set -e
ip link set lo up
for a in 192.0.2.1 192.0.2.2 169.254.169.254 169.254.7.7; do
    ip addr add $a/32 dev lo
done
ip -6 addr add fd00:ec2::254/128 dev lo nodad 2>/dev/null || true
/usr/bin/python3 {server} '{target}' >{tmp_path}/log &
pid=$!
trap 'kill $pid' EXIT
for i in $(seq 100); do
    grep -q ready {tmp_path}/log && break
    sleep 0.1
done
"$@"
""")
    r = fetch("--attempts", 1, "http://192.0.2.1:8080/start",
              prefix=("unshare", "-n", "sh", str(script)))
    if good:
        assert (r.code, r.out) == (0, b"inside\n")
    else:
        assert "an address local to this host: refused" in r.failure()[1] \
            or "cannot connect" in r.failure()[1]
        assert r.out == b""
    served = (tmp_path / "log").read_text().split()
    assert served == ["ready", "/start"] + (["/f"] if good else [])


def test_a_probe_by_head_learns_the_size_and_brings_nothing(web, fetch):
    def only_head(request, conn):
        assert request.method == "HEAD"
        conn.sendall(head(200, Content_Length=len(BODY)))
        return True
    web.on("/f", only_head)
    r = fetch("--probe", "--method", "HEAD", web.url("/f"))
    assert (r.code, r.out) == (0, b"")
    assert r.kinds() == ["started", "done"]
    assert r.events[0].size == len(BODY)
    assert "size" not in r.events[1]


def test_a_probe_by_get_asks_for_one_byte(web, fetch):
    def first_byte(request, conn):
        assert "if-range" not in request.headers
        assert request.headers["range"] == "bytes=0-0"
        conn.sendall(head(206, "Partial Content", Content_Length=1,
                          Content_Range=f"bytes 0-0/{len(BODY)}") + BODY[:1])
        return True
    web.on("/f", first_byte)
    r = fetch("--probe", "--once", web.url("/f"))
    assert (r.code, r.out) == (0, BODY[:1])
    assert r.kinds() == ["started", "done"]
    assert r.events[0].size == len(BODY)


def test_a_probe_of_a_server_without_ranges_learns_the_size(web, fetch):
    web.on("/f", whole(SMALL))
    r = fetch("--probe", "--once", web.url("/f"))
    assert r.events[0].kind == "started"
    assert r.events[0].size == len(SMALL)


def test_a_probe_does_not_make_up_a_size(web, fetch):
    web.on("/f", raw(head(200, Transfer_Encoding="chunked")))
    r = fetch("--probe", "--once", "--method", "HEAD", web.url("/f"))
    assert r.kinds() == ["started", "done"]
    assert "size" not in r.events[0]
