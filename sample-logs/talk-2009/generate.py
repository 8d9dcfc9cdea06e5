#!/usr/bin/env python3
"""Writes the talk's sample: a month of a small site's Postfix log, and the truth about it.

    generate.py [--seed N] [-o DIR] [NO-RDNS DNSBL EARLY GREYLISTED ACCEPTED]

The five numbers are deliveries (semantics: a chain of attempts of one operator, sender and recipient); without
them the talk's. DIR (default: here) gets mail.log.gz, truth.tsv.gz and whom each DNS list had, the same bytes for the same numbers and seed.

The server is the one of main.cf beside this file. What it refuses at connect it refuses with 5xx and without having
heard a sender, so each such session is a delivery alone. What it greylists goes through a postgrey of our own
(`Greylist`), in order of time: those who come back are let in by it, as many as shall be accepted; those who do not
have a sender of their own each, and stop early enough for their retry window to close within the log.
"""
import argparse
import gzip
import heapq
import ipaddress
import itertools
import os
import random
import re
from datetime import datetime, timedelta, timezone

TALK = (3424, 6210, 1, 197, 206)
ZONES = ("zen.spamhaus.org", "bl.spamcop.net")  # in the order of main.cf
ROWS = ("no-rdns", "dnsbl", "early-talker", "greylist", "accepted")

SECOND, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3600 * 10**6, 86400 * 10**6  # microseconds since the log's begin
BEGIN = datetime(2009, 10, 1, tzinfo=timezone.utc)
END = 31 * DAY
RETRY_WINDOW = 2 * DAY
FIRST_CONTACTS_END = END - RETRY_WINDOW - 18 * HOUR  # nobody new after this; known correspondents go on
LAST_DEFERRAL = END - RETRY_WINDOW - 2 * HOUR

SITE = "example.org"
USERS = "alice bob carol dave erin frank grace heidi info ivan judy office postmaster sales webmaster".split()

# ---- who connects ----

PROVIDERS = [  # name, how it names its customers, how many /24 it has
    ("telco-north.example", "{3}-{2}-{1}-{0}.dsl.{p}", 60), ("kabelnet.example", "cable-{0}-{1}-{2}-{3}.dyn.{p}", 55),
    ("fiberlink.example", "host{3}.{2}-{1}-{0}.pool.{p}", 40), ("mobilis.example", "ip{0:02x}{1:02x}{2:02x}{3:02x}.{p}", 40),
    ("colo-west.example", "srv{2}-{3}.{p}", 25), ("netpool.example", "{0}.{1}.{2}.{3}.static.{p}", 35),
    ("adslplus.example", "adsl-{2}-{3}.{p}", 50), ("citynet.example", "client-{0}-{1}-{2}-{3}.{p}", 30),
]
BULK = "megadeals pharmahouse replicas-now casino-royal diplomas softwareoem bestmeds luxwatch easyloan toptrade".split()
WORDS = ("ada alan anna ben bill clara dan dora emil eva fay finn gail greg hugo ida jack jana karl kim lena leo lisa "
         "luis mara max mia nina noel olga omar paul pia ralph rosa sam sara theo tina udo vera walt xena yuri zoe").split()


class Organisation:
    """A sender that runs a real mail server: its networks, who writes, and when it tries again (minutes)."""

    def __init__(self, domain, networks, people, retries, weight, verp=False):
        self.domain, self.networks, self.people = domain, networks, people
        self.retries, self.weight, self.verp = retries, weight, verp

    def sender(self, rng):
        if self.verp:
            return "bounce-%d-%s@%s" % (rng.randint(1000, 99999), rng.choice(WORDS), self.domain)
        if rng.random() < 0.02:
            return ""
        return "%s.%s@%s" % (rng.choice(WORDS), rng.choice(WORDS[:self.people]), self.domain)

    def client(self, rng, attempt):
        """A pool tries from one of its addresses, every other time from its other network if it has two."""
        network_number = attempt % len(self.networks)
        network = self.networks[network_number]
        hosts = 8 if len(self.networks) > 1 else 2
        host = 10 + rng.randrange(hosts)
        return "%s.%d" % (network, host), "%s%d.%s" % ("out%d-" % network_number if hosts > 2 else "mail", host, self.domain)


def organisations(rng):
    nets = ("198.19.%d" % i for i in itertools.count(200))
    known = [
        Organisation("bigmail.example", [next(nets), next(nets)], 40, (6, 16, 31, 70, 130), 30),
        Organisation("freepost.example", [next(nets), next(nets)], 25, (7, 22, 48, 100), 15),
        Organisation("newsletters.example", [next(nets)], 4, (12, 35, 90), 12, verp=True),
        Organisation("lists.example", [next(nets)], 3, (5.6, 17, 33), 18),
        Organisation("exchange-hosted.example", [next(nets)], 9, (1, 11, 21), 10),
    ]
    for name in "northwind bakery-lund law-weiss uni-south printshop archiv travelbee steelworks opera city-hall".split():
        known.append(Organisation(name + ".example", [next(nets)], rng.randint(2, 6),
                                  rng.choice([(6.7, 20, 45), (15, 30, 60), (30, 60, 120), (16.7, 33.4, 66.8)]),
                                  rng.randint(3, 9)))
    return known


class Bots:
    """Addresses of customers' machines. One without PTR stays so, and one that is listed stays listed."""

    def __init__(self, rng):
        self.rng, self.used, self.seen = rng, {}, set()
        blocks = ["198.%d.%d" % (18 + i // 256, i % 256) for i in range(456)]
        rng.shuffle(blocks)
        self.blocks = {p: [blocks.pop() for _ in range(n)] for p, _, n in PROVIDERS}

    def client(self, kind):
        """(address, its PTR name, whether that leads back). A third of the calls bring one back that was here lately."""
        if self.used.get(kind) and self.rng.random() < 0.35:
            return self.rng.choice(self.used[kind][-40:])
        while True:
            provider, pattern, _ = self.rng.choice(PROVIDERS)
            address = "%s.%d" % (self.rng.choice(self.blocks[provider]), self.rng.randint(1, 254))
            if address not in self.seen:
                break
        self.seen.add(address)
        name = pattern.format(*map(int, address.split(".")), p=provider)
        client = (address, name, kind != "dnsbl" or self.rng.random() < 0.93)
        self.used.setdefault(kind, []).append(client)
        return client


# ---- when ----

def busy(at, weekend, night):
    """How likely a moment is, up to 1: less on weekends and at night."""
    moment = BEGIN + timedelta(microseconds=at)
    hour = moment.hour + moment.minute / 60
    by_hour = 1 - (1 - night) * abs(hour - 14.5) / 14.5 if hour < 14.5 else 1 - (1 - night) * (hour - 14.5) / 9.5
    return by_hour * (weekend if moment.weekday() >= 5 else 1)


def moments(rng, count, begin, end, bursts, weekend, night):
    """`count` times from `begin` to `end`, a share of them in bursts of minutes to hours (a campaign)."""
    def one():
        while True:
            at = rng.randrange(begin, end)
            if rng.random() < busy(at, weekend, night):
                return at

    times = []
    while len(times) < count * bursts:
        start, length = one(), rng.randint(4, 150) * MINUTE
        times += [start + rng.randrange(length) for _ in range(rng.randint(3, max(5, min(90, count // 10))))]
    times = [t for t in times if t < end][:int(count * bursts)]
    return sorted(times + [one() for _ in range(count - len(times))])


def parts(rng, total, sizes):
    """Numbers of recipients, each one of `sizes`, that together are `total`."""
    found = []
    while sum(found) < total:
        found.append(min(rng.choice(sizes), total - sum(found)))
    return found


# ---- the log ----

class Log:
    """Lines by time. A session's lines wait for its smtpd's process number until all sessions are known."""

    def __init__(self, rng):
        self.rng, self.lines, self.sessions, self.serial = rng, [], [], itertools.count()
        self.pids = {"postfix/qmgr": 2417, "postgrey": 2203, "dovecot": 0}

    def say(self, at, program, text, session=None):
        self.lines.append((at, next(self.serial), program, session, text))

    def session(self, at):
        self.sessions.append([at, at])
        return len(self.sessions) - 1

    def queue_id(self, at):
        return "%05X%05X" % (at % SECOND, self.rng.randrange(0x4a000, 0x4afff))

    def numbered(self):
        """Lines with process numbers: an smtpd takes the next client when it is free, and ends after 100 s without.
        What is not smtpd, qmgr or a daemon of its own gets a process now and then."""
        last, idle, process = 4000, [], {}
        for number, (start, end) in sorted(enumerate(self.sessions), key=lambda s: s[1][0]):
            free = [p for p in idle if p[0] < start and start - p[0] < 100 * SECOND and p[2] < 100]
            idle = [p for p in idle if start - p[0] < 100 * SECOND and p not in free]
            took = max(free) if free else (0, 0, 0)
            if not free:
                last = 300 + (last + self.rng.randint(1, 40) - 300) % 32400
            process[number] = took[1] or last
            idle += [p for p in free if p != took] + [(end, process[number], took[2] + 1)]
        other = {}
        for at, _, program, session, text in sorted(self.lines):
            if session is not None:
                pid = process[session]
            elif program in self.pids:
                pid = self.pids[program]
            else:
                used, pid = other.get(program, (-DAY, 0))
                if at - used > 100 * SECOND:
                    last = 300 + (last + self.rng.randint(1, 40) - 300) % 32400
                    pid = last
                other[program] = (at, pid)
            yield at, program, pid, text

    def write(self, path):
        with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
            for at, program, pid, text in self.numbered():
                stamp = (BEGIN + timedelta(microseconds=at)).isoformat(timespec="microseconds")
                who = "%s[%d]" % (program, pid) if pid else program
                out.write(("%s mx %s: %s\n" % (stamp, who, text)).encode())


# ---- the server ----

class Greylist:
    """postgrey with its defaults: what semantics.md section 5 says, and the reason as postgrey logs it."""
    DELAY, ALLOW, INTERVAL = 300 * SECOND, 5, HOUR  # and a lifetime that is longer than the log

    def __init__(self):
        self.first, self.passed, self.allowed = {}, set(), {}

    def key(self, address, sender, recipient):
        local, _, domain = sender.partition("@")
        return address.rpartition(".")[0], re.sub(r"\b\d+\b", "#", re.sub(r"\+.*", "", local)) + "@" + domain, recipient

    def ask(self, at, address, sender, recipient):
        key = self.key(address, sender, recipient)
        count, counted = self.allowed.get(address, (0, -DAY))
        if count >= self.ALLOW:
            return "pass", "client AWL"
        if key not in self.first or (key not in self.passed and at - self.first[key] > RETRY_WINDOW):
            self.first[key] = at
            return "greylist", "new"
        age = at - self.first[key]
        assert abs(age - self.DELAY) > 3 * SECOND, "too near to the delay to be certain"
        if age < self.DELAY:
            return "greylist", "early-retry (%ds missing)" % ((self.DELAY - age) // SECOND)
        if key in self.passed:
            return "pass", "triplet found"
        self.passed.add(key)
        if at - counted > self.INTERVAL:
            self.allowed[address] = (count + 1, at)
        return "pass", "triplet found, delay=%d" % (age // SECOND)


class Server:
    def __init__(self, rng, log):
        self.rng, self.log, self.greylist = rng, log, Greylist()
        self.told = {}        # client: the DNS lists that it was refused by
        self.deliveries = []  # verdict, attempts' times, client, sender, recipient
        self.open = {}        # (operator, sender, recipient): number of the delivery that its next attempt belongs to

    def wait(self, low, high):
        return self.rng.randint(low, high)

    def smtpd(self, at, session, text):
        self.log.sessions[session][1] = at
        self.log.say(at, "postfix/smtpd", text, session)
        return at

    def connect(self, at, client):
        address, name, confirmed = client
        session = self.log.session(at)
        shown = "%s[%s]" % (name if name and confirmed else "unknown", address)
        if name and not confirmed:
            self.smtpd(at - self.wait(100, 900), session, "warning: hostname %s does not resolve to address %s: "
                       "Name or service not known" % (name, address))
        self.smtpd(at, session, "connect from " + shown)
        return session, shown

    def refuse(self, at, client, verdict):
        """Turns a client away before the greeting (smtpd_delay_reject = no)."""
        session, shown = self.connect(at, client)
        address = client[0]
        text, pause = {
            "no-rdns": ("554 5.7.1 Client host rejected: cannot find your reverse hostname, [%s]" % address, 20000),
            "dnsbl": ("554 5.7.1 Service unavailable; Client host [%s] blocked using %s" % (address, self.rng.choice(
                ["zen.spamhaus.org; http://www.spamhaus.org/query/bl?ip=" + address] * 4 +
                ["bl.spamcop.net; Blocked - see http://www.spamcop.net/bl.shtml?" + address])), 90000),
            "early-talker": ("503 5.5.0 <%s>: Client host rejected: Improper use of SMTP command pipelining" % shown,
                             5 * SECOND + 120000),
        }[verdict]
        if verdict == "dnsbl":
            self.told.setdefault(address, set()).add(next(zone for zone in ZONES if zone in text))
        at = self.smtpd(at + pause + self.wait(1000, 700000), session,
                        "NOQUEUE: reject: CONNECT from %s: %s; proto=SMTP" % (shown, text))
        at += self.wait(15000, 1500000)
        if self.rng.random() < 0.6:
            self.smtpd(at, session, "lost connection after CONNECT from " + shown)
        self.smtpd(at + self.wait(40, 400), session, "disconnect from " + shown)
        self.deliveries.append([verdict, [self.log.sessions[session][0]], address, "-", "-"])

    def attempt(self, at, client, operator, helo, sender, recipients, polite):
        """A client that gets as far as RCPT. Returns the recipients that were put off, and the time of the last RCPT."""
        session, shown = self.connect(at, client)
        start, queue_id, put_off, taken = at, None, [], []
        at += 5 * SECOND + self.wait(120000, 900000)  # sleep 5
        for recipient in recipients:
            at += self.wait(3000, 90000)
            action, reason = self.greylist.ask(at, client[0], sender, recipient)
            self.log.say(at - 800, "postgrey", "%saction=%s, reason=%s, client_name=%s, client_address=%s, sender=%s, "
                         "recipient=%s" % (queue_id + ": " if queue_id else "", action, reason, shown.partition("[")[0], client[0], sender, recipient))
            if action == "greylist":
                assert at < LAST_DEFERRAL
                put_off.append(recipient)
                self.smtpd(at, session, "%s: reject: RCPT from %s: 450 4.2.0 <%s>: Recipient address rejected: "
                           "Greylisted, see http://postgrey.schweikert.ch/help/%s.html; from=<%s> to=<%s> proto=%s helo=<%s>"
                           % (queue_id or "NOQUEUE", shown, recipient, SITE, sender, recipient,
                              "ESMTP" if polite else "SMTP", helo))
            else:
                taken.append(recipient)
                if not queue_id:
                    queue_id = self.log.queue_id(at)
                    self.smtpd(at, session, "%s: client=%s" % (queue_id, shown))
            self.account(start, client[0], operator, sender, recipient, action == "pass")
        last_rcpt = at
        if taken:
            at = self.message(at + self.wait(30000, 2000000), queue_id, sender, taken)
        at += self.wait(20000, 400000)
        if not polite and self.rng.random() < 0.5:
            self.smtpd(at, session, "lost connection after RCPT from " + shown)
        self.smtpd(at + self.wait(40, 400), session, "disconnect from " + shown)
        return put_off, last_rcpt

    def account(self, at, address, operator, sender, recipient, accepted):
        """The delivery that this attempt belongs to: the chain goes on until something is accepted."""
        key = (operator, sender, recipient)
        number = self.open.pop(key, None)
        if number is None or at - self.deliveries[number][1][-1] > RETRY_WINDOW:
            number = len(self.deliveries)
            self.deliveries.append(["greylist", [], address, sender, recipient])
        self.deliveries[number][1].append(at)
        if accepted:
            self.deliveries[number][0] = "accepted"
        else:
            self.open[key] = number

    def message(self, at, queue_id, sender, recipients):
        """A queued message on its way to the mailboxes; returns when the client heard of it."""
        domain = sender.partition("@")[2] or "mx." + SITE
        self.log.say(at, "postfix/cleanup", "%s: message-id=<%08x.%d@%s>" %
                     (queue_id, self.rng.getrandbits(32), at // SECOND % 1000000, domain))
        at += self.wait(4000, 60000)
        self.log.say(at, "postfix/qmgr", "%s: from=<%s>, size=%d, nrcpt=%d (queue active)" %
                     (queue_id, sender, int(self.rng.lognormvariate(8.6, 1.3)) + 600, len(recipients)))
        done = at
        for recipient in recipients:
            at += self.wait(5000, 90000)
            heard, written = self.wait(5, 190), self.wait(1, 9)
            self.log.say(at, "postfix/local", "%s: to=<%s>, relay=local, delay=%.2g, delays=%.2g/0.01/0/%.2g, dsn=2.0.0, "
                         "status=sent (delivered to maildir)" % (queue_id, recipient, (heard + 1 + written) / 100,
                                                                 heard / 100, written / 100))
        self.log.say(at + self.wait(200, 3000), "postfix/qmgr", queue_id + ": removed")
        return done


# ---- what happens ----

def refused(rng, server, bots, verdict, count):
    for at in moments(rng, count, 0, END - MINUTE, 0.5, 0.8, 0.45):
        address, name, confirmed = bots.client(verdict)
        server.refuse(at, (address, None if verdict == "no-rdns" else name, confirmed), verdict)


def not_resent(rng, bots, count):
    """Attempts of those whom greylisting stops: each sender is used for one delivery only. A fifth tries again
    at once, too early; some are wanted, from programs that know of no second try."""
    sizes = parts(rng, count, [1, 1, 1, 1, 1, 1, 2, 3])
    for n, at in enumerate(moments(rng, len(sizes), 0, LAST_DEFERRAL - 10 * MINUTE, 0.3, 0.85, 0.5)):
        client, wanted = bots.client("clean %d" % n), rng.random() < 0.06
        domain = "shop%d.example" % rng.randint(1, 400) if wanted else rng.choice(BULK) + ".example"
        sender = "%s.%s%05x.%d@%s" % (rng.choice(WORDS), rng.choice(WORDS), rng.getrandbits(20), n, domain)
        helo = rng.choice([client[1], client[1].split(".")[0], "localhost", domain])
        to = ["%s@%s" % (r, SITE) for r in rng.sample(USERS, sizes[n])]
        again = sorted(rng.sample(range(20, 275), rng.randint(1, 3))) if not wanted and rng.random() < 0.2 else []
        for offset in [0] + again:
            yield at + offset * SECOND, (client, helo, sender, to)


def correspondence(rng, server, bots, stopped, accepted):
    """All who get as far as RCPT, in order of time, since greylisting remembers."""
    people, known = organisations(rng), []  # known: who was let in before
    serial = itertools.count()
    queue = [(at, next(serial), "bot", what) for at, what in not_resent(rng, bots, stopped)]
    late = accepted // 12 if accepted > 50 else 0  # to known correspondents, after first contacts have ended
    sizes = parts(rng, accepted - late, [1, 1, 1, 1, 1, 2]) + [1] * late
    times = (moments(rng, len(sizes) - late, 0, FIRST_CONTACTS_END, 0, 0.25, 0.1) +
             moments(rng, late, FIRST_CONTACTS_END + DAY // 4, END, 0, 0.5, 0.1))
    queue += [(at, next(serial), "message", size) for at, size in zip(times, sizes)]
    heapq.heapify(queue)
    while queue:
        at, _, kind, what = heapq.heappop(queue)
        if kind == "bot":
            client, helo, sender, to = what
            put_off, _ = server.attempt(at, client, client[1], helo, sender, to, polite=False)
            assert put_off == to
        elif kind == "message":
            if at > FIRST_CONTACTS_END or (known and what == 1 and rng.random() < 0.55):
                organisation, sender, to = rng.choice(known)
                if organisation.verp:
                    sender = re.sub(r"\d+", str(rng.randint(1000, 99999)), sender)
            else:
                organisation = rng.choices(people, [o.weight for o in people])[0]
                sender = organisation.sender(rng)
                to = ["%s@%s" % (r, SITE) for r in rng.sample(USERS, what)]
            heapq.heappush(queue, (at, next(serial), "try", (organisation, sender, to[:what], 0)))
        else:
            organisation, sender, to, tries = what
            address, name = organisation.client(rng, tries)
            put_off, when = server.attempt(at, (address, name, True), organisation.domain, name, sender, to, polite=True)
            if len(organisation.networks) == 1:  # not who passed as an allowed client: its keys stay untouched
                to_known = [r for r in to if server.greylist.key(address, sender, r) in server.greylist.passed]
                known += [(organisation, sender, to_known)] if to_known else []
            if put_off:
                minutes = organisation.retries[min(tries, len(organisation.retries) - 1)]
                due = when + int(minutes * MINUTE) + rng.randint(0, 50) * SECOND
                heapq.heappush(queue, (due, next(serial), "try", (organisation, sender, put_off, tries + 1)))


def everyday(rng, server, log):
    """What else such a log has: nightly mail of the machine's own, answers going out, people reading, statistics."""
    for day in range(31):
        at = day * DAY + 6 * HOUR + 25 * MINUTE + rng.randint(1, 9) * SECOND
        queue_id = log.queue_id(at)
        log.say(at, "postfix/pickup", "%s: uid=0 from=<root>" % queue_id)
        server.message(at + 2000, queue_id, "root@mx." + SITE, ["postmaster@" + SITE])
    for at in moments(rng, 150, 0, END - HOUR, 0, 0.1, 0.05):
        queue_id, org = log.queue_id(at), "mail10.northwind.example[198.19.207.10]"
        to = "%s.%s@northwind.example" % (rng.choice(WORDS), rng.choice(WORDS))
        sender = "%s@%s" % (rng.choice(USERS), SITE)
        log.say(at, "postfix/pickup", "%s: uid=33 from=<%s>" % (queue_id, sender.partition("@")[0]))
        log.say(at + 5000, "postfix/cleanup", "%s: message-id=<%x@mx.%s>" % (queue_id, rng.getrandbits(48), SITE))
        log.say(at + 9000, "postfix/qmgr", "%s: from=<%s>, size=%d, nrcpt=1 (queue active)" % (queue_id, sender, rng.randint(900, 90000)))
        log.say(at + 900000, "postfix/smtp", "%s: to=<%s>, relay=%s:25, delay=0.9, delays=0.02/0.01/0.4/0.47, dsn=2.0.0, "
                "status=sent (250 2.0.0 Ok: queued as %s)" % (queue_id, to, org, log.queue_id(at + rng.randrange(SECOND))))
        log.say(at + 901000, "postfix/qmgr", queue_id + ": removed")
    for at in moments(rng, 400, 0, END - HOUR, 0, 0.5, 0.1):
        log.say(at, "dovecot", "imap-login: Login: user=<%s>, method=PLAIN, rip=192.0.2.%d, lip=192.0.2.2, TLS" %
                (rng.choice(USERS), rng.randint(40, 60)))
    for at in [*range(3 * HOUR, END, 7 * HOUR), END - 20 * SECOND]:
        log.say(at + rng.randrange(SECOND), "postfix/anvil", "statistics: max cache size %d at %s" % (
            rng.randint(1, 9), (BEGIN + timedelta(microseconds=at - 200 * SECOND)).strftime("%b %e %H:%M:%S")))


def lists(rng, server):
    """Whom the DNS lists had that month: at least whom the server refused by them. It asked them in their order, and
    neither about whom it had refused before; who got further is on none."""
    first, second = ZONES
    listed = {zone: set() for zone in ZONES}
    for verdict, _, address, _, _ in server.deliveries:
        told = server.told.get(address, set())
        if verdict == "dnsbl" and first in told or verdict == "no-rdns" and rng.random() < 0.8:
            listed[first].add(address)
        if second in told or verdict in ("no-rdns", "dnsbl") and rng.random() < 0.25:
            listed[second].add(address)
    return listed


def generate(totals, seed):
    rng = random.Random(seed)
    log = Log(rng)
    server, bots = Server(rng, log), Bots(rng)
    for verdict, count in zip(ROWS, totals[:3]):
        refused(rng, server, bots, verdict, count)
    correspondence(rng, server, bots, totals[3], totals[4])
    everyday(rng, server, log)
    found = tuple(sum(d[0] == row for d in server.deliveries) for row in ROWS)
    assert found == tuple(totals), "meant %s, made %s" % (totals, found)
    return log, server.deliveries, lists(random.Random(seed), server)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=2009)
    parser.add_argument("-o", default=os.path.dirname(os.path.abspath(__file__)), metavar="DIR")
    parser.add_argument("totals", type=int, nargs="*", metavar="N", help="five of them: " + " ".join(ROWS))
    options = parser.parse_args()
    totals = tuple(options.totals) or TALK
    if len(totals) != 5 or min(totals) < 0:
        parser.error("five numbers are needed: " + " ".join(ROWS))
    log, deliveries, listed = generate(totals, options.seed)
    log.write(os.path.join(options.o, "mail.log.gz"))
    with open(os.path.join(options.o, "truth.tsv.gz"), "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(b"verdict\tattempts\tfirst\tlast\tclient\tsender\trecipient\n")
        for verdict, times, address, sender, recipient in sorted(deliveries, key=lambda d: d[1][0]):
            first, last = ((BEGIN + timedelta(microseconds=t)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for t in (times[0], times[-1]))
            out.write("\t".join([verdict, str(len(times)), first, last, address, sender, recipient]).encode() + b"\n")
    for zone, addresses in listed.items():
        with open(os.path.join(options.o, zone + ".txt.gz"), "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
            out.write(("# whom %s had in October 2009\n" % zone).encode())
            out.write("".join(a + "\n" for a in sorted(addresses, key=ipaddress.ip_address)).encode())


if __name__ == "__main__":
    main()
