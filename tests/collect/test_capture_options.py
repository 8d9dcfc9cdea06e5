#!/usr/bin/env python3
"""Captures: which ports, what is kept of a message's header, SYNs that nobody answers, and memory that stays bounded whatever
comes. MXREPLAY_FLOOD=N: so many packets (20,000)."""
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, "tests/lib")
import packets  # noqa: E402
from packets import ACK, HEADER, RST, SYN, connection, segment  # noqa: E402

MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
PLAIN = "build/plain/mxreplay"  # for memory: the sanitizers take their own
FLOOD = int(os.environ.get("MXREPLAY_FLOOD", "20000"))
CLIENT, SERVER = ("198.51.100.4", 1024), ("192.0.2.10", 25)

MESSAGE = (b"Received: from x\r\n\tby y; today\r\nmessage-id:\r\n <one@client.test>\r\nFrom: \"Jane <fake@evil.test>\" <jane@Good.test>\r\n"
           b"X-From: no@other.test\r\nSubject: a long\r\n  folded one\r\n\r\nFrom: body@body.test\r\nSubject: not this\r\n.\r\n")


def dialog(message=MESSAGE):
    return [("<", b"220 mx ESMTP\r\n"), (">", b"HELO c\r\n"), ("<", b"250 mx\r\n"), (">", b"MAIL FROM:<a@b.test>\r\n"),
            ("<", b"250 ok\r\n"), (">", b"RCPT TO:<c@d.test>\r\n"), ("<", b"250 ok\r\n"), (">", b"DATA\r\n"),
            ("<", b"354 go\r\n"), (">", message), ("<", b"250 ok queued as 4ABC\r\n"), (">", b"QUIT\r\n"), ("<", b"221 bye\r\n")]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def collect(self, *connections, options=()):
        path, capture = (os.path.join(self.folder.name, name) for name in ("t.db", "t.pcap"))
        if os.path.exists(path):
            os.unlink(path)
        with open(capture, "wb") as out:
            out.write(HEADER)
            for part in connections:
                out.write(part if isinstance(part, bytes) else b"".join(part))
        subprocess.run([MXREPLAY, "collect", "-q", "-d", path, *options, capture], check=True)
        return sqlite3.connect(path)

    def sessions(self, *connections, options=()):
        return self.collect(*connections, options=options).execute(
            "select client_port, server_port, stage, verdict, closed, gap from v_session order by client_port").fetchall()

    def test_header_only_when_asked(self):
        db = self.collect(connection(0, CLIENT, SERVER, dialog()))
        self.assertEqual(db.execute("select message_id from v_transaction").fetchall(), [(None,)])
        self.assertEqual(db.execute("select count(*) from v_evidence where kind = 'header'").fetchone(), (0,))
        pieces = [(way, data[i:i + 1]) for way, data in dialog() for i in range(len(data))]
        chunk = MESSAGE[:-3]
        bdat = dialog()[:7] + [(">", b"BDAT 60\r\n" + chunk[:60]), ("<", b"250 ok\r\n"),
                               (">", b"BDAT %d LAST\r\n" % (len(chunk) - 60) + chunk[60:]), ("<", b"250 ok queued as 4ABC\r\n")]
        for turns in (dialog(), pieces, bdat):
            db = self.collect(connection(0, CLIENT, SERVER, turns), options=["--headers"])
            self.assertEqual(db.execute("select message_id, queue_id from v_transaction").fetchall(), [("one@client.test", "4ABC")])
            self.assertEqual(db.execute("select subject, detail from v_evidence where kind = 'header' order by 1").fetchall(),
                             [("from", "Good.test"), ("subject", "a long  folded one")])

    def test_ports(self):
        odd, client = ("192.0.2.10", 2626), lambda port: ("198.51.100.4", port)
        web = connection(0.5, client(1025), ("192.0.2.10", 8080), [(">", b"GET / HTTP/1.1\r\n\r\n"), ("<", b"HTTP/1.1 200 OK\r\n\r\n")])
        ftp = connection(0.5, client(1026), ("192.0.2.10", 21), [("<", b"220 ftp ready\r\n"), (">", b"USER x\r\n"), ("<", b"331 ok\r\n")])
        early = connection(0.5, client(1027), odd, [(">", b"HELO c\r\n"), ("<", b"220 mx ESMTP\r\n"), ("<", b"250 mx\r\n")])
        silent = connection(0.5, client(1028), odd, [])
        parts = [b"".join(p) for p in (connection(0, client(1024), odd, dialog()), web, ftp, early, silent,
                                       connection(0, client(1029), SERVER, dialog()))]
        usual = (1029, 25, "eom", "accepted", "quit", 0)
        self.assertEqual(self.sessions(*parts), [usual])
        named = self.sessions(*parts, options=["--port", "2626"])
        self.assertEqual([s[0] for s in named], [1024, 1027, 1028])
        found = self.sessions(*parts, options=["--any-port"])
        self.assertEqual(found, [(1024, 2626, "eom", "accepted", "quit", 0), (1027, 2626, "helo", "none", "lost", 0), usual])
        self.assertEqual(self.collect(*parts, options=["--any-port"]).execute(
            "select early_talker from v_session where client_port = 1027").fetchone(), (1,))

    def test_unanswered(self):
        asks = [segment(at, CLIENT, SERVER, SYN, 1000) for at in (0, 1, 3)]
        refused = [segment(0, ("198.51.100.5", 1024), SERVER, SYN, 7), segment(0.1, SERVER, ("198.51.100.5", 1024), RST | ACK, 0, 8)]
        scan = [segment(0, ("198.51.100.6", 1024), SERVER, SYN, 7), segment(0.1, SERVER, ("198.51.100.6", 1024), SYN | ACK, 9, 8),
                segment(0.2, ("198.51.100.6", 1024), SERVER, RST, 8)]
        db = self.collect(asks, refused, scan)
        self.assertEqual(db.execute("select client_ip, stage, verdict, closed, gap from v_session").fetchall(),
                         [("198.51.100.4", "connect", "none", None, 0)])
        self.assertEqual(db.execute("select kind, state, origin from v_evidence").fetchall(), [("unanswered", 1, "capture")])

    def memory_of(self, parts, megabytes):
        """The sessions of a piped capture, and the most memory in MiB."""
        path = os.path.join(self.folder.name, "%d.db" % len(os.listdir(self.folder.name)))
        child = subprocess.Popen([PLAIN, "collect", "-q", "-d", path, "--memory", "%dM" % megabytes, "-"], stdin=subprocess.PIPE)
        child.stdin.write(HEADER)
        for part in parts:
            child.stdin.write(part)
        child.stdin.close()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        db = sqlite3.connect(path)
        return db, used.ru_maxrss / 1024

    @staticmethod
    def source(i):
        return ("198.%d.%d.%d" % (18 + (i >> 16) % 2, i >> 8 & 255, i & 255), 1024 + (i >> 17))

    def test_memory(self):
        """Beside what --memory says: the builder's sessions, SQLite, buffers (base)."""
        _, base = self.memory_of(connection(0, CLIENT, SERVER, dialog()), 8)
        syns = (segment(i / 1e5, self.source(i), SERVER, SYN, i) for i in range(FLOOD))
        db, used = self.memory_of(syns, 8)
        self.assertLess(used, base + 8 + 40)
        half = (p for i in range(FLOOD) for p in connection(i / 1e5, self.source(i), SERVER, [], end=False))
        db, used = self.memory_of(half, 8)
        self.assertEqual(db.execute("select count(*) from v_session").fetchone()[0], FLOOD)
        self.assertLess(used, base + 8 + 40)
        data = b"x" * 1400
        endless = [*connection(0, CLIENT, SERVER, dialog()[:9], end=False)]
        told = sum(len(d) for way, d in dialog()[:9] if way == ">")
        answers = sum(len(d) for way, d in dialog()[:9] if way == "<")
        flow = (segment(1 + i / 1e4, CLIENT, SERVER, ACK, 1001 + told + 1400 * i, 5001 + answers, data) for i in range(FLOOD))
        db, used = self.memory_of([*endless, *flow], 8) if FLOOD <= 20000 else self.memory_of((p for s in (endless, flow) for p in s), 8)
        self.assertLess(used, base + 8 + 40)
        self.assertEqual(db.execute("select count(*), max(stage), max(gap) from v_session").fetchone(), (1, "data", 0))

    def test_nonsense(self):
        for options, says in ((["--port", "0"], "--port"), (["--port", "smtp"], "--port"), (["--mx", "mx"], "--mx"), (["--memory", "5X"], "--memory")):
            run = subprocess.run([MXREPLAY, "collect", "-d", os.path.join(self.folder.name, "n.db"), *options, "x"], capture_output=True, text=True)
            self.assertEqual(run.returncode, 64, run.stderr)
            self.assertIn(says, run.stderr)


assert packets and resource
unittest.main()
