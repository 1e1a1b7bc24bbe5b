# shellcheck shell=bash
# tests/cli_common.bash: what the tests of the program beside a real server share. To be sourced with
# $command set to the command under test, $1 to the program; leaves a folder for files in $folder.
set -u
tusk=$1
[ -n "${PGHOST:-}" ] || {
    echo 'skipped: PGHOST names no server (tools/with-postgres starts one)'
    exit 77
}
command -v psql >/dev/null || {
    echo 'skipped: there is no psql to compare with'
    exit 77
}
[ -x "$tusk" ] || {
    echo "there is no program $tusk"
    exit 1
}
unset DATABASE_URL PGOPTIONS PGTZ PGDATESTYLE
export PSQLRC=/dev/null LC_ALL=C.UTF-8
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
checks=0
failures=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$1"
}

# verdict: the last command of a test.
verdict() {
    [ $failures -eq 0 ] && exit 0
    printf '%d of %d checks failed\n' $failures $checks
    exit 1
}

# same NAME: the files want and got are the same.
same() {
    checks=$((checks + 1))
    cmp -s "$folder/want" "$folder/got" && return
    fail "$1"
    diff "$folder/want" "$folder/got" | head -n 10
}

# ended STATUS WANT NAME: an exit status is as it has to be.
ended() {
    checks=$((checks + 1))
    [ "$1" -eq "$2" ] && return
    fail "exit status $1, not $2: $3"
    head -n 5 "$folder/errors"
}

# run STATUS ARG...: the command's output goes to got, its errors to errors.
run() {
    local want=$1
    shift
    # shellcheck disable=SC2154
    "$tusk" "$command" "$@" >"$folder/got" 2>"$folder/errors"
    ended $? "$want" "tusk $command $*"
}

# prints TEXT NAME: got is TEXT. complains TEXT NAME: so is errors.
prints() {
    printf '%s\n' "$1" >"$folder/want"
    same "$2"
}
complains() {
    mv "$folder/errors" "$folder/got"
    prints "$1" "$2"
}
# matches PATTERN NAME: got matches it as a whole.
matches() {
    checks=$((checks + 1))
    # shellcheck disable=SC2254
    case $(cat "$folder/got") in
        $1) ;;
        *) fail "$2: $(head -n 5 "$folder/got")" ;;
    esac
}
# is TEXT SQL NAME: what the database answers.
is() {
    psql -qXAtc "$2" >"$folder/got" 2>&1
    prints "$1" "$3"
}

# until_true SQL: waits until the answer is t; false: it did not become so within a minute.
until_true() {
    local left=600
    while [ $((left -= 1)) -gt 0 ]; do
        [ "$(psql -qXAtc "$1")" = t ] && return
        sleep 0.1
    done
    echo "waited in vain for: $1"
    return 1
}
