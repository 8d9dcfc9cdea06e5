/* Trials: on records in which many sessions are alike, with all that a session may have, a policy tried on
 * the digest comes to what it comes to attempt by attempt; in whatever order policies are tried, and whether
 * they were expected. WORLDS=n says how many records (60), SEED=n where they begin (1). */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/trials.h"

enum { SESSIONS = 160, TRANSACTIONS = 3, RECIPIENTS = 3, EVIDENCE = 12, POLICIES = 8 };

static uint64_t state, world;

static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

static bool chance(uint64_t percent)
{
    return draw(100) < percent;
}

/* ---- Records. */

static const char *const senders[] = { "a@b.example", "c@d.example", "", "news-17@b.example",
                                       "news-18@b.example" };
static const char *const recipients[] = { "u@l.example", "V@l.example", "n@l.example", "trap@l.example" };
static const char *const names[] = { "mx1.one.example", "mx2.one.example", "host.two.example" };
static const char *const zones[] = { "y.example", "z.example" };

static struct reply random_reply(uint8_t stage)
{
    static const uint8_t named[] = { NAMED_OTHER,    NAMED_NO_RDNS,   NAMED_DNSBL,     NAMED_GREYLIST,
                                     NAMED_GREYLIST, NAMED_RECIPIENT, NAMED_AFTER_220, NAMED_HELO };
    if (chance(40))
        return (struct reply){ .code = 250, .stage = stage };
    return (struct reply){ .code = chance(60) ? 450 : 550, .named = named[draw(8)], .stage = stage };
}

static void add_evidence(struct session *session, struct evidence *evidence, uint8_t kind, uint8_t said)
{
    struct evidence one = { .kind = kind,
                            .state = said,
                            .transaction = -1,
                            .recipient = -1,
                            .origin = chance(80) ? ORIGIN_LOG : ORIGIN_CAPTURE };
    if (kind == KIND_DNSBL)
        one.subject = str_of(zones[draw(2)]);
    if (kind == KIND_SPAM) {
        one.state = UNKNOWN;
        one.a = (int64_t)draw(4) * 5000;
        one.b = chance(50) ? 15000 : INT64_MIN;
    }
    if (kind == KIND_HELO)
        one.subject = chance(50) ? STR("resolves") : STR("syntax");
    if (kind == KIND_SENDER_DOMAIN)
        one.subject = STR("exists");
    if (kind == KIND_WARNING) {
        one.subject = STR("no-rdns");
        one.state = YES;
    }
    if (kind == KIND_SPAM || kind == KIND_RECIPIENT || kind == KIND_WARNING) {
        one.transaction = (int32_t)draw(session->transaction_count + 1) - 1;
        if (one.transaction >= 0 && chance(70))
            one.recipient = (int32_t)draw(session->transactions[one.transaction].recipient_count + 1) - 1;
    }
    evidence[session->evidence_count++] = one;
}

static void add_session(struct columns *columns, int64_t id, usec at)
{
    static const uint8_t kinds[] = { KIND_RDNS,      KIND_FCRDNS, KIND_DNSBL,        KIND_DNSBL,
                                     KIND_RECIPIENT, KIND_SPAM,   KIND_HELO,         KIND_SENDER_DOMAIN,
                                     KIND_WARNING,   KIND_TRAP,   KIND_TESTED_BEFORE };
    struct recipient recipient[TRANSACTIONS][RECIPIENTS] = { 0 };
    struct transaction transaction[TRANSACTIONS] = { 0 };
    struct evidence evidence[EVIDENCE] = { 0 };
    uint32_t who = (uint32_t)draw(7);
    struct session session = { .id = id,
                               .started = at,
                               .ended = at,
                               .client = ip_from_v4(0xc0000200u + who * 0x43u),
                               .server = chance(80) ? STR("mx1") : STR("mx2"),
                               .server_port = chance(90) ? 25 : 587,
                               .stage = (uint8_t)(chance(80) ? STAGE_RCPT : draw(STAGE_RCPT + 1)),
                               .cut_off = chance(5),
                               .tls = chance(30),
                               .transactions = transaction,
                               .evidence = evidence };
    if (chance(60))
        session.helo = chance(50) ? STR("mx1.one.example") : STR("friend");
    if (chance(60))
        session.client_name = str_of(names[who % 3]);
    if (chance(4))
        session.auth_user = STR("user");
    session.transaction_count = session.stage < STAGE_MAIL ? 0
                                : chance(85)               ? 1
                                                           : (uint32_t)draw(TRANSACTIONS + 1);
    for (uint32_t t = 0; t < session.transaction_count; t++) {
        transaction[t] = (struct transaction){ .size = chance(50) ? (int64_t)draw(9000) : -1,
                                               .at = at,
                                               .recipients = recipient[t] };
        if (chance(95))
            transaction[t].mail_from = str_of(senders[draw(5)]);
        transaction[t].recipient_count = session.stage < STAGE_RCPT ? 0
                                         : chance(85)               ? 1
                                                                    : (uint32_t)draw(RECIPIENTS + 1);
        bool accepted = false;
        for (uint32_t r = 0; r < transaction[t].recipient_count; r++) {
            recipient[t][r] = (struct recipient){ .reply = random_reply(STAGE_RCPT),
                                                  .at = at + (usec)draw(90) * USEC_SECOND };
            if (chance(97))
                recipient[t][r].address = str_of(recipients[draw(4)]);
            if (chance(8))
                recipient[t][r].reply = (struct reply){ 0 };
            accepted = accepted || recipient[t][r].reply.code == 250;
        }
        transaction[t].verdict = accepted ? VERDICT_ACCEPTED : VERDICT_NONE;
        if (!accepted && chance(20))
            transaction[t].reply = random_reply(STAGE_MAIL);
    }
    if (session.transaction_count == 0 && chance(60))
        session.reply = random_reply(STAGE_CONNECT);
    for (size_t k = 0; k < sizeof kinds; k++)
        if (chance(k < 6 ? 60 : 15))
            add_evidence(&session, evidence, kinds[k], (uint8_t)tri_of(chance(50)));
    session_conclude(&session);
    columns_add(columns, &session);
}

static struct columns *random_record(void)
{
    struct columns *columns = columns_new();
    usec at = 1700000000 * USEC_SECOND, most = (usec)(chance(50) ? 900 : 9000);
    size_t count = 1 + draw(SESSIONS);
    struct provider lookups = { .id = 1,
                                .kind = KIND_DNSBL,
                                .origin = ORIGIN_SNAPSHOT,
                                .about = ABOUT_CLIENT,
                                .subject = STR("z.example"),
                                .from = USEC_NONE,
                                .to = USEC_NONE };
    for (size_t i = 0; i < count; i++, at += (usec)draw((uint64_t)most) * USEC_SECOND)
        add_session(columns, (int64_t)i + 1, at);
    for (uint32_t i = 0; chance(50) && i < 5; i++) {
        struct provided provided = { .client = ip_from_v4(0xc0000200u + (uint32_t)draw(7) * 0x43u),
                                     .at = 1700000000 * USEC_SECOND + (usec)draw(4) * USEC_DAY,
                                     .state = (uint8_t)tri_of(chance(50)) };
        columns_provide(columns, &lookups, &provided);
    }
    columns_finish(columns, USEC_NONE, USEC_NONE);
    return columns;
}

/* ---- Policies. */

/* One of each row, or none. */
static const char *const rules[][6] = {
    { "no-rdns: {}", "no-rdns: { reply: 5xx }", "no-rdns: { warn: true }", "no-rdns: { on-error: hit }",
      "no-rdns: { when: { port: 25 } }", NULL },
    { "dnsbl: { zones: { z.example: 1 } }", "dnsbl: { zones: { y.example: 1, z.example: 2 }, threshold: 2 }",
      "dnsbl: { zones: { y.example: 1 }, reply: 4xx }",
      "dnsbl: { zones: { y.example: 1 }, exempt: { networks: [192.0.2.0/25] } }", NULL },
    { "fcrdns: { exempt: { client-names: [one.example] } }", "fcrdns: {}", NULL },
    { "helo: {}", "helo: { fqdn: true }", "helo: { resolves: true, warn: true }", NULL },
    { "sender-domain: {}", "sender-domain: { fqdn: true, exempt: { sender-domains: [b.example] } }", NULL },
    { "recipient: {}", "recipient: { list: [u@l.example, v@l.example] }", "recipient: { reply: 4xx }", NULL },
    { "null-sender-many: {}", "batv: {}", "tls-required: {}", NULL },
    { "greylist: {}", "greylist: { delay: 1m, auto-allow: 2, auto-interval: 1m }",
      "greylist: { yields: true, scope: server }",
      "greylist: { key: [client, sender, recipient], auto-allow: 0 }",
      "greylist: { key: [client/24, recipient], normalise: false, delay: 2m, reply: 5xx }", NULL },
    { "after-220: {}",
      "greylist: { name: second, warn: true, delay: 20m, exempt: { networks: [192.0.2.0/26] } }",
      "greylist: { name: second, key: [sender, recipient] }", "dictionary: { unknown: 2 }", NULL },
    { "spam: { score: 5 }", "spam: { score: 10 }", "spam: { score: 10, symbols: [X] }",
      "spam: { score: 15, warn: true }", NULL },
    { "virus: {}", "vrfy: {}", NULL },
};
enum { ROWS = sizeof rules / sizeof *rules };

static void random_policy(struct policy *policy, bool more)
{
    char yaml[4096];
    size_t len = (size_t)snprintf(
        yaml, sizeof yaml, "delay-reject: %s\n%s%smeasures: [ ", chance(40) ? "true" : "false",
        chance(20) ? "exempt: { networks: [192.0.2.128/26], authenticated: true }\n" : "",
        chance(20) && more ? "trusted-relays: [192.0.2.67]\n" : "");
    size_t count = 0;
    for (size_t row = 0; row < ROWS; row++) {
        size_t choices = 0;
        while (rules[row][choices])
            choices++;
        if (!chance(row == 7 ? 60 : row == 8 ? 12 : 45) && !(row + 1 == ROWS && !count))
            continue;
        len += (size_t)snprintf(yaml + len, sizeof yaml - len, "%s%s", count++ ? ", " : "",
                                rules[row][draw(choices)]);
    }
    snprintf(yaml + len, sizeof yaml - len, " ]\n");
    struct why why = { 0 };
    ck_assert_msg(policy_read(policy, "random", str_of(yaml), &why) == 0, "%s\n%s", why.text, yaml);
}

/* ---- Both ways. */

static void same(double a, double b, const char *what, const struct policy *policy)
{
    ck_assert_msg((isnan(a) && isnan(b)) || fabs(a - b) <= 1e-6 * (1 + fabs(b)),
                  "world %llu: %s: %f, attempt by attempt %f, of\n%.*s", (unsigned long long)world, what, a,
                  b, STR_ARG(policy->yaml));
}

static void same_tally(const struct tally *here, const struct tally *there, const struct policy *policy)
{
    same((double)here->units, (double)there->units, "units", policy);
    same((double)here->base, (double)there->base, "base", policy);
    same((double)here->from, (double)there->from, "from", policy);
    same((double)here->to, (double)there->to, "to", policy);
    same((double)here->seen_once, (double)there->seen_once, "seen once", policy);
    same(here->delay_minutes_99, there->delay_minutes_99, "99 %", policy);
    ck_assert_uint_eq(here->row_count, there->row_count);
    for (size_t i = 0; i < here->row_count; i++) {
        const struct row *a = &here->rows[i], *b = &there->rows[i];
        ck_assert(str_eq(a->name, b->name));
        same((double)a->count, (double)b->count, "count", policy);
        same((double)a->low, (double)b->low, "low", policy);
        same((double)a->high, (double)b->high, "high", policy);
        same((double)a->warned, (double)b->warned, "warned", policy);
        ck_assert_int_eq(a->basis, b->basis);
        ck_assert_int_eq(a->at_least, b->at_least);
    }
    ck_assert_uint_eq(here->note_count, there->note_count);
    for (size_t i = 0; i < here->note_count; i++)
        ck_assert(str_eq(here->notes[i], there->notes[i]));
}

static void check_policy(struct trials *digested, struct trials *plain, const struct policy *policy)
{
    struct sweep_row here, there;
    struct tally tally = { 0 }, whole = { 0 };
    struct why why = { 0 };
    double a[SWEEP_FIGURES], b[SWEEP_FIGURES];
    ck_assert_msg(trials_try(digested, policy, &here, &tally, &why) == 0, "%s", why.text);
    ck_assert_msg(trials_try(plain, policy, &there, &whole, &why) == 0, "%s", why.text);
    sweep_figures(&here, a);
    sweep_figures(&there, b);
    for (size_t i = 0; i < SWEEP_FIGURES; i++)
        same(a[i], b[i], sweep_figure[i], policy);
    same_tally(&tally, &whole, policy);
    tally_free(&tally);
    tally_free(&whole);
    ck_assert(trials_try(digested, policy, &here, NULL, &why) == 0); /* from what is kept */
    sweep_figures(&here, a);
    for (size_t i = 0; i < SWEEP_FIGURES; i++)
        same(a[i], b[i], sweep_figure[i], policy);
}

static struct replay_options random_options(struct in_force *in_force, struct policy *recorded)
{
    struct replay_options options = { .unit = chance(60) ? UNIT_DELIVERY : (enum unit)draw(UNITS),
                                      .from = USEC_NONE,
                                      .to = USEC_NONE,
                                      .assume_resend = chance(10) ? 0.8 : NAN,
                                      .assumed = chance(40),
                                      .assume_habits = chance(10) };
    random_policy(recorded, false);
    if (chance(15))
        options.from = 1700000000 * USEC_SECOND + USEC_DAY;
    if (chance(10))
        options.retry_window = 3 * USEC_HOUR;
    in_force[0] = (struct in_force){ recorded, USEC_NONE, 1700000000 * USEC_SECOND + 2 * USEC_DAY };
    if (!options.assumed && chance(70)) {
        options.in_force = in_force;
        options.in_force_count = 1;
    }
    return options;
}

static void check_world(uint64_t seed)
{
    struct in_force in_force[1];
    struct policy recorded, policy[POLICIES];
    const struct policy *policies[POLICIES];
    struct why why = { 0 };
    state = world = seed;
    struct columns *columns = random_record();
    struct replay_options options = random_options(in_force, &recorded);
    struct trials *digested = trials_new(columns, &options, NULL),
                  *plain = trials_new(columns, &options, NULL);
    trials_keep_plain(plain);
    for (size_t i = 0; i < POLICIES; i++) {
        random_policy(&policy[i], true);
        policies[i] = &policy[i];
    }
    if (chance(70))
        ck_assert(trials_expect(digested, policies, chance(50) ? POLICIES : POLICIES / 2, &why) == 0);
    for (size_t i = 0; i < POLICIES; i++)
        check_policy(digested, plain, policies[i]);
    trials_free(digested);
    trials_free(plain);
    for (size_t i = 0; i < POLICIES; i++)
        policy_free(&policy[i]);
    policy_free(&recorded);
    columns_free(columns);
}

START_TEST(the_digest_tells_all)
{
    const char *worlds = getenv("WORLDS"), *first = getenv("SEED");
    uint64_t count = worlds ? strtoull(worlds, NULL, 10) : 60, seed = first ? strtoull(first, NULL, 10) : 1;
    for (uint64_t i = 0; i < count; i++)
        check_world(seed + i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trials");
    TCase *cases = tcase_create("trials");
    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, the_digest_tells_all);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
