#!/bin/sh
# --dialect: what the site has given another name is read as what it is, today and when the rest comes.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
sessions="select group_concat(client_ip || ' ' || stage || ' ' || coalesce(measure, '-'), ';') from (select * from v_session order by started, client_ip)"

# A Postfix under names of the site's own is the Postfix that it was.
log=$labs/postfix-smtpd/mail.log
sed 's, postfix/smtpd\[, inbound[,; s, postfix/, spool/,; s, postgrey\[, greyd[,' "$log" >renamed.log
grep -q ' inbound\[' renamed.log || fail "nothing was renamed"
good collect -q -d plain.db "$log"
good collect -q -d renamed.db --dialect inbound=postfix/smtpd --dialect spool=postfix --dialect greyd=postgrey renamed.log
[ "$(value plain.db "$sessions")" = "$(value renamed.db "$sessions")" ] || fail "the sessions are others"

# The next run need not be told, and may not be told otherwise; nor explain.
head -n 2000 renamed.log >grown.log
good collect -q -d grown.db --dialect inbound=postfix/smtpd --dialect spool=postfix --dialect greyd=postgrey grown.log
cp renamed.log grown.log
good collect -q -d grown.db --dialect exim grown.log
[ "$(value plain.db "$sessions")" = "$(value grown.db "$sessions")" ] || fail "the rest was read otherwise"
good explain -d grown.db 5
expect_out ' inbound['

# All lines, without a tag or with any.
tagged() {
    zcat "$labs/exim-default/mainlog.gz" | sed "s/^\(....-..-.. ..:..:..\) /\1 mx $1/"
}
tagged 'exim: ' >exim.log
tagged 'MTA-in: ' >odd.log
good collect -q -d exim.db exim.log
[ "$(value exim.db "select count(*) > 500 from v_session")" = 1 ] || fail "no sessions"
good collect -q -d odd.db --dialect exim odd.log
[ "$(value exim.db "$sessions")" = "$(value odd.db "$sessions")" ] || fail "odd: the sessions are others"
zcat "$labs/exim-default/mainlog.gz" >main.log
good collect -q -d main.db main.log
good collect -q -d told.db --dialect exim main.log
[ "$(value main.db "$sessions")" = "$(value told.db "$sessions")" ] || fail "mainlog: the sessions are others"


bad 64 'neither a dialect nor' collect -d none.db --dialect a=nonesuch main.log
[ ! -e none.db ] || fail "a database was made"
