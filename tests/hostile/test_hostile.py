# SPDX-License-Identifier: Apache-2.0
"""One test for every archive of archives.py: its verdict, its message, and
that nothing else in the world was touched. See tests/hostile/run."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from archives import all_cases  # noqa: E402

CASES = {case.name: case for case in all_cases("/canary")}


@pytest.fixture(scope="session")
def results():
    if os.geteuid() != 0:
        pytest.skip("hostile archives are unpacked as root")
    done = subprocess.run([str(HERE / "run"), "--json"], check=True,
                          capture_output=True, timeout=280)
    return {result["name"]: result for result in json.loads(done.stdout)}


def test_there_are_enough_of_them():
    assert len(CASES) >= 300
    assert sum(case.tree is not None for case in CASES.values()) >= 50


@pytest.mark.parametrize("name", CASES)
def test_archive(results, name):
    result = results[name]
    assert result["ok"], f"{result['wrong']}: {result['message']}"


def test_nothing_was_slow(results):
    """A bomb ends at its limit, not at the end of the disk or the day."""
    slow = {name: result["seconds"] for name, result in results.items()
            if result["seconds"] > 20}
    assert not slow
