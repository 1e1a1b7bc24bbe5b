#!/bin/sh
# tests/check-size.sh: no C file is longer than 500 lines, no function longer than 60.
#   check-size.sh SOURCE_ROOT
# A function is counted from the first line of its declarator to its closing brace, both of which
# stand at the margin, as the style has it.
set -u
cd "$1" || exit 1

find include lib proto tests tools fuzz -name '*.[ch]' | sort | xargs awk '
    function file_end() {
        if (lines > 500) {
            printf "%s: %d lines, at most 500\n", name, lines
            bad = 1
        }
    }
    FNR == 1 { file_end(); name = FILENAME; head = 0 }
    { lines = FNR; files += FNR == 1 }
    /^[A-Za-z_].*[(]/ && !/[;{]$/ { head = FNR; title = $0 }
    /^$/ || /^#/ { head = 0 }
    /^\{$/ { start = head ? head : FNR }
    /^\}/ && start {
        functions++
        if (FNR - start + 1 > 60) {
            printf "%s:%d: %d lines, at most 60: %s\n", FILENAME, start, FNR - start + 1, title
            bad = 1
        }
        start = 0
    }
    END {
        file_end()
        if (files < 100 || functions < 500) {
            print "this is not the whole tree: " files " files, " functions " functions"
            bad = 1
        }
        exit bad
    }'
