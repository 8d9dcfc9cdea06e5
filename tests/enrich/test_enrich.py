#!/usr/bin/env python3
"""mxreplay enrich against what is known to be true: the zone files and name servers (rbldnsd, unbound, on the loopback) that
the labs' servers asked, and the clients' classes in truth.tsv. Nothing is asked of the Internet."""
import csv
import gzip
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))
import mmdb  # noqa: E402

HERE = pathlib.Path(__file__).parent
LABS = HERE.parent.parent / "sample-logs" / "labs"
MXREPLAY = os.environ["MXREPLAY"]
ZEN, SECOND = "zen.example-rbl.test", "bl.second.test"
CAPTURES = ("postfix-smtpd", "opensmtpd-filters", "sendmail-loglevel14")

# What the names of unbound-lab.conf have: exists, null MX.
DOMAINS = {"good.test": (1, 0), "nullmx.test": (1, 1), "nodns.test": (0, 0), "amx.test": (1, 0), "txtonly.test": (0, 0)}
# And their SPF records say of clients, worked out by hand: 198.51.100.0/26 and .120-.127 are good.test's.
SPF = {
    ("good.test", "198.51.100.1"): "pass",
    ("good.test", "203.0.113.1"): "fail",
    ("shop.test", "198.51.100.27"): "pass",  # include:good.test ~all
    ("softfail.test", "198.51.100.2"): "softfail",
    ("spffail.test", "198.51.100.2"): "fail",
    ("nospf.test", "198.51.100.3"): "none",
    ("permerr.test", "198.51.100.4"): "permerror",
    ("users.test", "198.51.100.5"): "pass",  # before it comes to who the sender is
    ("users.test", "203.0.113.5"): "depends on the sender",
    ("helo.test", "203.0.113.5"): "depends on the sender",
}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\0\0\1\0\1"


def wait_for(port, name):
    """Until a name server answers."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(0.2)
            try:
                one.sendto(question(name), ("127.0.0.1", port))
                one.recv(512)
                return
            except OSError:
                time.sleep(0.1)
    raise AssertionError(f"no name server on port {port}")


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.database = f"{self.folder}/t.db"

    def write(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run_it(self, *words, status=0):
        done = subprocess.run([MXREPLAY, words[0], "-d", self.database, *words[1:]], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def ask(self, sql, *values):
        with sqlite3.connect(self.database) as database:
            return database.execute(sql, values).fetchall()

    def replay(self, policy, unit="session"):
        rows = self.run_it("replay", "-p", self.write("p.yaml", policy), "--unit", unit, "--format", "csv")
        return {row["measure"]: (int(row["low"]), int(row["high"])) for row in csv.DictReader(rows.splitlines())}

    def truth(self, lab):
        """(client, port): the row of truth.tsv, of those whose sessions the capture has."""
        path = LABS / lab / "truth.tsv"
        with open(path, encoding="utf-8", newline="") if path.exists() else \
                gzip.open(f"{path}.gz", "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        return {(row["client_ip"], int(row["client_port"])): row for row in rows if row["client_port"]}

    def told(self, lab):
        """Each session's number and its row of the truth."""
        truth = self.truth(lab)
        told = {session: truth[key] for session, *key in
                ((i, ip, port) for i, ip, port in self.ask("SELECT id, client_ip, client_port FROM v_session"))
                for key in [tuple(key)] if key in truth}
        self.assertGreater(len(told), 500)
        return told


class Zones(Base):
    def test_labs(self):
        """Of each session of a capture what the lists had: as the truth has it, an error code being no listing."""
        zones = HERE / "zones"
        for lab in CAPTURES:
            with self.subTest(lab=lab):
                self.database = f"{self.folder}/{lab}.db"
                self.run_it("collect", "-q", str(LABS / lab / "capture.pcap.xz"))
                self.run_it("enrich", "-q", "--dnsbl-zone", f"{ZEN}=ip4set:{zones}/rbldnsd-zen4",
                            "--dnsbl-zone", f"{SECOND}={zones}/rbldnsd-sec4", "--dnsbl-zone", f"{ZEN}={zones}/rbldnsd-zen6")
                told = self.told(lab)
                for zone, column in ((ZEN, "zen_code"), (SECOND, "second_code")):
                    codes = [row[column] for row in told.values()]
                    listed = sum(code.startswith("127.0.0.") for code in codes)
                    errors = sum(code.startswith("127.255.255.") for code in codes)
                    self.assertGreater(listed, 0)
                    hits = self.replay(f"policy: one\nmeasures: [ dnsbl: {{ zones: {{ {zone}: 1 }} }} ]\n")["dnsbl"]
                    self.assertEqual(hits, (listed, listed + errors), zone)
                    states = dict(self.ask("SELECT session_id, max(state) FROM v_evidence WHERE kind = 'dnsbl' AND "
                                           "origin = 'snapshot' AND subject = ? GROUP BY 1", zone))
                    for session, row in told.items():
                        self.assertEqual(states[session], int(row[column].startswith("127.")), (session, row[column]))

    def test_period(self):
        """A list holds for its time, and what the server saw outweighs it."""
        log = self.write("mail.log", "".join(
            f"2026-10-{day:02}T10:00:0{day % 10}+00:00 mx postfix/smtpd[{day}]: connect from unknown[192.0.2.{day}]\n"
            f"2026-10-{day:02}T10:00:0{day % 10}+00:00 mx postfix/smtpd[{day}]: disconnect from unknown[192.0.2.{day}] "
            "quit=1 commands=1\n" for day in range(1, 6)))
        self.run_it("collect", "-q", log)
        early, late = self.write("a.zone", "192.0.2.1\n192.0.2.4\n"), self.write("b.zone", "192.0.2.2\n192.0.2.4\n")
        self.run_it("enrich", "-q", "--dnsbl-zone", f"rbl.test={early}@2026-10-01..2026-10-03",
                    "--dnsbl-zone", f"rbl.test={late}@2026-10-03..2026-10-05")
        policy = "policy: one\nmeasures: [ dnsbl: { zones: { rbl.test: 1 } } ]\n"
        # 1: listed on its day. 2: was not yet. 3: is not. 4: is. 5: no list of its day.
        self.assertEqual(self.replay(policy)["dnsbl"], (2, 3))
        states = self.ask("SELECT session_id, state FROM v_evidence WHERE kind = 'dnsbl' ORDER BY 1")
        self.assertEqual(states, [(1, 1), (2, 0), (3, 0), (4, 1)])
        pathlib.Path(late).write_text("192.0.2.3\n")
        os.utime(late, (1764547200, 1764547200))
        self.run_it("enrich", "-q", "--dnsbl-zone", f"rbl.test={late}@2026-10-03..2026-10-05")  # what it said before is gone
        states = self.ask("SELECT session_id, state FROM v_evidence WHERE kind = 'dnsbl' ORDER BY 1")
        self.assertEqual(states, [(1, 1), (2, 0), (3, 1), (4, 0)])
        self.run_it("enrich", "-q", "--forget", "2")
        self.assertEqual(self.replay(policy)["dnsbl"], (1, 4))
        self.assertIn("there is no evidence of number 9", self.run_it("enrich", "--forget", "9", status=64))

    def test_age(self):
        """A list of another day is told by how many days, and gives way to a "no" by inference."""
        log = self.write("mail.log", "".join(
            f"2026-10-0{day}T10:00:00+00:00 mx postfix/smtpd[1]: connect from host.example[192.0.2.{client}]\n"
            f"{said}2026-10-0{day}T10:00:02+00:00 mx postfix/smtpd[1]: disconnect from host.example[192.0.2.{client}]\n"
            for day, client, said in (
                (1, 7, "2026-10-01T10:00:01+00:00 mx postfix/smtpd[1]: A1B2C3D4E5: client=host.example[192.0.2.7]\n"
                       "2026-10-01T10:00:01+00:00 mx postfix/qmgr[2]: A1B2C3D4E5: from=<a@b.example>, size=9, nrcpt=1 "
                       "(queue active)\n"
                       "2026-10-01T10:00:01+00:00 mx postfix/local[3]: A1B2C3D4E5: to=<c@d.example>, relay=local, delay=0, "
                       "delays=0/0/0/0, dsn=2.0.0, status=sent (delivered)\n"),
                (1, 8, "2026-10-01T10:00:01+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from host.example[192.0.2.8]: "
                       "554 5.7.1 Service unavailable; Client host [192.0.2.8] blocked using rbl.test; from=<a@b.example> "
                       "to=<c@d.example> proto=SMTP helo=<h>\n"),
                (2, 9, ""))))
        self.run_it("collect", "-q", log)
        zone = self.write("z.zone", "192.0.2.7\n192.0.2.9\n")
        os.utime(zone, (1764547200, 1764547200))  # 2025-12-01
        self.run_it("enrich", "-q", "--dnsbl-zone", f"rbl.test={zone}")
        # 7 went past the list on a day on which it is seen to act; 8 was refused; 9 was not asked: a year before it was there.
        policy = "policy: one\nmeasures: [ dnsbl: { zones: { rbl.test: 1 } } ]\n"
        self.assertEqual(self.replay(policy)["dnsbl"], (2, 2))
        story = json.loads(self.run_it("explain", "3", "-p", self.write("p.yaml", policy), "--format", "json"))
        self.assertIn("(snapshot, 305 days earlier)", json.dumps(story))


class Kept(Base):
    """Evidence from elsewhere goes where its sessions go."""
    POLICY = "policy: one\nmeasures: [ dnsbl: { zones: { rbl.test: 1 } }, relay: {}, recipient: {} ]\n"

    def setUp(self):
        super().setUp()
        self.run_it("collect", "-q", str(LABS / "postfix-smtpd" / "mail.log"))
        self.run_it("enrich", "-q", "--dnsbl-zone", f"rbl.test={HERE}/zones/rbldnsd-zen4,{HERE}/zones/rbldnsd-zen6",
                    "--recipients", self.write("r", "alice@lab.test\nbob@lab.test\n@other.test\n"),
                    "--local-domains", self.write("d", "lab.test\n"),
                    "--labels", self.write("l", "1 wanted\n203.0.113.3 unwanted\n"))

    def test_copy(self):
        """A pseudonymised copy counts the same, and knows no name of a file."""
        key = pathlib.Path(self.folder, "key")
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        told = {unit: self.replay(self.POLICY, unit) for unit in ("session", "recipient", "delivery")}
        self.assertGreater(told["session"]["dnsbl"][0], 40)
        self.run_it("export", "-q", "--pseudonymise", str(key), "-o", f"{self.folder}/copy.db")
        self.database = f"{self.folder}/copy.db"
        self.assertEqual({unit: self.replay(self.POLICY, unit) for unit in told}, told)
        self.assertEqual(self.run_it("check"), "")
        self.assertEqual({place for place, in self.ask("SELECT place FROM provider")}, {f"source-{i}" for i in range(1, 6)})
        self.assertEqual(self.ask("SELECT count(*) FROM provided WHERE name LIKE '%lab.test%'"), [(0,)])

    def test_prune(self):
        """What is of no session any more goes with the sessions."""
        self.assertGreater(self.ask("SELECT count(*) FROM provided")[0][0], 300)
        clients = "SELECT count(DISTINCT client) FROM provided WHERE client <> ''"
        before = self.ask(clients)
        self.run_it("prune", "-q", "--before", "2026-11-23T09:08:00")
        left = self.ask("SELECT count(DISTINCT client) FROM session")
        self.assertEqual(self.ask(clients), left)
        self.assertLess(left, before)
        self.run_it("prune", "-q", "--before", "2027-01-01")
        self.assertEqual(self.ask("SELECT count(*) FROM provided"), [(0,)])

    def test_again(self):
        """The same lists again change nothing; after more was collected they tell of that, too."""
        pieces = self.ask("SELECT * FROM provided ORDER BY 1, 2, 3")
        self.run_it("enrich", "-q", "--local-domains", f"{self.folder}/d")
        self.assertEqual(self.ask("SELECT * FROM provided ORDER BY 1, 2, 3"), pieces)
        log = self.write("more.log", Lists.LOG)
        self.run_it("collect", "-q", log)
        self.run_it("enrich", "-q", "--local-domains", f"{self.folder}/d")
        told = self.ask("SELECT state FROM v_evidence WHERE kind = 'relay' AND origin = 'list' AND subject = 'any@all.example'")
        self.assertEqual(told, [(1,)])


class Coverage(Base):
    def coverage(self, *words):
        return {row["measure"]: row for row in
                csv.DictReader(self.run_it("status", "--coverage", "--format", "csv", *words).splitlines())}

    def test_coverage(self):
        """Worked out by hand: of four clients one was refused by a list, one let past it, one turned away before, and of
        that one and a fourth a zone file tells."""
        def session(client, said):
            return (f"2026-10-01T10:00:00+00:00 mx postfix/smtpd[1]: connect from host.example[192.0.2.{client}]\n{said}"
                    f"2026-10-01T10:00:02+00:00 mx postfix/smtpd[1]: disconnect from host.example[192.0.2.{client}]\n")

        def refused(client, words, code):
            return session(client, "2026-10-01T10:00:01+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from host.example"
                                   f"[192.0.2.{client}]: {code} {words}; from=<a@b.example> to=<c@d.example> proto=SMTP "
                                   "helo=<h.example>\n")
        log = (refused(1, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using rbl.test", 554) +
               session(2, "2026-10-01T10:00:01+00:00 mx postfix/smtpd[1]: A1B2C3D4E5: client=host.example[192.0.2.2]\n"
                          "2026-10-01T10:00:01+00:00 mx postfix/qmgr[2]: A1B2C3D4E5: from=<a@b.example>, size=9, nrcpt=1 "
                          "(queue active)\n"
                          "2026-10-01T10:00:01+00:00 mx postfix/local[3]: A1B2C3D4E5: to=<c@d.example>, relay=local, delay=0, "
                          "delays=0/0/0/0, dsn=2.0.0, status=sent (delivered)\n") +
               refused(3, "4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.3]", 450) +
               refused(4, "4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.4]", 450))
        self.run_it("collect", "-q", self.write("mail.log", log))
        policy = self.write("p.yaml", "policy: one\nmeasures: [ dnsbl: { zones: { rbl.test: 1 } } ]\n")
        shares = [self.coverage("-p", policy)["dnsbl"]]
        self.run_it("enrich", "-q", "--dnsbl-zone", f"rbl.test={self.write('z', '192.0.2.3')}@2026-10-01..2026-10-02")
        shares.append(self.coverage("-p", policy)["dnsbl"])
        told = [tuple(row[key] for key in ("month", "units", "recorded", "inferred", "enriched", "unknown")) for row in shares]
        self.assertEqual(told, [("2026-10", "4", "25.00", "25.00", "0.00", "50.00"),
                                ("2026-10", "4", "25.00", "25.00", "50.00", "0.00")])
        self.assertIn("no-rdns", self.coverage())  # of all measures
        exempt = self.write("e.yaml", "policy: two\nexempt: { networks: [192.0.2.2/31] }\nmeasures: [ dnsbl: { zones: "
                                      "{ rbl.test: 1 } } ]\n")
        self.assertEqual(self.coverage("-p", exempt)["dnsbl"]["units"], "2")  # 192.0.2.1 and .4

    def test_advice(self):
        """What leaves the most open is named first, with what would tell."""
        self.run_it("collect", "-q", str(LABS / "postfix-smtpd" / "mail.log"))
        text = self.run_it("status", "--coverage", "-p", "talk-2009")
        self.assertIn("dnsbl: enrich --dnsbl-zone ZONE=FILE", text)
        open_ones = [int(line.split()[0]) for line in text.splitlines() if line.startswith("   ") and ": " in line]
        self.assertEqual(open_ones, sorted(open_ones, reverse=True))
        self.assertGreater(len(open_ones), 2)


class Lists(Base):
    LOG = "".join(
        f"2026-10-01T10:00:0{i}+00:00 mx postfix/smtpd[1]: connect from host.example[192.0.2.{i}]\n"
        f"2026-10-01T10:00:0{i}+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from host.example[192.0.2.{i}]: 450 4.7.1 "
        f"Client host rejected: cannot find your reverse hostname, [192.0.2.{i}]; from=<a@b.example> to=<{to}> proto=SMTP "
        "helo=<h.example>\n"
        f"2026-10-01T10:00:0{i}+00:00 mx postfix/smtpd[1]: disconnect from host.example[192.0.2.{i}]\n"
        for i, to in enumerate(("bob@ours.example", "BOB+lists@Ours.Example", "nobody@ours.example", "any@all.example",
                                "x@elsewhere.example"), 1))

    def setUp(self):
        super().setUp()
        self.run_it("collect", "-q", self.write("mail.log", self.LOG))

    def test_recipients(self):
        """One a line, a map's keys, +extensions, all of a domain; of other domains nothing is known."""
        for text in ("bob@ours.example\n@all.example\n", "# map\nbob@ours.example\tmaildir/\n@all.example ok\n",
                     '<Bob@Ours.Example>: bob\n"@all.example": x\n@all.example:\n/^x/ regexp\n'):
            self.run_it("enrich", "-q", "--recipients", self.write("list", text))
            self.assertEqual(self.replay("policy: one\nmeasures: [ recipient: {} ]\n", "recipient")["recipient"], (1, 2))
            self.run_it("enrich", "-q", "--forget", str(self.ask("SELECT max(id) FROM provider")[0][0]))
        self.assertIn("holds no address", self.run_it("enrich", "--recipients", self.write("list", "bob\n"), status=65))

    def test_mmdb(self):
        """Autonomous systems and countries of clients, by whichever of the usual names the file has them."""
        path = f"{self.folder}/t.mmdb"
        mmdb.write(path, {"192.0.2.1/32": {"autonomous_system_number": 64496, "autonomous_system_organization": "One"},
                          "192.0.2.2/31": {"country": {"iso_code": "DE"}, "asn": "AS64497"},
                          "192.0.2.4/32": {"other": "x"}, "2001:db8::/32": {"country_code": "FR"}})
        self.run_it("enrich", "-q", "--mmdb", path)
        rows = self.ask("SELECT session_id, kind, detail FROM v_evidence WHERE origin = 'snapshot' ORDER BY 1, 2")
        self.assertEqual(rows, [(1, "asn", "One"), (2, "asn", None), (2, "country", "DE"), (3, "asn", None),
                                (3, "country", "DE")])
        numbers = self.ask("SELECT a FROM provided JOIN provider ON id = provider WHERE kind = 28 ORDER BY client")
        self.assertEqual(numbers, [(64496,), (64497,), (64497,)])
        # All were refused for want of a name: the first is exempt now, of the last two the system is not known.
        hits = self.replay("policy: one\nmeasures: [ no-rdns: { exempt: { asns: [64496] } } ]\n", "recipient")["no-rdns"]
        self.assertEqual(hits, (2, 4))
        hits = self.replay("policy: one\nmeasures: [ no-rdns: { exempt: { countries: [DE] } } ]\n", "recipient")["no-rdns"]
        self.assertEqual(hits, (0, 3))
        self.assertIn("cannot be read as an mmdb file", self.run_it("enrich", "--mmdb", self.write("l", "x"), status=65))

    def test_domains(self):
        self.run_it("enrich", "-q", "--local-domains", self.write("list", "ours.example\n@all.example\n"))
        self.assertEqual(self.replay("policy: one\nmeasures: [ relay: {} ]\n", "recipient")["relay"], (1, 1))

    def test_labels(self):
        """By session, sender and client, in lines and in CSV; the last word counts; a bad line is told by its number."""
        self.run_it("enrich", "-q", "--labels", self.write("l", "1 wanted ann\na@b.example unwanted\n192.0.2.3 wanted\n"))
        self.run_it("enrich", "-q", "--labels", self.write("l", 'label,"session",by\nunwanted,1,"ann, again"\n'))
        rows = self.ask("SELECT session_id, state, detail FROM v_evidence WHERE kind = 'label' ORDER BY 1, 2, 3")
        self.assertEqual([row for row in rows if row[2]], [(1, 0, "ann, again")])
        self.assertEqual(len(rows), 1 + 5 + 1)
        self.assertIn("l:2:", self.run_it("enrich", "--labels", self.write("l", "1 wanted\n2 perhaps\n"), status=65))


class LookUps(Base):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp()
        cls.ports = rbl, dns = free_port(), free_port()
        for name in (HERE / "zones").iterdir():
            shutil.copy(name, cls.home)
        os.chmod(cls.home, 0o755)
        stubs = "".join(f'stub-zone:\n  name: "{zone}."\n  stub-addr: 127.0.0.1@{rbl}\n' for zone in (ZEN, SECOND))
        own = (f"server:\n  interface: 127.0.0.1@{dns}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{cls.home}\"\n"
               f"  pidfile: \"{cls.home}/pid\"\n  logfile: \"{cls.home}/log\"\n")
        config = pathlib.Path(cls.home, "unbound.conf")
        config.write_text(own + (HERE / "unbound-lab.conf").read_text(encoding="utf-8") + stubs, encoding="utf-8")
        cls.servers = [
            subprocess.Popen(["rbldnsd", "-n", "-u", "nobody", "-r", cls.home, "-b", f"127.0.0.1/{rbl}",
                              f"{ZEN}:ip4set:rbldnsd-zen4", f"{ZEN}:ip6trie:rbldnsd-zen6", f"{SECOND}:ip4set:rbldnsd-sec4"],
                             stdout=subprocess.DEVNULL),
            subprocess.Popen(["unbound", "-d", "-c", str(config)], stderr=subprocess.DEVNULL)]
        wait_for(rbl, f"2.0.0.127.{ZEN}")
        wait_for(dns, "good.test")

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.terminate()
            server.wait()
        shutil.rmtree(cls.home)

    def look_up(self, *what):
        words = [word for one in what for word in ("--lookup", one)]
        return self.run_it("enrich", "-q", "--resolver", f"127.0.0.1:{self.ports[1]}", "--rate", "5000", "--timeout", "2s", *words)

    def states(self, kind, subject=None):
        return dict(self.ask("SELECT session_id, max(state) FROM v_evidence WHERE kind = ? AND origin = 'live' AND "
                             "(?2 IS NULL OR subject = ?2) GROUP BY 1", kind, subject))

    def test_lab(self):
        """DNS lists and reverse DNS of all clients of a lab: as its name servers were set up."""
        self.run_it("collect", "-q", str(LABS / "postfix-smtpd" / "capture.pcap.xz"))
        self.look_up(f"dnsbl:{ZEN}", f"dnsbl:{SECOND}", "rdns")
        told = self.told("postfix-smtpd")
        for zone, column in ((ZEN, "zen_code"), (SECOND, "second_code")):
            states = self.states("dnsbl", zone)
            for session, row in told.items():
                self.assertEqual(states[session], int(row[column].startswith("127.")), (session, row[column]))
            listed = sum(row[column].startswith("127.0.0.") for row in told.values())
            errors = sum(row[column].startswith("127.255.255.") for row in told.values())
            hits = self.replay(f"policy: one\nmeasures: [ dnsbl: {{ zones: {{ {zone}: 1 }} }} ]\n")["dnsbl"]
            self.assertEqual(hits, (listed, listed + errors))
        classes = {"match": (1, 1), "match_multi": (1, 1), "mismatch": (1, 0), "fwd_nxdomain": (1, 0), "none": (0, 0),
                   "servfail": (None, None)}
        seen, rdns, fcrdns = set(), self.states("rdns"), self.states("fcrdns")
        for session, row in told.items():
            self.assertEqual((rdns[session], fcrdns[session]), classes[row["ptr_class"]], row["client_ip"])
            seen.add(row["ptr_class"])
        self.assertEqual(seen, set(classes))

    def session(self, number, client, sender):
        return (f"2026-10-01T10:00:{number:02}+00:00 mx postfix/smtpd[1]: connect from unknown[{client}]\n"
                f"2026-10-01T10:00:{number:02}+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[{client}]: 450 "
                f"4.7.1 Client host rejected: cannot find your reverse hostname, [{client}]; from=<{sender}> "
                f"to=<c@lab.test> proto=SMTP helo=<{sender.partition('@')[2] or 'x'}>\n"
                f"2026-10-01T10:00:{number:02}+00:00 mx postfix/smtpd[1]: disconnect from unknown[{client}]\n")

    def test_names(self):
        """Senders' domains and HELO names, null MX among them."""
        log = "".join(self.session(i, "198.51.100.1", f"x@{name}") for i, name in enumerate(DOMAINS))
        self.run_it("collect", "-q", self.write("mail.log", log))
        self.look_up("sender-domain", "helo")
        exists, null, helo = self.states("sender_domain", "exists"), self.states("sender_domain", "null-mx"), self.states("helo")
        for i, (name, (there, no_mail)) in enumerate(DOMAINS.items(), 1):
            self.assertEqual((exists[i], null[i], helo[i]), (there, no_mail, there), name)

    def test_spf(self):
        """Results as RFC 7208 has them; a session of another client and the same domain has its own."""
        log = "".join(self.session(i, client, f"x@{name}") for i, (name, client) in enumerate(SPF))
        self.run_it("collect", "-q", self.write("mail.log", log))
        self.look_up("spf")
        rows = self.ask("SELECT session_id, detail FROM v_evidence WHERE kind = 'spf' AND origin = 'live' ORDER BY 1")
        self.assertEqual(rows, list(enumerate(SPF.values(), 1)))
        hits = self.replay("policy: one\nmeasures: [ spf: { on: [fail, softfail] } ]\n")["spf"]
        self.assertEqual(hits, (3, 5))  # of two it is not known

    def test_again(self):
        """What is fresh is not asked again, what had no answer is; a server that is not there gives no evidence."""
        log = "".join(self.session(i, f"198.51.100.{host}", "x@good.test") for i, host in enumerate((1, 60, 100)))
        self.run_it("collect", "-q", self.write("mail.log", log))
        resolver = ("--resolver", f"127.0.0.1:{self.ports[1]}", "--rate", "1000", "--timeout", "1s")
        done = [subprocess.run([MXREPLAY, "enrich", "-d", self.database, *resolver, "--lookup", "rdns", *more],
                               capture_output=True, text=True).stderr for more in ((), (), ("--fresh", "0s"))]
        self.assertIn("rdns: 3 asked: 1 yes, 1 no, 1 without an answer", done[0])
        self.assertIn("rdns: 1 asked: 0 yes, 0 no, 1 without an answer", done[1])  # SERVFAIL
        self.assertIn("rdns: 2 asked: 0 yes", done[2])  # the PTR lives for 300 s, a "no" without an SOA not at all (RFC 2308)
        self.database = f"{self.folder}/other.db"
        self.run_it("collect", "-q", f"{self.folder}/mail.log")
        self.run_it("enrich", "-q", "--resolver", f"127.0.0.1:{free_port()}", "--rate", "1000", "--timeout", "200ms",
                    "--lookup", f"dnsbl:{ZEN}")
        self.assertEqual(set(self.states("dnsbl").values()), {None})
        self.assertIn("is nothing to look up", self.run_it("enrich", "--lookup", "dnsbl", status=64))
        self.assertIn("is no name server", self.run_it("enrich", "--lookup", "rdns", "--resolver", "no.such", status=64))


if __name__ == "__main__":
    unittest.main()
