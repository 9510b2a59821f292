# SPDX-License-Identifier: Apache-2.0
"""One named test, or more, for every line of LINES: test_s01_..., and at the
end a table of what holds. The machines are those of tests/e2e."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Also what the transport tests share with tests/fetch.
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "fetch")]

from borrow import borrow  # noqa: E402  pylint: disable=wrong-import-position

borrow(globals(), "rootfs", "certs", "tarballs", "agentpkg", "fitout", "cloud",
       "machine", "box", "scene")


def lines():
    """{"S01": "TLS ...", ...}"""
    return dict(line.split(" ", 1)
                for line in (HERE / "LINES").read_text().splitlines()
                if line.startswith("S"))


def pytest_terminal_summary(terminalreporter):
    found = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            # A test may be of two lines: test_s22_s23_....
            for number in re.findall(r"_s(\d\d)(?=_)", report.nodeid):
                found.setdefault("S" + number, []).append(outcome)
    terminalreporter.section("what must hold")
    for number, text in lines().items():
        tests = found.get(number, [])
        held = len(tests) and all(test == "passed" for test in tests)
        terminalreporter.write_line(
            f"{number} {'pass' if held else 'FAIL' if tests else 'none'} "
            f"{len(tests):3} {text}")
