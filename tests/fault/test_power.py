# SPDX-License-Identifier: Apache-2.0
"""Parts of powercut that fit into two minutes; all of it: powercut --all."""
import pathlib
import re
import subprocess

import pytest

import power

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 900        # it is not a matter of speed

CUTS = [
    # scenario, file system, step, images at least
    ("install", "ext4", 12, 20),
    ("install", "xfs-two", 6, 20),
    ("upgrade", "ext4", 10, 30),
    ("upgrade", "xfs", 4, 40),
    ("removal", "ext4-writeback", 9, 30),
    ("rollback", "ext4-two", 12, 25),
    ("rollback", "xfs", 7, 20),
    ("agent-fails", "ext4-two", 11, 30),
]
LIES = [
    # the call, in which scenario
    ("syncfs", "upgrade", "xfs"),
    ("syncfs", "plain", "ext4-writeback"),
    ("fdatasync", "upgrade", "ext4-two"),
    ("fsync", "upgrade", "xfs-two"),
]
LINE = re.compile(r": (\d+) flushes, (\d+) cuts, (\d+) images, "
                  r"(\d+) violations")

problem = power.problem_with_machine()
pytestmark = pytest.mark.skipif(problem is not None, reason=str(problem))


def powercut(*options, status=0):
    """What it printed, and its flushes, cuts, images and violations."""
    done = subprocess.run([HERE / "powercut", *options],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT_S)
    assert done.returncode == status, done.stdout
    print(done.stdout)
    return tuple(map(int, LINE.search(done.stdout).groups()))


@pytest.mark.parametrize("scenario,fs,step,least", CUTS)
def test_what_is_left_after_a_power_cut_is_old_or_new(scenario, fs, step,
                                                      least):
    flushes, _, images, violations = powercut(
        "--scenario", scenario, "--fs", fs, "--step", str(step))
    assert violations == 0
    assert flushes >= 40
    assert images >= least


def test_what_was_said_done_is_done_until_the_last_file_is_tidied_up():
    _, _, images, violations = powercut("--scenario", "upgrade", "--fs",
                                        "ext4", "--late")
    assert violations == 0
    assert images >= 30


def test_nothing_rests_on_what_is_synced_ahead_of_time():
    """The first syncfs is of the process that is to have the disk work while
    the package is looked at (0034)."""
    _, _, images, violations = powercut(
        "--scenario", "plain", "--fs", "ext4-writeback", "--lie", "syncfs:1",
        "--step", "4", status=1)        # a lie that is not found out
    assert violations == 0
    assert images >= 30


@pytest.mark.parametrize("call,scenario,fs", LIES)
def test_a_call_that_syncs_nothing_is_found_out(call, scenario, fs):
    *_, violations = powercut("--scenario", scenario, "--fs", fs, "--lie",
                              call)
    assert violations > 0
