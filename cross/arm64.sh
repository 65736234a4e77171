#!/usr/bin/env bash
# cross/arm64.sh [--test]: builds both programs for Debian 12 arm64 into build/arm64; with --test
# also runs the unit tests of common/, meter, journal and host under qemu-user.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
# shellcheck source=daemon/setup.sh
. daemon/setup.sh

# shellcheck disable=SC2086
need_packages $build_packages g++-aarch64-linux-gnu qemu-user-static file
export GERBANG_SYSROOT=$top/build/sysroot-arm64

# One sysroot per architecture: some -dev packages cannot be installed for two at once.
libraries="libssl3 libsqlite3-0 libcurl4 libyaml-cpp0.7 libfmt9 libzstd1 libmnl0 libc-ares2 libsystemd0
    libstdc++6 zlib1g"
headers="libssl-dev libsqlite3-dev libcurl4-openssl-dev libyaml-cpp-dev libfmt-dev libzstd-dev
    libmnl-dev libc-ares-dev libsystemd-dev zlib1g-dev"
if [ ! -e "$GERBANG_SYSROOT/complete" ]; then
    say "Making the arm64 sysroot"
    if ! dpkg --print-foreign-architectures | grep -qx arm64; then
        as_root dpkg --add-architecture arm64
        as_root apt-get update -qq
    fi
    rm -rf "$GERBANG_SYSROOT" build/debs-arm64
    mkdir -p "$GERBANG_SYSROOT" build/debs-arm64
    # shellcheck disable=SC2086
    wanted=$(apt-get install -s --no-install-recommends $(printf '%s:arm64 ' $libraries) |
        awk '/^Inst/ && $2 ~ /:arm64$/ {print $2}' | sort -u)
    (
        cd build/debs-arm64
        # shellcheck disable=SC2086
        apt-get download -qq $wanted $(printf '%s:arm64 ' $libraries $headers)
        for package in *.deb; do dpkg -x "$package" "$GERBANG_SYSROOT"; done
    )
    # Header-only libraries are the same for every architecture.
    for folder in boost CLI catch2; do
        ln -sfn "/usr/include/$folder" "$GERBANG_SYSROOT/usr/include/$folder"
    done
    touch "$GERBANG_SYSROOT/complete"
fi

say "Building for arm64"
tests="test_core test_model test_wire test_meter test_journal test_host"
configure_and_build build/arm64 "gerbang gerbang-province $tests" -- \
    -DCMAKE_TOOLCHAIN_FILE="$top/cross/arm64.cmake" -DCMAKE_BUILD_TYPE=RelWithDebInfo
file build/arm64/gerbang | cut -c1-160

if [ "${1:-}" = --test ]; then
    for test in $tests; do
        say "$test under qemu"
        GERBANG_EFFORT=${GERBANG_EFFORT:-0.02} qemu-aarch64-static -L "$GERBANG_SYSROOT" \
            "build/arm64/$test" '~[real-kernel]'
    done
fi
