#!/bin/sh
# package.sh TARBALL: what a packager does, in a folder of its own and without a network.
set -e
unset MAKEFLAGS MAKELEVEL
tarball=$(realpath "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
offline=
unshare -rn true 2>/dev/null && offline='unshare -rn'
tar -xzf "$tarball" -C "$place"
cd "$place"/mxreplay-*
$offline make mxreplay
$offline make check
$offline make install DESTDIR="$place/installed" PREFIX=/usr
"$place/installed/usr/bin/mxreplay" --version
# Position independent, read-only relocations, bound at start, a stack protector: as distributions ask.
readelf -hld "$place/installed/usr/bin/mxreplay" >"$place/elf"
for has in 'DYN (Position-Independent' GNU_RELRO BIND_NOW; do
    grep -q "$has" "$place/elf" || { echo "the installed program lacks $has" >&2; exit 1; }
done
echo "ok: $(basename "$tarball")"
