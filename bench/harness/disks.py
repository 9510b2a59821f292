# SPDX-License-Identifier: Apache-2.0
"""Fresh file systems.

ext4 creates files up to six times slower for minutes after many were deleted
(it skips inodes that were freed a moment ago), so a run that comes after the
removal of another one's tree measures that. Every run has an ext4 of its own,
in a sparse file on the box's tmpfs: no run pays for the one before, and no
disk's cache or write-back comes into it.
"""
import os
import subprocess


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
        subprocess.run(["mount", "-o", "loop", self.image, self.path],
                       check=True)
        self.make()
        sync(self.path)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)
        os.unlink(self.image)

    def corner(self, name):
        """A place of its own on it, where what is measured is no file work."""
        place = Place(os.path.join(self.path, name))
        place.make()
        return place


def sync(path):
    """syncfs of the file system that PATH is on."""
    subprocess.run(["sync", "-f", path], check=True)
