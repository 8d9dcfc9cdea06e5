#!/bin/sh
# A database that is not there, not ours, too new, read-only or on a full disk: told, and what it holds stays whole.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"
log=$labs/postfix-smtpd/mail.log

for command in status replay 'explain 1' check 'audit -p talk-2009' 'report --graph counts'; do
    # shellcheck disable=SC2086
    bad 66 'no database here.db; make one with: mxreplay collect -d here.db mail.log' $command -d here.db
    # shellcheck disable=SC2086
    MXREPLAY_DB=there.db "$MXREPLAY" $command 2>err >out && fail "no database, no success"
    expect_err 'no database there.db; make one'
    # shellcheck disable=SC2086
    bad 66 'no database mxreplay.db; make one' $command
done
[ ! -e here.db ] || fail "reading makes no database"

# -d before $MXREPLAY_DB before mxreplay.db in this folder.
good collect -q "$log"
[ -s mxreplay.db ] || fail "the database is mxreplay.db unless named"
expect_no_out
expect_no_err
export MXREPLAY_DB=named.db
good collect -q "$log"
[ -s named.db ] || fail "\$MXREPLAY_DB names the database"
export MXREPLAY_DB=other.db
good collect -q -d given.db "$log"
unset MXREPLAY_DB
[ -s given.db ] || fail "-d names the database"
[ ! -e other.db ] || fail "-d comes before \$MXREPLAY_DB"
sessions=$(value mxreplay.db 'select count(*) from v_session')
[ "$sessions" = "$(value given.db 'select count(*) from v_session')" ] || fail "the same log, the same sessions"

# Not ours, and not even a database.
echo 'this is no database, however long this line of text may be' >text.db
bad 65 'text.db' status -d text.db
bad 65 'text.db' collect -d text.db "$log"
[ "$(cat text.db)" = 'this is no database, however long this line of text may be' ] || fail "text.db was touched"
sqlite3 stranger.db 'create table t(a); insert into t values(1)'
bad 65 'stranger.db' status -d stranger.db
bad 65 'stranger.db' collect -d stranger.db "$log"
[ "$(value stranger.db 'select group_concat(name) from sqlite_schema')" = t ] || fail "stranger.db was touched"
mkdir folder.db
run status -d folder.db
[ "$status" -ge 65 ] || fail "a folder is no database"

# From a newer version.
cp given.db newer.db
sqlite3 newer.db 'pragma user_version = 9999'
bad 65 'newer' status -d newer.db
bad 65 'newer' collect -d newer.db "$log"

# In a folder that is not there.
bad 73 'nowhere/x.db' collect -d nowhere/x.db "$log"

# Damaged: the pages from the second on are overwritten in the middle.
cp given.db damaged.db
dd if=/dev/zero of=damaged.db bs=4096 seek=3 count=4 conv=notrunc 2>/dev/null
run check -d damaged.db
expect_status 65
expect_err 'damaged.db'
good check -d given.db
expect_no_out

# Mounts need root, or a namespace in which we are.
mounts() { unshare -m sh -c "$1" 2>mounts.err || unshare -rm sh -c "$1" 2>mounts.err; }
if ! mounts 'mount -t tmpfs none /mnt'; then
    echo "skipped: no mounts here: $(cat mounts.err)"
    exit 0
fi

# A read-only database: reading works, writing says so. (Modes do not stop root; a read-only mount does.)
mkdir ro
cp given.db ro/t.db
cat >ro.sh <<'S'
mount --bind ro ro && mount -o remount,ro,bind ro || exit 99
"$MXREPLAY" status -d ro/t.db --format csv >ro.out 2>ro.err || exit 1
"$MXREPLAY" collect -d ro/t.db "$1" >ro.out 2>ro.err
echo $? >ro.status
S
mounts "sh ro.sh '$labs/postfix-greylist/mail.log'" || fail "a read-only database can be read: $(cat ro.err)"
case $(cat ro.status) in
73 | 77) ;;
*) fail "collecting into a read-only database: exit status $(cat ro.status): $(cat ro.err)" ;;
esac
grep -q '^mxreplay: .*ro/t.db' ro.err || fail "it names the database: $(cat ro.err)"
[ ! -s ro.out ] || fail "nothing on stdout"

# A full disk: what was committed before stays, and the database is whole.
mkdir full
cat >full.sh <<'S'
mount -t tmpfs -o size=1500k none full || exit 99
cp given.db full/t.db
"$MXREPLAY" collect -q -d full/t.db "$1" >full.out 2>full.err
echo $? >full.status
cp full/t.db* .
S
seq 40 | while read -r i; do sed "s/198\.51\.100\./198.51.$i./; s/\[\([0-9]*\)\]:/[$i\1]:/" "$log"; done >big.log
mounts "sh full.sh big.log" || fail "the full disk was not made"
[ "$(cat full.status)" = 74 ] || fail "full disk: exit status $(cat full.status): $(cat full.err)"
grep -q '^mxreplay: full/t.db: .*disk is full' full.err || fail "it says that the disk is full: $(cat full.err)"
[ ! -s full.out ] || fail "nothing on stdout"
good check -d t.db
[ "$(value t.db 'select count(*) from v_session')" -ge "$sessions" ] || fail "sessions were lost on the full disk"
