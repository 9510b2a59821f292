# SPDX-License-Identifier: Apache-2.0
"""Services and supervisord on hosts that boot: systemd and System V."""
import time

import pytest

import snapshot

INITS = ["bookworm", "bookworm-sysvinit"]
HEAD = 'fitout = 1;\nname = "services";\nbudget = "120s";\n'

# A program that runs under a service: how long it lasts is in a file.
SLEEPY = """#!/bin/sh
echo "start $$" >>/var/log/sleepy.log
if [ -e /etc/sleepy.bad ]; then
	echo "sleepy: cannot read my pillow" >&2
	exit 3
fi
exec sleep 100000
"""
UNIT = """[Unit]
Description=Sleeps
%s
[Service]
ExecStart=/usr/local/bin/sleepy
[Install]
WantedBy=multi-user.target
"""
SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          sleepy
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Sleeps
### END INIT INFO
PID=/run/sleepy.pid
case "$1" in
start) start-stop-daemon --start --oknodo --background --make-pidfile \\
	--pidfile $PID --startas /usr/local/bin/sleepy ;;
stop) start-stop-daemon --stop --oknodo --retry 5 --remove-pidfile \\
	--pidfile $PID ;;
status) start-stop-daemon --status --pidfile $PID ;;
esac
"""

SUPERVISORD = """[unix_http_server]
file = /run/app-supervisor.sock
[supervisord]
logfile = /var/log/app-supervisord.log
pidfile = /run/app-supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = conf.d/*.conf
"""
PROGRAM = "[program:app]\ncommand = /usr/local/bin/sleepy\n"


def entry(to, content, mode="0644"):
    quoted = content.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{ to = "{to}"; content = "{quoted}"; mode = "{mode}"; }}'


OWN = f"""
files = ( {entry("/srv/sup/supervisord.conf", SUPERVISORD)},
          {entry("/srv/sup/conf.d/app.conf", PROGRAM)} );
supervisor = {{ config = "/srv/sup/supervisord.conf"; programs = [ "app" ]; }};
"""
DISTRIBUTION = f"""
files = ( {entry("/etc/supervisor/conf.d/app.conf", PROGRAM)} );
supervisor = {{ programs = [ "app" ]; }};
"""


class Served:
    def __init__(self, host, fitout):
        self.host = host
        host.disk.copy(fitout, "/usr/local/bin/fitout", 0o755)
        host.disk.write("/usr/local/bin/sleepy", SLEEPY, 0o755)

    def boot(self):
        self.host.boot()
        self.host.wait_for("boot", self.host.is_up)

    def reboot(self):
        self.host.power_off()
        self.boot()

    def with_sleepy(self):
        if self.host.init == "systemd":
            self.host.disk.write("/etc/systemd/system/sleepy.service",
                                 UNIT % "")
        else:
            self.host.disk.write("/etc/init.d/sleepy", SCRIPT, 0o755)
        return self

    def apply(self, text, status=0):
        self.host.run("sh", "-c", "cat >/root/p.cfg", stdin=HEAD + text)
        done = self.host.run("fitout", "apply", "/root/p.cfg", check=False,
                             timeout=200)
        assert done.status == status, done.out + done.err
        return done.out + done.err

    def look(self):
        """Where services and programs live, byte for byte; without what
        insserv keeps for itself."""
        return {path: what for path, what in self.host.disk.snapshot().items()
                if path.startswith(("etc/systemd/", "etc/init.d/", "etc/rc",
                                    "srv/", "etc/supervisor"))
                and not path.startswith("etc/init.d/.depend.")}

    def running(self):
        return self.host.run("pgrep", "-x", "-f", "sleep 100000",
                             check=False).out.split()

    def starts(self):
        if not self.host.exists("/var/log/sleepy.log"):
            return 0
        return len(self.host.read("/var/log/sleepy.log").splitlines())


@pytest.fixture(params=INITS)
def served(request, machine, fitout):
    return Served(machine(request.param), fitout)


@pytest.fixture
def systemd(machine, fitout):
    return Served(machine("bookworm"), fitout)


SERVICE = 'services = ( { name = "sleepy"; %s } );\n'


def test_a_service_is_started_and_enabled(served):
    served.with_sleepy().boot()
    served.apply(SERVICE % "")
    assert len(served.running()) == 1
    assert "nothing to do" in served.apply(SERVICE % "")
    served.host.run("service", "sleepy", "stop")
    assert "not running" in served.apply(SERVICE % "")
    assert len(served.running()) == 1 and served.starts() == 2
    served.reboot()
    served.host.wait_for("the service", served.running)


def test_a_service_may_be_wanted_stopped_and_disabled(served):
    served.with_sleepy().boot()
    served.apply(SERVICE % "")
    off = SERVICE % 'state = "stopped"; enabled = false;'
    served.apply(off)
    assert not served.running()
    assert "nothing to do" in served.apply(off)
    served.reboot()
    time.sleep(1)
    assert not served.running()


def test_a_service_is_started_again_when_what_it_reads_changes(served):
    served.with_sleepy().boot()

    def profile(content):
        return ('files = ( { content = "%s"; to = "/etc/sleepy/x"; }, '
                '{ content = "%s"; to = "/etc/else"; } );\n' % (
                    content[0], content[1]) +
                SERVICE % 'restart_on = [ "/etc/sleepy" ];')
    served.apply(profile("11"))
    assert served.starts() == 1
    served.apply(profile("12"))
    assert served.starts() == 1
    served.apply(profile("22"))
    assert served.starts() == 2 and len(served.running()) == 1


def test_a_service_that_does_not_come_up_fails_the_run(served):
    served.with_sleepy().boot()
    served.host.run("touch", "/etc/sleepy.bad")
    text = served.apply(SERVICE % "timeout = 5;", status=1)
    assert "service sleepy" in text
    if served.host.init == "systemd":
        assert "cannot read my pillow" in text, text
    assert not served.running()
    served.reboot()
    time.sleep(1)
    assert served.starts() <= 1, "enabled by the failed run, and left so"


def test_a_failed_upgrade_leaves_the_service_running(served):
    served.with_sleepy().boot()
    profile = ('files = ( { content = "%s"; to = "/etc/sleepy.%s"; } );\n' +
               SERVICE % 'restart_on = [ "/etc/sleepy.bad" ]; timeout = 5;')
    served.apply(profile % ("x", "good"))
    served.apply(profile % ("x", "bad"), status=1)
    assert not served.host.exists("/etc/sleepy.bad")
    assert len(served.running()) == 1


def test_a_service_that_is_not_there(served):
    served.boot()
    text = served.apply(SERVICE % "", status=1)
    assert "no service sleepy" in text, text


def test_a_service_whose_unit_comes_with_the_profile(systemd):
    systemd.boot()
    unit = entry("/etc/systemd/system/sleepy.service", UNIT % "")
    systemd.apply(f"files = ( {unit} );\n" + SERVICE % "")
    assert len(systemd.running()) == 1
    newer = entry("/etc/systemd/system/sleepy.service", UNIT % "# newer")
    systemd.apply(f"files = ( {newer} );\n" + SERVICE % "")
    assert len(systemd.running()) == 1 and systemd.starts() == 2
    assert systemd.host.run("systemctl", "show", "-p", "NeedDaemonReload",
                            "sleepy").out == "NeedDaemonReload=no\n"


# ---- who starts supervisord, now and at the next boot ----

@pytest.mark.parametrize("text", [OWN, DISTRIBUTION],
                         ids=["own", "distribution"])
def test_supervisor_comes_up_now_and_at_the_next_boot(served, text):
    served.boot()
    served.apply(text)
    assert len(served.running()) == 1
    assert "nothing to do" in served.apply(text)
    served.reboot()
    served.host.wait_for("the program", served.running)
    # The gate is closed since the boot; supervisor itself needs nothing.
    served.apply(text)
    assert served.starts() == 2


def test_supervisor_between_two_tries_is_started_at_once(systemd):
    """Its file was damaged when the host booted; what systemd starts again
    later is not waited for."""
    disk, run = systemd.host.disk, systemd.host.run
    disk.write("/etc/systemd/system/supervisor.service.d/later.conf",
               "[Service]\nRestart=on-failure\nRestartSec=1h\n")
    disk.write("/etc/supervisor/conf.d/app.conf", "Z" + PROGRAM[1:])
    systemd.boot()
    run("systemctl", "start", "--no-block", "supervisor")
    systemd.host.wait_for("the first try", lambda: "auto-restart" in run(
        "systemctl", "show", "-p", "SubState", "supervisor").out)
    text = systemd.apply(DISTRIBUTION)
    assert "starting it now" in text
    assert len(systemd.running()) == 1


def test_a_failed_run_leaves_no_supervisor_behind(served):
    served.boot()
    before = served.look()
    bad = OWN + 'checks = ( { run = [ "false" ]; timeout = 1; } );\n'
    served.apply(bad, status=1)
    assert not served.running()
    assert served.host.run("pgrep", "supervisord", check=False).out == ""
    assert snapshot.diff(before, served.look()) == []


def test_supervisor_survives_the_run_that_started_it(systemd):
    """Not in the control group of who ran fitout: that may be ended."""
    systemd.boot()
    systemd.host.run("sh", "-c", "cat >/root/p.cfg", stdin=HEAD + OWN)
    systemd.host.run("systemd-run", "--wait", "--quiet", "--unit=outer",
                     "fitout", "apply", "/root/p.cfg", timeout=120)
    assert len(systemd.running()) == 1


def test_an_operators_own_unit_with_this_configuration_is_used(systemd):
    unit = ("[Service]\nExecStart=/usr/bin/supervisord -n -c "
            "/srv/sup/supervisord.conf\n[Install]\n"
            "WantedBy=multi-user.target\n")
    systemd.boot()
    mine = entry("/etc/systemd/system/supervisord.service", unit)
    text = OWN.replace("files = (", f"files = ( {mine},")
    systemd.apply(text)
    assert len(systemd.running()) == 1
    assert not systemd.host.exists(
        "/etc/systemd/system/fitout-supervisor.service")
    systemd.reboot()
    systemd.host.wait_for("the program", systemd.running)


def test_an_image_is_only_prepared(systemd):
    """--root: enabled for its first boot, nothing is started here."""
    systemd.boot()
    systemd.host.run("sh", "-ec", """
        mkdir -p /srv/image/usr/lib/systemd /srv/image/etc \\
            /srv/image/usr/bin /srv/image/usr/local/bin
        cp /usr/lib/systemd/systemd /srv/image/usr/lib/systemd/
        cp /usr/local/bin/sleepy /srv/image/usr/local/bin/
        cp /usr/bin/supervisord /srv/image/usr/bin/
        cp /etc/passwd /etc/group /srv/image/etc/
        """)
    systemd.host.run("sh", "-c", "cat >/root/p.cfg", stdin=HEAD + OWN)
    systemd.host.run("fitout", "--root", "/srv/image", "apply",
                     "/root/p.cfg")
    assert not systemd.running()
    wants = "etc/systemd/system/multi-user.target.wants"
    assert systemd.host.run(
        "readlink", f"/srv/image/{wants}/fitout-supervisor.service").out == \
        "/etc/systemd/system/fitout-supervisor.service\n"
    assert "nothing to do" in systemd.host.run(
        "fitout", "--root", "/srv/image", "apply", "/root/p.cfg").out


def test_a_service_ordered_after_the_boot_does_not_wait_for_it(
        systemd, cloud):
    """A blocking start of it from user-data would never return."""
    host = systemd.host
    host.disk.write("/etc/systemd/system/sleepy.service",
                    UNIT % "After=cloud-final.service")
    host.disk.write("/root/p.cfg", HEAD + SERVICE % "timeout = 30;")
    cloud.imds.user_data = ("#!/bin/sh\nfitout apply /root/p.cfg; "
                            "echo status $? >/root/status\n").encode()
    host.boot()
    assert host.wait_cloud_init()["errors"] == []
    assert host.read("/root/status") == "status 0\n", host.user_data_output()
    assert len(systemd.running()) == 1
