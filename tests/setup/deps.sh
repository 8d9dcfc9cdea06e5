#!/bin/sh
# deps.sh installs what is missing and nothing else, through sudo when it must; where there is no apt-get it stops.
set -e
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
fail() { echo "$*" >&2; cat "$place/log" "$place/out" >&2; exit 1; }

# A system of our own: dpkg knows all packages but those in `missing`, and apt-get and sudo write down what they are asked.
for tool in sh sed grep cut tr cat dirname echo uname; do ln -s "$(command -v $tool)" "$place/$tool"; done
cat >"$place/dpkg-query" <<'E2'
#!/bin/sh
shift 3
for name; do grep -qx "$name" "$PLACE/missing" || echo "ii  $name"; done
E2
cat >"$place/apt-get" <<'E2'
#!/bin/sh
echo "apt-get $*" >>"$PLACE/log"
E2
cat >"$place/sudo" <<'E2'
#!/bin/sh
echo sudo >>"$PLACE/log"
exec "$@"
E2
cat >"$place/id" <<'E2'
#!/bin/sh
cat "$PLACE/user"
E2
chmod +x "$place"/dpkg-query "$place"/apt-get "$place"/sudo "$place"/id
PLACE=$place
export PLACE
deps() { : >"$place/log"; PATH=$place ./deps.sh "$@" >"$place/out" 2>&1; }

echo 0 >"$place/user"
: >"$place/missing"
deps demo check || fail "with all there it fails"
[ ! -s "$place/log" ] || fail "with all there it installs"
[ ! -s "$place/out" ] || fail "with all there it talks"

printf 'libpsl-dev\npflogsumm\n' >"$place/missing"
deps demo || fail "it cannot install"
grep -qx 'apt-get install -q -y --no-install-recommends libpsl-dev' "$place/log" || fail "not what is missing, or more"
! grep -q sudo "$place/log" || fail "sudo for root"
echo 1000 >"$place/user"
deps check || fail "pflogsumm is not on this list"
[ ! -s "$place/log" ] || fail "another list's package"
deps demo check bench || fail "it cannot install as a user"
grep -q sudo "$place/log" || fail "no sudo for a user"
grep -q 'libpsl-dev pflogsumm' "$place/log" || fail "not from all lists"

# Every row of packages.txt is read: each list names something.
for list in demo check bench; do
    sed -n "s/^$list  *\([^ ]*\) .*/\1/p" packages.txt >"$place/missing"
    [ "$(wc -l <"$place/missing")" = "$(grep -c "^$list " packages.txt)" ] || fail "a row of $list is not read"
done

# Elsewhere.
rm "$place/apt-get"
status=0
deps demo || status=$?
[ $status = 69 ] || fail "without apt-get: exit status $status"
grep -q libsqlite3-dev "$place/out" || fail "without apt-get it does not say what to install"
