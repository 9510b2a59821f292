# SPDX-License-Identifier: Apache-2.0
"""Evidence by PUT to a real nginx, over https."""
import json
import shutil
import subprocess
import time
import urllib.parse

import pytest

from netns import WITH_US

PORT = 8443
SECRET = "hunter2-not-for-the-server"
CONFIG = """daemon off;
worker_processes 1;
user root;
pid {at}/pid;
error_log {at}/error.log;
events {{ }}
http {{
  access_log {at}/access.log;
  client_body_temp_path {at}/body;
  proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;
  uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  server {{
    listen 10.12.0.1:{port} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key};
    root {at}/www;
    location /web/ {{
      dav_methods PUT; create_full_put_path on; client_max_body_size 32m;
      limit_except PUT {{ deny all; }}
    }}
  }}
}}
"""

pytestmark = [pytest.mark.host, pytest.mark.skipif(
    not shutil.which("nginx"), reason="no nginx")]


@pytest.fixture
def www(cloud, certs, tmp_path):
    """The root of an nginx that takes what is put below /web/."""
    at = tmp_path / "nginx"
    (at / "www").mkdir(parents=True)
    cert, key = certs.good
    (at / "nginx.conf").write_text(CONFIG.format(at=at, port=PORT, cert=cert,
                                                 key=key))
    process = subprocess.Popen(
        [*cloud.ns.enter(), *WITH_US, "nginx", "-c", at / "nginx.conf",
         "-p", at, "-e", at / "error.log"],
        stdin=subprocess.DEVNULL)
    for _ in range(200):
        if f":{PORT}" in cloud.ns.run("ss", "-Hltn"):
            break
        assert process.poll() is None, (at / "error.log").read_text()
        time.sleep(0.05)
    yield at / "www"
    process.terminate()
    process.wait(10)


def test_evidence_is_put_before_the_run_ends(scene, www):
    scene.blocks["signal"] = (
        f'signal = {{ evidence = "https://origin.test:{PORT}/web/"; '
        'console = "never"; };\n')
    scene.blocks["checks"] = (
        'checks = ( { run = [ "sh", "-c", "echo no page; '
        f'echo DB_PASSWORD={SECRET}; exit 1" ]; timeout = 1; }} );\n')
    done = scene.apply("--json")
    assert done.status == 1, done.err
    kept = json.loads(done.out)["evidence"]
    address, _, count = kept.partition(" ")
    place = www / urllib.parse.urlsplit(address).path.lstrip("/")
    found = {path.name: path.read_bytes() for path in place.iterdir()}
    assert count == f"({len(found)} files)" and "outputs.txt" in found, kept
    report = json.loads(found["report.json"])
    assert report["outcome"] == "failed"
    assert report["run"] == json.loads(done.out)["run"]
    assert b"no page" in found["outputs.txt"]
    assert not [name for name, data in found.items() if
                SECRET.encode() in data]
    # Each by one request that was answered well.
    log = (www.parent / "access.log").read_text().splitlines()
    assert len(log) == len(found)
    assert all('"PUT /web/' in line and '" 201 ' in line for line in log), log


def test_a_server_that_forbids_it_is_named(scene, www):
    scene.blocks["signal"] = (
        f'signal = {{ evidence = "https://origin.test:{PORT}/read-only/"; '
        'console = "never"; };\n')
    scene.blocks["checks"] = (
        'checks = ( { run = [ "false" ]; timeout = 1; } );\n')
    done = scene.apply("--json")
    kept = json.loads(done.out)["evidence"]
    assert done.status == 1 and kept.startswith("NOT KEPT at "), kept
    assert "405" in kept and "report.json" in kept, kept
