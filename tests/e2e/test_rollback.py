# SPDX-License-Identifier: Apache-2.0
"""What a rollback goes back to, and what is kept for one."""
import json
import os

import pytest

import schema
from place import Place, packages

pytestmark = pytest.mark.host


@pytest.fixture
def place(tmp_path, fitout):
    return Place(tmp_path, fitout)


def tree(place, text, **keys):
    return packages(place.package("a", "p", {"f": text, "g": "same"}, **keys))


def rollback(place, *words, status=0):
    done = place.run("rollback", *words)
    assert done.returncode == status, done.stderr
    return done


def kept(place):
    value = json.loads(place.run("--json", "status").stdout)
    schema.validate(value, "status")
    assert sorted([row["generation"] for row in value["kept"]] +
                  [value["generation"]]) == sorted(
        int(p.name) for p in (place.path / "state/generations").iterdir()
        if p.name.isdigit())
    return [row["generation"] for row in value["kept"]]


def test_repairs_do_not_push_out_what_a_rollback_is_for(place):
    place.apply(tree(place, "one"))
    place.apply(tree(place, "two"))
    for n in range(5):
        (place.path / "p/g").write_text(f"edited {n}")
        place.apply(tree(place, "two"))
        assert place.read("p/g") == "same"
        assert 1 in kept(place) and len(kept(place)) <= 3
    assert "generation  7 of" in place.run("status").stdout
    assert "kept        1, 5, 6 for fitout rollback" in \
        place.run("status").stdout
    assert place.find("edited 4") == [
        "state/generations/6/drift%s/p/g" % place.path]
    # The trees that were put right are not kept either.
    assert [p.name for p in (place.path / ".fitout-old").iterdir()] == ["p-1"]
    rollback(place)
    assert place.read("p/f") == "one"
    rollback(place)
    assert place.read("p/f") == "two", "and back again"


def test_as_many_editions_are_kept_as_the_profile_says(place):
    for n in range(1, 7):
        place.apply(tree(place, f"edition {n}"), "keep_generations = 3;")
        (place.path / "p/g").write_text("edited")
        place.apply(tree(place, f"edition {n}"), "keep_generations = 3;")
    assert kept(place) == [6, 8, 9, 10, 11]
    rollback(place, "--to", "6")
    assert place.read("p/f") == "edition 3"


def test_going_back_where_all_that_is_kept_is_the_same(place):
    place.apply(tree(place, "one"))
    (place.path / "p/g").write_text("edited")
    place.apply(tree(place, "one"))
    error = rollback(place, status=1).stderr
    assert "nothing to go back to" in error and "(2)" in error, error


def tamper(path):
    """Another byte, the same size and times."""
    st = os.stat(path)
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def test_a_kept_tree_that_was_tampered_with_is_not_taken_back(place):
    place.apply(tree(place, "one"))
    place.apply(tree(place, "two"))
    tamper(place.path / ".fitout-old/p-1/f")
    done = rollback(place)
    assert place.read("p/f") == "one"
    assert "p-1 is not what was installed (f: content)" in done.stderr
    assert "taken back from" not in done.stderr
    # One that is whole is taken back.
    tamper(place.path / "p/f")
    place.apply(tree(place, "one"))
    done = rollback(place)
    assert place.read("p/f") == "two"
    assert "taken back from" in done.stderr, done.stderr


def names(place):
    return sorted(p.name for p in (place.path / ".fitout-old").iterdir())


def test_another_states_trees_and_other_peoples_stay(place, fitout):
    other = Place(place.path / "b", fitout)
    other.path.mkdir()
    for text in "123":
        place.apply(tree(place, text))
    mine = place.path / ".fitout-old/backup-1"
    mine.mkdir()
    # Another state directory, which has its trees beside these.
    for text in "12345":
        other.apply(packages(
            other.package("a", "../q", {"f": text}).replace(
                str(other.path) + "/../", str(place.path) + "/")))
    assert names(place) == ["backup-1", "p-1", "p-2", "q-3", "q-4"]
    for text in "45":
        place.apply(tree(place, text))
    assert names(place) == ["backup-1", "p-3", "p-4", "q-3", "q-4"]


def test_a_directory_that_fitout_did_not_install_waits_for_ever(place):
    place.apply(packages(place.package("b", "q", {"f": "1"})))
    (place.path / "p").mkdir()
    (place.path / "p/original").write_text("somebody's")
    for text in "123456":
        place.apply(tree(place, text))
    assert place.read(".fitout-old/p-1/original") == "somebody's"
    assert names(place) == ["p-1", "p-5", "p-6"]


def test_nothing_that_is_kept_is_replaced(place):
    (place.path / "p").mkdir()
    (place.path / "p/original").write_text("somebody's")
    place.apply(tree(place, "one"))
    place.apply(tree(place, "two"))
    assert names(place) == ["p-0", "p-1"]
    os.rename(place.path / "state", place.path / "lost")
    place.apply(tree(place, "three"))
    place.apply(tree(place, "four"))
    assert place.read(".fitout-old/p-0/original") == "somebody's"
    assert place.read(".fitout-old/p-0.1/f") == "two"
    assert place.read(".fitout-old/p-1/f") == "one"
    assert place.read(".fitout-old/p-1.1/f") == "three"
    # A rollback finds its own.
    done = rollback(place)
    assert "p-1.1" in done.stderr and place.read("p/f") == "three"


def test_status_tells_a_monitor_by_its_exit_status(place):
    place.apply(tree(place, "one"))
    assert place.run("status", "--exit-code").returncode == 0
    tamper(place.path / "p/f")
    assert place.run("status", "--exit-code").returncode == 0
    done = place.run("status", "--exit-code", "--verify")
    assert done.returncode == 10 and "apply --verify" in done.stdout
    place.run("apply", "--verify", str(place.path / "p.cfg"))
    assert place.run("status", "--exit-code", "--verify").returncode == 0
    tamper(place.path / "p/f")
    (place.path / "p/f").chmod(0o600)
    assert place.run("status", "--exit-code").returncode == 10
    assert place.run("status").returncode == 0


def test_a_file_out_of_a_kept_tree_comes_from_the_tree_of_then(place):
    # Its place sorts before the tree's: it is settled before.
    files = ('files = ( { from = "a:f"; to = "%s/etc/f"; } );' % place.path)
    place.apply(tree(place, "one"), files)
    place.apply(tree(place, "two"), files)
    assert "taken back from" in rollback(place).stderr
    assert place.read("etc/f") == place.read("p/f") == "one"
    place.apply()
    assert not (place.path / "etc/f").exists()
    assert "taken back from" in rollback(place).stderr
    assert place.read("etc/f") == place.read("p/f") == "one"


def test_a_run_prints_one_line(place):
    """When the agent started is news after a boot, and where there is one."""
    agent = ('agent = { kind = "command"; start = [ "touch", "%s/agent" ]; '
             'stop = [ "rm", "-f", "%s/agent" ]; status = [ "test", "-e", '
             '"%s/agent" ]; };' % ((place.path,) * 3))
    for more in ("", agent):
        done = place.apply(tree(place, "one" + more[:5]), more)
        assert done.stdout.count("\n") == 1, done.stdout
        report = json.loads(place.run("--json", "report").stdout)
        assert ("agent_since_start_ms" in report) == bool(more)
    assert "the agent started" not in rollback(place).stdout
    assert "the agent" not in place.run("boot").stdout


def agent(place):
    return ('agent = { kind = "command"; start = [ "touch", "%s/agent" ]; '
            'stop = [ "rm", "-f", "%s/agent" ]; status = [ "test", "-e", '
            '"%s/agent" ]; };' % ((place.path,) * 3))


def test_a_check_that_changes_is_recorded(place):
    """And it must hold; nothing else is done: the agent is not stopped."""
    checks = 'checks = ( { name = "c"; run = [ "%s" ]; timeout = "1s"; } );'
    files = tree(place, "one")
    place.apply(files, agent(place), checks % "true")
    ran = os.stat(place.path / "agent").st_mtime_ns
    place.apply(files, agent(place), checks % "true", "# a word more")
    assert kept(place) == []
    profile = str(place.write(files, agent(place), checks % "false"))
    plan = place.run("plan", "--exit-code", profile)
    assert plan.returncode == 10 and "would record it" in plan.stdout
    assert "reopen" not in plan.stdout
    done = place.run("apply", profile)
    assert done.returncode == 1 and "check c" in done.stderr, done.stderr
    assert kept(place) == []
    assert place.run("boot").returncode == 0, "by what is recorded"
    profile = str(place.write(files, agent(place), checks % "/bin/true"))
    done = place.run("apply", profile)
    assert done.returncode == 0 and "generation 2" in done.stdout, done.stderr
    assert kept(place) == [1]
    assert os.stat(place.path / "agent").st_mtime_ns == ran
    assert place.run("plan", "--exit-code", profile).returncode == 0
    assert "nothing to do" in place.run("apply", profile).stdout
    assert "generation 2" in (place.path / "state/ready").read_text()


def test_an_agent_that_the_profile_no_longer_has(place):
    files = tree(place, "one")
    place.apply(files, agent(place))
    profile = str(place.write(files))
    plan = place.run("plan", "--exit-code", profile)
    assert plan.returncode == 10 and \
        "remove  agent  (the profile no longer names it" in plan.stdout
    assert (place.path / "agent").exists()
    place.apply(files)
    assert "running" not in place.run("status").stdout
    # It is stopped, and not started at a boot.
    assert not (place.path / "agent").exists()
    (place.path / "state/ready").unlink()
    assert place.run("boot").returncode == 0
    assert not (place.path / "agent").exists()
    # A rollback knows it again, and starts it.
    rollback(place)
    assert "running" in place.run("status").stdout
    assert "nothing to do" in place.apply(files, agent(place)).stdout
