# SPDX-License-Identifier: Apache-2.0
"""Parts of the sweep that fit into three minutes; all of it: sweep --all.

Each test is one call of the sweep, whose lines end in "N points, N
violations"; it must have looked at as many points as it is meant to.
"""
import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 600        # of a sweep: it is not a matter of speed

SWEEPS = [
    # scenario, mode, class, step, points at least
    ("install", "kill", "fs", 1, 250),
    ("upgrade", "kill", "fs", 1, 400),
    ("removal", "kill", "fs", 3, 80),
    ("rollback", "kill", "fs", 5, 75),
    ("agent-fails", "kill", "fs", 3, 120),
    ("agent-fails-first", "kill", "fs", 5, 50),
    ("check-fails", "kill", "fs", 12, 4),
    ("upgrade", "kill", "sync", 2, 60),
    ("upgrade", "nested", "fs", 4, 30),
    ("upgrade", "inject", "fs", 5, 100),
    ("install", "inject", "fs", 9, 50),
    ("rollback", "inject", "fs", 13, 35),
    ("agent-fails", "inject", "fs", 9, 50),
    ("upgrade", "inject", "sync", 3, 40),
    ("supervised", "kill", "net", 3, 4),
    ("supervised-fails", "kill", "fs", 30, 3),
    ("upgrade", "from", "fs", 6, 25),
    ("agent-fails", "from", "fs", 9, 20),
]
LINE = re.compile(r": (\d+) points, (\d+) violations")


def can_trace():
    """May this process have a mount namespace, and trace another?"""
    status = pathlib.Path("/proc/self/status").read_text()
    capable = int(re.search(r"CapEff:\s*(\w+)", status)[1], 16)
    return os.geteuid() == 0 and capable >> 21 & 1 and capable >> 19 & 1


@pytest.mark.skipif(not can_trace(), reason="needs root, CAP_SYS_ADMIN and "
                    "CAP_SYS_PTRACE")
@pytest.mark.parametrize("scenario,mode,kind,step,least", SWEEPS)
def test_sweep(scenario, mode, kind, step, least):
    done = subprocess.run(
        [HERE / "sweep", "--scenario", scenario, "--mode", mode, "--class",
         kind, "--step", str(step)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
    found = [tuple(map(int, line)) for line in LINE.findall(done.stdout)]
    assert done.returncode == 0, done.stdout
    assert sum(bad for _, bad in found) == 0, done.stdout
    assert sum(points for points, _ in found) >= least, done.stdout
    print(done.stdout)
