# SPDX-License-Identifier: Apache-2.0
"""A host that has IPv6 and nothing else: the metadata service at its address
there, and an origin behind a router."""
import pytest

from imds import Imds

METADATA = "fd00:ec2::254"
ORIGIN = "fd12::1"
BOX, GATEWAY = "fd11::10", "fd11::1"

pytestmark = pytest.mark.host


@pytest.fixture
def six(scene, cloud):
    """The scene's host with its cable on IPv6; the metadata service."""
    box = scene.host.ns
    for address in (METADATA, ORIGIN):
        cloud.ns.run("ip", "address", "add", f"{address}/128", "dev", "lo")
    for ns, device, address in ((cloud.ns, "cable", GATEWAY),
                                (box, "eth0", BOX)):
        ns.run("ip", "-4", "address", "flush", "dev", device)
        ns.run("ip", "address", "add", f"{address}/64", "dev", device,
               "nodad")
    box.run("ip", "-6", "route", "add", "default", "via", GATEWAY)
    assert box.run("ip", "-4", "route") == ""
    imds = Imds()
    imds.listen(cloud.ns.listen(METADATA, 80))
    cloud.origin.listen(cloud.ns.listen(ORIGIN, 80))
    scene.host.disk.write("/etc/hosts", f"{ORIGIN} six.test\n")
    scene.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv6"
    yield imds
    imds.close()


def test_everything_over_ipv6(scene, six):
    """One package by a literal address, one by a name; what the instance
    is, by the metadata service."""
    scene.packages(app={"url": f"http://[{ORIGIN}]/app.tar.gz"},
                   tool={"url": "http://six.test/tool.tar.xz"})
    scene.change("files", "version 2\\n\"", "${instance_id}\\n\"; "
                 "template = true")
    done = scene.apply("--json")
    assert done.status == 0, done.err
    assert scene.agent_started()
    assert scene.host.read("/etc/app-motd") == \
        six.meta["instance-id"] + "\n"
    said = done.err
    assert f"http://[{ORIGIN}]/app.tar.gz" in said, said
    assert six.asked("/latest/meta-data/instance-id")
