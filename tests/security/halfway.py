# SPDX-License-Identifier: Apache-2.0
"""A server that stops half way: what comes amid an archive can be looked at."""
import http.server
import threading

LIMIT_S = 60


class Server:
    """Serves one body at /a.tgz; half of it until .go is set."""
    def __init__(self, body):
        self.go = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:len(body) // 2])
                server.go.wait(LIMIT_S)
                self.wfile.write(body[len(body) // 2:])

            def log_message(self, *args):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}/a.tgz"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def stop(self):
        self.go.set()
        self.httpd.shutdown()
        self.httpd.server_close()
