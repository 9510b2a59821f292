# SPDX-License-Identifier: Apache-2.0
"""Numbers, depths, odd texts, and no memory."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from scene import PROFILE

pytestmark = pytest.mark.host

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("old, new", [
    ('budget = "60s"', 'budget = "99999999999999999999s"'),
    ('budget = "60s"', 'budget = "9223372036854775807h"'),
    ('budget = "60s"', "budget = 9223372036854775808"),
    ('budget = "60s"', "budget = -1"),
    ('budget = "60s"', "budget = 0x1ffffffffffffffffL"),
    ("fitout = 1;", "fitout = 4294967297;"),
])
def test_s60_numbers_that_do_not_fit(scene, old, new):
    scene.change("head", old, new)
    scene.refused(2, scene.line_of(new))


@pytest.mark.parametrize("size", ["9007199254740993G", "18446744073709551616",
                                  "99999999999999999999999"])
def test_s60_sizes_that_do_not_fit(scene, size):
    scene.packages(app_more=f'max_size = "{size}";')
    scene.refused(2, scene.line_of(f'max_size = "{size}"'), size)


def test_s60_offsets_have_64_bits(scene, tmp_path):
    # A digest of more bytes than 32 bits count, from a hole of a file.
    scene.write()
    scene.host.run("truncate", "-s", "5G", "/etc/fitout/large.tar")
    scene.packages(app={"url": "file:///etc/fitout/large.tar", "sha256": "0" * 64},
                   app_more='max_size = "4G";')
    scene.refused(1, "5368709120", "4294967296")


def nested(opening, closing, depth):
    return f"fitout = 1; x = {opening * depth}{closing * depth};\n"


@pytest.mark.parametrize("text", [
    nested("{ a = ", " ; }", 200000),
    nested("( ", " )", 200000),
    nested("[ ", " ]", 200000),
    "fitout = 1;\n" + "/*" * 300000,
    'fitout = 1; name = "' + "${a" * 200000 + '";\n',
    'fitout = 1; vars = { a = "${b}"; b = "${a}"; }; name = "${a}";\n',
], ids=["groups", "lists", "arrays", "comments", "variables", "cycle"])
def test_s61_depth_is_bounded(scene, text):
    scene.blocks = {"all": text}
    scene.refused(2, PROFILE)


def test_s61_a_profile_that_includes_itself(scene):
    scene.blocks["head"] += '@include "scene.cfg"\n'
    scene.refused(2, PROFILE, "include")


@pytest.mark.parametrize("old, new, words", [
    ('name = "scene";', 'name = "scene";\nname = "scene";', ["name"]),
    ('name = "scene";', 'name = "sc\x00ene";', []),
    ('name = "scene";', b'name = "sc\xffene";', []),
    ('name = "scene";', 'name = "sc\x1b[31mene";', []),
], ids=["twice", "nul", "not utf-8", "escape"])
def test_s62_texts_that_are_not(scene, old, new, words):
    text = scene.text().encode()
    new = new if isinstance(new, bytes) else new.encode()
    scene.host.disk.write(PROFILE, text.replace(old.encode(), new, 1))
    done = scene.fitout("apply", PROFILE)
    assert done.status == 2, done.err
    assert re.search(rf"{PROFILE}:[23]:", done.err), done.err
    for word in words:
        assert word in done.err
    assert not scene.agent_started()


@pytest.mark.parametrize("change", [
    lambda text: b"\xef\xbb\xbf" + text,
    lambda text: text.replace(b"\n", b"\r\n"),
], ids=["byte order mark", "carriage returns"])
def test_s62_what_editors_leave(scene, change):
    """Either it is taken as it was meant, or the line is named."""
    scene.host.disk.write(PROFILE, change(scene.text().encode()))
    done = scene.fitout("apply", PROFILE)
    assert done.status in (0, 2), done.err
    if done.status == 2:
        assert f"{PROFILE}:1:" in done.err, done.err


def test_s63_no_memory_is_a_clean_end(scene, fitout):
    """At every amount there is an end in good order or a good end, and the
    next run, with memory, is good."""
    if b"libasan" in pathlib.Path(scene.host.disk.path(
            "/usr/local/bin/fitout")).read_bytes():
        pytest.skip("ASan reserves more than any limit")
    del scene.blocks["supervisor"]      # which has its own way to say so
    scene.write()
    refused = 0
    # What the kernel needs to load it at all, and a stack.
    least = fitout.stat().st_size // 1024 + 1000
    for kilobytes in range(least, 30000, 1500):
        done = scene.host.run(
            "sh", "-c", f"ulimit -v {kilobytes}; exec fitout apply {PROFILE}",
            env=scene.environment, check=False, timeout=100)
        assert done.status in (0, 1), (kilobytes, done.status, done.err)
        if done.status == 0:
            break
        refused += 1
        assert "memory" in done.err.lower(), f"{kilobytes}\n{done.err}"
        assert not scene.agent_started()
    assert refused > 0
    assert scene.apply().status == 0
    assert scene.host.read("/srv/app/version") == "2\n"
    assert scene.host.run("find", "/srv", "/etc", "-name", ".fitout-?*", "!",
                          "-name", ".fitout-old", check=False).out == ""


def test_s64_the_binary_is_hardened(fitout):
    done = subprocess.run([TOP / "tests/static/run", fitout],
                          capture_output=True, text=True, check=False)
    if "libasan" in done.stdout:
        pytest.skip("not the static binary")
    assert "not ok" not in done.stdout or b"asan" in fitout.read_bytes(), \
        done.stdout


def test_s64_the_parts_are_listed_with_versions(fitout):
    sbom = subprocess.run([fitout, "version", "--sbom"], capture_output=True,
                          text=True, check=True).stdout
    for part in ("libcurl", "openssl", "libarchive", "zlib", "liblzma", "zstd",
                 "libconfig", "inih", "expat", "jansson"):
        assert re.search(rf"^{part} +\S*\d", sbom, re.M), sbom


def test_s65_the_same_sources_make_the_same_binary(tmp_path):
    """Built again, in a directory with another name."""
    built = TOP / "build/static/fitout"
    if os.environ.get("FITOUT", str(built)) != str(built) or \
            not built.exists():
        pytest.skip("build/static/fitout is not what is tested")
    subprocess.run([TOP / "tools/build"], check=True, capture_output=True)
    again = tmp_path / "a_longer_name"
    # Not what others may be building in there meanwhile.
    shutil.copytree(TOP, again, symlinks=True,
                    ignore=lambda at, names: {"build"} & set(names)
                    if at == str(TOP) else set())
    # The date of the commit that this tree was configured at.
    date = re.search(r"define BUILT_S \D*64_C\((\d+)",
                     (TOP / "build/static/config.h").read_text())[1]
    done = subprocess.run(["tools/build"], cwd=again, capture_output=True,
                          text=True, check=False,
                          env={**os.environ, "SOURCE_DATE_EPOCH": date})
    assert done.returncode == 0, done.stderr[-3000:]
    assert (again / "build/static/fitout").read_bytes() == built.read_bytes()


def test_s65_a_release_is_signed_and_a_changed_byte_shows(tmp_path):
    """tools/package release with a key of the moment; what is verified is
    what the release notes tell people to run."""
    if not (TOP / "build/static/fitout").exists():
        pytest.skip("build/static/fitout is not built")
    key, public = tmp_path / "key", tmp_path / "key.pub"
    subprocess.run(["minisign", "-G", "-W", "-s", key, "-p", public],
                   check=True, capture_output=True)
    out = tmp_path / "release"
    done = subprocess.run(
        ["tools/package", "release", "--sign", key, os.uname().machine],
        cwd=TOP, capture_output=True, text=True, check=False, env={
            **os.environ, "FITOUT_PACKAGE_BUILT": "1",
            "FITOUT_PACKAGE_OUT": str(out)})
    assert done.returncode == 0, done.stderr

    def verified():
        signed = subprocess.run(
            ["minisign", "-V", "-p", public, "-m", "SHA256SUMS"], cwd=out,
            capture_output=True, text=True, check=False)
        sums = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"],
                              cwd=out, capture_output=True, check=False)
        return signed.returncode == 0 and sums.returncode == 0, signed.stdout

    good, said = verified()
    assert good and re.search(r"fitout \d+\.\d+\.\d+, \d{4}-", said), said
    # Every artefact is in it, and nothing else is there.
    names = {path.name for path in out.iterdir()}
    listed = {line.split("  ")[1] for line in
              (out / "SHA256SUMS").read_text().splitlines()}
    assert names - listed == {"SHA256SUMS", "SHA256SUMS.minisig"}
    assert listed <= names and len(listed) >= 6
    assert (out / f"fitout-{os.uname().machine}").read_bytes() == \
        (TOP / "build/static/fitout").read_bytes()
    for name in sorted(names - {"SHA256SUMS.minisig"}):
        path = out / name
        before = path.read_bytes()
        changed = bytearray(before)
        changed[len(changed) // 2] ^= 1
        path.write_bytes(changed)
        assert not verified()[0], name
        path.write_bytes(before)
    assert verified()[0]


def test_s65_no_locale_changes_the_manual_in_the_binary():
    pages = sorted((TOP / "doc/man").glob("*.[0-9]"))
    made = [subprocess.run([TOP / "tools/manual-to-c", *pages], check=True,
                           capture_output=True,
                           env={**os.environ, "LC_ALL": locale}).stdout
            for locale in ("C", "C.UTF-8")]
    assert made[0] == made[1] and len(made[0]) > 100000
    assert "\b" not in made[0].decode()
