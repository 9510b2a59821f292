# SPDX-License-Identifier: Apache-2.0
"""S3: buckets with versions, ranges, conditions, and what makes it hard.

    bucket = s3.make("packages", region="eu-test-1")
    bucket.put("a/b.tar", data)
    bucket.redirect = 301                   # or 400: to who signs elsewhere
    bucket.requester_pays = True
    bucket.readers = {"web"}                # roles; None: everybody known
    bucket.after_bytes = (1000000, change)  # in the middle of a body
"""
import dataclasses
import email.utils
import hashlib
import html
import re
import secrets
import threading
import time

from core import Refused


@dataclasses.dataclass
class Object:
    data: bytes
    etag: str
    version: str
    at: float


class Bucket:
    def __init__(self, name, region, versioned):
        self.name = name
        self.region = region
        self.versioned = versioned
        self.objects = {}               # key: versions, the newest last
        self.redirect = 301
        self.requester_pays = False
        self.readers = self.writers = None
        self.may_list = True            # else a missing key is AccessDenied
        self.cut_after = None           # bytes of each body, then it breaks
        self.pace = None                # bytes a second, each connection

    def put(self, key, data, etag=None):
        # Not the MD5 of the data, as of multipart uploads and with KMS.
        made = Object(data, etag or '"%s-2"' % secrets.token_hex(16),
                      secrets.token_urlsafe(24), time.time())
        versions = self.objects.setdefault(key, [])
        if not self.versioned:
            versions.clear()
        versions.append(made)
        return made

    def get(self, key):
        return self.objects[key][-1].data


class S3:
    name = "s3"

    def __init__(self):
        self.buckets = {}
        self.lock = threading.RLock()

    def make(self, name, region="eu-test-1", versioned=False):
        self.buckets[name] = Bucket(name, region, versioned)
        return self.buckets[name]

    def knows(self, action):
        return False

    def operation(self, call):
        names = {"GET": "GetObject", "HEAD": "HeadObject",
                 "PUT": "PutObject", "DELETE": "DeleteObject"}
        return names.get(call.method, call.method)

    # ---- where ----

    def _find(self, call):
        """Bucket and key: virtual hosts are BUCKET.s3... and what stands
        before the first dot that belongs to no address."""
        host = call.host.partition(":")[0]
        match = re.fullmatch(r"(.+)\.s3(-fips)?(\.dualstack)?\.[a-z0-9.-]+",
                             host)
        if match:
            return match.group(1), call.path[1:]
        bucket, _, key = call.path[1:].partition("/")
        return bucket, key

    def answer(self, call):
        name, key = self._find(call)
        bucket = self.buckets.get(name)
        if not bucket:
            raise Refused(404, "NoSuchBucket",
                          "The specified bucket does not exist")
        if call.key and call.region != bucket.region:
            self._send_elsewhere(call, bucket)
        if not call.key:
            raise Refused(403, "AccessDenied", "Access Denied")
        self._check_access(call, bucket)
        with self.lock:
            return getattr(self, "_" + call.method.lower())(call, bucket, key)

    def _send_elsewhere(self, call, bucket):
        headers = {"x-amz-bucket-region": bucket.region}
        if bucket.redirect == 301:
            raise Refused(301, "PermanentRedirect", "The bucket you are "
                          "attempting to access must be addressed using the "
                          "specified endpoint.", headers,
                          Bucket=bucket.name, Endpoint="%s.s3.%s.amazonaws"
                          ".com" % (bucket.name, bucket.region))
        raise Refused(400, "AuthorizationHeaderMalformed", "The authorization "
                      "header is malformed; the region '%s' is wrong; "
                      "expecting '%s'" % (call.region, bucket.region),
                      Region=bucket.region)

    def _check_access(self, call, bucket):
        allowed = bucket.writers if call.method in ("PUT", "DELETE") \
            else bucket.readers
        payer = call.header("x-amz-request-payer") or \
            call.query.get("x-amz-request-payer")
        if (allowed is not None and call.key.role not in allowed) or \
                (bucket.requester_pays and payer != "requester"):
            raise Refused(403, "AccessDenied", "Access Denied")

    # ---- what ----

    def _version(self, call, bucket, key):
        versions = bucket.objects.get(key, [])
        wanted = call.query.get("versionId")
        if wanted:
            versions = [v for v in versions if v.version == wanted]
            if not versions:
                raise Refused(404, "NoSuchVersion",
                              "The specified version does not exist.")
        if not versions and not bucket.may_list:
            raise Refused(403, "AccessDenied", "Access Denied")
        if not versions:
            raise Refused(404, "NoSuchKey",
                          "The specified key does not exist.", Key=key)
        return versions[-1]

    def _get(self, call, bucket, key):
        found = self._version(call, bucket, key)
        headers = {"ETag": found.etag, "Accept-Ranges": "bytes",
                   "Last-Modified": email.utils.formatdate(found.at,
                                                           usegmt=True),
                   "Content-Type": "binary/octet-stream"}
        if bucket.versioned:
            headers["x-amz-version-id"] = found.version
        if call.header("If-Match") not in (None, found.etag):
            raise Refused(412, "PreconditionFailed", "At least one of the "
                          "pre-conditions you specified did not hold")
        if call.header("If-None-Match") == found.etag:
            return 304, headers, b""
        data, status = found.data, 200
        span = call.header("Range")
        if span and call.header("If-Range") in (None, found.etag):
            data, status = self._part(found.data, span, headers)
        headers["Content-Length"] = str(len(data))
        return status, headers, self._body(bucket, data)

    _head = _get

    def _part(self, data, span, headers):
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", span)
        if not match:
            return data, 200
        first = int(match.group(1))
        last = min(int(match.group(2) or len(data) - 1), len(data) - 1)
        if first > last:
            raise Refused(416, "InvalidRange", "The requested range is not "
                          "satisfiable", {"Content-Range": "bytes */%d" %
                                          len(data)})
        headers["Content-Range"] = "bytes %d-%d/%d" % (first, last, len(data))
        return data[first:last + 1], 206

    def _body(self, bucket, data):
        cut = bucket.cut_after
        if cut is None and bucket.pace is None:
            return data

        def write(send):
            part = 64 * 1024
            begin, sent = time.monotonic(), 0
            for at in range(0, len(data), part):
                if cut is not None and at >= cut:
                    return False
                send(data[at:at + part])
                sent += part
                if bucket.pace:
                    ahead = sent / bucket.pace - (time.monotonic() - begin)
                    time.sleep(max(0, ahead))
            return True
        return write

    def _put(self, call, bucket, key):
        versions = bucket.objects.get(key, [])
        match, none = call.header("If-Match"), call.header("If-None-Match")
        if none == "*" and versions:
            raise Refused(412, "PreconditionFailed", "At least one of the "
                          "pre-conditions you specified did not hold")
        if match and not versions:
            raise Refused(404, "NoSuchKey",
                          "The specified key does not exist.")
        if match and versions[-1].etag != match:
            raise Refused(412, "PreconditionFailed", "At least one of the "
                          "pre-conditions you specified did not hold")
        made = bucket.put(key, call.body,
                          '"%s"' % hashlib.md5(call.body).hexdigest())
        headers = {"ETag": made.etag}
        if bucket.versioned:
            headers["x-amz-version-id"] = made.version
        return 200, headers, b""

    def _delete(self, call, bucket, key):
        bucket.objects.pop(key, None)
        return 204, {}, b""

    def refuse(self, call, refused):
        name = self._find(call)[0]
        more = dict(refused.more)
        headers = {"Content-Type": "application/xml", **refused.headers}
        if name in self.buckets:
            headers.setdefault("x-amz-bucket-region",
                               self.buckets[name].region)
            if refused.code == "AuthorizationHeaderMalformed":
                del headers["x-amz-bucket-region"]
        body = ('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s'
                "</Code><Message>%s</Message>%s<RequestId>%s</RequestId>"
                "<HostId>%s</HostId></Error>" % (
                    refused.code, html.escape(refused.message),
                    "".join("<%s>%s</%s>" % (k, html.escape(v), k)
                            for k, v in more.items()),
                    secrets.token_hex(8).upper(), secrets.token_hex(28)))
        return refused.status, headers, body.encode()
