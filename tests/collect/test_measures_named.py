#!/usr/bin/env python3
"""Which measure a refusal belongs to, against what the clients of the Sendmail and qmail labs were told.

Each text names the line of the server's configuration that makes it; the line must stand there. The first reply of a
session that names a measure must give v_session.measure, for at least 95 of 100 such sessions. Beside that, who
connected, what was accepted, and that all lines are understood."""
import collections
import csv
import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
LABS = "sample-logs/labs"

# text in a reply, the measure that it names, (file, line in it) that makes it
SENDMAIL = [
    ("Fix reverse DNS for", "no-rdns", ("sendmail.mc", "FEATURE(`require_rdns')")),
    ("Client IP address ", "no-rdns", ("sendmail.mc", "FEATURE(`require_rdns')")),
    ("Possibly forged hostname for", "fcrdns", ("sendmail.mc", "FEATURE(`require_rdns')")),
    ("listed at zen.example-rbl.test", "dnsbl", ("sendmail.mc", "FEATURE(`dnsbl', `zen.example-rbl.test'")),
    ("Spam blocked see http://second.test/", "dnsbl", ("sendmail.mc", "FEATURE(`enhdnsbl', `bl.second.test'")),
    ("ESMTP not accepting messages", "early-talker", ("sendmail.mc", "FEATURE(`greet_pause', `2000')")),
    ("SMTP protocol error", "pipelining", ("sendmail.mc", "FEATURE(`greet_pause', `2000')")),
    ("bogus HELO name used", "helo", ("sendmail.mc", "FEATURE(`block_bad_helo')")),
    ("bot HELO", "helo", ("labscan.py", 'self.setreply("550", "5.7.1", "bot HELO")')),
    ("Invalid domain name", "helo", ("sendmail.mc", "define(`confPRIVACY_FLAGS', `goaway")),
    ("Domain of sender address", "sender-domain", ("sendmail.mc", "DOMAIN(`debian-mta')")),
    ("Domain name required for sender", "sender-domain", ("sendmail.mc", "DOMAIN(`debian-mta')")),
    ("Invalid MX record for host", "sender-domain", ("sendmail.mc", "FEATURE(`badmx')")),
    ("Relaying denied", "relay", ("sendmail.mc", "FEATURE(`use_cw_file')")),
    ("User unknown", "recipient", ("sendmail.mc", "MAILER(`local')")),
    ("SPF fail", "spf", ("labscan.py", 'self.setreply("550", "5.7.23", "SPF fail")')),
    ("spam score 1000", "spam", ("labscan.py", '"Blocked by labscan: spam score 1000"')),
    ("Connection rate limit exceeded", "rate", ("sendmail.mc", "FEATURE(`ratecontrol', `nodelay', `terminate')")),
    ("Too many open connections", "rate", ("sendmail.mc", "FEATURE(`conncontrol', `nodelay', `terminate')")),
]
QMAIL = [  # what qmail-smtpd itself refuses it does not log
    ("example-rbl.test/", "dnsbl", ("run-smtpd-rblsmtpd.sh", "-r 'zen.example-rbl.test'")),
]
LABS_AND_TEXTS = {
    "sendmail-loglevel14": (["mail.log.gz"], SENDMAIL),
    "qmail-rblsmtpd": (["smtpd.current.gz", "send.current.gz"], QMAIL),
}


def lines_of(lab, name):
    return gzip.open(os.path.join(LABS, lab, name), "rt", encoding="utf-8", errors="surrogateescape")


def said(session, texts):
    """The measure that the first reply names which names one."""
    for _, way, text in session["t"]:
        for line in text.split("\n") if way == "<" else ():
            found = next((measure for says, measure, _ in texts if line[:1] in "45" and says in line), None)
            if found:
                return found
    return None


def share(what, lab, found, expected, need):
    found, expected = collections.Counter(found), collections.Counter(expected)
    same, all_ = sum((found & expected).values()), max(sum(found.values()), sum(expected.values()))
    good = all_ > 0 and same >= need * all_
    print("%s %s: %s: %d of %d%s" % ("ok   " if good else "FAIL ", lab, what, same, all_, "".join(
        "\n      missed %s" % (m,) for m in list((expected - found).items())[:5] if not good)))
    return not good


def main():
    scratch, bad = tempfile.mkdtemp(), 0
    for lab, (logs, texts) in LABS_AND_TEXTS.items():
        for says, _, (name, line) in texts:
            with open(os.path.join(LABS, lab, name), encoding="utf-8") as config:
                if line not in config.read():
                    bad += 1
                    print("FAIL  %s: %s: no such line in %s: %s" % (lab, says, name, line))
        database = os.path.join(scratch, lab + ".db")
        subprocess.run([MXREPLAY, "collect", "-q", "-d", database] + [os.path.join(LABS, lab, log) for log in logs], check=True)
        db = sqlite3.connect(database)
        with lines_of(lab, "transcripts.jsonl.gz") as transcripts:
            sessions = [json.loads(line) for line in transcripts]
        expected = [(s["client"][0], m) for s in sessions for m in [said(s, texts)] if m]
        with lines_of(lab, "truth.tsv.gz") as truth:
            rows = list(csv.DictReader(truth, delimiter="\t", quoting=csv.QUOTE_NONE))
        rows = [r for r in rows if r["outcome"] != "connect_failed"]
        found = db.execute("select client_ip, measure, client_port from v_session "
                           "where measure is not null and measure <> 'other'").fetchall()
        # rblsmtpd logs at connect what it says later, also of a client that does not wait for it.
        silent = {tuple(s["client"]) for s in sessions
                  if not any(way == "<" and text[:1] in "45" for _, way, text in s["t"])}
        bad += share("measures named", lab, [f[:2] for f in found if (f[0], f[2]) not in silent], expected, 0.95)
        if lab.startswith("qmail"):
            bad += share("connections, by port", lab, db.execute("select client_ip, client_port from v_session"),
                         [(r["client_ip"], int(r["client_port"])) for r in rows], 1)
            bad += share("QUIT or not", lab,
                         db.execute("select client_ip, client_port from v_session where closed = 'quit'"),
                         [(r["client_ip"], int(r["client_port"])) for r in rows
                          if r["r_quit"].startswith("221") and not re.match("553|451", r["r_rcpt"])], 0.93)
        else:
            bad += share("connections", lab, [r[0] for r in db.execute("select client_ip from v_session where client_ip is not null")],
                         [r["client_ip"] for r in rows], 0.99)
            bad += share("accepted messages", lab,
                         [r[0] for r in db.execute("select client_ip from v_session s join v_transaction t on t.session_id = s.id "
                                                   "where t.verdict = 'accepted'")],
                         [r["client_ip"] for r in rows for _ in range(int(r["msgs_accepted"]))], 0.95)
            bad += share("early talkers", lab, [r[0] for r in db.execute("select client_ip from v_session where early_talker = 1")],
                         [r["client_ip"] for r in rows if "pre_greeting" in r["early_talk"]], 1)
            bad += share("TLS", lab, [r[0] for r in db.execute("select client_ip from v_session where tls = 1")],
                         [r["client_ip"] for r in rows if r["tls"].startswith("TLS")], 0.95)
        skipped = db.execute("select coalesce(sum(count), 0) from v_skipped").fetchone()[0]
        if skipped:
            bad += 1
            print("FAIL  %s: %d lines were not understood" % (lab, skipped))
    shutil.rmtree(scratch)
    sys.exit(bad != 0)


main()
