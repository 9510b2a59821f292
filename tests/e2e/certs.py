# SPDX-License-Identifier: Apache-2.0
"""Certificates for the tests, made with openssl.

`ca` is the certificate to trust. The others are (certificate, key) pairs:
`good` and `expired` for the given host, `wrong_host` for another one, all
three signed by `ca`; `self_signed` by nobody.
"""
import dataclasses
import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = own
[own]
dir = .
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


@dataclasses.dataclass
class Certs:
    ca: pathlib.Path
    good: tuple
    expired: tuple
    wrong_host: tuple
    self_signed: tuple


def make(directory, host):
    directory = pathlib.Path(directory)
    (directory / "openssl.cnf").write_text(CONFIG)
    (directory / "index").write_text("")
    (directory / "serial").write_text("01\n")
    _self_signed(directory, "ca", "end-to-end test CA",
                 "basicConstraints=critical,CA:TRUE",
                 "keyUsage=critical,keyCertSign,cRLSign")
    _self_signed(directory, "self-signed", host, f"subjectAltName=DNS:{host}")
    for name, subject, begin, end in (
            ("good", host, "20200101000000Z", "20491231000000Z"),
            ("expired", host, "20200101000000Z", "20200201000000Z"),
            ("wrong-host", "other.test", "20200101000000Z",
             "20491231000000Z")):
        _openssl(directory, "req", "-new", *_key(name),
                 "-config", "openssl.cnf", "-subj", f"/CN={subject}",
                 "-addext", f"subjectAltName=DNS:{subject}",
                 "-out", f"{name}.csr")
        _openssl(directory, "ca", "-batch", "-notext",
                 "-config", "openssl.cnf",
                 "-cert", "ca.pem", "-keyfile", "ca.key",
                 "-startdate", begin, "-enddate", end,
                 "-in", f"{name}.csr", "-out", f"{name}.pem")
    pair = {name: (directory / f"{name}.pem", directory / f"{name}.key")
            for name in ("good", "expired", "wrong-host", "self-signed")}
    return Certs(directory / "ca.pem", pair["good"], pair["expired"],
                 pair["wrong-host"], pair["self-signed"])


def _self_signed(directory, name, subject, *extensions):
    _openssl(directory, "req", "-x509", *_key(name),
             "-config", "openssl.cnf", "-subj", f"/CN={subject}",
             "-days", "3650", "-out", f"{name}.pem",
             *[word for e in extensions for word in ("-addext", e)])


def _key(name):
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", f"{name}.key")


def _openssl(directory, *words):
    result = subprocess.run(["openssl", *words], cwd=directory, timeout=60,
                            capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {result.stderr}")
