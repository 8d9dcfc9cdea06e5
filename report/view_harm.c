/* Who was hurt, and what became of what was let in. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include <math.h>
#include "report/audit_text.h"
#include "report/charts.h"
#include "report/words.h"

/* ---- Who was hurt. */

static bool has_harm(const struct report *report)
{
    return report->month->policy && report->month->period->has_audit;
}

static const struct {
    enum label label;
    const char *title;
} labels[] = {
    { LABEL_WANTED, "wanted" },
    { LABEL_PRESUMED, "presumed wanted" },
    { LABEL_UNWANTED, "unwanted" },
    { LABEL_NONE, "nothing known" },
};

static const struct grid_column rate_columns[] = {
    { "label", STR_INIT("Deliveries that are"), GRID_TEXT, EVERYWHERE },
    { "deliveries", STR_INIT("Count"), GRID_NUMBER, EVERYWHERE },
    { "told", STR_INIT("Told"), GRID_NUMBER, EVERYWHERE },
    { "lost", STR_INIT("Lost"), GRID_NUMBER, EVERYWHERE },
    { "late", STR_INIT("Late"), GRID_NUMBER, EVERYWHERE },
    { "stopped_high", STR_INIT("Stopped at most"), GRID_NUMBER, EVERYWHERE },
    { "rate_low", STR_INIT("95 % from"), GRID_NUMBER, EVERYWHERE },
    { "rate_high", STR_INIT("to %"), GRID_NUMBER, EVERYWHERE },
};

static void put_rates(const struct report *report, struct section *section)
{
    const struct audit *audit = &report->month->period->audit;
    struct grid *grid =
        section_grid(section, "harm", EVERYWHERE, rate_columns, sizeof rate_columns / sizeof *rate_columns);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const struct audit_count *count = &audit->labels[labels[i].label];
        struct interval rate = audit_rate(count);
        bool any = count->deliveries > 0;
        grid_row(grid);
        grid_text(grid, str_of(labels[i].title));
        grid_count(grid, count->deliveries);
        grid_count(grid, count->by_harm[HARM_TOLD]);
        grid_count(grid, count->by_harm[HARM_LOST]);
        grid_count(grid, count->late_low);
        grid_count(grid, count->stopped_high);
        grid_number(grid, any ? rate.low * 100 : NAN, 2);
        grid_number(grid, any ? rate.high * 100 : NAN, 2);
    }
}

static const struct grid_column hurt_columns[] = {
    { "domain", STR_INIT("Sender domain"), GRID_TEXT, EVERYWHERE },
    { "told", STR_INIT("Told"), GRID_NUMBER, EVERYWHERE },
    { "lost", STR_INIT("Lost"), GRID_NUMBER, EVERYWHERE },
    { "late", STR_INIT("Late"), GRID_NUMBER, EVERYWHERE },
    { "possible", STR_INIT("Possibly"), GRID_NUMBER, EVERYWHERE },
    { "measure", STR_INIT("Mostly by"), GRID_TEXT, EVERYWHERE },
    { "session", STR_INIT("A session"), GRID_NUMBER, EVERYWHERE },
};

static void put_hurt(const struct report *report, struct section *section)
{
    const struct audit *audit = &report->month->period->audit;
    struct audit_list *list = audit_list_new(report->month->policy, HURT_DOMAIN);
    struct audit_list_row *rows = NULL;
    for (size_t i = 0; i < audit->harmed_count; i++)
        audit_list_take(list, &audit->harmed[i]);
    size_t count = audit_list_most(list, report->most, report->arena, &rows);
    audit_list_free(list);
    struct grid *grid =
        section_grid(section, "hurt", EVERYWHERE, hurt_columns, sizeof hurt_columns / sizeof *hurt_columns);
    grid->caption = STR("Whom it hurts, or may");
    grid->nothing = STR("Nobody that is wanted, as far as the record tells.");
    for (size_t i = 0; i < count; i++) {
        grid_row_of(grid, rows[i].measure, report_colour(report, rows[i].measure));
        grid_text(grid, rows[i].name);
        grid_count(grid, rows[i].harm[HARM_TOLD]);
        grid_count(grid, rows[i].harm[HARM_LOST]);
        grid_count(grid, rows[i].harm[HARM_LATE]);
        grid_count(grid, rows[i].possible);
        grid_text(grid, rows[i].measure);
        struct str id = arena_printf(grid->arena, "%" PRId64, rows[i].example); /* a name, not an amount */
        grid_put(grid, id, id);
    }
}

static void make_harm(const struct report *report, struct section *section)
{
    put_rates(report, section);
    section_say(
        section, FOR_PEOPLE,
        STR("Told: refused for good, and the sender gets to know. Late: put off, and comes with a later "
            "try. Lost: put off or dropped, and does not come back. Stopped at most: with what the record "
            "does not tell."));
    put_hurt(report, section);
    if (report->month->period->audit.harmed_count)
        section_say(
            section, FOR_PEOPLE,
            STR("Why one of them: mxreplay explain SESSION; which exemptions would cure most: mxreplay "
                "audit."));
}

const struct view view_harm = { "harm", "Who was hurt", WANT_AUDIT, has_harm, make_harm };

/* ---- What became of what was let in. */

static const struct grid_column delivered_columns[] = {
    { "what", STR_INIT("Accepted, and"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Recipients"), GRID_NUMBER, EVERYWHERE },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
    { "share", STR_INIT(""), GRID_BAR, IN_PAGE },
};

static const struct grid_column reason_columns[] = {
    { "reason", STR_INIT("As the server has it"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Recipients"), GRID_NUMBER, EVERYWHERE },
};

static void put_delivered(struct grid *grid, const char *what, uint64_t count, uint64_t all)
{
    grid_row(grid);
    grid_text(grid, str_of(what));
    grid_count(grid, count);
    grid_percent(grid, count, all);
    grid_bar(grid, count, count, all);
}

static void put_delays(const struct report *report, struct section *section)
{
    static const char *const names[DELAYS] = { "under 1 s", "to 10 s", "to 1 min", "to 10 min",
                                               "to 1 h",    "to 4 h",  "to 1 day", "longer" };
    const struct fates *fates = report->month->fates;
    struct chart_column columns[DELAYS];
    for (size_t i = 0; i < DELAYS; i++)
        columns[i] = (struct chart_column){ .name = str_of(names[i]),
                                            .value = fates->by_delay[i],
                                            .rgb = palette_accepted().rgb };
    section_chart(section,
                  columns_chart("delivery", STR("How long the server took to deliver what it accepted"),
                                month_title(report->month, report->arena), STR("recipients"), columns, DELAYS,
                                report->arena));
}

static void make_delivered(const struct report *report, struct section *section)
{
    const struct fates *fates = report->month->fates;
    struct grid *grid = section_grid(section, "delivered", EVERYWHERE, delivered_columns,
                                     sizeof delivered_columns / sizeof *delivered_columns);
    put_delivered(grid, "delivered or sent on", fates->sent, fates->accepted);
    put_delivered(grid, "of these after a deferral", fates->late, fates->accepted);
    put_delivered(grid, "still deferred", fates->deferred, fates->accepted);
    put_delivered(grid, "bounced", fates->bounced, fates->accepted);
    put_delivered(grid, "nothing is known of it", fates->unknown, fates->accepted);
    if (fates->sent > fates->delay_unknown)
        put_delays(report, section);
    struct grid *why = section_grid(section, "bounces", EVERYWHERE, reason_columns,
                                    sizeof reason_columns / sizeof *reason_columns);
    why->caption = STR("Why it bounced, or waits");
    for (size_t i = 0; i < fates->reason_count && i < report->most; i++) {
        grid_row(why);
        grid_text(why, fates->reasons[i].text);
        grid_count(why, fates->reasons[i].count);
    }
}

static bool has_fates(const struct report *report)
{
    return report->month->fates && report->month->fates->accepted > 0;
}

const struct view view_delivered = { "delivered", "What became of accepted mail", 0, has_fates,
                                     make_delivered };
