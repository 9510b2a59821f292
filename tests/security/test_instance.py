# SPDX-License-Identifier: Apache-2.0
"""The instance's side of AWS: metadata, and what hooks are told."""
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "aws"))

from metadata import Metadata  # noqa: E402
from world import FITOUT, World, wait_for  # noqa: E402


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.scaling.group("web").hook("bootstrap", 30)
    made.launch()
    yield made
    made.close()


@pytest.fixture
def metadata():
    service = Metadata().serve()
    yield service
    service.close()


def plan(directory, service, enter=(), **environment):
    profile = directory / "p.cfg"
    profile.write_text('fitout = 1; name = "p"; files = ( { to = "%s/x"; '
                       'template = true; content = "${instance_id}"; } );' %
                       directory)
    return subprocess.run(
        [*enter, FITOUT, "--state", directory / "state", "plan", profile],
        capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
             **(service.environment() if service else {}), **environment})


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_s17_no_token_no_question(tmp_path, metadata, status):
    metadata.token_status = status
    metadata.v1 = True
    assert plan(tmp_path, metadata).returncode == 2
    assert metadata.puts() and metadata.gets() == []


def test_s18_the_token_is_short_lived_and_nowhere_to_be_seen(world):
    world.command = "touch %s/working; sleep 2" % world.directory
    world.keys = True
    run = world.start()
    wait_for((world.directory / "working").exists)
    wait_for(lambda: world.scaling.beats("bootstrap"))
    tokens = list(world.metadata.tokens)
    shown = ""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            shown += (path / "cmdline").read_text(errors="replace")
            shown += (path / "environ").read_text(errors="replace")
        except OSError:
            pass
    world.end(run)
    assert run.returncode == 0
    for path in world.state.rglob("*"):
        if path.is_file():
            shown += path.read_text(errors="replace")
    shown += run.out + run.err
    assert tokens and all(token not in shown for token in tokens)
    assert all(1 <= int(ttl) <= 600 for ttl in world.metadata.ttls)


def test_s18_a_token_is_refreshed_once(tmp_path, metadata):
    metadata.get = lambda path, headers: (401, b"", {})
    assert plan(tmp_path, metadata).returncode == 2
    assert len(metadata.puts()) == 2


def test_s19_hop_limit_1_is_enough(tmp_path, metadata):
    metadata.hops = metadata.hop_limit = 1
    assert plan(tmp_path, metadata).returncode == 0


def test_s19_a_hop_too_many_is_explained(tmp_path, metadata):
    metadata.hops = 2
    result = plan(tmp_path, metadata)
    assert result.returncode == 2
    assert "hop limit 1" in result.stderr and "container" in result.stderr
    assert "--http-put-response-hop-limit 2" in result.stderr


def test_s20_no_proxy_sees_a_question(tmp_path, metadata):
    proxy = socket.create_server(("127.0.0.1", 0))
    seen = []
    threading.Thread(target=lambda: seen.append(proxy.accept()),
                     daemon=True).start()
    url = "http://127.0.0.1:%d" % proxy.getsockname()[1]
    result = plan(tmp_path, metadata, http_proxy=url, HTTP_PROXY=url,
                  all_proxy=url, ALL_PROXY=url, https_proxy=url)
    assert result.returncode == 0
    assert seen == []
    proxy.close()


def test_s20_only_the_two_addresses_are_asked(tmp_path):
    trace = tmp_path / "trace"
    result = plan(tmp_path, None, enter=[
        "unshare", "--net", "strace", "-f", "-qq", "-e", "trace=connect",
        "-o", trace])
    assert result.returncode == 2
    asked = set(re.findall(r'inet_addr\("([^"]+)"\)|'
                           r'inet_pton\(AF_INET6, "([^"]+)"', trace.read_text()))
    assert {a or b for a, b in asked} == {"169.254.169.254", "fd00:ec2::254"}


@pytest.mark.parametrize("url", ["http://192.0.2.7", "http://imds.example",
                                 "http://1.2.3.4:80/x"])
def test_s20_no_endpoint_elsewhere(tmp_path, url):
    trace = tmp_path / "trace"
    result = plan(tmp_path, None, enter=[
        "unshare", "--net", "strace", "-f", "-qq", "-e", "trace=connect",
        "-o", trace], AWS_EC2_METADATA_SERVICE_ENDPOINT=url)
    assert result.returncode == 2
    assert "AF_INET" not in trace.read_text()


def broken_command(world):
    world.command = "exit 1"


def broken_check(world):
    world.check = "exit 1"


def broken_place(world):
    (world.directory / "srv").write_text("a file")


def broken_state(world):
    world.state.mkdir(mode=0o700)
    (world.state / "journal").write_text("rubbish")


@pytest.mark.parametrize("spoil", [broken_command, broken_check,
                                   broken_place, broken_state])
def test_s59_every_failing_path_abandons(world, spoil):
    spoil(world)
    assert world.run().returncode not in (0, 2)
    assert world.scaling.results() == ["ABANDON"]
    assert world.agent_started() == []


def test_s59_an_interrupted_run_abandons(world):
    world.command = "touch %s/working; sleep 20" % world.directory
    run = world.start()
    wait_for((world.directory / "working").exists)
    run.send_signal(signal.SIGTERM)
    world.end(run)
    assert run.returncode == 1
    assert world.scaling.results() == ["ABANDON"]


def test_s59_another_run_at_work_is_not_abandoned(world):
    world.command = "touch %s/working; sleep 3" % world.directory
    first = world.start()
    wait_for((world.directory / "working").exists)
    assert world.run().returncode == 3
    assert world.scaling.results() == []
    world.end(first)
    assert world.scaling.results() == ["CONTINUE"]


def test_s24_s59_the_process_that_has_the_keys_gave_up_the_rest(world):
    world.command = "touch %s/working; sleep 2" % world.directory
    run = world.start()
    wait_for((world.directory / "working").exists)
    wait_for(lambda: world.scaling.beats("bootstrap"))
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if text.startswith("Name:\tsignaller\n") and \
                re.search(r"^PPid:\t%d$" % run.pid, text, re.M):
            found = dict(line.split(":\t", 1) for line in text.splitlines())
    # KILL 5, SETGID 6, SETUID 7, SETPCAP 8, DAC_READ_SEARCH 2
    assert int(found["CapEff"], 16) & ~0x1e4 == 0
    assert int(found["CapBnd"], 16) & ~0x1e4 == 0
    assert found["NoNewPrivs"] == "1"
    world.end(run)
    assert run.returncode == 0
    assert world.scaling.results() == ["CONTINUE"]


def test_s59_success_only_after_the_agent(world):
    assert world.run().returncode == 0
    (when, _, result, _), = world.scaling.verdicts
    assert result == "CONTINUE" and when > world.agent_started()[0]
