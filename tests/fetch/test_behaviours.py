# SPDX-License-Identifier: Apache-2.0
"""Every row of behaviours.py, against the fetcher alone and, where it says
so, against a whole run."""
import os
import pathlib
import subprocess
import time

import pytest

import behaviours
from behaviours import ANY, BODY, DIGEST, REFUSED, ROWS, SERVERS, SHA256, WHOLE
from conftest import CLEAN
from web import Parts

TOP = pathlib.Path(__file__).resolve().parents[2]


def arrange(row, serve, certificates):
    """The row's server, and the address to fetch."""
    if row.server in SERVERS:
        server = serve(**SERVERS[row.server])
    elif row.server == "http":
        server = serve()
    else:
        context = getattr(certificates, row.server)
        server = serve(context=context() if row.server == "old" else context)
    server.on(row.path.split("?")[0],
              *[step.start() if isinstance(step, Parts) else step
                for step in row.steps])
    for path, steps in row.more.items():
        server.on(path, *steps)
    return server, server.url(row.path)


def counts(row, server):
    assert row.requests in (ANY, len(server.requests)), \
        [request.line for request in server.requests]
    if row.connections:
        assert server.connections == row.connections


def no_secret(row, said):
    query = row.path.partition("?")[2]
    for pair in query.split("&") if query else ():
        assert pair.partition("=")[2] not in said


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_fetcher(row, serve, fetch, certificates):
    server, url = arrange(row, serve, certificates)
    start = time.monotonic()
    r = fetch("--ca", certificates.ca, *row.options, url)
    assert time.monotonic() - start < row.seconds
    if row.verdict == REFUSED:
        kind, text = r.failure()
        assert kind in ("network", "timeout", "limit")
        assert f"127.0.0.1:{server.port}{row.path.split('?')[0]}: " in text
        assert row.words in text
    else:
        assert r.code == 0
        assert (r.out == BODY) == (row.verdict == WHOLE)
    no_secret(row, r.err)
    counts(row, server)


@pytest.fixture
def fitout():
    path = pathlib.Path(os.environ.get("FITOUT", TOP / "build/static/fitout"))
    if not path.exists():
        pytest.skip(f"{path} is not built: run tools/build")
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="fitout apply needs root")
@pytest.mark.parametrize("row", [row for row in ROWS if row.apply],
                         ids=lambda row: row.name)
def test_a_whole_run(row, serve, certificates, fitout, tmp_path):
    server, url = arrange(row, serve, certificates)
    budget, more = (row.apply, "") if row.apply.startswith("budget") \
        else ("", row.apply)
    (tmp_path / "programs").mkdir()
    profile = tmp_path / "profile.cfg"
    profile.write_text(f"""fitout = 1; name = "behaviour"; {budget}
packages = ( {{ name = "thing"; url = "{url}"; sha256 = "{SHA256}";
  into = "{tmp_path}/programs/thing"; {more} }} );
files = ( {{ to = "{tmp_path}/programs/note"; content = "x\\n"; }} );
""")
    start = time.monotonic()
    done = subprocess.run(
        [fitout, "--state", tmp_path / "state", "apply", profile],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        env={**CLEAN, "SSL_CERT_FILE": str(certificates.ca)})
    said = done.stdout + done.stderr
    print(said)
    assert time.monotonic() - start < 30
    installed = sorted(os.listdir(tmp_path / "programs"))
    if row.verdict == WHOLE:
        assert done.returncode == 0
        assert installed == ["note", "thing"]
        counts(row, server)
        return
    assert done.returncode == 1
    assert installed == []
    # The last thing said is who failed, and why.
    last = said[said.rindex("error: "):]
    assert "package thing" in last and f"127.0.0.1:{server.port}" in last
    if row.verdict == DIGEST:
        assert "not what was promised" in last
    elif not budget:
        assert row.words in last
        counts(row, server)
    else:
        assert "ran out" in last or "time allowed" in last


def test_the_table_names_each_row_once():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 40
    assert sum(bool(row.apply) for row in ROWS) >= 10
    assert len(list(behaviours.table())) == len(ROWS)
