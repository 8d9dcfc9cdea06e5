#!/usr/bin/env python3
"""Haraka's sessions against what its clients saw (sample-logs/labs/haraka): in each of its formats, and with each
level of log.ini, which is the same log with the lines of higher levels left out."""
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

LAB = "sample-logs/labs/haraka"
MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
HIGHER = {"protocol": r"(?!)", "info": r"PROTOCOL", "notice": r"PROTOCOL|INFO"}

# Scenario: the measure by which it was turned away, and the line of config.txt that does it. With delay_deny the early
# decisions are told at RCPT, and who sends none hears of none.
MEASURES = {
    "no_ptr": ("no-rdns", "no_rdns=true"),
    "v6_no_ptr": ("no-rdns", "no_rdns=true"),
    "ptr_servfail": ("no-rdns", "no_rdns=true"),
    "dnsbl": ("no-rdns", "no_rdns=true"),  # which comes first
    "helo_bare": ("helo", "valid_hostname=true"),
    "helo_own": ("helo", "match_re=true"),
    "helo_literal_wrong": ("helo", "literal_mismatch=true"),
    "no_mx": ("sender-domain", "mail_from.is_resolvable"),
    "mx_timeout": ("sender-domain", "mail_from.is_resolvable"),
    "spf_fail": ("spf", "mfrom_fail=true"),
    "virus": ("virus", "clamd"),
    "spam": ("spam", "spam=true"),
    "relay": ("relay", "rcpt_to.in_host_list"),
    "rcpt_unknown": ("recipient", "rcpt_to.site"),
    "ptr_mismatch": ("greylist", "greylist"),
    "concurrent": ("rate", "max=3"),
}


def collect(text, scratch):
    log, database = os.path.join(scratch, "haraka.log"), os.path.join(scratch, "t.db")
    with open(log, "w", encoding="utf-8", errors="surrogateescape") as to:
        to.writelines(text)
    if os.path.exists(database):
        os.unlink(database)
    subprocess.run([MXREPLAY, "collect", "-q", "-d", database, log], check=True)
    db = sqlite3.connect(database)
    db.row_factory = sqlite3.Row
    return db


def compare(row, session, mails, rcpts, dialog, delayed):
    # Asked for in vain: no HELO or MAIL before; and what cannot be parsed, which no line of its own tells of.
    vain = ("503",) if dialog else ("503", "501")
    codes = lambda field: [c for c in row[field].split(";") if c and c not in vain]
    told = lambda all_: [str(c) for c in all_]
    yield "messages", len([c for c in codes("r_dot") if c == "250"]), session["messages"]
    # Of who is turned away at once, there is no MAIL and no RCPT without the dialog; they were said in vain.
    # "MAIL FROM: <broken" stands among the truth's other commands.
    if (dialog or row["r_banner"] == "220") and row["scenario"] != "syntax":
        yield "MAIL", codes("r_mail"), told(250 if m["code"] is None or m["code"] < 400 or m["stage_late"] else m["code"]
                                           for m in mails if m["code"] != 503)
        yield "RCPT", codes("r_rcpt"), told(r["code"] for r in rcpts)
    helo = [h.split(" ", 1)[1] for h in row["helo"].split("|") if " " in h]
    if dialog:
        yield "HELO", helo[-1] if helo else None, session["helo"] or None
        yield "QUIT", row["r_quit"].startswith("221"), session["closed"] == "quit"
        yield "user", row["auth"] or None, session["auth_user"]
    yield "TLS", bool(row["tls"]), bool(session["tls"])
    if row["scenario"] in MEASURES and not delayed:
        # the last two of five connections are too many
        refused = row["scenario"] != "concurrent" or row["r_banner"] == "421"
        # At level=notice no line tells of a HELO's refusal, nor of what came before a later mistake of the client's.
        seen = dialog or row["scenario"] not in ("helo_bare", "helo_own", "helo_literal_wrong") or session["measure"]
        if refused and seen:
            yield "measure", MEASURES[row["scenario"]][0], session["measure"]


def check(name, level, db, right, wrong):
    dialog, delayed = level == "protocol", name == "logfmt"
    with gzip.open(os.path.join(LAB, name + ".truth.tsv.gz"), "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    sessions = {(s["client_ip"], s["client_port"]): s for s in db.execute("select * from v_session")}
    if len(sessions) != len(rows):
        wrong.append((name, level, "sessions", len(rows), len(sessions)))
    for row in rows:
        session = sessions.get((row["client_ip"], int(row["client_port"])))
        if not session:
            wrong.append((name, level, row["scenario"], "not found"))
            continue
        mails = db.execute("select code, code is not null and message_id is not null as stage_late"
                           " from v_transaction where session_id = ? order by id", (session["id"],)).fetchall()
        rcpts = db.execute("select code from v_recipient where session_id = ? order by id", (session["id"],)).fetchall()
        for what, expected, is_ in compare(row, session, mails, rcpts, dialog, delayed):
            if expected == is_:
                right[name, level, what] += 1
            else:
                wrong.append((name, level, row["scenario"], what, expected, is_))
    for shape, count in db.execute("select shape, count from v_skipped where reason = 'unknown text'"):
        wrong.append((name, level, "not understood", shape, count))


def main():
    right, wrong = collections.Counter(), []
    with open(os.path.join(LAB, "config.txt"), encoding="utf-8") as config:
        text = config.read()
    for scenario, (_, line) in MEASURES.items():
        if line not in text:
            wrong.append((scenario, "config.txt does not say", line))
    scratch = tempfile.mkdtemp()
    for name in ("default", "logfmt", "json"):
        with gzip.open(os.path.join(LAB, name + ".log.gz"), "rt", encoding="utf-8", errors="surrogateescape") as lines:
            log = list(lines)
        for level, left_out in HIGHER.items():
            mark = re.compile(r'^\S+ (\[|level=|\{"level":")(%s)\b' % left_out)
            check(name, level, collect([line for line in log if not mark.match(line)], scratch), right, wrong)
    shutil.rmtree(scratch)
    for key in sorted(right):
        print("ok   ", "haraka %s, level=%s: %s: %d" % (*key, right[key]))
    for complaint in wrong:
        print("FAIL ", *complaint)
    sys.exit(bool(wrong))


main()
