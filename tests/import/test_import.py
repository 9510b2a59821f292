# SPDX-License-Identifier: Apache-2.0
"""Old scripts made into drafts of profiles: golden files, and the whole way
from a script to a profile that validates.

    FITOUT_BLESS=1 pytest tests/import      writes the golden files anew
"""
import functools
import hashlib
import http.server
import os
import pathlib
import re
import subprocess
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
FITOUT = os.environ.get("FITOUT", str(HERE.parents[1] / "build/static/fitout"))
SCRIPTS = sorted(HERE.glob("*.sh"))


def fitout(*words, **how):
    return subprocess.run([FITOUT, *map(str, words)], text=True, timeout=60,
                          capture_output=True, check=False, cwd=HERE, **how)


def faults(said):
    """{line: text} of the warnings about the script."""
    found = {}
    for line in said.splitlines():
        match = re.search(r"warning: [^:]+:(\d+): (.*)", line)
        if match:
            found.setdefault(int(match[1]), []).append(match[2])
    return found


def golden(path, text):
    if os.environ.get("FITOUT_BLESS"):
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_becomes_the_draft_that_was_looked_at(script):
    done = fitout("import", script.name)
    assert done.returncode == 0, done.stderr
    golden(script.with_suffix(".cfg"), done.stdout)
    golden(script.with_suffix(".faults"),
           "".join(f"{line}: {text}\n" for line, texts in
                   sorted(faults(done.stderr).items()) for text in texts))


def line_of(script, words):
    lines = script.read_text().splitlines()
    return 1 + next(i for i, line in enumerate(lines) if words in line)


def test_each_fault_of_the_usual_script_is_named_with_its_line():
    script = HERE / "user-data.sh"
    found = faults(fitout("import", script.name).stderr)
    for words, said in (
            ("#!/bin/bash", "goes on after every error"),
            ("./install auto", "the agent starts here"),
            ("wget http://127.0.0.1:8000/nginx", "is not checked"),
            ("wget http://127.0.0.1:8000/php7", "plain http"),
            ("[ -n", "without quotes"),
            ("supervisorctl reload", "restarts every program"),
            ("chmod -R 777", "lets every user of the host change")):
        line = line_of(script, words)
        assert any(said in text for text in found.get(line, [])), (words, found)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path):
    """A directory, and the port it is served at."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield tmp_path, server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_digests_are_fetched_and_the_draft_then_validates(served):
    directory, port = served
    digests = []
    for name, size in (("nginx1.14.tar.gz", 100), ("php7.tar.gz", 3_000_000)):
        data = name.encode() * size
        (directory / name).write_bytes(data)
        digests.append(hashlib.sha256(data).hexdigest())
    script = directory / "script.sh"
    script.write_text((HERE / "user-data.sh").read_text()
                      .replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    draft = directory / "draft.cfg"
    draft.write_text(fitout("import", script).stdout)
    refused = fitout("validate", draft)
    assert refused.returncode == 2
    assert refused.stderr.count('sha256 "FILL IN" must be') == 2
    done = fitout("import", "--fetch-digests", script)
    assert done.returncode == 0, done.stderr
    draft.write_text(done.stdout)
    assert re.findall('sha256 = "(.*)"', done.stdout) == digests
    good = fitout("validate", draft)
    assert good.returncode == 0, good.stderr


@pytest.mark.parametrize("file, script, package, install", [
    ("latest/install",
     "wget {url}\nchmod +x ./install\n./install auto\n",
     "unverified = true; as_is = true;", ["./install", "auto"]),
    ("latest/install",
     "curl -so /tmp/cd-install {url}\nbash /tmp/cd-install auto\n",
     "unverified = true; as_is = true;", ["bash", "./install", "auto"]),
    ("releases/codedeploy-agent_2.0_all.deb",
     "cd /tmp\nwget {url}\ndpkg -i codedeploy-agent_2.0_all.deb\n",
     'sha256 = "{sha256}"; as_is = true;',
     ["dpkg", "-i", "./codedeploy-agent_2.0_all.deb"]),
    ("releases/codedeploy-agent_2.0_all.deb",
     "curl -o /tmp/agent.deb {url}\napt-get install -y /tmp/agent.deb\n",
     'sha256 = "{sha256}"; as_is = true;',
     ["apt-get", "install", "-y", "./codedeploy-agent_2.0_all.deb"]),
    ("codedeploy-agent.noarch.rpm",
     "yum install -y {url}\nyum install -y {url}\n",
     'sha256 = "{sha256}"; as_is = true;',
     ["yum", "install", "-y", "./codedeploy-agent.noarch.rpm"]),
    ("codedeploy-agent.noarch.rpm",
     "cd /tmp\nwget {url}\nrpm -U codedeploy-agent.noarch.rpm\n",
     'sha256 = "{sha256}"; as_is = true;',
     ["rpm", "-U", "./codedeploy-agent.noarch.rpm"]),
    ("codedeploy-agent.tar.gz",
     "cd /tmp\nwget {url}\ntar xzf codedeploy-agent.tar.gz\n"
     "cd codedeploy-agent/bin\n./install --yes\n",
     'sha256 = "{sha256}"; root = "codedeploy-agent/bin";',
     ["./install", "--yes"]),
    ("codedeploy-agent.tar.gz",
     "mkdir /tmp/agent\ncurl {url} | tar xz -C /tmp/agent "
     "--strip-components=1\n/tmp/agent/install auto\n",
     'sha256 = "{sha256}";', ["./install", "auto"]),
], ids=["installer", "installer-sh", "deb", "apt", "yum", "rpm", "tar",
        "tar-strip"])
def test_the_agent_is_installed_from_what_the_script_fetched(
        served, file, script, package, install):
    directory, port = served
    data = file.encode() * 100
    (directory / file).parent.mkdir(exist_ok=True)
    (directory / file).write_bytes(data)
    url = f"http://127.0.0.1:{port}/{file}"
    path = directory / "script.sh"
    path.write_text("set -e\n" + script.format(url=url) +
                    "service codedeploy-agent start\n")
    done = fitout("import", "--fetch-digests", path)
    assert done.returncode == 0, done.stderr
    agent = done.stdout[done.stdout.index("agent = {"):]
    package = package.format(sha256=hashlib.sha256(data).hexdigest())
    words = ", ".join(f'"{word}"' for word in install)
    assert agent.count("package = {") == 1
    assert f'package = {{ url = "{url}";\n    {package} }};' in agent, agent
    assert f'{{ kind = "codedeploy"; install = [ {words} ];\n' in agent, agent
    assert "packages" not in done.stdout and "\nfiles" not in done.stdout
    draft = directory / "draft.cfg"
    draft.write_text(done.stdout)
    good = fitout("validate", draft)
    assert good.returncode == 0, done.stdout + good.stderr


def test_an_agent_that_the_script_only_starts_needs_no_package(tmp_path):
    path = tmp_path / "script.sh"
    path.write_text("systemctl start codedeploy-agent\n")
    assert 'agent = { kind = "codedeploy"; };' in fitout("import", path).stdout


def test_a_digest_that_cannot_be_fetched_is_named(served):
    directory, port = served
    script = directory / "script.sh"
    script.write_text(f"wget http://127.0.0.1:{port}/gone.tar\n"
                      "tar xf gone.tar\n")
    done = fitout("import", "--fetch-digests", script)
    assert done.returncode == 1
    assert f"http://127.0.0.1:{port}/gone.tar" in done.stderr
    assert "404" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("what, said", [
    ("missing.sh", "missing.sh"), (".", "directory"), ("binary", "binary")])
def test_what_is_no_script_is_an_error(tmp_path, what, said):
    path = tmp_path / what
    if what == "binary":
        path.write_bytes(b"#!/bin/sh\n\0\1\2")
    done = fitout("import", path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("text, line, said", [
    ("#!/usr/bin/python\nprint(1)\n", 1, "another program than a shell"),
    ("#cloud-config\nruncmd: []\n", 1, "for cloud-init"),
    ("set -e\necho\nwget 'https://a/b.tar\n", 3, "quote that is not closed"),
    ("fitout = 1;\n", 1, "no command that import knows"),
    ("a0=0123456789\n" + "".join(f"a{n + 1}=\"{f'$a{n}' * 10}\"\n"
                                 for n in range(100)), 69, "64 MiB of words"),
], ids=["python", "cloud-config", "quote", "profile", "growing"])
def test_what_cannot_be_read_is_told_with_its_line(tmp_path, text, line, said):
    path = tmp_path / "user-data"
    path.write_text(text)
    done = fitout("import", path)
    assert done.returncode == 2 and done.stdout == ""
    assert f"{path}:{line}: " in done.stderr and said in done.stderr


@pytest.mark.parametrize("id", ["9" * 40, "4294967295", "0", "-1", "0900",
                                "12x", "$UID"])
def test_a_number_that_no_account_has_is_left_to_the_reader(tmp_path, id):
    """Whatever is drafted can be read again; the rest is told."""
    script = tmp_path / "script.sh"
    script.write_text(f"groupadd www\nuseradd -u {id} -g www www\n"
                      f"mkdir -p /srv/a\n")
    done = fitout("import", script)
    assert done.returncode == 0, done.stderr
    assert "users" not in done.stdout
    assert f"#   line 2: useradd -u {id} -g www www" in done.stdout
    draft = tmp_path / "draft.cfg"
    draft.write_text(done.stdout)
    assert fitout("validate", draft).returncode == 0


def test_words_of_a_script_cannot_write_the_profile(tmp_path):
    """What a script says stays within its quotes and comments."""
    script = tmp_path / "script.sh"
    script.write_text("mkdir -p '/srv/a\"; };\nagent = { kind = \"x\"; };'\n"
                      "frob 'a\nagent = 1;' $'\\n'\n"
                      "echo 'x\"\\\n${y}' >/etc/a\n")
    done = fitout("import", script)
    assert done.returncode == 0
    assert not re.search(r"^\s*agent\b", done.stdout, re.M), done.stdout
    draft = tmp_path / "draft.cfg"
    draft.write_text(done.stdout)
    said = fitout("validate", draft).stderr
    assert "path" in said and "syntax" not in said, said
