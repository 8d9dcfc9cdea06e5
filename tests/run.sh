#!/bin/sh
# run.sh TEST...: runs Check programs, shell and Python tests, as many at once as there are processors. A line for each;
# what a test says is kept in build/log and shown when it fails, lines that begin with "skipped:" always. Tests find the
# program in $MXREPLAY (with sanitizers) and $MXREPLAY_PLAIN.
[ $# -gt 0 ] || { echo "no test of that name" >&2; exit 64; }
MXREPLAY=$PWD/build/asan/mxreplay MXREPLAY_PLAIN=$PWD/build/plain/mxreplay
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=print_stacktrace=1
TZ=UTC # the samples' stamps without a zone are of it
export TZ MXREPLAY MXREPLAY_PLAIN ASAN_OPTIONS UBSAN_OPTIONS
mkdir -p build/log
rm -f build/log/failed

# shellcheck disable=SC2016  # the inner shell expands
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh -c '
    name=$(echo "$1" | sed "s,^build/asan/,,; s,^tests/,,")
    log=build/log/$(echo "$name" | tr / -)
    case $1 in
    *.sh) set -- sh "$1" ;;
    *.py) set -- python3 "$1" ;;
    esac
    start=$(date +%s)
    timeout 580 "$@" >"$log" 2>&1
    status=$?
    took=$(($(date +%s) - start))
    case $status in
    0) { echo "ok    $name$([ $took -lt 5 ] || echo " ($took s)")"; sed -n "s/^skipped:/      skipped:/p" "$log"; } | cat ;;
    *) echo "$name" >>build/log/failed
       { echo "FAIL  $name: exit status $status, after $took s"; tail -n 40 "$log" | sed "s/^/      /"; } | cat ;;
    esac' run
[ ! -e build/log/failed ] || { echo "$(wc -l <build/log/failed) of $# failed: $(tr '\n' ' ' <build/log/failed)" >&2; exit 1; }
echo "all ok: $#"
