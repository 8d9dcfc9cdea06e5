/* The page and the text around the sections. The page is one file without network (its policy forbids it),
 * and of scripts runs the one that comes with mxreplay, known by its hash: nothing that a spammer wrote.
 * Light and dark after what the reader's system says, light on paper. */
#define _GNU_SOURCE
#include "report/views.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <string.h>
#include "report/escape.h"
#include "report/json.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/utf8.h"
#include "report/words.h"

static const char style[] =
#include "report/page.css.inc"
    ;
static const char script[] =
#include "report/page.js.inc"
    ;

struct str month_title(const struct month *month, struct arena *arena)
{
    const struct tally *tally = &month->period->tally;
    char period[PERIOD_TEXT_BYTES];
    if (month->title.at)
        return month->title;
    period_text(tally->from, tally->to, period);
    return arena_printf(arena, "%s", period);
}

struct str month_made(const struct month *month, struct arena *arena)
{
    char text[CLOCK_TEXT_BYTES];
    if (month->made == USEC_NONE)
        return STR("mxreplay " MXREPLAY_VERSION);
    clock_format(wall_shown(month->wall, month->made), text);
    return arena_printf(arena, "mxreplay %s, %.10s %.5s %.*s", MXREPLAY_VERSION, text, text + 11,
                        STR_ARG(tally_zone(&month->period->tally)));
}

/* ---- HTML. */

/* "sha256-..." of the script, as a content security policy has it. */
static void put_script_hash(FILE *to)
{
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";
    sha256_init(&hash);
    sha256_update(&hash, sizeof script - 1, (const uint8_t *)script);
    sha256_digest(&hash, sizeof digest, digest);
    base64_encode_raw(text, sizeof digest, digest);
    fprintf(to, "'sha256-%s'", text);
}

static void put_contents(const struct section *sections, size_t count, FILE *to)
{
    fputs("<nav aria-label=\"Sections\">\n", to);
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "<a href=\"#%s\">", sections[i].name);
        escape_html(to, sections[i].title);
        fputs("</a>\n", to);
    }
    fputs("</nav>\n", to);
}

void page_write(const struct month *month, const struct section *sections, size_t count, FILE *to)
{
    struct arena arena = { 0 };
    struct str title = month_title(month, &arena),
               heading = tally_heading(&month->period->tally, true, &arena);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src ",
          to);
    put_script_hash(to);
    fputs("\">\n<title>", to);
    escape_html(to, title);
    fputs(" - mxreplay</title>\n<style>\n", to);
    fputs(style, to);
    fputs("</style>\n</head>\n<body>\n<header>\n<h1>", to);
    escape_html(to, title);
    fputs("</h1>\n<p class=\"lead\">", to);
    escape_html(to, heading);
    fputs("</p>\n", to);
    put_contents(sections, count, to);
    fputs("</header>\n<main>\n", to);
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "<section id=\"%s\">\n<h2>", sections[i].name);
        escape_html(to, sections[i].title);
        fputs("</h2>\n", to);
        section_page(&sections[i], to);
        fputs("</section>\n", to);
    }
    fputs("</main>\n<footer>\n<p>Beside this page: <a href=\"report.txt\">report.txt</a>, <a "
          "href=\"report.json\">report.json</a>, and each table and graph as a file of its own.</p>\n<p>",
          to);
    escape_html(to, month_made(month, &arena));
    fputs("</p>\n</footer>\n<script>", to);
    fputs(script, to);
    fputs("</script>\n</body>\n</html>\n", to);
    arena_free(&arena);
}

/* ---- Text. */

static void put_underlined(FILE *to, struct str text, char line)
{
    size_t width = text_width(text);
    fprintf(to, "%.*s\n", STR_ARG(text));
    while (width--)
        putc(line, to);
    fputs("\n\n", to);
}

static bool says_anything(const struct section *section)
{
    for (size_t i = 0; i < section->count; i++)
        if (section->parts[i].in & IN_TEXT)
            return true;
    return false;
}

void page_write_text(const struct month *month, const struct section *sections, size_t count, FILE *to)
{
    struct arena arena = { 0 };
    struct str title = text_visible(&arena, month_title(month, &arena));
    put_underlined(to, text_fit(&arena, title, TEXT_COLUMNS), '=');
    words_put(to, TABLE_TEXT, tally_heading(&month->period->tally, true, &arena));
    putc('\n', to);
    for (size_t i = 0; i < count; i++) {
        if (!says_anything(&sections[i]))
            continue;
        put_underlined(to, text_fit(&arena, text_visible(&arena, sections[i].title), TEXT_COLUMNS), '-');
        section_text(&sections[i], to);
        putc('\n', to);
    }
    fprintf(to, "-- \n%.*s\n", STR_ARG(month_made(month, &arena)));
    arena_free(&arena);
}

/* ---- JSON. */

static void put_section(const struct section *section, struct json *json)
{
    json_object(json, NULL);
    json_text(json, "name", str_of(section->name));
    json_text(json, "title", section->title);
    json_array(json, "words");
    for (size_t i = 0; i < section->count; i++) {
        const struct part *part = &section->parts[i];
        if (part->kind == PART_SAY || part->kind == PART_ITEM)
            json_text(json, NULL, part->text);
    }
    json_end_array(json);
    json_object(json, "tables");
    for (size_t i = 0; i < section->count; i++)
        if (section->parts[i].kind == PART_GRID && section->parts[i].in & IN_DATA)
            grid_json(section->parts[i].grid, json, section->parts[i].grid->name);
    json_end_object(json);
    json_end_object(json);
}

void page_write_json(const struct month *month, const struct section *sections, size_t count, FILE *to)
{
    struct arena arena = { 0 };
    const struct tally *tally = &month->period->tally;
    struct json json = { .to = to };
    char from[PERIOD_TEXT_BYTES];
    period_text(tally->from, tally->to, from);
    json_object(&json, NULL);
    json_text(&json, "title", month_title(month, &arena));
    json_text(&json, "policy", tally->policy);
    json_text(&json, "unit", str_of(unit_name[tally->unit]));
    json_count(&json, "units", tally->units);
    json_count(&json, "base", tally->base);
    json_text(&json, "period", str_of(from));
    json_text(&json, "zone", tally_zone(tally));
    json_array(&json, "sections");
    for (size_t i = 0; i < count; i++)
        put_section(&sections[i], &json);
    json_end_array(&json);
    json_end_object(&json);
    arena_free(&arena);
}
