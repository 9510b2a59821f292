# SPDX-License-Identifier: Apache-2.0
"""How each program is told to do a work. What a peer does and does not check
is in bench/README; every one verifies the archives' SHA-256, because all can.

A peer has a `name`; `missing()` says why it cannot run here, or None;
`prepare(job)` is done before the clock starts; `command(job)` is what is
measured; `slow` ones are run less often.
"""
import dataclasses
import os
import shutil
import textwrap

from harness import places
from harness import work as work_of


@dataclasses.dataclass
class Job:
    work: object        # work.Work
    base: str           # URL that the archives are below
    disk: object        # disks.Disk
    room: str           # for scripts and logs: not on the measured disk
    server: object      # servers.Servers

    def script(self, name, text, mode=0o755):
        path = os.path.join(self.room, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path


@dataclasses.dataclass
class Command:
    argv: list
    environment: dict = dataclasses.field(default_factory=dict)
    cwd: str = None


class Peer:
    slow = False
    programs = ()
    packages = ()       # Debian's, that have the programs

    def missing(self):
        gone = [p for p in self.programs if not shutil.which(p)]
        return "%s is not installed" % gone[0] if gone else None

    def prepare(self, job):
        pass

    def release(self, job):
        """After the run and the look at what it made."""


class Fitout(Peer):
    name, title = "fitout", "fitout apply"

    def missing(self):
        if not os.path.exists(places.FITOUT):
            return "there is no %s: tools/build makes it" % places.FITOUT
        return None

    def command(self, job):
        path = job.script("bench.cfg", work_of.profile(
            job.work, job.base, job.disk.dest), 0o644)
        environment = {}
        if job.base.startswith("https:"):
            environment["SSL_CERT_FILE"] = job.server.bundle
        return Command([os.path.join(job.room, "fitout"), "--progress",
                        "none", "--state", job.disk.state, "apply", path],
                       environment)


def place_words(work, disk):
    """The shell's last steps, the same for all who have no better way. Where
    the disk is what is measured, all is on it in the end."""
    dest = disk.dest
    lines = ["mkdir -p %s/programs" % dest]
    if work.copies:
        lines.append("mkdir -p %s/etc" % dest)
    lines += ["mv %s %s/programs/%s" % (
        top_of(p), dest, p.into) for p in work.packages]
    lines += ["cp -f %s/programs/%s/%s %s/etc/%s" % (
        dest, c.package, c.inner, dest, c.to) for c in work.copies]
    if disk.slow:
        lines.append("sync -f %s" % dest)
    return "\n".join(lines) + "\n"


def top_of(package):
    return "new/%s/%s" % (package.into, package.top)


class Wget(Peer):
    """The script that fitout replaces, with its checksums verified."""
    name, title = "wget", "wget; sha256sum; tar; mv; cp"
    programs, packages = ("wget",), ("wget",)

    def command(self, job):
        text = "set -e\n"
        for p in job.work.packages:
            text += textwrap.dedent("""\
                wget -q %(base)s/%(file)s
                echo "%(sha256)s  %(file)s" | sha256sum -c --quiet
                mkdir -p new/%(into)s
                tar -C new/%(into)s -xf %(file)s
                rm %(file)s
                """) % dict(vars(p), base=job.base)
        text += place_words(job.work, job.disk)
        return Command(["sh", job.script("wget.sh", text)],
                       cwd=job.disk.work)


class CurlTar(Peer):
    """All archives at once, hashed and unpacked while they arrive."""
    name, title, flags = "curl-tar", "curl | tee | tar, parallel", ""
    programs, packages = ("curl",), ("curl",)

    def command(self, job):
        text = textwrap.dedent("""\
            set -euo pipefail
            get() { # URL SHA256 DIRECTORY
                mkdir -p "new/$3"
                mkfifo "$3.fifo"
                sha256sum <"$3.fifo" >"$3.sum" &
                curl -sSf "$1" | tee "$3.fifo" | tar %s -C "new/$3" -x%s
                wait $!
                [ "$(cat "$3.sum")" = "$2  -" ]
            }
            """) % (self.flags, self._letters(job))
        for p in job.work.packages:
            text += "get %s/%s %s %s & jobs=\"${jobs:-} $!\"\n" % (
                job.base, p.file, p.sha256, p.into)
        text += "for job in $jobs; do wait $job; done\n"
        text += place_words(job.work, job.disk)
        return Command(["bash", job.script(self.name + ".sh", text)],
                       cwd=job.disk.work)

    def _letters(self, job):
        if self.flags:
            return "f -"
        form = job.work.packages[0].file.rpartition(".tar")[2]
        return {"": "f -", ".gz": "zf -", ".xz": "Jf -",
                ".zst": " --zstd -f -"}[form]


class CurlIgzip(CurlTar):
    """The same with the fastest gzip there is (ISA-L's)."""
    name, title = "curl-igzip", "curl | tee | tar -I igzip, parallel"
    flags = "-I igzip"
    programs, packages = ("curl", "igzip"), ("curl", "isal")


class Aria2(Peer):
    """aria2c gets all at once, in parallel ranges, and verifies; then all are
    unpacked at once."""
    name, title = "aria2", "aria2c; tar, parallel"
    programs, packages = ("aria2c",), ("aria2",)

    def command(self, job):
        wanted = "".join("%s/%s\n checksum=sha-256=%s\n" % (
            job.base, p.file, p.sha256) for p in job.work.packages)
        text = "set -e\naria2c -q -j8 -x4 -s4 -k1M --file-allocation=none " \
            "--no-conf -i %s\n" % job.script("aria2.txt", wanted, 0o644)
        for p in job.work.packages:
            text += "mkdir -p new/%s\ntar -C new/%s -xf %s & " \
                "jobs=\"$jobs $!\"\n" % (p.into, p.into, p.file)
        text += "for job in $jobs; do wait $job; done\nrm %s\n" % " ".join(
            p.file for p in job.work.packages)
        text += place_words(job.work, job.disk)
        return Command(["sh", job.script("aria2.sh", text)],
                       {"jobs": ""}, job.disk.work)


class Download(Peer):
    """Not a peer: the link's limit. All archives at once to nowhere."""
    name, title = "download", "download alone (curl, parallel)"
    programs, packages = ("curl",), ("curl",)

    def command(self, job):
        text = ""
        for p in job.work.packages:
            text += "curl -sSf -o /dev/null %s/%s & jobs=\"$jobs $!\"\n" % (
                job.base, p.file)
        text += "for job in $jobs; do wait $job || exit 1; done\n"
        return Command(["sh", job.script("download.sh", text)], {"jobs": ""},
                       job.disk.work)


class Curl(Peer):
    """Not a peer: how soon a program that only downloads begins."""
    name, title = "curl", "curl"

    def command(self, job):
        return Command(
            ["curl", "-sSf", "-o", "/dev/null", "--cacert", job.server.bundle,
             "%s/%s" % (job.base, job.work.packages[0].file)])


class LocalTar(Peer):
    """Not a peer: one local archive, unpacked by GNU tar."""
    name, title = "tar", "tar -x, local file"

    def __init__(self, inputs):
        self.inputs = inputs

    def command(self, job):
        text = "set -e\nmkdir %s/programs\n" % job.disk.dest
        for p in job.work.packages:
            text += "mkdir new\ntar -C new -xf %s\nmv new/%s %s/programs/%s\n" \
                "rmdir new\n" % (self.inputs.path(p.file), p.top,
                                 job.disk.dest, p.into)
        return Command(["sh", job.script("tar.sh", text)], cwd=job.disk.work)
