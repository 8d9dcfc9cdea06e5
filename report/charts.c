/* Columns and weeks, as what their templates draw. */
#include "report/charts.h"

#include <inttypes.h>
#include "report/utf8.h"

const char *const weekday_name[7] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* Pixels. */
enum { WIDTH = 960, HEIGHT = 360, TOP = 104, BOTTOM = 56, LEFT = 40, RIGHT = 40 };
enum { WEEK_HEIGHT = 380, WEEK_LEFT = 70, WEEK_RIGHT = 24, WEEK_TOP = 76, WEEK_BOTTOM = 68, SCALES = 6 };

static struct str comma(struct arena *arena, uint64_t count)
{
    char text[GROUPED_BYTES];
    size_t len = text_grouped(count, text);
    return arena_str(arena, (struct str){ text, len });
}

struct chart *columns_chart(const char *name, struct str title, struct str second, struct str ylabel,
                            const struct chart_column *columns, size_t count, struct arena *arena)
{
    struct chart *chart = arena_zero(arena, sizeof *chart);
    uint64_t most = 0;
    *chart = (struct chart){
        .name = name, .template = "columns", .title = title, .width = WIDTH, .height = HEIGHT
    };
    for (size_t i = 0; i < count; i++)
        most = columns[i].value > most ? columns[i].value : most;
    chart_begin(chart);
    chart_text(chart, "title", title);
    chart_text(chart, "second", second);
    chart_text(chart, "ylabel", ylabel);
    chart_text(chart, "xlabel", STR(""));
    chart_text(chart, "note", most ? STR("") : STR("none in this period"));
    chart_number(chart, "left", LEFT);
    chart_number(chart, "right", RIGHT);
    chart_number(chart, "top", TOP);
    chart_number(chart, "bottom", BOTTOM);
    chart_count(chart, "columns", most ? count : 0);
    chart_number(chart, "most", most ? (double)most : 1);
    static const char *const arrays[] = { "NAME", "VALUE", "TEXT", "COLOUR" };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        chart_array(chart, arrays[i], count);
    for (size_t i = 0; i < count; i++) {
        chart_item_text(chart, "NAME", i + 1, columns[i].name);
        chart_item(chart, "VALUE", i + 1, (double)columns[i].value);
        chart_item_text(chart, "TEXT", i + 1,
                        columns[i].text.at ? columns[i].text : comma(arena, columns[i].value));
        chart_item_colour(chart, "COLOUR", i + 1, columns[i].rgb);
    }
    chart_end(chart, arena);
    return chart;
}

/* How full, as gnuplot has it: 0xAARRGGBB, where AA is how transparent. What is a little is still to be seen.
 */
static uint32_t shade(uint64_t value, uint64_t most, uint32_t rgb)
{
    double full = most ? (double)value / (double)most : 0;
    full = value ? 0.08 + 0.92 * full : 0.02;
    return (uint32_t)(255 * (1 - full)) << 24 | rgb;
}

struct chart *week_chart(const char *name, struct str title, struct str second, const uint64_t week[7][24],
                         uint32_t rgb, struct arena *arena)
{
    struct chart *chart = arena_zero(arena, sizeof *chart);
    uint64_t most = 0;
    *chart = (struct chart){
        .name = name, .template = "heat", .title = title, .width = WIDTH, .height = WEEK_HEIGHT
    };
    for (size_t day = 0; day < 7; day++)
        for (size_t hour = 0; hour < 24; hour++)
            most = week[day][hour] > most ? week[day][hour] : most;
    chart_begin(chart);
    chart_text(chart, "title", title);
    chart_text(chart, "second", second);
    chart_text(chart, "note", most ? STR("") : STR("none in this period"));
    chart_number(chart, "left", WEEK_LEFT);
    chart_number(chart, "right", WEEK_RIGHT);
    chart_number(chart, "top", WEEK_TOP);
    chart_number(chart, "bottom", WEEK_BOTTOM);
    chart_count(chart, "days", 7);
    chart_count(chart, "hours", 24);
    chart_array(chart, "DAY", 7);
    chart_array(chart, "HOUR", 24);
    for (size_t day = 0; day < 7; day++)
        chart_item_text(chart, "DAY", day + 1, str_of(weekday_name[day]));
    for (size_t hour = 0; hour < 24; hour++)
        chart_item_text(chart, "HOUR", hour + 1, hour % 3 ? STR("") : arena_printf(arena, "%02zu:00", hour));
    fputs("$cells << E\n", chart->to);
    for (size_t day = 0; day < 7; day++)
        for (size_t hour = 0; hour < 24; hour++)
            fprintf(chart->to, "%zu %zu 0x%08" PRIx32 "\n", hour, day, shade(week[day][hour], most, rgb));
    fputs("E\n", chart->to);
    chart_count(chart, "scales", most ? SCALES : 0);
    chart_array(chart, "SCALE", SCALES);
    for (uint64_t i = 0; i < SCALES; i++)
        fprintf(chart->to, "SCALE[%" PRIu64 "] = 0x%08" PRIx32 "\n", i + 1, shade(i, SCALES - 1, rgb));
    chart_text(chart, "low", most ? STR("0") : STR(""));
    chart_text(chart, "high", most ? comma(arena, most) : STR(""));
    chart_end(chart, arena);
    return chart;
}
