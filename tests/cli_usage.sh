#!/bin/bash
# tests/cli_usage.sh: what tusk says without a server: help, version, wrong usage, tusk config.
#   cli_usage.sh TUSK
set -u
tusk=$1
[ -x "$tusk" ] || {
    echo "there is no program $tusk"
    exit 1
}
for name in $(compgen -e | grep '^PG'); do unset "$name"; done
unset DATABASE_URL
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
export HOME=$folder PGSYSCONFDIR=$folder
failures=0

# says STATUS PATTERN ARG...: tusk ends with STATUS; its output, on standard output if STATUS is 0 and on
# standard error else, matches PATTERN, and the other one is empty.
says() {
    local want=$1 pattern=$2 status said other
    shift 2
    "$tusk" "$@" >"$folder/out" 2>"$folder/err" </dev/null
    status=$?
    said=$folder/out other=$folder/err
    [ "$want" -eq 0 ] || said=$folder/err other=$folder/out
    # shellcheck disable=SC2254
    case $(cat "$said") in
        $pattern) [ $status -eq "$want" ] && [ ! -s "$other" ] && return ;;
    esac
    failures=$((failures + 1))
    printf 'FAILED: tusk %s: exit status %s\n' "$*" $status
    head -n 5 "$folder/out" "$folder/err"
}

says 2 'usage: tusk COMMAND*'
for help in --help -h help; do
    says 0 'usage: tusk COMMAND*query*config*' $help
done
says 0 'tusk [0-9]*.[0-9]*.[0-9]*' --version
says 2 "tusk: there is no workload 'frobnicate'*" bench frobnicate
says 2 "tusk: there is no driver 'odbc'*" bench --driver odbc
says 0 'usage: tusk bench*pg_type*' bench --help
says 2 "tusk: there is no command 'frobnicate'*" frobnicate
says 0 'usage: tusk query *' query --help
says 0 'usage: tusk config *' config -h
says 2 'tusk: no SQL to run*' query
says 2 'tusk: there is no option -x*Try: tusk query --help' query -x 'select 1'
says 2 'tusk: there is no option --frob*' query --frob 'select 1'
says 2 'tusk: option -f needs a value*' query -f
says 2 'tusk: option --mode needs a value*' query --mode
says 2 "tusk: there is no format 'xml'; there are table, csv, tsv, json" query -f xml 'select 1'
says 2 "tusk: there is no mode 'fast'; there are auto, one-shot, named" query --mode fast 'select 1'
# shellcheck disable=SC2046
says 2 'tusk: 65536 arguments: a statement takes at most 65535' query 'select 1' $(seq 65536)
says 2 'tusk: one DSN at most*' config a b

says 0 'host=h1,h2 *# DSN*port=5432 *# default*' config 'host=h1,h2'
PGPORT=7777 says 0 '*port=7777 *# environment: PGPORT*' config 'host=h1,h2'
says 0 '{*"host": {"value": "h\\"", "source": "DSN"}*}' config --json 'host=h"'
says 0 '*# no value:* hostaddr *sslrootcert *' config 'host=h'
says 0 '*"hostaddr": {"value": null, "source": null}*' config --json 'host=h'
says 0 '*dbname=db one*' config postgresql://user@host/db%20one
for dsn in postgresql://u:geheim@h/d 'password=geheim' 'sslpassword=geheim'; do
    says 0 '*password=\*\*\*\* *' config "$dsn"
    grep -q geheim "$folder/out" && {
        failures=$((failures + 1))
        echo "FAILED: tusk config $dsn shows the password"
    }
done
DATABASE_URL=postgresql://somewhere/else says 0 '*host=somewhere *' config
says 2 'tusk: invalid connection option "frob"' config frob=1
says 2 'tusk: *sslmode*nonsense*' config sslmode=nonsense
says 2 'tusk: *port*' config 'host=a port=1,2,3'
says 2 'tusk: *' config 'postgresql://h/%zz'
says 2 'tusk: *sslmode*' query -d sslmode=nonsense 'select 1'
[ $failures -eq 0 ]
