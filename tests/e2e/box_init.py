# SPDX-License-Identifier: Apache-2.0
"""PID 1 of a Box: mounts, chroot, and then only reaps. Arguments: the root,
and the descriptor to say "ready" on."""
import os
import signal
import subprocess
import sys

root, told = sys.argv[1], int(sys.argv[2])


def mount(*words):
    subprocess.run(["mount", *words], check=True)


mount("-t", "proc", "proc", f"{root}/proc")
mount("--rbind", "/dev", f"{root}/dev")
mount("-t", "sysfs", "-o", "ro", "sysfs", f"{root}/sys")
mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}/run")
subprocess.run(["hostname", "box"], check=True)
os.chroot(root)
os.chdir("/")
os.mkdir("/run/lock", 0o1777)
signal.signal(signal.SIGCHLD, lambda *_: None)
os.write(told, b"ready")
os.close(told)
while True:
    signal.sigwait([signal.SIGCHLD])
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
