# SPDX-License-Identifier: Apache-2.0
"""tools/package: what it makes is whole, the same each time, and installs
without enabling anything."""
import gzip
import hashlib
import json
import os
import shutil
import subprocess

import pytest

from conftest import TOP

ARCH = os.uname().machine
VERSION = "0.1.0"
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}[ARCH]


@pytest.fixture(scope="module", autouse=True)
def built():
    if not (TOP / "build/static/fitout").exists():
        pytest.skip("build/static/fitout is not built")


def package(*words, out="/nonexistent"):
    done = subprocess.run(
        [TOP / "tools/package", *words], capture_output=True, text=True,
        timeout=300, check=False, env={
            **os.environ, "FITOUT_PACKAGE_BUILT": "1",
            "FITOUT_PACKAGE_OUT": str(out)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def deb(out):
    package("deb", out=out)
    return out / f"fitout_{VERSION}_{DEBIAN}.deb"


@pytest.fixture(scope="module")
def tarball(out):
    package("tarball", out=out)
    return out / f"fitout-{VERSION}-linux-{ARCH}.tar.gz"


def test_a_deb_and_a_tarball_are_the_same_each_time(deb, tarball, tmp_path):
    for path, how in ((deb, "deb"), (tarball, "tarball")):
        first = path.read_bytes()
        package(how, out=tmp_path)
        assert (tmp_path / path.name).read_bytes() == first


def test_the_deb_installs_and_enables_nothing(deb, box):
    host = box("bookworm")
    host.disk.copy(deb, "/root/fitout.deb")
    before = host.disk.snapshot("root", "var/log")
    host.run("dpkg", "-i", "/root/fitout.deb")
    added = [path for path in host.disk.snapshot("root", "var/log")
             if path not in before]
    # dpkg's own records, and /usr: no unit, no rc link, nothing in /etc.
    assert [path for path in added if not path.startswith(
        ("usr/bin/fitout", "usr/share/", "var/lib/dpkg/"))] == []
    assert "usr/bin/fitout" in added
    assert host.run("fitout", "version").out == f"fitout {VERSION}\n"
    # That root file system was made to leave documentation out.
    verified = host.run("dpkg", "--verify", "fitout", check=False).out
    assert [line for line in verified.splitlines()
            if not line.startswith(("missing     /usr/share/doc/",
                                    "missing     /usr/share/man/"))] == []
    host.disk.write("/etc/fitout/x.cfg", "fitout = 1;\nname = \"x\";\n"
                    "files = ( { to = \"/etc/x\"; content = \"x\"; } );\n")
    assert host.run("fitout", "apply", "/etc/fitout/x.cfg").status == 0
    # It goes, what it installed stays.
    host.run("dpkg", "-r", "fitout")
    assert not host.exists("/usr/bin/fitout")
    assert host.exists("/etc/x") and host.exists("/var/lib/fitout")


def test_the_deb_has_no_scripts_and_every_page(deb, tmp_path):
    subprocess.run(["dpkg-deb", "-R", deb, tmp_path / "deb"], check=True)
    control = {p.name for p in (tmp_path / "deb/DEBIAN").iterdir()}
    assert control == {"control", "md5sums"}
    for page in (TOP / "doc/man").glob("*.[0-9]"):
        packed = tmp_path / "deb/usr/share/man" / f"man{page.suffix[1:]}" / \
            f"{page.name}.gz"
        assert gzip.decompress(packed.read_bytes()) == page.read_bytes()
    share = tmp_path / "deb/usr/share"
    bash = share / "bash-completion/completions/fitout"
    assert subprocess.run(["bash", "-n", bash], check=False).returncode == 0
    assert b"fitout" in bash.read_bytes()
    for path in (tmp_path / "deb").rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o022 == 0, path


def test_the_sbom_is_of_this_binary_and_its_libraries(out):
    sbom = json.loads(package("sbom", out=out))
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    binary = TOP / "build/static/fitout"
    [digest] = sbom["metadata"]["component"]["hashes"]
    assert digest == {"alg": "SHA-256", "content": hashlib.sha256(
        binary.read_bytes()).hexdigest()}
    linked = json.loads(subprocess.run(
        [binary, "--json", "version", "--sbom"], capture_output=True,
        check=True).stdout)["libraries"]
    assert {(row["name"], row["version"]) for row in linked} == {
        (row["name"], row["version"]) for row in sbom["components"]}
    refs = {row["bom-ref"] for row in sbom["components"]}
    [depends] = sbom["dependencies"]
    assert set(depends["dependsOn"]) == refs
    assert len(refs) == len(sbom["components"]) > 10
    for row in sbom["components"]:
        assert row["licenses"][0]["expression"], row


def test_a_release_is_whole_and_signed(tmp_path):
    out = tmp_path / "release"
    key = []
    if shutil.which("minisign"):
        subprocess.run(["minisign", "-G", "-W", "-p", tmp_path / "pub", "-s",
                        tmp_path / "key"], check=True, capture_output=True)
        key = ["--sign", tmp_path / "key"]
    package("release", *key, ARCH, out=out)
    made = {path.name for path in out.iterdir()}
    assert made - {"SHA256SUMS.minisig"} == {
        f"fitout_{VERSION}_{DEBIAN}.deb",
        f"fitout-{VERSION}-linux-{ARCH}.tar.gz", f"fitout-{VERSION}.tar.gz",
        f"fitout-{ARCH}", f"fitout-{ARCH}.cdx.json", "fitout.spec",
        "SHA256SUMS"}
    sums = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"],
                          cwd=out, capture_output=True, text=True, check=True)
    assert sums.stdout.count(": OK\n") == 6
    if key:
        seen = subprocess.run(
            ["minisign", "-V", "-p", tmp_path / "pub", "-m",
             out / "SHA256SUMS"], capture_output=True, text=True, check=True)
        assert f"file:SHA256SUMS fitout {VERSION}, " in seen.stdout


def test_rpmbuild_makes_an_rpm_of_the_spec(out, tarball, tmp_path):
    if not shutil.which("rpmbuild"):
        pytest.skip("not installed: rpm")
    package("rpm-spec", out=out)
    subprocess.run(["rpmspec", "--parse", out / "fitout.spec"], check=True,
                   stdout=subprocess.DEVNULL)
    done = subprocess.run(
        ["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}",
         "--define", f"_sourcedir {out}",
         "--define", f"_target_cpu {ARCH}", out / "fitout.spec"],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    [made] = (tmp_path / "RPMS").rglob("*.rpm")
    asked = ["rpm", "-qp", "--dbpath", tmp_path / "db"]
    listed = subprocess.run([*asked, "-l", made], capture_output=True,
                            text=True, check=True).stdout.split()
    assert "/usr/bin/fitout" in listed
    assert any(path.endswith("/fitout.1.gz") for path in listed)
    assert [path for path in listed if not path.startswith("/usr/")] == []
    scripts = subprocess.run([*asked, "--scripts", made], text=True,
                             capture_output=True, check=True).stdout
    assert scripts == ""
    # It is what was built, byte for byte.
    tree = tmp_path / "tree"
    tree.mkdir()
    cpio = subprocess.run(["rpm2cpio", made], capture_output=True,
                          check=True).stdout
    subprocess.run(["cpio", "-idm", "--quiet"], cwd=tree, input=cpio,
                   check=True)
    assert (tree / "usr/bin/fitout").read_bytes() == \
        (TOP / "build/static/fitout").read_bytes()
