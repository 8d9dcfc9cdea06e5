#!/usr/bin/env python3
"""Sessions collected from the labs' logs against truth.tsv, which the clients wrote: session by session, not in sums.

A session is found again by the client's address (and port, where the log has it) and by the time, which is told in
microseconds by one of the logs; the other, with stamps of whole seconds, must give the same sessions. What a log cannot
show is named below; everything else must be as the client saw it."""
import collections
import csv
import datetime
import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

LABS = "sample-logs/labs"
MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")

# Scenarios whose truth the client cannot tell in these terms, or whose log says less, by what is compared.
EXCEPT = {
    # reset before postscreen asked who it was: no line at all
    "found": {"connect_rst"},
    # what the client gave up counting: syntax errors (503 after 501), commands sent as one blast, a 421 instead of an answer
    "MAIL": {"sender_syntax", "swaks_pipeline", "early_blast", "clean_rset", "mta", "mail_drop"},
    "RCPT": {"too_many_rcpts", "dict_attack", "swaks_pipeline", "early_blast", "smtputf8"},
    # Postfix logs addresses as it understands them: without needless quotes and source routes
    "senders": {"weird_addrs", "sender_syntax"},
    "recipients": {"weird_addrs", "sender_syntax", "relay_tricks", "early_blast", "swaks_pipeline"},
    # smtpd writes "?" for what might be mistaken (smtpd.c, NEUTER_CHARACTERS); a second HELO that was refused; no HELO
    "HELO": {"helo_bad", "helo_injection", "helo_fallback", "helo_none"},
    # the handshake failed in the client, Postfix thought it done; or the other way round
    "TLS": {"tls_verify_fail", "tls_garbage"},
    # smtpd waits for nothing before its greeting: it sees an early talker only where that was faster
    "early": {"early_blast", "early_garbage", "early_ehlo"},
}


def sessions_of(log, scratch):
    database = os.path.join(scratch, "t.db")
    if os.path.exists(database):
        os.unlink(database)
    subprocess.run([MXREPLAY, "collect", "-q", "-d", database, "--year", "2026", log], check=True)
    db = sqlite3.connect(database)
    db.row_factory = sqlite3.Row
    transactions, recipients = collections.defaultdict(list), collections.defaultdict(list)
    for row in db.execute("select * from v_transaction order by session_id, id"):
        transactions[row["session_id"]].append(row)
    for row in db.execute("select * from v_recipient order by session_id, id"):
        recipients[row["session_id"]].append(row)
    by_client = collections.defaultdict(list)
    for row in db.execute("select * from v_session where direction = 'in' order by started"):
        at = datetime.datetime.fromisoformat(row["started"].replace("Z", "+00:00")).timestamp()
        by_client[row["client_ip"]].append([at, row, transactions[row["id"]], recipients[row["id"]]])
    skipped = db.execute("select coalesce(sum(count), 0) from v_skipped").fetchone()[0]
    return by_client, skipped


def pairs_of(rows, by_client):
    """(row, session or None); of a client's sessions in a fraction of a second the log does not tell which is which."""
    for client, all_ in by_client.items():
        mine = [r for r in rows if r["client_ip"] == client]
        for row in mine:
            at = float(row["t_start"])
            fits = [s for s in all_ if abs(s[0] - at) < 16 and s[1]["client_port"] in (None, 0, int(row["client_port"]))]
            found = min(fits, key=lambda s: abs(s[0] - at), default=None)
            if found:
                all_.remove(found)
            near = [r for r in mine if r is not row and abs(float(r["t_start"]) - at) < 0.1]
            if not near or not found or found[1]["client_port"]:
                yield row, found
    for row in rows:
        if row["client_ip"] not in by_client:
            yield row, None


def compare(row, found):
    """(what, expected, found) of one session, where it is to be compared."""
    if not found:
        yield "found", True, False
        return
    yield "found", True, True
    _, session, transactions, recipients = found
    codes = lambda field: [c for c in row[field].split(";") if c]
    senders = re.findall(r"<(.*?)>(?:\||$)", row["mail_from"])
    asked = [a for group in row["rcpts"].split("|") for a in re.findall(r"<(.*?)>(?:,|$)", group)]
    helo = [h.split(" ", 1)[1] if " " in h else "" for h in row["helo"].split("|") if h]
    yield "messages", int(row["msgs_accepted"]), session["messages"]
    yield "accepted or not", int(row["msgs_accepted"]) > 0, session["verdict"] == "accepted"
    yield "MAIL", len(codes("r_mail")), len(transactions)
    yield "RCPT", sorted(codes("r_rcpt")), sorted(str(r["code"]) for r in recipients)
    known = [t["mail_from"] for t in transactions if t["mail_from"] is not None]
    yield "senders", [], [s for s in known if s.lower() not in [t.lower() for t in senders]]
    known = [r["address"] for r in recipients if r["address"] is not None]
    yield "recipients", [], [a for a in known if a not in asked]
    if session["helo"] is not None:
        yield "HELO", helo[-1] if helo else "", session["helo"]
    yield "TLS", bool(row["tls"]), bool(session["tls"])
    yield "QUIT", row["r_quit"].startswith("221"), session["closed"] == "quit"
    yield "early", "pre_greeting" in row["early_talk"], bool(session["early_talker"])


def check(lab, by_client, skipped):
    """Prints a line a comparison; returns how many fall short."""
    with open(os.path.join(LABS, lab, "truth.tsv"), encoding="utf-8", errors="surrogateescape") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    right, wrong, excepted = collections.Counter(), collections.defaultdict(list), collections.Counter()
    for row, found in pairs_of(rows, by_client):
        for what, expected, is_ in compare(row, found):
            if expected == is_:
                right[what] += 1
            elif row["scenario"] in EXCEPT.get(what, ()):
                excepted[what] += 1
            else:
                wrong[what].append((row["sid"], row["scenario"], expected, is_))
    if skipped:
        wrong["lines that were not understood"].append(skipped)
    if right["found"] < 0.85 * len(rows):
        wrong["found"].append("only %d of %d could be compared" % (right["found"], len(rows)))
    left = [s[1]["client_ip"] for all_ in by_client.values() for s in all_ if s[1]["client_ip"] not in (None, "127.0.0.1", "::1")]
    if left:
        wrong["sessions that there were not"].append(left[:5])
    for what in sorted(right.keys() | excepted.keys() | wrong.keys()):
        print("%s %s: %s: %d as the client saw it, %d that the log cannot show%s"
              % ("FAIL " if wrong[what] else "ok   ", lab, what, right[what], excepted[what],
                 "".join("\n      %s" % (w,) for w in wrong[what][:5])))
    return sum(map(len, wrong.values()))


def without_times(by_client):
    times = ("started", "ended", "seconds", "input_id", "id", "session_id")
    told = lambda row: tuple((k, row[k]) for k in row.keys() if k not in times)
    return collections.Counter((told(s[1]), tuple(map(told, s[2])), tuple(told(r)[1:] for r in s[3]))
                               for all_ in by_client.values() for s in all_)


def main():
    scratch, bad = tempfile.mkdtemp(), 0
    for lab in sorted(os.listdir(LABS)):
        if not lab.startswith("postfix"):
            continue
        traditional = os.path.join(scratch, "mail.trad.log")
        with gzip.open(os.path.join(LABS, lab, "mail.trad.log.gz")) as packed, open(traditional, "wb") as plain:
            shutil.copyfileobj(packed, plain)
        by_second, _ = sessions_of(traditional, scratch)
        by_client, skipped = sessions_of(os.path.join(LABS, lab, "mail.log"), scratch)
        here, there = without_times(by_client), without_times(by_second)
        if here != there:
            bad += 1
            print("FAIL  %s: with stamps of whole seconds: %s" % (lab, list((here - there) + (there - here))[:2]))
        bad += check(lab, by_client, skipped)
    shutil.rmtree(scratch)
    sys.exit(bad != 0)


main()
