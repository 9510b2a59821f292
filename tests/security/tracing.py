# SPDX-License-Identifier: Apache-2.0
"""The system calls of one fitout and its duties, without those of programs
it ran."""
import dataclasses
import re

CHANGING = ("mkdir", "rename", "link", "symlink", "unlink", "rmdir", "chmod",
            "chown", "truncate", "mknod", "fchmodat", "fchownat", "utime",
            "setxattr", "lsetxattr", "lchown")


@dataclasses.dataclass
class Call:
    number: int
    pid: str
    name: str
    line: str

    def changes(self):
        if self.name.startswith("open") or self.name == "creat":
            return "O_CREAT" in self.line or "O_TRUNC" in self.line
        return self.name.startswith(CHANGING)

    def absolute(self):
        """The first absolute path among its arguments, or None. A path in
        angle brackets says what a descriptor is."""
        found = re.search(r'[(,] ?"(/[^"]*)"', self.line)
        return found and found[1]


class Trace:
    def __init__(self, scene, calls, *words):
        # What outlives the run is what strace would wait for.
        scene.blocks.pop("supervisor", None)
        scene.write()
        self.scene = scene
        self.done = scene.host.run(
            "strace", "-f", "-y", "--quiet=all", "-s", "300", "-o",
            "/srv/trace", "-e", f"trace={calls},execve", "fitout", *words,
            check=False, timeout=120, env=scene.environment)

    def calls(self):
        """Those that succeeded, of processes before they became something
        else."""
        other, first, found = set(), None, []
        unfinished = {}
        text = self.scene.host.disk.path("/srv/trace").read_text(
            errors="replace")
        for number, line in enumerate(text.splitlines()):
            pid, rest = line.split(None, 1)
            first = first or pid
            if rest.endswith("<unfinished ...>"):
                unfinished[pid] = rest.removesuffix("<unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. (\w+) resumed>(.*)", rest)
            if resumed:
                rest = unfinished.pop(pid, resumed[1] + "(") + resumed[2]
            name = rest.split("(")[0]
            if pid in other or not re.search(r"= \d", rest):
                continue
            if name == "execve" and number > 0:
                other.add(pid)
                continue
            found.append(Call(number, pid, name, rest))
        return found
