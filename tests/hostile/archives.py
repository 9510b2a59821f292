# SPDX-License-Identifier: Apache-2.0
"""The archives, each with its verdict. A Case is refused (a part of the
message is given, and the entry that the message must name), or accepted with
the tree that must then be there:

	"f": ("file", 0o644, b"content"), "d": ("dir", 0o755),
	"l": ("link", "target"), "h": ("same", "f")   # one inode

canary is the path of a directory outside, which many of them aim at."""
import bz2
import dataclasses
import lzma
import struct

from tarbytes import (END, TIME, binary, directory, extents, file, gnu_long,
                      gnu_sparse, gzip, gzip_zeros, hardlink, header, meta,
                      octal, padded, pax, raw, record, symlink, tar, zstd)


@dataclasses.dataclass
class Case:
    name: str
    data: bytes
    why: str = None              # refused: a part of the message
    entry: str = None            # refused: what the message calls it
    tree: dict = None            # accepted
    allow: tuple = ()
    limits: str = ""
    preserve_owner: bool = False


def F(content=b"x", mode=0o644):
    return ("file", mode, raw(content))


def D(mode=0o755):
    return ("dir", mode)


def L(target):
    return ("link", target)


GOOD = tar(file("f", "good"))
GOOD_TREE = {"f": F("good")}


def names(canary):
    """Names that lead out, or are no names."""
    up = '".." in it'
    for n in range(1, 7):
        yield Case(f"name-up-{n}", tar(file("ok"), file("../" * n +
                                                         "canary/pwned")),
                   up, "../" * n + "canary/pwned")
    yield Case("name-up-inner", tar(file("a/../../pwned")), up,
               "a/../../pwned")
    yield Case("name-up-inner-stays", tar(file("a/../pwned")), up,
               "a/../pwned")
    yield Case("name-up-last", tar(file("a/..")), up, "a/..")
    yield Case("name-up-dot", tar(file("./../pwned")), up, "./../pwned")
    yield Case("name-up-directory", tar(directory("../", 0o777)), up, "../")
    yield Case("name-up-directory-canary",
               tar(directory("../../../canary/", 0o777)), up,
               "../../../canary/")
    yield Case("name-up-symlink", tar(symlink("../pwned", "x")), up,
               "../pwned")
    yield Case("name-up-hardlink", tar(file("f"), hardlink("../pwned", "f")),
               up, "../pwned")
    yield Case("name-up-doubled-slash", tar(file("a//..//..//pwned")), up,
               "a//..//..//pwned")
    yield Case("name-up-prefix", tar(file("pwned", prefix="../..")), up,
               "../../pwned")
    yield Case("name-up-pax", tar(pax(("path", "../pwned")), file("f")), up,
               "../pwned")
    yield Case("name-up-gnu", tar(gnu_long("L", "../pwned"), file("f")), up,
               "../pwned")
    yield Case("name-up-long", tar(gnu_long("L", "a/" * 40 + "../" * 60 +
                                            "pwned"), file("f")), up)
    absolute = "absolute"
    pwned = f"{canary}/pwned"
    yield Case("name-absolute", tar(file(pwned)), absolute, pwned)
    yield Case("name-absolute-root", tar(file("/canary/pwned")), absolute,
               "/canary/pwned")
    yield Case("name-absolute-doubled", tar(file("/" + pwned)), absolute)
    yield Case("name-absolute-directory",
               tar(directory(canary + "/", 0o777)), absolute, canary)
    yield Case("name-absolute-pax", tar(pax(("path", pwned)), file("f")),
               absolute, pwned)
    yield Case("name-absolute-gnu", tar(gnu_long("L", pwned), file("f")),
               absolute, pwned)
    yield Case("name-absolute-prefix", tar(file("pwned", prefix=canary)),
               absolute, pwned)
    yield Case("name-absolute-slash", tar(directory("/", 0o777)), absolute)
    yield Case("name-empty", tar(file("ok"), file("")), "no name")
    yield Case("name-empty-pax", tar(pax(("path", "")), file("")), "no name")
    yield Case("name-top-is-a-file", tar(file("./")), "two ways", "./")
    yield Case("name-dot-is-a-file", tar(file(".")), "not a directory", ".")
    yield Case("name-dot-is-a-link", tar(symlink(".", "etc")),
               "not a directory", ".")
    yield Case("name-file-with-a-slash", tar(file("f/", "data")), "two ways",
               "f/")
    yield Case("name-below-a-file", tar(file("f"), file("f/g")),
               "a file, not a directory", "f/g")
    odd = {
        "newline": b"a\nb", "escape": b"\x1b[2Ja", "delete": b"a\x7f",
        "bell": b"\x1b]0;t\x07", "return": b"ok\rerror",
        "c1": "a\x9bb".encode(), "bidi": "a\u202eb".encode(),
        "latin-1": b"caf\xe9", "overlong": b"\xc0\xae\xc0\xae/pwned",
        "surrogate": b"\xed\xa0\x80", "cut": b"a\xe2\x82",
    }
    for what, name in odd.items():
        yield Case("name-odd-" + what, tar(file(name)), "control character")
    yield Case("name-odd-pax", tar(pax(("path", b"caf\xe9")), file("f")),
               "UTF-8")
    yield Case("name-odd-target", tar(symlink("l", b"a\x1b[2J")),
               "control character", "l")
    yield Case("name-odd-format", tar(file("../%s%n%d")), up, "../%s%n%d")
    yield Case("name-odd-allowed", tar(file(b"a\nb"), file(b"caf\xe9")),
               tree={b"a\nb": F(), b"caf\xe9": F()}, allow=("odd_names",))
    yield Case("name-odd-allowed-not-up",
               tar(file(b"\x1b[2J/../../pwned")), "\\x1b[2J/../../pwned",
               allow=("odd_names",))
    yield Case("name-nul-pax", tar(pax(("path", b"ok\0/../x")), file("f")),
               "zero byte")
    yield Case("name-nul-gnu", tar(gnu_long("L", b"ok\0/../x"), file("f")),
               "zero byte")
    yield Case("name-256", tar(gnu_long("L", "n" * 256), file("f")),
               "limit name")
    yield Case("name-255", tar(gnu_long("L", "n" * 255), file("f")),
               tree={"n" * 255: F()})
    yield Case("name-path-4097", tar(pax(("path", "n" * 96 + "/" + "ab/" *
                                          1333 + "nn")), file("f")),
               "limit path_length")
    yield Case("name-depth-65", tar(file("d/" * 32 + "f"),
                                    gnu_long("L", "d/" * 64 + "f"),
                                    file("f")), "limit depth")
    yield Case("name-depth-raised", tar(gnu_long("L", "d/" * 99 + "f"),
                                        file("f")),
               tree={**{"/".join(["d"] * n): D() for n in range(1, 100)},
                     "d/" * 99 + "f": F()}, limits="depth = 100;")
    plain = ["..." , "..x", "x..", "~root", "-rf", "C:\\x", "..\\x", " ",
             "\uff0e\uff0e", "$(id)", "a;b", "%2e%2e", "'\"", "*"]
    yield Case("name-strange-but-good", tar(*[file(n) for n in plain]),
               tree={n: F() for n in plain})
    yield Case("name-dots-and-slashes",
               tar(file("./a//./b"), directory("././"), file(".//c")),
               tree={"a": D(), "a/b": F(), "c": F()})


def links(canary):
    """Links out, and names through links."""
    out = "target is outside the tree"
    absolute = "target is an absolute path"
    through = "symbolic link"
    yield Case("link-absolute", tar(symlink("l", canary + "/secret")),
               absolute, "l")
    yield Case("link-absolute-through",
               tar(symlink("d", canary), file("d/pwned")), absolute, "d")
    yield Case("link-absolute-directory-mode",
               tar(symlink("d", canary), directory("d", 0o777)), absolute)
    yield Case("link-root-through", tar(symlink("d", "/"),
                                        file("d/canary/pwned")), absolute)
    yield Case("link-proc", tar(symlink("d", "/proc/self/cwd"),
                                file("d/pwned")), absolute)
    for n in range(1, 6):
        yield Case(f"link-up-{n}",
                   tar(symlink("l", "../" * n + "canary"),
                       file("l/pwned")), out, "l")
    yield Case("link-up-slash", tar(symlink("l", "../")), out, "l")
    yield Case("link-up-only", tar(symlink("l", "..")), out, "l")
    yield Case("link-up-one-too-many",
               tar(directory("d"), symlink("d/l", "../../x")), out, "d/l")
    yield Case("link-up-dotted", tar(symlink("l", "./.././x")), out, "l")
    yield Case("link-up-after-name", tar(directory("d"),
                                         symlink("l", "d/../../x")),
               "after a name", "l")
    yield Case("link-cur-par",
               tar(symlink("cur", "."), symlink("par", "cur/.."),
                   file("par/pwned")), "after a name", "par")
    yield Case("link-cur-par-deep",
               tar(directory("a"), symlink("a/cur", "."),
                   symlink("a/par", "cur/../.."), file("a/par/pwned")),
               "after a name", "a/par")
    yield Case("link-stacked",
               tar(symlink("a", "b"), symlink("b", ".."), file("a/pwned")),
               out, "b")
    yield Case("link-empty", tar(symlink("l", "")), "target", "l")
    yield Case("link-through-inside",
               tar(directory("d"), symlink("l", "d"), file("l/f")), through,
               "l/f")
    yield Case("link-through-directory",
               tar(directory("d"), symlink("l", "d"),
                   directory("l/e")), through, "l/e")
    yield Case("link-through-symlink",
               tar(directory("d"), symlink("l", "d"),
                   symlink("l/m", "x")), through, "l/m")
    yield Case("link-through-dot",
               tar(symlink("l", "."), file("l/f")), through, "l/f")
    yield Case("link-through-loop",
               tar(symlink("l", "l"), file("l/f")), through, "l/f")
    yield Case("link-pax-target",
               tar(pax(("linkpath", canary)), symlink("l", "good")),
               absolute, "l")
    yield Case("link-gnu-target",
               tar(gnu_long("K", canary), symlink("l", "good")), absolute,
               "l")
    yield Case("link-gnu-target-nul",
               tar(gnu_long("K", b"ok\0../x"), symlink("l", "good")),
               "zero byte")
    yield Case("link-target-long",
               tar(pax(("linkpath", "n/" * 2100)), symlink("l", "x")),
               "limit path_length", "l")
    yield Case("link-size", tar(header("l", "2", link="f", size=512) +
                                file("hidden")), "two ways", "l")
    yield Case("link-good",
               tar(file("f"), directory("d"), symlink("l", "f"),
                   symlink("d/up", "../f"), symlink("d/top", ".."),
                   symlink("here", "."), symlink("loop", "loop"),
                   symlink("gone", "not/there"), symlink("v", "./d/.")),
               tree={"f": F(), "d": D(), "l": L("f"), "d/up": L("../f"),
                     "d/top": L(".."), "here": L("."), "loop": L("loop"),
                     "gone": L("not/there"), "v": L("./d/.")})
    yield Case("link-out-allowed",
               tar(symlink("null", "/dev/null"), symlink("up", "../x"),
                   symlink("p", canary + "/secret")),
               tree={"null": L("/dev/null"), "up": L("../x"),
                     "p": L(canary + "/secret")}, allow=("outside_links",))
    yield Case("link-out-allowed-not-through",
               tar(symlink("d", canary), file("d/pwned")), through,
               "d/pwned", allow=("outside_links",))
    yield Case("link-out-allowed-directory",
               tar(symlink("d", canary), directory("d", 0o700), file("d/f")),
               tree={"d": D(0o700), "d/f": F()}, allow=("outside_links",))
    yield Case("link-out-allowed-file",
               tar(symlink("l", canary + "/secret"), file("l", "mine")),
               tree={"l": F("mine")}, allow=("outside_links",))
    yield Case("link-out-allowed-hardlink",
               tar(symlink("l", canary + "/secret"), hardlink("h", "l")),
               "not a regular file", "h", allow=("outside_links",))
    yield Case("link-out-allowed-hardlink-through",
               tar(symlink("d", canary), hardlink("h", "d/secret")),
               "not an earlier entry", "h", allow=("outside_links",))


def hardlinks(canary):
    secret = canary + "/secret"
    earlier = "not an earlier entry"
    yield Case("hard-absolute", tar(hardlink("h", secret)), "absolute",
               secret)
    yield Case("hard-absolute-write",
               tar(hardlink("h", secret), file("h", "mine")), "absolute")
    yield Case("hard-passwd", tar(hardlink("h", "/etc/passwd")), "absolute",
               "/etc/passwd")
    for n in (1, 3, 5):
        yield Case(f"hard-up-{n}",
                   tar(hardlink("h", "../" * n + "canary/secret")),
                   '".." in it')
    yield Case("hard-up-inner", tar(directory("d"),
                                    hardlink("h", "d/../../x")), '".." in it')
    yield Case("hard-later", tar(hardlink("h", "f"), file("f")), earlier, "h")
    yield Case("hard-none", tar(hardlink("h", "nothing")), earlier, "h")
    yield Case("hard-itself", tar(hardlink("h", "h")), earlier, "h")
    yield Case("hard-itself-there", tar(file("h"), hardlink("h", "./h")),
               "names itself", "h")
    yield Case("hard-directory", tar(directory("d"), hardlink("h", "d")),
               "not a regular file", "h")
    yield Case("hard-top", tar(hardlink("h", ".")), earlier, "h")
    yield Case("hard-symlink", tar(symlink("s", "f"), hardlink("h", "s")),
               "not a regular file", "h")
    yield Case("hard-through-symlink",
               tar(directory("d"), file("d/f"), symlink("l", "d"),
                   hardlink("h", "l/f")), earlier, "h")
    yield Case("hard-replaced-by-symlink",
               tar(file("f"), symlink("f", "g"), hardlink("h", "f")),
               "not a regular file", "h")
    yield Case("hard-replaced-by-directory",
               tar(symlink("f", "g"), directory("f"), hardlink("h", "f")),
               "not a regular file", "h")
    yield Case("hard-with-data",
               tar(file("f"), header("h", "1", link="f", size=4) +
                   padded(b"more")), "two ways", "h")
    yield Case("hard-pax-target",
               tar(file("f"), pax(("linkpath", secret)), hardlink("h", "f")),
               "absolute", secret)
    yield Case("hard-pax-size",
               tar(file("f"), pax(("size", "512")), hardlink("h", "f"),
                   padded(b"hidden")), "two ways")
    yield Case("hard-good",
               tar(file("f", "one"), directory("d"), hardlink("d/h", "f"),
                   hardlink("i", "./d/h")),
               tree={"f": F("one"), "d": D(), "d/h": ("same", "f"),
                     "i": ("same", "f")})
    yield Case("hard-replaced-later",
               tar(file("f", "first"), hardlink("h", "f"),
                   file("f", "second")),
               tree={"f": F("second"), "h": F("first")})
    yield Case("hard-written-over",
               tar(file("f", "first"), hardlink("h", "f"),
                   file("h", "second")),
               tree={"f": F("first"), "h": F("second")})
    yield Case("hard-over-file",
               tar(file("f", "one"), file("h", "two"), hardlink("h", "f")),
               tree={"f": F("one"), "h": ("same", "f")})
    yield Case("hard-mode-is-not-its-own",
               tar(file("f", "one"), hardlink("h", "f", mode=0o4777)),
               tree={"f": F("one"), "h": ("same", "f")})


def types():
    only = "may hold files, directories and links only"
    yield Case("type-null", tar(header("null", "3", major=1, minor=3,
                                       mode=0o666)), only, "null")
    yield Case("type-disk", tar(header("disk", "4", major=8, minor=0,
                                       mode=0o666)), only, "disk")
    yield Case("type-mem", tar(header("dev/mem", "3", major=1, minor=1)),
               only, "dev/mem")
    yield Case("type-fifo", tar(header("fifo", "6")), only, "fifo")
    yield Case("type-device-over-file",
               tar(file("f"), header("f", "3", major=1, minor=3)), only, "f")
    yield Case("type-device-with-size",
               tar(header("n", "3", size=512), file("f")), "two ways", "n")
    yield Case("type-directory-with-size",
               tar(header("d", "5", size=512), file("f")), "two ways", "d")
    for letter, what in (("M", "multi-volume"), ("D", "incremental"),
                         ("N", "old long names")):
        yield Case("type-" + letter, tar(file("ok"), header("n", letter)),
                   what, "n")
    for letter in "XAIZEs89:":
        yield Case("type-unknown-" + format(ord(letter), "x"),
                   tar(header("n", letter)), "not known", "n")
    yield Case("type-unknown-escape", tar(header("n", b"\x1b")), "'\\x1b'",
               "n")
    yield Case("type-label", tar(header("a label", "V"), file("f", "good")),
               tree=GOOD_TREE)
    yield Case("type-label-with-size", tar(header("a", "V", size=512),
                                           file("f")), "not known")
    yield Case("type-contiguous", tar(file("f", "good", type="7")),
               tree=GOOD_TREE)
    yield Case("type-v7", tar(file("f", "good", type="\0", magic=b"\0" * 8),
                              header("d/", "\0", magic=b"\0" * 8,
                                     mode=0o755)),
               tree={**GOOD_TREE, "d": D()})


def modes():
    yield Case("mode-setuid", tar(file("su", mode=0o4755)), "setuid bit",
               "su")
    yield Case("mode-setgid", tar(file("wall", mode=0o2755)), "setgid bit",
               "wall")
    yield Case("mode-both", tar(file("su", mode=0o6755)), "setuid bit", "su")
    yield Case("mode-setuid-no-exec", tar(file("su", mode=0o4644)),
               "setuid bit", "su")
    yield Case("mode-setuid-twice", tar(file("su"), file("su", mode=0o4755)),
               "setuid bit", "su")
    yield Case("mode-setuid-sparse",
               tar(gnu_sparse("su", [(0, 1)], 1, b"x", mode=0o4755)),
               "setuid bit", "su")
    yield Case("mode-setuid-allowed",
               tar(file("su", mode=0o4755), file("f", mode=0o4711)),
               tree={"su": F(mode=0o4755), "f": F(mode=0o4711)},
               allow=("setuid",))
    yield Case("mode-setgid-allowed",
               tar(file("wall", mode=0o2755), directory("d", 0o2775)),
               tree={"wall": F(mode=0o2755), "d": D(0o2775)},
               allow=("setgid",))
    yield Case("mode-setgid-when-setuid-is-allowed",
               tar(file("wall", mode=0o2755)), "setgid bit", "wall",
               allow=("setuid",))
    yield Case("mode-stripped",
               tar(directory("d", 0o7777), file("d/f", mode=0o1666),
                   file("g", mode=0o777), directory("e", 0o1777)),
               tree={"d": D(0o775), "d/f": F(mode=0o664),
                     "g": F(mode=0o775), "e": D(0o775)})
    yield Case("mode-none", tar(file("f", mode=0), directory("d", 0),
                                file("d/g", mode=0o400)),
               tree={"f": F(mode=0), "d": D(0), "d/g": F(mode=0o400)})
    yield Case("mode-file-type-bits",
               tar(header("f", mode_field=b"0120644\0", size=1) +
                   padded(b"x")), tree={"f": F()})
    yield Case("mode-setuid-base-256",
               tar(header("su", mode_field=binary(0o4755, 8), size=1) +
                   padded(b"x")), "setuid bit", "su")
    capability = b"\x01\0\0\x02\0\x20\0\0" + bytes(12)
    for key in ("SCHILY.xattr.security.capability",
                "LIBARCHIVE.xattr.security.capability"):
        yield Case("mode-capability-" + key[0],
                   tar(pax((key, capability)), file("ping")),
                   "file capabilities")
    yield Case("mode-capability-allowed",
               tar(pax(("SCHILY.xattr.security.capability", capability)),
                   file("ping")), tree={"ping": F()},
               allow=("capabilities",))
    yield Case("mode-attributes",
               tar(pax(("SCHILY.xattr.user.x", "y"),
                       ("LIBARCHIVE.xattr.com.apple.provenance", "AAAA"),
                       ("SCHILY.acl.access", "user::rw-,user:1:rwx,"
                        "group::r--,mask::rwx,other::r--"),
                       ("SCHILY.acl.default", "user::rwx,group::rwx,"
                        "other::rwx"),
                       ("RHT.security.selinux", "x:y:z:s0")),
                   file("f", "good")), tree=GOOD_TREE)
    yield Case("mode-acl-that-gives-all",
               tar(pax(("SCHILY.acl.access", "user::rwx,user:1:rwx,"
                        "group::r--,mask::rwx,other::rwx")),
                   file("f", "good")), tree={"f": F("good", 0o745)})
    yield Case("mode-flags-immutable",
               tar(pax(("SCHILY.fflags", "schg,uappnd,nodump")),
                   file("f", "good")), tree=GOOD_TREE)
    yield Case("mode-owner", tar(file("f", "good", uid=1000, gid=1000)),
               tree=GOOD_TREE)
    yield Case("mode-owner-minus-one",
               tar(pax(("uid", "4294967295")), file("f")), "owner", "f",
               preserve_owner=True)
    yield Case("mode-owner-huge",
               tar(file("f", uid_field=binary(1 << 40, 8))), "owner", "f",
               preserve_owner=True)
    yield Case("mode-owner-negative",
               tar(file("f", uid_field=binary(-2, 8))), "owner", "f",
               preserve_owner=True)


def doubles(canary):
    yield Case("double-file", tar(file("f", "first"), file("f", "good")),
               tree=GOOD_TREE)
    yield Case("double-mode",
               tar(file("f", "good", mode=0o777), file("f", "good")),
               tree=GOOD_TREE)
    yield Case("double-many", tar(*[file("f", str(i)) for i in range(500)],
                                  file("f", "good")), tree=GOOD_TREE)
    yield Case("double-spelled", tar(file("./f", "first"), file("f", "no"),
                                     file(".//f", "good")), tree=GOOD_TREE)
    yield Case("double-directory",
               tar(directory("d", 0o700), file("d/f"), directory("d", 0o711)),
               tree={"d": D(0o711), "d/f": F()})
    yield Case("double-link-then-file",
               tar(file("g", "other"), symlink("f", "g"), file("f", "good")),
               tree={**GOOD_TREE, "g": F("other")})
    yield Case("double-file-then-link",
               tar(file("f"), symlink("f", "g")), tree={"f": L("g")})
    yield Case("double-link-then-directory",
               tar(directory("e", 0o755), symlink("d", "e"),
                   directory("d", 0o700), file("d/f")),
               tree={"e": D(), "d": D(0o700), "d/f": F()})
    yield Case("double-directory-then-link",
               tar(directory("d"), file("d/f"), symlink("d", canary),
                   file("d/pwned")), "refused", "d")
    yield Case("double-directory-then-link-inside",
               tar(directory("d"), directory("e"), symlink("d", "e"),
                   file("d/f")), "twice", "d")
    yield Case("double-directory-then-file", tar(directory("d"), file("d")),
               "twice", "d")
    yield Case("double-case", tar(file("Name", "one"), file("name", "two"),
                                  directory("D"), file("d", "three")),
               tree={"Name": F("one"), "name": F("two"), "D": D(),
                     "d": F("three")})


def headers():
    """Headers that lie, are damaged, or too large."""
    damaged = "damaged"
    good = header("f", size=4)
    yield Case("head-checksum-first",
               tar(header("f", checksum=1), file("g")), "not a tar archive")
    yield Case("head-checksum-second",
               tar(file("ok"), header("f", checksum=1), file("g")), damaged)
    yield Case("head-checksum-last",
               tar(file("ok"), file("g"), header("f", checksum=1)), damaged)
    yield Case("head-checksum-directory",
               tar(file("ok"), directory("d", checksum=7)), damaged)
    yield Case("head-checksum-pax",
               tar(file("ok"), pax(("path", "x"), checksum=7), file("f")),
               damaged)
    yield Case("head-checksum-signed",
               tar(file("f\u00fc", "good", signed=True)),
               tree={"f\u00fc": F("good")})
    for what, field in (("negative", binary(-1, 12)),
                        ("minus", b"-0000000001\0"),
                        ("letters", b"0000000zzz\0\0"),
                        ("octal-9", b"00000000009\0"),
                        ("binary-huge", b"\x80" + b"\xff" * 11),
                        ("hex", b"0x000000100\0")):
        yield Case("head-size-" + what,
                   tar(header("f", size_field=field), file("g")),
                   "size that is no number", "f")
    yield Case("head-size-63-bits",
               tar(header("f", size_field=binary((1 << 63) - 1, 12))),
               "larger than any file", "f")
    yield Case("head-size-petabyte",
               tar(header("f", size_field=binary(1 << 50, 12))),
               "limit file_size", "f")
    yield Case("head-size-8-gigabytes", tar(header("f", size=8 ** 11 - 1)),
               "truncated")
    yield Case("head-size-total",
               tar(file("a", "12345"), file("b", "123456")),
               "limit total_size", "b", limits='total_size = 10;')
    yield Case("head-size-file", tar(file("a", "123456")), "limit file_size",
               "a", limits='file_size = 5;')
    yield Case("head-entries", tar(*[file(f"f{i}") for i in range(11)]),
               "limit entries", "f10", limits="entries = 10;")
    yield Case("head-size-spaces",
               tar(header("f", size_field=b"          4\0") +
                   padded(b"good")), tree=GOOD_TREE)
    yield Case("head-size-base-256",
               tar(header("f", size_field=binary(4, 12)) + padded(b"good")),
               tree=GOOD_TREE)
    yield Case("pax-size", tar(pax(("size", "4")), header("f"),
                               padded(b"good")), tree=GOOD_TREE)
    yield Case("pax-size-hides",
               tar(pax(("size", "1024")), header("f", size=0),
                   header("inner", size=0), bytes(512), file("g")),
               tree={"f": F(header("inner", size=0) + bytes(512)),
                     "g": F()})
    for what, value in (("negative", "-1"), ("letters", "1k"),
                        ("empty", ""), ("fraction", "4.0"),
                        ("hex", "0x4"), ("huge", "9" * 30),
                        ("wraps", str((1 << 64) + 4)),
                        ("sign", "+4"), ("spaces", " 4")):
        yield Case("pax-size-" + what,
                   tar(pax(("size", value)), good, padded(b"good")),
                   "size that is none")
    for what, data in (("long", b"99 path=x\n"), ("short", b"5 path=x\n"),
                       ("no-newline", b"9 path=xy"), ("zero", b"0 a=b\n"),
                       ("no-equals", b"9 path x\n"), ("no-key", b"6 =ab\n"),
                       ("words", b"hello, world\n"),
                       ("negative", b"-9 path=x\n"),
                       ("tail", record("path", "x") + b"\0\0\0"),
                       ("nul-key", b"10 pa\0h=x\n")):
        yield Case("pax-record-" + what,
                   tar(meta("x", data), file("f")), "malformed")
    yield Case("pax-twice", tar(pax(("path", "a")), pax(("path", "b")),
                                file("f")), "two headers")
    yield Case("pax-chain",
               tar(*[pax(("comment", "x")) for _ in range(3000)], file("f")),
               "two headers")
    yield Case("pax-for-none", tar(file("f"), pax(("path", "lost"))),
               "does not follow", "lost")
    yield Case("pax-and-gnu", tar(pax(("path", "a")), gnu_long("L", "b"),
                                  file("f")), "both a pax header", "a")
    yield Case("gnu-and-pax", tar(gnu_long("L", "b"), pax(("path", "a")),
                                  file("f")), "both a pax header", "b")
    yield Case("pax-large", tar(pax(("comment", "x" * (2 << 20))), file("f")),
               "limit header_size")
    yield Case("pax-large-raised",
               tar(pax(("comment", "x" * (900 << 10))), file("f", "good")),
               tree=GOOD_TREE)
    yield Case("pax-many-records",
               tar(meta("x", record("a", "b") * 200000), file("f")),
               "limit header_size")
    yield Case("pax-claims-8-gigabytes", tar(header("p", "x",
                                                    size=8 ** 11 - 1)),
               "limit header_size")
    yield Case("pax-global-comment",
               tar(pax(("comment", "0" * 40), type="g"), file("f", "good")),
               tree=GOOD_TREE)
    for key in ("path", "linkpath", "size", "GNU.sparse.name"):
        yield Case("pax-global-" + key.lower(),
                   tar(pax((key, "1"), type="g"), file("a"), file("b")),
                   "gives all entries the same")
    yield Case("pax-global-out-of-place",
               tar(pax(("path", "a")), pax(("comment", "c"), type="g"),
                   file("f")), "out of place")
    yield Case("pax-global-some",
               tar(*[pax(("comment", "c"), type="g") for _ in range(3)],
                   file("f", "good")), tree=GOOD_TREE)
    yield Case("pax-global-many",
               tar(*[pax(("comment", "c"), type="g") for _ in range(4000)],
                   file("f", "good")), "Too many special headers")
    yield Case("pax-times",
               tar(pax(("mtime", "1000000000.5"), ("atime", "-5"),
                       ("ctime", "x")), file("f", "good")), tree=GOOD_TREE)
    yield Case("pax-binary-name",
               tar(pax(("hdrcharset", "BINARY"), ("path", b"caf\xe9")),
                   file("f")), "not UTF-8")
    yield Case("gnu-long-large", tar(gnu_long("L", "n" * (2 << 20)),
                                     file("f")), "limit header_size")
    yield Case("gnu-long-4-gigabytes",
               tar(header("././@LongLink", "L", size=1 << 32)),
               "limit header_size")
    yield Case("gnu-long-negative",
               tar(header("././@LongLink", "L",
                          size_field=binary(-512, 12))),
               "size that is no number")
    yield Case("gnu-long-twice", tar(gnu_long("L", "a"), gnu_long("L", "b"),
                                     file("f")), "two headers")
    yield Case("gnu-long-for-none", tar(file("f"), gnu_long("L", "lost")),
               "does not follow", "lost")
    yield Case("gnu-long-good",
               tar(gnu_long("K", "t" * 200), gnu_long("L", "n" * 200),
                   symlink("short", "short")), tree={"n" * 200: L("t" * 200)})
    yield Case("head-mtime-huge",
               tar(file("f", "good", mtime_field=binary(1 << 62, 12))),
               tree=GOOD_TREE)
    yield Case("head-mtime-negative",
               tar(file("f", "good", mtime_field=binary(-(1 << 40), 12))),
               tree=GOOD_TREE)
    truncated = "truncated"
    yield Case("end-none", file("f", "good"), truncated, "f")
    yield Case("end-one-block", file("f", "good") + bytes(512), truncated)
    yield Case("end-half-block", file("f", "good") + bytes(700), truncated)
    yield Case("end-in-data", file("f", "y" * 5000)[:2000], truncated)
    yield Case("end-in-padding", file("f", "good")[:700], truncated)
    yield Case("end-in-header", file("f", "good") + header("g")[:300],
               truncated)
    yield Case("end-in-pax", pax(("comment", "x" * 3000))[:1500], truncated)
    yield Case("end-block-in-the-middle",
               file("a") + bytes(512) + file("b") + END, "one block of zeros")
    yield Case("end-rubbish", GOOD + b"rubbish", "behind the end")
    yield Case("end-second-archive", GOOD + tar(file("hidden")),
               "behind the end")
    yield Case("end-far-behind", GOOD + bytes(100000) + tar(file("hidden")),
               "behind the end")
    yield Case("end-padded", GOOD + bytes(20000), tree=GOOD_TREE)
    yield Case("end-zeros-only", bytes(10240), "no entries")
    yield Case("end-label-only", tar(header("label", "V")), "no entries")
    yield Case("end-empty", b"", "empty (0 bytes)")
    yield Case("end-one-byte", b"\0", "not a tar archive")
    yield Case("end-511-bytes", bytes(511), "not a tar archive")


def sparse():
    data = b"A" * 512
    yield Case("sparse-gnu",
               tar(gnu_sparse("f", [(1024, 512), (4096, 0)], 4096, data)),
               tree={"f": F(bytes(1024) + data + bytes(2560))})
    yield Case("sparse-gnu-blocks",
               tar(gnu_sparse("f", [(512 * i, 512) for i in (0, 2, 4, 6)],
                              512 * 11, data * 6,
                              more=[extents([(512 * 8, 512),
                                             (512 * 10, 512)])])),
               tree={"f": F((data + bytes(512)) * 5 + data)})
    yield Case("sparse-gnu-overlap",
               tar(gnu_sparse("f", [(0, 512), (256, 512)], 4096, data * 2)),
               "sparse map", "f")
    yield Case("sparse-gnu-backwards",
               tar(gnu_sparse("f", [(1024, 512), (0, 512)], 4096, data * 2)),
               "sparse map", "f")
    yield Case("sparse-gnu-past-its-size",
               tar(gnu_sparse("f", [(8192, 512)], 4096, data)), "more "
               "data than its size says", "f")
    yield Case("sparse-gnu-negative",
               tar(gnu_sparse("f", [(-512, 512)], 4096, data)), "sparse map", "f")
    yield Case("sparse-gnu-wraps",
               tar(gnu_sparse("f", [((1 << 63) - 256, 512)], 4096, data)),
               "sparse map", "f")
    yield Case("sparse-gnu-exabyte",
               tar(gnu_sparse("f", [(0, 512)], 1 << 60, data)),
               "limit file_size", "f")
    yield Case("sparse-gnu-hole",
               tar(gnu_sparse("f", [(0, 512)], 8 << 30, data)),
               "limit ratio", "f")
    yield Case("sparse-gnu-holes",
               tar(*[gnu_sparse(f"f{i}", [(0, 512)], 1 << 30, data)
                     for i in range(80)]), "limit ratio", "f0")
    yield Case("sparse-gnu-map-without-end",
               tar(gnu_sparse("f", [], 4096, b"", extended=1) +
                   b"\0" * 504 + b"\1" + bytes(7)), "damaged", "f")
    yield Case("sparse-gnu-map-bomb",
               tar(gnu_sparse("f", [(0, 0)] * 4, 1 << 20, b"",
                              more=[extents([(21 * i + j, 0)
                                             for j in range(21)])
                                    for i in range(2200)])),
               "limit header_size")
    yield Case("sparse-pax-0.0",
               tar(pax(("GNU.sparse.size", "2048"),
                       ("GNU.sparse.numblocks", "2"),
                       ("GNU.sparse.offset", "1024"),
                       ("GNU.sparse.numbytes", "512"),
                       ("GNU.sparse.offset", "2048"),
                       ("GNU.sparse.numbytes", "0")), file("f", data)),
               tree={"f": F(bytes(1024) + data + bytes(512))})
    yield Case("sparse-pax-0.1",
               tar(pax(("GNU.sparse.name", "f"), ("GNU.sparse.size", "2048"),
                       ("GNU.sparse.numblocks", "2"),
                       ("GNU.sparse.map", "1024,512,2048,0")),
                   file("x", data)),
               tree={"f": F(bytes(1024) + data + bytes(512))})
    yield Case("sparse-pax-1.0",
               tar(pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                       ("GNU.sparse.name", "f"),
                       ("GNU.sparse.realsize", "2048")),
                   file("x", padded(b"2\n1024\n512\n2048\n0\n") + data)),
               tree={"f": F(bytes(1024) + data + bytes(512))})
    up = '".." in it'
    yield Case("sparse-pax-name-up",
               tar(pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                       ("GNU.sparse.name", "../pwned"),
                       ("GNU.sparse.realsize", "2048")),
                   file("good", padded(b"1\n1024\n512\n") + data)),
               up, "../pwned")
    for what, text in (("letters", b"x,y"), ("odd", b"0,1,2"),
                       ("negative", b"-5,512"), ("huge", b"9" * 25 + b",1"),
                       ("overlap", b"0,512,10,512"), ("empty", b"")):
        yield Case("sparse-pax-map-" + what,
                   tar(pax(("GNU.sparse.name", "f"),
                           ("GNU.sparse.size", "2048"),
                           ("GNU.sparse.numblocks", "1"),
                           ("GNU.sparse.map", text)), file("x", data)), "sparse map",
                   "f")
    for what, text in (("count-huge", b"999999999999\n0\n512\n"),
                       ("count-letters", b"many\n0\n512\n"),
                       ("count-missing", b"\n"),
                       ("no-newline", b"1" * 600),
                       ("count-lies", b"9\n0\n512\n")):
        yield Case("sparse-pax-1.0-" + what,
                   tar(pax(("GNU.sparse.major", "1"),
                           ("GNU.sparse.minor", "0"),
                           ("GNU.sparse.name", "f"),
                           ("GNU.sparse.realsize", "2048")),
                       file("x", padded(text) + data)), "sparse map", "f")
    yield Case("sparse-pax-hole",
               tar(pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                       ("GNU.sparse.name", "f"),
                       ("GNU.sparse.realsize", str(9 << 40))),
                   file("x", padded(b"1\n0\n512\n") + data)),
               "limit file_size", "f")


def packed():
    """Compression, and what is no tar archive at all."""
    damaged = "checksum or length does not match"
    else_ = "something else"
    bomb = header("zeros", size=1 << 30)
    xz = lzma.compress(GOOD)
    bz = bz2.compress(GOOD)
    yield Case("gzip-crc", gzip(GOOD, crc=1), damaged)
    yield Case("gzip-length", gzip(GOOD, size=1), damaged)
    yield Case("gzip-cut", gzip(GOOD)[:-20], "truncated")
    yield Case("gzip-cut-trailer", gzip(GOOD)[:-3], "truncated")
    yield Case("gzip-rubbish", gzip(GOOD) + b"rubbish", "is not gzip")
    yield Case("gzip-padded", gzip(GOOD) + bytes(600), tree=GOOD_TREE)
    yield Case("gzip-padded-member", gzip(GOOD) + bytes(9) + gzip(GOOD),
               "is not gzip")
    yield Case("gzip-members", gzip(GOOD[:700]) + gzip(GOOD[700:]),
               tree=GOOD_TREE)
    yield Case("gzip-member-crc", gzip(GOOD[:700]) + gzip(GOOD[700:], crc=1),
               damaged)
    yield Case("gzip-two-archives", gzip(GOOD) + gzip(tar(file("hidden"))),
               "behind the end")
    yield Case("gzip-twice", gzip(gzip(GOOD)), "compressed a second time")
    yield Case("gzip-name",
               gzip(GOOD, flags=8, extra=b"../../pwned\x1b[2J\0"),
               tree=GOOD_TREE)
    yield Case("gzip-method", gzip(GOOD, method=7), "method is unknown")
    yield Case("gzip-nothing", gzip(b""), "nothing in the compressed file")
    yield Case("gzip-head-only", gzip(GOOD)[:10], "truncated")
    yield Case("gzip-garbage", gzip(GOOD)[:10] + b"\xff" * 500, "damaged")
    yield Case("gzip-bomb", gzip_zeros(bomb, 200 << 20), "limit ratio")
    yield Case("gzip-bomb-behind-the-end", gzip_zeros(GOOD, 200 << 20),
               "limit ratio")
    yield Case("gzip-zip", gzip(b"PK\3\4" + bytes(600)), "a zip archive")
    yield Case("xz-check", xz[:-30] + bytes([xz[-30] ^ 1]) + xz[-29:],
               "damaged")
    yield Case("xz-cut", xz[:-10], "truncated")
    yield Case("xz-rubbish", xz + b"rubbish!", "decompress")
    yield Case("xz-streams", lzma.compress(GOOD[:700]) +
               lzma.compress(GOOD[700:]), tree=GOOD_TREE)
    yield Case("xz-bomb", lzma.compress(bomb + bytes(96 << 20), preset=0),
               "limit ratio")
    yield Case("xz-dictionary", xz_with_dictionary(37), "limit window")
    yield Case("xz-dictionary-4-gigabytes", xz_with_dictionary(40),
               "limit window")
    yield Case("xz-dictionary-small", lzma.compress(
        GOOD, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]),
        "limit window", limits='window = "64k";')
    yield Case("xz-no-check", lzma.compress(GOOD, check=lzma.CHECK_NONE),
               tree=GOOD_TREE)
    yield Case("bzip2-crc", bz[:-6] + bytes([bz[-6] ^ 1]) + bz[-5:],
               "decompress")
    yield Case("bzip2-cut", bz[:-8], "truncated")
    yield Case("bzip2-rubbish", bz + b"rubbish", else_)
    yield Case("bzip2-streams", bz2.compress(GOOD[:700]) +
               bz2.compress(GOOD[700:]), tree=GOOD_TREE)
    yield Case("bzip2-bomb", bz2.compress(bomb + bytes(96 << 20), 9),
               "limit ratio")
    yield Case("zstd-good", zstd(GOOD), tree=GOOD_TREE)
    yield Case("zstd-frames", zstd(GOOD[:700]) + zstd(GOOD[700:]),
               tree=GOOD_TREE)
    yield Case("zstd-skippable",
               zstd(GOOD) + b"\x50\x2a\x4d\x18\4\0\0\0skip",
               tree=GOOD_TREE)
    yield Case("zstd-checksum", zstd(GOOD, checksum=b"\1\2\3\4"),
               "decompress")
    yield Case("zstd-cut", zstd(GOOD)[:-10], "truncated")
    yield Case("zstd-bomb", zstd(bomb, zeros=512 << 20), "limit ratio")
    yield Case("zstd-window-2-gigabytes", zstd(GOOD, window=0xa8),
               "limit window")
    yield Case("zstd-window-later", zstd(GOOD[:512]) +
               zstd(GOOD[512:], window=0xa8), "decompress")
    yield Case("zstd-rubbish", zstd(GOOD) + b"rubbish!", "decompress")
    yield Case("zstd-twice", zstd(xz), "compressed a second time")
    other = "not a tar archive"
    for what, data in (
            ("zip", b"PK\3\4\x14" + bytes(25) + b"../../pwnedx"),
            ("zip-empty", b"PK\5\6" + bytes(18)),
            ("7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(600)),
            ("rar", b"Rar!\x1a\7\0" + bytes(600)),
            ("ar", b"!<arch>\n../../pwned/   0  0 0 644 1         `\nx\n"),
            ("deb", b"!<arch>\ndebian-binary   0           0     0     "
                    b"100644  4         `\n2.0\n"),
            ("cpio-newc", cpio("../../pwned", b"x")),
            ("cpio-odc", b"070707" + b"0" * 70 + b"pwned\0"),
            ("cpio-binary", b"\xc7\x71" + bytes(24) + b"pwned\0"),
            ("mtree", b"#mtree\n./f type=file mode=4755 content=/etc/shadow"
                      b"\n"),
            ("uuencode", b"begin 644 ../../pwned\n#0V%T\n`\nend\n"),
            ("uuencode-tar", uuencode(GOOD)),
            ("rpm", b"\xed\xab\xee\xdb" + bytes(600)),
            ("cab", b"MSCF" + bytes(600)), ("xar", b"xar!" + bytes(600)),
            ("lha", b"\x20\x20-lh5-" + bytes(600)),
            ("warc", b"WARC/1.0\r\nWARC-Type: resource\r\n\r\n"),
            ("shar", b"#!/bin/sh\nid > /tmp/pwned\n"),
            ("compress", b"\x1f\x9d\x90" + bytes(600)),
            ("lzma", lzma.compress(GOOD, format=lzma.FORMAT_ALONE)),
            ("lz4", b"\x04\x22\x4d\x18" + bytes(600)),
            ("lzip", b"LZIP\1\x0c" + bytes(600)),
            ("lzop", b"\x89LZO\0\r\n\x1a\n" + bytes(600)),
            ("lrzip", b"LRZI\0\6" + bytes(600)),
            ("grzip", b"GRZipII\0\2\4:)" + bytes(600)),
            ("html", b"<!DOCTYPE html><title>404</title>" + bytes(600)),
            ("script-in-message", b"\x1b]0;pwned\x07" + bytes(600)),
            ("noise", bytes((i * 7919 >> 3) & 255 for i in range(4096)))):
        yield Case("not-" + what, data, other)


    yield Case("not-iso", bytes(32768) + b"\1CD001\1" + bytes(4096),
               "behind the end")


def xz_with_dictionary(bits):
    """An xz file whose first block asks for that dictionary
    (xz-file-format, 3.1)."""
    data = bytearray(lzma.compress(GOOD))
    size = (data[12] + 1) * 4
    at = data.index(b"\x21\x01", 12)
    data[at + 2] = bits
    import zlib
    data[12 + size - 4:12 + size] = struct.pack(
        "<I", zlib.crc32(bytes(data[12:12 + size - 4])))
    return bytes(data)


def cpio(name, data):
    name = name.encode() + b"\0"
    fields = (1, 0o100644, 0, 0, 1, TIME, len(data), 0, 0, 0, 0, len(name), 0)
    out = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    return out + bytes(-len(out) % 4) + data + bytes(600)


def uuencode(data):
    import binascii
    lines = [binascii.b2a_uu(data[i:i + 45]) for i in range(0, len(data), 45)]
    return b"begin 644 f.tar\n" + b"".join(lines) + b"`\nend\n"


def all_cases(canary):
    made = [*names(canary), *links(canary), *hardlinks(canary), *types(),
            *modes(), *doubles(canary), *headers(), *sparse(), *packed()]
    assert len({case.name for case in made}) == len(made)
    return made
