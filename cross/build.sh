#!/usr/bin/env bash
# cross/build.sh arm64|armhf [--test]: builds both programs for Debian 12 of that architecture into
# build/ARCH; with --test also runs the unit tests under qemu-user.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
arch=${1:-}
case $arch in
    arm64) triplet=aarch64-linux-gnu emulator=qemu-aarch64-static ;;
    armhf) triplet=arm-linux-gnueabihf emulator=qemu-arm-static ;;
    *)
        echo "usage: cross/build.sh arm64|armhf [--test]" >&2
        exit 64
        ;;
esac
# shellcheck source=daemon/setup.sh
. daemon/setup.sh

# shellcheck disable=SC2086
need_packages $build_packages "g++-$triplet" qemu-user-static file
export GERBANG_SYSROOT=$top/build/sysroot-$arch

# One sysroot per architecture: some -dev packages cannot be installed for two at once.
libraries="libssl3 libsqlite3-0 libcurl4 libyaml-cpp0.7 libfmt9 libzstd1 libmnl0 libc-ares2 libsystemd0
    libsnappy1v5 libstdc++6 zlib1g"
headers="libssl-dev libsqlite3-dev libcurl4-openssl-dev libyaml-cpp-dev libfmt-dev libzstd-dev
    libmnl-dev libc-ares-dev libsystemd-dev libsnappy-dev zlib1g-dev"
if [ ! -e "$GERBANG_SYSROOT/complete" ]; then
    say "Making the $arch sysroot"
    # With an apt of its own: the host goes on having one architecture.
    apt=$top/build/apt-$arch
    rm -rf "$GERBANG_SYSROOT" "$apt"
    mkdir -p "$GERBANG_SYSROOT" "$apt/lists/partial" "$apt/debs/partial"
    : >"$apt/status"
    apt_there() {
        apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
            -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
            -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
    }
    # A mirror that lacks one list, such as of security updates, has what is needed here in others.
    apt_there update || say "Some package lists are missing; going on with the others"
    # shellcheck disable=SC2086
    wanted=$(apt_there install -s --no-install-recommends $libraries |
        awk '/^Inst/ {print $2}' | sort -u)
    (
        cd "$apt/debs"
        # shellcheck disable=SC2086
        apt_there download $wanted $headers
        for package in *.deb; do dpkg -x "$package" "$GERBANG_SYSROOT"; done
    )
    # Header-only libraries are the same for every architecture.
    for folder in boost CLI catch2 protozero; do
        ln -sfn "/usr/include/$folder" "$GERBANG_SYSROOT/usr/include/$folder"
    done
    touch "$GERBANG_SYSROOT/complete"
fi

say "Building for $arch"
configure_and_build "build/$arch" "gerbang gerbang-province" -- -DGERBANG_TESTS=OFF \
    -DCMAKE_TOOLCHAIN_FILE="$top/cross/$arch.cmake" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DGERBANG_LTO=ON
for program in gerbang gerbang-province; do
    "$triplet-strip" -o "build/$arch/stripped" "build/$arch/$program"
    echo "$program: $(stat -c %s "build/$arch/stripped") bytes stripped," \
        "$(file -b "build/$arch/$program" | cut -d, -f1,2)"
done
rm -f "build/$arch/stripped"

if [ "${2:-}" = --test ]; then
    # Where size_t has 32 bits, tests narrow their random numbers; the product does not.
    export GERBANG_CROSS_FLAGS=-Wno-error=conversion
    tests="test_core test_model test_wire test_sla test_web test_host test_config test_meter
        test_probe test_ledger test_journal test_net test_sync test_serve test_app"
    configure_and_build "build/$arch-tests" "$tests" -- -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_TOOLCHAIN_FILE="$top/cross/$arch.cmake"
    failed=
    for test in $tests; do
        say "$test under qemu"
        GERBANG_EFFORT=${GERBANG_EFFORT:-0.02} "$emulator" -L "$GERBANG_SYSROOT" \
            "build/$arch-tests/$test" '~[real-kernel]' || failed="$failed $test"
    done
    [ -z "$failed" ] || {
        echo "failed on $arch:$failed" >&2
        exit 1
    }
fi
