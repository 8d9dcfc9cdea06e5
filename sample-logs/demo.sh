#!/bin/sh
# demo.sh MXREPLAY FOLDER: what mxreplay does, on the sample logs. Each command is shown before it runs; databases and
# graphs stay in FOLDER.
set -e
program=$1 out=$2
mkdir -p "$out"
rm -f "$out"/*.db "$out"/*.db-wal "$out"/*.db-shm

tell() {
    printf '\n\033[1m# %s\033[0m\n' "$*" | if [ -t 1 ] && [ -z "$NO_COLOR" ]; then cat; else sed 's/\x1b\[[01]*m//g'; fi
}
mxreplay() {
    printf '$ %s %s\n' "$program" "$*"
    "$program" "$@"
}

tell "The talk's sample: a month at a small site, and what its server was set to ask"
mxreplay collect -q -d "$out/talk.db" --recorded talk-2009 sample-logs/talk-2009/mail.log.gz
mxreplay replay -d "$out/talk.db" -p talk-2009

tell "The talk's two graphs"
mxreplay report -d "$out/talk.db" -p talk-2009 --graph counts
mxreplay report -d "$out/talk.db" -p talk-2009 --graph percent
mxreplay report -d "$out/talk.db" -p talk-2009 --graph counts -o "$out/counts.svg"
mxreplay report -d "$out/talk.db" -p talk-2009 --graph percent -o "$out/percent.svg"

tell "A real Postfix: what the server did, and what the talk's policy would have done"
mxreplay look -d "$out/lab.db" sample-logs/labs/postfix-greylist/mail.log

tell "Why was this one refused?"
mxreplay explain -d "$out/talk.db" -p talk-2009 --sender "$(gzip -dc sample-logs/talk-2009/truth.tsv.gz |
    awk -F '\t' '$1 == "greylist" && $2 == 1 { print $6; exit }')"

tell "A report for October 2009"
mxreplay report -q -d "$out/talk.db" -p talk-2009 --month 2009-10 -o "$out/october"

printf '\nIn %s: talk.db, lab.db, counts.svg, percent.svg, october/index.html\n' "$out"
echo 'Your own log: ./mxreplay /var/log/mail.log'
