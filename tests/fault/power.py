# SPDX-License-Identifier: Apache-2.0
"""A power cut at every flush of a run, and what must hold after each.

The host and the state of a world (faults.py) are on file systems of their
own, on loop devices on files of powerlog.c. One run is recorded: every write,
every flush, and between them what the run and the agent said. Then images are
made as a cut may leave them: all writes before the last flush, and of those
since then none, all, the first ones, or some, whole or in part. Each is
mounted, looked at, and fitout runs there again without a fault.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import random
import shutil
import struct
import subprocess
import time

import faults

BLOCK = 4096         # what a disk writes whole; ext4 counts on it
START_S = 30         # until powerlog answers
BOOT_ID = "/proc/sys/kernel/random/boot_id"
HEADER = struct.Struct("<BBHIQ")

LOOP_CONFIGURE, LOOP_CTL_GET_FREE = 0x4C0A, 0x4C82
LO_FLAGS_AUTOCLEAR = 4
LOOP_CONFIG = struct.Struct("<II232s8Q")    # linux/loop.h: struct loop_config
LOOP_FLAGS_AT = 8 + 52       # loop_config.info.lo_flags
MS_BIND, MNT_DETACH = 4096, 2

LIBC = ctypes.CDLL(None, use_errno=True)


class Kind:
    """A file system. Without its own precautions for programs that do not
    sync: what fitout relies on must be fitout's."""

    def __init__(self, type_, size_mb, make, data="", split=False):
        self.type, self.size_mb, self.make = type_, size_mb, make
        self.data, self.split = data, split


EXT4 = ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=1,"
        "lazy_journal_init=1,root_owner=0:0", "-N", "2048"]
KINDS = {
    # Small as it is, with blocks of 1 KiB: more that can be torn. (Not with
    # fast_commit: after some of these cuts it cannot be mounted any more.)
    "ext4": Kind("ext4", 32, EXT4, "noauto_da_alloc"),
    "ext4-writeback": Kind("ext4", 32, [*EXT4, "-b", "4096"],
                           "noauto_da_alloc,data=writeback"),
    "xfs": Kind("xfs", 320, ["mkfs.xfs", "-q", "-f", "-K"]),
    "btrfs": Kind("btrfs", 256, ["mkfs.btrfs", "-q", "-f", "-K"]),
    # The host and the state on a disk each: nothing orders one after the
    # other but fitout.
    "ext4-two": Kind("ext4", 32, EXT4, "noauto_da_alloc", split=True),
    "xfs-two": Kind("xfs", 320, ["mkfs.xfs", "-q", "-f", "-K"], split=True),
}


def problem_with_machine():
    """Why this cannot be done here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for need in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(need):
            return f"needs {need}"
    for need in ("mkfs.xfs", "mkfs.ext4", "cc", "pkg-config"):
        if not shutil.which(need):
            return f"needs {need}"
    known = pathlib.Path("/proc/filesystems").read_text().split()
    missing = [name for name in ("ext4", "xfs", "fuse") if name not in known]
    return f"the kernel has no {' '.join(missing)}" if missing else None


def kinds_here():
    return [name for name, kind in KINDS.items()
            if shutil.which(kind.make[0])]


def build_powerlog():
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"],
                           check=True, stdout=subprocess.PIPE,
                           text=True).stdout.split()
    return faults.build("powerlog", flags)


# ---- devices and mounts ----

def mount(source, target, type_=None, flags=0, data=""):
    done = LIBC.mount(os.fsencode(source), os.fsencode(target),
                      type_ and type_.encode(), ctypes.c_ulong(flags),
                      data.encode() or None)
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} at {target}: "
                      f"{os.strerror(number)}")


def umount(target, flags=0):
    """What was killed may hold it for a moment."""
    for _ in range(200):
        if LIBC.umount2(os.fsencode(target), flags) == 0:
            return
        time.sleep(0.02)
    number = ctypes.get_errno()
    raise OSError(number, f"umount {target}: {os.strerror(number)}")


@contextlib.contextmanager
def loop_device(path):
    """A device that goes when nobody has it open or mounted any more: not
    mount -o loop, which takes a device that knows a file of that name."""
    with open(path, "r+b") as file, open("/dev/loop-control") as control:
        for _ in range(100):
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            name = f"/dev/loop{number}"
            device = os.open(name, os.O_RDWR | os.O_CLOEXEC)
            config = bytearray(LOOP_CONFIG.pack(file.fileno(), 0, b"",
                                                *[0] * 8))
            struct.pack_into("<I", config, LOOP_FLAGS_AT, LO_FLAGS_AUTOCLEAR)
            try:
                fcntl.ioctl(device, LOOP_CONFIGURE, bytes(config))
                break
            except OSError:          # somebody else was quicker
                os.close(device)
        else:
            raise OSError("no free loop device")
    try:
        yield name
    finally:
        os.close(device)


def copy_sparse(source, target):
    """Copy what is no hole."""
    with open(source, "rb") as inp, open(target, "wb") as out:
        size = os.fstat(inp.fileno()).st_size
        out.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(inp.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(inp.fileno(), at, os.SEEK_HOLE)
            os.pwrite(out.fileno(), os.pread(inp.fileno(), end - at, at), at)
            at = end


def dig_holes(path):
    """Blocks of zeros become holes: mkfs writes empty journals."""
    subprocess.run(["fallocate", "--dig-holes", path], check=True)


# ---- what was recorded ----

class Log:
    """The records of a run: ("W", file, offset, data), ("F", file) and
    ("M", text)."""

    def __init__(self, raw):
        self.records, at = [], 0
        while at + HEADER.size <= len(raw):
            type_, file, _, length, offset = HEADER.unpack_from(raw, at)
            at += HEADER.size
            data = raw[at:at + length]
            at += length
            if type_ == ord("W"):
                self.records.append(("W", file, offset, data))
            elif type_ == ord("F"):
                self.records.append(("F", file))
            else:
                self.records.append(("M", data.decode(errors="replace")))

    def flushes(self):
        return sum(record[0] == "F" for record in self.records)


class Cut:
    """The power goes right before RECORD: PENDING are the writes that no
    flush has made durable, SAID what had been said."""

    def __init__(self, number, pending, said):
        self.number, self.pending, self.said = number, pending, said

    def starts(self):
        return [line[6:] for line in "".join(self.said).splitlines()
                if line.startswith("start ")]

    def status(self):
        """The run's exit status, if it had ended."""
        last = self.said[-1] if self.said else ""
        return int(last[5:]) if last.startswith("exit ") else None


def pieces_of(write):
    """The blocks of one write."""
    _, file, offset, data = write
    return [("W", file, offset + at, data[at:at + BLOCK])
            for at in range(0, len(data), BLOCK)]


def choices(cut, dice, n_random, is_new):
    """What of CUT.pending got to the disk: (name, writes). IS_NEW: not what
    the cut before has left when all got there."""
    pending = cut.pending
    if is_new:
        yield "none", []
    if not pending:
        return
    yield "all", pending
    if len(pending) > 1:
        yield "the first", pending[:dice.randrange(1, len(pending))]
    pieces = [piece for one in pending for piece in pieces_of(one)]
    if len(pieces) == 1:
        return
    for number in range(n_random):
        share = (0.5, 0.8, 0.2)[number % 3]
        if len(pending) > 1:
            yield (f"{share} of the writes",
                   [one for one in pending if dice.random() < share])
        if len(pieces) > len(pending):
            yield (f"{share} of the blocks",
                   [one for one in pieces if dice.random() < share])


# ---- the bench ----

class PowerBench(faults.Bench):
    """PLACE is on a tmpfs of our own, in a mount namespace of our own. Point
    by point the world's host/ and state/ are mounts."""

    def __init__(self, place, fitout):
        super().__init__(place, fitout)
        self.powerlog = str(build_powerlog())
        self.disks = self.place / "disks"     # start images
        self.live = self.place / "live"       # what has been flushed
        self.trial = self.place / "trial"
        self.single = self.place / "single"   # where one image is mounted
        for path in (self.disks, self.live, self.trial, self.single):
            path.mkdir()
        self.boot_id = self.place / "boot_id"
        self.boot_id.write_text("recorded\n")
        mount(self.boot_id, BOOT_ID, flags=MS_BIND)
        self.trials = 0

    def names(self):
        return ["host", "state"] if self.kind.split else ["host"]

    def close(self):
        umount(BOOT_ID)

    # ---- images ----

    def make_images(self, kind):
        """Formatted once, with the start world in them."""
        self.kind = kind
        shutil.rmtree(self.disks)
        self.disks.mkdir()
        for name in self.names():
            path = self.disks / name
            with open(path, "wb") as file:
                file.truncate(kind.size_mb << 20)
            subprocess.run([*kind.make, path], check=True,
                           stdout=subprocess.DEVNULL)
            dig_holes(path)
        shutil.rmtree(self.world)
        self.copy(self.place / "start", self.world)
        for name in ("host", "state"):
            shutil.rmtree(self.world / name, ignore_errors=True)
            (self.world / name).mkdir(mode=0o755)
        with self.mounted(self.disks):
            for name in ("host", "state"):
                self.fill(self.place / "start" / name, self.world / name)
        for name in self.names():
            dig_holes(self.disks / name)

    @staticmethod
    def fill(source, target):
        """The content and the attributes of SOURCE; empty where it is not."""
        lost = target / "lost+found"
        if lost.exists():
            lost.rmdir()
        if not source.exists():
            target.chmod(0o700)
            return
        subprocess.run(["cp", "-a", f"{source}/.", target], check=True)

    @contextlib.contextmanager
    def mounted(self, directory):
        """The images in DIRECTORY as the world's host/ and state/."""
        with contextlib.ExitStack() as stack:
            def put(source, target, *more):
                mount(source, target, *more)
                stack.callback(umount, target)

            for name in self.names():
                target = self.world / name if self.kind.split else self.single
                with loop_device(directory / name) as device:
                    put(device, target, self.kind.type, 0, self.kind.data)
            if not self.kind.split:
                for name in ("host", "state"):
                    inside = self.single / name
                    if not inside.exists():
                        inside.mkdir(mode=0o755)
                        lost = self.single / "lost+found"
                        if lost.exists():
                            lost.rmdir()
                    put(inside, self.world / name, None, MS_BIND)
            yield

    # ---- recording ----

    def copy_images(self, source, target):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, copy_function=copy_sparse)

    @contextlib.contextmanager
    def powerlog_runs(self, start):
        logged = self.place / "logged"
        self.copy_images(start, self.live)
        log, point = self.place / "power.log", logged
        point.mkdir(exist_ok=True)
        daemon = subprocess.Popen([self.powerlog, self.live, log, point],
                                  stdin=subprocess.DEVNULL)
        try:
            for _ in range(START_S * 50):
                if (point / "mark").exists():
                    break
                assert daemon.poll() is None, "powerlog has ended"
                time.sleep(0.02)
            else:
                raise AssertionError("powerlog does not answer")
            yield point, log
        finally:
            umount(point, MNT_DETACH)
            daemon.wait(START_S)

    def record(self, lie=None, start=None, profile=None):
        """The scenario's run, with its start images. LIE ("fsync", or
        "fsync:3"): what faultrun says was synced and is not.
        START: images that a cut left, where PROFILE is applied instead."""
        self.recovering = profile
        self.boot_id.write_text("recorded\n")
        self.new_run_directory("0\n" if start else self.first_agent())
        start = start or self.disks
        with self.powerlog_runs(start) as (point, log):
            mark = point / "mark"
            os.remove(self.world / "run" / "log")
            (self.world / "run" / "log").symlink_to(mark)
            with self.mounted(point):
                begin = log.stat().st_size
                status = self.recorded_run(mark, lie, profile)
                with open(mark, "w") as file:
                    file.write(f"exit {status}")
                raw = log.read_bytes()
        # What mounting wrote is in the images when a run begins.
        self.before = Log(raw[:begin])
        self.log = Log(raw[begin:])
        want = 1 if profile == "broken" else self.scenario.outcome
        assert lie or status == want, f"exit status {status}, not {want}"
        self.copy_images(start, self.live)
        self.write_all(self.live, [record for record in self.before.records
                                   if record[0] == "W"])

    def recorded_run(self, mark, lie, profile):
        apply = ["apply", str(self.profiles[profile or "new"])]
        if not profile and self.scenario.command:
            apply = self.scenario.command
        command = [self.fitout, "--progress", "none", "--state",
                   str(self.state), *apply]
        if lie:
            call, _, at = lie.partition(":")
            command = [self.faultrun, "--class", "sync", "--inject", "OK",
                       "--call", call, *(("--at", at) if at
                                         else ("--from", "1")),
                       "--", *command]
        with open(mark, "w") as out, \
                open(self.place / "said", "w") as said:
            return subprocess.run(command, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=said,
                                  timeout=faults.LIMIT_S).returncode

    def first_agent(self):
        return (self.place / "start" / "run" / "agent").read_text()

    def new_run_directory(self, agent):
        shutil.rmtree(self.world / "run", ignore_errors=True)
        (self.world / "run").mkdir()
        (self.world / "run" / "agent").write_text(agent)
        (self.world / "run" / "log").write_text("")

    # ---- cuts ----

    def write_all(self, directory, writes):
        for number, name in enumerate(self.names()):
            with open(directory / name, "r+b", buffering=0) as file:
                for _, which, offset, data in writes:
                    if which == number:
                        os.pwrite(file.fileno(), data, offset)

    def cuts(self):
        """Before every flush and after all that was said, in order. What has
        been flushed is in LIVE when one is taken."""
        pending, said = [], []
        for number, record in enumerate([*self.log.records, ("E",)]):
            if record[0] == "W":
                pending.append(record)
                continue
            if record[0] == "M":
                said.append(record[1])
                yield Cut(number, list(pending), list(said))
                continue
            yield Cut(number, list(pending), list(said))
            if record[0] == "F":
                done = [one for one in pending if one[1] == record[1]]
                self.write_all(self.live, done)
                pending = [one for one in pending if one[1] != record[1]]

    def make_image(self, writes, directory):
        """As the cut leaves it when WRITES got there."""
        self.copy_images(self.live, directory)
        self.write_all(directory, writes)

    def try_cut(self, cut, writes, then):
        """What is wrong after it, or None."""
        self.trials += 1
        self.make_image(writes, self.trial)
        self.new_run_directory("0\n")
        self.boot_id.write_text(f"trial-{self.trials}\n")
        try:
            with self.mounted(self.trial):
                return self.promise_problem(cut) or self.then_problem(then)
        except OSError as error:
            return f"{error}"

    def promise_problem(self, cut):
        """Is what was said done still done, before anything else runs?"""
        kept = self.kept_problem()
        starts, status = cut.starts(), cut.status()
        if kept:
            return f"at once: {kept}"
        which = self.which()
        if starts:
            sight = self.sight()
            if sight != starts[-1] or which == "mixture":
                return (f"the agent was started on '{starts[-1]}', now it "
                        f"is '{sight}' and {which}: {self.mixture()}")
        if status is None:
            return None
        good = {0: ("new", "same"), 1: ("old", "same")}.get(status, ())
        if self.recovering == "broken" and status == 1:
            good = ("old", "new", "same")
        if which not in good:
            return (f"exit status {status} was reported, the host is "
                    f"{which}: {self.mixture()}")
        if status == 0 and self.first_line("state/generations/current") \
                == "none":
            return "exit status 0 was reported, no generation is current"
        return None

    def then_problem(self, then):
        if then == "old" and self.scenario.old:
            return self.must_be_old("the old profile applied")
        if then == "again" and self.scenario.command:
            return self.must_be_new_again("the same again")
        if then == "broken":
            return self.must_recover("recovered") or \
                self.must_be_new("recovered and applied again")
        return self.must_be_new("applied again") or \
            (None if self.scenario.outcome or self.trials % 7
             else self.must_do_nothing("applied a third time"))
