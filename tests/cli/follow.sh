#!/bin/sh
# collect --follow as a user runs it: beside readers and other runs, idle, stopped by a signal.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
log=$labs/postfix-smtpd/mail.log
follower=
trap '[ -z "$follower" ] || kill "$follower" 2>/dev/null; rm -rf "$work"' EXIT

# until SECONDS COMMAND...: it comes true within that time.
until_true() {
    left=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}
sessions() { value "$1" 'select count(*) from v_session'; }
has_sessions() { [ "$(sessions "$1")" -ge "$2" ]; }
follow() {
    said="collect --follow $*"
    "$MXREPLAY" collect --follow "$@" >out 2>err </dev/null &
    follower=$!
}
stop() {
    kill -s "$1" "$follower"
    status=0
    wait "$follower" || status=$?
    follower=
    expect_status 0
}

good collect -q -d whole.db "$log"

# A log that is not there yet, and comes; what is there is committed within a second or so.
mkdir log
follow -d f.db log/mail.log
until_true 60 grep -q 'log/mail.log: not there yet; waiting for it' err
head -n 1000 "$log" >log/mail.log
until_true 60 has_sessions f.db 100

# Readers work meanwhile.
said=readers
good status -d f.db
expect_out 'sessions'
good replay -d f.db -p strict
good check -d f.db

# Another run is told who holds the database, and what to do. It does not wait for what goes on for ever.
bad 69 "another mxreplay is writing to it: pid $follower (" collect -d f.db "$log"
expect_err 'collect --follow -d f.db log/mail.log), which goes on until it is told to stop'
expect_err "kill $follower"

# The rest comes after a rotation; then SIGTERM, and all is there.
mv log/mail.log log/mail.log.1
tail -n +1001 "$log" >log/mail.log
stop TERM
expect_err 'f.db: '
[ "$(sessions f.db)" = "$(sessions whole.db)" ] || fail "$(sessions f.db) sessions, not $(sessions whole.db)"
good check -d f.db

# Nothing new: no system call, no processor time. The plain build: the sanitizers have a thread of their own.
plain=${MXREPLAY_PLAIN:-$MXREPLAY}
"$plain" collect --follow -d f.db log/mail.log >out 2>err </dev/null &
follower=$!
until_true 60 sh -c "grep -qs ^inotify /proc/$follower/fdinfo/*"
sleep 2
spent() { cut -d ' ' -f 14,15 "/proc/$follower/stat"; }
switches() { cat /proc/"$follower"/task/*/status | grep ctxt_switches; }
switched=$(switches)
if timeout 1 strace -c -o /dev/null true 2>/dev/null; then
    timeout -s INT 10 strace -f -o trace -p "$follower" 2>/dev/null
    # What strace itself makes of the call that it came into is not the follower's.
    [ "$(grep -cv 'restart_syscall\|poll(\|futex(\|--- \|+++ \|resumed' trace)" = 0 ] || fail "system calls while idle: $(cat trace)"
    [ "$(wc -l <trace)" -le 4 ] || fail "system calls while idle: $(cat trace)"
else
    sleep 10
    [ "$(switches)" = "$switched" ] || fail "it woke up while idle"
fi
# Apart from that: who attaches to a process has it spend time.
before=$(spent)
sleep 5
[ "$(spent)" = "$before" ] || fail "processor time while idle: $before, then $(spent)"
stop INT

# A run that ends is waited for: it is held here for three seconds.
flock f.db sleep 3 &
sleep 0.3
good collect -d f.db log/mail.log
expect_err 'waiting: f.db: another mxreplay is writing to it: pid '
expect_err 'f.db: nothing new in 1 input'
flock f.db sleep 5 &
sleep 0.3
run collect -q --wait 1s -d f.db log/mail.log
expect_status 75
expect_err 'sleep 5); wait until it has finished'
wait

# A pattern, and a folder of folders: what comes to them later is taken up.
follow_two() {
    operand=$1 first=$2 second=$3
    mkdir -p "${first%/*}"
    head -n 500 "$log" >"$first"
    follow -d two.db "$operand"
    until_true 60 has_sessions two.db 50
    mkdir -p "${second%/*}"
    sed -n '501,1500p' "$log" >>"$first"
    sed -n '1501,$p' "$log" >"$second"
    until_true 60 has_sessions two.db 500
    stop INT
    [ "$(sessions two.db)" = "$(sessions whole.db)" ] || fail "$operand: $(sessions two.db) sessions"
    rm two.db
}
follow_two 'logs/mail*.log' logs/mail.log logs/mail2.log
follow_two servers servers/mx1/mail.log servers/mx2/mail.log

# A journal, to which journald (here: what receives for it) writes on.
entries() {
    sed -n "$1p" "$log" | python3 -c '
import datetime, re, sys
for line in sys.stdin:
    stamp, host, tag, pid, text = re.match(r"(\S+) (\S+) ([^[]+)\[(\d+)\]: (.*)", line).groups()
    usec = int(datetime.datetime.fromisoformat(stamp).timestamp() * 1e6 + 0.5)
    print(f"__REALTIME_TIMESTAMP={usec}", "__MONOTONIC_TIMESTAMP=1", "_BOOT_ID=" + 32 * "1", f"_HOSTNAME={host}",
          f"SYSLOG_IDENTIFIER={tag}", f"SYSLOG_PID={pid}", f"MESSAGE={text}", "", sep="\n")' |
        /lib/systemd/systemd-journal-remote -o journal/remote.journal - 2>/dev/null
}
mkdir journal
entries 1,1000
follow -d journal.db journal
until_true 60 has_sessions journal.db 100
entries '1001,$'
until_true 60 has_sessions journal.db 500
stop TERM
[ "$(sessions journal.db)" = "$(sessions whole.db)" ] || fail "a journal: $(sessions journal.db) sessions"

# What cannot be followed.
xz -c "$log" >mail.log.xz
bad 64 'a pipe is read to its end without --follow' collect --follow -d no.db -
bad 64 'mail.log.xz: compressed, so that it does not grow' collect --follow -d no.db mail.log.xz
bad 64 'a packet capture cannot be followed' collect --follow -d no.db "$labs/postfix-smtpd/capture.pcap.xz"
bad 66 'nowhere/mail.log' collect --follow -d no.db nowhere/mail.log
