# SPDX-License-Identifier: Apache-2.0
"""Exchanges, files, proxies, and the end of either process."""
import os
import signal
import subprocess
import time

import pytest

from conftest import CLEAN
from web import cut, head, raw, redirect, silence, status, whole

SMALL = b"the whole of it\n"
RPC = "<?xml version='1.0'?><methodCall/>"


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(x) for x in f.read().split()]


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def test_an_exchange_returns_status_and_body(web, fetch):
    web.on("/x", whole(SMALL))
    r = fetch("--exchange", web.url("/x"))
    assert (r.code, r.out) == (0, SMALL)
    assert "answer status=200" in r.err


@pytest.mark.parametrize("code", [201, 202, 204])
def test_any_2xx_is_an_answer(web, fetch, code):
    web.on("/x", raw(head(code, "Fine", Content_Length=0)))
    r = fetch("--exchange", web.url("/x"))
    assert r.code == 0 and f"answer status={code}" in r.err


def test_without_any_status_a_404_is_an_error(web, fetch):
    r = fetch("--exchange", "--label", "check web", web.url("/x"))
    kind, text = r.failure()
    assert kind == "network"
    assert text == f"check web: {web.url('/x')}: 404 Not Found"
    assert r.out == b""


@pytest.mark.parametrize("code", [301, 304, 404, 429, 500, 503, 999])
def test_with_any_status_every_status_is_an_answer(web, fetch, code):
    body = b"" if code == 304 else b"why\n"
    web.on("/x", status(code, "Word", body, Location="/y"))
    r = fetch("--exchange", "--any-status", web.url("/x"))
    assert (r.code, r.out) == (0, body)
    assert f"answer status={code}" in r.err
    assert len(web.requests) == 1


def test_an_exchange_retries_what_passes(web, fetch):
    web.on("/x", status(503, "Busy"), raw(b""), whole(SMALL))
    r = fetch("--exchange", web.url("/x"))
    assert (r.code, r.out) == (0, SMALL)
    assert len(web.requests) == 3


def test_an_exchange_has_a_limit_of_1_mib(web, fetch):
    web.on("/x", whole(b"x" * (1 << 20)))
    web.on("/y", whole(b"x" * ((1 << 20) + 1)))
    assert fetch("--exchange", web.url("/x")).code == 0
    assert fetch("--exchange", web.url("/y")).failure()[0] == "limit"


def test_supervisors_socket_is_spoken_to(serve, fetch, tmp_path):
    path = str(tmp_path / "supervisor.sock")
    web = serve(unix=path)
    web.on("/RPC2", whole(b"<methodResponse/>", Content_Type="text/xml"))
    r = fetch("--exchange", "--unix", path, "--method", "POST", "--header",
              "Content-Type: text/xml", "--body", RPC, "--once",
              "http://localhost/RPC2",
              env={"http_proxy": "http://127.0.0.1:1"})
    assert (r.code, r.out) == (0, b"<methodResponse/>")
    (request,) = web.requests
    assert request.line == "POST /RPC2 HTTP/1.1"
    assert request.body == RPC.encode()
    assert request.headers["content-type"] == "text/xml"
    assert request.headers["content-length"] == str(len(RPC))
    assert "expect" not in request.headers


def test_a_missing_socket_is_an_error(fetch, tmp_path):
    r = fetch("--exchange", "--once", "--unix", tmp_path / "none",
              "http://localhost/RPC2")
    assert "cannot connect" in r.failure()[1]
    long = "/" + "x" * 120
    assert "107 bytes" in fetch("--exchange", "--unix", long,
                                "http://localhost/").failure()[1]


def test_a_large_body_is_sent_and_sent_again(web, fetch):
    body = "b" * 100_000
    web.on("/x", status(500, "Again"), whole(SMALL))
    r = fetch("--exchange", "--method", "PUT", "--body", body, web.url("/x"))
    assert (r.code, r.out) == (0, SMALL)
    assert [len(q.body) for q in web.requests] == [100_000, 100_000]
    assert all(q.method == "PUT" for q in web.requests)
    assert all("content-type" not in q.headers for q in web.requests)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_request_without_a_body_says_so(web, fetch, method):
    """What the metadata service wants of a token request."""
    web.on("/latest/api/token", whole(b"t0ken"))
    r = fetch("--exchange", "--method", method, "--header",
              "X-aws-ec2-metadata-token-ttl-seconds: 60",
              web.url("/latest/api/token"))
    assert (r.code, r.out) == (0, b"t0ken")
    headers = web.requests[0].headers
    assert headers["content-length"] == "0"
    assert headers["x-aws-ec2-metadata-token-ttl-seconds"] == "60"
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_other_methods_are_sent_as_they_are(web, fetch, method):
    web.on("/x", raw(head(200, Content_Length=0 if method == "DELETE"
                          else 1000)))
    r = fetch("--exchange", "--method", method, web.url("/x"))
    assert (r.code, r.out) == (0, b"")
    assert web.requests[0].method == method


def test_a_post_is_not_redirected(web, fetch):
    web.on("/x", redirect("/y", 307))
    _, text = fetch("--exchange", "--method", "POST", "--body", "secret",
                    web.url("/x")).failure()
    assert "although it was no GET" in text
    assert len(web.requests) == 1


def test_a_post_that_broke_after_its_answer_began_is_an_error(web, fetch):
    web.on("/x", cut(b"x" * 1000, 500), whole(SMALL))
    _, text = fetch("--exchange", "--method", "POST", "--body", "b",
                    web.url("/x")).failure()
    assert "broke off after 500 bytes" in text
    assert len(web.requests) == 1


def test_one_long_wait_is_no_stall_when_asked_once(web, fetch):
    def late(request, conn):
        time.sleep(1)
        conn.sendall(head(200, Content_Length=len(SMALL)) + SMALL)
    web.on("/x", late)
    r = fetch("--exchange", "--once", "--stall", 200, web.url("/x"))
    assert (r.code, r.out) == (0, SMALL)


def test_an_exchange_ends_at_its_deadline(web, fetch):
    web.on("/x", silence())
    start = time.monotonic()
    kind, _ = fetch("--exchange", "--once", "--timeout", 700,
                    web.url("/x")).failure()
    assert kind == "timeout"
    assert 0.6 < time.monotonic() - start < 10


def test_100_continue_is_not_the_answer(web, fetch):
    web.on("/x", raw(head(100, "Continue") + head(103, "Hints", Link="</a>") +
                     head(200, Content_Length=len(SMALL)) + SMALL))
    assert fetch("--exchange", web.url("/x")).out == SMALL
    assert fetch(web.url("/x")).out == SMALL


@pytest.mark.parametrize("url, words", [
    ("ftp://127.0.0.1/x", "not an http, https or file address"),
    ("/etc/passwd", "not an http, https or file address"),
    ("http://127.0.0.1/a b", "blank or control character"),
    ("http://127.0.0.1/a\nb", "blank or control character"),
    ("http://127.0.0.1:99999/", ""),
    ("http://", ""),
])
def test_what_is_no_address_is_refused(fetch, url, words):
    for mode in (), ("--exchange",):
        assert words in fetch("--attempts", 2, *mode, url).failure()[1]


def test_a_header_cannot_bring_others_along(web, fetch):
    web.on("/x", whole(SMALL))
    r = fetch("--exchange", "--header", "A: b\r\nHost: c", web.url("/x"))
    assert "control character" in r.failure()[1]
    assert web.requests == []


# ---- files ----

def test_a_file_is_a_stream_without_any_process(fetch, tmp_path):
    path = tmp_path / "a b%"
    path.write_bytes(SMALL * 1000)
    quoted = str(path).replace("%", "%25").replace(" ", "%20")
    for url in f"file://{quoted}", f"file://localhost{quoted}":
        r = fetch(url)
        assert (r.code, r.out) == (0, SMALL * 1000)
        assert r.kinds() == ["started", "done"]
        assert r.events[0].size == len(SMALL) * 1000


def test_a_file_that_is_missing_leaves_the_next_mirror(web, fetch, tmp_path):
    web.on("/f", whole(SMALL))
    there = tmp_path / "there"
    there.write_bytes(b"file\n")
    missing = f"file://{tmp_path}/missing"
    assert fetch(missing, f"file://{there}").out == b"file\n"
    r = fetch(missing, web.url("/g"), web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)
    assert [e.mirror for e in r.events] == [2, 2, 2]
    assert "No such file" in fetch(missing).failure()[1]


def test_only_regular_files_are_files(fetch, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in tmp_path, tmp_path / "fifo", "/dev/zero":
        assert "not a regular file" in fetch(f"file://{path}").failure()[1]


@pytest.mark.parametrize("url, words", [
    ("file://relative/path", "absolute path"),
    ("file:path", "absolute path"),
    ("file:///a%2", "two hex digits"),
    ("file:///a%00b", "NUL"),
    ("file:///a?b", "%3F"),
])
def test_a_bad_file_address_is_explained(fetch, url, words):
    assert words in fetch(url).failure()[1]


def test_a_file_over_the_limit_is_refused(fetch, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 11)
    assert fetch("--max", 10, f"file://{path}").failure()[0] == "limit"


def test_a_file_is_not_exchanged(fetch, tmp_path):
    assert fetch("--exchange", "file:///etc/passwd").code == 1


# ---- proxies ----

def test_the_environments_proxy_is_used(web, fetch):
    web.on("*", whole(SMALL))
    r = fetch("http://somewhere.invalid/f", env={"http_proxy": web.url("/")})
    assert (r.code, r.out) == (0, SMALL)
    assert web.requests[0].line == "GET http://somewhere.invalid/f HTTP/1.1"


def test_exceptions_of_the_environment_hold(web, fetch):
    r = fetch("--attempts", 1, "http://somewhere.invalid/f",
              env={"http_proxy": web.url("/"), "no_proxy": "x,.invalid"})
    assert "cannot resolve" in r.failure()[1]
    assert web.requests == []


@pytest.mark.parametrize("exceptions", [None, "example.org", "*"])
def test_this_host_is_never_reached_through_a_proxy(web, serve, fetch,
                                                    exceptions):
    proxy = serve()
    web.on("/f", whole(SMALL))
    env = {"http_proxy": proxy.url("/"), "all_proxy": proxy.url("/")}
    if exceptions:
        env["no_proxy"] = exceptions
    for host in "127.0.0.1", "localhost":
        assert fetch(web.url("/f", host=host), env=env).out == SMALL
    assert proxy.requests == []


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")
@pytest.mark.parametrize("address", ["169.254.169.254", "[fd00:ec2::254]",
                                     "[::1]", "127.1.2.3"])
def test_metadata_is_never_asked_through_a_proxy(fetch, address):
    # In an empty namespace neither proxy nor address can be reached; the
    # message tells which of the two was tried (see the next test).
    r = fetch("--attempts", 1, f"http://{address}/latest",
              env={"http_proxy": "http://proxy.invalid:1",
                   "all_proxy": "http://proxy.invalid:1"},
              prefix=("unshare", "-n"))
    assert "cannot connect" in r.failure()[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")
def test_others_are_asked_through_the_proxy(fetch):
    r = fetch("--attempts", 1, "http://192.0.2.1/",
              env={"http_proxy": "http://proxy.invalid:1"},
              prefix=("unshare", "-n"))
    assert "proxy" in r.failure()[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")
def test_a_name_server_that_is_silent_holds_up_no_other_transfer(fetch,
                                                                 tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    here = os.path.dirname(__file__)
    script = f"""set -e
ip link set lo up
mount --bind {tmp_path}/resolv.conf /etc/resolv.conf
/usr/bin/python3 {here}/inward.py x >{tmp_path}/log &
web=$!
/usr/bin/python3 -c 'import socket, time
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53))
print("ready", flush=True); time.sleep(60)' >{tmp_path}/dns &
dns=$!
trap 'kill $web $dns' EXIT
for i in $(seq 100); do
    grep -q ready {tmp_path}/log && grep -q ready {tmp_path}/dns && break
    sleep 0.1
done
date +%s%N >{tmp_path}/start
"$@"
date +%s%N >{tmp_path}/end
"""
    r = fetch("--connect", 300, "--attempts", 1,
              "http://name.example/f", "http://127.0.0.1:8080/f",
              prefix=("unshare", "-n", "-m", "sh", "-c", script, "sh"))
    assert (r.code, r.out) == (0, b"inside\n")
    assert "no connection within 300 ms" in r.events[0].text
    # The resolver itself gives up after five seconds or more.
    took = [int((tmp_path / name).read_text()) for name in ("start", "end")]
    assert took[1] - took[0] < 4_500_000_000


def test_no_proxy_means_none(web, fetch):
    r = fetch("--exchange", "--no-proxy", "--attempts", 1,
              "http://somewhere.invalid/f", env={"http_proxy": web.url("/")})
    assert "cannot resolve" in r.failure()[1]
    assert web.requests == []


# ---- ends ----

@pytest.fixture
def running(fetchcat):
    started = []

    def run(*args):
        p = subprocess.Popen([fetchcat, "--backoff", "5", *map(str, args)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=CLEAN)
        started.append(p)
        return p
    yield run
    for p in started:
        if p.poll() is None:
            p.kill()
        p.communicate()


@pytest.mark.parametrize("mode", [(), ("--exchange",)])
def test_the_fetchers_death_is_an_error_not_a_hang(web, running, mode):
    web.on("/f", silence())
    p = running(*mode, web.url("/f"))
    wait_for(lambda: web.requests)
    (child,) = children(p.pid)
    os.kill(child, signal.SIGKILL)
    _, err = p.communicate(timeout=20)
    assert p.returncode == 1
    assert b"the process that fetches has ended: killed by signal 9" in err


def test_after_a_death_another_fetcher_serves(web, running):
    web.on("/f", silence(), whole(SMALL))
    p = running("--repeat", 2, web.url("/f"))
    wait_for(lambda: web.requests)
    os.kill(children(p.pid)[0], signal.SIGKILL)
    out, err = p.communicate(timeout=20)
    assert out == SMALL and err.count(b"signal 9") == 1


@pytest.mark.parametrize("mode", [(), ("--exchange",)])
def test_an_interrupt_ends_the_wait(web, running, mode):
    web.on("/f", silence())
    p = running(*mode, "--timeout", 60000, web.url("/f"))
    wait_for(lambda: web.requests)
    (child,) = children(p.pid)
    p.send_signal(signal.SIGTERM)
    _, err = p.communicate(timeout=20)
    assert p.returncode == 1 and b"code=interrupted" in err
    assert not os.path.exists(f"/proc/{child}")


def test_the_fetcher_does_not_outlive_the_commander(web, running):
    web.on("/f", silence())
    p = running("--timeout", 60000, web.url("/f"))
    wait_for(lambda: web.requests)
    (child,) = children(p.pid)
    p.kill()
    p.communicate(timeout=20)
    wait_for(lambda: not os.path.exists(f"/proc/{child}"))


def test_the_fetcher_has_no_descriptors_but_its_own(web, running):
    web.on("/f", silence())
    p = running(web.url("/f"))
    wait_for(lambda: web.requests)
    (child,) = children(p.pid)
    names = {fd: os.readlink(f"/proc/{child}/fd/{fd}")
             for fd in os.listdir(f"/proc/{child}/fd")}
    assert names["0"] == names["1"] == "/dev/null"
    rest = [n for fd, n in names.items() if fd not in ("0", "1", "2")]
    assert sum(n.startswith("pipe:") for n in rest) == 1
    assert all(n.startswith(("socket:", "pipe:", "anon_inode:"))
               for n in rest)
    with open(f"/proc/{child}/comm") as f:
        assert f.read().startswith("fitout-fetch")
