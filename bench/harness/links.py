# SPDX-License-Identifier: Apache-2.0
"""Links between the servers' network namespace and one of the client's.

A link is built when it is first asked for and verified before it is used:
what it really delivers is measured, and printed beside the results.
"""
import os
import random
import re
import socket
import statistics
import subprocess
import time

from harness import box, places, servers

PROBE = "probe.bin"


class Loopback:
    name, title, address = "loopback", "loopback", "127.0.0.1"

    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


class Link:
    """`with link:` starts what is started at its client's end."""

    def __init__(self, room, device, net, mbit, rtt_ms, queue_kb):
        self.mbit, self.rtt_ms = mbit, rtt_ms
        self.name = device
        self.title = "%s, %d ms" % (
            "%d Gbit/s" % (mbit // 1000) if mbit >= 1000 else
            "%d Mbit/s" % mbit, rtt_ms)
        self.address = "10.77.%d.1" % net
        self.client = box.Network()
        self._start(room, queue_kb)
        self._address(self.address, device)
        with self:
            self._address("10.77.%d.2" % net, device)

    def _start(self, room, queue_kb):
        program = servers.compiled(room, "delaybox.c")
        self.process = subprocess.Popen(
            box.WITH_US + [program, self.name, str(self.client.fd),
                           str(self.mbit), str(self.rtt_ms * 500),
                           str(queue_kb)],
            stdout=subprocess.PIPE, pass_fds=[self.client.fd])
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit("the link %s could not be made" % self.title)

    @staticmethod
    def _address(address, device):
        subprocess.run(["ip", "address", "add", address + "/30", "dev",
                        device], check=True)
        subprocess.run(["ip", "link", "set", device, "up"], check=True)

    def __enter__(self):
        self.client.__enter__()

    def __exit__(self, *_):
        self.client.__exit__()

    def verify(self, base, strict):
        """Measure round trip and rate; they have to be what they should, or,
        when not strict, are only told."""
        for attempt in range(5):
            rtt = self._round_trip()
            rate = self._rate(base)
            self.seen = "%.1f MB/s, round trip %.2f ms" % (rate, rtt)
            # 94.9 % of a gigabit is payload; the rest is for what slow start
            # costs a file of a second.
            wanted = self.mbit / 8 * 0.949
            if 0.85 * wanted <= rate <= 1.02 * wanted and \
                    self.rtt_ms <= rtt <= self.rtt_ms * 1.15 + 0.3:
                return
            places.say("%s delivers %s; once more" % (self.title, self.seen))
            if not strict:
                return
        raise SystemExit("the link of %s does not deliver it: %s" % (
            self.title, self.seen))

    def _round_trip(self):
        times = []
        with self:
            for _ in range(7):
                begin = time.perf_counter()
                socket.create_connection((self.address,
                                          servers.PLAIN)).close()
                times.append(time.perf_counter() - begin)
        return statistics.median(times) * 1000

    def _rate(self, base):
        with self:
            done = subprocess.run(
                ["curl", "-sS", "-o", "/dev/null", "-w",
                 "%{speed_download}", "%s/%s" % (base, PROBE)],
                check=True, stdout=subprocess.PIPE, text=True)
        return float(re.match(r"[\d.]+", done.stdout).group()) / 1e6


class Links:
    """Made when they are asked for."""

    def __init__(self, room, inputs, server, strict):
        self.room, self.inputs, self.server = room, inputs, server
        self.strict = strict
        self.made = {"loopback": Loopback()}

    def __getitem__(self, name):
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def _make(self, name):
        net, mbit, rtt_ms, queue_kb = {
            "1g": (1, 1000, 2, 1024), "200m": (2, 200, 20, 1024)}[name]
        link = Link(self.room, name, net, mbit, rtt_ms, queue_kb)
        probe = self.inputs.path(PROBE)
        if not os.path.exists(probe):
            with open(probe + ".part", "wb") as file:
                file.write(random.Random(1).randbytes(48 << 20))
            os.rename(probe + ".part", probe)
        link.verify(self.server.base(link.address), self.strict)
        places.say("%s: %s" % (link.title, link.seen))
        return link


def missing():
    """Why there can be no links here, or None."""
    return None if os.path.exists("/dev/net/tun") else "no /dev/net/tun"
