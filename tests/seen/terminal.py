# SPDX-License-Identifier: Apache-2.0
"""A program in a window of a tmux server of its own."""
import os
import shlex
import subprocess
import time

WAIT_S = 60


class Terminal:
    """The program is started by run(); screen() is what is to be seen."""

    def __init__(self, directory, columns=80, rows=24):
        self.socket = str(directory / "tmux.sock")
        self.status = directory / "status"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(directory),
            "LANG": "C.UTF-8", "TERM": "screen-256color"}
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x",
                   str(columns), "-y", str(rows), "sh")
        self._tmux("set", "-g", "remain-on-exit", "on")
        self._tmux("set", "-g", "status", "off")
        self._tmux("set", "-g", "window-size", "manual")
        self.resize(columns, rows)

    def _tmux(self, *words):
        done = subprocess.run(["tmux", "-S", self.socket, *words],
                              env=self.environment, text=True,
                              capture_output=True, timeout=WAIT_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, argv, **environment):
        words = " ".join(map(shlex.quote, argv))
        names = " ".join(f"{k}={shlex.quote(v)}"
                         for k, v in environment.items())
        self._tmux("respawn-pane", "-k", f"PS1= {names} {words}; "
                   f"echo $? > {shlex.quote(str(self.status))}; cat")

    def resize(self, columns, rows=24):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def type(self, key):
        self._tmux("send-keys", key)

    def screen(self, *flags):
        return self._tmux("capture-pane", "-p", *flags)

    def cursor(self):
        """(column, row, visible)"""
        said = self._tmux("display", "-p",
                          "#{cursor_x} #{cursor_y} #{cursor_flag}").split()
        return int(said[0]), int(said[1]), said[2] == "1"

    def wait_for(self, holds, *flags):
        """The first screen of which HOLDS is true."""
        end = time.monotonic() + WAIT_S
        while True:
            screen = self.screen(*flags)
            if holds(screen):
                return screen
            assert time.monotonic() < end, "this is the screen:\n" + screen
            time.sleep(0.02)

    def ended(self):
        """The exit status of the program, once it has ended."""
        end = time.monotonic() + WAIT_S
        while not (self.status.exists() and self.status.read_text().strip()):
            assert time.monotonic() < end, self.screen()
            time.sleep(0.02)
        return int(self.status.read_text())

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"],
                       env=self.environment, capture_output=True)
