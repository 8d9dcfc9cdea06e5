/* A comparison for people and for machines. */
#define _GNU_SOURCE
#include "report/compare_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/escape.h"
#include "report/json.h"
#include "report/replay_table.h"
#include "report/utf8.h"
#include "report/words.h"

enum { NAME_COLUMNS = 40 };

static const char *const titles[MOVES_BYS] = { "sender domain", "autonomous system", "client network" };

/* ---- Words. */

static bool is_recorded(const struct comparison *comparison, int side)
{
    return tally_is_recorded(&comparison->side[side]);
}

struct str compare_side_name(const struct comparison *comparison, int side, struct arena *arena)
{
    if (is_recorded(comparison, side))
        return STR("the server");
    if (str_eq(comparison->side[0].policy, comparison->side[1].policy))
        return side ? STR("the second policy") : STR("the first policy");
    return text_fit(arena, text_visible(arena, comparison->side[side].policy), NAME_COLUMNS);
}

static struct str units_name(const struct comparison *comparison, uint64_t count)
{
    const struct tally *tally = &comparison->side[0];
    return str_of(count == 1 ? unit_name[tally->unit] : unit_plural[tally->unit]);
}

/* ", of which 3 were wanted and 20 are presumed to be" */
static struct str labels_text(const struct moved *moved, enum change change, struct arena *arena)
{
    const struct bounded *wanted = &moved->wanted[change], *presumed = &moved->presumed[change];
    struct str text = wanted->high == 0 ? STR("of which none were wanted")
                                        : arena_printf(arena, "of which %.*s %s wanted",
                                                       STR_ARG(bounded_text(wanted, arena)),
                                                       wanted->count == 1 ? "was" : "were");
    if (presumed->high)
        text = arena_printf(arena, "%.*s and %.*s presumed to be", STR_ARG(text),
                            STR_ARG(bounded_text(presumed, arena)));
    return text;
}

static struct str unwanted_text(const struct moved *moved, struct arena *arena)
{
    const struct bounded *unwanted = &moved->unwanted[CHANGE_PASSED];
    if (unwanted->high == 0)
        return labels_text(moved, CHANGE_PASSED, arena);
    return arena_printf(arena, "%.*s, and %.*s unwanted", STR_ARG(labels_text(moved, CHANGE_PASSED, arena)),
                        STR_ARG(bounded_text(unwanted, arena)));
}

/* "412 [398, 431] more deliveries": with the sign that the count has. */
static struct str net_text(const struct comparison *comparison, struct arena *arena)
{
    const int64_t *net = comparison->net;
    bool fewer = net[0] < 0 || (net[0] == 0 && net[1] < 0 && net[2] <= 0);
    int64_t count = fewer ? -net[0] : net[0], low = fewer ? -net[2] : net[1], high = fewer ? -net[1] : net[2];
    struct str bounds = low == high ? STR("") : arena_printf(arena, " [%" PRId64 ", %" PRId64 "]", low, high);
    return arena_printf(arena, "%" PRId64 "%.*s %s %.*s", count, STR_ARG(bounds), fewer ? "fewer" : "more",
                        STR_ARG(units_name(comparison, (uint64_t)count)));
}

struct str compare_verdict(const struct comparison *comparison, struct arena *arena)
{
    const struct moved *moved = &comparison->moved;
    struct str first = compare_side_name(comparison, 0, arena),
               second = compare_side_name(comparison, 1, arena);
    struct str than = is_recorded(comparison, 0) ? STR("the server did") : first;
    const struct bounded *stopped = &moved->change[CHANGE_STOPPED], *passed = &moved->change[CHANGE_PASSED];
    const struct bounded *otherwise = &moved->change[CHANGE_OTHERWISE];
    const char *verb = is_recorded(comparison, 1) ? "stopped" : "stops";
    if (!stopped->high && !passed->high) {
        struct str more = otherwise->high == 0 ? STR("")
                                               : arena_printf(arena, "; %.*s come out otherwise",
                                                              STR_ARG(bounded_text(otherwise, arena)));
        return arena_printf(arena, "%.*s %s the same %s as %.*s%.*s.", STR_ARG(second), verb,
                            unit_plural[comparison->side[0].unit], STR_ARG(than), STR_ARG(more));
    }
    struct str net = net_text(comparison, arena);
    if (!passed->high)
        return arena_printf(arena, "%.*s %s %.*s than %.*s, %.*s.", STR_ARG(second), verb, STR_ARG(net),
                            STR_ARG(than), STR_ARG(labels_text(moved, CHANGE_STOPPED, arena)));
    if (!stopped->high)
        return arena_printf(arena, "%.*s %s %.*s than %.*s, %.*s.", STR_ARG(second), verb, STR_ARG(net),
                            STR_ARG(than), STR_ARG(unwanted_text(moved, arena)));
    return arena_printf(
        arena,
        "%.*s %s %.*s than %.*s: %.*s that %.*s lets through, %.*s; and lets %.*s "
        "through that %.*s stops, %.*s.",
        STR_ARG(second), verb, STR_ARG(net), STR_ARG(than), STR_ARG(bounded_text(stopped, arena)),
        STR_ARG(first), STR_ARG(labels_text(moved, CHANGE_STOPPED, arena)),
        STR_ARG(bounded_text(passed, arena)), STR_ARG(first), STR_ARG(unwanted_text(moved, arena)));
}

/* ---- Groups. */

static void counted_add(struct bounded *sum, const struct bounded *one)
{
    sum->count += one->count;
    sum->low += one->low;
    sum->high += one->high;
}

static void group_add(struct moves_group *sum, const struct moves_group *one)
{
    for (int c = 0; c < CHANGES; c++) {
        counted_add(&sum->moved.change[c], &one->moved.change[c]);
        counted_add(&sum->moved.wanted[c], &one->moved.wanted[c]);
        counted_add(&sum->moved.presumed[c], &one->moved.presumed[c]);
        counted_add(&sum->moved.unwanted[c], &one->moved.unwanted[c]);
    }
    sum->session = sum->session ? sum->session : one->session;
}

/* The groups that are shown: the first, and the rest as one. */
static struct moves_group *shown_groups(const struct comparison *comparison, enum moves_by by, size_t most,
                                        size_t *count, struct arena *arena)
{
    size_t all = comparison->group_count[by], shown = most && most < all ? most : all;
    struct moves_group *groups = arena_zero(arena, (shown + 1) * sizeof *groups);
    if (shown)
        memcpy(groups, comparison->groups[by], shown * sizeof *groups);
    *count = shown;
    if (shown == all)
        return groups;
    groups[shown].name = STR("(all others)");
    for (size_t i = shown; i < all; i++)
        group_add(&groups[shown], &comparison->groups[by][i]);
    ++*count;
    return groups;
}

/* Systems are shown where any is known. */
static bool has_groups(const struct comparison *comparison, enum moves_by by)
{
    size_t count = comparison->group_count[by];
    return count > 0 &&
           !(by == MOVES_ASN && count == 1 && str_eq(comparison->groups[by][0].name, STR("(not known)")));
}

static int put_groups(const struct comparison *comparison, enum moves_by by, size_t most,
                      enum table_format format, FILE *to, struct why *why)
{
    const struct column columns[] = {
        { .name = moves_by_name[by], .title = str_of(titles[by]), .most = NAME_COLUMNS },
        { .name = "stopped", .title = STR_INIT("now stopped"), .number = true },
        { .name = "wanted", .title = STR_INIT("of them wanted"), .number = true },
        { .name = "presumed", .title = STR_INIT("presumed"), .number = true },
        { .name = "passed", .title = STR_INIT("let through"), .number = true },
        { .name = "otherwise", .title = STR_INIT("otherwise"), .number = true },
        { .name = "explain", .title = STR_INIT("explain"), .number = true },
    };
    struct arena arena = { 0 };
    size_t count = 0;
    struct moves_group *groups = shown_groups(comparison, by, most, &count, &arena);
    struct table *table = table_open(to, format, columns, sizeof columns / sizeof *columns);
    putc('\n', to);
    for (size_t i = 0; i < count; i++) {
        const struct moved *moved = &groups[i].moved;
        const struct bounded *cells[] = { &moved->change[CHANGE_STOPPED], &moved->wanted[CHANGE_STOPPED],
                                          &moved->presumed[CHANGE_STOPPED], &moved->change[CHANGE_PASSED],
                                          &moved->change[CHANGE_OTHERWISE] };
        table_cell(table, groups[i].name);
        for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
            table_cell(table, cells[c]->high ? bounded_text(cells[c], &arena) : STR(""));
        table_count(table, (uint64_t)groups[i].session);
    }
    int result = table_close(table, why);
    if (most && comparison->group_count[by] > most)
        fprintf(to, "\nThe last row is %zu more; --most=0 shows all.\n", comparison->group_count[by] - most);
    arena_free(&arena);
    return result;
}

/* ---- What must be said beside it. */

/* Both replays' notes, each once. */
static size_t notes_of(const struct comparison *comparison, struct arena *arena, struct str **notes)
{
    size_t count = 0;
    *notes = arena_zero(arena, (comparison->side[0].note_count + comparison->side[1].note_count + 1) *
                                   sizeof **notes);
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < comparison->side[s].note_count; i++) {
            struct str note = comparison->side[s].notes[i];
            bool said = false;
            for (size_t k = 0; k < count; k++)
                said = said || str_eq((*notes)[k], note);
            if (!said)
                (*notes)[count++] = note;
        }
    return count;
}

static bool has_bounds(const struct comparison *comparison)
{
    size_t cells = comparison->side[0].row_count * comparison->side[1].row_count;
    for (size_t i = 0; i < cells; i++)
        if (comparison->cell[i].low < comparison->cell[i].high)
            return true;
    return false;
}

static void put_notes(const struct comparison *comparison, enum table_format format, FILE *to)
{
    struct arena arena = { 0 };
    struct str *notes = NULL;
    size_t count = notes_of(comparison, &arena, &notes);
    putc('\n', to);
    if (has_bounds(comparison))
        words_put(to, format,
                  STR("[low, high] is what is certain and what is possible, under both policies at once; "
                      "the truth lies inside."));
    for (size_t i = 0; i < count; i++)
        words_put(to, format, notes[i]);
    arena_free(&arena);
}

/* ---- For machines. */

static void csv_counts(struct table *table, const struct bounded *counted)
{
    table_count(table, counted->count);
    table_count(table, counted->low);
    table_count(table, counted->high);
}

static void csv_group(struct table *table, enum moves_by by, const struct moves_group *group)
{
    for (int c = CHANGE_NONE + 1; c < CHANGES; c++) {
        if (!group->moved.change[c].high)
            continue;
        table_cell(table, str_of(moves_by_name[by]));
        table_cell(table, STR(""));
        table_cell(table, STR(""));
        table_cell(table, group->name);
        table_cell(table, str_of(change_name[c]));
        csv_counts(table, &group->moved.change[c]);
        table_count(table, group->moved.wanted[c].count);
        table_count(table, group->moved.presumed[c].count);
        table_count(table, group->moved.unwanted[c].count);
        table_count(table, (uint64_t)group->session);
    }
}

static int print_csv(const struct comparison *comparison, size_t most, FILE *to, struct why *why)
{
    static const struct column columns[] = {
        { .name = "kind" },
        { .name = "a" },
        { .name = "b" },
        { .name = "name" },
        { .name = "change" },
        { .name = "count", .number = true },
        { .name = "low", .number = true },
        { .name = "high", .number = true },
        { .name = "wanted", .number = true },
        { .name = "presumed", .number = true },
        { .name = "unwanted", .number = true },
        { .name = "session", .number = true },
    };
    struct table *table = table_open(to, TABLE_CSV, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < comparison->side[0].row_count; i++)
        for (size_t k = 0; k < comparison->side[1].row_count; k++) {
            const struct bounded *cell = &comparison->cell[i * comparison->side[1].row_count + k];
            if (!cell->high)
                continue;
            table_cell(table, STR("matrix"));
            table_cell(table, comparison->side[0].rows[i].name);
            table_cell(table, comparison->side[1].rows[k].name);
            table_cell(table, STR(""));
            table_cell(table, str_of(change_name[comparison->change[i * comparison->side[1].row_count + k]]));
            csv_counts(table, cell);
            for (int empty = 0; empty < 4; empty++)
                table_cell(table, STR(""));
        }
    for (int by = 0; by < MOVES_BYS; by++) {
        struct arena arena = { 0 };
        size_t count = 0;
        struct moves_group *groups = shown_groups(comparison, (enum moves_by)by, most, &count, &arena);
        for (size_t i = 0; has_groups(comparison, (enum moves_by)by) && i < count; i++)
            csv_group(table, (enum moves_by)by, &groups[i]);
        arena_free(&arena);
    }
    return table_close(table, why);
}

static void json_signed(struct json *json, const char *name, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    json_number(json, name, str_of(digits));
}

static void json_counts(struct json *json, const char *name, const struct bounded *counted)
{
    json_flat(json);
    json_object(json, name);
    json_count(json, "count", counted->count);
    json_count(json, "low", counted->low);
    json_count(json, "high", counted->high);
    json_end_object(json);
}

static void json_moved(struct json *json, const struct moved *moved)
{
    static const char *const names[CHANGES][4] = {
        [CHANGE_STOPPED] = { "stopped", "stopped_wanted", "stopped_presumed", "stopped_unwanted" },
        [CHANGE_PASSED] = { "passed", "passed_wanted", "passed_presumed", "passed_unwanted" },
        [CHANGE_OTHERWISE] = { "otherwise", NULL, NULL, NULL },
    };
    for (int c = CHANGE_NONE + 1; c < CHANGES; c++) {
        const struct bounded *counts[4] = { &moved->change[c], &moved->wanted[c], &moved->presumed[c],
                                            &moved->unwanted[c] };
        for (int i = 0; i < 4 && names[c][i]; i++)
            json_counts(json, names[c][i], counts[i]);
    }
}

static void json_groups(struct json *json, const struct comparison *comparison, enum moves_by by, size_t most)
{
    static const char *const names[MOVES_BYS] = { "domains", "asns", "networks" };
    struct arena arena = { 0 };
    size_t count = 0;
    struct moves_group *groups = shown_groups(comparison, by, most, &count, &arena);
    json_array(json, names[by]);
    for (size_t i = 0; has_groups(comparison, by) && i < count; i++) {
        json_object(json, NULL);
        json_text(json, "name", groups[i].name);
        json_moved(json, &groups[i].moved);
        json_count(json, "session", (uint64_t)groups[i].session);
        json_end_object(json);
    }
    json_end_array(json);
    arena_free(&arena);
}

static void json_matrix(struct json *json, const struct comparison *comparison)
{
    size_t wide = comparison->side[1].row_count;
    json_array(json, "matrix");
    for (size_t i = 0; i < comparison->side[0].row_count * wide; i++) {
        const struct bounded *cell = &comparison->cell[i];
        if (!cell->high)
            continue;
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "a", comparison->side[0].rows[i / wide].name);
        json_text(json, "b", comparison->side[1].rows[i % wide].name);
        json_text(json, "change", str_of(change_name[comparison->change[i]]));
        json_count(json, "count", cell->count);
        json_count(json, "low", cell->low);
        json_count(json, "high", cell->high);
        json_end_object(json);
    }
    json_end_array(json);
}

static int print_json(const struct comparison *comparison, size_t most, FILE *to, struct why *why)
{
    struct json json = { .to = to };
    struct arena arena = { 0 };
    struct str *notes = NULL;
    size_t count = notes_of(comparison, &arena, &notes);
    json_object(&json, NULL);
    json_text(&json, "a", comparison->side[0].policy);
    json_text(&json, "b", comparison->side[1].policy);
    json_text(&json, "unit", str_of(unit_name[comparison->side[0].unit]));
    json_count(&json, "units", comparison->side[0].units);
    json_text(&json, "verdict", compare_verdict(comparison, &arena));
    json_flat(&json);
    json_object(&json, "more_stopped");
    json_signed(&json, "count", comparison->net[0]);
    json_signed(&json, "low", comparison->net[1]);
    json_signed(&json, "high", comparison->net[2]);
    json_end_object(&json);
    json_moved(&json, &comparison->moved);
    json_matrix(&json, comparison);
    for (int by = 0; by < MOVES_BYS; by++)
        json_groups(&json, comparison, (enum moves_by)by, most);
    json_array(&json, "notes");
    for (size_t i = 0; i < count; i++)
        json_text(&json, NULL, notes[i]);
    json_end_array(&json);
    json_end_object(&json);
    arena_free(&arena);
    return printed(to, why);
}

int compare_print(const struct comparison *comparison, size_t most, enum table_format format, FILE *to,
                  struct why *why)
{
    if (format == TABLE_JSON)
        return print_json(comparison, most, to, why);
    if (format == TABLE_CSV)
        return print_csv(comparison, most, to, why);
    struct arena arena = { 0 };
    words_put(to, format, compare_verdict(comparison, &arena));
    putc('\n', to);
    arena_free(&arena);
    int result = compare_matrix(comparison, format, to, why);
    for (int by = 0; by < MOVES_BYS && result == 0; by++)
        if (has_groups(comparison, (enum moves_by)by))
            result = put_groups(comparison, (enum moves_by)by, most, format, to, why);
    put_notes(comparison, format, to);
    return result ? result : printed(to, why);
}
