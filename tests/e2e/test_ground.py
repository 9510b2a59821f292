# SPDX-License-Identifier: Apache-2.0
"""The ground the other tests stand on: real machines, a real cloud-init, and
servers that fail as told. Nothing of fitout runs here."""
import hashlib
import time

import pytest

import snapshot
from origin import Fault

BOOTED = ["bookworm", "trixie"]

FETCH = """#!/bin/sh
set -e
curl -fsS -o /root/artifact http://origin.test/artifact
echo "{digest}  /root/artifact" | sha256sum -c
systemctl is-system-running || true
echo user-data ended well
"""


@pytest.mark.parametrize("name", BOOTED)
def test_user_data_fetches_a_file_and_cloud_init_records_success(
        name, cloud, machine):
    artifact = bytes(range(256)) * 4096
    digest = hashlib.sha256(artifact).hexdigest()
    cloud.origin.content["/artifact"] = artifact
    cloud.imds.user_data = FETCH.format(digest=digest).encode()
    instance = machine(name)
    instance.boot()
    record = instance.wait_cloud_init()
    output = instance.user_data_output()
    assert record["errors"] == [], output
    assert "Ec2" in record["datasource"]
    assert "/root/artifact: OK" in output
    assert "user-data ended well" in output
    assert [r.status for r in cloud.origin.asked("/artifact")] == [200]
    # Version 2 of the metadata service, by token, and nothing else.
    assert ("PUT", "/latest/api/token", 200) in cloud.imds.requests
    assert any(path.endswith("/user-data") and status == 200
               for _, path, status in cloud.imds.requests)
    instance.power_off()
    assert instance.disk.path("/root/artifact").read_bytes() == artifact


@pytest.mark.parametrize("name", BOOTED)
def test_cloud_init_records_the_failure_of_user_data(name, cloud, machine):
    artifact = b"what was promised"
    cloud.origin.content["/artifact"] = artifact
    cloud.origin.faults["/artifact"] = Fault(flip=3)
    cloud.imds.user_data = FETCH.format(
        digest=hashlib.sha256(artifact).hexdigest()).encode()
    instance = machine(name)
    instance.boot()
    record = instance.wait_cloud_init()
    assert "scripts" in str(record["errors"]), record
    assert "/root/artifact: FAILED" in instance.user_data_output()
    assert instance.run("cloud-init", "status", check=False).status == 1


def test_a_reboot_keeps_the_disk_and_runs_user_data_no_second_time(
        cloud, machine):
    cloud.imds.user_data = b"#!/bin/sh\necho once >>/root/ran\n"
    instance = machine()
    instance.boot()
    instance.wait_cloud_init()
    instance.power_off()
    instance.boot()
    instance.wait_for("the second boot", instance.is_up)
    instance.wait_cloud_init()
    assert instance.read("/root/ran") == "once\n"
    instance.power_cut()
    instance.boot()
    assert instance.read("/root/ran") == "once\n"


def test_sysvinit_boots_to_runlevel_2_and_starts_services(machine):
    instance = machine("bookworm-sysvinit")
    instance.boot()
    instance.wait_for("runlevel 2", lambda: instance.run(
        "runlevel", check=False).out == "N 2\n")
    instance.wait_for("cron", lambda: instance.run(
        "service", "cron", "status", check=False).status == 0)
    assert instance.run("cat", "/proc/1/comm").out == "init\n"
    assert instance.run("service", "supervisor", "status",
                        check=False).status != 0
    instance.power_off()


def test_a_box_runs_programs_and_shows_what_they_changed(box):
    host = box()
    host.disk.write("/etc/old", "old\n")
    before = host.disk.snapshot()
    assert host.run("cat", "/etc/old").out == "old\n"
    assert snapshot.diff(before, host.disk.snapshot()) == []
    host.run("sh", "-c", "echo new >/etc/old; chmod 600 /etc/passwd; "
             "rm /etc/issue; mkdir /srv/made")
    changed = snapshot.diff(before, host.disk.snapshot())
    assert "+ etc/issue: new whiteout" in changed
    assert "+ srv/made: new directory" in changed
    assert "+ etc/passwd: new file" in changed
    assert any(line.startswith("! etc/old: sha256") for line in changed)


def test_a_box_starts_supervisor(box):
    host = box()
    host.run("service", "supervisor", "start")
    host.wait_for("supervisor", lambda: host.run(
        "supervisorctl", "pid", check=False).status == 0)


def curl(host, *words):
    """What curl says of a request: exit status, HTTP status, size."""
    done = host.run("curl", "-sS", "-m", "30", "-o", "/tmp/got",
                    "-w", "%{http_code} %{size_download}", *words,
                    check=False)
    return (done.status, *map(int, done.out.split()))


def test_the_origin_fails_as_told(cloud, box):
    host = box()
    url = "http://origin.test/file"
    data = bytes(1000)
    cloud.origin.content["/file"] = data
    faults = cloud.origin.faults
    assert curl(host, url) == (0, 200, 1000)
    assert curl(host, "-C", "400", url) == (0, 206, 600)
    assert curl(host, "http://origin.test/other")[1] == 404
    faults["/file"] = Fault(ranges=False)
    assert curl(host, "-r", "400-", url) == (0, 200, 1000)
    faults["/file"] = Fault(status=500, times=2)
    assert [curl(host, url)[1] for _ in range(3)] == [500, 500, 200]
    faults["/file"] = Fault(truncate=300, times=1)
    assert curl(host, url) == (18, 200, 300)
    faults["/file"] = Fault(reset=300, times=1)
    assert curl(host, url)[0] == 56
    faults["/file"] = Fault(stall=300, times=1)
    assert curl(host, "-m", "1", url) == (28, 200, 300)
    faults["/file"] = Fault(silent=True, times=1)
    assert curl(host, "-m", "1", url) == (28, 0, 0)
    faults["/file"] = Fault(flip=5, times=1)
    assert curl(host, url) == (0, 200, 1000)
    assert host.read("/tmp/got") == "\0" * 5 + "\1" + "\0" * 994
    faults["/file"] = Fault(redirect="file:///etc/passwd", times=1)
    assert curl(host, "-L", url)[:2] == (1, 302)
    faults["/file"] = Fault(rate=2000, times=1)
    began = time.monotonic()
    assert curl(host, url) == (0, 200, 1000)
    assert time.monotonic() - began > 0.3
    assert len(cloud.origin.asked("/file")) == 13


def test_only_the_good_certificate_is_good(cloud, box, certs):
    host = box()
    cloud.origin.content["/file"] = b"content"
    host.disk.copy(certs.ca, "/etc/ca.pem")

    def status(name):
        return curl(host, "--cacert", "/etc/ca.pem", f"https://{name}/file")

    assert status("origin.test") == (0, 200, 7)
    for name in ("expired", "wrong-host", "self-signed"):
        assert status(f"{name}.origin.test")[0] == 60, name
    assert curl(host, "https://nowhere.test/")[0] == 6
    assert curl(host, "http://origin.test:81/")[0] == 7


def test_the_metadata_service_wants_a_token(cloud, box):
    host = box()
    base = "http://169.254.169.254/latest/"
    put = ["-X", "PUT", base + "api/token", "-H"]
    ttl = "X-aws-ec2-metadata-token-ttl-seconds: "
    assert curl(host, base + "meta-data/instance-id")[1] == 401
    assert curl(host, *put, ttl + "0")[1] == 400
    assert curl(host, *put, ttl + "60", "-H", "X-Forwarded-For: a")[1] == 403
    assert curl(host, *put, ttl + "60")[1] == 200
    token = "X-aws-ec2-metadata-token: " + host.read("/tmp/got")
    assert curl(host, base + "meta-data/placement/region", "-H", token
                )[1] == 200
    assert host.read("/tmp/got") == "eu-test-1"
    assert curl(host, base + "meta-data/nothing", "-H", token)[1] == 404
    assert curl(host, *put, ttl + "1")[1] == 200
    short = "X-aws-ec2-metadata-token: " + host.read("/tmp/got")
    host.wait_for("the token's end", lambda: curl(
        host, base + "meta-data/", "-H", short)[1] == 401)
