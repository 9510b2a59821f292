# SPDX-License-Identifier: Apache-2.0
"""What a run costs, counted and not timed: system calls, memory; and what an
upgrade takes over from the edition before."""
import collections
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time

import pytest

TOP = pathlib.Path(__file__).parents[2]
FITOUT = os.environ.get("FITOUT", str(TOP / "build/static/fitout"))
WHEN = 1700000000


def pack(path, entries):
    """entries: (name, bytes), or (name, TarInfo changes, bytes)."""
    mode = "w:gz" if path.suffix == ".gz" else "w"
    with tarfile.open(path, mode, format=tarfile.GNU_FORMAT) as tar:
        for name, *changes, data in entries:
            info = tarfile.TarInfo("app/" + name)
            info.size, info.mtime, info.mode = len(data), WHEN, 0o644
            for change in changes:
                for key, value in change.items():
                    setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return path


class Host:
    def __init__(self, path):
        self.path, self.state = path, path / "state"
        path.mkdir(exist_ok=True)
        path.chmod(0o755)

    def package(self, archive, name="app", more="", url=None):
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        url = url or f"file://{archive}"
        return (f'{{ name = "{name}"; url = "{url}"; sha256 = '
                f'"{digest}"; into = "{self.path}/{name}"; {more} }}')

    def argv(self, *packages, command="apply", note=""):
        profile = self.path / "p.cfg"
        profile.write_text(f'fitout = 1; {note}\nname = "fast";\npackages = '
                           f'( {", ".join(packages)} );\n')
        profile.chmod(0o644)
        return [FITOUT, "--state", str(self.state), command, str(profile)]

    def apply(self, *packages, note="", before=()):
        done = subprocess.run([*before, *self.argv(*packages, note=note)],
                              capture_output=True, text=True, timeout=120,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def idmapped(self):
        report = json.loads((self.state / "report.json").read_text())
        return report["confinement"]["unpacker"]["idmapped"]

    def manifest(self, number):
        return (self.state / f"generations/{number}/manifest").read_bytes()

    def lines(self, number):
        return [line for line in self.manifest(number).split(b"\n")
                if line.startswith(b"+ ")]

    def kept(self):
        [tree] = [found for found in self.path.glob(".fitout*/**/lib")
                  if found.is_dir()]
        return tree.parent

    def shared(self):
        kept = self.kept()
        return {str(file.relative_to(kept)) for file in kept.rglob("*")
                if file.is_file() and
                (self.path / "app" / file.relative_to(kept)).exists() and
                file.stat().st_ino == (self.path / "app" /
                                       file.relative_to(kept)).stat().st_ino}


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def files(n, change=()):
    for i in range(n):
        yield (f"lib/{i // 50:03}/f{i:05}.php",
               b"%d %s\n" % (i, b"new" if i in change else b"old") * 200)


# ------------------------------------------------------------ system calls

def test_system_calls_for_a_small_file(host):
    n = 2000
    archive = pack(host.path / "app.tar.gz", files(n))
    trace = host.path / "trace"
    host.apply(host.package(archive),
               before=["strace", "-f", "-qq", "--signal=none", "-o", trace])
    calls = collections.Counter(
        line.split()[0] for line in trace.read_text().splitlines()
        if re.match(r"\d+ +\w+\(", line))
    commander = trace.read_text().split()[0]
    unpacker = max((pid for pid in calls if pid != commander),
                   key=lambda pid: calls[pid])
    # openat, write, utimensat, close; and its share of a directory's.
    assert calls[unpacker] / n <= 4.5
    # One walk, which looks at each; and sets each owner only where the tree
    # could not be written with the right one (design 0033).
    chowns = len(re.findall(r"fchownat\(.*\.php", trace.read_text()))
    assert chowns == (0 if host.idmapped() else n)
    assert (calls[commander] - chowns) / n <= 1.8
    assert (sum(calls.values()) - chowns) / (n + n // 50) <= 6


def test_a_run_with_nothing_to_do_looks_at_each_file_once(host):
    n = 1000
    package = host.package(pack(host.path / "app.tar.gz", files(n)))
    host.apply(package)
    trace = host.path / "trace"
    host.apply(package, before=["strace", "-f", "-qq", "-o", trace])
    text = trace.read_text()
    assert len(re.findall(r"newfstatat\(.*\.php", text)) == n
    assert len({line.split()[0] for line in text.splitlines()}) == 1


# ------------------------------------------------------------------ memory

def peaks(argv):
    """The largest VmHWM of each process of a run, added up, in KB. The pages
    of the program's file are there once for all: how many of them a process
    has mapped is the page cache's doing."""
    run = subprocess.Popen(argv, stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
    peak, program, passing, seen = {}, 0, {}, [run.pid]
    while run.poll() is None:
        for pid in seen:
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
                seen += [int(child) for child in tasks.read_text().split()
                         if int(child) not in seen]
            except OSError:
                continue
            name = status.split()[1]
            found = re.search(r"VmHWM:\s+(\d+)", status)
            if found and "fitout" in name:
                mapped = int(re.search(r"RssFile:\s+(\d+)", status)[1])
                program = max(program, mapped)
                # The memory between the two is counted as the unpacker's.
                if name == "fitout-reader":
                    mapped += int(re.search(r"RssShmem:\s+(\d+)", status)[1])
                peak[pid] = max(peak.get(pid, 0), int(found[1]) - mapped)
                # A namespace's holder is gone before the next begins
                # (design 0033), named already or not.
                passing[pid] = pid != run.pid and name in (
                    "fitout", "fitout-idmap")
        time.sleep(0.001)
    assert run.returncode == 0
    holders = [peak[pid] for pid in peak if passing[pid]]
    return (program + max(holders, default=0) +
            sum(peak[pid] for pid in peak if not passing[pid]))


def big(host, name, megabytes):
    block = os.urandom(512 * 1024)
    return pack(host.path / f"{name}.tar.gz", [
        (f"f{i}", block + b"\0" * (7 * 512 * 1024))
        for i in range(megabytes // 4)])


def test_memory_does_not_grow_with_the_archive(host):
    small, large = big(host, "small", 40), big(host, "large", 240)
    first = peaks(host.argv(host.package(small, "small")))
    second = peaks(host.argv(host.package(small, "small"),
                             host.package(large, "large")))
    assert first <= 14 * 1024
    assert second <= first * 1.05 + 1024


def test_memory_of_three_archives_at_once(host):
    packages = [host.package(big(host, name, 80), name)
                for name in ("one", "two", "three")]
    assert peaks(host.argv(*packages)) <= 20 * 1024


# ------------------------------------------------------------------- order

def test_the_largest_archives_are_unpacked_first(host):
    """Where there are more than cores: what is largest has most to do after
    its last byte. The profile names the smallest first."""
    slots = max(2, os.sysconf("SC_NPROCESSORS_ONLN"))
    names = [f"p{i:02}" for i in range(slots + 2)]
    host.apply(*(host.package(
        pack(host.path / f"{name}.tar", [("f", os.urandom(1 << 16) * (i + 1))]),
        name) for i, name in enumerate(names)))
    rows = json.loads((host.state / "report.json").read_text())["timeline"]
    begin = {row["resource"].split()[-1]: row["begin_ms"] for row in rows
             if row["event"] == "unpack"}
    assert sorted(begin) == names
    assert max(begin[name] for name in names[2:]) <= min(
        begin[name] for name in names[:2])


# ------------------------------------------------------------------- reuse

OLD = [
    *files(200),
    ("bin/tool", {"mode": 0o755}, b"#!/bin/sh\n"),
    ("etc/app.conf", b"one\n"), ("lib/settings.json", b"{}\n"),
    ("lib/loose", {"mode": 0o664}, b"group may write\n"),
    ("logs/kept", b"of the archive\n"),
    ("lib/hard", b"a name\n"),
    ("lib/hard2", {"type": tarfile.LNKTYPE, "linkname": "app/lib/hard"}, b""),
]
SAME = {"bin/tool"} | {name for name, *_ in files(200)} - {
    "lib/000/f00005.php"}


def newer(change=(5,)):
    return [*files(200, change), *OLD[200:]]


def full(tmp_path, archive, more=""):
    """The lines of a tree that was unpacked whole, by another host."""
    other = Host(tmp_path / "other")
    other.apply(other.package(archive, more=more))
    return other.lines(1)


def test_an_upgrade_shares_what_did_not_change(host, tmp_path):
    old = pack(host.path / "v1.tar.gz", OLD)
    new = pack(host.path / "v2.tar.gz", newer())
    keep = 'keep = [ "logs" ];'
    host.apply(host.package(old, more=keep))
    log = host.apply(host.package(new, more=keep))
    # Not: what people edit, what others may edit, what is kept, hard links.
    assert host.shared() == SAME
    assert "200 files" in log and "were linked" in log
    assert host.lines(2) == full(tmp_path, new, keep)
    assert not any(b" - " in line for line in host.lines(2)
                   if b"hard" not in line)
    assert b"new" in (host.path / "app/lib/000/f00005.php").read_bytes()
    assert (host.path / "app/lib/000").stat().st_nlink == 2


def test_reuse_can_be_turned_off(host):
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    host.apply(host.package(pack(host.path / "v2.tar.gz", newer()),
                            more="reuse = false;"))
    assert host.shared() == set()


def test_a_hidden_edit_does_not_survive_an_upgrade(host, tmp_path):
    new = pack(host.path / "v2.tar.gz", newer())
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    hidden = host.path / "app/lib/001/f00060.php"
    good = hidden.read_bytes()
    hidden.write_bytes(good.replace(b"old", b"bad"))
    os.utime(hidden, (WHEN, WHEN))
    plain = host.path / "app/lib/001/f00061.php"
    plain.write_bytes(b"longer, or shorter")
    log = host.apply(host.package(new))
    assert "unpacking all of it" not in log
    assert hidden.read_bytes() == good
    assert SAME - host.shared() == {"lib/001/f00060.php",
                                    "lib/001/f00061.php"}
    assert host.lines(2) == full(tmp_path, new)


def test_a_capability_does_not_survive_an_upgrade(host):
    """It changes neither content nor mode; setcap(8) writes this."""
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    name = host.path / "app/lib/001/f00060.php"
    os.setxattr(name, "security.capability",
                bytes.fromhex("0100000200040000000000000000000000000000"))
    host.apply(host.package(pack(host.path / "v2.tar.gz", newer())))
    assert os.listxattr(name) == []


def test_a_capability_of_the_same_run_does_not_survive(host):
    """A command gave it before the run was recorded."""
    name = host.path / "app/bin/tool"
    script = host.path / "cap.py"
    script.write_text(
        f"import os\nos.setxattr({str(name)!r}, 'security.capability', "
        "bytes.fromhex('0100000200040000000000000000000000000000'))\n"
        f"open({str(name) + '.cap'!r}, 'w').close()\n")
    command = (f'commands = ( {{ name = "cap"; run = [ "{sys.executable}", '
               f'"{script}" ]; creates = "{name}.cap"; }} );')
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)),
               note=command)
    assert os.listxattr(name) == ["security.capability"]
    log = host.apply(host.package(pack(host.path / "v2.tar.gz", newer())))
    assert "unpacking all of it" not in log
    assert os.listxattr(name) == []
    assert SAME - host.shared() == {"bin/tool"}


def test_drift_that_shows_is_not_taken_over(host, tmp_path):
    new = pack(host.path / "v2.tar.gz", newer())
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    (host.path / "app/lib/001/f00061.php").write_bytes(b"edited")
    (host.path / "app/lib/001/f00062.php").chmod(0o600)
    (host.path / "app/lib/001/f00063.php").unlink()
    (host.path / "app/lib/001/f00063.php").symlink_to("/etc/passwd")
    log = host.apply(host.package(new))
    assert "unpacking all of it" not in log
    assert SAME - host.shared() == {"lib/001/f00061.php",
                                    "lib/001/f00062.php",
                                    "lib/001/f00063.php"}
    assert host.lines(2) == full(tmp_path, new)


def test_the_old_tree_is_looked_at_through_no_link(host, tmp_path):
    """The record's lines lead there: their directories may be others now."""
    new = pack(host.path / "v2.tar.gz", newer())
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    lib = host.path / "app/lib"
    (lib / "001").rename(host.path / "away")
    (lib / "001").symlink_to(host.path / "away")
    (lib / "000/f00007.php").unlink()
    (lib / "000/f00007.php").mkdir()
    (host.path / "app/bin/tool").unlink()
    (host.path / "app/bin").rmdir()
    log = host.apply(host.package(new))
    assert "unpacking all of it" not in log
    gone = {name for name in SAME if name.startswith("lib/001/")}
    assert SAME - host.shared() == gone | {"lib/000/f00007.php", "bin/tool"}
    assert host.lines(2) == full(tmp_path, new)
    assert len(list((host.path / "away").iterdir())) == len(gone)


def test_an_archive_that_names_a_file_twice(host, tmp_path):
    first = "lib/000/f00001.php"
    whole = newer()
    [same] = [entry for entry in whole if entry[0] == first]
    new = pack(host.path / "v2.tar.gz", [
        (first, b"not this one"), *whole,
        ("lib/000/f00002.php", b"but this one"),
        ("bin/tool", {"type": tarfile.SYMTYPE, "linkname": "other"}, b"")])
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    host.apply(host.package(new))
    assert (host.path / "app" / first).read_bytes() == same[1]
    assert (host.path / "app/lib/000/f00002.php").read_bytes() == \
        b"but this one"
    assert os.readlink(host.path / "app/bin/tool") == "other"
    assert SAME - host.shared() == {"lib/000/f00001.php",
                                    "lib/000/f00002.php", "bin/tool"}
    assert host.lines(2) == full(tmp_path, new)


def test_a_new_hard_link_to_what_did_not_change(host, tmp_path):
    new = pack(host.path / "v2.tar.gz", [*newer(), (
        "lib/again", {"type": tarfile.LNKTYPE,
                      "linkname": "app/lib/000/f00001.php"}, b"")])
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    log = host.apply(host.package(new))
    assert "unpacking all of it" in log
    assert host.lines(2) == full(tmp_path, new)


class Halfway(http.server.ThreadingHTTPServer):
    """Serves DATA; the first time it stops after CUT bytes until BEGUN, and
    then does ACT."""
    daemon_threads = True

    def __init__(self, data, cut, begun, act):
        super().__init__(("127.0.0.1", 0), HalfwayHandler)
        self.data, self.cut, self.begun, self.act = data, cut, begun, act
        self.answers = self.acted = 0
        self.url = f"http://127.0.0.1:{self.server_port}/app.tar"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class HalfwayHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, sent = self.server, 0
        self.send_response(200)
        self.send_header("Content-Length", str(len(server.data)))
        self.end_headers()
        server.answers += 1
        if server.answers == 1:
            sent = self.wfile.write(server.data[:server.cut])
            deadline = time.monotonic() + 60
            while not server.begun() and time.monotonic() < deadline:
                time.sleep(0.005)
            if server.begun():
                server.act()
                server.acted += 1
        self.wfile.write(server.data[sent:])

    def log_message(self, *_):
        pass


def hide_an_edit(lib):
    file = lib / "001/f00060.php"
    file.write_bytes(file.read_bytes().replace(b"old", b"bad"))
    os.utime(file, (WHEN, WHEN))


def put_a_link(lib):
    (lib / "001/f00060.php").rename(lib / "001/away")
    (lib / "001/f00060.php").symlink_to("away")


def put_a_copy(lib):
    shutil.copy2(lib / "001/f00060.php", lib / "001/copy")
    (lib / "001/copy").rename(lib / "001/f00060.php")


CHANGES = {
    "content": (hide_an_edit, True),
    "size": (lambda lib: (lib / "001/f00060.php").write_bytes(b""), True),
    "mode": (lambda lib: (lib / "001/f00060.php").chmod(0o600), True),
    "gone": (lambda lib: (lib / "001/f00060.php").unlink(), True),
    "a link": (put_a_link, True),
    "another": (put_a_copy, True),
    "directory": (lambda lib: (lib / "001").rename(lib / "away"), True),
    "touched": (lambda lib: (lib / "001/f00060.php").chmod(0o644), False),
    "added": (lambda lib: (lib / "001/other").write_bytes(b"x"), False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_between_the_look_and_the_link(host, tmp_path, change):
    """Its content has gone by: all is fetched and unpacked once more. When
    the first of the new files is there, the old ones have been looked at; they
    are linked when the archive has come to its end."""
    act, whole = CHANGES[change]
    fillers = [(f"new/{name}", os.urandom(2 << 20)) for name in "ab"]
    new = pack(host.path / "v2.tar", [*fillers, *newer()])
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    server = Halfway(
        new.read_bytes(), 4 << 20,
        lambda: any(host.path.glob(".fitout*/**/new/a")),
        lambda: act(host.path / "app/lib"))
    with server:
        log = host.apply(host.package(new, url=server.url))
        server.shutdown()
    assert server.acted == 1
    assert server.answers == (2 if whole else 1)
    assert ("has changed meanwhile; unpacking all of it" in log) == whole
    assert ("were linked" in log) != whole
    assert host.shared() == (set() if whole else SAME | {"logs/kept"})
    assert host.lines(2) == full(tmp_path, new)


def test_a_rollback_sees_an_edit_of_what_two_editions_share(host):
    host.apply(host.package(pack(host.path / "v1.tar.gz", OLD)))
    before = host.lines(1)
    host.apply(host.package(pack(host.path / "v2.tar.gz", newer())))
    shared = host.path / "app/lib/001/f00060.php"
    good = shared.read_bytes()
    with open(shared, "r+b") as file:
        file.write(b"edited in its place")
    os.utime(shared, (WHEN, WHEN))
    back = subprocess.run([FITOUT, "--state", str(host.state), "rollback"],
                          capture_output=True, text=True, check=False)
    assert back.returncode == 0, back.stderr
    assert "is not what was installed (lib/001/f00060.php: content)" in \
        back.stderr
    assert shared.read_bytes() == good
    assert host.lines(3) == before


# ----------------------------------------------------------------- digests

def cut_digests(manifest):
    """As a run leaves it that is killed before it has hashed."""
    cut = re.sub(rb"(?m)^(\+ f .*) [0-9a-f]{64} (lib/\S+)$", rb"\1 - \2",
                 manifest[:manifest.rindex(b"end ")])
    assert cut.count(b" - lib/") > 200
    return cut + b"end %s\n" % hashlib.sha256(cut).hexdigest().encode()


def test_every_digest_is_that_of_its_file(host):
    """Whichever of the two has made it: that is decided file by file."""
    sizes = [0, 1, 700, 9000, 200_000, 262_144, 300_000, 3_000_000] * 6
    content = {f"lib/f{i:02}": os.urandom(size) for i, size in
               enumerate(sizes)}
    for form in "tar", "tar.gz":
        archive = pack(host.path / f"app.{form}", content.items())
        host.apply(host.package(archive, form.replace(".", "")))
    for number, lines in (1, host.lines(1)), (2, host.lines(2)):
        assert lines, number
        digests = {line.split()[-1].decode(): line.split()[-2].decode()
                   for line in lines if b" lib/f" in line}
        assert digests == {name: hashlib.sha256(data).hexdigest()
                           for name, data in content.items()}


def test_a_run_with_nothing_to_do_fills_in_digests(host):
    package = host.package(pack(host.path / "v1.tar.gz", OLD))
    host.apply(package)
    whole = host.manifest(1)
    (host.state / "generations/1/manifest").write_bytes(cut_digests(whole))
    # The words of this profile are not those of then, nor become them.
    host.apply(package, note="# other words")
    assert host.manifest(1) == whole
    hidden = host.path / "app/lib/001/f00060.php"
    hidden.write_bytes(hidden.read_bytes().replace(b"old", b"bad"))
    os.utime(hidden, (WHEN, WHEN))
    status = subprocess.run([FITOUT, "--state", str(host.state), "status",
                             "--verify"], capture_output=True, text=True,
                            check=False)
    assert "lib/001/f00060.php" in status.stdout
