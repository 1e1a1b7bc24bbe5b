#!/bin/bash
# tests/cli_copy.sh: tusk copy against a real server: every format there and back, gzip, names of tables;
# and whatever goes wrong leaves the table and the file as they were and says where.
#   cli_copy.sh TUSK
command=copy
# shellcheck source=tests/cli_common.bash
. "$(dirname "$0")/cli_common.bash"
export PGAPPNAME=tusk_copy_$$
table=tusk_copy_$$
psql -qXc "create table $table (n int4 primary key, s text, x float8);
    create schema \"Odd $$\"; create table \"Odd $$\".\"Ta\"\"ble\" (a int4, \"B b\" text)" || exit 1
# shellcheck disable=SC2317
clean() {
    psql -qXc "drop table $table; drop schema \"Odd $$\" cascade" 2>/dev/null
    rm -rf "$folder"
}
trap clean EXIT
rows="select n, case when n % 7 = 0 then null else repeat('x,\"'||chr(10), n % 3) || n end as s, n / 3.0::float8 as x
    from generate_series(1, 20000) n"
count="select count(*) from $table"

# unchanged NAME: the table holds what it held, and no file is left over.
unchanged() {
    is 20000 "$count" "$1: the table has changed"
    checks=$((checks + 1))
    [ -z "$(find "$folder" -name '*.??????' ! -name '*.*.*' -newer "$folder/mark")" ] || fail "$1: files are left"
}
: >"$folder/mark"

# ── there and back ───────────────────────────────────────────────────────────────────────────────
sum="select count(*), sum(n), count(s), md5(string_agg(s, '' order by n)), sum(x)::text from"
psql -qXAtc "$sum ($rows) r" >"$folder/sum"
for format in csv text binary; do
    for name in data data.gz; do
        run 0 out -f $format --json "$rows" "$folder/$name"
        matches '{"command": "copy out", "file": "*", "status": "done", "rows": 20000, "bytes": *}' "$format, $name"
        psql -qXc "truncate $table"
        run 0 in -f $format "$table" "$folder/$name" --json
        matches '{"command": "copy in", *"status": "done", "rows": 20000, *}' "$format, $name"
        psql -qXAtc "$sum $table" >"$folder/got"
        cp "$folder/sum" "$folder/want"
        same "$format, $name: another table came back"
    done
done
psql -qXc "copy $table to stdout (format csv, header)" >"$folder/want"
run 0 out --header "$table" -
same 'csv on standard output'
checks=$((checks + 1))
[ ! -s "$folder/errors" ] || fail 'a pipe is told something'
psql -qXc "copy $table to stdout" >"$folder/want"
"$tusk" copy out -f text --gzip=1 "$table" - | gzip -dc >"$folder/got"
same 'gzip on standard output'
psql -qXc "copy (select 1 as a, null as b) to stdout (format csv, header, delimiter E'\\t', null '-', encoding 'latin1')" >"$folder/want"
run 0 out --header --delimiter '\t' --null - --encoding latin1 'select 1 as a, null as b' -
same 'options'
run 0 out "select 1 -- it's one" -
prints 1 'a query with a comment'
run 0 out 'table pg_am' -
run 0 out 'with w as (select 5 as "(") select * from w' -
prints 5 'with'
run 0 out -q 'values (1)' "$folder/data" --json
mv "$folder/data" "$folder/got"
prints 1 'values'

# Several members, as gzip itself has it.
psql -qXc "truncate $table"
{ printf '1,a,1\n2,' | gzip; printf 'b,2\n' | gzip -1; : | gzip; } >"$folder/members.gz"
run 0 in "$table" "$folder/members.gz"
is '1a2b' "select string_agg(n || s, '' order by n) from $table" 'several members'
gzip -dc "$folder/members.gz" | sed 's/^/1/' | "$tusk" copy in "$table" - || fail 'from a pipe'
"$tusk" copy in --gzip "$table" - <"$folder/members.gz" >"$folder/got" 2>"$folder/errors"
ended $? 1 'the same rows again'
is '4' "$count" 'from a pipe'

for name in "\"Odd $$\".\"Ta\"\"ble\"" " \"Odd $$\" . \"Ta\"\"ble\" ( \"B b\" , a ) "; do
    printf '3,4\n' | "$tusk" copy in "$name" - || fail "in $name"
    "$tusk" copy out "$name" - | tail -n 1 >"$folder/got"
    prints 3,4 "out $name"
done
printf 'a,B b\n5,6\n' | "$tusk" copy in --header "\"Odd $$\".\"Ta\"\"ble\"" - || fail 'a header'
is '3|4
4|3
5|6' "table \"Odd $$\".\"Ta\"\"ble\" order by a" 'columns'

# ── the file ─────────────────────────────────────────────────────────────────────────────────────
printf 'old\n' >"$folder/target"
chmod 640 "$folder/target"
ln -s target "$folder/link"
run 0 out 'select 2' "$folder/link"
checks=$((checks + 1))
{ [ -L "$folder/link" ] && [ "$(stat -c %a "$folder/target")" = 640 ]; } || fail 'the link or the mode is another'
cp "$folder/target" "$folder/got"
prints 2 'through a link'
run 1 out 'select 1 / (1000 - n) from generate_series(1, 2000) n' "$folder/target"
cp "$folder/target" "$folder/got"
prints 2 'a query that fails in the middle'
run 1 out nosuch "$folder/new"
complains 'ERROR 42P01: relation "nosuch" does not exist' 'unknown table'
checks=$((checks + 1))
[ ! -e "$folder/new" ] || fail 'a file is left of a table that there is not'
run 2 out "$table" /dev/full
run 2 out "$rows" /dev/full
complains 'tusk: cannot write to /dev/full: No space left on device' 'disk full'
run 2 out "$rows" /dev/full --gzip --json
matches '{*"status": "failed", "rows": 0, *}' 'disk full, as JSON'
(
    ulimit -f 16
    "$tusk" copy out "$rows" "$folder/target" 2>"$folder/errors"
)
ended $? 2 'a file over the limit'
complains "tusk: cannot write to $folder/target: File too large" 'a file over the limit'
cp "$folder/target" "$folder/got"
prints 2 'a file over the limit'
run 2 out "$table" /nonexistent/file
complains 'tusk: cannot write to /nonexistent/file: No such file or directory' 'no folder'
run 2 out "$table" "$folder"
complains "tusk: cannot write to $folder: Is a directory" 'a folder'
("$tusk" copy out "$rows" - 2>"$folder/errors"; echo $? >"$folder/status") | head -n 1 >"$folder/got"
prints '1,"x,""' 'a reader that goes away'
checks=$((checks + 1))
{ [ "$(cat "$folder/status")" = 141 ] && [ ! -s "$folder/errors" ]; } ||
    fail "a reader that goes away: $(cat "$folder/status" "$folder/errors")"

# ── imports that fail ────────────────────────────────────────────────────────────────────────────
psql -qXc "truncate $table"
run 0 out "$rows" "$folder/good.csv.gz"
run 0 in "$table" "$folder/good.csv.gz"
gzip -dc "$folder/good.csv.gz" | sed 's/^/20000/' >"$folder/more.csv"

# Row 3 of many: the server says so long before it has been sent all of them.
printf '%s\n' 100001,a,1 100002,b,2 three,c,3 >"$folder/bad.csv"
(cat "$folder/bad.csv"; seq -f %.0f,s,0 200001 1000000) >"$folder/bad3.csv"
run 1 in "$table" "$folder/bad3.csv"
complains "ERROR 22P02: invalid input syntax for type integer: \"three\"
CONTEXT: COPY $table, line 3, column n: \"three\"
tusk: nothing was imported: line 3 of $folder/bad3.csv was refused" 'row 3'
run 1 in "$table" "$folder/bad3.csv" --json
matches '{"command": "copy in", *"status": "failed", "rows": 0, *"sqlstate": "22P02", *, "line": 3}' 'row 3, as JSON'
cat "$folder/more.csv" "$folder/bad.csv" | gzip >"$folder/bad.gz"
run 1 in "$table" "$folder/bad.gz"
mv "$folder/errors" "$folder/got"
matches "ERROR 22P02: *: \"three\"*CONTEXT: *tusk: nothing was imported: line [0-9]* of *bad.gz was refused" 'the last row'
printf '100001,a,1\n7,again,1\n' | "$tusk" copy in "$table" - 2>"$folder/errors"
ended $? 1 'a key that is there'
mv "$folder/errors" "$folder/got"
matches "ERROR 23505: *CONTEXT: *tusk: nothing was imported: line 2 of standard input was refused" 'a key that is there'
unchanged 'bad rows'

run 1 in nosuch "$folder/more.csv"
complains 'ERROR 42P01: relation "nosuch" does not exist
tusk: nothing was imported' 'unknown table, in'
run 2 in "$table" "$folder/nosuch"
complains "tusk: cannot read $folder/nosuch: No such file or directory" 'no file'
run 2 in "$table" "$folder"
complains "tusk: cannot read $folder: Is a directory at byte 0
tusk: nothing was imported" 'a folder, in'
run 0 in "$table" /dev/null
run 0 in --header "$table" /dev/null
run 1 in -f binary "$table" /dev/null
run 2 in --gzip "$table" /dev/null
complains 'tusk: cannot read /dev/null: it was cut short: the compressed data ends too early, at byte 0
tusk: nothing was imported' 'empty gzip'
gzip <"$folder/more.csv" >"$folder/more.gz"
size=$(stat -c %s "$folder/more.gz")
for cut in 1 9 10 5000 $((size - 8)) $((size - 1)); do
    head -c $cut "$folder/more.gz" >"$folder/cut.gz"
    run 2 in "$table" "$folder/cut.gz"
    complains "tusk: cannot read $folder/cut.gz: it was cut short: the compressed data ends too early, at byte $cut
tusk: nothing was imported" "gzip cut after $cut bytes"
done
(head -c $((size - 8)) "$folder/more.gz"; printf '\0\0\0\0'; tail -c 4 "$folder/more.gz") >"$folder/damaged.gz"
run 2 in "$table" "$folder/damaged.gz"
mv "$folder/errors" "$folder/got"
matches "tusk: cannot read *damaged.gz: it is not gzip, or damaged, at byte *
tusk: nothing was imported" 'another checksum'
run 2 in --gzip "$table" "$folder/more.csv"
run 1 in "$table" "$folder/more.gz" -f text
run 2 in "$table" "$folder/more.csv" -d 'host=/nonexistent'
unchanged 'files that are none'

# ── interrupted, and servers that go away ────────────────────────────────────────────────────────
mkfifo "$folder/pipe"
stuck="select n, pg_sleep(case n when 1000 then 60 else 0 end) from generate_series(1, 1100) n"
# while_copying ARG...: tusk copy runs, as $pid, and has copied some of it.
while_copying() {
    env --default-signal=INT,TERM "$tusk" copy "$@" <"$folder/pipe" >"$folder/got" 2>"$folder/errors" &
    pid=$!
    exec 9>"$folder/pipe"
    [ "$1" = out ] || head -n 10000 "$folder/more.csv" >&9
    until_true "select count(*) = 1 from pg_stat_activity where application_name = '$PGAPPNAME' and query like 'copy%'
        and wait_event in ('PgSleep', 'ClientRead') and state = 'active'" || fail "copy $* does not begin"
}
over() {
    wait $pid
    ended $? "$1" "$2"
    exec 9>&-
}
while read -r signal status; do
    while_copying in "$table" -
    kill -"$signal" $pid
    over "$status" "SIG$signal"
    [ "$signal" = KILL ] || complains 'tusk: canceled
tusk: nothing was imported' "SIG$signal"
    [ "$signal" != KILL ] || continue # such a one sleeps on at the server
    while_copying out "$stuck" "$folder/target"
    kill -"$signal" $pid
    over "$status" "SIG$signal, out"
    complains 'tusk: canceled' "SIG$signal, out"
    until_true "select count(*) = 0 from pg_stat_activity where application_name = '$PGAPPNAME' and state = 'active'
        and query like 'copy %' and pid <> pg_backend_pid()" || fail "SIG$signal: the server goes on"
done <<'TEXT'
INT 130
TERM 143
KILL 137
TEXT
terminate="select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '$PGAPPNAME' and query like 'copy %'"
while_copying in "$table" -
is 1 "$terminate" 'to be terminated'
over 1 'a backend that is terminated'
mv "$folder/errors" "$folder/got"
matches 'FATAL 57P01: *tusk: nothing was imported*' 'a backend that is terminated'
while_copying out "$stuck" "$folder/target"
is 1 "$terminate" 'to be terminated'
over 1 'a backend that is terminated, out'
cp "$folder/target" "$folder/got"
prints 2 'failed and interrupted exports'
unchanged 'interrupted imports'

# ── a terminal ───────────────────────────────────────────────────────────────────────────────────
# at_terminal COMMAND: what is drawn.
at_terminal() {
    TERM=xterm script -qec "$1" /dev/null </dev/null >"$folder/got" 2>&1
}
if command -v script >/dev/null; then
    slow="select n, repeat('y', 1000) || pg_sleep(case when n % 1000 = 0 then 0.3 else 0 end) from generate_series(1, 3000) n"
    at_terminal "'$tusk' copy out \"$slow\" $folder/slow.csv.gz"
    matches $'*\r[1-9]* rows  *B  *B/s  0:0*\r*3000 rows, 3.0[0-9] MB (* compressed) in * s: * rows/s, *B/s*' 'a bar'
    at_terminal "'$tusk' copy in -q $table $folder/more.gz"
    matches '' 'quiet'
    is 40000 "$count" 'quiet'
    at_terminal "(sleep 0.7; cat $folder/bad.csv) | '$tusk' copy in $table -"
    matches $'\r0 rows  0 B  *\r\e[KERROR 22P02: *refused*' 'an error takes the place of the bar'
    at_terminal "'$tusk' copy out --gzip $table -"
    matches '*not written to a terminal*' 'compressed to a terminal'
else
    echo 'there is no script(1): nothing is drawn'
fi
verdict
