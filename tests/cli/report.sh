#!/bin/sh
# Graphs and reports, through the command.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
good collect -q -d talk.db --recorded talk-2009 "$root/sample-logs/talk-2009/mail.log.gz"

good report -q -d talk.db -p talk-2009 --graph counts
expect_no_err
expect_out 'No reverse DNS'
good report -d talk.db -p talk-2009 --graph percent -o percent.svg
expect_no_out
python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("percent.svg")' || fail "not an SVG"
good report -d talk.db -p talk-2009 --graph counts --by week -o counts.png
[ "$(head -c 4 counts.png | od -An -tx1 | tr -d ' ')" = 89504e47 ] || fail "not a PNG"
bad 64 'counts.gif' report -d talk.db --graph counts -o counts.gif
export GNUPLOT=/nonexistent/gnuplot
bad 69 gnuplot report -d talk.db --graph counts -o other.svg
unset GNUPLOT
[ ! -e other.svg ] || fail "a picture that was not drawn"

good report -d talk.db -p talk-2009 --month 2009-10 -o october
for file in index.html report.txt report.json tables/replay.csv tables/networks.json graphs/counts.svg graphs/percent.png; do
    [ -s "october/$file" ] || fail "no october/$file"
done
grep -q 'October 2009' october/index.html || fail "the page says which month"
for svg in october/graphs/*.svg; do xmllint --noout --nonet "$svg" || fail "$svg is no XML"; done
tidy -q -e --drop-empty-elements no october/index.html 2>tidy.err || { cat tidy.err >&2; fail "HTML that tidy complains of"; }
python3 -c 'import json; json.load(open("october/report.json"))' || fail "no JSON"
if grep -a '[[:cntrl:]]' october/report.txt | grep -qv '^[^[:cntrl:]]*$'; then fail "control characters in the text"; fi
bad 65 'there is nothing in December 2009' report -d talk.db -p talk-2009 --month 2009-12 -o december
[ ! -e december ] || fail "a report of nothing"

# Other periods. The sums of October's days are the month's; 5 to 11 October is a week.
printf 'sections: [table, series]\n' >short.yaml
good report -d talk.db -p talk-2009 --week 2009-W41 --sections short.yaml -o week
good report -d talk.db -p talk-2009 --from 2009-10-05 --to 2009-10-12 --sections short.yaml -o same
cmp week/tables/replay.csv same/tables/replay.csv || fail "a week is its seven days"
grep -q 'Week from 5 October 2009' week/report.txt || fail "the week's name"
grep -q 'Compared with the week before' week/report.txt || fail "the week before"
[ "$(cut -d, -f1 week/tables/series.csv | sort -u | grep -c 2009-10-)" = 7 ] || fail "seven days"
good report -d talk.db -p talk-2009 --day 2009-10-05 --sections short.yaml -o day
grep -q '^2009-10-05 23:00,accepted,' day/tables/series.csv || fail "a day by hours"
good report -d talk.db -p talk-2009 --last 2d --sections short.yaml -o last
grep -q '2009-10-3[01]' last/report.txt || fail "the last two days"

# Days are those of the clock: 23:30 UTC is the next day in Berlin, which left summer time on the 25th.
good report -d talk.db -p talk-2009 --month 2009-10 --tz Europe/Berlin --sections short.yaml -o berlin
grep -q '(Europe/Berlin)' berlin/report.txt || fail "whose clock"
[ "$(cut -d, -f1 berlin/tables/series.csv | sort -u | grep -c 2009-10-)" = 31 ] || fail "31 days of Berlin"
good report -d talk.db -p talk-2009 --from 2009-09-30T22:00 --to 2009-10-31T23:00 --tz UTC --sections short.yaml -o utc
cut -d, -f1-7 berlin/tables/replay.csv >berlin.csv
cut -d, -f1-7 utc/tables/replay.csv >utc.csv
cmp berlin.csv utc.csv || fail "October in Berlin begins at 22:00 UTC and ends at 23:00"
bad 64 'is not a time zone' report -d talk.db --month 2009-10 --tz Nowhere/Nothing -o nowhere

printf 'sections: [tabel]\n' >wrong.yaml
bad 65 'wrong.yaml:1:12: sections: "tabel" is no section; did you mean table?' report -d talk.db --month 2009-10 \
    --sections wrong.yaml -o wrong

mkdir mine
echo 'set title "of my own" ; set yrange [0:1] ; plot NaN notitle' >mine/stack.gnuplot
good report -d talk.db -p talk-2009 --graph counts --templates mine -o mine.svg
grep -q 'of my own' mine.svg || fail "the user's template"
echo 'set nonsense' >mine/stack.gnuplot
bad 70 'mine/stack.gnuplot: ' report -d talk.db -p talk-2009 --graph counts --templates mine -o other.svg
