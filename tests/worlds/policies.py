"""Policies at random."""
from server import Policy, Rule


def random_rule(rng, measure, tight):
    """A measure with parameters; `tight` ones fit worlds of a few hours."""
    p = {}
    if measure == "dnsbl":
        p["zones"] = rng.choice([{"a.example": 1}, {"b.example": 1}, {"a.example": 1, "b.example": 1},
                                 {"a.example": 2, "b.example": 1}])
        if len(p["zones"]) > 1 and rng.random() < 0.5:
            p["threshold"] = 2
    if measure == "early-talker":
        p["wait"] = rng.choice(["1s", "3s", "6s"])
    if measure in ("dnsbl", "early-talker", "no-rdns") and rng.random() < 0.15 and measure != "no-rdns":
        p["remember"] = rng.choice(["1h", "7d"])
    if measure == "helo":
        p["fqdn"] = True
    if measure == "spam":
        p["score"] = rng.choice([8, 15])
    if measure == "dictionary":
        p["unknown"] = rng.choice([1, 2, 3, 5])
        p["window"] = rng.choice(["10m", "1h"])
    if measure == "after-220":
        p["remember"] = rng.choice(["1h", "30d"])
    if measure == "greylist":
        p["delay"] = rng.choice(["5m", "20m"] if tight else ["1m", "5m", "5m", "20m", "1h"])
        p["retry-window"] = rng.choice(["20m", "1h", "4h"] if tight else ["4h", "2d", "2d"])
        p["lifetime"] = rng.choice(["5h", "8h", "35d"] if tight else ["5d", "35d"])
        p["auto-allow"] = rng.choice([0, 0, 1, 2] if tight else [0, 5])
        if rng.random() < 0.3:
            p["key"] = rng.choice([["client", "sender", "recipient"], ["client/24"], ["client"], ["client/24", "sender"]])
        if rng.random() < 0.15:
            p["scope"] = "server"
        if rng.random() < 0.15:
            p["yields"] = True
        if rng.random() < 0.15:
            p["normalise"] = False
    if rng.random() < 0.5 or measure == "dictionary":
        p["reply"] = rng.choice(["4xx", "5xx"]) if measure not in ("greylist", "after-220") else "4xx"
    if rng.random() < 0.07:
        p["when"] = {"server": "mx1"}
    if measure == "no-rdns" and rng.random() < 0.1:
        p["at"] = "rcpt"
    if measure == "greylist" and rng.random() < 0.1:
        p["exempt"] = {"networks": ["10.0.0.1/32"]}
    return Rule(measure, **p)


STATELESS = ["no-rdns", "fcrdns", "dnsbl", "early-talker", "helo", "sender-domain", "recipient", "spam"]
MEASURES = STATELESS + ["greylist", "greylist", "dictionary", "after-220"]


def random_policy(rng, tight, measures=None):
    chosen = rng.sample(measures or MEASURES, rng.choice([1, 1, 2, 2, 3, 4]))
    rules = [random_rule(rng, measure, tight) for measure in dict.fromkeys(chosen)]
    exempt = ["10.0.0.1/32"] if rng.random() < 0.05 else []
    return Policy(rules, rng.random() < 0.5, exempt)
