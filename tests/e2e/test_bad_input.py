# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong: the stated exit status, a message that names place and
cause, the host byte for byte as before, the agent never started."""
import gzip
import io
import random
import tarfile
import time

import pytest

import snapshot
from artifacts import File, archive, sha256
from origin import Fault
from scene import APP, PROFILE, Watched

pytestmark = pytest.mark.host


def test_the_good_profile_of_this_file_is_good(scene):
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.agent_started()
    assert scene.host.disk.read("/srv/app/version") == "2\n"
    assert scene.host.disk.read("/srv/app/logs/old.log") != ""
    assert not scene.host.disk.path("/srv/tool/only-in-1").exists()
    assert scene.supervisord_is_up()


# ---- the profile ----

@pytest.mark.parametrize("block, old, new, words", [
    pytest.param("supervisor", "programs =", "programms =",
                 ["programms", "did you mean"], id="unknown key"),
    pytest.param("supervisor", 'programs = [ "app" ]', "programs = 3",
                 ["programs", "a list of texts", "3"], id="wrong type"),
    pytest.param("files", 'to = "/etc/app-motd"', 'to = "${etc}/app-motd"',
                 ["${etc}", "--set etc="], id="undefined variable"),
    pytest.param("files", 'to = "/etc/app-motd"', 'to = "etc/app-motd"',
                 ["etc/app-motd", "absolute"], id="relative destination"),
    pytest.param("files", 'mode = "0640"', 'mode = "0777"',
                 ["0777", "world_writable = true"], id="mode 0777"),
])
def test_a_line_of_the_profile_is_wrong(scene, block, old, new, words):
    scene.change(block, old, new)
    scene.refused(2, scene.line_of(new), *words)


def test_two_things_with_one_destination(scene):
    scene.change("files", "/etc/app-motd", "/srv/tool")
    scene.refused(2, scene.line_of("version 2"), "/srv/tool", "package tool")


def test_missing_sha256(scene):
    scene.packages(app={"sha256": None})
    scene.refused(2, scene.line_of('name = "app";'), "package app",
                  "no sha256", "unverified = true")


def test_all_errors_of_a_profile_are_told_at_once(scene):
    scene.packages(app={"sha256": None})
    scene.change("files", 'mode = "0640"', 'mode = "0777"')
    scene.change("files", 'to = "/etc/app-motd"', 'to = "etc/app-motd"')
    scene.refused(2, "no sha256", "0777", "absolute")


def profile_is(how):
    def make(scene):
        path = scene.host.disk.path(PROFILE)
        path.unlink()
        if how == "empty":
            path.write_bytes(b"")
        elif how == "a directory":
            path.mkdir()
        elif how == "100 MB of noise":
            path.write_bytes(random.Random(1).randbytes(100_000_000))
        return scene.fitout("apply", PROFILE)
    return make


@pytest.mark.parametrize("how, words", [
    ("missing", ["No such file"]),
    ("empty", ["is empty"]),
    ("a directory", ["is a directory"]),
    ("100 MB of noise", ["100000000 bytes"]),
], ids=lambda of: of if isinstance(of, str) else "")
def test_the_profile_is(scene, how, words):
    scene.refused(2, PROFILE, *words,
                  apply=lambda: profile_is(how)(scene))


# ---- what is fetched ----

def flip(scene, name):
    scene.origin.faults["/" + name] = Fault(flip=100)


@pytest.mark.parametrize("name, package", [
    ("app.tar.gz", "app"), ("tool.tar.xz", "tool")])
def test_digest_differs(scene, name, package):
    want = sha256(scene.origin.content["/" + name])
    flip(scene, name)
    scene.refused(1, f"package {package}", f"http://origin.test/{name}",
                  "not what was promised", want)


def packed(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info in members:
            tar.addfile(info)
    return gzip.compress(out.getvalue(), mtime=0)


def several_roots():
    return archive({"one/x": "1\n", "two/x": "2\n"})


@pytest.mark.parametrize("data, more, words", [
    pytest.param(lambda: archive(APP)[:-300], "", ["truncated"],
                 id="truncated gzip"),
    pytest.param(lambda: archive(APP, "xz")[:-300], "", ["truncated"],
                 id="truncated xz"),
    pytest.param(lambda: archive(APP, "")[:3000], "", ["truncated"],
                 id="truncated tar"),
    pytest.param(lambda: b"<html>Sign in, please</html>\n" * 100, "",
                 ["not a tar archive"], id="not an archive"),
    pytest.param(lambda: gzip.compress(b"only text\n" * 100, mtime=0), "",
                 ["not a tar archive"], id="not an archive, compressed"),
    pytest.param(lambda: b"", "", ["empty"], id="empty file"),
    pytest.param(packed, "", ["no entries"], id="archive of nothing"),
    pytest.param(lambda: archive(APP), 'root = "application";',
                 ["no directory 'application'", "it has: app"],
                 id="without the named root"),
    pytest.param(several_roots, "", ["one directory at its top", "one, two",
                                     "root ="], id="several roots"),
])
def test_the_archive_is(scene, data, more, words):
    scene.serve("app.tar.gz", data())
    scene.packages(app_more=more)
    scene.refused(1, "package app", *words)


@pytest.mark.parametrize("url, fault, words", [
    pytest.param("http://origin.test/gone.tar.gz", None, ["404"], id="404"),
    pytest.param("http://origin.test/secret.tar.gz", Fault(status=403),
                 ["403"], id="403"),
    pytest.param("http://origin.test:81/app.tar.gz", None, ["refused"],
                 id="connection refused"),
    pytest.param("http://origin.test/stalled.tar.gz", Fault(stall=100),
                 ["budget of the run (4 s)", "(100 B had come)"],
                 id="stalled server"),
    pytest.param("http://origin.test/silent.tar.gz", Fault(silent=True),
                 ["budget of the run (4 s)"], id="silent server"),
    pytest.param("http://nowhere.test/app.tar.gz", None,
                 ["resolve", "nowhere.test"], id="DNS failure"),
    pytest.param("https://expired.origin.test/app.tar.gz", None,
                 ["certificate", "expired"], id="certificate expired"),
    pytest.param("https://wrong-host.origin.test/app.tar.gz", None,
                 ["certificate", "wrong-host.origin.test"], id="wrong host"),
    pytest.param("https://self-signed.origin.test/app.tar.gz", None,
                 ["certificate", "self-signed"], id="self-signed"),
    pytest.param("http://origin.test/moved.tar.gz",
                 Fault(redirect="file:///etc/hostname"),
                 ["redirect", "refused"], id="redirect to file"),
    pytest.param("file:///srv/app.tar.gz", None, ["No such file"],
                 id="no such file"),
])
def test_the_server_says(scene, url, fault, words):
    name = "/" + url.rsplit("/", 1)[1]
    if fault:
        scene.origin.faults[name] = fault
        scene.origin.content[name] = scene.origin.content["/app.tar.gz"]
    scene.change("head", "60s", "4s")
    scene.packages(app={"url": url})
    scene.refused(1, "package app", url, *words)


# ---- the host ----

def small(scene, path, size):
    scene.host.run("mkdir", path)
    scene.host.run("mount", "-t", "tmpfs", "-o", f"mode=0755,size={size}",
                   "small", path)


def test_disk_full_while_staging(scene):
    noise = random.Random(2).randbytes(3_000_000).hex()
    scene.serve("tool.tar.xz", archive({"tool/noise": noise}))
    # Room for what is fetched, and not for what comes out of it.
    small(scene, "/srv/small", "5m")
    scene.packages(tool_into="/srv/small/tool")
    scene.refused(1, "package tool", "tool/noise", "No space left",
                  "/srv/small")
    assert scene.host.run("find", "/srv/small").out == "/srv/small\n"


def test_disk_too_small_for_what_is_to_come(scene):
    noise = random.Random(2).randbytes(3_000_000).hex()
    scene.serve("tool.tar.xz", archive({"tool/noise": noise}))
    small(scene, "/srv/small", "2m")
    scene.packages(tool_into="/srv/small/tool")
    scene.refused(1, "package tool", "/srv/small/tool", "to come",
                  "No space left")
    assert scene.host.run("find", "/srv/small").out == "/srv/small\n"


def test_disk_full_where_the_state_is(scene):
    small(scene, "/var/lib/fitout", "64k")
    scene.host.run("sh", "-c", "cat /dev/zero >/var/lib/fitout/filler",
                   check=False)
    scene.refused(1, "/var/lib/fitout", "No space left")


def test_destination_on_a_read_only_filesystem(scene):
    small(scene, "/srv/fixed", "1m")
    scene.host.run("mount", "-o", "remount,ro", "/srv/fixed")
    scene.packages(tool_into="/srv/fixed/tool")
    scene.refused(1, "package tool", "/srv/fixed", "Read-only file system")


def test_file_on_a_read_only_filesystem(scene):
    small(scene, "/srv/fixed", "1m")
    scene.host.run("mount", "-o", "remount,ro", "/srv/fixed")
    scene.change("files", "/etc/app-motd", "/srv/fixed/motd")
    scene.refused(1, "file /srv/fixed/motd", "Read-only file system")


def test_another_run_holds_the_lock(scene):
    scene.origin.faults["/app.tar.gz"] = Fault(silent=True)
    scene.origin.faults["/tool.tar.xz"] = Fault(silent=True)
    first = Watched(scene)
    first.wait_for("fetch.start", resource="package tool")
    # Its unpackers start after that, and each is given its directory.
    before = None
    for _ in range(100):
        last, before = before, scene.look()
        if last and not snapshot.diff(last, before):
            break
        time.sleep(0.3)
    done = scene.apply()
    assert done.status == 3, done.err
    assert "another run holds the lock" in done.err
    assert f"(pid {first.pid()}, fitout apply, since 20" in done.err
    assert first.process.poll() is None
    assert snapshot.diff(before, scene.look()) == []
    first.signal("TERM")
    assert first.end().status == 1
    assert not scene.agent_started()


# ---- supervisor ----

@pytest.mark.parametrize("text, words", [
    pytest.param("# nothing\n[programs:app]\ncommand=/srv/app/bin/run\n",
                 ["no [program:"], id="no program section"),
    pytest.param("[program:app]\nstartsecs=1\n",
                 [":1: program:app has no command"], id="no command"),
    pytest.param("[program:app]\ncommand=/srv/app/bin/running\n",
                 [":2: program app", "/srv/app/bin/running is not in package "
                  "app"], id="command not in the tree"),
    pytest.param("[program:app]\ncommand=/srv/app/etc/logrotate\n",
                 [":2: program app", "/srv/app/etc/logrotate is not "
                  "executable"], id="command not executable"),
    pytest.param("[program:app\ncommand=/srv/app/bin/run\n",
                 [":1: neither"], id="not an ini file"),
])
def test_supervisor_file_has(scene, text, words):
    scene.serve("app.tar.gz", archive({**APP, "app/etc/app.conf": text}))
    scene.packages()
    scene.refused(1, "supervisor: /srv/supervisor/conf.d/app.conf "
                  "(from app:etc/app.conf)", *words)


ENDS = """#!/bin/sh
echo "cannot bind to port 80" >&2
echo "giving up" >&2
exit 7
"""


def ending(scene):
    scene.serve("app.tar.gz", archive(
        {**APP, "app/bin/run": File(ENDS, 0o755),
         "app/etc/app.conf": APP["app/etc/app.conf"] + "startretries=1\n"}))
    scene.packages()
    scene.change("supervisor", "programs", "timeout = 20; programs")


def test_program_that_exits_at_once(scene):
    ending(scene)
    scene.refused(1, "program app", "/srv/app/bin/run", "Exited too quickly",
                  "cannot bind to port 80", "giving up")


def test_program_that_exits_at_once_under_a_running_supervisord(scene):
    scene.host.run("supervisord", "-c", "/srv/supervisor/supervisord.conf")
    scene.host.wait_for("supervisord", scene.supervisord_is_up)
    ending(scene)
    scene.refused(1, "program app", "/srv/app/bin/run", "Exited too quickly",
                  "cannot bind to port 80", "giving up")


def test_supervisord_that_the_profile_starts_is_missing(scene):
    scene.change("supervisor", '"supervisord",', '"/srv/bin/supervisord",')
    scene.refused(1, "supervisor", "/srv/bin/supervisord",
                  "there is no program")


def test_supervisord_is_missing(scene):
    scene.change("supervisor", 'daemon = [ "supervisord", "-c", '
                 '"/srv/supervisor/supervisord.conf" ];', "")
    scene.host.disk.path("/usr/bin/supervisord").unlink()
    scene.refused(1, "supervisor", "there is no supervisord",
                  "/usr/bin", "os_packages")


# ---- checks and commands ----

@pytest.mark.parametrize("check, words", [
    pytest.param('http = "http://127.0.0.1:8099/health"',
                 ["http://127.0.0.1:8099/health", "refused"], id="http"),
    pytest.param('http = "http://origin.test/gone"',
                 ["http://origin.test/gone", "HTTP status 404, not 200"],
                 id="http status"),
    pytest.param('http = "http://origin.test/page"; body = "6*7=42"',
                 ["http://origin.test/page", "does not contain"],
                 id="http body"),
    pytest.param('http = "http://origin.test/silent"',
                 ["http://origin.test/silent"], id="http without an answer"),
    pytest.param('tcp = "127.0.0.1:8099"', ["127.0.0.1:8099", "refused"],
                 id="tcp"),
    pytest.param('run = [ "sh", "-c", "echo not yet >&2; exit 3" ]',
                 ["check sh -c", "exit status 3", "not yet"], id="run"),
    pytest.param('run = [ "sleep", "100" ]',
                 ["check sleep 100", "still running"], id="run hangs"),
])
def test_check_never_holds(scene, request, check, words):
    scene.origin.content["/page"] = b"6*7\n"
    scene.origin.faults["/silent"] = Fault(silent=True)
    name = request.node.callspec.id
    timeout = 1 if name in ("http without an answer", "run hangs") else 3
    scene.blocks["checks"] = \
        f"checks = ( {{ {check}; timeout = {timeout}; }} );\n"
    if name not in ("http", "run"):
        scene.blocks["supervisor"] = ""
    scene.refused(1, "check",
                  f"does not hold within its timeout ({timeout} s)", *words)


def test_the_program_of_a_check_is_not_in_its_package(scene):
    scene.blocks["checks"] = \
        'checks = ( { run = [ "/srv/app/bin/check" ]; } );\n'
    scene.refused(1, "scene.cfg:", "check /srv/app/bin/check",
                  "there is no program")


MEGABYTES = ("head -c 50000000 /dev/zero | tr '\\\\0' x; "
             "echo; echo the last words")


@pytest.mark.parametrize("run, words", [
    pytest.param('"sh", "-c", "echo no database >&2; exit 5"',
                 ["exit status 5", "no database"], id="fails"),
    pytest.param('"sh", "-c", "echo begun; sleep 1000"',
                 ["still running after its timeout (2 s)", "begun"],
                 id="hangs"),
    pytest.param('"sh", "-c", "trap : TERM INT; while :; do sleep 1; done"',
                 ["still running after its timeout (2 s)"],
                 id="hangs and traps signals"),
    pytest.param(f'"sh", "-c", "{MEGABYTES}; exit 6"',
                 ["exit status 6", "the last words"],
                 id="prints megabytes and fails"),
    pytest.param('"sh", "-c", "kill -9 $$"', ["killed by signal 9"],
                 id="is killed"),
    pytest.param('"/srv/app/bin/migrate"',
                 ["/srv/app/bin/migrate", "there is no program"],
                 id="is missing"),
    pytest.param('"true"', ["/srv/done is not there"],
                 id="does not make what it creates"),
])
def test_command(scene, run, words):
    timeout = 20 if "50000000" in run else 2
    scene.add(f'commands = ( {{ name = "migrate"; run = [ {run} ]; '
              f'creates = "/srv/done"; timeout = {timeout}; }} );')
    scene.refused(1, "command migrate", *words)


@pytest.mark.parametrize("run, left", [("false", True), ("fals", False)])
def test_what_a_failed_command_leaves_is_named(scene, run, left):
    scene.add(f'commands = ( {{ name = "migrate"; run = [ "{run}" ]; '
              'creates = "/srv/done"; } );')
    said = scene.refused(1, "command migrate")
    assert ("left in place: command migrate ran" in said) == left


def test_a_command_may_print_megabytes(scene):
    scene.add(f'commands = ( {{ name = "migrate"; run = [ "sh", "-c", '
              f'"{MEGABYTES}; touch /srv/done" ]; creates = "/srv/done"; '
              '} );')
    done = scene.apply()
    assert done.status == 0, done.err
    assert len(done.out + done.err) < 10000
    assert scene.agent_started()


def test_a_root_that_the_archive_does_not_have(scene):
    scene.packages(tool={"root": "tool-2/nosuch"})
    scene.refused(1, "package tool", "no directory 'tool-2/nosuch'",
                  "at its top it has: tool-2")


def test_a_list_of_owners_is_no_file_of_the_archive(scene):
    scene.serve("tool.tar.xz", archive({f"tool/{n}": "x" for n in range(300)},
                                       "xz"))
    scene.packages(tool_more='preserve_owner = true; '
                   'limits = { file_size = "1k"; };')
    assert scene.apply().status == 0
