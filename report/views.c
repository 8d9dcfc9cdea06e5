/* The views: the only place that knows them all. */
#include "report/views.h"

const struct view *const views[] = {
    &view_glance,     &view_table,       &view_counts,    &view_percent, &view_series,    &view_recorded,
    &view_week,       &view_dialog,      &view_overlap,   &view_lists,   &view_early,     &view_greylist,
    &view_abuse,      &view_backscatter, &view_networks,  &view_systems, &view_countries, &view_domains,
    &view_recipients, &view_harm,        &view_delivered, &view_quality, &view_notes,     NULL,
};

uint32_t report_colour(const struct report *report, struct str measure)
{
    for (size_t i = 0; i < report->tally->row_count; i++)
        if (str_eq(report->tally->rows[i].name, measure))
            return report->inks[i].rgb;
    return palette_of(measure).rgb;
}
