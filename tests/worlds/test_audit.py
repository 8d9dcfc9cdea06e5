#!/usr/bin/env python3
"""An audit on random worlds: labels by section 7 of the law as it is written, outcomes as law.py walks them, counted here a
second time. The program must count the same.

WORLDS=n says how many (300), SEED=n where they begin (1)."""
import os
import unittest

from law import Law
from runner import audit
from server import STAGES
from test_two_engines import World

WORLDS, SEED = int(os.environ.get("WORLDS", 300)), int(os.environ.get("SEED", 1))
HARMS = ["told", "late", "lost"]
LABELS = ["none", "wanted", "unwanted", "presumed"]
# What there is to go by in these worlds, strongest first: the sign, its label, the measure that it rests on.
SIGNS = [("score", "unwanted", "spam"), ("dictionary", "unwanted", "dictionary"), ("accepted", "presumed", None)]
WINDOW, LIMIT = 600, 5  # dictionary's


class Watched(Law):
    """Remembers what may stop each attempt."""

    def __init__(self, *arguments):
        self.stopped, self.alive = {}, {}
        super().__init__(*arguments)

    def walk_chain(self, attempt, alive, outcome):
        self.alive[attempt] = alive != "ended"
        return super().walk_chain(attempt, alive, outcome)

    def pass_rules(self, attempt, certain):
        passage = super().pass_rules(attempt, certain)
        self.stopped[attempt] = ({rule.name for rule in passage.stopped}, passage.possible)
        return passage


def dictionary_clients(attempts):
    """Addresses whose invalid recipient is the fifth of their network in ten minutes, or that were refused for it."""
    clients = {a.ip for a in attempts if a.named == "dictionary"}
    misses = sorted((a.net, a.at, a.number, a.ip) for a in attempts
                    if a.recipient is not None and (a.valid is False or a.named == "recipient"))
    for i, (net, at, _, ip) in enumerate(misses):
        if sum(1 for other in misses[:i + 1] if other[0] == net and at - WINDOW < other[1]) >= LIMIT:
            clients.add(ip)
    return clients


def label_of(signs, judged):
    for sign, label, measure in SIGNS:
        if sign in signs and not (measure and measure == judged):
            return label
    return "none"


def harms_of(law, rules, chain, outcome):
    """Whether its sender is told (5xx), or it comes late, is lost, or suffers nothing: all that may be."""
    harms = set()
    chain = [a for a in chain if law.alive[a]]
    stopped = [law.stopped.get(a, (set(), False)) for a in chain]
    put_off = any(law.puts_off(rules[name], a) for a, (names, _) in zip(chain, stopped) for name in names)
    for what in outcome:
        if what in rules:
            at = [a for a, (names, _) in zip(chain, stopped) if what in names] or [chain[-1]]
            harms |= {"lost" if law.puts_off(rules[what], a) else "told" for a in at}
        else:
            harms |= {"late"} if put_off else set()
            harms |= {"none"} if stopped[0][1] or not put_off else set()
    return harms


def expected(world):
    law = Watched(world.sessions, world.in_force, world.policy, "delivery", world.ends)
    sets = law.deliveries()
    heads = [a for a in law.attempts if a.before is None]
    clients = dictionary_clients(law.attempts)
    order = [rule.name for rule in sorted(world.policy.rules, key=lambda rule: STAGES.index(rule.acts))]
    rules = {rule.name: rule for rule in world.policy.rules}
    whole = [0, 0]
    labels = {label: [0] * 8 for label in LABELS}
    measures = {name: [0] * 6 for name in rules}
    for head, outcome in zip(heads, sets):
        chain = [head]
        while chain[-1].after:
            chain.append(chain[-1].after)
        whole[0] += 1
        whole[1] += chain[-1].answer == "accepted"
        signs = set()
        for a in chain:
            signs |= {"score"} if a.named == "spam" else set()
            signs |= {"dictionary"} if a.ip in clients else set()
            signs |= {"accepted"} if a.answer == "accepted" else set()
        by = None
        for a in chain:
            stopped = law.stopped[a][0] if law.alive[a] else set()
            if stopped:
                by = next(name for name in order if name in stopped)
                break
        for name, counts in measures.items():
            label = label_of(signs, rules[name].measure)
            if label != "none":
                at = LABELS.index(label) * 2 - 2
                counts[at] += outcome == {name}
                counts[at + 1] += name in outcome
        count = labels[label_of(signs, rules[by].measure if by else None)]
        count[0] += 1
        if by is None:
            continue
        harms = harms_of(law, rules, chain, outcome)
        count[1] += outcome <= set(rules)
        count[2] += bool(outcome & set(rules))
        count[3] += harms == {"late"}
        count[4] += "late" in harms
        if len(harms) == 1 and harms != {"none"}:
            count[5 + HARMS.index(*harms)] += 1
    return {"": whole} | labels | measures


class Audit(unittest.TestCase):
    def test_same_counts(self):
        worlds = [world for world in map(World, range(SEED, SEED + WORLDS)) if world.sessions]
        for world in worlds:
            world.unit = "delivery"
        told = audit("".join(world.case({}) for world in worlds))
        late = unwanted = presumed = 0
        for world in worlds:
            counts = expected(world)
            self.assertEqual(told[f"world {world.seed}"], counts, f"world {world.seed}")
            late += counts["presumed"][4]
            unwanted += counts["unwanted"][0]
            presumed += counts["presumed"][0]
        print(f"the same in {len(worlds)} worlds: {presumed} presumed wanted, {late} of them late, {unwanted} unwanted")
        self.assertTrue(late and unwanted and presumed)


if __name__ == "__main__":
    unittest.main()
