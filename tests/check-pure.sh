#!/bin/sh
# tests/check-pure.sh: the codec and the session make no system call, read no clock and know no
# library: what their archive does not define itself is memory and string functions, realloc and free
# (the default allocator), or comes from the compiler.
#   check-pure.sh LIBTUSK_PURE.A
set -u
LC_ALL=C
export LC_ALL
archive=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

nm "$archive" >"$folder/nm" 2>/dev/null || {
    echo "nm cannot read $archive"
    exit 1
}
awk 'NF == 3 && $2 ~ /[A-TV-Z]/ {print $3}' "$folder/nm" | sort -u >"$folder/defined"
awk 'NF == 2 && $1 ~ /[Uw]/ {print $2}' "$folder/nm" | sort -u >"$folder/wanted"
if [ "$(grep -c '^tusk_' "$folder/defined")" -lt 50 ]; then
    echo "$archive defines hardly anything: this cannot be the archive meant"
    exit 1
fi
if grep -q '^__\(asan\|ubsan\|tsan\|msan\|gcov\|llvm\|sanitizer\)_' "$folder/wanted"; then
    echo 'this build is instrumented; its symbols tell nothing'
    exit 77
fi

libc='(mem|str)[a-z]+|bcmp|realloc|free'
hardened='__(mem|str)[a-z]+_chk|__stack_chk_(fail|guard)|__stack_chk_fail_local|_GLOBAL_OFFSET_TABLE_'
runtime='__u?(div|mod|mul|ash[lr]|lshr)[a-z]*[0-9]|__(aeabi|aarch64)_[a-z0-9_]+|__x86\.[a-z0-9._]+'
comm -23 "$folder/wanted" "$folder/defined" | grep -Evx "$libc|$hardened|$runtime" >"$folder/impure"
[ -s "$folder/impure" ] || exit 0
echo 'proto/ or lib/session/ uses what they must be handed:'
while read -r symbol; do
    nm -A "$archive" 2>/dev/null | awk -v s="$symbol" '$NF == s && $(NF - 1) == "U" {print "  " s ", in " $1}'
done <"$folder/impure"
exit 1
