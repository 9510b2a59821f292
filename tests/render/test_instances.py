# SPDX-License-Identifier: Apache-2.0
"""User-data that was rendered, given to real cloud-init on real instances:
each form makes the same host."""
import random
import subprocess

import pytest

from artifacts import File, archive, sha256
from conftest import HERE

APP = {"app/bin/run": File("#!/bin/sh\nexec sleep 1000\n", 0o755),
       "app/version": "1\n"}
BESIDE = bytes(range(256)) + "beside the profile: é\r\n".encode()
INCLUDED = 'programs = "/usr/local/programs";\n'


def profile(filler=""):
    return f"""fitout = 1;
name = "web";
vars = {{ @include "vars.inc" }};
packages = ( {{ name = "app"; url = "http://origin.test/app.tar.gz";
  sha256 = "{sha256(archive(APP))}"; into = "${{programs}}/app"; }} );
files = (
  {{ to = "/etc/greeting"; content = "it's \\"${{who}}\\" & `id` $(id) é
${{programs}}
"; template = true; }},
  {{ to = "/etc/beside"; source = "parts/beside.bin"; }},
  {{ to = "/etc/filler"; content = "{filler}"; }} );
checks = ( {{ run = [ "/usr/bin/test", "-x",
  "/usr/local/programs/app/bin/run" ]; }} );
"""


def noise(n):
    picked = random.Random(7)
    return "".join(picked.choice("0123456789abcdefghijklmnopqrstuv")
                   for _ in range(n))


class Instance:
    """A cloud whose origin has what the user-data will ask for."""

    def __init__(self, render, cloud, machine, fitout):
        self.render, self.cloud, self.machine = render, cloud, machine
        binary = fitout.read_bytes()
        cloud.origin.content["/fitout"] = binary
        cloud.origin.content["/app.tar.gz"] = archive(APP)
        self.how = ("--set", "who=Jane O'Hara ${x}",
                    "--binary-url", "http://origin.test/fitout",
                    "--binary-sha256", sha256(binary))
        render.write("vars.inc", INCLUDED)
        render.write("parts/beside.bin", BESIDE)
        self.path = render.write("web.cfg", profile())

    def boot(self, name, user_data):
        self.cloud.imds.user_data = user_data
        host = self.machine(name)
        host.boot()
        return host, host.wait_cloud_init()


@pytest.fixture
def instance(render, cloud, machine, fitout):
    return Instance(render, cloud, machine, fitout)


def is_applied(host, record, beside=True):
    said = host.user_data_output()
    assert record["errors"] == [], said
    assert host.run("cloud-init", "status", check=False).status == 0, said
    assert host.read("/usr/local/programs/app/version") == "1\n"
    assert host.read("/etc/greeting") == \
        "it's \"Jane O'Hara ${x}\" & `id` $(id) é\n/usr/local/programs\n"
    if beside:
        assert host.disk.path("/etc/beside").read_bytes() == BESIDE
    # Where it came from is nobody else's to read or change.
    modes = host.run("stat", "-c", "%a %U", "/etc/fitout/web.cfg").out \
        if beside else "600 root\n"
    assert modes == "600 root\n"
    again = host.run("fitout", "status", check=False)
    assert again.status == 0, again.out + again.err


@pytest.mark.parametrize("name,form,encoding", (
    ("bookworm", "shell", "plain"),
    ("bookworm", "cloud-config", "gzip-base64"),
    ("bookworm", "mime", "gzip"),
    ("trixie", "shell", "gzip-base64"),
    ("trixie", "mime", "plain")))
def test_cloud_init_applies_the_profile(instance, name, form, encoding):
    made = instance.render("user-data", "--form", form, "--encoding",
                           encoding, *instance.how, instance.path)
    is_applied(*instance.boot(name, made))


def test_what_is_too_large_boots_by_a_pointer(instance):
    path = instance.render.write("web.cfg", profile(noise(40000)))
    refused = instance.render.run("user-data", *instance.how, path)
    assert refused.returncode == 2
    assert b"file /etc/filler" in refused.stderr
    # A pointer has nothing beside it.
    path.write_text(path.read_text().replace(
        '  { to = "/etc/beside"; source = "parts/beside.bin"; },\n', ""))
    how = (*instance.how[:2], path)
    instance.cloud.origin.content["/web.cfg"] = \
        instance.render("profile", *how)
    made = instance.render("user-data", "--pointer",
                           "http://origin.test/web.cfg", *instance.how, path)
    assert len(made) < 4096
    is_applied(*instance.boot("trixie", made), beside=False)


def test_one_byte_of_a_pointed_profile_changed(instance):
    path = instance.render.write("web.cfg", profile().replace(
        '  { to = "/etc/beside"; source = "parts/beside.bin"; },\n', ""))
    pointed = instance.render("profile", *instance.how[:2], path)
    instance.cloud.origin.content["/web.cfg"] = pointed.replace(
        b"/etc/greeting", b"/etc/greetinG")
    host, record = instance.boot("bookworm", instance.render(
        "user-data", "--form", "pointer", "--pointer",
        "http://origin.test/web.cfg", *instance.how, path))
    said = host.user_data_output()
    assert "the profile is not what was promised" in said, said
    assert record["errors"] != []
    assert host.run("cloud-init", "status", check=False).status == 1
    assert not host.exists("/etc/greetinG")


def test_cloud_init_schema_accepts_the_cloud_config(instance, rootfs,
                                                     tmp_path):
    made = instance.render("user-data", "--form", "cloud-config",
                           *instance.how, instance.path)
    boot = instance.render("user-data", "--form", "boot", "--pointer",
                           "s3://bucket/plain.cfg", HERE / "profiles/plain.cfg")
    for name, spoil, status in (("boot", (made, boot), 0),
                                ("good", (b"", b""), 0),
                                ("bad", (b"runcmd:", b"runcmd: 3\nx:"),
                                 1)):
        (tmp_path / name).write_bytes(made.replace(*spoil))
        # Its dependencies, without changing anything of that root.
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-euc",
             'mount -t tmpfs none "$1/mnt" && cp "$2" "$1/mnt/config" && '
             'exec chroot "$1" cloud-init schema --config-file /mnt/config',
             "sh", rootfs("bookworm"), tmp_path / name],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
    assert "runcmd" in done.stdout + done.stderr
