# SPDX-License-Identifier: Apache-2.0
"""bench/RESULTS.svg: bars of each link, all targets, growth.

Bars begin at zero and are linear. One that would make the others unreadable is
cut at the panel's edge, with a gap drawn into it and its figure beside it.
Targets are a dot each, on a logarithmic axis of how many times better than the
target the figure is. Growth is log over log: a straight line is a power.
"""
import html
import math

WIDTH, MARGIN, LABEL = 960, 24, 250
INK, QUIET, GRID = "#1b1f24", "#5b6470", "#d5dae0"
OURS, PEER, LIMIT = "#0b5fb4", "#9aa5b1", "#c9d8ea"
HELD, MISSED = "#1a7f4b", "#c4410c"


class Canvas:
    def __init__(self):
        self.parts, self.y = [], MARGIN

    def add(self, form, *values):
        self.parts.append(form % values)

    def text(self, x, y, words, size=12, anchor="start", fill=INK, bold=False):
        self.add('<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" '
                 'fill="%s"%s>%s</text>', x, y, size, anchor, fill,
                 ' font-weight="600"' if bold else "", html.escape(words))

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1):
        self.add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" '
                 'stroke-width="%.1f"/>', x1, y1, x2, y2, stroke, width)

    def box(self, x, y, width, height, fill):
        self.add('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" '
                 'fill="%s"/>', x, y, max(width, 0.5), height, fill)

    def heading(self, words, more=""):
        self.y += 22
        self.text(MARGIN, self.y, words, 15, bold=True)
        if more:
            self.y += 17
            self.text(MARGIN, self.y, more, 11, fill=QUIET)
        self.y += 10

    def svg(self):
        height = self.y + MARGIN
        return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="'
                '%d" viewBox="0 0 %d %d" font-family="DejaVu Sans, Verdana, '
                'sans-serif">\n<rect width="100%%" height="100%%" fill="'
                '#ffffff"/>\n%s\n</svg>\n' % (
                    WIDTH, height, WIDTH, height, "\n".join(self.parts)))


def draw(found, head):
    """FOUND: [(name, outcome, when)], as report.Store has them."""
    canvas = Canvas()
    canvas.text(MARGIN, canvas.y + 8, "fitout against its peers", 19,
                bold=True)
    canvas.y += 27
    canvas.text(MARGIN, canvas.y, head, 11, fill=QUIET)
    canvas.y += 6
    for _, outcome, when in found:
        if "bars" in outcome.chart:
            bars(canvas, outcome, when)
    targets(canvas, found)
    grown = [o for _, o, _ in found if "points" in o.chart]
    if grown:
        growth(canvas, grown)
    return canvas.svg()


def step_of(top, steps=5):
    """A round step so that about STEPS of them reach TOP."""
    raw = top / steps
    power = 10 ** math.floor(math.log10(raw))
    return next(power * f for f in (1, 2, 5, 10) if power * f >= raw)


def bars(canvas, outcome, when):
    rows = outcome.chart["bars"]
    # The slowest that all but the two slowest stay below.
    top = sorted(median for _, median, _ in rows)[-3] * 1.12
    left, right = MARGIN + LABEL, WIDTH - MARGIN - 120
    scale = (right - left) / top
    canvas.heading(
        outcome.title,
        "seconds by the clock, median; the tick is the best. %s, commit %s, "
        "load %s to %s" % (when["date"], when["commit"], when["load"],
                           when["load_end"]))
    begin, end = canvas.y, canvas.y + 22 * len(rows)
    step = step_of(top)
    for i in range(int(top / step) + 1):
        x = left + i * step * scale
        canvas.line(x, begin, x, end)
        canvas.text(x, end + 14, "%g" % round(i * step, 3), 10, "middle",
                    QUIET)
    ours = rows[0][1]
    for i, (title, median, best) in enumerate(rows):
        y = begin + 22 * i + 3
        fill = OURS if i == 0 else LIMIT if "alone" in title else PEER
        canvas.text(left - 8, y + 12, title, 11, "end",
                    bold=i == 0)
        width = min(median, top) * scale
        canvas.box(left, y, width, 16, fill)
        if best < top:
            canvas.line(left + best * scale, y - 1, left + best * scale,
                        y + 17, INK, 1.5)
        if median > top:
            canvas.add('<path d="M%.1f %.1f l8 -20 h7 l-8 20 z" fill="#fff"/>',
                       right - 40, y + 18)
        canvas.text(left + width + 6, y + 12, "%.2f s%s" % (
            median, "" if i == 0 else "  (%.1fx)" % (median / ours)), 11,
            fill=INK)
    canvas.y = end + 20


def targets(canvas, found):
    verdicts = [v for _, o, _ in found for v in o.verdicts if v.margin]
    if not verdicts:
        return
    canvas.heading("Targets", "how many times better than the target the "
                   "figure is, on a logarithmic axis: right of the line it "
                   "holds (dot), left of it not (cross)")
    left, right = MARGIN + 520, WIDTH - MARGIN - 80
    low, high = math.log(1 / 8), math.log(8)

    def place(margin):
        value = min(max(math.log(margin), low), high)
        return left + (value - low) / (high - low) * (right - left)

    begin, end = canvas.y, canvas.y + 17 * len(verdicts)
    for mark in (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8):
        canvas.line(place(mark), begin, place(mark), end,
                    INK if mark == 1 else GRID, 1.5 if mark == 1 else 1)
        canvas.text(place(mark), end + 13, {1 / 8: "1/8 or less",
                                            8: "8 or more"}.get(
            mark, "%g" % mark if mark >= 1 else "1/%d" % (1 / mark)), 10,
            "middle", QUIET)
    for i, verdict in enumerate(verdicts):
        y = begin + 17 * i + 9
        canvas.text(left - 30, y + 4, verdict.target, 10, "end")
        x = place(verdict.margin)
        if verdict.held:
            canvas.add('<circle cx="%.1f" cy="%.1f" r="4.5" fill="%s"/>', x,
                       y, HELD)
        else:
            canvas.add('<path d="M%.1f %.1f l8 8 m0 -8 l-8 8" stroke="%s" '
                       'stroke-width="2.4" fill="none"/>', x - 4, y - 4,
                       MISSED)
        canvas.text(right + 14, y + 4, verdict.seen, 10,
                    fill=HELD if verdict.held else MISSED)
    canvas.y = end + 20


def growth(canvas, outcomes):
    canvas.heading("Growth", "cpu seconds of all fitout's processes, log over"
                   " log; dashed: in proportion to the last point")
    size, gap = 250, 56
    begin = canvas.y + 8
    for i, outcome in enumerate(outcomes):
        plot(canvas, MARGIN + 36 + i * (size + gap), begin, size, 170,
             outcome.chart["points"], outcome.chart["unit"])
    canvas.y = begin + 170 + 38


def decades(low, high):
    return [10.0 ** e for e in range(math.ceil(math.log10(low) - 1e-9),
                                     math.floor(math.log10(high) + 1e-9) + 1)]


def plot(canvas, left, top, width, height, points, unit):
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x0, x1 = min(xs) / 1.3, max(xs) * 1.3
    y0, y1 = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(
        math.log10(max(ys)))

    def at(x, y):
        return (left + math.log(x / x0) / math.log(x1 / x0) * width,
                top + height - math.log(y / y0) / math.log(y1 / y0) * height)

    for x in decades(x0, x1):
        canvas.line(at(x, y0)[0], top, at(x, y0)[0], top + height)
        canvas.text(at(x, y0)[0], top + height + 14, "{:,.0f}".format(x), 10,
                    "middle", QUIET)
    for y in decades(y0, y1):
        canvas.line(left, at(x0, y)[1], left + width, at(x0, y)[1])
        canvas.text(left - 6, at(x0, y)[1] + 4, "%g s" % y, 10, "end", QUIET)
    last = points[-1]
    first = max(x0, last[0] * y0 / last[1])
    (a, b), (c, d) = at(first, last[1] / last[0] * first), at(*last)
    canvas.add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" '
               'stroke-dasharray="4 4"/>', a, b, c, d, QUIET)
    canvas.add('<polyline points="%s" fill="none" stroke="%s" stroke-width="2'
               '"/>', " ".join("%.1f,%.1f" % at(*p) for p in points), OURS)
    for point in points:
        canvas.add('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>',
                   *at(*point), OURS)
    canvas.text(left + width / 2, top + height + 29, unit, 11, "middle")
