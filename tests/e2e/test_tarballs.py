# SPDX-License-Identifier: Apache-2.0
"""The tarballs of tools/make-tarballs, unpacked by hand: they serve, on every
release, and their supervisor and logrotate files are good."""
import subprocess

import pytest

PROGRAMS = "/usr/local/programs"
GET = f"{PROGRAMS}/php7/bin/php -n -r 'echo file_get_contents($argv[1]);' -- "


def unpack(host, tarballs, *names):
    host.disk.path(PROGRAMS).mkdir(parents=True, exist_ok=True)
    for name in names:
        subprocess.run(["tar", "-C", host.disk.path(PROGRAMS), "-xf",
                        tarballs / name], check=True)


def get(host, path):
    return host.run("sh", "-c", f"{GET} http://127.0.0.1{path}",
                    check=False).out


@pytest.mark.parametrize("name", ["bookworm", "trixie", "sid"])
def test_nginx_serves_a_php_page(name, box, tarballs):
    host = box(name)
    unpack(host, tarballs, "nginx1.14.tar", "php7.tar.zst")
    for program in ("nginx/supervisor.d/nginx.conf",
                    "php7/etc/supervisor.d/php-fpm.conf"):
        text = host.read(f"{PROGRAMS}/{program}")
        command = text.split("command=")[1].split("\n")[0]
        host.run("sh", "-c", f"PHP_INI_SCAN_DIR= setsid {command} "
                 ">/dev/null 2>&1 </dev/null &")
    host.wait_for("health", lambda: get(host, "/health") == "ok\n")
    host.wait_for("the page", lambda: "by fpm-fcgi: 6*7=42 mb=2"
                  in get(host, "/index.php"))
    assert get(host, "/version.txt") == "nginx1.14\n"


def test_supervisor_runs_them_and_logrotate_takes_the_file(box, tarballs):
    host = box()
    unpack(host, tarballs, "nginx1.16.tar.gz", "php7.tar.xz")
    for source, to in (
            ("nginx/supervisor.d/nginx.conf", "/etc/supervisor/conf.d"),
            ("php7/etc/supervisor.d/php-fpm.conf", "/etc/supervisor/conf.d"),
            ("nginx/logrotate.d/nginx", "/etc/logrotate.d")):
        host.run("cp", f"{PROGRAMS}/{source}", to)
    host.run("service", "supervisor", "start")
    host.wait_for("both programs", lambda: host.run(
        "supervisorctl", "status", check=False).out.count("RUNNING") == 2)
    host.wait_for("the page", lambda: "6*7=42" in get(host, "/"))
    assert get(host, "/version.txt") == "nginx1.16\n"
    rotated = host.run("logrotate", "-d", "/etc/logrotate.d/nginx")
    assert "error:" not in rotated.err, rotated.err
    assert "rotating pattern: /usr/local/programs/nginx/logs/*.log" \
        in rotated.err
    host.run("logrotate", "-f", "/etc/logrotate.d/nginx")
    assert get(host, "/health") == "ok\n"
    assert "/health" in host.run(
        "cat", f"{PROGRAMS}/nginx/logs/access.log").out
