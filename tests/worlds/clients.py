"""Clients that send mail, each with its own habits: bots that do not retry, dictionary attacks, servers that do retry
and each in its way, pools of addresses, forwarders, newsletters, sign-up mailers seen once.

A message knows beforehand when and from where each attempt would come, as long as none is accepted or refused for
good, so that the same clients can be met by several servers."""
import random

ZONES = ["a.example", "b.example"]
MINUTE, HOUR, DAY = 60, 3600, 86400
SCHEDULES = [  # gaps between attempts
    [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 80 * MINUTE] + [2 * HOUR] * 6,
    [15 * MINUTE] * 8 + [HOUR] * 8,
    [30 * MINUTE] * 4 + [4 * HOUR] * 5,
    [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 20 * HOUR],
    [10, 60, 6 * MINUTE, 30 * MINUTE, 2 * HOUR],
    [6 * MINUTE, 25 * MINUTE],
    [10 * MINUTE],
    [20 * HOUR, 30 * HOUR, 46 * HOUR],
]


class Client:
    """One operator's host or hosts. `habit` draws how many attempts a message has at most, and when."""

    def __init__(self, rng, addresses, rdns, fcrdns, zones, name=None, helo="mx.example", spoke=3600, habit=None):
        self.rng, self.addresses, self.rdns, self.fcrdns = rng, addresses, rdns, fcrdns
        self.zones, self.name, self.helo, self.spoke = zones, name, helo, spoke
        self.habit = habit or (lambda: [])
        self.listed_since = {zone: 0 for zone in zones}


class Message:
    """`attempts`: (at, ip, server), the first and every retry that would come while it is put off."""

    def __init__(self, client, at, sender, recipient, valid, exists, score, servers=("mx1",), sticky=False):
        rng = client.rng
        self.client, self.sender, self.recipient = client, sender, recipient
        self.valid, self.exists, self.score = valid, exists, score
        times = [at]
        for gap in client.habit():
            times.append(times[-1] + max(1, int(gap * rng.uniform(0.9, 1.1))))
        first = rng.choice(client.addresses)
        self.attempts = [(t, first if sticky or k == 0 else rng.choice(client.addresses), rng.choice(servers))
                         for k, t in enumerate(times)]

    def attempt(self, k):
        """What the k-th attempt is, with nothing hidden."""
        at, ip, server = self.attempts[k]
        client = self.client
        return {"at": at, "ip": ip, "server": server, "sender": self.sender, "recipient": self.recipient,
                "rdns": client.rdns, "fcrdns": client.fcrdns, "helo": client.helo, "spoke": client.spoke,
                "zones": [zone for zone in client.zones if client.listed_since[zone] <= at],
                "exists": self.exists, "valid": self.valid, "score": self.score}


class Population:
    """All messages of a world, in order of their first attempt."""

    def __init__(self, rng, days, servers):
        self.rng, self.span, self.servers = rng, days * DAY, servers
        self.messages, self.networks, self.content = [], 0, {}
        self.users = [f"u{i}@l.example" for i in range(12)]

    def net(self):
        self.networks += 1
        return f"10.{self.networks // 250}.{self.networks % 250}."

    def send(self, client, at, sender, recipient, **more):
        valid = recipient in self.users
        content = (more.pop("exists", True), more.pop("score", self.rng.choice([0, 1, 3])))
        # several messages of one key are one (section 2), so they have one content
        exists, score = self.content.setdefault((client, sender, recipient), content)
        self.messages.append(Message(client, int(at), sender, recipient, valid, exists, score, self.servers, **more))

    def when(self):
        return self.rng.uniform(0, self.span)

    def listing(self, share):
        return [zone for zone in ZONES if self.rng.random() < share]

    def bot(self):
        """A botnet's host: one message or a few, no retry, or one at once."""
        rng = self.rng
        retries = rng.random() < 0.1
        client = Client(rng, [self.net() + str(rng.randrange(1, 250))], rng.random() < 0.4, False, self.listing(0.7),
                        helo=rng.choice(["user", "[10.0.0.1]", "host.example"]),
                        spoke=rng.choice([1, 2, 4, 3600, 3600, 3600]),
                        habit=lambda: [rng.choice([1, 20, 400])] if retries else [])
        start = self.when()
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            user = rng.choice(self.users + ["info@l.example", "nosuch@l.example"])
            self.send(client, start + rng.uniform(0, HOUR), rng.choice(["", "x@gone.example", "y@bots.example"]), user,
                      exists=rng.random() < 0.6, score=rng.choice([4, 9, 12, 20, 30]))

    def attack(self):
        """Many recipients, most of whom do not exist."""
        rng = self.rng
        client = Client(rng, [self.net() + "7"], rng.random() < 0.5, False, self.listing(0.5))
        start = self.when()
        for i in range(rng.randrange(4, 12)):
            self.send(client, start + i * rng.choice([5, 60, 200]), f"d{i}@spam.example",
                      rng.choice([f"n{i}@l.example", rng.choice(self.users)]), score=20)

    def server(self):
        """A mail server of some firm, with its own schedule."""
        rng = self.rng
        schedule, patience = rng.choice(SCHEDULES), rng.choice([1, 0.9, 0.4])
        number = rng.randrange(1000)
        good = rng.random() < 0.85
        client = Client(rng, [self.net() + "25"], good, good, self.listing(0.06), name=f"mx.firm{number}.example",
                        habit=lambda: schedule[:rng.randrange(2, 18)] if rng.random() < patience else [])
        for _ in range(rng.choice([1, 2, 3, 8, 15])):
            user = rng.choice(self.users) if rng.random() < 0.93 else "left@l.example"
            self.send(client, self.when(), f"p{rng.randrange(3)}@firm{number}.example", user)

    def pool(self):
        """Several hosts that share a queue; a retry comes from any of them. Confirmed names make them one."""
        rng = self.rng
        number, named = rng.randrange(1000), rng.random() < 0.6
        nets = [self.net() for _ in range(rng.choice([1, 1, 2, 3]))]
        schedule = rng.choice(SCHEDULES)
        client = Client(rng, [rng.choice(nets) + str(i) for i in range(1, 9)], named or rng.random() < 0.8, named,
                        self.listing(0.08), name=f"out.pool{number}.example" if named else None,
                        habit=lambda: schedule[:rng.randrange(1, 9)])
        for _ in range(rng.choice([3, 8, 20])):
            self.send(client, self.when(), f"q{rng.randrange(4)}@pool{number}.example", rng.choice(self.users))

    def newsletter(self):
        """One mailing to many, each with a sender of its own (VERP), from a /24."""
        rng = self.rng
        number, net, schedule = rng.randrange(1000), self.net(), rng.choice(SCHEDULES)
        client = Client(rng, [net + str(i) for i in range(10, 40)], True, True, self.listing(0.1),
                        name=f"n.news{number}.example", habit=lambda: schedule[:6])
        for issue in range(rng.choice([1, 2, 4])):
            start = self.span * issue / 5 + rng.uniform(0, HOUR)
            for i, user in enumerate(self.users + ["left@l.example"]):
                self.send(client, start + i * 3, f"news-{issue * 100 + i}@news{number}.example", user,
                          score=rng.choice([1, 6, 9]), sticky=rng.random() < 0.5)

    def forwarder(self):
        """Passes on whatever it gets."""
        rng = self.rng
        schedule = rng.choice(SCHEDULES)
        client = Client(rng, [self.net() + "4"], True, True, self.listing(0.2), name="fwd.alumni.example",
                        habit=lambda: schedule)
        for _ in range(rng.choice([5, 15])):
            self.send(client, self.when(), rng.choice(["", f"f{rng.randrange(9)}@x{rng.randrange(9)}.example"]),
                      rng.choice(self.users[:3]), score=rng.choice([0, 2, 9, 18]), exists=rng.random() < 0.9)

    def sign_up(self):
        """Sends once, and may not try again."""
        rng = self.rng
        retries = rng.choice([[], [], [15 * MINUTE] * 3, [HOUR]])
        good = rng.random() < 0.9
        client = Client(rng, [self.net() + "9"], good, good, self.listing(0.05), habit=lambda: retries)
        self.send(client, self.when(), f"noreply@shop{rng.randrange(9999)}.example", rng.choice(self.users))


KINDS = [("bot", 60), ("attack", 2), ("server", 14), ("pool", 3), ("newsletter", 1), ("forwarder", 1), ("sign_up", 14)]


def population(seed, size, days):
    """A month in the small: what a server sees, with habits of all kinds."""
    rng = random.Random(seed)
    people = Population(rng, days, rng.choice([("mx1",), ("mx1", "mx1", "mx2")]))
    names, weights = zip(*KINDS)
    while len(people.messages) < size:
        getattr(people, rng.choices(names, weights)[0])()
    return sorted(people.messages, key=lambda message: message.attempts[0][0])


def crowd(seed):
    """A few clients in a narrow place: the same networks, senders and recipients over and over within hours, lists
    that learn, and habits at random. What is rare in a month is common here."""
    rng = random.Random(seed)
    messages, clients, scores = [], [], {}
    servers = rng.choice([("mx1",), ("mx1", "mx2")])
    for i in range(rng.randrange(1, 4)):
        kind = rng.choice(["host", "host", "net", "pool"])
        addresses = {"host": [f"10.0.0.{i + 1}"], "net": ["10.0.0.1", "10.0.0.9", "10.0.0.17"],
                     "pool": ["10.0.0.1", "10.0.1.1"]}[kind]
        named = kind == "pool" or rng.random() < 0.3
        rdns = named or rng.random() < 0.6
        habits = rng.choice([[], [60], [6 * MINUTE], [6 * MINUTE, 20 * MINUTE, HOUR], [HOUR] * 3, [25 * MINUTE] * 6])
        whim = rng.choice([0, 0, 0.5])
        client = Client(rng, addresses, rdns, named or (rdns and rng.random() < 0.7),
                        [zone for zone in ZONES if rng.random() < 0.4],
                        name=f"h.op{rng.randrange(2)}.example" if named else None,
                        helo=rng.choice(["mx.example", "mx"]), spoke=rng.choice([2, 3600]),
                        habit=lambda habits=habits, whim=whim: [] if rng.random() < whim else habits)
        for zone in client.zones:
            client.listed_since[zone] = rng.choice([0, 0, 0, 30 * MINUTE, 2 * HOUR])
        clients.append(client)
    for _ in range(rng.randrange(1, rng.choice([4, 10, 25]))):
        recipient = rng.choice(["u@l.example", "u@l.example", "v@l.example", "n@l.example"])
        sender = rng.choice(["a@b.example", "a@b.example", "c@d.example", "V-17@d.example", "v-18@d.example", ""])
        exists = not sender.endswith("@d.example") or seed % 3 > 0
        score = scores.setdefault((sender.lower(), recipient), rng.choice([1, 9, 20]))
        messages.append(Message(rng.choice(clients), rng.randrange(0, rng.choice([600, 4 * HOUR, 3 * DAY])), sender,
                                recipient, recipient != "n@l.example", exists, score, servers,
                                sticky=rng.random() < 0.5))
    return sorted(messages, key=lambda message: message.attempts[0][0])
