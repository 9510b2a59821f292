# SPDX-License-Identifier: Apache-2.0
"""https: who is believed, and what a cut looks like."""
import os
import random

import pytest

from web import cut, head, openssl, ranged, raw, redirect, whole

BODY = random.Random(2).randbytes(300_000)
SMALL = b"the whole of it\n"


@pytest.fixture
def secure(serve, certificates):
    server = serve(context=certificates.good)
    server.on("/f", whole(SMALL))
    return server


@pytest.fixture
def trusting(fetch, certificates):
    def run(*args, **kwargs):
        return fetch("--ca", certificates.ca, *args, **kwargs)
    return run


def test_a_certificate_of_a_trusted_ca_is_believed(secure, trusting):
    for host in "127.0.0.1", "localhost":
        r = trusting(secure.url("/f", host=host))
        assert (r.code, r.out) == (0, SMALL)


def test_the_bundle_can_be_named_by_the_environment(secure, fetch,
                                                    certificates):
    r = fetch(secure.url("/f"), env={"SSL_CERT_FILE": str(certificates.ca)})
    assert (r.code, r.out) == (0, SMALL)


@pytest.fixture
def hashed(tmp_path, certificates):
    """A directory of certificates by their hash that knows our CA."""
    directory = tmp_path / "hashed"
    directory.mkdir()
    (directory / "ca.pem").write_text(certificates.ca.read_text())
    openssl("rehash", str(directory))
    return directory


@pytest.mark.parametrize("before", ["", "/nonexistent:"])
def test_directories_can_be_named_by_the_environment(secure, fetch, hashed,
                                                     before):
    r = fetch(secure.url("/f"), env={"SSL_CERT_DIR": f"{before}{hashed}"})
    assert (r.code, r.out) == (0, SMALL)


def test_file_and_directory_of_the_environment_both_count(
        secure, fetch, hashed, certificates):
    stranger = str(certificates.dir / "stranger.pem")
    r = fetch(secure.url("/f"), env={"SSL_CERT_DIR": str(hashed),
                                     "SSL_CERT_FILE": stranger})
    assert (r.code, r.out) == (0, SMALL)
    # What does not know the CA is refused, once.
    r = fetch(secure.url("/f"), env={"SSL_CERT_FILE": stranger})
    assert "certificate refused" in r.failure()[1]
    assert secure.connections == 2


@pytest.mark.parametrize("content", [None, "not by its hash"])
def test_a_directory_without_hashes_is_named(secure, fetch, tmp_path,
                                             content):
    directory = tmp_path / "empty"
    if content:
        directory.mkdir()
        (directory / "ca.pem").write_text(content)
    r = fetch(secure.url("/f"), env={"SSL_CERT_DIR": str(directory)})
    text = r.failure()[1]
    assert str(directory) in text and "openssl-rehash" in text
    assert secure.connections == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts over /etc")
@pytest.mark.parametrize("path, is_directory", [
    ("ssl/certs", True), ("pki/ca-trust/extracted/pem/directory-hash", True),
    ("ssl/certs/ca-certificates.crt", False),
    ("pki/tls/certs/ca-bundle.crt", False),
    ("pki/ca-trust/extracted/pem/tls-ca-bundle.pem", False),
    ("ssl/ca-bundle.pem", False), ("ssl/cert.pem", False), (None, False),
], ids=["Debian, Alpine, SUSE", "Fedora", "Debian's and Alpine's file",
        "Amazon Linux", "Fedora's file", "SUSE's file", "libssl's", "none"])
def test_each_systems_place_is_known(secure, fetch, certificates, hashed,
                                     tmp_path, path, is_directory):
    etc = tmp_path / "etc"
    etc.mkdir()
    if path:
        (etc / path).parent.mkdir(parents=True, exist_ok=True)
        if is_directory:
            hashed.rename(etc / path)
        else:
            (etc / path).write_text(certificates.ca.read_text())
    script = f"""mount --bind {etc} /etc && exec "$@" """
    r = fetch(secure.url("/f"),
              prefix=("unshare", "-m", "sh", "-c", script, "sh"))
    if path:
        assert (r.code, r.out) == (0, SMALL)
    else:
        assert "install ca-certificates, or set SSL_CERT_FILE" in \
            r.failure()[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts over /etc/ssl/certs")
@pytest.mark.parametrize("in_directory, in_bundle, connections", [
    (True, None, 1), (True, False, 1), (False, True, 2), (None, True, 1),
    (False, False, 2), (False, None, 1), (None, False, 1), (None, None, 0),
])
def test_the_systems_certificates_are_found(secure, fetch, certificates,
                                            tmp_path, in_directory, in_bundle,
                                            connections):
    """By directory (hashed), else by bundle; each may know the CA or not."""
    etc = tmp_path / "certs"
    etc.mkdir()
    stranger = certificates.dir / "stranger.pem"

    def put(known, name):
        (etc / name).write_text((certificates.ca if known
                                 else stranger).read_text())
    if in_directory is not None:
        put(in_directory, "a.pem")
        openssl("rehash", str(etc))
    if in_bundle is not None:
        put(in_bundle, "ca-certificates.crt")
    script = f"""mount --bind {etc} /etc/ssl/certs && exec "$@" """
    r = fetch(secure.url("/f"),
              prefix=("unshare", "-m", "sh", "-c", script, "sh"))
    if in_directory or in_bundle:
        assert (r.code, r.out) == (0, SMALL)
        assert r.kinds() == ["started", "done"]
    else:
        _, text = r.failure()
        assert "certificate refused" in text or "no CA bundle" in text
        assert r.out == b""
    assert secure.connections == connections


def test_the_systems_bundle_does_not_know_our_ca(secure, fetch):
    _, text = fetch(secure.url("/f")).failure()
    assert "certificate refused" in text or "no CA bundle" in text


@pytest.mark.parametrize("which, words", [
    ("expired", "expired"),
    ("future", "not yet valid"),
    ("elsewhere", "127.0.0.1"),
    ("stranger", "issuer certificate"),
    ("self_signed", "self"),
])
def test_a_bad_certificate_is_refused_at_once(serve, trusting, certificates,
                                              which, words):
    server = serve(context=getattr(certificates, which))
    server.on("/f", whole(SMALL))
    r = trusting(server.url("/f"))
    kind, text = r.failure()
    assert kind == "network"
    assert "certificate refused: " in text and words in text
    assert server.connections == 1 and server.requests == []
    assert r.out == b""


def test_an_expired_certificate_makes_one_think_of_the_clock(serve, trusting,
                                                             certificates):
    server = serve(context=certificates.expired)
    assert "this host's clock" in trusting(server.url("/f")).failure()[1]


def test_a_refused_certificate_leaves_the_next_mirror(serve, web, trusting,
                                                      certificates):
    bad = serve(context=certificates.self_signed)
    web.on("/f", whole(SMALL))
    r = trusting(bad.url("/f"), web.url("/f"))
    assert (r.code, r.out) == (0, SMALL)


def test_tls_1_1_is_not_spoken(serve, trusting, certificates, tmp_path):
    # Nor where the system's own settings would let it pass.
    lax = tmp_path / "openssl.cnf"
    lax.write_text("""openssl_conf = conf
[conf]
ssl_conf = ssl
[ssl]
system_default = lax
[lax]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
""")
    server = serve(context=certificates.old())
    server.on("/f", whole(SMALL))
    r = trusting("--attempts", 2, server.url("/f"),
                 env={"OPENSSL_CONF": str(lax)})
    r.failure()
    assert server.requests == [] and r.out == b""


def test_a_missing_bundle_is_named(secure, fetch):
    _, text = fetch("--ca", "/nonexistent/ca.pem", secure.url("/f")).failure()
    assert "/nonexistent/ca.pem" in text and "ca-certificates" in text
    assert secure.connections == 0


def test_a_broken_bundle_is_an_error(secure, fetch, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificates here\n")
    r = fetch("--ca", bundle, secure.url("/f"))
    r.failure()
    assert secure.requests == []


def test_the_bundle_is_not_opened_for_http(web, fetch):
    web.on("/f", whole(SMALL))
    assert fetch("--ca", "/nonexistent/ca.pem", web.url("/f")).code == 0


def test_a_cut_of_tls_is_not_the_end_of_a_file(serve, trusting,
                                               certificates):
    # Python closes without close_notify, as an attacker would.
    server = serve(context=certificates.good)
    server.on("/f", raw(head(200) + BODY[:1000]), whole(BODY))
    r = trusting(server.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert r.kinds() == ["started", "retry", "done"]


def test_a_clean_end_of_tls_is_the_end_of_a_file(serve, trusting,
                                                 certificates):
    def clean(request, conn):
        conn.sendall(head(200) + SMALL)
        conn.unwrap()
    server = serve(context=certificates.good)
    server.on("/f", clean)
    r = trusting(server.url("/f"))
    assert (r.code, r.out) == (0, SMALL)


def test_a_broken_https_transfer_is_resumed(serve, trusting, certificates):
    server = serve(context=certificates.good)
    server.on("/f", cut(BODY, 100_000, ETag='"v"'), ranged(BODY, ETag='"v"'))
    r = trusting(server.url("/f"))
    assert r.code == 0 and r.out == BODY
    assert server.requests[1].headers["range"].startswith("bytes=")


def test_a_slow_reader_of_https_gets_every_byte(serve, trusting,
                                                certificates):
    server = serve(context=certificates.good)
    body = BODY * 20
    server.on("/f", whole(body))
    r = trusting("--stall", 300, "--pause", 350, server.url("/f"))
    assert r.code == 0 and r.out == body


def test_https_does_not_redirect_to_http(secure, web, trusting):
    web.on("/f", whole(SMALL))
    secure.on("/a", redirect(web.url("/f")))
    assert "from https to http" in trusting(secure.url("/a")).failure()[1]
    assert web.requests == []


def test_http_may_redirect_to_https_but_not_back(secure, web, trusting):
    web.on("/a", redirect(secure.url("/f")))
    assert trusting(web.url("/a")).out == SMALL
    web.on("/a", redirect(secure.url("/b")))
    secure.on("/b", redirect(web.url("/f")))
    assert "from https to http" in trusting(web.url("/a")).failure()[1]


def test_a_kept_https_connection_serves_again(secure, trusting):
    r = trusting("--repeat", 4, secure.url("/f"))
    assert r.out == SMALL * 4
    assert secure.connections == 1


def test_a_plain_server_behind_https_is_an_error(web, trusting):
    web.on("*", whole(SMALL))
    url = web.url("/f").replace("http://", "https://")
    r = trusting("--attempts", 2, "--connect", 500, url)
    r.failure()
    assert r.out == b""
