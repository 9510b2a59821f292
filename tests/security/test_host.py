# SPDX-License-Identifier: Apache-2.0
"""Secrets, what is printed, and files of the host."""
import hashlib
import json
import os
import re
import stat

import pytest

from artifacts import File, archive
from origin import Fault
from scene import PROFILE, STARTED, Watched
from tracing import Trace

pytestmark = pytest.mark.host

STATE = "/var/lib/fitout"
SECRET = "ein-geheimnis"


def everything_below(directory):
    """The bytes of all files below it but copies of the profile, and their
    names."""
    found = []
    for top, _, names in os.walk(directory):
        for name in set(names) - {"profile.cfg"}:
            path = os.path.join(top, name)
            found.append(path.encode())
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as file:
                    found.append(file.read())
    return b"\n".join(found)


# ---- secrets ----

ADDRESS = (f"http://user:{SECRET}@origin.test/app.tar.gz"
           f"?X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}"
           f"&token={SECRET}")


@pytest.mark.parametrize("path, status", [
    ("app.tar.gz", 0), ("not-there.tar.gz", 1)])
def test_s22_s23_secrets_of_an_address_are_nowhere(scene, path, status):
    # A request's path does not hold the query for the origin.
    query = ADDRESS.split("?")[1]
    scene.origin.content[f"/app.tar.gz?{query}"] = \
        scene.origin.content["/app.tar.gz"]
    scene.packages(app={"url": ADDRESS.replace("app.tar.gz", path)})
    # What the children see of arguments and environments.
    scene.blocks["commands"] = """commands = (
  { name = "look"; unless = [ "false" ]; run = [ "sh", "-c",
    "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >/srv/seen" ]; } );
"""
    done = scene.apply("--log-level", "debug")
    said = done.out + done.err
    assert done.status == status, said
    assert SECRET not in said
    assert "app.tar.gz" in said or path in said
    assert SECRET.encode() not in everything_below(scene.host.disk.path(STATE))
    # The profile says it, so its copy, which only root can read, does.
    for copy in scene.host.disk.path(STATE).glob("generations/*/profile.cfg"):
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    if status == 0:
        assert SECRET not in scene.host.read("/srv/seen")
        assert "/usr/local/bin/fitout" in scene.host.read("/srv/seen")
    for words in (["status"], ["report"], ["--json", "report"],
                  ["plan", PROFILE]):
        done = scene.fitout(*words)
        assert SECRET not in done.out + done.err, words


def test_s23_the_signature_of_a_redirect_is_not_shown(scene):
    scene.origin.faults["/app.tar.gz"] = Fault(
        redirect=f"http://origin.test/gone?X-Amz-Signature={SECRET}")
    said = scene.refused(1, "origin.test", "404")
    assert SECRET not in said


def test_s22_the_environment_of_a_command_is_not_ours(scene):
    scene.environment["AWS_SECRET_ACCESS_KEY"] = SECRET
    scene.blocks["commands"] = (
        'commands = ( { name = "look"; unless = [ "false" ]; run = [ "sh", "-c", '
        '"env >/srv/seen" ]; } );\n')
    done = scene.apply()
    assert done.status == 0, done.err
    seen = scene.host.read("/srv/seen")
    assert "PATH=/usr" in seen and SECRET not in seen


# ---- what is printed ----

NASTY = "\x1b]0;title\x07\x1b[2J\x9b31m \u202ebidi \u2066 \x7f \\xff"


def is_clean(text):
    """No byte that a terminal obeys, no direction marks, as text."""
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f"
                         "\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_s26_what_a_program_said_is_escaped(scene, form):
    scene.blocks["commands"] = (
        'commands = ( { name = "speak"; unless = [ "false" ]; run = [ '
        '"sh", "-c", '
        '"cat /srv/nasty; exit 3" ]; } );\n')
    scene.host.disk.write("/srv/nasty", NASTY.encode() + b"\xff\xfe end\n")
    done = scene.apply(*form)
    said = done.out + done.err
    assert done.status == 1 and "title" in said and "end" in said, said
    assert is_clean(said), ascii(said)
    done = scene.fitout(*form, "report")
    assert is_clean(done.out + done.err), ascii(done.out)


def test_s26_what_a_server_said_is_escaped(scene):
    scene.origin.faults["/app.tar.gz"] = Fault(
        redirect="http://origin.test/\x1b[31m\x9bred")
    done = scene.apply()
    assert done.status == 1
    assert is_clean(done.out + done.err), ascii(done.err)


def test_s26_names_in_an_archive_are_escaped(scene):
    scene.serve("app.tar.gz", archive({"app/ok": "x",
                                       "app/" + NASTY[:20] + "/../x": "y"}))
    scene.packages()
    done = scene.apply()
    assert done.status == 1 and "title" in done.err, done.err
    assert is_clean(done.out + done.err), ascii(done.err)


def test_s26_a_long_text_is_cut(scene):
    scene.blocks["commands"] = (
        'commands = ( { name = "speak"; unless = [ "false" ]; run = [ '
        '"sh", "-c", '
        '"head -c 3000000 /dev/zero | tr \'\\\\0\' x; exit 3" ]; } );\n')
    done = scene.apply()
    said = done.out + done.err
    assert done.status == 1 and "xxx" in said
    assert len(said) < 20000
    assert os.path.getsize(scene.host.disk.path(
        f"{STATE}/report.json")) < 100000


def test_s27_texts_are_no_formats(scene):
    percents = "%n%s%s%s%n%p%5000d"
    scene.blocks["commands"] = (
        f'commands = ( {{ name = "speak{percents}"; unless = [ "false" ]; '
        'run = [ "sh", "-c", '
        f'"echo \'{percents}\'; exit 3" ]; }} );\n')
    done = scene.apply()
    assert done.status == 1, done.err
    assert f"speak{percents}" in done.err
    assert done.err.count(percents) >= 2


# ---- files ----

@pytest.mark.parametrize("umask", ["000", "0777"])
def test_s28_the_umask_is_ours(scene, umask):
    scene.add('directories = ( { path = "/srv/made/deep"; } );')
    scene.write()
    done = scene.host.run("sh", "-c",
                          f"umask {umask}; exec fitout apply {PROFILE}",
                          check=False, env=scene.environment)
    assert done.status == 0, done.err
    path = scene.host.disk.path
    modes = {name: oct(stat.S_IMODE(os.lstat(path(name)).st_mode))
             for name in ("/srv/app/version", "/srv/app", "/etc/app-motd",
                          "/srv/made", "/srv/made/deep",
                          "/etc/logrotate.d/app", STATE)}
    assert modes == {
        "/srv/app/version": "0o644", "/srv/app": "0o755",
        "/etc/app-motd": "0o640", "/srv/made": "0o755",
        "/srv/made/deep": "0o755", "/etc/logrotate.d/app": "0o644",
        STATE: "0o700"}
    for top, dirs, files in os.walk(path(STATE)):
        for name in dirs + files:
            mode = os.lstat(os.path.join(top, name)).st_mode
            assert not mode & 0o077, os.path.join(top, name)


def test_s29_staging_is_private_and_beside_its_destination(scene):
    scene.origin.faults["/app.tar.gz"] = Fault(stall=100)
    run = Watched(scene)

    def find(*tops):
        return scene.host.run("find", *tops, "-name", ".fitout-*", "-printf",
                              "%p %m %U:%G\\n", check=False).out.splitlines()

    found = scene.host.wait_for("staging", lambda: find("/srv", "/etc"))
    names = {line.split()[0].rsplit("/", 1)[1] for line in found}
    elsewhere = find("/tmp", "/var/tmp", "/run", "/root")
    run.signal("TERM")
    run.end()
    assert any(line.startswith("/srv/.fitout-") for line in found), found
    assert all(line.endswith(" 700 0:0") for line in found), found
    assert all(re.fullmatch(r"\.fitout-[0-9a-f]{8}", name) for name in names)
    assert not any(name in line for line in elsewhere for name in names)
    assert scene.host.run("find", "/srv", "/etc", "-name", ".fitout-*").out \
        == ""


@pytest.mark.parametrize("prepare, words", [
    ("chmod 0777 /srv/open", ["/srv/open", "0777"]),
    ("chmod 1777 /srv/open", ["/srv/open", "1777"]),
    ("chmod 0775 /srv/open; chgrp 33 /srv/open", ["/srv/open", "0775"]),
    ("chown 33 /srv/open", ["/srv/open", "33"]),
    ("mkdir /srv/real; chmod 0777 /srv; ln -s real /srv/link; rmdir "
     "/srv/open; mv -T /srv/link /srv/open", ["/srv"]),
    ("mkdir /srv/real; rmdir /srv/open; ln -s real /srv/open; "
     "chown -h 33 /srv/open", ["\"open\" is a symbolic link of uid 33"]),
])
def test_s30_what_others_could_exchange_is_no_place(scene, prepare, words):
    scene.packages(tool_into="/srv/open/deep/tool")
    scene.host.run("sh", "-c", f"mkdir /srv/open; {prepare}")
    try:
        scene.refused(1, *words)
    finally:
        scene.host.run("chmod", "0755", "/srv")


def test_s30_a_link_of_root_is_followed(scene):
    scene.packages(tool_into="/srv/open/deep/tool")
    scene.host.run("sh", "-c", "mkdir /srv/real; ln -s real /srv/open")
    assert scene.apply().status == 0
    assert scene.host.exists("/srv/real/deep/tool/share/1")


def test_s31_no_path_is_walked_by_the_kernel(scene):
    trace = Trace(scene, "%file,%desc", "apply", PROFILE)
    assert trace.done.status == 0, trace.done.err
    changes = [call for call in trace.calls() if call.changes()]
    assert len(changes) > 50
    for call in changes:
        # Relative to a descriptor, or one component in the kernel's own
        # file systems.
        assert not call.absolute() or \
            call.absolute().startswith(("/proc/", "/dev/null")), call.line


def test_s32_what_was_verified_is_what_is_used(scene):
    # The file is opened once, made exclusively; what is hashed and what is
    # renamed into place came through that descriptor. The profile is read
    # once, too: what is parsed was hashed.
    scene.origin.content["/motd"] = b"from a server\n"
    digest = scene.serve("motd", b"from a server\n")
    scene.change("files", 'content = "version 2\\n";',
                 f'url = "http://origin.test/motd"; sha256 = "{digest}";')
    scene.blocks.pop("supervisor")
    profile = hashlib.sha256(scene.text().encode()).hexdigest()
    trace = Trace(scene, "%file,%desc", "apply", "--sha256", profile, PROFILE)
    assert trace.done.status == 0, trace.done.err
    calls = trace.calls()
    opened = [c for c in calls if c.name.startswith("open") and
              "scene.cfg" in c.line and "O_PATH" not in c.line]
    assert len(opened) == 1, [c.line for c in opened]
    moved = [c for c in calls if c.name.startswith("rename") and
             '"app-motd"' in c.line]
    assert len(moved) == 1, [c.line for c in moved]
    staged = re.search(r'"([0-9a-f.-]+)"', moved[0].line)[1]
    opened = [c for c in calls if c.name.startswith("open") and
              f'"{staged}"' in c.line and "/etc/" in c.line and
              "O_PATH" not in c.line]
    # Before its name is final: made exclusively, never opened again.
    before = [c for c in opened if c.number < moved[0].number]
    assert len(before) == 1 and "O_EXCL" in before[0].line and \
        "O_NOFOLLOW" in before[0].line, [c.line for c in before]


@pytest.mark.parametrize("block", [
    'directories = ( { path = "/srv/d"; mode = "0777"; } );',
    'directories = ( { path = "/srv/d"; mode = "1777"; } );',
    'commands = (); directories = ( { path = "/srv/d"; mode = "0702"; } );',
])
def test_s34_a_world_writable_mode_is_refused(scene, block):
    scene.add(block)
    scene.refused(2, scene.line_of(block), "world_writable = true")


def test_s34_and_can_be_meant(scene):
    scene.add('directories = ( { path = "/srv/d"; mode = "1777"; '
              "world_writable = true; } );")
    assert scene.apply().status == 0
    mode = os.lstat(scene.host.disk.path("/srv/d")).st_mode
    assert oct(stat.S_IMODE(mode)) == "0o1777"


def test_s40_a_file_is_whole_before_it_has_its_name(scene):
    trace = Trace(scene, "%file,%desc", "apply", PROFILE)
    assert trace.done.status == 0, trace.done.err
    calls = trace.calls()
    moved = next(c for c in calls if c.name.startswith("rename") and
                 '"app-motd"' in c.line)
    staged = re.search(r'"([0-9a-f.-]+)"', moved.line)[1]
    # Calls on its descriptor.
    about = [c for c in calls if re.search(rf"^\w+\(\d+<[^>]*{staged}>",
                                           c.line)]
    last = {name: max([c.number for c in about if c.name.startswith(name)],
                      default=None)
            for name in ("write", "fchmod", "fchown")}
    assert last["write"] and last["write"] < moved.number
    # Mode and owner as well, whatever gives them.
    for name in ("fchmod", "fchown"):
        assert last[name] is None or last[name] < moved.number, name
    synced = [c.number for c in calls if c.name in ("syncfs", "fsync")]
    assert any(last["write"] < n < moved.number for n in synced)
    # What was there stays until the end, and is found again afterwards.
    assert scene.host.read("/etc/app-motd") == "version 2\n"


def test_s40_what_a_file_says_is_looked_at_first(scene):
    scene.serve("app.tar.gz", archive({
        "app/bin/run": File("#!/bin/sh\nexec sleep 1000\n", 0o755),
        "app/etc/app.conf": "[program:app\ncommand=/srv/app/bin/run\n",
        "app/etc/logrotate": "/srv/app/logs/*.log {\n\tweekly\n}\n",
        "app/version": "2\n"}))
    scene.packages()
    scene.refused(1, "(from app:etc/app.conf):1:")


def test_s40_the_version_before_is_kept_for_going_back(scene):
    assert scene.apply().status == 0
    scene.change("files", "version 2", "version 3")
    assert scene.apply().status == 0
    assert scene.host.read("/etc/app-motd") == "version 3\n"
    done = scene.fitout("rollback")
    assert done.status == 0, done.err
    assert scene.host.read("/etc/app-motd") == "version 2\n"
    assert scene.host.disk.read(STARTED).count("\n") == 3


def test_s22_json_lines_hold_no_secret_either(scene):
    scene.packages(app={"url": ADDRESS})
    done = scene.apply("--json", "--log-level", "debug")
    assert SECRET not in done.out + done.err
    for line in done.err.splitlines():
        json.loads(line)
