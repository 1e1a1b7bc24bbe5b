#!/bin/bash -eu
# Every target with the compiler and the flags of the fuzzing service, its corpus and its dictionary. The
# libraries go in whole: the runner has none. What compares with libpq is left out: it is not there.
cd "$SRC/tusk"
includes=(-I. -Iinclude -D_GNU_SOURCE -std=c11)
objects=()
mkdir -p "$WORK/objects"
compile() {
    local out
    out=$WORK/objects/$(tr / _ <<<"$1").o
    # shellcheck disable=SC2086
    $CC $CFLAGS "${includes[@]}" -c "$1" -o "$out"
    printf '%s' "$out"
}
for source in proto/*.c lib/session/*.c lib/config/*.c lib/net/*.c lib/pool/*.c lib/*.c fuzz/fuzz.c fuzz/type_check.c \
    fuzz/pieces.c tests/support/{alloc,build,fixed_crypto,subject,watch}.c tests/tape_{frontend,text}.c; do
    objects+=("$(compile "$source")")
done
rm -f "$WORK/libtusk.a"
ar rcs "$WORK/libtusk.a" "${objects[@]}"
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    target=${name#fuzz_}
    [ "$target" != libpq ] || continue
    programs=("$(compile "$source")")
    # Only a target whose input is messages says how it is divided.
    grep -q -e fuzz_segment -e fuzz_prefix "$source" && programs+=("$(compile fuzz/mutate.c)")
    # shellcheck disable=SC2086
    $CXX $CXXFLAGS "${programs[@]}" "$WORK/libtusk.a" $LIB_FUZZING_ENGINE \
        -Wl,-Bstatic -lssl -lcrypto -lz -Wl,-Bdynamic -lpthread -ldl -o "$OUT/$name"
    zip -q -j "$OUT/${name}_seed_corpus.zip" "fuzz/corpus/$target"/*
    cp fuzz/tusk.dict "$OUT/$name.dict"
done
