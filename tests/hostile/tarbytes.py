# SPDX-License-Identifier: Apache-2.0
"""tar, pax, GNU tar and compressed files by hand, byte for byte: what a
library would not write. POSIX.1-2017, pax; GNU tar's manual, "Basic Tar
Format"; RFC 1952 (gzip); RFC 8878 (zstd)."""
import struct
import zlib

TIME = 1000000000


def octal(value, width):
    return b"%0*o\0" % (width - 1, value)


def binary(value, width):
    """GNU's base-256; negative numbers too."""
    if value < 0:
        return (value + (1 << 8 * width)).to_bytes(width, "big")
    return bytes([0x80]) + value.to_bytes(width - 1, "big")


def raw(text):
    return text if isinstance(text, bytes) else text.encode()


def header(name, type="0", size=0, mode=0o644, link=b"", uid=0, gid=0,
           mtime=TIME, magic=b"ustar\00000", prefix=b"", major=0, minor=0,
           size_field=None, mtime_field=None, mode_field=None, uid_field=None,
           checksum=None, tail=None, signed=False):
    block = bytearray(512)
    name, link, prefix = raw(name), raw(link), raw(prefix)

    def put(at, data):
        block[at:at + len(data)] = data
    put(0, name[:100])
    put(100, mode_field or octal(mode, 8))
    put(108, uid_field or octal(uid, 8))
    put(116, octal(gid, 8))
    put(124, size_field if size_field is not None else octal(size, 12))
    put(136, mtime_field or octal(mtime, 12))
    put(148, b" " * 8)
    put(156, raw(type)[:1] or b"\0")
    put(157, link[:100])
    put(257, magic)
    put(329, octal(major, 8))
    put(337, octal(minor, 8))
    put(345, tail if tail is not None else prefix[:155])
    total = sum(byte - 256 if signed and byte > 127 else byte
                for byte in block)
    if checksum is None:
        checksum = total
    put(148, (b"%06o\0 " if checksum >= 0 else b"%6o\0 ")
        % (checksum & 0o777777))
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def file(name, data=b"x", **more):
    data = raw(data)
    return header(name, size=more.pop("size", len(data)), **more) + \
        padded(data)


def directory(name, mode=0o755, **more):
    return header(name, "5", mode=mode, **more)


def symlink(name, target, **more):
    return header(name, "2", link=target, mode=0o777, **more)


def hardlink(name, target, **more):
    return header(name, "1", link=target, **more)


def record(key, value):
    rest = b" " + raw(key) + b"=" + raw(value) + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def meta(type, data, **more):
    return header(more.pop("name", "pax"), type, size=len(data), **more) + \
        padded(data)


def pax(*pairs, type="x", **more):
    return meta(type, b"".join(record(k, v) for k, v in pairs), **more)


def gnu_long(type, text):
    return meta(type, raw(text) + b"\0", name="././@LongLink",
                magic=b"ustar  \0")


END = bytes(1024)


def tar(*parts):
    return b"".join(parts) + END


# ---- GNU sparse files ----

def gnu_sparse(name, pieces, real, data, more=(), extended=None, size=None,
               **head):
    """Old GNU format: four extents in the header, 21 in each block more."""
    tail = bytearray(167)
    for i, (offset, n) in enumerate(pieces[:4]):
        at = 386 - 345 + 24 * i
        tail[at:at + 24] = number(offset) + number(n)
    tail[482 - 345] = 1 if more or extended else 0
    tail[483 - 345:495 - 345] = number(real)
    out = header(name, "S", size=len(data) if size is None else size,
                 magic=b"ustar  \0", tail=bytes(tail), **head)
    for i, block in enumerate(more):
        out += block + bytes(504 - len(block)) + \
            bytes([i + 1 < len(more)]) + bytes(7)
    return out + padded(data)


def number(value):
    return octal(value, 12) if 0 <= value < 8 ** 11 else binary(value, 12)


def extents(pieces):
    return b"".join(number(a) + number(b) for a, b in pieces)


# ---- compressed ----

def gzip(data, level=6, crc=None, size=None, flags=0, extra=b"", method=8):
    body = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = body.compress(data) + body.flush()
    return b"\x1f\x8b" + bytes([method, flags]) + bytes(4) + b"\0\x03" + \
        extra + packed + struct.pack(
            "<II", zlib.crc32(data) if crc is None else crc,
            (len(data) if size is None else size) & 0xffffffff)


def gzip_zeros(head, count):
    """HEAD and COUNT zeros, without having them in memory."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    out, crc, zeros = [body.compress(head)], zlib.crc32(head), bytes(1 << 20)
    for _ in range(count >> 20):
        out.append(body.compress(zeros))
        crc = zlib.crc32(zeros, crc)
    out.append(body.flush())
    return b"\x1f\x8b\x08" + bytes(5) + b"\0\x03" + b"".join(out) + \
        struct.pack("<II", crc, (len(head) + count) & 0xffffffff)


def zstd_block(kind, data, last, size=None):
    size = len(data) if size is None else size
    return struct.pack("<I", last | kind << 1 | size << 3)[:3] + data


def zstd(data, window=None, zeros=0, checksum=None):
    """Raw blocks, then RLE blocks of zeros. WINDOW: its descriptor."""
    window = 0x58 if window is None else window          # 2 MiB
    blocks = []
    for at in range(0, len(data), 1 << 17):
        blocks.append((0, data[at:at + (1 << 17)], None))
    for _ in range(zeros >> 17):
        blocks.append((1, b"\0", 1 << 17))
    out = b"\x28\xb5\x2f\xfd" + bytes([4 if checksum is not None else 0,
                                       window])
    for i, (kind, body, size) in enumerate(blocks):
        out += zstd_block(kind, body, i + 1 == len(blocks), size)
    return out + (checksum if checksum is not None else b"")
