#!/usr/bin/env python3
"""The overlap of measures on random worlds: law.py replays each measure (and each zone) of a policy alone, slowly; from who
is hit by whom follow hits, unique hits, marginal gains and Shapley shares by their definitions, over all orders and all that
the unknown may come to. The program must find the same.

WORLDS=n says how many (150), SEED=n where they begin (1)."""
import itertools
import math
import os
import unittest

from law import Law
from runner import overlap
from server import STAGES, Policy, Rule, flow
from test_two_engines import World

WORLDS, SEED = int(os.environ.get("WORLDS", 150)), int(os.environ.get("SEED", 1))


def verdicts(world, rule):
    """Of each unit whether this rule alone stops it: True, False or None."""
    policy = Policy([rule], world.policy.delay_reject, world.policy.exempt)
    law = Law(world.sessions, world.in_force, policy, world.unit, world.ends)
    units = law.deliveries() if law.by_delivery else law.sessions() if world.unit == "session" else law.attempt_sets()
    return [True if unit == {rule.name} else None if rule.name in unit else False for unit in units]


def coverage(hit):
    return int(bool(hit))


def shares(members, hit, value):
    """Of one unit that exactly `hit` hit: {member: (hits, unique, marginal, shapley)} and what they all stop."""
    found = {}
    for i, m in enumerate(members):
        before = frozenset(members[:i]) & hit
        shapley = 0
        others = [o for o in hit if o != m]
        for n in range(len(others) + 1):
            for some in itertools.combinations(others, n):
                gain = value(frozenset(some) | (hit & {m})) - value(frozenset(some))
                shapley += gain / math.comb(len(others), n) / (len(others) + 1)
        found[m] = (int(m in hit), value(hit) - value(hit - {m}), value(before | (hit & {m})) - value(before), shapley)
    return found, value(hit) - value(frozenset())


def completions(hit, unknown):
    for n in range(len(unknown) + 1):
        for some in itertools.combinations(sorted(unknown), n):
            yield hit | frozenset(some)


def too_little_known(members, told):
    """Those that are compared with none: whoever is unknown most often (the last of such), until of half of the units all
    is known of the others, or one is left."""
    apart, units = set(), len(told[members[0]]) if members else 0
    while len(members) - len(apart) > 1:
        rest = [m for m in members if m not in apart]
        unknown = {m: sum(v is None for v in told[m]) for m in rest}
        if 2 * sum(any(told[m][unit] is None for m in rest) for unit in range(units)) <= units:
            break
        apart.add(max(rest, key=lambda m: (unknown[m], members.index(m))))
    return apart


def group(members, told, value):
    """The same as the program tells it. Of whom nothing is known is left out."""
    members = [m for m in members if any(v is not None for v in told[m]) or not told[m]]
    apart = too_little_known(members, told)
    zero = lambda: [0, 0, 0]
    found = {m: {"hits": zero(), "unique": zero(), "marginal": zero(), "shapley": zero()} for m in members}
    all_of = {"known": 0, "left": 0, "whole": zero()}
    for unit in range(len(next(iter(told.values())))):
        hit = frozenset(m for m in members if told[m][unit])
        unknown = {m for m in members if told[m][unit] is None}
        known = not unknown - apart
        all_of["known" if known else "left"] += 1
        if known:
            of_the_others = shares(members, hit - apart, value)
            all_of["whole"][0] += of_the_others[1]
        cases = [shares(members, one, value) for one in completions(hit, unknown)]
        for m in members:
            for i, what in enumerate(("hits", "unique", "marginal", "shapley")):
                values = [case[0][m][i] for case in cases]
                found[m][what][0] += of_the_others[0][m][i] if known else 0
                found[m][what][1] += min(values)
                found[m][what][2] += max(values)
        values = [case[1] for case in cases]
        all_of["whole"][1] += min(values)
        all_of["whole"][2] += max(values)
    return all_of, found, len(apart)


def weighted(weights, threshold):
    return lambda hit: int(sum(weights[m] for m in hit) >= threshold)


def in_order(policy):
    return sorted(policy.rules, key=lambda rule: STAGES.index(rule.acts))


def expected(world):
    groups = {}
    told = {rule.name: verdicts(world, rule) for rule in world.policy.rules}
    groups["measures"] = group([rule.name for rule in in_order(world.policy)], told, coverage)
    for rule in world.policy.rules:
        zones = rule.parameters.get("zones", {}) if rule.measure == "dnsbl" else {}
        if len(zones) < 2:
            continue
        told = {}
        for zone in zones:
            own = {k: v for k, v in rule.parameters.items() if k not in ("threshold", "remember")}
            one = Rule("dnsbl", **dict(own, zones={zone: 1}))
            told[zone] = verdicts(world, one)
        groups[rule.name] = group(list(zones), told, weighted(zones, rule.parameters.get("threshold", 1)))
    return groups


def same(found, wanted):
    return all(abs(a - b) < 1e-4 for a, b in zip(found, wanted))


class Overlap(unittest.TestCase):
    def test_same_shares(self):
        worlds = [world for world in map(World, range(SEED, SEED + WORLDS)) if world.sessions]
        told = overlap("".join(world.case({}) for world in worlds))
        checked = members = unknown = zones = apart = 0
        for world in worlds:
            for name, (all_of, found, alone) in expected(world).items():
                own = told[f"world {world.seed}", name]
                whole, what = own.pop(""), f"world {world.seed} {name}: {flow(own)}"
                self.assertEqual((whole["known"], whole["left"]), (all_of["known"], all_of["left"]), what)
                self.assertTrue(same(whole["whole"], all_of["whole"]), what)
                self.assertEqual(list(own), list(found), what)
                for member, counts in found.items():
                    for kind, values in counts.items():
                        self.assertTrue(same(own[member][kind], values), f"{what}: {member} {kind} {values}")
                self.assertAlmostEqual(sum(one["shapley"][0] for one in own.values()), whole["whole"][0], 3)
                checked, members, unknown = checked + 1, members + len(own), unknown + whole["left"]
                zones, apart = zones + (name != "measures"), apart + alone
        print(f"the same in {checked} overlaps ({zones} of zones) of {members} members, {apart} of them compared with none, "
              f"{unknown} units not all known")
        self.assertTrue(zones and unknown and apart)


if __name__ == "__main__":
    unittest.main()
