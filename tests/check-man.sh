#!/bin/sh
# tests/check-man.sh: the manual page is well-formed, and says every option that --help says.
#   check-man.sh SOURCE_ROOT TUSK
set -u
page=$1/tools/tusk.1
tusk=$2
failed=0
for command in query copy ping health listen config bench; do
    for option in $("$tusk" $command --help | grep -o -- '--[a-z][a-z-]*' | sort -u); do
        [ "$option" = --help ] && continue
        grep -q -- "Fl -${option#--}" "$page" || {
            echo "tools/tusk.1 does not know the option $option of tusk $command"
            failed=1
        }
    done
done
[ $failed -eq 0 ] || exit 1
command -v mandoc >/dev/null || {
    echo 'skipped: there is no mandoc'
    exit 77
}
# Whether other pages are installed here is none of this page's business.
complaints=$(mandoc -T lint "$page" 2>&1 | grep -v 'mandoc.db\|unknown manual')
[ -z "$complaints" ] || {
    echo "$complaints"
    exit 1
}
