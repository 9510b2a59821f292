# SPDX-License-Identifier: Apache-2.0
"""The archives, made once into the cache directory; the same bytes everywhere.

nginx and PHP are Debian's (tools/make-tarballs). The trees are made from a
seeded generator: `tree-N` has N small files like a vendor directory's (mean 11
KB, in up to 4,096 directories), `small-N` N files of 1 KB, `big-M` M megabytes
in thirteen files or fewer that compress like programs do, 2.4 : 1.
"""
import fcntl
import hashlib
import io
import os
import random
import shutil
import subprocess
import tarfile

from harness import places

VERSION = "3"       # of what is made here: a new one makes all anew
MTIME = 1542700000
FORMATS = {
    "tar": None,
    "tar.gz": ["gzip", "-n", "-6", "-c"],
    "tar.zst": ["zstd", "-q", "-3", "-T2", "-c"],
    "tar.xz": ["xz", "-1", "-T2", "--block-size=8MiB", "-c"],
}
REAL = {"nginx": "nginx1.14", "php7": "php7"}


class Inputs:
    def __init__(self, cache):
        self.dir = os.path.join(cache, "bench", "inputs-" + VERSION)
        self.real = os.path.join(cache, "bench-tarballs")
        os.makedirs(self.dir, exist_ok=True)

    def prepare(self):
        """What needs the network: outside of the box."""
        subprocess.run([os.path.join(places.TOP, "tools/make-tarballs"),
                        self.real], check=True, stdout=subprocess.DEVNULL)

    def archive(self, name, form):
        """The file name, in self.dir, of NAME in the format FORM."""
        file = "%s.%s" % (name, form)
        with open(os.path.join(self.dir, ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._make(name, form)
            self.sha256(file)
        return file

    def sha256(self, file):
        path = os.path.join(self.dir, file)
        note = path + ".sha256"
        if not os.path.exists(note):
            with open(path, "rb") as data:
                text = hashlib.file_digest(data, "sha256").hexdigest()
            _write(note, text)
        with open(note) as data:
            return data.read()

    def path(self, file):
        return os.path.join(self.dir, file)

    def _make(self, name, form):
        path = os.path.join(self.dir, "%s.%s" % (name, form))
        if os.path.exists(path):
            return
        places.say("making %s" % os.path.basename(path))
        if form != "tar":
            self._make(name, "tar")
            with open(path + ".part", "wb") as out:
                subprocess.run(FORMATS[form] + [path[:-len(form)] + "tar"],
                               stdout=out, check=True)
        elif name in REAL:
            shutil.copy(os.path.join(self.real, REAL[name] + ".tar"),
                        path + ".part")
        else:
            _write_tree(path + ".part", name)
        os.rename(path + ".part", path)


def _write(path, text):
    with open(path + ".part", "w") as file:
        file.write(text)
    os.rename(path + ".part", path)


def _write_tree(path, name):
    kind, number = name.split("-")[:2]
    changed = name.endswith("-changed")
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        {"tree": _vendor, "small": _small, "big": _big}[kind](
            Writer(tar, kind), int(number), changed)


class Writer:
    """Adds files to a tar, each directory before what is in it."""

    def __init__(self, tar, top):
        self.tar, self.made = tar, set()
        self.top = top

    def directory(self, name):
        if name in self.made:
            return
        if "/" in name:
            self.directory(name.rpartition("/")[0])
        self.made.add(name)
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, MTIME
        self.tar.addfile(info)

    def file(self, name, data):
        name = self.top + "/" + name
        self.directory(name.rpartition("/")[0])
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(data), MTIME, 0o644
        self.tar.addfile(info, io.BytesIO(data))


def _text(chance, size):
    """Phrases of words, some far more frequent than others: what gzip makes a
    sixth of, as it does of source code."""
    words = ["%x" % chance.getrandbits(24) for _ in range(3000)]
    phrases = [" ".join(chance.choices(words, k=chance.randrange(2, 9))) + "\n"
               for _ in range(4000)]
    weights = [1 / (rank + 8) for rank in range(len(phrases))]
    mean = sum(map(len, phrases)) / len(phrases)
    return "".join(chance.choices(
        phrases, weights, k=int(size / mean * 1.1))).encode()[:size]


def _vendor(writer, files, changed):
    """Each file a stretch of one long text; sizes as unequal as in real trees.
    Changed: every hundredth file has other text."""
    chance = random.Random(20181120)
    text = _text(chance, 32 << 20)
    # A directory after the other, as tar finds them.
    for number in sorted(range(files), key=lambda n: (n % 64, n // 64 % 64)):
        size = min(int(chance.paretovariate(1.16) * 1900), 400000)
        begin = chance.randrange(len(text) - size)
        data = text[begin:begin + size]
        if changed and number % 100 == 50:
            data = data[::-1]
        writer.file("%02x/%02x/f%06d.php" % (
            number % 64, number // 64 % 64, number), data)


def _small(writer, files, _changed):
    """1 KB each, a hundred in a directory."""
    chance = random.Random(20181121)
    text = chance.randbytes(1 << 20).hex().encode()
    for number in range(files):
        begin = chance.randrange(len(text) - 1024)
        writer.file("%03x/%02x/f%02d" % (
            number // 10000, number // 100 % 100, number % 100),
            text[begin:begin + 1024])


def _big(writer, megabytes, _changed):
    """48 KB of noise and 112 KB of text in turn, in thirteen files."""
    chance = random.Random(20181122)
    text = _text(chance, 8 << 20)
    left = megabytes << 20
    part = max(left // 13, 1 << 20)
    number = 0
    while left > 0:
        size = min(part, left)
        pieces, have = [], 0
        while have < size:
            begin = chance.randrange(len(text) - 114688)
            pieces += [chance.randbytes(49152), text[begin:begin + 114688]]
            have += 49152 + 114688
        writer.file("lib%02d.so" % number, b"".join(pieces)[:size])
        left -= size
        number += 1
