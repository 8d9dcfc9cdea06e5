/* status --coverage. */
#define _GNU_SOURCE /* open_memstream */
#include "cli/coverage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "analyze/measure.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/table.h"

/* The measures that stand by themselves, as a policy. */
static int read_all_measures(struct load *load, struct why *why)
{
    char *yaml = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&yaml, &bytes);
    fputs("policy: all-measures\nmeasures:\n", to);
    for (const struct measure *const *m = measures; *m; m++) {
        struct arena arena = { 0 };
        struct why unused;
        void *defaults = parameters_default(*m, &arena);
        if (*m == &measure_dnsbl)
            fputs("  - dnsbl: { zones: { zen.spamhaus.org: 1 } }\n", to);
        else if (!(*m)->check || (*m)->check(defaults, &unused) == 0)
            fprintf(to, "  - %s: {}\n", (*m)->name);
        arena_free(&arena);
    }
    fclose(to);
    load->policy = mem_zero(1, sizeof *load->policy);
    int result = policy_read(load->policy, "all measures", (struct str){ yaml, bytes }, why);
    free(yaml);
    if (result < 0) {
        free(load->policy);
        load->policy = NULL;
    }
    return result;
}

static struct str share(struct arena *arena, uint64_t part, uint64_t of)
{
    char text[16];
    percent_format(part, of, text);
    return arena_str(arena, str_of(text));
}

static int print_rows(const struct load *load, const struct coverage *coverage, enum table_format format,
                      struct arena *arena, struct why *why)
{
    static const struct column columns[] = {
        { .name = "measure", .title = STR_INIT("Measure") },
        { .name = "month", .title = STR_INIT("Month") },
        { .name = "units", .title = STR_INIT("Recipients"), .number = true },
        { .name = "recorded", .title = STR_INIT("Recorded %"), .number = true },
        { .name = "inferred", .title = STR_INIT("Inferred %"), .number = true },
        { .name = "enriched", .title = STR_INIT("Enriched %"), .number = true },
        { .name = "unknown", .title = STR_INIT("Unknown %"), .number = true },
    };
    struct table *table = table_open(stdout, format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < coverage->count; i++) {
        const struct coverage_row *row = &coverage->row[i];
        table_cell(table, load->policy->rules[row->rule].name);
        table_cell(table,
                   arena_printf(arena, "%04" PRId64 "-%02" PRId64, row->month / 12, row->month % 12 + 1));
        table_count(table, row->units);
        table_cell(table, share(arena, row->recorded, row->units));
        table_cell(table, share(arena, row->inferred, row->units));
        table_cell(table, share(arena, row->enriched, row->units));
        table_cell(table, share(arena, row->unknown, row->units));
    }
    return table_close(table, why);
}

/* What would narrow the bounds, the most first. */
static void print_advice(const struct load *load, const struct coverage *coverage)
{
    const struct policy *policy = load->policy;
    bool any = false;
    bool *told = mem_zero(policy->rule_count + 1, sizeof *told);
    for (size_t k = 0; k < policy->rule_count; k++) {
        size_t most = policy->rule_count;
        for (size_t r = 0; r < policy->rule_count; r++)
            if (!told[r] && coverage->undecided[r] &&
                (most == policy->rule_count || coverage->undecided[r] > coverage->undecided[most]))
                most = r;
        if (most == policy->rule_count)
            break;
        told[most] = true;
        const char *teller = replay_teller(policy->rules[most].measure->kind);
        if (!any)
            puts("\nWhat would narrow the bounds, the most first (recipients that it leaves open):");
        any = true;
        printf("  %8" PRIu64 "  %.*s: %s\n", coverage->undecided[most], STR_ARG(policy->rules[most].name),
               teller                               ? teller
               : policy->rules[most].measure->state ? "what came before and after; it narrows with the others"
                                                    : "what the server enforced (collect --recorded POLICY)");
    }
    free(told);
}

int coverage_print(const struct common *common, struct why *why)
{
    enum table_format format = (enum table_format)common->format;
    struct load load = { 0 };
    struct coverage coverage = { 0 };
    struct arena arena = { 0 };
    int result = -1;
    if (common->policy ? load_named_policy(&load, common->policy, why) < 0
                       : read_all_measures(&load, why) < 0)
        goto done;
    if (!load.policy) {
        why_set(why, EX_USAGE, "--coverage: of a policy's measures; name one with -p, or none");
        goto done;
    }
    if (database_open(common, &load.store, why) < 0 || load_options(&load, common, why) < 0 ||
        load_sessions(&load, common, why) < 0)
        goto done;
    policy_adopt_zones(load.policy, load.columns);
    if (replay_coverage(load.columns, load.policy, &load.options, &coverage, &arena, why) < 0 ||
        print_rows(&load, &coverage, format, &arena, why) < 0)
        goto done;
    if (format == TABLE_TEXT)
        print_advice(&load, &coverage);
    result = printed(stdout, why);
done:
    coverage_free(&coverage);
    arena_free(&arena);
    load_free(&load);
    return result;
}
