# SPDX-License-Identifier: Apache-2.0
"""A network namespace of our own, and sockets in it.

Servers of the tests run as threads of the test process. A socket stays in
the namespace it was made in, so only the thread that makes it has to visit.
"""
import ctypes
import itertools
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
MS_REC_PRIVATE = 0x4000 | 0x40000
# In front of a command: it does not outlive the test process.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def _check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def private_mounts():
    """Give this process a mount namespace: what it mounts ends with it."""
    _check(_libc.unshare(CLONE_NEWNS))
    _check(_libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None))


def unique_name():
    """A name no other test process has: short enough for an interface."""
    return f"fit-{os.getpid()}-{next(_numbers)}"


class NetNs:
    def __init__(self):
        self.name = unique_name()
        self.path = f"/run/netns/{self.name}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run("ip", "link", "set", "lo", "up")

    def enter(self):
        """The words to put in front of a command to run it in here."""
        return ["nsenter", f"--net={self.path}"]

    def run(self, *command):
        return subprocess.run(
            [*self.enter(), *command], check=True, timeout=30,
            capture_output=True, text=True).stdout

    def listen(self, address, port):
        """A listening TCP socket in here; port 0 takes a free one."""
        made = []

        def visit():
            try:
                with open(self.path, "rb") as ns:
                    _check(_libc.setns(ns.fileno(), CLONE_NEWNET))
                made.append(socket.create_server(
                    (address, port), backlog=64, family=socket.AF_INET6
                    if ":" in address else socket.AF_INET))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=visit)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def close(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)
