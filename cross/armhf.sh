#!/usr/bin/env bash
# cross/armhf.sh [--test]: both programs for Debian 12 armhf; see build.sh.
exec "$(dirname "$0")/build.sh" armhf "$@"
