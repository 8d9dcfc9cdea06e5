#!/usr/bin/env python3
"""mxreplay audit: what it promises holds. The exemptions that it prints, pasted into the policy, cure what was said; what it
asks to be labelled is taken back, each row once, whatever strangers wrote; labels and labels' measures count as they should."""
import csv
import io
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
MXREPLAY = os.environ["MXREPLAY"]
LABS = HERE.parent.parent / "sample-logs/labs"

POLICY = """policy: wait
exempt:
  authenticated: true
  networks: [203.0.113.0/24]
measures:
  - no-rdns: {}
  - dnsbl: { zones: { zen.example: 1 } }
  - greylist: { delay: 20m }
"""


class Base(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.database = f"{self.folder}/db"

    def tearDown(self):
        self.temporary.cleanup()

    def run_it(self, *words, status=0):
        done = subprocess.run([MXREPLAY, *words, "-d", self.database], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", newline="") as out:
            out.write(text)
        return path

    def audit(self, policy, *more):
        path = self.write("policy.yaml", policy)
        return json.loads(self.run_it("audit", "-q", "-p", path, "--format", "json", *more))

    def ask(self, query):
        with sqlite3.connect(self.database) as connection:
            return connection.execute(query).fetchall()

    def collect(self, sessions):
        """A Postfix log: (seconds, client, name, sender, recipient, reply) each, reply None where it was accepted."""
        lines = []

        def line(at, program, text):
            hours, rest = divmod(at, 3600)
            day, hour = divmod(hours, 24)
            lines.append((at, len(lines), f"2026-11-{day + 1:02}T{hour:02}:{rest // 60:02}:{rest % 60:02}.000000+00:00 mx "
                                          f"postfix/{program}: {text}"))

        for i, (at, client, name, sender, recipient, reply) in enumerate(sessions):
            smtpd, who = f"smtpd[{1000 + i}]", f"{name}[{client}]"
            line(at, smtpd, f"connect from {who}")
            if reply:
                line(at, smtpd, f"NOQUEUE: reject: RCPT from {who}: {reply} from=<{sender}> to=<{recipient}> proto=ESMTP "
                                f"helo=<{name}>")
                line(at, smtpd, f"disconnect from {who} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4")
                continue
            queue = f"{i:05X}ABCDE"
            line(at, smtpd, f"{queue}: client={who}")
            line(at, "cleanup[2]", f"{queue}: message-id=<m{i}@{name}>")
            line(at, "qmgr[3]", f"{queue}: from=<{sender}>, size=1000, nrcpt=1 (queue active)")
            line(at, "local[4]", f"{queue}: to=<{recipient}>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, "
                                 f"status=sent (delivered to mailbox)")
            line(at, "qmgr[3]", f"{queue}: removed")
            line(at, smtpd, f"disconnect from {who} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5")
        lines.sort()
        self.run_it("collect", "-q", self.write("mail.log", "".join(text + "\n" for _, _, text in lines)))


# What tells who is wanted here is what the measure itself says.
SPAM = """policy: spam
measures: [ spam: { score: 3 }, virus: {}, dictionary: {} ]
"""


def crowd(seed):
    """Mail from a few networks, domains and to a few recipients: some comes once, some comes back."""
    rng = random.Random(seed)
    sessions = []
    for _ in range(rng.choice([5, 20, 60])):
        at = rng.randrange(20 * 86400)
        net, host = rng.randrange(4), rng.randrange(3)
        client, name = f"192.0.2.{host + 1}" if net == 0 else f"198.51.{net}.{host + 1}", f"h{host}.n{net}.example"
        if rng.random() < 0.3:
            name = "unknown"
        sender = f"s{rng.randrange(3)}@d{rng.randrange(6)}.example"
        recipient = f"r{rng.randrange(4)}@ours.example"
        put_off = f"450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted;"
        if rng.random() < 0.5:
            sessions.append((at, client, name, sender, recipient, None))
            continue
        for _ in range(rng.randrange(1, 4)):
            sessions.append((at, client, name, sender, recipient, put_off))
            at += rng.choice([300, 900, 1500, 4000])
        if rng.random() < 0.6:
            sessions.append((at, client, name, sender, recipient, None))
    return sessions


def pasted(policy, block):
    """The policy with another `exempt:`."""
    return re.sub(r"^exempt:\n( .*\n)+", "", policy, flags=re.M).replace("measures:", block + "measures:", 1)


class Exemptions(Base):
    def test_pasted_they_cure_what_was_promised(self):
        tried = 0
        for seed in range(6):
            self.database = f"{self.folder}/db{seed}"
            self.collect(crowd(seed))
            for most, policy in ((2, POLICY), (10, POLICY), (3, re.sub(r"^exempt:\n( .*\n)+", "", POLICY, flags=re.M))):
                before = self.audit(policy, "--exemptions", str(most), "--lets-by", "3", "--most", "0")
                told = before["exemptions"]
                harmed = sum(before[harm] for harm in ("told", "late", "lost"))
                self.assertEqual((told["hurt"], told["hurt"] + told["possible"]),
                                 (before["certain"], harmed + before["possible"]))
                self.assertLessEqual(len(told["chosen"]), most)
                # each is chosen for more than what comes after it, what is certain first
                gains = [(one["cures"], one["settles"]) for one in told["chosen"]]
                self.assertEqual(gains, sorted(gains, reverse=True))
                for one in told["chosen"]:
                    self.assertGreater(one["cures"] + one["settles"], 0)
                if not told["chosen"]:
                    continue
                after = self.audit(pasted(policy, told["yaml"]), "--most", "0")
                gone = harmed + before["possible"] - sum(after[harm] for harm in ("told", "late", "lost", "possible"))
                self.assertGreaterEqual(told["cured"] + told["settled"], gone)
                # nobody is hurt by them here: what is gone is what was promised
                self.assertEqual(told["cured"] + told["settled"], gone)
                self.assertEqual(told["cured"], sum(one["cures"] for one in told["chosen"]))
                tried += 1
        self.assertGreater(tried, 6)

    def test_what_was_exempt_stays(self):
        self.collect(crowd(3))
        block = self.audit(POLICY, "--lets-by", "9")["exemptions"]["yaml"]
        self.assertIn("authenticated: true", block)
        self.assertIn("203.0.113.0/24", block)


class Review(Base):
    HOSTILE = ["=cmd|'/C calc'!A0@x.example", "+1@x.example", "-1@x.example", "'=a@x.example", "a,b@x.example", "a;b@x.example",
               "a #b@x.example", "ann@x.example"]

    def test_round_trip(self):
        """A row for each session; what is filled in is taken back, and changes what is counted."""
        self.collect([(60 * i, f"198.51.100.{i + 1}", f"h{i}.example", sender, "u@ours.example", None)
                      for i, sender in enumerate(self.HOSTILE)])
        path = self.write("policy.yaml", "policy: one\nmeasures: [ greylist: { delay: 5m } ]\n")
        review = f"{self.folder}/review.csv"
        self.run_it("audit", "-q", "-p", path, "--review", review)
        with open(review, newline="") as rows:
            table = list(csv.reader(rows))
        head, rows = table[0], table[1:]
        self.assertEqual(head[:3], ["session", "label", "by"])
        sessions = [row[0] for row in rows]
        self.assertEqual(sorted(map(int, sessions)), [one for one, in self.ask("SELECT id FROM v_session ORDER BY 1")])
        for row in rows:
            for cell in row:
                self.assertFalse(cell[:1] in tuple("=+-@\t\r"), cell)
        # what a spreadsheet does: all columns are written again, some labels are filled in
        for i, row in enumerate(rows):
            row[1], row[2] = ("wanted", "ann", ) if i % 3 == 0 else ("unwanted", "=bob") if i % 3 == 1 else ("", "")
        for separator, ends, mark in ((",", "\n", ""), (";", "\r\n", "\ufeff")):
            out = self.write("labelled.csv", mark)
            with open(out, "a", newline="", encoding="utf-8") as to:
                writer = csv.writer(to, delimiter=separator, lineterminator=ends)
                writer.writerows([head] + rows)
            self.run_it("enrich", "-q", "--labels", out)
            found = self.ask("SELECT session_id, state, detail FROM v_evidence WHERE kind = 'label' ORDER BY 1")
            expected = sorted((int(row[0]), int(row[1] == "wanted"), row[2]) for row in rows if row[1])
            self.assertEqual(found, expected)  # each row once, again too
        labels = self.audit("policy: one\nmeasures: [ greylist: { delay: 5m } ]\n")["labels"]
        counts = {name: labels[name]["deliveries"] for name in labels}
        self.assertEqual(counts, {"wanted": 3, "unwanted": 3, "presumed": 2, "none": 0})

    def test_senders_as_keys(self):
        """Keys that strangers wrote come back byte by byte, whatever was put before them for the spreadsheet."""
        self.collect([(60 * i, f"198.51.100.{i + 1}", f"h{i}.example", sender, "u@ours.example", None)
                      for i, sender in enumerate(self.HOSTILE)])
        review = f"{self.folder}/review.csv"
        path = self.write("policy.yaml", "policy: one\nmeasures: [ greylist: { delay: 5m } ]\n")
        self.run_it("audit", "-q", "-p", path, "--review", review)
        with open(review, newline="") as rows:
            senders = [row["sender"] for row in csv.DictReader(rows)]
        with open(f"{self.folder}/by_sender.csv", "w", newline="") as to:
            csv.writer(to).writerows([["sender", "label"]] + [[sender, "wanted"] for sender in senders])
        self.run_it("enrich", "-q", "--labels", f"{self.folder}/by_sender.csv")
        known = {name for name, in self.ask("SELECT DISTINCT mail_from FROM v_transaction")}
        self.assertEqual(known, set(self.HOSTILE))
        labelled = self.ask("SELECT count(*) FROM v_evidence WHERE kind = 'label' AND state = 1")
        self.assertEqual(labelled, [(len(self.HOSTILE),)])


class Labels(Base):
    def test_rates_by_hand(self):
        """Ten wanted deliveries, of which a list stops two: 20 %, for certain, and 2.5 to 55.6 % 95 times in a hundred."""
        refused = "554 5.7.1 Service unavailable; Client host [198.51.100.9] blocked using zen.example;"
        self.collect([(600 * i, f"198.51.100.{i + 1}", f"h{i}.example", f"s{i}@x.example", "u@ours.example",
                       refused.replace(".9]", f".{i + 1}]") if i < 2 else None) for i in range(10)])
        self.run_it("enrich", "-q", "--labels", self.write("l", "".join(f"s{i}@x.example wanted\n" for i in range(10))))
        told = self.audit("policy: one\nmeasures: [ dnsbl: { zones: { zen.example: 1 } } ]\n")
        wanted = told["labels"]["wanted"]
        self.assertEqual((wanted["deliveries"], wanted["stopped_low"], wanted["stopped_high"], wanted["told"]), (10, 2, 2, 2))
        # scipy: binomtest(2, 10).proportion_ci(0.95, "exact")
        self.assertAlmostEqual(wanted["interval_low"], 0.025211, 5)
        self.assertAlmostEqual(wanted["interval_high"], 0.556095, 5)
        [measure] = told["measures"]
        self.assertEqual((measure["wanted"], measure["unwanted"], measure["precision"]), (2, 0, 0))
        self.assertIsNone(measure["recall"])
        self.assertEqual(told["domains"][0]["told"], 2)

    def test_parts(self):
        self.collect(crowd(1))
        path = self.write("policy.yaml", POLICY)
        for part in ("all", "hurt", "rates", "measures", "delays", "gone", "exemptions"):
            for form in ("table", "markdown", "csv", "json"):
                self.assertTrue(self.run_it("audit", "-q", "-p", path, "--show", part, "--format", form))
        for by in ("domain", "recipient", "asn", "network"):
            head = self.run_it("audit", "-q", "-p", path, "--by", by, "--format", "csv").splitlines()[0]
            self.assertEqual(head, f"{by},told,late,lost,possible,measure,sessions")

    def test_the_sweep_says_the_same(self):
        """Of the same policy: told, late and lost, and how much may come late, by label."""
        seen = 0
        for log in ("postfix-greylist/mail.log", "opensmtpd-filters/mail.log.gz", "exim-default/mainlog.gz"):
            self.database = f"{self.folder}/{log.split('/')[0]}"
            self.run_it("collect", "-q", os.path.join(LABS, log))
            for policy in ("strict", "postfix-typical", self.write("spam.yaml", SPAM)):
                labels = json.loads(self.run_it("audit", "-q", "-p", policy, "--format", "json"))["labels"]
                vary = "spam=on" if policy.endswith("spam.yaml") else "greylist.delay=5m"
                row = next(csv.DictReader(io.StringIO(
                    self.run_it("sweep", "-q", "-p", policy, "--vary", vary, "--format", "csv"))))
                for label in ("wanted", "presumed"):
                    for harm in ("told", "late", "lost"):
                        self.assertEqual(labels[label][harm], int(row[f"{label}_{harm}.low"]), (log, policy, label, harm))
                        seen += labels[label][harm]
                    self.assertEqual(labels[label]["late_high"], int(row[f"{label}_late.high"]), (log, policy, label))
        self.assertGreater(seen, 100)


if __name__ == "__main__":
    unittest.main()
