# SPDX-License-Identifier: Apache-2.0
"""fitout, its peers and the link's limit, in turns, on the same work: nginx,
PHP and a tree of 20,000 files as .tar.gz."""
from harness import measure, peers, report, servers, work


def contenders(options, slow):
    """(those that can run here, a note for each that cannot)."""
    every = [peers.Fitout(), peers.Wget(), peers.CurlTar(),
             peers.CurlIgzip(), peers.Aria2()] + (slow or [])
    if options.quick:
        every = [p for p in every if not p.slow]
    can = [p for p in every if not p.missing()]
    return can, ["not available here: %s (%s)" % (p.name, p.missing())
                 for p in every if p.missing()]


def row(peer, runs, ours):
    pairs = measure.ratios(ours, runs)
    return [peer.title, len(runs),
            "%.2f" % measure.median(runs), "%.2f" % measure.best(runs),
            "%.2f" % measure.median(runs, "cpu"),
            "%.2f" % middle(pairs), "%.2f" % max(pairs),
            "%.2f" % middle(measure.ratios(ours, runs, "cpu"))]


COLUMNS = ["", "runs", "wall s", "best", "cpu s", "wall ratio", "best",
           "cpu ratio"]


def middle(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (
        values[half - 1] + values[half]) / 2


def against(bench, options, link_name, targets, slow=None):
    """One link's table; TARGETS: {peer's name: times faster}."""
    link = bench.links[link_name]
    a_work = work.web(bench.inputs, files=options.files)
    can, notes = contenders(options, slow)
    limit = peers.Download()
    series, seen = bench.turns(can + [limit], a_work, link, servers.PLAIN)
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
        "nginx, PHP and %d files as .tar.gz over %s" % (
            options.files, link.title), COLUMNS, rows, verdicts, notes,
        {"bars": [[p.title, measure.median(series[p.name]),
                   measure.best(series[p.name])] for p in can + [limit]]})
    return outcome, series


def loopback(bench, options):
    """loopback: against every peer"""
    return against(bench, options, "loopback",
                   {"wget": 2.2, "curl-igzip": 1.3})[0]


def gigabit(bench, options):
    """1 Gbit/s, 2 ms: against every peer, and against the limit"""
    outcome, series = against(bench, options, "1g", {
        "wget": 3.5, "curl-tar": 2.2, "aria2": 3.0})
    return outcome


def slow_link(bench, options):
    """200 Mbit/s, 20 ms: against every peer, and against download alone"""
    outcome, series = against(bench, options, "200m", {"wget": 1.9})
    over = middle([1 / r for r in measure.ratios(
        series["fitout"], series["download"])])
    outcome.verdicts.insert(0, report.at_most(
        "200 Mbit/s, 20 ms: at most 1.10 of download alone", over, 1.10))
    return outcome


LINES = {"loopback": loopback, "link-1g": gigabit, "link-200m": slow_link}
