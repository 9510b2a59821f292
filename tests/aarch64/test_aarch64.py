# SPDX-License-Identifier: Apache-2.0
import json
import subprocess

from conftest import TOP
from machine import PATH
from test_demo_profile import CONFIG, PROGRAMS, Demo


class Scene:
    def __init__(self, host, cloud):
        self.host, self.origin, self.environment = host, cloud.origin, {}


def test_the_binary_is_static_and_of_aarch64(binary):
    said = subprocess.run(["readelf", "-hldW", binary], capture_output=True,
                          text=True, check=True).stdout
    assert "AArch64" in said and "DYN" in said
    assert "INTERP" not in said and "(NEEDED)" not in said
    assert "(TEXTREL)" not in said


def test_it_says_its_version_and_validates(host):
    assert host.run("fitout", "version").out.startswith("fitout ")
    sbom = json.loads(host.run("fitout", "--json", "version", "--sbom").out)
    assert {"libcurl", "openssl", "musl", "zlib"} <= {
        row["name"] for row in sbom["libraries"]}
    for name in ("common.cfg", "nginx-php.cfg"):
        host.disk.write(f"/etc/fitout/{name}",
                        (TOP / "profiles" / name).read_text())
    settings = [word for name in ("nginx", "php", "agent")
                for word in ("--set", f"{name}_sha256={'0' * 64}")]
    good = host.run("fitout", *settings, "validate",
                    "/etc/fitout/nginx-php.cfg")
    assert ": ok (" in good.out
    host.disk.write("/etc/fitout/bad.cfg", "fitout = 1;\nname = \"x\";\n"
                    "files = ( { too = \"/x\"; } );\n")
    bad = host.run("fitout", "validate", "/etc/fitout/bad.cfg", check=False)
    assert bad.status == 2 and "bad.cfg:3" in bad.err


def test_it_applies_the_demo(host, cloud, tarballs):
    demo = Demo(Scene(host, cloud), tarballs)
    demo.environment = {"PATH": PATH}
    out = demo.apply()
    assert "42" in demo.get("/index.php"), out
    for program in ("nginx", "php-fpm"):
        assert int(demo.pid(program)) > 0
    status = json.loads(host.run("fitout", "--json", "status", "--verify",
                                 timeout=120).out)
    assert status["last_run"]["outcome"] == "done" and status["gate_open"]
    assert not any(row.get("drift") for row in status["resources"]), status
    again = demo.fitout("apply")
    assert again.status == 0 and "nothing to do" in again.out, again.err
    # An upgrade of what runs, and back.
    demo.change(('url = "${origin}/nginx1.14.tar"',
                 'url = "${origin}/nginx1.14.tar"; max_size = "1G"'))
    assert demo.fitout("apply", origin="new").status == 0
    assert "42" in demo.get("/index.php")
    assert host.run("fitout", "rollback", timeout=150).status == 0
    assert "42" in demo.get("/index.php")
    assert host.exists(f"{PROGRAMS}/nginx") and host.exists(CONFIG)


def test_what_the_emulator_lacks_is_said(host):
    """qemu-user has no Landlock, seccomp or mount_setattr: absent measures are named,
    the others hold, and a run goes on (the one above)."""
    said = json.loads(host.run("fitout", "--json", "status").out)
    for duty in ("fetcher", "reader", "unpacker"):
        measures = said["confinement"][duty]
        assert {"limits", "uid", "capabilities", "no-new-privs",
                "undumpable"} <= set(measures["held"])
        assert set(measures["absent"]) <= {"landlock", "mount", "seccomp"}
        assert set(measures["held"]) & set(measures["absent"]) == set()
    for duty in ("reader", "unpacker"):
        assert {"network", "chroot"} <= set(said["confinement"][duty]["held"])
