#!/bin/sh
# Two policies against each other, in every form; what a stranger wrote into a sender's domain does no harm.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

bad 64 'which two policies? mxreplay compare -p recorded -p my.yaml' compare
bad 64 'which two policies?' compare -p strict
bad 64 'which two policies?' compare -p strict -p strict -p strict
bad 66 'nothing.yaml' compare -p strict -p nothing.yaml
good collect -q -d talk.db --recorded talk-2009 "$root/sample-logs/talk-2009/mail.log.gz"

# What the server did is what its policy does.
good compare -q -d talk.db -p recorded -p talk-2009
expect_line 'talk-2009 stops the same deliveries as the server did.'
good compare -q -d talk.db -p recorded -p talk-2009 --strict

# The talk's policy without greylisting: the 197 that it stopped for good are let through, and nothing else moves. They
# were all refused at their last attempt, so the record does not tell what they were.
sed '/^  - greylist:/,$d' "$root/policies/talk-2009.yaml" >without.yaml
sed -i 's/^policy: .*/policy: without/' without.yaml
good compare -d talk.db -p talk-2009 -p without.yaml --most 2
cp err words
expect_out '197'
grep -q '^without stops 197 .*fewer deliveries than talk-2009' out || fail "the verdict"
expect_err 'explain -d talk.db '
good compare -q -d talk.db -p talk-2009 -p without.yaml --format csv
cp out rows.csv
[ "$(head -n 1 out)" = kind,a,b,name,change,count,low,high,wanted,presumed,unwanted,session ] || fail "the header is a promise"
grep -q '^matrix,dnsbl,dnsbl,,none,6210,6210,6210,,,,$' out || fail "what both do alike is on its own row and column"
good compare -q -d talk.db -p talk-2009 -p without.yaml --format json --most 0
python3 - <<'P' || fail "the forms differ"
import csv, json
t = json.load(open("out"))
rows = list(csv.DictReader(open("rows.csv")))
cells = {(r["a"], r["b"]): (int(r["count"]), int(r["low"]), int(r["high"])) for r in rows if r["kind"] == "matrix"}
assert cells == {(c["a"], c["b"]): (c["count"], c["low"], c["high"]) for c in t["matrix"]}
assert sum(c[0] for c in cells.values()) == t["units"] == 10038
assert t["more_stopped"]["count"] == -197 and t["passed"]["count"] == 197 and t["stopped"]["high"] == 0, t["more_stopped"]
for kind in ("domains", "networks"):
    assert sum(g["passed"]["high"] for g in t[kind]) == t["passed"]["high"]
assert t["asns"] == []
P
good compare -q -d talk.db -p talk-2009 -p without.yaml --format markdown
grep -q '^| no-rdns *|' out || fail "not a table in Markdown"
good compare -q -d talk.db -p talk-2009 -p without.yaml --unit session

# The session that is named tells of the move.
id=$(sed 's/.*explain -d talk.db \([0-9]*\).*/\1/;q' words | tail -n 1)
[ -n "$id" ] || id=$(grep -o 'explain -d talk.db [0-9]*' words | grep -o '[0-9]*$')
good explain -d talk.db "$id" -p talk-2009
expect_out 'greylist'

# A period, and what makes the exit status 1.
good compare -q -d talk.db -p talk-2009 -p without.yaml --from 2009-10-10 --to 2009-10-11 --format json
python3 -c 'import json; t = json.load(open("out")); assert 0 < t["units"] < 10038 and t["passed"]["count"] < 197'
run compare -q -d talk.db -p talk-2009 -p without.yaml --fail-if 'passed>=197'
expect_status 1
run compare -q -d talk.db -p talk-2009 -p without.yaml --strict
expect_status 1
good compare -q -d talk.db -p talk-2009 -p without.yaml --fail-if 'wanted.high>0'
bad 64 'there is no figure "pased"; did you mean passed?' compare -q -d talk.db -p talk-2009 -p without.yaml --fail-if 'pased>1'

# Domains that would be markup, a formula or an escape sequence.
sed -n 38,42p "$labs/postfix-smtpd/mail.log" >line.log
printf '%s\n' 'policy: none' 'measures: []' >none.yaml
sed 's/offer@isp.test/a@=cmd|<b>|\x1b[31m.test/' line.log >evil.log
good collect -q -d evil.db evil.log
good compare -q -d evil.db -p recorded -p none.yaml --most 0
! grep -q "$(printf '\033')" out || fail "an escape sequence reaches the terminal"
good compare -q -d evil.db -p recorded -p none.yaml --format markdown
! grep -q '<b>' out || fail "markup reaches the page"
good compare -q -d evil.db -p recorded -p none.yaml --format csv
! grep -q ',=cmd' out || fail "a formula reaches the spreadsheet"

# A matrix that would be wider than a terminal is a list: of all cells in which anything is expected.
good collect -q -d wide.db "$labs/postfix-smtpd/mail.log"
good compare -q -d wide.db -p recorded -p strict --format json
mv out wide.json
good compare -q -d wide.db -p recorded -p strict
python3 - <<'P'
import json, re
cells = {(c["a"], c["b"]): c["count"] for c in json.load(open("wide.json"))["matrix"] if c["count"] or c["low"]}
lines = open("out", encoding="utf-8").read().split("\n")
assert len(cells) > 10 and max(map(len, lines)) <= 100, max(map(len, lines))
begin = next(i for i, line in enumerate(lines) if re.match(r"the server +strict +deliveries$", line))
rows = [re.match(r"(\S+) +(\S+) +(\d+)", line).groups() for line in lines[begin + 2:lines.index("", begin)]]
assert {(a, b): int(n) for a, b, n in rows} == cells and len(rows) == len(cells), rows
P

# A period with nothing in it.
for command in "compare -p recorded -p strict" "sweep -p strict --vary greylist.delay=1m" "overlap -p strict" "audit -p strict"; do
    # shellcheck disable=SC2086  # words of a command
    good $command -d wide.db --from 2031-01-01 --to 2031-01-02
    grep -q 'There is nothing in this period' words err 2>/dev/null || fail "$command says nothing of an empty period"
done
