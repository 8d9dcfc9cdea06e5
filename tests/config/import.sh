#!/bin/sh
# What the servers' configurations say, and what is said of those that are none, broken or odd.
# shellcheck source=../lib/cli.sh
. "${0%/*}/../lib/cli.sh"

# imported FILE...: reads them, and takes the rules with what follows each on one line
imported() {
    good policy import "$@"
    grep -v '^ *#' out | sed 's/^  - /\n- /; s/^ */ /' | tr '\n' ' ' | sed 's/ - /\n- /g; s/  */ /g' | sed 's/ *$//' >rules
    checked
}
checked() {
    cp out imported.yaml
    cp err said
    good policy check imported.yaml
    cp said err
}
rule() { grep -qxF -- "$1" rules || { cat rules; fail "expected a rule: $1"; }; }
no_rule() { ! grep -q -- "$1" rules || { cat rules; fail "expected no rule: $1"; }; }

# ---- Postfix: what it does without being told, and what one parameter changes.
echo 'myhostname = mx.example.org' >main.cf
imported main.cf
grep -qF 'delay-reject: true' rules || fail "smtpd_delay_reject is on where nothing is said"
rule '- recipient: {}'
no_rule '- relay'
echo 'compatibility_level = 3.6' >main.cf
imported main.cf
rule '- relay: reply: 4xx exempt: authenticated: true networks: [127.0.0.0/8, "::1"]'
printf 'compatibility_level = 3.6\nsmtpd_delay_reject = no\nsmtpd_reject_unlisted_recipient = no\nmynetworks = 192.0.2.0/24 [2001:db8::]/32\nsmtpd_helo_required = yes\nsmtpd_client_restrictions = permit_mynetworks reject_unknown_reverse_client_hostname\nunknown_client_reject_code = 554\n' >main.cf
imported main.cf
no_rule '- recipient'
rule '- no-rdns: on-error: hit reply: 5xx exempt: networks: [192.0.2.0/24, "2001:db8::/32"]'
rule '- helo: at: mail'

# The later setting holds, comments may stand between lines, $names and ${...} are replaced, lists nest.
cat >main.cf <<'P'
smtpd_recipient_restrictions = reject_unauth_pipelining
compatibility_level = 3.6
lists = reject_rbl_client zen.example.org=127.0.0.[2;4..7],
smtpd_restriction_classes = strict
strict = reject_unknown_sender_domain
smtpd_recipient_restrictions = $lists
   # not this: reject_rbl_client no.example.org
	warn_if_reject strict,
   ${nothing?reject_plaintext_session} ${nothing:{reject_non_fqdn_helo_hostname}}
   ${{$compatibility_level} >=level {3.10} ? {reject_unknown_client_hostname} : {reject_invalid_helo_hostname}}
   check_client_access { inline:{ {192.0.2.9 = OK}, {example.net = permit} } }, check_policy_service { inet:127.0.0.1:10023, timeout=10s }
P
imported main.cf --postgrey '--delay=60 --max-age 10 --retry-window=6h --lookup-by-host --auto-whitelist-clients=0'
rule '- dnsbl: zones: zen.example.org: { weight: 1, replies: [127.0.0.2, 127.0.0.4/30] } errors: listed'
rule '- helo: require: false syntax: true fqdn: true'
rule '- sender-domain: warn: true'
no_rule '- tls-required'
no_rule '- fcrdns'
rule '- greylist: delay: 1m retry-window: 6h lifetime: 10d key: [client, sender, recipient] auto-allow: 0 yields: true exempt: networks: [192.0.2.9] client-names: [example.net]'

# master.cf: -o of the service at port 25 before main.cf; those of others do not matter. postscreen is seen there.
printf 'smtp inet n - y - - smtpd\n  -o smtpd_delay_reject=no -o { smtpd_sender_restrictions = reject_non_fqdn_sender }\nsubmission inet n - y - - smtpd\n  -o smtpd_client_restrictions=reject_unknown_client_hostname\n' >master.cf
imported main.cf master.cf
no_rule 'delay-reject: true'
no_rule '- fcrdns'
rule '- sender-domain: exists: false null-mx: false fqdn: true reply: 5xx'
printf 'smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n' >master.cf
printf 'postscreen_greet_action = drop\npostscreen_dnsbl_sites = a.example.org*2, wl.example.org=127.0.[0..255].[1;3]*-3\npostscreen_dnsbl_action = enforce\npostscreen_dnsbl_threshold = 2\n' >main.cf
imported main.cf master.cf
rule '- early-talker: remember: 1d at: connect reply: drop exempt: networks: [127.0.0.0/8, "::1"]'
rule '- dnsbl: zones: a.example.org: 2 threshold: 2 errors: listed remember: 1h exempt: networks: [127.0.0.0/8, "::1"]'
expect_err 'main.cf:2: wl.example.org=127.0.[0..255].[1;3]*-3: not in the policy: the answers that count cannot be read'

# What postconf -n prints, from standard input; postgrey's file and white lists beside it.
echo 'smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10023' >n.cf
echo 'POSTGREY_OPTS="--inet=10023 --delay=30"' >postgrey
printf '# friends\nexample.net\n192.0.2\n/^mx\\d/\n' >whitelist_clients
printf 'postmaster@\nabuse@\nlist@example.org\nexample.com\n' >whitelist_recipients
imported n.cf postgrey whitelist_clients whitelist_recipients
rule '- greylist: delay: 30s yields: true exempt: networks: [192.0.2.0/24] client-names: [example.net] recipients: [postmaster, list@example.org, "@example.com"]'
expect_err 'whitelist_clients:4: /^mx\d/: not in the policy: a pattern'
expect_err 'whitelist_recipients:2: abuse@: not in the policy: a recipient at any domain'
"$MXREPLAY" policy import - <n.cf >out 2>err || fail "standard input"
expect_line '# postgrey is taken to have its defaults; tell its command line with --postgrey, or give /etc/default/postgrey beside main.cf'

# ---- The others' labs.
imported "$labs/exim-default/exim4.conf" "$labs/exim-default/greylistd.config"
rule '- dnsbl: zones: zen.example-rbl.test: 1 bl.second.test: 1 allow: wl.example-rbl.test: -2 errors: listed at: rcpt exempt: authenticated: true recipients: [postmaster@lab.test, abuse@lab.test]'
rule '- greylist: delay: 20s retry-window: 10m lifetime: 60d key: [client, sender, recipient] normalise: false auto-allow: 0 exempt: authenticated: true networks: [198.51.100.0/24] recipients: [postmaster@lab.test, abuse@lab.test]'
rule '- spf: name: spf-2 on: [softfail, permerror, temperror] exempt: authenticated: true networks: [127.0.0.1, "::1"] warn: true'
expect_err 'exim4.conf:65: deny hosts = 198.51.100.96/30 !verify = reverse_host_lookup: not in the policy: it is for some clients only'
imported "$labs/opensmtpd-filters/smtpd.conf"
rule '- fcrdns: on-error: hit reply: 5xx'
rule '- helo: syntax: true'
imported "$labs/sendmail-loglevel14/sendmail.mc"
rule '- early-talker: wait: 2s at: banner'
expect_err 'sendmail.mc:46: INPUT_MAIL_FILTER('
# With delay_checks the rule sets ask at RCPT, of nobody who has logged in, and in this order: check_rcpt (relaying),
# check_mail, check_relay (lists, then require_rdns: 550 without a name, 451 where it does not lead back), HELO; then who the
# recipient is (cf/README, delay_checks, require_rdns and block_bad_helo; cf/m4/proto.m4).
logged_in='exempt: authenticated: true'
printf '%s\n' "- early-talker: wait: 2s at: banner" "- helo: require: false syntax: true at: helo" \
    "- helo: name: helo-require at: mail" "- relay: $logged_in" "- sender-domain: fqdn: true reply: 5xx $logged_in" \
    "- dnsbl: zones: zen.example-rbl.test: 1 bl.second.test: { weight: 1, replies: [127.0.0.2] } errors: listed $logged_in" \
    "- no-rdns: on-error: hit reply: 5xx $logged_in" "- fcrdns: on-error: hit $logged_in" \
    "- helo: name: helo-fqdn require: false fqdn: true own-name: [mx.lab.test] $logged_in" "- recipient: {}" >wanted
echo | cat rules - | sed '1d; /^$/d' | diff wanted - || fail "what Sendmail asks, and when"
# Without it they ask when they can, and of everybody; without TRUST_AUTH_MECH nobody relays for having logged in.
cat >sendmail.mc <<'M'
FEATURE(`require_rdns')dnl
FEATURE(`greet_pause')dnl
FEATURE(`dnsbl', `a.example.org', `quarantine')
FEATURE(`dnsbl', `b.example.org', `"450 later"')
FEATURE(`relay_entire_domain')
define(`confALLOW_BOGUS_HELO', `False')
define(`LUSER_RELAY', `local:catchall')
LOCAL_RULESETS
M
imported sendmail.mc
printf '%s\n' '- helo: require: false syntax: true' '- relay: {}' '- sender-domain: fqdn: true reply: 5xx' \
    '- dnsbl: zones: b.example.org: 1 errors: listed reply: 4xx' '- no-rdns: on-error: hit reply: 5xx' '- fcrdns: on-error: hit' >wanted
echo | cat rules - | sed '1d; /^$/d' | diff wanted - || fail "what Sendmail asks, and when"
for line in 2 3 5 8; do expect_err "sendmail.mc:$line: "; done
printf 'reject-empty-rdns=yes\ndns-blacklist-entry=zen.example.org\ngreeting-delay-secs=5\ngraylist-level=always\ngraylist-min-secs=300\ngraylist-max-secs=86400\nip-blacklist-entry=192.0.2.1\n' >spamdyke.conf
imported spamdyke.conf
rule '- greylist: retry-window: 1d lifetime: 1d1s key: [sender, recipient] normalise: false auto-allow: 0'
rule '- early-talker: wait: 5s'
expect_err 'spamdyke.conf:7: ip-blacklist-entry=192.0.2.1: not in the policy'
# spamdyke 5.0's spamdyke.h: REJECT_SEVERITY_TEMPORARY (421) where the DNS is at fault, PERMANENT (554) else. Its README of
# reject-unresolvable-rdns: only whether the name has an address, not whether that is the client's.
printf '%s\n' reject-empty-rdns reject-unresolvable-rdns=yes reject-sender=no-mx dns-blacklist-entry=zen.example.org \
    ip-relay-entry=192.0.2.9 rdns-whitelist-dir=/nowhere smtp-auth-level=always reject-sender=not-local >spamdyke.conf
imported spamdyke.conf
printf '%s\n' '- no-rdns: {}' '- fcrdns: {}' '- dnsbl: zones: zen.example.org: 1 errors: listed' '- sender-domain: {}' \
    '- relay: {}' >wanted
echo | cat rules - | sed '1d; /^$/d' | grep -v '^ *exempt' | diff wanted - || fail "what spamdyke asks, and how it answers"
expect_err 'spamdyke.conf:2: reject-unresolvable-rdns=yes: only in part: '
for line in 5 6 7 8; do expect_err "spamdyke.conf:$line: "; done

# Exim's macros, conditions on them and files in files.
cat >exim.conf <<'P'
LISTS = zen.example.org : \
        bl.example.net&2
.ifdef LISTS
acl_smtp_rcpt = check
.else
acl_smtp_rcpt = other
.endif
.include_if_exists /nowhere/local
.include more.conf
P
printf 'begin acl\ncheck:\n  deny dnslists = LISTS\n       !hosts = 192.0.2.0/24\n       message = go\n  accept\n' >more.conf
imported exim.conf more.conf
grep -q '^- dnsbl: zones: zen.example.org: 1 bl.example.net: { weight: 1, replies: \[127.0.0.2, 127.0.0.3, 127.0.0.6' rules || fail "macros, .ifdef, .include"

# ---- Odd ones: a word with place and cure, and no output.
bad 64 'policy import: which file? mxreplay policy import /etc/postfix/main.cf' policy import
bad 66 'nothing.cf: No such file or directory' policy import nothing.cf
bad 66 'a folder; name the files in it' policy import .
echo 'hello' >odd
bad 65 'odd: not the configuration of a server that is known; if it is one of postfix, exim, opensmtpd, spamdyke, sendmail, say --server NAME' policy import odd
bad 64 'there is no server "qmail" whose configuration is known' policy import --server qmail odd
cat >main.cf <<'P'
mynetworks = $mynetworks
smtpd_client_restrictions = permit_mynetworks
P
bad 65 'refers to itself, or to too much; write out what it stands for' policy import main.cf
printf 'a = {\nmyhostname = x\n' >main.cf
bad 65 'main.cf:1: a "}" is missing; close what "{" opens' policy import main.cf
printf 'a = }\n' >main.cf
bad 65 'main.cf:1: "}" without a "{" before it' policy import main.cf
printf 'smtpd_restriction_classes = a\na = a\nsmtpd_client_restrictions = a\n' >main.cf
bad 65 'main.cf:2: the class "a" refers to itself' policy import main.cf
printf 'myhostname\0 = x\n' >main.cf
bad 65 'main.cf: not a text' policy import main.cf
head -c 1100000 /dev/zero | tr '\0' ' ' >main.cf
bad 65 'main.cf: more than 1 MB' policy import main.cf
printf '.ifdef X\nacl_smtp_rcpt = a\n' >exim.conf
bad 65 'exim.conf: an .ifdef has no .endif' policy import --server exim exim.conf
printf 'acl_smtp_rcpt = a\n.include exim.conf\n' >exim.conf
bad 65 'exim.conf:2: files include each other without end' policy import exim.conf
printf 'listen on "lo\n' >smtpd.conf
bad 65 'smtpd.conf:1: a string has no end' policy import smtpd.conf
{ printf 'filter a chain {'; yes a, | head -n 1000 | tr -d '\n'; printf '}\nlisten on all filter a\n'; } >smtpd.conf
imported smtpd.conf
rule '- pipelining: {}'
{ echo 'myhostname = x'; echo 'smtpd_client_restrictions ='; yes ' reject_rbl_client zen.example.org' | head -n 3000; } >main.cf
bad 65 'a policy has at most 1000' policy import -q main.cf
printf 'FEATURE(`dnsbl\n' >sendmail.mc
bad 65 'sendmail.mc:1: FEATURE( has no end; write the ) that closes it' policy import sendmail.mc
printf 'no setting\nmyhostname = x\n' >main.cf
good policy import main.cf
expect_err 'main.cf:1: no setting: not in the policy: not a setting, and Postfix would not start; write name = value'
run policy import --strict main.cf
expect_status 1

# ---- Export: one server, and what it cannot do is said where a postmaster sees it.
bad 64 'policy export: for which server? one of --postfix, --exim, --opensmtpd' policy export strict
bad 64 'policy export: for which server?' policy export --exim --postfix strict
bad 64 'policy export: which policy?' policy export --exim
good policy export --postfix strict
expect_line '#   virus: Postfix cannot do that; a milter such as rspamd or clamav-milter does (smtpd_milters)'
expect_err 'not as asked: virus: Postfix cannot do that'
expect_line 'POSTGREY_OPTS="--inet=127.0.0.1:10023 --delay=300 --retry-window=2 --max-age=35 --auto-whitelist-clients=5 --greylist-action=DEFER"'
printf 'measures: [ greylist: { exempt: { sender-domains: [example.org] } } ]\n' >mine.yaml
good policy export --postfix mine.yaml
expect_line '    reject_unauth_destination'
expect_err 'not as asked: relay: Postfix does that too, though the policy does not ask for it'

# ---- No export is everybody's relay. For a sender, a recipient or a name nobody may relay; who is only spared a DNS list
# may not either (postconf(5), mynetworks; Exim's specification, 43: an accept ends the ACL).
cat >mine.yaml <<'P1'
exempt: { authenticated: true, sender-domains: [example.com], client-names: [example.net], recipients: [postmaster] }
measures:
  - no-rdns: {}
  - relay: {}
  - dnsbl: { zones: { zen.example.org: 1 }, errors: listed, exempt: { networks: [198.51.100.0/24] } }
P1
good policy export --exim mine.yaml
[ "$(grep -c '^  accept' out)" = "$(grep -cx '  accept' out)" ] || fail "an accept that asks something lets relay"
[ "$(grep -B1 -F '!domains = +local_domains' out)" = '  deny    !authenticated = *
          !domains = +local_domains : +relay_to_domains' ] || fail "who may relay: only who has logged in"
expect_err 'not as asked: relay: who is exempt is not the same: client-names, sender-domains, recipients'
# acl.c forbids "authenticated" at connect and "recipients" but at RCPT, with a temporary error for everybody
expect_err 'not as asked: no-rdns acts at rcpt, not at connect'
[ "$(sed -n '/^mxreplay_connect:/,/^mxreplay_rcpt:/p' out | grep -c '!')" = 0 ] || fail "it is asked too early"
good policy export --postfix mine.yaml
refute_out 'mynetworks ='
expect_line '    check_client_access cidr:{ {198.51.100.0/24 OK} }'
[ "$(sed -n '/^smtpd_relay_restrictions/,/^$/p' out)" = 'smtpd_relay_restrictions =
    permit_sasl_authenticated
    # relay
    reject_unauth_destination' ] || fail "who may relay: only who has logged in"
printf 'measures: [ relay: { warn: true } ]\n' >mine.yaml
good policy export --postfix mine.yaml
expect_line '    reject_unauth_destination'
good policy export --exim mine.yaml
expect_line '  # the policy does not ask who may relay; without this everybody might'
expect_line '  deny    !verify = recipient'
printf 'measures: [ relay: { at: data } ]\n' >mine.yaml
good policy export --postfix mine.yaml
expect_err 'not as asked: relay acts at rcpt, not at data'
refute_out 'smtpd_data_restrictions'
for network in 0.0.0.0/0 ::/0; do
    printf 'measures: [ relay: { exempt: { networks: ["%s"] } } ]\n' $network >mine.yaml
    bad 65 'all the world is exempt of relay' policy export --postfix mine.yaml
    bad 65 'all the world is exempt of relay' policy export --exim mine.yaml
done
