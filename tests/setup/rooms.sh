#!/bin/sh
# The data goes one way: a room's files include the headers of rooms to the left of it, and of itself. enrich/ knows
# nothing of collecting, and what reads zone files there nothing of the database either.
set -e
cd "$(dirname "$0")/../.."
wrong=0

# may ROOMS FILE...: none of the files includes a header of a room that is not among these.
may() {
    rooms=$1
    shift
    found=$(grep -nE '^#include "(collect|schemas|enrich|analyze|config|report|cli)/' "$@" /dev/null | grep -vE "\"($rooms)[/.]" || true)
    [ -z "$found" ] || { echo "only $rooms may be included:"; echo "$found"; wrong=1; }
}

# shellcheck disable=SC2046  # no file has a blank in its name
{
    may 'base' $(find base -name '*.[ch]')
    may 'base|collect' $(find collect -name '*.[ch]')
    may 'base|collect|schemas' $(find schemas -name '*.[ch]')
    may 'base|enrich' enrich/zone*.[ch] enrich/spans.[ch] enrich/domains.[ch] enrich/unpacked.[ch]
    may 'base|collect/session|collect/dialect|schemas|enrich' $(find enrich -name '*.[ch]')
    may 'base|collect|schemas|enrich|analyze' $(find analyze -name '*.[ch]')
    may 'base|collect|analyze|config' $(find config -name '*.[ch]')
    may 'base|collect|schemas|enrich|analyze|report' $(find report -name '*.[ch]')
}
[ -n "$(find enrich analyze report -name '*.h')" ] || { echo "the rooms are not here"; exit 1; }
exit $wrong
