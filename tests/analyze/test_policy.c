/* Policies: what is read is what stands there; what is wrong is said with line, column, key and cure; what is
 * written is read back as the same. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/measure/parameters.h"
#include "analyze/policy.h"

#define read_text_as(policy, text, why) policy_read(policy, "policy.yaml", str_of(text), why)

static void read_well(struct policy *policy, const char *yaml)
{
    struct why why = { 0 };
    int result = read_text_as(policy, yaml, &why);
    ck_assert_msg(result == 0, "%s", why.text);
}

static const struct rule *rule_called(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (str_eq(policy->rules[i].name, str_of(name)))
            return &policy->rules[i];
    ck_abort_msg("no rule %s", name);
    return NULL;
}

static bool is_network(const struct networks *networks, size_t i, const char *text)
{
    char found[IP_TEXT_BYTES + 4];
    prefix_format(&networks->prefix[i], found);
    return strcmp(found, text) == 0;
}

/* The policy of design.md section 6, to the letter. */
START_TEST(the_designs_policy)
{
    struct policy policy;
    read_well(&policy,
              "# talk-2009.yaml: the order in which the server asks\n"
              "policy: talk-2009\n"
              "delay-reject: false           # true: connect, HELO and MAIL measures are asked at RCPT\n"
              "exempt:                       # never judged\n"
              "  authenticated: true\n"
              "  networks: [192.0.2.0/24]\n"
              "trusted-relays: [192.0.2.25]  # our backup MX\n"
              "measures:\n"
              "  - no-rdns:      {}\n"
              "  - dnsbl:        { zones: { zen.spamhaus.org: 1, bl.spamcop.net: 1 }, threshold: 1 }\n"
              "  - early-talker: { wait: 5s }\n"
              "  - greylist:     { delay: 5m, retry-window: 2d, lifetime: 35d, key: [client/24, sender, "
              "recipient] }\n");
    ck_assert(str_eq(policy.name, STR("talk-2009")));
    ck_assert(!policy.delay_reject);
    ck_assert(policy.exempt.authenticated);
    ck_assert_uint_eq(policy.exempt.networks.count, 1);
    ck_assert(is_network(&policy.exempt.networks, 0, "192.0.2.0/24"));
    ck_assert_uint_eq(policy.trusted_relays.count, 1);
    ck_assert(is_network(&policy.trusted_relays, 0, "192.0.2.25/32"));
    ck_assert_uint_eq(policy.rule_count, 4);
    static const char *const titles[] = { "No reverse DNS", "Listed in chosen RBLs", "Early talkers",
                                          "Greylisted: didn't resend" };
    for (size_t i = 0; i < 4; i++) {
        ck_assert(str_eq(policy.rules[i].title, str_of(titles[i])));
        ck_assert_int_eq(policy.rules[i].line, 9 + (int)i);
        ck_assert_int_eq(policy.rules[i].column, 5);
        ck_assert_int_eq(policy.rules[i].reply, REPLY_DEFAULT);
        ck_assert(isnan(policy.rules[i].cost) && !policy.rules[i].warn && !policy.rules[i].moved);
    }
    const struct dnsbl_parameters *dnsbl = rule_called(&policy, "dnsbl")->parameters;
    ck_assert_uint_eq(dnsbl->zones.count, 2);
    ck_assert(str_eq(dnsbl->zones.weight[0].name, STR("zen.spamhaus.org")));
    ck_assert(str_eq(dnsbl->zones.weight[1].name, STR("bl.spamcop.net")));
    ck_assert_int_eq(dnsbl->zones.weight[0].weight, 1);
    ck_assert(dnsbl->threshold == 1);
    ck_assert_int_eq(dnsbl->remember, 0);
    const struct early_talker_parameters *early = rule_called(&policy, "early-talker")->parameters;
    ck_assert_int_eq(early->wait, 5 * USEC_SECOND);
    const struct greylist_parameters *greylist = rule_called(&policy, "greylist")->parameters;
    ck_assert_int_eq(greylist->delay, 5 * USEC_MINUTE);
    ck_assert_int_eq(greylist->retry_window, 2 * USEC_DAY);
    ck_assert_int_eq(greylist->lifetime, 35 * USEC_DAY);
    ck_assert_uint_eq(greylist->key, 1u << KEY_CLIENT_NET | 1u << KEY_SENDER | 1u << KEY_RECIPIENT);
    /* and what is not given is as in semantics.md section 4 */
    ck_assert(greylist->normalise && !greylist->yields);
    ck_assert_uint_eq(greylist->auto_allow, 5);
    ck_assert_int_eq(greylist->auto_interval, USEC_HOUR);
    ck_assert_uint_eq(greylist->scope, 0);
    policy_free(&policy);
}
END_TEST

START_TEST(every_type_and_every_common_key)
{
    struct policy policy;
    read_well(
        &policy,
        "delay-reject: Yes\n"
        "measures:\n"
        "- no-rdns\n"
        "- fcrdns:\n"
        "- dnsbl:\n"
        "    name: first\n"
        "    zones:\n"
        "      zen.example: { weight: 3, replies: [127.0.0.2, 127.0.0.4/30] }\n"
        "      wl.example: -2\n"
        "      b.example: { replies: 127.0.0.9 }\n"
        "    threshold: 2.5\n"
        "    errors: listed\n"
        "    remember: 1h30m\n"
        "    at: connect\n"
        "    when: { port: 587, server: mx1 }\n"
        "    reply: drop\n"
        "    exempt: { authenticated: no, networks: [2001:db8::/32, '::1'], client-names: Example.ORG,\n"
        "              sender-domains: [a.example, b.example], recipients: ['@x.example', "
        "postmaster, \"u+v@y.example\"] }\n"
        "    cost: 0.25\n"
        "    warn: true\n"
        "- dnsbl: { name: second, title: The other list, zones: { c.example: 1 } }\n"
        "- spf: { on: [fail, softfail] }\n"
        "- helo: { own-name: mx.example }\n"
        "- spam: { score: -0.5, symbols: [BAYES_99, 'URIBL: \"x\"'] }\n"
        "- greylist: { auto-allow: 0, scope: server, exempt: { sender-domains: gmail.com } }\n");
    ck_assert(str_eq(policy.name, STR("policy"))); /* by the file's */
    ck_assert(policy.delay_reject);
    ck_assert_uint_eq(policy.rule_count, 8);
    const struct rule *first = rule_called(&policy, "first");
    const struct dnsbl_parameters *dnsbl = first->parameters;
    ck_assert(str_eq(first->title, STR("Listed in chosen RBLs (first)")));
    ck_assert_uint_eq(dnsbl->zones.count, 3);
    ck_assert_int_eq(dnsbl->zones.weight[0].weight, 3);
    ck_assert_uint_eq(dnsbl->zones.weight[0].replies.count, 2);
    ck_assert(is_network(&dnsbl->zones.weight[0].replies, 1, "127.0.0.4/30"));
    ck_assert_int_eq(dnsbl->zones.weight[1].weight, -2);
    ck_assert_int_eq(dnsbl->zones.weight[2].weight, 1);
    ck_assert(is_network(&dnsbl->zones.weight[2].replies, 0, "127.0.0.9/32"));
    ck_assert(dnsbl->threshold == 2.5);
    ck_assert_uint_eq(dnsbl->errors, ERRORS_LISTED);
    ck_assert_int_eq(dnsbl->remember, 90 * USEC_MINUTE);
    ck_assert(first->moved && first->at == STAGE_CONNECT);
    ck_assert_uint_eq(first->when.port, 587);
    ck_assert(str_eq(first->when.server, STR("mx1")));
    ck_assert_int_eq(first->reply, REPLY_DROP);
    ck_assert(!first->exempt.authenticated);
    ck_assert_uint_eq(first->exempt.networks.count, 2);
    ck_assert(is_network(&first->exempt.networks, 1, "::1/128"));
    ck_assert_uint_eq(first->exempt.client_names.count, 1);
    ck_assert(str_eq(first->exempt.client_names.text[0], STR("Example.ORG")));
    ck_assert_uint_eq(first->exempt.sender_domains.count, 2);
    ck_assert_uint_eq(first->exempt.recipients.count, 3);
    ck_assert(str_eq(first->exempt.recipients.text[2], STR("u+v@y.example")));
    ck_assert(first->cost == 0.25 && first->warn);
    ck_assert(str_eq(rule_called(&policy, "second")->title, STR("The other list")));
    const struct spf_parameters *spf = rule_called(&policy, "spf")->parameters;
    ck_assert_uint_eq(spf->on, 1u << SPF_FAIL | 1u << SPF_SOFTFAIL);
    const struct helo_parameters *helo = rule_called(&policy, "helo")->parameters;
    ck_assert_uint_eq(helo->own_name.count, 1);
    ck_assert(helo->require && !helo->fqdn);
    const struct spam_parameters *spam = rule_called(&policy, "spam")->parameters;
    ck_assert(spam->score == -0.5);
    ck_assert(str_eq(spam->symbols.text[1], STR("URIBL: \"x\"")));
    const struct greylist_parameters *greylist = rule_called(&policy, "greylist")->parameters;
    ck_assert_uint_eq(greylist->auto_allow, 0);
    ck_assert_uint_eq(greylist->scope, 1);
    policy_free(&policy);
}
END_TEST

/* The form of the case books: one list, with the policy's keys among the measures. */
START_TEST(a_policy_as_one_list)
{
    struct policy policy;
    read_well(&policy,
              "[ delay-reject: true, trusted-relays: [192.0.2.0/24], dnsbl: { zones: { z.example: 1 } },\n"
              "  exempt: { networks: [192.0.2.0/24] }, { greylist: { delay: 20m } } ]");
    ck_assert(policy.delay_reject);
    ck_assert_uint_eq(policy.trusted_relays.count, 1);
    ck_assert_uint_eq(policy.exempt.networks.count, 1);
    ck_assert_uint_eq(policy.rule_count, 2);
    ck_assert(str_eq(policy.rules[1].name, STR("greylist")));
    policy_free(&policy);
    read_well(&policy, "measures: []");
    ck_assert_uint_eq(policy.rule_count, 0);
    policy_free(&policy);
    read_well(&policy, "[]");
    ck_assert_uint_eq(policy.rule_count, 0);
    policy_free(&policy);
}
END_TEST

START_TEST(an_alias_is_what_it_stands_for)
{
    struct policy policy;
    read_well(&policy, "measures:\n"
                       "- dnsbl: { name: one, zones: &lists { a.example: 1, b.example: 2 } }\n"
                       "- dnsbl: { name: two, zones: *lists, threshold: 2 }\n");
    const struct dnsbl_parameters *two = rule_called(&policy, "two")->parameters;
    ck_assert_uint_eq(two->zones.count, 2);
    ck_assert_int_eq(two->zones.weight[1].weight, 2);
    policy_free(&policy);
}
END_TEST

/* Each of these texts is wrong in one place. Line and column were counted by hand. */
static const struct wrong {
    const char *yaml, *error;
} wrongs[] = {
    /* values */
    { "policy: p\nmeasures:\n  - greylist:\n      delay: 5 minuts\n",
      "policy.yaml:4:14: greylist.delay: \"5 minuts\" is not a duration; write 5m, 300s or 1h30m" },
    { "measures: [ greylist: { delay: 300 } ]",
      "policy.yaml:1:32: greylist.delay: \"300\" is not a duration; write 5m, 300s or 1h30m" },
    { "measures: [ greylist: { delay: -5m } ]",
      "policy.yaml:1:32: greylist.delay: \"-5m\" is not a duration; write 5m, 300s or 1h30m" },
    { "measures: [ greylist: { delay: [5m] } ]",
      "policy.yaml:1:32: greylist.delay: a list is not a duration; write 5m, 300s or 1h30m" },
    { "measures: [ greylist: { delay: } ]",
      "policy.yaml:1:32: greylist.delay: nothing is not a duration; write 5m, 300s or 1h30m" },
    { "measures: [ greylist: { delay: 0.0005s } ]",
      "policy.yaml:1:32: greylist.delay: \"0.0005s\" is not whole milliseconds; write 5m, 1.5s or 250ms" },
    { "measures:\n- greylist: { normalise: maybe }",
      "policy.yaml:2:26: greylist.normalise: \"maybe\" is not yes or no; write true or false" },
    { "measures:\n- greylist: { auto-allow: 5.5 }", "policy.yaml:2:27: greylist.auto-allow: \"5.5\" is not a "
                                                    "whole number from 0 to 4294967295; write digits only" },
    { "measures:\n- greylist: { auto-allow: 4294967296 }",
      "policy.yaml:2:27: greylist.auto-allow: \"4294967296\" is not a whole number from 0 to 4294967295; "
      "write digits "
      "only" },
    { "measures:\n- spam: { score: high }",
      "policy.yaml:2:18: spam.score: \"high\" is not a number; write 5 or 7.5" },
    { "measures:\n- spam: { score: 1e3 }",
      "policy.yaml:2:18: spam.score: \"1e3\" is not a number; write 5 or 7.5" },
    { "measures:\n- spam: { score: .inf }",
      "policy.yaml:2:18: spam.score: \".inf\" is not a number; write 5 or 7.5" },
    { "measures:\n- greylist: { scope: servers }", "policy.yaml:2:22: greylist.scope: \"servers\" is not "
                                                   "among its words; did you mean server? Possible: shared, "
                                                   "server" },
    { "measures:\n- greylist: { key: [client/24, sendr] }",
      "policy.yaml:2:32: greylist.key: \"sendr\" is not among its words; did you mean sender? Possible: "
      "client, "
      "client/24, client/64, sender, recipient" },
    { "measures:\n- dnsbl: { zones: [zen.example] }",
      "policy.yaml:2:19: dnsbl.zones: a list is not a mapping of zones to weights; write { zen.example.org: "
      "1, "
      "dnswl.example.org: -2 }" },
    { "measures:\n- dnsbl: { zones: { zen.example: yes } }",
      "policy.yaml:2:34: dnsbl.zones.zen.example: \"yes\" is not a weight; write a whole number such as 1, "
      "or -2 for a "
      "list of friends" },
    { "measures:\n- dnsbl: { zones: { 127.0.0.1: 1 } }",
      "policy.yaml:2:21: dnsbl.zones: \"127.0.0.1\" is not a zone; write zen.example.org: 1" },
    { "measures:\n- dnsbl: { zones: { a.example: { weigth: 1 } } }",
      "policy.yaml:2:34: dnsbl.zones.a.example: there is no key \"weigth\"; did you mean weight? Possible: "
      "weight, "
      "replies" },
    { "measures:\n- dnsbl: { zones: { a.example: { replies: [2001:db8::1] } } }",
      "policy.yaml:2:43: dnsbl.zones.a.example.replies: a DNSBL answers with IPv4 addresses (RFC 5782); "
      "write 127.0.0.2 "
      "or 127.0.0.0/28" },
    { "measures:\n- helo: { own-name: [a, {}] }", "policy.yaml:2:25: helo.own-name: a mapping is not a text; "
                                                  "write one, in quotes where it has other signs than "
                                                  "letters and digits" },
    { "measures:\n- helo: { own-name: \"a\\nb\" }", "policy.yaml:2:21: helo.own-name: a line break or "
                                                    "another control character is in the text; take it out" },
    /* keys of all measures */
    { "measures:\n- no-rdns: { at: conect }", "policy.yaml:2:18: no-rdns.at: \"conect\" is not among its "
                                              "words; did you mean connect? Possible: connect, "
                                              "banner, helo, mail, rcpt, data, eom" },
    { "measures:\n- no-rdns: { reply: 450 }", "policy.yaml:2:21: no-rdns.reply: \"450\" is not among its "
                                              "words; did you mean 4xx? Possible: 4xx, 5xx, drop" },
    { "measures:\n- no-rdns: { when: { port: 0 } }",
      "policy.yaml:2:28: no-rdns.when.port: \"0\" is not a whole number from 1 to 65535; write digits only" },
    { "measures:\n- no-rdns: { when: 25 }",
      "policy.yaml:2:20: no-rdns.when: \"25\" is not a mapping; write key: value, or { key: value }" },
    { "measures:\n- no-rdns: { cost: -1 }",
      "policy.yaml:2:20: no-rdns.cost: a cost cannot be less than nothing; write 0 or more" },
    { "measures:\n- no-rdns: { name: two words }", "policy.yaml:2:20: no-rdns.name: \"two words\" is not a "
                                                   "name; write letters, digits, - _ and . only, at most 64 "
                                                   "of them" },
    { "measures:\n- no-rdns: { name: accepted }",
      "policy.yaml:2:20: no-rdns.name: \"accepted\" is a row of its own in every table; take another name" },
    { "exempt: { networks: [192.0.2.0/33] }\nmeasures: []",
      "policy.yaml:1:22: exempt.networks: \"192.0.2.0/33\" is not an address or network; write 192.0.2.0/24, "
      "2001:db8::/32 or 192.0.2.25" },
    { "exempt: { networks: [192.0.2.1/24] }\nmeasures: []",
      "policy.yaml:1:22: exempt.networks: \"192.0.2.1/24\" has bits set behind its /24; write 192.0.2.0/24 "
      "or "
      "192.0.2.1" },
    { "exempt: { client-names: '*.example.org' }\nmeasures: []",
      "policy.yaml:1:25: exempt.client-names: \"*.example.org\" is not a domain; write example.org, which "
      "means all "
      "below it too" },
    { "exempt: { recipients: example.org }\nmeasures: []",
      "policy.yaml:1:23: exempt.recipients: \"example.org\" is not an address; write postmaster@example.org, "
      "or "
      "@example.org for all of a domain" },
    { "exempt: { recipient: a@b.example }\nmeasures: []",
      "policy.yaml:1:11: exempt: there is no key \"recipient\"; did you mean recipients? Possible: "
      "authenticated, "
      "networks, asns, countries, client-names, sender-domains, spf-domains, recipients" },
    { "exempt: { asns: [AS64496, AS0] }\nmeasures: []",
      "policy.yaml:1:27: exempt.asns: \"AS0\" is not the number of an autonomous system; write 64496 or "
      "AS64496" },
    { "measures:\n- dnsbl: { zones: { z.example: 1 }, allow: { w.example: 2 } }",
      "policy.yaml:2:3: dnsbl: allow: w.example speaks against a client with 2; write -2, or name it among "
      "the zones" },
    { "exempt: { countries: DEU }\nmeasures: []", "policy.yaml:1:22: exempt.countries: \"DEU\" is not a "
                                                  "country; write its two letters (ISO 3166), DE or CH" },
    { "exempt: { spf-domains: { list: cloud-sender } }\nmeasures: []",
      "policy.yaml:1:32: exempt.spf-domains.list: no list of spf-domains called \"cloud-sender\" comes with "
      "mxreplay; did you mean cloud-senders? Possible: cloud-senders" },
    { "exempt: { networks: { list: cloud-senders } }\nmeasures: []",
      "policy.yaml:1:29: exempt.networks.list: no lists of networks come with mxreplay; write { file: PATH "
      "}" },
    { "exempt: { networks: { fiel: a } }\nmeasures: []",
      "policy.yaml:1:23: exempt.networks: there is no key \"fiel\"; did you mean file? Possible: file, "
      "list" },
    /* names */
    { "measures:\n- greylist: {}\n- grelyist: {}", "policy.yaml:3:3: there is no measure \"grelyist\"; did "
                                                   "you mean greylist? Possible: nolisting, rate, ..." },
    { "measures:\n- frobnicate: {}",
      "policy.yaml:2:3: there is no measure \"frobnicate\"; possible: nolisting, rate, no-rdns, ..." },
    { "measures:\n- no-rdns: { on-eror: hit }", "policy.yaml:2:14: no-rdns: there is no key \"on-eror\"; did "
                                                "you mean on-error? Possible: on-error, name, title, "
                                                "at, when, reply, exempt, cost, warn" },
    { "delay-rejects: true\nmeasures: []", "policy.yaml:1:1: there is no key \"delay-rejects\"; did you mean "
                                           "delay-reject? Possible: policy, delay-reject, "
                                           "exempt, trusted-relays, measures" },
    { "measures:\n- dnsbl: { zones: { a.example: 1 } }\n- dnsbl: { zones: { b.example: 1 } }",
      "policy.yaml:3:3: two measures are called \"dnsbl\", the other one in line 2; tell them apart with "
      "name: NAME" },
    { "measures:\n- no-rdns: {}\n- fcrdns: { name: no-rdns }",
      "policy.yaml:3:19: two measures are called \"no-rdns\", the other one in line 2; tell them apart with "
      "name: "
      "NAME" },
    { "measures:\n- greylist: { delay: 1m, delay: 2m }",
      "policy.yaml:2:26: greylist: \"delay\" stands twice; keep one" },
    { "policy: a\npolicy: b\nmeasures: []", "policy.yaml:2:1: \"policy\" stands twice; keep one" },
    { "measures:\n- dnsbl: { zones: { a.example: 1, A.Example: 1 } }",
      "policy.yaml:2:35: dnsbl.zones: \"A.Example\" stands twice; keep one" },
    /* what a parameter table cannot say */
    { "measures:\n- greylist: { retry-window: 2d, lifetime: 2d }",
      "policy.yaml:2:3: greylist: lifetime must be longer than retry-window" },
    { "measures:\n- nolisting: { primary: 192.0.2.1 }",
      "policy.yaml:2:3: nolisting: both are wanted: primary: 192.0.2.1, secondary: 192.0.2.2" },
    { "measures:\n- rate: {}",
      "policy.yaml:2:3: rate: no limit is set; write connections: 30, messages: 30 or recipients: 100" },
    { "measures:\n- auth-abuse: { failures: 0 }",
      "policy.yaml:2:3: auth-abuse: no limit is set; write failures: 5 or attempts: 10" },
    /* form */
    { "measures:\n- greylist:\n  delay: 5m\n", "policy.yaml:3:3: \"delay\" stands beside greylist; put it "
                                               "inside, as in greylist: { … }, or give each measure a "
                                               "- of its own" },
    { "measures:\n  no-rdns: {}\n",
      "policy.yaml:2:3: measures: a list of measures is wanted here; write - before each" },
    { "measures: [ {} ]", "policy.yaml:1:13: a measure is wanted here; write no-rdns: {}" },
    { "measures: [ [no-rdns] ]", "policy.yaml:1:13: a measure is wanted here; write no-rdns: {}" },
    { "measures: [ ? [a] : b ]", "policy.yaml:1:15: a measure's name is wanted here; write no-rdns: {}" },
    { "[a]: b\n", "policy.yaml:1:1: a list is not a key; write one word" },
    { "just a text", "policy.yaml:1:1: not a policy; it begins with policy: NAME and has measures: below" },
    { "policy: p\n",
      "policy.yaml:1:1: there are no measures; write measures: [] for a policy that stops nothing" },
    { "", "policy.yaml: an empty policy; write measures: [] for one that stops nothing" },
    { "# nothing\n", "policy.yaml: an empty policy; write measures: [] for one that stops nothing" },
    { "measures: []\n---\nmeasures: []\n", "policy.yaml:2:1: a second document; a file holds one" },
    /* not YAML */
    { "measures:\n\t- no-rdns: {}\n", "policy.yaml:2:1: not YAML: found character that cannot start any "
                                      "token while scanning for the next token that "
                                      "begins at 2:1; indent with blanks, not tabs" },
    { "measures: [ no-rdns: {}\npolicy: p\n", "policy.yaml:2:1: not YAML: did not find expected ',' or ']' "
                                              "while parsing a flow sequence that begins at 1:11; "
                                              "look at the indentation, the brackets and the quotes" },
    { "measures: *none\n",
      "policy.yaml:1:11: not YAML: found undefined alias; look at the indentation, the brackets and "
      "the quotes" },
    /* Latin-1: its é would begin a character of three bytes, and the byte behind it belongs to none */
    { "policy: caf\xe9\nmeasures: []\n",
      "policy.yaml:1:13: not UTF-8 text (invalid trailing UTF-8 octet); save the file as UTF-8" },
    { "measures: []\n# \x01\n",
      "policy.yaml:2:3: not UTF-8 text (control characters are not allowed); save the file as "
      "UTF-8" },
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
    const struct wrong *wrong = &wrongs[_i];
    struct policy policy;
    struct why why = { 0 };
    int result = read_text_as(&policy, wrong->yaml, &why);
    ck_assert_msg(result == -1, "taken: %s", wrong->yaml);
    struct str expected = str_of(wrong->error), found = str_of(why.text);
    if (str_ends(expected, STR("..."))) { /* what follows is the table of measures */
        expected.len -= 3;
        found.len = found.len < expected.len ? found.len : expected.len;
    }
    ck_assert_msg(str_eq(found, expected), "found: %s\nnot: %s", why.text, wrong->error);
    ck_assert_int_eq(why.status, EX_DATAERR);
    ck_assert_ptr_null(policy.rules);
}
END_TEST

/* A key that a stranger wrote: control characters in it must not reach a terminal. */
START_TEST(what_is_quoted_is_made_visible)
{
    struct policy policy;
    struct why why = { 0 };
    ck_assert_int_eq(read_text_as(&policy, "\"a\\e[31mb\": 1\n", &why), -1);
    ck_assert_ptr_nonnull(strstr(why.text, "a\\x1b[31mb"));
    ck_assert_ptr_null(strchr(why.text, '\x1b'));
}
END_TEST

static char *repeated(const char *before, const char *part, size_t times, const char *after)
{
    size_t len = strlen(part);
    char *text = mem_alloc(strlen(before) + len * times + strlen(after) + 1), *at = text;
    at = stpcpy(at, before);
    for (size_t i = 0; i < times; i++, at += len)
        memcpy(at, part, len);
    memcpy(at, after, strlen(after) + 1);
    return text;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Reads a text that is made to hurt: it must be refused with this, soon. */
static void refused_soon(char *text, const char *error)
{
    struct policy policy;
    struct why why = { 0 };
    double begin = seconds();
    ck_assert_int_eq(read_text_as(&policy, text, &why), -1);
    ck_assert_msg(strstr(why.text, error) != NULL, "%s", why.text);
    ck_assert_msg(seconds() - begin < 10, "%.1f s", seconds() - begin);
    free(text);
}

START_TEST(bombs)
{
    /* nine levels of nine: a thousand million laughs */
    char laughs[2000] = "a0: &a0 [x]\n";
    size_t used = strlen(laughs);
    for (int i = 1; i < 10; i++) {
        used += (size_t)snprintf(laughs + used, sizeof laughs - used,
                                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    refused_soon(repeated(laughs, "", 0, "measures: *a9\n"), "policy.yaml:1:1: there is no key \"a0\"");
    /* the deepest that fits */
    refused_soon(repeated("", "[", 1000000, ""), "policy.yaml:1:21: nested too deep; close");
    refused_soon(repeated("", "{a: ", 200000, ""), "nested too deep; close");
    refused_soon(repeated("", "- ", 500000, ""), "nested too deep; close");
    refused_soon(repeated("measures:\n", "- &a no-rdns\n", 70000, ""), "too many anchors");
    /* one list of replies, for each of many zones: 20,000 x 20,000 */
    char *replies = repeated("measures:\n- dnsbl:\n    zones:\n      z.example: { replies: &r [",
                             "127.0.0.2, ", 20000, "127.0.0.2] }\n"),
         *zones = mem_alloc(1000000), *at = zones;
    for (int i = 0; i < 20000; i++)
        at += sprintf(at, "      z%d.example: { replies: *r }\n", i);
    refused_soon(repeated(replies, zones, 1, ""), "more than 200000 values");
    free(replies);
    free(zones);
    /* and many texts, each by an alias */
    refused_soon(
        repeated("exempt:\n  recipients:\n  - &r a@b.example\n", "  - *r\n", 140000, "measures: []\nx: 1\n"),
        "there is no key \"x\"");
    refused_soon(repeated("measures:\n", "- no-rdns\n", 1001, ""),
                 "1001 measures; a policy has at most 1000");
    refused_soon(repeated("policy: ", "x", 2000, "\nmeasures: []\n"), "2000 bytes are too many for a text");
    refused_soon(repeated("policy: p\n", "# filling\n", 110000, "measures: []\n"), "more than 1 MB");
}
END_TEST

/* The error quotes a value's beginning, and never half of a character. */
START_TEST(long_values_are_cut)
{
    struct policy policy;
    struct why why = { 0 };
    char *text = repeated("measures: [ greylist: { delay: \"x", "ä", 900, "\" } ]");
    ck_assert_int_eq(read_text_as(&policy, text, &why), -1);
    char *shown = repeated("policy.yaml:1:32: greylist.delay: \"x", "ä", 29,
                           "…\" is not a duration; write 5m, 300s or 1h30m");
    ck_assert_str_eq(why.text, shown);
    free(shown);
    free(text);
}
END_TEST

/* From files. */

static char folder[] = "/tmp/test_policy.XXXXXX";

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    remove("mine.yaml");
    remove("strict");
    remove("talk-2009");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(by_name)
{
    struct policy policy;
    struct why why = { 0 };
    put_file("mine.yaml", "measures: [no-rdns]\n");
    ck_assert_int_eq(policy_load(&policy, "mine.yaml", &why), 0);
    ck_assert(str_eq(policy.name, STR("mine")));
    ck_assert(str_eq(policy.yaml, STR("measures: [no-rdns]\n")));
    policy_free(&policy);
    /* those that come with mxreplay, also where a folder has the name */
    ck_assert_int_eq(mkdir("talk-2009", 0700), 0);
    ck_assert_int_eq(policy_load(&policy, "talk-2009", &why), 0);
    ck_assert_uint_eq(policy.rule_count, 4);
    policy_free(&policy);
    /* but a file comes first */
    put_file("strict", "policy: my-own\nmeasures: []\n");
    ck_assert_int_eq(policy_load(&policy, "strict", &why), 0);
    ck_assert(str_eq(policy.name, STR("my-own")));
    policy_free(&policy);
    ck_assert_int_eq(policy_load(&policy, "nosuch.yaml", &why), -1);
    ck_assert_str_eq(why.text,
                     "nosuch.yaml: there is no policy file of that name; those that come with mxreplay are "
                     "talk-2009, postfix-typical, strict");
    ck_assert_int_eq(why.status, EX_NOINPUT);
    put_file("mine.yaml", "measures: [no-rdn]\n");
    ck_assert_int_eq(policy_load(&policy, "mine.yaml", &why), -1);
    ck_assert_int_eq(
        strncmp(why.text, "mine.yaml:1:12: there is no measure \"no-rdn\"; did you mean no-rdns?", 66), 0);
}
END_TEST

START_TEST(those_that_come_with_it)
{
    static const struct {
        const char *name;
        size_t rules;
        bool delay_reject;
    } known[] = { { "talk-2009", 4, false }, { "postfix-typical", 8, true }, { "strict", 14, false } };
    size_t count = 0;
    while (shipped_policies[count].name)
        count++;
    ck_assert_uint_eq(count, sizeof known / sizeof *known);
    for (size_t i = 0; i < count; i++) {
        struct policy policy;
        struct why why = { 0 };
        ck_assert_msg(policy_load(&policy, known[i].name, &why) == 0, "%s", why.text);
        ck_assert(str_eq(policy.name, str_of(known[i].name)));
        ck_assert_uint_eq(policy.rule_count, known[i].rules);
        ck_assert(policy.delay_reject == known[i].delay_reject);
        policy_free(&policy);
    }
}
END_TEST

/* Written and read again. The policies are drawn from the measures' own tables, so that a new measure or a
 * new type is drawn as well. */

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    ck_assert_uint_gt(below, 0);
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static bool one_in(uint32_t n)
{
    return draw(n) == 0;
}

static struct str draw_text(struct arena *arena)
{
    static const char *const parts[] = { "a",   "B",      "7",    "-",  "_", ".",   " ",  "\"",    "\\",
                                         "'",   "#",      ": ",   "[x", "}", "ä",   "漢", "@b.ex", "null",
                                         "~",   "%",      "&",    "*",  "!", "yes", ",",  "0x",    "- - -",
                                         "\\n", "{{tmpl", "🙂", "?",  "|", ">" };
    struct str text = { "", 0 };
    for (uint32_t n = 1 + draw(5); n; n--) {
        const char *part = parts[draw(sizeof parts / sizeof *parts)];
        text = arena_printf(arena, "%.*s%s", STR_ARG(text), part);
    }
    return text;
}

static struct texts draw_texts(struct arena *arena, const char *form)
{
    struct texts texts = { .count = one_in(3) ? 0 : 1 + draw(one_in(4) ? 40 : 4) };
    texts.text = arena_zero(arena, texts.count * sizeof *texts.text);
    for (size_t i = 0; i < texts.count; i++)
        texts.text[i] = form ? arena_printf(arena, form, draw(1000)) : draw_text(arena);
    return texts;
}

static struct networks draw_networks(struct arena *arena, bool v4_only)
{
    struct networks networks = { .count = one_in(3) ? 0 : 1 + draw(one_in(4) ? 30 : 3) };
    networks.prefix = arena_zero(arena, networks.count * sizeof *networks.prefix);
    for (size_t i = 0; i < networks.count; i++) {
        struct ip ip = ip_from_v4(draw(UINT32_MAX));
        if (!v4_only && one_in(2))
            for (int k = 0; k < 16; k++)
                ip.octet[k] = (uint8_t)(one_in(3) ? 0 : draw(256));
        networks.prefix[i] = ip_network(&ip, draw(33), draw(129));
    }
    return networks;
}

static struct exempt draw_exempt(struct arena *arena)
{
    struct exempt exempt = { 0 };
    if (one_in(2))
        return exempt;
    exempt.authenticated = one_in(2);
    exempt.networks = draw_networks(arena, false);
    exempt.asns.count = draw(4);
    exempt.asns.number = arena_zero(arena, 4 * sizeof *exempt.asns.number);
    for (uint32_t i = 0; i < exempt.asns.count; i++) /* in order, as they are read */
        exempt.asns.number[i] = i * 1000 + 1 + draw(1000);
    static const char *const countries[] = { "DE", "NO", "ZZ" };
    exempt.countries = draw_texts(arena, countries[draw(3)]);
    exempt.client_names = draw_texts(arena, "Host-%u.example");
    exempt.sender_domains = draw_texts(arena, "d%u.example");
    exempt.spf_domains = draw_texts(arena, "s%u.example");
    exempt.recipients = draw_texts(arena, "user+%u#\"x@example");
    return exempt;
}

static double draw_number(void)
{
    static const double scales[] = { 1, 10, 100, 1000, 1e6, 1e9 };
    double number = (double)draw(UINT32_MAX) / scales[draw(6)];
    return one_in(4) ? 0 : one_in(3) ? -number : number;
}

static void draw_parameter(const struct parameter *p, void *parameters, struct arena *arena)
{
    void *at = (char *)parameters + p->at;
    uint32_t words = 0;
    while (p->words && p->words[words])
        words++;
    switch (p->type) {
    case PARAMETER_BOOL:
        *(bool *)at = one_in(2);
        break;
    case PARAMETER_DURATION:
        *(usec *)at = one_in(4) ? 0 : one_in(2) ? draw(500) * USEC_HOUR : (usec)draw(2000000000) * 1000;
        break;
    case PARAMETER_NUMBER:
        *(double *)at = draw_number();
        break;
    case PARAMETER_COUNT:
        *(uint32_t *)at = one_in(3) ? 0 : draw(UINT32_MAX);
        break;
    case PARAMETER_WORD:
        *(uint32_t *)at = draw(words);
        break;
    case PARAMETER_WORDS:
        *(uint32_t *)at = draw((uint32_t)1 << words);
        break;
    case PARAMETER_TEXTS:
        *(struct texts *)at = draw_texts(arena, NULL);
        break;
    case PARAMETER_WEIGHTS: {
        struct weights *weights = at;
        weights->count = draw(6);
        weights->weight = arena_zero(arena, weights->count * sizeof *weights->weight);
        for (size_t i = 0; i < weights->count; i++)
            weights->weight[i] =
                (struct weight){ .name = arena_printf(arena, "Z%zu-_.example", i),
                                 .weight = strcmp(p->name, "allow") ? (int32_t)draw(20001) - 10000
                                                                    : -(int32_t)draw(10001),
                                 .replies = draw_networks(arena, true) };
        break;
    }
    }
}

static void draw_policy(struct policy *policy)
{
    size_t kinds = 0;
    *policy = (struct policy){ 0 };
    struct arena *arena = &policy->arena;
    while (measures[kinds])
        kinds++;
    policy->name = arena_printf(arena, "p%u._-X", draw(1000));
    policy->delay_reject = one_in(2);
    policy->exempt = draw_exempt(arena);
    policy->trusted_relays = draw_networks(arena, false);
    policy->rule_count = draw(12);
    policy->rules = arena_zero(arena, (policy->rule_count + 1) * sizeof *policy->rules);
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct measure *measure = measures[draw((uint32_t)kinds)];
        void *parameters = arena_zero(arena, measure->parameters_size);
        do
            for (const struct parameter *p = measure->parameters; p->name; p++)
                draw_parameter(p, parameters, arena);
        while (measure->check && measure->check(parameters, NULL));
        struct rule *rule = &policy->rules[i];
        *rule = (struct rule){ .measure = measure,
                               .name = arena_printf(arena, "n%zu.%u", i, draw(10)),
                               .title = draw_text(arena),
                               .reply = (enum reply_class)draw(4),
                               .moved = one_in(2),
                               .at = measure->stage,
                               .exempt = draw_exempt(arena),
                               .cost = one_in(2) ? (double)NAN : fabs(draw_number()),
                               .warn = one_in(3),
                               .parameters = parameters };
        if (rule->moved)
            rule->at = (enum stage)draw(STAGES);
        if (one_in(3))
            rule->when.port = (uint16_t)(1 + draw(65535));
        if (one_in(3))
            rule->when.server = draw_text(arena);
    }
}

static void same_texts(const struct texts *a, const struct texts *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        ck_assert(str_eq(a->text[i], b->text[i]));
}

static void same_networks(const struct networks *a, const struct networks *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        ck_assert(ip_eq(&a->prefix[i].network, &b->prefix[i].network) &&
                  a->prefix[i].bits == b->prefix[i].bits);
}

static void same_exempt(const struct exempt *a, const struct exempt *b)
{
    ck_assert(a->authenticated == b->authenticated);
    same_networks(&a->networks, &b->networks);
    ck_assert(numbers_equal(&a->asns, &b->asns));
    same_texts(&a->countries, &b->countries);
    same_texts(&a->spf_domains, &b->spf_domains);
    same_texts(&a->client_names, &b->client_names);
    same_texts(&a->sender_domains, &b->sender_domains);
    same_texts(&a->recipients, &b->recipients);
}

static void same_parameter(const struct parameter *p, const void *a_parameters, const void *b_parameters)
{
    const void *a = (const char *)a_parameters + p->at, *b = (const char *)b_parameters + p->at;
    const struct weights *x = a, *y = b;
    switch (p->type) {
    case PARAMETER_BOOL:
        ck_assert(*(const bool *)a == *(const bool *)b);
        break;
    case PARAMETER_DURATION:
        ck_assert_int_eq(*(const usec *)a, *(const usec *)b);
        break;
    case PARAMETER_NUMBER:
        ck_assert(*(const double *)a == *(const double *)b);
        break;
    case PARAMETER_COUNT:
    case PARAMETER_WORD:
    case PARAMETER_WORDS:
        ck_assert_uint_eq(*(const uint32_t *)a, *(const uint32_t *)b);
        break;
    case PARAMETER_TEXTS:
        same_texts(a, b);
        break;
    case PARAMETER_WEIGHTS:
        ck_assert_uint_eq(x->count, y->count);
        for (size_t i = 0; i < x->count; i++) {
            ck_assert(str_eq(x->weight[i].name, y->weight[i].name));
            ck_assert_int_eq(x->weight[i].weight, y->weight[i].weight);
            same_networks(&x->weight[i].replies, &y->weight[i].replies);
        }
        break;
    }
}

static void same_policy(const struct policy *a, const struct policy *b)
{
    ck_assert(str_eq(a->name, b->name));
    ck_assert(a->delay_reject == b->delay_reject);
    same_exempt(&a->exempt, &b->exempt);
    same_networks(&a->trusted_relays, &b->trusted_relays);
    ck_assert_uint_eq(a->rule_count, b->rule_count);
    for (size_t i = 0; i < a->rule_count; i++) {
        const struct rule *x = &a->rules[i], *y = &b->rules[i];
        ck_assert_ptr_eq(x->measure, y->measure);
        ck_assert(str_eq(x->name, y->name) && str_eq(x->title, y->title));
        ck_assert(x->reply == y->reply && x->moved == y->moved && x->at == y->at && x->warn == y->warn);
        ck_assert_uint_eq(x->when.port, y->when.port);
        ck_assert(str_eq(x->when.server, y->when.server));
        ck_assert((isnan(x->cost) && isnan(y->cost)) || x->cost == y->cost);
        same_exempt(&x->exempt, &y->exempt);
        for (const struct parameter *p = x->measure->parameters; p->name; p++)
            same_parameter(p, x->parameters, y->parameters);
    }
}

static char *written(const struct policy *policy, bool whole)
{
    struct why why = { 0 };
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    ck_assert_int_eq(policy_write(policy, whole, to, &why), 0);
    fclose(to);
    return text;
}

START_TEST(written_policies_are_read_back_equal)
{
    struct policy drawn, again;
    size_t rules = 0;
    for (uint64_t round = 1; round <= 400; round++) {
        seed = round;
        draw_policy(&drawn);
        rules += drawn.rule_count;
        bool whole = round % 2;
        char *text = written(&drawn, whole);
        struct why why = { 0 };
        int result = read_text_as(&again, text, &why);
        ck_assert_msg(result == 0, "seed %d: %s\n%s", (int)round, why.text, text);
        same_policy(&drawn, &again);
        char *text_again = written(&again, whole);
        ck_assert_str_eq(text, text_again);
        free(text);
        free(text_again);
        policy_free(&drawn);
        policy_free(&again);
    }
    ck_assert_uint_gt(rules, 1000);
}
END_TEST

START_TEST(what_is_the_default_is_not_written)
{
    struct policy policy;
    read_well(
        &policy,
        "policy: p\nmeasures:\n- greylist: { delay: 5m, auto-allow: 5 }\n- spf: { on: fail, warn: no }\n"
        "- helo: { fqdn: yes, name: helo, at: helo }\n");
    char *text = written(&policy, false);
    ck_assert_str_eq(text, "policy: p\nmeasures:\n  - greylist: {}\n  - spf: {}\n  - helo:\n"
                           "      title: \"Bad HELO (helo)\"\n      fqdn: true\n      at: helo\n");
    free(text);
    policy_free(&policy);
}
END_TEST

START_TEST(but_where_the_whole_is_wanted)
{
    struct policy policy;
    read_well(&policy, "policy: p\nmeasures:\n- early-talker: {}\n- spam: { score: 8 }\n");
    char *text = written(&policy, true);
    ck_assert_str_eq(text, "policy: p\ndelay-reject: false\nmeasures:\n  - early-talker:\n      wait: 6s\n"
                           "      remember: 0s\n  - spam:\n      score: 8\n      symbols: []\n");
    free(text);
    policy_free(&policy);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    struct policy policy;
    struct why why = { 0 };
    read_well(&policy, "measures: [no-rdns]");
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(policy_write(&policy, false, full, &why), -1);
    ck_assert_str_eq(why.text, "the policy could not be written: No space left on device");
    ck_assert_int_eq(why.status, EX_IOERR);
    fclose(full);
    policy_free(&policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *reading = tcase_create("reading"), *files = tcase_create("files"),
          *writing = tcase_create("writing");
    tcase_set_timeout(reading, 60);
    tcase_set_timeout(writing, 60);
    tcase_add_test(reading, the_designs_policy);
    tcase_add_test(reading, every_type_and_every_common_key);
    tcase_add_test(reading, a_policy_as_one_list);
    tcase_add_test(reading, an_alias_is_what_it_stands_for);
    tcase_add_loop_test(reading, what_is_wrong_is_said_with_its_place, 0, sizeof wrongs / sizeof *wrongs);
    tcase_add_test(reading, what_is_quoted_is_made_visible);
    tcase_add_test(reading, bombs);
    tcase_add_test(reading, long_values_are_cut);
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, by_name);
    tcase_add_test(files, those_that_come_with_it);
    tcase_add_test(writing, written_policies_are_read_back_equal);
    tcase_add_test(writing, what_is_the_default_is_not_written);
    tcase_add_test(writing, but_where_the_whole_is_wanted);
    tcase_add_test(writing, a_full_disk_is_told);
    suite_add_tcase(suite, reading);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, writing);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
