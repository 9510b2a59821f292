# SPDX-License-Identifier: Apache-2.0
"""CloudFormation: resources of stacks that wait for signals; EC2's tags.

    stacks = CloudFormation()
    stacks.waiting[("web", "Group")] = 1
    stacks.identity = lambda: document      # what CFN_V1 must carry
    stacks.signals          # [("web", "Group", "i-...", "SUCCESS", "role")]
"""
import base64
import urllib.parse

from core import Refused
from query import QueryService


class CloudFormation(QueryService):
    name = model = "cloudformation"
    unsigned = ("SignalResource",)

    def __init__(self):
        super().__init__()
        self.waiting = {}
        self.signals = []
        self.identity = None            # a function: (document, signature)

    def answer(self, call):
        self._strip(call)
        return super().answer(call)

    def _strip(self, call):
        """cfn-signal's way: ContentType belongs to it alone."""
        if call.method == "GET":
            split = urllib.parse.urlsplit(call.target)
            pairs = urllib.parse.parse_qsl(split.query)
            call.target = split.path + "?" + urllib.parse.urlencode(
                [pair for pair in pairs if pair[0] != "ContentType"])

    def _who(self, call):
        if call.key:
            return "role"
        given = call.header("Authorization") or ""
        if not given.startswith("CFN_V1 ") or not self.identity:
            raise Refused(403, "MissingAuthenticationToken")
        document, _, signature = given[len("CFN_V1 "):].partition(":")
        if (base64.b64decode(document, validate=True).decode(), signature) \
                != self.identity():
            raise Refused(403, "AccessDenied", "not this stack's instance")
        return "identity"

    def SignalResource(self, call, StackName, LogicalResourceId, UniqueId,
                       Status):
        who = self._who(call)
        if (StackName, LogicalResourceId) not in self.waiting:
            raise Refused(400, "ValidationError", "Stack %s is in "
                          "CREATE_COMPLETE state and can not be signaled" %
                          StackName)
        self.signals.append((StackName, LogicalResourceId, UniqueId, Status,
                             who))


class Ec2(QueryService):
    """Of its own protocol, but CreateTags looks the same in both."""
    name = model = "ec2"

    def __init__(self):
        super().__init__()
        self.tags = {}

    def knows(self, action):
        return action == "CreateTags"

    def answer(self, call):
        form = dict(urllib.parse.parse_qsl(call.body.decode()))
        if not call.key:
            raise Refused(401, "AuthFailure")
        if form.pop("Version") != self.service.api_version or \
                form.pop("Action") != "CreateTags":
            raise Refused(400, "InvalidAction")
        if set(form) != {"ResourceId.1", "Tag.1.Key", "Tag.1.Value"} or \
                len(form["Tag.1.Key"]) > 128 or len(form["Tag.1.Value"]) > 256:
            raise Refused(400, "InvalidParameterValue")
        self.tags.setdefault(form["ResourceId.1"], {})[form["Tag.1.Key"]] = \
            form["Tag.1.Value"]
        return 200, {"Content-Type": "text/xml"}, \
            b"<CreateTagsResponse><return>true</return></CreateTagsResponse>"

    def refuse(self, call, refused):
        return refused.status, {"Content-Type": "text/xml"}, (
            "<Response><Errors><Error><Code>%s</Code><Message>%s</Message>"
            "</Error></Errors><RequestID>1</RequestID></Response>" %
            (refused.code, refused.message)).encode()
