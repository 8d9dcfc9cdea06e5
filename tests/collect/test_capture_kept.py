#!/usr/bin/env python3
"""What a run keeps of a connection that is open where a capture ends: enough to go on from there as if there had been no end,
and neither passwords nor contents of messages, wherever between two bytes that is."""
import base64
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, "tests/lib")
from packets import HEADER, connection  # noqa: E402

MXREPLAY = os.environ.get("MXREPLAY_PLAIN", "build/plain/mxreplay")  # many runs: those of test_capture_parts.c are sanitized
CLIENT, SERVER = ("198.51.100.4", 1024), ("192.0.2.10", 25)
VIEWS = ("v_session", "v_transaction", "v_recipient", "v_evidence")
USER, STAMP = 15, 8  # the column of v_session; bytes of a packet's time in the file
PASSWORD, BODY = b"trombone-4711", b"XyloPhonEs At DAWn\r\n..qUiTe AlOnE\r\n"
PLAIN = base64.b64encode(b"\0jane\0" + PASSWORD)
HEADERS = b"Received: from HidDen.eXaMple\r\nX-Note: ClasSiFieD\r\nSubject: told\r\nFrom: Jane <jane@good.test>\r\nTo: hidden\r\n\r\n"
SECRETS = (PASSWORD, base64.b64encode(PASSWORD), PLAIN, BODY, b"HidDen.eXaMple", b"ClasSiFieD")


def dialog(auth):
    return [("<", b"220 mx ESMTP\r\n"), (">", b"EHLO c.test\r\n"), ("<", b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n"), *auth,
            ("<", b"235 ok\r\n"), (">", b"MAIL FROM:<a@b.test>\r\n"), ("<", b"250 ok\r\n"), (">", b"RCPT TO:<c@d.test>\r\n"),
            ("<", b"250 ok\r\n"), (">", b"DATA\r\n"), ("<", b"354 go\r\n"), (">", HEADERS + BODY + b".\r\n"),
            ("<", b"250 ok queued as 4ABC\r\n"), (">", b"QUIT\r\n"), ("<", b"221 bye\r\n")]


AUTHS = {
    "plain": [(">", b"AUTH PLAIN " + PLAIN + b"\r\n")],
    "tab": [(">", b"auth \tplain\t" + PLAIN + b"\r\n")],
    "asked": [(">", b"AUTH PLAIN\r\n"), ("<", b"334 \r\n"), (">", PLAIN + b"\r\n")],
    "login": [(">", b"AUTH LOGIN\r\n"), ("<", b"334 VXNlcm5hbWU6\r\n"), (">", base64.b64encode(b"jane") + b"\r\n"),
              ("<", b"334 UGFzc3dvcmQ6\r\n"), (">", base64.b64encode(PASSWORD) + b"\r\n")],
    # The question was not captured: the password looks like a command.
    "lost": [(">", b"AUTH LOGIN\r\n"), ("<", b"334 VXNlcm5hbWU6\r\n"), (">", base64.b64encode(b"jane") + b"\r\n"),
             (">", base64.b64encode(PASSWORD) + b"\r\n")],
}


def bytewise(turns):
    return [(way, data[i:i + 1]) for way, data in turns for i in range(len(data))]


def pieces_of(secret):
    return {secret[i:i + 6] for i in range(len(secret) - 5)}


def without_user(said):
    return {view: [[value for value in row if value not in (None, "jane")] for row in rows] for view, rows in said.items()}


PIECES = {piece for secret in SECRETS for piece in pieces_of(secret)} - pieces_of(base64.b64encode(b"jane"))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = lambda name: os.path.join(folder.name, name)

    def write(self, name, packets):
        with open(self.path(name), "wb") as out:
            out.write(HEADER + b"".join(packets))

    def collect(self, database, name, options=()):
        subprocess.run([MXREPLAY, "collect", "-q", "-d", self.path(database), *options, self.path(name)], check=True)

    def rows(self, database, sql):
        db = sqlite3.connect(self.path(database))
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def said(self, database):
        return {view: self.rows(database, "select * from %s order by 1" % view) for view in VIEWS}

    def forget(self, database):
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.path(database) + end):
                os.unlink(self.path(database) + end)

    def expect_no_secret(self, database, where):
        for end in ("", "-wal"):
            if os.path.exists(self.path(database) + end):
                with open(self.path(database) + end, "rb") as stored:
                    held = stored.read()
                for piece in PIECES:
                    self.assertFalse(piece in held, "%s: %r" % (where, piece))

    def grow(self, packets, cuts, options=()):
        """Reads all at once, and again and again in two runs; returns what each has of the user."""
        users = []
        self.forget("once.db")
        self.write("capture.pcap", packets)
        self.collect("once.db", "capture.pcap", options)
        self.expect_no_secret("once.db", "once")
        once = self.said("once.db")
        for cut in cuts:
            self.forget("grown.db")
            self.write("capture.pcap", packets[:cut])
            self.collect("grown.db", "capture.pcap", options)
            self.expect_no_secret("grown.db", "cut at %d" % cut)
            self.write("capture.pcap", packets)
            self.collect("grown.db", "capture.pcap", options)
            self.expect_no_secret("grown.db", "grown from %d" % cut)
            users.append(self.rows("grown.db", "select auth_user from v_session")[0][0])
            grown = self.said("grown.db")
            if users[-1] is None:
                self.assertEqual(without_user(grown), without_user(once), "cut at %d" % cut)
            else:
                self.assertEqual(grown, once, "cut at %d" % cut)
        return once["v_session"][0][USER], users

    def test_passwords(self):
        """Of a response that had come in part, the user is not known; of all others it is."""
        for name, auth in AUTHS.items():
            turns = dialog(auth)
            packets = list(connection(0, CLIENT, SERVER, turns[:3] + bytewise(auth) + turns[3 + len(auth):]))
            first, length = 6, sum(len(data) for _, data in auth)
            once, users = self.grow(packets, [*range(first, first + length, 5), first + length])
            self.assertEqual((once, users[0], users[-1]), ("jane", "jane", "jane"), name)

    def test_contents(self):
        turns = dialog(AUTHS["plain"])
        at = [data for _, data in turns].index(HEADERS + BODY + b".\r\n")
        packets = list(connection(0, CLIENT, SERVER, turns[:at] + bytewise(turns[at:at + 1]) + turns[at + 1:]))
        for options in ((), ("--headers",)):
            once, users = self.grow(packets, range(3 + at, 3 + at + len(turns[at][1]) + 1, 9), options)
            self.assertEqual(set(users), {"jane"})

    def at_once(self):
        """A client that does not wait for 354: DATA and the message are in one packet, and the server's reply before them was
        captured after it."""
        turns = dialog(AUTHS["plain"])
        at = [data for _, data in turns].index(b"DATA\r\n")
        turns[at:at + 3] = [(">", b"DATA\r\n" + turns[at + 2][1]), ("<", b"354 go\r\n")]
        packets = list(connection(0, CLIENT, SERVER, turns))
        answer, ahead = packets[2 + at:4 + at]
        packets[2 + at:4 + at] = answer[:STAMP] + ahead[STAMP:], ahead[:STAMP] + answer[STAMP:]
        return packets, 2 + at

    def test_waiting_bytes(self):
        """Bytes that had come too early are not kept, but read again where they are."""
        packets, early = self.at_once()
        once, users = self.grow(packets, range(early, early + 5))
        self.assertEqual(set(users), {"jane"})

    def test_first_file_gone(self):
        """Without them the session is marked; the rest of it is as it was."""
        packets, early = self.at_once()
        for gone in (False, True):
            for cut in (early + 1, early + 2):
                self.forget("set.db")
                self.write("one.pcap", packets[:cut])
                self.write("two.pcap", packets[cut:])
                self.collect("set.db", "one.pcap")
                if gone:
                    os.unlink(self.path("one.pcap"))
                self.collect("set.db", "two.pcap")
                self.assertEqual(self.rows("set.db", "select gap, helo, auth_user, recipients, closed from v_session"),
                                 [(int(gone), "c.test", "jane", 1, "quit")])
                self.assertEqual(self.rows("set.db", "select mail_from, accepted_recipients from v_transaction"), [("a@b.test", 1)])

    def test_damaged(self):
        """What was kept and is not the same any more is of no use: what was open stays as it stood."""
        packets, early = self.at_once()
        for place in range(0, 400, 40):
            self.forget("damaged.db")
            self.write("capture.pcap", packets[:early])
            self.collect("damaged.db", "capture.pcap")
            db = sqlite3.connect(self.path("damaged.db"))
            (row, kept), = db.execute("select id, bytes from kept limit 1").fetchall()
            db.execute("update kept set bytes = ? where id = ?", (kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1:], row))
            db.commit()
            db.close()
            self.write("capture.pcap", packets)
            self.collect("damaged.db", "capture.pcap")
            subprocess.run([MXREPLAY, "check", "-q", "-d", self.path("damaged.db")], check=True)
            self.assertEqual(self.rows("damaged.db", "select stage, closed from v_session order by id")[0], ("rcpt", None), place)


unittest.main()
