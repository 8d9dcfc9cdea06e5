#!/bin/sh
# A log and a capture of one server in one database, for who looks at it.
. "${0%/*}/../lib/cli.sh"
lab=$labs/postfix-smtpd

good collect -q -d both.db "$lab/mail.log"
good status -d both.db --format csv
refute_out 'log and capture'
good collect -q -d both.db "$lab/capture.pcap.xz"
good check -d both.db
good status -d both.db --format csv
expect_line 'sessions seen by log and capture,589'
expect_line 'sessions that log and capture contradict,0'
good status -d both.db --format json
expect_out '"what": "sessions seen by log and capture", "value": "589"'

# One session's story has the log's lines, and the evidence of both.
id=$(value both.db "SELECT min(session_id) FROM v_transaction WHERE queue_id IS NOT NULL")
good explain -d both.db "$id"
expect_out 'postfix/smtpd['
expect_out ' log'
expect_out ' capture'

# A log that says that somebody was let in whom the capture saw refused.
sed 's/NOQUEUE: reject: RCPT from \(.*\): 550 5.1.1 /NOQUEUE: reject: RCPT from \1: 450 4.1.1 /' "$lab/mail.log" >other.log
cmp -s other.log "$lab/mail.log" && fail "nothing was changed in the log"
good collect -q -d other.db other.log "$lab/capture.pcap.xz"
told=$(value other.db "SELECT count(DISTINCT session_id) FROM v_evidence WHERE kind = 'contradiction'")
[ "$told" -gt 10 ] || fail "only $told sessions contradict the capture"
good status -d other.db --format csv
expect_line "sessions that log and capture contradict,$told"
expect_line "sessions that contradict themselves,$told"
id=$(value other.db "SELECT min(session_id) FROM v_evidence WHERE kind = 'contradiction'")
good explain -d other.db "$id"
grep -q 'contradiction .*450 .* log$' out || fail "what the log says is expected"
grep -q 'contradiction .*550 .* capture$' out || fail "what the capture says is expected"
good status -d other.db --contradictions --format csv
[ "$(cut -d, -f1,3,4 out | sort -u)" = "contradiction,log,capture
evidence,yes,no" ] || fail "log and capture contradict each other, and nothing else does: $(cat out)"

# A list that knows none of the clients that the server found listed: what the server itself saw counts.
echo 198.18.0.0/24 >none
good collect -q -d listed.db "$lab/mail.log"
listed=$(value listed.db "SELECT count(DISTINCT session_id) FROM v_evidence WHERE kind = 'dnsbl' AND state = 1 AND
                          subject = 'zen.example-rbl.test'")
[ "$listed" -gt 5 ] || fail "only $listed sessions were listed"
good status -d listed.db --contradictions
expect_err 'No evidence contradicts any other.'
good enrich -q -d listed.db --dnsbl-zone zen.example-rbl.test=none
good status -d listed.db --format csv
expect_line "sessions that evidence from elsewhere contradicts,$listed"
good status -d listed.db --contradictions --format csv
id=$(value listed.db "SELECT min(session_id) FROM v_evidence WHERE kind = 'dnsbl' AND state = 1 AND
                      subject = 'zen.example-rbl.test'")
expect_line "dnsbl,zen.example-rbl.test,log,snapshot,$listed,$id"
good replay -d listed.db -p talk-2009
expect_out "Evidence contradicts itself in $listed sessions (status --contradictions lists it)"

# A pseudonymised copy holds each session once, too.
head -c 64 /dev/urandom >key
chmod 600 key
good export -d both.db --pseudonymise key -o copy.db
[ "$(value copy.db 'SELECT count(*) FROM v_session')" = "$(value both.db 'SELECT count(*) FROM v_session')" ] ||
    fail "the copy holds other sessions"
good check -d copy.db
