# SPDX-License-Identifier: Apache-2.0
"""The process itself: one at a time, its children, its end, the clock, and
hosts that lack what every host has."""
import json
import pathlib
import platform
import subprocess

import pytest

import snapshot
from artifacts import File, archive
from origin import Fault
from scene import APP, PROFILE, RUNNING, STARTED, Watched
from tracing import Trace

pytestmark = pytest.mark.host

HERE = pathlib.Path(__file__).resolve().parent
STATE = "/var/lib/fitout"


def command(scene, name, script, more=""):
    """One more command of the profile, which runs after the commit."""
    scene.host.disk.write(f"/srv/{name}.sh", script + "\n", 0o755)
    scene.blocks["commands"] = (
        f'commands = ( {{ name = "{name}"; unless = [ "false" ]; '
        f'run = [ "sh", "/srv/{name}.sh" ]; {more} }} );\n')


# ---- one at a time ----

def test_s52_the_second_one_is_told_who_has_the_lock(scene):
    assert scene.apply().status == 0
    scene.change("files", "version 2", "version 3")
    assert scene.apply().status == 0
    scene.serve("app.tar.gz", archive({"app/version": "3\n"}))
    scene.blocks = {name: scene.blocks[name] for name in ("head", "packages")}
    scene.packages()
    scene.origin.faults["/app.tar.gz"] = Fault(stall=100)
    before = len(scene.origin.asked("/app.tar.gz"))
    run = Watched(scene)
    scene.host.wait_for(
        "the request",
        lambda: len(scene.origin.asked("/app.tar.gz")) > before)
    for words in (["apply", PROFILE], ["rollback"]):
        done = scene.fitout(*words)
        assert done.status == 3, done.err
        assert run.pid() in done.err and "fitout apply" in done.err
    run.signal("TERM")
    run.end()


def test_s52_a_lock_does_not_outlive_its_holder(scene):
    scene.origin.faults["/app.tar.gz"] = Fault(stall=100, times=1)
    run = Watched(scene)
    scene.host.wait_for("the request",
                        lambda: scene.origin.asked("/app.tar.gz"))
    run.signal("KILL")
    run.end()
    # The lock file with its pid is still there, and means nothing.
    assert scene.host.exists(f"{STATE}/lock")
    assert scene.apply().status == 0


def test_s52_s53_a_program_left_running_does_not_hold_the_lock(scene):
    command(scene, "leave", "sleep 1000 >/dev/null 2>&1 </dev/null &")
    assert scene.apply().status == 0
    assert any("sleep 1000" in line for line in scene.processes())
    assert scene.apply().status == 0


# ---- children ----

@pytest.mark.parametrize("how", ["command", "agent", "check"])
def test_s53_programs_get_no_descriptor_of_ours(scene, how):
    # The directory that lists them is open while they are listed.
    look = ("for fd in /proc/self/fd/*; do readlink $fd; done "
            ">/srv/seen; readlink /proc/$$/fd/0 >/srv/stdin")
    if how == "command":
        command(scene, "look", look)
    elif how == "check":
        scene.host.disk.write("/srv/look.sh", look + "\n")
        scene.blocks["checks"] = \
            'checks = ( { run = [ "sh", "/srv/look.sh" ]; } );\n'
    else:
        scene.host.disk.write("/srv/agent/agent", f"#!/bin/sh\n{look}\n",
                              0o755)
    assert scene.apply().status == 0
    seen = scene.host.read("/srv/seen").split()
    assert scene.host.read("/srv/stdin") == "/dev/null\n"
    assert not any("fitout" in name or name.startswith(("/etc", "socket:"))
                   for name in seen), seen


def test_s54_the_time_limit_ends_the_whole_group(scene):
    command(scene, "hang", "sleep 1001 & sleep 1002", "timeout = 1;")
    said = scene.refused(1, "command hang", "1 s")
    assert "ran out" in said or "still running" in said, said


def test_s54_a_command_has_a_clean_environment(scene):
    command(scene, "look", "env | sort >/srv/env; pwd >/srv/pwd; umask "
            ">/srv/umask; ulimit -c >/srv/core; grep -E '^(SigBlk|SigIgn)' "
            "/proc/self/status >/srv/signals")
    scene.environment.update(LD_PRELOAD="/x.so", IFS="x", BASH_ENV="/x",
                             PATH="/tmp:/usr/bin:/bin")
    scene.write()
    done = scene.host.run("sh", "-c", "umask 0; cd /tmp; exec "
                          f"/usr/local/bin/fitout apply {PROFILE}",
                          env=scene.environment, check=False)
    assert done.status == 0, done.err
    names = {line.split("=")[0]
             for line in scene.host.read("/srv/env").splitlines()}
    assert names <= {"PATH", "LANG", "HOME", "DEBIAN_FRONTEND", "PWD",
                     "SHLVL", "_"}
    assert "/tmp" not in scene.host.read("/srv/env")
    assert scene.host.read("/srv/pwd") == "/\n"
    assert scene.host.read("/srv/umask") == "0022\n"
    assert all(int(line.split()[1], 16) == 0 for line in
               scene.host.read("/srv/signals").splitlines())


# ---- the agent ----

def test_s56_the_run_is_durable_before_the_agent_starts(scene):
    trace = Trace(scene, "%file,%desc", "apply", PROFILE)
    assert trace.done.status == 0, trace.done.err
    lines = scene.host.read("/srv/trace").splitlines()
    start = next(i for i, line in enumerate(lines)
                 if "execve(" in line and '["/srv/agent/agent", "start"]'
                 in line)
    before = lines[:start]
    journal = [i for i, line in enumerate(before) if f"<{STATE}/journal>"
               in line and "write(" in line]
    synced = [i for i, line in enumerate(before) if f"<{STATE}/journal>"
              in line and "sync(" in line]
    assert journal and synced[-1] > journal[-1]
    ready = [i for i, line in enumerate(before)
             if "rename" in line and '"ready"' in line]
    assert ready and ready[0] > journal[0]


def test_s56_also_after_a_reboot_and_on_a_second_run(scene):
    scene.blocks["checks"] = \
        'checks = ( { run = [ "test", "!", "-e", "/srv/bad" ]; timeout = 1; ' \
        "} );\n"
    assert scene.apply().status == 0
    # What a reboot leaves.
    scene.host.run("rm", "-r", "/run/fitout", RUNNING)
    scene.host.run("touch", "/srv/bad")
    done = scene.apply()
    assert done.status == 1, done.err
    assert not scene.host.exists(RUNNING)
    assert not scene.host.exists("/run/fitout/ready")
    scene.host.run("rm", "/srv/bad")
    assert scene.apply().status == 0
    assert scene.host.exists(RUNNING)
    assert scene.host.disk.read(STARTED).count("\n") == 2


# ---- its end ----

@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_s57_a_signal_ends_it_in_good_order(scene, name):
    scene.origin.faults["/app.tar.gz"] = Fault(stall=100)
    scene.write()
    before = scene.look()
    run = Watched(scene)
    scene.host.wait_for("the request",
                        lambda: scene.origin.asked("/app.tar.gz"))
    run.signal(name)
    done = run.end()
    assert done.status == 1 and f"SIG{name}" in done.err, done.err
    assert snapshot.diff(before, scene.look()) == []
    assert scene.processes() == [] and not scene.agent_started()


def test_s57_nobody_reads_what_it_says(scene):
    scene.write()
    # Both ends of the pipe are gone before it says its first word.
    done = scene.host.run(
        "sh", "-c", "(sleep 1; fitout apply %s; echo $? >/srv/status) 2>&1 "
        "| exec true; while [ ! -s /srv/status ]; do sleep 0.1; done"
        % PROFILE, env=scene.environment, check=False)
    assert done.status == 0
    # That nobody heard is no reason to leave a host half done.
    assert scene.host.read("/srv/app/version") == "2\n"
    assert scene.agent_started()
    assert scene.host.read("/srv/status") in ("0\n", "1\n")


def test_s58_exit_statuses(scene):
    assert scene.apply().status == 0
    assert scene.apply().status == 0
    assert scene.fitout("plan", "--exit-code", PROFILE).status == 0
    scene.change("files", "version 2", "version 3")
    scene.write()
    assert scene.fitout("plan", "--exit-code", PROFILE).status == 10
    scene.change("files", '"/etc/app-motd"; mode',
                 '"/proc/nothing/motd"; mode')
    assert scene.apply().status == 1
    scene.change("files", 'mode = "0640"', 'modus = "0640"')
    assert scene.apply().status == 2
    assert scene.fitout("aply", PROFILE).status == 2
    assert scene.fitout("--nosuch").status == 2
    manual = scene.fitout("help", "apply").out
    assert "EXIT STATUS" in manual.upper()


# ---- the clock ----

@pytest.fixture(scope="session")
def clockstep(tmp_path_factory):
    if platform.machine() != "x86_64":
        pytest.skip("clockstep knows the registers of x86_64 only")
    program = tmp_path_factory.mktemp("clockstep") / "clockstep"
    subprocess.run(["gcc", "-O1", "-static", "-o", program,
                    HERE / "clockstep.c"], check=True)
    return program


def dates(scene, *words):
    return json.loads(scene.fitout("--json", "report").out)


@pytest.mark.parametrize("step", [-3600, 31536000])
@pytest.mark.parametrize("calls", [1, 3, 6])
def test_s66_a_step_of_the_clock_ends_no_wait(scene, clockstep, step, calls):
    if scene.host.run("grep", "-c", "ASan", "/usr/local/bin/fitout",
                      check=False).status == 0:
        pytest.skip("only musl looks for the vdso at run time")
    scene.host.disk.copy(clockstep, "/srv/clockstep", 0o755)
    # 0.5 s of transfer, in the middle of which the clock may step.
    scene.origin.faults["/app.tar.gz"] = Fault(rate=1000)
    scene.write()
    done = scene.host.run("/srv/clockstep", str(step), str(calls),
                          "/usr/local/bin/fitout", "apply", PROFILE,
                          env=scene.environment, check=False, timeout=100)
    assert done.status == 0, done.err
    report = dates(scene)
    assert 0 <= report["elapsed_ms"] < 100000, report
    for row in report["timeline"]:
        assert 0 <= row["begin_ms"] <= row["end_ms"] < 100000, row


def test_s66_and_a_wait_still_ends(scene, clockstep):
    scene.host.disk.copy(clockstep, "/srv/clockstep", 0o755)
    scene.origin.faults["/app.tar.gz"] = Fault(stall=100)
    scene.change("head", '"60s"', '"3s"')
    scene.write()
    done = scene.host.run("/srv/clockstep", "-31536000", "2",
                          "/usr/local/bin/fitout", "apply", PROFILE,
                          env=scene.environment, check=False, timeout=60)
    assert done.status == 1 and "budget" in done.err, done.err


# ---- hosts that lack something ----

def bare(scene, script):
    """Apply after a script made the host poorer, in mounts of its own."""
    scene.write()
    return scene.host.run(
        "unshare", "--mount", "sh", "-c",
        f"{script}\nexec /usr/local/bin/fitout apply {PROFILE}",
        env=scene.environment, check=False, timeout=120)


@pytest.mark.parametrize("script", [
    "ulimit -n 64",
    "umount -l /proc",
    "mount -t tmpfs none /sys",
    "umount -l /dev/shm 2>/dev/null; rmdir /dev/shm",
    "exec 0<&-", "exec 1>&-", "exec 2>&-", "exec 0<&- 1>&- 2>&-",
])
def test_s67_it_works_without(scene, script):
    del scene.blocks["supervisor"]      # python needs more than we do
    done = bare(scene, script)
    assert done.status == 0, done.err
    assert scene.host.read("/srv/app/version") == "2\n"
    assert scene.agent_started()


@pytest.mark.parametrize("script, words", [
    ("ulimit -n 16", []),
    ("ulimit -n 8", ["No file descriptors available"]),
    ("mount -o remount,ro /", ["Read-only file system"]),
    ("mount -t tmpfs none /dev", ["/dev/null"]),
    ("mount -t tmpfs -o ro none /var/lib", ["Read-only file system"]),
])
def test_s67_it_says_what_it_cannot_do_without(scene, script, words):
    scene.write()
    before = scene.look()
    done = bare(scene, script)
    if done.status == 0 and not words:
        return
    assert done.status == 1, done.err
    for word in words:
        assert word in done.err, done.err
    assert snapshot.diff(before, scene.look()) == [], done.err
    assert not scene.agent_started()


# ---- programs that run as root ----

@pytest.mark.parametrize("spoil, found", [
    ("chown 1234 /srv/hook.sh", "uid 1234"),
    ("chmod o+w /srv/hook.sh", "mode 0757"),
    ("chmod g+w /srv/hook.sh", "mode 0775"),
    ("mkdir /srv/deep && chown 1234 /srv/deep && mv /srv/hook.sh /srv/deep/ "
     "&& ln -s deep/hook.sh /srv/hook.sh", "the directory that holds"),
    ("mv /srv/hook.sh /srv/real.sh && ln -s real.sh /srv/hook.sh && "
     "chown -h 1234 /srv/hook.sh", "symbolic link of uid 1234"),
])
@pytest.mark.parametrize("block", ["command", "unless", "check", "agent"])
def test_s55_root_runs_no_program_that_others_can_change(scene, block, spoil,
                                                         found):
    scene.host.disk.write("/srv/hook.sh",
                          "#!/bin/sh\ntouch /srv/hook-ran\n", 0o755)
    hook = '[ "/srv/hook.sh" ]'
    if block == "check":
        scene.blocks["checks"] = f"checks = ( {{ run = {hook}; }} );\n"
    elif block == "agent":
        scene.blocks["agent"] = ('agent = { kind = "command"; '
                                 f'start = {hook}; }};\n')
    else:
        run, unless = ((hook, '[ "false" ]') if block == "command" else
                       ('[ "true" ]', hook))
        scene.blocks["commands"] = ('commands = ( { name = "hook"; '
                                    f"run = {run}; unless = {unless}; }} );\n")
    scene.host.run("sh", "-c", spoil, check=True)
    said = scene.refused(1, "/srv/hook.sh", found, "runuser")
    if block != "unless":
        assert scene.line_of('"/srv/hook.sh"') in said
    assert not scene.host.exists("/srv/hook-ran")


@pytest.mark.parametrize("name, found", [
    ("/srv/drop/hook.sh", "mode 1777"),
    ("/srv/drop/app/hook.sh", "mode 1777"),
    ("/srv/link.sh", "mode 1777"),
])
@pytest.mark.parametrize("block", ["command", "unless", "check"])
def test_s55_root_runs_no_program_that_others_could_still_put_there(
        scene, block, name, found):
    scene.host.run("sh", "-c", "mkdir -m 1777 /srv/drop && "
                   "ln -s drop/hook.sh /srv/link.sh", check=True)
    hook = f'[ "{name}" ]'
    if block == "check":
        scene.blocks["checks"] = (f"checks = ( {{ run = {hook}; "
                                  "timeout = 2; } );\n")
    else:
        run, unless = ((hook, '[ "false" ]') if block == "command" else
                       ('[ "true" ]', hook))
        scene.blocks["commands"] = ('commands = ( { name = "hook"; '
                                    f"run = {run}; unless = {unless}; }} );\n")
    scene.refused(1, name, found, "only root may write")


def test_s55_a_missing_program_where_only_root_writes_is_merely_missing(scene):
    scene.blocks["commands"] = ('commands = ( { name = "hook"; run = '
                                '[ "/srv/none/hook.sh" ]; creates = '
                                '"/srv/hook-ran"; } );\n')
    said = scene.refused(1, "/srv/none/hook.sh", "there is no program")
    assert "only root may write" not in said


def test_s55_a_program_of_root_runs_through_links_of_root(scene):
    scene.host.disk.write("/srv/real.sh",
                          "#!/bin/sh\ntouch /srv/hook-ran\n", 0o755)
    scene.host.run("ln", "-s", "real.sh", "/srv/hook.sh", check=True)
    scene.blocks["commands"] = ('commands = ( { name = "hook"; run = '
                                '[ "/srv/hook.sh" ]; creates = '
                                '"/srv/hook-ran"; } );\n')
    assert scene.apply().status == 0
    assert scene.host.exists("/srv/hook-ran")


def test_s55_a_program_of_a_tree_of_its_own_user_is_not_run_by_root(scene):
    scene.serve("app.tar.gz", archive({
        **APP, "app/hook.sh": File("#!/bin/sh\ntouch /srv/hook-ran\n", 0o755)}))
    scene.packages(app_more='owner = "1234";')
    scene.blocks["commands"] = ('commands = ( { name = "hook"; run = '
                                '[ "/srv/app/hook.sh" ]; creates = '
                                '"/srv/hook-ran"; } );\n')
    scene.refused(1, "/srv/app/hook.sh", "uid 1234", "runuser")
    assert not scene.host.exists("/srv/hook-ran")


def test_s55_supervisord_of_another_user_is_not_started_by_root(scene):
    scene.serve("app.tar.gz", archive({
        **APP, "app/supervisord": File(
            "#!/bin/sh\ntouch /srv/hook-ran\n"
            "exec supervisord -c /srv/supervisor/supervisord.conf\n",
            0o755)}))
    scene.packages(app_more='owner = "1234";')
    scene.blocks["supervisor"] = scene.blocks["supervisor"].replace(
        '"supervisord", "-c"', '"/srv/app/supervisord", "-c"')
    scene.refused(1, "/srv/app/supervisord", "uid 1234", "runuser")
    assert not scene.host.exists("/srv/hook-ran")
