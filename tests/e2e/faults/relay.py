#!/usr/bin/env python3
"""relay.py NS1 DEVICE1 NS2 DEVICE2 DELAY_S JITTER_S LOSS: a link with a long way between two
namespaces, as a TAP device in each. Every frame is late by DELAY_S plus or minus JITTER_S, so that
frames overtake each other, and lost with probability LOSS. The seed is GERBANG_SEED. Prints
"ready" once both devices are there; they vanish with this process."""

import ctypes
import fcntl
import heapq
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
MOST_IN_FLIGHT = 20_000  # beyond it the way itself is full and drops

libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")


def open_tap(namespace, device):
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    enter(there)
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI))
    enter(home)
    os.close(there)
    os.close(home)
    return tap


def frames_of(tap):
    while True:
        try:
            yield os.read(tap, LONGEST_FRAME)
        except OSError:  # nothing more, or the device is down
            return


def main():
    first, second = (open_tap(sys.argv[i], sys.argv[i + 1]) for i in (1, 3))
    delay, jitter, loss = (float(word) for word in sys.argv[5:8])
    chance = random.Random(int(os.environ.get("GERBANG_SEED", "1")))
    print("ready", flush=True)
    flying = []  # (when it arrives, number, where, frame)
    number = 0
    while True:
        wait = max(0.0, flying[0][0] - time.monotonic()) if flying else 1.0
        readable, _, _ = select.select([first, second], [], [], wait)
        now = time.monotonic()
        for tap in readable:
            other = second if tap == first else first
            for frame in frames_of(tap):
                if chance.random() < loss or len(flying) >= MOST_IN_FLIGHT:
                    continue
                number += 1
                arrival = now + delay + chance.uniform(-jitter, jitter)
                heapq.heappush(flying, (arrival, number, other, frame))
        now = time.monotonic()
        while flying and flying[0][0] <= now:
            _, _, tap, frame = heapq.heappop(flying)
            try:
                os.write(tap, frame)
            except OSError:
                pass  # its device is down: lost


main()
