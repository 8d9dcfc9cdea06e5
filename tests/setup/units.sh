#!/bin/sh
# The systemd units as `make install` lays them: their paths are those of the installation, and systemd finds nothing
# wrong with them.
set -e
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
fail() { echo "$*" >&2; cat "$place/log" >&2; exit 1; }

make -s install DESTDIR="$place/stage" PREFIX=/usr >"$place/log" 2>&1 || fail "make install failed"
units=$place/stage/usr/lib/systemd/system
for unit in mxreplay-collect.service mxreplay-nightly.service mxreplay-nightly.timer mxreplay-live@.service; do
    [ -s "$units/$unit" ] || fail "$unit is not installed"
    ! grep -q '@[A-Z]*@' "$units/$unit" || fail "$unit: a place was left open"
done
grep -q '^ExecStart=/usr/bin/mxreplay collect --follow ' "$units/mxreplay-collect.service" || fail "it follows nothing"
grep -q '^ExecStart=/usr/bin/mxreplay collect ' "$units/mxreplay-nightly.service" || fail "it collects nothing"
grep -q '^ExecStart=/usr/bin/mxreplay live ' "$units/mxreplay-live@.service" || fail "it listens to nothing"
[ -x "$place/stage/usr/bin/mxreplay" ] || fail "the program is not installed"

# systemd looks for the program where the unit says: in the stage, it lies there.
mkdir "$place/units"
for unit in "$units"/*; do
    name=${unit##*/}
    sed "s,/usr/bin/,$place/stage/usr/bin/," "$unit" >"$place/units/$(echo "$name" | sed 's/@/@eth0/')"
done
systemd-analyze verify --man=no "$place"/units/* >"$place/log" 2>&1 || fail "systemd-analyze verify fails"
[ ! -s "$place/log" ] || fail "systemd-analyze verify has found something"
# What the follower may do is little.
systemd-analyze security --offline=yes --threshold=20 --no-pager "$place/units/mxreplay-collect.service" >"$place/log" 2>&1 ||
    fail "it is exposed to more than 2.0"
