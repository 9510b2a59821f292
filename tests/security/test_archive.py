# SPDX-License-Identifier: Apache-2.0
"""S33, S35 to S39, S60: what archives may do. Most of it is tests/hostile,
whose cases are asked for by name here; a disk that is full is made of a tmpfs
in a mount namespace."""
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tarfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
RUN = HERE.parent / "hostile" / "run"
sys.path.insert(0, str(RUN.parent))


@pytest.fixture(scope="session")
def verdicts():
    done = subprocess.run([str(RUN), "--json"], check=True, timeout=280,
                          capture_output=True)
    return json.loads(done.stdout)


def of(verdicts, *prefixes, least=1):
    """The cases whose names begin so; all must have met their verdict."""
    found = [v for v in verdicts if v["name"].startswith(prefixes)]
    assert len(found) >= least
    wrong = {v["name"]: v["wrong"] for v in found if not v["ok"]}
    assert not wrong
    return found


def test_s26_names_in_messages_are_escaped(verdicts):
    texts = [v["message"] for v in of(verdicts, "name-odd", "type-unknown",
                                      "not-script", least=15)]
    assert any("\\x1b" in text for text in texts)
    for text in texts:
        assert text.isprintable(), text


def test_s33_no_bits_no_attributes_no_owner(verdicts):
    of(verdicts, "mode-", least=20)


def test_s35_devices_fifos_and_sockets(verdicts):
    found = of(verdicts, "type-null", "type-disk", "type-mem", "type-fifo",
               "type-device", least=5)
    assert all(v["expected"] == "refused" for v in found)


def test_s36_nothing_escapes_leaks_or_links_out(verdicts):
    found = of(verdicts, "name-", "link-", "hard-", "double-", least=120)
    assert not any(v["outside"] for v in found)


LIMITS = {"total_size": "head-size-total", "file_size": "head-size-file",
          "entries": "head-entries", "path_length": "name-path-4097",
          "depth": "name-depth-65", "ratio": "gzip-bomb",
          "header_size": "pax-large", "window": "xz-dictionary"}


@pytest.mark.parametrize("limit", LIMITS)
def test_s37_a_limit_is_named_with_its_key(verdicts, limit):
    (found,) = [v for v in verdicts if v["name"] == LIMITS[limit]]
    assert found["ok"], found
    assert f"limit {limit}: " in found["message"]
    assert f"raise limits.{limit}" in found["message"]


def test_s37_every_limit_has_its_test():
    source = (HERE.parents[1] / "src/kind/package.c").read_text()
    table = source.split("limits_keys[] = {")[1].split("{ NULL }")[0]
    assert set(re.findall(r'\{ "(\w+)"', table)) == set(LIMITS)


def test_s37_one_layer_of_compression(verdicts):
    of(verdicts, "gzip-twice", "zstd-twice", least=2)


def test_s38_other_formats_are_not_recognised(verdicts):
    found = of(verdicts, "not-", "gzip-zip", least=25)
    assert all(v["expected"] == "refused" for v in found)


def test_s38_no_parser_runs_a_program(tmp_path):
    """Of all that an apply of each foreign format does, nothing is an exec."""
    from archives import all_cases
    foreign = [case for case in all_cases("/canary")
               if case.name in ("not-lrzip", "not-grzip", "not-lzop",
                                "not-uuencode", "not-compress", "not-rpm")]
    assert len(foreign) == 6
    for case in foreign:
        host = Host(tmp_path / case.name, case.data)
        trace = tmp_path / "trace"
        done = host.apply(["strace", "-f", "-qq", "-e", "trace=execve",
                           "-o", str(trace)])
        assert done.returncode == 1, done.stderr
        # The program itself, started by strace.
        assert trace.read_text().count("execve(") == 1


# ---- a disk that is full ----

class Host:
    """A root with a file system of its own below /srv, and an old tree."""
    def __init__(self, top, archive, packages=("app",)):
        self.root = top / "root"
        (self.root / "srv").mkdir(parents=True)
        for directory in (top, top.parent):
            directory.chmod(0o755)
        self.archive = top / "archive"
        self.archive.write_bytes(archive)
        self.profile = top / "profile.cfg"
        each = "".join(f'''
            {{ name = "p{i}"; into = "/srv/{name}"; root = ".";
              url = "file://{self.archive}"; unverified = true; }},'''
                       for i, name in enumerate(packages))
        self.profile.write_text(
            f'fitout = 1; name = "full"; packages = ({each.rstrip(",")});')

    def apply(self, wrap=()):
        return subprocess.run(
            [*wrap, os.environ.get("FITOUT", str(
                HERE.parents[1] / "build/static/fitout")), "--root",
             str(self.root), "apply", str(self.profile)],
            capture_output=True, text=True, timeout=60)

    def apply_on(self, options):
        """On a tmpfs; what then is there, below /srv."""
        script = f'''
            mount -t tmpfs -o mode=755,{options} tmpfs {self.root}/srv &&
            mkdir {self.root}/srv/app && echo old > {self.root}/srv/app/f &&
            "$@"; status=$?
            echo "TREE $(cd {self.root}/srv && find . | sort | tr '\\n' ' ')"
            echo "OLD $(cat {self.root}/srv/app/f)"
            exit $status'''
        return self.apply(["unshare", "--mount", "--propagation", "private",
                           "sh", "-c", script, "sh"])


def archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def held(done):
    assert done.returncode == 1, done.stderr
    assert "TREE . ./app ./app/f \n" in done.stdout
    assert "OLD old\n" in done.stdout
    assert "No space left on device" in done.stderr
    assert "package p" in done.stderr


def test_s39_no_room_is_seen_before_a_byte_is_written(tmp_path):
    host = Host(tmp_path, archive([("f", bytes(8 << 20))]))
    done = host.apply_on("size=4m")
    held(done)
    assert re.search(r"8\.\d MB are to come, packed, and its file system has "
                     r"room for 4\.\d MB", done.stderr)


def test_s39_no_inodes_are_seen_before_one_is_made(tmp_path):
    """Six trees, each of one file at least, and room for their directories
    and fewer files: somewhere between too little and enough."""
    for inodes in range(10, 24):
        host = Host(tmp_path / str(inodes), archive([("f", b"x")]),
                    ["app", "b", "c", "d", "e", "f"])
        done = host.apply_on(f"nr_inodes={inodes}")
        if "to come" in done.stderr:
            break
    held(done)
    assert re.search(r"at least [2-6] files are to come, and its file system "
                     r"has room for [0-5] \(inodes\)", done.stderr)


def test_s39_a_disk_that_fills_later_leaves_the_old_tree(tmp_path):
    import gzip
    packed = gzip.compress(archive([("f", bytes(8 << 20))]))
    done = Host(tmp_path, packed).apply_on("size=4m")
    held(done)
    assert "write f" in done.stderr


def test_s39_inodes_that_run_out_later_leave_the_old_tree(tmp_path):
    files = [(f"d{i}/f", b"x") for i in range(100)]
    done = Host(tmp_path, archive(files)).apply_on("nr_inodes=60")
    held(done)
    assert re.search(r"(create|make the directory) d\d+", done.stderr)


def test_s60_sizes_that_wrap_are_refused(verdicts):
    of(verdicts, "head-size-", "pax-size-", "sparse-gnu-wraps",
       "sparse-gnu-exabyte", least=20)


def test_s60_numbers_at_the_edges(tmp_path):
    """Sizes around powers of two, in both notations: never a crash."""
    from tarbytes import binary, header, octal, pax, tar
    random.seed(60)
    sizes = {(1 << bits) + near for bits in range(0, 87, 3)
             for near in (-1, 0, 1)}
    for size in sorted(random.sample(sorted(sizes), 24)):
        fields = [tar(header("f", size_field=binary(size, 12))),
                  tar(pax(("size", str(size))), header("f"))]
        if size < 8 ** 11:
            fields.append(tar(header("f", size_field=octal(size, 12))))
        for i, data in enumerate(fields):
            done = Host(tmp_path / f"{size}-{i}", data).apply()
            assert done.returncode == (0 if size == 0 else 1), done.stderr
            assert "f" in done.stderr and "bug" not in done.stderr
