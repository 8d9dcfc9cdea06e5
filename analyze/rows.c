/* Rows for outcomes. */
#include "analyze/rows.h"

#include "analyze/measure.h"

static const struct end {
    enum row_kind kind;
    uint8_t outcome;
    struct str name, title;
} ends[] = {
    { ROW_ACCEPTED, OUTCOME_ACCEPTED, STR_INIT("accepted"), STR_INIT("Accepted") },
    { ROW_OTHER, OUTCOME_OTHER, STR_INIT("other"), STR_INIT("Refused for other reasons") },
    { ROW_ABANDONED, OUTCOME_ABANDONED, STR_INIT("abandoned"), STR_INIT("Abandoned by the client") },
    { ROW_NOTHING, OUTCOME_NOTHING, STR_INIT("nothing-attempted"), STR_INIT("Nothing attempted") },
    { ROW_RELAYED, OUTCOME_RELAYED, STR_INIT("relayed"), STR_INIT("Through trusted relays") },
};

static void add_row(struct rows *rows, struct tally *tally, uint8_t outcome, enum row_kind kind,
                    struct str name, struct str title)
{
    struct row *row = &tally->rows[tally->row_count++];
    *row = (struct row){ .kind = kind };
    row->name = arena_str(&tally->arena, name);
    row->title = arena_str(&tally->arena, title);
    rows->outcome[rows->count] = outcome;
    rows->row[outcome] = (uint8_t)rows->count++;
}

static struct str title_of(const struct measure *measure, enum unit unit)
{
    return str_of(unit != UNIT_DELIVERY && measure->title_by_unit ? measure->title_by_unit : measure->title);
}

void rows_make(struct rows *rows, const struct columns *columns, const struct policy *policy,
               struct tally *tally)
{
    rows->count = 0;
    tally->rows = arena_zero(&tally->arena, 64 * sizeof *tally->rows);
    memset(rows->row, ROW_NONE, sizeof rows->row);
    if (policy) {
        for (unsigned r = 0; r < policy->rule_count; r++) {
            const struct rule *rule = &policy->rules[r];
            bool own = !str_eq(rule->title, str_of(rule->measure->title));
            add_row(rows, tally, (uint8_t)r, ROW_MEASURE, rule->name,
                    own ? rule->title : title_of(rule->measure, tally->unit));
        }
    } else {
        uint32_t named = 0;
        for (size_t a = 0; a < columns->attempt_count; a++)
            named |= columns->named[a] > NAMED_OTHER ? (uint32_t)1 << columns->named[a] : 0;
        for (const struct measure *const *m = measures; *m; m++)
            if (named >> (*m)->named & 1) {
                add_row(rows, tally, (uint8_t)(*m)->named, ROW_MEASURE, str_of((*m)->name),
                        title_of(*m, tally->unit));
                named &= ~((uint32_t)1 << (*m)->named);
            }
        /* named by the server, and no measure of ours yet */
        for (unsigned n = NAMED_OTHER + 1; n < NAMED_COUNT; n++)
            if (named >> n & 1)
                add_row(rows, tally, (uint8_t)n, ROW_MEASURE, str_of(named_measure[n]),
                        str_of(named_measure[n]));
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        add_row(rows, tally, ends[i].outcome, ends[i].kind, ends[i].name, ends[i].title);
}

void rows_keep(struct rows *rows, struct tally *tally, const bool *shown)
{
    size_t kept = 0;
    memset(rows->row, ROW_NONE, sizeof rows->row);
    for (size_t i = 0; i < rows->count; i++) {
        if (!shown[i])
            continue;
        tally->rows[kept] = tally->rows[i];
        rows->outcome[kept] = rows->outcome[i];
        rows->row[rows->outcome[i]] = (uint8_t)kept++;
    }
    rows->count = tally->row_count = kept;
}
