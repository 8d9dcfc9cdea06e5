/* Replay: what must hold of any tally, on random worlds; estimates worked out by hand; a policy replayed on
 * the record that a plain server with that very policy made gives the record. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/measure.h"
#include "analyze/replay.h"

enum { WORLDS = 300, SESSIONS_MOST = 40 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

/* One client's contact as it really is: the truth, of which a record shows a part. */
struct contact {
    usec at;
    struct ip client;
    bool rdns, listed, valid;
    const char *sender, *recipient;
    double score;
};

static const char *const senders[] = { "a@b.example", "c@d.example", "", "news-17@b.example" };
static const char *const recipients[] = { "u@l.example", "v@l.example", "n@l.example" };

static size_t draw_contacts(struct contact contacts[SESSIONS_MOST])
{
    size_t count = 1 + draw(SESSIONS_MOST);
    usec at = 1000000 * USEC_SECOND;
    for (size_t i = 0; i < count; i++) {
        uint32_t host = (uint32_t)draw(4);
        uint32_t to = (uint32_t)draw(3);
        at += (usec)draw(4000) * USEC_SECOND;
        contacts[i] = (struct contact){
            .at = at,
            .client = ip_from_v4(0xc0000200u + host * 0x81u),
            .rdns = host != 1,
            .listed = host == 2,
            .valid = to != 2,
            .sender = senders[draw(4)],
            .recipient = recipients[to],
            .score = (double)draw(20),
        };
    }
    return count;
}

/* A session as a server would log it that answered with `reply`. Evidence is given with a chance of `told` in
 * ten. */
struct recorded {
    struct session session;
    struct transaction transaction;
    struct recipient recipient;
    struct evidence evidence[8];
};

static void record(struct recorded *to, const struct contact *contact, int64_t id, struct reply reply,
                   unsigned told)
{
    *to = (struct recorded){ 0 };
    struct session *session = &to->session;
    to->recipient =
        (struct recipient){ .address = str_of(contact->recipient), .reply = reply, .at = contact->at };
    to->transaction = (struct transaction){ .mail_from = str_of(contact->sender),
                                            .size = -1,
                                            .at = contact->at,
                                            .recipients = &to->recipient,
                                            .recipient_count = 1 };
    to->transaction.verdict = reply.code < 400 ? VERDICT_ACCEPTED : VERDICT_NONE;
    *session = (struct session){ .id = id,
                                 .started = contact->at,
                                 .ended = contact->at,
                                 .client = contact->client,
                                 .server = STR("mx"),
                                 .stage = STAGE_RCPT,
                                 .transactions = &to->transaction,
                                 .transaction_count = 1,
                                 .evidence = to->evidence };
    struct evidence all[] = {
        { .kind = KIND_RDNS, .state = (uint8_t)tri_of(contact->rdns) },
        { .kind = KIND_DNSBL, .state = (uint8_t)tri_of(contact->listed), .subject = STR("z.example") },
        { .kind = KIND_RECIPIENT, .state = (uint8_t)tri_of(contact->valid) },
        { .kind = KIND_SPAM, .state = UNKNOWN, .a = (int64_t)(contact->score * 1000) },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        all[i].transaction = all[i].recipient = -1;
        all[i].origin = ORIGIN_LOG;
        if (draw(10) < told)
            to->evidence[session->evidence_count++] = all[i];
    }
    session_conclude(session);
}

static void read_policy(struct policy *policy, const char *yaml)
{
    struct why why = { 0 };
    ck_assert_msg(policy_read(policy, "test", str_of(yaml), &why) == 0, "%s", why.text);
}

static const char *const policies[] = {
    "measures: [ no-rdns: {}, dnsbl: { zones: { z.example: 1 } }, recipient: {} ]",
    "delay-reject: true\nmeasures: [ recipient: {}, greylist: { delay: 5m }, dnsbl: { zones: { z.example: 1 "
    "} } ]",
    "measures: [ greylist: { delay: 20m, retry-window: 1h, lifetime: 4h, auto-allow: 1 }, spam: { score: 8 } "
    "]",
    "measures: [ no-rdns: { reply: 5xx }, dictionary: { unknown: 2, window: 1h }, spam: { score: 3 } ]",
    "measures: [ no-rdns: { warn: true }, after-220: { remember: 1d }, dnsbl: { zones: { z.example: 1 }, "
    "remember: 1h } ]",
};
enum { POLICIES = sizeof policies / sizeof *policies };

static struct replay_options options_of(enum unit unit)
{
    return (struct replay_options){ .unit = unit, .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN };
}

static struct reply accepted(void)
{
    return (struct reply){ .code = 250, .stage = STAGE_RCPT };
}

static struct reply random_reply(void)
{
    static const uint8_t named[] = { NAMED_OTHER, NAMED_NO_RDNS, NAMED_DNSBL, NAMED_GREYLIST,
                                     NAMED_RECIPIENT };
    if (draw(3) == 0)
        return accepted();
    return (struct reply){ .code = draw(2) ? 450 : 550, .named = named[draw(5)], .stage = STAGE_RCPT };
}

/* counts sum to the units and stand within their bounds, and so they do in each slice; the slices sum to the
 * whole. */
static void check_tally(const struct tally *tally)
{
    uint64_t counts = 0, low = 0, high = 0;
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        ck_assert_uint_le(row->low, row->count);
        ck_assert_uint_le(row->count, row->high);
        ck_assert(row->basis == BASIS_EXACT || row->low < row->high);
        counts += row->count;
        low += row->low;
        high += row->high;
        uint64_t slices_low = 0, slices_high = 0;
        for (size_t s = 0; s < tally->slice_count; s++) {
            ck_assert_uint_le(tally->slices[s].low[i], tally->slices[s].count[i]);
            ck_assert_uint_le(tally->slices[s].count[i], tally->slices[s].high[i]);
            slices_low += tally->slices[s].low[i];
            slices_high += tally->slices[s].high[i];
        }
        ck_assert(tally->slice_count == 0 || (slices_low == row->low && slices_high == row->high));
    }
    ck_assert_uint_eq(counts, tally->units);
    ck_assert_uint_le(low, tally->units);
    ck_assert_uint_le(tally->units, high);
}

START_TEST(bounds_hold_the_units)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        seed = world + 1;
        struct contact contacts[SESSIONS_MOST];
        size_t count = draw_contacts(contacts);
        struct columns *columns = columns_new();
        for (size_t i = 0; i < count; i++) {
            struct recorded recorded;
            record(&recorded, &contacts[i], (int64_t)i + 1, random_reply(), 5);
            columns_add(columns, &recorded.session);
        }
        columns_finish(columns, USEC_NONE, USEC_NONE);
        for (unsigned p = 0; p < POLICIES; p++) {
            struct policy policy;
            read_policy(&policy, policies[p]);
            for (enum unit unit = UNIT_DELIVERY; unit < UNITS; unit++) {
                struct replay_options options = options_of(unit);
                struct in_force in_force = { &policy, USEC_NONE, USEC_NONE };
                options.by = world % 2 ? SLICE_HOUR : SLICE_DAY;
                options.assumed = world % 3 == 0;
                options.in_force = &in_force;
                options.in_force_count = world % 3 == 1;
                options.assume_habits = world % 5 == 0;
                struct tally tally;
                struct why why = { 0 };
                ck_assert_msg(replay_run(columns, &policy, &options, &tally, &why) == 0, "%s", why.text);
                check_tally(&tally);
                if (unit == UNIT_SESSION)
                    ck_assert_uint_eq(tally.units, count);
                tally_free(&tally);
            }
            policy_free(&policy);
        }
        columns_free(columns);
    }
}
END_TEST

/* A plain server, which asks in the order no-rdns, dnsbl, recipient, spam and logs its refusals only. */
static struct reply plain_server(const struct contact *contact)
{
    if (!contact->rdns)
        return (struct reply){ .code = 450, .named = NAMED_NO_RDNS, .stage = STAGE_RCPT };
    if (contact->listed)
        return (struct reply){ .code = 554, .named = NAMED_DNSBL, .stage = STAGE_RCPT };
    if (!contact->valid)
        return (struct reply){ .code = 550, .named = NAMED_RECIPIENT, .stage = STAGE_RCPT };
    if (contact->score >= 8)
        return (struct reply){ .code = 550, .named = NAMED_SPAM, .stage = STAGE_EOM };
    return accepted();
}

static uint64_t count_of(const struct tally *tally, const char *name)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (str_eq(tally->rows[i].name, str_of(name)))
            return tally->rows[i].low == tally->rows[i].high ? tally->rows[i].low : UINT64_MAX;
    return 0;
}

START_TEST(the_recorded_policy_gives_the_record)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        seed = world + 77;
        struct contact contacts[SESSIONS_MOST];
        size_t count = draw_contacts(contacts);
        struct columns *columns = columns_new();
        uint64_t by_named[NAMED_COUNT] = { 0 };
        for (size_t i = 0; i < count; i++) {
            struct recorded recorded;
            struct reply reply = plain_server(&contacts[i]);
            by_named[reply.named]++;
            record(&recorded, &contacts[i], (int64_t)i + 1, reply, 0);
            columns_add(columns, &recorded.session);
        }
        columns_finish(columns, USEC_NONE, USEC_NONE);
        struct policy policy, same;
        const char *yaml =
            "delay-reject: true\nmeasures: [ no-rdns: {}, dnsbl: { zones: { z.example: 1 } }, recipient: {}, "
            "spam: { score: 8 } ]";
        read_policy(&policy, yaml);
        read_policy(&same, yaml);
        struct replay_options options = options_of(UNIT_RECIPIENT);
        options.in_force = &(struct in_force){ &same, USEC_NONE, USEC_NONE };
        options.in_force_count = 1;
        struct tally tally;
        struct why why = { 0 };
        ck_assert(replay_run(columns, &policy, &options, &tally, &why) == 0);
        ck_assert_uint_eq(count_of(&tally, "no-rdns"), by_named[NAMED_NO_RDNS]);
        ck_assert_uint_eq(count_of(&tally, "dnsbl"), by_named[NAMED_DNSBL]);
        ck_assert_uint_eq(count_of(&tally, "recipient"), by_named[NAMED_RECIPIENT]);
        ck_assert_uint_eq(count_of(&tally, "spam"), by_named[NAMED_SPAM]);
        ck_assert_uint_eq(count_of(&tally, "accepted"), by_named[NAMED_NONE]);
        tally_free(&tally);
        policy_free(&policy);
        policy_free(&same);
        columns_free(columns);
    }
}
END_TEST

/* 40 clients known to be listed or not (30 are), 8 not known, all of one stratum: 8 * 30/40 = 6 more. */
START_TEST(estimates_come_from_the_stratum)
{
    struct columns *columns = columns_new();
    for (size_t i = 0; i < 48; i++) {
        struct contact contact = { .at = 1000000 * USEC_SECOND + (usec)i * USEC_SECOND,
                                   .client = ip_from_v4(0x0a000000u + (uint32_t)i * 256),
                                   .rdns = true,
                                   .listed = i < 30,
                                   .valid = true,
                                   .sender = "a@b.example",
                                   .recipient = "u@l.example" };
        struct recorded recorded;
        record(&recorded, &contact, (int64_t)i + 1, accepted(), 0);
        /* the zone's name is kept out of the stratum: what varies is asked through the spam score */
        recorded.evidence[0] =
            (struct evidence){ .kind = KIND_RDNS, .state = YES, .transaction = -1, .recipient = -1 };
        recorded.evidence[1] = (struct evidence){
            .kind = KIND_SPAM, .a = contact.listed ? 20000 : 0, .transaction = -1, .recipient = -1
        };
        recorded.session.evidence_count = i < 40 ? 2 : 1;
        columns_add(columns, &recorded.session);
    }
    columns_finish(columns, USEC_NONE, USEC_NONE);
    struct policy policy;
    read_policy(&policy, "measures: [ spam: { score: 15 } ]");
    struct replay_options options = options_of(UNIT_SESSION);
    struct tally tally;
    struct why why = { 0 };
    ck_assert(replay_run(columns, &policy, &options, &tally, &why) == 0);
    ck_assert_uint_eq(tally.rows[0].low, 30);
    ck_assert_uint_eq(tally.rows[0].high, 38);
    ck_assert_uint_eq(tally.rows[0].count, 36);
    ck_assert_int_eq(tally.rows[0].basis, BASIS_ESTIMATED);
    ck_assert_uint_eq(tally.rows[1].count, 12);
    tally_free(&tally);
    policy_free(&policy);
    columns_free(columns);
}
END_TEST

/* Ten unknowns and nothing to go by: halved, and said to be a guess. */
START_TEST(without_a_stratum_the_unknown_is_halved)
{
    struct columns *columns = columns_new();
    for (size_t i = 0; i < 10; i++) {
        struct contact contact = { .at = 1000000 * USEC_SECOND,
                                   .client = ip_from_v4(0x0a000000u + (uint32_t)i * 256),
                                   .sender = "a@b.example",
                                   .recipient = "u@l.example" };
        struct recorded recorded;
        record(&recorded, &contact, (int64_t)i + 1, accepted(), 0);
        columns_add(columns, &recorded.session);
    }
    columns_finish(columns, USEC_NONE, USEC_NONE);
    struct policy policy;
    read_policy(&policy, "measures: [ no-rdns: {} ]");
    struct replay_options options = options_of(UNIT_SESSION);
    struct tally tally;
    struct why why = { 0 };
    ck_assert(replay_run(columns, &policy, &options, &tally, &why) == 0);
    ck_assert_uint_eq(tally.rows[0].low, 0);
    ck_assert_uint_eq(tally.rows[0].high, 10);
    ck_assert_uint_eq(tally.rows[0].count, 5);
    ck_assert_int_eq(tally.rows[0].basis, BASIS_GUESSED);
    tally_free(&tally);
    policy_free(&policy);
    columns_free(columns);
}
END_TEST

/* 40 clients came back to the greylist after half an hour and 40 did not, 20 were let in at once and would
 * have been put off. While a retry may still come, those who came back are not all of whom one knows: nothing
 * is known, and the 60 are halved. When no retry can come any more, half of them do. */
START_TEST(who_may_still_come_back_is_no_witness)
{
    enum { BACK = 40, GONE = 40, AT_ONCE = 20 };
    static const struct {
        usec record;
        uint64_t low, count, high;
        enum basis basis;
    } expected[] = { { USEC_DAY, 0, 30, 60, BASIS_GUESSED }, { 5 * USEC_DAY, 40, 50, 60, BASIS_ESTIMATED } };
    usec began = 10 * 7 * USEC_DAY;
    struct columns *columns = columns_new();
    struct reply deferred = { .code = 450, .named = NAMED_GREYLIST, .stage = STAGE_RCPT };
    int64_t id = 0;
    for (uint32_t i = 0; i < BACK + GONE + AT_ONCE; i++)
        for (unsigned attempt = 0; attempt < (i < BACK ? 2 : 1); attempt++) {
            struct contact contact = { .at = began + (usec)i * USEC_SECOND +
                                             (usec)attempt * 30 * 60 * USEC_SECOND,
                                       .client = ip_from_v4(0x0a000000u + i * 256),
                                       .sender = "a@b.example",
                                       .recipient = "u@l.example" };
            struct recorded recorded;
            record(&recorded, &contact, ++id, attempt || i >= BACK + GONE ? accepted() : deferred, 0);
            columns_add(columns, &recorded.session);
        }
    columns_finish(columns, began, began + expected[_i].record);
    struct policy policy;
    read_policy(&policy, "measures: [ greylist: { delay: 20m } ]");
    struct replay_options options = options_of(UNIT_DELIVERY);
    struct tally tally;
    struct why why = { 0 };
    ck_assert(replay_run(columns, &policy, &options, &tally, &why) == 0);
    ck_assert_uint_eq(tally.rows[0].low, expected[_i].low);
    ck_assert_uint_eq(tally.rows[0].high, expected[_i].high);
    ck_assert_uint_eq(tally.rows[0].count, expected[_i].count);
    ck_assert_int_eq(tally.rows[0].basis, expected[_i].basis);
    tally_free(&tally);
    policy_free(&policy);
    columns_free(columns);
}
END_TEST

/* Sessions may come in any order: the tally is the same. */
START_TEST(order_of_arrival_does_not_matter)
{
    for (unsigned world = 0; world < 50; world++) {
        uint64_t counts[2][16] = { { 0 } };
        for (int backwards = 0; backwards < 2; backwards++) {
            seed = world + 5;
            struct contact contacts[SESSIONS_MOST];
            size_t count = draw_contacts(contacts);
            struct recorded *recorded = calloc(count, sizeof *recorded);
            for (size_t i = 0; i < count; i++) {
                record(&recorded[i], &contacts[i], (int64_t)i + 1, random_reply(), 7);
                recorded[i].session.transactions = &recorded[i].transaction;
            }
            struct columns *columns = columns_new();
            for (size_t i = 0; i < count; i++)
                columns_add(columns, &recorded[backwards ? count - 1 - i : i].session);
            columns_finish(columns, USEC_NONE, USEC_NONE);
            struct policy policy;
            read_policy(&policy, policies[1]);
            struct replay_options options = options_of(UNIT_DELIVERY);
            struct tally tally;
            struct why why = { 0 };
            ck_assert(replay_run(columns, &policy, &options, &tally, &why) == 0);
            for (size_t i = 0; i < tally.row_count && i < 5; i++) {
                counts[backwards][i * 3] = tally.rows[i].low;
                counts[backwards][i * 3 + 1] = tally.rows[i].high;
                counts[backwards][i * 3 + 2] = tally.rows[i].count;
            }
            tally_free(&tally);
            policy_free(&policy);
            columns_free(columns);
            free(recorded);
        }
        ck_assert_mem_eq(counts[0], counts[1], sizeof counts[0]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, bounds_hold_the_units);
    tcase_add_test(tcase, the_recorded_policy_gives_the_record);
    tcase_add_test(tcase, estimates_come_from_the_stratum);
    tcase_add_test(tcase, without_a_stratum_the_unknown_is_halved);
    tcase_add_loop_test(tcase, who_may_still_come_back_is_no_witness, 0, 2);
    tcase_add_test(tcase, order_of_arrival_does_not_matter);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
