# SPDX-License-Identifier: Apache-2.0
"""Faults at every point of a run, and what must hold after each.

A *world* is a directory with everything a run can change: host/ (what the
profile is about), state/ (fitout's own) and run/ (the agent's log, whether it
runs). Each point begins with a fresh copy of a start world, runs fitout under
faultrun, looks at what was left, and then runs fitout again without a fault.
"""
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import time

import scenarios

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
LIMIT_S = 120        # of any one run
DAEMON_S = 60        # until supervisord, or a program, is up
KEPT = ".fitout-old"   # for a rollback; not left over
JOURNAL_EMPTY = b"FITOUTJ1"

# No status command: with one, a start takes a second longer, to see it stay.
# The agent notes what it sees when it is started: only shell builtins, so
# that a start costs one system call that counts.
AGENT = """\
#!/bin/sh
# agent WORLD start|stop; start fails on the version $3
case $2 in
start)
	g=none v=none m=none
	read -r g <"$1/state/generations/current"
	read -r v <"$1/host/app/etc/version"
	read -r m <"$1/host/etc/motd"
	[ "$v" != "$3" ] || exit 1
	[ -e "$1/state/ready" ] || m="$m-but-the-gate-is-closed"
	echo "start $g $v $m" >>"$1/run/log"
	echo 1 >"$1/run/agent"
	;;
stop) echo 0 >"$1/run/agent" ;;
esac
"""

SUPERVISORD = """\
[unix_http_server]
file = {place}/supervisor.sock
[supervisord]
nodaemon = true
logfile = {place}/supervisord.log
pidfile = {place}/supervisord.pid
childlogdir = {place}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = {host}/conf.d/*.conf
"""

def own_namespace():
    """A mount namespace of our own, so that a tmpfs harms nobody."""
    if os.geteuid() != 0:
        sys.exit("run it as root")
    if os.environ.get("FAULT_NAMESPACE") != "own":
        os.environ["FAULT_NAMESPACE"] = "own"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private",
                              sys.executable, "-B", *sys.argv])


def build(name, flags=()):
    """The program, compiled anew when its source is newer."""
    source = HERE / f"{name}.c"
    program = TOP / "build" / name
    if not program.exists() or \
            program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(exist_ok=True)
        new = program.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra",
                        "-Werror", "-o", new, source, *flags], check=True)
        new.rename(program)
    return program


def is_own(name):
    """A staging directory, a temporary file, or old trees, of fitout."""
    return name.startswith(".fitout-")


def tree_of(top):
    """What is there: path -> (type, mode, uid, gid, content or target).
    Without what is fitout's own."""
    found = {}

    def walk(path, name):
        with os.scandir(path) as entries:
            for entry in entries:
                if is_own(entry.name):
                    continue
                inside = f"{name}/{entry.name}"
                st = entry.stat(follow_symlinks=False)
                what = ""
                if stat.S_ISLNK(st.st_mode):
                    what = os.readlink(entry.path)
                elif stat.S_ISREG(st.st_mode):
                    with open(entry.path, "rb") as file:
                        what = file.read()
                found[inside] = (stat.filemode(st.st_mode), st.st_uid,
                                 st.st_gid, what)
                if stat.S_ISDIR(st.st_mode):
                    walk(entry.path, inside)
    walk(top, "")
    return found


def leftovers(top):
    return [os.path.join(path, name) for path, dirs, files in os.walk(top)
            for name in dirs + files if is_own(name) and name != KEPT]


def difference(want, have):
    for path in sorted(want.keys() | have.keys()):
        if want.get(path) != have.get(path):
            return f"{path}: {want.get(path)} wanted, {have.get(path)} found"
    return "no difference"


class Result:
    """One run of fitout, perhaps with a fault."""

    def __init__(self, status, text, report):
        self.status, self.text = status, text
        self.count, self.hit, self.killed, self.calls = 0, None, False, []
        for line in report.splitlines():
            word, _, rest = line.partition(" ")
            if word == "count":
                self.count = int(rest)
            elif word == "hit" and self.hit is None:
                self.hit = rest
            elif word == "killed":
                self.killed = True
            elif word == "call":
                self.calls.append(rest)

    def brief(self):
        """What went wrong, in its own words."""
        return " / ".join(line for line in self.text.splitlines()
                          if "error:" in line or "warning:" in line) or \
            self.text[-300:]

    def hit_path(self):
        return self.hit.split(" ", 3)[3] if self.hit else ""


class Bench(scenarios.Profiles):
    """Where points are tried. PLACE is on a tmpfs of our own."""

    def __init__(self, place, fitout):
        self.place = pathlib.Path(place)
        self.fitout = str(fitout)
        self.faultrun = str(build("faultrun"))
        self.world = self.place / "world"
        self.host, self.state = self.world / "host", self.world / "state"
        self.agent = self.place / "agent"
        self.agent.write_text(AGENT)
        self.agent.chmod(0o755)
        self.digests = {}
        self.daemon = None
        self.make_packages()

    # ---- worlds ----

    def write(self, name, text):
        path = self.place / f"{name}.cfg"
        path.write_text(text)
        return path

    def attempt(self, fault=()):
        """What the scenario is about, with a fault or without."""
        return self.run(self.profiles["new"], fault,
                        command=self.scenario.command)

    def run(self, profile, fault=(), limit=LIMIT_S, command=None):
        """fitout apply PROFILE, or COMMAND."""
        report = self.place / "report"
        command = [self.fitout, "--progress", "none", "--state",
                   str(self.state), *(command or ["apply", str(profile)])]
        if fault:
            report.write_text("")
            command = [self.faultrun, "--under", str(self.world), "--report",
                       str(report), *fault, "--", *command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=limit)
        return Result(done.returncode, done.stdout.decode(errors="replace"),
                      report.read_text() if fault else "")

    # ---- supervisord ----

    def start_daemon(self):
        (self.place / "supervisord.conf").write_text(SUPERVISORD.format(
            place=self.place, host=self.host))
        version = self.world / "run" / "version"
        version.unlink(missing_ok=True)
        self.daemon = subprocess.Popen(
            ["/usr/bin/supervisord", "-c", self.place / "supervisord.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.wait_for(lambda: (self.place / "supervisor.sock").exists() and
                      (not (self.host / "conf.d").exists() or
                       self.first_line("run/version") != "none"),
                      "supervisord")

    def stop_daemon(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(DAEMON_S)
        self.daemon = None

    @staticmethod
    def wait_for(holds, what):
        for _ in range(DAEMON_S * 50):
            if holds():
                return
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come up")

    def program_problem(self):
        """Does what runs belong to what is there? It may take a moment until
        it has said so."""
        if not self.scenario.supervised:
            return None
        want = self.first_line("host/app/etc/version")
        for _ in range(100):
            if self.first_line("run/version") == want:
                return None
            time.sleep(0.02)
        return (f"the program is of {self.first_line('run/version')}, the "
                f"host of {want}")

    def bare(self):
        shutil.rmtree(self.world, ignore_errors=True)
        self.world.mkdir()
        self.host.mkdir()
        (self.host / "etc").mkdir()
        (self.host / "other").write_text("not ours\n")
        (self.world / "run").mkdir()
        (self.world / "run" / "agent").write_text("0\n")
        (self.world / "run" / "log").write_text("")

    def setup(self, scenario):
        """The start world, and what it and its end look like."""
        self.scenario = scenario
        self.profiles = {"new": self.write("new", scenario.new),
                         "broken": self.write("broken",
                                              self.profile_broken())}
        self.stop_daemon()
        self.bare()
        if scenario.supervised:
            self.start_daemon()
        if scenario.first:
            self.must(self.run(self.write("first", scenario.first)), 0)
        if scenario.old:
            self.profiles["old"] = self.write("old", scenario.old)
            self.must(self.run(self.profiles["old"]), 0)
            logs = self.host / "app" / "logs"
            (logs / "access.log").write_text("precious\n")
            os.chown(logs / "access.log", 1001, 1001)
        (self.world / "run" / "log").write_text("")
        shutil.rmtree(self.place / "start", ignore_errors=True)
        self.copy(self.world, self.place / "start")
        self.old_tree = tree_of(self.host)
        self.old_sight = self.sight()
        self.agent_ran = self.agent_runs()
        self.must(self.attempt(), scenario.outcome)
        self.new_tree = tree_of(self.host)
        self.new_sight = self.sight()
        self.back_tree = self.old_tree
        if scenario.outcome:
            want = difference(self.old_tree, self.new_tree)
            assert want == "no difference", want
        if scenario.whole:
            self.must(self.run(self.write("whole", scenario.whole)), 0)
            self.new_tree = tree_of(self.host)
        if scenario.old and (scenario.whole or not scenario.outcome):
            # Directories above a file that went stay (they are empty).
            self.must(self.run(self.profiles["old"]), 0)
            self.back_tree = tree_of(self.host)

    @staticmethod
    def must(result, status):
        assert result.status == status, \
            f"exit status {result.status}:\n{result.text}"

    @staticmethod
    def copy(source, target):
        subprocess.run(["cp", "-a", source, target], check=True)

    def fresh(self):
        self.stop_daemon()
        shutil.rmtree(self.world, ignore_errors=True)
        self.copy(self.place / "start", self.world)
        if self.scenario.supervised:
            self.start_daemon()

    def first_line(self, name):
        try:
            return (self.world / name).read_text().splitlines()[0]
        except (OSError, IndexError):
            return "none"

    def sight(self):
        """What an agent that is started now would note."""
        return " ".join(self.first_line(name) for name in (
            "state/generations/current", "host/app/etc/version",
            "host/etc/motd"))

    def agent_runs(self):
        return self.first_line("run/agent") == "1"

    def starts(self):
        text = (self.world / "run" / "log").read_text()
        return [line[6:] for line in text.splitlines()]

    # ---- what must hold ----

    def agent_problem(self):
        """Was it ever started before a run was complete, or does it run on
        half a host?"""
        # Generations go up, so only what they hold is compared there.
        allowed = {sight.split(" ", 1)[1]
                   for sight in (self.old_sight, self.new_sight)}
        for start in self.starts():
            generation, _, rest = start.partition(" ")
            if generation == "none" or rest not in allowed:
                return f"the agent was started on '{start}'"
        if self.agent_runs() and self.which() not in ("old", "new", "same"):
            return "the agent runs on a mixture: " + self.mixture()
        return None

    def which(self):
        """Is the host old, new, both (same), or a mixture?"""
        have = tree_of(self.host)
        old = have in (self.old_tree, self.back_tree)
        new = have == self.new_tree
        return "same" if old and new else "old" if old else \
            "new" if new else "mixture"

    def mixture(self):
        have = tree_of(self.host)
        return (f"against old: {difference(self.old_tree, have)}; against "
                f"new: {difference(self.new_tree, have)}")

    def kept_problem(self):
        log = "app/logs/access.log"
        if not self.scenario.old:
            return None
        inside = [path for path in self.world.rglob("access.log")]
        if len(inside) != 1 or inside[0].read_text() != "precious\n":
            return f"the kept file is at {inside}"
        return None if log in str(inside[0]) or ".fitout-" in str(inside[0]) \
            else f"the kept file is at {inside[0]}"

    def tidy_problem(self):
        left = leftovers(self.world)
        if left:
            return f"left over: {left[0]}"
        journal = self.state / "journal"
        if journal.exists() and journal.read_bytes() != JOURNAL_EMPTY:
            return f"the journal holds {journal.stat().st_size} bytes"
        return None

    def must_be(self, profile, status, which, what, command=None):
        """A run without a fault."""
        result = self.run(self.profiles[profile], command=command)
        if result.status != status:
            return f"{what}: exit status {result.status}: {result.brief()}"
        if self.which() not in which:
            return (f"{what}: the host is {self.which()}, not "
                    f"{' or '.join(which)}: {self.mixture()}")
        problem = self.tidy_problem() or self.kept_problem() or \
            self.agent_problem()
        if not problem and profile != "broken":
            problem = self.program_problem()
        return f"{what}: {problem}" if problem else None

    def must_be_new(self, what):
        outcome = self.scenario.outcome
        which = ("old", "new") if self.scenario.whole else ("new", "same")
        problem = self.must_be("new", outcome, which, what)
        if not problem and outcome == 0 and not self.agent_runs():
            problem = f"{what}: the agent does not run"
        return problem

    def must_be_new_again(self, what):
        return self.must_be("new", 0, ("new", "same"), what,
                            command=self.scenario.command)

    def must_be_old(self, what):
        problem = self.must_be("old", 0, ("old", "same"), what)
        if not problem and not self.agent_runs():
            problem = f"{what}: the agent does not run"
        return problem

    def must_recover(self, what):
        return self.must_be("broken", 1, ("old", "new", "same"), what)

    def must_do_nothing(self, what):
        result = self.run(self.profiles["new"])
        if result.status == 0 and "nothing to do" in result.text:
            return None
        return f"{what}: it found something to do: {result.brief()}"

    # ---- points ----

    def left_problem(self, result):
        """Right after the faulty run. Was its exit status true?"""
        problem = self.agent_problem() or self.kept_problem()
        if problem or result.killed:
            return problem
        if result.status == 0 and self.scenario.outcome == 0 and \
                self.which() in ("new", "same"):
            return None if self.agent_runs() else "the agent does not run"
        if result.status == 1 and self.which() in ("old", "same"):
            return None
        return (f"exit status {result.status}, and the host is "
                f"{self.which()}: {self.mixture()}: {result.brief()}")

    def point_kill(self, kind, at, then):
        """A kill, then one way on: new, old or broken."""
        self.fresh()
        result = self.attempt(("--class", kind, "--at", str(at)))
        problem = self.left_problem(result)
        if problem:
            return result, f"after the kill: {problem}"
        if then == "new":
            problem = self.must_be_new("applied again")
            if not problem and at % 7 == 0 and not self.scenario.outcome:
                problem = self.must_do_nothing("applied a third time")
        elif then == "old" and self.scenario.old:
            problem = self.must_be_old("the old profile applied")
        elif then == "again":
            problem = self.must_be_new_again("the same again")
        else:
            problem = self.must_recover("recovered") or \
                self.must_be_new("recovered and applied again")
        return result, problem

    def point_nested(self, kind, at, again):
        """A kill, a second one in the next run, then a whole run."""
        self.fresh()
        first = self.attempt(("--class", kind, "--at", str(at)))
        second = self.attempt(("--class", kind, "--at", str(again)))
        first.hit = f"{first.hit} | {second.hit}"
        problem = self.left_problem(second) if second.killed else None
        if problem:
            return first, f"after the second kill: {problem}"
        if not second.killed:
            first.count = 0
        then = ("new", "recover", "old")[again % 3]
        if then == "old" and self.scenario.old:
            return first, self.must_be_old("the old profile applied")
        if then == "recover":
            problem = self.must_recover("recovered")
        return first, problem or self.must_be_new("applied again")

    def names_path(self, result):
        """Does the message name what failed, or what it was for?"""
        parts = result.hit_path()[len(str(self.world)):].split("/")[2:]
        said = "\n".join(line for line in result.text.splitlines()
                         if "error:" in line)
        return f"{self.world}/" in said or "package " in said or \
            any(part and part in said for part in parts)

    def point_inject(self, kind, at, error, scope="program"):
        self.fresh()
        result = self.attempt(("--class", kind, "--scope", scope, "--at",
                               str(at), "--inject", error))
        undo = self.scenario.outcome != 0
        problem = self.agent_problem() or self.kept_problem()
        if problem:
            pass
        elif result.status == 4 and undo:
            problem = self.stuck_problem(result)
        else:
            problem = self.left_problem(result)
        # Where the run fails anyway, the fault may have been tolerated.
        if not problem and result.hit and result.status != 0 and \
                not undo and not self.names_path(result):
            problem = f"the message does not name the path: {result.brief()}"
        return result, problem or self.must_be_new("applied again")

    def stuck_problem(self, result):
        """Exit status 4 is for a host that is not as it was, or an agent
        that could not be started again, and says where to look."""
        if self.which() in ("old", "same") and \
                self.agent_runs() == self.agent_ran and \
                "sync" not in result.hit:
            return f"exit 4, and all is as it was: {result.brief()}"
        if f"{self.world}/" not in result.brief() and \
                "remove the journal" not in result.brief():
            return f"exit 4 says not where to look: {result.brief()}"
        return None

    def point_from(self, kind, at, error):
        """From here on every such call fails, also those of the undo. (Space
        for the journal is reserved before it is needed.)"""
        self.fresh()
        result = self.attempt(("--class", kind, "--scope", "program",
                               "--from", str(at), "--inject", error,
                               *(("--except", "journal")
                                 if kind == "space" else ())))
        problem = self.agent_problem() or self.kept_problem()
        if not problem and result.status == 4:
            problem = self.stuck_problem(result)
        elif not problem:
            problem = self.left_problem(result)
        return result, problem or self.must_be_new("applied again")
