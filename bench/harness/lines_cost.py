# SPDX-License-Identifier: Apache-2.0
"""What it costs: processor time, system calls, memory."""
import os

from harness import disks, measure, peers, places, report, servers, work
from harness.stats import middle

TAR = {"tar.gz": ("tar -xzf", 0.40), "tar.zst": ("tar --zstd", 0.75),
       "tar": ("tar -xf", 0.95), "tar.xz": ("tar -xJf", None)}


def cpu(bench, options):
    """cpu against GNU tar, the same local file"""
    rows, verdicts, notes = [], [], []
    loopback = bench.links["loopback"]
    for form, (words, limit) in TAR.items():
        a_work = work.single(bench.inputs, "tree-%d" % options.files, form)
        tar = peers.LocalTar(bench.inputs)
        series, seen = bench.turns([peers.Fitout(), tar], a_work, loopback,
                                   servers.LOCAL)
        ours, theirs = series["fitout"], series["tar"]
        ratio = middle(measure.ratios(theirs, ours, "cpu"))
        rows.append([words, len(ours)] + ["%.3f" % v for v in (
            measure.median(ours, "cpu"), measure.median(theirs, "cpu"),
            ratio, measure.best(ours, "cpu") / measure.best(theirs, "cpu"),
            middle(measure.ratios(theirs, ours)))])
        if limit:
            verdicts.append(report.at_most(
                "cpu: at most %.2f of %s of the same local file" % (
                    limit, words), ratio, limit))
        notes = ["the tree of %d files; all processes of each" % seen[
            "fitout"][1]]
    return report.Outcome(
        "processor time against GNU tar, local files",
        ["", "runs", "fitout cpu s", "tar cpu s", "ratio", "of bests",
         "wall ratio"], rows, verdicts, notes)


def system_calls(bench, options):
    """system calls per file, all processes together"""
    half = options.files // 2
    few = count(bench, peers.Fitout(), half)
    rows, ours, top = [], None, ""
    every = [peers.Fitout(), peers.LocalTar(bench.inputs), peers.CurlTar(),
             peers.Wget()]
    for peer in every[:2] if options.quick else every:
        run, (_, files, entries) = count(bench, peer, options.files)
        rows.append([peer.title, run.total, "%.2f" % (run.total / files),
                     "%.2f" % (run.total / entries)])
        if ours is None:
            ours, inside = run, (files, entries)
            ranks = sorted(run.by_name.items(), key=lambda i: -i[1])
            top = ", ".join("%s %d" % i for i in ranks[:12])
    marginal = (ours.total - few[0].total) / (inside[0] - few[1][1])
    return report.Outcome(
        "system calls (strace -f -c), a tree of %d files in %d directories, "
        ".tar.gz over loopback" % (inside[0], inside[1] - inside[0]),
        ["", "calls", "per file", "per entry"], rows,
        # Per entry: so the target was measured (a prototype's 5.4).
        [report.at_most("system calls: at most 6 per entry (small "
                        "files and their directories), metadata included",
                        ours.total / inside[1], 6),
         report.at_most("system calls: at most 6 for one more small file",
                        marginal, 6)],
        ["one more file costs fitout %.2f calls (from half as many files)" %
         marginal, "fitout's: " + top])


def count(bench, peer, files):
    a_work = work.single(bench.inputs, "tree-%d" % files, "tar.gz")
    return bench.once(peer, a_work, bench.links["loopback"], servers.PLAIN,
                      how=measure.calls)


def memory(bench, options):
    """peak memory of all processes together"""
    tree = "tree-%d" % options.files
    small, large = "big-%d" % (options.big // 4), "big-%d" % options.big
    cases = [("three .tar.gz at once", work.web(
        bench.inputs, options), 32)]
    cases += [("one .%s, %s" % (form, tree), work.single(
        bench.inputs, tree, form), 24) for form in TAR if not options.quick]
    rows, verdicts, peaks = [], [], {}
    for title, a_work, limit in cases:
        found = watched(bench, peers.Fitout(), a_work)
        rows.append(memory_row("fitout, " + title, found))
        if not title.startswith("one .tar.xz"):
            verdicts.append(report.at_most(
                "memory: at most %d MB, %s" % (limit, title),
                found.together / 1e6, limit, "MB"))
    # By one connection, and by several from a server that paces each.
    sizes = [("tar.gz", servers.PLAIN, "")]
    if not options.quick:
        sizes += [("tar.zst", servers.PLAIN, ""), ("tar.xz", servers.PLAIN, ""),
                  ("tar.zst", servers.PACED, ", paced")]
    for form, port, how in sizes:
        for name in (small, large):
            found = watched(bench, peers.Fitout(), work.single(
                bench.inputs, name, form), port)
            peaks[name] = found.together
            rows.append(memory_row("fitout, one .%s%s, %s MB" % (
                form, how, name[4:]), found))
        verdicts.append(report.at_most(
            "memory: %d MB as .%s%s at most 1.05 of %d MB" % (
                options.big, form, how, options.big // 4),
            peaks[large] / peaks[small], 1.05))
    for peer in (peers.Wget(), peers.CurlTar(), peers.Aria2()):
        if options.quick:
            continue
        rows.append(memory_row(peer.title + ", three .tar.gz", watched(
            bench, peer, cases[0][1])))
    return report.Outcome(
        "peak memory of all processes together",
        ["", "processes", "together MB", "sum of peaks MB", "largest"],
        rows, verdicts,
        ["together: the highest sum of proportional shares (PSS) seen, the "
         "highest of %d runs" % RUNS, "sum of peaks: every process at its own"
         " peak (VmHWM), which need not be at one time, pages they share",
         "counted in each"])


RUNS = 3


def watched(bench, peer, a_work, port=servers.PLAIN):
    """The run with the highest sum, of a few: what is looked at every few
    milliseconds can be missed."""
    measure.warm([bench.inputs.path(p.file) for p in a_work.packages])
    runs = [bench.once(peer, a_work, bench.links["loopback"], port,
                       how=measure.watch)[0] for _ in range(
                           1 if bench.runs == 1 else RUNS)]
    places.say("memory, %s: %s" % (peer.name, " ".join(
        "%.1f" % (run.together / 1e6) for run in runs)))
    return max(runs, key=lambda run: run.together)


def memory_row(title, found):
    largest = max(found.processes.values(), key=lambda p: p[1])
    return [title, len(found.processes), "%.1f" % (found.together / 1e6),
            "%.1f" % (found.highest / 1e6),
            "%s %.1f" % (largest[0], largest[1] / 1e6)]


def formats(bench, options):
    """every format, against parallel curl | tar over loopback"""
    rows = []
    for name in ("tree-%d" % options.files, "big-%d" % options.big):
        if options.quick and name.startswith("tree"):
            continue        # the line `cpu` has just had them
        for form in TAR:
            a_work = work.single(bench.inputs, name, form)
            series, _ = bench.turns([peers.Fitout(), peers.CurlTar()],
                                    a_work, bench.links["loopback"],
                                    servers.PLAIN, seconds=20)
            ours, theirs = series["fitout"], series["curl-tar"]
            rows.append(["%s.%s" % (name, form), len(ours)] + [
                "%.2f" % v for v in (
                    measure.median(ours), measure.median(ours, "cpu"),
                    measure.median(theirs), measure.median(theirs, "cpu"),
                    middle(measure.ratios(ours, theirs)),
                    middle(measure.ratios(ours, theirs, "cpu")))])
    return report.Outcome(
        "one archive of each format over loopback",
        ["", "runs", "fitout s", "cpu s", "curl|tar s", "cpu s",
         "wall ratio", "cpu ratio"], rows, [])


LINES = {"cpu": cpu, "calls": system_calls, "memory": memory,
         "formats": formats}
