#!/bin/sh
# Many policies at once, in every form; the policy of a row replays as its row says.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

bad 64 'which policy? mxreplay sweep -p my.yaml' sweep --vary order
bad 64 'vary what?' sweep -p talk-2009
bad 64 '--vary greylst=off: policy talk-2009 has no measure "greylst"; did you mean greylist?' sweep -p talk-2009 --vary greylst=off
bad 64 'greylist.delay: "5 minuts" is not a duration' sweep -p talk-2009 --vary 'greylist.delay=5 minuts'
bad 64 '--best: "stoped": at character 1: there is no column stoped; did you mean stopped?' sweep -p talk-2009 --vary order --best stoped
bad 64 'vary the same; write its choices in one' sweep -p talk-2009 --vary order --vary order
bad 64 'vary the same; write its choices in one' sweep -p talk-2009 --vary dnsbl.zones=-each --vary dnsbl.zones=+each
bad 64 'vary the same; write its choices in one' sweep -p talk-2009 --vary greylist.delay=1m --vary dnsbl=on,off --vary greylist.delay=2m
bad 64 'front.gif: a graph is drawn as .svg, .png or .txt' sweep -p talk-2009 --vary order --graph front.gif
bad 64 '--write: "policy.yaml" says not what or where' sweep -p talk-2009 --vary order --write policy.yaml
bad 64 'best by what?' sweep -p talk-2009 --vary order --write best=policy.yaml
bad 64 '--search: "all" is not known; write grid, one-at-a-time or random' sweep -p talk-2009 --vary order --search all
good collect -q -d talk.db --recorded talk-2009 "$root/sample-logs/talk-2009/mail.log.gz"
bad 64 'there is no row 99; the last is 5' sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,5m --vary dnsbl=on,off \
    --vary early-talker.wait=5s,6s --write 99=x.yaml --search one-at-a-time
bad 64 'that makes 1000000 policies; take --search random' sweep -q -d talk.db -p talk-2009 --vary greylist.auto-allow=1..1000 --vary dnsbl.threshold=1..1000

# The row of each policy is what a replay of that policy says.
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m --vary greylist=on,off --vary dnsbl.threshold=1,2 \
    --write 1=one.yaml --write 3=three.yaml --write best=best.yaml --best 'stopped - 50*wanted_lost' --format csv
cp out rows.csv
grep -q '^0,as it is,.,9832,9832,9832,' out || fail "row 0 is the policy as it is: the talk's table has 9832 stopped"
for row in 1 3; do
    name=one
    [ "$row" = 3 ] && name=three
    good policy check "$name.yaml"
    good replay -q -d talk.db -p "$name.yaml" --format json
    ROW=$row python3 - <<'P' || fail "row $row is not the replay of its policy"
import csv, json, os
row = next(r for r in csv.DictReader(open("rows.csv")) if r["row"] == os.environ["ROW"])
t = json.load(open("out"))
ends = {"accepted", "other", "abandoned", "nothing-attempted", "relayed"}
assert int(row["stopped"]) == sum(r["count"] for r in t["rows"] if r["measure"] not in ends), (row, t)
assert int(row["delayed"]) == t["delayed"]["count"]
P
done
python3 - <<'P' || fail "not the best first"
import csv
rows = list(csv.DictReader(open("rows.csv")))
values = [float(r["value"]) for r in rows]
assert values == sorted(values, reverse=True) and len(rows) == 9, values
assert all(float(r["value"]) == float(r["stopped"]) - 50 * float(r["wanted_lost"]) for r in rows)
assert open("best.yaml").readline() == "# " + rows[0]["policy"] + "\n"
P

# The same rows in every form; the same seed draws the same.
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m --vary greylist=on,off --vary dnsbl.threshold=1,2 --format json
python3 - <<'P' || fail "JSON and CSV differ"
import csv, json
t = json.load(open("out"))
rows = {int(r["row"]): r for r in csv.DictReader(open("rows.csv"))}
for r in t["rows"]:
    assert all(float(rows[r["row"]][k]) == float(r[k]) for k in r if k not in ("row", "policy", "front")), r
P
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m,30m --vary order --search random --samples 5 --seed 3
cp out first
expect_out 'as it is'
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m,30m --vary order --search random --samples 5 --seed 3
cmp -s out first || fail "the same seed draws others"
good sweep -q -d talk.db -p talk-2009 --vary 'dnsbl.zones=-each' --front --most 1 --format markdown
expect_out '| what is changed'

# Graphs.
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m --vary dnsbl=on,off --graph front.txt
grep -q '9832 |' front.txt || fail "the most that is stopped stands at the axis"
grep -q '^     0  as it is$' front.txt || fail "rows of the front are named"
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m --vary dnsbl=on,off --graph front.svg
grep -q 'greylist.delay=15m' front.svg || fail "no labels"
grep -q '<title>Policy talk-2009 varied' front.svg || fail "no name for those who cannot see it"
good sweep -q -d talk.db -p talk-2009 --vary greylist.delay=1m,15m --graph front.png
[ "$(head -c 4 front.png | tail -c 3)" = PNG ] || fail "not a PNG"
# Rows of which none is harmed more than another, and some stand in one place: no tick is there twice, and no number
# stands on another.
python3 - <<'P'
import re
texts = re.findall(r"translate\(([\d.]+),([\d.]+)\)[^>]*>\s*<text>(.+?)</text>", open("front.svg").read())
for side in (0, 1):
    ticks = [text[2] for text in texts if text[2].isdigit() and [t[side] for t in texts].count(text[side]) > 1]
    assert len(ticks) > 1 and len(set(ticks)) == len(ticks), ticks
assert [text[2] for text in texts if "," in text[2]][:2] == ["0, 1, 2", "3, 4"], texts
P

# Zones that strangers' bounces brought into the log are names of zones or nothing.
printf '%s\n' 'policy: none' 'measures: [ dnsbl: { zones: { a.example: 1 } } ]' >none.yaml
good collect -q -d pf.db "$labs/postfix-smtpd/mail.log"
good sweep -q -d pf.db -p none.yaml --vary 'dnsbl.zones=+each,-each' --write 1=with.yaml --unit session
good policy check with.yaml
