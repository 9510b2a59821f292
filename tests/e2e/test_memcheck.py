# SPDX-License-Identifier: Apache-2.0
"""Runs under valgrind's memcheck, with the fetcher, the readers and the
unpackers: a build with this system's libraries, as valgrind cannot look into a
static one."""
import shutil
import subprocess

import pytest

from conftest import TOP
from scene import PROFILE

# An error in a process of ours ends it with this status.
STATUS = 99
MEMCHECK = ["valgrind", "--tool=memcheck", f"--error-exitcode={STATUS}",
            "--leak-check=full", "--errors-for-leak-kinds=definite,possible",
            "--num-callers=20",
            "--log-file=/var/log/memcheck.%p"]
# Of an archive's notes no later child has a copy (src/unpack/file_notes.h), but
# valgrind looks for them, word by word: let there be few.
FEW = "limits = { entries = 1000; };"


@pytest.fixture(scope="session")
def fitout(tmp_path_factory):
    """In the place of the static binary."""
    if not shutil.which("valgrind"):
        pytest.skip("not installed: valgrind")
    subprocess.run([TOP / "tools/build", "--plain"], check=True, timeout=900)
    copy = tmp_path_factory.mktemp("plain") / "fitout"
    shutil.copy(TOP / "build/plain/fitout", copy)
    return copy


def checked(scene, *words):
    """Run it; what memcheck said of the run and of every child."""
    scene.write()
    done = scene.host.run(*MEMCHECK, "/usr/local/bin/fitout", *words,
                          timeout=300, check=False, env=scene.environment)
    logs = list(scene.host.disk.path("/var/log").glob("memcheck.*"))
    said = "".join(log.read_text() for log in logs)
    for log in logs:
        log.unlink()
    # A child that became another program has a log without a summary.
    summaries = [line for line in said.splitlines()
                 if "ERROR SUMMARY:" in line]
    assert summaries, said
    for summary in summaries:
        assert "ERROR SUMMARY: 0 errors" in summary, said
    assert done.status != STATUS, said
    return done, len(summaries)


def test_memcheck_of_an_apply_and_of_a_second_one(scene):
    scene.packages(tool={"url": ["http://origin.test/none",
                                 "https://origin.test/tool.tar.xz"]},
                   app_more=FEW, tool_more=FEW)
    done, processes = checked(scene, "apply", PROFILE)
    assert done.status == 0, done.err
    # Itself, the fetcher, and two archives' readers and unpackers.
    assert processes >= 6
    assert scene.agent_started()
    done, _ = checked(scene, "plan", PROFILE)
    assert done.status == 0, done.err
    done, _ = checked(scene, "apply", PROFILE)
    assert "nothing to do" in done.out
    done, _ = checked(scene, "status", "--verify")
    assert done.status == 0, done.err


def test_memcheck_of_an_apply_that_fails_and_is_undone(scene):
    scene.packages(app_more=FEW, tool_more=FEW)
    scene.blocks["checks"] = 'checks = ( { tcp = "127.0.0.1:8099"; ' \
                             "timeout = 1; } );\n"
    done, processes = checked(scene, "apply", PROFILE)
    assert done.status == 1, done.err
    assert processes >= 4
    assert "does not hold" in done.err


def test_memcheck_of_a_profile_full_of_errors(scene):
    scene.blocks["more"] = 'colour = "red"; links = 5; vars = { a = "${b}"; };'
    scene.change("files", "0640", "0777")
    done, _ = checked(scene, "validate", PROFILE)
    assert done.status == 2, done.err
