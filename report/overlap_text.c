/* The overlap as tables. A group's members have numbers from 1, by which the tables that follow name them. */
#define _GNU_SOURCE
#include "report/overlap_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/escape.h"
#include "report/slices.h"
#include "report/utf8.h"
#include "report/words.h"

const char *const overlap_part_name[OVERLAP_PARTS] = {
    [OVERLAP_ALL] = "all",     [OVERLAP_SHARES] = "shares",
    [OVERLAP_PAIRS] = "pairs", [OVERLAP_COMBINATIONS] = "combinations",
    [OVERLAP_ORDER] = "order",
};

enum { NAME_COLUMNS = 36, BAR_COLUMNS = 24 };

struct page {
    const struct overlap *overlap;
    enum table_format format;
    size_t most;
    FILE *to;
    struct arena arena;
};

static void percent_text(double share, uint64_t of, char text[NUMBER_BYTES])
{
    number_text(of ? share * 100 / (double)of : 0, 2, text);
}

/* ---- Words. */

static void say_heading(struct page *page, struct str text)
{
    fprintf(page->to, "\n%s", page->format == TABLE_MARKDOWN ? "## " : "");
    words_say(page->to, page->format, "%.*s", STR_ARG(text));
    fputs("\n", page->to);
}

static const char *units_of(const struct page *page, uint64_t count)
{
    return count == 1 ? unit_name[page->overlap->unit] : unit_plural[page->overlap->unit];
}

static bool is_for_people(const struct page *page)
{
    return table_is_for_people(page->format);
}

static struct str short_name(struct page *page, const struct overlap_group *group, size_t member)
{
    return text_fit(&page->arena, text_visible(&page->arena, group->names[member]), NAME_COLUMNS);
}

/* ---- Shares. */

static struct str names_of(struct page *page, const struct overlap_group *group, uint64_t members,
                           const char *between)
{
    struct str text = STR("");
    for (; members; members &= members - 1)
        text = arena_printf(&page->arena, "%.*s%s%.*s", STR_ARG(text), text.len ? between : "",
                            STR_ARG(short_name(page, group, (size_t)__builtin_ctzll(members))));
    return text;
}

static void say_known(struct page *page, const struct overlap_group *group)
{
    const struct shares *shares = group->shares;
    struct str apart = names_of(page, group, group->game.apart, ", ");
    for (size_t i = 0; i < group->aside_count; i++)
        words_say(page->to, page->format, "Of %.*s nothing is known: it is left out.",
                  STR_ARG(text_fit(&page->arena, text_visible(&page->arena, group->aside[i]), NAME_COLUMNS)));
    if (apart.len)
        words_say(
            page->to, page->format,
            "Too little is known of %.*s: compared, most %s would be left out; what follows is as if there "
            "were only the others (--only NAME --only NAME compares any).",
            STR_ARG(apart), units_of(page, 2));
    if (shares->left_out == 0)
        words_say(page->to, page->format, "All is known %sof all %" PRIu64 " %s.",
                  apart.len ? "of the others " : "", shares->known, units_of(page, shares->known));
    else
        words_say(page->to, page->format,
                  "Counts are of the %" PRIu64 " %s of which all is known%s; %" PRIu64
                  " are left out, most often (%" PRIu64
                  " times) because it is not known what %.*s would say.",
                  shares->known, units_of(page, shares->known), apart.len ? " of the others" : "",
                  shares->left_out, group->blind_units, STR_ARG(short_name(page, group, group->blindest)));
    struct str unlike = names_of(page, group, overlap_unlike(group), ", ");
    if (unlike.len)
        words_say(page->to, page->format,
                  "Most whom %.*s %s are among those left out: of it the counts say little.", STR_ARG(unlike),
                  group->zones ? "lists" : "stops");
    if (apart.len || shares->left_out)
        words_say(
            page->to, page->format,
            "`at least` and `at most` are of all. %s; mxreplay status --coverage tells what else would.",
            group->zones ? "A server asks no more lists after one that turns a client away: enrich "
                           "--dnsbl-zone tells of the others"
                         : "A server asks no more after what turns a client away: enrich tells more");
}

static void put_counted(struct table *table, const struct counted *counted, bool bounds)
{
    const int64_t values[] = { counted->count, counted->low, counted->high };
    char text[NUMBER_BYTES];
    for (size_t i = bounds ? 1 : 0; i < (bounds ? 3u : 1u); i++) {
        int len = snprintf(text, sizeof text, "%" PRId64, values[i]);
        table_cell(table, (struct str){ text, (size_t)len });
    }
}

static void put_shapley(struct table *table, const struct share *share, bool bounds)
{
    char text[NUMBER_BYTES];
    if (!bounds) {
        number_text(share->shapley, 2, text);
        table_cell(table, str_of(text));
        return;
    }
    number_text(share->shapley_low, 2, text);
    table_cell(table, str_of(text));
    number_text(share->shapley_high, 2, text);
    table_cell(table, str_of(text));
}

/* A member that is compared with none. */
static void put_row_apart(struct table *table, size_t number, struct str name, const struct share *share)
{
    enum { COMPARED = 6 };
    table_count(table, number);
    table_cell(table, name);
    put_counted(table, &share->hits, true);
    for (int i = 0; i < COMPARED; i++)
        table_cell(table, STR("-"));
    put_shapley(table, share, true);
}

static void put_share_row(struct table *table, size_t number, struct str name, const struct share *share,
                          uint64_t known, bool bounds, bool total)
{
    char text[NUMBER_BYTES];
    if (total)
        table_cell(table, STR(""));
    else
        table_count(table, number);
    table_cell(table, name);
    if (bounds)
        put_counted(table, &share->hits, true);
    put_counted(table, &share->hits, false);
    percent_text((double)share->hits.count, known, text);
    table_cell(table, str_of(text));
    if (total)
        table_cell(table, STR(""));
    else
        put_counted(table, &share->unique, false);
    put_counted(table, &share->marginal, false);
    put_shapley(table, share, false);
    percent_text(share->shapley, known, text);
    table_cell(table, str_of(text));
    if (bounds)
        put_shapley(table, share, true);
}

static bool is_bound(const char *column)
{
    return str_ends(str_of(column), STR("_low")) || str_ends(str_of(column), STR("_high"));
}

static int print_shares(struct page *page, const struct overlap_group *group, struct why *why)
{
    const struct shares *shares = group->shares;
    bool bounds = shares->left_out > 0 || group->game.apart;
    const struct column columns[] = {
        { .name = "number", .title = STR_INIT("#"), .number = true },
        { .name = "name", .title = group->zones ? STR("list") : STR("measure"), .most = NAME_COLUMNS },
        { .name = "hits_low", .title = STR_INIT("hits at least"), .number = true },
        { .name = "hits_high", .title = STR_INIT("at most"), .number = true },
        { .name = "hits", .title = bounds ? STR("of the known: hits") : STR("hits"), .number = true },
        { .name = "percent", .title = STR_INIT("%"), .number = true },
        { .name = "unique", .title = STR_INIT("alone"), .number = true },
        { .name = "marginal", .title = STR_INIT("in order"), .number = true },
        { .name = "shapley", .number = true },
        { .name = "shapley_percent", .title = STR_INIT("%"), .number = true },
        { .name = "shapley_low", .title = STR_INIT("shapley of all, at least"), .number = true },
        { .name = "shapley_high", .title = STR_INIT("at most"), .number = true },
    };
    say_heading(page, group->title);
    say_known(page, group);
    if (group->game.weight)
        words_say(
            page->to, page->format,
            "A client is turned away where the weights of the lists sum to %g: `alone` and `in order` count "
            "whom "
            "a list brings there.",
            group->game.threshold);
    fputs("\n", page->to);
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct column kept[COLUMNS];
    size_t count = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        if (bounds || !is_bound(columns[i].name))
            kept[count++] = columns[i];
    struct table *table = table_open(page->to, page->format, kept, count);
    for (size_t m = 0; m < group->count; m++)
        if (group->game.apart >> m & 1)
            put_row_apart(table, m + 1, group->names[m], &shares->share[m]);
        else
            put_share_row(table, m + 1, group->names[m], &shares->share[m], shares->known, bounds, false);
    table_rule(table);
    const struct share whole = { .hits = shares->whole,
                                 .marginal = shares->whole,
                                 .shapley = (double)shares->whole.count,
                                 .shapley_low = (double)shares->whole.low,
                                 .shapley_high = (double)shares->whole.high };
    put_share_row(table, 0, STR("together"), &whole, shares->known, bounds, true);
    return table_close(table, why);
}

static void print_drops(struct page *page, const struct overlap_group *group)
{
    const char *what = group->zones ? "list" : "measure";
    uint64_t all = group->shares->known + group->shares->left_out;
    for (size_t i = 0; i < group->drop_count; i++) {
        const struct drop *drop = &group->drops[i];
        const struct loss *loss = &drop->together;
        const char *upto = loss->high > loss->count ? "at most " : "";
        char adds[NUMBER_BYTES];
        percent_text((double)loss->high, all, adds);
        struct str name = short_name(page, group, drop->member);
        fputs("\n", page->to);
        if (i == 0)
            words_say(page->to, page->format,
                      "Drop the %s %.*s: it adds %s%s %% (%" PRIu64 " of %" PRIu64 ").", what, STR_ARG(name),
                      upto, adds, loss->high, all);
        else
            words_say(page->to, page->format, "Then drop %.*s, too: together they add %s%s %% (%" PRIu64 ").",
                      STR_ARG(name), upto, adds, loss->high);
    }
    if (group->drop_count == 0 && group->count > 1) {
        fputs("\n", page->to);
        words_say(page->to, page->format,
                  group->shares->left_out
                      ? "None of them is known to add less than 0.1 %%, whatever is unknown: none to drop."
                      : "None of them adds less than 0.1 %%: none to drop.");
    }
}

/* ---- Pairs. */

static int print_pairs(struct page *page, const struct overlap_group *group, struct why *why)
{
    struct column *columns = arena_zero(&page->arena, (group->count + 2) * sizeof *columns);
    columns[0] = (struct column){ .name = "number", .title = STR("#"), .number = true };
    columns[1] = (struct column){ .name = "name", .title = STR("% of its hits"), .most = NAME_COLUMNS };
    for (size_t m = 0; m < group->count; m++)
        columns[m + 2] =
            (struct column){ .name = arena_printf(&page->arena, "%zu", m + 1).at, .number = true };
    fputs("\n", page->to);
    words_say(
        page->to, page->format,
        "Of those that the one hits, and of which the other is known, the percentage that the other (by its "
        "number) hits too:");
    fputs("\n", page->to);
    struct table *table = table_open(page->to, page->format, columns, group->count + 2);
    for (size_t m = 0; m < group->count; m++) {
        table_count(table, m + 1);
        table_cell(table, group->names[m]);
        for (size_t other = 0; other < group->count; other++) {
            uint64_t own = group->shares->hit[m][other];
            char text[16];
            percent_format(group->shares->both[m][other], own, text);
            table_cell(table, own ? str_of(text) : STR("-"));
        }
    }
    return table_close(table, why);
}

/* ---- Combinations: an UpSet picture of text. */

/* The known patterns, most units first; `rest`: units in those that are not shown. */
static size_t shown_patterns(const struct page *page, const struct overlap_group *group,
                             const struct pattern **shown, uint64_t *rest)
{
    size_t count = 0;
    *rest = 0;
    for (size_t i = 0; i < group->known_count; i++) {
        const struct pattern *pattern = &group->known[i];
        if (page->most == 0 || count < page->most)
            shown[count++] = pattern;
        else
            *rest += pattern->units;
    }
    return count;
}

static struct str bar_of(struct page *page, uint64_t units, uint64_t most)
{
    size_t cells = most ? (size_t)((units * (uint64_t)BAR_COLUMNS * 2 + most) / (most * 2)) : 0;
    char bar[BAR_COLUMNS + 1];
    memset(bar, '#', cells);
    return arena_str(&page->arena, (struct str){ bar, cells });
}

static int print_combinations(struct page *page, const struct overlap_group *group, struct why *why)
{
    struct arena *arena = &page->arena;
    struct column *columns = arena_zero(arena, (group->count + 3) * sizeof *columns);
    const struct pattern **shown = arena_zero(arena, (group->known_count + 1) * sizeof *shown);
    uint64_t rest = 0;
    size_t count = shown_patterns(page, group, shown, &rest);
    for (size_t m = 0; m < group->count; m++)
        columns[m] = (struct column){ .name = arena_printf(arena, "%zu", m + 1).at };
    columns[group->count] =
        (struct column){ .name = "units", .title = str_of(units_of(page, 0)), .number = true };
    columns[group->count + 1] = (struct column){ .name = "percent", .title = STR("%"), .number = true };
    columns[group->count + 2] = (struct column){ .name = "bar", .title = STR("exactly these hit") };
    fputs("\n", page->to);
    struct table *table = table_open(page->to, page->format, columns, group->count + 3);
    for (size_t i = 0; i < count; i++) {
        char text[16];
        for (size_t m = 0; m < group->count; m++)
            table_cell(table, group->game.apart >> m & 1 ? STR(" ")
                              : shown[i]->hit >> m & 1   ? STR("x")
                                                         : STR("."));
        table_count(table, shown[i]->units);
        percent_format(shown[i]->units, group->shares->known, text);
        table_cell(table, str_of(text));
        table_cell(table, bar_of(page, shown[i]->units, shown[0]->units));
    }
    int result = table_close(table, why);
    if (rest) {
        fputs("\n", page->to);
        words_say(page->to, page->format, "%" PRIu64 " more have other combinations; --most 0 shows all.",
                  rest);
    }
    return result;
}

/* ---- The order. */

static struct str order_text(struct page *page, const size_t *order, size_t count)
{
    const struct overlap_group *measures = &page->overlap->groups[0];
    struct str text = STR("");
    for (size_t k = 0; k < count; k++)
        text = arena_printf(&page->arena, "%.*s%s%.*s", STR_ARG(text), k ? ", " : "",
                            STR_ARG(measures->names[order[k]]));
    return text;
}

static bool is_as_good(const struct overlap_stage *stage)
{
    return stage->cost_now <= stage->cost_best * (1 + 1e-9);
}

static void say_order_heading(struct page *page)
{
    const struct overlap *overlap = page->overlap;
    bool exact = true, estimated = false;
    for (size_t i = 0; i < overlap->stage_count; i++) {
        exact = exact && overlap->stages[i].exact;
        estimated = estimated || overlap->stages[i].unknown;
    }
    say_heading(page, STR("The order that costs least"));
    words_say(
        page->to, page->format,
        "Within each stage, the cheapest first for what it stops. What each costs: its `cost`, else "
        "look-ups; seconds where messages are scanned.%s%s",
        estimated ? " ~: not all is known, and what is unknown counts by the rate among the others." : "",
        exact ? "" : " Where a stage has more than 16 measures, no order costs less than a quarter of this.");
    fputs("\n", page->to);
}

/* The orders themselves, which no column of a terminal has room for. */
static void say_orders(struct page *page)
{
    for (size_t i = 0; i < page->overlap->stage_count; i++) {
        const struct overlap_stage *stage = &page->overlap->stages[i];
        if (stage->count < 2)
            continue;
        fputs("\n", page->to);
        words_say(page->to, page->format, "At %s now: %.*s.", stage_name[stage->stage],
                  STR_ARG(order_text(page, stage->now, stage->count)));
        if (is_as_good(stage))
            words_say(page->to, page->format, "No order costs less.");
        else
            words_say(page->to, page->format, "Costs least: %.*s.",
                      STR_ARG(order_text(page, stage->best, stage->count)));
    }
}

static void put_cost(struct page *page, struct table *table, const struct overlap_stage *stage, double cost)
{
    char text[NUMBER_BYTES];
    number_text(cost, 2, text);
    table_cell(table, is_for_people(page) && stage->unknown ? arena_printf(&page->arena, "~%s", text)
                                                            : str_of(text));
}

static int print_order(struct page *page, struct why *why)
{
    static const struct column columns[] = {
        { .name = "stage" },
        { .name = "units", .title = STR_INIT("reach it"), .number = true },
        { .name = "unknown", .title = STR_INIT("estimated"), .number = true },
        { .name = "cost", .number = true },
        { .name = "best_cost", .title = STR_INIT("best cost"), .number = true },
        { .name = "saved_percent", .title = STR_INIT("saved %"), .number = true },
        { .name = "order" }, /* these two are sentences for people */
        { .name = "best" },
    };
    size_t count = sizeof columns / sizeof *columns - (is_for_people(page) ? 2 : 0);
    if (is_for_people(page))
        say_order_heading(page);
    struct table *table = table_open(page->to, page->format, columns, count);
    for (size_t i = 0; i < page->overlap->stage_count; i++) {
        const struct overlap_stage *stage = &page->overlap->stages[i];
        double saved = stage->cost_now - stage->cost_best;
        table_cell(table, str_of(stage_name[stage->stage]));
        table_count(table, (uint64_t)(stage->units + 0.5));
        table_count(table, stage->unknown);
        put_cost(page, table, stage, stage->cost_now);
        put_cost(page, table, stage, stage->cost_best);
        put_cost(page, table, stage, stage->cost_now > 0 ? saved * 100 / stage->cost_now : 0);
        if (!is_for_people(page)) {
            table_cell(table, order_text(page, stage->now, stage->count));
            table_cell(table, order_text(page, stage->best, stage->count));
        }
    }
    int result = table_close(table, why);
    if (is_for_people(page))
        say_orders(page);
    return result;
}

/* ---- For people. */

static void print_heading(struct page *page)
{
    const struct overlap *overlap = page->overlap;
    char period[PERIOD_TEXT_BYTES];
    period_text(overlap->from, overlap->to, period);
    words_say(page->to, page->format, "What each measure of policy %.*s catches: %" PRIu64 " %s, %s (UTC)",
              STR_ARG(text_fit(&page->arena, text_visible(&page->arena, overlap->policy), 40)),
              overlap->units, units_of(page, overlap->units), period);
}

static void print_legend(struct page *page)
{
    static const char *const lines[] = {
        "hits: would be stopped by it alone, whoever else stops them.",
        "alone: of these, those that none of the others stops: what dropping it would let by.",
        "in order: what it adds to those before it.",
        "shapley: what it adds on average over all orders; what k stop together counts 1/k for each.",
    };
    fputs("\n", page->to);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        fprintf(page->to, "%s%s\n", page->format == TABLE_MARKDOWN ? "- " : "", lines[i]);
}

static void print_notes(struct page *page)
{
    const struct overlap *overlap = page->overlap;
    for (size_t i = 0; i < overlap->note_count; i++) {
        fputs("\n", page->to);
        words_say(page->to, page->format, "%.*s", STR_ARG(overlap->notes[i]));
    }
    for (size_t i = 0; i < overlap->warner_count; i++) {
        fputs("\n", page->to);
        words_say(page->to, page->format, "%.*s only warns, and is left out.", STR_ARG(overlap->warners[i]));
    }
}

static int print_for_people(struct page *page, enum overlap_part part, struct why *why)
{
    const struct overlap *overlap = page->overlap;
    bool all = part == OVERLAP_ALL;
    int result = 0;
    print_heading(page);
    for (size_t g = 0; g < overlap->group_count && result == 0 && part != OVERLAP_ORDER; g++) {
        const struct overlap_group *group = &overlap->groups[g];
        if (!all && part != OVERLAP_SHARES)
            say_heading(page, group->title);
        if (all || part == OVERLAP_SHARES) {
            result = print_shares(page, group, why);
            print_drops(page, group);
        }
        if (result == 0 && (all || part == OVERLAP_PAIRS) && group->count > 1)
            result = print_pairs(page, group, why);
        if (result == 0 && (all || part == OVERLAP_COMBINATIONS))
            result = print_combinations(page, group, why);
    }
    if (result == 0 && (all || part == OVERLAP_ORDER))
        result = print_order(page, why);
    if (all || part == OVERLAP_SHARES)
        print_legend(page);
    print_notes(page);
    return result;
}

/* ---- For machines. */

static void csv_shares(struct page *page, struct table *table)
{
    for (size_t g = 0; g < page->overlap->group_count; g++) {
        const struct overlap_group *group = &page->overlap->groups[g];
        for (size_t m = 0; m < group->count; m++) {
            const struct share *share = &group->shares->share[m];
            const struct counted *counts[] = { &share->hits, &share->unique, &share->marginal };
            bool apart = group->game.apart >> m & 1;
            table_cell(table, group->name);
            table_cell(table, group->names[m]);
            table_count(table, group->shares->known);
            table_count(table, group->shares->left_out);
            for (size_t i = 0; i < 3; i++) {
                if (apart)
                    table_cell(table, (struct str){ NULL, 0 });
                else
                    put_counted(table, counts[i], false);
                put_counted(table, counts[i], true);
            }
            if (apart)
                table_cell(table, (struct str){ NULL, 0 });
            else
                put_shapley(table, share, false);
            put_shapley(table, share, true);
        }
    }
}

static void csv_pairs(struct page *page, struct table *table)
{
    for (size_t g = 0; g < page->overlap->group_count; g++) {
        const struct overlap_group *group = &page->overlap->groups[g];
        for (size_t m = 0; m < group->count; m++)
            for (size_t other = 0; other < group->count; other++) {
                table_cell(table, group->name);
                table_cell(table, group->names[m]);
                table_cell(table, group->names[other]);
                table_count(table, group->shares->hit[m][other]);
                table_count(table, group->shares->both[m][other]);
            }
    }
}

static void csv_combinations(struct page *page, struct table *table)
{
    for (size_t g = 0; g < page->overlap->group_count; g++) {
        const struct overlap_group *group = &page->overlap->groups[g];
        for (size_t i = 0; i < group->game.patterns; i++) {
            table_cell(table, group->name);
            table_cell(table, names_of(page, group, group->game.pattern[i].hit, " + "));
            table_cell(table, names_of(page, group, group->game.pattern[i].unknown, " + "));
            table_count(table, group->game.pattern[i].units);
        }
    }
}

static int print_csv(struct page *page, enum overlap_part part, struct why *why)
{
#define COUNTED(name)                                                                                        \
    { name, { NULL, 0 }, true, 0 }, { name "_low", { NULL, 0 }, true, 0 },                                   \
    {                                                                                                        \
        name "_high", { NULL, 0 }, true, 0                                                                   \
    }
    static const struct column shares[] = {
        { .name = "group" },
        { .name = "name" },
        { .name = "known", .number = true },
        { .name = "left_out", .number = true },
        COUNTED("hits"),
        COUNTED("unique"),
        COUNTED("marginal"),
        COUNTED("shapley"),
    };
#undef COUNTED
    static const struct column pairs[] = { { .name = "group" },
                                           { .name = "name" },
                                           { .name = "other" },
                                           { .name = "hits", .number = true },
                                           { .name = "both", .number = true } };
    static const struct column combinations[] = {
        { .name = "group" }, { .name = "hit" }, { .name = "unknown" }, { .name = "units", .number = true }
    };
    static const struct {
        const struct column *columns;
        size_t count;
        void (*put)(struct page *page, struct table *table);
    } tables[OVERLAP_ORDER] = {
        [OVERLAP_ALL] = { shares, sizeof shares / sizeof *shares, csv_shares },
        [OVERLAP_SHARES] = { shares, sizeof shares / sizeof *shares, csv_shares },
        [OVERLAP_PAIRS] = { pairs, sizeof pairs / sizeof *pairs, csv_pairs },
        [OVERLAP_COMBINATIONS] = { combinations, sizeof combinations / sizeof *combinations,
                                   csv_combinations },
    };
    if (part >= OVERLAP_ORDER)
        return print_order(page, why);
    struct table *table = table_open(page->to, TABLE_CSV, tables[part].columns, tables[part].count);
    tables[part].put(page, table);
    return table_close(table, why);
}

int overlap_print(const struct overlap *overlap, enum overlap_part part, size_t most,
                  enum table_format format, FILE *to, struct why *why)
{
    struct page page = { .overlap = overlap, .format = format, .most = most, .to = to };
    int result = 0;
    if (format == TABLE_JSON)
        overlap_json(overlap, to);
    else if (format == TABLE_CSV)
        result = print_csv(&page, part, why);
    else
        result = print_for_people(&page, part, why);
    arena_free(&page.arena);
    return result ? result : printed(to, why);
}
