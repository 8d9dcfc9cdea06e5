#!/usr/bin/env python3
"""What DNS told of the clients of a lab, against the plan of its addresses (sample-logs/README.md): PTR, forward
confirmation and DNS lists, from a capture of DNS that lies apart from that of SMTP, and from one with both in it."""
import collections
import ipaddress
import lzma
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile

MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
LAB = "sample-logs/labs/postfix-smtpd"
PLAN = [  # network, from, to: rdns, fcrdns, the lists that have it; None: the look-up fails
    ("198.51.100.", 1, 59, 1, 1, ()), ("198.51.100.", 60, 79, 0, 0, ()), ("198.51.100.", 80, 89, 1, 0, ()),
    ("198.51.100.", 90, 99, 1, 0, ()), ("198.51.100.", 100, 109, None, None, ()), ("198.51.100.", 110, 119, 1, 1, ()),
    ("198.51.100.", 120, 129, 1, 1, ()), ("203.0.113.", 1, 99, None, None, ("zen.example-rbl.test",)),
    ("203.0.113.", 100, 129, None, None, ("bl.second.test",)),
    ("203.0.113.", 130, 149, None, None, ("zen.example-rbl.test", "bl.second.test")),
    ("203.0.113.", 150, 199, 0, 0, ()), ("203.0.113.", 240, 244, None, None, ("zen.example-rbl.test",)),
]
ANY = {("203.0.113.", 1, 149), ("203.0.113.", 240, 244)}  # of which the plan does not tell the names


def planned(client):
    for net, low, high, rdns, fcrdns, lists in PLAN:
        if client.startswith(net) and low <= int(client[len(net):]) <= high:
            named = not any(net == n and l <= int(client[len(net):]) <= h for n, l, h in ANY)
            return (rdns, fcrdns, lists, named)
    address = ipaddress.ip_address(client)
    if address in ipaddress.ip_network("2001:db8:a::/48"):
        return (1, 1, (), True)
    if address in ipaddress.ip_network("2001:db8:b::/48"):
        return (0, 0, ("zen.example-rbl.test",) if client.startswith("2001:db8:b::bad:") else (), True)
    return None


def collect(scratch, *arguments):
    path = os.path.join(scratch, "t.db")
    for end in ("", "-wal", "-shm"):
        if os.path.exists(path + end):
            os.unlink(path + end)
    subprocess.run([MXREPLAY, "collect", "-q", "-d", path, *arguments], check=True)
    db = sqlite3.connect(path)
    return [row for row in db.execute(
        "select client_ip, client_port, kind, subject, e.state, detail, e.origin from v_evidence e join v_session s"
        " on s.id = e.session_id where direction = 'in' and kind in ('rdns', 'fcrdns', 'dnsbl', 'helo', 'sender_domain', 'spf')"
        " order by 1, 2, 3, 4, 5, 6")]


def packets(whole):
    at = 24
    while at < len(whole):
        seconds, fraction, length = struct.unpack_from("<III", whole, at)
        yield (seconds, fraction), whole[at:at + 16 + length]
        at += 16 + length


def differences(rows, checked):
    for client, port, kind, subject, state, detail, origin in rows:
        plan = planned(client)
        if plan is None or kind not in ("rdns", "fcrdns", "dnsbl"):
            continue
        if origin != "capture":
            yield client, kind, origin
        if kind == "dnsbl":
            # what a refusal names has been listed too
            if state != (subject in plan[2]):
                yield client, subject, state
            checked[kind, state] += 1
        elif plan[3]:
            expected = plan[kind == "fcrdns"]
            # a server that is refused an answer says that there is no name
            if state != expected and expected is not None:
                yield client, kind, state, expected
            checked[kind, state] += 1


def main():
    failures = 0

    def check(what, good, more=""):
        nonlocal failures
        failures += not good
        print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": %s" % (more,)))

    smtp, dns = (os.path.join(LAB, name) for name in ("capture.pcap.xz", "dns.pcap.xz"))
    with tempfile.TemporaryDirectory() as scratch:
        rows, checked = collect(scratch, "--dns-file", dns, smtp), collections.Counter()
        wrong = list(differences(rows, checked))
        check("names and lists as the addresses are planned", not wrong, wrong[:5])
        for kind in ("rdns", "fcrdns", "dnsbl"):
            for state in (0, 1):
                check("%s %d is seen often enough" % (kind, state), checked[kind, state] >= 20, checked)
        known = {(client, port) for client, port, kind, *_ in rows if kind == "rdns"}
        check("most sessions have a look-up", len(known) > 500, len(known))
        both = os.path.join(scratch, "both.pcap")
        first, second = (lzma.open(path).read() for path in (smtp, dns))
        with open(both, "wb") as out:
            out.write(first[:24])
            for _, packet in sorted(list(packets(first)) + list(packets(second)), key=lambda p: p[0]):
                out.write(packet)
        check("the same from one capture with both", collect(scratch, both) == rows)
        # Answers that nobody asked for: without the questions nothing is taken.
        answers = os.path.join(scratch, "answers.pcap")
        with open(answers, "wb") as out:
            out.write(second[:24])
            for _, packet in packets(second):
                header = packet[16 + 14 + (packet[16 + 14] & 15) * 4:]
                if struct.unpack(">H", header[:2])[0] == 53:
                    out.write(packet)
        less = [row for row in collect(scratch, "--dns-file", answers, smtp) if row[2] == "dnsbl" and row[4] == 0]
        check("answers to no question count for nothing", not less, less[:3])
        run = subprocess.run([MXREPLAY, "collect", "-q", "-d", os.path.join(scratch, "n.db"), "--dns-file", os.path.join(
            LAB, "main.cf"), smtp], capture_output=True, text=True)
        check("what is no capture is refused", run.returncode == 65 and "not a packet capture" in run.stderr, run.stderr)
    sys.exit(failures != 0)


main()
