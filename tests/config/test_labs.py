#!/usr/bin/env python3
"""What a lab's own main.cf and master.cf say, imported, stored with its log as what was enforced, and replayed under
another name, is the record: by session and by recipient, measure by measure."""
import collections
import csv
import io
import os
import subprocess
import sys
import tempfile
import unittest

MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
LABS = "sample-logs/labs"
STOCK = "--delay=15 --lookup-by-host --auto-whitelist-clients=5"
ADAPTIVE = "--delay=15 --auto-whitelist-clients=3"


def run(*command):
    done = subprocess.run([MXREPLAY, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError("%s: %s" % (command, done.stderr))
    return done.stdout


class Labs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def imported(self, lab, postgrey, change=None):
        files = [os.path.join(LABS, lab, name) for name in ("main.cf", "master.cf")]
        text = run("policy", "import", "-q", *files, "--postgrey", postgrey)
        if change:
            self.assertIn(change[0], text)
            text = text.replace(*change)
        for name in ("postfix", "another"):
            with open(self.path(name + ".yaml"), "w", encoding="utf-8") as policy:
                policy.write(text.replace("policy: postfix\n", "policy: %s\n" % name))
        run("collect", "-q", "-d", self.path("t.db"), "--recorded", self.path("postfix.yaml"),
            os.path.join(LABS, lab, "mail.log"))

    def rows(self, policy, unit):
        """Measure: (count, low, high), rules of one measure together: the record does not tell them apart."""
        rows = collections.defaultdict(lambda: (0, 0, 0))
        text = run("replay", "-q", "-d", self.path("t.db"), "-p", policy, "--unit", unit, "--format", "csv")
        for row in csv.DictReader(io.StringIO(text)):
            name = row["measure"]
            for kind in ("dnsbl", "helo", "pipelining"):
                name = kind if name.startswith(kind + "-") else name
            rows[name] = tuple(old + int(row[key]) for old, key in zip(rows[name], ("count", "low", "high")))
        return {name: row for name, row in rows.items() if row != (0, 0, 0)}

    def hold(self):
        for unit in ("session", "recipient"):
            record = self.rows("recorded", unit)
            self.assertGreater(len(record), 7)
            self.assertEqual(self.rows(self.path("another.yaml"), unit), record)

    def test_smtpd(self):
        self.imported("postfix-smtpd", STOCK)
        self.hold()

    def test_greylist(self):
        """postgrey was changed to count a client each 3 minutes, which no option tells (the lab's README.md)."""
        self.imported("postfix-greylist", ADAPTIVE, ("      yields: true\n", "      auto-interval: 3m\n      yields: true\n"))
        self.hold()

    def test_postscreen(self):
        self.imported("postfix-postscreen", STOCK)
        self.hold()


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    sys.exit(not unittest.main(exit=False, verbosity=0).result.wasSuccessful())
