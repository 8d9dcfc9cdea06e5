#!/bin/sh
# What is typed wrongly is told in one line with a cure, and exit status 64.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

good --version
[ "$(cat out)" = "mxreplay $(sed -n 's/^VERSION *:= *//p' "$root/Makefile")" ] || fail "the version is the Makefile's"
good --help
for command in look collect status replay report audit overlap explain policy check help; do
    expect_out "  $command "
done
for command in look collect status replay report audit overlap explain policy check help; do
    good "$command" --help
    expect_out "Usage: mxreplay $command"
    expect_no_err
    good "$command" --version
    expect_out "mxreplay "
    good help "$command"
    expect_out "Description"
    expect_out "Options"
done

run
expect_status 64
expect_err "which command, or which log?"
expect_no_out

bad 64 '"replya" is neither a command nor a file; did you mean replay?' replya
bad 64 '"xyzzy" is neither a command nor a file; see mxreplay --help' xyzzy
bad 64 'there is no command "replya"; did you mean replay?' help replya
bad 64 '--completion: "fish" is not known; write bash or zsh' help --completion fish
bad 64 'replay has no option --polcy; did you mean --policy?' replay --polcy x
bad 64 'check has no option --policy' check --policy x
bad 64 'replay does not know what to do with "x.yaml"' replay x.yaml
bad 64 '--by: "year" is not known; write whole, hour, day, week or month' replay --by year
bad 64 '--format: "xml" is not known; write table, markdown, csv or json' replay --format xml
bad 64 '--unit: "mail" is not known; write delivery, session, recipient or message' replay --unit mail
bad 64 '--from: "yesterday" is not a time' replay --from yesterday
bad 64 "--fail-if: \"accepted\" is not a test; write 'accepted>1000'" replay --fail-if accepted
bad 64 'which log? For example: mxreplay collect /var/log/mail.log' collect
bad 64 'which log? For example: mxreplay look /var/log/mail.log' look
bad 64 '--year: "MMXX" is not a whole number' collect --year MMXX x.log
bad 64 'which report? --graph counts or --graph percent, or --month 2026-10 -o FOLDER' report
bad 64 'where to? -o FOLDER' report --month 2026-10
bad 64 '--week: "2026-W54" is not a week; write 2026-W47' report --week 2026-W54 -o folder
bad 64 '--day: "2026-02-30" is not a day; write 2026-11-23' report --day 2026-02-30 -o folder
bad 64 '--month: "2026-13" is not a month; write 2026-10' report --month 2026-13 -o folder
bad 64 '--month: "october" is not a month; write 2026-10' report --month october -o folder
bad 64 'one period: --month, --week, --day, --last, or --from and --to' report --month 2026-10 --from 2026-10-05 -o folder
bad 64 'which policy? mxreplay audit -p talk-2009' audit
bad 64 'which session? explain NUMBER, or what the complaint tells' explain
bad 64 '"two" is not a session'\''s number' explain two
bad 64 'policy what? mxreplay policy show, or mxreplay policy check FILE' policy
bad 64 'policy does not know "chek"; did you mean policy check?' policy chek x
bad 64 'policy check: which file?' policy check
bad 64 '--inputs, --skipped, --unnamed, --evidence, --contradictions and --coverage are tables of their own' status --inputs --skipped

# Times between which nothing can lie, an assumption that is none.
good collect -q -d t.db "$labs/postfix-smtpd/mail.log"
bad 64 '--to is not after --from' replay -d t.db --from 2026-10-02 --to 2026-10-01
bad 64 '--assume: "luck" is not known; write habits or greylist.resend=0.8' replay -d t.db --assume luck
bad 64 '--assume: greylist.resend: "1.5" is not a share between 0 and 1' replay -d t.db --assume greylist.resend=1.5
bad 64 'there is no figure "acepted"; did you mean accepted?' replay -d t.db -q --fail-if 'acepted>1' --format csv
