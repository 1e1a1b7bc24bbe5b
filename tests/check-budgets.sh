#!/bin/sh
# tests/check-budgets.sh: how many instructions the client needs per row or query of the canned workloads
# of `tusk bench`, held against tests/budgets.txt: more than 3 % over is a failure. The count is that of
# valgrind, the difference between a long and a short run, so that neither the machine's mood nor the
# start of the program is in it.
#   check-budgets.sh SOURCE_ROOT TUSK BUILD     BUILD: compiler and optimisation, as in budgets.txt
# With BUDGETS_PRINT=1 the counts are printed as a new budgets.txt would have them.
set -u
unset MALLOC_PERTURB_
budgets=$1/tests/budgets.txt
tusk=$2
build=$3
command -v valgrind >/dev/null || {
    echo 'skipped: there is no valgrind'
    exit 77
}
wanted=$(sed -n 's/^build //p' "$budgets")
[ "$build" = "$wanted" ] || {
    echo "skipped: the budgets are for $wanted, this is $build"
    exit 77
}

# instructions NAME TIMES: prints how many there were, and how many items.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$tusk" bench --canned "$1" --times "$2" 2>&1 |
        awk '/Collected *:/ { n = $NF } $NF == "ns" { items = $2 } END { print n, items }'
}

failed=0
while read -r name budget; do
    case $name in '' | '#'* | build) continue ;; esac
    short=$(instructions "$name" 2)
    long=$(instructions "$name" 10)
    found=$(echo "$short $long" | awk 'NF == 4 && $4 > $2 { printf "%d", ($3 - $1) / ($4 - $2) + 0.5 }')
    if [ -z "$found" ]; then
        echo "$name: could not be counted: $short, $long"
        failed=1
    elif [ "${BUDGETS_PRINT:-0}" = 1 ]; then
        printf '%-10s %5d\n' "$name" "$found"
    elif [ "$found" -gt $((budget + budget * 3 / 100)) ]; then
        echo "$name: $found instructions, the budget is $budget"
        failed=1
    elif [ "$found" -lt $((budget - budget / 10)) ]; then
        echo "$name: $found instructions, so the budget of $budget may be lowered"
    fi
done <"$budgets"
exit $failed
