# SPDX-License-Identifier: Apache-2.0
"""The static binary for aarch64 under qemu-user, on hosts of tests/e2e."""
import os
import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from borrow import borrow  # noqa: E402  pylint: disable=wrong-import-position

borrow(globals(), "rootfs", "certs", "tarballs", "cloud", "box")

QEMU = "qemu-aarch64-static"


@pytest.fixture(scope="session")
def binary():
    """The static binary, for aarch64."""
    path = pathlib.Path(os.environ.get(
        "FITOUT_AARCH64", TOP / "build/static-aarch64/fitout"))
    if os.uname().machine != "aarch64" and not shutil.which(QEMU):
        pytest.skip(f"not installed: {QEMU}")
    if not path.exists():
        pytest.skip(f"{path} is not built: run tools/build --arch aarch64")
    return path


@pytest.fixture
def host(box, binary):
    """A host on which `fitout` is that binary."""
    made = box("host")
    made.disk.copy(binary, "/usr/local/lib/fitout-aarch64", 0o755)
    emulator = "" if os.uname().machine == "aarch64" else QEMU
    made.disk.write("/usr/local/bin/fitout", "#!/bin/sh\n"
                    f"exec {emulator} /usr/local/lib/fitout-aarch64 \"$@\"\n",
                    0o755)
    return made
