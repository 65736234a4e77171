#!/usr/bin/env bash
# cross/arm64.sh [--test]: both programs for Debian 12 arm64; see build.sh.
exec "$(dirname "$0")/build.sh" arm64 "$@"
