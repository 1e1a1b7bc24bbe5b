#!/bin/sh
# tests/check-text.sh: what a program takes on that links with the library: the text of libtusk.so as
# `size` counts it (code, constants, the tables of the dynamic linker, unwind tables), stripped, held
# against tests/text.txt: more than 3 % over is a failure.
#   check-text.sh SOURCE_ROOT LIBTUSK.SO BUILD     BUILD: machine, compiler, optimisation, as in text.txt
set -u
budgets=$1/tests/text.txt
library=$2
build=$3
command -v size >/dev/null && command -v strip >/dev/null || {
    echo 'skipped: there are no binutils'
    exit 77
}
copy=$(mktemp) || exit 1
trap 'rm -f "$copy"' EXIT
strip -o "$copy" "$library" || exit 1
found=$(size "$copy" | awk 'NR == 2 && $1 > 100000 { print $1 }')
echo "$build: text ${found:-?}"
size -A -d "$copy" | awk '$2 + 0 >= 1000 && $1 != "Total" { printf "  %-16s %7d\n", $1, $2 }'
[ -n "$found" ] || exit 1

budget=$(sed -n "s/^$build: text //p" "$budgets")
[ -n "$budget" ] || {
    echo 'skipped: there is no budget for this build'
    exit 77
}
if [ "$found" -gt $((budget + budget * 3 / 100)) ]; then
    echo "the budget is $budget"
    exit 1
elif [ "$found" -lt $((budget - budget * 3 / 100)) ]; then
    echo "so the budget of $budget may be lowered"
fi
