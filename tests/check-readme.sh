#!/bin/sh
# tests/check-readme.sh: the programs that README.md shows are the ones in tests/examples, which are
# compiled and run. A block of C is held against the file that the last line of text before it names:
#
#     The whole program is [tests/examples/hello_loop.c](tests/examples/hello_loop.c):
#
#     ```c
#     ...
#     ```
#
#   check-readme.sh SOURCE_ROOT
set -u
cd "$1" || exit 1
[ -f README.md ] || {
    echo 'there is no README.md yet'
    exit 77
}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

awk -v folder="$folder" '
    !inside && /^```c$/ {
        inside = 1
        if (match(text, /tests\/examples\/[a-z_]+\.c/)) {
            name = substr(text, RSTART, RLENGTH)
            gsub(/.*\//, "", name)
            out = folder "/" name
            printf "" >out
        }
        next
    }
    inside && /^```$/ {
        if (out) close(out)
        inside = 0
        out = text = ""
        next
    }
    inside { if (out) print >>out }
    !inside && NF { text = $0 }' README.md

failed=0
for example in tests/examples/hello_*.c; do
    quoted=$folder/$(basename "$example")
    if [ ! -f "$quoted" ]; then
        echo "README.md does not quote $example"
        failed=1
    elif ! diff -u "$example" "$quoted"; then
        echo "README.md quotes $example with the differences above"
        failed=1
    fi
done
exit $failed
