# SPDX-License-Identifier: Apache-2.0
"""The circuit breaker at boot: an image that fails wherever it boots, and a
newer profile that does."""
import hashlib
import json
import pathlib
import sys

import pytest

import signing
from scene import PROFILE

pytest.importorskip("botocore")     # Debian: python3-botocore
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "aws"))

# pylint: disable=wrong-import-position
from cloudformation import Ec2  # noqa: E402
from core import Cloud as Aws  # noqa: E402
from s3 import S3  # noqa: E402

ADDRESS = "10.12.0.9"
BROKEN = "/srv/broken"
RECORD = "breaker/scene.json"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Fleet:
    """The scene's host, in turn each instance of a fleet."""

    def __init__(self, scene, aws):
        self.scene = scene
        self.aws = aws
        self.head = scene.blocks["head"]
        self.bucket = aws.s3.make("fleet")
        scene.add('signal = { console = "never"; breaker = { failures = 2; '
                  'at = "s3://fleet/breaker"; }; };')
        scene.environment |= {**aws.environment(aws.new_key()),
                              "AWS_ENDPOINT_URL": f"http://{ADDRESS}"}

    def edition(self, n, serial=True, fails=False):
        """Edition N of the profile: its text."""
        where = BROKEN if fails else "/srv/not-there"
        self.scene.blocks |= {
            "head": self.head + (f"serial = {n};\n" if serial else ""),
            "files": 'files = ( { content = "%d"; to = "/etc/app-motd"; }, '
                     '{ from = "app:etc/app.conf"; '
                     'to = "/srv/supervisor/conf.d/app.conf"; } );\n' % n,
            "checks": 'checks = ( { run = [ "test", "!", "-e", "%s" ]; '
                      "timeout = 1; } );\n" % where}
        self.scene.write()
        return self.scene.text()

    def done(self, *words):
        done = self.scene.fitout(*words)
        assert done.status == 0, done.err
        return done

    def boot(self, *words):
        """As after a reboot: the gate is closed, the agent down."""
        self.scene.host.run("rm", "-f", "/run/fitout/ready",
                            "/srv/agent/started")
        done = self.scene.fitout("--json", "boot", *words)
        assert self.scene.agent_started() == (done.status == 0), done.err
        done.events = [json.loads(line)["event"] for line in
                       done.err.splitlines() if line.startswith("{")]
        done.serves = self.scene.host.read("/etc/app-motd")
        done.breaker = json.loads(done.out).get("breaker", "")
        return done

    def record(self):
        return json.loads(self.bucket.get(RECORD))

    def failures(self, text):
        return next((len(row["failures"]) for row in
                     self.record()["profiles"]
                     if row["sha256"] == digest(text)), 0)

    def reads(self):
        return len([call for call in self.aws.calls("s3", "GetObject")
                    if call.path.endswith(RECORD)])


@pytest.fixture
def fleet(scene, cloud):
    cloud.ns.run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
    aws = Aws(S3(), Ec2(), sock=cloud.ns.listen(ADDRESS, 80))
    yield Fleet(scene, aws)
    aws.close()


def test_an_image_that_fails_at_every_boot_is_not_booted_for_ever(fleet):
    good = fleet.edition(1, serial=False)
    fleet.done("apply", PROFILE)
    assert fleet.record()["good"]["sha256"] == digest(good)
    bad = fleet.edition(2, serial=False, fails=True)
    fleet.done("bake", PROFILE)
    fleet.scene.host.disk.write(BROKEN, "")
    for n in (1, 2):
        done = fleet.boot()
        assert done.status == 1 and done.serves == "2", done.err
        assert fleet.failures(bad) == n
    # The next instance of it goes by the one that works.
    done = fleet.boot()
    assert done.status == 0 and done.serves == "1", done.err
    assert "breaker.open" in done.events
    assert f"OPEN: profile {digest(bad)[:12]}" in done.breaker
    assert fleet.failures(bad) == 2
    # It serves, and is not asked again whether it may.
    reads = fleet.reads()
    done = fleet.boot()
    assert done.status == 0 and done.serves == "1", done.err
    assert done.breaker == "" and fleet.reads() == reads + 1    # it worked


def test_an_older_serial_is_not_fallen_back_to_and_that_is_said(fleet,
                                                                tmp_path):
    key = signing.Key(tmp_path, "release")
    signed = fleet.scene.host.disk.path(PROFILE)
    fleet.scene.host.disk.write("/etc/fitout.ini",
                                f"[trust]\npublic_key = {key.text}\n")
    fleet.edition(1)
    key.sign(signed)
    fleet.done("apply", PROFILE)
    bad = fleet.edition(2, fails=True)
    key.sign(signed)
    signature = signed.with_name(signed.name + ".minisig").read_bytes()
    fleet.done("bake", PROFILE)
    fleet.scene.host.disk.write(BROKEN, "")
    for n in (1, 2, 3):
        done = fleet.boot()
        assert done.status == 1 and fleet.failures(bad) == n, done.err
    assert "breaker.nothing" in done.events
    assert "serial 1" in done.breaker and "tried all the same" in done.breaker
    # What is mended serves, and closes it.
    fleet.scene.host.run("rm", BROKEN)
    done = fleet.boot()
    assert done.status == 0 and done.serves == "2", done.err
    assert fleet.record()["profiles"] == []
    assert fleet.record()["good"]["sha256"] == digest(bad)
    # Kept with its signature, which the image brought along.
    kept = f"breaker/scene/{digest(bad)}/profile.cfg"
    assert fleet.bucket.get(kept) == bad.encode()
    assert fleet.bucket.get(kept + ".minisig") == signature


def test_a_newer_profile_that_fails_everywhere_is_not_booted(fleet, cloud):
    fleet.edition(1)
    fleet.done("bake", PROFILE)
    done = fleet.boot()
    assert done.status == 0 and "is the one that is fallen" in done.breaker, \
        done.err
    newer = fleet.edition(2, fails=True)
    fleet.scene.serve("newer.cfg", newer.encode())
    cloud.imds.user_data = ("# fitout-profile: http://origin.test/newer.cfg "
                            f"sha256:{digest(newer)}\n").encode()
    fleet.scene.host.disk.write(BROKEN, "")
    how = ("--profile-from", "user-data")
    for n in (1, 2):
        done = fleet.boot(*how)
        assert done.status == 1 and fleet.failures(newer) == n, done.err
    done = fleet.boot(*how)
    assert done.status == 0 and done.serves == "1", done.err
    assert "breaker.open" in done.events
    # By its own generation: nothing was fetched for that.
    assert [call for call in fleet.aws.calls("s3", "GetObject")
            if call.path.endswith("profile.cfg")] == []
