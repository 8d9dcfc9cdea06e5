#!/usr/bin/env python3
"""Holds `mxreplay collect` of a capture against tcpdump and tshark on the same file, in one run.

    capture.py [--size 300M] [--without-peers] [--mxreplay ./mxreplay]

The capture is the lab's (sample-logs/labs/postfix-smtpd/capture.pcap.xz) again and again, an hour later each time; it
lies in build/bench and stays there. Exit 1 when the sessions are not as many times the lab's, when mxreplay takes more
than three times as long as tcpdump that copies the file to nowhere, when tshark that prints the same fields is not
sixty times as slow, or when mxreplay takes more than 256 MiB of memory."""
import argparse
import lzma
import os
import sqlite3
import struct
import subprocess
import sys
import time

from run import run, size_of

LAB = "sample-logs/labs/postfix-smtpd/capture.pcap.xz"
PLACE = "build/bench"
TCPDUMP_TIMES, TSHARK_TIMES, MEBIBYTES = 3, 60, 256
FIELDS = ["frame.time_epoch", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.stream", "smtp.req.command",
          "smtp.req.parameter", "smtp.response.code", "smtp.rsp.parameter", "smtp.auth.username", "smtp.data.fragment"]


def generated(size, size_text):
    """The capture, and how often the lab's is in it."""
    path = "%s/capture-%s.pcap" % (PLACE, size_text)
    lab = lzma.open(LAB).read()
    times = max(1, round((size - 24) / (len(lab) - 24)))
    if os.path.exists(path) and os.path.getsize(path) == 24 + times * (len(lab) - 24):
        return path, times
    os.makedirs(PLACE, exist_ok=True)
    begins, at = [], 24
    while at < len(lab):
        begins.append(at)
        at += 16 + struct.unpack_from("<I", lab, at + 8)[0]
    with open(path, "wb") as out:
        out.write(lab[:24])
        copy = bytearray(lab)
        for i in range(times):
            for begin in begins:
                struct.pack_into("<I", copy, begin, struct.unpack_from("<I", lab, begin)[0] + 3600 * i)
            out.write(memoryview(copy)[24:])
    return path, times


def sessions_of(database):
    return sqlite3.connect("file:%s?mode=ro" % database, uri=True).execute("SELECT count(*) FROM v_session").fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", default="300M", dest="size_text", help="of the capture (300M)")
    parser.add_argument("--without-peers", action="store_true", help="mxreplay alone")
    parser.add_argument("--mxreplay", default="./mxreplay")
    options = parser.parse_args()
    path, times = generated(size_of(options.size_text), options.size_text)
    megabytes, database, wrong = os.path.getsize(path) / 1e6, PLACE + "/capture.db", []
    with open(path, "rb") as whole:  # into the page cache
        while whole.read(1 << 24):
            pass
    peers = [] if options.without_peers else [("tcpdump -w", ["tcpdump", "-r", path, "-w", "/dev/null"])]
    tshark = ["tshark", "-n", "-r", path, "-Y", "smtp", "-T", "fields"] + [part for field in FIELDS for part in ("-e", field)]
    mxreplay = [options.mxreplay, "collect", "-q", "-d", database, path]
    print("%.0f MB, the lab's capture %d times" % (megabytes, times))
    print("%-18s %9s %9s %9s %9s" % ("", "seconds", "cpu s", "MB/s", "MiB"))
    seconds = {}
    # Twice in turn: whoever comes first has the processor's caches against it.
    for name, command in 2 * (peers + [("mxreplay collect", mxreplay)]) + ([("tshark -T fields", tshark)] if peers else []):
        for end in ("", "-wal", "-shm"):
            if name.startswith("mxreplay") and os.path.exists(database + end):
                os.remove(database + end)
        taken, cpu, memory = run(command)
        seconds[name] = min(taken, seconds.get(name, taken))
        print("%-18s %9.2f %9.2f %9.1f %9.1f" % (name, taken, cpu, megabytes / taken, memory), flush=True)
        if name.startswith("mxreplay") and memory > MEBIBYTES:
            wrong.append("more than %d MiB" % MEBIBYTES)
    found, alone = sessions_of(database), PLACE + "/lab.db"
    if os.path.exists(alone):
        os.remove(alone)
    subprocess.run([options.mxreplay, "collect", "-q", "-d", alone, LAB], check=True)
    print("%d sessions, %d packets a second" % (found, 10718 * times / seconds["mxreplay collect"]))
    if found != times * sessions_of(alone):
        wrong.append("%d sessions, and not %d times %d" % (found, times, sessions_of(alone)))
    if peers:
        to_tcpdump = seconds["mxreplay collect"] / seconds["tcpdump -w"]
        to_tshark = seconds["tshark -T fields"] / seconds["mxreplay collect"]
        print("%.2f times tcpdump's time; tshark takes %.0f times as long" % (to_tcpdump, to_tshark))
        if to_tcpdump > TCPDUMP_TIMES:
            wrong.append("more than %d times tcpdump's time" % TCPDUMP_TIMES)
        if to_tshark < TSHARK_TIMES:
            wrong.append("tshark is less than %d times as slow" % TSHARK_TIMES)
    print("\n".join("FALLS SHORT  " + w for w in wrong) or "ok: all sessions are there")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
