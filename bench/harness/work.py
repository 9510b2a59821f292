# SPDX-License-Identifier: Apache-2.0
"""What is to be done, independent of who does it; and the proof that it was.

A work is a list of packages, each one archive and a directory below
dest/programs, and of files that are copied out of them to dest/etc.
"""
import dataclasses
import hashlib
import os
import stat


@dataclasses.dataclass(frozen=True)
class Package:
    top: str            # the archive's only top-level directory
    file: str           # the archive, below the server's root
    sha256: str
    into: str           # below dest/programs


@dataclasses.dataclass(frozen=True)
class Copy:
    package: str        # its `into`
    inner: str          # a path in it
    to: str             # below dest/etc


@dataclasses.dataclass(frozen=True)
class Work:
    packages: tuple
    copies: tuple

    def size(self, inputs):
        return sum(os.path.getsize(inputs.path(p.file))
                   for p in self.packages)

    def unpacked(self, inputs):
        return sum(inputs.unpacked(p.file) for p in self.packages)


COPIES = (
    Copy("nginx", "logrotate.d/nginx", "nginx"),
    Copy("nginx", "supervisor.d/nginx.conf", "nginx.conf"),
    Copy("php7", "etc/supervisor.d/php-fpm.conf", "php-fpm.conf"),
)


def package(inputs, name, form, into=None):
    """NAME is an input's: nginx, php7, tree-20000, big-1024, ..."""
    file = inputs.archive(name, form)
    top = name.split("-")[0]
    return Package(top, file, inputs.sha256(file), into or top)


def web(inputs, options, form="tar.gz"):
    """nginx, PHP, a vendor tree, and three configuration files; --quick does
    without PHP, which is the largest."""
    names = ("nginx", "php7", "tree-%d" % options.files)
    if options.quick:
        names = ("nginx", "tree-%d" % options.files)
    return Work(tuple(package(inputs, name, form) for name in names),
                tuple(c for c in COPIES if c.package in names))


def without_tree(a_work):
    return Work(a_work.packages[:-1], a_work.copies)


def single(inputs, name, form):
    return Work((package(inputs, name, form),), ())


def profile(work, base, dest):
    """The work as fitout's profile."""
    packages = ",\n".join(
        '  { name = "%s"; url = "%s/%s"; sha256 = "%s";\n'
        '    into = "%s/programs/%s"; }' % (
            p.into, base, p.file, p.sha256, dest, p.into)
        for p in work.packages)
    files = ",\n".join(
        '  { from = "%s:%s"; to = "%s/etc/%s"; }' % (
            c.package, c.inner, dest, c.to) for c in work.copies)
    return ('fitout = 1;\nname = "bench";\npackages = (\n%s );\n'
            'files = (\n%s );\n' % (packages, files))


def tree_digest(path):
    """(digest, files, entries) of all below PATH: each one's path, type, mode,
    owner, size and content. fitout's own .fitout-... directories, in which it
    keeps a replaced tree for a rollback, are not part of the work."""
    total = hashlib.sha256()
    files = entries = 0
    for base, names, leaves in os.walk(path):
        names[:] = sorted(n for n in names if not n.startswith(".fitout-"))
        for name in sorted(names + leaves):
            full = os.path.join(base, name)
            status = os.lstat(full)
            kind = stat.S_IFMT(status.st_mode)
            entries += 1
            size = status.st_size if kind != stat.S_IFDIR else 0
            total.update(b"%s\0%o %d %d %d\n" % (
                os.fsencode(os.path.relpath(full, path)), status.st_mode,
                status.st_uid, status.st_gid, size))
            if kind == stat.S_IFLNK:
                total.update(os.fsencode(os.readlink(full)))
            elif kind == stat.S_IFREG:
                files += 1
                with open(full, "rb") as file:
                    while block := file.read(1 << 20):
                        total.update(block)
    return total.hexdigest(), files, entries
