#!/bin/sh
# `mxreplay LOG`: both tables, what to type next, and nothing left behind.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
log=$labs/postfix-smtpd/mail.log
cp "$log" mail.log
mkdir tmp
export TMPDIR="$work/tmp"

good mail.log
cp out short
expect_out 'What the server did with '
expect_out 'Policy talk-2009 on '
expect_out 'No reverse DNS'
expect_out 'Accepted'
expect_err 'What to type next:'
expect_err 'mxreplay collect mail.log'
good look mail.log
cmp -s short out || fail "it is short for look"
[ -z "$(ls tmp)" ] || fail "the temporary database is still there: $(ls -R tmp)"
[ ! -e mxreplay.db ] || fail "nothing is kept unless asked for"

# What it says is what collect and replay say, when the policy asks the lists that the site asks, and does without early
# talkers: of nobody does smtpd's log say that they waited. And it says so.
good collect -q -d t.db mail.log
good replay -q -d t.db
cp out tables
echo >>tables
good policy show talk-2009
sed 's/zen.spamhaus.org: 1/zen.example-rbl.test: 1/; s/bl.spamcop.net: 1/bl.second.test: 1/
    /^ *- early-talker:/,/^ *wait:/d' out >asked.yaml
good replay -q -d t.db -p asked.yaml
cat out >>tables
grep -A 1 '^Your server asks none of the DNS lists\|^Left out' short >said || fail "look does not say whose lists it took"
printf '%s\n' 'Your server asks none of the DNS lists of this policy, so those that it asks' \
    '  stand for them: zen.example-rbl.test, bl.second.test.' \
    'Left out, since your log tells of nobody that they would pass: Early talkers.' | cmp -s - said || fail "look says: $(cat said)"
grep -vxFf said short >rows
cmp -s rows tables || fail "look says something else than collect and replay: $(diff rows tables)"

good look -d kept.db mail.log
[ -s kept.db ] || fail "-d keeps what was read"
expect_err '-d kept.db'
good look -q -p strict mail.log
expect_no_err
expect_out 'Policy strict on '
"$MXREPLAY" - <mail.log >piped 2>/dev/null || fail "from standard input"
cmp -s short piped || fail "standard input gives the same"
good look -q --format json mail.log
python3 -c 'import json; both = json.load(open("out")); assert [t["policy"] for t in both][1] == "talk-2009"' || fail "not JSON"

# Stopped on the way, it leaves nothing behind either.
mkfifo pipe
"$MXREPLAY" look - <pipe >/dev/null 2>&1 &
child=$!
exec 9>pipe
cat mail.log >&9
sleep 0.5
[ -n "$(ls tmp)" ] || fail "there is a temporary database while it reads"
kill -TERM "$child"
wait "$child"
status=$?
exec 9>&-
[ "$status" = 143 ] || fail "SIGTERM ends it"
[ -z "$(ls tmp)" ] || fail "the temporary database is still there after a signal: $(ls -R tmp)"

# A measure that the record shows to let pass stays, as does one with which the server itself refused.
good look -q "$root/sample-logs/talk-2009/mail.log.gz"
expect_out 'Early talkers'
refute_out 'Left out'

# What it tells to type next can be typed: with the path by which it was called, and in the order told.
ln -s "$MXREPLAY" called
[ ! -e mxreplay.db ] || fail "a database too early"
./called "$log" 2>&1 >/dev/null | sed -n 's,^.*  \./called ,,p' >next
[ "$(wc -l <next)" = 8 ] || fail "expected eight commands: $(cat next)"
sed 's/ADDRESS/dave@lab.test --since 2026-11-23T09:09/' next >typed
while read -r line; do
    eval "./called $line" >typed.out 2>&1 || fail "what it tells to type does not work: $line: $(cat typed.out)"
done <typed
{ [ -s 2026-11/index.html ] && [ -s my.yaml ]; } || fail "what was typed made nothing"
