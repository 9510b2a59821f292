# SPDX-License-Identifier: Apache-2.0
"""What a profile no longer names, what it moves, and what is not its own:
nothing that somebody may miss goes without a trace."""
import subprocess

import pytest

from place import Place, packages

pytestmark = pytest.mark.host


@pytest.fixture
def place(tmp_path, fitout):
    return Place(tmp_path, fitout)


def test_what_holds_something_that_is_named_stays(place):
    outer = place.package("a", "p", {"f": "outer"})
    inner = place.package("b", "p/sub", {"g": "inner"})
    place.apply(packages(outer, inner))
    place.apply(packages(inner))
    assert place.read("p/sub/g") == "inner"


def test_a_file_taken_out_of_a_tree_gives_the_trees_own_back(place):
    tree = packages(place.package("a", "p", {"x.conf": "the package's"}))
    over = 'files = ( { to = "%s/p/x.conf"; content = "ours"; } );' % place.path
    place.apply(tree, over)
    assert place.read("p/x.conf") == "ours"
    place.apply(tree)
    assert place.read("p/x.conf") == "the package's"
    assert "nothing to do" in place.apply(tree).stdout


def test_an_edited_file_that_is_removed_is_kept_as_drift(place):
    place.apply('files = ( { to = "%s/c"; content = "x"; } );' % place.path)
    (place.path / "c").write_text("edited by hand")
    place.apply('directories = ( { path = "%s/d"; } );' % place.path)
    assert not (place.path / "c").exists()
    assert place.find("edited by hand") == [
        "state/generations/1/drift%s/c" % place.path]


def test_another_profile_does_not_remove_the_first_ones(place):
    place.apply('files = ( { to = "%s/c"; content = "x"; } );' % place.path)
    place.apply('files = ( { to = "%s/d"; content = "y"; } );' % place.path,
                name="other")
    assert place.read("c") == "x"


def test_a_directory_that_was_there_before_is_never_pruned(place):
    (place.path / "p").mkdir()
    (place.path / "p" / "db").write_text("precious")
    for text in "1234":
        place.apply(packages(place.package("a", "p", {"f": text})))
    assert place.find("precious") == [".fitout-old/p-0/db"]


def test_kept_paths_move_with_the_package(place):
    place.apply(packages(place.package("a", "p", {"f": "1", "logs/.x": ""},
                                       keep='[ "logs" ]')))
    (place.path / "p/logs/access").write_text("a line")
    place.apply(packages(place.package("a", "q", {"f": "2", "logs/.x": ""},
                                       keep='[ "logs" ]')))
    assert place.read("q/logs/access") == "a line"


def fails_after(place, keep, does, files=None, owner=""):
    """Edition 1 holds; 2's programs do DOES in its tree, and it does not."""
    tree = place.path / "p"
    keys = {"keep": '[ "%s" ]' % keep}
    if owner:
        keys |= {"owner": '"%s"' % owner, "group": '"%s"' % owner}
        place.path.chmod(0o755)
    place.apply(packages(place.package("a", "p", {"f": "1", "data/.x": ""},
                                       **keys)))
    (tree / keep).write_text("precious")
    subprocess.run(["chown", "-R", "%s:%s" % (owner or 0, owner or 0),
                    str(tree)], check=True)
    check = ('checks = ( { run = [ "/bin/sh", "-c", "cd %s && test -f f2 && '
             '{ %s; }; exit 1" ]; timeout = "1s"; } );' % (tree, does))
    two = packages(place.package("a", "p", {"f": "2", "f2": "", **(files or
                                            {})}, **keys))
    for _ in range(2):
        result = place.apply(two, check, status=1)
        assert "The host is as it was before" in result.stderr
        assert place.read("p/f") == "1"
        assert not (tree / "f2").exists()
    assert not list(place.path.glob(".fitout-*"))
    place.apply(packages(place.package("a", "p", {"f": "3"}, **keys)))
    return result


def test_a_kept_file_that_the_new_program_removes_is_no_failure(place):
    result = fails_after(place, "data/pid", "rm -f data/pid")
    assert not (place.path / "p/data/pid").exists()
    assert "p/data/pid" not in result.stdout


def test_a_kept_path_whose_directory_goes_is_no_failure(place):
    fails_after(place, "data/pid", "rm -rf data", {"data/pid": "packaged"})
    assert place.find("packaged") == []


@pytest.mark.parametrize("files", [None, {"log": "packaged"}])
def test_a_kept_log_that_is_rotated_comes_back_with_its_first_part(place,
                                                                   files):
    rotate = "test -f log.1 || { mv log log.1; echo fresh > log; }"
    fails_after(place, "log", rotate, files)
    assert place.read("p/log") == "fresh\n"
    assert place.find("precious")


def test_a_kept_path_that_its_owner_leads_away_comes_back(place):
    """By an ordinary user, with a link that undo must not walk through."""
    (place.path / "out").mkdir()
    (place.path / "out/db").write_text("somebody's")
    (place.path / "out").chmod(0o777)
    lead = "setpriv --reuid 65534 --regid 65534 --clear-groups sh -c " \
        "'test -d d2 || { mv data d2; ln -s %s/out data; }'" % place.path
    fails_after(place, "data/db", lead, owner="65534")
    assert place.read("p/data/db") == "precious"
    assert place.read("out/db") == "somebody's"


def test_a_kept_path_through_a_link_is_refused(place):
    place.apply(packages(place.package("a", "p", {"f": "1"},
                                       keep='[ "logs/x" ]')))
    (place.path / "out").mkdir()
    (place.path / "out/x").write_text("somebody's")
    (place.path / "p/logs").symlink_to(place.path / "out")
    result = place.apply(packages(place.package(
        "a", "p", {"f": "2"}, keep='[ "logs/x" ]')), status=1)
    assert "symbolic link" in result.stderr
    assert place.read("out/x") == "somebody's"
    assert place.read("p/f") == "1"


def test_an_upgrade_inside_a_tree_is_not_the_trees_drift(place):
    outer = place.package("a", "p", {"f": "outer"})
    for text in "12":
        place.apply(packages(outer, place.package("b", "p/sub", {"g": text})))
    status = place.run("status").stdout
    assert "difference" not in status, status
    result = place.apply(packages(outer, place.package("b", "p/sub",
                                                       {"g": "2"})))
    assert "nothing to do" in result.stdout


def test_a_tree_that_would_swallow_the_state_is_refused(place):
    block = place.package("a", ".", {"f": "1"}).replace("/.\"", "\"")
    result = place.apply(packages(block), status=1)
    assert "fitout's own state" in result.stderr
    assert (place.path / "state").is_dir()


def test_a_directory_of_the_system_is_refused(place):
    block = place.package("a", "p", {"f": "1"}).replace(
        '"%s/p"' % place.path, '"/etc"')
    result = place.apply(packages(block), status=2)
    assert "p.cfg:3" in result.stderr and "the system's" in result.stderr


def test_rollback_takes_no_relative_source_from_where_it_is_called(place):
    (place.path / "x.txt").write_text("of the profile")
    source = 'files = ( { to = "%s/c"; source = "x.txt"; } );' % place.path
    place.apply(source)
    place.apply('files = ( { to = "%s/c"; content = "y"; } );' % place.path)
    (place.path / "evil").mkdir()
    (place.path / "evil/x.txt").write_text("evil")
    result = subprocess.run(
        [place.binary, "--state", str(place.path / "state"), "rollback"],
        cwd=place.path / "evil", capture_output=True, text=True, timeout=60,
        check=False)
    assert result.returncode == 1
    assert "is relative" in result.stderr
    assert place.read("c") == "y"


def test_what_people_see_holds_no_terminal_escapes(place):
    result = place.apply('files = ( { to = "%s/c"; source = "/tmp/\\x1b[1m"; '
                         '} );' % place.path, status=1)
    for text in (result.stdout, result.stderr,
                 place.run("report").stdout, place.run("status").stdout):
        assert "\x1b" not in text
