# SPDX-License-Identifier: Apache-2.0
"""Both of AWS's ways to its agent, by what stands in for them: the installer
of versions 1 and a package of versions 2. Neither starts it before a boot's
proof, whatever they do; nothing is left for cron to start."""
import subprocess

import image
from artifacts import sha256
from cloud import AGENT_BUCKET
from conftest import TOP

BUCKET = "https://aws-codedeploy-${region}.s3.${region}." \
    "${imds:services/domain}".replace("https", "http")
SECRET = "aws_secret_access_key: abracadabra"
LOG = "/var/log/codedeploy-agent.log"
PROFILE = """fitout = 1;
name = "codedeploy";
budget = "2m";
files = (
  { to = "/etc/codedeploy-agent/conf/codedeployagent.yml";
    content = ":max_revisions: 2\n"; },
  { to = "/etc/codedeploy-agent/conf/codedeploy.onpremises.yml";
    source = "onpremises.yml"; mode = "0600"; } );
agent = { kind = "codedeploy"; %s };
"""
# The installer itself, of whatever version is the newest; and one version.
ONE = f"""package = {{ url = "{BUCKET}/latest/install"; as_is = true;
    unverified = true; }};
  install = [ "./install", "auto" ];"""
TWO = f"""package = {{ as_is = true; sha256 = "%s";
    url = "{BUCKET}/releases/codedeploy-agent_2.0_all.deb"; }};
  install = [ "dpkg", "--force-confold", "-i",
              "codedeploy-agent_2.0_all.deb" ];"""


def bucket(directory, origin):
    subprocess.run([TOP / "tests/agentpkg/build", directory,
                    "codedeploy-agent"], check=True, timeout=60)
    for path in (directory / "bucket").rglob("*"):
        if path.is_file():
            name = path.relative_to(directory / "bucket")
            origin.content[f"/{name}"] = path.read_bytes()


def ruby(host, version):
    host.disk.write("/usr/local/bin/ruby", f"#!/bin/sh\nprintf {version}\n",
                    0o755)


def bake(host, agent, status=0):
    host.disk.write("/etc/fitout/p.cfg", PROFILE % agent)
    done = host.run("fitout", "bake", "/etc/fitout/p.cfg", check=False,
                    timeout=180)
    assert done.status == status, done.out + done.err
    return done.out + done.err


def held(host, version):
    """Installed, never started, and nothing starts it."""
    assert host.run("dpkg-query", "-f", "${Version}", "-W",
                    "codedeploy-agent").out == version
    assert host.run("systemctl", "is-enabled", "codedeploy-agent",
                    check=False).out == "disabled\n"
    for words in (["systemctl", "restart", "codedeploy-agent"],
                  ["service", "codedeploy-agent", "start"],
                  ["sh", "-c", "! grep -rl --exclude-dir=.fitout "
                   "codedeploy-agent /etc/cron* /var/spool/cron"]):
        host.run(*words, check=words[0] == "sh")
    assert not host.machine.exists(LOG), host.machine.read(LOG)


def test_versions_1_and_2_of_the_codedeploy_agent(machine, cloud, fitout,
                                                  tmp_path):
    bucket(tmp_path / "agentpkg", cloud.origin)
    host = image.Host(machine("bookworm"))
    host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    host.disk.write("/etc/fitout/onpremises.yml", SECRET + "\n", 0o600)
    host.boot()
    # A Ruby that the installer does not go with: nothing has come.
    ruby(host, "3.3.0")
    said = bake(host, ONE, 1)
    assert "ruby 3.3.0 is not supported" in said, said
    assert not host.machine.exists("/etc/codedeploy-agent/conf/"
                                   "codedeployagent.yml")
    ruby(host, "3.1.2")
    said = bake(host, ONE)
    assert "unverified = true" in said
    assert "/etc/cron.d/codedeploy-agent-update is removed" in said, said
    held(host, "1.0")
    # As an operator goes from one to the other; in another partition.
    cloud.imds.meta["services"]["domain"] = "amazonaws.com.cn"
    deb = cloud.origin.content["/releases/codedeploy-agent_2.0_all.deb"]
    said += bake(host, TWO % sha256(deb))
    held(host, "2.0")
    asked = cloud.origin.asked("/releases/codedeploy-agent_2.0_all.deb")
    assert [{k.lower(): v for k, v in each.headers.items()}["host"]
            for each in asked] == [AGENT_BUCKET + ".cn"]
    assert host.run("stat", "-c", "%a %U", "/etc/codedeploy-agent/conf/"
                    "codedeploy.onpremises.yml").out == "600 root\n"
    assert host.machine.read("/etc/codedeploy-agent/conf/"
                             "codedeployagent.yml") == ":max_revisions: 2\n"
    said += host.run("fitout", "boot").out
    assert " gate=open\n" in host.machine.read(LOG)
    assert host.machine.read(LOG).count(" start ") == 1
    # The file beside the profile is not what a boot goes by; one that cannot
    # be put right is an end of it.
    host.disk.write("/etc/fitout/onpremises.yml", "another\n")
    said += host.run("fitout", "boot").out
    host.run("truncate", "--size=-1", "/etc/codedeploy-agent/conf/"
             "codedeploy.onpremises.yml")
    done = host.run("fitout", "boot", check=False)
    assert done.status == 1 and "apply the profile again" in done.err, \
        done.err
    said += done.out + done.err
    # What registers the host is in its own file, and nowhere else.
    said += host.run("fitout", "--json", "report").out
    said += host.run("journalctl", "-b", "--no-pager").out
    assert SECRET not in said
    assert host.run("grep", "-rlF", SECRET, "/var/lib/fitout", "/var/log",
                    check=False).out == ""
    host.machine.power_off()
