# SPDX-License-Identifier: Apache-2.0
"""What the old user-data script did, done by fitout: a bare instance boots,
cloud-init runs user-data, which fetches the binary and applies the profile
nginx-php.cfg of this repository, as it is."""
import datetime
import json
import os
import re
import stat
import subprocess

import pytest

from artifacts import sha256
from conftest import TOP
from origin import Fault

PROGRAMS = "/usr/local/programs"
AGENT_LOG = "/var/log/codedeploy-agent.log"
USER_DATA = """#!/bin/sh
set -e
mkdir -p /etc/fitout
cd /etc/fitout
for file in fitout nginx-php.cfg common.cfg; do
	curl -fsS -O "http://origin.test/$file"
done
sha256sum -c <<END
{sums}
END
install -m 755 fitout /usr/local/bin/fitout
cat >fitout-web <<'END'
#!/bin/sh
cd /etc/fitout
exec fitout --set base=http://origin.test --set nginx_sha256={nginx} \\
	--set php_sha256={php} --set agent_sha256={agent} "$@" nginx-php.cfg
END
install -m 755 fitout-web /usr/local/bin/fitout-web
fitout-web plan --exit-code --size-timeout 60s >plan || echo $? >>plan
exec fitout-web apply
"""


def build(script, *words):
    subprocess.run([TOP / script, *words], check=True, timeout=60)


def fake_ruby(directory):
    """An empty package: the profile wants ruby for the agent's installer,
    and there is no mirror in the test's cloud."""
    tree = directory / "ruby"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: ruby\nVersion: 1\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.com>\nDescription: empty\n")
    subprocess.run(["dpkg-deb", "-b", tree, directory / "ruby.deb"],
                   check=True, capture_output=True)
    return directory / "ruby.deb"


@pytest.fixture
def instance(cloud, machine, fitout, tarballs, tmp_path):
    """instance(name): a machine whose user-data applies nginx-php.cfg."""
    build("tests/agentpkg/build", tmp_path / "agent", "codedeploy-agent")
    serve = {
        "/fitout": fitout,
        "/nginx-php.cfg": TOP / "profiles/nginx-php.cfg",
        "/common.cfg": TOP / "profiles/common.cfg",
        "/nginx/nginx1.14.tar": tarballs / "nginx1.14.tar",
        "/php/php7.tar": tarballs / "php7.tar",
        "/codedeploy-agent/latest.tar":
            tmp_path / "agent/codedeploy-agent.tar.gz",
    }
    digests = {}
    for path, file in serve.items():
        cloud.origin.content[path] = file.read_bytes()
        digests[path] = sha256(cloud.origin.content[path])
    cloud.imds.user_data = USER_DATA.format(
        sums="\n".join(f"{digests['/' + name]}  {name}" for name in (
            "fitout", "nginx-php.cfg", "common.cfg")),
        nginx=digests["/nginx/nginx1.14.tar"], php=digests["/php/php7.tar"],
        agent=digests["/codedeploy-agent/latest.tar"]).encode()

    def make(name):
        made = machine(name)
        made.disk.copy(fake_ruby(tmp_path), "/root/ruby.deb")
        subprocess.run(["chroot", made.disk.root, "dpkg", "-i",
                        "/root/ruby.deb"], check=True, capture_output=True)
        return made

    return make


def page(host):
    return host.run("curl", "-sS", "-m", "10", "http://127.0.0.1/",
                    check=False).out


def agent_starts(host):
    if not host.exists(AGENT_LOG):
        return []
    return [float(line.split()[0])
            for line in host.read(AGENT_LOG).splitlines()
            if line.split()[1] == "start"]


def became_running(host):
    """When supervisord says that each program was RUNNING."""
    found = {}
    for line in host.read("/var/log/supervisord.log").splitlines():
        seen = re.match(r"(\S+ \S+) INFO success: (\S+) entered RUNNING",
                        line)
        if seen:
            when = datetime.datetime.strptime(
                seen.group(1), "%Y-%m-%d %H:%M:%S,%f")
            found[seen.group(2)] = when.replace(
                tzinfo=datetime.timezone.utc).timestamp()
    return found


def world_writable(top):
    return [path for path, _, names in os.walk(top) for path in
            [path, *(os.path.join(path, name) for name in names)]
            if not stat.S_ISLNK(os.lstat(path).st_mode)
            and os.lstat(path).st_mode & stat.S_IWOTH]


@pytest.mark.parametrize("name", ["bookworm", "trixie"])
def test_user_data_makes_a_serving_instance(name, instance, cloud):
    host = instance(name)
    host.boot()
    record = host.wait_cloud_init(300)
    said = host.user_data_output()
    assert record["errors"] == [], said
    assert host.run("cloud-init", "status", check=False).status == 0
    # It serves, also to others.
    assert "by fpm-fcgi: 6*7=42" in page(host), said + host.run(
        "sh", "-c", "curl -v http://127.0.0.1/ 2>&1; ps axf; "
        "tail -n 40 /var/log/supervisord.log "
        "/usr/local/programs/nginx/logs/error.log", check=False).out
    seen = subprocess.run(
        [*cloud.ns.enter(), "curl", "-sS", "-m", "10", "http://10.11.0.10/"],
        capture_output=True, text=True, check=True).stdout
    assert "6*7=42" in seen
    # logrotate accepts its file.
    rotated = host.run("logrotate", "-d", "/etc/logrotate.d/nginx")
    assert "error:" not in rotated.err, rotated.err
    assert "nginx/logs/access.log" in rotated.err
    # The agent came last.
    running = became_running(host)
    assert set(running) == {"nginx", "php-fpm"}, said
    starts = agent_starts(host)
    assert len(starts) == 1, said
    assert starts[0] > max(running.values())
    report = json.loads(host.run("fitout", "--json", "report").out)
    # What cloud-init did before is in the picture, too.
    stages = [row for row in report["boot"] if row["stage"] != "kernel"]
    assert [row["stage"] for row in stages] == [
        "cloud-init local", "cloud-init network", "cloud-init config",
        "cloud-init final"], report["boot"]
    for row, then in zip(stages, stages[1:]):
        assert -120_000 < row["begin_ms"] <= row["end_ms"], report["boot"]
        assert row["end_ms"] <= then["begin_ms"], report["boot"]
    assert stages[-1]["begin_ms"] < stages[-1]["end_ms"] == 0, report["boot"]
    ends = {}
    for entry in report["timeline"]:
        ends.setdefault(entry["event"], []).append(entry)
    checked = [e["end_ms"] for e in ends["check.holds"]]
    assert len(checked) == 2
    assert all(e["begin_ms"] >= max(checked) for e in ends["agent.start"])
    assert all(e["begin_ms"] >= max(p["end_ms"] for p in ends[
        "program.running"]) for e in ends["agent.start"])
    # What was planned before anything was there is done; nothing is left.
    plan = host.read("/etc/fitout/plan")
    assert plan.endswith(" to fetch\n10\n"), plan
    for words in ("package nginx", "package php7", "change  supervisor",
                  "MB from http://origin.test/nginx/nginx1.14.tar\n",
                  "MB from http://origin.test/php/php7.tar\n", "start nginx: it is new", "create  agent",
                  "open    gate  (once all of this holds; starts agent)"):
        assert words in plan, plan
    assert "unknown" not in plan
    again = host.run("fitout-web", "plan", "--exit-code", check=False)
    assert (again.status, again.out) == (0, "nothing to do\n"), again.err
    # In a unit, records go to the journal, once, with fields of their own.
    host.run("systemd-run", "--wait", "--collect", "--unit=look", "sh", "-c",
             "exec fitout-web apply --progress none")
    host.run("journalctl", "--sync")
    records = [json.loads(line) for line in host.run(
        "journalctl", "-o", "json", "-u", "look").out.splitlines()]
    begin, = [r for r in records if r.get("FITOUT_EVENT") == "run.begin"]
    assert begin["PRIORITY"] == "6"
    assert begin["SYSLOG_IDENTIFIER"] == "fitout"
    assert len([r for r in records if r["MESSAGE"] == begin["MESSAGE"]]) == 1
    # No installed path is world-writable.
    assert world_writable(host.disk.path(PROGRAMS)) == []
    logs = host.disk.path(f"{PROGRAMS}/nginx/logs").stat()
    assert stat.S_IMODE(logs.st_mode) == 0o750
    # The next boot: supervisor comes by itself, the agent does not.
    host.power_off()
    host.boot()
    host.wait_for("the page", lambda: "6*7=42" in page(host))
    host.wait_for("boot", host.is_up)
    assert len(agent_starts(host)) == 1
    assert host.run("systemctl", "is-active", "codedeploy-agent",
                    check=False).out == "inactive\n"
    host.wait_for("both programs", lambda: host.run(
        "supervisorctl", "-c", f"{PROGRAMS}/supervisor/supervisord.conf",
        "status", check=False).out.count(" RUNNING ") == 2)
    # plan says that apply would start it, and nothing else.
    closed = host.run("fitout-web", "plan", "--exit-code", check=False)
    assert closed.status == 10, closed.err
    assert re.findall(r"^\S+ +(\S+)", closed.out, re.M) == [
        "check", "check", "agent", "gate", "to"], closed.out
    done = host.run("fitout-web", "apply", check=False, timeout=120)
    assert done.status == 0, done.err
    assert len(agent_starts(host)) == 2
    again = host.run("fitout-web", "plan", "--exit-code", check=False)
    assert (again.status, again.out) == (0, "nothing to do\n"), again.err


@pytest.mark.parametrize("name", ["bookworm", "trixie"])
def test_user_data_with_one_byte_of_php_changed(name, instance, cloud):
    host = instance(name)
    places = [PROGRAMS, "/etc/logrotate.d", "/etc/supervisor", "/opt",
              "/etc/systemd/system", "/etc/cron.d", "/var/lib/dpkg/status"]

    def look():
        return {path: entry for path, entry in host.disk.snapshot().items()
                if any(f"/{path}/".startswith(p + "/") for p in places)}

    before = look()
    cloud.origin.faults["/php/php7.tar"] = Fault(flip=30_000_000)
    host.boot()
    record = host.wait_cloud_init(300)
    said = host.user_data_output()
    assert "scripts" in str(record["errors"]), said
    assert host.run("cloud-init", "status", check=False).status == 1
    assert "Exit code: 1" in host.read("/var/log/cloud-init.log")
    assert "php7" in said and "FAILED" in said
    assert look() == before, said
    assert agent_starts(host) == []
    assert host.run("pgrep", "supervisord", check=False).status == 1
