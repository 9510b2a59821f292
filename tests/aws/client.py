# SPDX-License-Identifier: Apache-2.0
"""fitout on a host of its own, with nothing of AWS but what a test gives."""
import hashlib
import io
import os
import pathlib
import subprocess
import tarfile
import time

FITOUT = os.environ.get("FITOUT", str(
    pathlib.Path(__file__).resolve().parents[2] / "build/static/fitout"))
# Neither the tester's own keys nor the network's metadata service.
NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}


class Place:
    def __init__(self, path, environment):
        self.path = path
        self.environment = environment

    def run(self, *argv, environment=None, timeout=120):
        begin = time.monotonic()
        config = self.path / "fitout.ini"
        if not config.exists():
            config.write_text("")
        result = subprocess.run(
            [FITOUT, "--config", str(config), "--state",
             str(self.path / "state"), *[str(word) for word in argv]],
            capture_output=True, text=True, timeout=timeout, check=False,
            env={"PATH": os.environ["PATH"], **NOWHERE, **self.environment,
                 **(environment or {}),
                 **{name: os.environ[name] for name in os.environ
                    if name.endswith("SAN_OPTIONS")}})
        result.seconds = time.monotonic() - begin
        result.all = result.stdout + result.stderr
        return result

    def profile(self, *blocks, name="p.cfg"):
        file = self.path / name
        file.write_text(text(*blocks))
        return file

    def apply(self, *blocks, status=0, **more):
        result = self.run("apply", self.profile(*blocks), **more)
        assert result.returncode == status, result.all
        return result

    def package(self, url, data, into="app"):
        """A block for an archive at URL (a list: mirrors)."""
        urls = [url] if isinstance(url, str) else url
        return ('packages = ( { name = "app"; url = [ %s ]; sha256 = "%s"; '
                'into = "%s/%s"; } );' % (
                    ", ".join('"%s"' % u for u in urls),
                    hashlib.sha256(data).hexdigest(), self.path, into))


class Plan:
    """`fitout plan` of a file whose content is a variable."""

    def __init__(self, directory, service):
        self.directory = directory
        self.service = service
        self.ini = ""

    def __call__(self, text, command="plan", environment=None, timeout=60):
        profile = self.directory / "p.cfg"
        profile.write_text(
            'fitout = 1; name = "p";\nfiles = ( {\n template = true; '
            'content = "%s\\n"; to = "%s/out"; } );\n' % (
                text, self.directory))
        (self.directory / "fitout.ini").write_text(self.ini)
        begin = time.monotonic()
        result = subprocess.run(
            [FITOUT, "--config", self.directory / "fitout.ini", "--state",
             self.directory / "state", command, profile],
            capture_output=True, text=True, timeout=timeout,
            env={"PATH": os.environ["PATH"], **self.service.environment(),
                 **(environment or {})})
        result.seconds = time.monotonic() - begin
        return result

    def value(self, text, **more):
        result = self(text, **more)
        assert result.returncode == 0, result.stderr
        lines = [line[1:] for line in result.stdout.replace(" ", "")
                 .splitlines() if line.startswith("+")]
        return lines[-1]


def text(*blocks):
    return 'fitout = 1;\nname = "p";\n%s\n' % "\n".join(blocks)


def archive(files, padding=0):
    """A tar of { name: text } below one directory."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo("app/" + name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
        if padding:
            info = tarfile.TarInfo("app/padding")
            info.size = padding
            tar.addfile(info, io.BytesIO(os.urandom(padding)))
    return data.getvalue()
