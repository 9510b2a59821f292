# SPDX-License-Identifier: Apache-2.0
"""The metadata service of an instance in an Auto Scaling group: that of
tests/e2e, with what makes life hard.

    metadata = Metadata()
    metadata.serve()                 # on loopback; metadata.url
    metadata.hop_limit = 1; metadata.hops = 2      # PUTs are not answered
    metadata.busy("meta-data/instance-id", 2)      # 503 so many times
    metadata.tokens.clear()                        # all are invalid now
"""
import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from imds import Imds  # noqa: E402


def as_json(key, lasts=3600, now=None, **more):
    """What the service says of a role whose key is KEY."""
    return json.dumps({
        "Code": "Success", "Version": 1, "AccessKeyId": key.id,
        "SecretAccessKey": key.secret, "Token": key.token,
        "SessionToken": key.token, "Expiration": time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime((now or time.time()) + lasts)),
        **more})


class Metadata(Imds):
    def __init__(self, **more):
        super().__init__(**more)
        self.hop_limit = 1
        self.hops = 1                # from the instance's network card to us
        self.token_status = 200      # 403: switched off; 404: version 1 only
        self.v1 = False              # GETs without a token are answered
        self.ttls = []               # asked for
        self.waits = {}              # path: statuses before the true answer
        self.meta["tags"] = {"instance": {"Name": "web"}}
        self.url = None

    def serve(self, address="127.0.0.1"):
        sock = socket.create_server((address, 0))
        self.url = f"http://{address}:{sock.getsockname()[1]}"
        self.listen(sock)
        return self

    def environment(self):
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url}

    def busy(self, path, times, status=503):
        self.waits[path] = [status] * times

    def set_role(self, name, credentials):
        """CREDENTIALS: text, or a function that makes it."""
        self.meta["iam"] = {"info": "{}", "security-credentials":
                            {name: credentials}}

    def set_group(self, name):
        self.meta.setdefault("tags", {}).setdefault(
            "instance", {})["aws:autoscaling:groupName"] = name

    def set_target_state(self, state):
        """"InService", "Warmed:Stopped", "Terminated"; None: no group."""
        if state is None:
            self.meta.pop("autoscaling", None)
        else:
            self.meta["autoscaling"] = {"target-lifecycle-state": state}

    def set_spot_notice(self, when):
        self.meta["spot"] = {"instance-action":
                             '{"action": "terminate", "time": "%s"}' % when}

    def _wait(self, path):
        waiting = self.waits.get(path)
        return waiting.pop(0) if waiting else None

    def put_token(self, path, headers):
        self.ttls.append(headers.get("X-aws-ec2-metadata-token-ttl-seconds"))
        status = self._wait("api/token")
        if status:
            return status, b"", {}
        if self.token_status != 200:
            return self.token_status, b"", {}
        if self.hops > self.hop_limit:
            time.sleep(30)           # the answer dies on its way
        return super().put_token(path, headers)

    def get(self, path, headers):
        rest = path.strip("/").partition("/")[2]
        status = self._wait(rest)
        if status:
            return status, b"", {}
        if self.v1 and "X-aws-ec2-metadata-token" not in headers:
            found = self._find(rest)
            return (404, b"", {}) if found is None else (200, found, {})
        return super().get(path, headers)

    def gets(self):
        return [path for method, path, _ in self.requests if method == "GET"]

    def puts(self):
        return [path for method, path, _ in self.requests if method == "PUT"]

    def refused(self):
        """How many came with a token that is none."""
        return sum(status == 401 for _, _, status in self.requests)

    def forget_tokens(self):
        self.tokens.clear()
