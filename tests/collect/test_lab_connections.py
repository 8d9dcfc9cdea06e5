#!/usr/bin/env python3
"""Who connected, how it ended and what was accepted, in the Sendmail and qmail labs, against what their clients wrote down;
and that all lines are understood. Which measure a refusal belongs to is in test_lab_measures.py."""
import collections
import csv
import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
LABS = "sample-logs/labs"

LOGS = {"sendmail-loglevel14": ["mail.log.gz"], "qmail-rblsmtpd": ["smtpd.current.gz", "send.current.gz"]}


def lines_of(lab, name):
    return gzip.open(os.path.join(LABS, lab, name), "rt", encoding="utf-8", errors="surrogateescape")


def share(what, lab, found, expected, need):
    found, expected = collections.Counter(found), collections.Counter(expected)
    same, all_ = sum((found & expected).values()), max(sum(found.values()), sum(expected.values()))
    good = all_ > 0 and same >= need * all_
    print("%s %s: %s: %d of %d%s" % ("ok   " if good else "FAIL ", lab, what, same, all_, "".join(
        "\n      missed %s" % (m,) for m in list((expected - found).items())[:5] if not good)))
    return not good


def main():
    scratch, bad = tempfile.mkdtemp(), 0
    for lab, logs in LOGS.items():
        database = os.path.join(scratch, lab + ".db")
        subprocess.run([MXREPLAY, "collect", "-q", "-d", database] + [os.path.join(LABS, lab, log) for log in logs], check=True)
        db = sqlite3.connect(database)
        with lines_of(lab, "truth.tsv.gz") as truth:
            rows = list(csv.DictReader(truth, delimiter="\t", quoting=csv.QUOTE_NONE))
        rows = [r for r in rows if r["outcome"] != "connect_failed"]
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
