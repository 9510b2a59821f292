# SPDX-License-Identifier: Apache-2.0
"""Fresh file systems.

ext4 creates files up to six times slower for minutes after many were deleted
(it skips inodes that were freed a moment ago), so a run that comes after the
removal of another one's tree measures that. Every run has an ext4 of its own,
in a sparse file on the box's tmpfs: no run pays for the one before, and no
disk's cache or write-back comes into it.
"""
import fcntl
import os
import stat
import subprocess
import time

LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81      # linux/loop.h
LIMIT = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device"
GP3 = 125000000         # bytes a second: what a gp3 volume has at no extra cost


class Place:
    """A directory with the directories work, dest and state in it."""

    def __init__(self, path):
        self.path = path
        self.work = os.path.join(path, "work")
        self.dest = os.path.join(path, "dest")
        self.state = os.path.join(path, "state")

    def make(self):
        for path in (self.work, self.dest, self.state):
            os.makedirs(path, 0o755)
        os.chmod(self.state, 0o700)


class Disk(Place):
    """`with Disk(room) as place:` a mounted file system with nothing else."""
    slow = False
    writes = written = None

    def __init__(self, room, size_gb=6):
        super().__init__(os.path.join(room, "disk"))
        self.image = os.path.join(room, "disk.img")
        self.size = size_gb << 30

    def __enter__(self):
        os.makedirs(self.path, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(self.size)
        # A sparse file reads as zeros: nothing is left for the kernel to
        # initialise in the background while we measure.
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E",
                        "lazy_itable_init=0,assume_storage_prezeroed=1",
                        self.image], check=True)
        self.mount()
        self.make()
        sync(self.path)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)
        os.unlink(self.image)

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.path],
                       check=True)

    def begin(self):
        """What is measured begins now."""

    def end(self):
        """It has ended."""

    def corner(self, name):
        """A place of its own on it, where what is measured is no file work."""
        place = Place(os.path.join(self.path, name))
        place.make()
        return place


class SlowDisk(Disk):
    """From begin() to end() it writes no more than GP3 bytes a second, like a
    volume of EBS. What is written meanwhile is counted, by the device: after
    blocks that are beside each other have been put together, as EBS counts.
    (Its limit of operations a second is not made: the kernel's counts before
    that. Nor are its latency, and the limit of reads.)

    The device has a number that nobody else is given, and goes afterwards: a
    limit outlives what it was made for."""
    slow = True
    title = "a disk that writes %d MB/s" % (GP3 // 1000000)

    @staticmethod
    def missing():
        """Why there cannot be one here, or None."""
        return None if os.path.exists(LIMIT) else \
            "no limits of devices here (cgroup v1, blkio.throttle)"

    def mount(self):
        with open("/dev/loop-control") as control:
            for number in range(200, 256):
                try:
                    fcntl.ioctl(control, LOOP_CTL_ADD, number)
                    break
                except OSError:
                    continue        # somebody has it
            else:
                raise SystemExit("no free loop device")
        self.number = number
        self.device = os.path.join(os.path.dirname(self.image),
                                   "loop%d" % number)
        with open("/sys/block/loop%d/dev" % number) as file:
            self.dev = file.read().strip()
        os.mknod(self.device, stat.S_IFBLK | 0o600,
                 os.makedev(*map(int, self.dev.split(":"))))
        subprocess.run(["losetup", self.device, self.image], check=True)
        subprocess.run(["mount", self.device, self.path], check=True)

    def __exit__(self, *_):
        self._limit(0)
        subprocess.run(["umount", self.path], check=True)
        subprocess.run(["losetup", "-d", self.device], check=True)
        os.unlink(self.device)
        os.unlink(self.image)
        with open("/dev/loop-control") as control:
            for _ in range(100):
                try:
                    fcntl.ioctl(control, LOOP_CTL_REMOVE, self.number)
                    return
                except OSError:
                    time.sleep(0.02)    # it is about to let go

    def begin(self):
        self._limit(GP3)
        self.before = self._counted()

    def end(self):
        self._limit(0)
        writes, sectors = (b - a for a, b in zip(self.before,
                                                 self._counted()))
        self.writes, self.written = writes, sectors * 512

    def _limit(self, bytes_):
        with open(LIMIT, "w") as file:
            file.write("%s %d" % (self.dev, bytes_))

    def _counted(self):
        """Writes and sectors (Documentation/block/stat.rst)."""
        with open("/sys/block/loop%d/stat" % self.number) as file:
            fields = file.read().split()
        return int(fields[4]), int(fields[6])


def probe(room):
    """What a slow disk really writes, MB/s; the end if that is not so much. The
    best of a few: others who use the machine make it slower, never faster."""
    size = 128 << 20
    found = 0
    with SlowDisk(room) as disk:
        path = os.path.join(disk.work, "probe")
        for _ in range(5):
            disk.begin()
            begin = time.perf_counter()
            subprocess.run(
                ["dd", "if=/dev/zero", "bs=4M", "oflag=direct", "status=none",
                 "count=%d" % (size >> 22), "of=" + path], check=True)
            found = max(found, size / (time.perf_counter() - begin))
            disk.end()
            os.unlink(path)
    if not 0.85 < found / GP3 < 1.15:
        raise SystemExit("the limited disk writes %.0f MB/s, not %.0f" % (
            found / 1e6, GP3 / 1e6))
    return found / 1e6


def sync(path):
    """syncfs of the file system that PATH is on."""
    subprocess.run(["sync", "-f", path], check=True)
