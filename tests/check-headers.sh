#!/bin/sh
# tests/check-headers.sh: every public header compiles alone, as C11 and as C++17, without a warning.
#   check-headers.sh SOURCE_ROOT
# CC and CXX name compilers to use instead of every one of gcc, g++, clang, clang++ that is here.
set -u
root=$1
warnings='-Wall -Wextra -pedantic -Werror'
tried=0
failed=0

# try LANGUAGE STANDARD COMPILER HEADER
try() {
    tried=$((tried + 1))
    # shellcheck disable=SC2086
    printf '#include <%s>\n' "$4" |
        "$3" -x "$1" -std="$2" $warnings -I "$root/include" -fsyntax-only - || {
        printf '%s: not clean as %s with %s\n' "$4" "$2" "$3"
        failed=$((failed + 1))
    }
}

for header in $(cd "$root/include" && find tusk -name '*.h' | sort); do
    case $header in tusk/adapters/*) continue ;; esac # each needs the library it adapts to
    for compiler in ${CC:-gcc clang}; do
        command -v "$compiler" >/dev/null && try c c11 "$compiler" "$header"
    done
    for compiler in ${CXX:-g++ clang++}; do
        command -v "$compiler" >/dev/null && try c++ c++17 "$compiler" "$header"
    done
done
if [ $tried = 0 ]; then
    echo 'no compiler found: set CC and CXX'
    exit 1
fi
[ $failed = 0 ]
