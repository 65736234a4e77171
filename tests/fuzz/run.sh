#!/usr/bin/env bash
# tests/fuzz/run.sh BUILD RUNS: each harness of BUILD for RUNS inputs, two at a time, from its corpus,
# with a seed that is printed; `database` for a tenth of them, as each opens a whole journal twice. Inputs found here are not kept; a crash is, under BUILD/crashes.
set -euo pipefail
build=$1 runs=$2
corpora=$(cd "$(dirname "$0")" && pwd)/corpus
seed=${GERBANG_SEED:-1}
mkdir -p "$build/crashes"

run_one() {
    local harness=$1 inputs=$runs name scratch corpus status=0
    name=$(basename "$harness")
    corpus=$corpora/${name#fuzz_}
    scratch=$(mktemp -d)
    [ -d "$corpus" ] || corpus=
    [ "$name" != fuzz_database ] || inputs=$((runs / 10))
    # shellcheck disable=SC2086
    "$harness" -runs="$inputs" -seed="$seed" -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" "$scratch" $corpus \
        >"$build/$name.log" 2>&1 || status=$?
    rm -rf "$scratch"
    if [ "$status" = 0 ]; then
        printf '%-24s %9s inputs, seed %s, 0 crashes\n' "$name" \
            "$(awk '/number_of_executed_units/ {print $2}' "$build/$name.log")" "$seed"
    else
        printf '%-24s FAILED, see %s\n' "$name" "$build/$name.log"
        tail -n 30 "$build/$name.log"
    fi
    return "$status"
}

failed=0
running=0
for harness in "$build"/fuzz_*; do
    [ -x "$harness" ] && [ -f "$harness" ] || continue
    case $harness in *.log) continue ;; esac
    if [ "$running" -ge 2 ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    run_one "$harness" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
