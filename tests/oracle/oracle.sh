#!/bin/sh
# The case books, under sanitizers; and that their runner sees what is wrong.
run=build/asan/tests/oracle/run_oracle
books=$(ls tests/oracle/*.yaml)
# shellcheck disable=SC2086  # one word a book
$run --later $books >build/log/oracle-cases || {
    grep '^differs' build/log/oracle-cases
    exit 1
}
told=$(grep -c '^ok \|^later ' build/log/oracle-cases)
held=$(cat tests/oracle/*.yaml | grep -c '^- name: ')
[ "$told" = "$held" ] || { echo "$told cases told of $held"; exit 1; }
[ "$(grep -c '^ok ' build/log/oracle-cases)" -ge 495 ] || { echo "too many cases are left for later"; exit 1; }

# Cases that each expect something wrong.
wrong=$(mktemp)
trap 'rm -f "$wrong"' EXIT
one='{ ip: 192.0.2.1, from: a@b.example, to: u@l.example, rdns: no, did: accepted }'
cat >"$wrong" <<EOF
- { name: another row, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: { accepted: 1 } }
- { name: another count, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: { no-rdns: 2 } }
- { name: an interval, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: { no-rdns: [0, 1] } }
- { name: too much, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: { no-rdns: 1, accepted: 1 } }
- { name: too little, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: {} }
- { name: no such row, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: { no-rdns: 1, nosuch: 1 } }
- { name: no such measure, in_force: [], sessions: [ $one ], policy: [ nosuch: {} ], expect: { nosuch: 1 } }
- { name: right, in_force: [], sessions: [ $one ], policy: [ no-rdns: {} ], expect: { no-rdns: 1, accepted: 0 } }
EOF
said=$($run "$wrong" 2>/dev/null)
status=$?
expected="differs another row: expected accepted 1 found no-rdns 1
differs another count: expected no-rdns 2 found no-rdns 1
differs an interval: expected no-rdns [0, 1] found no-rdns 1
differs too much: expected no-rdns 1, accepted 1 found no-rdns 1
differs too little: expected nothing found no-rdns 1
differs no such row: expected no-rdns 1, nosuch 1 found no-rdns 1
ok right"
[ $status -eq 1 ] || { echo "exit status $status"; exit 1; }
[ "$(echo "$said" | grep -v 'no such measure')" = "$expected" ] || { echo "$said"; exit 1; }
echo "$said" | grep -q '^differs no such measure: .*there is no measure "nosuch"' || { echo "$said"; exit 1; }
# A key that would be passed over in silence is a mistake of the book's.
echo '- { name: x, in_force: [], sessions: [ { ip: 192.0.2.1, did: nothing, rdsn: no } ], policy: [], expect: {} }' >"$wrong"
$run "$wrong" 2>/dev/null
status=$?
[ $status -eq 65 ] || { echo "an unknown key: exit status $status"; exit 1; }
