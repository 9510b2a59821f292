# SPDX-License-Identifier: Apache-2.0
"""Where the benchmarks happen: a mount, a network and a PID namespace.

What is mounted, connected or started in here ends when the first process of
the box does, however it ends: there is nothing to tidy up. The outer process
starts that one, waits, and takes the box down when it is itself told to end.
"""
import ctypes
import os
import signal
import subprocess
import sys

INSIDE = "FITOUT_BENCH_INSIDE"
ROOM = "/run/fitout-bench"   # an empty directory outside, a tmpfs inside
CLONE_NEWNET = 0x40000000
# In front of a command: it does not outlive us.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
_libc = ctypes.CDLL(None, use_errno=True)


def inside():
    return os.environ.get(INSIDE) == "1"


def enter(argv, cache):
    """Run this program again in a box; its exit status."""
    os.makedirs(ROOM, mode=0o755, exist_ok=True)
    environment = dict(os.environ, FITOUT_CACHE=cache, **{INSIDE: "1"})
    box = subprocess.Popen(
        WITH_US + ["unshare", "--mount", "--net", "--pid", "--fork",
                   "--kill-child", "--mount-proc", "--propagation", "private",
                   sys.executable] + argv, env=environment)

    def stop(number, _frame):
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        return box.wait()
    finally:
        box.kill()     # and with it, --kill-child, all that is in the box
        box.wait()


def furnish():
    """Inside: a tmpfs to work in, and loopback."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=75%,mode=755",
                    "fitout-bench", ROOM], check=True)
    settle_network()
    return ROOM


def settle_network():
    """Loopback up; the congestion control of most hosts, not this one's."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        with open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as file:
            file.write("cubic")
    except OSError:
        pass        # not in this kernel: whatever it has


def set_network(fd):
    """Move this thread, and what it starts from now on, to a namespace."""
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "setns: " + os.strerror(error))


class Network:
    """A network namespace: `with network:` starts things in it."""

    def __init__(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if _libc.unshare(CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, "unshare: " + os.strerror(error))
        try:
            self.fd = os.open("/proc/thread-self/ns/net",
                              os.O_RDONLY | os.O_CLOEXEC)
            settle_network()
        finally:
            set_network(self.home)

    def __enter__(self):
        set_network(self.fd)

    def __exit__(self, *_):
        set_network(self.home)
