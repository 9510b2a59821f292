# SPDX-License-Identifier: Apache-2.0
"""The AWS side, on loopback: what its services have in common.

    cloud = Cloud(S3(), Sts())
    cloud.url                               # http://127.0.0.1:port
    key = cloud.new_key(role="web", token=True)
    cloud.offset_s = 20 * 60                # its clock against ours
    cloud.fail("s3", "GetObject", times=2, status=503, code="SlowDown")
    cloud.calls("sts")                      # what was asked, and answered

Every signature is computed again with botocore, in its header and in its
presigned form, and a wrong one is refused; a service is a file with a class
that has `name` and answer(call), and raises Refused.
"""
import base64
import dataclasses
import datetime
import hashlib
import http.client
import http.server
import re
import secrets
import socket
import threading
import time
import urllib.parse

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

STAMP = "%Y%m%dT%H%M%SZ"
UNSIGNED = "UNSIGNED-PAYLOAD"


class Refused(Exception):
    """An answer that is an error of the service's own."""

    def __init__(self, status, code, message="", headers=None, **more):
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or code
        self.headers = headers or {}
        self.more = more                # further elements of the error


@dataclasses.dataclass
class Key:
    id: str
    secret: str
    token: str = None
    role: str = ""
    expires: float = None               # by the cloud's clock
    denied: set = dataclasses.field(default_factory=set)    # operations

    def environment(self):
        found = {"AWS_ACCESS_KEY_ID": self.id,
                 "AWS_SECRET_ACCESS_KEY": self.secret}
        if self.token:
            found["AWS_SESSION_TOKEN"] = self.token
        return found


@dataclasses.dataclass
class Call:
    """One request, as far as it got."""
    method: str
    target: str                         # as it came
    headers: http.client.HTTPMessage
    body: bytes
    host: str
    scheme: str
    peer: tuple
    at: float
    path: str = ""                      # decoded
    query: dict = dataclasses.field(default_factory=dict)
    service: str = ""
    operation: str = ""
    region: str = ""                    # that it was signed for
    key: Key = None                     # None: not signed
    presigned: bool = False
    status: int = 0
    code: str = ""                      # of an error

    def header(self, name):
        return self.headers.get(name)


@dataclasses.dataclass
class Fault:
    service: str
    operation: str
    times: int
    status: int = 0                     # 0: the connection is closed
    code: str = ""
    headers: dict = None
    delay: float = 0
    then: bool = False                  # delay only: answer afterwards


class Cloud:
    def __init__(self, *services, context=None, address="127.0.0.1",
                 sock=None):
        self.services = {service.name: service for service in services}
        for service in services:
            service.cloud = self
        self.keys = {}
        self.offset_s = 0
        self.faults = []
        self.log = []
        self.lock = threading.RLock()
        self.scheme = "https" if context else "http"
        self.server = _Server(self, address, context, sock)
        self.url = "%s://%s:%d" % (self.scheme, address,
                                   self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def __getattr__(self, name):
        try:
            return self.__dict__["services"][name]
        except KeyError:
            raise AttributeError(name) from None

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def now(self):
        return time.time() + self.offset_s

    def new_key(self, role="web", token=True, lasts=None):
        temporary = token or lasts is not None
        key = Key(id=("ASIA" if temporary else "AKIA") +
                  base64.b32encode(secrets.token_bytes(10)).decode()[:16],
                  secret=base64.b64encode(secrets.token_bytes(30)).decode(),
                  token=base64.b64encode(secrets.token_bytes(300)).decode()
                  if temporary else None, role=role,
                  expires=None if lasts is None else self.now() + lasts)
        with self.lock:
            self.keys[key.id] = key
        return key

    def environment(self, key=None, region="eu-test-1"):
        """For a client that is to find all of this."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": region,
                **(key.environment() if key else {})}

    def fail(self, service, operation="*", times=1, **how):
        with self.lock:
            self.faults.append(Fault(service, operation, times, **how))

    def calls(self, service=None, operation=None):
        with self.lock:
            return [call for call in self.log
                    if service in (None, call.service) and
                    operation in (None, call.operation)]

    # ---- one request ----

    def serve(self, call):
        """(status, headers, body), or None: hang up."""
        with self.lock:
            self.log.append(call)
        self._route(call)
        service = self.services[call.service]
        try:
            fault = self._fault(call)
            if fault and fault.delay:
                time.sleep(fault.delay)
            if fault and not fault.then:
                if not fault.status:
                    return None
                raise Refused(fault.status, fault.code or "Fault",
                              headers=fault.headers)
            self._know(call)
            status, headers, body = service.answer(call)
        except Refused as refused:
            call.code = refused.code
            status, headers, body = service.refuse(call, refused)
        call.status = status
        headers.setdefault("x-amz-request-id", secrets.token_hex(8).upper())
        return status, headers, body

    def _fault(self, call):
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.service == call.service and \
                        fault.operation in ("*", call.operation):
                    fault.times -= 1
                    return fault
        return None

    def _route(self, call):
        """Which service and operation is meant, before anything is believed."""
        split = urllib.parse.urlsplit(call.target)
        call.path = urllib.parse.unquote(split.path)
        call.query = dict(urllib.parse.parse_qsl(split.query,
                                                 keep_blank_values=True))
        scope = _scope(call)
        call.service = scope[2] if scope else ""
        call.region = scope[1] if scope else ""
        call.presigned = "X-Amz-Signature" in call.query
        if call.service not in self.services:
            action = dict(urllib.parse.parse_qsl(
                call.body.decode("latin-1"))).get("Action") or \
                call.query.get("Action")
            call.service = next(
                (name for name, service in self.services.items()
                 if action and service.knows(action)), "s3")
        call.operation = self.services[call.service].operation(call)

    # ---- who asks ----

    def _know(self, call):
        if _scope(call) is None:
            return
        key = self.keys.get(_scope(call)[3])
        name = call.service
        if not key:
            raise Refused(403, "InvalidAccessKeyId" if name == "s3" else
                          "InvalidClientTokenId", "no such key")
        self._check_time(call)
        token = call.query.get("X-Amz-Security-Token") if call.presigned \
            else call.header("x-amz-security-token")
        if (key.token or None) != token:
            raise Refused(403 if name != "s3" else 400, "InvalidToken"
                          if name == "s3" else "InvalidClientTokenId",
                          "the security token is not the key's")
        ours, theirs, text = self._sign(call, key)
        if ours != theirs:
            raise Refused(403, "SignatureDoesNotMatch",
                          "what we signed was: " + text)
        if key.expires is not None and key.expires <= self.now():
            raise Refused(400 if name == "s3" else 403, "ExpiredToken",
                          "The provided token has expired.")
        call.key = key
        if call.operation in key.denied or "*" in key.denied:
            raise Refused(403, "AccessDenied", "not authorized to perform: "
                          "%s:%s" % (name, call.operation))

    def _check_time(self, call):
        stamp = call.query.get("X-Amz-Date") if call.presigned \
            else call.header("x-amz-date")
        try:
            at = datetime.datetime.strptime(stamp or "", STAMP).replace(
                tzinfo=datetime.timezone.utc).timestamp()
        except ValueError:
            raise Refused(403, "AccessDenied", "no good x-amz-date") from None
        if call.presigned:
            if self.now() > at + int(call.query.get("X-Amz-Expires", "0")):
                raise Refused(403, "AccessDenied", "Request has expired")
            if at > self.now() + 900:
                raise Refused(403, "AccessDenied",
                              "Request is not yet valid")
            return
        far = abs(self.now() - at)
        if call.service == "s3" and far > 900:
            raise Refused(403, "RequestTimeTooSkewed", "The difference "
                          "between the request time and the current time is "
                          "too large.")
        if call.service != "s3" and far > 300:
            now = datetime.datetime.fromtimestamp(
                self.now(), datetime.timezone.utc).strftime(STAMP)
            raise Refused(403, "SignatureDoesNotMatch", "Signature %s: %s is "
                          "%s %s" % (("expired", stamp, "now earlier than",
                                      now) if at < self.now() else
                                     ("not yet current", stamp,
                                      "still later than", now)))

    def _sign(self, call, key):
        """Our signature, theirs, and what was signed."""
        _, region, service, _ = _scope(call)
        s3 = service == "s3"
        if call.presigned:
            theirs = call.query["X-Amz-Signature"]
            names = call.query.get("X-Amz-SignedHeaders", "")
            signer = S3SigV4QueryAuth
            stamp = call.query["X-Amz-Date"]
        else:
            fields = _authorization(call)
            theirs, names = fields["Signature"], fields["SignedHeaders"]
            signer = S3SigV4Auth if s3 else SigV4Auth
            stamp = call.header("x-amz-date")
            self._check_signed_headers(call, names.split(";"))
        target = re.sub("&?X-Amz-Signature=[0-9a-f]*", "", call.target)
        request = AWSRequest(method=call.method, data=call.body,
                             url="%s://%s%s" % (call.scheme, call.host,
                                                target))
        for name in names.split(";"):
            for value in call.headers.get_all(name) or []:
                request.headers.add_header(name, value)
        request.context["timestamp"] = stamp
        auth = signer(Credentials(key.id, key.secret, key.token), service,
                      region)
        canonical = auth.canonical_request(request)
        return (auth.signature(auth.string_to_sign(request, canonical),
                               request), theirs, canonical)

    def _check_signed_headers(self, call, names):
        must = {"host"} | {name.lower() for name in call.headers
                           if name.lower().startswith("x-amz-")}
        if not must <= set(names):
            raise Refused(403, "AccessDenied", "not signed: %s" %
                          ", ".join(must - set(names)))
        claimed = call.header("x-amz-content-sha256")
        if call.service != "s3":
            return
        if claimed is None:
            raise Refused(400, "InvalidRequest", "Missing required header "
                          "for this request: x-amz-content-sha256")
        if claimed == UNSIGNED and call.scheme == "https":
            return
        if claimed != hashlib.sha256(call.body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch", "the body is "
                          "another than was signed")


def _authorization(call):
    value = call.header("Authorization") or ""
    if not value.startswith("AWS4-HMAC-SHA256 "):
        return None
    return dict(part.strip().partition("=")[::2]
                for part in value.split(" ", 1)[1].split(","))


def _scope(call):
    """(date, region, service, key id) that a request claims; or None."""
    fields = _authorization(call)
    scope = fields.get("Credential") if fields else \
        call.query.get("X-Amz-Credential")
    parts = (scope or "").split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        return None
    return parts[1], parts[2], parts[3], parts[0]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, cloud, address, context, sock):
        super().__init__((address, 0), _Handler, bind_and_activate=not sock)
        if sock:
            self.socket.close()
            self.socket = sock
            self.server_address = sock.getsockname()
        self.cloud = cloud
        self.context = context

    def finish_request(self, request, client_address):
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(request, client_address)
        finally:
            if self.context:
                try:
                    request.unwrap()
                except (OSError, ValueError):
                    pass
                request.close()

    def handle_error(self, request, client_address):
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.server.cloud.now())

    def _any(self):
        cloud = self.server.cloud
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = Call(self.command, self.path, self.headers, body,
                    self.headers.get("Host", ""), cloud.scheme,
                    self.client_address, time.time())
        answer = cloud.serve(call)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self._write(body)

    def _write(self, body):
        """BODY: bytes, or a function that writes them in its own way."""
        if callable(body):
            if not body(self.wfile.write):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any
