#!/bin/sh
# What the server enforced, and when, is stored with what is collected, and minded by what is replayed.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
log=$labs/postfix-smtpd/mail.log

good collect -d t.db "$log"
expect_err 't.db: 589 sessions from 2818 lines of 1 input'
good status -d t.db
expect_out 'not recorded; see mxreplay help collect, --recorded'
good replay -q -d t.db -p strict
expect_out 'What the server enforced is assumed'

# An @ in the file's name is no period.
cp "$root/policies/strict.yaml" me@home.yaml
good collect -d t.db --recorded me@home.yaml@..2026-10-12 --recorded postfix-typical@2026-10-12.. "$log"
expect_err 't.db: nothing new in 1 input'
good status -d t.db --format csv
expect_out 'strict, from the beginning to 2026-10-12T00:00:00.000000Z'
expect_out 'postfix-typical, from 2026-10-12T00:00:00.000000Z to the end'
good collect -q -d t.db --recorded postfix-typical@2026-10-12.. "$log"
good status -d t.db --format csv
[ "$(grep -c 'enforced policy' out)" = 2 ] || fail "the same policy of the same time is one"
good replay -q -d t.db -p strict
refute_out 'What the server enforced is assumed'
good explain -q -d t.db --client 203.0.113.185
expect_out 'Under the policy postfix-typical, which the server enforced'

# It is stored as it was: the file may go.
rm me@home.yaml
good replay -q -d t.db -p strict
