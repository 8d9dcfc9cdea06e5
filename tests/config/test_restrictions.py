#!/usr/bin/env python3
"""Every restriction of postconf(5) is in the imported policy or named: none is passed over in silence, however a
configuration was cut to pieces. What is expected is worked out here from the text alone."""
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
