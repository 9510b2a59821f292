# SPDX-License-Identifier: Apache-2.0
"""The metadata service as AWS itself wrote it for tests, amazon-ec2-metadata-
mock, told to be the instance that metadata.py is, with version 2 only.

It takes what it says from a file, and one of its commands at a time says what
happens to the instance: what is set here begins it anew, at the same address
and without the tokens it had made.
"""
import json
import re
import socket
import subprocess
import time

NEVER_S = 10 ** 6
MACS = "/latest/meta-data/network/interfaces/macs/"
ASKED = re.compile(r"(Generate|Validate)Token Received request: &\{([A-Z]+) "
                   r"(\S+) .* (127\.0\.0\.1:[0-9]+) /latest/")
MISSED = re.compile("Received request to CatchAllHandler:  (.*)")
# Two of its keys: the name of the role, and what is said of it.
ROLE = "iam-security-credentials-role"
KEYS = "iam-security-credentials"


class MetadataPeer:
    def __init__(self, binary, directory, like):
        """LIKE: the Metadata whose items it is to have."""
        self.binary = binary
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as sock:
            self.port = sock.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % self.port
        place, macs = like.meta["placement"], like.meta["network"]()
        (mac, card), = macs["interfaces"]["macs"].items()
        self.paths = {                      # no path: it has no such item
            ROLE: "", KEYS: "",
            "mac-vpc-id": MACS + mac + "/vpc-id"}
        self.values = {
            "instance-id": like.meta["instance-id"],
            "instance-type": like.meta["instance-type"],
            "placement-region": place["region"],
            "placement-availability-zone": place["availability-zone"],
            "tags-instance-name": like.meta["tags"]["instance"]["Name"],
            "mac": mac, "mac-mac": mac, "mac-vpc-id": card["vpc-id"]}
        self.process = None
        self.command = ()
        self.begin()

    def begin(self, *command):
        self.close()
        self.command = command or self.command
        config = self.directory / "mock.json"
        config.write_text(json.dumps({"metadata": {
            "paths": self.paths, "values": self.values}}))
        with open(self.directory / "mock.log", "a") as log:
            self.process = subprocess.Popen(
                [self.binary, *self.command, "--imdsv2", "--hostname",
                 "127.0.0.1", "--port", str(self.port), "--config-file",
                 config], stdout=log, stderr=log, cwd=self.directory,
                env={"HOME": str(self.directory)})
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < end
                time.sleep(0.05)

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def environment(self):
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url}

    # ---- what happens to the instance ----

    def set_group(self, name):
        self.paths["tags-instance-test"] = \
            "/latest/meta-data/tags/instance/aws:autoscaling:groupName"
        self.values["tags-instance-test"] = name
        self.begin()

    def set_role(self, name, credentials):
        """CREDENTIALS: text."""
        path = "/latest/meta-data/iam/security-credentials"
        self.paths.update({ROLE: path, KEYS: path + "/" + name})
        self.values.update({ROLE: name, KEYS: json.loads(credentials)})
        self.begin()

    def set_target_state(self, state):
        seconds = {"InService": NEVER_S, "Terminated": 0}[state]
        self.begin("asglifecycle", "--asg-termination-delay-sec=%d" % seconds)

    def set_spot_notice(self, when):
        self.begin("spot", "--action=terminate", "--time=" + when)

    def forget_tokens(self):
        self.begin()

    # ---- what it says that it was asked ----

    def log(self):
        return (self.directory / "mock.log").read_text()

    def _asked(self, method):
        return [found[3] for found in ASKED.finditer(self.log())
                if found[2] == method] + \
            MISSED.findall(self.log()) * (method == "GET")

    def gets(self):
        return self._asked("GET")

    def puts(self):
        return self._asked("PUT")

    @property
    def peers(self):
        return {found[4] for found in ASKED.finditer(self.log())}

    def refused(self):
        return self.log().count("Invalid token provided")
