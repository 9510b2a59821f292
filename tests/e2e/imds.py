# SPDX-License-Identifier: Apache-2.0
"""The instance metadata service, version 2 only.

A token is made by PUT with a time to live of 1 to 21600 s; without a token
that is still good every GET is answered 401. A PUT that came through a proxy
(X-Forwarded-For) is answered 403. Bodies end without a newline. A directory
lists its names, those of directories with a slash behind.
"""
import http.server
import json
import re
import secrets
import threading
import time

VERSIONS = ["1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23",
            "latest"]


class Imds:
    """`meta` and `dynamic` are nested dictionaries of strings, which tests
    may change at any time; a value may be a function without arguments.
    `faults` maps a path below the version ("meta-data/tags") to a status."""

    def __init__(self, user_data=b"", instance_id="i-0123456789abcdef0"):
        self.user_data = user_data
        self.faults = {}
        self.requests = []          # (method, path, status)
        self.peers = set()          # of all connections
        self.tokens = {}            # token: when it ends
        self.lock = threading.Lock()
        self.meta = {
            "ami-id": "ami-0123456789abcdef0",
            "instance-id": instance_id,
            "instance-type": "t3.small",
            "local-hostname": "ip-10-11-0-10.eu-test-1.compute.internal",
            "hostname": "ip-10-11-0-10.eu-test-1.compute.internal",
            "local-ipv4": "10.11.0.10",
            "placement": {"region": "eu-test-1",
                          "availability-zone": "eu-test-1a"},
            "services": {"domain": "amazonaws.com", "partition": "aws"},
            "security-groups": "default",
        }
        self.dynamic = {"instance-identity": {"document": self._document}}
        self._server = None

    def _document(self):
        return json.dumps({
            "accountId": "123456789012", "architecture": "x86_64",
            "availabilityZone": self.meta["placement"]["availability-zone"],
            "imageId": self.meta["ami-id"],
            "instanceId": self.meta["instance-id"],
            "instanceType": self.meta["instance-type"],
            "privateIp": self.meta["local-ipv4"],
            "region": self.meta["placement"]["region"],
            "version": "2017-09-30"})

    def add_interface(self, mac_of):
        """mac_of is a function: the address is known after boot only."""
        self.meta["mac"] = mac_of
        self.meta["network"] = lambda: {"interfaces": {"macs": {mac_of(): {
            "device-number": "0", "mac": mac_of(),
            "interface-id": "eni-0123456789abcdef0",
            "local-hostname": self.meta["local-hostname"],
            "local-ipv4s": self.meta["local-ipv4"],
            "owner-id": "123456789012",
            "subnet-id": "subnet-0123456789abcdef0",
            "subnet-ipv4-cidr-block": "10.11.0.0/24",
            "vpc-id": "vpc-0123456789abcdef0",
            "vpc-ipv4-cidr-block": "10.11.0.0/16"}}}}

    def listen(self, sock):
        self._server = _Server(self, sock)
        threading.Thread(target=self._server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def asked(self, path):
        with self.lock:
            return [r for r in self.requests if r[1] == path]

    def close(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def put_token(self, path, headers):
        """Answer a PUT: status, body, headers."""
        ttl = headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if path != "/latest/api/token":
            return 405, b"", {}
        if headers.get("X-Forwarded-For") is not None:
            return 403, b"", {}
        if not re.fullmatch("[0-9]{1,5}", ttl) or not 1 <= int(ttl) <= 21600:
            return 400, b"", {}
        token = secrets.token_urlsafe(40)
        with self.lock:
            self.tokens[token] = time.monotonic() + int(ttl)
        return 200, token.encode(), {
            "X-Aws-Ec2-Metadata-Token-Ttl-Seconds": ttl}

    def get(self, path, headers):
        """Answer a GET: status, body, headers."""
        token = headers.get("X-aws-ec2-metadata-token", "")
        with self.lock:
            good = time.monotonic() < self.tokens.get(token, 0)
        if not good:
            return 401, b"", {}
        version, _, rest = path.strip("/").partition("/")
        if not version:
            return 200, "\n".join(VERSIONS).encode(), {}
        if rest in self.faults:
            return self.faults[rest], b"", {}
        found = self._find(rest) if version in VERSIONS else None
        if found is None:
            return 404, b"", {}
        return 200, found, {}

    def _find(self, path):
        tree = {"meta-data": self.meta, "dynamic": self.dynamic}
        if self.user_data:
            tree["user-data"] = self.user_data
        for name in filter(None, path.split("/")):
            if not isinstance(tree, dict) or name not in tree:
                return None
            tree = tree[name]
            tree = tree() if callable(tree) else tree
        if isinstance(tree, dict):
            tree = "\n".join(
                name + "/" * (isinstance(value, dict) or name == "network")
                for name, value in sorted(tree.items()))
        return tree if isinstance(tree, bytes) else tree.encode()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, imds, sock):
        super().__init__(sock.getsockname(), _Handler,
                         bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        self.imds = imds

    def handle_error(self, request, client_address):
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        self._answer(*self.server.imds.get(self.path, self.headers))

    def do_PUT(self):
        self._answer(*self.server.imds.put_token(self.path, self.headers))

    def _answer(self, status, body, headers):
        imds = self.server.imds
        with imds.lock:
            imds.requests.append((self.command, self.path, status))
            imds.peers.add(self.client_address)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
