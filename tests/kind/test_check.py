# SPDX-License-Identifier: Apache-2.0
"""Checks: that they wait, that they give up, and what they then say."""
import http.server
import socket
import threading
import time

import pytest


class Server:
    """HTTP on loopback; answers with what its attributes say."""

    def __init__(self):
        outer = self
        self.status, self.body, self.asked = 200, b"fine", 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


def profile(check, content="x"):
    """Something changes, so that the check is asked."""
    return ('files = ( { content = "%s"; to = "DIR/file"; } );\n'
            'checks = ( { %s } );\n' % (content, check))


def apply(place, check, status=0, **how):
    return place.apply(profile(check, **how).replace("DIR/", f"{place.dir}/"),
                       status=status)


def unused_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def test_http_holds(place, server):
    apply(place, f'http = "http://127.0.0.1:{server.port}/health"; '
                 'body = "fin"')
    assert server.asked == 1


def test_checks_are_asked_only_when_something_changes(place, server):
    check = f'http = "http://127.0.0.1:{server.port}/"'
    apply(place, check)
    assert "nothing to do" in apply(place, check).out
    assert server.asked == 1
    apply(place, check, content="y")
    assert server.asked == 2


def test_http_of_another_status_is_waited_for(place, server):
    server.status = 503
    timer = threading.Timer(1.5, lambda: setattr(server, "status", 200))
    timer.start()
    apply(place, f'http = "http://127.0.0.1:{server.port}/"; timeout = 30')
    timer.join()
    assert server.asked >= 2


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_any_status_can_be_the_expected_one(place, server, status):
    server.status, server.body = status, b""
    apply(place, f'http = "http://127.0.0.1:{server.port}/"; '
                 f'status = {status}; timeout = 5')


def test_http_that_never_holds_says_what_it_found(place, server):
    server.status = 418
    done = apply(place, 'name = "health"; timeout = 2; http = '
                        f'"http://127.0.0.1:{server.port}/h"', status=1)
    assert "check health" in done.error(), done.err
    assert "HTTP status 418, not 200" in done.error(), done.err
    assert f"http://127.0.0.1:{server.port}/h" in done.error(), done.err
    assert not (place.dir / "file").exists()


def test_a_body_without_the_text_does_not_hold(place, server):
    error = apply(place, f'http = "http://127.0.0.1:{server.port}/"; '
                  'body = "else"; timeout = 1', status=1).error()
    assert "does not contain" in error, error


def test_a_secret_in_an_address_is_not_printed(place, server):
    server.status = 500
    done = apply(place, f'http = "http://me:s3cret@127.0.0.1:{server.port}/'
                 '?token=t0ken"; timeout = 1', status=1)
    assert "s3cret" not in done.out + done.err
    assert "t0ken" not in done.out + done.err


def test_nobody_listens(place):
    port = unused_port()
    for check in (f'http = "http://127.0.0.1:{port}/"',
                  f'tcp = "127.0.0.1:{port}"'):
        error = apply(place, check + "; timeout = 1", status=1).error()
        assert "refused" in error.lower() or "connect" in error, error


def test_tcp_holds_by_address_and_by_name(place, server):
    apply(place, f'tcp = "127.0.0.1:{server.port}"')
    apply(place, f'tcp = "localhost:{server.port}"; timeout = 5',
          content="y")


def test_tcp_by_version_6(place):
    with socket.socket(socket.AF_INET6) as listening:
        try:
            listening.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 on loopback")
        listening.listen()
        apply(place, f'tcp = "[::1]:{listening.getsockname()[1]}"')


def test_tcp_is_waited_for(place):
    port = unused_port()

    def later():
        time.sleep(1.5)
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", port))
            listening.listen()
            listening.settimeout(30)
            listening.accept()[0].close()

    thread = threading.Thread(target=later)
    thread.start()
    apply(place, f'tcp = "127.0.0.1:{port}"; timeout = 30')
    thread.join()


def test_a_server_that_accepts_and_says_nothing(place):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        begin = time.monotonic()
        error = apply(
            place, f'http = "http://127.0.0.1:{listening.getsockname()[1]}/"; '
            'timeout = 2', status=1).error()
        assert time.monotonic() - begin < 30
        assert "does not hold" in error, error


def test_run_is_waited_for(place):
    apply(place, 'run = [ "sh", "-c", "n=$(cat DIR/n 2>/dev/null || echo 0); '
                 'echo $((n + 1)) >DIR/n; test $n -ge 2" ]; timeout = 30')
    assert (place.dir / "n").read_text() == "3\n"


def test_run_that_never_holds_says_its_status_and_last_line(place):
    error = apply(place, 'run = [ "sh", "-c", "echo too few; exit 4" ]; '
                         'timeout = 2', status=1).error()
    assert "exit status 4" in error and "too few" in error, error
    assert "tries" in error, error


def test_run_that_hangs(place):
    begin = time.monotonic()
    apply(place, 'run = [ "sleep", "3600" ]; timeout = 2', status=1)
    assert time.monotonic() - begin < 30


def test_an_interval_longer_than_the_timeout_does_not_end_it_early(place):
    apply(place, 'run = [ "sh", "-c", "n=$(cat DIR/n 2>/dev/null || echo 0); '
                 'echo $((n + 1)) >DIR/n; test $n -ge 1" ]; timeout = 8; '
                 'interval = 3600')
    assert (place.dir / "n").read_text() == "2\n"
