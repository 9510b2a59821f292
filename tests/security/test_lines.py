# SPDX-License-Identifier: Apache-2.0
"""Nothing of LINES is left without a test."""
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent


def test_every_line_has_a_test():
    lines = re.findall(r"^S(\d\d) ", (HERE / "LINES").read_text(), re.M)
    assert len(lines) == 68
    tested = set()
    for path in HERE.glob("test_*.py"):
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M):
            tested.update(re.findall(r"_s(\d\d)(?=_)", name))
    assert [f"S{n}" for n in lines if n not in tested] == []
