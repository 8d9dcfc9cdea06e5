#!/usr/bin/env python3
"""Lines of three MTAs in one file: the logs of all labs, each under a host name of its own, are shuffled together by
time, every triple of them and all at once, in interleavings that the seed chooses; the same clients talk to all of
them in the same minutes, and their processes have the same pids. The sessions of each must be those of its own log alone, in every view; so must be what is
skipped and what is other. As syslog has it (RFC 3339 or the traditional stamp; Exim with its own stamp behind it,
qmail through splogger), or with Exim's mainlog and multilog's lines as they are among the syslog lines of the others.
$MXREPLAY_SEEDS is how often each triple is tried."""
import collections
import datetime
import glob
import gzip
import heapq
import itertools
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

MXREPLAY = os.environ.get("MXREPLAY_PLAIN", "./mxreplay")  # what is asked here is whose line is whose
SEEDS = min(int(os.environ.get("MXREPLAY_SEEDS", "1")), 100)
BEGIN = datetime.datetime(2026, 11, 23, 9, 0, 0)
SPREAD = 90  # seconds over which the logs begin
LABS = {
    "postfix-smtpd": ["mail.log"],
    "postfix-postscreen": ["mail.log"],
    "postfix-greylist": ["mail.log"],
    "exim-default": ["mainlog.gz"],
    "sendmail-loglevel14": ["mail.log.gz"],
    "opensmtpd-filters": ["mail.log.gz"],
    "qmail-rblsmtpd": ["smtpd.current.gz", "send.current.gz"],
}
TAI_OFFSET = 10  # as daemontools has it: collect/syslog.c
PID = re.compile(r"^([^ \[]+\[)(\d+)(?=\]: )")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
VIEWS = {  # those of one session; ids, inputs and offsets are the file's
    "v_session": ("id", "input_id"),
    "v_transaction": ("id", "session_id"),
    "v_recipient": ("id", "transaction_id", "session_id"),
    "v_evidence": ("session_id",),
    "v_attempt": ("session_id",),
}
EPOCH = datetime.datetime(1970, 1, 1)


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        yield from (line.rstrip("\n") for line in lines)


def entries(lab, name):
    """(time, what stands behind stamp and host)"""
    at = None
    for line in read(os.path.join("sample-logs/labs", lab, name)):
        if line.startswith("@4"):
            seconds, nanoseconds = int(line[1:17], 16) - (1 << 62) - TAI_OFFSET, int(line[17:25], 16)
            at, text = EPOCH + datetime.timedelta(seconds=seconds, microseconds=nanoseconds // 1000), line[26:]
        elif name.startswith("mainlog"):
            at, text = datetime.datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S"), line[20:]
        else:
            at, text = datetime.datetime.strptime(line[:26], "%Y-%m-%dT%H:%M:%S.%f"), line.split(" ", 2)[2]
        yield at, text


def same_pids(text, pids):
    """The processes of each program are numbered from 30001 on in all logs: only the host tells them apart."""
    def number(tag):
        of_program = pids[tag[1]]
        return tag[1] + str(of_program.setdefault(tag[2], 30001 + len(of_program)))
    return PID.sub(number, text, count=1)


def stamped(lab, name, at, text, form):
    host = lab + ".test"
    if form == "native" and lab.startswith("exim"):
        return f"{at:%Y-%m-%d %H:%M:%S} {text}"
    if form == "native" and lab.startswith("qmail"):
        past = at - EPOCH
        seconds = past.days * 86400 + past.seconds + TAI_OFFSET + (1 << 62)
        return f"@{seconds:016x}{past.microseconds * 1000:08x} {text}"
    if lab.startswith("exim"):
        text = f"exim: {at:%Y-%m-%d %H:%M:%S} {text}"
    elif lab.startswith("qmail"):  # the tag is the site's choice
        past = at - EPOCH
        tag = "smtpd" if name.startswith("smtpd") else "qmail"
        text = f"{tag}: {past.days * 86400 + past.seconds}.{past.microseconds:06d} {text}"
    if form == "traditional":
        return f"{MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S} {host} {text}"
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00 {host} {text}"


def shifted(lab, begin, form):
    """[(time, line)] of a lab's log as if it had begun at `begin`."""
    files = [[(at, name, text) for at, text in entries(lab, name)] for name in LABS[lab]]
    files = list(heapq.merge(*files, key=lambda entry: entry[0]))
    by, lines, latest = begin - files[0][0], [], begin
    pids = collections.defaultdict(dict)
    for at, name, text in files:
        latest = max(latest, at + by)
        lines.append((latest, stamped(lab, name, at + by, same_pids(text, pids), form)))
    return lines


def shuffled(logs, chance):
    """By time; of those of one time any may be first, each log in its own order."""
    merged, at = [], [0] * len(logs)
    while True:
        heads = [(log[i][0].replace(microsecond=0) if chance.random() < 0.3 else log[i][0], chance.random(), n)
                 for n, (log, i) in enumerate(zip(logs, at)) if i < len(log)]
        if not heads:
            return merged
        n = min(heads)[2]
        merged.append(logs[n][at[n]][1])
        at[n] += 1


def said(lines, folder):
    """Counter of sessions, each all that the views say of it, and of what was skipped or other."""
    path, database = os.path.join(folder, "log"), os.path.join(folder, "db")
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as to:
        to.writelines(line + "\n" for line in lines)
    subprocess.run([MXREPLAY, "collect", "-q", "--year", "2026", "-d", database, path], check=True,
                   stdout=subprocess.DEVNULL)
    db = sqlite3.connect(database)
    db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    sessions = collections.defaultdict(list)
    for view, ids in VIEWS.items():
        rows = db.execute(f"SELECT * FROM {view} ORDER BY {ids[0]}")
        names = [column[0] for column in rows.description]
        key = names.index("id" if view == "v_session" else "session_id")
        kept = [i for i, name in enumerate(names) if name not in ids]
        of_view = collections.defaultdict(list)
        for row in rows:
            of_view[row[key]].append((view, *(row[i] for i in kept)))
        for session, told in of_view.items():
            sessions[session] += sorted(told, key=repr) if view in ("v_evidence", "v_attempt") else told
    skipped = collections.Counter()
    for reason, shape, count in db.execute("SELECT reason, shape, sum(count) FROM v_skipped GROUP BY 1, 2"):
        skipped[reason, shape] = count
    skipped["other"], skipped["lines"] = db.execute("SELECT sum(other), sum(lines) FROM v_input").fetchone()
    db.close()
    for file in glob.glob(database + "*") + [path]:
        os.unlink(file)
    return collections.Counter(tuple(told) for told in sessions.values()), +skipped


def host_of(session):
    return session[0][9] or "(no host)"


def differences(expected, found, limit):
    for session in list((expected - found).keys())[:limit]:
        print(f"  alone, {host_of(session)}:", *session, sep="\n    ")
        near = [other for other in found - expected if other[0][2:5] == session[0][2:5] or other[0][5] == session[0][5]]
        for other in near[:2]:
            print(f"  mixed, {host_of(other)}:", *other, sep="\n    ")


def try_one(labs, form, seed, folder, limit):
    chance = random.Random(f"{seed} {form} {' '.join(labs)}")
    expected, expected_skipped, logs = collections.Counter(), collections.Counter(), []
    for lab in labs:
        begin = BEGIN + datetime.timedelta(microseconds=chance.randrange(SPREAD * 1000000))
        if form != "rfc3339":
            begin = begin.replace(microsecond=0)
        log = shifted(lab, begin, form)
        sessions, skipped = said([line for _, line in log], folder)
        if form != "native" and {host_of(session) for session in sessions} != {lab + ".test"}:
            print(f"{lab}: not all its sessions are its host's")
            return False
        expected += sessions
        expected_skipped += skipped
        logs.append(log)
    found, skipped = said(shuffled(logs, chance), folder)
    if found == expected and skipped == expected_skipped:
        return True
    wrong = collections.Counter(host_of(session) for session in (expected - found).elements())
    print(f"seed {seed}, {form}, {' + '.join(labs)}: of {expected.total()} sessions {dict(wrong)} are others;",
          f"skipped {dict(skipped - expected_skipped)} more, {dict(expected_skipped - skipped)} less")
    differences(expected, found, limit)
    return False


def main():
    forms, good, tried = ["rfc3339", "traditional", "native"], 0, 0
    folder = tempfile.mkdtemp(prefix="mxreplay-mixed-")
    try:
        triples = list(itertools.combinations(LABS, 3))
        for seed in range(SEEDS):
            runs = [(labs, forms[(i + seed) % 3]) for i, labs in enumerate(triples)]
            for labs, form in runs + [(tuple(LABS), form) for form in forms]:
                tried += 1
                good += try_one(labs, form, seed, folder, 2 if good + 5 > tried else 0)
    finally:
        shutil.rmtree(folder)
    print(f"{good} of {tried} mixed logs give what each log gives alone")
    return good < tried


if __name__ == "__main__":
    sys.exit(main())
