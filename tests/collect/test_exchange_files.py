#!/usr/bin/env python3
"""Exchange's files as they lie there: byte order mark, header, CRLF; read in one go, and again when they have grown, from
the middle, where no header is seen; and beside other servers' logs."""
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

MXREPLAY = os.environ.get("MXREPLAY", "build/asan/mxreplay")
CASES = "tests/collect/exchange"
HEADER = ("\ufeff#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n#Log-type: %s\r\n"
          "#Date: 2026-11-23T00:00:00.000Z\r\n#Fields: %s\r\n")
PROTOCOL = ("SMTP Receive Protocol Log", "date-time,connector-id,session-id,sequence-number,local-endpoint,"
            "remote-endpoint,event,data,context")
TRACKING = ("Message Tracking Log", "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,"
            "connector-id,source,event-id,internal-message-id,message-id,network-message-id,recipient-address,"
            "recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,"
            "sender-address,return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,"
            "custom-data,transport-traffic-type,log-id,schema-version")


def rows():
    """The third case's rows: those of the protocol log, those of message tracking."""
    with open(os.path.join(CASES, "protocol.case"), encoding="utf-8") as lines:
        case = re.split(r"(?m)^(?=# )", lines.read())[3].split("\n=\n")[0]
    found = re.findall(r"(?m)^(?:- )?([0-9:.]+) exchange: (.*)$", case)
    text = ["2026-11-23T%sZ,%s\r\n" % (at if "." in at else at + ".000", row) for at, row in found]
    text = [re.sub(r"T(\S{8})\.(\d)Z", r"T\1.\g<2>00Z", t) for t in text]
    is_protocol = lambda t: t.split(",", 1)[1].startswith(("MX0", "Outbound"))
    return [t for t in text if is_protocol(t)], [t for t in text if not is_protocol(t)]


def views(database):
    db = sqlite3.connect(database)
    found = [db.execute("select %s from %s order by 1, 2, 3" % view).fetchall() for view in (
        ("client_ip, started, seconds, server, helo, tls, closed, verdict, measure, code, messages", "v_session"),
        ("session_id, mail_from, queue_id, message_id, size, verdict", "v_transaction"),
        ("session_id, address, verdict, code, measure", "v_recipient"),
        ("kind, subject, state, detail", "v_evidence where kind in ('fate', 'virus')"))]
    return found, db.execute("select coalesce(sum(count), 0) from v_skipped").fetchone()[0]


def collect(database, *inputs):
    subprocess.run([MXREPLAY, "collect", "-q", "-d", database, *inputs], check=True)


def check(what, good):
    print("ok   " if good else "FAIL ", what)
    return not good


def main():
    scratch, bad = tempfile.mkdtemp(), 0
    path = lambda name: os.path.join(scratch, name)

    def write(name, text):
        with open(path(name), "w", encoding="utf-8", newline="") as to:
            to.write(text)
        return path(name)
    protocol, tracking = rows()
    receive = write("RECV2026112310-1.LOG", HEADER % PROTOCOL + "".join(protocol))
    track = write("MSGTRK2026112310-1.LOG", HEADER % TRACKING + "".join(tracking))
    collect(path("whole.db"), receive, track)
    whole, skipped = views(path("whole.db"))
    session = whole[0][0]
    bad += check("one session of two logs: %s" % (whole[0],), len(whole[0]) == 1 and session[0] == "2001:db8::7" and session[3] == "MX01"
                 and session[7] == "accepted" and session[8] == "recipient")
    bad += check("what became of its message", sorted(e[:3] for e in whole[3]) ==
                 [("fate", '"alice, a"@lab.test', 1), ("virus", None, 0)])
    bad += check("nothing is skipped, the header included", skipped == 0)
    for middle in range(0, len(protocol), 4):
        database = path("grown%d.db" % middle)
        write("RECV2026112310-1.LOG", HEADER % PROTOCOL + "".join(protocol[:middle]))
        collect(database, receive)
        write("RECV2026112310-1.LOG", HEADER % PROTOCOL + "".join(protocol))
        collect(database, receive, track)
        if views(database) != (whole, 0):
            bad += check("grown from row %d" % middle, False)
    check("grown, from the middle of its rows", True)
    bad += check("a file that has a header only",
                 subprocess.run([MXREPLAY, "collect", "-q", "-d", path("empty.db"), receive,
                                 write("RECV2026112311-1.LOG", HEADER % PROTOCOL)], check=False).returncode == 0)
    collect(path("others.db"), receive, track, "sample-logs/labs/haraka/default.log.gz",
            "sample-logs/labs/opensmtpd-filters/mail.log.gz")
    dialects = [d for d, in sqlite3.connect(path("others.db")).execute("select dialects from v_input order by path")]
    bad += check("each known among the others: %s" % dialects, sorted(dialects) ==
                 ["exchange", "exchange", "haraka", "opensmtpd"])
    shutil.rmtree(scratch)
    sys.exit(bad != 0)


main()
