#!/bin/sh
# Inputs that are not what they should be: a clear error or a counted skip, and what was stored before stays whole.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
log=$labs/postfix-smtpd/mail.log

good collect -q -d t.db "$log"
before=$(value t.db 'select count(*), max(started) from v_session')
# Whatever was tried, what was collected before is there, and the database is whole.
whole() {
    good check -d t.db
    [ "$(value t.db 'select count(*), max(started) from v_session')" = "$before" ] || fail "sessions were lost or came up"
}

# A pipe gives each byte once: not one may go to whoever only looks what it is.
for how in cat gzip; do
    $how <"$log" | "$MXREPLAY" collect -q -d "$how.db" /dev/stdin || fail "a pipe that is named is read"
    [ "$(value "$how.db" 'select count(*), max(started) from v_session')" = "$before" ] || fail "it lost something"
done

bad 66 'missing.log' collect -d t.db missing.log
bad 66 'missing.log' look missing.log
bad 66 'missing.log' missing.log
whole

mkdir empty
run collect -d t.db empty
[ "$status" -ge 65 ] || fail "a folder without logs is an error"
expect_err 'empty'
mkdir other
printf 'GIF89a\001\002' >other/a.gif
run collect -d t.db other
[ "$status" -ge 65 ] || fail "a folder without logs is an error"
whole

: >empty.log
run collect -d t.db empty.log
[ "$status" -eq 0 ] || [ "$status" -eq 65 ] || fail "an empty file is nothing, or an error of data"
expect_no_out
whole

head -c 100000 /dev/urandom >binary.log
bad 65 'binary.log' collect -d t.db binary.log
whole

cat >foreign.log <<'L'
2026-10-01T00:00:01+00:00 host sshd[12]: Accepted publickey for root from 192.0.2.1 port 22
2026-10-01T00:00:02+00:00 host CRON[13]: (root) CMD (true)
L
run collect -d t.db foreign.log
[ "$status" -eq 0 ] || [ "$status" -eq 65 ] || fail "a log of something else is counted, or an error of data"
expect_err 'foreign.log'
whole

# A truncated file: what stands before the break is kept.
gzip -c "$log" >whole.log.gz
head -c $(($(wc -c <whole.log.gz) / 2)) whole.log.gz >cut.log.gz
run collect -d cut.db cut.log.gz
[ "$status" -eq 65 ] || [ "$status" -eq 74 ] || fail "a truncated file is an error"
expect_err 'cut.log.gz'
expect_err 'truncated'
expect_err 'cut.db: '
expect_no_out
[ "$(value cut.db 'select count(*) from v_session')" -gt 50 ] || fail "what stands before the break is kept"
good check -d cut.db

run cut.log.gz
expect_status 65
expect_out 'What the server did with '
expect_err 'mxreplay: cut.log.gz: '

# Nothing found makes no database, and nothing to show.
for input in missing.log empty binary.log; do
    run collect -d nothing.db "$input"
    [ ! -e nothing.db ] || fail "a database was made for nothing"
done
run look empty.log
expect_status 65
expect_err 'no SMTP session in empty.log'
expect_no_out

# In one run with a bad input the good ones are collected, before and after it.
run collect -d both.db "$log" missing.log
[ "$status" -ge 65 ] || fail "a missing input is an error also beside a good one"

# Lines of 1 MB, NUL bytes, a line without an end: counted, and the rest is as it was.
{
    head -n 100 "$log"
    printf '2026-04-10T23:18:39+00:00 mx1 postfix/smtpd[99]: '
    head -c 1000000 /dev/zero | tr '\0' x
    printf '\n2026-04-10T23:18:39+00:00 mx1 postfix/smtpd[99]: a\0b\0c\n\0\0\0\n'
    tail -n +101 "$log"
    printf '2026-04-10T23:18:39+00:00 mx1 postfix/smt'
} >dirty.log
good collect -q -d dirty.db dirty.log
[ "$(value dirty.db 'select count(*) from v_session')" = "${before%%|*}" ] || fail "dirt between lines changes no session"
good check -d dirty.db

# The clock goes back: the same sessions, each once.
{
    tail -n +2000 "$log"
    head -n 1999 "$log"
} >back.log
good collect -q -d back.db back.log
good check -d back.db
[ "$(value back.db 'select count(*) from v_session')" -ge "${before%%|*}" ] || fail "sessions were lost"

# stdin is an input like any other.
"$MXREPLAY" collect -q -d stdin.db - <"$log" || fail "collecting stdin"
[ "$(value stdin.db 'select count(*) from v_session')" = "${before%%|*}" ] || fail "stdin gives the same sessions"
gzip -c "$log" | "$MXREPLAY" collect -q -d gzip.db - || fail "collecting compressed stdin"
[ "$(value gzip.db 'select count(*) from v_session')" = "${before%%|*}" ] || fail "so does it compressed"

# The same again changes nothing.
good collect -d t.db "$log"
whole
gzip -c "$log" >mail.log.1.gz
good collect -d t.db mail.log.1.gz
whole
