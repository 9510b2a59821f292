# SPDX-License-Identifier: Apache-2.0
"""Every entry below a directory, byte for byte, and what differs.

    before = snapshot.take(root)
    ...
    assert snapshot.diff(before, snapshot.take(root)) == []

Of a directory the time and size are left out: they change when a temporary
file comes and goes, which is how files are replaced. So are its links.
"""
import hashlib
import os
import stat

TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory",
         stat.S_IFLNK: "link", stat.S_IFCHR: "character device",
         stat.S_IFBLK: "block device", stat.S_IFIFO: "fifo",
         stat.S_IFSOCK: "socket"}


def take(top, ignore=()):
    """A dictionary of relative paths; `ignore` lists paths below top to
    leave out, with everything below them."""
    found = {}
    ignore = {os.path.normpath(path) for path in ignore}

    def visit(path):
        with os.scandir(os.path.join(top, path)) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            below = os.path.normpath(os.path.join(path, name))
            if below in ignore:
                continue
            entry = describe(os.path.join(top, below))
            found[below] = entry
            if entry["type"] == "directory":
                visit(below)

    visit(".")
    return found


def describe(path):
    info = os.lstat(path)
    kind = TYPES[stat.S_IFMT(info.st_mode)]
    entry = {"type": kind, "mode": oct(stat.S_IMODE(info.st_mode)),
             "owner": f"{info.st_uid}:{info.st_gid}"}
    if kind == "character device" and info.st_rdev == 0:
        entry["type"] = "whiteout"      # overlayfs: removed from below
    if kind != "directory":
        entry["mtime"] = info.st_mtime_ns
        entry["size"] = info.st_size
    if kind == "link":
        entry["to"] = os.readlink(path)
    elif kind == "file":
        with open(path, "rb") as file:
            entry["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return entry


def diff(before, after):
    """Lines that say what changed; none means nothing did."""
    lines = [f"- {path}: was {before[path]['type']}, is gone"
             for path in before if path not in after]
    for path, now in after.items():
        was = before.get(path)
        if was is None:
            lines.append(f"+ {path}: new {now['type']}")
        elif was != now:
            keys = [k for k in {**was, **now} if was.get(k) != now.get(k)]
            lines += [f"! {path}: {k} was {was.get(k)}, is {now.get(k)}"
                      for k in keys]
    return sorted(lines, key=lambda line: line[2:])
