# SPDX-License-Identifier: Apache-2.0
"""The grammar of IAM's policy documents, as AWS's user guide writes it down
("Grammar of the IAM JSON policy language", "IAM JSON policy elements"), as
far as Allow statements without conditions go; and how a pattern matches.

In a template a value may be an intrinsic function; Fn::Sub's text is looked
at with its references taken for letters.
"""
import re

STATEMENT = {"Sid", "Effect", "Principal", "Action", "Resource"}
ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z*?][A-Za-z0-9*?]*")
ARN = re.compile(
    r"arn:(aws|aws-[a-z-]+|\*|X):[a-z0-9-]+:([a-z0-9-]*|\*|X):"
    r"([0-9]{12}|aws|\*|X|):.+")
# Variables that mean themselves.
LITERAL = {"${*}": "*", "${?}": "?", "${$}": "$"}


def _text(value):
    """The text of a value, or None where only a stack knows it."""
    if isinstance(value, str):
        return value
    if set(value) == {"Fn::Sub"}:
        text = re.sub(r"\$\{[A-Za-z:]+\}", "X", value["Fn::Sub"])
        return text.replace("${!", "${")
    assert set(value) <= {"Ref", "Fn::GetAtt"}, value
    return None


def _list(value):
    return value if isinstance(value, list) else [value]


def _resource(value):
    text = _text(value)
    if text is None or text == "*":
        return
    for variable in re.findall(r"\$\{[^}]*\}?", text):
        if variable not in LITERAL and \
                not re.fullmatch(r"\$\{[a-z0-9-]+:[A-Za-z0-9/-]+\}", variable):
            yield f"Resource: {text}: unknown variable {variable}"
    if not ARN.fullmatch(text):
        yield f"Resource: {text} is no ARN"


def _statement(statement, trust):
    for key in set(statement) - STATEMENT:
        yield f"unknown element {key}"
    if not re.fullmatch(r"[A-Za-z0-9]*", statement.get("Sid", "")):
        yield f"Sid {statement['Sid']}: letters and digits only"
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "Effect is neither Allow nor Deny"
    actions = _list(statement.get("Action", []))
    if not actions or not all(ACTION.fullmatch(action) for action in actions):
        yield f"Action: {actions}"
    wanted, other = ("Principal", "Resource") if trust else (
        "Resource", "Principal")
    if not statement.get(wanted):
        yield f"there is no {wanted}"
    if other in statement:
        yield f"{other} has no place here"
    for resource in _list(statement.get("Resource", [])):
        yield from _resource(resource)


def problems(policy, trust=False):
    """All that is wrong with a policy, as texts."""
    found = []
    if set(policy) - {"Version", "Id", "Statement"}:
        found.append(f"unknown elements in {sorted(policy)}")
    if policy.get("Version") not in ("2012-10-17", "2008-10-17"):
        found.append(f"Version {policy.get('Version')}")
    statements = _list(policy.get("Statement", []))
    if not statements:
        found.append("Statement: there is none")
    sids = [s["Sid"] for s in statements if "Sid" in s]
    if len(sids) != len(set(sids)):
        found.append("Sid is there twice")
    for statement in statements:
        found += _statement(statement, trust)
    return found


def matches(pattern, resource):
    """As IAM does: * and ? are wildcards, ${*} and its like are not."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    made = "".join(
        ".*" if part == "*" else "." if part == "?"
        else re.escape(LITERAL.get(part, part)) for part in parts)
    return re.fullmatch(made, resource, re.S) is not None
