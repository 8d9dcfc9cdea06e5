#!/bin/sh
# deps.sh LIST...: installs the packages of these lists of packages.txt that are missing. With nothing missing it is
# quick and silent; where there is no apt-get it says what to install and stops.
cd "$(dirname "$0")" || exit 1
wanted=$(for list in "$@"; do sed -n "s/^$list  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" packages.txt; done)

# Whether `$1` is there: a command, a pkg-config module (x.pc) or a header (x.h); "-" cannot be asked for.
present() {
    case $1 in
    -) ;;
    *.pc) pkg-config --exists "${1%.pc}" 2>/dev/null ;;
    *.h) echo "#include <$1>" | ${CC:-cc} -E - >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    names=$(echo "$wanted" | cut -d' ' -f1)
    # shellcheck disable=SC2086  # a list of words
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $names 2>/dev/null | sed -n 's/^ii *//p')
    missing=$(echo "$names" | grep -vxF "${installed:-none}" | tr '\n' ' ')
    [ -n "$missing" ] || exit 0
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "Installing: $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    $sudo apt-get update -q && $sudo apt-get install -q -y --no-install-recommends $missing && exit 0
    echo "These packages could not be installed: $missing" >&2
    exit 69
fi

missing=$(echo "$wanted" | while read -r name has; do present "$has" || echo "  $name"; done)
[ -n "$missing" ] || exit 0
echo "mxreplay needs these, by their Debian 12 names; please install your system's packages of them:" >&2
echo "$missing" >&2
exit 69
