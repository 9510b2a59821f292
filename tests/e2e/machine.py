# SPDX-License-Identifier: Apache-2.0
"""Machines to run fitout on: a root file system to write to, with processes.

Disk     an overlay on a cached root file system (tools/rootfs)
Machine  boots it: systemd (or sysvinit) is PID 1, in systemd-nspawn
Box      does not boot it: namespaces and a PID 1 that only reaps

Both have the same way to run commands inside and to end:

    machine = Machine(Disk(directory, rootfs), cloud)
    machine.disk.write("/etc/x", "...")
    machine.boot()
    machine.run("systemctl", "is-active", "cron").out
    machine.wait_for("cloud-init", machine.user_data_done)
    machine.power_off()         # or power_cut(); boot() again is a reboot
    machine.close()

Every wait ends, with the console in the error.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time

import snapshot
from netns import WITH_US, NetNs, unique_name

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CGROUPS = pathlib.Path("/sys/fs/cgroup")


@dataclasses.dataclass
class Result:
    status: int
    out: str
    err: str


class Disk:
    """`upper` holds exactly what differs from the root file system."""

    def __init__(self, directory, lower, copy_of=None):
        """`copy_of` is another Disk, whose machine is off."""
        self.directory = pathlib.Path(directory)
        self.lower = lower
        self.copy_of = copy_of
        self.root = self.directory / "root"
        layers = self.directory / "layers"
        for path in (self.root, layers):
            path.mkdir(parents=True)
        try:
            self._mount(lower, layers)
        except subprocess.CalledProcessError:
            # An overlay's upper layer may not lie on another overlay.
            subprocess.run(["mount", "-t", "tmpfs", "fit", layers],
                           check=True)
            self._mount(lower, layers)

    def _mount(self, lower, layers):
        self.upper = layers / "upper"
        work = layers / "work"
        for path in (self.upper, work):
            path.mkdir(exist_ok=True)
        if self.copy_of and not any(self.upper.iterdir()):
            _copy_tree(self.copy_of.upper, self.upper)
        subprocess.run(
            ["mount", "-t", "overlay", "-o",
             f"lowerdir={lower},upperdir={self.upper},workdir={work}",
             "fit", self.root], check=True, capture_output=True)

    def path(self, name):
        """Where a file of the machine is for us. Do not follow its links."""
        return self.root / str(name).lstrip("/")

    def write(self, name, content, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        path.chmod(mode)

    def copy(self, source, name, mode=None):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        path.chmod(os.stat(source).st_mode & 0o777 if mode is None else mode)

    def read(self, name):
        return self.path(name).read_text()

    def snapshot(self, *ignore):
        """What differs from the root file system now; see snapshot.py."""
        found = snapshot.take(self.upper, [i.lstrip("/") for i in ignore])
        return {path: entry for path, entry in found.items()
                if not self._as_below(path, entry)}

    def _as_below(self, path, entry):
        """Is it only here because the overlay copied it up?"""
        with contextlib.suppress(OSError):
            os.getxattr(self.upper / path, "trusted.overlay.opaque")
            return False
        for layer in self.lower.split(":"):
            below = os.path.join(layer, path)
            if os.path.lexists(below):
                return snapshot.describe(below) == entry
        return False

    def close(self):
        for path in (self.root, self.directory / "layers"):
            subprocess.run(["umount", "--lazy", path], check=False,
                           capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)


def _copy_tree(source, target):
    """With the marks of an overlay: devices and trusted attributes."""
    tar = ["tar", "--xattrs", "--xattrs-include=*", "--acls",
           "--numeric-owner", "-C"]
    with subprocess.Popen([*tar, source, "-cf", "-", "."],
                          stdout=subprocess.PIPE) as reader:
        subprocess.run([*tar, target, "-xpf", "-"], stdin=reader.stdout,
                       check=True)
        assert reader.wait(60) == 0


class Runner:
    """Commands inside whatever runs as process `leader`."""

    leader = None

    def inside(self, command, timeout):
        words = ["nsenter", f"--target={self.leader}", "--mount", "--uts",
                 "--ipc", "--net", "--pid", "--root", "--wd", "--"]
        return [*words, "timeout", "--kill-after=5", str(timeout), *command]

    def environment(self, extra):
        return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root",
                **(extra or {})}

    def run(self, *command, timeout=60, check=True, env=None, stdin=""):
        """Run a command inside to its end."""
        done = subprocess.run(
            self.inside(command, timeout), input=stdin,
            capture_output=True, text=True, errors="replace",
            timeout=timeout + 30, env=self.environment(env))
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(map(str, command))}: exit status "
                f"{done.returncode}\n{done.stdout}\n{done.stderr}")
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *command, timeout=300, env=None, **popen):
        """Start a command inside; the caller waits for it."""
        return subprocess.Popen(
            self.inside(command, timeout), stdin=subprocess.DEVNULL,
            env=self.environment(env), **popen)

    def read(self, name):
        return self.run("cat", name).out

    def exists(self, name):
        return self.run("test", "-e", name, check=False).status == 0

    def wait_for(self, what, condition, timeout=60, pause=0.05):
        """Poll until the condition gives something true; return that."""
        end = time.monotonic() + timeout
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise TimeoutError(
                    f"{what}: not within {timeout} s\n{self.console()}")
            time.sleep(pause)

    def console(self):
        return ""


class Machine(Runner):
    def __init__(self, disk, cloud, init="systemd", new=True):
        """Not `new`: what is on the disk is to tell it who it is."""
        self.disk = disk
        self.cloud = cloud
        self.init = init
        self.name = unique_name()
        self._nspawn = None
        self._cgroups = [
            controller / self.name
            for controller in ([CGROUPS] if (
                CGROUPS / "cgroup.controllers").exists() else [
                    CGROUPS / n for n in ("systemd", "unified", "memory")])
            if controller.is_dir()]
        # /sys/hypervisor/uuid is how cloud-init tells EC2 in a container.
        hypervisor = disk.directory / "hypervisor"
        hypervisor.mkdir()
        (hypervisor / "uuid").write_text(
            "ec2e1916-9099-7caf-fd21-012345abcdef\n")
        # Not the first boot of the image: presets would enable everything.
        if new:
            disk.write("/etc/machine-id", os.urandom(16).hex() + "\n",
                       0o444)

    def boot(self):
        assert self._nspawn is None, "it is running"
        for group in self._cgroups:
            group.mkdir(exist_ok=True)
        console = open(self.disk.directory / "console", "ab")
        how = ["--boot"] if self.init == "systemd" else []
        self._nspawn = subprocess.Popen(
            [*self.cloud.ns.enter(), "systemd-nspawn", "--quiet",
             f"--directory={self.disk.root}", f"--machine={self.name}",
             "--register=no", "--keep-unit", "--private-network",
             "--network-veth-extra=cable:eth0",
             f"--bind-ro={self.disk.directory}/hypervisor:/sys/hypervisor",
             "--console=pipe", "--link-journal=no", "--resolv-conf=off",
             "--timezone=off", *how,
             *([] if how else ["/sbin/init"])],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            preexec_fn=self._join_cgroups)
        console.close()
        self.cloud.plug("cable")
        self.leader = self.wait_for("PID 1", self._find_leader, 20)

    def is_up(self):
        """Has it booted to the end?"""
        if self.init == "systemd":
            return self.run("systemctl", "is-active", "multi-user.target",
                            check=False).out == "active\n"
        return self.run("runlevel", check=False).out == "N 2\n"

    def _join_cgroups(self):
        for group in self._cgroups:
            with contextlib.suppress(OSError):
                (group / "cgroup.procs").write_text(str(os.getpid()))

    def _find_leader(self):
        """The child of nspawn that is PID 1 in its own namespace, once it
        is the init program."""
        if self._nspawn.poll() is not None:
            raise AssertionError(f"nspawn ended\n{self.console()}")
        for pid in _children(self._nspawn.pid):
            with contextlib.suppress(OSError):
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                inner = status.split("NSpid:")[1].split("\n")[0].split()
                if len(inner) > 1 and inner[-1] == "1" and \
                        name in ("systemd", "init"):
                    return pid
        return None

    def console(self):
        text = (self.disk.directory / "console").read_text(errors="replace")
        return "--- console ---\n" + "\n".join(text.splitlines()[-60:])

    def user_data_done(self):
        """cloud-init has run everything: what it recorded, or None."""
        seen = self.run("cat", "/run/cloud-init/result.json", check=False)
        return json.loads(seen.out)["v1"] if seen.status == 0 else None

    def wait_cloud_init(self, timeout=120):
        return self.wait_for("cloud-init", self.user_data_done, timeout)

    def user_data_output(self):
        return self.run("cat", "/var/log/cloud-init-output.log",
                        check=False).out

    def power_off(self, timeout=90):
        """An orderly shutdown."""
        if self.init == "systemd":
            os.kill(self.leader, signal.SIGRTMIN + 4)
        else:
            self.run("init", "0", check=False)
        self._ended(timeout)

    def power_cut(self):
        """All processes end at once, as they are."""
        os.kill(self.leader, signal.SIGKILL)
        self._ended(30)

    def _ended(self, timeout):
        try:
            self._nspawn.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still on after {timeout} s\n"
                               f"{self.console()}") from None
        finally:
            if self._nspawn.poll() is not None:
                self._nspawn = self.leader = None
        for group in self._cgroups:
            _remove_cgroup(group)

    def close(self):
        if self._nspawn is not None:
            if self.leader is None:
                self.leader = self._find_leader()
            self.power_cut()
        self.disk.close()


class Box(Runner):
    def __init__(self, disk, cloud):
        self.disk = disk
        self.cloud = cloud
        self.ns = NetNs()
        self._holder = None

    def boot(self):
        self.cloud.connect(self.ns)
        script = pathlib.Path(__file__).with_name("box_init.py")
        ready, told = os.pipe()
        self._holder = subprocess.Popen(
            [*self.ns.enter(), *WITH_US, "unshare", "--mount", "--uts", "--ipc",
             "--pid", "--fork", "--kill-child", sys.executable, script,
             self.disk.root, str(told)],
            stdin=subprocess.DEVNULL, pass_fds=[told])
        os.close(told)
        with open(ready, "rb", buffering=0) as pipe:
            if not select.select([pipe], [], [], 30)[0] or \
                    pipe.read(5) != b"ready":
                raise AssertionError("the box did not come up")
        self.leader = _children(self._holder.pid)[0]

    def power_cut(self):
        self._holder.kill()
        self._holder.wait(30)
        self._holder = self.leader = None

    def close(self):
        if self._holder is not None:
            self.power_cut()
        self.ns.close()
        self.disk.close()


def reap():
    """End what a test process left that was killed: its machines, by the
    names of their control groups."""
    for group in [*CGROUPS.glob("fit-*-*"), *CGROUPS.glob("*/fit-*-*")]:
        if os.path.exists(f"/proc/{group.name.split('-')[1]}"):
            continue
        for procs in group.rglob("cgroup.procs"):
            for pid in procs.read_text().split():
                with contextlib.suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)
        _remove_cgroup(group)


def _children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def _remove_cgroup(group):
    for path, _, _ in os.walk(group, topdown=False):
        for _ in range(50):
            with contextlib.suppress(OSError):
                os.rmdir(path)
            if not os.path.isdir(path):
                break
            time.sleep(0.02)
