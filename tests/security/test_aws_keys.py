# SPDX-License-Identifier: Apache-2.0
"""Keys: what they sign, and where they are not."""
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "aws"))

from core import Cloud  # noqa: E402
from metadata import Metadata  # noqa: E402
from client import FITOUT, NOWHERE, Place, archive  # noqa: E402
from s3 import S3  # noqa: E402
from sts import Sts  # noqa: E402

DATA = archive({"hello": "from the bucket\n"})
URL = "s3://packages-test/app.tar"


@pytest.fixture
def aws():
    cloud = Cloud(S3(), Sts())
    cloud.s3.make("packages-test").put("app.tar", DATA)
    yield cloud
    cloud.close()


@pytest.fixture
def place(tmp_path, aws):
    return Place(tmp_path, aws.environment(aws.new_key()))


def test_s21_every_request_is_signed_with_the_session_token(place, aws):
    """The fake recomputes each signature, and refuses one without the token."""
    place.apply(place.package(URL, DATA))
    assert aws.calls("s3")
    for call in aws.calls("s3"):
        assert call.status in (200, 206) and call.key.token
    result = place.apply(place.package(URL, DATA, into="b"), status=1,
                         environment={"AWS_SESSION_TOKEN": ""})
    assert "InvalidToken" in result.all


def test_s21_a_wrong_clock_is_explained(place, aws):
    aws.offset_s = 20 * 60
    result = place.apply(place.package(URL, DATA))
    assert re.search(r"this host's clock is 1[12]\d\d s behind", result.all)


def test_s21_a_clock_that_cannot_be_learned_is_explained(place, aws):
    aws.fail("s3", times=100, status=403, code="RequestTimeTooSkewed",
             headers={"Date": "nonsense"})
    result = place.apply(place.package(URL, DATA), status=1)
    assert "this host's clock is wrong: set it" in result.all


def test_s20_a_proxy_is_not_asked_for_keys(tmp_path, aws):
    metadata = Metadata().serve()
    key = aws.new_key()
    metadata.set_role("web", json.dumps({
        "Code": "Success", "AccessKeyId": key.id,
        "SecretAccessKey": key.secret, "Token": key.token,
        "Expiration": "2099-01-01T00:00:00Z"}))
    place = Place(tmp_path, {
        **aws.environment(), **metadata.environment(),
        "AWS_EC2_METADATA_DISABLED": "false",
        "http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"})
    try:
        place.apply(place.package(URL, DATA))
        assert metadata.gets()
    finally:
        metadata.close()


@pytest.fixture
def slow(tmp_path, aws):
    """A run in the middle of a download, and its key."""
    data = archive({"hello": "x"}, padding=1 << 20)
    bucket = aws.s3.buckets["packages-test"]
    bucket.put("slow.tar", data)
    bucket.pace = 100 * 1000
    key = aws.new_key()
    place = Place(tmp_path, aws.environment())
    (tmp_path / "home/.aws").mkdir(parents=True)
    (tmp_path / "home/.aws/credentials").write_text(
        "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n"
        "aws_session_token = %s\n" % (key.id, key.secret, key.token))
    (tmp_path / "fitout.ini").write_text("")
    profile = place.profile(place.package("s3://packages-test/slow.tar",
                                          data))
    process = subprocess.Popen(
        [FITOUT, "--config", tmp_path / "fitout.ini", "--state",
         tmp_path / "state", "--log-level", "debug", "apply", profile],
        stdout=subprocess.DEVNULL, stderr=open(tmp_path / "log", "w"),
        env={"PATH": os.environ["PATH"], **NOWHERE, **place.environment,
             "HOME": str(tmp_path / "home")})
    end = time.monotonic() + 20
    while not [c for c in aws.calls("s3") if c.presigned]:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    yield process, key, tmp_path
    process.kill()
    process.wait()


def family(pid):
    children = pathlib.Path("/proc/%d/task/%d/children" % (pid, pid))
    return [pid] + [p for child in children.read_text().split()
                    for p in family(int(child))]


def memory_holds(pid, needles):
    """Which of NEEDLES are in what PID can write to."""
    found = set()
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not match:
                continue
            first, last = (int(x, 16) for x in match.groups())
            try:
                mem.seek(first)
                data = mem.read(last - first)
            except OSError:
                continue
            found |= {n for n in needles if n.encode() in data}
    return found


def test_s22_s24_the_fetcher_never_has_the_secret(slow):
    process, key, _ = slow
    pids = family(process.pid)
    assert len(pids) >= 3               # commander, fetcher, unpacker
    assert memory_holds(process.pid, [key.secret]) == {key.secret}
    for pid in pids[1:]:
        assert not memory_holds(pid, [key.secret]), \
            open("/proc/%d/comm" % pid).read()


def test_s22_no_secret_in_arguments_environment_log_and_state(slow):
    process, key, directory = slow
    for pid in family(process.pid):
        for name in "cmdline", "environ":
            data = open("/proc/%d/%s" % (pid, name), "rb").read()
            assert key.secret.encode() not in data
            assert key.token.encode() not in data
    process.terminate()
    process.wait(20)
    files = [directory / "log", *(p for p in (directory / "state").rglob("*")
                                  if p.is_file())]
    assert len(files) > 1
    for file in files:
        data = file.read_bytes()
        for secret in key.secret, key.token, "X-Amz-Signature":
            assert secret.encode() not in data, file


def test_s24_who_holds_keys_leaves_no_core(slow):
    process, _, _ = slow
    # What cannot be dumped belongs to root in /proc, and is not attached to.
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    del libc
    status = open("/proc/%d/status" % process.pid).read()
    assert "CoreDumping:\t0" in status
    os.kill(process.pid, 11)
    process.wait(20)
    assert not os.WCOREDUMP(process.returncode & 0xff) \
        if process.returncode > 0 else process.returncode == -11
