# SPDX-License-Identifier: Apache-2.0
"""What an instance's metadata is used for. The same cases against the fake
and, with tools/check --peers, against amazon-ec2-metadata-mock, which AWS
wrote (IMDS_PEER: its binary)."""
import os
import threading
import time
import urllib.error
import urllib.request

import pytest

from autoscaling import TERMINATING
from client import Place, Plan, archive
from metadata import Metadata, as_json
from metadata_peer import MetadataPeer
from world import ID, World, messages, wait_for

PEER = os.environ.get("IMDS_PEER")
MAC = "0e:49:61:0f:c3:11"
WHEN = "2026-11-29T12:00:00Z"
DATA = archive({"hello": "from the bucket\n"})


@pytest.fixture(params=["fake", "peer"])
def metadata(request, tmp_path):
    if request.param == "peer" and not PEER:
        pytest.skip("no other service: tools/check --peers builds one")
    service = Metadata(instance_id=ID)
    service.add_interface(lambda: MAC)
    service.dynamic["instance-identity"]["signature"] = \
        "c2lnbmF0dXJl\nc2lnbmF0dXJl"
    if request.param == "peer":
        service = MetadataPeer(PEER, tmp_path, service)
    else:
        service.serve()
    yield service
    service.close()


@pytest.fixture
def plan(tmp_path, metadata):
    return Plan(tmp_path, metadata)


@pytest.fixture
def place(tmp_path, cloud, metadata):
    """A host with no keys of its own, and a bucket it wants something of."""
    cloud.s3.make("packages-test").put("app.tar", DATA)
    place = Place(tmp_path, {
        "AWS_ENDPOINT_URL": cloud.url, **metadata.environment(),
        "AWS_EC2_METADATA_DISABLED": "false"})
    place.block = place.package("s3://packages-test/app.tar", DATA)
    return place


@pytest.fixture
def world(tmp_path, metadata):
    world = World(tmp_path, metadata=metadata)
    yield world
    world.close()


def ask(metadata, path, **headers):
    """Past fitout: the status and the text of an answer."""
    request = urllib.request.Request(
        metadata.url + "/latest/" + path, headers=headers,
        method="PUT" if path == "api/token" else "GET")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def item(metadata, path):
    _, token = ask(metadata, "api/token",
                   **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    status, text = ask(metadata, path, **{"X-aws-ec2-metadata-token": token})
    assert status == 200
    return text


# ---- a profile's variables ----

def test_the_instance_is_known_by_its_names(plan, metadata):
    assert plan.value("${instance_id}/${region}/${tag:Name}/"
                      "${imds:placement/availability-zone}") == \
        "i-0123456789abcdef0/eu-test-1/web/eu-test-1a"
    assert metadata.puts() == ["/latest/api/token"]
    assert len(metadata.gets()) == 4


def test_a_path_with_many_parts(plan):
    assert plan.value("${imds:network/interfaces/macs/%s/vpc-id}" % MAC) == \
        "vpc-0123456789abcdef0"


def test_one_connection_and_one_request_an_item(plan, metadata):
    before = set(metadata.peers)
    plan.value("${instance_id} ${instance_id} ${region} ${instance_id}")
    assert len(metadata.gets()) == 2
    assert len(metadata.puts()) == 1
    assert len(set(metadata.peers) - before) == 1


def test_a_service_that_refuses_version_1(plan, metadata):
    assert ask(metadata, "meta-data/instance-id")[0] == 401
    refused = metadata.refused()
    assert plan.value("${instance_id}") == ID
    assert metadata.refused() == refused


def test_nothing_is_asked_that_is_not_used(plan, metadata):
    assert plan("plain").returncode == 0
    assert metadata.puts() == metadata.gets() == []


def test_validate_asks_nobody(plan, metadata):
    result = plan("${instance_id} ${tag:Name}", command="validate")
    assert result.returncode == 0
    assert metadata.puts() == metadata.gets() == []


def test_an_item_that_is_not_there(plan, metadata):
    result = plan("${imds:no/such}")
    assert result.returncode == 2
    assert "has no meta-data/no/such" in result.stderr
    assert metadata.gets() == ["/latest/meta-data/no/such"]


def test_a_tag_that_is_not_there(plan):
    result = plan("${tag:Role}")
    assert result.returncode == 2
    assert 'this instance has no tag "Role"' in result.stderr


def test_credentials_are_not_for_a_profile(plan, metadata, cloud):
    metadata.set_role("web", as_json(cloud.new_key()))
    result = plan("${imds:iam/security-credentials/web}")
    assert result.returncode == 2
    assert "is not for a profile" in result.stderr
    assert metadata.puts() == metadata.gets() == []


# ---- keys ----

def test_the_keys_and_the_region_of_the_role(place, cloud, metadata):
    key = cloud.new_key("web")
    metadata.set_role("web", as_json(key))
    result = place.apply(place.block)
    assert {(call.key.role, call.region) for call in cloud.calls("s3")
            if call.key} == {("web", "eu-test-1")}
    assert key.secret not in result.all and key.token not in result.all


def test_a_role_that_comes_late(place, cloud, metadata):
    late = threading.Timer(
        2, metadata.set_role, ("web", as_json(cloud.new_key("web"))))
    late.start()
    try:
        result = place.apply(place.block)
    finally:
        late.join()
    assert "waiting for it" in result.all
    assert {call.key.role for call in cloud.calls("s3") if call.key} == \
        {"web"}


def test_a_role_that_never_comes(place, metadata):
    result = place.apply('budget = "3s";', place.block, status=1)
    assert "the instance has no role" in result.all
    assert "attach an instance profile" in result.all
    assert "environment: AWS_ACCESS_KEY_ID not set" in result.all
    assert result.seconds < 10


# ---- the instance in its group and its stack ----

def test_the_hook_is_found_by_the_tag(world):
    world.scaling.group("web").hook("bootstrap", timeout=30)
    world.launch()
    run = world.run()
    assert run.returncode == 0, run.err
    assert world.scaling.results() == ["CONTINUE"]
    assert not world.cloud.calls("autoscaling", "DescribeAutoScalingInstances")
    assert world.report()["instance"] == {
        "id": ID, "type": "t3.small", "zone": "eu-test-1a",
        "target_state": "InService"}


def test_the_stack_by_the_identity_document(world, metadata):
    path = "dynamic/instance-identity/"
    document = item(metadata, path + "document")
    signature = item(metadata, path + "signature").replace("\n", "")
    world.stacks.identity = lambda: (document, signature)
    world.stacks.waiting[("web", "Group")] = 1
    world.key.denied.add("SignalResource")
    world.signal = {"cloudformation": 'stack = "web"; resource = "Group";'}
    run = world.run()
    assert run.returncode == 0, run.err
    assert world.stacks.signals == [
        ("web", "Group", ID, "SUCCESS", "identity")]


@pytest.fixture
def launched(world):
    """... and in service."""
    world.scaling.group("web").hook("bootstrap", 30)
    world.launch()
    assert world.run().returncode == 0
    return world


def terminate(world):
    world.scaling.groups["web"].hook("last", 30, TERMINATING)
    world.scaling.terminate(ID)
    world.metadata.set_target_state("Terminated")


def test_nothing_says_that_it_ends(launched):
    run = launched.run(command="drain")
    assert run.returncode == 0 and "--now" in run.out
    assert (launched.state / "ready").exists()


def test_it_is_terminated(launched):
    terminate(launched)
    run = launched.run(command="drain")
    assert run.returncode == 0, run.err
    assert not (launched.state / "ready").exists()
    assert launched.scaling.verdicts[-1][1:] == (
        "last", "CONTINUE", "answered")


def test_a_spot_notice(launched, metadata):
    metadata.set_spot_notice(WHEN)
    run = launched.run(command="drain")
    assert run.returncode == 0, run.err
    assert messages(run, "drain.notice") == [
        "EC2 takes this spot instance back: terminate at " + WHEN]
    assert not (launched.state / "ready").exists()


def test_tokens_that_are_lost_while_a_notice_is_waited_for(launched, metadata):
    asked, refused = len(metadata.gets()), metadata.refused()
    run = launched.start("--watch", command="drain")
    wait_for(lambda: len(metadata.gets()) >= asked + 2)
    time.sleep(0.5)                     # it was answered; the next is in 4 s
    assert run.poll() is None
    puts = len(metadata.puts())
    metadata.forget_tokens()
    terminate(launched)
    launched.end(run, 30)
    assert run.returncode == 0, run.err
    assert metadata.refused() == refused + 1
    assert len(metadata.puts()) > puts
    assert launched.scaling.verdicts[-1][1:] == (
        "last", "CONTINUE", "answered")
