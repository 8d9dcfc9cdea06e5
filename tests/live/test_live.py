#!/usr/bin/env python3
"""mxreplay live on the loopback and between two network namespaces' interfaces: sessions that a server of this file has
really had, privileges, drops, ends of every kind. Takes root; the plain build, since sanitizers die in the sandbox."""
import contextlib
import datetime
import json
import os
import pathlib
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))
import packets

MXREPLAY = os.environ["MXREPLAY_PLAIN"]
PORT = 2525
USER = "nobody"
SERVER, SERVER6, CLIENT, CLIENT6 = "198.51.100.1", "2001:db8::1", "198.51.100.2", "2001:db8::2"


class Server(threading.Thread):
    """A mail server that refuses nobody@ and keeps what it has said and heard."""

    def __init__(self, address, family=socket.AF_INET):
        super().__init__(daemon=True)
        self.log = []  # of what has come, as smtpd would have logged it
        self.socket = socket.create_server((address, PORT), family=family, dualstack_ipv6=family == socket.AF_INET6)
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def note(self, number, text):
        at = datetime.datetime.now(datetime.timezone.utc).isoformat()
        self.log.append(f"{at} mx postfix/smtpd[{number}]: {text}\n")

    def serve(self, connection):
        number = threading.get_native_id()
        self.note(number, f"connect from unknown[{connection.getpeername()[0]}]")
        self.talk(connection)
        self.note(number, "disconnect from unknown[127.0.0.1] ehlo=1 quit=1 commands=2")

    def talk(self, connection):
        with contextlib.suppress(ConnectionError), connection, connection.makefile("rwb") as stream:
            def say(text):
                stream.write(text + b"\r\n")
                stream.flush()
            say(b"220 mx.example ESMTP")
            in_data = False
            for line in stream:
                verb = line[:4].upper()
                if in_data:
                    if line == b".\r\n":
                        in_data = False
                        say(b"250 2.0.0 Ok: queued as 4XyZ")
                elif verb == b"DATA":
                    in_data = True
                    say(b"354 go ahead")
                elif verb == b"QUIT":
                    say(b"221 2.0.0 Bye")
                    return
                else:
                    say(b"550 5.1.1 no such user" if b"nobody" in line else b"250 2.1.0 Ok")

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def talk(address, count):
    """Sessions of a client: each second one is for an unknown recipient."""
    for i in range(count):
        with smtplib.SMTP(address, PORT, local_hostname=f"host{i}.example") as client:
            recipient = "nobody@example.net" if i % 2 else "someone@example.net"
            try:
                client.sendmail("sender@example.org", [recipient], b"Subject: x\r\n\r\nhello\r\n")
            except smtplib.SMTPRecipientsRefused:
                pass


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Pair:
    """A network namespace with a server's interface mx0, and this side's, which leads to it."""

    def __enter__(self):
        self.name = f"mxr{os.getpid()}"
        self.outside = self.name + "a"
        self.inside = ["ip", "netns", "exec", self.name]
        self.server = None
        ip("netns", "add", self.name)
        ip("link", "add", self.outside, "type", "veth", "peer", "name", "mx0", "netns", self.name)
        for side, link, own, own6 in ((["-n", self.name], "mx0", SERVER, SERVER6), ([], self.outside, CLIENT, CLIENT6)):
            ip(*side, "link", "set", link, "up")
            ip(*side, "addr", "add", own + "/24", "dev", link)
            ip(*side, "addr", "add", own6 + "/64", "dev", link, "nodad")
        return self

    def serve(self):
        self.server = subprocess.Popen([*self.inside, sys.executable, __file__, "serve"], stdout=subprocess.PIPE)
        self.server.stdout.readline()

    def __exit__(self, *_):
        if self.server:
            self.server.kill()
            self.server.wait()
            self.server.stdout.close()
        ip("netns", "del", self.name)


class Live(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mxreplay-live-")
        os.chmod(self.folder, 0o777)
        self.database = os.path.join(self.folder, "wire.db")
        self.process = None

    def tearDown(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stderr.close()
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def begin(self, *arguments, before=()):
        self.process = subprocess.Popen([*before, MXREPLAY, "live", "--user", USER, "-d", self.database, *arguments],
                                        stderr=subprocess.PIPE, text=True)
        self.assertIn("listening on", self.process.stderr.readline())
        self.until("SELECT count(*) FROM v_input", 1)

    def ask(self, sql):
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
                return database.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            if "unable to open" not in str(error) and "no such table" not in str(error):
                raise
            return [(None,)] # it is being made

    def until(self, sql, wanted, seconds=10):
        """How long it took until the database said so."""
        began = time.monotonic()
        while self.ask(sql)[0][0] != wanted:
            self.assertLess(time.monotonic() - began, seconds, f"{sql}: {self.ask(sql)[0][0]}, expected {wanted}")
            self.assertIsNone(self.process.poll(), "it has ended")
            time.sleep(0.05)
        return time.monotonic() - began

    def end(self, number=signal.SIGINT, status=0):
        if number:
            self.process.send_signal(number)
        said = self.process.stderr.read()
        self.assertEqual(self.process.wait(timeout=20), status, said)
        check = subprocess.run([MXREPLAY, "check", "-d", self.database], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        return said

    def status(self):
        told = subprocess.run([MXREPLAY, "status", "-d", self.database, "--format", "json"], check=True, capture_output=True)
        return {row["what"]: row["value"] for row in json.loads(told.stdout)}

    def test_loopback(self):
        self.addCleanup(Server("127.0.0.1").stop)
        self.begin("lo")
        talk("127.0.0.1", 20)
        took = self.until("SELECT count(*) FROM v_session WHERE closed = 'quit'", 20)
        self.assertLess(took, 4, "what has ended is there a second later")
        rows = self.ask("SELECT s.helo, r.address, r.verdict, s.server_port, s.gap FROM v_session s"
                        " JOIN v_recipient r ON r.session_id = s.id ORDER BY s.started, s.id")
        self.assertEqual(rows, [(f"host{i}.example", "nobody@example.net" if i % 2 else "someone@example.net",
                                 "rejected" if i % 2 else "accepted", PORT, 0) for i in range(20)])
        self.assertEqual(self.ask("SELECT kind, path, dialects FROM v_input"), [("live", "live:lo", "smtp")])
        said = self.end()
        self.assertIn(": 20 sessions from ", said)
        self.assertEqual(self.status()["packets for which the kernel's ring had no room"], "0")

    def test_log_of_the_same(self):
        """The server's log is collected into the same database when nobody listens any more: each session is there once."""
        server = Server("127.0.0.1")
        self.addCleanup(server.stop)
        self.begin("lo")
        talk("127.0.0.1", 12)
        self.until("SELECT count(*) FROM v_session", 12)
        self.end()
        log = os.path.join(self.folder, "mail.log")
        with open(log, "w") as file:
            file.writelines(server.log)
        subprocess.run([MXREPLAY, "collect", "-q", "-d", self.database, log], check=True)
        self.assertEqual(self.ask("SELECT count(*), min(helo), max(server) FROM v_session"), [(12, "host0.example", "mx")])
        self.assertEqual(self.status()["sessions seen by log and capture"], "12")

    def test_privileges(self):
        self.begin("lo")
        with open(f"/proc/{self.process.pid}/status") as file:
            told = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        nobody = subprocess.run(["id", "-u", USER], check=True, capture_output=True, text=True).stdout.strip()
        self.assertEqual(set(told["Uid"].split()), {nobody})
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(told[kind], 16), 0, kind)
        self.assertEqual((told["NoNewPrivs"], told["Seccomp"]), ("1", "2"))
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/status") as file:
                self.assertIn("Seccomp:\t2", file.read(), "each thread is in the sandbox")
        self.assertEqual(os.stat(self.database).st_uid, int(nobody))
        self.end(signal.SIGTERM)

    def test_idle(self):
        """With nothing to see it sleeps."""
        def switches():
            with open(f"/proc/{self.process.pid}/status") as file:
                return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        self.begin("--port", "2526", "lo")
        time.sleep(1.5)
        before = switches()
        time.sleep(2)
        self.assertEqual(switches(), before)
        self.end()

    def test_killed(self):
        """What was committed stays; an open connection stands as far as it was seen, marked."""
        self.addCleanup(Server("127.0.0.1").stop)
        self.begin("lo")
        talk("127.0.0.1", 4)
        with socket.create_connection(("127.0.0.1", PORT)) as client:
            client.sendall(b"EHLO open.example\r\n")
            self.until("SELECT count(*) FROM v_session", 4)
            time.sleep(1.5)
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
        self.begin("lo")
        talk("127.0.0.1", 1)
        self.end()
        rows = self.ask("SELECT helo, gap FROM v_session ORDER BY started, id")
        self.assertEqual(rows, [(f"host{i}.example", 0) for i in range(4)] + [("open.example", 1), ("host0.example", 0)])

    def test_dropped(self):
        """A ring that is too small, and nobody who empties it: the loss is told, and the session that suffered is marked."""
        self.addCleanup(Server("127.0.0.1").stop)
        self.begin("--ring", "4M", "lo")  # some blocks: of one, packets are lost whenever it is being read
        talk("127.0.0.1", 2)
        self.until("SELECT count(*) FROM v_session", 2)
        with smtplib.SMTP("127.0.0.1", PORT, local_hostname="long.example") as client:
            client.sendmail("sender@example.org", ["someone@example.net"], b"x\r\n")
            time.sleep(0.5)
            self.process.send_signal(signal.SIGSTOP)
            for _ in range(40):
                client.sendmail("sender@example.org", ["someone@example.net"], (b"x" * 70 + b"\r\n") * 10000)
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.5)
            client.sendmail("sender@example.org", ["someone@example.net"], b"x\r\n")
        talk("127.0.0.1", 1)
        self.until("SELECT count(*) FROM v_session", 4)
        self.assertIn("packets were dropped before they could be seen", self.end())
        dropped = int(self.status()["packets for which the kernel's ring had no room"])
        self.assertGreater(dropped, 0)
        self.assertEqual(self.ask("SELECT reason, sum(count) FROM v_skipped GROUP BY 1"), [("dropped", dropped)])
        rows = self.ask("SELECT helo, gap FROM v_session ORDER BY started, id")
        self.assertEqual(rows, [("host0.example", 0), ("host1.example", 0), ("long.example", 1), ("host0.example", 0)])
        strict = subprocess.run([MXREPLAY, "status", "--strict", "-d", self.database], capture_output=True)
        self.assertNotEqual(strict.returncode, 0)

    def test_namespace(self):
        """Between two interfaces, IPv4 and IPv6; the server's goes away in the end."""
        with Pair() as pair:
            self.begin("mx0", before=pair.inside)
            pair.serve()
            talk(SERVER, 6)
            talk(SERVER6, 5)
            self.until("SELECT count(*) FROM v_session", 11)
            self.assertEqual(self.ask("SELECT client_ip, server_ip, count(*) FROM v_session GROUP BY 1, 2 ORDER BY 1"),
                             [(CLIENT, SERVER, 6), (CLIENT6, SERVER6, 5)])
            ip("-n", pair.name, "link", "del", "mx0")
            self.assertIn("what was seen before that is kept", self.end(None, 69))
            self.assertEqual(self.ask("SELECT count(*) FROM v_session WHERE gap = 0")[0][0], 11)

    def test_tagged(self):
        """Frames with no VLAN tag, with one and with two: the kernel's filter finds them all."""
        turns = [("<", b"220 mx.example ESMTP\r\n"), (">", b"HELO host.example\r\n"), ("<", b"250 mx.example\r\n"),
                 (">", b"QUIT\r\n"), ("<", b"221 Bye\r\n")]
        clients = [f"203.0.113.{i}" for i in range(1, 41)]
        server = (SERVER, 25)
        frames = [record[16:] for client in clients for record in packets.connection(0, (client, 30000), server, turns)]
        header = bytes.fromhex("020000000001" "020000000002")
        for tags in (b"", b"\x81\x00\x00\x07", b"\x88\xa8\x00\x07\x81\x00\x00\x09"):
            with self.subTest(tags.hex()), Pair() as pair:
                self.database = os.path.join(self.folder, f"tags{len(tags)}.db")
                self.begin("mx0", before=pair.inside)
                with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
                    wire.bind((pair.outside, 0))
                    for frame in frames:
                        wire.send(header + tags + b"\x08\x00" + frame)
                said = self.end()
                rows = self.ask("SELECT client_ip, helo, closed, gap FROM v_session ORDER BY id")
                self.assertEqual(rows, [(client, "host.example", "quit", 0) for client in clients], said)

    def test_mistakes(self):
        def expect(status, text, *arguments, before=()):
            done = subprocess.run([*before, MXREPLAY, "live", "-d", self.database, *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(text, done.stderr)
            self.assertFalse(os.path.exists(self.database))
        expect(64, "which interface?")
        expect(66, "there is no such interface", "--user", USER, "nosuch0")
        expect(67, "there is no user nosuchuser", "--user", "nosuchuser", "lo")
        expect(64, "is root", "--user", "root", "lo")
        expect(64, "as whom?", "lo", before=["env", "-u", "SUDO_UID"])
        expect(77, "CAP_NET_RAW", "lo", before=["setpriv", "--reuid", USER, "--clear-groups"])
        os.chmod(self.folder, 0o755)
        expect(77, "as user nobody", "--user", USER, "lo")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        Server("::", socket.AF_INET6)
        print("listening", flush=True)
        signal.pause()
    unittest.main()
