/* Two policies at once: what of a censored record is said of the pair must hold of every record that it may
 * have come from. The record is filled up at random, over and over, so that nothing is unknown in it, and
 * compared again. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/compare.h"
#include "tests/lib/contacts.h"

enum { WORLDS = 100, FILLINGS = 6 };

/* By pairs: with the same rules in another order, with others' parameters, with a rule more. */
static const char *const policies[][2] = {
    { "measures: [ no-rdns: { reply: 5xx }, dnsbl: { zones: { z.example: 1 } }, recipient: {} ]",
      "measures: [ dnsbl: { zones: { z.example: 1 } }, no-rdns: { reply: 5xx }, recipient: {} ]" },
    { "measures: [ dnsbl: { zones: { z.example: 1 } } ]",
      "measures: [ dnsbl: { zones: { z.example: 1 } }, recipient: {}, spam: { score: 8 } ]" },
    { "measures: [ spam: { score: 5 }, recipient: { at: eom } ]",
      "measures: [ spam: { score: 12 }, no-rdns: { at: rcpt, reply: 5xx } ]" },
    { "measures: [ no-rdns: {}, recipient: {} ]",
      "delay-reject: true\nmeasures: [ recipient: {}, no-rdns: {} ]" },
    { "trusted-relays: [ 192.0.2.129 ]\nmeasures: [ no-rdns: {}, recipient: {} ]",
      "measures: [ recipient: {} ]" },
};
enum { PAIRS = sizeof policies / sizeof *policies };

static struct columns *columns_of(const struct recorded *recorded, size_t count, bool whole)
{
    struct columns *columns = columns_new();
    for (size_t i = 0; i < count; i++) {
        struct recorded one;
        recorded_copy(&one, &recorded[i]);
        if (whole)
            recorded_fill(&one);
        columns_add(columns, &one.session);
    }
    columns_finish(columns, USEC_NONE, USEC_NONE);
    return columns;
}

static const struct bounded *cell_of(const struct comparison *comparison, struct str a, struct str b)
{
    static const struct bounded nothing;
    const struct tally *first = &comparison->side[0], *second = &comparison->side[1];
    for (size_t i = 0; i < first->row_count; i++)
        for (size_t k = 0; k < second->row_count; k++)
            if (str_eq(first->rows[i].name, a) && str_eq(second->rows[k].name, b))
                return &comparison->cell[i * second->row_count + k];
    return &nothing;
}

/* Every cell's bounds hold its count, counts sum to both policies' rows, and what moves is what the cells
 * say. */
static void check_sums(const struct comparison *comparison)
{
    const struct tally *first = &comparison->side[0], *second = &comparison->side[1];
    size_t wide = second->row_count;
    uint64_t changes[CHANGES] = { 0 };
    for (size_t i = 0; i < first->row_count; i++) {
        uint64_t count = 0, low = 0, high = 0;
        for (size_t k = 0; k < wide; k++) {
            const struct bounded *cell = &comparison->cell[i * wide + k];
            ck_assert(cell->low <= cell->count && cell->count <= cell->high);
            count += cell->count;
            low += cell->low;
            high += cell->high;
            changes[comparison->change[i * wide + k]] += cell->count;
        }
        ck_assert_uint_eq(count, first->rows[i].count);
        ck_assert(low <= first->rows[i].low && first->rows[i].high <= high);
    }
    for (size_t k = 0; k < wide; k++) {
        uint64_t count = 0;
        for (size_t i = 0; i < first->row_count; i++)
            count += comparison->cell[i * wide + k].count;
        ck_assert_uint_eq(count, second->rows[k].count);
    }
    for (int c = 0; c < CHANGES; c++) {
        const struct moved *moved = &comparison->moved;
        ck_assert_uint_le(moved->wanted[c].count + moved->presumed[c].count + moved->unwanted[c].count,
                          moved->change[c].count);
        ck_assert_uint_eq(changes[c], moved->change[c].count);
        ck_assert(moved->change[c].low <= changes[c] && changes[c] <= moved->change[c].high);
        ck_assert_uint_le(moved->wanted[c].high + moved->presumed[c].high + moved->unwanted[c].high,
                          moved->change[c].high);
    }
    ck_assert_int_eq(comparison->net[0], (int64_t)changes[CHANGE_STOPPED] - (int64_t)changes[CHANGE_PASSED]);
    ck_assert(comparison->net[1] <= comparison->net[0] && comparison->net[0] <= comparison->net[2]);
    uint64_t units = 0;
    for (size_t g = 0; g < comparison->group_count[MOVES_NETWORK]; g++)
        units += comparison->groups[MOVES_NETWORK][g].moved.change[CHANGE_STOPPED].high;
    ck_assert_uint_eq(units, comparison->moved.change[CHANGE_STOPPED].high);
}

static void check_inside(const struct comparison *censored, const struct comparison *whole)
{
    for (size_t i = 0; i < whole->side[0].row_count; i++)
        for (size_t k = 0; k < whole->side[1].row_count; k++) {
            const struct bounded *truth = &whole->cell[i * whole->side[1].row_count + k];
            const struct bounded *told =
                cell_of(censored, whole->side[0].rows[i].name, whole->side[1].rows[k].name);
            ck_assert(told->low <= truth->low && truth->high <= told->high);
        }
    ck_assert(censored->net[1] <= whole->net[1] && whole->net[2] <= censored->net[2]);
}

/* How often the second policy's rows are a replay's of it alone: bounds of both at once may leave no way for
 * one. */
static unsigned compared, as_replayed;

static void count_as_replayed(struct columns *columns, const struct policy *policy,
                              const struct replay_options *options, const struct tally *told)
{
    struct tally alone;
    struct why why = { 0 };
    uint64_t apart = 0;
    ck_assert(replay_run(columns, policy, options, &alone, &why) == 0);
    ck_assert_uint_eq(alone.row_count, told->row_count);
    for (size_t k = 0; k < alone.row_count; k++)
        apart += alone.rows[k].count > told->rows[k].count ? alone.rows[k].count - told->rows[k].count : 0;
    ck_assert_uint_le(apart, 1);
    compared++;
    as_replayed += apart == 0;
    tally_free(&alone);
}

static void compare(struct columns *columns, const struct policy pair[2], enum unit unit,
                    struct comparison *comparison)
{
    struct replay_options options = {
        .unit = unit, .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN
    };
    struct why why = { 0 };
    ck_assert_msg(compare_run(columns, &pair[0], &pair[1], &options, comparison, &why) == 0, "%s", why.text);
    check_sums(comparison);
    count_as_replayed(columns, &pair[1], &options, &comparison->side[1]);
}

static void read_pair(struct policy pair[2], const char *const yaml[2])
{
    struct why why = { 0 };
    for (int s = 0; s < 2; s++)
        ck_assert_msg(policy_read(&pair[s], s ? "b" : "a", str_of(yaml[s]), &why) == 0, "%s", why.text);
}

START_TEST(whatever_the_record_hides)
{
    struct policy pair[PAIRS][2];
    for (size_t p = 0; p < PAIRS; p++)
        read_pair(pair[p], policies[p]);
    for (unsigned world = 0; world < WORLDS; world++) {
        struct recorded recorded[CONTACTS_MOST];
        size_t count = contacts_record(world + 1, 5, recorded), p = world % PAIRS;
        enum unit unit = (enum unit)(world / PAIRS % UNITS);
        struct columns *columns = columns_of(recorded, count, false);
        struct comparison censored;
        compare(columns, pair[p], unit, &censored);
        for (int i = 0; i < FILLINGS; i++) {
            struct columns *filled = columns_of(recorded, count, true);
            struct comparison whole;
            compare(filled, pair[p], unit, &whole);
            check_inside(&censored, &whole);
            comparison_free(&whole);
            columns_free(filled);
        }
        comparison_free(&censored);
        columns_free(columns);
    }
    for (size_t p = 0; p < PAIRS; p++)
        for (int s = 0; s < 2; s++)
            policy_free(&pair[p][s]);
    ck_assert_msg(as_replayed * 100 >= compared * 98, "%u of %u are as replayed", as_replayed, compared);
}
END_TEST

/* The same rules, one more that only warns and one that hits nobody: nothing moves, whatever is not known. */
START_TEST(what_both_do_alike_does_not_move)
{
    static const char *const yaml[2] = {
        "policy: a\nmeasures: [ no-rdns: {}, recipient: {}, greylist: {}, spam: { score: 8 } ]",
        "policy: b\nmeasures: [ no-rdns: {}, recipient: {}, greylist: {}, spam: { score: 8 }, "
        "dnsbl: { warn: true, zones: { y.example: 1 } }, fcrdns: { when: { server: elsewhere } } ]"
    };
    struct policy pair[2];
    read_pair(pair, yaml);
    for (unsigned world = 0; world < WORLDS; world++) {
        struct recorded recorded[CONTACTS_MOST];
        size_t count = contacts_record(world + 1, 5, recorded);
        struct columns *columns = columns_of(recorded, count, false);
        struct comparison comparison;
        compare(columns, pair, (enum unit)(world % UNITS), &comparison);
        ck_assert(comparison.net[1] == 0 && comparison.net[2] == 0);
        ck_assert_uint_eq(comparison.moved.change[CHANGE_NONE].low, comparison.side[0].units);
        ck_assert_uint_eq(comparison.group_count[MOVES_DOMAIN], 0);
        comparison_free(&comparison);
        columns_free(columns);
    }
    policy_free(&pair[0]);
    policy_free(&pair[1]);
}
END_TEST

/* One client that was accepted, and neither its name nor whether it is listed is known. Both policies ask for
 * both, each in its order. Listed without a name: the first measure of each. Listed, with a name: dnsbl under
 * both. Without a name and not listed: no-rdns under both. Neither: accepted under both. */
START_TEST(one_unknown_decides_for_both)
{
    static const char *const yaml[2] = {
        "measures: [ dnsbl: { zones: { z.example: 1 } }, no-rdns: { reply: 5xx } ]",
        "measures: [ no-rdns: { reply: 5xx }, dnsbl: { zones: { z.example: 1 } } ]",
    };
    static const struct {
        struct str a, b;
        bool possible;
    } wanted[] = {
        { STR_INIT("dnsbl"), STR_INIT("dnsbl"), true },
        { STR_INIT("dnsbl"), STR_INIT("no-rdns"), true },
        { STR_INIT("no-rdns"), STR_INIT("no-rdns"), true },
        { STR_INIT("accepted"), STR_INIT("accepted"), true },
        { STR_INIT("no-rdns"), STR_INIT("dnsbl"), false },
        { STR_INIT("accepted"), STR_INIT("dnsbl"), false },
        { STR_INIT("accepted"), STR_INIT("no-rdns"), false },
        { STR_INIT("dnsbl"), STR_INIT("accepted"), false },
        { STR_INIT("no-rdns"), STR_INIT("accepted"), false },
    };
    struct policy pair[2];
    read_pair(pair, yaml);
    struct recorded recorded;
    contact_unknown(&recorded);
    struct columns *columns = columns_of(&recorded, 1, false);
    struct comparison comparison;
    compare(columns, pair, UNIT_DELIVERY, &comparison);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        ck_assert_msg(cell_of(&comparison, wanted[i].a, wanted[i].b)->high == wanted[i].possible,
                      "%.*s and %.*s", STR_ARG(wanted[i].a), STR_ARG(wanted[i].b));
    ck_assert(comparison.net[1] == 0 && comparison.net[2] == 0);
    comparison_free(&comparison);
    columns_free(columns);
    policy_free(&pair[0]);
    policy_free(&pair[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare");
    TCase *cases = tcase_create("compare");
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, whatever_the_record_hides);
    tcase_add_test(cases, what_both_do_alike_does_not_move);
    tcase_add_test(cases, one_unknown_decides_for_both);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
