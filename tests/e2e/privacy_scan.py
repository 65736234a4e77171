#!/usr/bin/env python3
"""privacy_scan.py FOLDER WIRE: searches what privacy_test.sh left in FOLDER for the people in
FOLDER/people, as bytes, as hexadecimal and as text, in the files as they are and in every pack
decoded (decoder in WIRE). Prints each hit; exits 1 on a hit or when the search itself would not
find them."""

import base64
import ipaddress
import json
import os
import re
import sqlite3
import sys

folder = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import decode  # noqa: E402


def forms_of(mac, ip, ip6, name):
    """Every way in which somebody would write one person's traces: what -> bytes."""
    forms = {"host name": name.encode()}
    raw = {"MAC": bytes.fromhex(mac.replace(":", "")), "IPv4": ipaddress.ip_address(ip).packed,
           "IPv6": ipaddress.ip_address(ip6).packed}
    for what, packed in raw.items():
        forms[f"{what} raw"] = packed
        forms[f"{what} raw, reversed"] = packed[::-1]
        forms[f"{what} hex"] = packed.hex().encode()
        forms[f"{what} base64"] = base64.b64encode(packed).rstrip(b"=")
        forms[f"{what} as a number"] = str(int.from_bytes(packed, "big")).encode()
    for mark in ":-_ ":
        forms[f"MAC with '{mark}'"] = mac.replace(":", mark).encode()
    digits = mac.replace(":", "")
    forms["MAC with dots"] = ".".join(digits[i:i + 4] for i in (0, 4, 8)).encode()
    forms["IPv4"] = ip.encode()
    forms["IPv4 with dashes"] = ip.replace(".", "-").encode()
    forms["IPv6"] = ipaddress.ip_address(ip6).compressed.encode()
    forms["IPv6 in full"] = ipaddress.ip_address(ip6).exploded.encode()
    # The EUI-64 that IPv6 makes of a MAC, as bytes.
    forms["EUI-64"] = bytes([raw["MAC"][0] ^ 2]) + raw["MAC"][1:3] + b"\xff\xfe" + raw["MAC"][3:]
    return {f"{what} of {name}": form for what, form in forms.items()}


forms = {}
with open(os.path.join(folder, "people")) as people:
    for line in people:
        forms.update(forms_of(*line.split()))


def hits_in(content):
    # Texts in any case; bytes as they are.
    lower = content.lower()
    return [what for what, form in forms.items()
            if (form in content if "raw" in what or "EUI" in what or "base64" in what
                else form.lower() in lower)]


def decoded(pack):
    parts = []
    for number, body in decode.pack(pack):
        parts.append(decode.canonical(number, body))
        parts.append(json.dumps(decode.line_of(number, body), ensure_ascii=False).encode())
    return b"\n".join(parts)


def bodies(stream):
    """The bodies of the requests that one connection carried."""
    while stream:
        head, stream = stream.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length.group(1)) if length else 0
        yield stream[:size]
        stream = stream[size:]


def pack_of(batch):
    reader = decode.Reader(batch)
    reader.take(3)
    reader.text()
    reader.take(16 + 32 + 4)
    return batch[reader.at:]


found = {}  # what was searched -> content
for top, _, names in os.walk(folder):
    for name in names:
        path = os.path.join(top, name)
        if name in ("people", "neighbours") or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            found[os.path.relpath(path, folder)] = file.read()
pushed = 0
for name in [name for name in found if name.endswith(".request")]:
    for body in bodies(found[name]):
        if body[:2] == b"GB":
            pushed += 1
            found[f"{name}, batch {pushed} decoded"] = decoded(pack_of(body))
blocks = 0
with sqlite3.connect(os.path.join(folder, "state/journal.db")) as journal:
    for (body,) in journal.execute("SELECT body FROM block"):
        blocks += 1
        found[f"journal.db, block {blocks} decoded"] = decoded(body)
with sqlite3.connect(os.path.join(folder, "copy.db")) as province:
    for table in ("reading", "event", "site", "series"):
        rows = province.execute(f"SELECT * FROM {table}").fetchall()
        found[f"province, {table}"] = "\n".join(str(row) for row in rows).encode()
        if not rows:
            sys.exit(f"the province shows no {table}: nothing was searched")

# The search must find what is there: everything planted, and words that belong where they are.
missed = [what for what, form in forms.items() if what not in hits_in(b"\x07" + form + b"\x07")]
if missed:
    sys.exit(f"the search does not find: {missed}")
for name, known in (("gerbang.log", b"privacy"), ("status.json", b"br-lan"),
                    ("province, event", b"privacy-village"), ("province, series", b"br-lan"),
                    ("block", b"privacy-village"), ("batch", b"br-lan"),
                    ("command-line", b"gerbang"), ("facts/facts", b"offloads="),
                    ("probe-down.json", b"ladder"), ("said.json", b"hotspot"),
                    ("block", b"Pak Kades"), ("province, event", b"Pak Kades"),
                    ("block", b"isp"), ("province, event", b"evidence")):
    if not any(known in content for where, content in found.items() if name in where):
        sys.exit(f"{name} lacks {known}: the search would prove nothing")
if not any(found["ring.full"][4096:]):
    sys.exit("the ring was empty when it was copied")
if pushed == 0 or blocks == 0:
    sys.exit(f"{pushed} pushed batches, {blocks} blocks: nothing was searched")

bad = 0
for name, content in sorted(found.items()):
    for what in hits_in(content):
        print(f"FOUND {what} in {name}")
        bad += 1
size = sum(len(content) for content in found.values())
print(f"{bad} hits: {len(forms)} forms in {len(found)} places, {size} bytes "
      f"({pushed} pushed batches, {blocks} blocks of the journal)")
sys.exit(1 if bad else 0)
