# SPDX-License-Identifier: Apache-2.0
"""The staging directory as a mount of its own (design 0033): the right owners
on each file system, with an idmapped mount and without, and nothing left of it
however a run ends."""
import contextlib
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import time

import pytest

from halfway import Server

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build/static"
FITOUT = os.environ.get("FITOUT", str(BUILD / "fitout"))
LIMIT_S = 60
WHEN = 1700000000
MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"],
        "btrfs": ["mkfs.btrfs", "-q", "-f"], "tmpfs": [], "overlay": []}
IDMAPPED = {"ext4", "xfs", "btrfs", "tmpfs"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def run(*argv, **more):
    return subprocess.run([str(word) for word in argv], text=True,
                          timeout=LIMIT_S, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, **more)


def until(what):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("nothing came of it in time")


# ---- a host of mounts ----

class Space:
    """A mount namespace of its own; files in it are at .at(path)."""
    def __init__(self, path):
        self.path, self.stack = path, contextlib.ExitStack()
        ours = os.readlink("/proc/self/ns/mnt")
        self.holder = subprocess.Popen(["unshare", "-m", "--propagation",
                                        "private", "sleep", "600"])
        pid = self.holder.pid
        self.stack.callback(self.holder.communicate)
        self.stack.callback(self.holder.kill)
        until(lambda: os.readlink(f"/proc/{pid}/ns/mnt") != ours and
              pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
        self.inside = ["nsenter", "-m", "-t", str(pid), "--"]

    def at(self, path):
        return pathlib.Path(f"/proc/{self.holder.pid}/root{path}")

    def run(self, *argv):
        done = run(*self.inside, *argv)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    def volume(self, kind, name="v"):
        """A file system of that kind: where it is mounted, its device."""
        where, device = self.path / name, None
        where.mkdir()
        where.chmod(0o755)
        if MAKE[kind]:
            image = self.path / f"{name}.img"
            with open(image, "wb") as file:
                file.truncate(320 << 20)
            assert run(*MAKE[kind], image).returncode == 0
            device = run("losetup", "-f", "--show", image).stdout.strip()
            self.stack.callback(run, "losetup", "-d", device)
            self.run("mount", "-t", kind, device, where)
        elif kind == "tmpfs":
            self.run("mount", "-t", "tmpfs", "-o", "mode=755", "none", where)
        else:
            self.run("mount", "-t", "tmpfs", "-o", "mode=755", "none", where)
            layers = [where / part for part in ("low", "up", "work")]
            self.run("mkdir", *layers)
            low, up, work = layers
            self.run("mount", "-t", "overlay", "-o",
                     f"lowerdir={low},upperdir={up},workdir={work}", "none",
                     where)
        return where, device

    def close(self):
        self.stack.close()


@pytest.fixture
def space(tmp_path):
    tmp_path.chmod(0o755)
    made = Space(tmp_path)
    yield made
    made.close()


def volume(space, kind):
    if MAKE[kind] and not shutil.which(MAKE[kind][0]):
        pytest.skip(f"no {MAKE[kind][0]}")
    if kind not in pathlib.Path("/proc/filesystems").read_text().split():
        pytest.skip(f"the kernel has no {kind}")
    return space.volume(kind)


def is_free(device):
    """Whether no file system holds it, mounted somewhere or nowhere."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_EXCL))
    except OSError:
        return False
    return True


# ---- archives and runs ----

MODES = {"": 0o755, "bin": 0o750, "bin/run": 0o755, "etc": 0o755,
         "etc/app.conf": 0o640, "deep/er/still": 0o600, "also": 0o755}


def archive(path, version, modes=(), owner=(0, 0), size=20):
    with tarfile.open(path, "w:gz") as tar:
        for name, mode in {**MODES, **dict(modes)}.items():
            info = tarfile.TarInfo(f"app/{name}".rstrip("/"))
            info.mode, info.mtime = mode, WHEN
            info.uid, info.gid = owner
            data = b""
            if name in ("", "bin", "etc"):
                info.type = tarfile.DIRTYPE
            elif name == "also":
                info.type, info.linkname = tarfile.LNKTYPE, "app/bin/run"
            else:
                data = f"{name} {version}".encode().ljust(size)
                if size > 1000:
                    data = os.urandom(size)
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("app/soft")
        info.type, info.linkname = tarfile.SYMTYPE, "bin/run"
        info.uid, info.gid = owner
        tar.addfile(info)
    return path


def package(packed, into, more="", digest=None):
    digest = digest or hashlib.sha256(packed.read_bytes()).hexdigest()
    return (f'{{ name = "{into.name}"; url = "file://{packed}"; sha256 = '
            f'"{digest}"; into = "{into}"; {more} }}')


class Runs:
    def __init__(self, space, state):
        self.space, self.state = space, state

    def argv(self, *packages, before=()):
        profile = self.space.path / "p.cfg"
        profile.write_text('fitout = 1; name = "t"; packages = ( %s );\n' %
                           ", ".join(packages))
        profile.chmod(0o600)
        return [*self.space.inside, *map(str, before), FITOUT, "--state",
                str(self.state), "apply", str(profile)]

    def apply(self, *packages, before=()):
        done = run(*self.argv(*packages, before=before))
        assert done.returncode == 0, done.stderr
        return self.confinement()

    def confinement(self):
        text = self.space.at(self.state / "report.json").read_text()
        return json.loads(text)["confinement"]["unpacker"]


def tree(space, top, odd=()):
    """{path: (uid, gid)}; modes and times as in the archive."""
    top, found = space.at(top), {}
    for path in (top, *top.rglob("*")):
        name = "" if path == top else str(path.relative_to(top))
        st = path.lstat()
        found[name] = (st.st_uid, st.st_gid)
        if name in MODES and name not in dict(odd):
            assert st.st_mode & 0o7777 == MODES[name], name
            # XFS gives a directory a new time when it changes places.
            assert not name or st.st_mtime == WHEN, name
    for name, mode in dict(odd).items():
        assert (top / name).lstat().st_mode & 0o7777 == mode, name
    assert os.readlink(top / "soft") == "bin/run"
    assert (top / "also").stat().st_ino == (top / "bin/run").stat().st_ino
    assert len(found) == len(MODES) + 3
    return set(found.values())


OTHERS = 'owner = "www-data"; group = "adm";'


@pytest.mark.parametrize("kind", MAKE)
def test_s33_owners_are_right_on(kind, space):
    where, _ = volume(space, kind)
    runs, app = Runs(space, where / "state"), where / "srv/app"
    expected = kind in IDMAPPED
    one = archive(space.path / "1.tgz", "one")
    said = runs.apply(package(one, app))
    assert said["idmapped"] is expected and "mount" in said["held"]
    assert tree(space, app) == {(0, 0)}
    # Another owner: what is the same is written all the same.
    two = archive(space.path / "2.tgz", "two")
    assert runs.apply(package(two, app, OTHERS))["idmapped"] is expected
    assert tree(space, app) == {(33, 4)}
    # An upgrade that links what is the same.
    three = archive(space.path / "3.tgz", "two", modes={"bin": 0o755})
    assert runs.apply(package(three, app, OTHERS))["idmapped"] is expected
    assert tree(space, app, {"bin": 0o755}) == {(33, 4)}
    # Its own numbers: of an unpacker, and of nobody else.
    said = runs.apply(package(three, app, 'owner = "65531"; group = "0";'))
    assert said["idmapped"] is expected
    assert tree(space, app, {"bin": 0o755}) == {(65531, 0)}


@pytest.mark.parametrize("more,odd,owner,expected", [
    # Directories that no entry names are root's.
    ("preserve_owner = true;", {}, (4321, 1234), {(4321, 1234), (0, 0)}),
    ('allow = [ "setuid" ];', {"etc/app.conf": 0o4755}, (5, 6), {(0, 0)}),
    ('allow = [ "setgid" ];' + OTHERS, {"bin": 0o2755}, (5, 6), {(33, 4)}),
])
def test_s33_not_idmapped_where_that_would_tell_too_early(
        space, more, odd, owner, expected):
    where, _ = volume(space, "ext4")
    runs, app = Runs(space, where / "state"), where / "srv/app"
    packed = archive(space.path / "1.tgz", "one", odd, owner)
    said = runs.apply(package(packed, app, more))
    assert said["idmapped"] is False and "mount" in said["held"]
    assert tree(space, app, odd) == expected


def test_s33_two_volumes_in_one_transaction(space):
    one, two = space.volume("ext4", "one")[0], space.volume("tmpfs", "two")[0]
    packed = archive(space.path / "1.tgz", "one")
    runs = Runs(space, one / "state")
    runs.apply(package(packed, one / "a"), package(packed, two / "b", OTHERS))
    assert tree(space, one / "a") == {(0, 0)}
    assert tree(space, two / "b") == {(33, 4)}


# ---- nothing is left ----

def children_of(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def alive(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] not in "ZX"


def kill_amid(space, runs, text, packed, where):
    """kill -9 while the unpacker waits for the second half."""
    server = Server(packed.read_bytes())
    argv = runs.argv(text.replace(f"file://{packed}", server.url))
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        until(lambda: list(space.at(where).rglob(".fitout-*/**/app.conf")))
        duties = children_of(process.pid)
        assert "fitout-unpack" in map(comm, duties)
        process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)
        # They die with it; what nobody has reaped yet holds nothing.
        until(lambda: not any(alive(pid) for pid in duties))
    finally:
        server.stop()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_s49_nothing_is_left_of_the_mount(space, kind):
    where, device = volume(space, kind)
    runs, app = Runs(space, where / "state"), where / "srv/app"
    mounts = space.run("cat", "/proc/self/mountinfo")
    small = archive(space.path / "1.tgz", "one")
    large = archive(space.path / "2.tgz", "two", size=3 << 20)

    def again(remount=True):
        assert space.run("cat", "/proc/self/mountinfo") == mounts
        assert not is_free(device)
        space.run("umount", where)
        # A mount without a place would hold the file system all the same.
        assert is_free(device)
        if remount:
            space.run("mount", "-t", kind, device, where)
        return space.run("cat", "/proc/self/mountinfo")

    runs.apply(package(small, app))
    mounts = again()
    # Failure: the archive is not what was promised.
    done = run(*runs.argv(package(large, app, digest="0" * 64)))
    assert done.returncode == 1 and "not what was promised" in done.stderr
    mounts = again()
    assert tree(space, app) == {(0, 0)}
    kill_amid(space, runs, package(large, app), large, where)
    mounts = again()
    # The next run cleans up after it.
    runs.apply(package(large, app))
    assert tree(space, app) == {(0, 0)}
    again(remount=False)
