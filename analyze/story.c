/* What became of one session under a policy, and why: the walk, told. */
#include "analyze/provided.h"
#include "analyze/walk.h"

#include <stdio.h>

static const char *tri_word(enum tri state)
{
    return state == YES ? "yes" : state == NO ? "no" : "unknown";
}

/* In the words of a sentence: "... would tell". */
static const char *const tellers[KINDS] = {
    [KIND_RDNS] = "enrich --lookup rdns",
    [KIND_FCRDNS] = "enrich --lookup rdns",
    [KIND_SENDER_DOMAIN] = "enrich --lookup sender-domain",
    [KIND_HELO] = "enrich --lookup helo",
    [KIND_SPF] = "enrich --lookup spf",
    [KIND_BATV] = "the log of the mail that is sent",
    [KIND_DNSBL] = "enrich --dnsbl-zone ZONE=FILE",
    [KIND_EARLY_TALKER] = "a capture (mxreplay live)",
    [KIND_PIPELINING] = "a capture (mxreplay live)",
    [KIND_RECIPIENT] = "enrich --recipients FILE",
    [KIND_RELAY] = "enrich --local-domains FILE",
    [KIND_SPAM] = "the log of rspamd, amavis or SpamAssassin",
    [KIND_VIRUS] = "the log of ClamAV, rspamd or amavis",
    [KIND_DKIM] = "the log of opendkim or rspamd",
    [KIND_DMARC] = "the log of opendmarc or rspamd",
    [KIND_UNANSWERED] = "a capture at the primary",
    [KIND_ASN] = "enrich --mmdb FILE",
    [KIND_COUNTRY] = "enrich --mmdb FILE",
};

const char *replay_teller(enum kind kind)
{
    return kind < KINDS ? tellers[kind] : NULL;
}

/* ", 31 days later" where what is known is of another day than the session. */
static struct str age(const struct judging *judging, uint32_t attempt, const struct fact *fact,
                      struct arena *arena)
{
    if (judging_rank(judging, attempt, fact) < JUDGING_LATER)
        return STR("");
    const struct columns *columns = judging->columns;
    int64_t days =
        usec_day(provided_of_fact(columns, fact)->at) - usec_day(columns->started[columns->session[attempt]]);
    int64_t apart = days < 0 ? -days : days;
    return arena_printf(arena, ", %lld day%s %s", (long long)apart, apart == 1 ? "" : "s",
                        days < 0 ? "earlier" : "later");
}

/* "rdns is no (log)", "dnsbl zen.spamhaus.org is yes (log)": what was observed for a measure. */
static struct str observed(const struct judging *judging, uint32_t attempt, struct arena *arena)
{
    const struct fact *fact = NULL;
    struct str all = { NULL, 0 };
    enum kind kind = judging->rule->measure->kind;
    while (kind != KINDS && (fact = judging_fact(judging, attempt, kind, fact))) {
        struct str subject = judging_name(judging, fact->subject),
                   detail = judging_name(judging, fact->detail), when = age(judging, attempt, fact, arena);
        struct str one =
            arena_printf(arena, "%s%s%s%s%.*s is %s (%s%.*s%s%.*s)", all.at ? all.at : "", all.at ? "; " : "",
                         kind_name[kind], subject.len ? " " : "", STR_ARG(subject), tri_word(fact->state),
                         origin_name[fact->origin], STR_ARG(when), detail.len ? ": " : "", STR_ARG(detail));
        all = one;
    }
    return all;
}

static bool refused_with(const struct judging *judging, uint32_t attempt)
{
    return judging->columns->named[attempt] == judging->rule->measure->named;
}

/* What is known and does not decide it, or where the record was cut off. */
static struct str not_known(const struct walk *walk, uint32_t r, uint32_t attempt, struct str seen,
                            struct arena *arena)
{
    const struct columns *columns = walk->columns;
    const struct measure *measure = walk->policy->rules[r].measure;
    if (seen.len)
        return arena_printf(arena, "what is known does not decide it: %.*s", STR_ARG(seen));
    bool refused = columns->answer[attempt] != ANSWER_ACCEPTED && columns->answer[attempt] != ANSWER_NONE;
    if (measure->reasons.unknown && !(refused && measure->stage > columns->answered_at[attempt]))
        return str_of(measure->reasons.unknown);
    if (refused)
        return arena_printf(
            arena, "the server refused at %s (%s)%s", stage_name[columns->answered_at[attempt]],
            named_measure[columns->named[attempt]] ? named_measure[columns->named[attempt]] : "other",
            measure->stage > columns->answered_at[attempt] ? " before it came to this"
                                                           : "; whether it asked this is not recorded");
    return arena_printf(arena,
                        "the record shows no %s evidence, and no %s measure was in force that it passed",
                        measure->kind == KINDS ? measure->name : kind_name[measure->kind], measure->name);
}

/* The same, and what would tell. */
static struct str unknown_why(const struct walk *walk, uint32_t r, uint32_t attempt, struct str seen,
                              struct arena *arena)
{
    struct str why = not_known(walk, r, attempt, seen, arena);
    const char *teller = replay_teller(walk->policy->rules[r].measure->kind);
    return teller ? arena_printf(arena, "%.*s; %s would tell", STR_ARG(why), teller) : why;
}

/* "...; it may be exempt: the client's country is not known". */
static struct str maybe_exempt(const struct walk *walk, uint32_t r, uint32_t attempt, struct str before,
                               struct arena *arena)
{
    struct wanting wanting = rule_wants(walk->columns, walk->policy, &walk->policy->rules[r], attempt);
    const char *teller = replay_teller(wanting.kind);
    return arena_printf(arena, "%.*s it may be exempt: %s is not known%s%s%s", STR_ARG(before),
                        wanting.what ? wanting.what : "what that asks", teller ? "; " : "",
                        teller ? teller : "", teller ? " would tell" : "");
}

/* Of a measure with state, which is not told by evidence alone. */
static struct str state_why(const struct walk *walk, uint32_t r, enum tri hit)
{
    static const struct reasons remembers = { "the client is tested, and hits",
                                              "passes: tested, or remembered to have passed",
                                              "it may be remembered to have passed, or what the test says is "
                                              "not known" };
    const struct measure *measure = walk->policy->rules[r].measure;
    const struct reasons *reasons = walk->state[r] == measure->state ? &measure->reasons : &remembers;
    return str_of(hit == YES ? reasons->hit : hit == NO ? reasons->miss : reasons->unknown);
}

static void tell_rule(const struct walk *walk, uint32_t r, enum stage stage, uint32_t attempt, bool possible,
                      struct rule_story *story, struct arena *arena)
{
    const struct columns *columns = walk->columns;
    const struct judging *judging = &walk->judging[r];
    outcomes set = walk->attempt[attempt];
    bool known = bits_get(&walk->known[r], attempt), hit = bits_get(&walk->hit[r], attempt);
    story->asked = possible;
    story->hit = known ? tri_of(hit) : UNKNOWN;
    if (stage > columns->reached[attempt]) {
        story->hit = NO;
        story->why = arena_printf(arena, "not asked: the client left before %s", stage_name[stage]);
        return;
    }
    enum tri applies = judging_applies(judging, attempt);
    if (applies == NO) {
        story->hit = NO;
        story->why = STR("not asked: exempt, or not for this server and port");
        return;
    }
    if (walk->state[r]) {
        bool stops = set >> r & 1;
        story->hit = !possible ? UNKNOWN : !stops ? NO : set == OUTCOME(r) ? YES : UNKNOWN;
        story->why =
            !possible ? STR("an earlier measure stops it") : state_why(walk, r, (enum tri)story->hit);
        if (possible && story->hit == UNKNOWN && applies == UNKNOWN)
            story->why = maybe_exempt(walk, r, attempt, STR("what came before decides it, or"), arena);
        return;
    }
    if (applies == UNKNOWN && judging_verdict(judging, attempt) == YES) {
        story->why = known ? STR("would hit; but the server let it by, so it was exempt (inferred)")
                           : maybe_exempt(walk, r, attempt, STR("would hit; but"), arena);
        return;
    }
    struct str seen = observed(judging, attempt, arena);
    const struct reasons *reasons = &walk->policy->rules[r].measure->reasons;
    const char *reason = hit ? reasons->hit : reasons->miss;
    if (known && hit && refused_with(judging, attempt))
        story->why = arena_printf(arena, "the server itself refused with it%s%.*s", seen.len ? "; " : "",
                                  STR_ARG(seen));
    else if (known && seen.len)
        story->why = seen;
    else if (known && !hit && judging_passed(judging, attempt, NULL))
        story->why = STR("it passed the server's own measure of this kind (inferred)");
    else if (known)
        story->why = reason ? str_of(reason) : STR("judged from the dialog");
    else
        story->why = unknown_why(walk, r, attempt, seen, arena);
}

static struct str outcome_words(const struct walk *walk, outcomes set, struct arena *arena)
{
    static const char *const words[] = { "accepted", "refused for another reason", "abandoned by the client",
                                         "nothing attempted", "through a trusted relay" };
    struct str all = { NULL, 0 };
    for (outcomes left = set; left; left &= left - 1) {
        unsigned which = (unsigned)__builtin_ctzll(left);
        bool rule = which < OUTCOME_ACCEPTED, first = !all.at;
        outcomes after = left & (left - 1);
        bool last_rule = rule && (after == 0 || __builtin_ctzll(after) >= OUTCOME_ACCEPTED);
        struct str word = rule ? walk->policy->rules[which].name : str_of(words[which - OUTCOME_ACCEPTED]);
        const char *before = first && rule ? "stopped by " : first ? "" : !rule || last_rule ? " or " : ", ";
        all = arena_printf(arena, "%.*s%s%.*s", STR_ARG(all), before, STR_ARG(word));
    }
    return all;
}

int replay_explain(struct columns *columns, const struct policy *policy, const struct replay_options *options,
                   int64_t session_id, struct session_story *story, struct arena *arena, struct why *why)
{
    size_t s = 0;
    while (s < columns->session_count && columns->id[s] != session_id)
        s++;
    if (s == columns->session_count)
        return why_set(why, EX_DATAERR, "there is no session %lld", (long long)session_id);
    struct replay_options by_session = *options;
    struct walk walk;
    by_session.unit = UNIT_SESSION;
    if (walk_run(&walk, columns, policy, &by_session, why) < 0)
        return -1;
    uint32_t first = columns->first_attempt[s], end = columns->first_attempt[s + 1];
    story->count = end - first;
    story->attempts = arena_zero(arena, story->count * sizeof *story->attempts);
    for (uint32_t a = first; a < end; a++) {
        struct attempt_story *attempt = &story->attempts[a - first];
        bool possible = true;
        if (columns->sender[a] != NAME_NONE)
            attempt->sender = arena_str(arena, names_text(&columns->names, columns->sender[a]));
        if (columns->address_of[a] != NAME_NONE)
            attempt->recipient = arena_str(arena, names_text(&columns->names, columns->address_of[a]));
        attempt->rules = arena_zero(arena, policy->rule_count * sizeof *attempt->rules);
        for (size_t k = 0; k < policy->rule_count; k++) {
            uint32_t r = walk.steps[k].rule;
            tell_rule(&walk, r, walk.steps[k].stage, a, possible, &attempt->rules[r], arena);
            if (attempt->rules[r].hit == YES && possible && !rule_warns(&policy->rules[r]) &&
                !rule_yields(&policy->rules[r]))
                possible = false;
        }
        outcomes accepted = walk.attempt[a] & OUTCOME(OUTCOME_ACCEPTED);
        attempt->accepted = !accepted ? NO : walk.attempt[a] == accepted ? YES : UNKNOWN;
        attempt->outcome = outcome_words(&walk, walk.attempt[a], arena);
    }
    walk_free(&walk);
    return 0;
}
