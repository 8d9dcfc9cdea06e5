"""The law for verdicts, slowly: walks attempt by attempt through a policy with nothing but lists, as the text of
the law has it. Written from that text to be the second of two engines that must agree; it knows the program only by
the form of a case book. Everything earlier is looked through anew for each attempt, and a set of what may become of
an attempt is a set of names.

Sessions are dicts with the keys of a case book. YES is a hit, NO a miss, None unknown."""
import itertools

from server import REPLY, STAGES, WITH_STATE, Policy, in_networks, network, normalise, seconds

YES, NO = True, False
DAY = 86400
ENDS = {"accepted", "other", "abandoned", "nothing-attempted"}


def stage_number(name):
    return STAGES.index(name)


class Attempt:
    """One RCPT, or a session without one."""

    def __init__(self, number, session, recipient, valid, in_force):
        self.number, self.session, self.recipient, self.valid = number, session, recipient, valid
        self.at, self.ip, self.net = seconds(session["at"]), session["ip"], network(session["ip"])
        self.server, self.sender = session.get("server", "mx"), session.get("from")
        self.operator = session["name"].split(".", 1)[1] if session.get("fcrdns") and "name" in session else None
        did = session["did"]
        self.answer, self.named = next(iter(did.items())) if isinstance(did, dict) else (did, None)
        self.deferred = self.answer == "deferred"
        self.told = self.sender is not None and self.recipient is not None
        self.before = self.after = None
        # how far the client came, or would have come
        self.answered_at = self.reached = stage_number("eom")
        if self.named:
            self.answered_at = answer_stage(self.named, in_force)
            if self.named == "other":
                self.reached = self.answered_at
        elif self.answer == "nothing":
            self.reached = stage_number("rcpt" if self.recipient is not None else
                                        "mail" if self.sender is not None else
                                        "helo" if "helo" in session else "connect")

    def neighbour(self, other):
        """Of the same network or operator."""
        return self.net == other.net or (self.operator is not None and self.operator == other.operator)


def answer_stage(named, in_force):
    for rule in in_force.rules if in_force else []:
        if rule.measure == named:
            return stage_number(rule.acts)
    from server import STAGE
    return stage_number(STAGE.get(named, "rcpt"))


def applies(policy, rule, attempt):
    server = rule.parameters.get("when", {}).get("server")
    return not (server and server != attempt.server) and not in_networks(attempt.ip, policy.exempt) and \
        not in_networks(attempt.ip, rule.parameters.get("exempt", {}).get("networks", []))


class Recorded:
    """What the recorded server's rules tell ("No" by inference)."""

    def __init__(self, policy):
        self.policy = policy

    def position(self, rule):
        """What yields stands last in its stage."""
        return stage_number(rule.acts), bool(rule.parameters.get("yields")), self.policy.order.index(rule)

    def refuser(self, attempt):
        return next((rule for rule in self.policy.rules
                     if rule.measure == attempt.named and not rule.parameters.get("warn")), None)

    def came_to(self, rule, attempt):
        if not applies(self.policy, rule, attempt):
            return None
        if attempt.answer == "accepted":
            return "passed"
        if attempt.answer == "nothing":
            return "passed" if stage_number(rule.acts) <= attempt.reached else None
        by = self.refuser(attempt)
        if by is rule:
            return "refused"
        if by is None:
            return "passed" if stage_number(rule.acts) < attempt.answered_at else None
        return "passed" if self.position(rule) < self.position(by) else None

    def rules(self, measure, attempt):
        """(rule, "passed" or "refused") of the measure's recorded rules."""
        for rule in self.policy.rules if self.policy else []:
            untested = attempt.session.get("pass_old") and (rule.remember or
                                                            stage_number(rule.acts) <= stage_number("banner"))
            status = self.came_to(rule, attempt)
            if untested and status != "refused":
                continue
            if rule.measure == measure and status:
                yield rule, status

    def touched(self, measure, attempt):
        """Whether the measure saw the attempt, be it that a later one of its stage decided."""
        for rule in self.policy.rules if self.policy else []:
            if rule.measure != measure:
                continue
            if self.came_to(rule, attempt):
                return True
            by = self.refuser(attempt) if attempt.named else None
            if by and self.policy.order.index(rule) < self.policy.order.index(by) and \
                    applies(self.policy, rule, attempt):
                return True
        return False


NOT_PARAMETERS = ("reply", "warn", "at", "when", "name", "exempt")
DEFAULTS = {
    "greylist": {"delay": "5m", "retry-window": "2d", "lifetime": "35d", "key": ["client/24", "sender", "recipient"],
                 "normalise": True, "auto-allow": 5, "auto-interval": "1h", "scope": "shared", "yields": False},
    "dictionary": {"unknown": 5, "window": "10m"}, "after-220": {"remember": "30d"}, "spam": {"score": 15},
    "dnsbl": {"threshold": 1, "remember": "0s"}, "early-talker": {"wait": "6s", "remember": "0s"},
}


def parameters(rule):
    own = {k: v for k, v in rule.parameters.items() if k not in NOT_PARAMETERS}
    full = DEFAULTS.get(rule.measure, {}) | own
    return {k: seconds(v) if isinstance(v, str) and v[:1].isdigit() else v for k, v in full.items()}


def sum_verdict(p, listed):
    return sum(weight for zone, weight in p["zones"].items() if listed[zone]) >= p["threshold"]


def dnsbl_verdict(rule, recorded, attempt):
    """All listings that agree with what was seen and with what the recorded rules did are gone through. Where none
    does, what was seen outweighs what the rules tell, zone by zone."""
    ours = parameters(rule)
    seen = attempt.session.get("dnsbl", {})
    told = [(parameters(other), status) for other, status in recorded.rules("dnsbl", attempt)]
    zones = sorted(set(ours["zones"]).union(*(p["zones"] for p, _ in told)))
    every = [dict(zip(zones, answers)) for answers in itertools.product([YES, NO], repeat=len(zones))]
    agreed = [listed for listed in every
              if all(sum_verdict(p, listed) == (status == "refused") for p, status in told)]
    possible = {sum_verdict(ours, listed) for listed in agreed if all(listed[z] == seen.get(z, listed[z]) for z in zones)}
    if not possible:
        possible = {sum_verdict(ours, listed | {z: seen[z] for z in zones if z in seen}) for listed in agreed}
    return possible.pop() if len(possible) == 1 else None


def simple(seen, recorded, measure, attempt):
    """Of a measure without parameters: what was seen, else what the record's rule did."""
    if seen is not None:
        return not seen
    for _, status in recorded.rules(measure, attempt):
        return status == "refused"
    return None


def known_yes(seen, recorded, measure, attempt):
    """What was seen, else that the record's rule let it pass; a refusal may have other causes."""
    return seen if seen is not None else any(status == "passed" for _, status in recorded.rules(measure, attempt))


def early_verdict(rule, recorded, attempt):
    wait = parameters(rule)["wait"]
    if "spoke" in attempt.session:
        spoke, banner = seconds(attempt.session["spoke"]), seconds(attempt.session["banner"])
        if spoke < banner:
            return spoke < wait
        if banner >= wait or spoke >= wait:
            return NO
    for other, status in recorded.rules("early-talker", attempt):
        theirs = parameters(other)["wait"]
        if status == "passed" and theirs >= wait:
            return NO
        if status == "refused" and theirs <= wait:
            return YES
    return None


def verdict(rule, recorded, attempt):
    """The verdict from evidence alone: without state, and of one attempt."""
    session, measure = attempt.session, rule.measure
    if measure in ("greylist", "after-220"):
        return None
    if measure != "dictionary":
        for other, status in recorded.rules(measure, attempt):
            if status == "refused" and parameters(other) == parameters(rule):
                return YES
    if measure in ("no-rdns", "fcrdns"):
        hit = simple(session.get("rdns" if measure == "no-rdns" else "fcrdns"), recorded, measure, attempt)
        if hit is None:  # a name that leads back is a name, and without one there is none that does
            if measure == "no-rdns":
                return NO if known_yes(session.get("fcrdns"), recorded, "fcrdns", attempt) else None
            return YES if session.get("rdns") is False else None
        return hit
    if measure == "dnsbl":
        return dnsbl_verdict(rule, recorded, attempt)
    if measure == "early-talker":
        return early_verdict(rule, recorded, attempt)
    if measure == "sender-domain":
        if attempt.sender == "":
            return NO
        return simple(session.get("sender_domain", {}).get("exists"), recorded, measure, attempt)
    if measure in ("recipient", "dictionary"):
        for _, status in recorded.rules("recipient", attempt):
            if status == "refused":
                return YES
        if attempt.recipient is None:  # one that was let pass is known to be valid, whoever it was
            return NO if any(status == "passed" for _, status in recorded.rules("recipient", attempt)) else None
        return simple(attempt.valid, recorded, "recipient", attempt)
    if measure == "spam":
        score = parameters(rule)["score"]
        if "score" in session:
            return session["score"] >= score
        for other, status in recorded.rules("spam", attempt):
            theirs = parameters(other)["score"]
            if status == "refused" and theirs >= score:
                return YES
            if status == "passed" and theirs <= score:
                return NO
        return None
    raise ValueError(measure)


IN_CHAIN = {"recipient", "dictionary", "sender-domain", "spam"}


class Reach:
    """An attempt that reached a greylist."""

    def __init__(self, at, attempt, key, certain):
        self.at, self.attempt, self.key, self.certain = at, attempt, key, certain


class Greylist:
    """Section 5. A key with a part that is not known is possibly every key of its client."""

    def __init__(self, law, rule, p=None):
        self.law, self.rule, self.p = law, rule, p or parameters(rule)
        self.reaches, self.passes, self.ghosts = [], [], []

    def key(self, attempt):
        clean = (lambda a, s: None if a is None else normalise(a, s)) if self.p["normalise"] else lambda a, s: a
        parts = {"client": attempt.ip, "client/24": attempt.net, "sender": clean(attempt.sender, True),
                 "recipient": clean(attempt.recipient, False)}
        return (attempt.server if self.p["scope"] == "server" else "",) + tuple(parts[p] for p in self.p["key"])

    def whole(self, key):
        return None not in key

    def same_client(self, a, b):
        """Whether two keys are of one client: the server and the client's part."""
        n = 1 + sum(part.startswith("client") for part in self.p["key"])
        return a[:n] == b[:n]

    def may_be(self, a, b):
        """Whether an attempt of key a may be of key b."""
        if self.whole(a) and self.whole(b):
            return a == b
        return self.same_client(a, b)

    def ghost_may_be(self, ghost, attempt, key):
        """Retries from any address of a network or operator, at any server, with that sender and recipient."""
        if not self.law.may_come_from(ghost.attempt, attempt):
            return False
        n = 1 + sum(part.startswith("client") for part in self.p["key"])
        theirs, ours = ghost.key[n:], key[n:]
        return None in theirs or None in ours or theirs == ours

    def counted(self, passes):
        count, last = 0, None
        for at in passes:
            if last is None or at - last >= self.p["auto-interval"]:
                count, last = count + 1, at
        return count

    def ask(self, attempt, certain, as_recorded, _):
        p, now, key = self.p, attempt.at, self.key(attempt)
        window, delay = p["retry-window"], p["delay"]
        mine = [one for one in self.passes if one["ip"] == attempt.ip]
        sure = self.counted([one["at"] for one in mine if one["certainly new"]])
        ghost_keys = {ghost.key[1 + sum(part.startswith("client") for part in p["key"]):] if self.whole(ghost.key)
                      else ghost for ghost in self.ghosts
                      if ghost.at + delay <= now and self.law.may_come_from(ghost.attempt, attempt)}
        maybe = self.counted([one["at"] for one in mine if one["possibly new"]]) + len(ghost_keys)
        if p["auto-allow"] and sure >= p["auto-allow"]:
            return NO
        allowed_maybe = bool(p["auto-allow"]) and maybe >= p["auto-allow"]
        whole = self.whole(key)
        ghosts = [ghost for ghost in self.ghosts if self.ghost_may_be(ghost, attempt, key)]
        of_key = [reach for reach in self.reaches if self.may_be(reach.key, key)]
        known_surely = whole and any(one["key"] == key and one["makes known"] and now <= one["at"] + p["lifetime"]
                                     for one in self.passes)
        known_maybe = any(self.may_be(one["key"], key) and now <= one["at"] + p["lifetime"] for one in self.passes) \
            or any(ghost.at + delay <= now for ghost in ghosts)

        def opened_before(reach):
            """Something possibly reached in (a - D, a) and before t - W."""
            end = min(reach.at, now - window)
            return any(reach.at - delay < other.at < end for other in of_key) or \
                any(ghost.at < end and reach.at - delay < end for ghost in ghosts)

        window_surely = whole and any(reach.certain and reach.key == key and
                                      now - window <= reach.at <= now - delay and not opened_before(reach)
                                      for reach in self.reaches)
        window_maybe = any(now - window <= reach.at <= now - delay for reach in of_key)
        surely = known_surely or window_surely
        verdict = NO if surely else None if known_maybe or window_maybe or allowed_maybe else YES
        told = self.law.recorded_greylist(self, attempt) if as_recorded else None
        if told is not None:
            verdict = told
        opens = certain and whole and not allowed_maybe
        if verdict is not YES:
            never_known = not any(self.may_be(one["key"], key) for one in self.passes) and not ghosts
            self.passes.append({"at": now, "ip": attempt.ip, "key": key, "makes known": surely and opens,
                                "possibly new": not known_surely,
                                "certainly new": surely and not known_surely and never_known and opens})
        self.reaches.append(Reach(now, attempt, key, opens))
        return verdict

    def retry(self, attempt, _):
        self.ghosts.append(Reach(attempt.at, attempt, self.key(attempt), False))

    def might(self, attempt):
        return True


class After220(Greylist):
    def __init__(self, law, rule):
        remember = parameters(rule)["remember"]
        super().__init__(law, rule, {"delay": 0, "retry-window": remember, "lifetime": remember, "key": ["client"],
                                     "normalise": False, "auto-allow": 0, "auto-interval": 0, "scope": "shared"})
        self.judged = {}

    def ask(self, attempt, certain, as_recorded, verdict):
        session = id(attempt.session)
        if session not in self.judged:
            self.judged[session] = super().ask(attempt, certain, as_recorded, verdict)
        return self.judged[session]


class Dictionary:
    def __init__(self, law, rule):
        self.law, self.p = law, parameters(rule)
        self.tries, self.ghosts, self.cut_off = [], [], []
        self.rule = rule

    def ask(self, attempt, certain, as_recorded, verdict):
        now = attempt.at
        if verdict is not NO or attempt.recipient is None:
            self.tries.append((now, attempt.net, certain and verdict is YES))
            if attempt.recipient is None and self.law.by_delivery:
                self.cut_off.append(attempt.net)
        near = [sure for at, net, sure in self.tries if net == attempt.net and at > now - self.p["window"]]
        if as_recorded:
            for other, status in self.law.recorded.rules("dictionary", attempt):
                theirs = parameters(other)
                if status == "refused" and theirs == self.p:
                    return YES
                if status == "passed" and theirs["unknown"] <= self.p["unknown"] and theirs["window"] >= self.p["window"]:
                    return NO
        if sum(near) >= self.p["unknown"]:
            return YES
        unbounded = attempt.net in self.cut_off or any(self.law.may_come_from(g, attempt) for g in self.ghosts)
        return None if len(near) >= self.p["unknown"] or unbounded else NO

    def retry(self, attempt, verdict):
        if verdict is not NO:
            self.ghosts.append(attempt)

    def might(self, attempt):
        """Whether some recipient that may be asked for in a network from which the retry may come is invalid."""
        bad = [one for one in self.law.attempts if self.law.alone[self.rule][one.number] is not NO
               or one.recipient is None]
        nets = {attempt.net} | {one.net for one in self.law.attempts if attempt.operator is not None
                                and one.operator == attempt.operator}
        return any(net == one.net or any(one.operator is not None and other.operator == one.operator and
                                         other.net == net for other in self.law.attempts)
                   for one in bad for net in nets)


class Remember:
    """`remember`: who was tested and passed is not tested again for so long."""

    def __init__(self, law, rule):
        self.law, self.rule = law, rule
        self.surely, self.maybe, self.ghosts = {}, {}, []

    def ask(self, attempt, certain, as_recorded, verdict):
        now, ip, until = attempt.at, attempt.ip, attempt.at + self.rule.remember
        if now <= self.surely.get(ip, -1):
            return NO
        if as_recorded and attempt.session.get("pass_old"):
            theirs = [rule.remember for rule in self.law.recorded.policy.rules
                      if rule.measure == self.rule.measure] if self.law.recorded.policy else []
            refused = any(status == "refused" for _, status in self.law.recorded.rules(self.rule.measure, attempt))
            if theirs and 0 < min(theirs) and max(theirs) <= self.rule.remember and not refused:
                self.maybe[ip] = until
                return NO
        known = now <= self.maybe.get(ip, -1) or any(self.law.may_come_from(g, attempt) for g in self.ghosts)
        if verdict is not YES:
            self.maybe[ip] = until
        if verdict is NO and certain and not known:
            self.surely[ip] = until
        return None if known and verdict is YES else verdict

    def retry(self, attempt, verdict):
        if verdict is not YES:
            self.ghosts.append(attempt)

    def might(self, attempt):
        """Who passes the test passes untested as well; where the rule is not for the attempt, it may be for the retry."""
        if self.law.alone[self.rule][attempt.number] is not NO:
            return True
        return not applies(self.law.policy, self.rule, attempt) and \
            verdict(self.rule, self.law.recorded, attempt) is not NO


class Passage:
    def __init__(self):
        self.stopped, self.put_off, self.possible = [], False, True


class Law:
    def __init__(self, sessions, in_force, policy, unit, ends):
        self.policy, self.by_delivery, self.unit, self.ends = policy, unit == "delivery", unit, ends
        self.recorded = Recorded(in_force)
        self.attempts = []
        for session in sorted(sessions, key=lambda session: seconds(session["at"])):
            to = session.get("to")
            valid = session.get("valid")
            for i, one in enumerate(to if isinstance(to, list) else [to]):
                self.attempts.append(Attempt(len(self.attempts), session, one,
                                             valid[i] if isinstance(valid, list) else valid, in_force))
        self.link()
        self.alone = {rule: self.judge_alone(rule) for rule in policy.rules}
        self.asked = {rule: [stage_number(rule.acts) <= a.reached and applies(policy, rule, a)
                             for a in self.attempts] for rule in policy.rules}
        self.state = {}
        for rule in policy.rules:
            kind = {"greylist": Greylist, "after-220": After220, "dictionary": Dictionary}.get(rule.measure)
            if kind or rule.remember:
                self.state[rule] = (kind or Remember)(self, rule)
        self.spoiled = {rule: [] for rule in self.state}

    def link(self):
        """Chains of attempts: deliveries (section 2)."""
        last = {}
        for a in self.attempts:
            if not a.told:
                continue
            key = (a.operator or a.net, a.sender.lower(), a.recipient.lower())
            before = last.get(key)
            if before and before.answer not in ("accepted", "refused") and a.at - before.at <= 2 * DAY:
                a.before, before.after = before, a
            last[key] = a

    def judge_alone(self, rule):
        """Verdicts from evidence, shared in chains where the law says so."""
        asked = [stage_number(rule.acts) <= a.reached and applies(self.policy, rule, a) for a in self.attempts]
        shared = self.by_delivery and rule.measure in IN_CHAIN
        tells = [shared and (a.before is not None or a.after is not None) for a in self.attempts]
        own = [verdict(rule, self.recorded, a) if asked[a.number] or tells[a.number] else None for a in self.attempts]
        for head in self.attempts if shared else []:
            chain = []
            one = head if head.before is None else None
            while one:
                chain.append(one.number)
                one = one.after
            shown = next((own[i] for i in chain if own[i] is not None), None)
            for i in chain:
                own[i] = shown = own[i] if own[i] is not None else shown
        return [verdict if asked[i] else NO for i, verdict in enumerate(own)]

    def may_come_from(self, ghost, attempt):
        """Whether a retry of `ghost` may come from the network of `attempt`."""
        return ghost.net == attempt.net or (ghost.operator is not None and any(
            one.net == attempt.net and one.operator == ghost.operator for one in self.attempts))

    def recorded_greylist(self, greylist, attempt):
        ours = parameters(greylist.rule)
        for other, status in self.recorded.rules(greylist.rule.measure, attempt):
            theirs = parameters(other)
            if theirs == ours:
                return YES if status == "refused" else NO
            if status != "passed":
                continue
            if greylist.rule.measure == "after-220":
                # delay 0 in both; the window and the lifetime are one parameter
                if theirs["remember"] <= ours["remember"]:
                    return NO
                continue
            if theirs["delay"] >= ours["delay"] and theirs["retry-window"] <= ours["retry-window"] and \
                    theirs["lifetime"] <= ours["lifetime"] and not theirs["auto-allow"] and not ours["auto-allow"] and \
                    all(theirs[k] == ours[k] for k in ("key", "scope", "normalise")):
                return NO
        return None

    def mind_record(self, rule, attempt, certain, possible):
        touched = self.recorded.touched(rule.measure, attempt)
        if not (certain if touched else not possible):
            self.spoiled[rule].append(attempt)

    def puts_off(self, rule, attempt):
        if "reply" not in rule.parameters and attempt.named == rule.measure:
            return attempt.deferred
        return rule.reply != "5xx"

    def pass_rules(self, attempt, certain):
        passage, yielding, yielded = Passage(), None, None

        def stop(rule, verdict):
            nonlocal certain
            passage.stopped.append(rule)
            passage.put_off = passage.put_off or self.puts_off(rule, attempt)
            certain = False
            passage.possible = verdict is None

        for rule in self.policy.order:
            if yielding and rule.acts != yielding.acts and passage.possible:
                stop(yielding, yielded)
                yielding = None
            reaches = passage.possible and (rule not in self.state or self.asked[rule][attempt.number])
            verdict = NO
            if passage.possible and rule in self.state:
                if self.asked[rule][attempt.number]:
                    as_recorded = not any(attempt.neighbour(one) for one in self.spoiled[rule])
                    verdict = self.state[rule].ask(attempt, certain, as_recorded, self.alone[rule][attempt.number])
            elif passage.possible:
                verdict = self.alone[rule][attempt.number]
            if rule in self.state:
                self.mind_record(rule, attempt, reaches and certain, reaches)
            if verdict is NO or rule.parameters.get("warn"):
                continue
            if rule.parameters.get("yields"):
                yielding, yielded = rule, verdict
                continue
            stop(rule, verdict)
        if yielding and passage.possible:
            stop(yielding, yielded)
        return passage

    def end_of(self, attempt):
        if attempt.answer == "nothing":
            return "nothing-attempted" if attempt.sender is None and attempt.recipient is None else "abandoned"
        return "other" if attempt.named == "other" else "accepted"

    def may_ask(self, rule, attempt):
        """Of a retry, which may come from another address and to another server."""
        return self.asked[rule][attempt.number] or rule.parameters.get("when") or \
            rule.parameters.get("exempt", {}).get("networks")

    def retried(self, attempt):
        """What a retry gets that the record does not show: those with state are unknown then."""
        out, yielded = set(), None
        for rule in self.policy.order:
            if yielded and rule.acts != yielded.acts:
                out.add(yielded.name)
                yielded = None
            if rule.parameters.get("warn"):
                continue
            if rule in self.state:
                if self.may_ask(rule, attempt) and self.state[rule].might(attempt):
                    if rule.parameters.get("yields"):
                        yielded = rule
                    else:
                        out.add(rule.name)
                continue
            verdict = self.alone[rule][attempt.number]
            if verdict is not NO:
                out.add(rule.name)
            if verdict is YES:
                return out
        return out | ({yielded.name} if yielded else set()) | {self.end_of(attempt)}

    def state_before(self, rule, attempt):
        """The rules with state that come before a rule: one that yields does only if that is of a later stage."""
        out = set()
        for other in self.policy.order:
            if other is rule:
                break
            yields = other.parameters.get("yields") and other.acts == rule.acts
            if other in self.state and self.may_ask(other, attempt) and not other.parameters.get("warn") and \
                    not yields:
                out.add(other.name)
        return out

    def after_last(self, rule, attempt):
        if attempt.deferred:
            if attempt.told and attempt.at + 2 * DAY <= self.ends:
                return {rule.name}
            return {rule.name} | (self.retried(attempt) if rule in self.state
                                  else {"accepted"} | self.state_before(rule, attempt))
        if rule in self.state:
            return {rule.name} | self.retried(attempt)
        return {rule.name} | self.state_before(rule, attempt)

    def walk_chain(self, attempt, alive, delivery):
        """alive: "surely", "maybe" or "ended"; returns the same for the next attempt."""
        passage = self.pass_rules(attempt, alive == "surely")
        goes_on = ended = False
        for rule in passage.stopped:
            if not self.puts_off(rule, attempt):
                delivery.add(rule.name)
                ended = True
            elif attempt.after is None:
                delivery |= self.after_last(rule, attempt)
            else:
                goes_on = True
        if passage.possible:
            end = self.end_of(attempt)
            if attempt.after and (end in ("abandoned", "nothing-attempted") or (end == "other" and attempt.deferred)):
                goes_on = True
            else:
                last = attempt
                while last.after:
                    last = last.after
                delivery.add(self.end_of(last))
                ended = True
        if passage.put_off and not attempt.deferred:
            for rule, state in self.state.items():
                self.spoiled[rule].append(attempt)  # newly put off
                if self.asked[rule][attempt.number]:
                    state.retry(attempt, self.alone[rule][attempt.number])
        return "ended" if not goes_on else "maybe" if ended or alive != "surely" else "surely"

    def deliveries(self):
        alive, head, sets = {}, {}, {}
        for a in self.attempts:
            first = a.before is None
            head[a] = a if first else head[a.before]
            now = "surely" if first else alive[a]
            outcome = set() if now == "ended" else sets.setdefault(head[a], set())
            after = self.walk_chain(a, now, outcome)
            if a.after:
                alive[a.after] = "ended" if now == "ended" else after
        return list(sets.values())

    def attempt_sets(self):
        sets = []
        for a in self.attempts:
            passage = self.pass_rules(a, True)
            sets.append({rule.name for rule in passage.stopped} | ({self.end_of(a)} if passage.possible else set()))
        return sets

    def sessions(self):
        """Accepted when any attempt is, else it belongs to what stopped its first."""
        sets = self.attempt_sets()
        units = []
        for _, group in itertools.groupby(self.attempts, key=lambda a: id(a.session)):
            own = [sets[a.number] for a in group]
            left = {"abandoned", "nothing-attempted"}
            out, leaves = set(), left
            for one in own:
                if one == {"accepted"}:
                    out, leaves = {"accepted"}, set()
                    break
                out |= one & {"accepted"}
                if leaves:
                    out |= one - {"accepted"} - left
                leaves = leaves & one
            units.append(out | leaves)
        return units

    def rows(self):
        """{row: (low, high)}."""
        units = self.deliveries() if self.by_delivery else \
            self.sessions() if self.unit == "session" else self.attempt_sets()
        rows = {}
        for unit in units:
            for name in unit:
                low, high = rows.get(name, (0, 0))
                rows[name] = (low + (len(unit) == 1), high + 1)
        return rows
