#!/usr/bin/env bash
# The pooler acceptance: three processes with three connections each share three server connections,
# behind every pooler there is, with nothing set but where it listens. Every row is compared with what was
# asked. Prints a table; asyncpg's lines show that the test can fail, and do not count.
#
#   tests/pooler_acceptance.sh PROGRAM [ENDPOINT...]
#
# PROGRAM is the built pooler_acceptance; ENDPOINT is direct or a KIND of tools/with-pooler, perhaps with
# its --max-prepared, in one word (pgbouncer-1.24:3). Without any: all. TUSK_OPERATIONS (default 1200) is
# per connection, TUSK_ASYNCPG=no leaves asyncpg out. A pooler that cannot be had is skipped, aloud.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 99
operations=${TUSK_OPERATIONS:-1200}
seconds=300

# ── inside: one endpoint, already there ──────────────────────────────────────────────────────────
# together NAME COMMAND...: three processes that start their work at the same moment; a line of sums.
together() {
    local name=$1 folder i pids=() status=0
    shift
    folder=$(mktemp -d "${TMPDIR:-/tmp}/tusk-acc.XXXXXX") || return 99
    for i in 0 1 2; do
        mkfifo "$folder/go$i" && : >"$folder/out$i"
        "$@" "$i" 3 "$operations" ${cache:+"$cache"} <"$folder/go$i" >"$folder/out$i" 2>"$folder/err$i" &
        pids+=($!)
    done
    exec 5>"$folder/go0" 6>"$folder/go1" 7>"$folder/go2"
    for i in 0 1 2; do
        for _ in $(seq 200); do
            grep -q ready "$folder/out$i" && break
            kill -0 "${pids[$i]}" 2>/dev/null || break
            sleep 0.1
        done
    done
    echo go >&5 2>/dev/null
    echo go >&6 2>/dev/null
    echo go >&7 2>/dev/null
    # Bounded: what is not over by then hangs, and is ended.
    (sleep "$seconds" && kill -KILL "${pids[@]}") >/dev/null 2>&1 &
    local limit=$!
    for i in 0 1 2; do wait "${pids[$i]}" || status=1; done
    kill "$limit" 2>/dev/null
    exec 5>&- 6>&- 7>&-
    [ "$status" = 0 ] || head -n 3 "$folder"/err? | grep -v '^==>\|^$' >&2
    grep -hv ready "$folder"/out? | awk -v name="$name" -v status="$status" '
        { n++; for (i = 1; i <= 7; i++) sum[i] += $i; $1 = $2 = $3 = $4 = $5 = $6 = $7 = ""; found = $0 }
        END {
            sub(/^ */, "", found)
            printf "%-22s %6d %6d %6d %6d %6d %6d %8d  %s%s\n", name, sum[1], sum[2], sum[3], sum[4], sum[5],
                sum[6], sum[7], found, n < 3 ? " (" 3 - n " of 3 processes did not end)" : ""
            exit n < 3 || sum[1] != sum[2] || sum[3] + sum[4] + sum[5] + sum[6] > 0
        }'
    status=$?
    rm -rf "$folder"
    return $status
}

if [ "${1:-}" = --inside ]; then
    program=$2 endpoint=$3 expected=$4
    trap 'kill $(jobs -p) 2>/dev/null' EXIT
    trap '' PIPE # of a process that ended before it was told to begin
    cache=''
    together "$endpoint" "$program"
    status=$?
    read -r parses statements found < <("$program" recording)
    case $expected in
        direct) right=$statements ;;     # each once
        transaction*) right=0 ;;         # no name but the probe's
        *) right=$parses ;;              # a tracker's own business
    esac
    if [ "$found" != "$expected" ] || [ "$parses" != "$right" ]; then
        printf '  %s: found to be "%s", not "%s"; %s named Parse for %s statements\n' "$endpoint" "$found" \
            "$expected" "$parses" "$statements"
        status=1
    else
        printf '  %-20s %s named Parse for %s statements used ten times each\n' '' "$parses" "$statements"
    fi
    if [ "${TUSK_ASYNCPG:-}" != no ] && /usr/bin/python3 -c 'import asyncpg' 2>/dev/null; then
        operations=$((operations / 10)) seconds=60
        for cache in 100 0; do
            together "  asyncpg, cache $cache" "$here/tests/pooler_asyncpg.py" || :
        done
    fi
    exit $status
fi

# ── outside: one endpoint after the other ────────────────────────────────────────────────────────
program=${1:?usage: pooler_acceptance.sh PROGRAM [ENDPOINT...]}
shift
[ $# -gt 0 ] || set -- direct pgbouncer pgbouncer-1.24 pgbouncer-1.24:3 pgbouncer-1.24:0 pgbouncer-unstable odyssey odyssey:0
printf '%-22s %6s %6s %6s %6s %6s %6s %8s  %s\n' endpoint done ok wrong lost hangs drops checked 'found to be'
failures=0 passed=0 skipped=0
for endpoint in "$@"; do
    kind=${endpoint%%:*} options=()
    [ "$kind" = "$endpoint" ] || options=(--max-prepared "${endpoint#*:}")
    unaware='transaction pooler without statement tracking'
    case $endpoint in
        direct) expected=direct ;;
        pgbouncer | *:0) expected=$unaware ;;
        pgbouncer*) expected=pgbouncer ;;
        odyssey) expected=odyssey ;;
        *)
            echo "no such endpoint: $endpoint" >&2
            exit 99
            ;;
    esac
    inside=("$here/tests/pooler_acceptance.sh" --inside "$program" "$endpoint" "$expected")
    if [ "$kind" = direct ]; then
        # with its tables, so that each endpoint starts from nothing
        "$here/tools/with-postgres" "${inside[@]}"
    elif ! reason=$("$here/tools/with-pooler" "$kind" --fetch 2>&1); then
        printf '%-22s skipped: %s\n' "$endpoint" "${reason##*$'\n'}"
        skipped=$((skipped + 1))
        continue
    else
        "$here/tools/with-postgres" "$here/tools/with-pooler" "$kind" ${options[@]+"${options[@]}"} --pool-size 3 \
            "${inside[@]}"
    fi
    if [ $? = 0 ]; then passed=$((passed + 1)); else failures=$((failures + 1)); fi
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failures" "$skipped"
[ "$failures" = 0 ]
