"""Policy A met by the clients of a world makes a censored record; policy B met by the same clients gives the truth
of the deliveries, sessions and recipients of that record.

What is true of a record's units is the law's sections 2 and 3 taken by the word:

- By session and by recipient the units are the recorded ones: each recorded attempt comes, and no other, and what B
  does to it counts. What A cut off before RCPT is taken to have gone on to send one.
- Deliveries are the record's chains under every policy. The attempt that begins a chain comes, even where B has
  accepted the same message in an earlier chain ("judged as if it had come anyway"). A later one comes when the one
  before it in the chain was put off; where the chain has ended it comes only if it is of another message of the same
  key, which is still waiting for its own turn. The first attempt that B accepts or stops with 5xx ends the delivery;
  where it puts off all, the measure of the last has it.
- What is put off at the last recorded attempt of a chain: where A deferred it as well, and two days have passed
  within the record, the client gave up and that is that. Where the record has the next attempt, as a delivery of
  its own, that one's fate is its own. Else the client goes on by its schedule, whatever that is. These retries A never saw, so they have the evidence of the attempt that they repeat; they come from any address of
  the same network or, where the name is confirmed, of the operator.
- Both policies begin with nothing known: "The replay starts with nothing known"."""
import heapq

from server import STAGES, Server, network

RETRY_WINDOW = 2 * 86400


class Recorded:
    """An attempt as A saw it: the k-th of a message, the rule that stopped it (None: accepted), and the line of the
    record."""

    def __init__(self, message, k, attempt, rule):
        self.message, self.k, self.attempt, self.rule = message, k, attempt, rule
        self.deferred = rule is not None and rule.reply != "5xx"
        stage = STAGES.index(rule.acts) if rule else len(STAGES)
        self.sender_told = stage >= STAGES.index("mail")
        self.recipient_told = stage >= STAGES.index("rcpt")
        self.told = self.sender_told and self.recipient_told
        self.named = False  # the record has the client's confirmed name
        self.chain = None


class Chain:
    def __init__(self):
        self.attempts, self.outcome = [], None
        self.waiting = self.closed = False  # for its next attempt; for a retry that A never saw


def reveal(rng, extra, at_random, recorded, server):
    """What the record says of an attempt: what A must have logged, and more at random, all of it true. `at_random`:
    names as well, so that what is not known does not depend on who it is."""
    a, client, line = recorded.attempt, recorded.message.client, {}
    line["at"] = f"{a['at']}s"
    line["server"], line["ip"] = a["server"], a["ip"]
    more = lambda: rng.random() < extra
    looked_up = at_random and more()
    recorded.named = bool(client.name and a["fcrdns"] and (not at_random or looked_up))
    if recorded.named:
        line["name"], line["fcrdns"], line["rdns"] = client.name, True, True
    stage = STAGES.index(recorded.rule.acts) if recorded.rule else len(STAGES)
    if stage >= STAGES.index("helo"):
        line["helo"] = a["helo"]
    if recorded.sender_told:
        line["from"] = a["sender"]
    if recorded.recipient_told:
        line["to"] = a["recipient"]
    if server.untested:
        line["pass_old"] = True
    if looked_up or (not at_random and more()):
        line["rdns"] = a["rdns"]
    if looked_up or (not at_random and more()):
        line["fcrdns"] = a["fcrdns"]
    asked = at_random and more()
    zones = {zone: zone in a["zones"] for zone in ("a.example", "b.example") if asked or (not at_random and more())}
    if more():  # as from a capture of a server that holds its banner back
        line["spoke"], line["banner"] = f"{a['spoke']}s", "6s"
    if recorded.sender_told and more():
        line["sender_domain"] = {"exists": a["exists"], "null-mx": False}
    if recorded.recipient_told and more():
        line["valid"] = a["valid"]
    if stage > STAGES.index("data") and more():
        line["score"] = a["score"]
    for rule, hit in server.asked:  # what a warning tells
        if not hit or not rule.parameters.get("warn"):
            continue
        if rule.measure in ("no-rdns", "fcrdns"):
            line[rule.measure.replace("no-", "")] = False
        elif rule.measure == "dnsbl":
            zones |= {zone: zone in a["zones"] for zone in rule.parameters["zones"]}
        elif rule.measure == "early-talker":
            line["spoke"], line["banner"] = f"{a['spoke']}s", rule.parameters.get("wait", "6s")
        elif rule.measure == "sender-domain":
            line["sender_domain"] = {"exists": False}
        elif rule.measure == "recipient":
            line["valid"] = False
        elif rule.measure == "spam":
            line["score"] = a["score"]
    if zones:
        line["dnsbl"] = zones
    line["did"] = ("accepted" if not recorded.rule else
                   {("deferred" if recorded.deferred else "refused"): recorded.rule.measure})
    return line


def record(messages, policy, rng, ends, extra, at_random=False):
    """Meets all messages with the policy until `ends`. Returns what was recorded, in order, and the lines."""
    server, recorded, lines = Server(policy), [], []
    waiting = [(message.attempts[0][0], number, 0) for number, message in enumerate(messages)]
    heapq.heapify(waiting)
    while waiting:
        at, number, k = heapq.heappop(waiting)
        message = messages[number]
        if at > ends:
            break
        attempt = message.attempt(k)
        rule = server.judge(attempt)
        one = Recorded(message, k, attempt, rule)
        recorded.append(one)
        lines.append(reveal(rng, extra, at_random, one, server))
        if one.deferred and k + 1 < len(message.attempts):
            heapq.heappush(waiting, (message.attempts[k + 1][0], number, k + 1))
    return recorded, lines


def chains_of(recorded):
    """The deliveries of the record (section 2)."""
    chains, open_chain = [], {}
    for one in recorded:
        a = one.attempt
        who = one.message.client.name.split(".", 1)[1] if one.named else network(a["ip"])
        key = (who, a["sender"].lower(), a["recipient"].lower()) if one.told else id(one)
        last = open_chain.get(key)
        if last and last.attempts[-1].deferred and a["at"] - last.attempts[-1].attempt["at"] <= RETRY_WINDOW:
            one.chain = last
        else:
            one.chain = Chain()
            chains.append(one.chain)
        one.chain.attempts.append(one)
        open_chain[key] = one.chain
    return chains


def puts_off(rule, one):
    """Whether the stop lets the client come back; without `reply` the record's own where it names the measure."""
    if "reply" not in rule.parameters and one.rule and one.rule.measure == rule.measure:
        return one.deferred
    return rule.reply != "5xx"


def by_attempt(recorded, policy):
    """What becomes of each recorded attempt: the name of the row."""
    server = Server(policy)
    return [rule.name if rule else "accepted" for rule in (server.judge(one.attempt) for one in recorded)]


class Truth:
    """Runs policy B on the clients for the outcomes of the record's deliveries."""

    def __init__(self, recorded, policy, ends):
        self.recorded, self.ends = recorded, ends
        self.server = Server(policy)
        self.last_of = {one.message: one for one in recorded}
        self.next_k = {one.message: 0 for one in recorded}  # whose turn it is
        self.followers = {}                                 # message: [(chain, from k)]
        self.pending = []                                   # of retries that A never saw
        self.retries = 0
        self.chains = chains_of(recorded)

    def run(self):
        for one in self.recorded:
            self.retries_until(one.attempt["at"])
            self.come(one)
        self.retries_until(float("inf"))
        return [chain.outcome for chain in self.chains]

    def come(self, one):
        chain, message = one.chain, one.message
        begins = chain.attempts[0] is one
        walked = begins or chain.waiting
        if not walked and self.next_k[message] != one.k:
            return
        rule = self.judged(message, one.k, one.attempt, one)
        if not walked:
            return
        chain.waiting = False
        if rule is None:
            chain.outcome = "accepted"
        elif not puts_off(rule, one):
            chain.outcome = rule.name
        else:
            chain.outcome = rule.name  # unless something better comes
            if one is not chain.attempts[-1]:
                chain.waiting = True
            elif one is self.last_of[message] and not (one.deferred and one.told and
                                                       one.attempt["at"] + RETRY_WINDOW <= self.ends):
                self.followers.setdefault(message, []).append((chain, one.k))

    def judged(self, message, k, attempt, like):
        """Meets an attempt with the policy, and sees to its next one."""
        rule = self.server.judge(attempt)
        off = rule is not None and puts_off(rule, like)
        for chain, since in self.followers.get(message, []):
            if k > since and not chain.closed:
                chain.outcome = rule.name if rule else "accepted"
                chain.closed = not off
        self.next_k[message] = k + 1 if off else None
        last = self.last_of[message]
        if off and k >= last.k and k + 1 < len(message.attempts):
            self.retry(message, k + 1, last)
        return rule

    def retry(self, message, k, last):
        """An attempt that A never saw repeats the last one that it did."""
        at, ip, server = message.attempts[k]
        if not last.named and network(ip) != network(last.attempt["ip"]):
            ip = last.attempt["ip"]
        self.retries += 1
        entry = (at, self.retries, k, message, {**last.attempt, "at": at, "ip": ip, "server": server,
                                                  "repeats": last.attempt}, last)
        if not any(p[3] is message and p[2] == k for p in self.pending):
            heapq.heappush(self.pending, entry)

    def retries_until(self, at):
        while self.pending and self.pending[0][0] < at:
            _, _, k, message, attempt, last = heapq.heappop(self.pending)
            self.judged(message, k, attempt, last)
