#!/usr/bin/env python3
"""The talk's sample: its replay gives the talk's table to the last digit, and the table of any other totals."""
import csv
import gzip
import io
import os
import random
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = os.path.join(HERE, "..", "..", "sample-logs", "talk-2009")
MXREPLAY = os.environ.get("MXREPLAY", "./mxreplay")
ROWS = ["no-rdns", "dnsbl", "early-talker", "greylist", "accepted"]


def percent(count, of):
    """Two digits, rounded half away from zero from the exact ratio."""
    return "%.2f" % float(Fraction(int(Fraction(count * 10000, of) + Fraction(1, 2)), 100)) if of else "0.00"


class Talk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def in_folder(self, name):
        return os.path.join(self.folder.name, name)

    def mxreplay(self, *arguments):
        done = subprocess.run([MXREPLAY, *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, "%s: %s" % (" ".join(arguments), done.stderr))
        return done.stdout

    def generate(self, *arguments):
        subprocess.run([sys.executable, os.path.join(SAMPLE, "generate.py"), "-o", self.folder.name, *map(str, arguments)],
                       check=True)

    def table(self, log):
        database = self.in_folder("t.db")
        self.mxreplay("collect", "-q", "-d", database, "--recorded", "talk-2009", log)
        return database, list(csv.DictReader(io.StringIO(
            self.mxreplay("replay", "-q", "-d", database, "-p", "talk-2009", "--format", "csv"))))

    def expect(self, rows, totals, basis="exact"):
        self.assertEqual([(r["measure"], r["count"], r["low"], r["high"], r["percent"], r["basis"]) for r in rows],
                         [(row, str(n), str(n), str(n), percent(n, sum(totals)), basis)
                          for row, n in zip(ROWS, totals)])

    def test_the_talks_table(self):
        database, rows = self.table(os.path.join(SAMPLE, "mail.log.gz"))
        self.expect(rows, [3424, 6210, 1, 197, 206])
        self.assertEqual([r["percent"] for r in rows], ["34.11", "61.86", "0.01", "1.96", "2.05"])
        self.assertEqual([r["title"] for r in rows], ["No reverse DNS", "Listed in chosen RBLs", "Early talkers",
                                                      "Greylisted: didn't resend", "Accepted"])
        # What the server did is the same, told by the record alone.
        self.expect(list(csv.DictReader(io.StringIO(self.mxreplay(
            "replay", "-q", "-d", database, "-p", "recorded", "--format", "csv")))), [3424, 6210, 1, 197, 206])

    def test_deliveries_by_day(self):
        database, _ = self.table(os.path.join(SAMPLE, "mail.log.gz"))
        with gzip.open(os.path.join(SAMPLE, "truth.tsv.gz"), "rt") as truth:
            expected = Counter((r["first"][:10], r["verdict"])
                               for r in csv.DictReader(truth, delimiter="\t", quoting=csv.QUOTE_NONE))
        days = {day for day, _ in expected}
        for day in sorted(days)[::6]:
            end = "%s-%02d" % (day[:7], int(day[8:]) + 1) if day[8:] != "31" else "2009-11-01"
            rows = csv.DictReader(io.StringIO(self.mxreplay("replay", "-q", "-d", database, "-p", "talk-2009",
                                                            "--from", day, "--to", end, "--format", "csv")))
            self.assertEqual({r["measure"]: int(r["count"]) for r in rows}, {row: expected[day, row] for row in ROWS}, day)

    def test_sample_is_what_the_generator_writes(self):
        self.generate()
        for name in ("mail.log.gz", "truth.tsv.gz"):
            with gzip.open(self.in_folder(name)) as made, gzip.open(os.path.join(SAMPLE, name)) as kept:
                self.assertEqual(made.read(), kept.read(), name)

    def test_twenty_other_totals(self):
        rng = random.Random(20)
        sets = [[0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [7, 0, 0, 0, 60]]
        while len(sets) < 20:
            sets.append([rng.choice([0, rng.randint(1, 30), rng.randint(1, 300)]) for _ in ROWS])
        for seed, totals in enumerate(sets):
            with self.subTest(totals=totals, seed=seed):
                self.generate("--seed", seed, *totals)
                database, rows = self.table(self.in_folder("mail.log.gz"))
                os.remove(database)
                self.expect(rows, totals)


if __name__ == "__main__":
    unittest.main()
