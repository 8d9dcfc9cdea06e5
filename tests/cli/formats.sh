#!/bin/sh
# What comes out for machines: headers to the letter, figures that add up, nothing but data on stdout.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

# By session, what the server did is what the views say.
good collect -q -d lab.db "$labs/postfix-smtpd/mail.log"
good replay -q -d lab.db --unit session --format csv
python3 - <<'P' || fail "the table by session is not the views'"
import collections, csv, sqlite3
db = sqlite3.connect("file:lab.db?mode=ro", uri=True)
found = {r["measure"]: int(r["count"]) for r in csv.DictReader(open("out")) if int(r["count"])}
sql = """select case when verdict = 'accepted' then 'accepted' else measure end, count(*) from v_session
         where direction = 'in' and verdict <> 'none' group by 1"""
expected = dict(db.execute(sql))
assert expected and {k: v for k, v in found.items() if k in expected} == expected, (found, expected)
P

# The promised headers, and slices that add up to the whole.
good replay -q -d lab.db --format csv
[ "$(head -n 1 out)" = measure,title,count,low,high,percent,basis ] || fail "the header is a promise"
cp out whole.csv
for by in hour day week month; do
    good replay -q -d lab.db --by "$by" --format csv
    [ "$(head -n 1 out)" = slice,measure,title,count,low,high,percent,basis ] || fail "the header is a promise"
    python3 - <<'P' || fail "slices by $by do not add up"
import collections, csv
sums = collections.Counter()
for row in csv.DictReader(open("out")):
    sums[row["measure"]] += int(row["count"])
assert sums == {r["measure"]: int(r["count"]) for r in csv.DictReader(open("whole.csv"))}, sums
P
done

# What makes the exit status 1: the lab's log has 15 accepted deliveries, none of which strict lets pass for certain.
accepted=$(sed -n 's/^accepted,[^,]*,\([0-9]*\),.*/\1/p' whole.csv)
good replay -q -d lab.db --fail-if "accepted>$accepted"
run replay -q -d lab.db --fail-if "accepted>=$accepted"
expect_status 1
run replay -d lab.db --fail-if 'units<1' --fail-if 'recipient>30%' --format csv
expect_status 1
expect_err '--fail-if recipient>30%'
good replay -q -d lab.db --strict
run replay -q -d lab.db -p strict --strict
expect_status 1

# A period.
good replay -d lab.db --from 1999-01-01 --to 1999-02-01
expect_err 'There is nothing in this period'

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
good audit -q -d lab.db -p strict --fail-if 'stopped<1' --format json
python3 -c 'import json; json.load(open("out"))' || fail "the audit as JSON"

# A reader that goes away is no mishap; an output that cannot be written is.
"$MXREPLAY" replay -q -d lab.db --format csv >/dev/full 2>err
status=$? said='replay >/dev/full'
: >out
expect_status 74
expect_err 'mxreplay: '
