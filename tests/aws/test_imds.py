# SPDX-License-Identifier: Apache-2.0
"""Instance metadata: what goes wrong with it. What goes well, and what any
such service can play, is in test_metadata.py."""
import socket
import threading
import time

import pytest

from client import Plan
from metadata import Metadata


@pytest.fixture
def metadata():
    service = Metadata().serve()
    yield service
    service.close()


@pytest.fixture
def plan(tmp_path, metadata):
    return Plan(tmp_path, metadata)


def test_a_busy_service_is_asked_again(plan, metadata):
    metadata.busy("api/token", 2)
    metadata.busy("meta-data/instance-id", 2, status=429)
    assert plan.value("${instance_id}") == "i-0123456789abcdef0"
    assert len(metadata.puts()) == 3 and len(metadata.gets()) == 3


def test_a_token_that_ended_is_replaced_once(plan, metadata):
    """As when the service was restarted, or the clock of one stopped."""
    real = metadata.get
    tries = []

    def get(path, headers):
        if not tries:
            metadata.tokens.clear()
        tries.append(path)
        return real(path, headers)

    metadata.get = get
    assert plan.value("${instance_id}") == "i-0123456789abcdef0"
    assert len(tries) == 2 and len(metadata.puts()) == 2


def test_a_token_that_never_counts_ends_it(plan, metadata):
    metadata.get = lambda path, headers: (401, b"", {})
    result = plan("${instance_id}")
    assert result.returncode == 2
    assert "refuses the token that it has just made" in result.stderr
    assert len(metadata.puts()) == 2


def test_switched_off(plan, metadata):
    metadata.token_status = 403
    result = plan("${instance_id}")
    assert result.returncode == 2 and result.seconds < 3
    assert "p.cfg:3" in result.stderr and "(403)" in result.stderr
    assert "--http-endpoint enabled" in result.stderr


def test_absent_is_said_in_bounded_time(plan, metadata):
    metadata.close()
    result = plan("${instance_id} ${region} ${tag:Name}")
    assert result.returncode == 2
    assert 4 < result.seconds < 12      # once, and not once a variable
    assert "no instance metadata: 127.0.0.1" in result.stderr
    assert "does not look like an instance" in result.stderr


def test_a_network_that_comes_late_is_waited_for(plan, metadata):
    port = int(metadata.url.rpartition(":")[2])
    metadata.close()
    late = Metadata()

    def come():
        time.sleep(2)
        late.listen(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=come)
    thread.start()
    try:
        assert plan.value("${instance_id}") == "i-0123456789abcdef0"
    finally:
        thread.join()
        late.close()


def test_tags_that_are_not_shown(plan, metadata):
    del metadata.meta["tags"]
    result = plan("${tag:Role}")
    assert "--instance-metadata-tags enabled" in result.stderr


@pytest.mark.parametrize("value", ["a\nb", "a\x1b[31m", "\udcff"])
def test_a_value_that_cannot_be_shown(plan, metadata, value):
    metadata.meta["tags"]["instance"]["Name"] = \
        value.encode("utf-8", "surrogateescape")
    result = plan("${tag:Name}")
    assert result.returncode == 2
    assert "tags/instance/Name of the instance" in result.stderr


@pytest.mark.parametrize("path", ["../x", "a/../b", "a?b", "a b", "a#b"])
def test_a_path_that_is_none(plan, metadata, path):
    result = plan("${imds:%s}" % path)
    assert result.returncode == 2
    assert "is no path of instance metadata" in result.stderr
    assert metadata.requests == []


def test_version_1_only_where_it_is_allowed(plan, metadata):
    metadata.token_status = 404
    metadata.v1 = True
    result = plan("${instance_id}")
    assert result.returncode == 2 and metadata.gets() == []
    assert "imds_v1 = true in fitout.ini" in result.stderr
    plan.ini = "[aws]\nimds_v1 = true\n"
    assert plan.value("${instance_id}") == "i-0123456789abcdef0"


def test_an_endpoint_elsewhere_is_refused(plan):
    for url in ("http://192.0.2.7/", "http://metadata.example/",
                "https://127.0.0.1/", "http://user@127.0.0.1/"):
        result = plan("${instance_id}", environment={
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": url})
        assert result.returncode == 2, url
        assert "must be http:// and a numeric address" in result.stderr


def test_metadata_can_be_disabled_by_the_environment(plan, metadata):
    result = plan("${instance_id}", environment={
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "",
        "AWS_EC2_METADATA_DISABLED": "true"})
    assert result.returncode == 2
    assert "AWS_EC2_METADATA_DISABLED is true" in result.stderr


def test_ipv6_loopback_endpoint(tmp_path):
    service = Metadata()
    sock = socket.create_server(("::1", 0), family=socket.AF_INET6)
    service.url = f"http://[::1]:{sock.getsockname()[1]}"
    service.listen(sock)
    try:
        assert Plan(tmp_path, service).value("${region}") == "eu-test-1"
    finally:
        service.close()
