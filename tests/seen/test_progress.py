# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a run on a terminal, and a program on a descriptor.

The origin sends what it is told to; each screen is waited for, none is hoped
for after a while.
"""
import json
import os
import re
import subprocess

import pytest

from stand import FITOUT, WAIT_S

THREE = ("nginx", "php7", "zabbix-agent")
SIZE = 4_000_000


@pytest.fixture
def three(stand):
    for name in THREE:
        stand.package(name, SIZE)
    return stand


def begin(three, terminal, **environment):
    """The run on a terminal, with three answers that wait."""
    terminal.run(three.argv("apply", str(three.write())), **environment)
    return [three.origin.next(f"/{name}.tar") for name in THREE]


def line_of(screen, name):
    lines = [line for line in screen.splitlines()
             if re.match(rf"  package {name}\b", line)]
    assert len(lines) <= 1, f"{name} is there more than once:\n{screen}"
    return lines[0] if lines else ""


def has(name, *words):
    return lambda screen: all(w in line_of(screen, name) for w in words)


def test_three_downloads_one_retry_and_one_failure(three, terminal):
    window = terminal(80)
    nginx, php, zabbix = begin(three, window)
    nginx.send(SIZE // 2)
    php.send(SIZE // 4)
    window.wait_for(has("php7", "24%", "1.0 MB of 4.0 MB"))
    php.reset()
    php = three.origin.next("/php7.tar")
    php.send(SIZE // 2)
    screen = window.wait_for(has("php7", "49%", "1 retry"))
    assert has("nginx", "49%", "2.0 MB of 4.0 MB")(screen), screen
    assert has("zabbix-agent", "waiting")(screen), screen
    head = [x for x in screen.splitlines() if "fetched 0 of 3" in x]
    assert len(head) == 1 and re.match(r"0:\d\d  fetched 0 of 3  4.0 MB",
                                       head[0]), screen
    # The log is above, whole and in order.
    log = screen[:screen.index("fetched 0 of 3")]
    assert log.count("fetching http://") == 3, screen
    assert "connection broke" in log.replace("\n", ""), screen
    nginx.finish()
    screen = window.wait_for(
        lambda s: "fetched 1 of 3" in s and not line_of(s, "nginx"))
    assert "package nginx: 4.0 MB verified and unpacked" in screen
    zabbix.refuse(404)
    assert window.ended() == 1
    screen = window.screen()
    assert "web FAILED after" in screen, screen
    assert "fetched" not in screen.split("=" * 76)[0].splitlines()[-1]
    assert not line_of(screen, "php7"), screen
    column, _, visible = window.cursor()
    assert visible and column == 0


@pytest.mark.parametrize("columns", [20, 32, 40, 60, 100])
def test_no_line_is_wider_than_the_window(three, terminal, columns):
    window = terminal(columns)
    answers = begin(three, window)
    answers[0].send(SIZE // 2)
    screen = window.wait_for(lambda s: "49%" in s)
    area = screen[screen.index("0:0"):]
    lines = area.strip("\n").splitlines()
    assert len(lines) == 4, screen
    if columns >= 60:
        assert "MB of 4.0 MB" in lines[1], screen
    if columns >= 100:
        assert re.search(r"\[=+> +\]", lines[1]), screen
    for answer in answers:
        answer.finish()
    assert window.ended() == 0


def test_it_survives_a_window_that_changes_its_size(three, terminal):
    window = terminal(80)
    answers = begin(three, window)
    answers[0].send(SIZE // 2)
    window.wait_for(has("nginx", "49%"))
    for columns in (40, 100, 30, 80):
        window.resize(columns)
        bar = columns >= 100
        window.wait_for(lambda s: has("nginx", "49%")(s) and
                        ("[===" in line_of(s, "nginx")) == bar and
                        len(line_of(s, "nginx")) > columns / 2 - 8)
    for answer in answers:
        answer.finish()
    assert window.ended() == 0
    everything = window.screen("-S", "-", "-J")
    for name in THREE:
        assert f"package {name}: 4.0 MB verified" in everything, everything
        assert everything.count(f"package {name}: fetching") == 1
    assert "web: done in" in everything


def test_more_transfers_than_rows(stand, terminal):
    for i in range(30):
        stand.package(f"p{i:02}", 1000)
    window = terminal(80, 12)
    window.run(stand.argv("apply", str(stand.write())))
    answers = [stand.origin.next(f"/p{i:02}.tar") for i in range(30)]
    screen = window.wait_for(lambda s: "more" in s)
    assert re.search(r"^  and 2\d more$", screen, re.M), screen
    assert "fetched 0 of 30" in screen, screen
    for answer in answers:
        answer.finish()
    assert window.ended() == 0


def test_interrupted_with_control_c(three, terminal):
    window = terminal(80)
    answers = begin(three, window)
    answers[0].send(SIZE // 2)
    window.wait_for(has("nginx", "49%"))
    window.type("C-c")
    assert window.ended() == 1
    screen = window.screen()
    assert "interrupted by SIGINT" in screen, screen
    assert not line_of(screen, "nginx"), screen
    column, _, visible = window.cursor()
    assert visible and column == 0


def test_colour_on_a_terminal_unless_told_not_to(three, terminal):
    window = terminal(80)
    begin(three, window)
    window.wait_for(lambda s: "\033[1m" in s, "-e")
    window.type("C-c")
    assert window.ended() == 1


def test_no_colour(three, terminal):
    window = terminal(80)
    begin(three, window, NO_COLOR="1")
    window.wait_for(has("nginx", "waiting"))
    screen = window.screen("-e")
    assert "\033[" not in screen.replace("\033[0m", ""), repr(screen)
    window.type("C-c")
    assert window.ended() == 1


def test_a_dumb_terminal_gets_plain_lines(three, terminal):
    window = terminal(80)
    answers = begin(three, window, TERM="dumb")
    for answer in answers:
        answer.finish()
    assert window.ended() == 0
    assert "fetched" not in window.screen()


def test_what_a_server_says_cannot_move_the_cursor(stand, terminal):
    stand.origin.serve("/x", b"")
    stand.blocks.append(
        '{ name = "evil"; url = "http://127.0.0.1:%d/x"; into = "/srv/x";'
        f' sha256 = "{"0" * 64}"; }}' % stand.origin.port)
    window = terminal(80)
    window.run(stand.argv("apply", str(stand.write())))
    answer = stand.origin.next("/x")
    answer.connection.sendall(
        b"HTTP/1.1 404 \033[2J\033[31mOwned\r\nContent-Length: 0\r\n\r\n")
    assert window.ended() == 1
    screen = window.screen()
    assert "apply web" in screen, screen
    assert "\033[31m" not in window.screen("-e")


def test_steps_that_last_are_seen(stand, terminal):
    """A command of this host's own: it waits until the screen was seen."""
    hold = stand.directory / "hold"
    os.mkfifo(hold)
    path = stand.directory / "wait.cfg"
    path.write_text(
        'fitout = 1; name = "wait"; commands = ( { name = "wait"; '
        f'run = [ "/bin/cat", "{hold}" ]; unless = [ "/bin/false" ]; }} );')
    window = terminal(80)
    window.run([FITOUT, "--state", str(stand.directory / "state"), "apply",
                str(path)])
    window.wait_for(lambda s: re.search(
        r"^0:\d\d  \[1/1\] commit command wait  0:0[1-9]$", s, re.M))
    with open(hold, "w"):
        pass
    assert window.ended() == 0


# ---- for programs ----

def lines_of(argv):
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [*argv[:1], "--progress-fd", str(theirs), *argv[1:]],
        pass_fds=[theirs], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    return process, os.fdopen(ours)


def test_lines_for_programs(three):
    process, lines = lines_of(three.argv("apply", str(three.write()),
                                         progress="none"))
    answers = [three.origin.next(f"/{name}.tar") for name in THREE]
    answers[1].send(SIZE // 2)
    seen = []
    while not (seen and seen[-1]["what"] == "transfer" and
               seen[-1]["resource"] == "package php7" and
               seen[-1]["bytes"] == SIZE // 2):
        seen.append(json.loads(lines.readline()))
    assert seen[-1]["state"] == "fetching"
    assert seen[-1]["size"] > SIZE
    for answer in answers:
        answer.finish()
    seen += [json.loads(line) for line in lines]
    assert process.wait(WAIT_S) == 0, process.stderr.read()
    assert {line["fitout_progress"] for line in seen} == {1}
    assert seen[-1]["what"] == "end" and seen[-1]["status"] == 0
    assert [line["elapsed_ms"] for line in seen] == sorted(
        line["elapsed_ms"] for line in seen)


def test_a_reader_that_does_not_read_holds_nothing_up(three):
    """Of what is written while the pipe is full nothing arrives."""
    process, lines = lines_of(three.argv("apply", str(three.write()),
                                         progress="none"))
    ends = [three.origin.next(f"/{name}.tar") for name in THREE]
    for answer in ends:
        answer.finish()
    assert process.wait(WAIT_S) == 0
    assert json.loads(lines.readlines()[-1])["what"] == "end"


@pytest.mark.parametrize("number, words", [
    ("77", "no such descriptor is open"), ("1", "3 or more"),
    ("x", "3 or more")])
def test_a_descriptor_that_is_not_open(stand, number, words):
    done = stand.run("--progress-fd", number, "apply", str(stand.write()))
    assert done.returncode == 2 and words in done.stderr, done.stderr


# ---- plain ----

def test_plain_lines_are_records_of_the_log(stand):
    """A quarter more, and two seconds: one record, with the figures."""
    stand.package("slow", SIZE)
    process = subprocess.Popen(
        [FITOUT, "--json", "--root", str(stand.root), "apply",
         str(stand.write())],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    answer = stand.origin.next("/slow.tar")
    answer.send(SIZE // 10)
    answer.send(SIZE // 2)
    for line in process.stderr:
        record = json.loads(line)
        if record["event"] == "fetch.progress":
            break
    assert record["resource"] == "package slow"
    assert record["bytes"] == SIZE // 2
    assert "2.0 MB of 4.0 MB (49%)" in record["message"]
    assert record["elapsed_ms"] >= 2000
    answer.finish()
    rest = [json.loads(line) for line in process.stderr]
    assert process.wait(WAIT_S) == 0
    done = [x for x in rest if x["event"] == "fetch.done"]
    assert done[0]["bytes"] > SIZE and done[0]["duration_ms"] >= 2000


def test_none_says_nothing_and_a_no_op_draws_nothing(stand, terminal):
    stand.package("app", 1000, free=True)
    path = stand.write()
    assert stand.run("apply", str(path)).returncode == 0
    window = terminal(80)
    window.run(stand.argv("apply", str(path)))
    assert window.ended() == 0
    assert "nothing to do" in window.screen()
