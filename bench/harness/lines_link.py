# SPDX-License-Identifier: Apache-2.0
"""fitout, its peers and the link's limit, in turns, on the same work: nginx,
PHP and a tree of 20,000 files as .tar.gz."""
import os

from harness import measure, peers, peers_config, report, servers, work
from harness.stats import middle


def contenders(options):
    """(those that can run here, a note for each that cannot)."""
    every = [peers.Fitout(), peers.Wget(), peers.CurlTar(),
             peers.CurlIgzip(), peers.Aria2()] + peers_config.every()
    if options.quick:
        every = every[:3]
    can = [p for p in every if not p.missing()]
    return can, ["not available here: %s (%s)" % (p.name, p.missing())
                 for p in every if p.missing()]


def row(peer, runs, ours):
    pairs = measure.ratios(ours, runs)
    return [peer.title, len(runs),
            "%.2f" % measure.median(runs), "%.2f" % measure.best(runs),
            "%.2f" % measure.median(runs, "cpu"),
            "%.2f" % measure.median(runs, "sync"),
            "%.2f" % middle(pairs), "%.2f" % max(pairs),
            "%.2f" % middle(measure.ratios(ours, runs, "cpu"))]


COLUMNS = ["", "runs", "wall s", "best", "cpu s", "sync s", "wall ratio",
           "best", "cpu ratio"]


def against(bench, options, link_name, targets):
    """One link's table; TARGETS: {peer's name: times faster}."""
    link = bench.links[link_name]
    a_work = work.web(bench.inputs, options)
    can, notes = contenders(options)
    limit = peers.Download()
    series, seen = bench.turns(can + [limit], a_work, link, servers.PLAIN,
                               seconds=150)
    ours = series["fitout"]
    rows = [row(p, series[p.name], ours) for p in can + [limit]]
    verdicts = [report.at_least(
        "%s: at least %.1f times faster than %s" % (link.title, least, name),
        middle(measure.ratios(ours, series[name])), least)
        for name, least in targets.items() if name in series]
    if hasattr(link, "seen"):
        notes.append("the link delivered " + link.seen)
    digest, files, entries = seen["fitout"]
    notes.append("all trees the same: %d files, %d entries, digest %s" % (
        files, entries, digest[:16]))
    outcome = report.Outcome(
        "%s over %s" % (", ".join(p.file for p in a_work.packages),
                        link.title), COLUMNS, rows, verdicts, notes,
        {"title": link.title,
         "bars": [[p.title, measure.median(series[p.name]),
                   measure.best(series[p.name])] for p in can + [limit]]})
    return outcome, series


def loopback(bench, options):
    """loopback: against every peer"""
    return against(bench, options, "loopback",
                   {"wget": 2.2, "curl-igzip": 1.3})[0]


def gigabit(bench, options):
    """1 Gbit/s, 2 ms: against every peer, and against the limit"""
    outcome, series = against(bench, options, "1g", {
        "wget": 3.5, "curl-tar": 2.2, "aria2": 3.0, "ansible": 10})
    stage, name, split = slowest_stage(bench, options)
    limits = [max(there.wall, here.cpu / os.cpu_count(), stage)
              for here, there in zip(series["fitout"], series["download"])]
    over = [run.wall / limit
            for run, limit in zip(series["fitout"], limits)]
    outcome.notes.append(
        "the limit: the highest of download alone, cpu/%d and the slowest "
        "process (%s, %.2f s cpu), run by run: median %.2f s" % (
            os.cpu_count(), name, stage, middle(limits)))
    outcome.notes.append("fitout's processes, cpu seconds: " + split)
    what = "1 Gbit/s, 2 ms, against the limit: "
    outcome.verdicts[:0] = [
        report.at_most(what + "median at most 1.35", middle(over), 1.35),
        report.at_most(what + "best at most 1.20", measure.best(
            series["fitout"]) / min(limits), 1.20)]
    return outcome


def slowest_stage(bench, options):
    """cpu seconds, and name, of fitout's process that has most to do; and
    how the cpu seconds are shared out."""
    run, _ = bench.once(
        peers.Fitout(), work.web(bench.inputs, options),
        bench.links["1g"], servers.PLAIN, how=measure.watch)
    ranks = sorted(run.processes.values(), key=lambda p: -p[2])
    return ranks[0][2], ranks[0][0], ", ".join(
        "%s %.2f" % (name, cpu) for name, _, cpu in ranks)


def slow_link(bench, options):
    """200 Mbit/s, 20 ms: against every peer, and against download alone"""
    outcome, series = against(bench, options, "200m", {"wget": 1.9})
    over = middle([1 / r for r in measure.ratios(
        series["fitout"], series["download"])])
    outcome.verdicts.insert(0, report.at_most(
        "200 Mbit/s, 20 ms: at most 1.10 of download alone", over, 1.10))
    return outcome


LINES = {"loopback": loopback, "link-1g": gigabit, "link-200m": slow_link}
