/* A month made by hand, with something in each section, for the tests of this room. */
#ifndef TESTS_REPORT_HAND_MONTH_H
#define TESTS_REPORT_HAND_MONTH_H

#include "report/month.h"
#include "tests/report/hand_tally.h"

struct hand_month {
    struct month month;
    struct period period;
    struct policy policy;
    struct fates fates;
    struct input input[2];
    struct skipped skipped[1];
    struct arena arena;
};

/* A policy with bounds and delays. */
static inline struct tally hand_march(void)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 3424, 3400, 3500, BASIS_ESTIMATED },
        { ROW_MEASURE, "dnsbl", "Listed in chosen RBLs", 6210, 6210, 6210, BASIS_EXACT },
        { ROW_MEASURE, "greylist", "Greylisted: didn't resend", 198, 100, 250, BASIS_GUESSED },
        { ROW_ACCEPTED, "accepted", "Accepted", 206, 150, 300, BASIS_ESTIMATED },
        { ROW_NOTHING, "nothing-attempted", "Nothing attempted", 12, 12, 12, BASIS_EXACT },
    };
    struct tally tally = hand_tally("site", rows, sizeof rows / sizeof *rows);
    tally.stopped = 9832;
    tally.stopped_low = 9738;
    tally.stopped_high = 9888;
    tally.delayed = 31;
    tally.delay_minutes_median = 6.5;
    tally.delay_minutes_90 = 20;
    tally.delay_minutes_99 = 140;
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 31);
    return tally;
}

/* February: no-rdns changed beyond its bounds, greylist within, and dnsbl is exact. */
static inline struct tally hand_february(void)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 4000, 3990, 4010, BASIS_ESTIMATED },
        { ROW_MEASURE, "dnsbl", "Listed in chosen RBLs", 5700, 5700, 5700, BASIS_EXACT },
        { ROW_MEASURE, "greylist", "Greylisted: didn't resend", 150, 120, 240, BASIS_GUESSED },
        { ROW_ACCEPTED, "accepted", "Accepted", 150, 100, 200, BASIS_ESTIMATED },
    };
    return hand_tally("site", rows, sizeof rows / sizeof *rows);
}

static inline void hand_census(struct census *census)
{
    static struct top_row networks[] = { { STR_INIT("192.0.2.0/24"), 300, 290, 300, 0 },
                                         { STR_INIT("2001:db8:0:1::/64"), 20, 0, 5, 15 } },
                          systems[] = { { STR_INIT("AS64496 Example Net"), 320, 290, 305, 15 } },
                          countries[] = { { STR_INIT("DE"), 300, 290, 300, 0 },
                                          { STR_INIT("(not known)"), 20, 0, 5, 15 } },
                          domains[] = { { STR_INIT("example.com"), 100, 80, 90, 10 } },
                          recipients[] = { { STR_INIT("alice@example.org"), 64, 60, 61, 3 } },
                          bounced[] = { { .name = STR_INIT("bob@example.org"), .units = 17 } };
    static struct abuse_network dictionary[] = { { STR_INIT("198.51.100.0/24"), 1234, 40 } },
                                auth[] = { { STR_INIT("203.0.113.0/24"), 99, 99 } };
    static struct silence silences[] = { { 1236500000 * USEC_SECOND, 1236510000 * USEC_SECOND, 40.4 } };
    *census = (struct census){ .sessions = 10100, .units = 10050, .gap_sessions = 3, .cut_off_sessions = 7 };
    for (size_t day = 0; day < 7; day++)
        for (size_t hour = 0; hour < 24; hour++) {
            census->week[day][hour] = day * 10 + hour;
            census->week_stopped[day][hour] = day * 9;
        }
    census->tops[TOP_NETWORK] = (struct top){ networks, 2, 400, 10050 };
    census->tops[TOP_SYSTEM] = (struct top){ systems, 1, 1, 320 };
    census->tops[TOP_COUNTRY] = (struct top){ countries, 2, 2, 320 };
    census->tops[TOP_DOMAIN] = (struct top){ domains, 1, 1, 100 };
    census->tops[TOP_RECIPIENT] = (struct top){ recipients, 1, 1, 64 };
    census->abuse[ABUSE_DICTIONARY] = (struct abuse_count){ 1234, 40, 1, dictionary, 1 };
    census->abuse[ABUSE_AUTH] = (struct abuse_count){ 99, 99, 1, auth, 1 };
    census->backscatter = (struct backscatter){ 40, true, 30, 12, 5, bounced, 1 };
    census->early[0] = 1500;
    census->early[2] = 20;
    census->early_unknown = 3;
    census->early_asked = 5000;
    census->put_off = (struct put_off){ .all = 300,
                                        .back = 120,
                                        .accepted = 100,
                                        .never = 150,
                                        .open = 20,
                                        .unseen = 10,
                                        .by_wait = { 0, 60, 30, 10 },
                                        .median = 9.5,
                                        .ninety = 14,
                                        .ninety_nine = 29,
                                        .is_asked = true };
    census->silences = silences;
    census->silence_count = 1;
}

static inline void hand_overlap(struct overlap *overlap, struct arena *arena)
{
    static struct pattern measures[] = { { 2, 0, 500 },
                                         { 1, 0, 300 },
                                         { 3, 0, 200 },
                                         { 0, 0, 60 },
                                         { 1, 2, 40 } },
                          lists[] = { { 1, 0, 400 }, { 3, 0, 300 }, { 0, 0, 60 } };
    static struct str names[] = { STR_INIT("no-rdns"), STR_INIT("dnsbl") },
                      titles[] = { STR_INIT("No reverse DNS"), STR_INIT("Listed in chosen RBLs") },
                      zones[] = { STR_INIT("zen.example"), STR_INIT("bl.example") };
    struct overlap_group *groups = arena_zero(arena, 2 * sizeof *groups);
    groups[0] = (struct overlap_group){ .name = STR("measures"),
                                        .title = STR("Measures"),
                                        .count = 2,
                                        .names = names,
                                        .titles = titles,
                                        .game = { .members = 2, .pattern = measures, .patterns = 5 },
                                        .known = measures, /* all but the last */
                                        .known_count = 4 };
    groups[1] = (struct overlap_group){ .name = STR("dnsbl"),
                                        .title = STR("Listed in chosen RBLs"),
                                        .zones = true,
                                        .count = 2,
                                        .names = zones,
                                        .titles = zones,
                                        .game = { .members = 2, .pattern = lists, .patterns = 3 },
                                        .known = lists,
                                        .known_count = 3 };
    for (size_t g = 0; g < 2; g++) {
        groups[g].shares = arena_zero(arena, sizeof(struct shares));
        game_share(&groups[g].game, groups[g].shares);
    }
    *overlap = (struct overlap){ .policy = STR("site"),
                                 .units = 1100,
                                 .base = 1100,
                                 .from = clock_days(2009, 3, 1) * USEC_DAY,
                                 .to = clock_days(2009, 3, 31) * USEC_DAY,
                                 .groups = groups,
                                 .group_count = 2 };
}

static inline void hand_audit(struct audit *audit)
{
    static struct harmed harmed[] = {
        { .session_id = 77,
          .sender = STR_INIT("news@example.net"),
          .recipient = STR_INIT("alice@example.org"),
          .rule = 2,
          .harm = HARM_LATE,
          .certain = true,
          .arrives = true,
          .label = LABEL_PRESUMED,
          .sign = SIGN_ACCEPTED,
          .accepted = true,
          .late_minutes = 12 },
        { .session_id = 78,
          .sender = STR_INIT("boss@example.com"),
          .recipient = STR_INIT("bob@example.org"),
          .rule = 0,
          .harm = HARM_TOLD,
          .certain = true,
          .label = LABEL_WANTED,
          .sign = SIGN_SENDER_WANTED,
          .accepted = true,
          .late_minutes = NAN },
    };
    *audit = (struct audit){ .deliveries = 10050, .accepted = 206, .harmed = harmed, .harmed_count = 2 };
    audit->labels[LABEL_WANTED] = (struct audit_count){ 10, 1, 1, 0, 0, { [HARM_TOLD] = 1 } };
    audit->labels[LABEL_PRESUMED] = (struct audit_count){ 196, 0, 4, 31, 40, { [HARM_LATE] = 31 } };
    audit->labels[LABEL_NONE] =
        (struct audit_count){ 9844, 9700, 9844, 0, 0, { [HARM_TOLD] = 9500, [HARM_LOST] = 200 } };
}

/* *hand must stay where it is. */
static inline void hand_month(struct hand_month *hand)
{
    static struct known_share known[] = { { 10050, 9050, 900 }, { 10050, 5000, 0 }, { 0, 0, 0 } };
    static struct fate_reason reasons[] = { { STR_INIT("5.1.1 550 User unknown"), 4 } };
    struct why why = { 0 };
    *hand = (struct hand_month){ 0 };
    ck_assert_msg(policy_read(&hand->policy, "site.yaml",
                              STR("policy: site\nmeasures: [no-rdns, {dnsbl: {zones: {zen.example: 1, "
                                  "bl.example: 1}}}, greylist]\n"),
                              &why) == 0,
                  "%s", why.text);
    struct period *period = &hand->period;
    period->tally = hand_march();
    period->before = hand_february();
    period->recorded = hand_talk();
    period->recorded.policy = STR("recorded");
    period->has_costs = period->has_census = period->has_audit = period->has_overlap = true;
    period->open = (struct spending){
        { 0, 0, 0 }, { 9966, 9000, 10000 }, { 154009794, 1.5e8, 1.6e8 }, { 3000, 2900, 3100 }
    };
    period->spent = (struct spending){
        { 23593.4, 20000, 25000 }, { 183, 150, 300 }, { 3007669, 2e6, 4e6 }, { 55, 40, 90 }
    };
    hand_census(&period->census);
    hand_overlap(&period->overlap, &hand->arena);
    hand_audit(&period->audit);
    period->known = known;
    hand->fates = (struct fates){ .accepted = 206,
                                  .sent = 190,
                                  .bounced = 4,
                                  .deferred = 2,
                                  .unknown = 10,
                                  .late = 5,
                                  .by_delay = { 100, 60, 20, 5, 5 },
                                  .reasons = reasons,
                                  .reason_count = 1 };
    hand->input[0] = (struct input){ .path = STR("/var/log/mail.log"),
                                     .kind = STR("log"),
                                     .lines = 123456,
                                     .skipped = 12,
                                     .first = clock_days(2009, 2, 1) * USEC_DAY,
                                     .last = clock_days(2009, 4, 1) * USEC_DAY };
    hand->input[1] =
        (struct input){ .path = STR("empty"), .kind = STR("log"), .first = USEC_NONE, .last = USEC_NONE };
    hand->skipped[0] = (struct skipped){ 1,
                                         "unknown text",
                                         STR("postfix/smtpd: something new from N"),
                                         12,
                                         3,
                                         400,
                                         STR("postfix/smtpd[12]: something new from 7") };
    hand->month = (struct month){ .title = STR("March 2009"),
                                  .before = STR("February 2009"),
                                  .policy = &hand->policy,
                                  .period = period,
                                  .fates = &hand->fates,
                                  .inputs = hand->input,
                                  .input_count = 2,
                                  .skipped = hand->skipped,
                                  .skipped_count = 1,
                                  .made = USEC_NONE };
}

static inline void hand_month_free(struct hand_month *hand)
{
    tally_free(&hand->period.tally);
    tally_free(&hand->period.before);
    tally_free(&hand->period.recorded);
    policy_free(&hand->policy);
    arena_free(&hand->arena);
}

#endif
