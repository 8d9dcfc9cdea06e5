#!/bin/sh
# valgrind.sh MXREPLAY: the labs through collect, replay and the other readers. A leak or a bad access is a failure.
set -e
mxreplay=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
v() {
    echo "\$ mxreplay $*"
    valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
        "$mxreplay" "$@" >"$place/out" 2>"$place/err" || { status=$?; cat "$place/err"; exit $status; }
}
for lab in sample-logs/labs/*/; do
    db=$place/$(basename "$lab").db
    for log in "$lab"mail.log* "$lab"mail.trad.log* "$lab"mainlog* "$lab"rejectlog* "$lab"*.current*; do
        if [ -e "$log" ]; then
            v collect -q --year 2026 -d "$db" "$log"
        fi
    done
    for unit in delivery session recipient message; do
        v replay -d "$db" -p talk-2009 --unit "$unit" --format csv
    done
    v replay -d "$db" --by hour
    v status -d "$db"
    v audit -d "$db" -p talk-2009
    v compare -d "$db" -p recorded -p talk-2009
    v sweep -d "$db" -p talk-2009 --vary greylist.delay=1m,1h --vary 'dnsbl.zones=+each,-each' --search one-at-a-time
    v overlap -d "$db" -p talk-2009
    v explain -d "$db" 1
done
echo 'ok'
