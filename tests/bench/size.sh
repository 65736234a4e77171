#!/usr/bin/env bash
# tests/bench/size.sh PROGRAM LIMIT: bytes of the stripped executable against its budget.
set -euo pipefail
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
size=$(stat -c %s "$stripped")
echo "$(basename "$1"), stripped: $size bytes (limit $2)"
[ "$size" -le "$2" ]
