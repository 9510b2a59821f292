# SPDX-License-Identifier: Apache-2.0
"""Where things are, and a word on the console."""
import os
import subprocess
import sys

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(BENCH)
FITOUT = os.environ.get("FITOUT", os.path.join(TOP, "build/static/fitout"))


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def library(words, **options):
    """Run words of bash after tools/lib.sh; what they print."""
    return subprocess.run(
        ["bash", "-c", ". %s/tools/lib.sh; %s" % (TOP, words)], check=True,
        stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def cache_dir():
    return library("cache_dir")
