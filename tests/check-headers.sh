#!/bin/sh
# tests/check-headers.sh: every public header compiles alone, as C11 and as C++17, without a warning.
#   check-headers.sh SOURCE_ROOT
# CC and CXX name compilers to use instead of those of gcc, clang, g++, clang++ that are here. An
# adapter is left out where the library that it adapts to is not installed.
set -u
root=$1
warnings='-Wall -Wextra -pedantic -Werror'
tried=0
failed=0

# unit HEADER: a translation unit that is not empty even where the header has only macros.
unit() {
    printf '#include <%s>\nextern int not_empty;\n' "$1"
}

# try LANGUAGE STANDARD COMPILER HEADER
try() {
    flags="-x $1 -std=$2 -I $root/include"
    # shellcheck disable=SC2086
    case $4 in
        # The other loops' own headers want more of the system than plain C11 shows.
        tusk/adapters/*)
            flags="$flags -D_GNU_SOURCE"
            unit "$4" | "$3" $flags -E - >/dev/null 2>&1 || return
            ;;
    esac
    tried=$((tried + 1))
    # shellcheck disable=SC2086
    unit "$4" | "$3" $flags $warnings -fsyntax-only - && return
    echo "$4: not clean as $2 with $3"
    failed=$((failed + 1))
}

for header in $(cd "$root/include" && find tusk -name '*.h' | sort); do
    for compiler in ${CC:-gcc clang}; do
        command -v "$compiler" >/dev/null && try c c11 "$compiler" "$header"
    done
    for compiler in ${CXX:-g++ clang++}; do
        command -v "$compiler" >/dev/null && try c++ c++17 "$compiler" "$header"
    done
done
if [ $tried = 0 ]; then
    echo 'no compiler, or no header: nothing was checked'
    exit 1
fi
[ $failed = 0 ]
