#!/usr/bin/env python3
"""Two policies and one hidden truth: clients meet policy A, which makes a censored record; the same clients meet B and
C. What becomes of each unit under B and under C, as a pair, must lie inside the bounds that a comparison of B and C on
A's record gives, and so must how many more C stops. The pairs' bounds must not be wider than they need be where the
two policies do the same. The simulator (server.py, clients.py, truth.py) knows nothing of the program.

WORLDS=n says how many worlds (120), SEED=n where they begin (1). A world that fails is written to build/log."""
import collections
import os
import random
import unittest

from clients import crowd, population
from policies import MEASURES, random_policy, random_rule
from runner import tell
from server import Policy, Rule, flow
from truth import Truth, by_attempt, record

WORLDS, SEED = int(os.environ.get("WORLDS", 120)), int(os.environ.get("SEED", 1))
DAY = 86400


def variant(rng, policy, tight):
    """The same policy but for a little: a rule left out or added, a parameter, the order."""
    rules = [Rule(rule.measure, **rule.parameters) for rule in policy.rules]
    delay_reject = policy.delay_reject
    what = rng.choice(["nothing", "add", "add", "add", "drop", "parameters", "order", "delay"])
    if what == "add":
        new = rng.choice([m for m in MEASURES if m not in [rule.measure for rule in rules]])
        rules.insert(rng.randrange(len(rules) + 1), random_rule(rng, new, tight))
    if what == "drop" and len(rules) > 1:
        rules.pop(rng.randrange(len(rules)))
    if what == "parameters":
        k = rng.randrange(len(rules))
        rules[k] = random_rule(rng, rules[k].measure, tight)
    if what == "order":
        rng.shuffle(rules)
    if what == "delay":
        delay_reject = not delay_reject
    return Policy([Rule(rule.measure, **rule.parameters) for rule in rules], delay_reject, policy.exempt)


class World:
    def __init__(self, seed):
        rng = random.Random(seed)
        self.seed, large = seed, seed % 4 == 0
        messages = population(seed, rng.randrange(100, 300), rng.choice([3, 10])) if large else crowd(seed)
        self.ends = max(message.attempts[0][0] for message in messages) + rng.choice([0, 3600, DAY, 60 * DAY, 60 * DAY])
        self.a = random_policy(rng, not large)
        self.b = self.a if rng.random() < 0.2 else random_policy(rng, not large)
        self.c = random_policy(rng, not large) if rng.random() < 0.25 else variant(rng, self.b, not large)
        self.known = rng.random() < 0.85
        self.recorded, self.lines = record(messages, self.a, rng, self.ends, rng.choice([0, 0.3, 0.7, 1]))
        pairs = lambda way: list(zip(way(self.b), way(self.c)))
        self.truth = {"delivery": pairs(lambda policy: Truth(self.recorded, policy, self.ends).run()),
                      "session": pairs(lambda policy: by_attempt(self.recorded, policy))}

    def case(self, unit):
        text = [f"- name: {self.seed} {unit}", f"  unit: {unit}",
                f"  in_force: {self.a.yaml() if self.known else '[]'}", f"  record_ends: {self.ends}s", "  sessions:"]
        text += [f"    - {flow(line)}" for line in self.lines]
        text += [f"  policy: {self.b.yaml()}", f"  against: {self.c.yaml()}", "  expect: {}", ""]
        return "\n".join(text)


class TwoPolicies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worlds = [world for world in map(World, range(SEED, SEED + WORLDS)) if world.recorded]
        cls.found = tell("".join(world.case(unit) for world in cls.worlds for unit in ("delivery", "session")))

    def check(self, unit):
        wrong, open_nets, narrow = {}, 0, 0
        for world in self.worlds:
            rows, truth = self.found[f"{world.seed} {unit}"], world.truth[unit]
            counts = collections.Counter(f"{b}>{c}" for b, c in truth)
            more = sum(c != "accepted" for _, c in truth) - sum(b != "accepted" for b, _ in truth)
            told = wrong.setdefault(world.seed, [])
            for pair in (rows.keys() | counts.keys()) - {"more"}:
                _, low, high, _ = rows.get(pair, (0, 0, 0, ""))
                if not low <= counts[pair] <= high:
                    told.append(f"{pair} {counts[pair]} is not in [{low}, {high}]")
            _, low, high, _ = rows["more"]
            if not low <= more <= high:
                told.append(f"more {more} is not in [{low}, {high}]")
            open_nets += low < high
            narrow += low == high
            if told:
                with open(f"build/log/two-policies-{world.seed}-{unit}.yaml", "w") as out:
                    out.write(world.case(unit) + "".join(f"# {line}\n" for line in told))
        failed = {seed: told for seed, told in wrong.items() if told}
        print(f"by {unit}: the truth is inside in {len(wrong) - len(failed)} of {len(wrong)} worlds; "
              f"the difference is exact in {narrow}, open in {open_nets}")
        self.assertFalse(failed)
        self.assertTrue(open_nets and narrow)

    def test_deliveries(self):
        self.check("delivery")

    def test_sessions(self):
        self.check("session")


if __name__ == "__main__":
    unittest.main()
