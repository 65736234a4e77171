#!/usr/bin/env bash
# tests/e2e/demo.sh BIN: runs the demo where it can run, else says why it is skipped.
if [ "$(id -u)" != 0 ] || ! ip netns list >/dev/null 2>&1; then
    echo "skipped: needs root and network namespaces"
    exit 77
fi
exec "$(dirname "$0")/../../daemon/demo.sh" "$1"
