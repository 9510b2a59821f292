#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/unit/sigv4_cases.h: requests as the published test suite of
Signature Version 4 has them (and what S3 adds), each with what botocore makes
of it. tests/aws/test_sigv4.py sees to it that the file is what this prints."""
import hashlib
import json
import sys
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
STAMP, NOW = "20150830T123600Z", 1440938160
TOKEN = ("AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWs"
         "KWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGds"
         "bVRrDgmVb=")
FORM = "application/x-www-form-urlencoded; charset=utf-8"

# name, method, path, query, headers, body, more
CASES = [
    ("get vanilla", "GET", "/"),
    ("get with an empty query key", "GET", "/", [("Param1", "value1")]),
    ("query in the order of keys", "GET", "/",
     [("Param2", "value2"), ("Param1", "value1")]),
    ("query in the order of keys, case counts", "GET", "/",
     [("Param-3", "Value3"), ("Param", "Value2"), ("%s", "Value1")]),
    ("query in the order of values", "GET", "/",
     [("Param1", "value2"), ("Param1", "Value1")]),
    ("query of unreserved characters", "GET", "/",
     [("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
       "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")]),
    ("query in UTF-8", "GET", "/", [("\u1234", "bar")]),
    ("query with an empty value", "GET", "/", [("acl", "")]),
    ("query with a plus, a blank and a slash", "GET", "/",
     [("a+b", "c d/e&f=g")]),
    ("headers of one name", "GET", "/", [],
     [("My-Header1", "value2"), ("My-Header1", "value2"),
      ("My-Header1", "value1")]),
    ("header values are trimmed and folded", "GET", "/", [],
     [("My-Header1", " value1"), ("My-Header2", ' "a   b   c"  ')]),
    ("header names in any case", "POST", "/", [], [("MY-HEADER1", "VALUE1")]),
    ("post vanilla", "POST", "/"),
    ("post with a query", "POST", "/", [("Param1", "value1")]),
    ("post of a form", "POST", "/", [], [("Content-Type", FORM)],
     "Param1=value1"),
    ("path of unreserved characters", "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("path in UTF-8", "GET", "/\u1234"),
    ("path with a blank", "GET", "/example space/"),
    ("path relative", "GET", "/example/.."),
    ("path relative, twice", "GET", "/example1/example2/../.."),
    ("path of a dot and a slash", "GET", "/./"),
    ("path of a dot", "GET", "/./example"),
    ("path of slashes", "GET", "//example//"),
    ("path of two slashes", "GET", "//"),
    ("session token", "POST", "/", [], [], "", {"token": TOKEN}),
    ("s3 get", "GET", "/test.txt", [], [("Range", "bytes=0-9")], "",
     {"s3": True}),
    ("s3 put", "PUT", "/test$file.text", [],
     [("x-amz-storage-class", "REDUCED_REDUNDANCY")],
     "Welcome to Amazon S3.", {"s3": True}),
    ("s3 lifecycle", "GET", "/", [("lifecycle", "")], [], "", {"s3": True}),
    ("s3 list", "GET", "/", [("max-keys", "2"), ("prefix", "J")], [], "",
     {"s3": True}),
    ("s3 key with dots and slashes", "GET", "//a/./../b//c", [], [], "",
     {"s3": True}),
    ("s3 key with everything", "GET",
     "/x/\u00e9+%41 ~'()*!;:@&=$,?[]#", [("versionId", "a+b/c=")], [], "",
     {"s3": True, "token": TOKEN}),
]


def text(value):
    if value is None:
        return "NULL"
    out = json.dumps(value, ensure_ascii=False).encode()
    return '"%s"' % "".join(
        chr(c) if 0x20 <= c < 0x7f else "\\%03o" % c
        for c in out[1:-1]).replace("??", "?\\?")


def lines(value, indent):
    """A C string literal over as many lines as it has, or needs."""
    parts = []
    for line in value.splitlines(True) or [""]:
        while line:
            parts.append(line[:56])
            line = line[56:]
    return ("\n" + indent).join(text(part) for part in parts) or '""'


def pairs(found):
    return ", ".join("{ %s, %s }" % (text(k), text(v)) for k, v in found)


def request(case):
    name, method, path, query, headers, body, more = (
        list(case) + [[], [], "", {}][len(case) - 3:])
    target = quote(path, safe="/~")
    if query:
        target += "?" + "&".join("%s=%s" % (quote(k, safe="~"),
                                            quote(v, safe="~"))
                                 for k, v in query)
    host = "examplebucket.s3.amazonaws.com" if more.get("s3") \
        else "example.amazonaws.com"
    made = AWSRequest(method=method, url="https://" + host + target,
                      data=body)
    made.context["timestamp"] = STAMP
    return made, name, method, host, path, query, headers, body, more


def by_botocore(case):
    made, _, _, host, _, _, headers, body, more = request(case)
    s3 = more.get("s3", False)
    keys = Credentials(ID, SECRET, more.get("token"))
    made.headers.add_header("Host", host)
    made.headers.add_header("X-Amz-Date", STAMP)
    for name, value in headers:
        made.headers.add_header(name, value)
    if more.get("token"):
        made.headers.add_header("X-Amz-Security-Token", more["token"])
    if s3:
        made.headers.add_header("X-Amz-Content-SHA256",
                                hashlib.sha256(body.encode()).hexdigest())
    auth = (S3SigV4Auth if s3 else SigV4Auth)(
        keys, "s3" if s3 else "service", "us-east-1")
    canonical = auth.canonical_request(made)
    return canonical, auth.signature(auth.string_to_sign(made, canonical),
                                     made)


def presigned(case):
    made, _, method, host, _, _, _, _, more = request(case)
    if not more.get("s3") or method != "GET":
        return None
    auth = S3SigV4QueryAuth(Credentials(ID, SECRET, more.get("token")), "s3",
                            "us-east-1", expires=86400)
    made.headers.add_header("Host", host)
    auth._modify_request_before_signing(made)
    canonical = auth.canonical_request(made)
    return auth.signature(auth.string_to_sign(made, canonical), made)


def write(out):
    out.write("/* SPDX-License-Identifier: Apache-2.0 */\n"
              "/* Written by tests/aws/sigv4_cases.py. */\n"
              "#pragma once\n\n"
              "#define CASES_ID %s\n#define CASES_SECRET \\\n\t%s\n"
              "#define CASES_NOW_S %d\n\n" % (text(ID), text(SECRET), NOW))
    out.write("static const struct sigv4_case {\n"
              "\tconst char *name, *method, *host, *path;\n"
              "\tstruct sigv4_pair query[4], headers[4];\n"
              "\tconst char *body, *token;\n\tbool s3;\n"
              "\tconst char *canonical, *signature, *presigned;\n"
              "} sigv4_cases[] = {\n")
    for case in CASES:
        made, name, method, host, path, query, headers, body, more = \
            request(case)
        canonical, signature = by_botocore(case)
        out.write("\t{ %s, %s, %s,\n\t\t%s,\n\t\t{ %s }, { %s },\n"
                  "\t\t%s, %s, %s,\n\t\t%s,\n\t\t%s,\n\t\t%s },\n" % (
                      text(name), text(method), text(host), text(path),
                      pairs(query) or "{ NULL, NULL }",
                      pairs(headers) or "{ NULL, NULL }", text(body),
                      lines(more["token"], "\t\t") if "token" in more
                      else '""', "true" if more.get("s3") else "false",
                      lines(canonical, "\t\t"), text(signature),
                      text(presigned(case))))
    out.write("};\n")


if __name__ == "__main__":
    write(sys.stdout)
