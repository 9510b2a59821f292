# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests; README says how to use them."""
import os
import pathlib
import shutil
import subprocess

import pytest

import certs as certificates
from cloud import Cloud
from machine import Box, Disk, Machine, reap
from netns import private_mounts
from scene import Scene

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("ip", "nsenter", "unshare", "mount", "dnsmasq", "openssl",
         "systemd-nspawn")


def why_not():
    """Why machines cannot run here, or ""."""
    if os.geteuid() != 0:
        return "needs root for namespaces and mounts"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"not installed: {' '.join(missing)}"
    return ""


WHY_NOT = why_not()


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "host: needs no root file system but this machine's own, "
        "so that a dynamically linked fitout will do")
    if not WHY_NOT:
        reap()
        private_mounts()


@pytest.fixture(scope="session")
def rootfs():
    """rootfs(name): the layers of a root file system, made if need be;
    "host" is this machine's own."""
    if WHY_NOT:
        pytest.skip(WHY_NOT)

    def make(name):
        if name == "host":
            return "/"
        done = subprocess.run([TOP / "tools/rootfs", name], timeout=900,
                              stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, \
            f"tools/rootfs {name}: exit status {done.returncode}"
        return done.stdout.strip()

    return make


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("certs"), "origin.test")


@pytest.fixture(scope="session")
def tarballs(tmp_path_factory):
    """The directory of nginx's and PHP's tarballs, and SHA256SUMS."""
    out = os.environ.get("FITOUT_TARBALLS")
    if not out:
        cache = os.environ.get("FITOUT_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME")
            or os.path.expanduser("~/.cache"), "fitout")
        out = os.path.join(cache, "e2e-tarballs")
    subprocess.run([TOP / "tools/make-tarballs", out], check=True,
                   timeout=900)
    return pathlib.Path(out)


@pytest.fixture(scope="session")
def agentpkg(tmp_path_factory):
    """The directory of the deploy agent's .deb, .tar.gz and SHA256SUMS."""
    out = tmp_path_factory.mktemp("agentpkg")
    subprocess.run([TOP / "tests/agentpkg/build", out], check=True,
                   timeout=60)
    return out


@pytest.fixture(scope="session")
def fitout(tmp_path_factory):
    """The static binary under test: a copy, so that a build that goes on
    beside the tests does not change it in the middle."""
    binary = pathlib.Path(os.environ.get(
        "FITOUT", TOP / "build/static/fitout"))
    if not binary.exists():
        pytest.skip(f"{binary} is not built: run tools/build")
    copy = tmp_path_factory.mktemp("binary") / "fitout"
    shutil.copy(binary, copy)
    subprocess.run([copy, "version"], check=True, timeout=30,
                   stdout=subprocess.DEVNULL)
    return copy


@pytest.fixture
def cloud(tmp_path, certs):
    if WHY_NOT:
        pytest.skip(WHY_NOT)
    made = Cloud(tmp_path / "cloud", certs)
    yield made
    made.close()


@pytest.fixture
def machine(tmp_path, cloud, rootfs):
    """machine(name): a machine with that root file system, not booted;
    with copy_of=DISK, one more of what is there."""
    made = []

    def make(name="bookworm", copy_of=None):
        disk = Disk(tmp_path / f"machine{len(made)}", rootfs(name), copy_of)
        init = "sysvinit" if name.endswith("sysvinit") else "systemd"
        made.append(Machine(disk, cloud, init, new=copy_of is None))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def box(tmp_path, cloud, rootfs):
    """box(name): a running Box with that root file system."""
    made = []

    def make(name="bookworm"):
        made.append(Box(Disk(tmp_path / f"box{len(made)}", rootfs(name)),
                        cloud))
        made[-1].disk.path("/etc/resolv.conf").unlink(missing_ok=True)
        made[-1].disk.write("/etc/resolv.conf", "nameserver 10.12.0.1\n")
        made[-1].boot()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def scene(box, cloud, certs, fitout):
    """A host in a box, an origin and a good profile; see scene.py."""
    host = box("host")
    host.disk.copy(certs.ca, "/etc/ssl/test-ca.pem")
    made = Scene(host, cloud, fitout)
    made.environment["SSL_CERT_FILE"] = "/etc/ssl/test-ca.pem"
    return made
