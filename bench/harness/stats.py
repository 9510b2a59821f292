# SPDX-License-Identifier: Apache-2.0
"""Arithmetic of the tables."""
import math
import statistics

middle = statistics.median


def exponent(points):
    """The slope of log(cost) over log(size): 1 is a cost in proportion."""
    xs = [math.log(x) for x, _ in points]
    ys = [math.log(y) for _, y in points]
    return statistics.linear_regression(xs, ys).slope


def marginals(points):
    """Cost of one unit more, between each two sizes that follow."""
    return [(y2 - y1) / (x2 - x1)
            for (x1, y1), (x2, y2) in zip(points, points[1:])]


def knee(points, tolerance=1.5):
    """The first size from which a unit more costs over TOLERANCE times what
    it cost over all the steps before; None: there is none. Steps that cost
    less than a fifth of the fixed cost say nothing and are left out."""
    fixed = points[0][1]
    for i in range(2, len(points)):
        (x0, y0), (x1, y1), (x2, y2) = points[0], points[i - 1], points[i]
        if y1 - y0 < fixed / 5:
            continue
        if (y2 - y1) / (x2 - x1) > tolerance * (y1 - y0) / (x1 - x0):
            return x2
    return None
