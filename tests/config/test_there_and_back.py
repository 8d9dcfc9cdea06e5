#!/usr/bin/env python3
"""What a policy is exported to is imported as the same policy: random policies of what a server can do, and those that
come with mxreplay as far as it can. `policy show --complete` of both must be the same text, names of rules aside."""
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

# without sanitizers: many short runs
MXREPLAY = os.path.abspath(os.environ.get("MXREPLAY_PLAIN", "mxreplay"))
SEEDS = int(os.environ.get("MXREPLAY_SEEDS", "120"))
SHIPPED = ["talk-2009", "postfix-typical", "strict"]
REPLIES = ["[127.0.0.2]", "[127.0.0.2/31, 127.0.0.4/30, 127.0.0.8/30]", "[127.0.0.10/31]", "[127.0.0.2, 127.0.0.9]"]
STAGES = ["connect", "banner", "helo", "mail", "rcpt", "data", "eom"]
NATURAL = {"no-rdns": 0, "fcrdns": 0, "dnsbl": 0, "early-talker": 1, "after-220": 4, "pipelining": 5, "helo": 2,
           "sender-domain": 3, "spf": 3, "relay": 4, "recipient": 4, "null-sender-many": 5, "tls-required": 3,
           "greylist": 4, "rate": 0, "auth-abuse": 2, "virus": 6, "spam": 6, "dictionary": 4}


class Rule:
    """A measure with its parameters as YAML, who it exempts in all, and the stage at which it acts."""

    def __init__(self, measure, parameters="", exempt=(), stage=None, warn=False, reply=None):
        self.measure, self.parameters, self.exempt = measure, parameters, set(exempt)
        self.stage, self.warn, self.reply = NATURAL[measure] if stage is None else stage, warn, reply


def exempt_text(exempt, indent):
    lines = ["authenticated: true"] if "authenticated" in exempt else []
    for key in ("networks", "client-names", "sender-domains", "recipients"):
        values = sorted(value for kind, value in (item for item in exempt if isinstance(item, tuple)) if kind == key)
        if values:
            lines.append("%s: [%s]" % (key, ", ".join('"%s"' % value for value in values)))
    return "".join(" " * indent + line + "\n" for line in lines)


def policy_text(rules, delay):
    """As an import writes it: whom all exempt is said once, and a stage only where it is not the measure's own."""
    common = set.intersection(*(rule.exempt for rule in rules))
    text = "policy: random\ndelay-reject: %s\n" % ("true" if delay else "false")
    if common:
        text += "exempt:\n" + exempt_text(common, 2)
    text += "measures:\n"
    for number, rule in enumerate(rules):
        text += "  - %s:\n      name: r%d\n" % (rule.measure, number)
        text += "".join("      %s\n" % line for line in rule.parameters.split("\n") if line)
        natural = NATURAL[rule.measure]
        if (max(natural, 4) if delay else natural) != rule.stage:
            text += "      at: %s\n" % STAGES[rule.stage]
        if rule.reply:
            text += "      reply: %s\n" % rule.reply
        if rule.exempt - common:
            text += "      exempt:\n" + exempt_text(rule.exempt - common, 8)
        text += "      warn: true\n" if rule.warn else ""
    return text


def zones(rng, weights):
    names = rng.sample(["zen.example.org", "bl.example.net", "list.example.com", "b.example.edu"], rng.randint(1, 4))
    text = "zones:\n"
    for name in names:
        weight = rng.randint(1, 4) if weights else 1
        if rng.random() < 0.5:
            text += "  %s: %d\n" % (name, weight)
        else:
            text += "  %s: { weight: %d, replies: %s }\n" % (name, weight, rng.choice(REPLIES))
    if weights and rng.random() < 0.5:
        text += "allow:\n  wl.example.org: -%d\n" % rng.randint(1, 4)
    if weights:
        text += "threshold: %d\n" % rng.randint(2, 5)
    return text + "errors: listed\n"


def no_neighbours(rng, rules):
    """In an order in which no two of one measure would become one."""
    for _ in range(100):
        rng.shuffle(rules)
        if all(a.measure != b.measure for a, b in zip(rules, rules[1:])):
            break
    return rules


def own_networks(rng):
    return {("networks", network) for network in rng.sample(["127.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"],
                                                            rng.randint(1, 3))}


class Postfix:
    """Policies that Postfix can enforce."""
    option = "--postfix"

    def __init__(self, rng):
        self.rng, self.delay = rng, rng.random() < 0.6
        self.networks = own_networks(rng)

    def postscreen(self):
        rng, rules = self.rng, []
        late = 4 if self.delay else 0

        def act(rule):
            action = rng.choice(["enforce", "drop", "ignore"])
            rule.warn, rule.reply, rule.stage = action == "ignore", "drop" if action == "drop" else None, late
            rule.stage = 0 if action == "drop" else late
            return rule
        if rng.random() < 0.4:
            return rules
        rules.append(act(Rule("dnsbl", zones(rng, True) + "remember: %dm\n" % rng.randint(1, 90), self.networks)))
        rules.append(act(Rule("early-talker", "wait: %ds\nremember: %dh\n" % (rng.randint(1, 20), rng.randint(1, 60)),
                              self.networks)))
        first = [rule for rule in (rules[1], rules[0]) if rule.reply == "drop"]
        rules = first + [rule for rule in rules if rule not in first]
        if rng.random() < 0.5:
            days = rng.randint(2, 40)
            if rng.random() < 0.5:
                ahead = act(Rule("pipelining", "remember: %dd\n" % days, self.networks))
                ahead.stage = 4
                rules.append(ahead)
            rules.append(Rule("after-220", "remember: %dd\n" % rng.randint(1, days), self.networks))
        return rules

    def limits(self):
        rng, rules = self.rng, []
        window = "window: %ds\n" % rng.randint(10, 300)
        for key, stage in (("connections", 0), ("messages", 3), ("recipients", 4)):
            if rng.random() < 0.2:
                rules.append(Rule("rate", "%s: %d\n" % (key, rng.randint(1, 99)) + window, self.networks, stage))
        if rng.random() < 0.2:
            rules.append(Rule("auth-abuse", "failures: 0\nattempts: %d\n" % rng.randint(1, 9) + window, self.networks, 2))
        if rng.random() < 0.3:
            rules.append(Rule("helo", "require: true\n", (), 3))
        if rng.random() < 0.2:
            rules.append(Rule("tls-required", "", (), 3))
        return rules

    def restrictions(self):
        rng = self.rng
        exempt = self.networks | ({"authenticated"} if rng.random() < 0.8 else set())
        names_reply, list_reply = rng.choice([None, "5xx"]), rng.choice([None, "4xx"])
        rules = [Rule("recipient", "", rng.choice([set(), exempt]), 4, reply=rng.choice([None, "4xx"]))]
        for warn in (False, True):
            pool = [Rule("no-rdns", "on-error: hit\n", exempt, reply=names_reply),
                    Rule("fcrdns", "on-error: hit\n", exempt, reply=names_reply),
                    Rule("dnsbl", zones(rng, False), exempt, reply=list_reply),
                    Rule("helo", "require: false\nsyntax: true\nfqdn: %s\n" % rng.choice(["true", "false"]), exempt),
                    Rule("sender-domain", rng.choice(["", "fqdn: true\n"]), exempt)]
            for rule in pool:
                if rng.random() < (0.2 if warn else 0.6):
                    rule.warn = warn
                    rule.stage = 4 if self.delay else rng.randint(rule.stage, 4)
                    rule.stage = 2 if rule.stage == 1 else rule.stage
                    rules.append(rule)
        if rng.random() < 0.5:
            text = "on: %s\n" % rng.choice(["fail", "[fail, softfail]", "[fail, permerror]"])
            rules.append(Rule("spf", text, exempt, 4))
        if rng.random() < 0.7:
            own = {("recipients", "postmaster"), ("recipients", "abuse@example.org"), ("client-names", "example.net"),
                   ("networks", "198.51.100.0/24"), ("recipients", "@example.com")}
            own = exempt | set(rng.sample(sorted(own), rng.randint(0, 4)))
            text = "delay: %ds\nretry-window: %dh\nlifetime: %dd\nauto-allow: %d\nyields: %s\nkey: [%s, sender, recipient]\n"
            rules.append(Rule("greylist", text % (rng.randint(1, 999), rng.randint(1, 47), rng.randint(3, 60),
                                                  rng.randint(0, 9), rng.choice(["true", "false"]),
                                                  rng.choice(["client", "client/24"])), own))
        rules = sorted(no_neighbours(rng, rules), key=lambda rule: rule.stage)
        if any(a.measure == b.measure and a.warn == b.warn for a, b in zip(rules, rules[1:])):
            return self.restrictions()
        relay = Rule("relay", "", exempt, 4, reply=rng.choice([None, "4xx"]))
        before = sum(rule.stage < 4 for rule in rules)
        rules.insert(before if rng.random() < 0.7 else len(rules), relay)
        after = [Rule("pipelining", "", rng.choice([set(), exempt]), 5)] if rng.random() < 0.5 else []
        if rng.random() < 0.5:
            after.append(Rule("null-sender-many", "", after[0].exempt if after else exempt, 5,
                              reply=rng.choice([None, "4xx"])))
        return rules + after

    def text(self):
        return policy_text(self.postscreen() + self.limits() + self.restrictions(), self.delay)


class Exim:
    """Policies that Exim can enforce. What it refuses without being told is among them."""
    option = "--exim"

    def __init__(self, rng):
        self.rng = rng

    def asked(self, exempt):
        rng = self.rng
        greylist = "delay: %ds\nretry-window: %dh\nlifetime: %dd\nauto-allow: 0\nnormalise: false\nkey: [%s, sender, recipient]\n"
        return [Rule("no-rdns", "on-error: hit\n"), Rule("fcrdns", "on-error: hit\n"),
                Rule("dnsbl", zones(rng, False)), Rule("dnsbl", zones(rng, False)),
                Rule("helo", "require: %s\nfqdn: true\n" % rng.choice(["true", "false"])),
                Rule("helo", "require: false\nown-name: [mx.example.org, example.org]\n"),
                Rule("helo", "address-literal: reject\n"),
                Rule("spf", "on: [%s]\n" % ", ".join(rng.sample(["fail", "softfail", "permerror"], 2))),
                Rule("sender-domain"), Rule("null-sender-many", stage=rng.choice([4, 5])), Rule("recipient", stage=4),
                Rule("tls-required"),
                Rule("rate", "messages: %d\nwindow: %ds\n" % (rng.randint(1, 99), rng.randint(1, 999)), stage=3),
                Rule("rate", "connections: %d\nwindow: %ds\n" % (rng.randint(1, 99), rng.randint(1, 999)), stage=0),
                Rule("greylist", greylist % (rng.randint(1, 999), rng.randint(1, 47), rng.randint(3, 60),
                                             rng.choice(["client", "client/24"]))),
                Rule("virus"), Rule("spam", "score: %.1f\n" % (rng.randint(1, 200) / 10))]

    def text(self):
        rng = self.rng
        networks = own_networks(rng)
        exempt = networks | ({"authenticated"} if rng.random() < 0.8 else set())
        exempt |= set(rng.sample([("recipients", "postmaster"), ("client-names", "example.net"),
                                  ("sender-domains", "example.com"), ("recipients", "@example.com")], rng.randint(0, 3)))
        rules = [Rule("relay", rng.choice(["", "domains: [example.org, example.net]\n"]))]
        seen = set()
        for rule in self.asked(exempt):
            if rule.measure == "recipient" or rng.random() < 0.5 and (rule.measure == "dnsbl" or rule.measure not in ("greylist",) or rule.measure not in seen):
                rules.append(rule)
                seen.add(rule.measure)
        for rule in rules:
            own = {"no-rdns": "4xx", "fcrdns": "4xx", "sender-domain": "4xx", "rate": "4xx", "greylist": "4xx"}
            if rule.stage < 4 and rule.measure != "rate" and rng.random() < 0.4:
                rule.stage = 4
            rule.stage = 3 if rule.measure == "helo" and "require: true" in rule.parameters else rule.stage
            rule.exempt = exempt
            if rule.measure == "relay":  # for a sender or a recipient nobody may relay
                rule.exempt = {item for item in exempt if item == "authenticated" or item[0] == "networks"}
            elif rule.stage > 4:  # "recipients" is a condition of acl_smtp_rcpt alone
                rule.exempt = {item for item in exempt if item[0] != "recipients"}
            elif any(item[0] == "recipients" for item in exempt):
                rule.stage = 4
            elif any(item == "authenticated" or item[0] == "sender-domains" for item in exempt):
                rule.stage = max(rule.stage, 3)  # nobody has logged in before
            rule.warn = rule.measure not in ("relay",) and rng.random() < 0.15
            reply = rng.choice(["4xx", "5xx", "drop"])
            rule.reply = reply if not rule.warn and reply != own.get(rule.measure, "5xx") and rng.random() < 0.3 else None
        for _ in range(1000):
            rules = sorted(no_neighbours(rng, rules), key=lambda rule: rule.stage)
            if all(a.measure != b.measure or a.stage != b.stage for a, b in zip(rules, rules[1:])):
                break
        else:
            return self.text()
        own = [Rule("helo", "require: false\nsyntax: true\n"),
               Rule("sender-domain", "exists: false\nnull-mx: false\nfqdn: true\n", reply="5xx"),
               Rule("pipelining", reply="drop")]
        connect = [rule for rule in rules if rule.stage == 0]
        if rng.random() < 0.5:
            connect.append(Rule("early-talker", "wait: %ds\n" % rng.randint(1, 20), networks, reply="drop"))
        return policy_text(own + connect + [rule for rule in rules if rule.stage > 0], False)


class OpenSmtpd:
    """Policies that OpenSMTPD can enforce. What it refuses without being told is among them."""
    option = "--opensmtpd"

    def __init__(self, rng):
        self.rng = rng

    def text(self):
        rng = self.rng
        exempt = own_networks(rng) | ({"authenticated"} if rng.random() < 0.5 else set())
        own = [Rule("helo", "require: true\nsyntax: true\n"), Rule("pipelining"), Rule("relay"), Rule("recipient")]
        if rng.random() < 0.3:
            own.append(Rule("tls-required"))
        lists = rng.sample(["zen.example.org", "bl.example.net", "list.example.com"], rng.randint(1, 3))
        filters = [Rule("no-rdns", "on-error: hit\n", exempt), Rule("fcrdns", "on-error: hit\n", exempt),
                   Rule("helo", "require: false\nown-name: [mx.example.org, example.org]\n", exempt),
                   Rule("dnsbl", "zones: { %s }\nerrors: listed\n" % ", ".join("%s: 1" % zone for zone in lists)),
                   Rule("spam")]
        for rule in filters[:3]:
            own_reply = "5xx" if rule.measure == "helo" else "4xx"
            reply = rng.choice(["4xx", "5xx"])
            rule.reply = None if reply == own_reply else reply
            rule.stage = rng.choice([rule.stage, rule.stage, 3, 4, 5])
            rule.exempt = exempt - ({"authenticated"} if rule.stage < 3 else set())
        filters[3].warn = rng.random() < 0.3
        chosen = rng.sample(filters, rng.randint(0, 5))
        return policy_text(own + chosen, False)


class Export(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_it(self, *command, status=0):
        done = subprocess.run([MXREPLAY, *command], capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertEqual(done.returncode, status, "%s\n%s" % (command, done.stderr))
        return done.stdout

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def shown(self, name):
        text = self.run_it("policy", "show", "--complete", name).replace(": {}\n", ":\n")
        text = re.sub(r"(?m): \[(.*)\]$", lambda list: ": " + str(sorted(list[1].split(", "))), text)
        return re.sub(r"(?m)^(policy: .*| +name: .*)\n", "", text)

    def there_and_back(self, policy, option):
        """Exported without a word on what cannot be, and imported."""
        self.write("there", self.run_it("policy", "export", "--strict", option, policy))
        return self.write("back.yaml", self.run_it("policy", "import", "--strict", "there"))

    def hold_random(self, kind):
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                policy = self.write("asked.yaml", kind(random.Random(seed)).text())
                back = self.there_and_back(policy, kind.option)
                self.assertEqual(self.shown(back), self.shown(policy))

    def hold_shipped(self, option):
        """What is left of them comes back as it is; and that it is not all was said."""
        for name in SHIPPED:
            with self.subTest(name):
                self.write("there", self.run_it("policy", "export", "--strict", option, name, status=1))
                left = self.write("left.yaml", self.run_it("policy", "import", "there"))
                back = self.there_and_back(left, option)
                self.assertEqual(self.shown(back), self.shown(left))

    def test_postfix_random(self):
        self.hold_random(Postfix)

    def test_postfix_shipped(self):
        self.hold_shipped(Postfix.option)

    def test_exim_random(self):
        self.hold_random(Exim)

    def test_exim_shipped(self):
        self.hold_shipped(Exim.option)

    def test_opensmtpd_random(self):
        self.hold_random(OpenSmtpd)

    def test_opensmtpd_shipped(self):
        self.hold_shipped(OpenSmtpd.option)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False, verbosity=0).result.wasSuccessful())
