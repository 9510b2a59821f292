# SPDX-License-Identifier: Apache-2.0
"""Packages and releases, and the hosts they are installed on."""
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
E2E = HERE.parent / "e2e"
sys.path.insert(0, str(E2E))

spec = importlib.util.spec_from_file_location("e2e_conftest",
                                              E2E / "conftest.py")
e2e = importlib.util.module_from_spec(spec)
spec.loader.exec_module(e2e)

# pytest finds fixtures and hooks among the names of a conftest.
for name in ("pytest_configure", "rootfs", "certs", "fitout", "cloud",
             "machine", "box"):
    globals()[name] = getattr(e2e, name)


