#!/usr/bin/env python3
"""Sessions collected from a lab's capture against truth.tsv, which the clients wrote: session by session, exactly. Then
the same capture in other shapes (a pipe, a set of two files, a file that grew) must give the same sessions."""
import csv
import lzma
import os
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile

LAB = "sample-logs/labs/postfix-smtpd"
MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
SERVERS = ("192.0.2.10", "2001:db8:1::10")

# What the client's own account says otherwise than the wire, by what is compared.
EXCEPT = {
    # this server waits for nothing: what the client sent at once reached it now before, now after its banner
    "early": {"early_blast", "early_garbage", "early_ehlo"},
    # swaks counts no replies when it pipelines
    "RCPT": {"swaks_pipeline"},
    # what it sent is not written down: "(syntax errors)"
    "senders": {"sender_syntax"},
    # the client closed before it read the reply, or did not mean to end the message where the server saw its end
    "messages": {"dot_drop", "dot_quit_noread", "smuggling"},
    "accepted": {"dot_drop", "dot_quit_noread", "smuggling"},
    # the message was made of what looks like commands
    "dialog": {"smuggling"},
}
COLUMNS = """client_ip, client_port, server_ip, server_port, direction, gap, started, ended, helo, tls, auth_user, stage, closed,
 early_talker, transactions, messages, recipients, verdict, measure, code, enhanced, text"""


def collect(scratch, *runs, stdin=None):
    """Collects each list of inputs in turn; returns the database."""
    path = os.path.join(scratch, "t.db")
    for end in ("", "-wal", "-shm"):
        if os.path.exists(path + end):
            os.unlink(path + end)
    for inputs in runs:
        subprocess.run([MXREPLAY, "collect", "-q", "-d", path, *inputs], check=True, input=stdin)
    return sqlite3.connect(path)


def everything(db):
    """All that is stored of the sessions, whatever their numbers and inputs."""
    evidence = {}
    for sid, *rest in db.execute("select session_id, kind, subject, state, detail, at, origin from v_evidence order by 1, 2, 3, 6"):
        evidence.setdefault(sid, []).append(tuple(rest))
    recipients = {}
    for sid, *rest in db.execute("select session_id, address, verdict, measure, code, valid from v_recipient order by session_id, id"):
        recipients.setdefault(sid, []).append(tuple(rest))
    return sorted(
        ((row[1:], tuple(evidence.get(row[0], [])), tuple(recipients.get(row[0], [])))
         for row in db.execute(f"select id, {COLUMNS} from v_session")), key=repr)


def differences(db):
    with open(os.path.join(LAB, "truth.tsv"), encoding="utf-8", errors="surrogateescape") as f:
        rows = [r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if r["outcome"] != "connect_failed"]
    db.row_factory = sqlite3.Row
    found = {(r["client_ip"], str(r["client_port"])): r for r in db.execute(
        "select * from v_session where server_ip in (?, ?)", SERVERS)}
    senders, codes = {}, {}
    for r in db.execute("select session_id, mail_from from v_transaction order by session_id, id"):
        senders.setdefault(r[0], []).append(r[1])
    for r in db.execute("select session_id, code from v_recipient where code is not null order by session_id, id"):
        codes.setdefault(r[0], []).append(str(r[1]))
    if len(found) != len(rows):
        yield "sessions", None, len(rows), len(found)
    for row in rows:
        key = (row["client_ip"], row["client_port"])
        session = found.get(key)
        if session is None:
            yield "found", row["scenario"], key, None
            continue
        if session["direction"] != "in" or session["gap"]:
            yield "whole", row["scenario"], key, (session["direction"], session["gap"])
        if row["server_port"] != "465":
            yield "early", row["scenario"], "pre_greeting" in row["early_talk"], bool(session["early_talker"])
        if row["tls"] or row["server_port"] == "465":
            continue
        helo = [h.split(" ", 1)[1] if " " in h else "" for h in row["helo"].split("|") if h]
        if helo:
            yield "HELO", row["scenario"], helo[-1], session["helo"] or ""
        yield "messages", row["scenario"], int(row["msgs_accepted"]), session["messages"]
        yield "accepted", row["scenario"], int(row["msgs_accepted"]) > 0, session["verdict"] == "accepted"
        yield "dialog", row["scenario"], [c for c in row["r_rcpt"].split(";") if c], codes.get(session["id"], [])
        mails = re.findall(r"<(.*?)>(?:\||$)", row["mail_from"]) if row["mail_from"] else []
        if row["r_mail"]:
            yield "senders", row["scenario"], mails, senders.get(session["id"], [])[:len(mails)]
        if row["end"] == "quit":
            yield "closed", row["scenario"], "quit", session["closed"]


def split(whole, at):
    """The classic capture in two, behind packet `at`."""
    place = 24
    for _ in range(at):
        place += 16 + struct.unpack_from("<I", whole, place + 8)[0]
    return whole[:place], whole[:24] + whole[place:], place


def own_ports(whole):
    """The ports of connections that the server itself began, from the packets' bytes."""
    at, ports = 24, set()
    while at < len(whole):
        length = struct.unpack_from("<I", whole, at + 8)[0]
        frame = whole[at + 16:at + 16 + length]
        at += 16 + length
        kind = frame[12:14]
        tcp = frame[14 + (frame[14] & 15) * 4:] if kind == b"\x08\x00" else frame[54:]
        source = frame[26:30] if kind == b"\x08\x00" else frame[22:38]
        if source in (bytes([192, 0, 2, 10]), bytes.fromhex("20010db8000100000000000000000010")) and tcp[13] & 0x12 == 2:
            ports.add(struct.unpack(">H", tcp[:2])[0])
    return ports


def main():
    failures = 0

    def check(what, good, more=""):
        nonlocal failures
        failures += not good
        print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": %s" % (more,)))

    with tempfile.TemporaryDirectory() as scratch:
        packed = os.path.join(LAB, "capture.pcap.xz")
        db = collect(scratch, [packed])
        wrong = [(what, scenario, expected, got) for what, scenario, expected, got in differences(db)
                 if expected != got and scenario not in EXCEPT.get("RCPT" if what == "dialog" else what, ())
                 and scenario not in EXCEPT.get(what, ())]
        check("each session as its client tells it", not wrong, wrong[:5])
        db.row_factory = None
        expected = everything(db)
        users = {u for u, in db.execute("select subject from v_evidence where kind = 'auth' and subject is not null")}
        check("who tried to authenticate", {"alice", "test", "admin", "info@lab.test"} <= users, users)
        with open(os.path.join(scratch, "t.db"), "rb") as f:
            stored = f.read()
        check("no password is stored", not [p for p in (b"labpass", b"AGF1dGh1c2Vy", b"AHRlc3QAcHcw", b"AGFsaWNlAHB3MA")
                                            if p in stored])
        whole = lzma.open(packed).read()
        out = db.execute("select client_port from v_session where direction = 'out' order by 1").fetchall()
        check("the server's own sessions go out", [p for p, in out] == sorted(own_ports(whole)), out)

        db = collect(scratch, ["-"], stdin=whole)
        check("the same from a pipe", everything(db) == expected)

        first, second, _ = split(whole, 5000)
        one, two = os.path.join(scratch, "b-first.pcap"), os.path.join(scratch, "a-second.pcap")
        for path, content in ((one, first), (two, second)):
            with open(path, "wb") as f:
                f.write(content)
        db = collect(scratch, [two, one])
        check("the same from a set of two files, named in the wrong order", everything(db) == expected)

        grown = os.path.join(scratch, "grown.pcap")
        ports = lambda db: sorted(db.execute("select client_ip, client_port from v_session"))
        wanted = ports(db)
        path = os.path.join(scratch, "t.db")
        with open(grown, "wb") as f:
            f.write(first)
        collect(scratch, [grown])
        with open(grown, "wb") as f:
            f.write(whole)
        for _ in range(2):
            subprocess.run([MXREPLAY, "collect", "-q", "-d", path, grown], check=True)
        db = sqlite3.connect(path)
        check("one that grew: each session once", ports(db) == wanted, len(ports(db)) - len(wanted))
        check("and one input", db.execute("select count(*), max(lines) from v_input").fetchone() == (1, 10718))

        with open(grown, "wb") as f:
            f.write(whole[:-7])
        run = subprocess.run([MXREPLAY, "collect", "-q", "-d", os.path.join(scratch, "cut.db"), grown],
                             capture_output=True, text=True)
        check("a truncated one says so", run.returncode == 65 and "packet 10718: truncated" in run.stderr, run.stderr)
        kept = sqlite3.connect(os.path.join(scratch, "cut.db")).execute("select count(*) from v_session").fetchone()[0]
        check("and what came before is kept", kept >= len(wanted) - 1, kept)
    sys.exit(failures != 0)


main()
