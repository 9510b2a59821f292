# SPDX-License-Identifier: Apache-2.0
"""A server that notes when the first byte of a program's request arrives.

It serves one archive, so that the program's run ends well. Notes are taken in
a thread of this process, by the same clock as the start of the program.
"""
import os
import socket
import ssl
import threading
import time

from harness import disks, measure, peers, work


class Notes:
    first = request = None


def serve(listener, context, data, notes):
    """Connections one by one, until the listener is closed."""
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        plain.settimeout(10)
        try:
            plain.recv(1, socket.MSG_PEEK)
            note(notes, "first")
            stream = context.wrap_socket(plain, server_side=True) \
                if context else plain
            head = b""
            while b"\r\n\r\n" not in head:
                got = stream.recv(4096)
                if not got:
                    break
                note(notes, "request")
                head += got
            stream.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(data) + data)
            stream.close()
        except OSError:
            plain.close()


def note(notes, what):
    if getattr(notes, what) is None:
        setattr(notes, what, time.perf_counter())


def series(bench, peer, scheme, runs):
    """[(ms to the first byte, ms to the first byte of the request)]"""
    package = work.package(bench.inputs, "nginx", "tar.gz")
    with open(bench.inputs.path(package.file), "rb") as file:
        data = file.read()
    context = None
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(bench.room + "/server.pem",
                                bench.room + "/server.key")
    with disks.Disk(bench.room) as disk:
        # And one to warm up.
        found = [one(bench, peer, scheme, context, data, package,
                     disk.corner("run%d" % number))
                 for number in range(runs + 1)]
    return found[1:]


def one(bench, peer, scheme, context, data, package, disk):
    notes = Notes()
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    thread = threading.Thread(target=serve, args=(listener, context, data,
                                                  notes), daemon=True)
    thread.start()
    base = "%s://127.0.0.1:%d" % (scheme, listener.getsockname()[1])
    job = peers.Job(work.Work((package,), ()), base, disk, bench.room,
                    bench.server)
    command = peer.command(job)
    run = measure.execute(command, None, os.path.join(
        bench.room, peer.name + ".log"))
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    return ((notes.first - run.begin) * 1e3, (notes.request - run.begin) * 1e3)
