#!/usr/bin/env python3
"""Every restriction of postconf(5) is in the imported policy or named: none is passed over in silence, however a
configuration was cut to pieces; and what each that is in it asks for, worked out by hand from postconf(5)."""
import collections
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

# without sanitizers: many short runs
MXREPLAY = os.path.abspath(os.environ.get("MXREPLAY_PLAIN", "mxreplay"))
SEEDS = int(os.environ.get("MXREPLAY_SEEDS", "300"))
HERE = os.path.dirname(os.path.abspath(__file__))
LISTS = ["client", "helo", "sender", "relay", "recipient", "data", "end_of_data", "etrn"]
ARGUMENTS = {"rbl": "zen.example.org", "rhsbl": "names.example.org=127.0.1.[2..99]", "wl_client": "friends.example.org",
             "access": "hash:/nowhere/table", "policy": "inet:127.0.0.1:10023", "sleep": "1"}

with open(os.path.join(HERE, "postfix-restrictions.txt"), encoding="ascii") as names:
    NAMES = [line.strip() for line in names if not line.startswith("#")]


# What smtpd asks by each, as postconf(5) has it: what fails, and the code (its reject_code parameter; 4xx and 5xx are
# written only where the measure's own class is another). A measure's natural class is in doc/policy.txt.
FCRDNS = "fcrdns: on-error: hit"  # the name leads back to the address; unknown_client_reject_code 450
NO_RDNS = "no-rdns: on-error: hit"  # only that there is a name; 450
SYNTAX = "helo: require: false syntax: true"  # invalid_hostname_reject_code 501
FQDN = "helo: require: false fqdn: true"  # non_fqdn_reject_code 504
RESOLVES = "helo: require: false resolves: true reply: 4xx"  # unknown_hostname_reject_code 450
SENDER = "sender-domain: {}"  # has an MX or an address, and no null MX; unknown_address_reject_code 450
DNSBL = "dnsbl: zones: zen.example.org: 1 errors: listed"  # maps_rbl_reject_code 554
UNLISTED = "recipient: {}"  # unknown_local_recipient_reject_code 550
RELAY = "relay: {}"  # relay_domains_reject_code 554
ASKED = {
    "check_client_access inline:{192.0.2.9=OK}, reject_unknown_client_hostname": FCRDNS + " exempt: networks: [192.0.2.9]",
    "check_helo_access inline:{example.org=OK}, reject_unknown_client_hostname": FCRDNS,  # anybody can say HELO so
    "check_policy_service inet:127.0.0.1:10023":
        "greylist: yields: true",  # the rest is as postgrey(8) has it, which the measure's defaults are
    "check_recipient_access inline:{example.org=OK}, reject_unknown_client_hostname":
        FCRDNS + ' exempt: recipients: ["@example.org"]',
    "check_recipient_maps": UNLISTED,
    "check_sender_access inline:{example.org=OK}, reject_unknown_client_hostname":
        FCRDNS + " exempt: sender-domains: [example.org]",
    "defer_unauth_destination": RELAY.replace("{}", "reply: 4xx"),  # defer_code 450
    "permit, reject_unknown_client_hostname": "",  # nothing is asked behind it
    "permit_dnswl_client wl.example.org, reject_rbl_client zen.example.org":
        "dnsbl: zones: zen.example.org: 1 allow: wl.example.org: -1 errors: listed",
    "permit_inet_interfaces, reject_unknown_client_hostname": FCRDNS + " exempt: networks: [192.0.2.1]",
    "permit_mynetworks, reject_unknown_client_hostname": FCRDNS + " exempt: networks: [198.51.100.0/24]",
    "permit_sasl_authenticated, reject_unknown_client_hostname": FCRDNS + " exempt: authenticated: true",
    "reject_invalid_helo_hostname": SYNTAX,
    "reject_invalid_hostname": SYNTAX,
    "reject_multi_recipient_bounce": "null-sender-many: at: rcpt",  # multi_recipient_bounce_reject_code 550
    "reject_non_fqdn_helo_hostname": FQDN,
    "reject_non_fqdn_hostname": FQDN,
    "reject_non_fqdn_sender": "sender-domain: exists: false null-mx: false fqdn: true reply: 5xx",
    "reject_plaintext_session": "tls-required: reply: 4xx",  # plaintext_reject_code 450
    "reject_rbl_client zen.example.org": DNSBL,
    "reject_unauth_destination": RELAY,
    "reject_unauth_pipelining": "pipelining: at: rcpt",  # 503
    "reject_unknown_client": FCRDNS,
    "reject_unknown_client_hostname": FCRDNS,
    "reject_unknown_helo_hostname": RESOLVES,
    "reject_unknown_hostname": RESOLVES,
    "reject_unknown_reverse_client_hostname": NO_RDNS,
    "reject_unknown_sender_domain": SENDER,
    "reject_unlisted_recipient": UNLISTED,
    "warn_if_reject reject_unknown_client_hostname": FCRDNS + " warn: true",
}
# What no policy can say; "sleep" stands for itself in test_sleep.
NEVER = """check_ccert_access check_client_a_access check_client_mx_access check_client_ns_access check_etrn_access
check_helo_a_access check_helo_mx_access check_helo_ns_access check_recipient_a_access check_recipient_mx_access
check_recipient_ns_access check_reverse_client_hostname_a_access check_reverse_client_hostname_access
check_reverse_client_hostname_mx_access check_reverse_client_hostname_ns_access check_sasl_access check_sender_a_access
check_sender_mx_access check_sender_ns_access defer defer_if_permit defer_if_reject permit_auth_destination permit_mx_backup
permit_rhswl_client permit_tls_all_clientcerts permit_tls_clientcerts reject reject_authenticated_sender_login_mismatch
reject_known_sender_login_mismatch reject_non_fqdn_recipient reject_rhsbl_client reject_rhsbl_helo reject_rhsbl_recipient
reject_rhsbl_reverse_client reject_rhsbl_sender reject_sender_login_mismatch
reject_unauthenticated_sender_login_mismatch reject_unknown_recipient_domain reject_unlisted_sender
reject_unverified_recipient reject_unverified_sender sleep""".split()


def with_argument(name):
    for part, argument in ARGUMENTS.items():
        if part in name:
            return name + " " + argument
    return name


def configuration(rng):
    """A main.cf that has all restrictions in all lists, in any order and layout."""
    lines = ["# all of them", "compatibility_level = 3.6"]
    for parameter in rng.sample(LISTS, rng.randint(1, 3)):
        lines.append("smtpd_%s_restrictions =" % parameter)
        for name in rng.sample(NAMES, len(NAMES)):
            if rng.random() < 0.1:
                lines.append(rng.choice(["", "# a comment, reject", "  # another one, permit"]))
            lines.append(rng.choice(["  ", "\t", " "]) + with_argument(name) + rng.choice([",", "", " ,"]))
        lines += ["smtpd_delay_reject = " + rng.choice(["yes", "no"]), "myhostname = mx.example.org"]
    return lines


def present(lines):
    """(number of the line, name) of each restriction that stands in a list that holds."""
    found, parameter, values = [], None, collections.OrderedDict()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        if line[0] not in " \t":
            parameter, line = line.split("=", 1)
            parameter = parameter.strip()
            values[parameter] = []
        if parameter:
            values[parameter] += [(number, word) for word in re.split(r"[,\s]+", line) if word]
    for parameter, words in values.items():
        if re.fullmatch(r"smtpd_(%s)_restrictions" % "|".join(LISTS), parameter):
            found += [(number, word) for number, word in words if word in NAMES]
    return collections.Counter(found)


class Restrictions(unittest.TestCase):
    def imported(self, folder, lines):
        path = os.path.join(folder, "main.cf")
        with open(path, "w", encoding="ascii") as main:
            main.write("\n".join(lines) + "\n")
        done = subprocess.run([MXREPLAY, "policy", "import", path], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def told(self, text, pattern):
        return collections.Counter((int(number), name) for number, name in re.findall(pattern, text, re.M)
                                   if name in NAMES)

    def hold(self, folder, lines):
        policy, said = self.imported(folder, lines)
        mapped = self.told(policy, r"^ *# main\.cf:(\d+): (\w+)")
        named = self.told(policy, r"^ *# NOT HERE: main\.cf:(\d+): (\w+)")
        self.assertEqual(mapped + named, present(lines))
        aloud = self.told(said, r"^\S*main\.cf:(\d+): (\w+).*: not in the policy: ")
        self.assertEqual(aloud, named)
        return mapped, named

    def rules(self, folder, asked, more=()):
        """The rules for a list, each on a line, without their comments and names."""
        text, _ = self.imported(folder, ["smtpd_reject_unlisted_recipient = no", "mynetworks = 198.51.100.0/24",
                                         "inet_interfaces = 192.0.2.1", *more, asked])
        head, _, text = re.sub(r"(?m)^ *(#.*| name: .*)\n", "", text).partition("measures:")
        exempt = re.search(r"(?s) ?exempt:.*", head)  # what all exempt is said once
        return [" ".join((rule + (" " + exempt[0] if exempt else "")).split()) for rule in re.split(r"(?m)^  - ", text)[1:]]

    def test_asked(self):
        """Each restriction that is in a policy is there as postconf(5) has it, and no other is."""
        named = {re.match(r"\w+", asked)[0] for asked in ASKED}
        self.assertEqual(sorted(named | set(NEVER)), sorted(NAMES))
        self.assertFalse(named & set(NEVER))
        with tempfile.TemporaryDirectory() as folder:
            for asked, rule in ASKED.items():
                with self.subTest(asked):
                    self.assertEqual(self.rules(folder, "smtpd_recipient_restrictions = " + asked), [rule] if rule else [])
            for name in NEVER:
                with self.subTest(name):
                    self.assertEqual(self.rules(folder, "smtpd_recipient_restrictions = " + with_argument(name)), [])

    def test_codes(self):
        """The parameter that has the code, each told to be of the other class."""
        other = {
            "invalid_hostname_reject_code = 450": ("reject_invalid_helo_hostname", SYNTAX + " reply: 4xx"),
            "maps_rbl_reject_code = 450": ("reject_rbl_client zen.example.org", DNSBL + " reply: 4xx"),
            "multi_recipient_bounce_reject_code = 450": ("reject_multi_recipient_bounce",
                                                         "null-sender-many: at: rcpt reply: 4xx"),
            "non_fqdn_reject_code = 450": ("reject_non_fqdn_helo_hostname", FQDN + " reply: 4xx"),
            "plaintext_reject_code = 550": ("reject_plaintext_session", "tls-required: {}"),
            "relay_domains_reject_code = 450": ("reject_unauth_destination", RELAY.replace("{}", "reply: 4xx")),
            "soft_bounce = yes": ("reject_unlisted_recipient", "recipient: reply: 4xx"),
            "unknown_address_reject_code = 550": ("reject_unknown_sender_domain", "sender-domain: reply: 5xx"),
            "unknown_client_reject_code = 550": ("reject_unknown_client_hostname", FCRDNS + " reply: 5xx"),
            "unknown_hostname_reject_code = 550": ("reject_unknown_helo_hostname", RESOLVES.replace(" reply: 4xx", "")),
            "unknown_local_recipient_reject_code = 450": ("reject_unlisted_recipient", "recipient: reply: 4xx"),
        }
        with tempfile.TemporaryDirectory() as folder:
            for setting, (asked, rule) in other.items():
                with self.subTest(setting):
                    self.assertEqual(self.rules(folder, "smtpd_recipient_restrictions = " + asked, [setting]), [rule])

    def test_sleep(self):
        """postconf(5): "sleep 5, reject_unauth_pipelining" before the greeting; anywhere else it only waits."""
        with tempfile.TemporaryDirectory() as folder:
            asked = "smtpd_client_restrictions = sleep 5, reject_unauth_pipelining"
            self.assertEqual(self.rules(folder, asked, ["smtpd_delay_reject = no"]),
                             ["early-talker: wait: 5s"])
            self.assertEqual(self.rules(folder, asked), ["pipelining: at: rcpt"])

    def test_all(self):
        """Whole: each name is either mapped somewhere or named everywhere."""
        with tempfile.TemporaryDirectory() as folder:
            lines = ["smtpd_recipient_restrictions ="]
            lines += ["  " + with_argument(name) for name in NAMES if name not in ("permit", "reject", "defer")]
            mapped, named = self.hold(folder, lines)
            self.assertEqual(len({name for _, name in mapped} | {name for _, name in named}), len(NAMES) - 3)
            for name in ("reject_rbl_client", "reject_unauth_destination", "permit_mynetworks"):
                self.assertIn(name, {known for _, known in mapped})

    def test_deleted(self):
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(SEEDS):
                rng = random.Random(seed)
                lines = configuration(rng)
                kept = lines[:2] + [line for line in lines[2:] if rng.random() >= 0.3]
                with self.subTest(seed=seed):
                    self.hold(folder, kept)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False, verbosity=0).result.wasSuccessful())
