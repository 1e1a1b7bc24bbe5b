# shellcheck shell=bash
# tools/run-command.bash: how a tool that started something runs its caller's command beside it, so that
# what it started is always stopped. To be sourced.

# run_command COMMAND ARG...: in the background, because a shell acts on a signal only when its
# foreground command is over. A signal is handed on to the command, whose end is then ours; what a
# terminal sends, the command has got itself, and may well survive. Returns the command's status.
run_command() {
    local child status limit="" killer=""
    (
        trap - INT QUIT
        exec "$@"
    ) <&0 &
    child=$!
    trap '[ -t 0 ] || kill -INT $child 2>/dev/null' INT
    trap 'limit=1; kill -TERM $child 2>/dev/null' TERM
    trap 'limit=1; kill -HUP $child 2>/dev/null' HUP
    while :; do
        wait $child 2>/dev/null
        status=$?
        kill -0 $child 2>/dev/null || break
        if [ -n "$limit" ]; then
            (sleep 10 && kill -KILL $child) >/dev/null 2>&1 </dev/null &
            killer=$!
            limit=
        fi
    done
    [ -z "$killer" ] || kill "$killer" 2>/dev/null
    return $status
}
