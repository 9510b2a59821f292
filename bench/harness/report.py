# SPDX-License-Identifier: Apache-2.0
"""What a line found, as text; the last of each, kept and put together.

Every line's outcome is kept in the cache directory with the machine, load,
date and commit it was measured under; bench/RESULTS is all of them, so a line
that was measured again alone says so.
"""
import dataclasses
import json
import os
import platform
import re
import subprocess
import time

from harness import inputs, places


@dataclasses.dataclass
class Verdict:
    target: str
    seen: str
    held: bool
    margin: float = None    # times better than the target


@dataclasses.dataclass
class Outcome:
    title: str
    columns: list                       # of the table: the first is a label
    rows: list
    verdicts: list
    notes: list = dataclasses.field(default_factory=list)
    chart: dict = dataclasses.field(default_factory=dict)


def at_least(target, seen, limit, unit="x"):
    return Verdict(target, "%.2f %s" % (seen, unit), seen >= limit,
                   seen / limit)


def at_most(target, seen, limit, unit=""):
    return Verdict(target, ("%.2f %s" % (seen, unit)).strip(), seen <= limit,
                   limit / seen)


def facts(commit_measured):
    """The machine, now."""
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file
                  if line.startswith("model name")]
    with open("/proc/meminfo") as file:
        kilobytes = int(file.readline().split()[1])
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory": "%.1f GB" % (kilobytes / 1e6),
        "kernel": platform.release(),
        "load": "%.1f" % os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit_measured,
        "inputs": inputs.VERSION,
    }


def commit():
    """Of what is measured; a + when the sources are not as committed."""
    def git(*words):
        return subprocess.run(["git", "-C", places.TOP, *words], text=True,
                              capture_output=True).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        "+" if git("status", "--porcelain", "src", "deps") else "")


def table(columns, rows):
    cells = [columns] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = []
    for row in cells:
        lines.append(("  " + row[0].ljust(widths[0]) + "".join(
            "  " + cell.rjust(width)
            for cell, width in zip(row[1:], widths[1:]))).rstrip())
    return "\n".join(lines)


def text(name, outcome, when):
    lines = ["%s: %s" % (name, outcome.title),
             "  [%(date)s, commit %(commit)s, load %(load)s to %(load_end)s, "
             "%(seconds)d s]" % when, "", table(outcome.columns, outcome.rows)]
    lines += ["  " + note for note in outcome.notes]
    if outcome.verdicts:
        lines += [""] + ["  %-8s %s: %s" % (
            "held" if v.held else "NOT HELD", v.target,
            v.seen) for v in outcome.verdicts]
    return "\n".join(lines) + "\n"


def computed(name, outcome):
    """--quick: there are rows, and every figure in them is one."""
    figures = [float(cell) for row in outcome.rows for cell in row[1:]
               if re.fullmatch(r"-?[\d.]+|nan|inf", str(cell))]
    if not outcome.rows or not figures or not all(
            0 <= f < float("inf") for f in figures):
        raise SystemExit("%s: no figures: %s" % (name, outcome.rows))
    return dataclasses.replace(outcome, verdicts=[], notes=[
        "too small, and too few runs, to judge"])


class Store:
    def __init__(self, cache):
        self.path = os.path.join(cache, "bench", "results.json")
        self.kept = self._read()

    def _read(self):
        if not os.path.exists(self.path):
            return {}
        with open(self.path) as file:
            return json.load(file)

    def keep(self, name, outcome, when):
        self.kept = self._read()    # another run may have kept something
        self.kept[name] = {"outcome": dataclasses.asdict(outcome),
                           "when": when}
        with open(self.path + ".part", "w") as file:
            json.dump(self.kept, file, indent=1)
        os.rename(self.path + ".part", self.path)

    def outcomes(self, order):
        """Of the inputs as they are made now: others are of other work."""
        for name in order:
            if name in self.kept and self.kept[name]["when"].get(
                    "inputs") == inputs.VERSION:
                fields = dict(self.kept[name]["outcome"])
                fields["verdicts"] = [Verdict(**v)
                                      for v in fields["verdicts"]]
                yield name, Outcome(**fields), self.kept[name]["when"]

    def whole(self, order):
        """All that is kept, as text."""
        found = list(self.outcomes(order))
        if not found:
            return "nothing has been measured\n"
        head = ("fitout against its peers: bench/README says how this is "
                "measured, doc/design/0012\nwhy it can be believed. Written "
                "by bench/run --save.\n\nmachine: " + self.machine() + "\n")
        return head + "\n" + self.summary(found) + "\n" + "\n".join(
            text(*entry) for entry in found)

    def machine(self):
        when = max((kept["when"] for kept in self.kept.values()),
                   key=lambda when: when["date"])
        return "%(cpu)s, %(cores)d cores, %(memory)s, Linux %(kernel)s" % when

    @staticmethod
    def summary(found):
        rows = [[v.target, v.seen, "held" if v.held else "NOT HELD", name]
                for name, outcome, _ in found for v in outcome.verdicts]
        return table(["target", "seen", "", "line"], rows) + "\n"
