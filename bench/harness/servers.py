# SPDX-License-Identifier: Apache-2.0
"""nginx, the one from the inputs, serving them: port 8080 plain, 8443 TLS with
a certificate of our own CA, 8081 the same as 8080 with every connection paced
to 80 MB/s (bench/pace.c)."""
import os
import subprocess
import time

from harness import box, places

PLAIN, TLS, PACED, LOCAL = 8080, 8443, 8081, "file"
PACE_BYTES = 80_000_000
ADDRESSES = ("127.0.0.1", "10.77.1.1", "10.77.2.1")

CONFIG = """worker_processes 1;
pid %(dir)s/nginx.pid;
error_log %(dir)s/error.log;
daemon off;
user root;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path %(dir)s/body; proxy_temp_path %(dir)s/proxy;
    fastcgi_temp_path %(dir)s/fcgi; uwsgi_temp_path %(dir)s/uwsgi;
    scgi_temp_path %(dir)s/scgi;
    server { root %(root)s; %(listen)s }
}
"""


class Servers:
    """Started at need, ended with the box."""

    def __init__(self, room, inputs):
        self.room, self.inputs = room, inputs
        self.started = {}
        tree = os.path.join(room, "server")
        os.makedirs(tree)
        subprocess.run(["tar", "-C", tree, "-xf", os.path.join(
            inputs.real, "nginx1.14.tar")], check=True)
        self.program = os.path.join(tree, "nginx/sbin/nginx")
        self.ca = os.path.join(room, "ca.pem")
        self.bundle = os.path.join(room, "bundle.pem")

    def base(self, address="127.0.0.1", port=PLAIN):
        """The URL that the inputs are below; starts what serves it. LOCAL is
        no server: file://."""
        if port == LOCAL:
            return "file://" + self.inputs.dir
        if port not in self.started:
            self._start(port)
        return "%s://%s:%d" % ("https" if port == TLS else "http", address,
                               port)

    def _start(self, port):
        listen = "listen 0.0.0.0:%d;" % port
        environment = dict(os.environ)
        if port == TLS:
            self.certificates()
            listen = ("listen 0.0.0.0:%d ssl; ssl_certificate %s/server.pem; "
                      "ssl_certificate_key %s/server.key;" % (
                          port, self.room, self.room))
        if port == PACED:
            library = compiled(self.room, "pace.c", "-shared", "-fPIC", "-ldl")
            environment.update(LD_PRELOAD=library, PACE_BYTES=str(PACE_BYTES))
        home = os.path.join(self.room, "nginx-%d" % port)
        os.makedirs(home)
        with open(os.path.join(home, "nginx.conf"), "w") as file:
            file.write(CONFIG % {"dir": home, "root": self.inputs.dir,
                                 "listen": listen})
        # nginx keeps only the variables it is told to keep, but the loader
        # has seen ours by then; the worker inherits the library.
        command = [self.program, "-p", home + "/", "-e", home + "/error.log",
                   "-c", home + "/nginx.conf"]
        if port == PACED:
            command += ["-g", "env PACE_BYTES;"]
        self.started[port] = subprocess.Popen(box.WITH_US + command,
                                              env=environment)
        self._wait(port)

    def _wait(self, port):
        scheme = "https" if port == TLS else "http"
        for _ in range(200):
            # Any answer will do, also 403 or 404.
            if subprocess.call(["curl", "-sko", "/dev/null", "%s://127.0.0.1"
                                ":%d/" % (scheme, port)]) == 0:
                return
            if self.started[port].poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit("nginx on port %d did not start: see its words above,"
                         " and %s/nginx-%d/error.log" % (
                             port, self.room, port))

    def certificates(self):
        """ca.pem, server.pem and server.key; and bundle.pem: all of the
        system's roots with ours at the end."""
        if os.path.exists(self.bundle):
            return
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
               "-nodes", "-days", "30"]
        names = ",".join("IP:" + address for address in ADDRESSES)
        openssl(self.room, "req", "-x509", *key, "-keyout", "ca.key", "-out",
                "ca.pem", "-subj", "/CN=bench CA")
        openssl(self.room, "req", "-x509", *key, "-keyout", "server.key",
                "-out", "server.pem", "-subj", "/CN=bench", "-CA", "ca.pem",
                "-CAkey", "ca.key", "-addext", "subjectAltName=" + names,
                "-addext", "basicConstraints=critical,CA:FALSE")
        with open(self.bundle, "wb") as out:
            for path in ("/etc/ssl/certs/ca-certificates.crt", self.ca):
                with open(path, "rb") as file:
                    out.write(file.read())


def openssl(where, *words):
    done = subprocess.run(["openssl", *words], cwd=where, text=True,
                          capture_output=True)
    if done.returncode:
        raise SystemExit("openssl %s: %s" % (words[0], done.stderr))


def compiled(room, source, *flags):
    """The program or library made from bench/SOURCE."""
    out = os.path.join(room, source[:-2])
    if not os.path.exists(out):
        subprocess.run(["cc", "-O2", "-o", out, os.path.join(
            places.BENCH, source), *flags], check=True)
    return out
