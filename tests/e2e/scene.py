# SPDX-License-Identifier: Apache-2.0
"""A host, an origin and a profile that fit together: a test changes one
thing of them and looks at what fitout makes of it.

The host has an older version of everything that the profile brings, so that
"as it was before" is not "empty"; supervisord is installed and down; the
agent leaves a mark when it starts.
"""
import json
import threading

import snapshot
from artifacts import File, archive, sha256
from machine import PATH

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
AGENT = f"""#!/bin/sh
case $1 in
start) date +%s.%N >>{STARTED} ;;
stop) rm -f {STARTED}.running ;;
esac
"""
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
        self.environment = {}
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
        """The block of packages, with other addresses or digests."""
        app = {"url": "http://origin.test/app.tar.gz",
               "sha256": sha256(self.origin.content["/app.tar.gz"]),
               **(app or {})}
        tool = {"url": "http://origin.test/tool.tar.xz",
                "sha256": sha256(self.origin.content["/tool.tar.xz"]),
                **(tool or {})}

        def keys(of):
            return " ".join(f'{k} = "{v}";' for k, v in of.items()
                            if v is not None)

        self.blocks["packages"] = (
            f'packages = (\n  {{ name = "app"; {keys(app)}\n'
            f'    into = "/srv/app"; keep = [ "logs" ]; {app_more} }},\n'
            f'  {{ name = "tool"; {keys(tool)}\n'
            f'    into = "{tool_into}"; {tool_more} }}\n);\n')

    def text(self):
        return "".join(self.blocks.values())

    def write(self):
        self.host.disk.write("/etc/fitout/scene.cfg", self.text())

    def fitout(self, *words, timeout=120, **how):
        return self.host.run(
            "/usr/local/bin/fitout", *words, timeout=timeout, check=False,
            env={**self.environment, "PATH": PATH}, **how)

    def apply(self, *words, **how):
        self.write()
        return self.fitout(*words, "apply", "/etc/fitout/scene.cfg", **how)

    def look(self):
        """The host as it is."""
        return self.host.disk.snapshot(*OURS, "/etc/fitout")

    def agent_started(self):
        return self.host.disk.path(STARTED).exists()

    def supervisord_is_up(self):
        return self.host.run("test", "-S", "/run/scene.sock",
                             check=False).status == 0

    def refused(self, status, *words, apply=None):
        """Run it; the whole contract of a run that fails. Returns what it
        said."""
        self.write()
        up = self.supervisord_is_up()
        before = self.look()
        done = (apply or self.apply)()
        said = done.out + done.err
        assert done.status == status, said
        for word in words:
            assert word in said, f"{word!r} is not in:\n{said}"
        assert snapshot.diff(before, self.look()) == [], said
        assert not self.agent_started(), said
        assert self.supervisord_is_up() == up, said
        return said


class Watched:
    """A run in the background, whose log is read as it comes."""

    def __init__(self, scene):
        scene.write()
        self.scene = scene
        self.events = []
        self.more = threading.Condition()
        self.lines = []
        self.ended = False
        self.process = scene.host.start(
            "sh", "-c", "echo $$ >/run/watched.pid; exec fitout --json "
            "--log-level debug apply /etc/fitout/scene.cfg",
            env=scene.environment, stdout=-1, stderr=-2, text=True)
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
            assert any(e.get("event") == name for e in self.events), \
                "".join(self.lines)

    def signal(self, name):
        pid = self.scene.host.read("/run/watched.pid").strip()
        self.scene.host.run("kill", f"-{name}", pid)

    def end(self, timeout=60):
        """Its exit status; what it said is in `lines`."""
        status = self.process.wait(timeout)
        self.thread.join(10)
        return status
