/* Clopper and Pearson's intervals against published ones, and greedy covers against all choices. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analyze/cover.h"
#include "analyze/interval.h"

enum { CASES = 2000, SETS_MOST = 7, ITEMS_MOST = 10 };

static uint64_t seed = 1;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static void expect(uint64_t count, uint64_t of, double low, double high, double within)
{
    struct interval found = interval_of(count, count, of);
    ck_assert_msg(fabs(found.low - low) <= within && fabs(found.high - high) <= within,
                  "%llu of %llu: [%.6f, %.6f] is not [%.6f, %.6f]", (unsigned long long)count,
                  (unsigned long long)of, found.low, found.high, low, high);
}

START_TEST(test_published)
{
    /* as the usual tables of exact limits for a binomial have them, to four digits */
    expect(0, 10, 0, 0.3085, 0.00005);
    expect(1, 10, 0.0025, 0.4450, 0.00005);
    expect(5, 10, 0.1871, 0.8129, 0.00005);
    expect(10, 10, 0.6915, 1, 0.00005);
    expect(0, 100, 0, 0.0362, 0.00005);
    expect(1, 100, 0.0003, 0.0545, 0.00005);
    expect(4, 20, 0.0573, 0.4366, 0.00005);
    expect(50, 100, 0.3983, 0.6017, 0.00005);
    /* Newcombe, Statistics in Medicine 1998, table I, method 5 */
    expect(81, 263, 0.2527, 0.3676, 0.00005);
    expect(15, 148, 0.0578, 0.1617, 0.00005);
    expect(0, 20, 0, 0.1684, 0.00005);
    expect(1, 29, 0.0009, 0.1776, 0.00005);
}
END_TEST

/* None of n: the upper bound is 1 - 0.025^(1/n), worked out without the beta distribution. */
START_TEST(test_none_and_all)
{
    for (uint64_t n = 1; n < 2000000; n = n * 3 + 1) {
        double bound = -expm1(log(0.025) / (double)n);
        expect(0, n, 0, bound, 1e-9);
        expect(n, n, 1 - bound, 1, 1e-9);
    }
    ck_assert(interval_of(0, 0, 0).low == 0 && interval_of(0, 0, 0).high == 1);
}
END_TEST

/* P(X >= k) at the lower and P(X <= k) at the upper bound is 0.025, summed term by term. */
static double tail_of(uint64_t n, double p, uint64_t from, uint64_t to)
{
    double sum = 0;
    for (uint64_t k = from; k <= to; k++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) +
                   (double)k * log(p) + (double)(n - k) * log1p(-p));
    return sum;
}

START_TEST(test_by_definition)
{
    for (int i = 0; i < CASES; i++) {
        uint64_t n = 2 + draw(400), k = 1 + draw(n - 1);
        struct interval found = interval_of(k, k, n);
        ck_assert(fabs(tail_of(n, found.low, k, n) - 0.025) < 1e-8);
        ck_assert(fabs(tail_of(n, found.high, 0, k) - 0.025) < 1e-8);
    }
}
END_TEST

/* What is not known widens it, each bound as if that had been counted. */
START_TEST(test_unknown_widens)
{
    struct interval wide = interval_of(3, 8, 50), low = interval_of(3, 3, 50), high = interval_of(8, 8, 50);
    ck_assert(wide.low == low.low && wide.high == high.high);
}
END_TEST

struct drawn {
    struct cover_set set[SETS_MOST];
    uint32_t item[SETS_MOST][ITEMS_MOST];
    double weight[ITEMS_MOST];
    size_t sets;
};

static double weight_of(const struct drawn *drawn, uint64_t chosen)
{
    double sum = 0;
    for (uint32_t i = 0; i < ITEMS_MOST; i++) {
        bool covered = false;
        for (size_t s = 0; s < drawn->sets; s++)
            for (size_t k = 0; chosen >> s & 1 && k < drawn->set[s].count; k++)
                covered = covered || drawn->set[s].item[k] == i;
        sum += covered ? drawn->weight[i] : 0;
    }
    return sum;
}

START_TEST(test_cover)
{
    for (int i = 0; i < CASES; i++) {
        struct drawn drawn = { .sets = 1 + draw(SETS_MOST) };
        size_t chosen[SETS_MOST], most = 1 + draw(4);
        for (size_t k = 0; k < ITEMS_MOST; k++)
            drawn.weight[k] = (double)draw(5);
        for (size_t s = 0; s < drawn.sets; s++) {
            drawn.set[s].item = drawn.item[s];
            for (uint32_t k = 0; k < ITEMS_MOST; k++)
                if (draw(3) == 0)
                    drawn.item[s][drawn.set[s].count++] = k;
        }
        size_t count = cover_most(drawn.set, drawn.sets, drawn.weight, ITEMS_MOST, most, chosen);
        uint64_t greedy = 0;
        for (size_t k = 0; k < count; k++)
            greedy |= (uint64_t)1 << chosen[k];
        double found = weight_of(&drawn, greedy), best = 0, whole = weight_of(&drawn, ~(uint64_t)0), one = 0;
        for (uint64_t some = 0; some < (uint64_t)1 << drawn.sets; some++) {
            size_t size = (size_t)__builtin_popcountll(some);
            double weight = weight_of(&drawn, some);
            best = size <= most && weight > best ? weight : best;
            one = size == 1 && weight > one ? weight : one;
        }
        ck_assert(found >= (1 - exp(-1)) * best);
        if (most == 1)
            ck_assert(found == one);
        if (count < most) /* it stopped because nothing was left to gain */
            ck_assert(found == whole);
        ck_assert_uint_le(count, most);
    }
}
END_TEST

START_TEST(test_cheaper_of_equals)
{
    const uint32_t all[] = { 0, 1 };
    const struct cover_set sets[] = { { all, 2, 5 }, { all, 2, 3 }, { all, 1, 0 } };
    const double weight[] = { 1, 1 };
    size_t chosen[3];
    ck_assert_uint_eq(cover_most(sets, 3, weight, 2, 3, chosen), 1);
    ck_assert_uint_eq(chosen[0], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interval");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_published);
    tcase_add_test(all, test_none_and_all);
    tcase_add_test(all, test_by_definition);
    tcase_add_test(all, test_unknown_widens);
    tcase_add_test(all, test_cover);
    tcase_add_test(all, test_cheaper_of_equals);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
