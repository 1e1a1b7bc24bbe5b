#!/bin/sh
# tests/live_example.sh: an example prints what it should, and without a server it says why and fails.
#   live_example.sh PROGRAM EXPECTED_OUTPUT
set -u
[ -n "${PGHOST:-}" ] || {
    echo 'skipped: PGHOST names no server (tools/with-postgres starts one)'
    exit 77
}
program=$1
printed=$("$program") || {
    echo "$program failed"
    exit 1
}
printf '%s\n' "$printed" | diff -u "$2" - || exit 1

# complains SETTINGS WORDS: it fails and says so.
complains() {
    complaint=$("$program" "$1" 2>&1 >/dev/null) && {
        echo "$program succeeds with $1"
        exit 1
    }
    case $complaint in *"$2"*) return 0 ;; esac
    echo "$program with $1 says: $complaint"
    exit 1
}
complains host=/nonexistent 'No such file or directory'
complains nonsense '"nonsense"'
complains sslmode=perhaps '"perhaps"'
