# SPDX-License-Identifier: Apache-2.0
"""bake in a box: what it leaves, what fails, what cannot be sealed, and what
is made of one that is killed."""
import json

import pytest

import signing
import snapshot
from artifacts import archive
from image import BIG, flip
from scene import APP, HELD, PROFILE, Watched

KEYS = ("/var/lib/systemd/credential.secret",
        "/var/lib/NetworkManager/secret_key",
        "/etc/udev/rules.d/70-persistent-net.rules")
OURS = ("/etc/init.d", "/usr/local/bin/fitout")


@pytest.fixture
def place(scene):
    scene.write()
    return scene


def rc_links(scene):
    """What starts fitout at boot, by the host's own tool."""
    return scene.host.run("sh", "-c", "ls /etc/rc2.d | grep fitout-boot",
                          check=False).out.split()


def boot(scene, *words):
    return scene.fitout("boot", *words)


def test_a_bake_is_at_rest_and_a_boot_starts_the_agent(place):
    ran = place.processes()
    done = place.fitout("bake", PROFILE)
    assert done.status == 0, done.err
    assert "generation 1, the agent is held" in done.out
    assert place.processes() == ran
    assert not place.agent_started()
    assert not place.host.exists("/run/fitout/ready")
    assert place.host.read("/srv/app/version") == "2\n"
    script = place.host.read("/etc/init.d/fitout-boot")
    assert "fitout=/usr/local/bin/fitout\n" in script
    assert len(rc_links(place)) == 1
    # Once more: the same, and no generation of its own.
    done = place.fitout("bake", PROFILE)
    assert done.status == 0 and "generation 1, " in done.out, done.err
    assert place.processes() == ran and not place.agent_started()
    # Its own profile is all that boot needs.
    place.host.run("rm", PROFILE)
    place.origin.content.clear()
    done = boot(place)
    assert done.status == 0, done.err
    assert ": 0 of " in done.out and " files differ" in done.out
    assert "the agent started " in done.out
    assert place.agent_started() and place.supervisord_is_up()
    report = json.loads(place.fitout("--json", "report").out)
    assert report["proof"]["differ"] == 0 and report["generation"] == 1
    # And again in the same boot.
    assert "nothing to do" in boot(place).out


def test_a_bake_that_fails_leaves_the_host_as_it_was(place):
    place.change("checks", "/srv/app/version", "/srv/app/not-there")
    place.change("checks", "]; }", "]; timeout = 1; }")
    said = place.refused(1, "does not hold", "The agent was not started",
                         apply=lambda: place.fitout("bake", PROFILE))
    assert "The host is as it was before" in said
    assert rc_links(place) == []
    # There is nothing to boot, which is said, and nothing starts.
    done = boot(place)
    assert done.status == 1 and "no run has completed on this host" in \
        done.err
    assert not place.agent_started()


def test_a_profile_with_boot_is_as_well_served_without_a_bake(place):
    place.add('boot = { profile_from = "user-data"; };')
    done = place.apply()
    assert done.status == 0, done.err
    assert "boot --profile-from user-data" in place.host.read(
        "/etc/init.d/fitout-boot")
    assert "nothing to do" in place.apply().out
    status = place.fitout("status")
    assert "fitout-boot" in status.out and status.status == 0, status.out
    # What somebody did to the script is put right, by boot as well.
    place.host.run("sh", "-c", "echo exit >>/etc/init.d/fitout-boot")
    place.host.run("rm", "/run/fitout/ready")
    done = boot(place)
    assert done.status == 0, done.err
    assert "exit\n" not in place.host.read("/etc/init.d/fitout-boot")[-6:]


def test_what_cannot_be_sealed_is_named_and_the_rest_is_sealed(place):
    host = place.host
    host.disk.write("/root/.bash_history", "words\n")
    host.disk.write("/home/ops/.zsh_history", "words\n")
    host.disk.write("/etc/ssh/ssh_host_rsa_key", "key\n")
    for path in KEYS:
        host.disk.write(path, "key\n")
    host.run("sh", "-c", "mount --bind /root/.bash_history "
             "/root/.bash_history")
    done = place.fitout("bake", "--seal", PROFILE)
    assert done.status == 4, done.err
    assert "shell histories: remove /root/.bash_history" in done.err
    assert "not fit to make an image of" in done.err
    assert "sealed: ssh host keys (/etc/ssh): " in done.out
    assert not host.exists("/etc/ssh/ssh_host_rsa_key")
    assert not host.exists("/home/ops/.zsh_history")
    for path in KEYS:
        assert not host.exists(path), path
    assert host.read("/etc/machine-id") == ""
    host.run("umount", "/root/.bash_history")
    done = place.fitout("bake", "--seal", PROFILE)
    assert done.status == 0, done.err
    assert not host.exists("/root/.bash_history")


def test_a_large_file_changed_unseen_is_found_by_reading_all(place):
    place.serve("app.tar.gz", archive(APP | {"app/share/big": BIG}))
    place.packages()
    place.write()
    assert place.fitout("bake", PROFILE).status == 0
    big = "/srv/app/share/big"
    flip(place.host.disk.path(big))
    # Not by size and time, which is what the others go by ...
    done = boot(place)
    assert done.status == 0 and ": 0 of " in done.out, done.err
    assert place.host.read(big) != BIG
    # ... but by its bytes; and it is put right before the agent starts.
    place.host.run("rm", "/run/fitout/ready", "/srv/agent/started")
    done = boot(place, "--verify")
    assert done.status == 0, done.err
    assert "/srv/app: share/big: content" in done.err
    assert ": 1 of " in done.out, done.out
    assert place.host.read(big) == BIG and place.agent_started()
    report = json.loads(place.fitout("--json", "report").out)
    assert report["proof"]["differ"] == 1


class Killed(Watched):
    """bake or boot instead of apply."""

    command = None

    def kill(self, name, **members):
        self.wait_for(name, **members)
        self.signal("KILL")
        self.end()


@pytest.mark.parametrize("event,members", [
    ("plan.step", {"resource": "check"}),
    ("step.begin", {"message": "commit"}),
    ("step.begin", {"message": "activate"}),
    ("step.begin", {"message": "rest"}),
])
def test_a_bake_that_is_killed_is_ended_by_boot(place, event, members):
    before = place.look()
    run = Killed(place, command=["bake", PROFILE])
    run.kill(event, **members)
    assert not place.agent_started()
    done = boot(place)
    # Not committed: as before. Else boot ends what was begun, and only then
    # starts the agent.
    if done.status == 0:
        assert place.agent_started()
        assert place.host.read("/srv/app/version") == "2\n"
        assert place.host.read("/etc/app-motd") == "version 2\n"
    else:
        assert done.status == 1 and not place.agent_started(), done.err
        assert snapshot.diff(before, place.look()) == [], done.err


@pytest.mark.parametrize("event,members", [
    ("plan.step", {"resource": "agent"}),
    ("step.begin", {"message": "commit"}),
    ("step.begin", {"message": "activate"}),
    ("gate.open", {}),
])
def test_a_boot_that_is_killed_is_ended_by_the_next(place, event, members):
    assert place.fitout("bake", PROFILE).status == 0
    place.host.disk.write("/etc/app-motd", "somebody's\n")
    # Between the gate and the end there is nothing but the agent's start.
    place.host.disk.write(HELD, "")
    run = Killed(place, command=["boot"])
    run.kill(event, **members)
    place.host.disk.path(HELD).unlink()
    done = boot(place)
    assert done.status == 0, done.err
    assert place.agent_started()
    assert place.host.read("/etc/app-motd") == "version 2\n"
    lines = place.host.read("/srv/agent/started").splitlines()
    assert 1 <= len(lines) <= 2


def test_user_data_does_not_take_signatures_away(place, cloud, tmp_path):
    key = signing.Key(tmp_path, "release")
    head = place.blocks["head"]
    place.blocks["head"] = head + "serial = 1;\n"
    place.write()
    signed = place.host.disk.path(PROFILE)
    key.sign(signed)
    done = place.fitout("bake", "--public-key", key.text, PROFILE)
    assert done.status == 0, done.err
    place.blocks["head"] = head + "serial = 2;\n"
    digest = place.serve("edition-2.cfg", place.text().encode())
    cloud.imds.user_data = (f"# fitout-profile: http://origin.test/edition-2.cfg"
                            f" sha256:{digest}\n").encode()
    done = boot(place, "--profile-from", "user-data")
    assert done.status == 1 and "nobody who is trusted here" in done.err
    assert key.id in done.err and not place.agent_started()
    # What was signed still boots.
    cloud.imds.user_data = b"#!/bin/sh\n"
    assert boot(place, "--profile-from", "user-data").status == 0
    assert place.agent_started()


def test_a_newer_profile_that_user_data_points_to(place, cloud):
    head = place.blocks["head"]
    place.blocks["head"] = head + "serial = 1;\n"
    place.write()
    assert place.fitout("bake", PROFILE).status == 0
    place.blocks["head"] = head + "serial = 2;\n"
    place.change("files", "version 2\\n", "version 3\\n")
    text = place.text()
    digest = place.serve("edition-2.cfg", text.encode())
    pointer = f"# fitout-profile: http://origin.test/edition-2.cfg sha256:"
    how = ("--profile-from", "user-data")
    # Another text than is promised, and one that is not there: no agent.
    cloud.imds.user_data = f"#!/bin/sh\n{pointer}{'0' * 64}\n".encode()
    done = boot(place, *how)
    assert done.status == 2 and "is not what was promised" in done.err
    assert not place.agent_started()
    cloud.imds.user_data = f"#!/bin/sh\n{pointer}{digest}\n".encode()
    done = boot(place, *how)
    assert done.status == 0, done.err
    assert place.host.read("/etc/app-motd") == "version 3\n"
    assert place.agent_started()
    # It is the current one now, and is not fetched again.
    asked = len(place.origin.asked("/edition-2.cfg"))
    assert "nothing to do" in boot(place, *how).out
    assert len(place.origin.asked("/edition-2.cfg")) == asked
    # An older one is left alone.
    older = text.replace("serial = 2", "serial = 1")
    digest = place.serve("edition-2.cfg", older.encode())
    cloud.imds.user_data = f"{pointer}{digest}\n".encode()
    done = boot(place, *how)
    assert done.status == 0 and "is not newer" in done.err, done.err
    # Without the service, a reboot does as well.
    cloud.imds.faults["user-data"] = 403
    done = boot(place, *how)
    assert done.status == 0 and "current generation's" in done.err, done.err
