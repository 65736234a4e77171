#!/usr/bin/env bash
# Sets up, builds and runs the tests on Debian 12. Options:
#   --quick   release build and its tests only, without the slow ones (CPU bench, faults)
#   --long    the same tests with a hundred times the rounds, arm64 under qemu,
#             and what needs another kernel than a container's
#   --arm64   arm64 build and unit tests under qemu, too
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
# shellcheck source=daemon/setup.sh
. daemon/setup.sh

quick=0 long=0 arm64=0
for option in "$@"; do
    case $option in
        --quick) quick=1 ;;
        --long) long=1 arm64=1 ;;
        --arm64) arm64=1 ;;
        *) sed -n '2,6p' "$0"; exit 64 ;;
    esac
done

# shellcheck disable=SC2086
need_packages $build_packages $run_packages git clang clang-format libclang-rt-14-dev openssl strace \
    nftables e2fsprogs collectd-core liboping0
# Real servers to push into: about 50 MB to download, 410 MB on disk. They are wanted as programs,
# which the test that needs them starts and ends; Debian would let them run as services.
for package in prometheus victoria-metrics nginx-light; do
    [ "$quick" = 1 ] || dpkg -s "$package" >/dev/null 2>&1 && continue
    need_packages "$package"
    as_root systemctl disable --now "${package%-light}" >/dev/null 2>&1 || true
done
export CCACHE_DIR=${CCACHE_DIR:-$HOME/.cache/gerbang-ccache} CCACHE_MAXSIZE=2G
started=$SECONDS
skipped=""
stamp() { printf '   (%d min %02d s so far)\n' $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

# run_ctest DIRECTORY [ARGUMENT...]: the tests of one build; remembers what was skipped.
run_ctest() {
    local dir=$1 log=$1/ctest.log status=0
    shift
    ctest --test-dir "$dir" --output-on-failure -j 2 "$@" 2>&1 | tee "$log" || status=$?
    skipped+=$(awk -v d="$dir" '/\*\*\*Skipped/ {print "  " d ": " $0}' "$log")
    return "$status"
}

timeout_s=1800
if [ "$long" = 1 ]; then
    export GERBANG_EFFORT=100
    timeout_s=86400
fi
say "The programs as shipped, and their tests"
configure_and_build build/release all -- -DCMAKE_BUILD_TYPE=RelWithDebInfo -DGERBANG_LTO=ON \
    -DGERBANG_TEST_TIMEOUT=$timeout_s
stamp

say "Tests of the release build"
if [ "$quick" = 1 ]; then
    run_ctest build/release -LE slow
    skipped+="  left out by --quick:"$(ctest --test-dir build/release -N -L slow |
        awk -F': ' '/Test +#/ {printf " %s", $2}')$'\n'
else
    run_ctest build/release
fi
stamp

if [ "$quick" = 0 ]; then
    say "Every header compiles alone"
    configure_and_build build/release all_verify_interface_header_sets -- -DGERBANG_CHECK_HEADERS=ON
    stamp

    say "Tests under AddressSanitizer and UndefinedBehaviorSanitizer, a fiftieth of the rounds"
    configure_and_build build/sanitize all -- -DCMAKE_BUILD_TYPE=Debug \
        -DGERBANG_SANITIZE=address,undefined
    stamp
    GERBANG_EFFORT=0.02 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
        run_ctest build/sanitize -LE "bench|lint|e2e"
    stamp

    say "Fuzzing every parser (clang, libFuzzer)"
    configure_and_build build/fuzz fuzzers -- -DCMAKE_BUILD_TYPE=Debug -DGERBANG_TESTS=OFF \
        -DGERBANG_FUZZ=ON -DGERBANG_SANITIZE=address,undefined -DCMAKE_CXX_COMPILER=clang++
    stamp
    runs=100000
    [ "$long" = 1 ] && runs=10000000
    tests/fuzz/run.sh build/fuzz "$runs"
    stamp
fi

if [ "$arm64" = 1 ]; then
    say "arm64 build and unit tests under qemu"
    cross/arm64.sh --test
    stamp
fi

if [ "$long" = 1 ]; then
    say "WiFi stations, PPPoE and flowtables on Debian's own kernel, emulated"
    need_packages qemu-system-x86
    ninja -C build/release emulated_links >build/release/emulated.log
    code=0
    tests/e2e/emulated/run.sh build/release || code=$?
    [ "$code" = 77 ] && skipped="$skipped  emulated kernel (the line above says why)"$'\n'
    [ "$code" = 0 ] || [ "$code" = 77 ] || exit "$code"
    stamp
    say "Power cuts of a whole machine: 60 disks rebuilt from its write log"
    code=0
    tests/e2e/vm/run.sh build/release || code=$?
    [ "$code" = 77 ] && skipped="$skipped  power cuts of a machine (the line above says why)"$'\n'
    [ "$code" = 0 ] || [ "$code" = 77 ] || exit "$code"
    stamp
fi

if [ -n "$skipped" ]; then
    say "Skipped (each line above says why)"
    printf '%s\n' "$skipped"
fi
say "All tests passed"
# Last, so that the closing line is the count of the main run.
grep -E 'tests passed|tests failed' build/release/ctest.log
