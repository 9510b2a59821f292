# SPDX-License-Identifier: Apache-2.0
"""Packer itself (Debian's 1.6.6, the oldest that reads HCL2 well) in front of
the template: it validates, it is formatted, and with the null builder in
place of amazon-ebs it bakes a real host over ssh."""
import os
import re
import shutil
import subprocess

import pytest

from artifacts import File, archive, sha256
from conftest import HERE

WEB = HERE / "profiles/web.cfg"
PLAIN = HERE / "profiles/plain.cfg"
SSHD = """HostKey /etc/ssh/test_host_key
AuthorizedKeysFile /etc/ssh/test_authorized
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
Subsystem sftp internal-sftp
"""


@pytest.fixture
def packer(tmp_path):
    """packer(words...): its result; in a directory of its own, offline."""
    if not shutil.which("packer"):
        pytest.skip("not installed: packer")
    work = tmp_path / "packer"
    work.mkdir()

    def run(*words, inside=(), timeout=120):
        return subprocess.run(
            [*inside, "packer", *map(str, words)], cwd=work, timeout=timeout,
            capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(work),
                 "PACKER_CONFIG_DIR": str(work), "CHECKPOINT_DISABLE": "1",
                 "PACKER_NO_COLOR": "1"})

    run.work = work
    return run


@pytest.mark.parametrize("path", (WEB, PLAIN))
@pytest.mark.parametrize("how", (
    (), ("--binary", "/opt/fitout"),
    ("--binary-url", "https://artifacts.example.com/fitout",
     "--binary-sha256", "ab" * 32)))
def test_packer_validates_the_template(render, packer, path, how):
    template = packer.work / "web.pkr.hcl"
    template.write_bytes(render("packer", *how, path))
    (packer.work / "fitout").touch()
    done = packer("validate", "-var", "source_ami=ami-0123456789abcdef0",
                  template)
    assert done.returncode == 0, done.stdout + done.stderr
    # A template that names its image needs nothing else.
    template.write_bytes(render("packer", "--image-id",
                                "ami-0123456789abcdef0", *how, path))
    assert packer("validate", template).returncode == 0
    # It is as packer fmt would have it.
    done = packer("fmt", "-check", "-diff", template)
    assert done.returncode == 0, done.stdout
    template.write_text(template.read_text().replace(
        "inline_shebang", "inline_shebong"))
    assert packer("validate", template).returncode != 0


def host_with_ssh(host, tmp_path):
    """sshd on the box; the key that opens it."""
    key = tmp_path / "key"
    for path in (key, tmp_path / "host_key"):
        # Packer 1.6's ssh speaks no rsa-sha2.
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "",
                        "-m", "PEM", "-f", path], check=True)
    host.disk.copy(tmp_path / "host_key", "/etc/ssh/test_host_key", 0o600)
    host.disk.copy(f"{key}.pub", "/etc/ssh/test_authorized", 0o600)
    host.disk.write("/etc/ssh/test_config", SSHD)
    host.run("mkdir", "-p", "/run/sshd")
    host.run("/usr/sbin/sshd", "-f", "/etc/ssh/test_config")
    return key


def test_packer_bakes_a_host(render, packer, box, cloud, fitout, tmp_path):
    if not shutil.which("sshd", path="/usr/sbin"):
        pytest.skip("not installed: openssh-server")
    if b"fitout-bake" not in subprocess.run(
            [fitout, "help", "bake"], capture_output=True).stdout:
        pytest.skip("this fitout has no bake")
    app = archive({"app/bin/run": File("#!/bin/sh\n", 0o755)})
    cloud.origin.content["/app.tar.gz"] = app
    render.write("parts/beside.bin", bytes(range(256)))
    path = render.write("web.cfg", f"""fitout = 1;
name = "web";
packages = ( {{ name = "app"; url = "http://origin.test/app.tar.gz";
  sha256 = "{sha256(app)}"; into = "/srv/app"; }} );
files = (
  {{ to = "/etc/greeting"; content = "${{HOME}} {{{{ .Path }}}} \\"%{{if}}\\" é
"; }}, {{ to = "/etc/beside"; source = "parts/beside.bin"; }},
  {{ to = "/etc/who"; content = "${{who}}\n"; template = true; }} );
""")
    host = box("host")
    key = host_with_ssh(host, tmp_path)
    who = "Jane \"O'Hara\" ${x} {{{y}}} %{if} \\"
    template = render("packer", "--set", f"who={who}", path).decode()
    template, found = re.subn(
        r'source "amazon-ebs" "fitout" \{.*?\n\}\n',
        'source "null" "fitout" {\n  ssh_host = "10.11.0.10"\n'
        '  ssh_username = "root"\n'
        f'  ssh_private_key_file = "{key}"\n}}\n', template, flags=re.S)
    assert found == 1
    template = template.replace("source.amazon-ebs.fitout",
                                "source.null.fitout")
    (packer.work / "web.pkr.hcl").write_text(template)
    shutil.copy(fitout, packer.work / "fitout")
    done = packer("build", "-var", "source_ami=none", "web.pkr.hcl",
                  inside=cloud.ns.enter(), timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert host.read("/etc/greeting") == '${HOME} {{ .Path }} "%{if}" é\n'
    assert host.read("/etc/who") == f"{who}\n"
    assert host.disk.path("/etc/beside").read_bytes() == bytes(range(256))
    assert host.exists("/srv/app/bin/run")
    assert host.run("fitout", "status", check=False).status == 0
    # --seal: it is nobody's machine any more.
    assert not host.exists("/tmp/fitout.upload")
    assert host.run("sh", "-c", "cat /etc/machine-id",
                    check=False).out.strip() in ("", "uninitialized")
