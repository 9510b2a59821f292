# SPDX-License-Identifier: Apache-2.0
"""Small archives, made in memory."""
import bz2
import dataclasses
import gzip
import hashlib
import io
import lzma
import tarfile


@dataclasses.dataclass
class File:
    content: str = ""
    mode: int = 0o644


@dataclasses.dataclass
class Link:
    to: str


def archive(tree, compression="gz"):
    """A tar file of {path: text, File or Link}; compression is gz, xz, bz2
    or "" (Python has no zstd yet). Directories come by themselves."""
    out = io.BytesIO()
    made = set()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, what in tree.items():
            parts = path.split("/")
            for depth in range(1, len(parts)):
                above = "/".join(parts[:depth])
                if above not in made:
                    made.add(above)
                    tar.addfile(_info(above, tarfile.DIRTYPE, 0o755))
            if isinstance(what, Link):
                info = _info(path, tarfile.SYMTYPE, 0o777)
                info.linkname = what.to
                tar.addfile(info)
                continue
            what = File(what) if isinstance(what, str) else what
            content = what.content.encode()
            info = _info(path, tarfile.REGTYPE, what.mode)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    pack = {"gz": lambda data: gzip.compress(data, mtime=0),
            "xz": lzma.compress, "bz2": bz2.compress,
            "": lambda data: data}[compression]
    return pack(out.getvalue())


def _info(path, kind, mode):
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.mtime = kind, mode, 1542712800
    return info


def sha256(data):
    return hashlib.sha256(data).hexdigest()
