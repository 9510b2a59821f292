# SPDX-License-Identifier: Apache-2.0
"""One run of one command, and series of runs in turn.

wall    from before the command is started to when it has been waited for
sync    what a sync takes then: how long until all is on the disk, too
cpu     user and system seconds of it and all it waited for (wait4)
Both are taken without anything else looking. Memory and system calls are
taken in runs of their own, because looking costs: see watch() and calls().
"""
import collections
import dataclasses
import os
import re
import statistics
import subprocess
import time

from harness import disks, memory, peers, places, work

LEAST = 2       # rounds: of a line that takes longer than its time
# How much memory a run finds in use before: times the size of its tree, which
# is in the page cache, and on the disk, which is in memory.
TOUCHED = 3


@dataclasses.dataclass
class Run:
    begin: float        # by time.perf_counter()
    wall: float
    cpu: float


def execute(command, link, log, prefix=()):
    """Run it at the client's end of LINK; its output goes to the file LOG."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                   "HOME": "/root", **command.environment}
    with open(log, "wb") as out, link_or_here(link):
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*prefix, *command.argv], env=environment, cwd=command.cwd,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(log, errors="replace") as file:
            raise SystemExit("ended with %d: %s\n%s" % (
                process.returncode, " ".join(command.argv),
                file.read()[-3000:]))
    return Run(begin, wall, usage.ru_utime + usage.ru_stime)


class link_or_here:
    def __init__(self, link):
        self.link = link

    def __enter__(self):
        if self.link:
            self.link.__enter__()

    def __exit__(self, *_):
        if self.link:
            self.link.__exit__()


class Bench:
    """What a line needs to measure something."""

    def __init__(self, room, inputs, server, links, runs, slow_runs):
        self.room, self.inputs, self.server = room, inputs, server
        self.links = links
        self.runs, self.slow_runs = runs, slow_runs

    def job(self, a_work, disk, link, port):
        return peers.Job(a_work, self.server.base(link.address, port), disk,
                         self.room, self.server)

    def once(self, peer, a_work, link, port, how=execute, before=None,
             disk_of=disks.Disk):
        """On a fresh disk: the run, and the digest of what it made."""
        with disk_of(self.room) as disk:
            job = self.job(a_work, disk, link, port)
            if before:
                before(job)
            peer.prepare(job)
            command = peer.command(job)
            memory.touch(TOUCHED * a_work.unpacked(self.inputs))
            disk.begin()
            run = how(command, link, os.path.join(
                self.room, peer.name + ".log"))
            disk.end()
            begin = time.perf_counter()
            disks.sync(disk.path)
            run.sync = time.perf_counter() - begin
            run.writes, run.written = disk.writes, disk.written
            run.report = fitout_report(disk)
            digest = work.tree_digest(disk.dest)
            peer.release(job)
            return run, digest

    def turns(self, contenders, a_work, link, port, before=None,
              disk_of=disks.Disk, seconds=60):
        """{name: [Run]}: all contenders in turn, on the same work, the order
        turning by one each round. All that make a tree have to make the same
        one: else nothing counts. No round begins when so many SECONDS are
        over, but LEAST of them: what takes long varies little."""
        warm([self.inputs.path(p.file) for p in a_work.packages])
        series = collections.defaultdict(list)
        seen = {}
        begin = time.monotonic()
        for number in range(self.runs):
            if number >= LEAST and time.monotonic() - begin > seconds:
                break
            turn = number % len(contenders)
            for peer in contenders[turn:] + contenders[:turn]:
                if peer.slow and number >= self.slow_runs:
                    continue
                run, digest = self.once(peer, a_work, link, port,
                                        before=before, disk_of=disk_of)
                if digest[2]:
                    seen[peer.name] = digest
                series[peer.name].append(run)
                places.say("%s, %s: %.3f s, cpu %.3f s" % (
                    link.name, peer.name, run.wall, run.cpu))
            same_trees(seen)
        return series, seen


def same_trees(seen):
    if len(set(seen.values())) > 1:
        raise SystemExit("not the same trees (digest, files, entries):\n" +
                         "\n".join("  %s: %s" % i for i in seen.items()))


def fitout_report(disk):
    path = os.path.join(disk.state, "report.json")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return file.read()


def warm(paths):
    for path in paths:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass


def median(runs, what="wall"):
    return statistics.median(getattr(run, what) for run in runs)


def best(runs, what="wall"):
    return min(getattr(run, what) for run in runs)


def ratios(ours, theirs, what="wall"):
    """Pair by pair, as far as both were run."""
    return [getattr(b, what) / getattr(a, what)
            for a, b in zip(ours, theirs)]


# Memory: all processes together.

@dataclasses.dataclass
class Watched:
    together: int       # bytes: the highest sum of all processes' shares (PSS)
    highest: int        # bytes: the sum of each one's own peak (VmHWM)
    processes: dict     # pid: (name, own peak in bytes, cpu seconds)


def watch(command, link, log, pause=0.004):
    """Run it while its processes are looked at again and again."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                   "HOME": "/root", **command.environment}
    seen, together = {}, 0
    with open(log, "wb") as out, link_or_here(link):
        process = subprocess.Popen(command.argv, env=environment,
                                   cwd=command.cwd, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out)
    while process.poll() is None:
        together = max(together, look(family(process.pid), seen))
        time.sleep(pause)
    if process.returncode != 0:
        with open(log, errors="replace") as file:
            raise SystemExit("ended with %d: %s\n%s" % (
                process.returncode, " ".join(command.argv),
                file.read()[-3000:]))
    return Watched(together, sum(p[1] for p in seen.values()), seen)


def family(pid):
    """PID and all below it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    parents[int(name)] = int(
                        file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    members = {pid}
    for _ in range(8):
        members |= {p for p, parent in parents.items() if parent in members}
    return members


def look(pids, seen):
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/status" % pid) as file:
                status = file.read()
            with open("/proc/%d/smaps_rollup" % pid) as file:
                share = re.search(r"(?m)^Pss:\s+(\d+)", file.read())
            with open("/proc/%d/schedstat" % pid) as file:
                cpu = int(file.read().split()[0]) / 1e9
        except OSError:
            continue    # it has ended
        peak = re.search(r"VmHWM:\s+(\d+)", status)
        if not share or not peak:
            continue
        total += int(share.group(1)) * 1024
        name = re.search(r"Name:\s+(.*)", status).group(1)
        seen[pid] = (name, int(peak.group(1)) * 1024, cpu)
    return total


# System calls.

@dataclasses.dataclass
class Calls:
    total: int
    by_name: dict


def calls(command, link, log):
    """strace -f -c: exact, and slow; nothing is timed."""
    table = log + ".strace"
    execute(command, link, log, prefix=("strace", "-f", "-qq", "-c", "-S",
                                        "calls", "-o", table))
    by_name = {}
    with open(table) as file:
        for line in file:
            match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?"
                             r"(\w+)$", line)
            if match and match.group(2) != "total":
                by_name[match.group(2)] = int(match.group(1))
    return Calls(sum(by_name.values()), by_name)
