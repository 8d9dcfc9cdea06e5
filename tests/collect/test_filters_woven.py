#!/usr/bin/env python3
"""Lines of filters woven into a lab's Postfix log, for its own queue ids, Message-IDs and clients: each filter's evidence
must stand at the session that has the message, and nothing else may change. The filters' lines are in the forms of
test_filter_lines.c; each tells the queue id that it is about among its symbols, whatever it is joined by."""
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

LOG = "sample-logs/labs/postfix-smtpd/mail.log"
MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")


def rspamd(qid, mid, client, at, host, score):
    return (f"{at} {host} rspamd[900]: <c1b63d>; proxy; rspamd_task_write_log: id: <{mid}>, qid: <{qid}>, ip: {client}, "
            f"(default: F (no action): [{score:.2f}/15.00] [RSPAMD_{qid}(1.00){{}}]), len: 350, time: 14.464ms, "
            "dns req: 20, digest: <fb4d49449785090ee7600649178a7a63>\n")


def spamd(qid, mid, client, at, host, score):
    head = f"{at} {host} spamd[901]: spamd: "
    return (f"{head}processing message <{mid}> for nobody:65534\n"
            f"{head}clean message ({score:.1f}/5.0) for nobody:65534 in 0.4 seconds, 350 bytes.\n"
            f"{head}result: . {int(score):2d} - SA_{qid} scantime=0.4,size=350,user=nobody,uid=65534,required_score=5.0,"
            f"rhost=localhost,raddr=127.0.0.1,rport=36510,mid=<{mid}>,autolearn=no autolearn_force=no\n")


def amavis(qid, mid, client, at, host, score):
    return (f"{at} {host} amavis[902]: (26927-01) Passed CLEAN {{RelayedInbound}}, [{client}]:41003 [{client}] <s@a.test> -> "
            f"<bob@lab.test>, Queue-ID: {qid}, Message-ID: <{mid}>, mail_id: An9wsFmvI9ic, Hits: {score:.1f}, size: 362, "
            f"Tests: [AMAVIS_{qid}=1], 250 ms\n")


def weave(host):
    """The log with the filters' lines, rspamd's own log, and what they are about: queue ids, greylisted attempts. With no
    host, rspamd has written into its own log, which has none, nor fractions of seconds."""
    clients, messages, attempts, lines, own = {}, [], [], [], []
    for line in open(LOG, encoding="utf-8", errors="surrogateescape"):
        at = line.split(" ", 1)[0]
        client = re.search(r"smtpd\[\d+\]: (\w+): client=[^\[]*\[([^\]]+)\]", line)
        message = re.search(r"cleanup\[\d+\]: (\w+): message-id=<([^>\s]+)>$", line)
        grey = re.search(r"NOQUEUE: reject: RCPT from [^\[]*\[([^\]]+)\]: 450 [^;]*Greylisted[^;]*; "
                         r"from=<([^ >]*)> to=<([^ >]+)> proto", line)
        if grey and '"' not in grey[0]:
            name, sender, to = grey[1], grey[2].lower() or "-undef-@-undef-", grey[3].lower()
            lines.append(f"{at} mx sqlgrey: grey: new: {name}({name}), {sender} -> {to}\n")
            attempts.append((at, grey[1], grey[2], grey[3]))
        lines.append(line)
        if client:
            clients[client[1]] = client[2]
        if message and message[1] in clients:
            about = (message[1], message[2], clients[message[1]], at, host or "mx", len(messages) + 0.5)
            lines += [spamd(*about), amavis(*about)]
            if host:
                lines.insert(-2, rspamd(*about))
            else:
                own.append(re.sub(r"^(.{10})T(.{8})\S* mx rspamd\[900\]:", r"\1 \2 #900(normal)", rspamd(*about)))
            messages.append(message[1])
    return ["".join(lines), "".join(own)], messages, attempts


def collect(scratch, texts):
    """The sessions, transactions and recipients as rows, and the open database."""
    logs, database = [], os.path.join(scratch, "t.db")
    for name, text in zip(("mail.log", "rspamd.log"), texts):
        if text:
            logs.append(os.path.join(scratch, name))
            with open(logs[-1], "w", encoding="utf-8", errors="surrogateescape") as out:
                out.write(text)
    subprocess.run([MXREPLAY, "collect", "-q", "-d", database, *logs], check=True)
    db = sqlite3.connect(database)
    views = [db.execute(f"select * from {view}").fetchall() for view in ("v_session", "v_transaction", "v_recipient")]
    return views, db


class Woven(unittest.TestCase):
    def held(self, host):
        """`host`: where the scanners run; None: on the server, with a log of rspamd's own."""
        with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as other:
            texts, messages, attempts = weave(host)
            plain, _ = collect(other, [open(LOG, encoding="utf-8", errors="surrogateescape").read()])
            views, db = collect(scratch, texts)
            self.assertGreater(len(messages), 10)
            self.assertEqual(plain, views)
            self.assertEqual(0, db.execute("select count(*) from v_skipped").fetchone()[0])
            dialects = {name for row in db.execute("select dialects from v_input") for name in row[0].split()}
            self.assertLessEqual({"rspamd", "spamassassin", "amavis", "sqlgrey", "postfix"}, dialects)
            for qid in messages:
                session, = db.execute("select session_id from v_transaction where queue_id = ?", (qid,)).fetchone()
                for mark in ("RSPAMD_" + qid, "SA_" + qid, "AMAVIS_" + qid):
                    found = db.execute("select session_id, state from v_evidence where kind = 'spam' and "
                                       "instr(detail, ?)", (mark,)).fetchall()
                    self.assertEqual([(session, 0)], found, mark)
                virus = db.execute("select count(*) from v_evidence where kind = 'virus' and session_id = ?", (session,))
                self.assertGreaterEqual(virus.fetchone()[0], 1)
            placed = 0
            for at, client, sender, recipient in attempts:
                found = db.execute(
                    "select count(*) from v_evidence e join v_session s on s.id = e.session_id "
                    "join v_attempt a on a.session_id = s.id and a.mail_from = ?3 and a.recipient = ?4 "
                    "where e.kind = 'greylist' and e.detail = 'new' and e.state = 1 and s.client_ip = ?2 "
                    "and lower(e.subject) = lower(?4) and e.at = ?1",
                    (at.replace("+00:00", "Z"), client, sender, recipient)).fetchone()[0]
                placed += found > 0
            print(f"{host}: {len(messages)} messages, {placed} of {len(attempts)} greylisted attempts")
            self.assertEqual(placed, len(attempts))

    def test_on_the_server(self):
        self.held("mx")

    def test_on_another_machine(self):
        self.held("scanner")

    def test_in_a_log_of_its_own(self):
        self.held(None)


if __name__ == "__main__":
    if not os.path.exists(LOG):
        sys.exit(f"{LOG} is missing: tests run in the top folder")
    unittest.main()
