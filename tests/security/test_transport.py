# SPDX-License-Identifier: Apache-2.0
"""What arrives, and from whom: whole runs against the servers of
tests/fetch, and its probe where a run would have to wait for minutes."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import behaviours
from behaviours import BODY, ETAG, HALF, SHA256, deaf, echo, slowly
from web import (Certificates, Web, cut, head, ranged, raw, redirect,
                 silence, status, whole)

TOP = pathlib.Path(__file__).resolve().parents[2]
CLEAN = {k: v for k, v in os.environ.items()
         if not k.lower().endswith("_proxy") and
         k not in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="makes a network namespace")


@pytest.fixture
def serve():
    servers = []

    def start(**kwargs):
        servers.append(Web(**kwargs))
        return servers[-1]
    yield start
    for server in servers:
        server.close()


@pytest.fixture
def web(serve):
    server = serve()
    server.on("/f", whole(BODY))
    return server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secure(serve, certificates):
    server = serve(context=certificates.good)
    server.on("/f", whole(BODY))
    return server


class Place:
    """Where a profile of packages is applied; nothing else of the host."""

    def __init__(self, directory, fitout, certificates):
        self.dir = directory
        self.fitout = fitout
        self.state = directory / "state"
        self.programs = directory / "programs"
        self.programs.mkdir()
        self.profile = directory / "profile.cfg"
        self.environment = {**CLEAN, "SSL_CERT_FILE": str(certificates.ca)}

    def write(self, *urls, more="", sha256=SHA256, head=""):
        digest = f'sha256 = "{sha256}";' if sha256 else ""
        packages = ",\n".join(
            f'{{ name = "thing{i}"; url = "{url}"; {digest} '
            f'into = "{self.programs}/thing{i}"; {more} }}'
            for i, url in enumerate(urls))
        self.profile.write_text(f'fitout = 1; name = "transport"; {head}\n'
                                f"packages = (\n{packages}\n);\n")

    def run(self, *words, env=None, prefix=()):
        done = subprocess.run(
            [*prefix, self.fitout, "--state", self.state, *words],
            capture_output=True, text=True, timeout=90,
            stdin=subprocess.DEVNULL, errors="replace",
            env={**self.environment, **(env or {})})
        print(done.stdout, done.stderr, "exit status", done.returncode)
        return done

    def apply(self, *urls, env=None, prefix=(), options=(), **how):
        self.write(*urls, **how)
        return self.run(*options, "apply", self.profile, env=env,
                        prefix=prefix)

    def installed(self):
        return sorted(os.listdir(self.programs))

    def good(self, *urls, **how):
        done = self.apply(*urls, **how)
        assert done.returncode == 0
        assert self.installed() == [f"thing{i}" for i in range(len(urls))]
        return done

    def refused(self, *urls, words="", code=1, **how):
        """The run fails with these words, and has installed nothing."""
        done = self.apply(*urls, **how)
        said = done.stdout + done.stderr
        assert done.returncode == code
        assert words in said
        assert self.installed() == []
        return said


@pytest.fixture
def place(tmp_path, fitout, certificates):
    return Place(tmp_path, fitout, certificates)


@pytest.fixture(scope="session")
def fetchcat():
    path = os.environ.get("FETCHCAT")
    if not path:
        path = TOP / "build/static/tests/fetch/fetchcat"
        subprocess.run(["make", "-s", "-C", TOP / "build/static",
                        "tests/fetch/fetchcat"], check=True, timeout=300,
                       stdout=subprocess.DEVNULL)
    return path


@pytest.fixture
def fetch(fetchcat):
    def run(*args):
        done = subprocess.run([fetchcat, *map(str, args)], timeout=60,
                              capture_output=True, env=CLEAN,
                              stdin=subprocess.DEVNULL)
        print(done.stderr.decode())
        return done
    return run


# ---- TLS ----

def test_s01_tls_1_1_is_not_spoken(place, serve, certificates, tmp_path):
    lax = tmp_path / "openssl.cnf"      # nor where a host's settings allow it
    lax.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\n"
                   "system_default = c\n[c]\nMinProtocol = TLSv1\n"
                   "CipherString = ALL:@SECLEVEL=0\n")
    server = serve(context=certificates.old())
    server.on("/f", whole(BODY))
    place.refused(server.url("/f"), words="no TLS 1.2 or later with it",
                  env={"OPENSSL_CONF": str(lax)})
    assert server.requests == []


def test_s01_tls_1_2_is(place, serve, certificates):
    import ssl
    context = certificates._context("good")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = serve(context=context)
    server.on("/f", whole(BODY))
    place.good(server.url("/f"))


@pytest.mark.parametrize("which", [
    "expired", "future", "elsewhere", "stranger", "self_signed",
    "wrong_purpose", "weak_key", "sha1", "by_a_leaf"])
def test_s02_a_bad_certificate_is_refused(place, serve, certificates, which):
    server = serve(context=getattr(certificates, which))
    server.on("/f", whole(BODY))
    place.refused(server.url("/f"), words="certificate refused")
    assert server.requests == []


def test_s02_there_is_no_way_to_turn_it_off(place, serve, certificates):
    server = serve(context=certificates.self_signed)
    server.on("/f", whole(BODY))
    url = server.url("/f")
    for key in ("insecure = true;", "verify = false;", "no_check = true;"):
        place.refused(url, words="unknown key", code=2, more=key)
        place.refused(url, words="unknown", code=2, head=key)
    for option in "--insecure", "-k", "--no-check-certificate":
        place.refused(url, words="unknown option", code=2, options=[option])
    (place.dir / ".curlrc").write_text("insecure\n")
    place.refused(url, words="certificate refused", env={
        "HOME": str(place.dir), "CURL_HOME": str(place.dir),
        "CURL_INSECURE": "1", "GIT_SSL_NO_VERIFY": "1",
        "PYTHONHTTPSVERIFY": "0", "SSL_VERIFY": "0"})
    assert server.requests == []


def test_s02_without_certificates_no_one_is_believed(place, secure):
    place.refused(secure.url("/f"), words="cannot read /none",
                  env={"SSL_CERT_FILE": "/none"})
    place.refused(secure.url("/f"), words="SSL_CERT_DIR /none",
                  env={"SSL_CERT_FILE": "", "SSL_CERT_DIR": "/none"})
    assert secure.connections == 0


# ---- where to ----

def test_s03_plain_http_needs_a_digest(place, web):
    place.refused(web.url("/f"), words="no sha256", code=2, sha256=None)
    assert web.requests == []
    place.good(web.url("/f"))


ELSEWHERE = ["ftp://127.0.0.1:{}/f", "gopher://127.0.0.1:{}/f",
             "dict://127.0.0.1:{}/f", "smb://127.0.0.1:{}/f",
             "ldap://127.0.0.1:{}/f", "telnet://127.0.0.1:{}",
             "tftp://127.0.0.1:{}/f", "scp://127.0.0.1:{}/f"]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_s04_nothing_but_http_is_spoken(place, web, url):
    url = url.format(web.port)
    place.refused(url, code=2)
    web.on("/to", redirect(url))
    place.refused(web.url("/to"), words="other than http and https")
    assert [q.target for q in web.requests] == ["/to"]
    assert web.connections == 1


def test_s04_a_redirect_does_not_reach_files(place, web, tmp_path):
    (tmp_path / "local").write_bytes(BODY)
    web.on("/to", redirect(f"file://{tmp_path}/local"))
    place.refused(web.url("/to"), words="other than http and https")


def test_s05_https_does_not_lead_to_http(place, web, secure):
    secure.on("/to", redirect(web.url("/f")))
    place.refused(secure.url("/to"), words="from https to http")
    # Nor by way of another https.
    secure.on("/far", redirect("/to"))
    web.on("/up", redirect(secure.url("/far")))
    place.refused(web.url("/up"), words="from https to http")
    assert [q.target for q in web.requests] == ["/up"]


def test_s06_redirects_are_bounded(place, web):
    for i in range(6):
        web.on(f"/{i}", redirect(f"/{i + 1}"))
    web.on("/6", whole(BODY))
    place.refused(web.url("/0"), words="more than 5 times")
    assert len(web.requests) == 6
    place.good(web.url("/1"))


def test_s06_credentials_do_not_cross_origin(place, web, serve):
    other = serve()
    other.on("/f", whole(BODY))
    web.on("/a", redirect("/b"))
    web.on("/b", redirect(other.url("/f")))
    place.good(web.url("/a", user="joe:secret@"))
    assert all("authorization" in q.headers for q in web.requests)
    assert len(other.requests) == 1
    assert "authorization" not in other.requests[0].headers


INSIDE = ["http://169.254.169.254/latest/", "http://2852039166/",
          "http://0xa9fea9fe/", "http://169.254.7.7/f",
          "http://169.254.170.2/v2/credentials", "http://[fd00:ec2::254]/",
          "http://[fe80::1]/", "http://[fd12:3456::1]/f",
          "http://[::ffff:169.254.169.254]/", "https://169.254.169.254/"]


@pytest.mark.parametrize("url", INSIDE)
def test_s07_a_redirect_does_not_lead_inwards(place, web, url):
    web.on("/to", redirect(url))
    place.refused(web.url("/to"),
                  words="an address local to this host: refused")


INWARD = """set -e
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
printf '127.0.0.1 inside.test\\n192.0.2.1 outside.test\\n' >{dir}/hosts
mount --bind {dir}/hosts /etc/hosts
/usr/bin/python3 {inward} http://{host}:8080/f >{dir}/log &
pid=$!
trap 'kill $pid' EXIT
for i in $(seq 100); do grep -q ready {dir}/log && break; sleep 0.1; done
"$@"
"""


@needs_root
@pytest.mark.parametrize("env", [
    {}, {"http_proxy": "http://192.0.2.9:1",
         "no_proxy": "192.0.2.1,outside.test,inside.test"}],
    ids=["direct", "a proxy's exception"])
@pytest.mark.parametrize("host", ["inside.test", "outside.test"])
def test_s07_nor_does_a_name_that_leads_there(place, tmp_path, host, env):
    """A name's address is anyone's to choose, and to change."""
    script = INWARD.format(dir=tmp_path, host=host,
                           inward=TOP / "tests/fetch/inward.py")
    said = place.refused("http://192.0.2.1:8080/start", env=env,
                         prefix=["unshare", "-n", "-m", "sh", "-c", script,
                                 "sh"])
    asked = (tmp_path / "log").read_text().split()
    if host == "inside.test":
        assert "an address local to this host: refused" in said
        assert asked == ["ready", "/start"]
    else:
        assert "not what was promised" in said
        assert asked == ["ready", "/start", "/f"]


def test_s07_unless_the_profile_itself_points_there(place, web):
    web.on("/to", redirect(f"http://localhost:{web.port}/f"))
    place.good(web.url("/to"))


# ---- proxies ----

def test_s08_a_proxy_of_the_environment_is_used(place, web):
    web.on("*", whole(BODY))
    place.good("http://somewhere.invalid/f",
               env={"http_proxy": web.url("/")})
    assert web.requests[0].line == "GET http://somewhere.invalid/f HTTP/1.1"


@pytest.mark.parametrize("exceptions", ["", "example.org", "*"])
def test_s08_but_never_for_this_host(place, web, serve, exceptions):
    proxy = serve()
    proxy.on("*", whole(BODY))
    env = {name: proxy.url("/") for name in ("http_proxy", "all_proxy")}
    for host in "127.0.0.1", "localhost":
        done = place.apply(web.url("/f", host=host),
                           env={**env, "no_proxy": exceptions})
        assert done.returncode == 0
    assert proxy.requests == []


@needs_root
@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]",
                                  "[fd00:ec2::23]", "169.254.170.2", "[::1]",
                                  "[::ffff:169.254.169.254]"])
def test_s08_nor_for_a_metadata_service(place, host):
    # With neither to be reached, the message says which one was tried.
    said = place.refused(f"http://{host}/f", prefix=["unshare", "-n"],
                         words="cannot connect", head='budget = "9s";',
                         env={"http_proxy": "http://192.0.2.9:1",
                              "all_proxy": "http://192.0.2.9:1",
                              "no_proxy": "example.org"})
    assert "192.0.2.9" not in said and "proxy" not in said.lower()


def test_s09_nothing_is_remembered_or_read_beside_the_profile(
        place, serve, certificates, tmp_path):
    """netrc, curlrc, cookies, HSTS, Alt-Svc."""
    plain, other = serve(), serve()
    for name in ".netrc", "_netrc":
        (tmp_path / name).write_text(
            "default login joe password secret\n")
    (tmp_path / ".curlrc").write_text("header = X-From-Curlrc: 1\n"
                                      "cookie = a=b\n")
    secure = serve(context=certificates.good)
    memory = dict(Set_Cookie="a=b; Path=/", Alt_Svc=
                  f'http/1.1="127.0.0.1:{other.port}"; ma=9999',
                  Strict_Transport_Security="max-age=99999")
    secure.on("/first", redirect(secure.url("/second", host="localhost")))
    secure.on("/second", whole(BODY, **memory))
    plain.on("/a", status(302, "Found", Location="/b", **memory))
    plain.on("/b", whole(BODY, **memory))
    home = {"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc"),
            "CURL_HOME": str(tmp_path)}
    place.good(plain.url("/a", host="localhost"), secure.url("/first"),
               env=home)
    place.good(plain.url("/a", host="localhost"), secure.url("/first"),
               env=home)
    assert other.connections == 0
    assert len(plain.requests) >= 2
    for request in plain.requests + secure.requests:
        assert set(request.headers) <= {"host", "user-agent", "accept",
                                        "range", "if-range"}


# ---- bytes ----

def test_s10_a_body_without_end_ends_at_the_limit(place, serve):
    web = serve()
    web.on("/chunked", behaviours.endless(
        head(200, Transfer_Encoding="chunked"),
        b"10000\r\n" + b"z" * 65536 + b"\r\n"))
    web.on("/open", behaviours.endless(head(200), b"z" * 65536))
    for path in "/chunked", "/open":
        place.refused(web.url(path), words="limit of 100000 bytes",
                      more="max_size = 100000;")
    assert len(web.requests) == 2


def test_s10_a_size_over_the_limit_is_not_even_begun(place, web):
    place.refused(web.url("/f"), words=f"is {len(BODY)} bytes",
                  more="max_size = 100000;")
    assert len(web.requests) == 1
    place.good(web.url("/f"), more=f"max_size = {len(BODY)};")


def test_s11_no_coding_is_asked_for_or_taken(place, serve):
    import gzip
    web = serve()
    web.on("/f", whole(gzip.compress(BODY), Content_Encoding="gzip"))
    place.refused(web.url("/f"), words='Content-Encoding "gzip"')
    assert len(web.requests) == 1
    assert "accept-encoding" not in web.requests[0].headers
    assert "te" not in web.requests[0].headers


@pytest.mark.parametrize("greet, step, options, words", [
    (deaf, None, ("--connect", 300), b"no connection within 300 ms"),
    (None, silence(), ("--stall", 300), b"no byte for"),
    (None, slowly(b"HTTP/1.1 200 OK\r\nX: "),
     ("--pace-window", 500, "--pace-bytes", 1000), b"too slow: "),
    (None, slowly(head(200)),
     ("--pace-window", 500, "--pace-bytes", 1000), b"too slow: "),
    (None, slowly(head(200)), ("--timeout", 700),
     b"not finished in the time allowed"),
], ids=["connect", "first byte", "slow head", "slow body", "in total"])
def test_s12_every_wait_is_bounded(fetch, serve, greet, step, options, words):
    server = serve(greet=greet, scheme="https" if greet else "http")
    server.on("/f", step)
    start = time.monotonic()
    done = fetch("--attempts", 1, *options, server.url("/f"))
    assert time.monotonic() - start < 10
    assert done.returncode == 1 and words in done.stderr


def test_s12_the_budget_of_a_run_bounds_its_fetches(place, serve):
    web = serve()
    web.on("/f", slowly(head(200)))
    start = time.monotonic()
    place.refused(web.url("/f"), words="budget", head='budget = "2s";')
    assert time.monotonic() - start < 15


def test_s13_retry_after_is_honoured_but_capped(fetchcat, serve):
    web = serve()
    web.on("/f", status(503, "Busy", Retry_After="31536000"))
    process = subprocess.Popen([fetchcat, "--timeout", "600000",
                                web.url("/f")], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, env=CLEAN)
    try:
        line = process.stderr.readline().decode()
        wait = int(re.search(r"^retry .* wait=(\d+) ", line)[1])
        assert 60_000 <= wait <= 90_000         # a minute, and its jitter
        assert len(web.requests) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def test_s13_waits_have_jitter_and_grow(fetch, serve):
    web = serve()
    web.on("/f", status(500, "Oops"))
    waits = []
    for _ in range(4):
        done = fetch("--attempts", 6, "--backoff", 16, web.url("/f"))
        waits.append([int(n) for n in re.findall(rb"^retry .*wait=(\d+)",
                                                 done.stderr, re.M)])
    for run in waits:
        assert len(run) == 5
        assert all(wait <= 16 << i for i, wait in enumerate(run))
    # 20 waits drawn at random: not four times the same.
    assert len(set(map(tuple, waits))) > 1
    assert max(run[-1] for run in waits) > 16


def test_s13_retries_have_a_budget_in_total(fetch, serve):
    web = serve()
    web.on("/f", status(500, "Oops"))
    done = fetch("--attempts", 100000, "--backoff", 0, web.url("/f"))
    assert b"(tried again 100 times)" in done.stderr
    assert len(web.requests) == 101


def test_s14_it_is_resumed_by_a_strong_validator_only(place, serve):
    web = serve()
    web.on("/strong", cut(BODY, HALF, ETag=ETAG), ranged(BODY, ETag=ETAG))
    web.on("/weak", cut(BODY, HALF, ETag='W/"1"'), whole(BODY))
    web.on("/none", cut(BODY, HALF), whole(BODY))
    place.good(*[web.url(path) for path in ("/strong", "/weak", "/none")])
    again = {q.target: q.headers for q in web.requests}
    assert again["/strong"]["range"] == f"bytes={HALF}-"
    assert again["/strong"]["if-range"] == ETAG
    assert "range" not in again["/weak"] and "range" not in again["/none"]


def test_s14_the_digest_is_of_the_whole(place, serve):
    web = serve()
    spoilt = bytes([BODY[0] ^ 1]) + BODY[1:]
    web.on("/f", cut(spoilt, HALF, ETag=ETAG), ranged(BODY, ETag=ETAG))
    place.refused(web.url("/f"), words="not what was promised")
    assert len(web.requests) == 2


def test_s15_wrong_bytes_are_left_nowhere(place, serve, tmp_path):
    web = serve()
    wrong = b"wrong bytes, wrong bytes\n" * 1000
    web.on("/f", whole(wrong))
    web.on("/g", whole(behaviours.flipped(BODY)))
    place.write(web.url("/g"))
    with open(place.profile, "a") as profile:
        profile.write(f'files = ( {{ url = "{web.url("/f")}"; to = '
                      f'"{place.programs}/file"; sha256 = "{SHA256}"; }} );\n')
    done = place.run("apply", place.profile)
    assert done.returncode == 1
    assert "not what was promised" in done.stdout + done.stderr
    left = [p for p in tmp_path.rglob("*") if p.is_file() and
            p != place.profile]
    assert place.installed() == []
    assert not any(wrong[:25] in p.read_bytes() or
                   p.name in ("noise", "file") for p in left), left


def test_s16_a_kept_connection_has_no_leftovers(fetch, place, serve):
    web = serve()
    web.on("/f", raw(head(200, Content_Length=len(BODY)) + BODY +
                     head(200, Content_Length=4) + b"evil", keep=True))
    done = fetch("--repeat", 4, web.url("/f"))
    assert done.stdout == BODY * 4
    place.good(web.url("/f"), web.url("/f"))


# ---- secrets ----

SECRETS = ["pa55w0rdpa55", "s3cretsignature", "t0kent0ken", "5essionsess10n"]
QUERY = ("?X-Amz-Signature=s3cretsignature&token=t0kent0ken&"
         "X-Amz-Security-Token=5essionsess10n")


def everything_kept(place):
    """All bytes of the state directory, but for copies of the profile."""
    return b"".join(p.read_bytes() for p in place.state.rglob("*")
                    if p.is_file() and p.name != "profile.cfg")


@pytest.mark.parametrize("steps, code", [
    ((whole(BODY),), 0),
    ((echo,), 1),
    ((redirect("/nowhere" + QUERY),), 1),
    ((status(503, "Busy"),), 1),
    ((cut(BODY, HALF, ETag='"s3cretsignature"'),
      ranged(BODY, ETag='"t0kent0ken"')), 1),
    ((redirect("ftp://joe:pa55w0rdpa55@h/" + QUERY),), 1),
], ids=["well", "says them back", "redirects", "retries", "in an ETag",
        "in a redirect"])
def test_s23_secrets_of_addresses_are_nowhere(place, serve, steps, code):
    web = serve()
    web.on("/f", *steps)
    url = web.url("/f" + QUERY, user="joe:pa55w0rdpa55@")
    for options in ([], ["--log-level", "debug"], ["--json"]):
        done = place.apply(url, options=options, head='budget = "6s";')
        assert done.returncode == code
        reports = [place.run("report"), place.run("--json", "report"),
                   place.run("status"), place.run("plan", place.profile)]
        said = "".join(r.stdout + r.stderr for r in [done, *reports])
        kept = everything_kept(place)
        for secret in SECRETS:
            assert secret not in said
            assert secret.encode() not in kept
        assert f"127.0.0.1:{web.port}/f" in said or not web.requests
        web.on("/f", *steps)
        web.requests.clear()


def test_s23_what_a_profile_is_refused_for_is_not_its_secret(place):
    for url in ("ftp://joe:pa55w0rdpa55@h/f" + QUERY,
                "http://joe:pa55w0rdpa55@h/a b" + QUERY):
        done = place.apply(url)
        assert done.returncode in (1, 2)
        for secret in SECRETS:
            assert secret not in done.stdout + done.stderr
