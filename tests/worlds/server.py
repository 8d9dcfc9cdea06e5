"""A mail server that knows everything and enforces a policy: the truth that worlds with hidden truth are made with.

Written from the measures' table and section 5 of the law; it knows nothing of the program. An attempt is a dict of
what the client is and does: at (seconds), ip, server, sender, recipient, and the evidence, nothing of which is
hidden here: rdns, fcrdns, zones (those that list it), spoke (seconds after connect), helo, exists (the sender's
domain), valid (the recipient), score. An attempt that `repeats` another from elsewhere gets from measures without
state what that one gets ("which would say the same again", section 5)."""
import ipaddress
import re

STAGES = ["connect", "banner", "helo", "mail", "rcpt", "data", "eom"]
STAGE = {"no-rdns": "connect", "fcrdns": "connect", "dnsbl": "connect", "early-talker": "banner", "helo": "helo",
         "sender-domain": "mail", "recipient": "rcpt", "dictionary": "rcpt", "after-220": "rcpt", "greylist": "rcpt",
         "spam": "eom"}
REPLY = {"no-rdns": "4xx", "fcrdns": "4xx", "sender-domain": "4xx", "after-220": "4xx", "greylist": "4xx"}
WITH_STATE = {"greylist", "after-220", "dictionary"}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text):
    return int(text[:-1]) * UNITS[text[-1]]


def network(ip):
    return str(ipaddress.ip_network(ip + "/24", strict=False))


def in_networks(ip, networks):
    return any(ipaddress.ip_address(ip) in ipaddress.ip_network(n) for n in networks)


def normalise(address, sender):
    """postgrey's way: lower case, the BATV tag and +extension off, numbers that stand alone in the sender as #."""
    local, _, domain = address.lower().partition("@")
    local = re.sub(r"^prvs=[^=]*=", "", local).partition("+")[0]
    if sender:
        local = re.sub(r"\b\d+\b", "#", local)
    return local + "@" + domain


class Rule:
    """One measure of a policy, as in {measure: {parameters}}."""

    def __init__(self, measure, **parameters):
        self.measure = measure
        self.parameters = parameters
        self.stage = parameters.get("at", STAGE[measure])
        self.reply = parameters.get("reply", REPLY.get(measure, "5xx"))
        self.name = parameters.get("name", measure)
        self.remember = seconds(parameters.get("remember", "0s")) if measure != "after-220" else 0
        self.stateful = measure in WITH_STATE or self.remember > 0

    def applies(self, attempt):
        seen = attempt if self.stateful else attempt.get("repeats", attempt)
        server = self.parameters.get("when", {}).get("server")
        return not (server and server != seen["server"]) and not in_networks(
            seen["ip"], self.parameters.get("exempt", {}).get("networks", []))


class Policy:
    def __init__(self, rules, delay_reject=False, exempt=()):
        self.rules = rules
        self.delay_reject = delay_reject
        self.exempt = list(exempt)
        for rule in rules:
            rule.acts = rule.stage
            if delay_reject and "at" not in rule.parameters and STAGES.index(rule.stage) < STAGES.index("rcpt"):
                rule.acts = "rcpt"
        self.order = sorted(rules, key=lambda rule: STAGES.index(rule.acts))

    def yaml(self):
        items = [{"delay-reject": True}] if self.delay_reject else []
        items += [{"exempt": {"networks": self.exempt}}] if self.exempt else []
        items += [{rule.measure: rule.parameters} for rule in self.rules]
        return flow(items)


def flow(value):
    """YAML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(flow(v) for v in value) + " ]" if value else "[]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f'"{text}"' if text == "" or text[0] in "[{#@" else text


class Greylist:
    def __init__(self, parameters):
        self.delay = seconds(parameters.get("delay", "5m"))
        self.window = seconds(parameters.get("retry-window", "2d"))
        self.lifetime = seconds(parameters.get("lifetime", "35d"))
        self.key = parameters.get("key", ["client/24", "sender", "recipient"])
        self.normalise = parameters.get("normalise", True)
        self.auto_allow = int(parameters.get("auto-allow", 5))
        self.auto_interval = seconds(parameters.get("auto-interval", "1h"))
        self.by_server = parameters.get("scope") == "server"
        self.first, self.seen, self.passes, self.counted = {}, {}, {}, {}

    def key_of(self, attempt):
        text = normalise if self.normalise else lambda address, sender: address
        parts = {"client": attempt["ip"], "client/24": network(attempt["ip"]),
                 "sender": text(attempt["sender"], True), "recipient": text(attempt["recipient"], False)}
        return (attempt["server"] if self.by_server else "",) + tuple(parts[part] for part in self.key)

    def stops(self, attempt):
        now, ip, key = attempt["at"], attempt["ip"], self.key_of(attempt)
        if self.auto_allow and self.passes.get(ip, 0) >= self.auto_allow:
            return False
        if key in self.seen:  # it passed before
            if now - self.seen[key] <= self.lifetime:
                self.seen[key] = now
                return False
            del self.seen[key]
            self.first[key] = now
            return True
        if key not in self.first or now - self.first[key] > self.window:
            self.first[key] = now
            return True
        if now - self.first[key] < self.delay:
            return True
        self.seen[key] = now
        if now - self.counted.get(ip, -self.auto_interval) >= self.auto_interval:
            self.counted[ip] = now
            self.passes[ip] = self.passes.get(ip, 0) + 1
        return False


class After220:
    """postscreen's tests after the banner: greylisting by address without delay, once a session."""

    def __init__(self, parameters):
        remember = parameters.get("remember", "30d")
        self.greylist = Greylist({"delay": "0s", "retry-window": remember, "lifetime": remember, "key": ["client"],
                                  "auto-allow": 0})

    def stops(self, attempt):
        return self.greylist.stops(attempt)


class Dictionary:
    def __init__(self, parameters):
        self.most = int(parameters.get("unknown", 5))
        self.window = seconds(parameters.get("window", "10m"))
        self.tries = {}

    def stops(self, attempt):
        tries = self.tries.setdefault(network(attempt["ip"]), [])
        if not attempt["valid"]:
            tries.append(attempt["at"])
        return sum(at > attempt["at"] - self.window for at in tries) >= self.most


STATES = {"greylist": Greylist, "after-220": After220, "dictionary": Dictionary}


def hits(rule, attempt):
    """Whether a measure without state turns the attempt away."""
    p = rule.parameters
    if rule.measure == "no-rdns":
        return not attempt["rdns"]
    if rule.measure == "fcrdns":
        return not attempt["fcrdns"]
    if rule.measure == "dnsbl":
        return sum(weight for zone, weight in p["zones"].items() if zone in attempt["zones"]) >= p.get("threshold", 1)
    if rule.measure == "early-talker":
        return attempt["spoke"] < seconds(p.get("wait", "6s"))
    if rule.measure == "helo":
        return "." not in attempt["helo"]
    if rule.measure == "sender-domain":
        return attempt["sender"] != "" and not attempt["exists"]
    if rule.measure == "recipient":
        return not attempt["valid"]
    if rule.measure == "spam":
        return attempt["score"] >= p.get("score", 15)
    raise ValueError(rule.measure)


class Server:
    """A policy being enforced, beginning with nothing known. `asked` is filled with the rules that judged the last
    attempt, `untested` says that one of them knew the client by `remember`."""

    def __init__(self, policy):
        self.policy = policy
        self.state = {rule: STATES[rule.measure](rule.parameters) for rule in policy.rules if rule.measure in STATES}
        self.remembered = {}
        self.asked, self.untested = [], False

    def stops(self, rule, attempt):
        if rule in self.state:
            return self.state[rule].stops(attempt)
        known = self.remembered.get((rule, attempt["ip"]))
        if rule.remember and known is not None and attempt["at"] <= known:
            self.untested = True
            return False
        hit = hits(rule, attempt)
        if rule.remember and not hit:
            self.remembered[rule, attempt["ip"]] = attempt["at"] + rule.remember
        return hit

    def judge(self, attempt):
        """The rule that stops the attempt, or None."""
        self.asked, self.untested = [], False
        if in_networks(attempt.get("repeats", attempt)["ip"], self.policy.exempt):
            return None
        yielding = None
        for rule in self.policy.order:
            if yielding and rule.acts != yielding.acts:
                return yielding
            if not rule.applies(attempt):
                continue
            stopped = self.stops(rule, attempt)
            self.asked.append((rule, stopped))
            if not stopped or rule.parameters.get("warn"):
                continue
            if not rule.parameters.get("yields"):
                return rule
            yielding = rule
        return yielding
