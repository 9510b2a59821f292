# SPDX-License-Identifier: Apache-2.0
"""install-init: what is placed for each init system, once, and taken away;
the scripts are what their shells understand; a System V host boots by one."""
import shutil
import subprocess

import pytest

import image
from image import PROFILE, READY

PLACED = {
    "systemd": "/etc/systemd/system/fitout-boot.service",
    "sysv": "/etc/init.d/fitout-boot",
    "openrc": "/etc/init.d/fitout-boot",
    "upstart": "/etc/init/fitout-boot.conf",
}


@pytest.fixture
def run(tmp_path, fitout):
    """run(WORDS): install-init in an image of nothing but directories."""
    root = tmp_path / "root"
    for name in ("etc/init.d", "etc/systemd/system", "usr/local/bin"):
        (root / name).mkdir(parents=True)

    def call(*words):
        return subprocess.run(
            [fitout, "--root", root, "install-init", *words],
            capture_output=True, text=True, timeout=60, check=False)
    call.root = root
    return call


def files(root):
    return {str(path.relative_to(root)): path.lstat().st_mtime_ns
            for path in root.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("init", PLACED)
def test_it_is_placed_once_and_taken_away(run, init):
    before = files(run.root)
    how = ("--init", init, "--profile-from", "user-data")
    done = run(*how)
    assert done.returncode == 0, done.stderr
    text = (run.root / PLACED[init].lstrip("/")).read_text()
    assert "/usr/local/bin/fitout" in text and "@" not in text.replace(
        "$@", "")
    assert "boot --profile-from user-data" in text
    assert f"placed     {PLACED[init]}\n" in done.stdout
    # The binary came along, since the image had none.
    program = run.root / "usr/local/bin/fitout"
    assert program.stat().st_mode & 0o777 == 0o755
    placed = files(run.root)
    done = run(*how)
    assert done.returncode == 0 and "placed" not in done.stdout, done.stdout
    assert files(run.root) == placed
    done = run("--init", init, "--remove")
    assert done.returncode == 0, done.stderr
    assert f"removed    {PLACED[init]}\n" in done.stdout
    program.unlink()
    assert files(run.root) == before
    again = run("--init", init, "--remove")
    assert again.returncode == 0 and "removed " not in again.stdout


def test_the_watch_for_the_end_is_placed_only_where_asked_for(run, fitout,
                                                              tmp_path):
    unit = run.root / "etc/systemd/system/fitout-drain.service"
    assert run("--init", "systemd").returncode == 0
    assert not unit.exists()
    before = files(run.root)
    done = run("--init", "systemd", "--drain")
    assert done.returncode == 0, done.stderr
    assert "/usr/local/bin/fitout: fitout drain --watch is run at boot" in \
        done.stdout
    assert "ExecStart=/usr/local/bin/fitout drain --watch\n" in \
        unit.read_text()
    wanted = unit.parent / "multi-user.target.wants/fitout-drain.service"
    assert wanted.is_symlink()
    # What systemd thinks of it (the program must be there for that).
    copy = tmp_path / "fitout-drain.service"
    copy.write_text(unit.read_text().replace("/usr/local/bin/fitout",
                                             str(fitout)))
    seen = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy],
        capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in (seen.stdout + seen.stderr).splitlines()
            if "fitout-drain" in line]
    assert said == [], said
    assert "placed" not in run("--init", "systemd", "--drain").stdout
    done = run("--init", "systemd", "--drain", "--remove")
    assert done.returncode == 0 and files(run.root) == before, done.stdout
    done = run("--init", "openrc", "--drain")
    assert done.returncode == 2 and "for systemd only" in done.stderr


def test_a_system_that_is_not_known_is_refused(run):
    done = run("--init", "launchd")
    assert done.returncode == 2
    assert "systemd, openrc, upstart or sysv, found 'launchd'" in done.stderr
    shutil.rmtree(run.root / "etc")
    done = run()
    assert done.returncode == 1 and "neither systemd nor" in done.stderr


def test_the_scripts_are_what_their_shells_understand(run):
    for init in ("sysv", "openrc", "upstart"):
        assert run("--init", init).returncode == 0
        path = run.root / PLACED[init].lstrip("/")
        text = path.read_text()
        if init == "sysv":
            subprocess.run(["dash", "-n", path], check=True)
            subprocess.run(["shellcheck", "-s", "sh", path], check=True)
            for word in ("Provides:", "Required-Start:", "Default-Start:",
                         "Default-Stop:", "Short-Description:"):
                assert f"# {word}" in text
        elif init == "openrc":
            subprocess.run(["sh", "-n", path], check=True)
            subprocess.run(["shellcheck", "-s", "sh", "-e",
                            "SC2034,SC2035", path], check=True)
        elif shutil.which("init-checkconf"):
            subprocess.run(["init-checkconf", path], check=True)
        else:
            # Stanzas of init(5), and nothing else at the left.
            known = {"description", "start", "stop", "task", "kill",
                     "console", "exec"}
            words = {line.split()[0] for line in text.splitlines()
                     if line and line[0] not in "# \t"}
            assert words == known, words


def test_a_system_v_host_boots_by_its_script(machine, cloud, fitout,
                                             agentpkg):
    """Baked in one machine, booted as a copy; the gate closes at every
    boot, and what cannot be repaired never starts the agent."""
    host = image.builder(machine("bookworm-sysvinit"), cloud, fitout,
                         agentpkg, base="file:///srv/origin")
    host.boot()
    host.wait("the runlevel", lambda: host.run(
        "runlevel", check=False).out == "N 2\n")
    done = host.run("fitout", "bake", "--seal", PROFILE, check=False,
                    timeout=180)
    assert done.status == 0, done.err
    assert host.starts() == [] and not host.agent_runs()
    assert not host.machine.exists("/etc/cron.d/demo-agent")
    # (This init leaves the disk read-only when it goes down.)
    shutil.rmtree(host.disk.path("/srv/origin"))
    host.machine.power_off()
    cloud.next_instance()
    copy = image.Host(machine("bookworm-sysvinit", copy_of=host.disk))
    copy.boot()
    report = copy.booted(1)
    assert report["proof"]["differ"] == 0
    assert copy.run("service", "fitout-boot", "status").status == 0
    copy.reboot()
    report = copy.booted(2)
    image.flip(copy.disk.path("/srv/app/share/7"))
    copy.reboot()
    copy.wait("boot to fail", lambda: "The agent was not started" in
              copy.said() and copy.ended())
    for words in (["service", "demo-agent", "start"],
                  ["/etc/init.d/demo-agent", "restart"]):
        copy.run(*words, check=False)
    assert not copy.agent_runs() and len(copy.starts()) == 2
    assert not copy.machine.exists(READY)
    assert copy.run("service", "fitout-boot", "status",
                    check=False).status == 3
