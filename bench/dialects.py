#!/usr/bin/env python3
"""Holds `mxreplay collect` on each dialect against itself on Postfix, in one run; and on a zstd file against zstd -dc.

    dialects.py [--size 200M] [--runs 2] [--mxreplay ./mxreplay] [NAME...]

Each log is a lab's, repeated: every repetition is later by the lab's length, with process and message numbers of its own.
The logs lie in build/bench and stay there. Of several runs the quickest counts. Exit 1 when a dialect reads less than half
of Postfix's MB/s, or when reading a zstd file takes a quarter longer than the slower one of unpacking it and of reading the
plain one."""
import argparse
import datetime
import gzip
import os
import re
import subprocess
import sys
import time

LEAST, ZSTD_MOST = 0.5, 1.25
PLACE, LABS = "build/bench", "sample-logs/labs/"
EPOCH = datetime.datetime(1970, 1, 1)
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PID_MOST = 4194304
STEP = 613  # apart from one repetition to the next


def iso_seconds(text):
    return int((datetime.datetime.fromisoformat(text.replace("T", " ")[:19]) - EPOCH).total_seconds())


def iso_text(seconds, old):
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat(sep=old[10])


def base62(number):
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def base62_number(digits):
    return sum(BASE62.index(c) * 62**i for i, c in enumerate(reversed(digits)))


def exim_id(old, k, shift):
    """The second and the process that took the message in: the same process again would be the same session going on."""
    second, pid = old.split("-")
    return base62(base62_number(second) + shift) + "-" + base62((base62_number(pid) + k * STEP) % PID_MOST + 1)


# What changes from one repetition to the next: a pattern, and the text's successor `k` repetitions on, `shift` seconds.
ISO = (r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", lambda old, k, shift: iso_text(iso_seconds(old) + shift, old))
TAI64N = (r"(?<=^@)[0-9a-f]{16}", lambda old, k, shift: "%016x" % (int(old, 16) + shift))
PID = (r"(?<=\[)\d+(?=\]: )", lambda old, k, shift: str((int(old) + k * STEP) % PID_MOST + 1))
TCP_PID = (r"(?<= pid )\d+|(?<= ok )\d+|(?<= end )\d+|(?<=rblsmtpd: )\d+|(?<=^.{26})\d+(?= [<>])", PID[1])
QUEUE_ID = (r"\b[0-9A-F]{8,12}(?=:)", lambda old, k, shift: "%X" % (int(old, 16) + k * STEP))
EXIM_ID = (r"\b[0-9A-Za-z]{6}-[0-9A-Za-z]{6}(?=-[0-9A-Za-z]{2}\b)", lambda old, k, shift: exim_id(old, k, shift))
SENDMAIL_ID = (r"(?<=\b4AN[0-9A-Za-z]{5})\d{6}(?=:)", lambda old, k, shift: "%06d" % ((int(old) + k * STEP) % 10**6))
SESSION_ID = (r"\b[0-9a-f]{16}\b", lambda old, k, shift: "%016x" % ((int(old, 16) + k * STEP) % 2**64))

LOGS = {
    "postfix": ("postfix-smtpd/mail.log", [ISO, PID, QUEUE_ID]),
    "postscreen": ("postfix-postscreen/mail.log", [ISO, PID, QUEUE_ID]),
    "exim": ("exim-default/mainlog.gz", [ISO, EXIM_ID]),
    "sendmail": ("sendmail-loglevel14/mail.log.gz", [ISO, PID, SENDMAIL_ID]),
    "opensmtpd": ("opensmtpd-filters/mail.log.gz", [ISO, SESSION_ID]),
    "qmail": ("qmail-rblsmtpd/smtpd.current.gz", [TAI64N, TCP_PID]),
}


def template(text, rules):
    """The log as a format, and (rule, old text) for each of its fields."""
    pattern = re.compile("|".join("(%s)" % rule[0] for rule in rules), re.M)
    fields, pieces, at = [], [], 0
    for found in pattern.finditer(text):
        pieces += [text[at:found.start()].replace("%", "%%"), "%s"]
        fields.append((rules[found.lastindex - 1][1], found[0]))
        at = found.end()
    pieces.append(text[at:].replace("%", "%%"))
    return "".join(pieces), fields


def period(fields):
    """Seconds from the first stamp to behind the last."""
    stamps = [old for rule, old in fields if rule in (ISO[1], TAI64N[1])]
    seconds = [int(old, 16) if len(old) == 16 else iso_seconds(old) for old in (stamps[0], stamps[-1])]
    return seconds[1] - seconds[0] + 1


def generated(name, options):
    """The path of a dialect's log, made when it is not there."""
    path = "%s/dialect-%s-%s.log" % (PLACE, name, options.size_text)
    if os.path.exists(path):
        return path
    lab, rules = LOGS[name]
    with (gzip.open if lab.endswith(".gz") else open)(LABS + lab, "rb") as source:
        text = source.read().decode("latin-1")
    format_text, fields = template(text, rules)
    length = period(fields)
    os.makedirs(PLACE, exist_ok=True)
    with open(path + ".new", "wb") as out:
        k = 0
        while out.tell() < options.size:
            known, shift, values = {}, k * length, []
            for rule, old in fields:
                key = (rule, old)
                if key not in known:
                    known[key] = rule(old, k, shift)
                values.append(known[key])
            out.write((format_text % tuple(values)).encode("latin-1"))
            k += 1
    os.rename(path + ".new", path)
    return path


def run(command, out=subprocess.DEVNULL):
    """Seconds and processor seconds of one command."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=out)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit("%s: exit status %d" % (" ".join(command), child.returncode))
    return time.monotonic() - start, used.ru_utime + used.ru_stime


def collect(path, options):
    database = PLACE + "/dialects.db"
    for name in (database, database + "-wal", database + "-shm"):
        if os.path.exists(name):
            os.remove(name)
    return run([options.mxreplay, "collect", "-q", "--tz", "UTC", "-d", database, path])


def best(runs):
    return min(seconds for seconds, _ in runs), min(cpu for _, cpu in runs)


def dialects(options, wrong):
    print("%-12s %9s %9s %9s %9s %9s %9s" % ("", "seconds", "cpu s", "MB/s", "x Postfix", "MB/cpu s", "x Postfix"))
    for name in options.names or LOGS:
        path, postfix = generated(name, options), generated("postfix", options)
        runs, yardstick = [], []
        for _ in range(options.runs):  # in turn: a machine that others use is not always as quick
            runs.append(collect(path, options))
            yardstick.append(runs[-1] if name == "postfix" else collect(postfix, options))
        (seconds, cpu), (postfix_seconds, postfix_cpu) = best(runs), best(yardstick)
        megabytes, postfix_megabytes = os.path.getsize(path) / 1e6, os.path.getsize(postfix) / 1e6
        speed, cpu_speed = megabytes / seconds, megabytes / cpu
        ratio, cpu_ratio = speed / (postfix_megabytes / postfix_seconds), cpu_speed / (postfix_megabytes / postfix_cpu)
        print("%-12s %9.2f %9.2f %9.1f %9.2f %9.1f %9.2f" % (name, seconds, cpu, speed, ratio, cpu_speed, cpu_ratio), flush=True)
        if ratio < LEAST:
            wrong.append("%s: %.2f of Postfix's MB/s" % (name, ratio))


def unpacking(options, wrong):
    plain = generated("postfix", options)
    packed = plain + ".zst"
    if not os.path.exists(packed):
        run(["zstd", "-q", "-f", plain, "-o", packed])
    apart, alone, both = [], [], []
    for _ in range(options.runs):
        apart.append(run(["zstd", "-q", "-dc", packed]))
        alone.append(collect(plain, options))
        both.append(collect(packed, options))
    slower = max(best(apart)[0], best(alone)[0])
    print("zstd -dc %.2f s, collect of the plain file %.2f s, of the zstd file %.2f s: %.2f of the slower one" %
          (best(apart)[0], best(alone)[0], best(both)[0], best(both)[0] / slower))
    if best(both)[0] > ZSTD_MOST * slower:
        wrong.append("zstd: unpacking and reading are not done at once")


def size_of(text):
    found = re.fullmatch(r"(\d+)([kMG]?)", text)
    if not found:
        sys.exit("%s is not a size; write 200M" % text)
    return int(found[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", default="200M", dest="size_text", help="of each log (200M)")
    parser.add_argument("--runs", type=int, default=2, help="of which the quickest counts (2)")
    parser.add_argument("--mxreplay", default="./mxreplay")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of: " + ", ".join(LOGS))
    options = parser.parse_args()
    options.size = size_of(options.size_text)
    unknown = set(options.names) - LOGS.keys()
    if unknown:
        parser.error("no log of: " + ", ".join(sorted(unknown)))
    wrong = []
    dialects(options, wrong)
    if not options.names:
        unpacking(options, wrong)
    print("\n".join("FALLS SHORT  " + w for w in wrong) or "ok")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
