#!/bin/sh
# Mistakes in a policy are told with line, column and cure, before anything else is done.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

good policy show
cp out list
for name in talk-2009 postfix-typical strict; do
    grep -q "^$name " list || fail "$name is listed"
    good policy check "$name"
    expect_no_out
    good policy show "$name"
    cp out "$name.yaml"
    good policy check "$name.yaml"
    cmp -s "$name.yaml" "$root/policies/$name.yaml" || fail "policy show is the file as it stands"
    good policy show --complete "$name"
    cp out complete.yaml
    good policy check complete.yaml
done
good policy show --complete talk-2009
expect_line '      auto-interval: 1h'

# The manual has every measure that a policy can name, with what can be set and what holds when it is not.
bad 65 'there is no measure "nothing"' policy check "$(echo 'measures: [ nothing: {} ]' >nothing.yaml; echo nothing.yaml)"
sed 's/.*possible: //; s/, /\n/g' err >names
rm nothing.yaml
[ "$(wc -l <names)" -ge 16 ] || fail "too few measures: $(cat names)"
good help policy
while read -r name; do
    grep -q "^    $name  *[A-Z].*; [a-z]*, \([45]xx\|drop\)$" out || fail "the manual has no $name"
done <names
expect_line '      lifetime        how long a triplet that passed is known (35d)'
good policy show --format csv
expect_line "policy,about"

bad 66 'nothing.yaml' policy check nothing.yaml
expect_err 'talk-2009'

cat >measure.yaml <<'P'
policy: mine
measures:
  - no-rdns: {}
  - greylst: { delay: 5m }
P
bad 65 'measure.yaml:4:5: ' policy check measure.yaml
expect_err 'greylist'
cat >key.yaml <<'P'
policy: mine
measures:
  - greylist: { dealy: 5m }
P
bad 65 'key.yaml:3:17: ' policy check key.yaml
expect_err 'delay'
cat >unit.yaml <<'P'
policy: mine
measures:
  - greylist:
      delay: 5 minuts
P
bad 65 'unit.yaml:4:14: ' policy check unit.yaml
expect_err '"5 minuts" is not a duration; write 5m, 300s or 1h30m'
cat >yaml.yaml <<'P'
policy: [mine
measures: {
P
bad 65 'yaml.yaml:' policy check yaml.yaml
: >empty.yaml
bad 65 'empty.yaml:' policy check empty.yaml

# The same from every command that takes a policy, and no database is made or read for it.
bad 65 'key.yaml:3:17: ' replay -d none.db -p key.yaml
bad 65 'key.yaml:3:17: ' audit -d none.db -p key.yaml
bad 65 'key.yaml:3:17: ' explain -d none.db -p key.yaml 1
bad 65 'key.yaml:3:17: ' report -d none.db --graph counts -p key.yaml
bad 65 'key.yaml:3:17: ' collect -d none.db --recorded key.yaml "$labs/postfix-smtpd/mail.log"
bad 65 'key.yaml:3:17: ' collect -d none.db --recorded key.yaml@2026-01-01.. "$labs/postfix-smtpd/mail.log"
bad 64 '--recorded: "now" is not a time' collect -d none.db --recorded key.yaml@now.. x.log
bad 64 'ends before it begins' collect -d none.db --recorded strict@2026-02-01..2026-01-01 "$labs/postfix-smtpd/mail.log"
[ ! -e none.db ] || fail "no database is made when the command line is wrong"
