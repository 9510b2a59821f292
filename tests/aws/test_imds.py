# SPDX-License-Identifier: Apache-2.0
"""Instance metadata: what a profile may use of it, and what goes wrong."""
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from metadata import Metadata

FITOUT = os.environ.get("FITOUT", str(
    pathlib.Path(__file__).resolve().parents[2] / "build/static/fitout"))


@pytest.fixture
def metadata():
    service = Metadata().serve()
    yield service
    service.close()


class Plan:
    """`fitout plan` of a file whose content is a variable."""

    def __init__(self, directory, service):
        self.directory = directory
        self.service = service
        self.ini = ""

    def __call__(self, text, command="plan", environment=None, timeout=60):
        profile = self.directory / "p.cfg"
        profile.write_text(
            'fitout = 1; name = "p";\nfiles = ( {\n template = true; content = "%s\\n"; '
            'to = "%s/out"; } );\n' % (text, self.directory))
        (self.directory / "fitout.ini").write_text(self.ini)
        begin = time.monotonic()
        result = subprocess.run(
            [FITOUT, "--config", self.directory / "fitout.ini", "--state",
             self.directory / "state", command, profile],
            capture_output=True, text=True, timeout=timeout,
            env={"PATH": os.environ["PATH"], **self.service.environment(),
                 **(environment or {})})
        result.seconds = time.monotonic() - begin
        return result

    def value(self, text, **more):
        result = self(text, **more)
        assert result.returncode == 0, result.stderr
        lines = [line[1:] for line in result.stdout.replace(" ", "")
                 .splitlines() if line.startswith("+")]
        return lines[-1]


@pytest.fixture
def plan(tmp_path, metadata):
    return Plan(tmp_path, metadata)


def test_the_instance_is_known_by_its_names(plan, metadata):
    assert plan.value("${instance_id}/${region}/${tag:Name}/"
                      "${imds:placement/availability-zone}") == \
        "i-0123456789abcdef0/eu-test-1/web/eu-test-1a"
    assert metadata.puts() == ["/latest/api/token"]
    assert len(metadata.gets()) == 4


def test_one_connection_and_one_request_an_item(plan, metadata):
    plan.value("${instance_id} ${instance_id} ${region} ${instance_id}")
    assert len(metadata.gets()) == 2
    assert len(metadata.puts()) == 1
    assert len(metadata.peers) == 1


def test_nothing_is_asked_that_is_not_used(plan, metadata):
    assert plan("plain").returncode == 0
    assert metadata.requests == []


def test_validate_asks_nobody(plan, metadata):
    result = plan("${instance_id} ${tag:Name}", command="validate")
    assert result.returncode == 0
    assert metadata.requests == []


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
    result = plan("${tag:Role}")
    assert 'this instance has no tag "Role"' in result.stderr
    del metadata.meta["tags"]
    result = plan("${tag:Role}")
    assert "--instance-metadata-tags enabled" in result.stderr


def test_an_item_that_is_not_there(plan):
    result = plan("${imds:no/such}")
    assert result.returncode == 2
    assert "has no meta-data/no/such" in result.stderr


def test_credentials_are_not_for_a_profile(plan, metadata):
    metadata.set_role("web", '{"SecretAccessKey": "hidden"}')
    result = plan("${imds:iam/security-credentials/web}")
    assert result.returncode == 2
    assert "is not for a profile" in result.stderr
    assert metadata.requests == []


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
