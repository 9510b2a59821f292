# SPDX-License-Identifier: Apache-2.0
"""The same cases against the fake S3 and, with tools/check --peers, against a
server that nobody here wrote (S3_PEER: versitygw's binary)."""
import hashlib
import os
import pathlib
import secrets
import socket
import subprocess
import time
import urllib.parse

import botocore.session
import pytest
from botocore.config import Config

from core import Cloud
from client import FITOUT, NOWHERE, Place, archive
from s3 import S3
from sts import Sts

TOOL = pathlib.Path(FITOUT).parent / "tests/aws/s3tool"
PEER = os.environ.get("S3_PEER")
DATA = archive({"hello": "from the bucket\n"})


class Fake:
    def __init__(self, directory):
        self.cloud = Cloud(S3(), Sts())
        key = self.cloud.new_key(token=False)
        self.environment = self.cloud.environment(key)
        other = self.cloud.new_key(role="other", token=False)
        self.other = other.environment()

    def bucket(self, name, versioned=False):
        self.cloud.s3.make(name, versioned=versioned).readers = {"web"}

    def put(self, bucket, key, data):
        return self.cloud.s3.buckets[bucket].put(key, data).version

    def close(self):
        self.cloud.close()


class Peer:
    def __init__(self, directory):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        for name in "data", "versions", "iam":
            (directory / name).mkdir()
        self.secret = secrets.token_hex(20)
        self.url = "http://127.0.0.1:%d" % port
        self.log = open(directory / "log", "w")
        self.process = subprocess.Popen(
            [PEER, "--access", "rootkey", "--secret", self.secret, "--port",
             "127.0.0.1:%d" % port, "--region", "eu-test-1", "--iam-dir",
             directory / "iam", "posix", "--versioning-dir",
             directory / "versions", directory / "data"],
            stdout=self.log, stderr=self.log)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert self.process.poll() is None, "it ended"
                assert time.monotonic() < end
                time.sleep(0.05)
        self.environment = {"AWS_ENDPOINT_URL": self.url,
                            "AWS_REGION": "eu-test-1",
                            "AWS_ACCESS_KEY_ID": "rootkey",
                            "AWS_SECRET_ACCESS_KEY": self.secret}
        subprocess.run(
            [PEER, "admin", "--access", "rootkey", "--secret", self.secret,
             "--region", "eu-test-1", "--endpoint-url", self.url,
             "create-user", "--access", "other", "--secret", "othersecret",
             "--role", "user"], check=True, capture_output=True)
        self.other = {"AWS_ACCESS_KEY_ID": "other",
                      "AWS_SECRET_ACCESS_KEY": "othersecret"}
        self.client = botocore.session.Session().create_client(
            "s3", region_name="eu-test-1", endpoint_url=self.url,
            config=Config(s3={"addressing_style": "path"}),
            aws_access_key_id="rootkey", aws_secret_access_key=self.secret)

    def bucket(self, name, versioned=False):
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={
            "LocationConstraint": "eu-test-1"})
        if versioned:
            self.client.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, bucket, key, data):
        return self.client.put_object(Bucket=bucket, Key=key,
                                      Body=data).get("VersionId")

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


@pytest.fixture(scope="module", params=["fake", "peer"])
def store(request, tmp_path_factory):
    if request.param == "peer" and not PEER:
        pytest.skip("no other server: tools/check --peers builds one")
    store = (Peer if request.param == "peer" else Fake)(
        tmp_path_factory.mktemp("store"))
    store.bucket("packages-test")
    store.bucket("with.dots.test")
    store.bucket("versions-test", versioned=True)
    yield store
    store.close()


@pytest.fixture
def place(store, tmp_path):
    return Place(tmp_path, store.environment)


def come(place):
    return (place.path / "app/hello").read_text() == "from the bucket\n"


def tool(store, *argv, **environment):
    result = subprocess.run(
        [TOOL, *argv], capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], **NOWHERE, **store.environment,
             **environment, **{name: os.environ[name] for name in os.environ
                               if name.endswith("SAN_OPTIONS")}})
    assert result.returncode in (0, 3), result.stderr
    return result.returncode, result.stdout.strip()


def test_a_package(store, place):
    store.put("packages-test", "app.tar", DATA)
    place.apply(place.package("s3://packages-test/app.tar", DATA))
    assert come(place)


def test_a_bucket_with_dots(store, place):
    store.put("with.dots.test", "app.tar", DATA)
    place.apply(place.package("s3://with.dots.test/app.tar", DATA))
    assert come(place)


@pytest.mark.parametrize("key", ["a b/c+d", "\u00e9\u1234", "100%/%41",
                                 "~'()*!;:@&=$,", "[]#?{}|^"])
def test_an_odd_key(store, place, key):
    store.put("packages-test", key, DATA)
    place.apply(place.package(
        "s3://packages-test/" + urllib.parse.quote(key, safe="/"), DATA))
    assert come(place)


def test_a_file_a_plan_and_a_profile(store, place):
    store.put("packages-test", "motd", b"hello\n")
    block = ('files = ( { url = "s3://packages-test/motd"; to = "%s/motd"; '
             'sha256 = "%s"; } );' % (place.path, hashlib.sha256(
                 b"hello\n").hexdigest()))
    profile = place.profile(block)
    plan = place.run("plan", profile)
    assert plan.returncode == 0 and "6 B" in plan.all.replace("bytes", "B")
    store.put("packages-test", "web.cfg", profile.read_bytes())
    result = place.run("apply", "s3://packages-test/web.cfg")
    assert result.returncode == 0, result.all
    assert (place.path / "motd").read_text() == "hello\n"


def test_an_empty_file(store, place):
    store.put("packages-test", "empty", b"")
    place.apply('files = ( { url = "s3://packages-test/empty"; to = "%s/e"; '
                'sha256 = "%s"; } );' % (place.path,
                                         hashlib.sha256(b"").hexdigest()))
    assert (place.path / "e").read_bytes() == b""


def test_an_older_version(store, place):
    old = store.put("versions-test", "app.tar", DATA)
    store.put("versions-test", "app.tar", archive({"hello": "newer\n"}))
    place.apply(place.package("s3://versions-test/app.tar?versionId=" + old,
                              DATA))
    assert come(place)


def test_eight_megabytes(store, place):
    data = archive({"hello": "from the bucket\n"}, padding=8 << 20)
    store.put("packages-test", "large", data)
    place.apply(place.package("s3://packages-test/large", data))
    assert come(place)


def test_missing_denied_and_no_bucket_are_told_apart(store, place):
    store.put("packages-test", "app.tar", DATA)
    for url, environment, words in (
            ("s3://packages-test/nosuch", {}, "no such object"),
            ("s3://nosuchbucket-test/x", {}, "no bucket 'nosuchbucket-test'"),
            ("s3://packages-test/app.tar", store.other, "denied")):
        result = place.apply(place.package(url, DATA), status=1,
                             environment=environment)
        assert words in result.all


def test_a_wrong_secret(store, place):
    result = place.apply(
        place.package("s3://packages-test/app.tar", DATA), status=1,
        environment={"AWS_SECRET_ACCESS_KEY": "x" * 40})
    assert "SignatureDoesNotMatch" in result.all


def test_an_unknown_key(store, place):
    result = place.apply(
        place.package("s3://packages-test/app.tar", DATA), status=1,
        environment={"AWS_ACCESS_KEY_ID": "AKIANOSUCHKEY"})
    assert "InvalidAccessKeyId" in result.all


def test_what_is_put_is_got(store):
    url = "s3://packages-test/put/%C3%A4%20b"
    status, etag = tool(store, "put", url, "one")
    assert status == 0 and etag.startswith('"')
    assert tool(store, "get", url) == (0, "one")
    assert tool(store, "get", url + "x")[0] == 3


def test_conditional_writes(store):
    url = "s3://packages-test/condition-" + secrets.token_hex(4)
    status, first = tool(store, "put-new", url, "one")
    assert status == 0
    assert tool(store, "put-new", url, "two")[0] == 3
    status, second = tool(store, "put-over", url, "three", first)
    assert status == 0 and second != first
    assert tool(store, "put-over", url, "four", first)[0] == 3
    assert tool(store, "get", url) == (0, "three")
