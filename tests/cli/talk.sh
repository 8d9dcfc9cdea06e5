#!/bin/sh
# The talk's sample through the commands: its table to the last digit, in every form.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

# The talk's sample gives the talk's table to the last digit.
good collect -q -d talk.db --recorded talk-2009 "$root/sample-logs/talk-2009/mail.log.gz"
expect_no_out
expect_no_err
good replay -q -d talk.db -p talk-2009 --format csv
expect_no_err
cut -d, -f1,3- out >figures
cat >expected <<'T'
measure,count,low,high,percent,basis
no-rdns,3424,3424,3424,34.11,exact
dnsbl,6210,6210,6210,61.86,exact
early-talker,1,1,1,0.01,exact
greylist,197,197,197,1.96,exact
accepted,206,206,206,2.05,exact
T
cmp -s figures expected || fail "the talk's table: $(diff figures expected)"
[ "$(head -n 1 out)" = measure,title,count,low,high,percent,basis ] || fail "the header is a promise"
good replay -q -d talk.db --format csv
cut -d, -f1,3- out >figures
cmp -s figures expected || fail "so does what the server did: $(diff figures expected)"

good replay -d talk.db -p talk-2009 --format json
python3 - <<'P' || fail "not the table as JSON"
import json
t = json.load(open("out"))
assert t["policy"] == "talk-2009" and t["unit"] == "delivery" and t["units"] == 10038, t
assert [(r["measure"], r["count"], r["low"], r["high"], r["percent"], r["basis"]) for r in t["rows"]][1] == ("dnsbl", 6210, 6210, 6210, 61.86, "exact")
P
good replay -d talk.db -p talk-2009 --format markdown
grep -q '^| *No reverse DNS *| *3424 *| *34.11 *|' out || fail "not the table as Markdown"
good replay -d talk.db -p talk-2009
expect_out 'No reverse DNS'
expect_out '34.11'

# Slices add up to the whole.
for by in hour day week month; do
    good replay -q -d talk.db -p talk-2009 --by "$by" --format csv
    [ "$(head -n 1 out)" = slice,measure,title,count,low,high,percent,basis ] || fail "the header is a promise"
    python3 - <<'P' || fail "slices by $by do not add up"
import collections, csv
sums = collections.Counter()
for row in csv.DictReader(open("out")):
    sums[row["measure"]] += int(row["count"])
assert sums == {"no-rdns": 3424, "dnsbl": 6210, "early-talker": 1, "greylist": 197, "accepted": 206}, sums
P
done

# A period.
good replay -q -d talk.db -p talk-2009 --from 2009-10-10 --to 2009-10-11 --format json
python3 - <<'P' || fail "a day is not the day's slice"
import json
assert 0 < json.load(open("out"))["units"] < 10038
P

# What makes the exit status 1.
good replay -q -d talk.db -p talk-2009 --fail-if 'accepted>206'
run replay -q -d talk.db -p talk-2009 --fail-if 'accepted>=206'
expect_status 1
run replay -d talk.db -p talk-2009 --fail-if 'units<1' --fail-if 'dnsbl>61.8%' --format csv
expect_status 1
expect_err '--fail-if dnsbl>61.8%'
good replay -q -d talk.db -p talk-2009 --strict
good audit -q -d talk.db -p talk-2009 --fail-if 'stopped>0' --strict --format json
good report -q -d talk.db -p talk-2009 --month 2009-10 -o october
grep -q '^dnsbl,.*,6210,6210,6210,61.86,exact' october/tables/replay.csv || fail "the month's table is the talk's"
