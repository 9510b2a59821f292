# SPDX-License-Identifier: Apache-2.0
"""An instance of an Auto Scaling group boots: real systemd, real cloud-init,
the AWS side of tests/aws around it. One boot; user-data applies four profiles
one after the other, each of which answers a hook of its own, and leaves evidence
when it fails:

    killed    kill -9 of the commander in the middle
    failing   a check that does not hold
    held      the same, with on_failure = "hold 8s"
    good      all is well
"""
import json
import pathlib
import sys
import time

import pytest

pytest.importorskip("botocore")     # Debian: python3-botocore
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "aws"))

from autoscaling import AutoScaling  # noqa: E402
from cloudformation import CloudFormation, Ec2  # noqa: E402
from artifacts import archive, sha256  # noqa: E402
from core import Cloud as Aws  # noqa: E402
from s3 import S3  # noqa: E402

ID = "i-0123456789abcdef0"
APP = archive({"app/version": "private\n"})
ADDRESS = "10.12.0.9"
PROFILE = """fitout = 1;
name = "%(name)s";
budget = "60s";
# Private: with the role's keys, from a bucket that nobody else reads.
packages = ( { name = "app"; url = "s3://artifacts/app/app-1.tar.gz";
  sha256 = "%(sha256)s"; into = "/srv/%(name)s/app"; } );
files = ( { content = "x"; to = "/srv/%(name)s/file"; } );
commands = ( { name = "work"; run = [ "/bin/sh", "-c", "%(command)s" ];
  unless = [ "/bin/false" ]; } );
checks = ( { run = [ "/bin/sh", "-c", "%(check)s" ]; timeout = 1; } );
agent = { kind = "command";
  start = [ "/bin/sh", "-c", "date +%%s.%%N >>/srv/%(name)s-agent" ]; };
signal = { autoscaling = { hook = "%(name)s"; %(more)s };
  evidence = "s3://logs/%(name)s"; };
"""
CASES = {
    "killed": dict(command="touch /run/working; sleep 30", check="exit 0",
                   more=""),
    "failing": dict(command="exit 0", check="echo no page >&2; exit 1",
                    more=""),
    "held": dict(command="exit 0", check="exit 1",
                 more='on_failure = "hold 8s";'),
    "good": dict(command="sleep 4", check="exit 0", more=""),
}
USER_DATA = """#!/bin/sh
%(environment)s
cd /etc/fitout
# nspawn --console=pipe has none.
: >/srv/console; ln -s /srv/console /dev/console
apply() { sh -c 'echo $$ >/run/commander; exec fitout "$@"' - --state /var/lib/fitout-$1 apply $1.cfg; }
apply killed & pid=$!
until [ -e /run/working ]; do sleep 0.1; done
sleep 1.5
date +%%s.%%N >/srv/killed-at
kill -9 $(cat /run/commander)
wait $pid
apply failing; echo "failing: $?" >>/srv/statuses
apply held; echo "held: $?" >>/srv/statuses
date +%%s.%%N >/srv/held-at
apply good; echo "good: $?" >>/srv/statuses
"""


class Scaling(AutoScaling):
    """That looks at the console when it is told something, and at what is
    in the bucket."""

    def __init__(self, console):
        super().__init__()
        self.look = console
        self.seen = {}
        self.kept = {}

    def CompleteLifecycleAction(self, call, LifecycleHookName, **more):
        self.seen[LifecycleHookName] = self.look()
        self.kept[LifecycleHookName] = {
            key: versions[-1].data for key, versions in
            self.cloud.s3.buckets["logs"].objects.items()
            if key.startswith(LifecycleHookName + "/")}
        return super().CompleteLifecycleAction(
            call, LifecycleHookName=LifecycleHookName, **more)


@pytest.fixture
def instance(cloud, machine, fitout):
    host = machine()
    cloud.ns.run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
    scaling = Scaling(host.disk.path("/srv/console").read_text)
    aws = Aws(scaling, CloudFormation(), Ec2(), S3(),
              sock=cloud.ns.listen(ADDRESS, 80))
    aws.s3.make("logs")
    aws.s3.make("artifacts").put("app/app-1.tar.gz", APP)
    key = aws.new_key(role="web")
    group = scaling.group("web")
    scaling.independent = True
    group.hook("killed", 6).hook("failing", 9).hook("held", 6).hook("good", 6)
    cloud.imds.meta["tags"] = {"instance": {"aws:autoscaling:groupName":
                                            "web"}}
    cloud.imds.meta["autoscaling"] = {"target-lifecycle-state": "InService"}
    cloud.imds.meta["iam"] = {
        "info": "{}", "security-credentials": {"web": json.dumps({
            "Code": "Success", "Type": "AWS-HMAC",
            "AccessKeyId": key.id, "SecretAccessKey": key.secret,
            "Token": key.token, "Expiration": "2036-01-01T00:00:00Z"})}}
    cloud.imds.user_data = (USER_DATA % {"environment": "\n".join(
        f"export {name}={value}" for name, value in {
            # Keys and region are the instance's own.
            "AWS_ENDPOINT_URL": f"http://{ADDRESS}",
        }.items())}).encode()
    host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    for name, case in CASES.items():
        host.disk.write(f"/etc/fitout/{name}.cfg",
                        PROFILE % dict(case, name=name,
                                       sha256=sha256(APP)))
    host.scaling, host.aws = scaling, aws
    yield host
    aws.close()


def float_in(host, path):
    return float(host.read(path).split()[0])


def launch(host):
    """Every hook waits from its own first heartbeat on: the cases come one
    after the other."""
    scaling = host.scaling
    scaling.launch("web", ID)
    for action in scaling.actions:
        action.due = time.time() + 300


def test_hooks_of_an_instance_that_boots(instance):
    scaling = instance.scaling
    launch(instance)
    instance.boot()
    instance.wait_cloud_init()
    done = time.time()
    output = instance.user_data_output()
    scaling.results()
    verdicts = {hook: (when, result, how)
                for when, hook, result, how in scaling.verdicts}
    beats = {name: scaling.beats(name) for name in CASES}
    assert instance.read("/srv/statuses").split("\n")[:3] == [
        "failing: 1", "held: 1", "good: 0"], output

    # Killed: its heartbeats ended with it, and nobody said a word.
    killed = float_in(instance, "/srv/killed-at")
    assert beats["killed"] and beats["killed"][-1] < killed + 0.5
    assert verdicts["killed"][1:] == ("ABANDON", "timeout")

    # Failing: evidence, the frame, then ABANDON; the agent was not started.
    assert verdicts["failing"][1:] == ("ABANDON", "answered")
    frame = scaling.seen["failing"]
    assert "fitout: THIS INSTANCE IS NOT READY" in frame
    assert ID in frame and "failing (failing.cfg)" in frame
    assert "no page" in frame
    begin = frame.index("+-- fitout: THIS")
    assert frame.index("\n+---", begin) - begin < 4096
    assert not instance.exists("/srv/failing-agent")
    kept = {key.rpartition("/")[2]: data.decode(errors="replace")
            for key, data in scaling.kept["failing"].items()}
    assert set(kept) == {"report.json", "outputs.txt", "journal.txt",
                         "cloud-init.log", "cloud-init-output.log"}
    place, = {key.rpartition("/")[0] for key in scaling.kept["failing"]}
    assert place.startswith("failing/%s/2" % ID)
    # The frame says where: it came after.
    whole = "".join(frame.replace("\n|", "").split())
    assert "s3://logs/%s/(5files)" % place in whole, frame
    report = json.loads(kept["report.json"])
    assert place.endswith(report["run"])
    assert "no page" in report["error"]["message"]
    assert "no page" in kept["outputs.txt"]
    assert "user-data" in kept["cloud-init.log"]
    assert "failing" in kept["cloud-init-output.log"]
    assert "cloud-init" in kept["journal.txt"]
    assert not scaling.kept["good"]

    # Good: heartbeats every third of 6 s, CONTINUE after the agent's start.
    assert verdicts["good"][1:] == ("CONTINUE", "answered")
    assert verdicts["good"][0] > float_in(instance, "/srv/good-agent")
    assert instance.read("/srv/good/app/version") == "private\n"
    assert not instance.exists("/srv/failing/app")
    assert len(beats["good"]) >= 2
    assert all(1 < b - a < 4 for a, b in zip(beats["good"],
                                              beats["good"][1:]))

    # Held: user-data has ended, and its output; the heartbeats go on.
    held = float_in(instance, "/srv/held-at")
    end = time.monotonic() + 30
    while "held" not in [v[1] for v in scaling.verdicts]:
        assert time.monotonic() < end
        time.sleep(0.1)
    when, _, result, how = next(v for v in scaling.verdicts
                                if v[1] == "held")
    assert (result, how) == ("ABANDON", "answered")
    assert len(scaling.kept["held"]) == 5
    assert 6.5 < when - held < 12, (when, held)
    assert when > done - 5
    later = [beat for beat in scaling.beats("held") if beat > held]
    assert len(later) >= 2
    assert "failed: held" in instance.aws.ec2.tags[ID]["fitout:held"]
    assert "told ABANDON" in instance.read("/var/lib/fitout-held/hold.log")
    assert not instance.exists("/srv/held-agent")
