#!/bin/sh
# What comes out for machines: headers to the letter, figures that add up, nothing but data on stdout.
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

# By session, what the server did is what the views say.
good collect -q -d lab.db "$labs/postfix-smtpd/mail.log"
good replay -q -d lab.db --unit session --format csv
python3 - <<'P' || fail "the table by session is not the views'"
import collections, csv, sqlite3
db = sqlite3.connect("file:lab.db?mode=ro", uri=True)
found = {r["measure"]: int(r["count"]) for r in csv.DictReader(open("out")) if int(r["count"])}
sql = """select case when verdict = 'accepted' then 'accepted' else measure end, count(*) from v_session
         where direction = 'in' and (verdict = 'accepted' or measure is not null) group by 1"""
expected = dict(db.execute(sql))
assert expected and {k: v for k, v in found.items() if k in expected} == expected, (found, expected)
P

# A period.
good replay -q -d talk.db -p talk-2009 --from 2009-10-10 --to 2009-10-11 --format json
python3 - <<'P' || fail "a day is not the day's slice"
import json
assert 0 < json.load(open("out"))["units"] < 10038
P
good replay -d talk.db --from 1999-01-01 --to 1999-02-01
expect_err 'There is nothing in this period'

# What makes the exit status 1.
good replay -q -d talk.db -p talk-2009 --fail-if 'accepted>206'
run replay -q -d talk.db -p talk-2009 --fail-if 'accepted>=206'
expect_status 1
run replay -d talk.db -p talk-2009 --fail-if 'units<1' --fail-if 'dnsbl>61.8%' --format csv
expect_status 1
expect_err '--fail-if dnsbl>61.8%'
good replay -q -d talk.db -p talk-2009 --strict

# The other commands' rows.
good status -d lab.db --format csv
expect_line what,value
expect_line "sessions,$(value lab.db 'select count(*) from v_session')"
good status -d lab.db --inputs --format json
python3 -c 'import json; i = json.load(open("out")); assert len(i) == 1 and i[0]["lines"] == 2818, i' || fail "inputs as JSON"
good status -d lab.db --evidence --format csv
expect_line evidence,sessions,percent,yes,no,unknown,origins
good status -d lab.db --skipped --format csv
expect_line count,reason,shape,input,line,example
good status -d lab.db
good audit -d lab.db -p strict --format csv
good audit -q -d talk.db -p talk-2009 --fail-if 'stopped>0' --strict --format json
python3 -c 'import json; json.load(open("out"))' || fail "the audit as JSON"

# A reader that goes away is no mishap; an output that cannot be written is.
"$MXREPLAY" replay -q -d lab.db --format csv >/dev/full 2>err
status=$? said='replay >/dev/full'
: >out
expect_status 74
expect_err 'mxreplay: '
