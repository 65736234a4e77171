#!/usr/bin/env python3
"""Decodes a gerbang pack or batch to JSON lines, and follows the chain. Written from
common/wire/FORMAT.md alone, so that the page is known to suffice.

    decode.py FILE [--head HEX]

Prints one line per record and at last {"first", "last", "head"}: the chain head after the last
record, from the batch's own head or --head (default: zeros); null when a reduced chunk is among
them, as the chain cannot be followed over those. Exit 1 and a message on standard
error when the file is damaged. Standard library only, and libzstd.so.1 through ctypes.
"""

import argparse
import ctypes
import hashlib
import json
import struct
import sys
import uuid
import zlib

KINDS = [None, "epoch", "boot", "start", "stop", "series", "interface", "carrier", "anchor",
         "outage", "config", "loss", "power", "boot_end", "note", "clock", "path", "storage",
         "summary"]
MASK = (1 << 64) - 1
MAX_DECODED = 64 << 20


class Damaged(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


def signed(number):
    number &= MASK
    return number - (1 << 64) if number >> 63 else number


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        need(self.at + size <= len(self.data), f"truncated at byte {self.at}")
        self.at += size
        return self.data[self.at - size:self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def varint(self):
        number = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                need(number <= MASK, "varint over 64 bits")
                return number
        raise Damaged("varint over 10 bytes")

    def zigzag(self):
        number = self.varint()
        return signed((number >> 1) ^ -(number & 1))

    def text(self):
        return self.take(self.varint())

    def end(self):
        need(self.at == len(self.data), "bytes left over")


def decompress(frame):
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    zstd.ZSTD_getFrameContentSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    zstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * 2
    frame = b"\x28\xB5\x2F\xFD" + frame
    size = zstd.ZSTD_getFrameContentSize(frame, len(frame))
    need(size <= MAX_DECODED, "size of the compressed content")
    out = ctypes.create_string_buffer(max(size, 1))
    got = zstd.ZSTD_decompress(out, size, frame, len(frame))
    need(got == size, "compressed content")
    return out.raw[:size]


def column(reader, header, count):
    method, has_unit = header & 7, header & 8
    need(method <= 5 and (not has_unit or method >= 3), "method of a column")
    if method == 2:
        return [reader.zigzag() for _ in range(count)]
    first = reader.zigzag()
    if method == 0:
        return [first] * count
    if method == 1:
        slope = reader.zigzag()
        return [signed(first + slope * i) for i in range(count)]
    unit = reader.varint() if has_unit else 1
    values, step = [first], 0
    for _ in range(count - 1):
        if method == 3:
            step = reader.zigzag()
        elif method == 4:
            step = reader.varint()
        else:
            step += reader.zigzag()
        values.append(signed(values[-1] + unit * step))
    return values


def whole_column(reader, count):
    header = reader.u8()
    need(header >> 4 == 0, "header of a column")
    return column(reader, header, count)


def bitmap(reader, count):
    packed = reader.take((count + 7) // 8)
    bits = [packed[i // 8] >> (i % 8) & 1 for i in range(len(packed) * 8)]
    need(not any(bits[count:]), "bits behind a bitmap")
    return bits[:count]


def chunks(reader, count, version):
    boots, levels, tick_counts = (whole_column(reader, count) for _ in range(3))
    need(all(1 <= boot < 1 << 32 for boot in boots), "boot")
    need(all(0 <= level <= 3 for level in levels), "level")
    need(all((0 if version == 2 and level > 0 else 1) <= ticks <= 1024
             for level, ticks in zip(levels, tick_counts)), "tick count")
    total = sum(tick_counts)
    need(total <= 1 << 23, "number of ticks")
    times = whole_column(reader, total) if total else []
    made, first = [], 0
    for boot, level, ticks in zip(boots, levels, tick_counts):
        mine = times[first:first + ticks]
        need(all(time >= 0 for time in mine[:1]) and
             all(a < b for a, b in zip(mine, mine[1:])), "tick times")
        made.append({"boot": boot, "level": level, "ticks": mine, "columns": []})
        first += ticks
    filled = [chunk for chunk in made if chunk["ticks"]]
    tick_counts = [len(chunk["ticks"]) for chunk in filled]
    series_count = reader.varint()
    if series_count == 0:
        return made
    need(total > 0 and series_count <= 1 << 20, "number of series")
    ids = whole_column(reader, series_count)
    parts = whole_column(reader, series_count) if version == 2 else [0] * series_count
    need(all(1 <= number < 1 << 32 for number in ids), "ids")
    need(all(0 <= part <= 3 or 16 <= part <= 255 for part in parts), "parts")
    names = list(zip(ids, parts))
    need(all(a < b for a, b in zip(names, names[1:])), "ids")
    headers = reader.take(series_count)
    presences, readings, pairs = [], 0, 0
    for header in headers:
        presence = header >> 4
        need(presence <= 2, "presence")
        if presence == 0:
            bits = [1] * total
        elif presence == 1:
            by_chunk = bitmap(reader, len(filled))
            bits = [bit for bit, ticks in zip(by_chunk, tick_counts) for _ in range(ticks)]
        else:
            bits = bitmap(reader, total)
        need(any(bits), "a series without values")
        presences.append(bits)
        readings += sum(bits)
        need(readings <= 1 << 23, "number of values")
    for (series, part), header, bits in zip(names, headers, presences):
        values = iter(column(reader, header & 15, sum(bits)))
        first = 0
        for chunk, ticks in zip(filled, tick_counts):
            mine = bits[first:first + ticks]
            first += ticks
            if not any(mine):
                continue
            here = [next(values) for bit in mine if bit]
            need(part == 0 or chunk["level"] > 0, "a part at level 0")
            need(part < 3 or min(here) >= (1 if part == 3 else 0), "count or time")
            pairs += 1
            need(pairs <= 1 << 20, "number of columns")
            chunk["columns"].append({"series": series, "part": part,
                                     "present": [] if all(mine) else mine, "values": here})
    for chunk in made:
        need(len(chunk["columns"]) <= (65536 if chunk["level"] else 4096), "columns of a chunk")
    return made


def event(reader):
    kind, boot, at = reader.u8(), reader.varint(), reader.zigzag()
    need(kind != 0 and 1 <= boot < 1 << 32 and at >= 0, "event")
    count = reader.varint()
    need(count <= 40, "number of fields")
    fields = []
    for _ in range(count):
        head = reader.varint()
        name = reader.take(head >> 1).decode("ascii")
        fields.append([name, reader.text() if head & 1 else reader.zigzag()])
    return {"kind": kind, "boot": boot, "ms": at, "fields": fields}


def pack(data):
    need(len(data) > 4 and zlib.crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0], "checksum")
    reader = Reader(data[:-4])
    need(reader.take(2) == b"GP", "magic of the pack")
    version = reader.u8()
    need(version in (1, 2), "version of the pack")
    compression, first, count = reader.u8(), reader.varint(), reader.varint()
    need(first >= 1 and 1 <= count <= 8192 and first + count - 1 < 1 << 40, "range")
    need(compression <= 1, "compression")
    content = reader.data[reader.at:]
    reader = Reader(decompress(content) if compression else content)
    kinds, kind = [], "chunk"
    while len(kinds) < count:
        run = reader.varint()
        need(run > 0 or (kind == "chunk" and not kinds), "empty run")
        need(len(kinds) + run <= count, "length of a run")
        kinds += [kind] * run
        kind = "event" if kind == "chunk" else "chunk"
    chunk_count = kinds.count("chunk")
    all_chunks = iter(chunks(reader, chunk_count, version) if chunk_count else [])
    bodies = [next(all_chunks) if kind == "chunk" else None for kind in kinds]
    bodies = [event(reader) if body is None else body for body in bodies]
    reader.end()
    return [(first + i, body) for i, body in enumerate(bodies)]


def canonical(number, body):
    if "ticks" in body:
        out = struct.pack("<QBIBI", number, 1, body["boot"], body["level"], len(body["ticks"]))
        out += struct.pack(f"<{len(body['ticks'])}q", *body["ticks"])
        out += struct.pack("<I", len(body["columns"]))
        for each in body["columns"]:
            out += struct.pack("<IB", each["series"], 1 if each["present"] else 0)
            out += bytes(each["present"])
            out += struct.pack(f"<I{len(each['values'])}q", len(each["values"]), *each["values"])
        return out
    out = struct.pack("<QBBIqI", number, 2, body["kind"], body["boot"], body["ms"],
                      len(body["fields"]))
    for name, value in body["fields"]:
        out += bytes([len(name)]) + name.encode("ascii")
        if isinstance(value, bytes):
            out += struct.pack("<BI", 2, len(value)) + value
        else:
            out += struct.pack("<Bq", 1, value)
    return out


def line_of(number, body):
    if "ticks" in body:
        return {"seq": number, "chunk": body}
    kind = KINDS[body["kind"]] if body["kind"] < len(KINDS) else f"kind-{body['kind']}"
    fields = {name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
              for name, value in body["fields"]}
    return {"seq": number,
            "event": {"kind": kind, "boot": body["boot"], "ms": body["ms"], "fields": fields}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--head", default="00" * 32, help="chain head before the first record")
    options = parser.parse_args()
    with open(options.file, "rb") as file:
        data = file.read()
    head = bytes.fromhex(options.head)
    last_line = {}
    try:
        if data[:2] == b"GB":
            reader = Reader(data)
            need(reader.take(3) == b"GB\x01", "version of the batch")
            last_line["site"] = reader.text().decode("ascii")
            last_line["epoch"] = str(uuid.UUID(bytes=reader.take(16)))
            head = reader.take(32)
            need(reader.u32() == zlib.crc32(data[:reader.at - 4]), "checksum of the batch")
            data = data[reader.at:]
        records = pack(data)
    except Damaged as damage:
        print(f"{options.file}: {damage}", file=sys.stderr)
        return 1
    for number, body in records:
        if body.get("level", 0) > 0:
            head = None
        if head is not None:
            head = hashlib.sha256(head + canonical(number, body)).digest()
        print(json.dumps(line_of(number, body), ensure_ascii=False, separators=(",", ":")))
    last_line.update({"first": records[0][0], "last": records[-1][0], "head": head and head.hex()})
    print(json.dumps(last_line, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
