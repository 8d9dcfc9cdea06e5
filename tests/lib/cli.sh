# Shared by the tests of the commands: . "${0%/*}/../lib/cli.sh"
# Each test works in a folder of its own, which is gone afterwards, and stops at the first thing that is not as it
# should be. The program under test is $MXREPLAY; `run` keeps what it says in the files out and err.
# shellcheck shell=sh disable=SC2034  # used by those who read this in
set -u
: "${MXREPLAY:?names the program under test}"
root=$(cd "${0%/*}/../.." && pwd)
labs=$root/sample-logs/labs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
unset MXREPLAY_DB

fail() {
    echo "$0: $*"
    echo "-- mxreplay $said: exit status $status"
    sed 's/^/out: /' out | head -n 20
    sed 's/^/err: /' err | head -n 20
    exit 1
}

# run ARGUMENT...
run() {
    said=$*
    "$MXREPLAY" "$@" >out 2>err </dev/null
    status=$?
}

expect_status() { [ "$status" = "$1" ] || fail "expected exit status $1"; }
# A text somewhere in what came out, and nowhere.
expect_out() { grep -qF -- "$1" out || fail "expected on stdout: $1"; }
expect_err() { grep -qF -- "$1" err || fail "expected on stderr: $1"; }
expect_no_out() { [ ! -s out ] || fail "expected nothing on stdout"; }
expect_no_err() { [ ! -s err ] || fail "expected nothing on stderr"; }
refute_out() { ! grep -qF -- "$1" out || fail "not expected on stdout: $1"; }
# A line, whole.
expect_line() { grep -qxF -- "$1" out || fail "expected a line on stdout: $1"; }

# good ARGUMENT...: exit status 0
good() {
    run "$@"
    expect_status 0
}

# bad STATUS TEXT ARGUMENT...: that exit status, nothing on stdout, one line on stderr that has the text
bad() {
    wanted=$1 text=$2
    shift 2
    run "$@"
    expect_status "$wanted"
    expect_err "$text"
    [ "$(wc -l <err)" = 1 ] || fail "expected one line on stderr"
    grep -q '^mxreplay: ' err || fail "expected the line to begin with mxreplay:"
    expect_no_out
}

# A column of a view, by the rules of SQL.
value() { sqlite3 -batch "$1" "$2"; }
