# SPDX-License-Identifier: Apache-2.0
"""How long it takes to begin, to do nothing, to be durable, to upgrade; and a
server that gives each connection a share."""
import json
import os
import time

from harness import (disks, first_byte, measure, peers, peers_config, places,
                     report, servers, work)
from harness.stats import middle


def beginning(bench, options):
    """from the start of the program to its first byte"""
    bench.server.certificates()
    rows, verdicts = [], []
    for scheme, limit in (("http", 5), ("https", 15)):
        for peer in (peers.Fitout(), peers.Curl()):
            times = first_byte.series(bench, peer, scheme,
                                      1 if options.quick else 21)
            sent, request = [middle(column) for column in zip(*times)]
            rows.append(["%s, %s" % (peer.name, scheme), len(times),
                         "%.1f" % sent, "%.1f" % request,
                         "%.1f" % min(times)[0],
                         "%.1f" % min(t[1] for t in times)])
            if peer.name == "fitout":
                verdicts.append(report.at_most(
                    "start to the first byte sent, %s%s: at most %d ms" % (
                        scheme, ", whole CA bundle" if limit > 5 else "",
                        limit), sent, limit, "ms"))
    return report.Outcome(
        "from the start of the process to its first byte at the server",
        ["", "runs", "first byte ms", "request ms", "best first byte",
         "best request"], rows, verdicts,
        ["https: the first byte is of the ClientHello, the request comes "
         "after the handshake;", "trusted are all of the system's roots and "
         "the server's own"])


def noop(bench, options):
    """an apply that has nothing to do, against Ansible's"""
    rows, verdicts = [], []
    runs = 3 if options.quick else 15
    for name, a_work, limit in (
            ("nginx, PHP, 3 files", work.without_tree(
                work.web(bench.inputs, options)), 10),
            ("the same and %d files" % options.files,
             work.web(bench.inputs, options), None)):
        ours = again(bench, peers.Fitout(), a_work, runs)
        ansible = peers_config.Ansible()
        theirs = None
        if not options.quick and not ansible.missing():
            theirs = again(bench, ansible, a_work, bench.slow_runs)
        wall, cpu = measure.median(ours), measure.median(ours, "cpu")
        rows.append([name, len(ours), "%.1f" % (wall * 1e3),
                     "%.1f" % (measure.best(ours) * 1e3), "%.1f" % (cpu * 1e3)]
                    + (["%.2f" % measure.median(theirs), "%.0f" % (
                        measure.median(theirs) / wall), "%.0f" % (
                        measure.median(theirs, "cpu") / cpu)]
                       if theirs else ["-"] * 3))
        if limit:
            verdicts.append(report.at_most(
                "nothing to do: at most %d ms (%s)" % (limit, name),
                wall * 1e3, limit, "ms"))
            if theirs:
                verdicts.append(report.at_least(
                    "nothing to do: at least 300 times faster than ansible",
                    measure.median(theirs) / wall, 300))
    return report.Outcome(
        "a second run, with nothing to do",
        ["", "runs", "ms", "best", "cpu ms", "ansible s", "ratio",
         "cpu ratio"], rows, verdicts,
        ["every file is looked at (type, mode, owner, size, times)"])


def again(bench, peer, a_work, runs):
    """Do it once, then measure that there is nothing to do."""
    found = []
    with disks.Disk(bench.room) as disk:
        job = bench.job(a_work, disk, bench.links["loopback"], servers.PLAIN)
        log = os.path.join(bench.room, peer.name + ".log")
        for number in range(runs + 2):      # and one to warm up
            run = measure.execute(peer.command(job), None, log)
            if number > 1:
                found.append(run)
    with open(log, errors="replace") as file:
        said = file.read()
    if "nothing to do" not in said and "changed=0 " not in said:
        raise SystemExit("%s had something to do:\n%s" % (peer.name, said))
    places.say("%s, nothing to do: %.1f ms" % (
        peer.name, measure.median(found) * 1e3))
    return found


def durable(bench, options):
    """the durable commit, against one syncfs"""
    a_work = work.single(bench.inputs, "tree-%d" % options.files, "tar.gz")
    loopback = bench.links["loopback"]
    tar, ours = peers.LocalTar(bench.inputs), peers.Fitout()
    spans, syncs, after = [], [], []
    for _ in range(bench.runs):
        run, _ = bench.once(ours, a_work, loopback, servers.PLAIN)
        events = json.loads(run.report)["timeline"]
        staged = max(e["end_ms"] for e in events if e["event"] == "unpack")
        begin = min(e["begin_ms"] for e in events if e["event"] == "sync")
        end = max(e["end_ms"] for e in events if e["event"] == "commit")
        spans.append((end - begin) / 1e3)
        after.append((max(e["end_ms"] for e in events) - staged) / 1e3)
        with disks.Disk(bench.room) as disk:
            job = bench.job(a_work, disk, loopback, servers.PLAIN)
            measure.execute(tar.command(job), None, os.path.join(
                bench.room, "tar.log"))
            begin = time.perf_counter()
            disks.sync(disk.path)
            syncs.append(time.perf_counter() - begin)
    ratio = middle([a / b for a, b in zip(spans, syncs)])
    return report.Outcome(
        "durability, a tree of %d files" % options.files,
        ["", "runs", "s", "best"],
        [[title, len(values), "%.3f" % middle(values), "%.3f" % min(values)]
         for title, values in (
             ("fitout: sync to last rename", spans),
             ("syncfs after tar -x of the same", syncs),
             ("fitout: all that follows the last unpack", after))],
        [report.at_most("durable commit: at most 1.2 of one syncfs", ratio,
                        1.2)],
        ["the file system is in memory: what a disk would add comes to both"])


class Upgrade(peers.Fitout):
    """The tree before it is there already."""
    name, title = "upgrade", "upgrade, 1 % of the files changed"

    def __init__(self, before):
        self.before = before

    def prepare(self, job):
        old = peers.Job(**dict(vars(job), work=self.before))
        measure.execute(peers.Fitout.command(self, old), None,
                        os.path.join(job.room, "before.log"))
        disks.sync(job.disk.path)


def upgrade(bench, options):
    """an upgrade of which 1 % changed, against a full unpack"""
    rows, verdicts = [], []
    loopback = bench.links["loopback"]
    tree = "tree-%d" % options.files
    for form in ("tar.gz",) if options.quick else ("tar.gz", "tar.zst"):
        old = work.single(bench.inputs, tree, form)
        new = work.Work((work.package(bench.inputs, tree + "-changed", form),),
                        ())
        series, _ = bench.turns([peers.Fitout(), Upgrade(old)], new, loopback,
                                servers.PLAIN)
        full, part = series["fitout"], series["upgrade"]
        ratio = middle(measure.ratios(part, full))
        rows.append([form, len(full)] + ["%.2f" % v for v in (
            measure.median(full), measure.median(full, "cpu"),
            measure.median(part), measure.median(part, "cpu"), ratio,
            middle(measure.ratios(part, full, "cpu")))])
        verdicts.append(report.at_least(
            "upgrade of %d files, 1 %% changed (.%s): at least 3 times "
            "faster than a full unpack" % (options.files, form), ratio, 3))
    return report.Outcome(
        "an upgrade, against an unpack where there was nothing",
        ["", "runs", "full s", "cpu s", "upgrade s", "cpu s", "wall ratio",
         "cpu ratio"], rows, verdicts, ["both end in the same tree"])


def upgrade_disk(bench, options):
    """the same on a disk like EBS's, and a full unpack against peers"""
    tree = "tree-%d" % options.files
    old = work.single(bench.inputs, tree, "tar.gz")
    new = work.single(bench.inputs, tree + "-changed", "tar.gz")
    rate = disks.probe(bench.room)
    every = [peers.Fitout(), Upgrade(old), peers.Wget(), peers.CurlTar()]
    series, _ = bench.turns(every, new, bench.links["loopback"],
                            servers.PLAIN, disk_of=disks.SlowDisk)
    ours = series["fitout"]
    rows = [[title(peer), len(runs)] + [text % value for text, value in (
        ("%.2f", measure.median(runs)), ("%.2f", measure.best(runs)),
        ("%.2f", measure.median(runs, "cpu")),
        ("%.0f", measure.median(runs, "written") / 1e6),
        ("%.0f", middle([run.writes / run.wall for run in runs])),
        ("%.2f", middle(measure.ratios(ours, runs))))]
            for peer, runs in ((peer, series[peer.name]) for peer in every)]
    ratio = middle(measure.ratios(series["upgrade"], ours))
    return report.Outcome(
        "%s.tar.gz over loopback, %s" % (tree, disks.SlowDisk.title),
        ["", "runs", "wall s", "best", "cpu s", "written MB", "writes/s",
         "wall ratio"], rows,
        [report.at_least(
            "upgrade of %d files, 1 %% changed, a disk of %d MB/s: at least 3 "
            "times faster than a full unpack" % (
                options.files, disks.GP3 // 1000000), ratio, 3),
         report.at_least(
             "%s: faster than wget and a sync" % disks.SlowDisk.title,
             middle(measure.ratios(ours, series["wget"])), 1)],
        ["ext4 on a loop device, writes limited to what EBS gives each gp3 "
         "volume; it delivered %.0f MB/s" % rate,
         "not limited: reads, flushes, latency, and operations (gp3: 3,000 a "
         "second; writes/s has what came, after merging)",
         "the peers sync in the end; all end in the same tree"])


def title(peer):
    return peer.title if isinstance(peer, peers.Fitout) else \
        peer.title + "; sync"


def paced(bench, options):
    """a 400 MB object from a server that paces each connection to 80 MB/s"""
    a_work = work.single(bench.inputs, "big-%d" % options.big, "tar.zst")
    megabytes = a_work.size(bench.inputs) / 1e6
    rows, verdicts = [], []
    for port, title in ((servers.PACED, "paced"), (servers.PLAIN, "unpaced")):
        every = [peers.Fitout(), peers.CurlTar(), peers.Aria2(),
                 peers.Download()]
        every = every[:2] if options.quick else every
        series, _ = bench.turns(every, a_work, bench.links["loopback"], port)
        ours = series["fitout"]
        for peer in every:
            runs = series[peer.name]
            rows.append(["%s: %s" % (title, peer.title), len(runs),
                         "%.2f" % measure.median(runs),
                         "%.2f" % measure.best(runs),
                         "%.0f" % (megabytes / measure.median(runs)),
                         "%.2f" % measure.median(runs, "cpu"),
                         "%.2f" % middle(measure.ratios(ours, runs))])
        ratio = middle(measure.ratios(ours, series["curl-tar"]))
        verdicts.append(report.at_least(
            "%s: at least %.2f times faster than one connection "
            "(curl | tar)" % ((title, 2.4) if title == "paced" else
                              (title, 0.95)), ratio,
            2.4 if title == "paced" else 0.95))
    return report.Outcome(
        "%.0f MB .tar.zst, a server that paces each connection to 80 MB/s, "
        "and one that does not" % megabytes,
        ["", "runs", "wall s", "best", "MB/s", "cpu s", "wall ratio"], rows,
        verdicts)


LINES = {"first-byte": beginning, "noop": noop, "durable": durable,
         "upgrade": upgrade, "upgrade-disk": upgrade_disk, "paced": paced}
