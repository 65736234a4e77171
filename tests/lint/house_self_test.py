"""Proves that each rule of house.py goes red on its breach, at the right place, and only there.

Each case is a small tree: the sound one below plus a few files. `expected` lists the breaches as
(file, line, rule); an empty list means that the tree must pass.
"""

import shutil
import tempfile
from pathlib import Path

import house

SOUND = {
    "CMakeLists.txt": "project(x)\n",
    "LICENSE": "Apache\n",
    ".gitignore": "build/\n",
    "common/core/a.hpp": "#pragma once\n\n#include <cstdint>\n",
    "common/model/b.hpp": "#pragma once\n\n#include \"common/core/a.hpp\"\n",
    "daemon/host/clock.hpp": "#pragma once\n\n#include <boost/asio/awaitable.hpp>\n",
    "daemon/host/system_clock.cpp": "auto t = clock_gettime(1, nullptr);\n",
}

# (name, extra files, expected breaches)
CASES = [
    ("a sound tree passes", {}, []),
    ("a stranger at the top", {"notes/x.md": "x\n"}, [("notes", 1, "top-level")]),
    ("a file at the top", {"build.sh": "x\n"}, [("build.sh", 1, "top-level")]),
    ("a dotfile at the top passes", {".ci/run": "x\n"}, []),

    ("an arrow through another folder passes",
     {"daemon/journal/x.cpp": '#include "common/core/a.hpp"\n'}, []),
    ("core knows nobody",
     {"common/core/x.cpp": '// why\n#include "common/model/b.hpp"\n'},
     [("common/core/x.cpp", 2, "arrow")]),
    ("siblings do not know each other",
     {"daemon/meter/x.cpp": '#include "daemon/journal/journal.hpp"\n'},
     [("daemon/meter/x.cpp", 1, "arrow")]),
    ("pure folders do not know the daemon",
     {"common/wire/x.hpp": '#pragma once\n#include "daemon/host/clock.hpp"\n'},
     [("common/wire/x.hpp", 2, "arrow")]),
    ("nobody calls back upstream",
     {"daemon/journal/x.cpp": '#include "daemon/sync/pusher.hpp"\n'},
     [("daemon/journal/x.cpp", 1, "arrow")]),
    ("an arrow in a comment passes",
     {"daemon/meter/x.cpp": '/*\n#include "daemon/journal/journal.hpp"\n*/\n'}, []),
    ("app joins everybody",
     {"daemon/app/x.cpp": '#include "daemon/sync/pusher.hpp"\n#include "daemon/meter/m.hpp"\n'},
     []),
    ("app does not know the province's program",
     {"daemon/app/x.cpp": '#include "daemon/province/store.hpp"\n'},
     [("daemon/app/x.cpp", 1, "arrow")]),
    ("the province may use the HTTP part of serve, not its handlers",
     {"daemon/province/x.cpp": '#include "daemon/serve/http.hpp"\n'
                               '#include "daemon/serve/api.hpp"\n'},
     [("daemon/province/x.cpp", 2, "arrow")]),
    ("a folder that the table does not know",
     {"daemon/gadget/x.cpp": '#include "common/core/a.hpp"\n'},
     [("daemon/gadget/x.cpp", 1, "arrow")]),
    ("the product does not know its tests",
     {"daemon/meter/x.cpp": '#include "tests/support/seed.hpp"\n'},
     [("daemon/meter/x.cpp", 1, "arrow")]),
    ("includes are written from the root",
     {"daemon/meter/x.cpp": '#include "meter.hpp"\n',
      "tests/daemon/meter/x_test.cpp": '#include "../y.hpp"\n'},
     [("daemon/meter/x.cpp", 1, "include-path"),
      ("tests/daemon/meter/x_test.cpp", 1, "include-path")]),

    ("a library outside its folder",
     {"daemon/sync/x.cpp": "#include <sqlite3.h>\n", "daemon/journal/x.cpp": "#include <sqlite3.h>\n"},
     [("daemon/sync/x.cpp", 1, "library")]),
    ("Asio in a pure folder",
     {"common/model/x.cpp": "#include <boost/asio/post.hpp>\n",
      "daemon/sync/x.cpp": "#include <boost/asio/post.hpp>\n"},
     [("common/model/x.cpp", 1, "library")]),
    ("the longest prefix decides",
     {"daemon/sync/x.cpp": "#include <boost/asio/ssl/stream.hpp>\n",
      "daemon/serve/x.cpp": "#include <boost/asio/ssl/stream.hpp>\n"},
     [("daemon/sync/x.cpp", 1, "library")]),
    ("a part of Boost that no row names",
     {"daemon/host/x.cpp": "#include <boost/spirit/home/x3.hpp>\n"},
     [("daemon/host/x.cpp", 1, "library")]),
    ("an unknown library",
     {"daemon/host/x.cpp": "#include <spdlog/spdlog.h>\n"},
     [("daemon/host/x.cpp", 1, "library")]),
    ("the test library in the product",
     {"daemon/host/x.cpp": "#include <catch2/catch.hpp>\n",
      "tests/daemon/host/x_test.cpp": "#include <catch2/catch.hpp>\n"},
     [("daemon/host/x.cpp", 1, "library")]),
    ("system and standard headers pass",
     {"daemon/host/x.cpp": "#include <sys/stat.h>\n#include <unistd.h>\n\n#include <vector>\n"}, []),
    ("a timer in a header",
     {"daemon/host/x.hpp": "#pragma once\n#include <boost/asio/steady_timer.hpp>\n"},
     [("daemon/host/x.hpp", 2, "heavy-header")]),
    ("SQLite in a header",
     {"daemon/journal/x.hpp": "#pragma once\n#include <sqlite3.h>\n"},
     [("daemon/journal/x.hpp", 2, "heavy-header")]),
    ("the two cheap parts of Asio, and offload's own, pass",
     {"daemon/sync/x.hpp": "#pragma once\n#include <boost/asio/any_io_executor.hpp>\n",
      "daemon/host/offload.hpp": "#pragma once\n#include <boost/asio/post.hpp>\n"}, []),
    ("Beast in a third file",
     {f"daemon/serve/{n}.cpp": "#include <boost/beast/core.hpp>\n" for n in "abc"},
     [("daemon/serve/c.cpp", 1, "beast")]),

    ("a clock read by its class",
     {"daemon/meter/x.cpp": "\nauto t = std::chrono::steady_clock::now();\n"},
     [("daemon/meter/x.cpp", 2, "clock")]),
    ("a clock read by the C library",
     {"daemon/meter/x.cpp": "auto a = time(nullptr);\nauto b = std::time(&a);\n"
                            "::gettimeofday(&c, 0);\nclock_gettime(CLOCK_REALTIME, &d);\n"},
     [("daemon/meter/x.cpp", line, "clock") for line in (1, 2, 3, 4)]),
    ("what only looks like a clock passes",
     {"daemon/meter/x.cpp": "auto a = clock.now();\nauto b = first.time(0);\n"
                            "// steady_clock::now()\nlog(\"time(0)\");\nauto c = uptime(0);\n"},
     []),
    ("a test may read a clock",
     {"tests/daemon/host/x_test.cpp": "auto t = std::chrono::steady_clock::now();\n"}, []),
    ("sleeping, in product and tests",
     {"daemon/meter/x.cpp": "std::this_thread::sleep_for(1s);\n::sleep(1);\nusleep(5);\n",
      "tests/daemon/meter/x_test.cpp": "sleep(1);\n",
      "tests/daemon/meter/y_test.cpp": "if (x) (void)sleep(1);\nwhile (true) { sleep(1); }\n"
                                       "return ::sleep(2);\n"},
     [("daemon/meter/x.cpp", line, "sleep") for line in (1, 2, 3)]
     + [("tests/daemon/meter/y_test.cpp", line, "sleep") for line in (1, 2, 3)]
     + [("tests/daemon/meter/x_test.cpp", 1, "sleep")]),
    ("sleeping on the clock, or in an end-to-end test, passes",
     {"daemon/meter/x.cpp": "co_await clock.sleep_until(next);\nbed.sleep(1);\n"
                             "static int sleep(Vfs* vfs, int us);\n",
      "tests/e2e/x.cpp": "sleep(1);\n"}, []),
    ("chance outside host",
     {"daemon/sync/x.cpp": "std::random_device d;\nstd::mt19937_64 e;\nint i = rand();\n"
                           "srandom(1);\nauto n = random.next();\n",
      "daemon/host/x.cpp": "getrandom(p, 8, 0);\n"},
     [("daemon/sync/x.cpp", line, "random") for line in (1, 2, 3, 4)]),
    ("literals do not confuse the reader",
     {"daemon/meter/x.cpp": "int i = 1'000'000;\nauto r = R\"x(\n\" // )x\";\nauto s = \"\\\"\";\n"
                            "auto t = time(nullptr);\n"},
     [("daemon/meter/x.cpp", 5, "clock")]),

    ("a header without its guard",
     {"daemon/meter/x.hpp": "// #pragma once\nint x;\n"},
     [("daemon/meter/x.hpp", 1, "pragma-once")]),
    ("a file of 601 lines, and one of 600",
     {"daemon/meter/x.cpp": "int x;\n" * 601, "daemon/meter/y.cpp": "int x;\n" * 600},
     [("daemon/meter/x.cpp", 601, "length")]),
    ("a path of one machine",
     {"README.md": "x\nsee /wo" "rk/main\n", "tests/x.sh": "cd /ro" "ot/x\n",
      "daemon/a.md": "https://example.org/wo" "rk/x is fine, so is ~/wo" "rk/x\n"},
     [("README.md", 2, "machine-path"), ("tests/x.sh", 1, "machine-path")]),
    ("a word that says unfinished",
     {f"daemon/meter/x{i}.cpp": f"// {word}: x\n"
      for i, word in enumerate(["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"])},
     [(f"daemon/meter/x{i}.cpp", 1, "unfinished") for i in range(4)]),
    ("a word that only contains one passes", {"daemon/a.sh": "mktemp x.XXXX" "XX\n"}, []),
]

FORMAT_CASE = ("code that clang-format would change",
               {".clang-format": "BasedOnStyle: Google\n", "daemon/meter/x.cpp": "int  x ;\n",
                "daemon/meter/y.cpp": "int x;\n"},
               [("daemon/meter/x.cpp", 1, "format")])


def try_case(name, extra, expected):
    with tempfile.TemporaryDirectory(prefix="gerbang-lint-") as root:
        for path, text in {**SOUND, **extra}.items():
            file = Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        found = [breach[:3] for breach in house.check(root)[0]]
    if sorted(found) == sorted(expected):
        return True
    print(f"FAILED: {name}\n  expected {sorted(expected)}\n  found    {sorted(found)}")
    return False


def run():
    cases = list(CASES)
    if shutil.which("clang-format"):
        cases.append(FORMAT_CASE)
    else:
        print("skipped: the rule `format`: clang-format is not installed")
    failed = sum(not try_case(*case) for case in cases)
    seen = {rule for _, _, expected in cases for _, _, rule in expected}
    unseen = house.RULES - seen - (set() if FORMAT_CASE in cases else {"format"})
    for rule in sorted(unseen):
        print(f"FAILED: no case shows the rule `{rule}` red")
    print(f"lint self test: {len(cases)} trees, {len(seen)} rules seen red, "
          f"{failed + len(unseen)} failed")
    return 1 if failed or unseen else 0
