#!/bin/bash
# tests/cli_bench.sh: tusk bench against a real server: workloads of most kinds run through every driver,
# their checksums agree, and what is written is JSON and SVG. How fast anything is is not looked at.
#   cli_bench.sh TUSK
set -u
tusk=$1
[ -n "${PGHOST:-}" ] || {
    echo 'skipped: PGHOST names no server (tools/with-postgres starts one)'
    exit 77
}
tcp=()
[ -n "${TUSK_TEST_ROOTCERT:-}" ] && tcp=(--tcp "$DATABASE_URL")
unset DATABASE_URL
export LC_ALL=C.UTF-8
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0
fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$1"
    head -n 20 "$folder/out" "$folder/err"
}

# measured NAME COUNT ARG...: the run is fine and has written COUNT lines of JSON.
measured() {
    local name=$1 count=$2
    shift 2
    "$tusk" bench --seconds 0.01 --rounds 1 --json "$folder/json" --svg "$folder/svg" "$@" \
        >"$folder/out" 2>"$folder/err" || fail "$name: exit status $?"
    [ -s "$folder/err" ] && fail "$name: it said something on standard error"
    grep -q 'not measured' "$folder/out" && fail "$name: a driver failed"
    [ "$(wc -l <"$folder/json")" -eq "$count" ] || fail "$name: $(wc -l <"$folder/json") lines of JSON"
    [ "$(grep -c '^{"workload":".*","driver":".*"rows_per_s":{"min":.*,"median":.*,"max":.*"allocs_per_op":.*"maxrss_kb":.*}$' \
        "$folder/json")" -eq "$count" ] || fail "$name: not the JSON that is promised"
    [ "$(head -c 5 "$folder/svg")$(tail -n 1 "$folder/svg")" = '<svg </svg>' ] || fail "$name: no picture"
}

drivers=2
"$tusk" bench --driver libpq --seconds 0.01 --rounds 1 --json "$folder/json" oneplusone \
    >"$folder/out" 2>"$folder/err"
grep -q libpq "$folder/json" && drivers=3

measured queries $((3 * drivers)) pg_type arrays oneplusone
measured pipelines $((2 * drivers)) --connections 3 --depth 5 pipeline-8 batch
measured copy $((drivers - 1)) copyfrom
measured far $drivers far
[ ${#tcp[@]} -gt 0 ] &&
    measured connects $((2 * (drivers - 1))) "${tcp[@]}" connect connect-tls-again

"$tusk" query -f tsv "select count(*) from pg_namespace where nspname = 'tusk_bench'" >"$folder/out"
[ "$(tail -n 1 "$folder/out")" = 0 ] || fail 'the schema was left behind'

[ $failures -eq 0 ] && echo 'every workload ran'
exit $((failures > 0))
