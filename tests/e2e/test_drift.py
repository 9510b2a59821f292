# SPDX-License-Identifier: Apache-2.0
"""What somebody changed in what was installed: status names it, with path and
difference; apply puts it right, fetching that package alone; what they had
made of it is kept. Nothing of this for `keep` paths."""
import json
import os
import re
import shutil
import socket

import pytest

import schema
import snapshot
from artifacts import File, Link, archive, sha256
from origin import Origin
from place import Place

pytestmark = pytest.mark.host

ODD = "odd \x1b[1m\u202e%41\n\udcff.txt"      # a file's name, bytes and all
APP = {
    "app/bin/run": File("#!/bin/sh\n", 0o755),
    "app/etc/conf": "from the package\n",
    "app/share/one": "1\n",
    "app/share/two": "2\n",
    "app/lnk": Link("bin/run"),
    "app/logs/README": "kept\n",
}


class World(Place):
    def __init__(self, path, binary):
        super().__init__(path, binary)
        self.host = path / "host"
        self.origin = Origin(path)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen(64)
            self.base = "http://127.0.0.1:%d" % self.origin.listen(
                sock.dup())
        blocks = []
        for name, files in (("app", APP),
                            ("other", {"other/file": "other\n"})):
            data = archive(files)
            self.origin.content[f"/{name}.tar.gz"] = data
            blocks.append(f'{{ name = "{name}"; keep = [ "logs" ]; '
                          f'url = "{self.base}/{name}.tar.gz"; sha256 = '
                          f'"{sha256(data)}"; into = "{self.host}/{name}"; }}')
        self.origin.content["/fetched"] = b"fetched\n"
        self.blocks = f"""packages = ( {", ".join(blocks)} );
files = (
  {{ to = "{self.host}/etc/motd"; content = "written\\n"; mode = "0640"; }},
  {{ to = "{self.host}/etc/conf"; from = "app:etc/conf"; }},
  {{ to = "{self.host}/etc/fetched"; url = "{self.base}/fetched";
     sha256 = "{sha256(b"fetched" + bytes([10]))}"; }} );
directories = ( {{ path = "{self.host}/dir"; mode = "0750"; }} );
links = ( {{ path = "{self.host}/link"; target = "app/bin"; }} );
"""
        self.apply(self.blocks)
        self.good = self.look()
        self.origin.forget()

    def look(self):
        """Without times: what is placed again has others."""
        found = snapshot.take(self.host, [".fitout-old"])
        for entry in found.values():
            entry.pop("mtime", None)
        return found

    def fetched(self):
        return sorted({r.path for r in self.origin.requests})

    def fitout(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        for text in (done.stdout, done.stderr):
            assert text.isprintable() or all(
                line.isprintable() for line in text.split("\n")), text
        return done.stdout

    def differences(self, *words):
        """{ resource: [(path, what)] }, where there is anything."""
        status = json.loads(self.fitout("--json", "status", *words))
        schema.validate(status, "status")
        found = {}
        for row in status["resources"]:
            assert row["differences"] == len(row["drift"]) or \
                len(row["drift"]) == 20
            if row["differences"]:
                name = row["name"].replace(str(self.host), "")
                found[f"{row['kind']} {name}"] = [
                    (d["path"], d["what"]) for d in row["drift"]]
        return found

    def repair(self, *words):
        profile = self.write(self.blocks)
        return self.fitout("apply", *words, str(profile))

    def kept(self, generation=1):
        """What is in the generation's drift/, below this world's host."""
        top = self.path / f"state/generations/{generation}/drift"
        top = top / str(self.host).lstrip("/")
        if not top.is_dir():
            return {}
        return {path: entry for path, entry in snapshot.take(top).items()}

    def kept_text(self, path, generation=1):
        return (self.path / f"state/generations/{generation}/drift" /
                str(self.host / path).lstrip("/")).read_text()


@pytest.fixture
def world(tmp_path, fitout):
    world = World(tmp_path, fitout)
    yield world
    world.origin.close()


# ---- what somebody may do to a path ----

def write(path):
    path.write_text("by hand, longer than it was\n")


def write_same(path):
    """Of the same size, and the time put back."""
    info = path.stat()
    path.write_bytes(b"#" * info.st_size)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def delete(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() \
        else path.unlink()


def chmod(path):
    path.chmod(0o700 if path.is_dir() else 0o600)


def chown(path):
    os.lchown(path, 12, 34)


def to_link(path):
    delete(path)
    path.symlink_to("/etc/hostname")


def to_file(path):
    delete(path)
    path.write_text("a file by hand\n")


def to_directory(path):
    delete(path)
    (path / "in").mkdir(parents=True)
    (path / "in/it").write_text("by hand\n")


def to_other_target(path):
    path.unlink()
    path.symlink_to("elsewhere")


def add_files(path):
    (path / "new").write_text("added\n")
    (path / "more").mkdir()
    (path / "more/x").write_text("added\n")


def case(path, deed, resource, found, fetches=(), kept=(), **how):
    return pytest.param(path, deed, resource, found, fetches, kept, how,
                        id=f"{path}-{deed.__name__}")


APP_AGAIN = ("/app.tar.gz",)
MOTD, FETCHED = "file /etc/motd", "file /etc/fetched"


@pytest.mark.parametrize("path, deed, resource, found, fetches, kept, how", [
    # In a package's tree.
    case("app/share/one", write, "package app",
         [("share/one", "size 28, was 2")], APP_AGAIN,
         ["app/share/one"], touches_conf=True),
    case("app/share/one", write_same, "package app",
         [("share/one", "content")], APP_AGAIN, ["app/share/one"],
         verify=True),
    case("app/share/one", delete, "package app",
         [("share/one", "missing")], APP_AGAIN),
    case("app/share/one", chmod, "package app",
         [("share/one", "mode 0600, was 0644")], APP_AGAIN,
         ["app/share/one"]),
    case("app/share/one", chown, "package app",
         [("share/one", "owner 12:34, was 0:0")], APP_AGAIN,
         ["app/share/one"]),
    case("app/share/one", to_link, "package app",
         [("share/one", "type symbolic link, was file")], APP_AGAIN,
         ["app/share/one"]),
    case("app/share/one", to_directory, "package app",
         [("share/one", "type directory, was file")], APP_AGAIN,
         ["app/share/one", "app/share/one/in", "app/share/one/in/it"]),
    case("app/share", delete, "package app", [("share", "missing")],
         APP_AGAIN),
    case("app/share", chmod, "package app",
         [("share", "mode 0700, was 0755")], APP_AGAIN),
    case("app/share", to_link, "package app",
         [("share", "type symbolic link, was directory")], APP_AGAIN,
         ["app/share"]),
    case("app/share", to_file, "package app",
         [("share", "type file, was directory")], APP_AGAIN, ["app/share"]),
    case("app/share", add_files, "package app",
         [("share/more", "added"), ("share/new", "added")], APP_AGAIN,
         ["app/share/more", "app/share/more/x", "app/share/new"]),
    case("app/lnk", to_other_target, "package app", [("lnk", "target")],
         APP_AGAIN, ["app/lnk"]),
    case("app/lnk", to_file, "package app",
         [("lnk", "type file, was symbolic link")], APP_AGAIN, ["app/lnk"]),
    # The tree itself.
    case("app", delete, "package app", [(".", "missing")], APP_AGAIN),
    case("app", chmod, "package app", [(".", "mode 0700, was 0755")],
         APP_AGAIN),
    case("app", chown, "package app", [(".", "owner 12:34, was 0:0")],
         APP_AGAIN),
    case("app", to_link, "package app",
         [(".", "type symbolic link, was directory")], APP_AGAIN, ["app"]),
    case("app", to_file, "package app",
         [(".", "type file, was directory")], APP_AGAIN, ["app"]),
    case("app", add_files, "package app",
         [("more", "added"), ("new", "added")], APP_AGAIN,
         ["app/more", "app/more/x", "app/new"]),
    # A file, written in the profile or fetched.
    case("etc/motd", write, MOTD, [(".", "size 28, was 8")], (),
         ["etc/motd"]),
    case("etc/motd", write_same, MOTD, [(".", "content")], (), ["etc/motd"],
         verify=True, cheap_apply=True),
    case("etc/motd", delete, MOTD, [(".", "missing")]),
    case("etc/motd", chmod, MOTD, [(".", "mode 0600, was 0640")], (),
         ["etc/motd"]),
    case("etc/motd", chown, MOTD, [(".", "owner 12:34, was 0:0")], (),
         ["etc/motd"]),
    case("etc/motd", to_link, MOTD, [(".", "type symbolic link, was file")],
         (), ["etc/motd"]),
    case("etc/motd", to_directory, MOTD, [(".", "type directory, was file")],
         (), ["etc/motd", "etc/motd/in", "etc/motd/in/it"]),
    case("etc/fetched", write, FETCHED, [(".", "size 28, was 8")],
         ("/fetched",), ["etc/fetched"]),
    case("etc/fetched", write_same, FETCHED, [(".", "content")],
         ("/fetched",), ["etc/fetched"], verify=True, cheap_apply=True),
    case("etc/conf", write, "file /etc/conf", [(".", "size 28, was 17")], (),
         ["etc/conf"]),
    case("etc/conf", delete, "file /etc/conf", [(".", "missing")]),
    # A directory.
    case("dir", delete, "directory /dir", [(".", "not there")]),
    case("dir", chmod, "directory /dir", [(".", "mode is 0700, not 0750")]),
    case("dir", chown, "directory /dir", [(".", "owner is 12:34, not root:root")]),
    case("dir", to_link, "directory /dir", [(".", "it is a symbolic link")],
         (), ["dir"]),
    case("dir", to_file, "directory /dir", [(".", "it is a file")], (),
         ["dir"]),
    # A link.
    case("link", delete, "link /link", [(".", "missing")]),
    case("link", to_other_target, "link /link", [(".", "target")], (),
         ["link"]),
    case("link", to_file, "link /link",
         [(".", "type file, was symbolic link")], (), ["link"]),
    case("link", to_directory, "link /link",
         [(".", "type directory, was symbolic link")], (),
         ["link", "link/in", "link/in/it"]),
])
def test_drift(world, path, deed, resource, found, fetches, kept, how):
    deed(world.host / path)
    drifted = snapshot.take(world.host, [".fitout-old"])
    if how.get("verify"):
        # Neither size nor time tells.
        assert world.differences() == {}
        if not how.get("cheap_apply"):
            assert "nothing to do" in world.repair()
    else:
        assert world.differences() == {resource: found}
    assert world.differences("--verify") == {resource: found}
    text = world.fitout("status", "--verify")
    for where, what in found:
        assert f" {where}: {what}\n" in text
    assert drifted == snapshot.take(world.host, [".fitout-old"])
    world.origin.forget()

    said = world.repair(*(["--verify"] if how.get("verify") else []))
    assert "generation 2" in said
    assert world.fetched() == sorted(fetches)
    assert world.look() == world.good
    assert world.differences("--verify") == {}
    assert "nothing to do" in world.repair("--verify")
    # What they had made of it, and nothing else.
    found = world.kept()
    for name in kept:
        for member in ("type", "to", "sha256", "size"):
            assert found[name].get(member) == drifted[name].get(member)
    files = {name for name, entry in found.items()
             if entry["type"] != "directory" or name in kept}
    assert files == set(kept)


def test_what_replaced_a_file_is_kept_byte_for_byte(world):
    to_directory(world.host / "etc/motd")
    write(world.host / "etc/conf")
    world.repair()
    assert world.kept_text("etc/motd/in/it") == "by hand\n"
    assert world.kept_text("etc/conf") == "by hand, longer than it was\n"


def test_what_was_made_by_hand_is_kept_when_the_profile_changes_it(world):
    write(world.host / "etc/motd")
    write(world.host / "app/share/one")
    to_file(world.host / "link")
    world.blocks = world.blocks.replace("written", "new words") \
        .replace('"app/bin"', '"app/etc"') \
        .replace('name = "app";', 'name = "app"; owner = "12";')
    assert "content differs" in world.run(
        "apply", str(world.write(world.blocks))).stderr
    assert (world.host / "etc/motd").read_text() == "new words\n"
    assert (world.host / "link").readlink().name == "etc"
    assert (world.host / "app/share/one").read_text() == "1\n"
    assert (world.host / "app/share/one").stat().st_uid == 12
    # And only that: the others were replaced, too, but were as installed.
    found = world.kept()
    assert sorted(name for name, entry in found.items()
                  if entry["type"] != "directory") == [
        "app/share/one", "etc/motd", "link"]
    for name in ("app/share/one", "etc/motd"):
        assert world.kept_text(name) == "by hand, longer than it was\n"


def test_a_file_in_a_tree_that_is_replaced_with_it(world):
    conf = world.host / "app/etc/mine"
    world.blocks = world.blocks.replace(
        "files = (", f'files = ( {{ to = "{conf}"; content = "one\\n"; }},')
    one = world.host / "app/etc/conf"
    world.blocks = world.blocks.replace(
        "files = (", f'files = ( {{ to = "{one}"; content = "one\\n"; }},')
    world.repair()
    write(conf)
    world.blocks = world.blocks.replace("one\\n", "two\\n") \
        .replace('name = "app";', 'name = "app"; root = "app";')
    world.repair()
    assert conf.read_text() == one.read_text() == "two\n"
    # Not the package's own file, which stood there for a moment.
    assert sorted(name for name, entry in world.kept(2).items()
                  if entry["type"] != "directory") == ["app/etc/mine"]
    assert world.kept_text("app/etc/mine", 2).startswith("by hand")


def test_several_things_at_once_and_a_file_out_of_the_tree(world):
    write(world.host / "app/etc/conf")
    chmod(world.host / "dir")
    delete(world.host / "other/file")
    assert set(world.differences()) == {
        "package app", "package other", "directory /dir"}
    world.origin.forget()
    world.repair()
    assert world.fetched() == ["/app.tar.gz", "/other.tar.gz"]
    assert world.look() == world.good
    assert world.kept_text("app/etc/conf").startswith("by hand")


def test_keep_paths_are_not_drift(world):
    logs = world.host / "app/logs"
    write(logs / "README")
    add_files(logs)
    (logs / ODD).write_text("a line\n")
    chmod(logs)
    before = world.look()
    assert world.differences() == {}
    assert world.differences("--verify") == {}
    assert "nothing to do" in world.repair()
    assert "nothing to do" in world.repair("--verify")
    assert world.look() == before
    # They stay when the tree around them is put right.
    write(world.host / "app/share/one")
    world.repair()
    assert (logs / "new").read_text() == "added\n"
    assert (logs / ODD).read_text() == "a line\n"
    assert sorted(name for name, entry in world.kept().items()
                  if entry["type"] != "directory") == ["app/share/one"]


def test_a_keep_path_in_a_directory_that_the_archive_has_not(world):
    world.blocks = world.blocks.replace('"logs"', '"logs", "data/x/db"') \
        .replace('name = "app";', 'name = "app"; root = "app";')
    world.repair()
    (world.host / "app/data/x/db").mkdir(parents=True)
    (world.host / "app/data/x/db/table").write_text("rows\n")
    assert world.differences("--verify") == {}
    world.origin.forget()
    assert "nothing to do" in world.repair("--verify")
    # What else is in there is not its.
    (world.host / "app/data/x/more").write_text("added\n")
    (world.host / "app/datas").mkdir()
    assert world.differences() == {
        "package app": [("data/x/more", "added"), ("datas", "added")]}
    world.repair()
    assert world.read("host/app/data/x/db/table") == "rows\n"
    assert not (world.host / "app/data/x/more").exists()
    assert world.fetched() == ["/app.tar.gz"]
    assert world.differences() == {}


def test_names_that_are_not_printable(world):
    (world.host / "app/share" / ODD).write_text("odd\n")
    shown = [(r"share/odd \x1b[1m\xe2\x80\xae%41\x0a\xff.txt", "added")]
    assert world.differences() == {"package app": shown}
    world.fitout("status")
    profile = world.write(world.blocks)
    done = world.run("apply", str(profile))
    assert done.returncode == 0
    assert "could not be kept" not in done.stderr
    assert "\x1b" not in done.stderr
    assert world.look() == world.good
    assert world.kept_text(f"app/share/{ODD}") == "odd\n"


def test_many_differences_are_counted(world):
    for number in range(30):
        (world.host / f"app/share/more{number:02}").write_text("x\n")
    status = json.loads(world.fitout("--json", "status"))
    row = next(r for r in status["resources"] if r["name"] == "app")
    assert row["differences"] == 30
    assert len(row["drift"]) == 20
    text = world.fitout("status")
    assert re.search(r"app +30 differences\n", text)
    assert "and 10 more\n" in text


def test_a_place_that_was_never_ours_is_not_taken(world):
    (world.host / "mine").mkdir()
    (world.host / "mine/x").write_text("somebody's\n")
    for block in ('files = ( { to = "%s"; content = "x"; } );',
                  'links = ( { path = "%s"; target = "x"; } );'):
        done = world.apply(block % (world.host / "mine"), name="new",
                           status=1)
        assert "move it away first" in done.stderr
    (world.host / "file").write_text("somebody's\n")
    done = world.apply('directories = ( { path = "%s"; } );' % (
        world.host / "file"), name="new", status=1)
    assert "move it away first" in done.stderr


def test_a_run_that_fails_puts_what_was_there_instead_back(world):
    to_link(world.host / "dir")
    to_directory(world.host / "etc/motd")
    to_link(world.host / "app")
    before = snapshot.take(world.host, [".fitout-old"])
    done = world.apply(world.blocks, 'checks = ( { run = [ "false" ]; '
                       'timeout = 1; } );', status=1)
    assert "The host is as it was before" in done.stderr
    assert snapshot.take(world.host, [".fitout-old"]) == before
    assert world.kept() == {}


def test_what_went_into_the_new_tree_was_not_changed(tmp_path, fitout):
    place = Place(tmp_path, fitout)
    text = """packages = ( %s );
directories = ( { path = "%s/app/logs"; mode = "0750"; } );
files = ( { to = "%s/app/logs/rotate"; content = "daily"; } );"""

    def edition(number):
        return text % (place.package(
            "app", "app", {"version": number, "logs/README": "here"},
            keep='[ "logs" ]'), place.path, place.path)

    place.apply(edition("1"))
    (place.path / "app/logs/app.log").write_text("what happened")
    assert "as installed" in place.run("status").stdout
    done = place.apply(edition("2"))
    assert "is kept in" not in done.stderr, done.stderr
    assert place.read("app/logs/app.log") == "what happened"
    assert place.find("what happened") == ["app/logs/app.log"]
    # The file in there is looked at where it was, not in the archive's own.
    (place.path / "app/logs/rotate").write_text("weekly")
    done = place.apply(edition("3"))
    assert done.stderr.count("is kept in") == 1, done.stderr
    assert place.read("app/logs/rotate") == "daily"
    assert place.find("weekly") == [
        "state/generations/2/drift%s/app/logs/rotate" % place.path]
