# SPDX-License-Identifier: Apache-2.0
"""What `fitout render` makes, in front of the tools that it is for. The
machines are those of tests/e2e."""
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


class Render:
    """render("user-data", ..., profile): what it makes, as bytes."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return path

    def run(self, *words):
        return subprocess.run(
            [self.binary, "render", *map(str, words)], capture_output=True,
            timeout=60, check=False)

    def __call__(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture
def render(fitout, tmp_path):
    os.umask(0o022)
    directory = tmp_path / "profiles"
    directory.mkdir()
    return Render(fitout, directory)
