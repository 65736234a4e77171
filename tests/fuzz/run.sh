#!/usr/bin/env bash
# tests/fuzz/run.sh BUILD RUNS: each harness of BUILD for RUNS inputs, from its corpus, with a seed
# that is printed. Inputs found here are not kept; a crash is, under BUILD/crashes.
set -euo pipefail
build=$1 runs=$2
here=$(cd "$(dirname "$0")" && pwd)
seed=${GERBANG_SEED:-1}
mkdir -p "$build/crashes"
failed=0
for harness in "$build"/fuzz_*; do
    [ -x "$harness" ] || continue
    name=$(basename "$harness")
    corpus=$here/corpus/${name#fuzz_}
    scratch=$(mktemp -d)
    if timeout 1500 "$harness" -runs="$runs" -seed="$seed" -max_total_time=1200 -timeout=10 \
        -rss_limit_mb=2048 -max_len=65536 -len_control=20 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$name-" "$scratch" $([ -d "$corpus" ] && echo "$corpus") \
        >"$build/$name.log" 2>&1; then
        printf '%-24s %9s inputs, seed %s, 0 crashes\n' "$name" \
            "$(awk '/number_of_executed_units/ {print $2}' "$build/$name.log")" "$seed"
    else
        failed=1
        printf '%-24s FAILED, see %s\n' "$name" "$build/$name.log"
        tail -n 30 "$build/$name.log"
    fi
    rm -rf "$scratch"
done
exit "$failed"
