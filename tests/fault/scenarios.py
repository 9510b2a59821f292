# SPDX-License-Identifier: Apache-2.0
"""What is run: the packages, the profiles, and from which to which."""
import hashlib
import io
import tarfile

# Says which version it was when it was started.
SERVE = """\
#!/bin/sh
read -r v <"${0%/*}/../etc/version"
echo "$v" >"$1"
exec sleep 3600
"""

HEAD = """\
fitout = 1;
name = "web";
budget = "60s";
"""
AGENT_BLOCK = """\
agent = {{ kind = "command"; start = [ "{agent}", "{world}", "start" ];
  stop = [ "{agent}", "{world}", "stop" ]; }};
"""


def make_tar(path, top, entries):
    """entries: name -> text, None for a directory, ("link", target)."""
    with tarfile.open(path, "w") as tar:
        for name, what in {"": None, **entries}.items():
            info = tarfile.TarInfo(f"{top}/{name}" if name else top)
            info.mtime = 1700000000
            data = b""
            if what is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(what, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, what[1]
            else:
                data = what.encode()
                info.size = len(data)
                info.mode = 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(info, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Scenario:
    """OLD (or None: a bare host) and NEW are profiles' texts; NEW ends with
    exit status OUTCOME. WHOLE: where it is not 0, the profile of what a run
    may leave all the same: killed when it was recorded, before the agent
    failed to start. SUPERVISED: a real supervisord runs beside, and is not
    killed; its program must be of the version that the host is. With FIRST
    that was the profile before OLD, and what meets the fault is COMMAND
    instead of apply; NEW is what it should lead to."""

    def __init__(self, name, old, new, outcome=0, whole=None,
                 supervised=False, first=None, command=None):
        self.supervised = supervised
        self.first, self.command = first, command
        self.slow = supervised or "check" in name   # which takes a second
        self.name, self.old, self.new = name, old, new
        self.outcome, self.whole = outcome, whole


class Profiles:
    """Part of a Bench, which has place, world, host, agent and digests."""

    # ---- profiles ----

    def make_packages(self):
        app = {"bin": None, "etc": None, "lib": None, "logs": None,
               "bin/app": "#!/bin/sh\necho one\n", "bin/serve": SERVE,
               "etc/version": "v1\n", "etc/logrotate": "# one\n",
               "lib/a": "a" * 3000, "lib/b": "b", "lib/gone": "gone",
               "lib/link": ("link", "a")}
        newer = dict(app)
        newer.update({"bin/app": "#!/bin/sh\necho two\n",
                      "etc/version": "v2\n", "etc/logrotate": "# two\n",
                      "lib/b": "B" * 5000, "lib/new": "new",
                      # Enough for a disk to be set to work meanwhile.
                      "lib/large": "\0" * (1100 << 10),
                      "lib/link": ("link", "new")})
        del newer["lib/gone"]
        extra = {"share": None, "share/text": "extra\n"}
        for name, entries in (("app1", app), ("app2", newer),
                              ("extra", extra)):
            path = self.place / f"{name}.tar"
            self.digests[name] = make_tar(path, name, entries)

    def package(self, name, archive, into, more=""):
        return (f'{{ name = "{name}"; url = "file://{self.place}/'
                f'{archive}.tar"; sha256 = "{self.digests[archive]}"; '
                f'into = "{self.host}/{into}"; {more} }}')

    def check(self, version):
        return (f'checks = ( {{ run = [ "/bin/sh", "-c", "read -r v '
                f'<{self.host}/app/etc/version; [ $v = {version} ]" ]; '
                f'timeout = 1; interval = 5; }} );\n')

    def blocks(self):
        return AGENT_BLOCK.format(agent=self.agent, world=self.world)

    def profile_old(self):
        host = self.host
        return HEAD + f"""
packages = ( {self.package("app", "app1", "app", 'keep = [ "logs" ];')},
  {self.package("extra", "extra", "extra")} );
files = (
  {{ from = "app:etc/logrotate"; to = "{host}/etc/app.conf"; }},
  {{ content = "words-one\\n"; to = "{host}/etc/motd"; mode = "0644"; }},
  {{ content = "goes"; to = "{host}/etc/gone.d/file"; }} );
directories = (
  {{ path = "{host}/app/logs"; owner = "1001"; group = "1001";
     mode = "0755"; }},
  {{ path = "{host}/spool"; mode = "0755"; }} );
links = ( {{ path = "{host}/current"; target = "app"; }},
  {{ path = "{host}/etc/gone-link"; target = "motd"; }} );
commands = ( {{ name = "compile"; creates = "{host}/app/compiled";
  run = [ "/bin/sh", "-c", "echo done >{host}/app/compiled" ]; }} );
{self.check("v1")}{self.blocks()}"""

    def profile_new(self, check="v2"):
        host = self.host
        return HEAD + f"""
packages = ( {self.package("app", "app2", "app", 'keep = [ "logs" ];')},
  {self.package("extra", "extra", "extra")} );
files = (
  {{ from = "app:etc/logrotate"; to = "{host}/etc/app.conf"; }},
  {{ content = "words-two\\n"; to = "{host}/etc/motd"; mode = "0600"; }},
  {{ content = "added"; to = "{host}/etc/new.d/deeper/file"; }},
  {{ content = "goes"; to = "{host}/etc/gone.d/file"; }} );
directories = (
  {{ path = "{host}/app/logs"; owner = "1002"; group = "1001";
     mode = "0750"; }},
  {{ path = "{host}/spool"; mode = "0700"; }} );
links = ( {{ path = "{host}/current"; target = "app/lib"; }},
  {{ path = "{host}/etc/gone-link"; target = "motd"; }} );
commands = ( {{ name = "compile"; creates = "{host}/app/compiled";
  run = [ "/bin/sh", "-c", "echo done >{host}/app/compiled" ]; }} );
{self.check(check)}{self.blocks()}"""

    def profile_less(self):
        """The old one without a package, two files, a directory, a link."""
        host = self.host
        return HEAD + f"""
packages = ( {self.package("app", "app1", "app", 'keep = [ "logs" ];')} );
files = (
  {{ content = "words-one\\n"; to = "{host}/etc/motd"; mode = "0644"; }} );
directories = ( {{ path = "{host}/app/logs"; owner = "1001";
  group = "1001"; mode = "0755"; }} );
links = ( {{ path = "{host}/current"; target = "app"; }} );
commands = ( {{ name = "compile"; creates = "{host}/app/compiled";
  run = [ "/bin/sh", "-c", "echo done >{host}/app/compiled" ]; }} );
{self.check("v1")}{self.blocks()}"""

    def supervised(self, profile):
        """The same with a program; its file stays what it is, so only the
        tree tells that it must be restarted."""
        return profile.replace("files = (", f"""files = (
  {{ content = "[program:app]\ncommand = {self.host}/app/bin/serve {
      self.world}/run/version\nstartsecs = 0\n";
    to = "{self.host}/conf.d/app.conf"; }},""") + f"""
supervisor = {{ config = "{self.place}/supervisord.conf";
  programs = [ "app" ]; daemon = [ "/bin/false" ]; }};
"""

    @staticmethod
    def plain(profile):
        """The same without a command, after which everything is synced."""
        begin = profile.index("commands = (")
        end = profile.index(");\n", begin) + 3
        return profile[:begin] + profile[end:]

    def profile_broken(self):
        """Recovers, then fails before it changes anything."""
        return HEAD + f"""
files = ( {{ source = "{self.place}/not-there"; to = "{self.host}/etc/motd";
  }} );
{self.blocks()}"""

    def scenarios(self):
        old, new = self.profile_old(), self.profile_new()
        return {one.name: one for one in (
            Scenario("install", None, old),
            Scenario("upgrade", old, new),
            Scenario("plain", self.plain(old), self.plain(new)),
            Scenario("removal", old, self.profile_less()),
            Scenario("rollback", new, old, first=old,
                     command=["rollback", "--to", "1"]),
            Scenario("check-fails", old, self.profile_new("v3"), 1),
            Scenario("agent-fails", old,
                     new.replace('"start" ]', '"start", "v2" ]'), 1, new),
            Scenario("supervised", self.supervised(old),
                     self.supervised(new), supervised=True),
            Scenario("supervised-fails", self.supervised(old),
                     self.supervised(self.profile_new("v3")), 1,
                     supervised=True),
            Scenario("agent-fails-first", None,
                     new.replace('"start" ]', '"start", "v2" ]'), 1, new),
            Scenario("check-fails-first", None, self.profile_new("v3"), 1),
        )}
