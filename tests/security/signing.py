# SPDX-License-Identifier: Apache-2.0
"""A host that trusts keys, profiles for it, and the programs that sign: the
real minisign and openssl, by the commands of the manual."""
import contextlib
import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import threading

TOOLS = ("minisign", "openssl")


def missing():
    return [tool for tool in TOOLS if not shutil.which(tool)]


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = \
            done.returncode, done.stdout, done.stderr

    def said(self, words, status=None):
        """Words of the log, wherever its lines end."""
        assert re.sub(r"\s+", " ", words) in re.sub(r"\s+", " ", self.err), \
            f"not said: {words}\nexit {self.status}\n{self.out}\n{self.err}"
        if status is not None:
            assert self.status == status, self.err
        return self


class Key:
    """A minisign key pair."""

    def __init__(self, directory, name):
        self.public = directory / f"{name}.pub"
        self.secret = directory / f"{name}.key"
        subprocess.run(["minisign", "-G", "-W", "-p", self.public,
                        "-s", self.secret], check=True, capture_output=True)
        comment, self.text = self.public.read_text().split("\n")[:2]
        self.printed_id = comment.split()[-1]
        self.id = self.printed_id.zfill(16)

    def sign(self, path, *more, out=None):
        subprocess.run(
            ["minisign", "-S", "-s", self.secret, "-m", path,
             "-x", out or f"{path}.minisig", *more],
            check=True, capture_output=True, stdin=subprocess.DEVNULL)


class Certificate:
    """A certificate and its key; signed by `issuer`, or by itself."""

    def __init__(self, directory, name, issuer=None, usage="codeSigning",
                 ca=False, algorithm="rsa:2048"):
        self.pem = directory / f"{name}.pem"
        self.key = directory / f"{name}.pem.key"
        words = ["openssl", "req", "-x509", "-newkey", algorithm, "-nodes",
                 "-days", "30", "-subj", f"/O=Example/CN={name}",
                 "-keyout", self.key, "-out", self.pem]
        if algorithm == "ec":
            words += ["-pkeyopt", "ec_paramgen_curve:P-256"]
        if ca:
            words += ["-addext", "keyUsage=critical,keyCertSign"]
        elif usage:
            words += ["-addext", "basicConstraints=critical,CA:FALSE",
                      "-addext", "keyUsage=critical,digitalSignature",
                      "-addext", f"extendedKeyUsage={usage}"]
        if issuer:
            words += ["-CA", issuer.pem, "-CAkey", issuer.key]
        subprocess.run(words, check=True, capture_output=True)
        printed = subprocess.run(
            ["openssl", "x509", "-in", self.pem, "-noout", "-fingerprint",
             "-sha256"], check=True, capture_output=True, text=True).stdout
        self.id = printed.strip().split("=")[1].replace(":", "").lower()

    def sign(self, path, *more, out=None, form="DER"):
        subprocess.run(
            ["openssl", "cms", "-sign", "-binary", "-md", "sha256",
             "-in", path, "-signer", self.pem, "-inkey", self.key,
             "-outform", form, "-out", out or f"{path}.p7s", *more],
            check=True, capture_output=True)


class Trusting:
    """A scratch host: its state, its fitout.ini and one profile."""

    def __init__(self, directory, fitout):
        self.dir = directory
        self.fitout = fitout
        self.ini = directory / "fitout.ini"
        self.ini.write_text("")
        self.profile = directory / "web.cfg"
        self.out = directory / "out"

    def trust(self, *lines):
        self.ini.write_text("[trust]\n" + "".join(f"{x}\n" for x in lines))

    def write(self, more="", text="hello", path=None, name="web"):
        (path or self.profile).write_text(
            f'fitout = 1;\nname = "{name}";\n{more}\n'
            f'files = ( {{ to = "{self.out}"; content = "{text}"; }} );\n')
        return path or self.profile

    def run(self, *words):
        stdin = self.profile.read_text() if "-" in words else ""
        return Result(subprocess.run(
            [self.fitout, "--config", self.ini, "--state", self.dir / "state",
             *words], input=stdin, cwd=self.dir, capture_output=True,
            text=True, errors="replace", timeout=120))

    def apply(self, *words, status=0):
        done = self.run("apply", *words)
        assert done.status == status, f"{done.status}\n{done.err}"
        return done

    def refused(self, words, *command, profile=None, status=2):
        """apply and plan both say so, and nothing is touched."""
        before = self.look()
        for verb in ("apply", "plan"):
            done = self.run(verb, *command, profile or self.profile)
            done.said(words, status)
        assert self.look() == before
        return done

    def look(self):
        generations = self.dir / "state/generations"
        return (self.out.read_text() if self.out.exists() else None,
                sorted(os.listdir(generations)) if generations.exists()
                else None)

    def tarball(self, name, content="x\n"):
        path = self.dir / name
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as tar:
            entry = tarfile.TarInfo("tree/file")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
        return path

    def package(self, url, *more, name="app"):
        """A profile of one package."""
        self.profile.write_text(
            'fitout = 1;\nname = "web";\npackages = ( { name = "%s"; '
            'url = %s; into = "%s/app"; %s } );\n' % (
                name, json.dumps(url) if isinstance(url, str) else
                "[ %s ]" % ", ".join(map(json.dumps, url)), self.dir,
                " ".join(more)))

    def installed(self):
        path = self.dir / "app/file"
        return path.read_text() if path.exists() else None


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


@contextlib.contextmanager
def web(directory):
    """Serves a directory on loopback: yields its address and what was asked
    for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=directory))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
