#!/bin/sh
# Stamps without a zone: whose clock they are of is told, or the machine's, and stays with the input.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

# 09:07:12 in winter is 08:07:12 UTC in Berlin.
line='mx postfix/smtpd[7]: connect from a.test[192.0.2.1]'
printf 'Nov 23 09:07:12 %s\nNov 23 09:07:13 %s\n' "$line" "$line" >a.log
first() {
    value "$1" 'select first from v_input'
}
good collect -q --year 2026 -d utc.db a.log
[ "$(first utc.db)" = 2026-11-23T09:07:12.000000Z ] || fail "TZ=UTC: $(first utc.db)"
good collect -q --year 2026 --tz Europe/Berlin -d berlin.db a.log
[ "$(first berlin.db)" = 2026-11-23T08:07:12.000000Z ] || fail "--tz: $(first berlin.db)"
good collect -q --year 2026 --tz -03:30 -d offset.db a.log
[ "$(first offset.db)" = 2026-11-23T12:37:12.000000Z ] || fail "--tz -03:30: $(first offset.db)"
export TZ=America/New_York
good collect -q --year 2026 -d local.db a.log
[ "$(first local.db)" = 2026-11-23T14:07:12.000000Z ] || fail "this machine's: $(first local.db)"
good look -q --year 2026 -d look.db a.log
[ "$(first look.db)" = 2026-11-23T14:07:12.000000Z ] || fail "look: $(first look.db)"

bad 64 'Europe/Berlim' collect --tz Europe/Berlim -d none.db a.log
[ ! -e none.db ] || fail "a database was made"

# The rest of a file is read by the same clock, told or not; explain too.
printf 'Nov 23 09:07:14 mx postfix/smtpd[7]: disconnect from a.test[192.0.2.1]\n' >>a.log
good collect -q -d berlin.db a.log
good collect -q -d local.db --tz UTC a.log
[ "$(value berlin.db 'select last from v_input')" = 2026-11-23T08:07:14.000000Z ] || fail "the zone was forgotten"
[ "$(value local.db 'select last from v_input')" = 2026-11-23T14:07:14.000000Z ] || fail "the zone changed on the way"
good explain -d berlin.db 1
expect_out 'Nov 23 09:07:12 mx'
good status --inputs -d berlin.db
expect_out 'Europe/Berlin'
good status --inputs -d utc.db
refute_out 'Zone'

# Autumn: 02:00 to 03:00 comes twice; then the next file, which begins in the second of them.
for at in 01:59:00 02:10:00 02:40:00 02:05:00 02:20:00; do echo "Oct 25 $at $line"; done >old.log
for at in 02:25:00 02:50:00 03:01:00; do echo "Oct 25 $at $line"; done >new.log
good collect -q --year 2026 --tz Europe/Berlin -d autumn.db new.log old.log
got=$(value autumn.db "select group_concat(substr(started, 12, 5), ' ') from (select started from v_session order by id)")
[ "$got" = '23:59 00:10 00:40 01:05 01:20 01:25 01:50 02:01' ] || fail "autumn: $got"
