# SPDX-License-Identifier: Apache-2.0
"""A Debian repository of a few packages, in a directory of a machine."""
import hashlib
import pathlib
import subprocess
import tempfile

SOURCE = "deb [trusted=yes] file:/srv/repository ./\n"


def make_deb(directory, name, version="1.0", depends="", files=None,
             scripts=None, conffiles=()):
    """A .deb in directory; files are {path: (text, mode)}."""
    with tempfile.TemporaryDirectory() as temporary:
        tree = pathlib.Path(temporary) / "tree"
        control = tree / "DEBIAN"
        control.mkdir(parents=True)
        tree.chmod(0o755)
        for path, (text, mode) in (files or {}).items():
            target = tree / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(mode)
        for script, text in (scripts or {}).items():
            (control / script).write_text(text)
            (control / script).chmod(0o755)
        if conffiles:
            (control / "conffiles").write_text(
                "".join(path + "\n" for path in conffiles))
        (control / "control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: The fitout project <nobody@example.com>\n"
            + (f"Depends: {depends}\n" if depends else "") +
            f"Description: {name}, for tests\n")
        deb = pathlib.Path(directory) / f"{name}_{version}_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build",
                        tree, deb], check=True, capture_output=True)
        return deb


def publish(disk, *debs):
    """Serve the debs to the machine's apt, which has no other source."""
    entries = []
    for deb in debs:
        data = pathlib.Path(deb).read_bytes()
        fields = subprocess.run(["dpkg-deb", "-f", deb], check=True,
                                capture_output=True, text=True).stdout
        disk.copy(deb, f"/srv/repository/{deb.name}")
        entries.append(f"{fields.strip()}\nFilename: ./{deb.name}\n"
                       f"Size: {len(data)}\n"
                       f"SHA256: {hashlib.sha256(data).hexdigest()}\n")
    disk.write("/srv/repository/Packages", "\n".join(entries))
    for old in disk.path("/etc/apt/sources.list.d").glob("*"):
        old.unlink()
    disk.write("/etc/apt/sources.list", SOURCE)
    for old in disk.path("/var/lib/apt/lists").glob("*_*"):
        old.unlink()
