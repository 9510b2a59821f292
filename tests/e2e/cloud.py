# SPDX-License-Identifier: Apache-2.0
"""What an instance finds around it: DHCP, DNS, the metadata service and an
origin of artifacts, in a network namespace of their own.

    cloud = Cloud(directory, certs)
    cloud.imds.user_data = b"#!/bin/sh\\n..."
    cloud.origin.directory                   # put files here
    cloud.close()

The origin is http(s)://origin.test/ on the usual ports; every other name
does not exist. https://expired.origin.test/, wrong-host. and self-signed.
are the same server with a bad certificate.
"""
import pathlib
import re
import subprocess
import time

from imds import Imds
from netns import WITH_US, NetNs
from origin import Origin

IMDS_ADDRESS = "169.254.169.254"
ORIGIN_ADDRESS = "10.12.0.1"            # also the name server's
BAD = {"expired": "10.12.0.2", "wrong_host": "10.12.0.3",
       "self_signed": "10.12.0.4"}
GATEWAY = "10.11.0.1"
# Where AWS has its agent, for the region of imds.py: the origin as well; with
# .cn as if that were in China.
AGENT_BUCKET = "aws-codedeploy-eu-test-1.s3.eu-test-1.amazonaws.com"


class Cloud:
    def __init__(self, directory, certs=None):
        self.directory = pathlib.Path(directory)
        www = self.directory / "www"
        www.mkdir(parents=True)
        self.leases = self.directory / "leases"
        self.ns = NetNs()
        self.imds = Imds()
        self.imds.add_interface(self.mac)
        self.origin = Origin(www)
        for address in (IMDS_ADDRESS, ORIGIN_ADDRESS, *BAD.values()):
            self.ns.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        self.imds.listen(self.ns.listen(IMDS_ADDRESS, 80))
        self.origin.listen(self.ns.listen(ORIGIN_ADDRESS, 80))
        if certs:
            self.origin.listen(self.ns.listen(ORIGIN_ADDRESS, 443),
                               certs.good)
            for name, address in BAD.items():
                self.origin.listen(self.ns.listen(address, 443),
                                   getattr(certs, name))
        self._dnsmasq = self._start_dnsmasq()

    def _start_dnsmasq(self):
        # host-record, not address: that one denies the whole name when it is
        # asked for an IPv6 address, and musl believes it.
        names = [f"--host-record={name.replace('_', '-')}.origin.test,{address}"
                 for name, address in BAD.items()]
        process = subprocess.Popen(
            [*self.ns.enter(), *WITH_US, "dnsmasq", "--keep-in-foreground",
             "--conf-file=/dev/null", "--user=root", "--no-resolv",
             "--no-hosts", "--pid-file=", "--address=/#/",
             f"--host-record=origin.test,{ORIGIN_ADDRESS}", *names,
             f"--host-record={AGENT_BUCKET},{AGENT_BUCKET}.cn,"
             f"{ORIGIN_ADDRESS}",
             "--dhcp-range=10.11.0.10,10.11.0.10,1h", "--no-ping",
             "--dhcp-ignore-clid",      # cloud-init's and networkd's differ
             f"--dhcp-option=option:router,{GATEWAY}",
             f"--dhcp-option=option:dns-server,{ORIGIN_ADDRESS}",
             f"--dhcp-leasefile={self.leases}", "--dhcp-authoritative"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "dnsmasq.log", "wb"))
        return process

    def plug(self, interface, timeout=10):
        """Bring up our end of an instance's cable, once it is there."""
        end = time.monotonic() + timeout
        while interface not in self.ns.run("ip", "-o", "link"):
            if time.monotonic() > end:
                raise TimeoutError(f"no interface {interface} to plug in")
            time.sleep(0.02)
        self.ns.run("ip", "address", "add", f"{GATEWAY}/24", "dev", interface)
        self.ns.run("ip", "link", "set", interface, "up")

    def connect(self, ns):
        """A cable to another namespace, configured at both ends."""
        self.ns.run("ip", "link", "add", "cable", "type", "veth",
                    "peer", "name", "eth0", "netns", ns.name)
        self.plug("cable")
        ns.run("ip", "address", "add", "10.11.0.10/24", "dev", "eth0")
        ns.run("ip", "link", "set", "eth0", "up")
        ns.run("ip", "route", "add", "default", "via", GATEWAY)

    def mac(self):
        """The instance's address, from its lease."""
        found = re.search(r"^\d+ ([0-9a-f:]{17}) ", self.leases.read_text(),
                          re.M)
        return found.group(1)

    def next_instance(self):
        """There is one address: the next machine is to get it."""
        self._stop_dnsmasq()
        self.leases.unlink(missing_ok=True)
        self._dnsmasq = self._start_dnsmasq()

    def _stop_dnsmasq(self):
        self._dnsmasq.terminate()
        self._dnsmasq.wait(10)

    def close(self):
        self.imds.close()
        self.origin.close()
        self._stop_dnsmasq()
        self.ns.close()
