/* Sweeps: every row is what a replay of that policy alone says, whatever is shared between them; what is
 * varied comes out as it was written; the front and the costs by hand. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/sweep.h"
#include "analyze/vary.h"
#include "tests/lib/contacts.h"

enum { WORLDS = 60 };

/* A size for most messages. */
static int64_t draw_size(unsigned record, size_t session)
{
    return (record + session) % 3 ? (int64_t)(1000 + 37 * record + 11 * session) : -1;
}

static void read_policy(struct policy *policy, const char *yaml)
{
    struct why why = { 0 };
    ck_assert_msg(policy_read(policy, "base", str_of(yaml), &why) == 0, "%s", why.text);
}

static struct columns *columns_of(struct recorded *recorded, size_t count)
{
    struct columns *columns = columns_new();
    for (size_t i = 0; i < count; i++)
        columns_add(columns, &recorded[i].session);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    return columns;
}

static struct variants make(const struct policy *policy, const struct columns *columns,
                            const char *const *vary, enum search search, size_t samples)
{
    struct axes *axes = NULL;
    struct variants variants;
    struct why why = { 0 };
    size_t count = 0;
    while (vary[count])
        count++;
    ck_assert_msg(axes_read(policy, vary, count, &axes, &why) == 0, "%s", why.text);
    ck_assert_msg(variants_make(axes, columns, search, samples, 7, &variants, &why) == 0, "%s", why.text);
    /* names and values last as long as the axes: the test needs them only here */
    for (size_t i = 0; i < variants.count; i++)
        ck_assert(variants.variant[i].name.len > 0);
    axes_free(axes);
    return variants;
}

static struct sweep_row *run(struct columns *columns, const struct variants *variants,
                             const struct replay_options *options)
{
    struct sweep_row *rows = mem_zero(variants->count, sizeof *rows);
    const struct policy **policies = mem_zero(variants->count, sizeof *policies);
    struct sweep_options sweep = { options, NULL, NULL };
    struct why why = { 0 };
    for (size_t i = 0; i < variants->count; i++)
        policies[i] = &variants->variant[i].policy;
    ck_assert_msg(sweep_run(columns, policies, variants->count, NULL, &sweep, rows, &why) == 0, "%s",
                  why.text);
    free(policies);
    return rows;
}

static void same(double a, double b, const char *what, struct str name)
{
    ck_assert_msg((isnan(a) && isnan(b)) || fabs(a - b) <= 1e-6 * (1 + fabs(b)), "%s of %.*s: %f, alone %f",
                  what, STR_ARG(name), a, b);
}

/* Against a replay of the policy, and against a sweep of it alone. */
static void check_row(struct columns *columns, const struct variant *variant, const struct sweep_row *row,
                      const struct replay_options *options)
{
    struct tally tally;
    struct why why = { 0 };
    ck_assert(replay_run(columns, &variant->policy, options, &tally, &why) == 0);
    same((double)row->units, (double)tally.units, "units", variant->name);
    same((double)row->stopped.count, (double)tally.stopped, "stopped", variant->name);
    same((double)row->stopped.low, (double)tally.stopped_low, "stopped.low", variant->name);
    same((double)row->stopped.high, (double)tally.stopped_high, "stopped.high", variant->name);
    same((double)row->delayed, (double)tally.delayed, "delayed", variant->name);
    same(row->delay_minutes, tally.delay_minutes_median, "delay", variant->name);
    same(row->delay_90, tally.delay_minutes_90, "delay_90", variant->name);
    tally_free(&tally);
    struct variants one = { .variant = (struct variant *)variant, .count = 1 };
    struct sweep_row *alone = run(columns, &one, options);
    double here[SWEEP_FIGURES], there[SWEEP_FIGURES];
    sweep_figures(row, here);
    sweep_figures(alone, there);
    for (size_t i = 0; i < SWEEP_FIGURES; i++)
        same(here[i], there[i], sweep_figure[i], variant->name);
    free(alone);
    for (int harm = 0; harm < HARMS; harm++) {
        const struct bounded *bounds[] = { &row->wanted[harm], &row->presumed[harm] };
        for (int k = 0; k < 2; k++)
            ck_assert(bounds[k]->low <= bounds[k]->count && bounds[k]->count <= bounds[k]->high);
    }
    const struct cost *costs[] = { &row->costs.look_ups, &row->costs.messages, &row->costs.bytes,
                                   &row->costs.seconds };
    for (int k = 0; k < 4; k++)
        ck_assert(costs[k]->low <= costs[k]->expected + 1e-6 && costs[k]->expected <= costs[k]->high + 1e-6);
}

static const struct {
    const char *policy;
    const char *vary[4];
} sweeps[] = {
    { "measures: [ no-rdns: {}, dnsbl: { zones: { z.example: 1 } }, recipient: {}, spam: { score: 8 } ]",
      { "spam.score=3..6", "dnsbl.zones=+each,-each", "order", NULL } },
    { "measures: [ dnsbl: { zones: { z.example: 1 } }, recipient: {}, greylist: { auto-allow: 2 }, spam: { "
      "score: 8 } ]",
      { "greylist.delay=1m,20m", "recipient=on,off", "spam.score=5,15", NULL } },
    { "measures: [ no-rdns: { reply: 5xx }, recipient: {}, dictionary: { unknown: 2, window: 1h }, greylist: "
      "{} ]",
      { "no-rdns.reply=4xx,5xx", "delay-reject=true,false", "greylist=on,off", NULL } },
    { "measures: [ greylist: { yields: true }, recipient: {}, spam: { score: 8, warn: true } ]",
      { "spam.warn=true,false", "order", "recipient.reply=4xx,5xx", NULL } },
};
enum { SWEEPS = sizeof sweeps / sizeof *sweeps };

/* So many of the policies that a sweep makes of this one, drawn at random. */
static void check_rows(struct columns *columns, const struct policy *policy, const char *const *vary,
                       size_t vary_count, size_t samples, unsigned seed, const struct replay_options *options)
{
    struct axes *axes = NULL;
    struct variants variants;
    struct why why = { 0 };
    ck_assert_msg(axes_read(policy, vary, vary_count, &axes, &why) == 0, "%s", why.text);
    ck_assert_msg(variants_make(axes, columns, SEARCH_RANDOM, samples, seed, &variants, &why) == 0, "%s",
                  why.text);
    ck_assert_uint_gt(variants.count, 4);
    struct sweep_row *rows = run(columns, &variants, options);
    for (size_t i = 0; i < variants.count; i++)
        check_row(columns, &variants.variant[i], &rows[i], options);
    free(rows);
    variants_free(&variants);
    axes_free(axes);
}

START_TEST(each_row_is_its_replay)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct recorded recorded[CONTACTS_MOST];
        size_t count = contacts_record(world + 1, world % 4 ? 6 : 10, recorded);
        struct columns *columns = columns_of(recorded, count);
        struct policy policy;
        read_policy(&policy, sweeps[world % SWEEPS].policy);
        struct in_force in_force = { &policy, USEC_NONE, USEC_NONE };
        struct replay_options options = { .unit = (enum unit)(world / SWEEPS % UNITS),
                                          .from = USEC_NONE,
                                          .to = USEC_NONE,
                                          .assume_resend = NAN,
                                          .assumed = world % 3 == 0,
                                          .in_force = &in_force,
                                          .in_force_count = world % 3 == 1,
                                          .assume_habits = world % 7 == 0 };
        if (world % 5 == 0)
            options.from = 1000000 * USEC_SECOND + 3 * USEC_HOUR;
        check_rows(columns, &policy, sweeps[world % SWEEPS].vary, 3, 8, world, &options);
        policy_free(&policy);
        columns_free(columns);
    }
}
END_TEST

/* Many alike, so that one stands for others: thirty records as one. */
START_TEST(classes_are_their_members)
{
    enum { RECORDS = 30 };
    static const char *const vary[] = { "spam.score=3..9", "dnsbl.zones=+each,-each", "order",
                                        "no-rdns.reply=4xx,5xx" };
    for (unsigned world = 0; world < 4 * UNITS; world++) {
        struct columns *columns = columns_new();
        for (unsigned i = 0; i < RECORDS; i++) {
            struct recorded recorded[CONTACTS_MOST];
            size_t count = contacts_record(world * RECORDS + i, 4 + i % 7, recorded);
            for (size_t k = 0; k < count; k++) {
                recorded[k].session.id += (int64_t)i * CONTACTS_MOST;
                recorded[k].transaction.size = draw_size(i, k);
                columns_add(columns, &recorded[k].session);
            }
        }
        columns_finish(columns, USEC_NONE, USEC_NONE);
        struct policy policy;
        read_policy(&policy,
                    "trusted-relays: [192.0.2.129]\nmeasures: [ no-rdns: {}, dnsbl: { zones: { z.example: "
                    "1 } }, recipient: { reply: 4xx }, spam: { score: 8 } ]");
        struct in_force in_force = { &policy, USEC_NONE, USEC_NONE };
        struct replay_options options = { .unit = (enum unit)(world % UNITS),
                                          .from = USEC_NONE,
                                          .to = USEC_NONE,
                                          .assume_resend = NAN,
                                          .assumed = world / UNITS == 1,
                                          .in_force = &in_force,
                                          .in_force_count = world / UNITS == 2 };
        check_rows(columns, &policy, vary, 4, 6, world, &options);
        policy_free(&policy);
        columns_free(columns);
    }
}
END_TEST

static void expect_names(const struct variants *variants, const char *const *names)
{
    size_t count = 0;
    for (; names[count]; count++)
        ck_assert_msg(count < variants->count && str_eq(variants->variant[count].name, str_of(names[count])),
                      "%zu: %s, found %.*s", count, names[count],
                      STR_ARG(count < variants->count ? variants->variant[count].name : STR("nothing")));
    ck_assert_uint_eq(variants->count, count);
}

START_TEST(what_is_varied)
{
    static const struct {
        const char *policy, *vary[4];
        enum search search;
        const char *names[12];
    } rows[] = {
        { "measures: [ no-rdns: {}, greylist: {} ]",
          { "greylist.delay=1m,15m", "greylist=on,off", NULL },
          SEARCH_GRID,
          { "as it is", "greylist.delay=1m", "greylist.delay=15m", "greylist.delay=1m greylist=off",
            "greylist.delay=15m greylist=off", NULL } },
        { "measures: [ no-rdns: {}, dictionary: {} ]",
          { "dictionary.unknown=2..4", "no-rdns.reply=5xx", NULL },
          SEARCH_ONE_AT_A_TIME,
          { "as it is", "dictionary.unknown=2", "dictionary.unknown=3", "dictionary.unknown=4",
            "no-rdns.reply=5xx", NULL } },
        { "measures: [ dnsbl: { zones: { y.example: 1, x.example: 2 } } ]",
          { "dnsbl.zones=+each,-each,+w.example", NULL },
          SEARCH_GRID,
          { "as it is", "dnsbl.zones+w.example", "dnsbl.zones-y.example", "dnsbl.zones-x.example",
            "dnsbl.zones+z.example", NULL } },
        { "measures: [ greylist: {}, no-rdns: {}, recipient: {}, fcrdns: {} ]",
          { "order", NULL },
          SEARCH_GRID,
          /* connect: no-rdns, fcrdns; rcpt: greylist, recipient */
          { "as it is", "order=no-rdns>fcrdns>recipient>greylist", "order=fcrdns>no-rdns>greylist>recipient",
            "order=fcrdns>no-rdns>recipient>greylist", NULL } },
    };
    struct recorded recorded[CONTACTS_MOST];
    size_t count = contacts_record(3, 10, recorded);
    struct columns *columns = columns_of(recorded, count);
    struct policy policy;
    read_policy(&policy, rows[_i].policy);
    struct variants variants = make(&policy, columns, rows[_i].vary, rows[_i].search, 0);
    expect_names(&variants, rows[_i].names);
    variants_free(&variants);
    policy_free(&policy);
    columns_free(columns);
}
END_TEST

START_TEST(mistakes_in_what_is_varied)
{
    static const struct {
        const char *vary, *said;
    } wrong[] = {
        { "greylist.delay=5x", "greylist.delay: \"5x\" is not a duration" },
        { "greylst=on,off", "did you mean greylist?" },
        { "greylist", "varies nothing" },
        { "greylist=maybe", "\"maybe\" is not known" },
        { "greylist.lifetime=1h", "lifetime" }, /* shorter than the retry window */
        { "greylist.name=other", "changes nothing" },
        { "dnsbl.zones=+y.example", "\"+y.example\" is not known" },
        { "dnsbl.zones=-n.example", "\"-n.example\" is not known" },
        { "delay-reject=perhaps", "neither true nor false" },
        { "greylist.delay=5m } evil: {", "" },
    };
    struct policy policy;
    struct axes *axes = NULL;
    struct why why = { 0 };
    read_policy(&policy, "measures: [ dnsbl: { zones: { y.example: 1 } }, greylist: {} ]");
    ck_assert_int_eq(axes_read(&policy, &wrong[_i].vary, 1, &axes, &why), -1);
    ck_assert_msg(str_find(str_of(why.text), str_of(wrong[_i].said)) != NULL, "%s: %s", wrong[_i].vary,
                  why.text);
    axes_free(axes);
    policy_free(&policy);
}
END_TEST

/* 1 stops most, 2 as much with less harm, 3 less of both, 4 is beaten by 3, 5 is the same as 3. */
START_TEST(the_front)
{
    struct sweep_row rows[5] = { { 0 } };
    static const struct {
        uint64_t stopped, lost;
        double look_ups;
        bool front;
    } wanted[5] = { { 100, 9, 10, false },
                    { 100, 8, 10, true },
                    { 90, 2, 10, true },
                    { 80, 2, 11, false },
                    { 90, 2, 10, true } };
    for (int i = 0; i < 5; i++) {
        rows[i].stopped.count = wanted[i].stopped;
        rows[i].wanted[HARM_LOST].count = wanted[i].lost;
        rows[i].costs.look_ups.expected = wanted[i].look_ups;
    }
    sweep_front(rows, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(rows[i].front, wanted[i].front);
}
END_TEST

/* One client, accepted, nothing known of it but that it has a name: no-rdns asks once and passes it, two
 * zones are asked, which may stop it; then its one message may be scanned. */
START_TEST(costs_by_hand)
{
    struct recorded recorded;
    struct policy policy;
    contact_unknown(&recorded);
    recorded.transaction.size = 4000;
    recorded.evidence[recorded.session.evidence_count++] =
        (struct evidence){ .kind = KIND_RDNS, .state = YES, .transaction = -1, .recipient = -1 };
    struct columns *columns = columns_of(&recorded, 1);
    read_policy(&policy, "measures: [ no-rdns: {}, dnsbl: { zones: { y.example: 1, z.example: 1 } }, "
                         "spam: { score: 8, cost: 2 }, virus: {} ]");
    struct variants one = { .variant = &(struct variant){ policy, STR("one") }, .count = 1 };
    struct replay_options options = {
        .unit = UNIT_DELIVERY, .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN
    };
    struct sweep_row *row = run(columns, &one, &options);
    same(row->costs.look_ups.low, 3, "look-ups", STR("low"));
    same(row->costs.look_ups.high, 3, "look-ups", STR("high"));
    same(row->costs.messages.low, 0, "messages", STR("low"));
    same(row->costs.messages.high, 1, "messages", STR("high"));
    same(row->costs.messages.expected, 0.5, "messages", STR("expected"));
    same(row->costs.bytes.high, 4000, "bytes", STR("high"));
    same(row->costs.seconds.high, 2.1, "seconds", STR("high")); /* 2 for spam by the policy, 0.1 for virus */
    same(row->costs.seconds.low, 0, "seconds", STR("low"));
    free(row);
    policy_free(&policy);
    columns_free(columns);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *cases = tcase_create("sweep");
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, each_row_is_its_replay);
    tcase_add_test(cases, classes_are_their_members);
    tcase_add_loop_test(cases, what_is_varied, 0, 4);
    tcase_add_loop_test(cases, mistakes_in_what_is_varied, 0, 10);
    tcase_add_test(cases, the_front);
    tcase_add_test(cases, costs_by_hand);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
