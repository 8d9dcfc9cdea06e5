/* status --contradictions. */
#include "cli/contradicted.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyze/contradictions.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/table.h"

static int find(const struct common *common, struct load *load, struct contradictions *found, struct why *why)
{
    if (database_open(common, &load->store, why) < 0 || load_options(load, common, why) < 0 ||
        load_sessions(load, common, why) < 0)
        return -1;
    contradictions_find(load->columns, found);
    return 0;
}

static int print_rows(const struct contradictions *found, enum table_format format, struct why *why)
{
    static const struct column columns[] = {
        { .name = "evidence", .title = STR_INIT("Evidence") },
        { .name = "subject", .title = STR_INIT("Of"), .most = 60 },
        { .name = "yes", .title = STR_INIT("Yes, says") },
        { .name = "no", .title = STR_INIT("No, says") },
        { .name = "sessions", .title = STR_INIT("Sessions"), .number = true },
        { .name = "first", .title = STR_INIT("The first"), .number = true },
    };
    struct table *table = table_open(stdout, format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < found->count; i++) {
        const struct contradiction_row *row = &found->row[i];
        table_cell(table, str_of(kind_name[row->kind]));
        table_cell(table, row->subject);
        table_cell(table, str_of(origin_name[row->yes]));
        table_cell(table, str_of(origin_name[row->no]));
        table_count(table, row->sessions);
        table_count(table, (uint64_t)row->first);
    }
    return table_close(table, why);
}

int contradicted_print(const struct common *common, struct why *why)
{
    struct load load = { 0 };
    struct contradictions found = { 0 };
    int result = find(common, &load, &found, why);
    if (result == 0 && found.count == 0)
        say("No evidence contradicts any other.");
    if (result == 0)
        result = print_rows(&found, (enum table_format)common->format, why);
    if (result == 0 && found.count && common->format == TABLE_TEXT)
        say("Both sides of a session, and which of them counts: %s explain%s %" PRId64, program(),
            database_option(common, &load.arena), found.row[0].first);
    if (result == 0)
        result = printed(stdout, why);
    contradictions_free(&found);
    load_free(&load);
    return result;
}

int contradicted_count(const struct common *common, uint64_t *sessions, struct why *why)
{
    struct load load = { 0 };
    struct contradictions found = { 0 };
    int result = find(common, &load, &found, why);
    *sessions = found.added;
    contradictions_free(&found);
    load_free(&load);
    return result;
}
