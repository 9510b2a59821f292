# SPDX-License-Identifier: Apache-2.0
"""Memory that has been used before.

A virtual machine's host may take back what the guest has free, and then gives
it anew, page by page, when somebody uses it: that takes several times as long.
Who runs when it has just been taken, or needs the most of it, would be slower
for a reason that is not in the program.
"""
import mmap
import time

SPARE = 2 << 30     # bytes: left to whoever else needs some
POPULATE_WRITE = 23         # linux/mman.h, MADV_POPULATE_WRITE (5.14)


def touch(size):
    """Use SIZE bytes of memory, or what is available, and let go of them.
    Seconds a GB, of the using."""
    size = min(size, available() - SPARE)
    if size < mmap.PAGESIZE:
        return 0.0
    begin = time.perf_counter()
    with mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as room:
        try:
            room.madvise(POPULATE_WRITE)
        except OSError:                 # an older kernel
            for page in range(0, size, mmap.PAGESIZE):
                room[page] = 1
        return (time.perf_counter() - begin) / (size / 1e9)


def available():
    """Bytes."""
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0
