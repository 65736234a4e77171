"""summed.py prometheus|victoria URL EXPECTED: what a server holds of a gateway's backlog.

Compares every series of EXPECTED (see backlog.cpp) with what the server answers, sample by sample
through count and digest, and the counters once more in the server's own arithmetic. Exit code 0: all
is there, once; 1: not, and the first differences are printed; 3: there is more to come.
"""
import json
import sys
import urllib.parse
import urllib.request

kind, url, path = sys.argv[1:4]
with open(path) as file:
    lines = file.read().splitlines()
begin, end = (int(word) for word in lines[0].split()[1:])
expected = {}
for line in lines[1:]:
    name, *numbers = line.rsplit(" ", 5)
    expected[name] = [int(number) for number in numbers]


def get(where, **query):
    with urllib.request.urlopen(f"{url}{where}?{urllib.parse.urlencode(query)}", timeout=60) as answer:
        return answer.read().decode()


def span():
    return f"[{(end - begin) // 1000 + 2}s]"


def samples_of(metric):
    """(labels, [(ms, value)]) of each series of a metric in the window."""
    if kind == "prometheus":
        answer = json.loads(get("/api/v1/query", query=metric + span(), time=(end + 1) / 1000))
        for series in answer["data"]["result"]:
            yield series["metric"], [(round(at * 1000), float(value)) for at, value in series["values"]]
    else:
        text = get("/api/v1/export", **{"match[]": metric, "start": begin / 1000, "end": (end + 1) / 1000})
        for line in text.splitlines():
            series = json.loads(line)
            yield series["metric"], list(zip(series["timestamps"], series["values"]))


differences = []
missing = 0
found = {}
for metric in sorted({name.split("{")[0] for name in expected}):
    for labels, samples in samples_of(metric):
        assert labels["site"] == "village-1", labels
        name = metric + ('{of="%s"}' % labels["of"] if "of" in labels else "{}")
        if name not in expected:
            continue  # of the machine that the test runs on
        scale = 10 ** expected[name][0]
        whole = [(at, round(value * scale)) for at, value in samples if begin <= at <= end]
        digest = sum((at - begin + 1) * value for at, value in whole) % 2**64
        if len({at for at, _ in whole}) != len(whole):
            differences.append(f"{name}: samples twice")
        found[name] = [expected[name][0], len(whole), whole[0][1], whole[-1][1], digest] if whole else []
for name, wanted in expected.items():
    held = found.get(name, [])
    if held != wanted:
        differences.append(f"{name}: {held} in place of {wanted}")
        missing += wanted[1] - (held[1] if held else 0)
if differences:
    if missing > 0:
        print(f"{missing} samples are not there yet")
        sys.exit(3)
    print("\n".join(differences[:5]))
    sys.exit(1)

# Usage as the server itself adds it up.
checked = 0
if kind == "prometheus":
    for name, (scale, _, first, last, _) in expected.items():
        if "bytes_total" not in name:
            continue
        text = f"max_over_time({name}{span()}) - min_over_time({name}{span()})"
        answer = json.loads(get("/api/v1/query", query=text, time=(end + 1) / 1000))
        usage = [float(series["value"][1]) for series in answer["data"]["result"]]
        if usage != [(last - first) / 10**scale]:
            print(f"{name}: used {usage}, by the journal {last - first}")
            sys.exit(1)
        checked += 1
total = sum(numbers[1] for numbers in expected.values())
print(f"{kind}: {len(expected)} series, {total} samples, all there, each once"
      + (f"; {checked} sums of bytes by PromQL are the journal's" if checked else ""))
