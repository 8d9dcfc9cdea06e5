#!/bin/sh
# mxreplay overlap: what comes out in each form. The figures are the talk's (sample-logs/talk-2009): 3424 deliveries without
# reverse DNS, for which the lists were not asked, and 6210 of the other 6614 on one of the lists, of which one gave up before.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

good collect -q -d talk.db "$root/sample-logs/talk-2009/mail.log.gz"
good overlap -q -d talk.db -p talk-2009 --only no-rdns --only dnsbl --format json
cat >check.py <<'EOF'
import json
told = json.load(open("out"))
assert told["unit"] == "delivery" and told["units"] == 10038, told
measures, lists = told["groups"]
assert (measures["known"], measures["left_out"]) == (6613, 3425), measures
by = {one["name"]: one for one in measures["members"]}
assert list(by) == ["no-rdns", "dnsbl"]
assert by["no-rdns"]["hits"] == {"count": 0, "low": 3424, "high": 3424}, by
assert by["dnsbl"]["hits"] == {"count": 6210, "low": 6210, "high": 9635}, by
assert by["dnsbl"]["unique"]["count"] == 6210
# alone or with the other: half of those that may be on a list too
assert by["no-rdns"]["shapley"] == {"count": 0, "low": 1712, "high": 3424}, by
assert sum(one["units"] for one in measures["combinations"]) == 10038
assert measures["drop"] == [] and lists["group"] == "dnsbl"
[stage] = told["order"]
# each asks one thing for no-rdns, and two lists for dnsbl
assert stage["now"] == ["no-rdns", "dnsbl"] and stage["unknown"] == 3425, stage
assert stage["best_cost"] <= stage["cost"]
EOF
python3 check.py || fail "the overlap as JSON"

good overlap -q -d talk.db -p talk-2009 --format csv
expect_line 'group,name,known,left_out,hits,hits_low,hits_high,unique,unique_low,unique_high,marginal,marginal_low,marginal_high,shapley,shapley_low,shapley_high'
good overlap -q -d talk.db -p talk-2009 --format csv --show pairs
expect_line group,name,other,hits,both
expect_line 'measures,dnsbl,no-rdns,6210,0'
good overlap -q -d talk.db -p talk-2009 --format csv --show combinations
expect_line group,hit,unknown,units
good overlap -q -d talk.db -p talk-2009 --format csv --show order
expect_line stage,units,unknown,cost,best_cost,saved_percent,order,best
good overlap -q -d talk.db -p talk-2009 --only no-rdns --only dnsbl
expect_out 'Counts are of the 6613 deliveries of which all is known; 3425 are left out'
expect_out 'None of them is known to add less than 0.1 %'
good overlap -q -d talk.db -p talk-2009 --format markdown
expect_out '## Measures'

# A list that is known to add nothing is named.
cat >three.yaml <<'EOF'
policy: three
measures:
  - no-rdns: {}
  - no-rdns: { name: again }
  - fcrdns: {}
EOF
good overlap -q -d talk.db -p three.yaml --only no-rdns --only again
expect_out 'Drop the measure again: it adds 0.00 % (0 of 10038).'

# Pictures are whole.
good overlap -q -d talk.db -p talk-2009 --only no-rdns --only dnsbl -o a.svg
grep -q 'Measures that hit together: talk-2009, 6,613 deliveries' a.svg || fail "the picture's title"
python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("a.svg")' || fail "well-formed XML"
good overlap -q -d talk.db -p talk-2009 --of dnsbl -o a.png
[ "$(head -c 4 a.png | tail -c 3)" = PNG ] || fail "a PNG"
# Whom the first list turned away, nobody asked the second about: of the second alone little is known.
good overlap -q -d talk.db -p talk-2009 --of dnsbl -o b.svg
grep -q 'not known' b.svg || fail "the picture says of whom too little is known"
good overlap -q -d talk.db -p talk-2009
expect_out 'Too little is known of early-talker, greylist: compared, most deliveries would'
expect_out 'Most whom no-rdns stops are among those left out: of it the counts say little.'
expect_out 'Too little is known of bl.spamcop.net'
# Compared all the same, because that was asked for: of the 206 that passed all nothing is hit.
good overlap -q -d talk.db -p talk-2009 --only no-rdns --only dnsbl --only greylist --format json
python3 -c 'import json; told = json.load(open("out"))["groups"][0]; assert (told["known"], told["apart"]) == (206, []), told'
# With the lists of the month all is known of them: whom each has is what its file has, counted by hand with zcat and grep.
cat >server.yaml <<'EOF'
policy: lists
measures: [ dnsbl: { zones: { zen.spamhaus.org: 1, bl.spamcop.net: 1 } } ]
EOF
for zone in zen.spamhaus.org bl.spamcop.net; do
    good enrich -q -d talk.db --dnsbl-zone "$zone=$root/sample-logs/talk-2009/$zone.txt.gz@2009-10-01..2009-11-01"
    zcat "$root/sample-logs/talk-2009/$zone.txt.gz" | grep -v '^#' | sort >"$zone.list"
done
zcat "$root/sample-logs/talk-2009/truth.tsv.gz" | tail -n +2 | cut -f5 | sort >clients
good overlap -q -d talk.db -p server.yaml --show combinations --format csv
both=$(comm -12 zen.spamhaus.org.list bl.spamcop.net.list | join - clients | wc -l)
zen=$(comm -23 zen.spamhaus.org.list bl.spamcop.net.list | join - clients | wc -l)
expect_line "dnsbl,zen.spamhaus.org + bl.spamcop.net,,$both"
expect_line "dnsbl,zen.spamhaus.org,,$zen"

# Nobody is told to relay for everybody, or to take mail for whom there is not.
cat >guards.yaml <<'EOF'
policy: guards
measures: [ relay: {}, recipient: {}, null-sender-many: {}, no-rdns: {} ]
EOF
good collect -q -d pf.db "$labs/postfix-smtpd/mail.log"
good overlap -q -d pf.db -p guards.yaml --format json
python3 -c 'import json; g = json.load(open("out"))["groups"][0]; assert not {"relay", "recipient"} & {d["name"] for d in g["drop"]}, g["drop"]'

# The orders stand there whole, in no line wider than a terminal.
good overlap -q -d pf.db -p strict --show order
expect_out 'Costs least: '
[ "$(awk 'length > most { most = length } END { print most }' out)" -le 80 ] || fail "a line too wide: $(cat out)"

bad 64 'which policy? mxreplay overlap -p talk-2009' overlap -d talk.db
bad 64 'has no measure "nolist"' overlap -q -d talk.db -p talk-2009 --only nolist
bad 64 'is none of this policy' overlap -q -d talk.db -p talk-2009 --of x -o a.svg
bad 64 'is drawn as .svg or .png' overlap -q -d talk.db -p talk-2009 -o a.gif
