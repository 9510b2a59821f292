# SPDX-License-Identifier: Apache-2.0
"""What a person is told when a run fails: the place in the profile, what was
wanted, what was found."""
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import pytest

from place import Place, packages

pytestmark = pytest.mark.host


@pytest.fixture
def place(tmp_path, fitout):
    return Place(tmp_path, fitout)


PAGES = {"/page": b"<html><body>\x1b[2Jsorry</body>\n", "/empty": b""}


@pytest.fixture
def web():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = PAGES.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def package(url, digest):
    return ('packages = (\n  { name = "a"; into = "/nowhere/a";\n'
            f'    url = "{url}";\n    sha256 = "{digest}"; }}\n);')


@pytest.mark.parametrize("begins, guess", [
    (b"<!DOCTYPE html><html>", "an HTML page, "),
    (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML document, "),
    (b"something else", ": 14 B with")])
def test_a_page_instead_of_the_archive_is_told(place, begins, guess):
    (place.path / "a.tar").write_bytes(begins)
    error = place.apply(package(f"file://{place.path}/a.tar", "0" * 64),
                        status=1).stderr
    assert f"not what was promised: {guess}".replace(": :", ":") in error
    assert "p.cfg:6: package a: what file://" in error, error
    assert hashlib.sha256(begins).hexdigest() in error


def test_what_cannot_be_fetched_has_its_line(place, web):
    error = place.apply(package(f"{web}/none", "0" * 64), status=1).stderr
    assert f"p.cfg:5: package a: " in error and "404" in error, error


def check(web, page, body="all is well"):
    return (f'checks = ( {{ http = "{web}{page}"; body = "{body}"; '
            'timeout = 1; } );')


def test_a_check_shows_the_text_it_wants_and_the_body(place, web):
    error = place.apply(check(web, "/page"), status=1).stderr
    assert ('its body (29 bytes) does not contain "all is well"; it begins: '
            r"<html><body>\x1b[2Jsorry</body>") in error, error
    error = place.apply(check(web, "/empty"), status=1).stderr
    assert 'its body (0 bytes) does not contain "all is well"' in error
    assert "it begins" not in error


def test_what_ended_the_run_has_its_row_in_the_timeline(place, web):
    place.apply(check(web, "/page"), status=1)
    rows = json.loads(place.run("--json", "report").stdout)["timeline"]
    (row,) = [row for row in rows if row["event"] == "failed"]
    assert row["resource"].startswith("check http://127.0.0.1")
    assert row["detail"] == "check"
    assert row["end_ms"] - row["begin_ms"] >= 500
    assert "failed" in place.run("report").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another")
def test_who_is_not_root_is_told_to_be(fitout):
    """Neither where the state is not to be seen, nor where it is not to be
    made."""
    with tempfile.TemporaryDirectory() as name:   # pytest's are root's alone
        top = pathlib.Path(name)
        top.chmod(0o755)
        (top / "closed").mkdir(mode=0o700)
        shutil.copy(fitout, top / "fitout")
        for state in "closed/state", "new":
            done = subprocess.run(
                [top / "fitout", "--state", top / state, "apply", "-"],
                user=65534, group=65534, extra_groups=[], cwd="/",
                input='fitout = 1;\nname = "x";\n', capture_output=True,
                text=True, timeout=60, check=False)
            assert done.returncode == 1, done.stderr
            assert "run fitout as root" in done.stderr, done.stderr
            assert "Permission denied" in done.stderr
