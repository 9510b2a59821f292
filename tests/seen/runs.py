# SPDX-License-Identifier: Apache-2.0
"""Runs whose reports are looked at: one that is killed and one that goes on
after it, a good one, one whose server fails, one whose check does not hold.
Names in them are hostile, as far as a profile may say them."""
import pathlib
import subprocess

from stand import FITOUT, WAIT_S, Stand

THREE = ("nginx", "php7", "zabbix-agent")
SIZE = 300_000
HOSTILE = r'</text></svg><script>alert(1)</script>&amp;\" onload=\"x'
MORE = """
files = ( {{ content = "<b>{word}</b>"; to = "{d}/etc/motd"; }} );
commands = ( {{ name = "warm"; run = [ "/bin/sh", "-c", "{command}" ];
    unless = [ "/bin/false" ]; }} );
checks = (
    {{ name = "{hostile}"; run = [ "/bin/sh", "-c",
       "test -e {d}/up || {{ touch {d}/up; exit 1; }}" ]; timeout = 30; }},
    {{ run = [ "{last}" ]; timeout = 1; }} );
agent = {{ kind = "command"; start = [ "/bin/touch", "{d}/agent" ];
    stop = [ "/bin/rm", "-f", "{d}/agent" ];
    status = [ "/usr/bin/test", "-e", "{d}/agent" ]; }};
"""


class Runs:
    """`runs.good` and so on: the directory of the pages made of each."""

    NAMES = ("resumed", "good", "failed", "unchecked")

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.stand = Stand(self.directory)
        (self.directory / "etc").mkdir()
        self.state = self.directory / "state"
        self.pages = {}

    def close(self):
        self.stand.close()

    def profile(self, seed, word, last="/bin/true", command=":"):
        self.stand.blocks.clear()
        for name in THREE:
            self.stand.package(name, SIZE, seed=seed)
        path = self.stand.write(MORE.format(
            d=self.directory, word=word, last=last, command=command,
            hostile=HOSTILE))
        path.write_text(path.read_text().replace(
            '"/srv/', f'"{self.directory}/srv/'))
        up = self.directory / "up"
        if up.exists():
            up.unlink()
        return path

    def fitout(self, *words):
        return subprocess.run([FITOUT, "--state", str(self.state), *words],
                              capture_output=True, text=True,
                              timeout=WAIT_S)

    def start(self, path):
        with open(self.directory / "log", "a") as log:
            return subprocess.Popen(
                [FITOUT, "--state", str(self.state), "apply", str(path)],
                stdout=subprocess.DEVNULL, stderr=log)

    def answers(self):
        return [self.stand.origin.next(f"/{name}.tar") for name in THREE]

    def keep(self, name):
        out = self.directory / name
        out.mkdir()
        for form in ("svg", "html"):
            done = self.fitout("report", f"--{form}", str(out / "report") +
                               f".{form}")
            assert done.returncode == 0, done.stderr
        (out / "report.json").write_text(
            self.fitout("--json", "report").stdout)
        (out / "report.txt").write_text(self.fitout("report").stdout)
        self.pages[name] = out

    def make(self):
        self.killed()
        self.resumed()
        self.good()
        self.failed()
        self.unchecked()
        return self

    def killed(self):
        """By its own command, when everything is in place."""
        process = self.start(self.profile(b"a", "one",
                                          command="kill -9 $PPID"))
        for answer in self.answers():
            answer.finish()
        assert process.wait(WAIT_S) == -9

    def well(self, path):
        process = self.start(path)
        nginx, php, zabbix = self.answers()
        php.send(SIZE // 2)
        nginx.finish()
        php.reset()
        php = self.stand.origin.next("/php7.tar")
        zabbix.finish()
        php.finish()
        assert process.wait(WAIT_S) == 0

    def resumed(self):
        self.well(self.profile(b"a", "one"))
        self.keep("resumed")

    def good(self):
        self.well(self.profile(b"b", "two"))
        self.keep("good")

    def failed(self):
        process = self.start(self.profile(b"c", "three"))
        nginx, php, zabbix = self.answers()
        php.send(SIZE // 2)
        nginx.finish()
        php.reset()
        self.stand.origin.next("/php7.tar").refuse(404)
        assert process.wait(WAIT_S) == 1
        self.keep("failed")

    def unchecked(self):
        process = self.start(self.profile(b"c", "three", last="/bin/false"))
        for answer in self.answers():
            answer.finish()
        assert process.wait(WAIT_S) == 1
        self.keep("unchecked")
