# SPDX-License-Identifier: Apache-2.0
"""A host, an origin and a profile that fit together: a test changes one
thing of them and looks at what fitout makes of it.

The host has an older version of everything that the profile brings, so that
"as it was before" is not "empty"; supervisord is installed and down; the
agent leaves a mark when it starts.
"""
import json
import os
import threading

import snapshot
from artifacts import File, archive, sha256
from machine import PATH, Result

APP = {
    "app/bin/run": File("#!/bin/sh\nexec sleep 1000\n", 0o755),
    "app/etc/app.conf": "[program:app]\ncommand=/srv/app/bin/run\n"
                        "startsecs=1\n",
    "app/etc/logrotate": "/srv/app/logs/*.log {\n\tweekly\n\tmissingok\n}\n",
    "app/logs/README": "logs go here\n",
    "app/version": "2\n",
}
TOOL = {f"tool-2/share/{n}": f"{n}\n" * 1000 for n in range(50)}

BEFORE = {
    "/srv/app/bin/run": "#!/bin/sh\n# version 1\n",
    "/srv/app/logs/old.log": "what happened before\n",
    "/srv/app/version": "1\n",
    "/srv/tool/only-in-1": "1\n",
    "/srv/tool/share/1": "old\n",
    "/srv/supervisor/conf.d/other.conf.off": "not included\n",
    "/srv/supervisor/log/README": "",
    "/srv/supervisor/supervisord.conf": """[unix_http_server]
file=/run/scene.sock
[supervisord]
logfile=/srv/supervisor/log/supervisord.log
childlogdir=/srv/supervisor/log
pidfile=/run/scene.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///run/scene.sock
[include]
files = conf.d/*.conf
""",
    "/etc/logrotate.d/app": "# version 1\n",
    "/etc/app-motd": "version 1\n",
}

STARTED = "/srv/agent/started"
RUNNING = "/srv/agent/running"
HELD = "/srv/agent/held"        # while it is there, starting takes a minute
AGENT = f"""#!/bin/sh
case $1 in
start)
	n=0
	while [ -e {HELD} ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done
	touch {RUNNING}; date +%s.%N >>{STARTED} ;;
start-slowly) touch {RUNNING}; sleep 100; date +%s.%N >>{STARTED} ;;
stop) rm -f {RUNNING} ;;
stop-slowly) sleep 100; rm -f {RUNNING} ;;
esac
"""
PROFILE = "/etc/fitout/scene.cfg"
# What fitout keeps for itself, and logs of what others started.
OURS = ("/var/lib/fitout", "/srv/supervisor/log")


class Scene:
    def __init__(self, host, cloud, binary):
        self.host = host
        self.origin = cloud.origin
        host.disk.copy(binary, "/usr/local/bin/fitout", 0o755)
        for path, text in BEFORE.items():
            host.disk.write(path, text,
                            0o755 if path.endswith("/run") else 0o644)
        host.disk.write("/srv/agent/agent", AGENT, 0o755)
        self.environment = {
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            **{k: v for k, v in os.environ.items()
               if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}}
        self.blocks = {
            "head": 'fitout = 1;\nname = "scene";\nbudget = "60s";\n',
            "files": """files = (
  { from = "app:etc/app.conf"; to = "/srv/supervisor/conf.d/app.conf"; },
  { from = "app:etc/logrotate"; to = "/etc/logrotate.d/app"; },
  { content = "version 2\\n"; to = "/etc/app-motd"; mode = "0640"; }
);
""",
            "supervisor": """supervisor = {
  config = "/srv/supervisor/supervisord.conf";
  programs = [ "app" ];
  daemon = [ "supervisord", "-c", "/srv/supervisor/supervisord.conf" ];
};
""",
            "checks": 'checks = ( { run = [ "test", "-e", "/srv/app/version" ]'
                      "; } );\n",
            "agent": """agent = {
  kind = "command";
  start = [ "/srv/agent/agent", "start" ];
  stop = [ "/srv/agent/agent", "stop" ];
};
""",
        }
        self.serve("app.tar.gz", archive(APP))
        self.serve("tool.tar.xz", archive(TOOL, "xz"))
        self.packages()

    def serve(self, name, data):
        """Put an archive at the origin; its digest goes into packages()."""
        self.origin.content["/" + name] = data
        return sha256(data)

    def packages(self, app=None, tool=None, app_more="", tool_more="",
                 tool_into="/srv/tool"):
        """The block of packages, with other addresses (a text or a list)
        or digests."""
        app = {"url": "http://origin.test/app.tar.gz",
               "sha256": sha256(self.origin.content["/app.tar.gz"]),
               **(app or {})}
        tool = {"url": "http://origin.test/tool.tar.xz",
                "sha256": sha256(self.origin.content["/tool.tar.xz"]),
                **(tool or {})}

        def keys(of):
            return " ".join(f"{k} = {json.dumps(v)};" for k, v in of.items()
                            if v is not None)

        self.blocks["packages"] = (
            f'packages = (\n  {{ name = "app"; {keys(app)}\n'
            f'    into = "/srv/app"; keep = [ "logs" ]; {app_more} }},\n'
            f'  {{ name = "tool"; {keys(tool)}\n'
            f'    into = "{tool_into}"; {tool_more} }}\n);\n')

    def add(self, text):
        """One more block of the profile."""
        self.blocks[f"more{len(self.blocks)}"] = text + "\n"

    def change(self, block, old, new):
        assert self.blocks[block].count(old) == 1, (old, self.blocks[block])
        self.blocks[block] = self.blocks[block].replace(old, new)

    def text(self):
        return "".join(self.blocks.values())

    def line_of(self, words):
        """The place of words in the profile, as messages name it."""
        text = self.text()
        assert text.count(words) == 1, words
        return f"{PROFILE}:{text[:text.index(words)].count(chr(10)) + 1}"

    def write(self):
        self.host.disk.write(PROFILE, self.text())

    def fitout(self, *words, timeout=120, **how):
        return self.host.run(
            "/usr/local/bin/fitout", *words, timeout=timeout, check=False,
            env={**self.environment, "PATH": PATH}, **how)

    def apply(self, *words, **how):
        self.write()
        return self.fitout(*words, "apply", PROFILE, **how)

    def look(self):
        """The host as it is."""
        return self.host.disk.snapshot(*OURS, "/etc/fitout")

    def processes(self):
        """What runs in the box, but for its init."""
        lines = self.host.run("ps", "-eo", "pid=,args=").out.splitlines()
        return sorted(line.split(None, 1)[1] for line in lines
                      if line.split()[0] != "1" and " ps -eo " not in line
                      and not line.endswith("<defunct>"))

    def agent_started(self):
        return self.host.disk.path(STARTED).exists()

    def supervisord_is_up(self):
        return self.host.run("test", "-S", "/run/scene.sock",
                             check=False).status == 0

    def refused(self, status, *words, apply=None):
        """Run it; the whole contract of a run that fails. Returns what it
        said, which holds the words."""
        self.write()
        before, ran = self.look(), self.processes()
        done = (apply or self.apply)()
        said = done.out + done.err
        assert done.status == status, said
        for word in words:
            assert word in said, f"{word!r} is not in:\n{said}"
        assert snapshot.diff(before, self.look()) == [], said
        assert not self.agent_started(), said
        assert self.processes() == ran, said
        return said


class Watched:
    """A run in the background, whose log is read as it comes."""

    def __init__(self, scene, *under, command=("apply", PROFILE),
                 **environment):
        """`under` is what it runs under, words of a command; `command` those
        behind fitout."""
        scene.write()
        self.scene = scene
        self.events = []
        self.more = threading.Condition()
        self.lines = []
        self.ended = False
        self.process = scene.host.start(
            *under, "fitout", "--json", "--log-level", "debug", *command,
            env={**scene.environment, **environment}, stdout=-1,
            stderr=-2, text=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self.more:
                self.lines.append(line)
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    pass
                self.more.notify_all()
        with self.more:
            self.ended = True
            self.more.notify_all()

    def wait_for(self, name, timeout=60, **members):
        """Until an event of that name, with those members, was logged."""
        def seen():
            return self.ended or any(
                e.get("event") == name and all(
                    v in str(e.get(k)) for k, v in members.items())
                for e in self.events)
        with self.more:
            assert self.more.wait_for(seen, timeout), "".join(self.lines)
            assert not self.ended, "".join(self.lines)

    def pid(self):
        """As the lock file tells it."""
        lock = self.scene.host.read("/var/lib/fitout/lock")
        return lock.split(",")[0].removeprefix("pid ")

    def signal(self, name):
        self.scene.host.run("kill", f"-{name}", self.pid())

    def end(self, timeout=60):
        """As Runner.run()."""
        status = self.process.wait(timeout)
        self.thread.join(10)
        return Result(status, "", "".join(self.lines))
