# SPDX-License-Identifier: Apache-2.0
"""The archives, made once into the cache directory; the same bytes everywhere.

They are as large, unpacked and packed, as the sets that the targets were
measured with (TARGETS; `bench/run --inputs` shows both):

nginx, php7     programs and libraries of Debian's (tools/make-tarballs), with
                what makes up for the rest: pictures, and PHP's other SAPIs and
                a library of code
tree-N          N files of code, like a vendor directory's: half of them below
                3.5 KB, one of a hundred above 130 KB, mean 11.5 KB; in up to
                4,240 directories
small-N         N files of 1 KB
big-M           M megabytes in thirteen files or fewer that compress like
                programs do, 2.4 : 1
"""
import fcntl
import hashlib
import io
import itertools
import os
import random
import subprocess
import tarfile

from harness import places

VERSION = "4"       # of what is made here: a new one makes all anew
MTIME = 1542700000
FORMATS = {
    "tar": None,
    "tar.gz": ["gzip", "-n", "-6", "-c"],
    "tar.zst": ["zstd", "-q", "-3", "-T2", "-c"],
    "tar.xz": ["xz", "-6", "-T1", "-c"],
}
QUICKER = {"tar.xz": ["xz", "-1", "-T2", "--block-size=8MiB", "-c"]}    # big-M
REAL = {"nginx": "nginx1.14", "php7": "php7"}
# {file: bytes}
TARGETS = {"tree-20000.tar": 248.6e6, "tree-20000.tar.gz": 38.9e6,
           "tree-20000.tar.zst": 32.3e6, "tree-20000.tar.xz": 23.5e6,
           "nginx.tar": 2.6e6, "nginx.tar.gz": 1.37e6,
           "php7.tar": 98.4e6, "php7.tar.gz": 34.8e6}


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

    def unpacked(self, file):
        """Bytes that the archive FILE has as .tar."""
        return os.path.getsize(self.path(file.split(".")[0] + ".tar"))

    def _make(self, name, form):
        path = os.path.join(self.dir, "%s.%s" % (name, form))
        if os.path.exists(path):
            return
        places.say("making %s" % os.path.basename(path))
        if form != "tar":
            self._make(name, "tar")
            with open(path + ".part", "wb") as out:
                words = FORMATS[form]
                if name.startswith("big-"):
                    words = QUICKER.get(form, words)
                subprocess.run(words + [path[:-len(form)] + "tar"],
                               stdout=out, check=True)
        elif name in REAL:
            with tarfile.open(os.path.join(
                    self.real, REAL[name] + ".tar")) as real, tarfile.open(
                        path + ".part", "w",
                        format=tarfile.USTAR_FORMAT) as tar:
                {"nginx": _nginx, "php7": _php}[name](real, Writer(tar, name))
        else:
            _write_tree(path + ".part", name)
        os.rename(path + ".part", path)
        _compare(path)


def off_target(path):
    """Times as large as it is meant to be; None where nothing is meant."""
    meant = TARGETS.get(os.path.basename(path))
    return os.path.getsize(path) / meant if meant else None


def _compare(path):
    times = off_target(path)
    if times and not 0.97 < times < 1.03:
        places.say("%s has %.3f times the size it is meant to have (another "
                   "release's packages?): figures compare within this run "
                   "only" % (os.path.basename(path), times))


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

    def file(self, name, data, mode=0o644):
        name = self.top + "/" + name
        self.directory(name.rpartition("/")[0])
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(data), MTIME, mode
        self.tar.addfile(info, io.BytesIO(data))


LETTERS = "etaoinsrhldcumfpgwybvkxjqz"
OFTEN = (12, 9, 8, 7.5, 7, 6.7, 6.3, 6, 6, 4, 4.2, 2.8, 2.7, 2.4, 2.2, 2, 2,
         2.3, 2, 1.5, 1, .8, .2, .2, .1, .1)
BETWEEN = (" ", " ", "->", "(", "_", ", ", " = ", "\\", "::")
ENDS = (";\n", "\n", " {\n", ");\n", ",\n")


def _code(chance, size):
    """Lines as of source code: most were there before, the more so the nearer;
    others are of words, some far more frequent than others. The shares are
    such that gzip makes a sixth of it, zstd and xz as much less as of code:
    what repeats only far away is nothing to gzip."""
    words = ["".join(chance.choices(LETTERS, OFTEN, k=chance.randrange(2, 10)))
             for _ in range(2400)]
    ranks = list(itertools.accumulate(1 / (rank + 12) for rank in range(2400)))
    random_ = chance.random
    lines, have = [], 0
    while have < size:
        dice, n = random_(), len(lines)
        if n > 50 and dice < 0.705:
            line = lines[n - 1 - int(random_() * min(n, 300))]
        elif n > 5000 and dice < 0.862:
            line = lines[n - 1 - int(random_() * min(n, 40000))]
        else:
            first, *rest = chance.choices(words, cum_weights=ranks,
                                          k=2 + int(random_() * 7))
            if random_() < 0.125:
                rest.append("%x" % chance.getrandbits(28))
            line = (" " * (4 * int(random_() * 4)) + first +
                    BETWEEN[int(random_() * 9)] + " ".join(rest) +
                    ENDS[int(random_() * 5)])
        lines.append(line)
        have += len(line)
    return "".join(lines).encode()[:size]


class Stretches:
    """One piece of TEXT after the other, from its begin again at its end."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def take(self, size):
        if self.at + size > len(self.text):
            self.at = 0
        self.at += size
        return self.text[self.at - size:self.at]


def _sizes(chance, files):
    return [min(int(chance.lognormvariate(8.14, 1.54)), 2 << 20)
            for _ in range(files)]


def _vendor(writer, files, changed):
    """Changed: every hundredth file has other text."""
    chance = random.Random(20181120)
    code = Stretches(_code(chance, 24 << 20))
    sizes = _sizes(chance, files)
    # A directory after the other, as tar finds them.
    for number in sorted(range(files), key=lambda n: (n % 80, n // 80 % 53)):
        data = code.take(sizes[number])
        if changed and number % 100 == 50:
            data = data[::-1]
        writer.file("%02x/%02x/f%06d.php" % (
            number % 80, number // 80 % 53, number), data)


def _take_over(real, writer, wanted):
    """What WANTED(name) of the archive REAL; and {name: bytes} of it."""
    taken = {}
    for member in real:
        name = member.name.partition("/")[2]
        if member.isfile() and wanted(name):
            taken[name] = real.extractfile(member).read()
            writer.file(name, taken[name], member.mode)
    return taken


def _nginx(real, writer):
    _take_over(real, writer, lambda name: not name.startswith("lib/") or
               name == "lib/libssl.so.3")
    chance = random.Random(20181123)
    for number in range(50):
        writer.file("html/img/%02d/photo.jpg" % number,
                    chance.randbytes(10900))


def _php(real, writer):
    taken = _take_over(real, writer, lambda name: True)
    for name in ("bin/php-cgi", "lib/libphp.so", "lib/apache2/libphp.so"):
        writer.file(name, taken["bin/php"], 0o755)
    chance = random.Random(20181124)
    code = Stretches(_code(chance, 8 << 20))
    for number in range(470):
        writer.file("lib/php/%02x/code%03d.php" % (number % 120, number),
                    code.take(35500))


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
    text = _code(chance, 8 << 20)
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
