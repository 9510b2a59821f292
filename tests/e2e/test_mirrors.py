# SPDX-License-Identifier: Apache-2.0
"""What one server cannot give comes from the next, or from the rest of the
same: with a warning, and with the right bytes in place."""
import io
import random
import tarfile

import pytest

from artifacts import archive
from origin import Fault

pytestmark = pytest.mark.host

GOOD = "http://origin.test/app.tar.gz"
NOISE = random.Random(3).randbytes(150_000).hex()


@pytest.fixture
def app(scene):
    """An archive of some size; supervisor has no part in this."""
    scene.blocks["supervisor"] = ""
    scene.serve("app.tar.gz", archive({
        "app/etc/app.conf": "", "app/etc/logrotate": "",
        "app/noise": NOISE, "app/version": "2\n"}))
    return scene


def applied(scene, *mirrors):
    scene.packages(app={"url": list(mirrors)})
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.host.disk.read("/srv/app/noise") == NOISE
    assert scene.agent_started()
    return done.err


@pytest.mark.parametrize("url, fault, words", [
    pytest.param("http://origin.test/first", None, "404", id="404"),
    pytest.param("http://origin.test/first", Fault(status=403), "403",
                 id="403"),
    pytest.param("http://origin.test/first", Fault(flip=5000),
                 "not what was promised", id="wrong bytes"),
    pytest.param("https://self-signed.origin.test/first", Fault(),
                 "certificate", id="self-signed"),
    pytest.param("http://origin.test/first", Fault(redirect="file:///etc/x"),
                 "redirects", id="redirect to file"),
    pytest.param("file:///srv/none", None, "No such file", id="no such file"),
])
def test_the_second_mirror_is_good(app, url, fault, words):
    if fault:
        app.origin.content["/first"] = app.origin.content["/app.tar.gz"]
        app.origin.faults["/first"] = fault
    said = applied(app, url, GOOD)
    warning, = [line for line in said.splitlines() if "next mirror" in line]
    assert words in warning and url in warning, said


def read_only_top(tree):
    """An archive whose top, "./", may not be written to."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, mode, text in (("./", 0o555, None), ("./etc", 0o755, None),
                                 *((p, 0o644, t) for p, t in tree.items())):
            info = tarfile.TarInfo(path)
            info.mode = mode
            if text is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def test_what_a_wrong_archive_says_of_its_top_does_not_stay(app):
    tree = {"./etc/app.conf": "", "./etc/logrotate": "", "./noise": NOISE,
            "./version": "2\n"}
    app.serve("first", read_only_top(tree | {"./version": "wrong\n"}))
    app.serve("app.tar.gz", read_only_top(tree))
    app.packages(app={"url": ["http://origin.test/first", GOOD], "root": "."})
    done = app.apply()
    assert done.status == 0, done.err
    assert "not what was promised" in done.err
    assert app.host.disk.read("/srv/app/version") == "2\n"
    assert app.host.disk.path("/srv/app").stat().st_mode & 0o7777 == 0o555


def test_the_first_mirror_breaks_off_every_time(app):
    """What has come from it is not fetched again from the second."""
    app.origin.content["/first"] = app.origin.content["/app.tar.gz"]
    app.origin.faults["/first"] = Fault(reset=50_000, ranges=False)
    said = applied(app, "http://origin.test/first", GOOD)
    assert len(app.origin.asked("/first")) > 1
    assert "again in" in said and "next mirror" in said


def test_no_mirror_is_good(app):
    app.origin.content["/second"] = b"not this"
    app.packages(app={"url": ["http://origin.test/first",
                              "http://origin.test/second"]})
    app.refused(1, "http://origin.test/first: 404", "next mirror",
                "http://origin.test/second sent is not what was promised",
                "the mirror before it said: http://origin.test/first: 404")


@pytest.mark.parametrize("fault", [
    pytest.param(Fault(reset=70_000, times=1), id="reset"),
    pytest.param(Fault(truncate=70_000, times=1), id="closed"),
])
def test_a_broken_connection_is_resumed(app, fault):
    whole = len(app.origin.content["/app.tar.gz"])
    app.origin.faults["/app.tar.gz"] = fault
    said = applied(app, GOOD)
    assert "again in" in said
    first, second = app.origin.asked("/app.tar.gz")
    assert "range" not in first.headers
    begin = int(second.headers["range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < begin <= 70_000
    assert (second.status, second.sent) == (206, whole - begin)


@pytest.mark.parametrize("status", [503, 429])
def test_a_server_in_trouble_is_asked_again(app, status):
    app.origin.faults["/app.tar.gz"] = Fault(status=status, times=2)
    said = applied(app, GOOD)
    assert said.count(f"{status}") == 2, said
    assert len(app.origin.asked("/app.tar.gz")) == 3


def test_the_second_mirror_is_a_file(app):
    app.host.disk.write("/srv/app.tar.gz",
                        app.origin.content["/app.tar.gz"])
    said = applied(app, "http://origin.test/first", "file:///srv/app.tar.gz")
    assert "http://origin.test/first: 404" in said
