#!/bin/sh
# A complaint finds its session, and the story has the log's own lines.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
cp "$labs/postfix-smtpd/mail.log" mail.log
good collect -q -d t.db mail.log

# The whole conversation of 203.0.113.185 stands in these lines of the log; it came once.
sed -n 38,42p mail.log >lines
[ "$(grep -c 203.0.113.185 mail.log)" = 5 ] || fail "the lab's log is another"
story_is_of_185() {
    expect_status 0
    while IFS= read -r line; do
        expect_out "$line"
    done <lines
    [ "$(grep -c 'mx postfix/smtpd\[' out)" = 5 ] || fail "these lines and no others"
    expect_out '203.0.113.185'
    expect_out '450 4.7.1'
    expect_out 'offer@isp.test'
    expect_out 'bob@lab.test'
    expect_out 'no-rdns'
}
good explain -d t.db --client 203.0.113.185
story_is_of_185
expect_out 'talk-2009'
cp out story
id=$(value t.db "select id from v_session where client_ip = '203.0.113.185'")
good explain -d t.db "$id"
cmp -s out story || fail "the number tells the same story"
good explain -d t.db --sender offer@isp.test --recipient bob@lab.test --since 2026-11-23T09:07:16 --until 2026-11-23T09:07:17
story_is_of_185
good explain -d t.db --sender '<offer@isp.test>' --client 203.0.113.185/32
story_is_of_185
good explain -d t.db -p strict "$id"
story_is_of_185
expect_out 'strict'

# By the queue id that a bounce or the recipient's own log shows.
good explain -d t.db --queue-id 6760916E5B2
expect_out 'status=sent (250 ok sunk)'
expect_out 'friend@ext.test'

# Several: a list to choose from, the same sessions as in the views.
good explain -d t.db --recipient bob@lab.test --most 0 --format csv
sed -n '2,$p' out | cut -d, -f1 | sort -n >found
value t.db "select distinct session_id from v_recipient where address = 'bob@lab.test'" | sort -n >expected
[ "$(wc -l <expected)" -gt 10 ] || fail "the lab's log is another"
cmp -s found expected || fail "sessions with this recipient: $(diff found expected | head -5)"
good explain -d t.db --recipient @lab.test --most 3
expect_err 'mxreplay explain '
expect_err ' more: narrow it down'
good explain -d t.db --sender @isp.test --most 0 --format csv
sed -n '2,$p' out | cut -d, -f1 | sort -n >found
value t.db "select distinct session_id from v_transaction where mail_from like '%@isp.test'" | sort -n >expected
cmp -s found expected || fail "sessions with this sender domain: $(diff found expected | head -5)"
good explain -d t.db --client 198.51.100.0/24 --most 0 --format csv
sed -n '2,$p' out | cut -d, -f1 | sort -n >found
value t.db "select id from v_session where client_ip glob '198.51.100.*'" | sort -n >expected
cmp -s found expected || fail "sessions of this network: $(diff found expected | head -5)"
good explain -d t.db --sender '<>' --most 0 --format csv
sed -n '2,$p' out | cut -d, -f1 | sort -n >found
value t.db "select distinct session_id from v_transaction where mail_from = ''" | sort -n >expected
cmp -s found expected || fail "bounces: $(diff found expected | head -5)"

# For machines.
good explain -d t.db --format json "$id"
python3 - lines <<'P' || fail "not the story as JSON"
import json, sys
story = json.load(open("out"))
assert story["lines"] == open(sys.argv[1]).read().splitlines(), story["lines"]
assert story["session"]["client_ip"] == "203.0.113.185" and story["session"]["reply"]["code"] == 450
assert story["session"]["transactions"][0]["recipients"][0]["address"] == "bob@lab.test"
assert {"kind": "rdns", "state": "no"}.items() <= next(e for e in story["evidence"] if e["kind"] == "rdns").items()
verdicts = {m["measure"]: m for m in story["attempts"][0]["measures"]}
assert verdicts["no-rdns"]["verdict"] == "hit" and all(m["why"] for m in verdicts.values()), verdicts
P
bad 64 "--format: one session's story is no table" explain -d t.db --format csv "$id"

# Who was put off may have come back: the line to type finds both, and what strangers wrote is quoted.
"$MXREPLAY" collect -q -d g.db "$labs/postfix-greylist/mail.log"
good explain -d g.db 4
sed -n 's/^Whether they came back: [^ ]* //p' err >again
grep -qx 'explain -d g.db --sender orders8@good.test --recipient ivan@lab.test' again || fail "no line to type"
eval "run $(cat again)"
expect_out '2026-11-23 14:29:15  198.51.100.8'
cat >quotes.log <<'L'
Nov 23 09:00:00 mx postfix/smtpd[7]: connect from a.good.test[198.51.100.1]
Nov 23 09:00:01 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from a.good.test[198.51.100.1]: 450 4.2.0 <u@lab.test>: Recipient address rejected: Greylisted; from=<a'$(echo b)@c.test> to=<u@lab.test> proto=SMTP helo=<a.good.test>
Nov 23 09:00:02 mx postfix/smtpd[7]: disconnect from a.good.test[198.51.100.1]
L
"$MXREPLAY" collect -q -d q.db quotes.log
good explain -d q.db 1
expect_err "--sender 'a'\\''\$(echo b)@c.test' --recipient u@lab.test"

# A log is found from another folder too, when it lies beside the database.
mkdir elsewhere
(cd elsewhere && "$MXREPLAY" explain -d ../t.db "$id") >out 2>err
status=$? said='explain, elsewhere'
story_is_of_185

# Nobody, and nothing of that number.
bad 66 'an address is wanted, or @isp.test for all of a domain' explain -d t.db --sender isp.test
bad 66 'no such session in t.db' explain -d t.db --sender nobody@nowhere.test
bad 66 'no such session in t.db' explain -d t.db 999999

# Where the log is gone or another it says so, and tells what it has.
mv mail.log gone.log
good explain -d t.db "$id"
expect_out 'mail.log'
expect_out 'what was stored of it follows'
refute_out 'connect from unknown'
expect_out '450 4.7.1'
cp "$labs/postfix-greylist/mail.log" mail.log
good explain -d t.db "$id"
expect_out 'what was stored of it follows'
refute_out 'connect from'
"$MXREPLAY" collect -q -d stdin.db - <gone.log || fail "collecting stdin"
good explain -d stdin.db --client 203.0.113.185
expect_out 'standard input'
expect_out '450 4.7.1'

# Why a verdict is not known: what is known of it does not decide; the server had not come to it; it may have asked.
good explain -d t.db --client 203.0.113.25 -p strict
grep -A 40 '^measure ' out | sed -n 's/^\(dnsbl\|early-talker\|spam\|virus\)  *[a-z ]*  //p' >whys
cat >expected <<'W'
what is known does not decide it: dnsbl zen.example-rbl.test is yes (log); enrich --dnsbl-zone ZONE=FILE would tell
the server refused at rcpt (dnsbl); whether it asked this is not recorded; a capture (mxreplay live) would tell
the server refused at rcpt (dnsbl) before it came to this; the log of ClamAV, rspamd or amavis would tell
the server refused at rcpt (dnsbl) before it came to this; the log of rspamd, amavis or SpamAssassin would tell
W
cmp -s whys expected || fail "why not known: $(diff whys expected)"
expect_line "From <win@ext.test> to <postmaster@lab.test>: stopped by dnsbl, early-talker, helo, sender-domain, spf, relay, recipient or greylist"

# What the server enforced, where that is stored.
cat >mine.yaml <<'P'
policy: mine
measures:
  - no-rdns: {}
P
good collect -q -d mine.db --recorded mine.yaml gone.log
good explain -d mine.db --client 203.0.113.185
story_is_of_185
expect_out 'Under the policy mine, which the server enforced'

# Strangers wrote half of it: no escape sequence reaches the terminal.
printf '2026-11-23T10:00:00.000000+00:00 mx postfix/smtpd[77]: connect from unknown[192.0.2.77]\n' >evil.log
printf '2026-11-23T10:00:01.000000+00:00 mx postfix/smtpd[77]: NOQUEUE: reject: RCPT from unknown[192.0.2.77]: 554 5.7.1 <a\033[2Jb>: Helo command rejected: Host not found; from=<x@y.test> to=<bob@lab.test> proto=ESMTP helo=<a\033[2Jb>\n' >>evil.log
printf '2026-11-23T10:00:02.000000+00:00 mx postfix/smtpd[77]: disconnect from unknown[192.0.2.77] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4\n' >>evil.log
good collect -q -d evil.db evil.log
for format in table json; do
    good explain -d evil.db --client 192.0.2.77 --format "$format"
    ! grep -q "$(printf '\033')" out || fail "an escape sequence in $format"
done

# Why, in words of the measure, where no evidence of its own says it.
cat >words.yaml <<'END'
measures:
- vrfy: { reject: true }
- rate: { connections: 1000 }
- auth-abuse: {}
- nolisting: { primary: 192.0.2.99, secondary: 192.0.2.98 }
- batv: {}
END
good explain -d t.db -p words.yaml "$id"
expect_out 'the server let it go no farther than HELO, or cut it off'
expect_out 'not more than the limit within the window'
expect_out 'it is not known how many logins there were within the window'
expect_out 'it came to a server that answers'
expect_out 'it has a sender, or a tag'
