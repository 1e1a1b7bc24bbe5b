#!/bin/sh
# tests/live_example.sh: an example prints what it should, and without a server it says why and fails.
#   live_example.sh PROGRAM EXPECTED_OUTPUT
set -u
[ -n "${PGHOST:-}" ] || {
    echo 'skipped: PGHOST names no server (tools/with-postgres starts one)'
    exit 77
}
printed=$("$1") || {
    echo "$1 failed"
    exit 1
}
printf '%s\n' "$printed" | diff -u "$2" - || exit 1

complaint=$("$1" host=/nonexistent 2>&1 >/dev/null) && {
    echo "$1 succeeds without a server"
    exit 1
}
case $complaint in
    *'No such file or directory'*) ;;
    *)
        echo "$1 does not say why it failed, but: $complaint"
        exit 1
        ;;
esac
