/* Tuning by hand: the steps of each kind of knob, the ways back, what is tried and what is written; and
 * trials, which must say what a replay of the policy says. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/sweep.h"
#include "analyze/trial.h"
#include "analyze/tuning.h"
#include "tests/lib/contacts.h"

static const char *const given_yaml =
    "policy: mine\n"
    "measures:\n"
    "  - greylist: { delay: 5m, lifetime: 3d }\n"
    "  - no-rdns: {}\n"
    "  - dnsbl: { zones: { a.example: 1, b.example: { weight: 2, replies: [127.0.0.2] } }, threshold: 2 }\n"
    "  - recipient: { reply: 4xx }\n";

static struct policy given;
static struct tuning *tuning;
static struct arena arena;

static void read_policy(struct policy *policy, const char *yaml)
{
    struct why why = { 0 };
    ck_assert_msg(policy_read(policy, "mine", str_of(yaml), &why) == 0, "%s", why.text);
}

static void begin(void)
{
    struct str seen[] = { STR("a.example"), STR("c.example") };
    const struct texts zones = { .text = seen, .count = 2 };
    read_policy(&given, given_yaml);
    tuning = tuning_new(&given, &zones);
}

static void end(void)
{
    tuning_free(tuning);
    policy_free(&given);
    arena_free(&arena);
}

/* The measures as they act: "no-rdns dnsbl -greylist", with a - where one is off. */
static const char *order(void)
{
    struct str text = STR("");
    for (size_t place = 0; place < tuning_count(tuning); place++) {
        struct tuned tuned = tuning_at(tuning, place);
        text = arena_printf(&arena, "%.*s%s%s%.*s", STR_ARG(text), place ? " " : "", tuned.off ? "-" : "",
                            STR_ARG(tuned.rule->name));
    }
    return arena_str(&arena, text).at;
}

static size_t place_of(const char *name)
{
    size_t place = tuning_place(tuning, str_of(name));
    ck_assert_uint_lt(place, tuning_count(tuning));
    return place;
}

static struct knob knob_of(const char *measure, const char *name)
{
    struct knobs knobs = tuning_knobs(tuning, place_of(measure));
    for (size_t i = 0; i < knobs.count; i++)
        if (str_eq(knob_name(&knobs.knob[i], &arena), str_of(name)))
            return knobs.knob[i];
    ck_abort_msg("%s has no knob %s", measure, name);
}

static const char *value(const char *measure, const char *name)
{
    struct knob knob = knob_of(measure, name);
    return arena_str(&arena, knob_value(&knob, tuning_at(tuning, place_of(measure)).rule, &arena)).at;
}

/* Turns it and tells how it stands then, or why it does not turn. */
static const char *turn(const char *measure, const char *name, int by)
{
    struct why why = { 0 };
    struct knob knob = knob_of(measure, name);
    if (tuning_turn(tuning, place_of(measure), &knob, by, &why) < 0)
        return arena_str(&arena, str_of(why.text)).at;
    return value(measure, name);
}

static const char *changes(void)
{
    struct str *lines = NULL, text = STR("");
    size_t count = tuning_changes(tuning, &arena, &lines);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&arena, "%.*s%s%.*s", STR_ARG(text), i ? "; " : "", STR_ARG(lines[i]));
    return arena_str(&arena, text).at;
}

static int press(int (*step)(struct tuning *tuning, struct why *why))
{
    return step(tuning, NULL);
}

START_TEST(test_durations_along_the_ladder)
{
    ck_assert_str_eq(turn("greylist", "delay", 1), "10m");
    ck_assert_str_eq(turn("greylist", "delay", 1), "15m");
    ck_assert_str_eq(turn("greylist", "delay", 1), "30m");
    ck_assert_str_eq(turn("greylist", "delay", 1), "1h");
    ck_assert_str_eq(turn("greylist", "delay", -1), "30m");
    /* 36h is no rung: up to 2d, down to 1d */
    struct policy odd;
    read_policy(&odd, "measures: [ greylist: { retry-window: 36h } ]");
    struct knob window = knob_of("greylist", "retry-window");
    struct rule rule = odd.rules[0];
    ck_assert(knob_turn(&window, &rule, &odd.rules[0], 1, &arena, NULL) == 0);
    ck_assert(str_eq(knob_value(&window, &rule, &arena), STR("2d")));
    rule = odd.rules[0];
    ck_assert(knob_turn(&window, &rule, &odd.rules[0], -1, &arena, NULL) == 0);
    ck_assert(str_eq(knob_value(&window, &rule, &arena), STR("1d")));
    policy_free(&odd);
}
END_TEST

START_TEST(test_what_a_measure_refuses_is_not_turned)
{
    ck_assert_str_eq(turn("greylist", "lifetime", -1), "lifetime: lifetime must be longer than retry-window");
    ck_assert_str_eq(value("greylist", "lifetime"), "3d");
    ck_assert(!tuning_is_changed(tuning));
    ck_assert_str_eq(turn("dnsbl", "remember", -1), "remember goes no lower");
    ck_assert_int_lt(press(tuning_undo), 0); /* what was not done cannot be taken back */
}
END_TEST

START_TEST(test_numbers_words_and_flags)
{
    ck_assert_str_eq(turn("dnsbl", "threshold", 1), "3");
    ck_assert_str_eq(turn("dnsbl", "threshold", -1), "2");
    ck_assert_str_eq(turn("dnsbl", "threshold", -1), "1");
    ck_assert_str_eq(turn("dnsbl", "threshold", -1), "0");
    ck_assert_str_eq(turn("dnsbl", "threshold", -1), "threshold goes no lower");
    ck_assert_str_eq(turn("no-rdns", "on-error", 1), "hit");
    ck_assert_str_eq(turn("no-rdns", "on-error", 1), "unknown");
    ck_assert_str_eq(turn("no-rdns", "on-error", -1), "hit");
    ck_assert_str_eq(turn("greylist", "normalise", 1), "off");
    ck_assert_str_eq(turn("greylist", "key sender", -1), "off");
    ck_assert_str_eq(value("greylist", "key recipient"), "on");
    ck_assert_str_eq(turn("greylist", "auto-allow", 1), "6");
    ck_assert_str_eq(turn("recipient", "reply", 1), "5xx");
    ck_assert_str_eq(turn("recipient", "reply", 1), "drop");
    ck_assert_str_eq(turn("recipient", "reply", 1), "as it is");
    ck_assert_str_eq(turn("recipient", "warn", 1), "on");
    ck_assert_str_eq(turn("recipient", "list", 1), "list is a list: change it in the policy's file");
}
END_TEST

START_TEST(test_large_numbers_by_larger_steps)
{
    struct policy policy;
    read_policy(&policy, "measures: [ spam: { score: 19.5 } ]");
    const struct texts none = { 0 };
    struct rule rule = policy.rules[0];
    struct knob score = knobs_of(&rule, &rule, &none, &arena).knob[0];
    static const char *const up[] = { "20", "25", "30", "40" }, *const down[] = { "30", "25", "20", "19",
                                                                                  "18" };
    for (size_t i = 0; i < sizeof up / sizeof *up; i++) {
        ck_assert(knob_turn(&score, &rule, &rule, 1, &arena, NULL) == 0);
        ck_assert(str_eq(knob_value(&score, &rule, &arena), str_of(up[i])));
    }
    for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
        ck_assert(knob_turn(&score, &rule, &rule, -1, &arena, NULL) == 0);
        ck_assert(str_eq(knob_value(&score, &rule, &arena), str_of(down[i])));
    }
    policy_free(&policy);
}
END_TEST

/* One that goes and comes back has its replies again; one of the record can be added. */
START_TEST(test_zones)
{
    ck_assert_str_eq(turn("dnsbl", "b.example", -1), "1");
    ck_assert_str_eq(turn("dnsbl", "b.example", -1), "off");
    ck_assert_str_eq(turn("dnsbl", "b.example", 1), "1");
    const struct rule *rule = tuning_at(tuning, place_of("dnsbl")).rule;
    ck_assert(strstr(parameter_text(&arena, rule->measure->parameters, rule->parameters).at, "127.0.0.2"));
    ck_assert_str_eq(turn("dnsbl", "b.example", 0), "off");
    ck_assert_str_eq(turn("dnsbl", "b.example", 0), "2"); /* as it was at first */
    ck_assert_str_eq(turn("dnsbl", "b.example", -1), "1");
    ck_assert_str_eq(turn("greylist", "normalise", 0), "off");
    ck_assert_ptr_nonnull(strstr(turn("greylist", "delay", 0), "more than on and off"));
    ck_assert_str_eq(value("dnsbl", "c.example"), "off");
    ck_assert_str_eq(turn("dnsbl", "c.example", 1), "1");
    ck_assert_str_eq(turn("dnsbl", "c.example", -1), "off");
    ck_assert_str_eq(turn("dnsbl", "c.example", -1), "-1"); /* a list of friends */
    ck_assert_str_eq(turn("dnsbl", "c.example", 1), "off");
    ck_assert_str_eq(turn("dnsbl", "b.example", -1), "off");
    ck_assert_ptr_nonnull(strstr(turn("dnsbl", "a.example", -1), "zones is empty"));
    ck_assert_str_eq(value("dnsbl", "a.example"), "1");
}
END_TEST

START_TEST(test_order_within_stages)
{
    struct why why = { 0 };
    size_t place = 0;
    ck_assert_str_eq(order(), "no-rdns dnsbl greylist recipient");
    ck_assert(tuning_move(tuning, &place, 1, &why) == 0);
    ck_assert_uint_eq(place, 1);
    ck_assert_str_eq(order(), "dnsbl no-rdns greylist recipient");
    ck_assert(tuning_move(tuning, &place, 1, &why) < 0); /* greylist acts at RCPT */
    ck_assert_ptr_nonnull(strstr(why.text, "no-rdns acts at connect and greylist at rcpt"));
    ck_assert_str_eq(order(), "dnsbl no-rdns greylist recipient");
    place = 3;
    ck_assert(tuning_move(tuning, &place, 1, &why) < 0);
    ck_assert(tuning_move(tuning, &place, -1, &why) == 0);
    ck_assert_str_eq(order(), "dnsbl no-rdns recipient greylist");
    ck_assert_str_eq(changes(), "order: dnsbl, no-rdns, recipient, greylist");
    /* the text has the order recipient, dnsbl, no-rdns, greylist now, and delay-reject goes by it */
    ck_assert(tuning_delay_reject(tuning, &why) == 0);
    ck_assert_str_eq(order(), "recipient dnsbl no-rdns greylist");
    place = 0;
    ck_assert(tuning_move(tuning, &place, 1, &why) == 0);
    ck_assert_str_eq(order(), "dnsbl recipient no-rdns greylist");
}
END_TEST

START_TEST(test_there_and_back)
{
    struct why why = { 0 };
    ck_assert(tuning_switch(tuning, place_of("dnsbl"), &why) == 0);
    ck_assert_str_eq(order(), "no-rdns -dnsbl greylist recipient");
    ck_assert_str_eq(turn("greylist", "delay", 1), "10m");
    ck_assert_str_eq(changes(), "dnsbl: off; greylist: delay 5m -> 10m");
    ck_assert(str_eq(tuning_last(tuning), STR("greylist: delay 5m -> 10m")));
    ck_assert(press(tuning_undo) == 0);
    ck_assert_str_eq(value("greylist", "delay"), "5m");
    ck_assert(press(tuning_undo) == 0);
    ck_assert(!tuning_is_changed(tuning));
    ck_assert_int_lt(press(tuning_undo), 0);
    ck_assert(press(tuning_redo) == 0);
    ck_assert(press(tuning_redo) == 0);
    ck_assert_int_lt(press(tuning_redo), 0);
    ck_assert_str_eq(changes(), "dnsbl: off; greylist: delay 5m -> 10m");
    ck_assert(press(tuning_reset) == 0);
    ck_assert_str_eq(changes(), "");
    ck_assert_int_lt(press(tuning_reset), 0);
    ck_assert(press(tuning_undo) == 0); /* the way back can be taken back */
    ck_assert_str_eq(changes(), "dnsbl: off; greylist: delay 5m -> 10m");
    /* a step after a step back forgets what had been undone */
    ck_assert(press(tuning_undo) == 0);
    ck_assert(tuning_switch(tuning, place_of("recipient"), &why) == 0);
    ck_assert_int_lt(press(tuning_redo), 0);
    ck_assert_str_eq(changes(), "dnsbl: off; recipient: off");
}
END_TEST

START_TEST(test_what_is_tried)
{
    struct attempted before = tuning_attempt(tuning);
    ck_assert_uint_eq(before.policy->rule_count, 4);
    tuning_switch(tuning, place_of("dnsbl"), NULL);
    struct attempted without = tuning_attempt(tuning);
    ck_assert_uint_eq(without.policy->rule_count, 3);
    ck_assert(!str_eq(before.key, without.key));
    turn("dnsbl", "threshold", 1); /* of one that is off */
    struct attempted as_before = tuning_attempt(tuning);
    ck_assert(str_eq(as_before.key, without.key));
    ck_assert(tuning_is_changed(tuning));
    attempted_free(&before);
    attempted_free(&without);
    attempted_free(&as_before);
}
END_TEST

static struct str written(struct str name)
{
    char *text = NULL;
    size_t len = 0;
    struct why why = { 0 };
    FILE *to = open_memstream(&text, &len);
    ck_assert_msg(tuning_write(tuning, name, to, &why) == 0, "%s", why.text);
    fclose(to);
    struct str kept = arena_str(&arena, (struct str){ text, len });
    free(text);
    return kept;
}

START_TEST(test_what_is_written)
{
    struct policy back;
    ck_assert(tuning_is_saved(tuning));
    tuning_switch(tuning, place_of("no-rdns"), NULL);
    turn("greylist", "delay", 1);
    ck_assert(!tuning_is_saved(tuning));
    struct str text = written(STR("other"));
    ck_assert_str_eq(text.at, "# mine, changed with mxreplay tune:\n"
                              "#   no-rdns: off\n"
                              "#   greylist: delay 5m -> 10m\n"
                              "policy: other\n"
                              "measures:\n"
                              "  - greylist:\n"
                              "      delay: 10m\n"
                              "      lifetime: 3d\n"
                              "  # switched off:\n"
                              "  # - no-rdns: {}\n"
                              "  - dnsbl:\n"
                              "      zones:\n"
                              "        a.example: 1\n"
                              "        b.example: { weight: 2, replies: [127.0.0.2] }\n"
                              "      threshold: 2\n"
                              "  - recipient:\n"
                              "      reply: 4xx\n");
    read_policy(&back, text.at);
    struct attempted now = tuning_attempt(tuning);
    ck_assert_uint_eq(back.rule_count, now.policy->rule_count);
    for (size_t r = 0; r < back.rule_count; r++)
        ck_assert(back.rules[r].measure == now.policy->rules[r].measure &&
                  parameters_equal(back.rules[r].measure, back.rules[r].parameters,
                                   now.policy->rules[r].parameters));
    tuning_saved(tuning);
    ck_assert(tuning_is_saved(tuning));
    press(tuning_undo);
    ck_assert(!tuning_is_saved(tuning));
    press(tuning_redo);
    ck_assert(tuning_is_saved(tuning));
    attempted_free(&now);
    policy_free(&back);
}
END_TEST

START_TEST(test_summaries)
{
    static const struct {
        const char *yaml, *summary;
    } cases[] = {
        { "greylist: {}", "delay 5m" },
        { "greylist: { normalise: false, retry-window: 4d, key: sender }",
          "delay 5m, retry-window 4d, key sender, no normalise" },
        { "dnsbl: { zones: { a.example: 1, b.example: 1 }, allow: { c.example: -1 } }",
          "2 zones, 1 allow, threshold 1" },
        { "helo: {}", "require" },
        { "helo: { require: false, fqdn: true }", "no require, fqdn" },
        { "spf: { on: [fail, softfail], reply: 4xx }", "on fail softfail, 4xx" },
        { "relay: { warn: true, at: data }", "at data, only warns" },
        { "recipient: { list: [a@l.example, b@l.example] }", "2 in list" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy policy;
        read_policy(&policy, arena_printf(&arena, "measures: [ %s ]", cases[i].yaml).at);
        ck_assert_str_eq(arena_str(&arena, knobs_summary(&policy.rules[0], &arena)).at, cases[i].summary);
        policy_free(&policy);
    }
}
END_TEST

/* ---- Trials. */

static struct columns *columns_of(struct recorded *recorded, size_t count)
{
    struct columns *columns = columns_new();
    for (size_t i = 0; i < count; i++)
        columns_add(columns, &recorded[i].session);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    return columns;
}

static const char *const tried[] = {
    "measures: [ no-rdns: {}, dnsbl: { zones: { z.example: 1 } }, recipient: {}, spam: { score: 8 } ]",
    "measures: [ dnsbl: { zones: { z.example: 1 } }, no-rdns: {}, recipient: {} ]",
    "measures: [ recipient: {}, spam: { score: 5 }, no-rdns: { reply: 5xx, warn: true } ]",
    "measures: [ no-rdns: {}, recipient: {}, greylist: { auto-allow: 2 } ]",
    "measures: [ greylist: { delay: 1m, yields: true }, recipient: { reply: 4xx } ]",
    "measures: []",
    "{ delay-reject: true, measures: [ no-rdns: {}, recipient: {}, dnsbl: { zones: { z.example: 1 } } ] }",
};
enum { TRIED = sizeof tried / sizeof *tried };

static void same_row(const struct row *here, const struct row *there, const char *policy)
{
    ck_assert_msg(
        here->kind == there->kind && str_eq(here->name, there->name) && here->count == there->count &&
            here->low == there->low && here->high == there->high && here->basis == there->basis &&
            here->warned == there->warned && here->at_least == there->at_least,
        "%s: %.*s: %llu [%llu, %llu], replayed %llu [%llu, %llu]", policy, STR_ARG(here->name),
        (unsigned long long)here->count, (unsigned long long)here->low, (unsigned long long)here->high,
        (unsigned long long)there->count, (unsigned long long)there->low, (unsigned long long)there->high);
}

static void same_as_replayed(struct columns *columns, const struct policy *policy,
                             const struct replay_options *options, const struct figures *figures,
                             const char *yaml)
{
    struct tally tally;
    struct sweep_row row;
    struct sweep_options how = { options, NULL, NULL };
    ck_assert(replay_run(columns, policy, options, &tally, NULL) == 0);
    ck_assert(sweep_run(columns, &policy, 1, NULL, &how, &row, NULL) == 0);
    ck_assert_uint_eq(figures->tally.row_count, tally.row_count);
    for (size_t i = 0; i < tally.row_count; i++)
        same_row(&figures->tally.rows[i], &tally.rows[i], yaml);
    ck_assert_uint_eq(figures->tally.units, tally.units);
    ck_assert_uint_eq(figures->tally.base, tally.base);
    ck_assert_uint_eq(figures->tally.stopped, tally.stopped);
    ck_assert_int_eq(figures->tally.from, tally.from);
    ck_assert_int_eq(figures->tally.to, tally.to);
    for (int harm = 0; harm < HARMS; harm++) {
        ck_assert_uint_eq(figures->all.wanted[harm].count, row.wanted[harm].count);
        ck_assert_uint_eq(figures->all.presumed[harm].count, row.presumed[harm].count);
        ck_assert_uint_eq(figures->all.presumed[harm].high, row.presumed[harm].high);
        /* each harm is some measure's */
        uint64_t low = 0, high = 0;
        for (size_t r = 0; r < policy->rule_count; r++) {
            low += figures->rule[r].presumed[harm].low;
            high += figures->rule[r].presumed[harm].high;
            ck_assert_uint_le(figures->rule[r].presumed[harm].high, figures->all.presumed[harm].high);
        }
        ck_assert_uint_le(low, figures->all.presumed[harm].low);
        ck_assert_uint_ge(high, figures->all.presumed[harm].high);
    }
    ck_assert_double_eq_tol(figures->costs.look_ups.expected, row.costs.look_ups.expected, 1e-6);
    tally_free(&tally);
}

/* Random records by each unit: the policies one after the other and again. */
START_TEST(test_trials_say_what_a_replay_says)
{
    struct policy policy[TRIED];
    for (size_t i = 0; i < TRIED; i++)
        read_policy(&policy[i], tried[i]);
    for (unsigned record = 0; record < 40; record++) {
        struct recorded recorded[CONTACTS_MOST];
        struct columns *columns = columns_of(recorded, contacts_record(record, 5, recorded));
        struct replay_options options = { .unit = (enum unit)(record % UNITS),
                                          .from = USEC_NONE,
                                          .to = USEC_NONE,
                                          .assume_resend = NAN,
                                          .assumed = record % 3 == 0 };
        struct trial *trial = trial_new(columns, &options, &policy[0]);
        for (size_t i = 0; i < 2 * TRIED; i++) {
            struct figures figures;
            size_t p = (i * 3 + record) % TRIED;
            ck_assert(trial_run(trial, &policy[p], &figures, NULL) == 0);
            ck_assert_int_eq(figures.with_state, p == 3 || p == 4);
            same_as_replayed(columns, &policy[p], &options, &figures, tried[p]);
            figures_free(&figures);
        }
        trial_free(trial);
        columns_free(columns);
    }
    for (size_t i = 0; i < TRIED; i++)
        policy_free(&policy[i]);
}
END_TEST

/* A delivery from a client without a name, which the record accepted; and one that the record put off and
 * accepted half an hour later. no-rdns with 5xx tells the first sender, greylisting makes the second late. */
static void send(struct columns *columns, int64_t id, usec at, const char *from, bool named, unsigned code)
{
    struct reply reply = { .code = (int16_t)code, .stage = STAGE_RCPT };
    reply.named = code == 450 ? NAMED_GREYLIST : NAMED_NONE;
    struct recipient recipient = { .address = STR("r@l.example"), .reply = reply, .at = at };
    struct transaction transaction = { .mail_from = str_of(from),
                                       .size = -1,
                                       .at = at,
                                       .recipients = &recipient,
                                       .recipient_count = 1,
                                       .verdict = code == 250 ? VERDICT_ACCEPTED : VERDICT_NONE };
    struct evidence evidence = { .kind = KIND_RDNS,
                                 .state = (uint8_t)tri_of(named),
                                 .transaction = -1,
                                 .recipient = -1,
                                 .origin = ORIGIN_LOG };
    struct session session = { .id = id,
                               .started = at,
                               .ended = at,
                               .client = ip_from_v4(named ? 0xcb007101u : 0xc6336401u),
                               .server = STR("mx"),
                               .stage = STAGE_RCPT,
                               .transactions = &transaction,
                               .transaction_count = 1,
                               .evidence = &evidence,
                               .evidence_count = 1 };
    session_conclude(&session);
    columns_add(columns, &session);
}

START_TEST(test_who_hurts)
{
    struct policy policy;
    struct figures figures;
    struct columns *columns = columns_new();
    usec at = 1700000000 * USEC_SECOND;
    send(columns, 1, at, "a@b.example", false, 250);
    send(columns, 2, at + USEC_HOUR, "c@d.example", true, 450);
    send(columns, 3, at + USEC_HOUR + 30 * USEC_MINUTE, "c@d.example", true, 250);
    columns_finish(columns, at, at + 30 * USEC_DAY);
    read_policy(&policy, "measures: [ no-rdns: { reply: 5xx }, greylist: { delay: 5m, auto-allow: 0 } ]");
    struct replay_options options = {
        .unit = UNIT_DELIVERY, .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN
    };
    struct trial *trial = trial_new(columns, &options, &policy);
    ck_assert(trial_run(trial, &policy, &figures, NULL) == 0);
    const struct bounded none = { 0, 0, 0 }, one = { 1, 1, 1 };
    for (int harm = 0; harm < HARMS; harm++) {
        const struct bounded *expected[] = { harm == HARM_TOLD ? &one : &none,
                                             harm == HARM_LATE ? &one : &none };
        for (int rule = 0; rule < 2; rule++) {
            const struct bounded *is = &figures.rule[rule].presumed[harm];
            ck_assert_msg(is->count == expected[rule]->count && is->low == expected[rule]->low &&
                              is->high == expected[rule]->high,
                          "rule %d, %s: %llu [%llu, %llu]", rule, harm_name[harm],
                          (unsigned long long)is->count, (unsigned long long)is->low,
                          (unsigned long long)is->high);
        }
    }
    figures_free(&figures);
    trial_free(trial);
    columns_free(columns);
    policy_free(&policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuning");
    TCase *steps = tcase_create("steps"), *trials = tcase_create("trials");
    tcase_add_checked_fixture(steps, begin, end);
    tcase_add_test(steps, test_durations_along_the_ladder);
    tcase_add_test(steps, test_what_a_measure_refuses_is_not_turned);
    tcase_add_test(steps, test_numbers_words_and_flags);
    tcase_add_test(steps, test_large_numbers_by_larger_steps);
    tcase_add_test(steps, test_zones);
    tcase_add_test(steps, test_order_within_stages);
    tcase_add_test(steps, test_there_and_back);
    tcase_add_test(steps, test_what_is_tried);
    tcase_add_test(steps, test_what_is_written);
    tcase_add_test(steps, test_summaries);
    suite_add_tcase(suite, steps);
    tcase_add_test(trials, test_trials_say_what_a_replay_says);
    tcase_add_test(trials, test_who_hurts);
    tcase_set_timeout(trials, 120);
    suite_add_tcase(suite, trials);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
