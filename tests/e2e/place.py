# SPDX-License-Identifier: Apache-2.0
"""A directory of its own, archives in it, and fitout with a state of its own:
where no machine is needed."""
import hashlib
import io
import subprocess
import tarfile


class Place:
    """A scratch directory, archives in it, and fitout with its own state."""

    def __init__(self, path, binary):
        self.path = path
        self.binary = str(binary)

    def package(self, name, into, files, **keys):
        """One package block; FILES is { name in the tree: text }."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for file, text in files.items():
                info = tarfile.TarInfo("%s/%s" % (name, file))
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
        digest = hashlib.sha256(data.getvalue()).hexdigest()
        archive = self.path / ("%s-%s.tar" % (name, digest[:8]))
        archive.write_bytes(data.getvalue())
        more = "".join(" %s = %s;" % item for item in keys.items())
        return ('{ name = "%s"; url = "file://%s"; sha256 = "%s"; '
                'into = "%s/%s";%s }' % (name, archive, digest, self.path,
                                         into, more))

    def run(self, *argv):
        return subprocess.run(
            [self.binary, "--state", str(self.path / "state"), *argv],
            capture_output=True, text=True, timeout=120, check=False)

    def write(self, *blocks, name="web"):
        profile = self.path / "p.cfg"
        profile.write_text('fitout = 1;\nname = "%s";\n%s\n' % (
            name, "\n".join(blocks)))
        profile.chmod(0o644)
        return profile

    def apply(self, *blocks, name="web", status=0):
        profile = self.write(*blocks, name=name)
        result = self.run("apply", str(profile))
        assert result.returncode == status, result.stderr
        return result

    def read(self, name):
        return (self.path / name).read_text()

    def find(self, text):
        """Files that hold TEXT, in the whole scratch directory."""
        return [str(file.relative_to(self.path))
                for file in sorted(self.path.rglob("*"))
                if file.is_file() and not file.is_symlink() and
                file.suffix != ".tar" and
                text in file.read_text(errors="replace")]


def packages(*blocks):
    return "packages = ( %s );" % ", ".join(blocks)
