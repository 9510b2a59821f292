# SPDX-License-Identifier: Apache-2.0
"""Where keys come from, and what is said when there are none."""
import http.server
import json
import socket
import threading
import time

import pytest

from metadata import Metadata, as_json
from client import archive, Place

DATA = archive({"hello": "from the bucket\n"})
URL = "s3://packages-test/app.tar"
ROLE = "arn:aws:iam::123456789012:role/deploy"


@pytest.fixture
def place(tmp_path, cloud):
    cloud.s3.make("packages-test").put("app.tar", DATA)
    place = Place(tmp_path, cloud.environment())
    place.home = tmp_path / "home"
    (place.home / ".aws").mkdir(parents=True)
    place.environment["HOME"] = str(place.home)
    return place


def write(place, config="", credentials=""):
    (place.home / ".aws/config").write_text(config)
    (place.home / ".aws/credentials").write_text(credentials)


def keys(key, name="default"):
    text = "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (
        name, key.id, key.secret)
    return text + ("aws_session_token = %s\n" % key.token if key.token else "")


def fetch(place, **more):
    return place.apply(place.package(URL, DATA), **more)


def used(cloud):
    return {call.key.role for call in cloud.calls("s3") if call.key}


# ---- files ----

def test_the_shared_credentials_file(place, cloud):
    write(place, credentials=keys(cloud.new_key("file", token=False)))
    fetch(place)
    assert used(cloud) == {"file"}


def test_a_profile_of_the_config_file_with_a_region(place, cloud):
    write(place, "[default]\nregion = nowhere\n[profile web]\n"
          "region = eu-test-1\ns3 =\n  addressing_style = path\n",
          keys(cloud.new_key("web"), "web"))
    fetch(place, environment={"AWS_PROFILE": "web", "AWS_REGION": ""})
    assert used(cloud) == {"web"}


def test_a_profile_that_is_nowhere(place, cloud):
    write(place, "[profile web]\nregion = x\n")
    result = fetch(place, environment={"AWS_PROFILE": "wbe"}, status=1)
    assert "AWS_PROFILE is 'wbe'" in result.all


def test_the_environment_comes_first(place, cloud):
    write(place, credentials=keys(cloud.new_key("file")))
    fetch(place, environment=cloud.new_key("env").environment())
    assert used(cloud) == {"env"}


def test_files_that_others_may_write_are_refused(place, cloud):
    write(place, credentials=keys(cloud.new_key("file")))
    (place.home / ".aws/credentials").chmod(0o666)
    result = fetch(place, status=1)
    assert ".aws/credentials" in result.all


# ---- roles ----

def test_a_role_by_another_profile(place, cloud):
    cloud.sts.trust[ROLE] = {"base": "secret id"}
    write(place, "[default]\nrole_arn = %s\nsource_profile = base\n"
          "external_id = secret id\nrole_session_name = s1\n" % ROLE,
          keys(cloud.new_key("base", token=False), "base"))
    fetch(place)
    assert used(cloud) == {ROLE}
    assert b"RoleSessionName=s1" in cloud.calls("sts")[0].body


def test_a_role_that_may_not_be_assumed(place, cloud):
    write(place, "[default]\nrole_arn = %s\nsource_profile = base\n" % ROLE,
          keys(cloud.new_key("base"), "base"))
    result = fetch(place, status=1)
    assert ROLE in result.all and "sts:AssumeRole" in result.all
    assert "environment: AWS_ACCESS_KEY_ID not set" in result.all


def test_profiles_that_go_round(place, cloud):
    write(place, "[default]\nrole_arn = %s\nsource_profile = b\n"
          "[profile b]\nrole_arn = %s\nsource_profile = default\n" % (
              ROLE, ROLE))
    assert "goes round" in fetch(place, status=1).all


def test_a_web_identity_is_not_signed(place, cloud):
    cloud.sts.identities["a.web.token"] = ROLE
    file = place.path / "token"
    file.write_text("a.web.token\n")
    result = fetch(place, environment={
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": ROLE})
    assert used(cloud) == {ROLE}
    assert cloud.calls("sts")[0].key is None
    assert "a.web.token" not in result.all
    file.write_text("another")
    result = place.run("plan", "s3://packages-test/app.tar", environment={
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": ROLE})
    assert "InvalidIdentityToken" in result.all


# ---- programs and containers ----

def test_credential_process(place, cloud):
    key = cloud.new_key("process")
    tool = place.path / "give keys"
    tool.write_text("#!/bin/sh\n[ \"$1\" = 'a b' ] || exit 3\n"
                    "[ -z \"$AWS_SESSION_TOKEN\" ] || exit 4\n"
                    "echo noise >&2\ncat <<'E'\n%s\nE\n" % as_json(key))
    tool.chmod(0o755)
    write(place, "[default]\ncredential_process = '%s' \"a b\"\n" % tool)
    result = fetch(place, environment={"AWS_SESSION_TOKEN": "x"})
    assert used(cloud) == {"process"}
    assert key.secret not in result.all
    write(place, "[default]\ncredential_process = '%s' c\n" % tool)
    result = place.run("plan", "s3://packages-test/p.cfg")
    assert "credential_process: " in result.all
    assert "exit status 3" in result.all


def test_no_credential_process_that_others_can_change(place, cloud):
    ran = place.path / "ran"
    tool = place.path / "tool"
    tool.write_text("#!/bin/sh\ntouch %s\ncat <<'E'\n%s\nE\n" % (
        ran, as_json(cloud.new_key("process"))))
    tool.chmod(0o777)
    write(place, "[default]\ncredential_process = %s\n" % tool)
    result = place.run("plan", "s3://packages-test/p.cfg")
    assert "credential_process: " in result.all
    assert "others can write it" in result.all
    assert not ran.exists()


class Container:
    """An endpoint that gives keys to who has the token."""

    def __init__(self, token):
        self.answers = []
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path,
                                    self.headers.get("Authorization")))
                status, body = outer.answers[0]
                if len(outer.answers) > 1:
                    outer.answers.pop(0)
                if self.headers.get("Authorization") != token:
                    status, body = 403, "{}"
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.url = "http://127.0.0.1:%d/v2/creds" % \
            self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def container():
    container = Container("a token")
    yield container
    container.close()


def test_a_container_with_a_token_file(place, cloud, container):
    container.answers = [(500, "{}"), (200, as_json(cloud.new_key("task")))]
    file = place.path / "token"
    file.write_text("a token\n")
    result = fetch(place, environment={
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file),
        "http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"})
    assert used(cloud) == {"task"}
    assert "a token" not in result.all


def test_a_container_that_refuses(place, cloud, container):
    container.answers = [(200, "{}")]
    result = fetch(place, status=1, environment={
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "another one"})
    assert "container: " in result.all and "403" in result.all
    assert "another one" not in result.all


@pytest.mark.parametrize("url", ["http://example.com/creds",
                                 "http://10.0.0.1/x", "ftp://127.0.0.1/",
                                 "http://127.0.0.1@example.com/x"])
def test_a_container_endpoint_elsewhere_needs_https(place, url):
    result = fetch(place, status=1, environment={
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url})
    assert "must be https" in result.all
    assert result.seconds < 5


# ---- the instance, where it goes wrong (else test_metadata.py) ----

@pytest.fixture
def metadata(place):
    service = Metadata().serve()
    place.environment.update(service.environment(),
                             AWS_EC2_METADATA_DISABLED="false")
    yield service
    service.close()


def test_a_role_whose_trust_is_wrong(place, cloud, metadata):
    metadata.set_role("web", json.dumps({
        "Code": "AssumeRoleUnauthorizedAccess",
        "Message": "EC2 cannot assume the role web."}))
    result = place.apply('budget = "3s";', place.package(URL, DATA), status=1)
    assert "AssumeRoleUnauthorizedAccess" in result.all


def test_keys_that_are_not_known_yet_are_read_again(place, cloud, metadata):
    unknown = cloud.new_key("old")
    del cloud.keys[unknown.id]
    answers = [as_json(unknown), as_json(cloud.new_key("web"))]
    metadata.set_role("web", lambda: answers.pop(0) if len(answers) > 1
                      else answers[0])
    fetch(place)
    assert used(cloud) == {"web"}


def test_keys_are_renewed_before_they_expire(place, cloud, metadata):
    """Good for four minutes more: fresh ones are asked for, and taken."""
    answers = [as_json(cloud.new_key("old", lasts=240), lasts=240),
               as_json(cloud.new_key("new"))]
    metadata.set_role("web", lambda: answers.pop(0) if len(answers) > 1
                      else answers[0])
    fetch(place)
    assert used(cloud) == {"old", "new"}


def test_nobody_has_keys(place, cloud):
    result = fetch(place, status=1)
    for words in ("environment: AWS_ACCESS_KEY_ID not set",
                  "web identity: AWS_WEB_IDENTITY_TOKEN_FILE not set",
                  "profile: default has no keys",
                  "container: ", "instance role: "):
        assert words in result.all
    assert result.seconds < 10
