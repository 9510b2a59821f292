# SPDX-License-Identifier: Apache-2.0
"""Confinement of the fetcher, the readers and the unpackers: what hostile code in their
place can do (tests/confine/hostile.c), what of fitout's own processes /proc
shows, and fitout on kernels that lack measures (tests/confine/deny.c)."""
import hashlib
import io
import json
import os
import pathlib
import re
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
OUTSIDE = pathlib.Path("/tmp/fitout-hostile")
LIMIT_S = 60
ST_NOSYMFOLLOW = 0x2000         # statfs(2); Python has no name for it
DUTIES = ["reader", "unpacker", "fetcher"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def tools():
    """The directory of hostile and deny."""
    subprocess.run(["make", "-s", "-C", BUILD, "tests/confine/hostile",
                    "tests/confine/deny"], check=True,
                   stdout=subprocess.DEVNULL)
    return BUILD / "tests/confine"


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], text=True, timeout=LIMIT_S,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, **more)


# ---- hostile code ----

def acts(tools, duty):
    """(name, whether root can do it here when it is not confined)"""
    rows = [line.split() for line in run(tools / "hostile", "list")
            .stdout.splitlines()]
    return [(name, bare == "works") for name, duties, bare in rows
            if duty[0] in duties]


@pytest.fixture
def attempt(tools, tmp_path):
    def attempt(duty, act, *options, before=()):
        shutil.rmtree(OUTSIDE, ignore_errors=True)
        shutil.rmtree(tmp_path / "tree", ignore_errors=True)
        OUTSIDE.mkdir()
        OUTSIDE.chmod(0o777)
        (OUTSIDE / "victim").write_text("x")
        (OUTSIDE / "victim").chmod(0o600)
        (tmp_path / "tree").mkdir()
        # Where a reader that is not confined acts.
        r = run(*before, tools / "hostile", *options, duty, act,
                tmp_path / "tree", cwd=tmp_path / "tree")
        assert r.returncode == 0, (act, r.stderr)
        return r.stdout.strip()
    yield attempt
    shutil.rmtree(OUTSIDE, ignore_errors=True)


def outside_is_as_it_was():
    st = (OUTSIDE / "victim").stat()
    return (os.listdir(OUTSIDE) == ["victim"] and st.st_size == 1 and
            st.st_mode & 0o7777 == 0o600 and st.st_uid == 0 and
            st.st_nlink == 1)


KILLED = "killed by signal 31 (Bad system call): it tried something"


@pytest.mark.parametrize("duty", DUTIES)
def test_s49_no_forbidden_act_is_possible(tools, attempt, duty):
    possible, odd, killed = [], [], 0
    for act, _ in acts(tools, duty):
        said = attempt(duty, act)
        killed += KILLED in said
        if said == "POSSIBLE" or not outside_is_as_it_was():
            possible.append((act, said))
        elif not said.startswith("refused: ") and KILLED not in said:
            odd.append((act, said))
    assert (possible, odd) == ([], [])
    assert len(acts(tools, duty)) >= 30
    assert killed >= 10


@pytest.mark.parametrize("duty", DUTIES)
def test_s49_the_acts_are_possible_without_confinement(tools, attempt, duty):
    """Or the test above would prove nothing."""
    rows = [act for act, works in acts(tools, duty) if works]
    missed = []
    for act in rows:
        said = attempt(duty, act, "--bare")
        # A program that was run says no more than that it has ended.
        ran = act.startswith("execute") and "exit status 0" in said
        if said != "POSSIBLE" and not ran:
            missed.append((act, said))
    assert missed == []
    assert len(rows) >= 30


@pytest.mark.parametrize("lie", ["noise", "part", "long", "flood", "silent",
                                 "crash", "abort"])
@pytest.mark.parametrize("duty", DUTIES)
def test_s50_s51_a_liar_or_a_crash_is_a_failure_with_a_message(attempt, duty,
                                                               lie):
    said = attempt(duty, lie)
    expected = {
        "reader": {"silent": "the archive's reader ended with exit status 0 "
                             "and said nothing",
                   "part": "the archive's reader ended with exit status 0",
                   "crash": r"the archive's reader was killed by signal 11",
                   "abort": r"the archive's reader was killed by signal",
                   "": r"the archive's reader said nonsense"},
        "unpacker": {"silent": "ended with exit status 0 and said nothing",
                     "crash": r"killed by signal 11",
                     "abort": r"killed by signal",
                     "": r"ended with .* and said nonsense|signal 9"},
        "fetcher": {"silent": "ended: exit status 0",
                    "crash": r"killed by signal 11",
                    "abort": r"killed by signal",
                    "": "said nonsense"},
    }[duty]
    assert said.startswith("said: ")
    assert re.search(expected.get(lie, expected[""]), said), said


def test_s50_a_reader_that_claims_a_digest_it_left_to_the_unpacker(attempt):
    assert attempt("reader", "digest") == (
        "said: the archive's reader said nonsense (the end of a file)")


def test_s50_a_violation_is_a_failure_with_a_message(attempt):
    assert attempt("unpacker", "execute") == (
        "said: the unpacker was killed by signal 31 (Bad system call): it "
        "tried something that its duty never needs")
    assert attempt("reader", "execute") == (
        "said: the archive's reader was killed by signal 31 (Bad system call): "
        "it tried something that its duty never needs")
    assert "ended: killed by signal 31" in attempt("fetcher", "execute")


# What only the tree's own mount refuses: everything else is taken away.
BY_MOUNT = {"read_above_tree": "No such file or directory",
            "read_through_link": "Symbolic link loop",
            "execute_from_tree": "Permission denied"}


@pytest.mark.parametrize("act", BY_MOUNT)
def test_s49_the_mount_alone_refuses(tools, attempt, act):
    lacking = [f"{measure}=1" for measure in
               ("landlock", "seccomp", "chroot", "uid")]
    assert attempt("unpacker", act, before=[
        tools / "deny", *lacking, "--"]) == f"refused: {BY_MOUNT[act]}"
    said = attempt("unpacker", act, before=[
        tools / "deny", *lacking, "mount=1", "--"])
    assert said == "POSSIBLE" or \
        (act.startswith("execute") and "exit status 0" in said)


# ---- fitout itself ----

def archive(owner=(0, 0)):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, kind in (("p", "d"), ("p/f", "f"), ("p/sub", "d"),
                           ("p/sub/hard", "h"), ("p/soft", "l")):
            info = tarfile.TarInfo(name)
            info.uid, info.gid = owner
            info.mode = 0o755
            if kind == "d":
                info.type = tarfile.DIRTYPE
            elif kind == "h":
                info.type, info.linkname = tarfile.LNKTYPE, "p/f"
            elif kind == "l":
                info.type, info.linkname = tarfile.SYMTYPE, "f"
            else:
                # Does not compress away: more than any pipe or buffer holds.
                info.size = 6 << 20
                tar.addfile(info, io.BytesIO(os.urandom(info.size)))
                continue
            tar.addfile(info)
    return packed.getvalue()


@pytest.fixture
def host(tmp_path):
    """A --root of its own, and a profile of one package there."""
    class Host:
        root = tmp_path / "root"
        body = archive()
        server = None
        more = ""

        def start(self, body=None):
            self.body = body or self.body
            self.server = Server(self.body)

        def command(self, *words):
            self.root.mkdir(exist_ok=True)
            profile = tmp_path / "p.cfg"
            digest = hashlib.sha256(self.body).hexdigest()
            profile.write_text(
                'fitout = 1; name = "t"; packages = ( { name = "p"; '
                f'url = "{self.server.url}"; sha256 = "{digest}"; '
                f'into = "/srv/p"; {self.more} }} );\n')
            argv = [FITOUT, "--root", str(self.root), "--state", "/state"]
            argv += [str(word) for word in words]
            return argv + ([str(profile)] if "apply" in words else [])

        def report(self):
            return json.loads((self.root / "state/report.json").read_text())

    host = Host()
    yield host
    if host.server:
        host.server.stop()


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines())


def children_of(pid):
    """{name: pid}"""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            status = status_of(path.name)
        except (OSError, ValueError):
            continue
        if int(status["PPid"]) == pid:
            found[status["Name"]] = int(path.name)
    return found


@pytest.fixture
def working(host):
    """fitout amid an archive: its process, and its children by name."""
    host.start()
    commander = subprocess.Popen(host.command("apply"),
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + LIMIT_S
    names = {}
    while time.monotonic() < until and len(names) < 3:
        names = {name: pid for name, pid in children_of(commander.pid).items()
                 if status_of(pid)["Seccomp"].strip() == "2"}
        time.sleep(0.02)
    yield commander, names
    host.server.go.set()
    if commander.poll() is None:
        commander.kill()
    commander.communicate()


def staged(host):
    """What lies in staging directories now: (device, inode): path."""
    found = {}
    for top in host.root.rglob(".fitout-*"):
        for path in (top, *top.rglob("*")):
            st = path.lstat()
            found[st.st_dev, st.st_ino] = path
    return found


def test_s49_what_proc_says_of_the_processes(working, host):
    commander, names = working
    assert sorted(names) == ["fitout-fetcher", "fitout-reader",
                             "fitout-unpack"]
    for name, uid in (("fitout-fetcher", "65530"), ("fitout-reader", "65529"),
                      ("fitout-unpack", "65531")):
        status = status_of(names[name])
        assert status["Uid"].split() == [uid] * 4
        assert status["Gid"].split() == [uid] * 4
        assert status["Groups"].strip() == ""
        assert status["NoNewPrivs"] == "1"
        for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[key], 16) == 0, key
    ours = os.stat(f"/proc/{commander.pid}/ns/net").st_ino
    for name in ("fitout-reader", "fitout-unpack"):
        pid = names[name]
        assert os.stat(f"/proc/{pid}/ns/net").st_ino != ours
        links = pathlib.Path(f"/proc/{pid}/net/dev").read_text()
        assert re.findall(r"(\w+):", links) == ["lo"]
    # An unpacker's root is the directory that it fills, on a mount which has
    # no way up and no name: what lies there tells.
    root = f"/proc/{names['fitout-unpack']}/root/"
    st = os.stat(root)
    tree = staged(host)[st.st_dev, st.st_ino]
    assert tree.is_dir() and tree.parent.name.startswith(".fitout-")
    assert os.listdir(root) == os.listdir(tree)
    assert os.path.samestat(os.stat(root + ".."), st)
    flags = os.statvfs(root).f_flag
    wanted = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | ST_NOSYMFOLLOW
    assert flags & wanted == wanted
    # Owners as it sees them, and as they are.
    assert (st.st_uid, st.st_gid) == (65531, 65531)
    if can_be_idmapped(tree):
        assert (tree.stat().st_uid, tree.stat().st_gid) == (0, 0)
    # Where a reader is there is nothing, and nothing can be made, by anybody.
    nowhere = pathlib.Path(f"/proc/{names['fitout-reader']}/root")
    assert os.readlink(nowhere).endswith(" (deleted)")
    assert os.listdir(nowhere) == []
    with pytest.raises(FileNotFoundError):
        (nowhere / "made").mkdir()


def test_s53_duties_hold_only_the_descriptors_of_their_duty(working, host):
    _, names = working
    for name in names:
        of_tree = 0
        for fd in pathlib.Path(f"/proc/{names[name]}/fd").iterdir():
            target = os.readlink(fd)
            if name == "fitout-reader":
                assert re.match("/dev/null|pipe:", target), (fd.name, target)
            if int(fd.name) <= 2:
                assert target == "/dev/null"
            # A name in the tree's mount says nothing: what it is must lie
            # in staging, and be opened on that mount.
            if re.match(r"/dev/null|pipe:|socket:|anon_inode:", target):
                continue
            st, flags = fd.stat(), os.statvfs(fd).f_flag
            assert (st.st_dev, st.st_ino) in staged(host), (name, target)
            assert flags & ST_NOSYMFOLLOW, (name, target)
            of_tree += 1
        assert (of_tree > 0) == (name == "fitout-unpack")


def test_s24_duties_leave_no_core_and_cannot_be_read(working):
    _, names = working
    for pid in names.values():
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits)
        # Whose files in /proc are not its own is not dumpable.
        assert os.stat(f"/proc/{pid}/fd").st_uid == 0


def test_s37_duties_have_limits(working):
    _, names = working
    for process, size in (("fitout-unpack", 1 << 40), ("fitout-reader", 0)):
        limits = pathlib.Path(f"/proc/{names[process]}/limits").read_text()
        for name, most in (("processes", 0), ("open files", 1024),
                           ("file size", size), ("data size", 1 << 30),
                           ("cpu time", 1 << 20)):
            found = re.search(rf"Max {name}\s+(\w+)\s+(\w+)", limits)
            assert found and int(found[2]) <= most, (name, found and found[0])


@pytest.mark.parametrize("process, who", [
    ("fitout-unpack", "the unpacker"),
    ("fitout-reader", "the archive's reader")])
def test_s50_a_killed_unpacker_is_a_failed_step(working, host, process, who):
    commander, names = working
    os.kill(names[process], signal.SIGSYS)
    host.server.go.set()
    err = commander.communicate(timeout=LIMIT_S)[1]
    assert commander.returncode == 1
    assert f"package p: {who} was killed by signal 31" in err
    for pid in names.values():
        assert not pathlib.Path(f"/proc/{pid}").exists()
    assert not (host.root / "srv/p").exists()


# ---- hosts that lack measures ----

# Of the directory's file system; tmpfs only from 6.3 (here they are newer).
def can_be_idmapped(path):
    return run("stat", "-f", "-c", "%T", path).stdout.strip() in (
        "ext2/ext3", "xfs", "btrfs", "tmpfs")


ALL = {"limits", "network", "mount", "chroot", "uid", "capabilities",
       "no-new-privs", "undumpable", "landlock", "seccomp"}
LACKING = {
    "old kernel": (["landlock=38", "seccomp=22", "mount=38"],
                   {"landlock", "seccomp", "mount"}),
    "no seccomp at all": (["landlock=95", "seccomp=38"],
                          {"landlock", "seccomp"}),
    "container": (["landlock=1", "seccomp=1", "unshare=1", "mount=1"],
                  {"landlock", "seccomp", "network", "mount"}),
    "user namespace": (["uid=22", "unshare=1"], {"uid", "network"}),
    "no other uid": (["uid=22"], {"uid"}),
    "no user namespaces": (["unshare=28"], {"network"}),
    "a mount without attributes": (["mountattr=38"], {"mount"}),
    "attributes refused": (["mountattr=22"], {"mount"}),
    "nothing": (["landlock=1", "seccomp=1", "unshare=1", "chroot=1", "uid=1",
                 "nonewprivs=22", "mount=1"],
                {"landlock", "seccomp", "network", "chroot", "uid",
                 "no-new-privs", "mount"}),
}
NOT_FETCHERS = {"network", "mount", "chroot"}
NOT_READERS = {"mount"}
IDMAPPED = {"old kernel": None, "no seccomp at all": True, "container": None,
            "user namespace": False, "no other uid": True,
            "no user namespaces": False, "a mount without attributes": None,
            "attributes refused": None, "nothing": None}


@pytest.mark.parametrize("kind", LACKING)
def test_s68_without_measures_fitout_works_and_says_so(tools, host, kind):
    denied, absent = LACKING[kind]
    host.start()
    host.server.go.set()
    host.more = 'owner = "12"; group = "34";'
    r = run(tools / "deny", *denied, "--", *host.command("--json", "apply"))
    assert r.returncode == 0, r.stderr
    tree = host.root / "srv/p"
    assert (tree / "f").stat().st_size == 6 << 20
    for path in (tree, tree / "f", tree / "sub", tree / "soft"):
        st = path.lstat()
        assert (st.st_uid, st.st_gid) == (12, 34), path
    assert (tree / "f").stat().st_ino == (tree / "sub/hard").stat().st_ino
    # The log, the report and status say it.
    events = [json.loads(line) for line in r.stderr.splitlines()]
    said = [e for e in events if e["event"] == "sandbox.absent"]
    assert sorted({e["resource"] for e in said}) == \
        ["fetcher"] * bool(absent - NOT_FETCHERS) + \
        ["reader"] * bool(absent - NOT_READERS) + ["unpacker"]
    assert {e["level"] for e in said} == {"info"}
    report = host.report()["confinement"]
    lacks = {"fetcher": absent - NOT_FETCHERS,
             "reader": absent - NOT_READERS, "unpacker": absent}
    for duty in ("reader", "unpacker"):
        assert set(report[duty]["absent"]) == lacks[duty]
    assert set(report["unpacker"]["held"]) == ALL - absent
    assert set(report["reader"]["held"]) == ALL - NOT_READERS - absent
    assert report["unpacker"].get("idmapped") == (
        IDMAPPED[kind] and can_be_idmapped(host.root))
    assert set(report["fetcher"]["absent"]) == absent - NOT_FETCHERS
    status = run(tools / "deny", *denied, "--",
                 *host.command("--json", "status"))
    status = json.loads(status.stdout)["confinement"]
    for duty in ("reader", "unpacker"):
        assert set(status[duty]["absent"]) == lacks[duty]
    text = run(tools / "deny", *denied, "--", *host.command("status")).stdout
    shown = re.search(r"^unpacker .*?\(not here:(.*?)\)", text, re.S | re.M)
    assert {word.strip() for word in shown[1].split(",")} == absent


def test_s68_with_all_measures_status_and_report_name_them(host):
    host.start()
    host.server.go.set()
    r = run(*host.command("apply"))
    assert r.returncode == 0, r.stderr
    report = host.report()["confinement"]
    assert set(report["unpacker"]["held"]) == ALL
    assert set(report["reader"]["held"]) == ALL - NOT_READERS
    assert set(report["fetcher"]["held"]) == ALL - NOT_FETCHERS
    assert report["unpacker"]["idmapped"] is can_be_idmapped(host.root)
    assert "idmapped" not in report["fetcher"]
    assert "idmapped" not in report["reader"]
    assert report["unpacker"]["absent"] == []
    assert report["unpacker"]["landlock_abi"] >= 2
    for command in ("status", "report"):
        text = run(*host.command(command)).stdout
        place = "/" if command == "status" else host.root
        how = " (idmapped)" if can_be_idmapped(place) else ""
        assert f"\nunpacker    limits, network, mount{how}, chroot, uid, " \
            in text, text
        assert "\nreader      limits, network, chroot, uid, " in text, text
        shown = re.findall(r"^(?:fetcher|reader|unpacker|    {8}).*$", text,
                           re.M)
        assert len(shown) >= 6 and max(map(len, shown)) <= 80, text


def test_s49_owners_of_the_archive_are_set_without_any_capability(host):
    host.start(archive(owner=(4321, 1234)))
    host.server.go.set()
    host.more = "preserve_owner = true;"
    r = run(*host.command("apply"))
    assert r.returncode == 0, r.stderr
    tree = host.root / "srv/p"
    for path in (tree, tree / "f", tree / "sub", tree / "soft"):
        st = path.lstat()
        assert (st.st_uid, st.st_gid) == (4321, 1234), path
    assert set(host.report()["confinement"]["unpacker"]["held"]) == ALL
