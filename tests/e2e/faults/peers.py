#!/usr/bin/env python3
"""The other ends of the fault tests, each in a namespace of its own.

    peers.py internet FOLDER ip|ip6...  resolvers, the page that says 204, a service, a big server
                                        of these families. FOLDER/dns and FOLDER/service say how:
                                        answer | servfail | nxdomain | wrong, and 200 | 503
    peers.py portal ADDRESS...          the provider's login page in the place of every page
    peers.py download ADDRESS BYTES_PER_S  a villager who draws that much without a pause
    peers.py flood ADDRESS BYTES_PER_S  datagrams to ADDRESS, heard or not
    peers.py echo ADDRESS               one echo request; ends with 0 if it is answered in 5 s
    peers.py page URL                   prints the status with which that page answers
    peers.py name RESOLVER              prints RESOLVER's answer: an address or its error number
"""

import http.client
import http.server
import os
import socket
import socketserver
import struct
import sys
import threading
import time

from topology import NAME, V4, V6

BIG_PORT = 8000
KINDS = {socket.AF_INET: 1, socket.AF_INET6: 28}  # of the records of an address
LOGIN_PAGE = b"<html><body>Paket Anda habis. Silakan masuk / please log in.</body></html>"


def mode(folder, name, otherwise):
    try:
        with open(os.path.join(folder, name), encoding="ascii") as file:
            return file.read().strip() or otherwise
    except FileNotFoundError:
        return otherwise


def in_background(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class ThreadingTcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, handler):
        self.address_family = family_of(address[0])
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        """Connections that break are what these tests are about."""


# --- DNS -------------------------------------------------------------------------------------

def answer_to(question, how):
    """An answer to one query: an A or AAAA record of NAME, or one of the ways to fail."""
    if len(question) < 12:
        return None
    number, flags, questions = struct.unpack("!HHH", question[:6])
    end = 12
    labels = []
    while end < len(question) and question[end]:
        labels.append(question[end + 1:end + 1 + question[end]])
        end += 1 + question[end]
    end += 5
    if questions < 1 or end > len(question):
        return None
    kind = struct.unpack("!H", question[end - 4:end - 2])[0]
    code, address = 0, None
    name = b".".join(labels).decode("ascii", "replace").lower()
    if how == "servfail":
        code = 2
    elif how == "nxdomain" or name != NAME:
        code = 3
    elif kind in KINDS.values():
        where = V4 if kind == KINDS[socket.AF_INET] else V6
        address = where.any_address() if how == "wrong" else where.name_address
    head = struct.pack("!HHHHHH", number, 0x8080 | (flags & 0x0100) | code, 1,
                       int(address is not None), 0, 0)
    record = b""
    if address is not None:
        packed = socket.inet_pton(family_of(address), address)
        record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed
    return head + question[12:end] + record


def start_resolver(address, folder):
    class Datagram(socketserver.BaseRequestHandler):
        def handle(self):
            said, sock = self.request
            answer = answer_to(said, mode(folder, "dns", "answer"))
            if answer:
                sock.sendto(answer, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self):
            while len(size := self.rfile.read(2)) == 2:
                answer = answer_to(self.rfile.read(struct.unpack("!H", size)[0]),
                                   mode(folder, "dns", "answer"))
                if answer is None:
                    return
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    class Server(socketserver.ThreadingUDPServer):
        allow_reuse_address = True
        daemon_threads = True
        address_family = family_of(address)

    in_background(Server((address, 53), Datagram))
    in_background(ThreadingTcp((address, 53), Stream))


# --- HTTP ------------------------------------------------------------------------------------

class Page(http.server.BaseHTTPRequestHandler):
    """Answers every GET and HEAD with `status_of()` and `body`."""
    protocol_version = "HTTP/1.1"
    body = b""

    @staticmethod
    def status_of():
        return 200

    def do_GET(self):
        status = self.status_of()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if status != 204 and self.command == "GET":
            self.wfile.write(self.body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def start_pages(address, page):
    # Not http.server's own server: that one asks the DNS for its name first.
    in_background(ThreadingTcp((address, 80), page))


class NoContent(Page):
    @staticmethod
    def status_of():
        return 204


class Portal(Page):
    body = LOGIN_PAGE


# --- bytes -----------------------------------------------------------------------------------

class BigServer(socketserver.BaseRequestHandler):
    """Sends the asked number of bytes a second until the other side goes away."""
    def handle(self):
        rate = int(self.request.recv(32).split()[0])
        begun, sent = time.monotonic(), 0
        block = bytes(16384)
        try:
            while True:
                due = int((time.monotonic() - begun) * rate)
                while sent < due:
                    sent += self.request.send(block[:min(len(block), due - sent)])
                time.sleep(0.05)
        except OSError:
            pass


def download(address, rate):
    """Draws `rate` bytes a second, starting over whenever the way was lost."""
    while True:
        try:
            with socket.create_connection((address, BIG_PORT), timeout=2) as sock:
                sock.sendall(b"%d\n" % rate)
                while sock.recv(65536):
                    pass
        except OSError:
            time.sleep(0.2)


def flood(address, rate):
    size = 1000
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        while True:
            for _ in range(max(1, rate // size // 50)):
                try:
                    sock.sendto(bytes(size), (address, 9))
                except OSError:
                    pass  # refused or no way: it goes on
            time.sleep(0.02)


def checksum(message):
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(address):
    """One echo request. True when that very request was answered."""
    is_v6 = ":" in address
    request, reply = (128, 129) if is_v6 else (8, 0)
    number = os.getpid() & 0xFFFF
    body = struct.pack("!HH8s", number, 1, b"gerbang.")
    message = struct.pack("!BBH", request, 0, 0) + body
    if not is_v6:  # the kernel fills in that of ICMPv6
        message = struct.pack("!BBH", request, 0, checksum(message)) + body
    family, protocol = ((socket.AF_INET6, socket.IPPROTO_ICMPV6) if is_v6
                        else (socket.AF_INET, socket.IPPROTO_ICMP))
    with socket.socket(family, socket.SOCK_RAW, protocol) as sock:
        try:
            sock.sendto(message, socket.getaddrinfo(address, 0)[0][4])
        except OSError:
            return False  # no way there
        limit = time.monotonic() + 5
        while (left := limit - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                answer, sender = sock.recvfrom(1500)
            except OSError:
                return False
            answer = answer if is_v6 else answer[(answer[0] & 15) * 4:]
            if sender[0].split("%")[0] == address.split("%")[0] and answer[0] == reply and answer[4:] == body:
                return True
    return False


def page_status(url):
    host, path = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=2)
    connection.request("GET", f"/{path}")
    return connection.getresponse().status


def ask_name(resolver):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in NAME.split("."))
    family = family_of(resolver)
    question = (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels +
                struct.pack("!BHH", 0, KINDS[family], 1))
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.sendto(question, (resolver, 53))
        answer = sock.recv(1500)
    if answer[3] & 15:
        return answer[3] & 15
    return socket.inet_ntop(family, answer[-16:] if family == socket.AF_INET6 else answer[-4:])


def main():
    what, words = sys.argv[1], sys.argv[2:]
    if what == "download":
        download(words[0], int(words[1]))
    elif what == "flood":
        flood(words[0], int(words[1]))
    elif what == "echo":
        sys.exit(0 if echo(words[0]) else 1)
    elif what == "page":
        sys.exit(print(page_status(words[0])))
    elif what == "name":
        sys.exit(print(ask_name(words[0])))
    elif what == "portal":
        for address in words:
            start_pages(address, Portal)
    else:
        folder = words[0]

        class Service(Page):
            @staticmethod
            def status_of():
                return int(mode(folder, "service", "200"))

        for where in (where for where in (V4, V6) if where.ip in words[1:]):
            for address in where.resolvers:
                start_resolver(address, folder)
            start_pages(where.web, NoContent)
            start_pages(where.service, Service)
            in_background(ThreadingTcp((where.big_server, BIG_PORT), BigServer))
    print("ready", flush=True)
    threading.Event().wait()


main()
