# SPDX-License-Identifier: Apache-2.0
"""A host that is as the profile says: nothing is done; after a reboot, when
only the gate is closed, it is proved again before the agent may start."""
import json

import pytest

import snapshot
from place import Place
from scene import APP, PROFILE, RUNNING, STARTED

pytestmark = pytest.mark.host

READY = "/run/fitout/ready"
CHECKED = "/run/checked"


@pytest.fixture
def applied(scene):
    scene.blocks["checks"] = (
        f'checks = ( {{ run = [ "sh", "-c", "echo x >>{CHECKED}" ]; }} );\n')
    scene.change("agent", "stop =", f'status = [ "test", "-e", "{RUNNING}" ];'
                 "\n  stop =")
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.agent_started()
    scene.origin.forget()
    return scene


def checked(scene):
    return scene.host.read(CHECKED).count("x")


def test_a_second_apply(applied):
    before, ran = applied.look(), applied.processes()
    done = applied.apply()
    assert done.status == 0, done.err
    assert done.out == "scene: nothing to do (generation 1)\n"
    assert applied.origin.connections == 0
    assert snapshot.diff(before, applied.look()) == []
    assert applied.processes() == ran
    assert checked(applied) == 1
    assert applied.host.disk.read(STARTED).count("\n") == 1


def test_a_second_apply_as_json(applied):
    done = applied.apply("--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["outcome"] == "nothing to do"


def reboot(scene):
    """What a reboot leaves: no process, nothing in /run. Whether supervisord
    comes up by itself is not this profile's business."""
    scene.host.run("supervisorctl", "-c",
                   "/srv/supervisor/supervisord.conf", "shutdown")
    scene.host.wait_for("the end of supervisord",
                        lambda: scene.processes() == [])
    scene.host.run("rm", "-r", "/run/fitout", RUNNING)


def test_with_the_gate_closed_it_is_proved_again(applied):
    reboot(applied)
    before = applied.look()
    done = applied.apply()
    assert done.status == 0, done.err
    assert applied.origin.connections == 0
    assert applied.supervisord_is_up()
    assert "/bin/sh /srv/app/bin/run" in applied.processes() or \
        "sleep 1000" in applied.processes()
    assert checked(applied) == 2
    assert applied.host.exists(READY)
    assert applied.host.disk.read(STARTED).count("\n") == 2
    changed = snapshot.diff(before, applied.look())
    assert {line.split()[1].rstrip(":") for line in changed} == {
        STARTED.strip("/"), RUNNING.strip("/")}
    again = applied.apply()
    assert "nothing to do" in again.out


def test_with_the_gate_closed_and_a_check_that_fails_it_stays_closed(applied):
    reboot(applied)
    applied.change("checks", f"echo x >>{CHECKED}", "exit 1")
    applied.change("checks", "run =", "timeout = 1; run =")
    done = applied.apply()
    assert done.status == 1, done.err
    assert "does not hold" in done.err
    assert not applied.host.exists(READY)
    assert applied.host.disk.read(STARTED).count("\n") == 1
    assert not applied.host.exists(RUNNING)


def test_an_agent_that_ended_is_started_again(applied):
    applied.host.run("rm", RUNNING)
    done = applied.apply()
    assert done.status == 0, done.err
    assert applied.host.disk.read(STARTED).count("\n") == 2
    assert applied.origin.connections == 0


@pytest.mark.parametrize("path, text", [
    ("/srv/app/version", "3\n"), ("/etc/app-motd", "edited\n"),
    ("/srv/supervisor/conf.d/app.conf", "")])
def test_what_was_changed_by_hand_is_put_right(applied, path, text):
    good = applied.host.disk.read(path)
    mode = applied.host.disk.path(path).stat().st_mode & 0o777
    applied.host.disk.write(path, text, mode)
    planned = applied.fitout("plan", "--exit-code", PROFILE)
    assert planned.status == 10, planned.err
    assert applied.host.disk.read(path) == text
    done = applied.apply()
    assert done.status == 0, done.err
    assert applied.host.disk.read(path) == good
    assert "nothing to do" in applied.apply().out
    assert applied.host.disk.read("/srv/app/logs/old.log") != ""


def test_what_the_profile_no_longer_names_goes(applied):
    path = applied.host.disk.path("/etc/logrotate.d/app")
    assert path.read_text() == APP["app/etc/logrotate"]
    applied.change("files", '  { from = "app:etc/logrotate"; '
                   'to = "/etc/logrotate.d/app"; },\n', "")
    done = applied.apply()
    assert done.status == 0, done.err
    assert not path.exists()
    assert "nothing to do" in applied.apply().out


def test_what_only_the_profile_itself_says_is_recorded(tmp_path, fitout):
    """A boot goes by what is recorded: by an old budget or signal, else."""
    place = Place(tmp_path, fitout)
    file = 'files = ( { to = "%s/c"; content = "x"; } );' % tmp_path

    def generation():
        return json.loads(place.run("--json", "status").stdout)["generation"]

    place.apply(file)
    for n, more in enumerate((
            'budget = "7m";',
            'budget = "7m"; keep_generations = 3;',
            'budget = "7m"; keep_generations = 3; '
            'signal = { console = "never"; };',
            'budget = "7m"; keep_generations = 3; '
            'signal = { console = "always"; };'), 2):
        profile = place.write(file, more)
        plan = place.run("plan", "--exit-code", str(profile))
        assert plan.returncode == 10, plan.stdout
        assert "apply would record it" in plan.stdout
        done = place.apply(file, more)
        assert "nothing differs on this host" in done.stderr
        assert generation() == n
        plan = place.run("plan", "--exit-code", str(profile))
        assert (plan.returncode, plan.stdout) == (0, "nothing to do\n")
        assert "nothing to do" in place.apply(file, more).stdout
    kept = (tmp_path / "state/generations/5/profile.cfg").read_text()
    assert "always" in kept and "7m" in kept
    # Another edition of the same is no other generation.
    same = "# A comment.\n\n" + more.replace(" budget", "\n  budget")
    done = place.apply(file, same, "serial = 8;",
                       'expires = "2099-01-01T00:00:00Z";')
    assert "nothing to do" in done.stdout and generation() == 5
    refused = place.apply(file, more, "serial = 7;", status=2)
    assert "serial" in refused.stderr
