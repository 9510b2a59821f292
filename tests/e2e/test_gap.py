# SPDX-License-Identifier: Apache-2.0
"""An upgrade of nginx and PHP that fails on a check: the old ones serve again
with the old configuration, and whoever asks meanwhile waits, or is turned
away, no longer than a restart of the same programs takes.

The gaps are measured by a loop of requests, and compared with those that
supervisorctl's own restart makes in the same box a moment before: a ratio, as
the machine may be busy. They are printed (pytest -s)."""
import io
import json
import tarfile
import time

import pytest

import snapshot
from test_demo_profile import CONFIG, PROGRAMS, demo, serving

pytestmark = pytest.mark.host

# A line a request: begin, end, status (0: none), what it was answered by.
LOOP = """
import http.client, json, os, sys, time
out = open(sys.argv[1], "w", buffering=1)
for number in range(1000000):
    if os.path.exists(sys.argv[2]):
        break
    path = ("/index.php", "/version.txt")[number % 2]
    begin = time.monotonic()
    row = {"path": path, "status": 0}
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        row["body"] = answer.read(4096).decode(errors="replace")
        row["status"] = answer.status
        row["type"] = answer.getheader("Content-Type")
        row["nginx"] = answer.getheader("X-Configuration")
    except (OSError, http.client.HTTPException) as error:
        row["error"] = str(error)
    connection.close()
    out.write(json.dumps({"begin": begin, "end": time.monotonic(), **row})
              + "\\n")
    time.sleep(0.005)
"""


def repacked(data, name, change):
    """The tar file with one member's text changed."""
    out = io.BytesIO()
    changed = 0
    with tarfile.open(fileobj=io.BytesIO(data)) as old, \
            tarfile.open(fileobj=out, mode="w") as new:
        for info in old:
            content = old.extractfile(info) if info.isreg() else None
            if info.name == name:
                text = change(content.read().decode()).encode()
                info.size, content = len(text), io.BytesIO(text)
                changed += 1
            new.addfile(info, content)
    assert changed == 1
    return out.getvalue()


def mark_nginx(text):
    assert text.count("http {") == 1
    return text.replace("http {", "http {\n    add_header X-Configuration "
                        "new always;")


class Loop:
    """Requests one after the other, from start to stop."""

    def __init__(self, host):
        self.host = host
        host.disk.write("/srv/loop.py", LOOP)

    def __enter__(self):
        self.host.run("rm", "-f", "/srv/stop", "/srv/rows")
        self.process = self.host.start(
            "/usr/bin/python3", "/srv/loop.py", "/srv/rows", "/srv/stop")
        self.host.wait_for("the first request",
                           lambda: self.host.exists("/srv/rows") and
                           '"status": 200' in self.host.read("/srv/rows"))
        return self

    def __exit__(self, *_):
        time.sleep(0.5)       # some requests after it, too
        self.host.disk.write("/srv/stop", "")
        self.process.wait(60)
        self.rows = [json.loads(line) for line in
                     self.host.read("/srv/rows").splitlines()]
        assert self.rows[0]["status"] == self.rows[-1]["status"] == 200

    def gaps(self):
        """Seconds from the begin of the first request for a page that failed
        to the end of the first that did not: how long somebody who tries
        again waits for it."""
        found, begin = [], {}
        for row in self.rows:
            path = row["path"]
            if row["status"] != 200:
                begin.setdefault(path, row["begin"])
            elif path in begin:
                found.append(row["end"] - begin.pop(path))
        return found

    def slowest(self):
        return max(row["end"] - row["begin"] for row in self.rows)


def restart(demo, loop):
    """What supervisor's own restart of both costs, by its clock and ours."""
    begin = time.monotonic()
    with loop:
        demo.host.run("supervisorctl", "-c", CONFIG, "restart", "nginx",
                      "php-fpm")
        took = time.monotonic() - begin
    return took, max(loop.gaps() + [loop.slowest()])


@pytest.fixture
def new(serving, tarballs):
    content = serving.origin.content
    content["/new/nginx1.14.tar"] = repacked(
        content["/new/nginx1.14.tar"], "nginx/conf/nginx.conf", mark_nginx)
    content["/new/php7.tar"] = repacked(
        (tarballs / "php7.tar").read_bytes(), "php7/etc/php.ini",
        lambda text: text + '\ndefault_mimetype = "text/x-new"\n')
    return serving


def test_the_old_ones_serve_again_within_the_time_of_a_restart(new):
    new.change(("6*7=42", "6*7=43"), ("timeout = 60", "timeout = 3"))
    before = new.look()
    loop = Loop(new.host)
    took, reference = map(max, zip(*[restart(new, loop) for _ in range(2)]))
    with loop:
        done = new.fitout("apply", origin="new")
    assert done.status == 1, done.err
    assert "check page:" in done.err
    assert "The host is as it was before." in done.err
    # The new ones did serve, with the new configuration, and do no more.
    pages = [r for r in loop.rows if r["status"] == 200
             and r["path"] == "/index.php"]
    types = [r["type"].split(";")[0] for r in pages]
    assert "text/x-new" in types
    assert types[0] == types[-1] == "text/html"
    marks = [r["nginx"] for r in loop.rows if r["status"] == 200]
    assert "new" in marks
    assert marks[0] is marks[-1] is None
    assert "6*7=42" in pages[-1]["body"]
    versions = [r["body"] for r in loop.rows if r["status"] == 200
                and r["path"] == "/version.txt"]
    assert versions[0] == versions[-1] == "nginx1.14\n"
    assert "nginx1.16\n" in versions
    # Old, new, old again; nothing is left of the new.
    assert [new.spawned().count(name) for name in ("nginx", "php-fpm")] == \
        [5, 5]      # 1, two restarts, the upgrade, back
    assert [line for line in snapshot.diff(before, new.look())
            if not line.startswith("+ srv/")] == []      # the loop's own
    for name in (f"{PROGRAMS}/nginx/conf/nginx.conf",
                 f"{PROGRAMS}/php7/etc/php.ini"):
        assert "new" not in new.host.read(name).split()
    gaps = loop.gaps()
    failed = [r["end"] - r["begin"] for r in loop.rows if r["status"] != 200]
    print(f"\n{len(loop.rows)} requests, {len(failed)} failed; gaps "
          f"{', '.join(f'{g * 1000:.0f} ms' for g in gaps) or 'none'}; "
          f"slowest answer {loop.slowest() * 1000:.0f} ms; supervisorctl "
          f"restart: {took * 1000:.0f} ms, gap {reference * 1000:.0f} ms; "
          f"ratio {max(gaps, default=0) / reference:.2f}")
    assert max(failed, default=0) <= took
    assert max(gaps, default=0) <= 2 * took
    assert loop.slowest() <= 2 * took
