#!/bin/sh
# Graphs and the month, through the command.
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
for file in index.html report.txt replay.csv counts.svg percent.png; do
    [ -s "october/$file" ] || fail "no october/$file"
done
grep -q 'October 2009' october/index.html || fail "the page says which month"
bad 65 'there is nothing in 2009-12' report -d talk.db -p talk-2009 --month 2009-12 -o december
[ ! -e december ] || fail "a report of nothing"
