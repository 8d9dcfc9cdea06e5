#!/usr/bin/env python3
"""Holds reading a DNS list of ten million entries against rbldnsd's loading it, in one run.

    zones.py [--entries 10000000] [--questions 3000000] [--runs 2] [FORMAT...]

The lists lie in build/bench and stay there. Of several runs the quickest counts. rbldnsd's time is until it answers its first
question; `cpu` is processor seconds, for a machine that others use too. Exit 1 when reading takes half as long again as
rbldnsd, in these."""
import argparse
import os
import re
import resource
import socket
import subprocess
import sys
import time

PLACE, MOST = "build/bench", 1.5
GENERATE, ASK, RBLDNSD = "build/plain/bench/gen_zone", "build/plain/bench/zones_bench", "/usr/sbin/rbldnsd"
FORMATS = ["ip4set", "ip4trie", "ip4tset", "ip6trie", "list"]
QUERY = b"\0\1\0\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(n)]) + n for n in (b"2", b"0", b"0", b"127", b"bench", b"test")) + b"\0\0\1\0\1"


def make(kind, entries):
    path = f"{PLACE}/zone-{kind}-{entries}"
    if not os.path.exists(path):
        os.makedirs(PLACE, exist_ok=True)
        with open(path + ".new", "wb") as to:
            subprocess.run([GENERATE, kind, str(entries)], stdout=to, check=True)
        os.rename(path + ".new", path)
    return path


def ours(kind, path, questions):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run([ASK, kind, path, "0"], capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    asked = subprocess.run([ASK, kind, path, str(questions)], capture_output=True, text=True, check=True).stdout
    return {
        "seconds": float(re.search(r"; ([\d.]+) s \(", said)[1]),
        "cpu": cpu,
        "bytes": float(re.search(r"([\d.]+) bytes an entry", said)[1]),
        "mib": int(re.search(r"at most (\d+) MiB", said)[1]),
        "rate": float(re.search(r"([\d.]+) million questions/s", asked)[1]),
    }


def theirs(kind, path):
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(0.01)
    asking.connect(("127.0.0.1", port))
    command = [RBLDNSD, "-n", "-c0", "-b", f"127.0.0.1/{port}", f"bench.test:{kind}:{os.path.abspath(path)}"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    began = time.monotonic()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                asking.send(QUERY)
                asking.recv(512)
                break
            except OSError:
                if server.poll() is not None:
                    sys.exit(f"rbldnsd ended with {server.returncode} on {path}")
                time.sleep(0.01)
        seconds = time.monotonic() - began
        with open(f"/proc/{server.pid}/stat") as stat, open(f"/proc/{server.pid}/status") as status:
            ticks = [int(n) for n in stat.read().rsplit(") ", 1)[1].split()[11:13]]
            most = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) // 1024
        return {"seconds": seconds, "cpu": sum(ticks) / os.sysconf("SC_CLK_TCK"), "mib": most}
    finally:
        server.terminate()
        server.wait()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=10000000)
    options.add_argument("--questions", type=int, default=3000000)
    options.add_argument("--runs", type=int, default=2)
    options.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(FORMATS))
    given = options.parse_args()
    slower = []
    print(f"{'':10}{'seconds':>9}{'cpu':>7}{'bytes/entry':>13}{'most MiB':>10}{'M questions/s':>15}   rbldnsd:{'seconds':>8}{'cpu':>7}{'most MiB':>10}")
    for kind in given.formats or FORMATS:
        path = make(kind, given.entries)
        mine = min((ours(kind, path, given.questions) for _ in range(given.runs)), key=lambda run: run["seconds"])
        # a plain list is to rbldnsd an ip4set
        other = min((theirs("ip4set" if kind == "list" else kind, path) for _ in range(given.runs)), key=lambda run: run["seconds"])
        print(f"{kind:10}{mine['seconds']:9.2f}{mine['cpu']:7.2f}{mine['bytes']:13.1f}{mine['mib']:10}{mine['rate']:15.2f}"
              f"           {other['seconds']:8.2f}{other['cpu']:7.2f}{other['mib']:10}", flush=True)
        if mine["cpu"] > MOST * other["cpu"]:
            slower.append(kind)
    if slower:
        sys.exit(f"more than {MOST} times rbldnsd's processor time: " + ", ".join(slower))


if __name__ == "__main__":
    main()
