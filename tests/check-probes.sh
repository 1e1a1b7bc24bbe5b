#!/bin/sh
# tests/check-probes.sh: the library that was built where there is sys/sdt.h has the static probes that
# tusk/pool.h lists, and no others.
#   check-probes.sh SOURCE_ROOT LIBRARY
set -u
printf '#include <sys/sdt.h>\n' | ${CC:-cc} -E - >/dev/null 2>&1 || {
    echo 'skipped: there is no sys/sdt.h (Debian: systemtap-sdt-dev)'
    exit 77
}
command -v readelf >/dev/null || {
    echo 'skipped: there is no readelf (Debian: binutils)'
    exit 77
}
listed=$(sed -n 's/^ \*   \(pool_[a-z_]*\)  .*/\1/p' "$1/include/tusk/pool.h" | sort)
built=$(readelf -n "$2" | sed -n '/Provider: tusk$/{n;s/.*Name: //p;}' | sort -u)
[ -n "$listed" ] && [ "$listed" = "$built" ] && exit 0
printf 'listed in tusk/pool.h:\n%s\nin %s:\n%s\n' "$listed" "$2" "$built"
exit 1
