#!/bin/bash
# tests/cli_query.sh: tusk query against a real server: its csv and tsv are what COPY writes, its table is
# what psql draws, in every session style; errors, exit statuses and interruption.
#   cli_query.sh TUSK
command=query
# shellcheck source=tests/cli_common.bash
. "$(dirname "$0")/cli_common.bash"

# as_copy SQL: csv and tsv.
as_copy() {
    psql -qXc "copy ($1) to stdout with (format csv, header)" >"$folder/want"
    run 0 -f csv "$1"
    same "csv: ${PGOPTIONS:-} $1"
    psql -qXc "copy ($1) to stdout with (format text, header)" >"$folder/want"
    run 0 -f tsv "$1"
    same "tsv: ${PGOPTIONS:-} $1"
}

# as_psql SQL: the table, without the empty line at its end.
as_psql() {
    psql -qX -P pager=off -c "$1" | sed '$d' >"$folder/want"
    run 0 "$1"
    same "table: $1"
}

# ── catalogs ─────────────────────────────────────────────────────────────────────────────────────
# Only what initdb made: other tests make and drop tables meanwhile.
for table in pg_type:oid pg_class:oid pg_proc:oid pg_attribute:attrelid pg_operator:oid pg_statistic:starelid \
    pg_description:objoid; do
    as_copy "select * from ${table%:*} where ${table#*:} < 16384"
done
for table in pg_type pg_class pg_proc; do
    # psql does not tell an empty string from NULL.
    psql -qX --csv -c "select * from $table where oid < 16384" | sed 's/,"",/,,/g' >"$folder/want"
    run 0 -f csv "select * from $table where oid < 16384"
    sed 's/,"",/,,/g' "$folder/got" >"$folder/plain"
    mv "$folder/plain" "$folder/got"
    same "psql --csv: $table"
done
as_psql 'select * from pg_type order by oid limit 50'
as_psql 'select proname, prosrc from pg_proc where prosrc ~ E'"'\\n'"' order by oid limit 30'

# ── values ───────────────────────────────────────────────────────────────────────────────────────
numbers="select n::int2, n::int4, n::int8 * 4611686018427387 as big, n::float4 / 3 as f4, n::float8 / 7 as f8,
    n::numeric / 13 as num, n::numeric(20, 4), (n + 40000)::oid, (n % 2 = 0) as even, n::money
    from generate_series(-500, 500) n"
floats="select x::float8, x::float4 from unnest('{0,-0,1,1e15,1e16,1e-4,1e-5,123456789,0.1,1e38,1e-37,3.4e38,
    NaN,Infinity,-Infinity,16777216,16777217,1e22,1e23,9007199254740993}'::text[]) x"
times="select to_timestamp(n * 86413.25) as tz, (to_timestamp(n * 86413.25) at time zone 'UTC')::timestamp as ts,
    to_timestamp(n * 86413.25)::date as d, to_timestamp(n * 7.000001)::time as t, to_timestamp(n * 7.1)::timetz,
    make_interval(n % 7, n % 13, n % 3, n % 31, n % 25, n % 61, n / 9.0) as i, n * interval '-1 day 1 hour' as j
    from generate_series(-40000, 60000, 37) n"
edges="select x::timestamptz, x::timestamp, x::date from unnest('{infinity,-infinity,0001-01-01,0001-01-01 BC,
    4713-01-01 BC,9999-12-31,10000-01-01,1883-11-18 12:03:58,1900-02-28,2000-02-29 23:59:59.999999,2038-01-19,
    2262-04-11,5874-06-05}'::text[]) x"
texts="select * from (values (1, 'plain', ''), (2, 'a,b', 'a\"b'), (3, E'line\\nbreak', E'carriage\\rreturn'),
    (4, E'tab\\there', E'back\\\\slash'), (5, null, '\\.'), (6, '\\N', 'NULL'), (7, 'grün 日本 é', E'e\\u0301 \\u200b'),
    (8, E'\\x01\\x1b[31m', E'\\u0085 \\U0001F418'), (9, ' lead', 'trail ')) v(id, one, two)"
containers="select array[n, n + 1, null] as ints, array[array['a', n::text], array['', null]] as texts,
    '[0:1]={7,8}'::int4[] as shifted, '{}'::text[] as empty, array['NULL', 'a b', '\"', '\\\\', '{}', ','] as odd,
    row(n, 'x y', null, array[1, 2]) as rec, int4range(n, n + 5) as r, tstzrange(to_timestamp(n), null) as tr,
    '{[1,3),[5,6)}'::int4multirange as m, array[to_timestamp(n)] as stamps
    from generate_series(1, 3) n"
others="select '\\x00ff10'::bytea, gen_random_uuid() is null as u, '6a0e7d3c-1d5c-4b0e-9d5e-0123456789ab'::uuid,
    '{\"a\": [1, 2.50, null]}'::json, '{\"b\": 1, \"a\": \"\\u00e9\"}'::jsonb, '192.168.0.1/24'::inet, '10/8'::cidr,
    '08:00:2b:01:02:03'::macaddr, '08:00:2b:01:02:03:04:05'::macaddr8, B'10110'::bit(5), B'1'::varbit,
    '(1,2)'::point, '[(0,0),(6,6)]'::lseg, '((0,0),(1,1))'::box, '<(0,0),2>'::circle, '{1,-1,0}'::line,
    '[(0,0),(1,1),(2,0)]'::path, '((0,0),(1,1),(2,0))'::polygon, 'a fat cat'::tsvector, 'a & b'::tsquery,
    '\$.a[*]'::jsonpath, 'pg_class'::regclass, 'int4'::regtype, 'now()'::regprocedure, '16/B374D848'::pg_lsn,
    '10:20:10,14,15'::pg_snapshot, '<a>b</a>'::xml, 'x'::\"char\", 'name'::name, 'padded'::bpchar(10), null::int4"

for options in '' '-c timezone=Europe/Berlin' '-c timezone=America/St_Johns -c intervalstyle=iso_8601' \
    '-c timezone=<+0530>-05:30' '-c datestyle=German -c intervalstyle=sql_standard' '-c datestyle=SQL,DMY' \
    '-c timezone=EST5EDT,M3.2.0,M11.1.0 -c intervalstyle=postgres_verbose' '-c timezone=Africa/Monrovia'; do
    export PGOPTIONS=$options
    as_copy "$times"
    as_copy "$edges"
    as_copy "$containers"
done
unset PGOPTIONS
for sql in "$numbers" "$floats" "$texts" "$others" 'select' 'select 1 where false' "values ('\\.')" "values ('')"; do
    as_copy "$sql"
    as_psql "$sql"
done
as_psql "$containers"
as_psql 'select 1 as "a
b", 2 as "tab	c", 3 as "日本", 4 as " "'
as_psql "select 'x' as a, E'one\\ntwo\\n' as b, E'\\n' as c, 7 as n, E'r\\ns' as last"
as_psql "select repeat('wide ', 60), 1"

# ── json ─────────────────────────────────────────────────────────────────────────────────────────
run 0 -f json "select 1 as a, 2.50::numeric as a, 'NaN'::float8 as a_2, true as b, null as c, E'q\"\\\\\\n\\x01é' as t,
    '{\"k\": [1,
    2]}'::json as j, array[1,null,3] as i, array[['a','b'],['c',null]] as m, '{}'::int4[] as e, '[0:1]={7,8}'::int4[] as s,
    1e300::float8 as f, -0.0::float8 as z, '2001-02-03'::date as d, array[true] as bs, array['{\"x\":1}'::jsonb] as js"
prints '{"a":1,"a_3":2.50,"a_2":"NaN","b":true,"c":null,"t":"q\"\\\n\u0001é","j":{"k": [1,     2]},"i":[1,null,3],"m":[["a","b"],["c",null]],"e":[],"s":"[0:1]={7,8}","f":1e+300,"z":-0,"d":"2001-02-03","bs":[true],"js":[{"x": 1}]}' 'json'
run 0 -f json 'select'
prints '{}' 'json without columns'

# ── arguments, modes, input and output ───────────────────────────────────────────────────────────
for mode in auto one-shot named; do
    run 0 --mode $mode -f tsv 'select $1::int4 + 1 as a, $2 as b, $3::timestamptz is null as c, $4::int[]' \
        -5 -x '2001-02-03' '{1,2}'
    prints $'a\tb\tc\tint4\n-4\t-x\tf\t{1,2}' "arguments, $mode"
done
while read -r mode how; do
    # One column that the server writes and one that is rendered here; and one alone.
    for sql in 'select row(1, null) as r, 1.50 as n' 'select 7 as n' 'select row(2) as r'; do
        psql -qX --csv -c "$sql" >"$folder/want"
        run 0 --mode "$mode" -f csv "$sql"
        same "$mode: $sql"
        mv "$folder/errors" "$folder/got"
        matches "tusk: sent as $how statement; endpoint: *" "$mode says"
    done
done <<'TEXT'
auto an unnamed
one-shot an unnamed
named a named
TEXT
run 0 --mode auto 'select 1'
mv "$folder/errors" "$folder/got"
prints 'tusk: sent as an unnamed statement; endpoint: direct' 'what auto found'
"$tusk" query --mode named --trace 'select 1' 2>&1 | grep -c 'Parse.*"tusk_[0-9a-f]*" "select 1"' >"$folder/got"
prints 1 'named is named'
printf 'select 1\n as one' | "$tusk" query -f csv - >"$folder/got"
prints $'one\n1' 'SQL on standard input'
run 0 -o "$folder/file" -f csv 'select 7 as n'
mv "$folder/file" "$folder/got"
prints $'n\n7' 'output to a file'
run 0 'create temp table t as select 1'
prints 'SELECT 1' 'a tag'
run 0 -f csv 'set work_mem to 10000'
prints_nothing() {
    : >"$folder/want"
    same "$1"
}
prints_nothing 'no tag in csv'
run 0 ''
prints_nothing 'no statement'
run 0 "do \$\$ begin raise notice 'hello %', E'\\x1b[2J'; end \$\$"
complains 'NOTICE: hello \x1B[2J
CONTEXT: PL/pgSQL function inline_code_block line 1 at RAISE' 'a notice'
run 0 "copy (select 1, null, E'a\\tb') to stdout"
prints $'1\t\\N\ta\\tb' 'COPY to standard output'

# ── errors ───────────────────────────────────────────────────────────────────────────────────────
run 1 'select 1/0'
complains 'ERROR 22012: division by zero' 'an error'
run 1 $'select 1,\n\t日本 é, x\n from nowhere_else y'
complains 'ERROR 42P01: relation "nowhere_else" does not exist
LINE 3:  from nowhere_else y
              ^' 'a caret'
run 1 $'select\t日本 é'
complains 'ERROR 42703: column "日本" does not exist
LINE 1: select 日本 é
               ^' 'a caret behind a tab'
run 1 "select '日本', é + 1 from pg_type"
complains "ERROR 42703: column \"é\" does not exist
LINE 1: select '日本', é + 1 from pg_type
                       ^" 'a caret behind wide characters'
run 1 "select $(printf '1, %.0s' $(seq 60))nix, $(printf '2, %.0s' $(seq 60))3"
complains 'ERROR 42703: column "nix" does not exist
LINE 1: ...1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, nix, 2, 2, 2, 2, 2, 2, 2...
                                                           ^' 'a caret in a long line'
run 1 "do \$\$ begin raise exception 'no' using errcode = 'TK001', detail = 'two' || E'\\n' || 'lines', hint = 'try'; end \$\$"
complains 'ERROR TK001: no
DETAIL: two
lines
HINT: try
CONTEXT: PL/pgSQL function inline_code_block line 1 at RAISE' 'detail, hint, context'
run 1 "do \$\$ begin perform nix from pg_type; end \$\$"
complains 'ERROR 42703: column "nix" does not exist
QUERY LINE 1: SELECT nix from pg_type
                     ^
CONTEXT: PL/pgSQL function inline_code_block line 1 at PERFORM' 'the caret in a query inside'
run 1 'select 1; select 2'
run 1 $'select \xff'
run 1 -f csv 'select 1 / (500 - n) as q from generate_series(1, 1000) n'
checks=$((checks + 1))
[ "$(wc -l <"$folder/got")" -ge 1 ] || fail 'rows in front of an error are lost'
run 2 'copy pg_type from stdin'
complains 'tusk: tusk query sends no data; tusk copy in does' 'COPY from standard input'
printf 'old\n' >"$folder/kept"
run 1 -o "$folder/kept" -f csv 'select 1 / (5000 - n) from generate_series(1, 10000) n'
cp "$folder/kept" "$folder/got"
prints old 'a statement that fails in the middle leaves the file'
run 1 -o "$folder/untouched" 'select 1/0 from'
checks=$((checks + 1))
[ ! -e "$folder/untouched" ] || fail 'a statement that cannot run has touched the output file'
run 1 'select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)'

run 2 'select $1::int4'
complains 'tusk: the statement takes 1 argument, 0 given' 'too few arguments'
run 2 'select 1' a b
complains 'tusk: the statement takes 0 arguments, 2 given' 'too many arguments'
run 2 'select 1' -f csv
complains 'tusk: the statement takes 0 arguments, 2 given; options stand in front of the SQL' 'options behind the SQL'
run 1 'select $1::int4' five
complains 'ERROR 22P02: invalid input syntax for type integer: "five"
CONTEXT: unnamed portal parameter $1 = '"'...'" 'an argument that is no number'
printf 'select 1,\n\0 2' | "$tusk" query - >"$folder/got" 2>"$folder/errors"
complains 'tusk: the SQL on standard input has a NUL at byte 11 (line 2, byte 1 of it); SQL is text and cannot hold one' 'a NUL'
run 2 -o /dev/full 'select 1'
complains 'tusk: cannot write to /dev/full: No space left on device' 'a full disk'
run 2 -o /nonexistent/file 'select 1'
complains 'tusk: cannot write to /nonexistent/file: No such file or directory' 'no such folder'

# ── no connection ────────────────────────────────────────────────────────────────────────────────
# refuses DSN PATTERN: exit status 2 and one line of this pattern.
refuses() {
    run 2 -d "$1" 'select 1'
    checks=$((checks + 1))
    case $(cat "$folder/errors") in
        $2) ;;
        *) fail "connecting to $1 says: $(cat "$folder/errors")" ;;
    esac
}
refuses 'host=/nonexistent' 'tusk: cannot connect: *No such file or directory*'
refuses 'host=127.0.0.1 port=1' 'tusk: cannot connect: *refused*'
refuses 'host=nowhere.invalid' 'tusk: cannot connect: *nowhere.invalid*'
refuses 'host=' 'tusk: *'
refuses 'nonsense' 'tusk: *nonsense*'
refuses 'port=none' 'tusk: *port*'
refuses 'postgresql://%zz' 'tusk: *'
refuses 'dbname=missing' 'tusk: cannot connect: *failed: FATAL 3D000: database "missing" does not exist'
refuses 'user=stranger' 'tusk: cannot connect: *failed: FATAL 28000: role "stranger" does not exist'
if [ "${TUSK_TEST_TCP_AUTH:-trust}" != trust ]; then
    refuses "host=${TUSK_TEST_TCP_HOST:-127.0.0.1} sslmode=disable password=geheim" \
        "tusk: cannot connect: *failed: FATAL 28P01: password authentication failed for user \"$PGUSER\""
    checks=$((checks + 1))
    grep -q geheim "$folder/errors" && fail 'the password is shown'
fi

# ── interruption, a reader that goes, slow readers ───────────────────────────────────────────────
checks=$((checks + 1))
started=$(date +%s)
env --default-signal=INT "$tusk" query 'select pg_sleep(30)' 2>"$folder/errors" &
sleep 1
kill -INT $!
wait $!
status=$?
[ $status -eq 130 ] || fail "^C ends with $status"
[ $(($(date +%s) - started)) -lt 15 ] || fail '^C does not end a statement'
complains 'tusk: canceled' '^C'
run 0 -f tsv "select count(*) from pg_stat_activity where query like 'select pg_sleep(30)%' and state = 'active'"
prints $'count\n0' 'a cancelled statement goes on'

for signal in TERM:143 HUP:129; do
    env --default-signal=TERM,HUP "$tusk" query "select 'SIG${signal%:*}', pg_sleep(30)" 2>"$folder/errors" &
    until_true "select count(*) > 0 from pg_stat_activity where query like 'select ''SIG${signal%:*}''%' and wait_event = 'PgSleep'"
    kill -"${signal%:*}" $!
    wait $!
    ended $? "${signal#*:}" "SIG${signal%:*}"
    complains 'tusk: canceled' "SIG${signal%:*}"
    until_true "select count(*) = 0 from pg_stat_activity where query like 'select ''SIG${signal%:*}''%' and state = 'active'" ||
        fail "SIG${signal%:*}: the statement goes on"
done
# An ignored one stays ignored.
(
    trap '' HUP
    "$tusk" query -f tsv 'select pg_sleep(2) is null as c' >"$folder/got" 2>"$folder/errors" &
    sleep 1
    kill -HUP $!
    wait $!
    ended $? 0 'nohup'
)
prints $'c\nf' 'nohup'

checks=$((checks + 1))
("$tusk" query -f csv 'select * from generate_series(1, 10000000)' 2>"$folder/errors"; echo $? >"$folder/status") | head -n 3 >"$folder/got"
prints $'generate_series\n1\n2' 'a reader that goes away'
[ "$(cat "$folder/status")" = 141 ] || fail "a reader that goes away: exit status $(cat "$folder/status")"
[ ! -s "$folder/errors" ] || fail "a reader that goes away: $(cat "$folder/errors")"

# Two million rows past a reader that sleeps need no memory for them: 60 MB of it, with 40 MB to live in.
checks=$((checks + 1))
if [ "${TUSK_TEST_ADDRESS_SPACE:-yes}" = yes ]; then
    (ulimit -v 120000; "$tusk" query -f tsv "select n, repeat('x', 20) from generate_series(1, 2000000) n") |
        (sleep 2; tail -n 1) >"$folder/got"
    prints $'2000000\txxxxxxxxxxxxxxxxxxxx' 'bounded memory'
fi

verdict
