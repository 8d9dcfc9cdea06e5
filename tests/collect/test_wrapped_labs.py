#!/usr/bin/env python3
"""One log in everything that it may come wrapped in: the database says the same as of the plain one, also where the input
has grown since it was read first. Journals are made by systemd-journal-remote, journalctl writes its forms itself."""
import glob
import gzip
import json
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import unittest

LAB = "sample-logs/labs/postfix-smtpd"
MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
PLAIN = os.environ.get("MXREPLAY_PLAIN", "build/plain/mxreplay")
REMOTE = "/lib/systemd/systemd-journal-remote"
SEEDS = int(os.environ.get("MXREPLAY_SEEDS", "2"))

# All that is said but of the inputs, whose lines are others. An empty line between entries is one that is no mail's.
VIEWS = [
    "SELECT id, direction, gap, {started} client_ip, client_port, client_name, server, server_ip, server_port, helo, tls, "
    "auth_user, stage, closed, early_talker, transactions, messages, recipients, verdict, measure, code, enhanced, text "
    "FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT session_id, kind, subject, state, {detail} origin FROM v_evidence",
    "SELECT client_ip, client_net, server, mail_from, recipient, session_id, verdict FROM v_attempt",
    "SELECT reason, shape, sum(count) FROM v_skipped GROUP BY reason, shape",
    "SELECT sum({other} skipped) FROM v_input",
]


def said(database, exact=True, counts_other=True):
    db = sqlite3.connect(database)
    columns = {"started": "started, ended," if exact else "", "detail": "detail, at," if exact else "",
               "other": "other + " if counts_other else ""}
    rows = [db.execute(view.format(**columns)).fetchall() for view in VIEWS]
    db.close()
    # What is of one second is in some order.
    return rows if exact else [sorted(view, key=repr) for view in rows]


class Line:
    """A line of the lab's log, taken apart."""

    def __init__(self, line, traditional):
        self.line, self.traditional = line, traditional
        stamp, self.host, self.rest = line.split(b" ", 2)
        self.nano = stamp.replace(b"+00:00", b"123Z")
        self.usec = self.seconds(stamp.decode())
        self.program, pid, self.text = re.match(rb"([^\[: ]+)(?:\[(\d+)\])?: ?(.*)", self.rest, re.S).groups()
        self.pid = pid or b""

    @staticmethod
    def seconds(stamp):
        date, fraction = stamp[:19], stamp[20:26]
        days = sqlite3.connect(":memory:").execute("SELECT strftime('%s', ?)", (date,)).fetchone()[0]
        return int(days) * 1000000 + int(fraction)


def lab():
    with open(f"{LAB}/mail.log", "rb") as plain, gzip.open(f"{LAB}/mail.trad.log.gz") as traditional:
        return [Line(line.rstrip(b"\n"), other.rstrip(b"\n")) for line, other in zip(plain, traditional)]


def quoted(text):
    """As Go's encoder does it."""
    plain = json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def docker(text, stamp, more=b""):
    return b'{"log":%s,"stream":"stdout",%s"time":"%s"}' % (quoted(text), more, stamp)


def cri_pieces(line):
    third = len(line.line) // 3
    return b"\n".join(b"%s stdout %c %s" % (line.nano, tag, text) for tag, text in (
        (b"P", line.line[:third]), (b"P", line.line[third:2 * third]), (b"F", line.line[2 * third:])))


def docker_pieces(line):
    text = line.line.decode()
    half = len(text) // 2
    return docker(text[:half].encode(), line.nano) + b"\n" + docker(text[half:].encode() + b"\n", line.nano)


def entry(line):
    fields = [(b"__CURSOR", b"s=0;i=1"), (b"__REALTIME_TIMESTAMP", b"%d" % (line.usec + 50)),
              (b"__MONOTONIC_TIMESTAMP", b"%d" % (line.usec - 1795000000000000)), (b"_BOOT_ID", b"a" * 32),
              (b"_MACHINE_ID", b"b" * 32), (b"_HOSTNAME", line.host), (b"PRIORITY", b"6"), (b"SYSLOG_FACILITY", b"2"),
              (b"SYSLOG_IDENTIFIER", line.program), (b"_TRANSPORT", b"syslog"), (b"_PID", line.pid or b"1"),
              (b"_SOURCE_REALTIME_TIMESTAMP", b"%d" % line.usec)]
    if line.pid:
        fields.append((b"SYSLOG_PID", line.pid))
    out = b"".join(name + b"=" + value + b"\n" for name, value in fields)
    return out + b"MESSAGE\n" + struct.pack("<Q", len(line.text)) + line.text + b"\n"


# Name: a line in that wrapping. "bare": the program has put no stamp before it, nor a host; "mx" is the container's name.
WRAPPINGS = {
    "compose": lambda l: b"postfix-1  | " + l.line,
    "compose, in colour": lambda l: b"\x1b[36mpostfix-1  | \x1b[0m" + l.line,
    "compose 1, in colour": lambda l: b"\x1b[36mpostfix_1  |\x1b[0m " + l.line,
    "compose, stamps": lambda l: b"postfix-1  | " + l.nano + b" " + l.line,
    "compose, stamps, traditional": lambda l: b"postfix-1  | " + l.nano + b" " + l.traditional,
    "compose, stamps, bare": lambda l: b"mx  | " + l.nano + b" " + l.rest,
    "docker logs -t": lambda l: l.nano + b" " + l.line,
    "docker logs -t, traditional": lambda l: l.nano + b" " + l.traditional,
    "json-file": lambda l: docker(l.line + b"\n", l.nano),
    "json-file, traditional": lambda l: docker(l.traditional + b"\n", l.nano),
    "json-file, bare": lambda l: docker(l.rest + b"\n", l.nano, b'"attrs":{"tag":"mx"},'),
    "json-file, in pieces": docker_pieces,
    "compose over json": lambda l: b"postfix-1  | " + docker(l.line + b"\n", l.nano),
    "CRI": lambda l: l.nano + b" stdout F " + l.line,
    "CRI, traditional": lambda l: l.nano + b" stdout F " + l.traditional,
    "CRI, in pieces": cri_pieces,
    "kubectl --prefix": lambda l: b"[pod/mail-0/postfix] " + l.line,
    "kubectl --prefix --timestamps, bare": lambda l: b"[pod/mx/postfix] " + l.nano + b" " + l.rest,
    "export": entry,
}
# Of journalctl; those of whole seconds keep sessions, but not their times.
FORMS = {"export": True, "json": True, "json-seq": True, "json-sse": True, "short-iso-precise": True, "short-unix": True,
         "short-full": False}


class Wrapped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mxreplay-wrapped-")
        cls.lines = lab()
        cls.plain = cls.collect("plain", [f"{LAB}/mail.log"])

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def collect(cls, name, inputs, program=PLAIN, again=False, **how):
        database = cls.path(name + ".db")
        if not again:
            for old in glob.glob(glob.escape(database) + "*"):
                os.unlink(old)
        done = subprocess.run([program, "collect", "-q", "-d", database] + inputs, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{name}: exit status {done.returncode}: {done.stderr}")
        return said(database, **how)

    def same(self, got, expected, what):
        for view, a, b in zip(VIEWS, got, expected):
            self.assertEqual(len(a), len(b), f"{what}: {view}")
            self.assertEqual(a, b, f"{what}: {view}")

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def journal(self, name, lines, folder=""):
        """A journal of these lines, or more of them in one that is there."""
        os.makedirs(self.path(folder), exist_ok=True)
        export = self.write("journal.export", b"".join(entry(line) + b"\n" for line in lines))
        journal = os.path.join(self.path(folder), name)
        subprocess.run([REMOTE, "-o", journal, export], check=True, capture_output=True)
        return journal

    def test_the_lab_is_what_is_meant(self):
        self.assertEqual(len(self.lines), 2818)
        self.assertGreater(len(self.plain[0]), 580)

    def test_every_wrapping(self):
        for name, wrap in WRAPPINGS.items():
            with self.subTest(name):
                path = self.write("wrapped.log", b"".join(wrap(line) + b"\n" for line in self.lines))
                self.same(self.collect("wrapped", [path], MXREPLAY), self.plain, name)
                self.explained("wrapped", path)

    def explained(self, name, path):
        """explain finds a session's lines again, by their place."""
        told = subprocess.run([PLAIN, "explain", "-d", self.path(name + ".db"), "300"], capture_output=True, text=True)
        self.assertEqual(told.returncode, 0, told.stderr)
        lines = [line for line in told.stdout.splitlines() if "postfix/smtpd[16144]: " in line]
        self.assertEqual([line.split("]: ", 1)[1].split(" ")[0] for line in lines], ["connect", "NOQUEUE:", "disconnect"],
                         f"{path}: {told.stdout}")

    def test_grown(self):
        generator = random.Random(20261123)
        for name, wrap in WRAPPINGS.items():
            data = b"".join(wrap(line) + b"\n" for line in self.lines)
            for seed in range(SEEDS):
                cuts = sorted(generator.randrange(1000, len(data)) for _ in range(2))
                for i, cut in enumerate(cuts + [len(data)]):
                    path = self.write("grown.log", data[:cut])
                    got = self.collect("grown", [path], again=i > 0)
                self.same(got, self.plain, f"{name}, cut at {cuts}")

    def test_forms_of_journalctl(self):
        journal = self.journal("forms.journal", self.lines)
        for form, exact in FORMS.items():
            with self.subTest(form):
                text = subprocess.run(["journalctl", "--file", journal, "--all", "-o", form], check=True, capture_output=True,
                                      env=dict(os.environ, TZ="Europe/Berlin")).stdout
                path = self.write("form.log", text)
                how = {"exact": exact, "counts_other": form != "json-sse"}
                expected = said(self.path("plain.db"), **how)
                self.same(self.collect("form", [path], MXREPLAY, **how), expected, form)

    def test_a_journal(self):
        journal = self.journal("system.journal", self.lines, "one")
        self.same(self.collect("file", [journal], MXREPLAY), self.plain, "a file")
        self.explained("file", journal)
        self.same(self.collect("folder", [self.path("one")]), self.plain, "a folder")
        self.same(self.collect("folder", [journal, self.path("one")], again=True), self.plain, "again, by two names")
        # As journald keeps them: /var/log/journal/MACHINE-ID/system.journal
        shutil.copytree(self.path("one"), self.path("journal/" + "b" * 32))
        self.same(self.collect("folder", [self.path("journal")], again=True), self.plain, "again, elsewhere")
        self.same(self.collect("machines", [self.path("journal")]), self.plain, "a folder of machines")

    @staticmethod
    def renumber(path, sequence, first):
        """Makes the file's entries those of another's sequence (systemd.io/JOURNAL_FILE_FORMAT)."""
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            at, tail = struct.unpack_from("<Q", data, 88)[0], struct.unpack_from("<Q", data, 136)[0]
            entries = 0
            while at <= tail:
                if data[at] == 3:  # OBJECT_ENTRY
                    struct.pack_into("<Q", data, at + 16, first + entries)
                    entries += 1
                at += (struct.unpack_from("<Q", data, at + 8)[0] + 7) & ~7
            data[72:88] = sequence
            struct.pack_into("<QQ", data, 160, first + entries - 1, first)
            file.seek(0)
            file.write(data)

    def test_a_journal_that_is_rotated_and_vacuumed(self):
        """journald goes on in a new file, renames the old one, and in the end removes it."""
        a, b = 1000, 1900
        active = self.journal("system.journal", self.lines[:700], "rotating")
        with open(active, "rb") as file:
            sequence = file.read(88)[72:]
        self.collect("rotating", [self.path("rotating")])
        self.journal("system.journal", self.lines[700:a], "rotating")
        archived = active.replace(".journal", "@0001.journal")
        os.rename(active, archived)
        self.journal("system.journal", self.lines[a:b], "rotating")
        self.renumber(active, sequence, a + 1)
        self.collect("rotating", [self.path("rotating")], again=True)
        os.unlink(archived)
        os.rename(active, archived)
        self.journal("system.journal", self.lines[b:], "rotating")
        self.renumber(active, sequence, b + 1)
        self.same(self.collect("rotating", [self.path("rotating")], again=True), self.plain, "rotated")
        os.unlink(archived)
        self.same(self.collect("rotating", [self.path("rotating")], again=True), self.plain, "vacuumed")
        self.explained_no_more("rotating")
        db = sqlite3.connect(self.path("rotating.db"))
        self.assertEqual(db.execute("SELECT count(*), sum(lines) FROM v_input").fetchone(), (1, len(self.lines)))
        db.close()

    def test_what_was_removed_before_it_was_read(self):
        active = self.journal("system.journal", self.lines[:700], "gap")
        with open(active, "rb") as file:
            sequence = file.read(88)[72:]
        self.collect("gap", [active])
        os.unlink(active)
        self.journal("system.journal", self.lines[900:1000], "gap")
        self.renumber(active, sequence, 901)
        done = subprocess.run([MXREPLAY, "collect", "-d", self.path("gap.db"), active], capture_output=True, text=True)
        self.assertIn("200 entries were removed from the journal before they were read", done.stderr)
        self.assertEqual(done.returncode, 0)

    def explained_no_more(self, name):
        told = subprocess.run([PLAIN, "explain", "-d", self.path(name + ".db"), "300"], capture_output=True, text=True)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertNotIn("postfix/smtpd[16144]: connect", told.stdout)

    def test_journals_of_two_hosts(self):
        others = lab()
        for line in others:
            line.host = b"mx2"
        self.journal("remote-mx.journal", self.lines, "hosts/remote")
        self.journal("remote-mx2.journal", others, "hosts/remote")
        self.collect("hosts", [self.path("hosts")])
        db = sqlite3.connect(self.path("hosts.db"))
        self.assertEqual(db.execute("SELECT server, count(*) FROM v_session GROUP BY server").fetchall(),
                         [("mx", len(self.plain[0])), ("mx2", len(self.plain[0]))])
        db.close()

    def test_what_is_wrong_with_a_journal(self):
        cases = [("journal:no-such-machine", "no machine of that name"), (self.write("cut.journal", b"LPKSHHRH"), "not a journal"),
                 (self.write("odd.journal", b"LPKSHHRH" + bytes(range(256)) * 4), "odd.journal")]
        for name, words in cases:
            done = subprocess.run([MXREPLAY, "collect", "-d", self.path("wrong.db"), name], capture_output=True, text=True)
            self.assertIn(words, done.stderr)
            self.assertGreater(done.returncode, 63, done.stderr)


if __name__ == "__main__":
    unittest.main()
