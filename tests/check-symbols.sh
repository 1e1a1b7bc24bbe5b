#!/bin/sh
# tests/check-symbols.sh: what libtusk.so exports is a reviewed list, tests/exported-symbols.txt: the
# functions that the public headers mark TUSK_API, and nothing else.
#   check-symbols.sh SOURCE_ROOT LIBTUSK.SO [--update]
# --update writes the list anew: look at its diff before you commit it.
set -u
LC_ALL=C
export LC_ALL
root=$1
library=$2
list=$root/tests/exported-symbols.txt
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# complain HEADING FILE: fails if the file has lines.
complain() {
    [ -s "$2" ] || return
    echo "$1"
    sed 's/^/  /' "$2"
    failed=1
}

nm -D --defined-only "$library" >"$folder/nm" || exit 1
# AddressSanitizer has a shadow of each exported variable.
awk '{sub(/@.*/, "", $NF); print $NF}' "$folder/nm" | grep -v '^__odr_asan' | sort -u >"$folder/exported"
if [ "${3:-}" = --update ]; then
    cp "$folder/exported" "$list"
    exit 0
fi
# Macros declare some of them. The name stands before the first parenthesis or the semicolon.
find "$root/include/tusk" -maxdepth 1 -name '*.h' -exec printf '#include "%s"\n' {} + |
    "${CC:-cc}" -E -P -I "$root/include" -x c - |
    tr '\n' ' ' | grep -o 'visibility("default"))) [^(;]*[(;]' |
    sed 's/ *[(;]$//; s/.*[ *]//' | sort -u >"$folder/declared"

grep -v '^tusk_[a-z]' "$folder/exported" >"$folder/foreign"
comm -13 "$list" "$folder/exported" >"$folder/added"
comm -23 "$list" "$folder/exported" >"$folder/gone"
comm -13 "$folder/declared" "$folder/exported" >"$folder/undeclared"
comm -23 "$folder/declared" "$folder/exported" >"$folder/undefined"
complain 'exported although the name is not tusk_...:' "$folder/foreign"
complain 'exported, but not in tests/exported-symbols.txt:' "$folder/added"
complain 'in tests/exported-symbols.txt, but not exported any more:' "$folder/gone"
complain 'exported, but declared in no public header:' "$folder/undeclared"
complain 'declared in a public header, but not exported:' "$folder/undefined"
exit $failed
