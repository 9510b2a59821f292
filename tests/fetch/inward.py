# SPDX-License-Identifier: Apache-2.0
"""For test_stream.py, inside a network namespace: /start redirects to where
the argument says, /f is what must not be reached. Says what was asked for."""
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        if self.path == "/start":
            self.send_response(302)
            self.send_header("Location", sys.argv[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"inside\n")

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


server = Server(("::", 8080), Handler)
print("ready", flush=True)
server.serve_forever()
