# Sourced by daemon/run.sh, tests/run.sh and cross/*.sh: installs what is missing and builds.
# Debian 12; root, or a user with sudo.

say() { printf '\n== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        echo "gerbang: needs root or sudo to run: $*" >&2
        return 1
    fi
}

build_packages="g++ cmake ninja-build pkg-config ccache libboost1.81-dev libssl-dev libsqlite3-dev
    libcurl4-openssl-dev libyaml-cpp-dev libfmt-dev libzstd-dev libmnl-dev libc-ares-dev libcli11-dev
    libsystemd-dev libprotozero-dev libsnappy-dev catch2"
# What only the demo and the run on this machine need.
run_packages="iproute2 procps python3 sqlite3 ca-certificates"

# need_packages NAME...: installs those that are missing, quietly, and says so.
need_packages() {
    local missing="" package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' ||
            missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    say "Installing with apt:$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null
}

# configure_and_build DIRECTORY TARGETS -- CMAKE-OPTIONS: quiet unless something fails.
configure_and_build() {
    local dir=$1 targets=$2 log
    shift 3
    mkdir -p "$dir"
    log=$dir/build.log
    if ! { cmake -G Ninja -S "$top" -B "$dir" "$@" && ninja -C "$dir" $targets; } >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "gerbang: the build failed; the whole log is $log" >&2
        return 1
    fi
}
