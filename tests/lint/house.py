#!/usr/bin/env python3
"""The rules of the house that a compiler does not know: who may include whom, who may read a
clock, what may lie where. Prints `file:line: rule: reason` for each breach; ends with 1 if any.

Usage: house.py [ROOT]        check the tree (default: the one this file lies in)
       house.py --self-test   prove that each rule can go red

The table below is the one of the blueprint, section 11. To give a folder another library or
neighbour, change the table here and the folder's line in CMakeLists.txt in one commit, and say why.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

# Folder -> folders that it may include, beside itself; what those may include comes with them.
ARROWS = {
    "common/core": [],
    "common/model": ["common/core"],
    "common/wire": ["common/model"],
    "common/sla": ["common/model"],
    "common/web": ["common/model", "common/sla"],
    "daemon/host": ["common/core"],
    "daemon/config": ["common/model"],
    "daemon/meter": ["common/model", "daemon/host"],
    "daemon/probe": ["common/model", "daemon/host"],
    "daemon/ledger": ["common/model"],
    "daemon/journal": ["common/model", "common/wire", "daemon/host"],
    "daemon/net": ["common/core", "daemon/host"],
    "daemon/sync": ["common/model", "common/wire", "daemon/host", "daemon/journal", "daemon/net"],
    "daemon/serve": ["common/model", "common/wire", "common/web", "common/sla", "daemon/host"],
    "daemon/province": ["common/wire", "common/sla", "common/web", "daemon/net"],
}
# These join the others and may include anything but the province.
JOINERS = ["daemon/app", "daemon/cli"]
# Single headers that a folder may include beyond its arrows.
EXTRA_HEADERS = {"daemon/province": ["daemon/serve/http.hpp", "daemon/serve/target.hpp"]}

# Library's include prefix -> folders whose row names it. The longest prefix decides.
LIBRARIES = {
    "boost/asio": ["daemon/*"],
    "boost/asio/ssl": ["daemon/serve"],
    "boost/system": ["daemon/*"],
    "boost/beast": ["daemon/serve"],
    # The province is a program of its own: it writes its decoded columns as JSON into its store,
    # and keeps only hashes of tokens.
    "boost/json": ["common/web", "daemon/province"],
    "boost/crc.hpp": ["daemon/host"],
    "boost/": [],
    "zstd.h": ["common/wire"],
    "openssl/": ["common/wire", "daemon/host", "daemon/net", "daemon/serve", "daemon/province"],
    "sqlite3.h": ["daemon/journal", "daemon/province"],
    "yaml-cpp/": ["daemon/config"],
    "libmnl/": ["daemon/meter"],
    "curl/": ["daemon/net"],
    "ares": ["daemon/probe"],
    "fmt/": ["daemon/host"],
    "systemd/": ["daemon/host"],
    "protozero/": ["daemon/sync"],
    "snappy": ["daemon/sync"],
    "CLI/": ["daemon/province"],
    "libpq": ["daemon/province"],
    "postgresql/": ["daemon/province"],
    "catch2/": [],
}
# Folders of the system's own headers; single names end in `.h` or are those of the standard library.
SYSTEM_FOLDERS = ("sys/", "netinet/", "linux/", "net/", "arpa/", "asm/", "bits/", "netpacket/")

# Asio in a header makes everybody pay for it; these two only declare.
CHEAP_ASIO = {"boost/asio/awaitable.hpp", "boost/asio/any_io_executor.hpp"}
# For .cpp files, as their comments say: a template, and what two files of one folder share.
LIBRARY_HEADERS = {"daemon/host/offload.hpp", "daemon/serve/connection.hpp",
                   "daemon/net/curl_library.hpp"}
BEAST_FILES = 2
LONGEST_FILE = 600

RULES = {"top-level", "arrow", "include-path", "library", "heavy-header", "beast", "clock", "sleep",
         "random", "length", "pragma-once", "machine-path", "unfinished", "format"}

TOP_LEVEL = {"CMakeLists.txt", "daemon", "common", "config", "systemd", "cross", "tests",
             "README.md", "LICENSE"}
CLOCK_FILE = "daemon/host/system_clock.cpp"

# Written in parts, so that this file does not break its own rules.
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:wo" r"rk|ro" r"ot)/|/tm" r"p/b-")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
CLOCK_READS = re.compile(
    r"\w*[cC]lock::now\b|\bclock_gettime\w*\b|\bgettimeofday\b|\btimespec_get\b|\bclock\s*\(\s*\)"
    r"|(?<![\w.>:])(?:std::|::)?time\s*\(\s*(?:NULL|nullptr|0|&\s*\w+)\s*\)")
SLEEPS = re.compile(
    r"\bthis_thread::sleep_\w+|\b(?:usleep|nanosleep|clock_nanosleep)\s*\("
    r"|(?:^|[;{}()=,!]|\breturn\b)\s*(?:::)?sleep\s*\(")
RANDOMNESS = re.compile(
    r"\brandom_device\b|\bmt19937\w*|\bdefault_random_engine\b|\bminstd_rand\w*"
    r"|\bgetrandom\b|\bgetentropy\b|\barc4random\w*|\bRAND_(?:priv_)?bytes\b|\b[dlm]rand48\b"
    r"|(?<![\w.>:])(?:std::|::)?s?rand(?:om)?\s*\(")

TOKENS = re.compile(
    r'(?P<raw>R"(?P<mark>[^()\\\s]{0,16})\((?:.|\n)*?\)(?P=mark)")'
    r'|(?P<text>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>'(?:\\.|[^'\\\n])')"
    r"|(?P<comment>//[^\n]*|/\*(?:.|\n)*?\*/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CODE = (".cpp", ".hpp")
PROSE = CODE + (".md", ".sh", ".py", ".cmake", ".yaml", ".service", ".txt")


class Tree:
    """The files that belong to the repository, and the breaches found in them."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = sorted(self._list())
        self.breaches = []

    def _list(self):
        """What git keeps or would keep; without git, everything."""
        if (self.root / ".git").exists():
            listed = subprocess.run(
                ["git", "-C", str(self.root), "ls-files", "-z", "-c", "-o", "--exclude-standard"],
                capture_output=True, check=False)
            if listed.returncode == 0:
                names = {name for name in listed.stdout.decode().split("\0") if name}
                return [name for name in names if (self.root / name).is_file()]
        return [str(path.relative_to(self.root)) for path in self.root.rglob("*")
                if path.is_file() and ".git" not in path.relative_to(self.root).parts]

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def breach(self, name, line, rule, reason):
        assert rule in RULES
        self.breaches.append((name, line, rule, reason))


def folder_of(name):
    return "/".join(name.split("/")[:2])


def is_product(name):
    return name.startswith(("common/", "daemon/"))


def reachable(folder):
    """All folders that `folder` may include."""
    seen, ahead = set(), [folder]
    while ahead:
        now = ahead.pop()
        if now not in seen:
            seen.add(now)
            ahead.extend(ARROWS.get(now, []))
    return seen


def code_of(text):
    """The text without comments and the insides of literals; lines stay where they are."""
    def blank(match):
        kind = match.lastgroup if match.lastgroup != "mark" else "raw"
        rest = "\n" * match.group().count("\n")
        return ('""' if kind in ("raw", "text") else "'0'" if kind == "char" else " ") + rest
    return TOKENS.sub(blank, text)


def without_comments(text):
    def blank(match):
        if match.group("comment") is None:
            return match.group()
        return " " + "\n" * match.group().count("\n")
    return TOKENS.sub(blank, text)


def includes(text):
    """(line, bracket, header) of each include."""
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def library_of(header):
    """The longest known prefix; "" for the system's and the standard library's; None: unknown."""
    known = [prefix for prefix in LIBRARIES if header.startswith(prefix)]
    if known:
        return max(known, key=len)
    is_standard = "/" not in header and ("." not in header or header.endswith(".h"))
    return "" if is_standard or header.startswith(SYSTEM_FOLDERS) else None


def check_top_level(tree):
    for entry in sorted({name.split("/")[0] for name in tree.files}):
        if entry not in TOP_LEVEL and not entry.startswith("."):
            tree.breach(entry, 1, "top-level", "the owner fixed what lies at the top: "
                        + " ".join(sorted(TOP_LEVEL)) + " and dotfiles")


def check_own_include(tree, name, line, header):
    folder, target = folder_of(name), folder_of(header)
    if not header.startswith(("common/", "daemon/", "tests/")):
        tree.breach(name, line, "include-path", f'"{header}" is not written from the root')
    elif header.startswith("tests/"):
        tree.breach(name, line, "arrow", "the product does not know its tests")
    elif folder in JOINERS:
        if target == "daemon/province":
            tree.breach(name, line, "arrow", "the gateway does not know the province's program")
    elif folder not in ARROWS:
        tree.breach(name, line, "arrow", f"{folder} is not in the table of {Path(__file__).name}")
    elif target not in reachable(folder) and header not in EXTRA_HEADERS.get(folder, []):
        may = ", ".join(sorted(reachable(folder) - {folder})) or "nothing"
        tree.breach(name, line, "arrow", f"{folder} may include {may}; not {target}")


def check_library(tree, name, line, header):
    library, folder = library_of(header), folder_of(name)
    if library is None:
        tree.breach(name, line, "library", f"<{header}>: unknown library; name it in the table")
    elif library and folder not in LIBRARIES[library]:
        if not ("daemon/*" in LIBRARIES[library] and folder.startswith("daemon/")):
            where = ", ".join(LIBRARIES[library]) or "no folder of the product"
            tree.breach(name, line, "library", f"<{header}> belongs to {where}; not {folder}")


def check_header_weight(tree, name, line, header):
    library = library_of(header)
    if not library or name in LIBRARY_HEADERS or header in CHEAP_ASIO:
        return
    tree.breach(name, line, "heavy-header", f"<{header}> belongs into a .cpp file: whoever "
                "includes this header compiles it too")


def check_includes(tree):
    beast = []
    for name in tree.files:
        if not name.endswith(CODE):
            continue
        for line, bracket, header in includes(tree.read(name)):
            if header.startswith("boost/beast") and name not in beast:
                beast.append(name)
                if len(beast) > BEAST_FILES:
                    tree.breach(name, line, "beast", f"Beast in more than {BEAST_FILES} files "
                                f"({', '.join(beast)}): each takes over a minute to compile")
            if not is_product(name):
                if bracket == '"' and not header.startswith(("common/", "daemon/", "tests/")):
                    tree.breach(name, line, "include-path",
                                f'"{header}" is not written from the root')
                continue
            if bracket == '"':
                check_own_include(tree, name, line, header)
            else:
                check_library(tree, name, line, header)
                if name.endswith(".hpp"):
                    check_header_weight(tree, name, line, header)


def check_calls(tree):
    """Clocks, sleeping and chance, by what the code says outside comments and literals."""
    for name in tree.files:
        if not name.endswith(CODE):
            continue
        is_free_test = name.startswith(("tests/e2e/", "tests/bench/"))
        for number, line in enumerate(code_of(tree.read(name)).split("\n"), 1):
            if is_product(name) and name != CLOCK_FILE and CLOCK_READS.search(line):
                tree.breach(name, number, "clock", f"nobody reads a clock but {CLOCK_FILE}: take "
                            "a Clock& (daemon/host/clock.hpp)")
            if not is_free_test and SLEEPS.search(line):
                tree.breach(name, number, "sleep", "no thread sleeps: co_await Clock::sleep_until")
            is_host = name.startswith("daemon/host/")
            if is_product(name) and not is_host and RANDOMNESS.search(line):
                tree.breach(name, number, "random", "chance comes from Entropy "
                            "(daemon/host/entropy.hpp) alone, so that tests repeat")


def check_texts(tree):
    for name in tree.files:
        if not name.endswith(PROSE) or "/corpus/" in name:
            continue
        text = tree.read(name)
        lines = text.split("\n")
        count = len(lines) - (lines[-1] == "")
        if name.endswith(CODE + (".py", ".sh", ".cmake")) and count > LONGEST_FILE:
            tree.breach(name, count, "length",
                        f"{count} lines; more than {LONGEST_FILE} are more than one thing")
        if name.endswith(".hpp") and "#pragma once" not in without_comments(text):
            tree.breach(name, 1, "pragma-once", "a header without #pragma once")
        for number, line in enumerate(lines, 1):
            if MACHINE_PATHS.search(line):
                tree.breach(name, number, "machine-path", "a path of one developer's machine")
            if UNFINISHED.search(line):
                tree.breach(name, number, "unfinished", "finish it, or write down the limitation "
                            "in words")


def check_format(tree):
    """Returns why the check was skipped, or nothing."""
    tool = shutil.which("clang-format")
    if tool is None:
        return "clang-format is not installed (Debian: apt-get install clang-format)"
    if not (tree.root / ".clang-format").is_file():
        return "no .clang-format here"
    names = [name for name in tree.files if name.endswith(CODE)]
    for start in range(0, len(names), 100):
        ran = subprocess.run([tool, "--dry-run", "--ferror-limit=1", *names[start:start + 100]],
                             cwd=tree.root, capture_output=True, text=True, check=False)
        for match in re.finditer(r"^([^:\n]+):(\d+):\d+: (?:warning|error): ", ran.stderr, re.M):
            tree.breach(match.group(1), int(match.group(2)), "format",
                        f"not as .clang-format says; run: clang-format -i {match.group(1)}")
    return None


def check(root):
    """(breaches, number of files, notes about what was skipped)."""
    tree = Tree(root)
    check_top_level(tree)
    check_includes(tree)
    check_calls(tree)
    check_texts(tree)
    skipped = check_format(tree)
    notes = [f"skipped: format: {skipped}"] if skipped else []
    return sorted(set(tree.breaches)), len(tree.files), notes


def main(arguments):
    if arguments == ["--self-test"]:
        sys.path.insert(0, str(Path(__file__).resolve().parent))
        import house_self_test
        return house_self_test.run()
    root = arguments[0] if arguments else Path(__file__).resolve().parents[2]
    breaches, count, notes = check(root)
    for name, line, rule, reason in breaches:
        print(f"{name}:{line}: {rule}: {reason}")
    for note in notes:
        print(note)
    print(f"lint: {count} files, {len(breaches)} breaches")
    return 1 if breaches or count == 0 else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main(sys.argv[1:]))
