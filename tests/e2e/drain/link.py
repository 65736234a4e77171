#!/usr/bin/env python3
"""link.py NS1 DEVICE1 NS2 DEVICE2 DELAY_S BIT_PER_S QUEUE_S LOSS CONTROL: a narrow link with a long
way between two namespaces, as a TAP device in each. In each direction frames go out one after the
other at BIT_PER_S (0: at once), wait for that at most QUEUE_S and are dropped beyond it; DELAY_S
later they arrive, but for a share of LOSS that was sent for nothing. The seed is GERBANG_SEED.

CONTROL is a file of this process and whoever measures, as `Control` has it: what the link carried,
and what is wrong with it. Prints "ready" once both devices are there; they vanish with this process.
"""

import ctypes
import fcntl
import heapq
import mmap
import os
import random
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LONGEST_FRAME = 2000
WELL, HOLE, NO_ANSWERS = 0, 1, 2


class Control:
    """Bytes carried from NS1 to NS2 and back, with Ethernet headers, and the fault: HOLE swallows
    everything, NO_ANSWERS all that carries data from NS2, while acknowledgements pass."""
    SIZE = 24

    def __init__(self, path, make=False):
        if make:
            with open(path, "wb") as file:
                file.write(bytes(self.SIZE))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), self.SIZE)

    def carried(self):
        return struct.unpack_from("=QQ", self.memory, 0)

    def add(self, way, size):
        struct.pack_into("=Q", self.memory, 8 * way, self.carried()[way] + size)

    @property
    def fault(self):
        return self.memory[16]

    @fault.setter
    def fault(self, fault):
        self.memory[16] = fault


def enter(libc, descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")


def open_tap(namespace, device):
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    enter(libc, there)
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI))
    enter(libc, home)
    os.close(there)
    os.close(home)
    return tap


def carries_data(frame):
    """IPv4 TCP with a payload."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return False
    begin = 14 + 4 * (frame[14] & 15)
    header = 4 * (frame[begin + 12] >> 4)
    return 14 + struct.unpack_from(">H", frame, 16)[0] > begin + header


def main():
    taps = [open_tap(sys.argv[i], sys.argv[i + 1]) for i in (1, 3)]
    delay, rate, queue, loss = (float(word) for word in sys.argv[5:9])
    control = Control(sys.argv[9], make=True)
    chance = random.Random(int(os.environ.get("GERBANG_SEED", "1")))
    print("ready", flush=True)
    free_at = [0.0, 0.0]
    flying = []  # (when it arrives, number, way, frame, whether it does arrive)
    leaving = []  # (when its last bit is sent, way, size)
    number = 0
    while True:
        now = time.monotonic()
        due = min([entry[0] for entry in (flying[:1] + leaving[:1])], default=now + 1)
        readable, _, _ = select.select(taps, [], [], max(0.0, due - now))
        now = time.monotonic()
        for tap in readable:
            way = taps.index(tap)
            while True:
                try:
                    frame = os.read(tap, LONGEST_FRAME)
                except OSError:  # nothing more, or the device is down
                    break
                start = max(now, free_at[way])
                if start - now > queue:
                    continue
                end = start + (len(frame) * 8 / rate if rate else 0.0)
                free_at[way] = end
                number += 1
                heapq.heappush(leaving, (end, way, len(frame)))
                heapq.heappush(flying, (end + delay, number, way, frame, chance.random() >= loss))
        now = time.monotonic()
        while leaving and leaving[0][0] <= now:
            _, way, size = heapq.heappop(leaving)
            control.add(way, size)
        while flying and flying[0][0] <= now:
            _, _, way, frame, arrives = heapq.heappop(flying)
            fault = control.fault
            if not arrives or fault == HOLE:
                continue
            if fault == NO_ANSWERS and way == 1 and carries_data(frame):
                continue
            try:
                os.write(taps[1 - way], frame)
            except OSError:
                pass  # its device is down: lost


if __name__ == "__main__":
    main()
