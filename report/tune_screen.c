/* The screen: the table above, then the totals, what the policy costs, the measure that the keys are for with
 * its knobs, a message, and the keys. On a small screen the lower parts give way to the measures. */
#include "report/tune_screen.h"

#include <inttypes.h>
#include <math.h>
#include "report/slices.h"
#include "report/tune_pages.h"
#include "report/tune_table.h"
#include "report/utf8.h"
#include "report/words.h"

/* How many rows each part has. */
struct parts {
    size_t measures, totals, words, detail, knobs;
};

static void put_bar(struct screen *screen, size_t row, struct str left, struct str right)
{
    screen_style(screen, row, SCREEN_BAR);
    size_t room = screen->columns, taken = text_width(right);
    if (taken + 20 < room)
        screen_put_right(screen, row, room - 1, taken, SCREEN_BAR, right);
    else
        taken = 0;
    screen_put(screen, row, 1, room - 2 - (taken ? taken + 2 : 0), SCREEN_BAR, left);
}

static void put_title(struct screen *screen, const struct tune_shown *shown)
{
    struct arena arena = { 0 };
    struct str right = shown->fresh ? STR("") : STR("computing\xe2\x80\xa6");
    struct str left =
        arena_printf(&arena, "mxreplay tune  %.*s%s%s", STR_ARG(text_visible(&arena, shown->name)),
                     tuning_is_changed(shown->tuning) ? ", changed" : "",
                     tuning_delays_reject(shown->tuning) ? ", delay-reject" : "");
    if (shown->now && shown->fresh) {
        const struct tally *tally = &shown->now->tally;
        char count[GROUPED_BYTES], period[PERIOD_TEXT_BYTES];
        text_grouped(tally->units, count);
        period_text(tally->from, tally->to, period);
        right = arena_printf(&arena, "%s %s, %s", count,
                             tally->units == 1 ? unit_name[tally->unit] : unit_plural[tally->unit], period);
        if (text_width(right) + text_width(left) + 4 > screen->columns)
            right = arena_printf(&arena, "%s %s", count, unit_plural[tally->unit]);
    }
    put_bar(screen, 0, left, right);
    arena_free(&arena);
}

/* ---- Below the table. */

static struct str harm_text(const char *whose, const struct bounded *harm, struct arena *arena)
{
    struct str text = str_of(whose);
    for (int h = 0; h < HARMS; h++)
        text = arena_printf(arena, "%.*s%s %.*s %s", STR_ARG(text), h ? "," : ":",
                            STR_ARG(tune_bounded(&harm[h], arena)), harm_name[h]);
    return text;
}

static struct str short_number(double number, unsigned places, struct arena *arena)
{
    char text[NUMBER_BYTES];
    return arena_str(arena, str_of(number_text(number, places, text)));
}

static struct str cost_text(const struct figures *figures, struct arena *arena)
{
    const struct costs *costs = &figures->costs;
    char look_ups[GROUPED_BYTES], messages[GROUPED_BYTES];
    text_grouped((uint64_t)llround(costs->look_ups.expected), look_ups);
    text_grouped((uint64_t)llround(costs->messages.expected), messages);
    struct str text = arena_printf(arena, "costs: %s look-ups, %s messages (%.*s MB)", look_ups, messages,
                                   STR_ARG(short_number(costs->bytes.expected / 1e6, 1, arena)));
    if (costs->seconds.expected > 0)
        text = arena_printf(arena, "%.*s, %.*s s of scanning", STR_ARG(text),
                            STR_ARG(short_number(costs->seconds.expected, 0, arena)));
    return text;
}

static struct str delay_text(const struct tally *tally, struct arena *arena)
{
    char count[GROUPED_BYTES];
    text_grouped(tally->delayed, count);
    return arena_printf(arena, "%s surely late: half of them by %.*s minutes, nine tenths by %.*s", count,
                        STR_ARG(short_number(tally->delay_minutes_median, 1, arena)),
                        STR_ARG(short_number(tally->delay_minutes_90, 1, arena)));
}

static bool any_harm(const struct bounded *harm)
{
    return harm[HARM_TOLD].high || harm[HARM_LATE].high || harm[HARM_LOST].high;
}

/* What stands below the totals, the most telling first. */
enum { WORDS_MOST = 4 };

static size_t words_below(const struct tune_shown *shown, struct arena *arena, struct str lines[WORDS_MOST])
{
    const struct figures *now = shown->now;
    size_t count = 0;
    if (!now)
        return 0;
    if (any_harm(now->all.wanted))
        lines[count++] = harm_text("wanted mail", now->all.wanted, arena);
    lines[count++] = harm_text("presumed wanted", now->all.presumed, arena);
    if (now->tally.delayed && !isnan(now->tally.delay_minutes_median))
        lines[count++] = delay_text(&now->tally, arena);
    lines[count++] = cost_text(now, arena);
    return count;
}

static void put_detail(struct screen *screen, size_t row, const struct tune_shown *shown)
{
    struct arena arena = { 0 };
    struct tuned tuned = tuning_at(shown->tuning, shown->place);
    size_t at = 0;
    const struct row *now = tune_row(shown->now, ROW_MEASURE, tuned.rule->name, &at);
    struct str text = arena_printf(&arena, " %.*s: %.*s, at %s", STR_ARG(tuned.rule->name),
                                   STR_ARG(tuned.rule->title), stage_name[tuned.stage]);
    if (now && now->warned)
        text = arena_printf(&arena, "%.*s, only warns: %" PRIu64 " hits", STR_ARG(text), now->warned);
    text = arena_printf(&arena, "%.*s ", STR_ARG(text));
    size_t end = screen_put(screen, row, 2, screen->columns > 4 ? screen->columns - 4 : 0, SCREEN_BOLD, text);
    screen_put(screen, row, 0, 2, SCREEN_PLAIN, STR("\xe2\x94\x80\xe2\x94\x80"));
    screen_rule(screen, row, end, SCREEN_PLAIN);
    arena_free(&arena);
}

/* ---- Knobs, in lines; those that differ from the loaded policy have a star. */

struct knob_text {
    struct str text;
    size_t line, column;
    bool changed;
};

static size_t lay_knobs(const struct tune_shown *shown, size_t columns, struct arena *arena,
                        struct knob_text **texts, size_t *count)
{
    struct tuned tuned = tuning_at(shown->tuning, shown->place);
    struct knobs knobs = tuning_knobs(shown->tuning, shown->place);
    size_t line = 0, column = 1;
    *texts = arena_zero(arena, (knobs.count + 1) * sizeof **texts);
    *count = knobs.count;
    for (size_t i = 0; i < knobs.count; i++) {
        const struct knob *knob = &knobs.knob[i];
        struct knob_text *text = &(*texts)[i];
        text->changed = !knob_same(knob, tuned.rule, tuned.given);
        text->text = arena_printf(arena, "%c%.*s %.*s%s%c", i == shown->knob ? '<' : ' ',
                                  STR_ARG(text_visible(arena, knob_name(knob, arena))),
                                  STR_ARG(text_visible(arena, knob_value(knob, tuned.rule, arena))),
                                  text->changed ? "*" : "", i == shown->knob ? '>' : ' ');
        size_t width = text_width(text->text);
        if (column > 1 && column + width > columns) {
            line++;
            column = 1;
        }
        text->line = line;
        text->column = column;
        column += width;
    }
    return line + 1;
}

static void put_knobs(struct screen *screen, size_t row, size_t rows, const struct tune_shown *shown)
{
    struct arena arena = { 0 };
    struct knob_text *texts = NULL;
    size_t count = 0, lines = lay_knobs(shown, screen->columns, &arena, &texts, &count), top = 0;
    size_t picked = shown->knob < count ? texts[shown->knob].line : 0;
    if (picked >= rows)
        top = picked - rows + 1;
    if (lines > rows && top + rows > lines)
        top = lines - rows;
    bool off = tuning_at(shown->tuning, shown->place).off;
    for (size_t i = 0; i < count; i++) {
        size_t line = texts[i].line;
        if (line < top || line >= top + rows)
            continue;
        enum screen_style style = i == shown->knob   ? SCREEN_PICKED
                                  : off              ? SCREEN_DIM
                                  : texts[i].changed ? SCREEN_BOLD
                                                     : SCREEN_PLAIN;
        screen_put(screen, row + line - top, texts[i].column, screen->columns - texts[i].column, style,
                   texts[i].text);
    }
    arena_free(&arena);
}

static size_t knob_lines(const struct tune_shown *shown, size_t columns)
{
    struct arena arena = { 0 };
    struct knob_text *texts = NULL;
    size_t count = 0, lines = lay_knobs(shown, columns, &arena, &texts, &count);
    arena_free(&arena);
    return lines;
}

/* ---- The last two lines. */

static const char *const keys[] = {
    "space: on/off   tab: next   +/-: turn   J/K: move   u: undo   c: compare   w: write   ?: help   q: quit",
    "space:on/off tab:next +/-:turn J/K:move u:undo c:compare w:write ?:help q:quit",
    "space:on/off tab:next +/-:turn J/K:move ?:help q:quit",
    "space tab +/- J/K u w ?:help q:quit",
};

static void put_keys(struct screen *screen, size_t row)
{
    size_t k = 0;
    while (k + 1 < sizeof keys / sizeof *keys && strlen(keys[k]) + 2 > screen->columns)
        k++;
    put_bar(screen, row, str_of(keys[k]), STR(""));
}

static void put_foot(struct screen *screen, const struct tune_shown *shown)
{
    size_t last = screen->rows - 1;
    if (shown->message.at)
        screen_put(screen, last - 1, 1, screen->columns - 1, shown->is_error ? SCREEN_ERROR : SCREEN_PLAIN,
                   shown->message);
    if (!shown->question.at) {
        put_keys(screen, last);
        return;
    }
    size_t most = shown->typed.len ? screen->columns / 2 : screen->columns - 2;
    size_t end = screen_put(screen, last, 1, most, SCREEN_BOLD, shown->question);
    size_t room = screen->columns > end + 2 ? screen->columns - end - 2 : 1;
    struct arena arena = { 0 };
    struct str typed = text_visible(&arena, shown->typed);
    while (text_width(typed) > room) { /* the end is where one types */
        uint32_t code = 0;
        utf8_next(&typed, &code);
    }
    screen->has_cursor = true;
    screen->cursor_row = last;
    screen->cursor_column = screen_put(screen, last, end + 1, room, SCREEN_PLAIN, typed);
    arena_free(&arena);
}

/* ---- Sharing the rows out. */

static void give(size_t *part, size_t want, size_t *left)
{
    size_t more = want > *part ? want - *part : 0;
    more = more < *left ? more : *left;
    *part += more;
    *left -= more;
}

static struct parts share_rows(const struct screen *screen, const struct tune_shown *shown, size_t totals)
{
    struct parts parts = { 0 };
    size_t left = screen->rows - 5; /* title, heads, rule, message, keys */
    size_t all = tuning_count(shown->tuning), knobs = 0;
    struct arena arena = { 0 };
    struct str lines[WORDS_MOST];
    size_t words = words_below(shown, &arena, lines);
    bool any = all > 0;
    arena_free(&arena);
    if (any)
        knobs = knob_lines(shown, screen->columns);
    give(&parts.measures, all < 2 ? all : 2, &left);
    give(&parts.totals, totals < 1 ? totals : 1, &left);
    give(&parts.knobs, any ? 1 : 0, &left);
    give(&parts.detail, any ? 1 : 0, &left);
    give(&parts.totals, totals < 2 ? totals : 2, &left);
    give(&parts.measures, all < 4 ? all : 4, &left);
    give(&parts.words, words < 1 ? words : 1, &left);
    give(&parts.knobs, knobs < 2 ? knobs : 2, &left);
    give(&parts.measures, all < 7 ? all : 7, &left);
    give(&parts.words, words, &left);
    give(&parts.knobs, knobs < 3 ? knobs : 3, &left);
    give(&parts.measures, all, &left);
    give(&parts.totals, totals, &left);
    give(&parts.knobs, knobs, &left);
    return parts;
}

/* The first measure that is shown: the one that the keys are for stays in the middle. */
static size_t first_measure(const struct tune_shown *shown, size_t rows)
{
    size_t count = tuning_count(shown->tuning), top = shown->place > rows / 2 ? shown->place - rows / 2 : 0;
    return top + rows > count ? count - rows : top;
}

static void put_totals(struct screen *screen, size_t row, const struct parts *parts,
                       const struct tune_shown *shown, const struct tune_table *table)
{
    struct arena arena = { 0 };
    enum screen_style style = shown->fresh ? SCREEN_PLAIN : SCREEN_DIM;
    for (size_t i = 0; i < parts->totals; i++)
        tune_table_total(table, i, screen, row++);
    struct str lines[WORDS_MOST];
    words_below(shown, &arena, lines);
    for (size_t i = 0; i < parts->words; i++)
        screen_put(screen, row++, 6, screen->columns - 6, style, lines[i]);
    arena_free(&arena);
}

static void put_table(struct screen *screen, const struct tune_shown *shown)
{
    struct tune_table *table = tune_table_new(shown, screen->columns);
    struct parts parts = share_rows(screen, shown, tune_table_totals(table));
    size_t top = first_measure(shown, parts.measures), row = 1, count = tuning_count(shown->tuning);
    tune_table_head(table, screen, row++);
    for (size_t i = 0; i < parts.measures; i++)
        tune_table_measure(table, top + i, screen, row++);
    size_t end = 0;
    if (top + parts.measures < count || top) {
        struct arena arena = { 0 };
        end = screen_put(screen, row, 0, screen->columns, SCREEN_PLAIN,
                         arena_printf(&arena, "\xe2\x94\x80\xe2\x94\x80 %zu to %zu of %zu ", top + 1,
                                      top + parts.measures, count));
        arena_free(&arena);
    }
    screen_rule(screen, row++, end, SCREEN_PLAIN);
    put_totals(screen, row, &parts, shown, table);
    row += parts.totals + parts.words;
    if (parts.detail)
        put_detail(screen, row++, shown);
    if (parts.knobs)
        put_knobs(screen, row, parts.knobs, shown);
    tune_table_free(table);
}

void tune_draw(struct screen *screen, struct tune_shown *shown)
{
    if (screen->rows < TUNE_ROWS_LEAST || screen->columns < TUNE_COLUMNS_LEAST) {
        struct arena arena = { 0 };
        screen_put(screen, 0, 0, screen->columns, SCREEN_PLAIN,
                   arena_printf(&arena, "too small: %dx%d at least", TUNE_COLUMNS_LEAST, TUNE_ROWS_LEAST));
        screen_put(screen, 1, 0, screen->columns, SCREEN_PLAIN, STR("q quits"));
        arena_free(&arena);
        return;
    }
    put_title(screen, shown);
    if (shown->page == TUNE_TABLE)
        put_table(screen, shown);
    else
        tune_page_draw(screen, shown);
    put_foot(screen, shown);
}
