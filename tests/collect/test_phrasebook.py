#!/usr/bin/env python3
"""The site's own words: sessions that were stored without them and are named afterwards stand there as if the logs had
been collected with them; whatever phrases came before, and in one run or in two. Seen on the labs' logs, in all views,
with phrases drawn from what their servers refused without a measure."""
import csv
import hashlib
import io
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

LABS = "sample-logs/labs"
# Some two hundred runs; with sanitizers the same is done by tests/schemas/test_renaming.c.
MXREPLAY = os.environ.get("MXREPLAY_PLAIN", "build/plain/mxreplay")
VIEWS = ("v_session", "v_transaction", "v_recipient", "v_evidence", "v_attempt", "v_input", "v_skipped")
LOGS = {
    "opensmtpd": ["opensmtpd-filters/mail.log.gz"],
    "exim": ["exim-default/mainlog.gz", "exim-default/rejectlog.gz"],
    "sendmail": ["sendmail-loglevel14/mail.log.gz"],
    "postscreen": ["postfix-postscreen/mail.log"],
    "qmail": ["qmail-rblsmtpd/smtpd.current.gz"],
    "capture": ["postfix-smtpd/capture.pcap.xz"],
}
MEASURES = ("dnsbl", "early-talker", "recipient", "greylist", "spf", "no-rdns", "helo", "spam", "virus", "relay", "rate",
            "sender-domain", "pipelining", "other")


def mxreplay(*words, ok=True):
    done = subprocess.run([MXREPLAY, *words], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ok, (words, done.stderr)
    return done


def views(database):
    """All that the views hold, in any order."""
    db = sqlite3.connect(database)
    found = {}
    for view in VIEWS:
        names = [row[1] for row in db.execute("pragma table_info(%s)" % view) if row[1] != "collected"]
        rows = db.execute("select %s from %s" % (", ".join('"%s"' % name for name in names), view)).fetchall()
        found[view] = sorted(map(repr, rows))
    found["total"] = db.execute("select * from total").fetchall()
    pieces = db.execute("select bytes from unfinished join json_each(pieces) join kept on kept.id = value order by key")
    found["kept"] = hashlib.sha256(b"".join(row[0] for row in pieces)).hexdigest()
    found["unfinished"] = [row for row in db.execute("select session, late, sessions, transactions, recipients, messages, evidence from unfinished")]
    db.close()
    return found


def texts(database):
    db = sqlite3.connect(database)
    found = [row[0] for row in db.execute("select distinct text from v_session where measure = 'other' and text is not null")]
    db.close()
    return sorted(found)


def phrase(chance, text):
    """A pattern that fits the text, in whatever case, with stars where some of it was."""
    words = [word if chance.random() < 0.6 else "*" for word in re.split(r"\s+", text)]
    pattern = re.sub(r"\*( \*)+", "*", " ".join(words)).strip("* ")
    if len(re.sub(r"[* ]", "", pattern)) < 3:
        pattern = text
    pattern = "".join(c.upper() if chance.random() < 0.3 else c for c in pattern)
    measure = chance.choice(MEASURES)
    row = "- pattern: '%s'\n  measure: %s\n" % (pattern.replace("'", "''"), measure)
    return row + ("  zone: bl%d.example\n" % chance.randrange(3) if measure == "dnsbl" and chance.random() < 0.5 else "")


class Naming(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def same(self, one, other, what):
        for view, rows in views(one).items():
            expected = views(other)[view]
            if rows != expected:
                extra = [row for row in rows if row not in expected][:3]
                missing = [row for row in expected if row not in rows][:3]
                self.fail("%s: %s differs:\n%s\nnot\n%s" % (what, view, extra, missing))

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def test_afterwards_or_before(self):
        chance = random.Random(4)
        named = 0
        for lab, logs in LOGS.items():
            paths = [os.path.join(LABS, log) for log in logs]
            plain = self.path(lab + ".db")
            mxreplay("collect", "-q", "--year", "2026", "-d", plain, *paths)
            refused = texts(plain)
            self.assertTrue(refused, lab)
            later = shutil.copy(plain, self.path("later.db"))
            for round_ in range(2):
                file = self.write("phrases.yaml", "".join(
                    phrase(chance, chance.choice(refused)) for _ in range(chance.randrange(1, 2 + len(refused)))))
                fresh = self.path("fresh.db")
                mxreplay("collect", "-q", "--year", "2026", "-d", fresh, "--phrases", file, *paths)
                mxreplay("collect", "-q", "-d", later, "--phrases", file)
                self.same(later, fresh, "%s, round %d" % (lab, round_))
                mxreplay("check", "-q", "-d", later)
                mxreplay("check", "-q", "-d", fresh)
                db = sqlite3.connect(later)
                named += db.execute("select count(*) from reply where base is not null").fetchone()[0]
                db.close()
                os.remove(fresh)
            mxreplay("collect", "-q", "-d", later, "--phrases", self.write("none.yaml", "[]\n"))
            self.same(later, plain, lab + ", all taken back")
        self.assertGreater(named, 20)

    def test_what_is_open_when_named(self):
        """A log in two pieces, cut within sessions: named between them, what stood for the open sessions is taken back."""
        with open(os.path.join(LABS, "postfix-postscreen/mail.log"), "rb") as log:
            lines = log.readlines()
        file = self.write("phrases.yaml", "- { pattern: Message size exceeds, measure: spam }\n"
                                          "- { pattern: concurrency limit, measure: rate }\n"
                                          "- { pattern: too many conn, measure: dnsbl, zone: bl.example }\n")
        whole = self.path("mail.log")
        for cut in (len(lines) // 3, len(lines) // 2, 2 * len(lines) // 3):
            split, fresh = self.path("split.db"), self.path("fresh.db")
            with open(whole, "wb") as log:
                log.writelines(lines[:cut])
            mxreplay("collect", "-q", "--year", "2026", "-d", split, whole)
            mxreplay("collect", "-q", "-d", split, "--phrases", file)
            mxreplay("check", "-q", "-d", split)
            with open(whole, "ab") as log:
                log.writelines(lines[cut:])
            mxreplay("collect", "-q", "--year", "2026", "-d", split, whole)
            mxreplay("collect", "-q", "--year", "2026", "-d", fresh, "--phrases", file, whole)
            self.same(split, fresh, "cut at line %d" % cut)
            os.remove(split)
            os.remove(fresh)

    def test_filled_in(self):
        """What status --unnamed prints goes back into collect: filled in, left empty, and both."""
        chance = random.Random(5)
        for lab, logs in LOGS.items():
            database = self.path(lab + ".db")
            mxreplay("collect", "-q", "--year", "2026", "-d", database, *[os.path.join(LABS, log) for log in logs])
            told = mxreplay("status", "-d", database, "--unnamed")
            rows = json.loads(mxreplay("status", "-d", database, "--unnamed", "--format", "json").stdout)
            text = mxreplay("status", "-d", database, "--unnamed", "--format", "csv").stdout
            self.assertEqual([row["pattern"] for row in csv.DictReader(io.StringIO(text))], [row["pattern"] for row in rows])
            self.assertEqual(told.stdout.count("\n  measure:\n"), len(rows))
            self.assertEqual([row["count"] for row in rows], sorted((row["count"] for row in rows), reverse=True))
            db = sqlite3.connect(database)
            # a session's own refusal that no transaction has counts too
            refused = db.execute(
                "select (select count(*) from v_recipient where measure = 'other') + "
                "(select count(*) from v_transaction where measure = 'other') + "
                "(select count(*) from v_session s where measure = 'other' and transactions = 0)").fetchone()[0]
            self.assertGreaterEqual(sum(row["count"] for row in rows), refused)
            self.assertGreater(refused, 0)

            # Left as it is, nothing has a name.
            said = mxreplay("collect", "-d", database, "--phrases", self.write("p.yaml", told.stdout)).stderr
            self.assertIn("%d phrase%s no measure yet" % (len(rows), " has" if len(rows) == 1 else "s have"), said)
            # Some filled in: these are told as they hold, the others are asked for again.
            first = told.stdout.replace("\n  measure:\n", "\n  measure: spam\n", 1)
            mxreplay("collect", "-q", "-d", database, "--phrases", self.write("p.yaml", first))
            again = mxreplay("status", "-d", database, "--unnamed").stdout
            self.assertEqual(again.count("\n  measure: spam\n"), 1)
            self.assertLess(again.count("\n  measure:\n"), len(rows))
            # All of them, and none is left.
            filled = re.sub(r"(?m)^  measure:$", lambda _: "  measure: " + chance.choice(MEASURES), again)
            mxreplay("collect", "-q", "-d", database, "--phrases", self.write("p.yaml", filled))
            last = mxreplay("status", "-d", database, "--unnamed")
            self.assertNotIn("\n  measure:\n", last.stdout, lab)
            self.assertEqual(json.loads(mxreplay("status", "-d", database, "--unnamed", "--format", "json").stdout), [])
            # What holds is told so that it is the same file.
            said = mxreplay("collect", "-v", "-d", database, "--phrases", self.write("p.yaml", last.stdout)).stderr
            self.assertIn("the phrases are those that it has", said)
            db.close()

    def test_mistakes(self):
        database = self.path("none.db")
        self.assertIn("which log?", mxreplay("collect", "-d", database, ok=False).stderr)
        good = self.write("good.yaml", "- { pattern: go away, measure: spam }\n")
        self.assertIn("no such database", mxreplay("collect", "-d", database, "--phrases", good, ok=False).stderr)
        bad = self.write("bad.yaml", "- { pattern: go away, measure: spammy }\n")
        said = mxreplay("collect", "-d", database, "--phrases", bad, os.path.join(LABS, LOGS["qmail"][0]), ok=False).stderr
        self.assertIn('bad.yaml:1:32: measure: "spammy" is not among its words; did you mean spam?', said)
        self.assertFalse(os.path.exists(database))
        self.assertIn("tables of their own", mxreplay("status", "--unnamed", "--skipped", ok=False).stderr)


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    sys.exit(not unittest.main(exit=False, verbosity=0).result.wasSuccessful())
