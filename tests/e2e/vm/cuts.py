"""tests/e2e/vm/cuts.py: records one machine's writes, then rebuilds its disk at random cuts.

usage: cuts.py WORK NAME BIN LIVES IMAGES SEED -- COMMAND...
COMMAND runs the machine; its disk WORK/NAME.disk was WORK/NAME.base when it began, its writes go to
WORK/NAME.log in the format of dm-log-writes (QEMU's driver blklogwrites). After LIVES of the daemon
the machine is killed. With 0 lives the log of the run before is taken instead.

An image is the base, every write before the last flush ahead of the cut, and of the writes between
that flush and the cut a random part: each kept, dropped, or torn at 512 bytes, at times with
garbage in place of the bytes that one sector was to change. Bytes that a write repeats unchanged
stay: what SQLite calls powersafe overwrite, and assumes of every disk. A write of ext4's superblock
alone is kept or dropped as a whole: torn, no ext4 can be mounted, whatever lies on it. Each image is
mounted (which replays ext4's journal), read by `gerbang journal verify` and `gerbang export`,
unmounted and checked by e2fsck.

lost: a record that the daemon had called durable before that flush is missing, or reads otherwise
than in the machine's last state. corrupt: the file system or the chain is not whole.
"""

import contextlib
import json
import os
import random
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

SECTOR = 512
SUPERBLOCK = 1024  # ext4's first one: two sectors under one checksum, rewritten in place
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


def run_machine(command, log, most_lives):
    """Returns [(log size, epoch, seq)] of what it called durable, in order, and its lives."""
    machine = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    durable = []
    lives = 0
    ends = time.monotonic() + 1800
    os.set_blocking(machine.stdout.fileno(), False)
    heard = b""
    try:
        while lives < most_lives and time.monotonic() < ends:
            time.sleep(0.02)
            heard += machine.stdout.read() or b""
            # What was said by now was durable with what is in the log by now, or earlier.
            size = os.path.getsize(log) if os.path.exists(log) else 0
            *lines, heard = heard.split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "replace").strip()
                if found := re.fullmatch(r"durable (\S*) ?(\d+)", text):
                    if found[1]:
                        durable.append((size, found[1], int(found[2])))
                elif text.startswith("life "):
                    lives += 1
                elif text:
                    print("machine:", text)
            if machine.poll() is not None:
                raise SystemExit("the machine ended by itself")
    finally:
        machine.kill()
        machine.wait()
    return durable, lives


class Log:
    """What blklogwrites wrote: the requests that reached the disk, in order."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        magic, version, _, sector = struct.unpack_from("<QQQI", self.data)
        if magic != MAGIC or version != 1 or sector != SECTOR:
            raise SystemExit(f"{path}: not a write log")
        self.entries = []  # (flags, disk offset, offset in the log, bytes, end in the log)
        at = SECTOR
        while at + SECTOR <= len(self.data):
            first, count, flags, _ = struct.unpack_from("<QQQQ", self.data, at)
            size = 0 if flags & DISCARD else count * SECTOR
            end = at + SECTOR + size
            if end > len(self.data) or (flags == 0 and count == 0):
                break
            if flags & ~(FLUSH | FUA | DISCARD | MARK):
                raise SystemExit(f"{path}: unknown request at {at}")
            self.entries.append((flags, first * SECTOR, at + SECTOR, size, end))
            at = end

    def write(self, image, entry, sectors=None):
        """All of `entry`, or only some of its sectors."""
        _, offset, at, size, _ = entry
        if sectors is None:
            image[offset:offset + size] = self.data[at:at + size]
            return
        for i in sectors:
            image[offset + i * SECTOR:offset + (i + 1) * SECTOR] = \
                self.data[at + i * SECTOR:at + (i + 1) * SECTOR]

    def spoil(self, image, entry, sector, rng):
        """Garbage in the bytes of one sector that `entry` changes."""
        place, at = entry[1] + sector * SECTOR, entry[2] + sector * SECTOR
        for i, noise in enumerate(rng.randbytes(SECTOR)):
            if image[place + i] != self.data[at + i]:
                image[place + i] = noise


def rebuild(log, base, cut, rng):
    """The disk after a cut behind entry `cut`; the entry of the last flush before; writes lost."""
    entries = log.entries[:cut]
    flushed = max((i for i, e in enumerate(entries) if e[0] & FLUSH), default=-1)
    image = bytearray(base)
    dropped = torn = 0
    for i, entry in enumerate(entries):
        if entry[3] == 0:
            continue
        if i <= flushed or entry[0] & FUA:
            log.write(image, entry)
            continue
        fate = rng.random()
        is_superblock = entry[1] <= SUPERBLOCK < entry[1] + entry[3]
        if fate < (0.7 if is_superblock else 0.4):
            log.write(image, entry)
        elif fate < 0.7 or is_superblock:
            dropped += 1
        else:
            torn += 1
            count = entry[3] // SECTOR
            if rng.random() < 0.5:
                log.spoil(image, entry, rng.randrange(count), rng)
            log.write(image, entry, [s for s in range(count) if rng.random() < 0.5])
    return image, flushed, dropped, torn


class Checker:
    def __init__(self, work, name, binary):
        self.work = tempfile.TemporaryDirectory(prefix=f"{name}.", dir=work)
        work = self.work.name
        self.image = f"{work}/image"
        self.mount = f"{work}/mount"
        self.export = f"{work}/ndjson"
        self.gerbang = [f"{binary}/gerbang", "--lang", "en", "--state", f"{self.mount}/state",
                        "--runtime", f"{work}/none"]
        self.packed = 0  # blocks of the newest image
        os.mkdir(self.mount)

    def tool(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def look(self, image):
        """(what is not whole or None, records as {(epoch, seq): [line, ...]})."""
        with open(self.image, "wb") as file:
            file.write(image)
        code, said = self.tool("mount", "-o", "loop", self.image, self.mount)
        if code != 0:
            return f"mount: {said}", {}
        try:
            records = {}
            if os.path.exists(f"{self.mount}/state/journal.db"):
                names = sorted(os.listdir(f"{self.mount}/state"))
                if any("damaged" in n for n in names):
                    return f"set aside: {names}", {}
                code, said = self.tool(*self.gerbang, "journal", "verify")
                if code != 0:
                    return f"verify: {said}", {}
                if os.path.exists(self.export):
                    os.unlink(self.export)
                code, said = self.tool(*self.gerbang, "export", "--format", "ndjson",
                                       "--output", self.export)
                if code != 0:
                    return f"export: {said}", {}
                with contextlib.closing(
                        sqlite3.connect(f"{self.mount}/state/journal.db")) as database:
                    self.packed = database.execute("SELECT count(*) FROM packed").fetchone()[0]
                with open(self.export, encoding="utf-8") as file:
                    for line in file:
                        row = json.loads(line)
                        records.setdefault((row["epoch"], row["seq"]), []).append(line)
        finally:
            left, said = self.tool("umount", self.mount)
        if left != 0:
            raise SystemExit(f"umount: {said}")
        code, said = self.tool("e2fsck", "-fn", self.image)
        return (f"e2fsck: {said}" if code != 0 else None), records


def main():
    work, name, binary, most_lives, images, seed = sys.argv[1:7]
    command = sys.argv[8:]
    with open(f"{work}/{name}.base", "rb") as file:
        base = file.read()
    if int(most_lives) > 0:
        durable, lives = run_machine(command, f"{work}/{name}.log", int(most_lives))
        with open(f"{work}/{name}.durable", "w", encoding="utf-8") as file:
            json.dump([durable, lives], file)
    else:
        with open(f"{work}/{name}.durable", encoding="utf-8") as file:
            durable, lives = json.load(file)
    log = Log(f"{work}/{name}.log")
    flushes = sum(1 for e in log.entries if e[0] & FLUSH)
    print(f"{name}: {lives} lives, {len(log.entries)} requests of which {flushes} flushes, "
          f"{sum(e[3] for e in log.entries)} bytes, {len(durable)} witnesses, newest record "
          f"{durable[-1][2] if durable else 0}")
    if not durable or lives < 2:
        raise SystemExit("the machine called nothing durable")
    checker = Checker(work, name, binary)
    whole = bytearray(base)
    for entry in log.entries:
        log.write(whole, entry)
    wrong, truth = checker.look(whole)
    if wrong:
        raise SystemExit(f"without a cut: {wrong}")
    print(f"{name}: without a cut: {len(truth)} records, {checker.packed} packed blocks")

    rng = random.Random(f"{seed} {name}")
    first = next(i for i, e in enumerate(log.entries) if e[4] >= durable[0][0])
    lost = corrupt = 0
    gone = owed = 0
    for n in range(int(images)):
        for _ in range(3):  # most requests are followed by a flush: look for one that is not
            cut = rng.randrange(first, len(log.entries)) + 1
            if log.entries[cut - 1][3] > 0:
                break
        image, flushed, dropped, torn = rebuild(log, base, cut, rng)
        gone += dropped + torn
        wrong, records = checker.look(image)
        if wrong:
            corrupt += 1
            print(f"{name}: image {n}, cut at {cut}: {wrong}")
            continue
        held = log.entries[flushed][4] if flushed >= 0 else 0
        promised = {}
        for size, epoch, seq in durable:
            if size <= held:
                promised[epoch] = max(promised.get(epoch, 0), seq)
        missing = [(epoch, seq) for epoch, last in promised.items()
                   for seq in range(1, last + 1) if (epoch, seq) in truth
                   and (epoch, seq) not in records]
        other = [key for key, lines in records.items() if key in truth and truth[key] != lines]
        owed += sum(promised.values())
        if missing or other:
            lost += 1
            print(f"{name}: image {n}, cut at {cut}: missing {missing[:5]}, other {other[:5]}")
    print(f"{name}: {images} images, {gone} unflushed writes dropped or torn, {owed} records owed: "
          f"{lost} lost, {corrupt} corrupt (seed {seed})")
    return 1 if lost or corrupt else 0


if __name__ == "__main__":
    sys.exit(main())
