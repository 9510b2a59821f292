# SPDX-License-Identifier: Apache-2.0
"""The binary runs wherever there is a Linux kernel."""
import shutil
import subprocess

import pytest

from conftest import WHY_NOT

SUITES = ["bullseye", "bookworm", "trixie", "sid"]


@pytest.mark.parametrize("name", SUITES)
def test_version_and_validate_in_a_root_of(name, box, fitout):
    host = box(name)
    host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
    host.disk.write("/etc/p.cfg", 'fitout = 1;\nname = "p";\nfiles = (\n'
                    '  { content = "x"; to = "/srv/x"; } );\n')
    assert host.run("fitout", "version").out.startswith("fitout ")
    host.run("fitout", "validate", "/etc/p.cfg")
    host.run("fitout", "apply", "/etc/p.cfg")
    assert host.read("/srv/x") == "x"


def test_version_in_an_empty_directory(tmp_path, fitout):
    if WHY_NOT:
        pytest.skip(WHY_NOT)
    shutil.copy(fitout, tmp_path / "fitout")
    for words in (["version"], ["version", "--sbom"], ["help"]):
        done = subprocess.run(["chroot", tmp_path, "/fitout", *words],
                              capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert "fitout" in done.stdout
