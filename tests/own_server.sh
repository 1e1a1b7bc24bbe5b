#!/bin/sh
# tests/own_server.sh: runs a test that has a throwaway server for itself; skipped where none can be had.
#   own_server.sh PROGRAM [ARG...]
# The arguments that begin with -- are for tools/with-postgres and stand before PROGRAM.
"$(dirname "$0")/../tools/with-postgres" "$@"
status=$?
[ $status = 125 ] && exit 77
exit $status
