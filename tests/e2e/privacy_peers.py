#!/usr/bin/env python3
"""The other ends of privacy_test.sh.

    privacy_peers.py echo ADDRESS PORT               sends back what it gets
    privacy_peers.py talk ADDRESS PORT NAME GATEWAY  talks through the gateway, says NAME about
    privacy_peers.py relay PORT ADDRESS PORT FOLDER  passes connections on, keeps what is sent
"""

import os
import socket
import socketserver
import sys
import threading


def serve(address, handler):
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    socketserver.ThreadingTCPServer(address, handler).serve_forever()


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while block := self.request.recv(65536):
            self.request.sendall(block)


def talk(address, port, name, gateway):
    said = (name + " ").encode() * 1000
    with socket.create_connection((address, port), timeout=60) as peer:
        peer.sendall(said)
        left = len(said)
        while left:
            got = len(peer.recv(65536))
            if got == 0:
                sys.exit("the echo ended early")
            left -= got
    # As mDNS and DHCP do: the name goes to everybody and to the gateway itself.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for where in (("255.255.255.255", 67), ("224.0.0.251", 5353), (gateway, 53)):
            datagram.sendto(name.encode(), where)


def relay(port, server, folder):
    os.makedirs(folder)
    numbers = iter(range(1_000_000))

    class Relay(socketserver.BaseRequestHandler):
        def handle(self):
            number = next(numbers)
            with socket.create_connection(server) as other:
                def pump(source, sink, name):
                    with open(os.path.join(folder, f"{number}.{name}"), "wb", 0) as file:
                        while block := source.recv(65536):
                            file.write(block)
                            sink.sendall(block)
                    sink.shutdown(socket.SHUT_WR)
                back = threading.Thread(target=pump, args=(other, self.request, "answer"))
                back.start()
                pump(self.request, other, "request")
                back.join()

    serve(("127.0.0.1", port), Relay)


if sys.argv[1] == "echo":
    serve((sys.argv[2], int(sys.argv[3])), Echo)
elif sys.argv[1] == "talk":
    talk(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
else:
    relay(int(sys.argv[2]), (sys.argv[3], int(sys.argv[4])), sys.argv[5])
