/* Who came: networks, systems, countries, senders' domains, recipients; and what they tried. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>

static const struct grid_column top_columns[] = {
    { "name", STR_INIT("Name"), GRID_TEXT, EVERYWHERE },
    { "units", STR_INIT("Came"), GRID_NUMBER, EVERYWHERE },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
    { "share", STR_INIT(""), GRID_BAR, IN_PAGE },
    { "stopped_low", STR_INIT("Stopped"), GRID_NUMBER, EVERYWHERE },
    { "stopped_high", STR_INIT("At most"), GRID_NUMBER, EVERYWHERE },
    { "accepted", STR_INIT("Accepted"), GRID_NUMBER, EVERYWHERE },
};

static void put_top(const struct report *report, struct section *section, enum top_by by, const char *of)
{
    const struct census *census = &report->month->period->census;
    const struct top *top = &census->tops[by];
    struct arena *arena = report->arena;
    struct grid *grid = section_grid(section, top_name[by], EVERYWHERE, top_columns,
                                     sizeof top_columns / sizeof *top_columns);
    for (size_t i = 0; i < top->count && i < report->most; i++) {
        const struct top_row *row = &top->rows[i];
        grid_row(grid);
        grid_text(grid, row->name);
        grid_count(grid, row->units);
        grid_percent(grid, row->units, top->units);
        grid_bar(grid, row->units, row->units, top->rows[0].units);
        grid_count(grid, row->stopped_low);
        grid_count(grid, row->stopped_high);
        grid_count(grid, row->accepted);
    }
    if (top->kinds > report->most)
        section_say(section, FOR_PEOPLE,
                    arena_printf(arena, "The first %zu of %.*s %s.", report->most,
                                 STR_ARG(grouped(arena, top->kinds)), of));
}

static bool has_census(const struct report *report)
{
    return report->month->period->has_census;
}

static bool has_top(const struct report *report, enum top_by by)
{
    return has_census(report) && report->month->period->census.tops[by].count > 0;
}

static bool has_systems(const struct report *report)
{
    return has_top(report, TOP_SYSTEM);
}

static bool has_countries(const struct report *report)
{
    return has_top(report, TOP_COUNTRY);
}

static void make_networks(const struct report *report, struct section *section)
{
    put_top(report, section, TOP_NETWORK, "networks (/24, and /64 of IPv6)");
}

static void make_systems(const struct report *report, struct section *section)
{
    put_top(report, section, TOP_SYSTEM, "autonomous systems");
}

static void make_countries(const struct report *report, struct section *section)
{
    put_top(report, section, TOP_COUNTRY, "countries");
}

static void make_domains(const struct report *report, struct section *section)
{
    put_top(report, section, TOP_DOMAIN, "domains; <> is of bounces");
}

static void make_recipients(const struct report *report, struct section *section)
{
    put_top(report, section, TOP_RECIPIENT, "recipients");
}

const struct view view_networks = { "networks", "Client networks", WANT_CENSUS, has_census, make_networks };
const struct view view_systems = { "systems", "Autonomous systems", WANT_CENSUS, has_systems, make_systems };
const struct view view_countries = { "countries", "Countries", WANT_CENSUS, has_countries, make_countries };
const struct view view_domains = { "domains", "Sender domains", WANT_CENSUS, has_census, make_domains };
const struct view view_recipients = { "recipients", "Recipients attacked", WANT_CENSUS, has_census,
                                      make_recipients };

/* ---- What they tried. */

static const struct {
    enum abuse abuse;
    const char *title, *tries;
} abuses[] = {
    { ABUSE_DICTIONARY, "Recipients that are not there", "recipients tried" },
    { ABUSE_RELAY, "Relaying", "recipients tried" },
    { ABUSE_VRFY, "VRFY and EXPN", "addresses asked for" },
    { ABUSE_AUTH, "Log-ins that failed", "log-ins tried" },
};

static const struct grid_column abuse_columns[] = {
    { "what", STR_INIT("What was tried"), GRID_TEXT, EVERYWHERE },
    { "tries", STR_INIT("Times"), GRID_NUMBER, EVERYWHERE },
    { "sessions", STR_INIT("Sessions"), GRID_NUMBER, EVERYWHERE },
    { "networks", STR_INIT("Networks"), GRID_NUMBER, EVERYWHERE },
};

static const struct grid_column abuser_columns[] = {
    { "what", STR_INIT("What was tried"), GRID_TEXT, EVERYWHERE },
    { "network", STR_INIT("Network"), GRID_TEXT, EVERYWHERE },
    { "tries", STR_INIT("Times"), GRID_NUMBER, EVERYWHERE },
    { "sessions", STR_INIT("Sessions"), GRID_NUMBER, EVERYWHERE },
};

static void make_abuse(const struct report *report, struct section *section)
{
    const struct census *census = &report->month->period->census;
    struct grid *grid = section_grid(section, "abuse", EVERYWHERE, abuse_columns,
                                     sizeof abuse_columns / sizeof *abuse_columns);
    struct grid *who = section_grid(section, "abusers", EVERYWHERE, abuser_columns,
                                    sizeof abuser_columns / sizeof *abuser_columns);
    who->caption = STR("Networks that tried most");
    for (size_t k = 0; k < sizeof abuses / sizeof *abuses; k++) {
        const struct abuse_count *abuse = &census->abuse[abuses[k].abuse];
        grid_row(grid);
        grid_text(grid, str_of(abuses[k].title));
        grid_count(grid, abuse->tries);
        grid_count(grid, abuse->sessions);
        grid_count(grid, abuse->networks);
        for (size_t i = 0; i < abuse->top_count && i < report->most / 2; i++) {
            grid_row(who);
            grid_text(who, str_of(abuses[k].title));
            grid_text(who, abuse->top[i].name);
            grid_count(who, abuse->top[i].tries);
            grid_count(who, abuse->top[i].sessions);
        }
    }
}

const struct view view_abuse = { "abuse", "What was tried", WANT_CENSUS, has_census, make_abuse };

/* ---- Backscatter. */

static const struct grid_column scatter_columns[] = {
    { "what", STR_INIT("From the null sender"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Recipients"), GRID_NUMBER, EVERYWHERE },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
};

static const struct grid_column bounced_columns[] = {
    { "recipient", STR_INIT("Recipient"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("From the null sender"), GRID_NUMBER, EVERYWHERE },
};

static void put_scatter(struct grid *grid, const char *what, uint64_t count, uint64_t all)
{
    grid_row(grid);
    grid_text(grid, str_of(what));
    grid_count(grid, count);
    grid_percent(grid, count, all);
}

static void make_backscatter(const struct report *report, struct section *section)
{
    const struct backscatter *scatter = &report->month->period->census.backscatter;
    struct grid *grid = section_grid(section, "backscatter", EVERYWHERE, scatter_columns,
                                     sizeof scatter_columns / sizeof *scatter_columns);
    put_scatter(grid, "in all", scatter->bounces, scatter->bounces);
    if (scatter->shows_sent)
        put_scatter(grid, "to who sent nothing in the record", scatter->unsent, scatter->bounces);
    put_scatter(grid, "to who is not there", scatter->invalid, scatter->bounces);
    put_scatter(grid, "accepted by the server", scatter->accepted, scatter->bounces);
    if (!scatter->shows_sent)
        section_say(
            section, FOR_PEOPLE,
            STR("The record does not show what your users sent: which bounces answer nothing is not known."));
    struct grid *who = section_grid(section, "bounced", EVERYWHERE, bounced_columns,
                                    sizeof bounced_columns / sizeof *bounced_columns);
    who->caption = STR("Who got most of it");
    for (size_t i = 0; i < scatter->top_count && i < report->most; i++) {
        grid_row(who);
        grid_text(who, scatter->top[i].name);
        grid_count(who, scatter->top[i].units);
    }
}

static bool has_backscatter(const struct report *report)
{
    return has_census(report) && report->month->period->census.backscatter.bounces > 0;
}

const struct view view_backscatter = { "backscatter", "Backscatter", WANT_CENSUS, has_backscatter,
                                       make_backscatter };
