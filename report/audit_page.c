/* The audit's tables, one after the other. */
#define _GNU_SOURCE
#include "report/audit_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/escape.h"
#include "report/utf8.h"
#include "report/words.h"

const char *const audit_part_name[AUDIT_PARTS] = {
    [AUDIT_ALL] = "all",
    [AUDIT_HURT] = "hurt",
    [AUDIT_RATES] = "rates",
    [AUDIT_MEASURES] = "measures",
    [AUDIT_DELAYS] = "delays",
    [AUDIT_GONE] = "gone",
    [AUDIT_EXEMPTIONS] = "exemptions",
};

enum { BAR_COLUMNS = 30, GONE_MOST = 10 };

struct printing {
    const struct audit_page *page;
    enum table_format format;
    bool whole; /* one part after the other */
    FILE *to;
    struct arena arena;
};

static bool is_for_people(const struct printing *printing)
{
    return table_is_for_people(printing->format);
}

static void say_heading(struct printing *printing, const char *text)
{
    if (!is_for_people(printing))
        return;
    fprintf(printing->to, "%s%s%s\n\n", printing->whole ? "\n" : "",
            printing->format == TABLE_MARKDOWN ? "## " : "", text);
}

static void put_number(struct table *table, double value, unsigned places)
{
    char text[NUMBER_BYTES];
    table_cell(table, isnan(value) ? (struct str){ NULL, 0 } : str_of(number_text(value, places, text)));
}

/* ---- Rates. */

static const struct {
    enum label label;
    const char *title;
} label_rows[] = {
    { LABEL_WANTED, "wanted" },
    { LABEL_PRESUMED, "presumed wanted" },
    { LABEL_UNWANTED, "unwanted" },
    { LABEL_NONE, "nothing known" },
};

static double percent_of(uint64_t count, uint64_t of)
{
    return of ? (double)count * 100 / (double)of : NAN;
}

static int print_rates(struct printing *printing, struct why *why)
{
    static const struct column columns[] = {
        { .name = "label", .title = STR_INIT("deliveries that are") },
        { .name = "deliveries", .number = true },
        { .name = "told", .number = true },
        { .name = "lost", .number = true },
        { .name = "late", .number = true },
        { .name = "late_high", .title = STR_INIT("or late at most"), .number = true },
        { .name = "stopped_high", .title = STR_INIT("or stopped at most"), .number = true },
        { .name = "stopped_percent", .title = STR_INIT("stopped %"), .number = true },
        { .name = "stopped_percent_high", .title = STR_INIT("at most %"), .number = true },
        { .name = "interval_low", .title = STR_INIT("95 % sure: from"), .number = true },
        { .name = "interval_high", .title = STR_INIT("to %"), .number = true },
    };
    say_heading(printing, "How much of what is wanted is stopped");
    struct table *table =
        table_open(printing->to, printing->format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sizeof label_rows / sizeof *label_rows; i++) {
        const struct audit_count *count = &printing->page->audit->labels[label_rows[i].label];
        struct interval rate = audit_rate(count);
        bool any = count->deliveries > 0;
        table_cell(table, is_for_people(printing) ? str_of(label_rows[i].title)
                                                  : str_of(label_name[label_rows[i].label]));
        table_count(table, count->deliveries);
        table_count(table, count->by_harm[HARM_TOLD]);
        table_count(table, count->by_harm[HARM_LOST]);
        table_count(table, count->late_low);
        table_count(table, count->late_high);
        table_count(table, count->stopped_high);
        put_number(table, percent_of(count->stopped_low, count->deliveries), 2);
        put_number(table, percent_of(count->stopped_high, count->deliveries), 2);
        put_number(table, any ? rate.low * 100 : NAN, 2);
        put_number(table, any ? rate.high * 100 : NAN, 2);
    }
    int result = table_close(table, why);
    if (result < 0 || !is_for_people(printing))
        return result;
    const uint64_t *signs = printing->page->audit->signs;
    putc('\n', printing->to);
    for (int sign = 0; sign < SIGNS; sign++)
        if (signs[sign])
            words_say(printing->to, printing->format, "%s: %s (%" PRIu64 ")",
                      label_name[sign_rows[sign].label], sign_rows[sign].words, signs[sign]);
    return 0;
}

/* ---- Measures. */

static int print_measures(struct printing *printing, struct why *why)
{
    static const struct column columns[] = {
        { .name = "measure" },
        { .name = "wanted", .title = STR_INIT("wanted stopped"), .number = true },
        { .name = "wanted_high", .title = STR_INIT("at most"), .number = true },
        { .name = "presumed", .title = STR_INIT("presumed wanted"), .number = true },
        { .name = "presumed_high", .title = STR_INIT("at most"), .number = true },
        { .name = "unwanted", .title = STR_INIT("unwanted"), .number = true },
        { .name = "unwanted_high", .title = STR_INIT("at most"), .number = true },
        { .name = "precision", .title = STR_INIT("precision %"), .number = true },
        { .name = "precision_high", .title = STR_INIT("to"), .number = true },
        { .name = "recall", .title = STR_INIT("recall %"), .number = true },
        { .name = "recall_high", .title = STR_INIT("to"), .number = true },
    };
    const struct policy *policy = printing->page->policy;
    say_heading(printing, "What each measure stops");
    struct table *table =
        table_open(printing->to, printing->format, columns, sizeof columns / sizeof *columns);
    for (size_t r = 0; r < policy->rule_count; r++) {
        const struct audit_measure *measure = &printing->page->audit->measures[r];
        struct interval precision = audit_precision(measure), recall = audit_recall(measure);
        table_cell(table, policy->rules[r].name);
        for (size_t i = 0; i < 3; i++) {
            static const enum label shown[] = { LABEL_WANTED, LABEL_PRESUMED, LABEL_UNWANTED };
            table_count(table, measure->low[shown[i]]);
            table_count(table, measure->high[shown[i]]);
        }
        put_number(table, precision.low * 100, 2);
        put_number(table, precision.high * 100, 2);
        put_number(table, recall.low * 100, 2);
        put_number(table, recall.high * 100, 2);
    }
    int result = table_close(table, why);
    if (result == 0 && is_for_people(printing)) {
        putc('\n', printing->to);
        words_say(
            printing->to, printing->format,
            "precision: of those labelled that it stops, the unwanted; recall: of the unwanted, those that "
            "it stops. A measure's own word on what is unwanted does not count where it is judged.");
    }
    return result;
}

/* ---- Delays. */

/* Ends of the histogram's steps, in minutes. */
static const struct {
    double upto;
    const char *title;
} steps[] = {
    { 1, "up to 1 minute" }, { 5, "to 5 minutes" }, { 15, "to 15 minutes" }, { 60, "to 1 hour" },
    { 240, "to 4 hours" },   { 1440, "to 1 day" },  { INFINITY, "longer" },
};
enum { STEPS = sizeof steps / sizeof *steps };

static void count_steps(const struct audit *audit, uint64_t counts[STEPS])
{
    memset(counts, 0, STEPS * sizeof *counts);
    for (size_t i = 0; i < audit->late_count; i++) {
        size_t step = 0;
        while (audit->late_minutes[i] > steps[step].upto)
            step++;
        counts[step]++;
    }
}

/* The smallest that so many in a hundred do not exceed. */
static double quantile(const struct audit *audit, size_t percent)
{
    size_t n = audit->late_count;
    return n ? audit->late_minutes[(n * percent + 99) / 100 - 1] : NAN;
}

static int print_delays(struct printing *printing, struct why *why)
{
    static const struct column columns[] = { { .name = "delay" },
                                             { .name = "deliveries", .number = true },
                                             { .name = "percent", .title = STR_INIT("%"), .number = true },
                                             { .name = "bar", .title = STR_INIT(" ") } };
    const struct audit *audit = printing->page->audit;
    uint64_t counts[STEPS], most = 1;
    count_steps(audit, counts);
    for (size_t i = 0; i < STEPS; i++)
        most = counts[i] > most ? counts[i] : most;
    say_heading(printing, "How late it comes");
    if (is_for_people(printing)) {
        char median[NUMBER_BYTES], nine[NUMBER_BYTES], most_of[NUMBER_BYTES];
        if (audit->late_count == 0)
            words_say(printing->to, printing->format,
                      "No wanted or presumed wanted delivery is known to come late.");
        else
            words_say(
                printing->to, printing->format,
                "%zu wanted or presumed wanted deliver%s for certain: median %s minutes, 90 %% within %s, "
                "99 %% within %s.",
                audit->late_count, audit->late_count == 1 ? "y comes late" : "ies come late",
                number_text(quantile(audit, 50), 1, median), number_text(quantile(audit, 90), 1, nine),
                number_text(quantile(audit, 99), 1, most_of));
        const struct audit_once *once = &audit->once;
        if (once->example)
            words_say(printing->to, printing->format,
                      "Of senders seen once (sign-ups, password resets) it puts off %" PRIu64 ": %" PRIu64
                      " come late, %" PRIu64 " are lost, %" PRIu64 " told, of %" PRIu64
                      " it is not certain; for example session %" PRId64 ".",
                      once->late + once->lost + once->told + once->possible, once->late, once->lost,
                      once->told, once->possible, once->example);
        if (audit->late_count == 0)
            return 0;
        putc('\n', printing->to);
    }
    struct table *table =
        table_open(printing->to, printing->format, columns, is_for_people(printing) ? 4 : 3);
    for (size_t i = 0; i < STEPS; i++) {
        char bar[BAR_COLUMNS + 1];
        size_t cells = (size_t)((counts[i] * BAR_COLUMNS * 2 + most) / (most * 2));
        memset(bar, '#', cells);
        table_cell(table, str_of(steps[i].title));
        table_count(table, counts[i]);
        put_number(table, audit->late_count ? percent_of(counts[i], audit->late_count) : 0, 2);
        if (is_for_people(printing))
            table_cell(table, (struct str){ bar, cells });
    }
    return table_close(table, why);
}

/* ---- Lists. */

static struct audit_list *list_of(const struct audit_page *page, enum hurt_by by, bool gone)
{
    struct audit_list *list = audit_list_new(page->policy, by);
    const struct harmed *harmed = gone ? page->audit->gone : page->audit->harmed;
    size_t count = gone ? page->audit->gone_count : page->audit->harmed_count;
    for (size_t i = 0; i < count; i++)
        audit_list_take(list, &harmed[i]);
    return list;
}

static int print_hurt(struct printing *printing, struct why *why)
{
    struct audit_list *list = list_of(printing->page, printing->page->by, false);
    int result = audit_list_print(list, printing->page->audit->accepted, printing->page->most,
                                  printing->format, printing->to, why);
    audit_list_free(list);
    return result;
}

static int print_gone(struct printing *printing, struct why *why)
{
    const struct audit *audit = printing->page->audit;
    say_heading(printing, "Who never came back");
    if (is_for_people(printing)) {
        words_say(
            printing->to, printing->format,
            "%zu deliveries that it puts off were given up when the server put them off, and nothing says "
            "that they "
            "were unwanted.",
            audit->gone_count);
        if (audit->gone_count == 0)
            return 0;
        putc('\n', printing->to);
    }
    struct audit_list *list = list_of(printing->page, printing->page->by, true);
    int result = audit_list_table(list, is_for_people(printing) ? GONE_MOST : printing->page->most,
                                  printing->format, printing->to, why);
    audit_list_free(list);
    return result;
}

/* ---- Exemptions. */

static int print_exemptions(struct printing *printing, struct why *why)
{
    static const struct column columns[] = {
        { .name = "exempt" },
        { .name = "of", .most = 40 },
        { .name = "cures", .number = true },
        { .name = "settles", .title = STR_INIT("and of the possible"), .number = true },
        { .name = "lets_by", .title = STR_INIT("lets by others"), .number = true },
    };
    const struct exemptions *exemptions = printing->page->exemptions;
    say_heading(printing, "What would cure it");
    if (is_for_people(printing) && exemptions->count == 0) {
        words_say(printing->to, printing->format,
                  exemptions->hurt + exemptions->possible
                      ? "No exemption cures some of it without letting by more that is not wanted."
                      : "There is nothing to cure.");
        return 0;
    }
    struct table *table =
        table_open(printing->to, printing->format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < exemptions->count; i++) {
        const struct exemption *item = &exemptions->item[i];
        table_cell(table, str_of(exemption_key[item->by]));
        table_cell(table, item->text);
        table_count(table, item->cures);
        table_count(table, item->settles);
        table_count(table, item->lets_by);
    }
    int result = table_close(table, why);
    if (result < 0 || !is_for_people(printing))
        return result;
    putc('\n', printing->to);
    words_say(
        printing->to, printing->format,
        "Replayed with these: of %" PRIu64 " that are surely hurt %" PRIu64 " are cured, of %" PRIu64
        " that may be, %" PRIu64
        ". Each is the one that cures most of what is left: no other choice of as many, "
        "of those that let by no more than they are for, cures more than 1.6 times as much. Put this in "
        "place of "
        "the policy's `exempt:`",
        exemptions->hurt, exemptions->cured, exemptions->possible, exemptions->settled);
    bool markdown = printing->format == TABLE_MARKDOWN;
    fprintf(printing->to, "\n%s%.*s%s", markdown ? "```yaml\n" : "", STR_ARG(exemptions->yaml),
            markdown ? "```\n" : "");
    return 0;
}

/* ---- All of it. */

static int (*const print_part[AUDIT_PARTS])(struct printing *printing, struct why *why) = {
    [AUDIT_HURT] = print_hurt,     [AUDIT_RATES] = print_rates, [AUDIT_MEASURES] = print_measures,
    [AUDIT_DELAYS] = print_delays, [AUDIT_GONE] = print_gone,   [AUDIT_EXEMPTIONS] = print_exemptions,
};

static void json_number_of(struct json *json, const char *name, double value, unsigned places)
{
    char text[NUMBER_BYTES];
    json_number(json, name, str_of(number_text(value, places, text)));
}

static void json_rates(struct json *json, const struct audit *audit)
{
    json_object(json, "labels");
    for (size_t i = 0; i < sizeof label_rows / sizeof *label_rows; i++) {
        const struct audit_count *count = &audit->labels[label_rows[i].label];
        struct interval rate = audit_rate(count);
        json_flat(json);
        json_object(json, label_name[label_rows[i].label]);
        json_count(json, "deliveries", count->deliveries);
        json_count(json, "stopped_low", count->stopped_low);
        json_count(json, "stopped_high", count->stopped_high);
        json_count(json, "late_low", count->late_low);
        json_count(json, "late_high", count->late_high);
        for (int harm = 0; harm < HARMS; harm++)
            json_count(json, harm_name[harm], count->by_harm[harm]);
        json_number_of(json, "interval_low", rate.low, 6);
        json_number_of(json, "interval_high", rate.high, 6);
        json_end_object(json);
    }
    json_end_object(json);
    json_array(json, "signs");
    for (int sign = 0; sign < SIGNS; sign++) {
        if (!audit->signs[sign])
            continue;
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "sign", str_of(sign_rows[sign].name));
        json_text(json, "label", str_of(label_name[sign_rows[sign].label]));
        json_count(json, "deliveries", audit->signs[sign]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void json_measures(struct json *json, const struct audit_page *page)
{
    json_array(json, "measures");
    for (size_t r = 0; r < page->policy->rule_count; r++) {
        const struct audit_measure *measure = &page->audit->measures[r];
        struct interval precision = audit_precision(measure), recall = audit_recall(measure);
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "measure", page->policy->rules[r].name);
        json_count(json, "wanted", measure->low[LABEL_WANTED]);
        json_count(json, "wanted_high", measure->high[LABEL_WANTED]);
        json_count(json, "presumed", measure->low[LABEL_PRESUMED]);
        json_count(json, "presumed_high", measure->high[LABEL_PRESUMED]);
        json_count(json, "unwanted", measure->low[LABEL_UNWANTED]);
        json_count(json, "unwanted_high", measure->high[LABEL_UNWANTED]);
        json_count(json, "unwanted_in_all", measure->unwanted);
        json_number_of(json, "precision", precision.low, 6);
        json_number_of(json, "precision_high", precision.high, 6);
        json_number_of(json, "recall", recall.low, 6);
        json_number_of(json, "recall_high", recall.high, 6);
        json_end_object(json);
    }
    json_end_array(json);
}

static void json_delays(struct json *json, const struct audit *audit)
{
    uint64_t counts[STEPS];
    count_steps(audit, counts);
    json_object(json, "delays");
    json_count(json, "deliveries", audit->late_count);
    json_number_of(json, "median_minutes", quantile(audit, 50), 3);
    json_number_of(json, "minutes_90", quantile(audit, 90), 3);
    json_number_of(json, "minutes_99", quantile(audit, 99), 3);
    json_array(json, "histogram");
    for (size_t i = 0; i < STEPS; i++) {
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "delay", str_of(steps[i].title));
        json_count(json, "deliveries", counts[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
    json_object(json, "seen_once");
    json_count(json, "late", audit->once.late);
    json_count(json, "lost", audit->once.lost);
    json_count(json, "told", audit->once.told);
    json_count(json, "possible", audit->once.possible);
    json_end_object(json);
}

static void json_exemptions(struct json *json, const struct exemptions *exemptions)
{
    json_object(json, "exemptions");
    json_count(json, "hurt", exemptions->hurt);
    json_count(json, "possible", exemptions->possible);
    json_count(json, "cured", exemptions->cured);
    json_count(json, "settled", exemptions->settled);
    json_array(json, "chosen");
    for (size_t i = 0; i < exemptions->count; i++) {
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "exempt", str_of(exemption_key[exemptions->item[i].by]));
        json_text(json, "of", exemptions->item[i].text);
        json_count(json, "cures", exemptions->item[i].cures);
        json_count(json, "settles", exemptions->item[i].settles);
        json_count(json, "lets_by", exemptions->item[i].lets_by);
        json_end_object(json);
    }
    json_end_array(json);
    json_text(json, "yaml", exemptions->yaml);
    json_end_object(json);
}

static void print_json(struct printing *printing)
{
    static const char *const names[HURT_KINDS] = { "domains", "recipients", "asns", "networks" };
    const struct audit_page *page = printing->page;
    struct json json = { .to = printing->to };
    json_object(&json, NULL);
    json_text(&json, "policy", page->policy->name);
    json_text(&json, "unit", STR("delivery"));
    json_count(&json, "deliveries", page->audit->deliveries);
    json_count(&json, "accepted", page->audit->accepted);
    for (int by = 0; by < HURT_KINDS; by++) {
        struct audit_list *list = list_of(page, (enum hurt_by)by, false);
        if (by == 0)
            audit_list_sums(list, &json);
        audit_list_rows(list, page->most, &json, names[by]);
        audit_list_free(list);
    }
    struct audit_list *gone = list_of(page, HURT_DOMAIN, true);
    audit_list_rows(gone, page->most, &json, "gone");
    audit_list_free(gone);
    json_rates(&json, page->audit);
    json_measures(&json, page);
    json_delays(&json, page->audit);
    json_exemptions(&json, page->exemptions);
    json_array(&json, "notes");
    for (size_t i = 0; i < page->audit->note_count; i++)
        json_text(&json, NULL, page->audit->notes[i]);
    json_end_array(&json);
    json_end_object(&json);
}

int audit_page_print(const struct audit_page *page, enum audit_part part, enum table_format format, FILE *to,
                     struct why *why)
{
    struct printing printing = { .page = page, .format = format, .to = to };
    bool whole = part == AUDIT_ALL && is_for_people(&printing);
    printing.whole = whole;
    int result = 0;
    if (format == TABLE_JSON)
        print_json(&printing);
    else if (!whole)
        result = print_part[part == AUDIT_ALL ? AUDIT_HURT : part](&printing, why);
    for (int one = AUDIT_HURT; whole && result == 0 && one < AUDIT_PARTS; one++)
        result = print_part[one](&printing, why);
    for (size_t i = 0; whole && i < page->audit->note_count; i++) {
        putc('\n', to);
        words_put(to, format, page->audit->notes[i]);
    }
    arena_free(&printing.arena);
    return result ? result : printed(to, why);
}
