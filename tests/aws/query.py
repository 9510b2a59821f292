# SPDX-License-Identifier: Apache-2.0
"""Services of the query protocol: a form with an Action comes, XML goes.
Parameters are read and checked by botocore's model of the service, and the
answer is written by it.

    class Sts(QueryService):
        name = "sts"                    # as it is signed
        model = "sts"                   # as botocore calls it

        def AssumeRole(self, call, RoleArn, RoleSessionName, **more):
            return {"Credentials": {...}}
"""
import datetime
import html
import re
import secrets
import urllib.parse

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from core import Refused


class QueryService:
    name = model = None
    unsigned = ()                       # operations that need no signature

    def __init__(self):
        self.service = ServiceModel(
            Loader().load_service_model(self.model, "service-2"))

    def knows(self, action):
        return action in self.service.operation_names and \
            hasattr(self, action)

    def operation(self, call):
        return _form(call).get("Action", "")

    def answer(self, call):
        form = _form(call)
        action = form.pop("Action", "")
        if form.pop("Version", None) != self.service.api_version:
            raise Refused(400, "InvalidAction", "of another version")
        if not self.knows(action):
            raise Refused(400, "InvalidAction", action)
        if not call.key and action not in self.unsigned:
            raise Refused(403, "MissingAuthenticationToken")
        model = self.service.operation_model(action)
        params = _read(model.input_shape, form, "") or {}
        if form:
            raise Refused(400, "ValidationError", "unknown parameters: " +
                          ", ".join(form))
        report = ParamValidator().validate(params, model.input_shape)
        if report.has_errors():
            raise Refused(400, "ValidationError", report.generate_report())
        result = getattr(self, action)(call, **params)
        return self._write(model, result or {})

    def _write(self, model, result):
        name = model.name
        shape = model.output_shape
        inner = ""
        if shape:
            wrapper = shape.serialization.get("resultWrapper")
            inner = _xml(wrapper or name + "Result", shape, result)
        body = ('<%sResponse xmlns="%s">%s<ResponseMetadata><RequestId>%s'
                "</RequestId></ResponseMetadata></%sResponse>" % (
                    name, self.service.metadata.get("xmlNamespace", ""),
                    inner, secrets.token_hex(16), name))
        return 200, {"Content-Type": "text/xml"}, body.encode()

    def refuse(self, call, refused):
        body = ("<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type><Code>%s"
                "</Code><Message>%s</Message></Error><RequestId>%s"
                "</RequestId></ErrorResponse>" % (
                    self.service.metadata.get("xmlNamespace", ""),
                    "Sender" if refused.status < 500 else "Receiver",
                    refused.code, html.escape(refused.message),
                    secrets.token_hex(16)))
        return refused.status, {"Content-Type": "text/xml",
                                **refused.headers}, body.encode()


def _form(call):
    text = call.body.decode() if call.method == "POST" else \
        urllib.parse.urlsplit(call.target).query
    return {name: value for name, value in urllib.parse.parse_qsl(
        text, keep_blank_values=True, strict_parsing=bool(text))
        if not name.startswith("X-Amz-")}


def _name(shape, member, default):
    return member.serialization.get("name", default)


def _read(shape, form, prefix):
    """The value of SHAPE that FORM has below PREFIX, taken out of it."""
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            value = _read(member, form, (prefix + "." if prefix else "") +
                          _name(shape, member, name))
            if value is not None:
                found[name] = value
        return found or None
    if shape.type_name == "list":
        if not shape.serialization.get("flattened"):
            prefix += "." + _name(shape, shape.member, "member")
        items = []
        while any(re.match(re.escape("%s.%d" % (prefix, len(items) + 1)) +
                           r"(\.|$)", name) for name in form):
            items.append(_read(shape.member, form,
                               "%s.%d" % (prefix, len(items) + 1)))
        return items or None
    text = form.pop(prefix, None)
    if text is None:
        return None
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name == "boolean":
        return {"true": True, "false": False}[text]
    if shape.type_name == "timestamp":
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return text


def _xml(name, shape, value):
    if value is None:
        return ""
    if shape.type_name == "structure":
        inner = "".join(_xml(_name(shape, member, key), member,
                             value.get(key))
                        for key, member in shape.members.items())
    elif shape.type_name == "list":
        item = _name(shape, shape.member, "member")
        inner = "".join(_xml(item, shape.member, one) for one in value)
    elif shape.type_name == "timestamp":
        inner = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    elif shape.type_name == "boolean":
        inner = "true" if value else "false"
    else:
        inner = html.escape(str(value))
    return "<%s>%s</%s>" % (name, inner, name)
