#!/usr/bin/env python3
"""download.py serve ADDRESS: zeros for whoever connects. download.py fetch ADDRESS FILE: takes them,
and keeps their number in FILE, 8 bytes, little-endian."""

import mmap
import os
import socket
import sys

PORT = 8000


def serve(address):
    with socket.create_server((address, PORT)) as server:
        while True:
            client, _ = server.accept()
            with client:
                try:
                    while True:
                        client.sendall(bytes(65536))
                except OSError:
                    pass  # it has enough


def fetch(address, path):
    with open(path + ".new", "wb") as file:
        file.write(bytes(8))
    os.rename(path + ".new", path)
    with open(path, "r+b") as file:
        count = mmap.mmap(file.fileno(), 8)
    room, got = bytearray(1 << 18), 0
    while True:
        try:
            with socket.create_connection((address, PORT), timeout=60) as source:
                while size := source.recv_into(room):
                    got += size
                    count[:] = got.to_bytes(8, "little")
        except OSError:
            pass  # not there yet


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    fetch(*sys.argv[2:])
