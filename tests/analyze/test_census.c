/* What a report tells beside the replay, of records so small that each number can be counted by hand. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/census.h"
#include "analyze/fates.h"
#include "analyze/period.h"
#include "collect/wall.h"

static struct columns *columns;
static int64_t last_id;

/* 2026-11-23 is a Monday. */
static usec monday(void)
{
    return clock_days(2026, 11, 23) * USEC_DAY;
}

static void begin(void)
{
    columns = columns_new();
    last_id = 0;
}

static void end(void)
{
    columns_free(columns);
}

struct came {
    usec at;
    const char *client, *from, *to;
    int16_t code;
    uint8_t named;
    struct evidence evidence[4];
    uint32_t evidence_count;
};

static void come_with(struct came came)
{
    struct recipient recipient = { .address = str_of(came.to),
                                   .reply = { .code = came.code, .stage = STAGE_RCPT, .named = came.named },
                                   .at = came.at };
    struct transaction transaction = { .mail_from = str_of(came.from),
                                       .size = -1,
                                       .at = came.at,
                                       .recipients = &recipient,
                                       .recipient_count = 1 };
    struct session session = { .id = ++last_id,
                               .started = came.at,
                               .ended = came.at + USEC_SECOND,
                               .server = STR("mx"),
                               .stage = STAGE_RCPT,
                               .transactions = &transaction,
                               .transaction_count = 1,
                               .evidence = came.evidence,
                               .evidence_count = came.evidence_count };
    ck_assert(ip_parse(str_of(came.client), &session.client));
    if (came.code == 250)
        transaction.verdict = VERDICT_ACCEPTED;
    session_conclude(&session);
    columns_add(columns, &session);
}

static void come(usec at, const char *client, const char *from, const char *to, int16_t code, uint8_t named)
{
    come_with(
        (struct came){ .at = at, .client = client, .from = from, .to = to, .code = code, .named = named });
}

static struct evidence saw(uint8_t kind, uint8_t state, int64_t a)
{
    return (struct evidence){ .kind = kind,
                              .state = state,
                              .a = a,
                              .b = 1,
                              .transaction = WHOLE_SESSION,
                              .recipient = WHOLE_TRANSACTION };
}

static struct census census_of(const struct wall *wall)
{
    const struct replay_options options = { .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN };
    struct census census;
    columns_finish(columns, USEC_NONE, USEC_NONE);
    census_make(columns, NULL, &options, wall, 10, &census);
    return census;
}

START_TEST(who_came_most_and_when)
{
    const usec at = monday();
    come(at + USEC_HOUR, "192.0.2.1", "a@One.example", "X@example.org", 554, NAMED_DNSBL);
    come(at + USEC_HOUR + 1, "192.0.2.200", "b@one.example", "x@example.org", 250, NAMED_NONE);
    come(at + 7 * USEC_DAY, "198.51.100.7", "c@two.example", "y@example.org", 554, NAMED_DNSBL);
    struct census census = census_of(NULL);
    ck_assert_uint_eq(census.units, 3);
    ck_assert_uint_eq(census.week[0][1], 2); /* both Mondays are the same */
    ck_assert_uint_eq(census.week[0][0], 1);
    ck_assert_uint_eq(census.week_stopped[0][1], 1);
    const struct top *networks = &census.tops[TOP_NETWORK], *domains = &census.tops[TOP_DOMAIN],
                     *recipients = &census.tops[TOP_RECIPIENT];
    ck_assert_uint_eq(networks->kinds, 2);
    ck_assert(str_eq(networks->rows[0].name, STR("192.0.2.0/24")));
    ck_assert_uint_eq(networks->rows[0].units, 2);
    ck_assert_uint_eq(networks->rows[0].stopped_low, 1);
    ck_assert_uint_eq(networks->rows[0].stopped_high, 1);
    ck_assert_uint_eq(networks->rows[0].accepted, 1);
    ck_assert(str_eq(domains->rows[0].name, STR("one.example"))); /* in whatever case */
    ck_assert_uint_eq(domains->rows[0].units, 2);
    ck_assert(str_eq(recipients->rows[0].name, STR("x@example.org")));
    ck_assert_uint_eq(recipients->rows[0].units, 2);
    ck_assert_uint_eq(census.tops[TOP_SYSTEM].count, 0); /* nothing tells of systems */
    census_free(&census);
}
END_TEST

/* Monday 23:30 UTC is Tuesday 0:30 in Berlin in winter. */
START_TEST(hours_are_those_of_the_clock)
{
    struct why why = { 0 };
    struct wall *wall = wall_new(STR("Europe/Berlin"), &why);
    ck_assert_msg(wall != NULL, "%s", why.text);
    come(monday() + 23 * USEC_HOUR + 30 * USEC_MINUTE, "192.0.2.1", "a@example.com", "x@example.org", 250,
         NAMED_NONE);
    struct census census = census_of(wall);
    ck_assert_uint_eq(census.week[1][0], 1);
    ck_assert_uint_eq(census.week[0][23], 0);
    census_free(&census);
    wall_free(wall);
}
END_TEST

/* What a clock shows and when that was are each other's inverse, but for the hour that comes twice. */
START_TEST(a_clock_both_ways)
{
    struct why why = { 0 };
    struct wall *wall = wall_new(STR("Europe/Berlin"), &why);
    struct wall_span span = WALL_UNKNOWN;
    for (usec at = clock_days(2026, 1, 1) * USEC_DAY; at < clock_days(2027, 1, 1) * USEC_DAY;
         at += 17 * USEC_HOUR) {
        usec shown = wall_shown(wall, at);
        ck_assert(shown - at == USEC_HOUR || shown - at == 2 * USEC_HOUR);
        ck_assert_int_eq(wall_time(wall, &span, shown, at), at);
    }
    ck_assert_int_eq(wall_shown(NULL, 5), 5);
    ck_assert_int_eq(wall_shown(wall, USEC_NONE), USEC_NONE);
    ck_assert_int_eq(wall_shown(wall, clock_days(2026, 7, 1) * USEC_DAY),
                     clock_days(2026, 7, 1) * USEC_DAY + 2 * USEC_HOUR);
    wall_free(wall);
}
END_TEST

static void try_at(usec at, const char *client, const char *to, int16_t code)
{
    come(at, client, "a@example.com", to, code, code == 450 ? NAMED_GREYLIST : NAMED_NONE);
}

/* Of five put off one comes back after 7 minutes and is accepted, one after 20 and is refused, one never
 * comes, and of two the record ends too early. */
START_TEST(who_is_put_off_comes_back_or_does_not)
{
    const usec at = monday();
    try_at(at, "192.0.2.1", "one@example.org", 450);
    try_at(at + 7 * USEC_MINUTE, "192.0.2.1", "one@example.org", 250);
    try_at(at, "192.0.2.2", "two@example.org", 450);
    try_at(at + 20 * USEC_MINUTE, "192.0.2.2", "two@example.org", 550);
    try_at(at, "192.0.2.3", "never@example.org", 450);
    try_at(at + 4 * USEC_DAY, "192.0.2.4", "late@example.org", 450);
    try_at(at + 4 * USEC_DAY + 1, "192.0.2.5", "later@example.org", 450);
    struct census census = census_of(NULL);
    const struct put_off *put_off = &census.put_off;
    ck_assert(put_off->is_asked);
    ck_assert_uint_eq(put_off->all, 5);
    ck_assert_uint_eq(put_off->back, 2);
    ck_assert_uint_eq(put_off->accepted, 1);
    ck_assert_uint_eq(put_off->never, 1);
    ck_assert_uint_eq(put_off->open, 2);
    ck_assert_uint_eq(put_off->unseen, 0);
    ck_assert_uint_eq(put_off->by_wait[1], 1); /* 5 to 10 minutes */
    ck_assert_double_eq_tol(put_off->median, 7, 1e-9);
    census_free(&census);
}
END_TEST

/* A refusal that names an unknown recipient, and the evidence of the same, are one try. */
START_TEST(what_was_tried_counts_once)
{
    const usec at = monday();
    struct evidence unknown = saw(KIND_RECIPIENT, NO, 0);
    unknown.transaction = unknown.recipient = 0;
    come_with((struct came){
        at, "192.0.2.1", "a@example.com", "nobody@example.org", 550, NAMED_RECIPIENT, { unknown }, 1 });
    come(at + 1, "192.0.2.9", "a@example.com", "none@example.org", 550, NAMED_RECIPIENT);
    come(at + 2, "198.51.100.1", "a@example.com", "x@example.net", 554, NAMED_RELAY);
    come_with((struct came){
        at + 3,
        "198.51.100.1",
        "a@example.com",
        "x@example.org",
        250,
        NAMED_NONE,
        { saw(KIND_AUTH, NO, 0), saw(KIND_AUTH, NO, 0), saw(KIND_AUTH, YES, 0), saw(KIND_VRFY, YES, 0) },
        4 });
    come(at + 4, "203.0.113.1", "", "bob@example.org", 250, NAMED_NONE);
    come(at + 5, "203.0.113.1", "", "gone@example.org", 550, NAMED_RECIPIENT);
    struct census census = census_of(NULL);
    ck_assert_uint_eq(census.abuse[ABUSE_DICTIONARY].tries, 3);
    ck_assert_uint_eq(census.abuse[ABUSE_DICTIONARY].sessions, 3);
    ck_assert_uint_eq(census.abuse[ABUSE_DICTIONARY].networks, 2);
    ck_assert(str_eq(census.abuse[ABUSE_DICTIONARY].top[0].name, STR("192.0.2.0/24")));
    ck_assert_uint_eq(census.abuse[ABUSE_DICTIONARY].top[0].tries, 2);
    ck_assert_uint_eq(census.abuse[ABUSE_RELAY].tries, 1);
    ck_assert_uint_eq(census.abuse[ABUSE_AUTH].tries, 2);
    ck_assert_uint_eq(census.abuse[ABUSE_VRFY].tries, 1);
    ck_assert_uint_eq(census.backscatter.bounces, 2);
    ck_assert_uint_eq(census.backscatter.invalid, 1);
    ck_assert_uint_eq(census.backscatter.accepted, 1);
    ck_assert_uint_eq(census.backscatter.top_count, 2);
    census_free(&census);
}
END_TEST

START_TEST(early_talkers_by_their_first_word)
{
    static const int64_t spoke[] = { 50000, 700000, 700000, 45 * USEC_SECOND, -1 };
    for (size_t i = 0; i < sizeof spoke / sizeof *spoke; i++)
        come_with((struct came){ monday() + (usec)i,
                                 "192.0.2.1",
                                 "a@example.com",
                                 "x@example.org",
                                 250,
                                 NAMED_NONE,
                                 { saw(KIND_EARLY_TALKER, YES, spoke[i]) },
                                 1 });
    come_with((struct came){ monday() + 9,
                             "192.0.2.1",
                             "a@example.com",
                             "x@example.org",
                             250,
                             NAMED_NONE,
                             { saw(KIND_EARLY_TALKER, NO, 6 * USEC_SECOND) },
                             1 });
    struct census census = census_of(NULL);
    ck_assert_uint_eq(census.early[0], 1);             /* under 0.1 s */
    ck_assert_uint_eq(census.early[2], 2);             /* to 1 s */
    ck_assert_uint_eq(census.early[EARLINESS - 1], 1); /* after 30 s */
    ck_assert_uint_eq(census.early_unknown, 1);
    ck_assert_uint_eq(census.early_asked, 6);
    census_free(&census);
}
END_TEST

/* Every minute of four days but for five hours of the third: 300 should have come, by the other three days
 * 225. */
START_TEST(a_gap_is_a_silence_in_busy_hours)
{
    for (int64_t minute = 0; minute < 4 * 24 * 60; minute++)
        if (minute < 2 * 1440 + 600 || minute >= 2 * 1440 + 900)
            come(monday() + minute * USEC_MINUTE, "192.0.2.1", "a@example.com", "x@example.org", 250,
                 NAMED_NONE);
    struct census census = census_of(NULL);
    ck_assert_uint_eq(census.silence_count, 1);
    ck_assert_int_eq(census.silences[0].from, monday() + (2 * 1440 + 599) * USEC_MINUTE);
    ck_assert_int_eq(census.silences[0].to, monday() + (2 * 1440 + 900) * USEC_MINUTE);
    ck_assert_double_eq_tol(census.silences[0].expected, 226, 2);
    census_free(&census);
}
END_TEST

/* Quiet nights are no gaps: nobody comes from 20 to 8 o'clock, on any day. */
START_TEST(a_quiet_night_is_no_gap)
{
    for (int64_t minute = 0; minute < 4 * 24 * 60; minute++)
        if (minute % 1440 >= 480 && minute % 1440 < 1200)
            come(monday() + minute * USEC_MINUTE, "192.0.2.1", "a@example.com", "x@example.org", 250,
                 NAMED_NONE);
    struct census census = census_of(NULL);
    ck_assert_uint_eq(census.silence_count, 0);
    census_free(&census);
}
END_TEST

/* ---- Fates. */

static struct evidence fate(int32_t recipient, uint8_t state, const char *detail, int64_t usec_late)
{
    return (struct evidence){ .kind = KIND_FATE,
                              .state = state,
                              .transaction = 0,
                              .recipient = recipient,
                              .a = usec_late,
                              .detail = str_of(detail) };
}

/* Of five accepted one is sent at once, one after a deferral, one bounces, one waits, of one nothing is
 * known; a refused one does not count. */
START_TEST(what_became_of_accepted_mail)
{
    struct recipient recipients[6] = { 0 };
    struct transaction transaction = { .recipients = recipients, .recipient_count = 6 };
    struct evidence evidence[] = {
        fate(0, YES, "2.0.0", USEC_SECOND / 2),         fate(1, UNKNOWN, "4.4.1 timed out", 0),
        fate(1, YES, "2.0.0", 90 * USEC_SECOND),        fate(2, UNKNOWN, "4.4.1 timed out", 0),
        fate(2, NO, "5.1.1 no such user", USEC_SECOND), fate(3, UNKNOWN, "4.4.1 timed out", 0),
    };
    struct session session = { .started = monday(),
                               .transactions = &transaction,
                               .transaction_count = 1,
                               .evidence = evidence,
                               .evidence_count = 6 };
    for (size_t i = 0; i < 5; i++)
        recipients[i].verdict = VERDICT_ACCEPTED;
    recipients[5].verdict = VERDICT_REJECTED;
    struct fate_counter *counter = fates_new(monday(), monday() + 1);
    fates_take(counter, &session);
    session.started = monday() + 1; /* past the period */
    fates_take(counter, &session);
    session.started = monday();
    session.direction = DIRECTION_OUT;
    fates_take(counter, &session);
    struct fates fates = fates_of(counter, 10);
    ck_assert_uint_eq(fates.accepted, 5);
    ck_assert_uint_eq(fates.sent, 2);
    ck_assert_uint_eq(fates.late, 1);
    ck_assert_uint_eq(fates.bounced, 1);
    ck_assert_uint_eq(fates.deferred, 1);
    ck_assert_uint_eq(fates.unknown, 1);
    ck_assert_uint_eq(fates.by_delay[0], 1); /* under a second */
    ck_assert_uint_eq(fates.by_delay[3], 1); /* a minute to ten */
    ck_assert_uint_eq(fates.reason_count, 2);
    fates_free(counter);
}
END_TEST

/* ---- One walk is as good as several. */

START_TEST(a_period_is_what_its_parts_are_alone)
{
    struct policy policy;
    struct why why = { 0 };
    const usec at = monday();
    for (int64_t i = 0; i < 60; i++) {
        char client[32], to[32];
        snprintf(client, sizeof client, "192.0.2.%d", (int)(i % 20 + 1));
        snprintf(to, sizeof to, "u%d@example.org", (int)(i % 3));
        come_with((struct came){ at + i * USEC_HOUR,
                                 client,
                                 "a@example.com",
                                 to,
                                 i % 4 ? 250 : 554,
                                 i % 4 ? NAMED_NONE : NAMED_DNSBL,
                                 { saw(KIND_RDNS, (uint8_t)(i % 3), 0) },
                                 1 });
    }
    columns_finish(columns, USEC_NONE, USEC_NONE);
    ck_assert_msg(
        policy_read(&policy, "x",
                    STR("policy: x\nmeasures: [no-rdns, {dnsbl: {zones: {z.example: 1}}}, greylist]\n"),
                    &why) == 0,
        "%s", why.text);
    const struct replay_options options = {
        .from = at + USEC_DAY, .to = at + 2 * USEC_DAY, .by = SLICE_DAY, .assume_resend = NAN, .assumed = true
    };
    struct replay_options earlier = options;
    earlier.from = at;
    earlier.to = at + USEC_DAY;
    const struct period_asked asked = { .policy = &policy,
                                        .options = &options,
                                        .before_from = at,
                                        .before_to = at + USEC_DAY,
                                        .wants = WANT_ALL,
                                        .most = 5 };
    struct period period;
    struct tally tally, before;
    struct audit audit;
    struct overlap overlap;
    ck_assert_int_eq(period_run(columns, &asked, &period, &why), 0);
    ck_assert_int_eq(replay_run(columns, &policy, &options, &tally, &why), 0);
    ck_assert_int_eq(replay_run(columns, &policy, &earlier, &before, &why), 0);
    ck_assert_int_eq(audit_run(columns, &policy, &options, &audit, &why), 0);
    ck_assert_int_eq(overlap_run(columns, &policy, &options, true, &overlap, &why), 0);
    ck_assert_uint_eq(period.tally.units, 24);
    ck_assert_uint_eq(period.before.units, 24);
    ck_assert_uint_eq(period.recorded.units, 24);
    ck_assert_uint_eq(period.tally.row_count, tally.row_count);
    for (size_t i = 0; i < tally.row_count; i++) {
        ck_assert_uint_eq(period.tally.rows[i].count, tally.rows[i].count);
        ck_assert_uint_eq(period.tally.rows[i].low, tally.rows[i].low);
        ck_assert_uint_eq(period.tally.rows[i].high, tally.rows[i].high);
    }
    ck_assert_uint_eq(period.before.row_count, before.row_count);
    for (size_t i = 0; i < before.row_count; i++)
        ck_assert_uint_eq(period.before.rows[i].count, before.rows[i].count);
    ck_assert_uint_eq(period.audit.harmed_count, audit.harmed_count);
    ck_assert_uint_eq(period.audit.deliveries, audit.deliveries);
    ck_assert_uint_eq(period.overlap.group_count, overlap.group_count);
    for (size_t m = 0; m < overlap.groups[0].count; m++)
        ck_assert_int_eq(period.overlap.groups[0].shares->share[m].hits.high,
                         overlap.groups[0].shares->share[m].hits.high);
    ck_assert_double_ge(period.open.messages.expected, period.spent.messages.expected);
    ck_assert_uint_eq(period.known[0].asked, 24);
    ck_assert_uint_le(period.known[0].known, 24);
    overlap_free(&overlap);
    audit_free(&audit);
    tally_free(&before);
    tally_free(&tally);
    period_free(&period);
    policy_free(&policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("census");
    TCase *cases = tcase_create("census");
    tcase_add_checked_fixture(cases, begin, end);
    tcase_add_test(cases, who_came_most_and_when);
    tcase_add_test(cases, hours_are_those_of_the_clock);
    tcase_add_test(cases, a_clock_both_ways);
    tcase_add_test(cases, who_is_put_off_comes_back_or_does_not);
    tcase_add_test(cases, what_was_tried_counts_once);
    tcase_add_test(cases, early_talkers_by_their_first_word);
    tcase_add_test(cases, a_gap_is_a_silence_in_busy_hours);
    tcase_add_test(cases, a_quiet_night_is_no_gap);
    tcase_add_test(cases, what_became_of_accepted_mail);
    tcase_add_test(cases, a_period_is_what_its_parts_are_alone);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
