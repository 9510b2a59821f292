# SPDX-License-Identifier: Apache-2.0
"""STS: roles that may be assumed, by keys or by a web identity's token."""
import datetime

from core import Refused
from query import QueryService


class Sts(QueryService):
    name = model = "sts"
    unsigned = ("AssumeRoleWithWebIdentity",)

    def __init__(self):
        super().__init__()
        self.trust = {}                 # role ARN: roles that may assume it
        self.identities = {}            # web identity token: role ARN
        self.lasts = 3600

    def _make(self, arn, session):
        key = self.cloud.new_key(role=arn, lasts=self.lasts)
        return key, {
            "Credentials": {
                "AccessKeyId": key.id, "SecretAccessKey": key.secret,
                "SessionToken": key.token,
                "Expiration": datetime.datetime.fromtimestamp(
                    key.expires, datetime.timezone.utc)},
            "AssumedRoleUser": {"AssumedRoleId": "AROA123456789EXAMPLE:" +
                                session, "Arn": arn}}

    def AssumeRole(self, call, RoleArn, RoleSessionName, ExternalId=None,
                   **more):
        allowed = self.trust.get(RoleArn, {})
        if call.key.role not in allowed or \
                allowed[call.key.role] != ExternalId:
            raise Refused(403, "AccessDenied", "User: %s is not authorized "
                          "to perform: sts:AssumeRole on resource: %s" % (
                              call.key.role, RoleArn))
        return self._make(RoleArn, RoleSessionName)[1]

    def AssumeRoleWithWebIdentity(self, call, RoleArn, RoleSessionName,
                                  WebIdentityToken, **more):
        if self.identities.get(WebIdentityToken) != RoleArn:
            raise Refused(400, "InvalidIdentityToken",
                          "the token is not good for this role")
        return self._make(RoleArn, RoleSessionName)[1]

    def GetCallerIdentity(self, call):
        return {"UserId": call.key.id, "Account": "123456789012",
                "Arn": call.key.role}
