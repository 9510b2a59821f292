# SPDX-License-Identifier: Apache-2.0
"""Packages and releases, and the hosts they are installed on."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from borrow import borrow  # noqa: E402  pylint: disable=wrong-import-position

borrow(globals(), "rootfs", "certs", "fitout", "cloud", "machine", "box")
