#!/usr/bin/env python3
"""Two engines, one truth: the law as law.py walks it, slowly and by its text, against the program's bitwise engine, on
random worlds: what simulated clients leave in a record, and what no client would (any evidence with any answer,
contradictions, several recipients). Bounds must be the same, certain counts as well, and estimates lie between.

WORLDS=n says how many (400), SEED=n where they begin (1). BOOK=file writes them as a case book with the bounds that
the law gives, in the vocabulary of oracle-worlds.yaml."""
import os
import random
import unittest

from clients import crowd
from law import Law
from policies import random_policy, random_rule
from runner import tell
from server import Policy, Rule, flow, seconds
from truth import record

WORLDS, SEED = int(os.environ.get("WORLDS", 400)), int(os.environ.get("SEED", 1))
DAY = 86400
MEASURES = ["no-rdns", "fcrdns", "dnsbl", "early-talker", "sender-domain", "recipient", "recipient", "spam", "greylist",
            "greylist", "greylist", "dictionary", "dictionary", "after-220"]


def variant(rng, policy):
    """The same measures with some parameters changed: where what the record decided still tells, or no longer."""
    rules = []
    for rule in policy.rules:
        if rng.random() < 0.15:
            continue
        p = dict(rule.parameters)
        other = random_rule(rng, rule.measure, True).parameters
        for key in sorted(p.keys() & other.keys()):
            if rng.random() < 0.25:
                p[key] = other[key]
        rules.append(Rule(rule.measure, **p))
    if rng.random() < 0.3:
        rules.insert(rng.randrange(len(rules) + 1), random_rule(rng, rng.choice(MEASURES), True))
    names = [rule.measure for rule in rules]
    rules = [rule for i, rule in enumerate(rules) if rule.measure not in names[:i]]
    rules = rules or policy.rules
    return Policy([Rule(rule.measure, **rule.parameters) for rule in rules], policy.delay_reject, policy.exempt)


def nonsense(rng, in_force):
    """Sessions as no client makes them."""
    sessions, at = [], 0
    named = [rule.measure for rule in in_force.rules] if in_force else ["no-rdns", "dnsbl", "greylist", "recipient"]
    for _ in range(rng.choice([1, 2, 2, 3, 4, 6, 10])):
        at += rng.choice([0, 1, 30, 60, 240, 300, 301, 600, 1200, 3600, 5 * 3600, 30 * 3600, 3 * DAY])
        one = {"at": f"{at}s", "server": rng.choice(["mx1", "mx1", "mx2"]),
               "ip": rng.choice(["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.1.1"])}
        if rng.random() < 0.3:
            one["name"] = rng.choice(["a.op1.example", "b.op1.example", "c.op2.example"])
            one["fcrdns"] = rng.random() < 0.8
        maybe = lambda key, values: rng.random() < 0.5 and one.setdefault(key, rng.choice(values))
        maybe("rdns", [True, False])
        maybe("fcrdns", [True, False])
        zones = {zone: rng.random() < 0.5 for zone in ("a.example", "b.example") if rng.random() < 0.5}
        if zones:
            one["dnsbl"] = zones
        if rng.random() < 0.3:
            one["spoke"], one["banner"] = rng.choice(["1s", "2s", "5s", "9s"]), rng.choice(["0s", "3s", "6s"])
        if rng.random() < 0.9:
            one["from"] = rng.choice(["a@b.example", "a@b.example", "A@B.example", "news-17@b.example", ""])
            maybe("sender_domain", [{"exists": True, "null-mx": False}, {"exists": False, "null-mx": False}])
            if rng.random() < 0.95:
                recipients = [rng.choice(["u@l.example", "u@l.example", "v@l.example", "n@l.example"])
                              for _ in range(rng.choice([1, 1, 1, 1, 2, 3]))]
                one["to"] = recipients if len(recipients) > 1 else recipients[0]
                valid = [rng.random() < 0.5 for _ in recipients]
                maybe("valid", [valid if len(recipients) > 1 else valid[0]])
                maybe("score", [1, 9, 20])
        if rng.random() < 0.05:
            one["pass_old"] = True
        one["did"] = rng.choice([{"deferred": rng.choice(named)}, {"refused": rng.choice(named)}, "accepted",
                                 "accepted", {"deferred": rng.choice(named)}, "nothing",
                                 {rng.choice(["deferred", "refused"]): "other"}])
        if one["did"] == "accepted" and "to" not in one:
            one["did"] = "nothing"
        sessions.append(one)
    return sessions


class World:
    def __init__(self, seed):
        rng = random.Random(seed)
        self.seed, self.unit = seed, rng.choice(["delivery", "delivery", "session", "recipient"])
        self.in_force = random_policy(rng, True, MEASURES)
        if seed % 2:
            messages = crowd(seed)
            last = max(message.attempts[0][0] for message in messages) + rng.choice([0, DAY])
            _, self.sessions = record(messages, self.in_force, rng, last, rng.choice([0, 0.3, 0.7, 1]))
            for session in self.sessions:
                session.pop("helo", None)
        else:
            self.sessions = nonsense(rng, self.in_force)
        if rng.random() < 0.15:
            self.in_force = None
        self.policy = self.in_force if self.in_force and rng.random() < 0.2 else \
            variant(rng, self.in_force) if self.in_force and rng.random() < 0.6 else random_policy(rng, True, MEASURES)
        self.ends = max([seconds(one["at"]) for one in self.sessions] or [0]) + rng.choice([0, DAY, 60 * DAY, 60 * DAY])

    def case(self, bounds):
        sessions = "".join(f"    - {flow(one)}\n" for one in self.sessions)
        expect = {row: low if low == high else [low, high] for row, (low, high) in sorted(bounds.items())}
        return (f"- name: world {self.seed}\n  unit: {self.unit}\n"
                f"  in_force: {self.in_force.yaml() if self.in_force else '[]'}\n  record_ends: {self.ends}s\n"
                f"  sessions:\n{sessions}  policy: {self.policy.yaml()}\n  expect: {flow(expect)}\n")

    def law(self):
        return Law(self.sessions, self.in_force, self.policy, self.unit, self.ends).rows()


class TwoEngines(unittest.TestCase):
    def test_same_bounds(self):
        worlds = [world for world in map(World, range(SEED, SEED + WORLDS)) if world.sessions]
        bounds = {world.seed: world.law() for world in worlds}
        book = [world.case(bounds[world.seed]) for world in worlds]
        if os.environ.get("BOOK"):
            with open(os.environ["BOOK"], "w") as out:
                out.write("\n".join(book))
        found, wrong, open_rows = tell("".join(book)), [], 0
        for world, case in zip(worlds, book):
            rows = found[f"world {world.seed}"]
            theirs = {row: told[1:3] for row, told in rows.items() if told[2]}
            units = sum(told[0] for told in rows.values())
            between = all(low <= count <= high for count, low, high, _ in rows.values())
            open_rows += sum(low < high for low, high in bounds[world.seed].values())
            if theirs != bounds[world.seed] or not between or not \
                    sum(low for low, _ in theirs.values()) <= units <= sum(high for _, high in theirs.values()):
                wrong.append(world.seed)
                with open(f"build/log/two-engines-{world.seed}.yaml", "w") as out:
                    out.write(case + f"# the program: {theirs}\n")
        print(f"the same bounds in {len(worlds) - len(wrong)} of {len(worlds)} worlds, {open_rows} rows of them open")
        self.assertFalse(wrong)


if __name__ == "__main__":
    unittest.main()
