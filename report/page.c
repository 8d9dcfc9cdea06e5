/* The page around the sections. One file, no script, no network (its policy forbids both); light and dark
 * after what the reader's system says, light on paper. */
#define _GNU_SOURCE
#include "report/views.h"

#include <string.h>
#include "report/escape.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/utf8.h"
#include "report/words.h"

/* gnuplot writes colours as it was told them; in the dark these stand for them (see INK, FAINT, GRID, AXIS
 * and GROUND in sheet.h, which must be the same). */
static const char style[] =
    ":root{--ground:#ffffff;--card:#f6f8fa;--ink:#24292f;--faint:#57606a;--line:#d8dee4;--grid:#dfe3e8;--"
    "axis:#8b949e}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ground:#0d1117;--card:#161b22;--ink:#e6edf3;"
    "--faint:#9da7b3;--line:#30363d;--grid:#2a3038;--axis:#6e7681}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:1040px;padding:2rem 1.25rem 3rem;background:var(--ground);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 .25rem}\n"
    "h2{font-size:1.2rem;margin:2.5rem 0 .75rem}\n"
    ".lead{color:var(--faint);margin:0;overflow-wrap:anywhere}\n"
    ".cards{display:flex;flex-wrap:wrap;gap:.75rem;margin:0}\n"
    ".cards div{flex:1 1 12rem;background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "padding:.75rem 1rem}\n"
    ".cards dt{color:var(--faint);font-size:.9rem}\n"
    ".cards dd{margin:0;font-variant-numeric:tabular-nums}\n"
    ".cards b{font-size:1.6rem;margin-right:.25rem}\n"
    "small{display:block;color:var(--faint);font-size:.9rem}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.4rem .75rem;text-align:right;border-bottom:1px solid "
    "var(--line);vertical-align:baseline}\n"
    "th[scope=row],th:first-child{text-align:left;min-width:8rem;overflow-wrap:anywhere}\n"
    "tbody th{font-weight:400}\n"
    "thead th{font-size:.85rem;font-weight:600;color:var(--faint)}\n"
    "tfoot th,tfoot td{border-bottom:0;font-weight:600}\n"
    "td.share{width:26%;min-width:6rem;text-align:left;white-space:nowrap;font-size:0;vertical-align:middle}"
    "\n"
    "td.share i{display:inline-block;height:.9rem}\n"
    "i.pale{opacity:.4}\n"
    "i.swatch{display:inline-block;width:.8rem;height:.8rem;margin-right:.6rem;border-radius:2px}\n"
    "@media (max-width:640px){th,td{padding:.4rem .35rem}td.share{display:none}}\n"
    "figure{margin:0}\n"
    "figcaption{color:var(--faint);font-size:.9rem}\n"
    "figure svg{display:block;width:100%;min-width:640px;height:auto}\n"
    "figure svg rect[fill=\"#ffffff\"]{fill:none}\n"
    "figure svg g[fill=\"rgb(36,41,47)\"]{fill:var(--ink)}\n"
    "figure svg g[fill=\"rgb(106,115,125)\"]{fill:var(--faint)}\n"
    "figure svg .gridline{stroke:var(--grid)}\n"
    "figure svg path[stroke=\"rgb(139, 148, 158)\"]{stroke:var(--axis)}\n"
    "details summary{cursor:pointer}\n"
    "footer{margin-top:3rem;padding-top:1rem;border-top:1px solid "
    "var(--line);color:var(--faint);font-size:.9rem}\n"
    "a{color:inherit}\n"
    "@media print{@page{size:A4;margin:15mm}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "body{max-width:none;padding:0;font-size:11pt}section{break-inside:avoid}h2{break-after:avoid}"
    "figure svg{min-width:0}.wide{overflow:visible}details{display:none}}\n";

static struct str title_of(const struct report *report)
{
    char period[PERIOD_TEXT_BYTES];
    if (report->month->title.at)
        return report->month->title;
    period_text(report->month->tally->from, report->month->tally->to, period);
    return arena_printf(report->arena, "%s", period);
}

static void put_made(const struct month *month, FILE *to)
{
    char text[CLOCK_TEXT_BYTES];
    fprintf(to, "mxreplay %s", MXREPLAY_VERSION);
    if (month->made != USEC_NONE) {
        clock_format(month->made, text);
        fprintf(to, ", %.10s %.5s UTC", text, text + 11);
    }
}

void page_write(const struct report *report, FILE *to)
{
    struct str title = title_of(report), heading = tally_heading(report->month->tally, true, report->arena);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">\n"
          "<title>",
          to);
    escape_html(to, title);
    fputs(" - mxreplay</title>\n<style>\n", to);
    fputs(style, to);
    fputs("</style>\n</head>\n<body>\n<header>\n<h1>", to);
    escape_html(to, title);
    fputs("</h1>\n<p class=\"lead\">", to);
    escape_html(to, heading);
    fputs("</p>\n</header>\n<main>\n", to);
    for (size_t i = 0; views[i]; i++) {
        if (views[i]->applies && !views[i]->applies(report))
            continue;
        fprintf(to, "<section id=\"%s\">\n<h2>%s</h2>\n", views[i]->name, views[i]->title);
        views[i]->page(report, to);
        fputs("</section>\n", to);
    }
    fputs("</main>\n<footer>\n<p>Beside this page: <a href=\"report.txt\">report.txt</a>, "
          "<a href=\"replay.csv\">replay.csv</a>, <a href=\"series.csv\">series.csv</a>, and the graphs as "
          "<a href=\"counts.svg\">counts.svg</a>, <a href=\"counts.png\">counts.png</a>, "
          "<a href=\"percent.svg\">percent.svg</a>, <a href=\"percent.png\">percent.png</a>.</p>\n<p>",
          to);
    put_made(report->month, to);
    fputs("</p>\n</footer>\n</body>\n</html>\n", to);
}

static void put_underlined(FILE *to, struct str text, char line)
{
    size_t width = text_width(text);
    fprintf(to, "%.*s\n", STR_ARG(text));
    while (width--)
        putc(line, to);
    fputs("\n\n", to);
}

void page_write_text(const struct report *report, FILE *to)
{
    struct str title = text_visible(report->arena, title_of(report));
    put_underlined(to, text_fit(report->arena, title, TEXT_COLUMNS), '=');
    for (size_t i = 0; views[i]; i++) {
        if (!views[i]->text || (views[i]->applies && !views[i]->applies(report)))
            continue;
        put_underlined(to, str_of(views[i]->title), '-');
        views[i]->text(report, to);
        putc('\n', to);
    }
    fputs("-- \n", to);
    put_made(report->month, to);
    putc('\n', to);
}
