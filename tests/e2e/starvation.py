#!/usr/bin/env python3
"""starvation.py: until SIGTERM asks to be woken each 10 ms, then prints the milliseconds by which it
came late, beyond 20 ms at a time: time for which this machine ran nobody. A promise in real time may
be forgiven that much and no more. `Starvation` is the same for tests in Python."""

import signal
import sys
import threading
import time

EACH_S, USUAL_S = 0.01, 0.02


class Starvation:
    """Measures in a thread of its own from the first to the last moment of this process."""

    def __init__(self):
        self._late = []  # (when, seconds lost), in order
        threading.Thread(target=self._ping, daemon=True).start()

    def _ping(self):
        while True:
            asleep = time.monotonic()
            time.sleep(EACH_S)
            now = time.monotonic()
            if now - asleep - EACH_S > USUAL_S:
                self._late.append((now, now - asleep - EACH_S))

    def lost_s(self, since=0.0):
        """Seconds lost since that instant of the monotonic clock."""
        return sum(late for when, late in list(self._late) if when >= since)

    def worst_s(self, window):
        """The most that was lost within any `window` seconds."""
        late, first, lost, worst = list(self._late), 0, 0.0, 0.0
        for when, more in late:
            lost += more
            while late[first][0] < when - window:
                lost -= late[first][1]
                first += 1
            worst = max(worst, lost)
        return worst


def main():
    starvation = Starvation()

    def end(*_):
        print(round(starvation.lost_s() * 1000), flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    print("measuring", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
