#!/bin/sh
# The manual pages and completions that come out of the option tables.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

for command in '' look collect status replay report audit overlap explain policy sweep tune check help; do
    # shellcheck disable=SC2086  # none is no argument
    good help --man $command
    grep -q '^\.TH MXREPLAY' out || fail "a page begins with its title"
    grep -q '^\.SH NAME' out || fail "a page has a name"
    # groff tells of what it does not understand.
    if command -v groff >/dev/null; then
        [ -z "$(groff -man -Tutf8 -Kutf8 -ww -z out 2>&1)" ] || fail "groff: $(groff -man -Tutf8 -Kutf8 -ww -z out 2>&1)"
    fi
done

good help --man replay
expect_out '\-\-retry\-window'
expect_out 'fB\-p\fR, \fB\-\-policy\fR=\fIPOLICY\fR'

good help --completion zsh
cp out mxreplay.zsh
if command -v zsh >/dev/null; then zsh -n mxreplay.zsh || fail "zsh does not read it"; fi
good help --completion bash
cp out mxreplay.bash
command -v bash >/dev/null || exit 0

# completions WORD...: what bash offers for the last word, on one line
completions() {
    bash -c '. ./mxreplay.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mxreplay; echo "${COMPREPLY[*]}"' \
        bash mxreplay "$@"
}
offers() {
    wanted=$1
    shift
    [ "$(completions "$@")" = "$wanted" ] || fail "mxreplay $*: bash offers \"$(completions "$@")\", not \"$wanted\""
}
offers replay repl
offers 'replay report' rep
offers --policy replay --pol
offers 'hour' replay --by h
offers 'table' replay --format t
offers csv replay --format = c
offers talk-2009 replay -p ta
offers recorded replay -p rec
offers 'check' policy ch
offers collect help col
: >mail.log
offers mail.log collect mai
offers mail.log mai
