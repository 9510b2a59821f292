# SPDX-License-Identifier: Apache-2.0
"""How cost grows. At every size GNU tar unpacks the same local archives in
turn with fitout, to show that the trees are the same and where the machine's
own limit bends the line. How long tar and a sync take is shown beside it and
decides nothing."""
from harness import measure, memory, peers, report, servers, work
from harness.stats import exponent, knee, middle


def table(bench, options, unit, sizes, work_of, quick):
    rows, ours, theirs = [], [], []
    for size in quick if options.quick else sizes:
        a_work = work_of(size)
        series, _ = bench.turns(
            [peers.Fitout(), peers.LocalTar(bench.inputs)], a_work,
            bench.links["loopback"], servers.PLAIN, seconds=20)
        mine, tar = series["fitout"], series["tar"]
        ours.append((size, measure.median(mine, "cpu")))
        theirs.append((size, measure.median(tar, "cpu")))
        wall = measure.median(mine)
        rows.append(["%d %s" % (size, unit), len(mine), "%.3f" % wall,
                     "%.3f" % ours[-1][1], "%.3f" % (ours[-1][1] / size * 1e3),
                     "%.3f" % theirs[-1][1],
                     "%.2f" % (theirs[-1][1] / ours[-1][1]),
                     "%.3f" % middle([run.wall + run.sync for run in tar])])
    bend, tar_bend = knee(ours), knee(theirs)
    slope = (ours[-1][1] - ours[0][1]) / (ours[-1][0] - ours[0][0])
    seen = "slope %.3f ms cpu each, exponent %.2f over the larger half, %s" % (
        slope * 1e3, exponent(ours[len(ours) // 2 - 1:]),
        "no knee" if bend is None else "knee at %d" % bend)
    if bend is not None and tar_bend is not None:
        seen += " (tar's at %d)" % tar_bend
    return report.Outcome(
        "growth with " + unit,
        ["", "runs", "wall s", "cpu s", "cpu ms each", "tar cpu s",
         "cpu ratio", "tar, sync s"], rows,
        [report.Verdict("growth with %s: no knee before the machine's" % unit,
                        seen, bend is None or (tar_bend is not None and
                                               tar_bend <= bend))],
        chart={"points": ours, "unit": unit})


def packages(bench, options):
    """1 to 30 packages"""
    def of(count):
        return work.Work(tuple(work.package(
            bench.inputs, "small-100", "tar.gz", "p%d" % number)
            for number in range(count)), ())
    return table(bench, options, "packages", (1, 3, 10, 30), of, (1, 3))


def files(bench, options):
    """1,000 to 200,000 files of 1 KB"""
    def of(count):
        return work.single(bench.inputs, "small-%d" % count, "tar.zst")
    return table(bench, options, "files",
                 (1000, 3000, 10000, 30000, 100000, 200000), of, (100, 300))


def megabytes(bench, options):
    """1 MB to 4 GB"""
    def of(count):
        return work.single(bench.inputs, "big-%d" % count, "tar.zst")
    probe = measure.TOUCHED * (4 << 20 if options.quick else 4 << 30)
    seconds = [memory.touch(probe) for _ in range(2)]
    outcome = table(bench, options, "MB", (1, 4, 16, 64, 256, 1024, 4096), of,
                    (1, 4))
    outcome.notes.append(
        "a GB of the machine's memory, of %.1f: %.2f s to use, and %.2f to use "
        "again just after" % (probe / 1e9, *seconds))
    return outcome


LINES = {"grow-packages": packages, "grow-files": files,
         "grow-bytes": megabytes}
