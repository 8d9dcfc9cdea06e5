#!/usr/bin/env python3
"""Holds `mxreplay collect` against wc, grep and pflogsumm on one generated Postfix log, in one run.

    run.py [--size 1G] [--seed N] [--rfc3339] [--without-peers] [--mxreplay ./mxreplay]

The log and the database lie in build/bench, on the same disk; the log stays there for the next time. What was
collected is compared with what the generator says it wrote. Exit 1 when a count differs, when mxreplay is not eight
times as fast as pflogsumm, or when it takes more than 128 MiB."""
import argparse
import os
import re
import sqlite3
import subprocess
import sys
import time

TIMES, MEBIBYTES = 8, 128
PLACE = "build/bench"


def size_of(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMGT]?)", text)
    if not match:
        raise argparse.ArgumentTypeError("%s is not a size; write 500M or 1G" % text)
    return int(float(match[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}[match[2]])


def generated(options):
    """The log and its truth; made when they are not there or the generator is newer."""
    log = "%s/postfix-%s-%d%s.log" % (PLACE, options.size_text, options.seed, "-rfc3339" if options.rfc3339 else "")
    truth, generator = log + ".truth", "build/plain/bench/gen_postfix"
    os.makedirs(PLACE, exist_ok=True)
    if not os.path.exists(truth) or os.path.getmtime(truth) < os.path.getmtime(generator):
        start = time.monotonic()
        with open(log, "wb") as out:
            subprocess.run([generator, "--seed", str(options.seed)] + ["--rfc3339"] * options.rfc3339 +
                           [str(options.size), truth], stdout=out, check=True)
        print("generated %s in %.1f s" % (log, time.monotonic() - start))
    with open(truth) as lines:
        return log, {name: int(n) for name, n in (line.rstrip("\n").split("\t") for line in lines)}


def run(command):
    """Seconds, processor seconds and peak memory in MiB of one command. Its output is read: grep that writes to
    /dev/null stops at the first match."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    for _ in child.stdout:
        pass
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit("%s: exit status %d" % (" ".join(command), child.returncode))
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def differences(database, truth):
    """What the views say and the generator does not."""
    db = sqlite3.connect("file:%s?mode=ro" % database, uri=True)
    one = lambda sql: db.execute(sql).fetchone()[0]
    found = {"sessions": one("SELECT count(*) FROM v_session"),
             "recipients": one("SELECT count(*) FROM v_recipient"),
             "messages": one("SELECT sum(messages) FROM v_session"),
             "bytes": one("SELECT sum(bytes) FROM v_input"),
             "lines": one("SELECT sum(lines) FROM v_input"),
             "foreign": one("SELECT sum(other) FROM v_input")}
    for measure, count in db.execute("SELECT measure, count(*) FROM v_session WHERE measure IS NOT NULL GROUP BY 1"):
        found["refused " + measure] = count
    found["skipped lines"] = one("SELECT coalesce(sum(count), 0) FROM v_skipped")
    truth = dict(truth, **{"skipped lines": 0})
    return ["%s: generated %s, found %s" % (name, truth.get(name, 0), found.get(name, 0))
            for name in sorted(truth.keys() | found.keys()) if truth.get(name, 0) != found.get(name, 0)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", default="1G", dest="size_text", help="of the log (1G)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rfc3339", action="store_true", help="the newer form of the time stamps")
    parser.add_argument("--without-peers", action="store_true", help="mxreplay alone: for sizes that would take pflogsumm hours")
    parser.add_argument("--mxreplay", default="./mxreplay")
    options = parser.parse_args()
    options.size = size_of(options.size_text)
    log, truth = generated(options)
    megabytes = truth["bytes"] / 1e6
    database = PLACE + "/bench.db"
    for name in (database, database + "-wal", database + "-shm"):
        if os.path.exists(name):
            os.remove(name)
    commands = [("wc -l", ["wc", "-l", log]), ("grep -c", ["grep", "-c", "reject:", log]), ("pflogsumm", ["pflogsumm", log])]
    if options.without_peers:
        commands = commands[:1]
    commands.append(("mxreplay collect", [options.mxreplay, "collect", "-q", "--year", "2026", "-d", database, log]))
    print("%.0f MB, %d lines, %d sessions" % (megabytes, truth["lines"], truth["sessions"]))
    print("%-18s %9s %9s %9s %12s %9s" % ("", "seconds", "cpu s", "MB/s", "x pflogsumm", "MiB"))
    seconds, memory, wrong = {}, 0, []
    for name, command in commands:
        seconds[name], cpu, memory = run(command)
        ratio = "%.1f" % (seconds["pflogsumm"] / seconds[name]) if "pflogsumm" in seconds else ""
        print("%-18s %9.2f %9.2f %9.1f %12s %9.1f" % (name, seconds[name], cpu, megabytes / seconds[name], ratio, memory), flush=True)
    size = sum(os.path.getsize(name) for name in (database, database + "-wal") if os.path.exists(name))
    print("database: %.0f MB, %.0f bytes a session" % (size / 1e6, size / truth["sessions"]))
    wrong += differences(database, truth)
    if "pflogsumm" in seconds and seconds["pflogsumm"] < TIMES * seconds["mxreplay collect"]:
        wrong.append("less than %d times pflogsumm's speed" % TIMES)
    if memory > MEBIBYTES:
        wrong.append("more than %d MiB" % MEBIBYTES)
    print("\n".join("FALLS SHORT  " + w for w in wrong) or "ok: all counts as generated")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
