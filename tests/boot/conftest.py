# SPDX-License-Identifier: Apache-2.0
"""Machines as in tests/e2e: its fixtures, and what they are made of."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
TOP = TESTS.parent
sys.path += [str(TESTS), str(TESTS / "security")]     # borrow.py, signing.py

from borrow import borrow  # noqa: E402  pylint: disable=wrong-import-position

borrow(globals(), "rootfs", "certs", "tarballs", "agentpkg", "fitout",
       "cloud", "machine", "box", "scene")
