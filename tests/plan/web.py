# SPDX-License-Identifier: Apache-2.0
"""An http server of one directory that is asked how large things are:

	web.py DIRECTORY

It prints its port, and ends when its parent does. /NAME is answered as usual;
/nohead/NAME refuses HEAD and knows ranges, /get/NAME refuses HEAD and knows no
ranges, /unsaid/NAME says no length, /slow/NAME says nothing.
"""
import http.server
import os
import pathlib
import sys
import threading
import time

TOP = pathlib.Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, status, body, send=True, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        if "Transfer_Encoding" not in fields:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if send:
            self.wfile.write(body)

    def serve(self, head):
        way, _, name = self.path[1:].partition("?")[0].rpartition("/")
        path = TOP / name
        if way == "slow":
            time.sleep(30)
        elif not path.is_file():
            self.answer(404, b"no\n", not head)
        elif way in ("nohead", "get") and head:
            self.answer(403, b"signed for GET\n", False)
        elif way == "nohead":
            body = path.read_bytes()
            assert self.headers["Range"] == "bytes=0-0"
            self.answer(206, body[:1],
                        Content_Range=f"bytes 0-0/{len(body)}")
        elif way == "unsaid":
            self.answer(200, b"1\r\nx\r\n0\r\n\r\n", not head,
                        Transfer_Encoding="chunked")
        else:
            self.answer(200, path.read_bytes(), not head)

    def do_HEAD(self):
        self.serve(True)

    def do_GET(self):
        self.serve(False)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that had enough is no news."""


parent = os.getppid()
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
while os.getppid() == parent:
    time.sleep(0.1)
