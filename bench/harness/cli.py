# SPDX-License-Identifier: Apache-2.0
"""bench/run: the options, and the run of the lines that were asked for."""
import argparse
import os
import shutil
import subprocess
import sys
import time

from harness import (box, chart, disks, growth, inputs, lines_cost, lines_link,
                     lines_time, links, measure, peers_config, places, report,
                     servers)

LINES = {**lines_link.LINES, **lines_cost.LINES, **lines_time.LINES,
         **growth.LINES}
NOT_QUICK = ("link-200m",)      # the same as link-1g, but slower
PACKAGES = ("wget curl strace openssl xz-utils zstd e2fsprogs iproute2 "
            "util-linux gcc libc6-dev")
SLOW_PACKAGES = " aria2 isal ansible-core itamae"      # not for --quick


def options_of(argv):
    parser = argparse.ArgumentParser(
        prog="bench/run", description="fitout against its peers, on the same "
        "work, in turns. Needs root, and build/static/fitout (tools/build).")
    parser.add_argument("--quick", action="store_true",
                        help="small inputs, one run each: does the harness "
                        "work, are the trees the same; never a verdict")
    parser.add_argument("--only", action="append", metavar="NAME",
                        choices=list(LINES), help="only this line; may be "
                        "said more than once")
    parser.add_argument("--runs", type=int, help="of each contender "
                        "(default 5; --quick 1); fewer, but two, of what takes "
                        "longer than its share of the time")
    parser.add_argument("--list", action="store_true",
                        help="print the lines' names")
    parser.add_argument("--inputs", action="store_true", help="make the "
                        "archives and print how large they are")
    parser.add_argument("--save", action="store_true", help="write "
                        "bench/RESULTS from the last outcome of every line")
    options = parser.parse_args(argv)
    options.files = 400 if options.quick else 20000
    options.big = 8 if options.quick else 1024
    options.runs = options.runs or (1 if options.quick else 5)
    options.slow_runs = max(1, options.runs // 2)
    return options


def outside(options):
    """What needs the machine's own network."""
    if os.geteuid() != 0:
        raise SystemExit("bench/run makes namespaces and mounts file systems:"
                         " it needs root")
    if not os.path.exists(places.FITOUT):
        raise SystemExit("there is no %s: tools/build makes it" %
                         places.FITOUT)
    places.library("need_packages " + PACKAGES + (
        "" if options.quick else SLOW_PACKAGES))
    cache = places.cache_dir()
    inputs.Inputs(cache).prepare()
    if not options.quick:
        os.environ[peers_config.ROOTFS] = rootfs()
    return box.enter(sys.argv, cache)


def rootfs():
    """Where cloud-init is, or why it is not."""
    done = subprocess.run([os.path.join(places.TOP, "tools/rootfs"),
                           "bookworm"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or "tools/rootfs bookworm ended with %d" % \
        done.returncode


def measure_lines(options, cache):
    room = box.furnish()
    # A copy: a build may replace the program while we run.
    shutil.copy(places.FITOUT, os.path.join(room, "fitout"))
    commit = report.commit()
    made = inputs.Inputs(cache)
    server = servers.Servers(room, made)
    bench = measure.Bench(room, made, server,
                          links.Links(room, made, server, not options.quick),
                          options.runs, options.slow_runs)
    store = report.Store(cache)
    for name in options.only or [name for name in LINES if not (
            options.quick and name in NOT_QUICK)]:
        if name.startswith("link-") and links.missing():
            print("%s: not possible here: %s\n" % (name, links.missing()))
            continue
        if name == "upgrade-disk" and disks.SlowDisk.missing():
            print("%s: not possible here: %s\n" % (
                name, disks.SlowDisk.missing()))
            continue
        places.say(name)
        when = report.facts(commit)
        begin = time.monotonic()
        outcome = LINES[name](bench, options)
        when["seconds"] = int(time.monotonic() - begin)
        when["load_end"] = "%.1f" % os.getloadavg()[0]
        if options.quick:
            outcome = report.computed(name, outcome)
        else:
            store.keep(name, outcome, when)
        print(report.text(name, outcome, when), flush=True)


def save(cache):
    store = report.Store(cache)
    with open(os.path.join(places.BENCH, "RESULTS"), "w") as file:
        file.write(store.whole(LINES))
    with open(os.path.join(places.BENCH, "RESULTS.svg"), "w") as file:
        file.write(chart.draw(list(store.outcomes(LINES)), store.machine()))


def print_inputs():
    made = inputs.Inputs(places.cache_dir())
    made.prepare()
    for file, meant in inputs.TARGETS.items():
        path = made.path(made.archive(*file.split(".", 1)))
        print("%-20s %7.2f MB, meant %7.2f: %.3f" % (
            file, os.path.getsize(path) / 1e6, meant / 1e6,
            inputs.off_target(path)))


def main():
    options = options_of(sys.argv[1:])
    if options.inputs:
        print_inputs()
        return 0
    if options.list:
        for name, function in LINES.items():
            print("%-14s %s" % (name, function.__doc__.splitlines()[0]))
        return 0
    if not box.inside():
        status = outside(options)
        if status == 0 and options.save and not options.quick:
            save(places.cache_dir())
        return status
    measure_lines(options, places.cache_dir())
    return 0
