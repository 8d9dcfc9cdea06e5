/* Shares and orders against brute force: every order of the members, every completion of what is unknown. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/game.h"
#include "analyze/order.h"
#include "base/memory.h"

enum { GAMES = 300, PATTERNS_MOST = 12, SMALL = 5 };

static uint64_t seed = 1;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static int stops(const struct game *game, uint64_t hit)
{
    double sum = 0;
    if (!game->weight)
        return hit != 0;
    for (size_t m = 0; m < game->members; m++)
        sum += hit >> m & 1 ? game->weight[m] : 0;
    return sum >= game->threshold;
}

/* Calls for each order of `count` members. */
static void each_order(size_t *order, size_t from, size_t count,
                       void (*take)(void *state, const size_t *order), void *state)
{
    if (from == count)
        take(state, order);
    for (size_t i = from; i < count; i++) {
        size_t swap = order[from];
        order[from] = order[i];
        order[i] = swap;
        each_order(order, from + 1, count, take, state);
        order[i] = order[from];
        order[from] = swap;
    }
}

struct averaging {
    const struct game *game;
    uint64_t hit;
    double sum[SMALL];
    size_t orders;
};

static void add_order(void *state, const size_t *order)
{
    struct averaging *averaging = state;
    uint64_t before = 0;
    for (size_t k = 0; k < averaging->game->members; k++) {
        uint64_t own = averaging->hit & (uint64_t)1 << order[k];
        averaging->sum[order[k]] += stops(averaging->game, before | own) - stops(averaging->game, before);
        before |= own;
    }
    averaging->orders++;
}

/* What every member has of one unit, by the definition. */
static void plain(const struct game *game, uint64_t hit, double shapley[SMALL], int unique[SMALL],
                  int marginal[SMALL])
{
    struct averaging averaging = { .game = game, .hit = hit };
    size_t order[SMALL];
    uint64_t before = 0;
    for (size_t m = 0; m < game->members; m++)
        order[m] = m;
    each_order(order, 0, game->members, add_order, &averaging);
    for (size_t m = 0; m < game->members; m++) {
        uint64_t own = hit & (uint64_t)1 << m;
        shapley[m] = averaging.sum[m] / (double)averaging.orders;
        unique[m] = stops(game, hit) - stops(game, hit & ~own);
        marginal[m] = stops(game, before | own) - stops(game, before);
        before |= own;
    }
}

static void check_near(double found, double expected)
{
    ck_assert_msg(fabs(found - expected) < 1e-6, "%.9f is not %.9f", found, expected);
}

static void check_game(const struct game *game)
{
    struct shares *shares = mem_alloc(sizeof *shares);
    struct share expected[SMALL];
    struct counted whole = { 0, 0, 0 };
    uint64_t known = 0, left_out = 0;
    memset(expected, 0, sizeof expected);
    for (size_t i = 0; i < game->patterns; i++) {
        const struct pattern *pattern = &game->pattern[i];
        int64_t units = (int64_t)pattern->units;
        double low[SMALL] = { 0 }, high[SMALL] = { 0 };
        int least[SMALL][2], most[SMALL][2], all_least = 2, all_most = -2;
        bool first = true;
        *(pattern->unknown ? &left_out : &known) += pattern->units;
        for (uint64_t some = pattern->unknown;; some = (some - 1) & pattern->unknown) {
            double shapley[SMALL];
            int unique[SMALL], marginal[SMALL];
            plain(game, pattern->hit | some, shapley, unique, marginal);
            int all = stops(game, pattern->hit | some) - stops(game, 0);
            all_least = all < all_least ? all : all_least;
            all_most = all > all_most ? all : all_most;
            for (size_t m = 0; m < game->members; m++) {
                const int two[] = { unique[m], marginal[m] };
                low[m] = first || shapley[m] < low[m] ? shapley[m] : low[m];
                high[m] = first || shapley[m] > high[m] ? shapley[m] : high[m];
                for (int k = 0; k < 2; k++) {
                    least[m][k] = first || two[k] < least[m][k] ? two[k] : least[m][k];
                    most[m][k] = first || two[k] > most[m][k] ? two[k] : most[m][k];
                }
            }
            first = false;
            if (some == 0)
                break;
        }
        whole.count += pattern->unknown ? 0 : units * all_least;
        whole.low += units * all_least;
        whole.high += units * all_most;
        for (size_t m = 0; m < game->members; m++) {
            struct counted *both[] = { &expected[m].unique, &expected[m].marginal };
            for (int k = 0; k < 2; k++) {
                both[k]->count += pattern->unknown ? 0 : units * least[m][k];
                both[k]->low += units * least[m][k];
                both[k]->high += units * most[m][k];
            }
            expected[m].shapley += pattern->unknown ? 0 : (double)units * low[m];
            expected[m].shapley_low += (double)units * low[m];
            expected[m].shapley_high += (double)units * high[m];
        }
    }
    game_share(game, shares);
    ck_assert_uint_eq(shares->known, known);
    ck_assert_uint_eq(shares->left_out, left_out);
    ck_assert_int_eq(shares->whole.count, whole.count);
    ck_assert_int_eq(shares->whole.low, whole.low);
    ck_assert_int_eq(shares->whole.high, whole.high);
    double sum = 0;
    int64_t marginals = 0;
    for (size_t m = 0; m < game->members; m++) {
        const struct share *share = &shares->share[m];
        ck_assert_int_eq(share->unique.count, expected[m].unique.count);
        ck_assert_int_eq(share->unique.low, expected[m].unique.low);
        ck_assert_int_eq(share->unique.high, expected[m].unique.high);
        ck_assert_int_eq(share->marginal.count, expected[m].marginal.count);
        ck_assert_int_eq(share->marginal.low, expected[m].marginal.low);
        ck_assert_int_eq(share->marginal.high, expected[m].marginal.high);
        check_near(share->shapley, expected[m].shapley);
        check_near(share->shapley_low, expected[m].shapley_low);
        check_near(share->shapley_high, expected[m].shapley_high);
        sum += share->shapley;
        marginals += share->marginal.count;
    }
    check_near(sum, (double)whole.count); /* Shapley's shares and marginals sum to the whole */
    ck_assert_int_eq(marginals, whole.count);
    free(shares);
}

struct random_game {
    struct game game;
    int32_t weight[SMALL];
    struct pattern pattern[PATTERNS_MOST];
};

static void draw_game(struct random_game *drawn, bool weighted)
{
    *drawn = (struct random_game){ 0 };
    struct game *game = &drawn->game;
    game->members = 1 + draw(SMALL);
    game->patterns = draw(PATTERNS_MOST + 1);
    game->pattern = drawn->pattern;
    for (size_t m = 0; m < game->members; m++)
        drawn->weight[m] = (int32_t)draw(8) - 2;
    game->weight = weighted ? drawn->weight : NULL;
    game->threshold = 0.5 + (double)draw(12) / 2;
    for (size_t i = 0; i < game->patterns; i++) {
        uint64_t all = ((uint64_t)1 << game->members) - 1, hit = draw(all + 1);
        uint64_t unknown = draw(2) ? draw(all + 1) & ~hit : 0;
        drawn->pattern[i] = (struct pattern){ hit, unknown, 1 + draw(50) };
    }
}

START_TEST(test_shares)
{
    for (int i = 0; i < GAMES; i++) {
        struct random_game drawn;
        draw_game(&drawn, i % 2);
        check_game(&drawn.game);
    }
}
END_TEST

/* Two lists, by hand: of 6 units, 3 are on both, 1 on the first alone, 2 on neither. */
START_TEST(test_by_hand)
{
    const struct pattern patterns[] = { { 3, 0, 3 }, { 1, 0, 1 }, { 0, 0, 2 } };
    const struct game game = { .members = 2, .pattern = patterns, .patterns = 3 };
    struct shares *shares = mem_alloc(sizeof *shares);
    game_share(&game, shares);
    ck_assert_int_eq(shares->share[0].hits.count, 4);
    ck_assert_int_eq(shares->share[1].hits.count, 3);
    ck_assert_int_eq(shares->share[0].unique.count, 1);
    ck_assert_int_eq(shares->share[1].unique.count, 0);
    ck_assert_int_eq(shares->share[1].marginal.count, 0);
    check_near(shares->share[0].shapley, 2.5);
    check_near(shares->share[1].shapley, 1.5);
    ck_assert_uint_eq(shares->both[0][1], 3);
    ck_assert_uint_eq(shares->hit[0][1], 4);
    ck_assert_uint_eq(game_loss(&game, 2).count, 0);
    ck_assert_uint_eq(game_loss(&game, 1).count, 1);
    ck_assert_uint_eq(game_loss(&game, 3).count, 4);
    free(shares);
}
END_TEST

/* The loss of known units is exact; of all, no completion loses more. */
START_TEST(test_loss)
{
    for (int i = 0; i < GAMES; i++) {
        struct random_game drawn;
        draw_game(&drawn, i % 2);
        const struct game *game = &drawn.game;
        uint64_t without = draw((uint64_t)1 << game->members), count = 0, high = 0;
        for (size_t p = 0; p < game->patterns; p++) {
            const struct pattern *pattern = &game->pattern[p];
            bool lost = false;
            for (uint64_t some = pattern->unknown;; some = (some - 1) & pattern->unknown) {
                uint64_t hit = pattern->hit | some;
                lost = lost || (stops(game, hit) && !stops(game, hit & ~without));
                if (some == 0)
                    break;
            }
            count += lost && !pattern->unknown ? pattern->units : 0;
            high += lost ? pattern->units : 0;
        }
        struct loss loss = game_loss(game, without);
        ck_assert_uint_eq(loss.count, count);
        if (game->weight)
            ck_assert_uint_ge(loss.high, high);
        else
            ck_assert_uint_eq(loss.high, high);
    }
}
END_TEST

struct searching {
    const struct asked_order *asked;
    const struct expected *pattern;
    size_t patterns;
    double least;
};

static void try_order(void *state, const size_t *order)
{
    struct searching *searching = state;
    double cost = order_cost(searching->asked, searching->pattern, searching->patterns, order);
    searching->least = cost < searching->least ? cost : searching->least;
}

/* No order costs less than the best one. */
START_TEST(test_order)
{
    static const char *const letters[] = { "a", "b", "c", "d", "e", "f" };
    enum { MOST = 6 };
    for (int i = 0; i < GAMES; i++) {
        struct expected patterns[PATTERNS_MOST];
        struct str name[MOST];
        double cost[MOST];
        size_t order[MOST], best[MOST], count = 1 + draw(MOST), pattern_count = draw(PATTERNS_MOST + 1);
        for (size_t m = 0; m < count; m++) {
            name[m] = str_of(letters[m]);
            cost[m] = (double)draw(5) / 2;
            order[m] = m;
        }
        for (size_t p = 0; p < pattern_count; p++)
            patterns[p] = (struct expected){ draw((uint64_t)1 << count), (double)draw(1000) / 7 };
        const struct asked_order asked = { count, cost, name };
        struct searching searching = { &asked, patterns, pattern_count, INFINITY };
        each_order(order, 0, count, try_order, &searching);
        check_near(order_best(&asked, patterns, pattern_count, best), searching.least);
        uint64_t seen = 0;
        for (size_t m = 0; m < count; m++)
            seen |= (uint64_t)1 << best[m];
        ck_assert_uint_eq(seen, ((uint64_t)1 << count) - 1);
    }
}
END_TEST

START_TEST(test_ties_by_name)
{
    const struct expected patterns[] = { { 1, 10 }, { 2, 10 }, { 4, 10 } };
    const double cost[] = { 1, 1, 1 };
    const struct str name[] = { STR("virus"), STR("dkim"), STR("spam") };
    const struct asked_order asked = { 3, cost, name };
    size_t best[3];
    check_near(order_best(&asked, patterns, 3, best), 10 + 20 + 30);
    ck_assert_uint_eq(best[0], 1);
    ck_assert_uint_eq(best[1], 2);
    ck_assert_uint_eq(best[2], 0);
}
END_TEST

/* More than are tried exactly: the cheapest for what each stops comes first. */
START_TEST(test_many)
{
    enum { MANY = EXACT_MOST + 4 };
    struct expected patterns[MANY];
    double cost[MANY];
    struct str name[MANY];
    size_t best[MANY];
    for (size_t m = 0; m < MANY; m++) {
        patterns[m] = (struct expected){ (uint64_t)1 << m, (double)(m + 1) };
        cost[m] = 1;
        name[m] = STR("same");
    }
    const struct asked_order asked = { MANY, cost, name };
    order_best(&asked, patterns, MANY, best);
    for (size_t m = 0; m < MANY; m++)
        ck_assert_uint_eq(best[m], MANY - 1 - m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("game");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_shares);
    tcase_add_test(all, test_by_hand);
    tcase_add_test(all, test_loss);
    tcase_add_test(all, test_order);
    tcase_add_test(all, test_ties_by_name);
    tcase_add_test(all, test_many);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
