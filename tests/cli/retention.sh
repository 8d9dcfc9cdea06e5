#!/bin/sh
# prune, collect --keep and export: what they say, and what they refuse.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
log=$labs/postfix-smtpd/mail.log # of 2026-11-23
old=$root/sample-logs/talk-2009/mail.log.gz

# Prune wants a date, and a database that is there; it makes none.
good collect -q "$log"
bad 64 '--before: until when?' prune
bad 66 'no database here.db' prune -d here.db --before 2026-01-01
[ ! -e here.db ] || fail "pruning makes no database"
good prune --before 2026-01-01
expect_err 'no session started before 2026-01-01T00:00:00'
all=$(value mxreplay.db 'select count(*) from v_session')
good prune --dry-run --before 2027-01-01
expect_err "$all sessions with"
expect_err 'would go'
[ "$(value mxreplay.db 'select count(*) from v_session')" = "$all" ] || fail "a dry run takes nothing away"
good prune --before 2027-01-01
expect_err "$all sessions with"
expect_err 'MB were given back'
[ "$(value mxreplay.db 'select count(*) from v_session')" = 0 ] || fail "all should be gone"
good check
good collect "$log"
expect_err 'nothing new in 1 input'
[ "$(value mxreplay.db 'select count(*) from v_session')" = 0 ] || fail "what was pruned came back"

# --keep: what began longer ago than that goes at the end of the run; without it an old log stays.
good collect -q -d keep.db --keep 20000d "$old"
sessions=$(value keep.db 'select count(*) from v_session')
[ "$sessions" = 10147 ] || fail "nothing is 20000 days old: $sessions"
good collect -q -d keep.db --keep 365d "$old"
[ "$(value keep.db 'select count(*) from v_session')" = 0 ] || fail "what is old should be gone"
good check -d keep.db
bad 64 'is not a duration' collect --keep soon "$log"

# Keys.
good collect -q -d site.db "$log"
bad 64 'under which key?' export -d site.db -o copy.db
bad 66 'make a key with' export -d site.db --pseudonymise key -o copy.db
umask 077
head -c 31 /dev/zero >key
bad 65 'at least 32 bytes' export -d site.db --pseudonymise key -o copy.db
head -c 32 /dev/urandom >key
bad 64 'where to?' export -d site.db --pseudonymise key
chmod 644 key
bad 77 'others can read this key' export -d site.db --pseudonymise key -o copy.db
chmod 600 key
[ ! -e copy.db ] || fail "there should be no copy yet"

# The copy is not written over, and nothing is collected into it.
good export -d site.db --pseudonymise key -o copy.db
expect_err "copy.db: $(value site.db 'select count(*) from v_session') sessions under pseudonyms"
[ ! -e copy.db.part ] || fail "the part is still there"
bad 73 'is there already' export -d site.db --pseudonymise key -o copy.db
bad 64 'is the database itself' export -d site.db --pseudonymise key -o site.db --force
good export -q -d site.db --pseudonymise key -o copy.db --force
bad 65 'is a pseudonymised copy' collect -d copy.db "$log"
bad 65 'is a pseudonymised copy' collect -d copy.db --recorded strict "$log"
[ "$(value copy.db 'select count(*) from recorded')" = 0 ] || fail "a policy was put into the copy"

# A policy of one's own goes with it.
cat >mine.yaml <<'E2'
policy: mine
exempt: { networks: [198.51.100.0/24] }
measures:
  - no-rdns: {}
  - recipient: { list: ["@lab.test", alice@lab.test] }
E2
good export --pseudonymise key -p mine.yaml -o theirs.yaml
grep -q '198.51.100\|lab.test\|alice' theirs.yaml && fail "the policy tells: $(cat theirs.yaml)"
for unit in session recipient delivery; do
    good replay -q -d site.db -p mine.yaml --unit $unit --format csv
    cp out mine.csv
    good replay -q -d copy.db -p theirs.yaml --unit $unit --format csv
    cmp -s out mine.csv || fail "$unit: another count"
done
