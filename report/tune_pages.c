/* Pages of text, which scroll where they are longer than the screen. */
#include "report/tune_pages.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include "report/tune_table.h"
#include "report/utf8.h"
#include "report/words.h"

enum { FIGURES_MOST = 24 };

/* What it is, before, now, and the change. */
struct figure_row {
    struct str text[4];
};

struct page {
    struct str *line;
    size_t count, room;
    size_t width;
    struct figure_row figure[FIGURES_MOST];
    size_t figures, figure_width[4];
    bool bounds, before; /* whether there is room for them */
    struct arena arena;
};

static void add(struct page *page, struct str text)
{
    mem_room(page->line, page->room, page->count + 1);
    page->line[page->count++] = text;
}

/* A text that may be longer than a line. */
static void add_wrapped(struct page *page, struct str text, const char *indent)
{
    struct str rest = text_visible(&page->arena, text), line;
    size_t taken = strlen(indent);
    while (text_wrap(&rest, page->width > taken ? page->width - taken : 1, &line))
        add(page, arena_printf(&page->arena, "%s%.*s", indent, STR_ARG(line)));
}

/* ---- Help. */

static const struct {
    const char *keys, *what;
} help[] = {
    { "up, down, k, j", "the measure before, the one behind; PgUp, PgDn, Home, End" },
    { "space", "switches it on or off" },
    { "K, J", "moves it up or down among those of its stage (also Shift with up, down)" },
    { "tab, Enter", "the next of its parameters; Shift-tab the one before" },
    { "right, left, +, -", "turns that parameter: a delay to 10m, 15m, 30m, a threshold by one, a zone "
                           "off, to weight 1, 2" },
    { "x",
      "switches that parameter, if it is a zone or has but on and off: a zone of weight 3 goes at once" },
    { "d", "delay-reject: all is asked at RCPT, in the order of the table" },
    { "u, r", "takes a step back; makes it again" },
    { "=", "back to the policy as it was loaded; u takes that back too" },
    { "c", "what is changed, and what that does" },
    { "w", "writes the policy to a file" },
    { "q", "quits" },
    { NULL, NULL },
    { "stopped", "by that measure: ~ estimated, ? guessed where the record does not tell; the truth lies "
                 "between low and high" },
    { "change", "against the policy as it was loaded" },
    { "hurt", "told/late/lost, of mail that should have come: refused, so that its sender gets to know; put "
              "off and let in later; put off and not let in. Wanted: by labels, logins, correspondents. "
              "Presumed wanted: the server accepted it" },
    { "*", "differs from the loaded policy" },
};

static void fill_help(struct page *page)
{
    enum { KEYS = 19 };
    for (size_t i = 0; i < sizeof help / sizeof *help; i++) {
        size_t before = page->count;
        if (!help[i].keys) {
            add(page, STR(""));
            continue;
        }
        add_wrapped(page, str_of(help[i].what), "                    ");
        struct str first = str_skip(page->line[before], KEYS + 1);
        page->line[before] = arena_printf(&page->arena, " %-*s%.*s", KEYS, help[i].keys, STR_ARG(first));
    }
}

/* ---- Comparison. */

static void add_figure(struct page *page, const char *name, struct str before, struct str now,
                       struct str change)
{
    struct figure_row *row = &page->figure[page->figures++];
    *row = (struct figure_row){ { str_of(name), before, now, change } };
    for (int c = 0; c < 4; c++)
        if (text_width(row->text[c]) > page->figure_width[c])
            page->figure_width[c] = text_width(row->text[c]);
}

/* Whether they fit once all widths are known. */
static bool figures_fit(const struct page *page)
{
    size_t sum = 2;
    for (int c = 0; c < 4; c++)
        sum += c == 1 && !page->before ? 0 : page->figure_width[c] + 2;
    return sum <= page->width + 2;
}

static void lay_figures(struct page *page)
{
    for (size_t i = 0; i < page->figures; i++) {
        const struct figure_row *row = &page->figure[i];
        struct str line =
            arena_printf(&page->arena, "  %-*.*s", (int)page->figure_width[0], STR_ARG(row->text[0]));
        for (int c = page->before ? 1 : 2; c < 4; c++)
            line = arena_printf(&page->arena, "%.*s  %*.*s", STR_ARG(line), (int)page->figure_width[c],
                                STR_ARG(row->text[c]));
        add(page, line);
    }
}

static void add_bounded(struct page *page, const char *name, struct bounded before, struct bounded now)
{
    struct arena *arena = &page->arena;
    bool any = before.high || now.high;
    if (!page->bounds) {
        before.low = before.high = before.count;
        now.low = now.high = now.count;
    }
    if (any)
        add_figure(page, name, tune_bounded(&before, arena), tune_bounded(&now, arena),
                   tune_change((int64_t)now.count - (int64_t)before.count, arena));
}

static struct bounded of_kind(const struct figures *figures, enum row_kind kind)
{
    size_t at = 0;
    const struct row *row = tune_row(figures, kind, STR(""), &at);
    return row ? (struct bounded){ row->count, row->low, row->high } : (struct bounded){ 0, 0, 0 };
}

static struct bounded of_cost(const struct cost *cost)
{
    uint64_t count = (uint64_t)llround(cost->expected);
    return (struct bounded){ count, (uint64_t)llround(cost->low), (uint64_t)llround(cost->high) };
}

static struct bounded stopped_by(const struct figures *figures)
{
    const struct tally *tally = &figures->tally;
    return (struct bounded){ tally->stopped, tally->stopped_low, tally->stopped_high };
}

static struct str minutes(double number, struct arena *arena)
{
    char text[NUMBER_BYTES];
    return isnan(number) ? STR("-") : arena_str(arena, str_of(number_text(number, 1, text)));
}

static void add_delay(struct page *page, const char *name, double before, double now)
{
    char text[NUMBER_BYTES];
    bool both = !isnan(before) && !isnan(now) && before != now;
    struct str change =
        both ? arena_printf(&page->arena, "%s%s", now > before ? "+" : "", number_text(now - before, 1, text))
             : STR("");
    if (!isnan(before) || !isnan(now))
        add_figure(page, name, minutes(before, &page->arena), minutes(now, &page->arena), change);
}

static void fill_figures(struct page *page, const struct figures *loaded, const struct figures *now)
{
    static const struct {
        const char *name;
        enum row_kind kind;
    } ends[] = { { "accepted", ROW_ACCEPTED },
                 { "refused otherwise", ROW_OTHER },
                 { "abandoned", ROW_ABANDONED },
                 { "nothing attempted", ROW_NOTHING },
                 { "relayed", ROW_RELAYED } };
    static const char *const wanted[HARMS] = { "wanted, told", "wanted, late", "wanted, lost" };
    static const char *const presumed[HARMS] = { "presumed, told", "presumed, late", "presumed, lost" };
    add_figure(page, "", STR("as it was loaded"), STR("now"), STR("change"));
    add_bounded(page, "stopped", stopped_by(loaded), stopped_by(now));
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        add_bounded(page, ends[i].name, of_kind(loaded, ends[i].kind), of_kind(now, ends[i].kind));
    for (int harm = 0; harm < HARMS; harm++)
        add_bounded(page, wanted[harm], loaded->all.wanted[harm], now->all.wanted[harm]);
    for (int harm = 0; harm < HARMS; harm++)
        add_bounded(page, presumed[harm], loaded->all.presumed[harm], now->all.presumed[harm]);
    add_delay(page, "late, half, minutes", loaded->tally.delay_minutes_median,
              now->tally.delay_minutes_median);
    add_delay(page, "late, 9 in 10, minutes", loaded->tally.delay_minutes_90, now->tally.delay_minutes_90);
    add_bounded(page, "look-ups", of_cost(&loaded->costs.look_ups), of_cost(&now->costs.look_ups));
    add_bounded(page, "messages", of_cost(&loaded->costs.messages), of_cost(&now->costs.messages));
    add_bounded(page, "scanning, seconds", of_cost(&loaded->costs.seconds), of_cost(&now->costs.seconds));
}

/* With bounds where there is room, and with what was before where there is. */
static void put_figures(struct page *page, const struct figures *loaded, const struct figures *now)
{
    for (int look = 0; look < 3; look++) {
        page->figures = 0;
        memset(page->figure_width, 0, sizeof page->figure_width);
        page->bounds = look == 0;
        page->before = look < 2;
        fill_figures(page, loaded, now);
        if (figures_fit(page))
            break;
    }
    lay_figures(page);
}

static void fill_comparison(struct page *page, const struct tune_shown *shown)
{
    struct str *lines = NULL;
    size_t count = tuning_changes(shown->tuning, &page->arena, &lines);
    add(page, STR(""));
    add(page, count ? STR("Changed:") : STR("Nothing is changed."));
    for (size_t i = 0; i < count; i++)
        add_wrapped(page, lines[i], "  ");
    if (!count)
        return;
    add(page, STR(""));
    if (!shown->loaded || !shown->now || !shown->fresh) {
        add(page, STR("The figures are being worked out."));
        return;
    }
    put_figures(page, shown->loaded, shown->now);
    add(page, STR(""));
    add_wrapped(page, shown->verdict.at ? shown->verdict : STR("Who moves is being worked out."), "");
}

void tune_page_draw(struct screen *screen, struct tune_shown *shown)
{
    struct page page = { .width = screen->columns - 2 };
    size_t rows = screen->rows - 3;
    if (shown->page == TUNE_HELP)
        fill_help(&page);
    else
        fill_comparison(&page, shown);
    if (page.count <= rows)
        shown->scroll = 0;
    else if (shown->scroll > page.count - rows)
        shown->scroll = page.count - rows;
    for (size_t i = 0; i < rows && shown->scroll + i < page.count; i++)
        screen_put(screen, 1 + i, 1, page.width, SCREEN_PLAIN, page.line[shown->scroll + i]);
    if (!shown->message.at) {
        shown->message = page.count > rows ? STR("up, down: more; any other key: back to the table")
                                           : STR("any key: back to the table");
    }
    free(page.line);
    arena_free(&page.arena);
}
