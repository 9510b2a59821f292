# SPDX-License-Identifier: Apache-2.0
"""Commands of the operator: when they run, and how they fail."""
import os
import time

import pytest


def command(place, run, guard="", more=""):
    guard = guard or f'creates = "{place.dir}/made"'
    return (f'commands = ( {{ name = "setup"; run = {run}; {guard}; '
            f'{more} }} );\n')


def shell(text):
    return '[ "sh", "-c", "%s" ]' % text.replace('"', '\\"')


def count(place, name="ran"):
    path = place.dir / name
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_it_runs_once_and_not_when_what_it_creates_is_there(place):
    text = command(place, shell(f"echo x >>{place.dir}/ran; "
                                f"touch {place.dir}/made"))
    place.apply(text)
    assert "nothing to do" in place.apply(text).out
    assert count(place) == 1
    (place.dir / "made").unlink()
    place.apply(text)
    assert count(place) == 2


def test_unless_is_asked_before_every_run(place):
    text = command(place, shell(f"echo x >>{place.dir}/ran"),
                   f'unless = [ "test", "-s", "{place.dir}/ran" ]')
    place.apply(text)
    assert "nothing to do" in place.apply(text).out
    assert count(place) == 1


def test_it_runs_after_the_files_are_in_place_and_may_use_them(place):
    text = ("packages = ( " + place.package("tool", {
        "setup": f"#!/bin/sh\necho $FLAVOUR $PWD >{place.dir}/made\n"})
        + " );\n" + command(
            place, f'[ "{place.programs}/tool/setup" ]',
            more=f'cwd = "{place.dir}"; env = [ "FLAVOUR=plain" ]'))
    place.apply(text)
    assert (place.dir / "made").read_text() == f"plain {place.dir}\n"


def test_what_it_creates_inside_a_replaced_tree_is_made_again(place):
    def profile(version):
        return ("packages = ( " + place.package("tool", {
            "setup": f"#!/bin/sh\necho {version} >{place.programs}/tool/made\n"
            f"echo x >>{place.dir}/ran\n"}) + " );\n" + command(
                place, f'[ "{place.programs}/tool/setup" ]',
                f'creates = "{place.programs}/tool/made"'))
    place.apply(profile(1))
    place.apply(profile(2))
    assert (place.programs / "tool/made").read_text() == "2\n"
    assert count(place) == 2


def test_a_clean_environment_and_nothing_on_stdin(place):
    os.environ["LEAKED"] = "secret"
    try:
        place.apply(command(place, shell(
            f"env >{place.dir}/made; cat >>{place.dir}/made; "
            f"ls /proc/self/fd >{place.dir}/fds; umask >>{place.dir}/fds")))
    finally:
        del os.environ["LEAKED"]
    seen = (place.dir / "made").read_text()
    assert "LEAKED" not in seen and "HOME=/root" in seen, seen
    # ls itself opens the directory: 0, 1, 2 and 3.
    assert (place.dir / "fds").read_text().split() == \
        ["0", "1", "2", "3", "0022"]


def test_a_command_that_fails_ends_the_run_with_its_last_words(place):
    text = ('files = ( { content = "x"; to = "%s/file"; } );\n' % place.dir
            + command(place, shell("echo no such database >&2; exit 7")))
    done = place.apply(text, status=1)
    assert "exit status 7" in done.error(), done.err
    assert "no such database" in done.error(), done.err
    assert not (place.dir / "file").exists()
    assert "left in place" in done.out + done.err
    assert "command setup ran" in done.out + done.err


def test_a_command_that_hangs_is_ended_with_all_it_started(place):
    begin = time.monotonic()
    done = place.apply(command(
        place, shell(f"sleep 3600 & echo $! >{place.dir}/pid; "
                     "trap '' TERM; wait; sleep 3600"),
        more="timeout = 1"), status=1)
    assert time.monotonic() - begin < 30
    assert "still running" in done.error(), done.err
    pid = int((place.dir / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_that_prints_megabytes_costs_no_memory_or_message(place):
    done = place.apply(command(place, shell(
        "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 20000000; "
        "echo the end; exit 1")), status=1)
    assert "the end" in done.error()
    assert len(done.out + done.err) < 10000


def test_a_command_that_leaves_something_behind_does_not_hold_the_run(place):
    begin = time.monotonic()
    place.apply(command(place, shell(
        f"touch {place.dir}/made; sleep 20 & echo $! >{place.dir}/pid")))
    assert time.monotonic() - begin < 15
    os.kill(int((place.dir / "pid").read_text()), 15)


def test_a_command_that_does_not_exist(place):
    error = place.apply(command(place, '[ "/no/such/program" ]'),
                        status=1).error()
    assert "/no/such/program" in error, error


def test_a_command_that_does_not_create_what_it_said(place):
    error = place.apply(command(place, '[ "true" ]'), status=1).error()
    assert f"{place.dir}/made is not there" in error, error
