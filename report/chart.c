/* Variables for a template, and what the template draws of them. */
#define _GNU_SOURCE
#include "report/chart.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "report/escape.h"

const struct shipped_template shipped_templates[] = {
    {
        "stack",
#include "report/templates/stack.gnuplot.inc"
    },
    {
        "heat",
#include "report/templates/heat.gnuplot.inc"
    },
    {
        "columns",
#include "report/templates/columns.gnuplot.inc"
    },
    {
        "upset",
#include "report/templates/upset.gnuplot.inc"
    },
    { NULL, NULL },
};

enum { TEMPLATE_BYTES_MOST = 1024 * 1024 };

/* ---- Variables. */

void chart_begin(struct chart *chart)
{
    chart->to = open_memstream(&chart->text, &chart->text_len);
    if (!chart->to)
        abort(); /* no memory: there is none to say so either */
}

void chart_text(struct chart *chart, const char *name, struct str text)
{
    fprintf(chart->to, "%s = ", name);
    escape_gnuplot(chart->to, text);
    putc('\n', chart->to);
}

void chart_number(struct chart *chart, const char *name, double number)
{
    fprintf(chart->to, "%s = ", name);
    sheet_number(chart->to, number);
    putc('\n', chart->to);
}

void chart_count(struct chart *chart, const char *name, size_t count)
{
    fprintf(chart->to, "%s = %zu\n", name, count);
}

void chart_item_count(struct chart *chart, const char *name, size_t i, size_t count)
{
    fprintf(chart->to, "%s[%zu] = %zu\n", name, i, count);
}

/* gnuplot has no array of nothing. */
void chart_array(struct chart *chart, const char *name, size_t count)
{
    fprintf(chart->to, "array %s[%zu]\n", name, count ? count : 1);
}

void chart_item(struct chart *chart, const char *name, size_t i, double number)
{
    fprintf(chart->to, "%s[%zu] = ", name, i);
    sheet_number(chart->to, number);
    putc('\n', chart->to);
}

void chart_item_text(struct chart *chart, const char *name, size_t i, struct str text)
{
    fprintf(chart->to, "%s[%zu] = ", name, i);
    escape_gnuplot(chart->to, text);
    putc('\n', chart->to);
}

void chart_item_colour(struct chart *chart, const char *name, size_t i, uint32_t rgb)
{
    fprintf(chart->to, "%s[%zu] = 0x%06" PRIx32 "\n", name, i, rgb);
}

void chart_end(struct chart *chart, struct arena *arena)
{
    fclose(chart->to);
    chart->data = arena_str(arena, (struct str){ chart->text, chart->text_len });
    free(chart->text);
    chart->to = NULL;
    chart->text = NULL;
}

/* ---- The template. */

static struct str shipped(const char *name)
{
    for (const struct shipped_template *row = shipped_templates; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return str_of(row->text);
    return (struct str){ NULL, 0 };
}

/* The user's, where there is one; *path is how errors call it, at NULL for ours. */
static int read_template(const char *folder, const char *name, struct arena *arena, struct str *text,
                         const char **path, struct why *why)
{
    *text = shipped(name);
    *path = NULL;
    if (!folder)
        return 0;
    const char *file = arena_printf(arena, "%s/%s.gnuplot", folder, name).at;
    int in = open(file, O_RDONLY | O_CLOEXEC);
    if (in < 0 && errno == ENOENT)
        return 0;
    char *bytes = arena_alloc(arena, TEMPLATE_BYTES_MOST + 1);
    size_t len = 0;
    ssize_t got = in < 0 ? -1 : 1;
    while (got > 0 && len <= TEMPLATE_BYTES_MOST) {
        got = read(in, bytes + len, TEMPLATE_BYTES_MOST + 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    int error = errno;
    if (in >= 0)
        close(in);
    if (got < 0)
        return why_set(why, EX_NOINPUT, "%s: cannot read: %s", file, strerror(error));
    if (len > TEMPLATE_BYTES_MOST)
        return why_set(why, EX_DATAERR, "%s: more than %d bytes are no template", file, TEMPLATE_BYTES_MOST);
    *text = (struct str){ bytes, len };
    *path = file;
    return 0;
}

/* What every template can use. */
static void put_common(const struct sheet *sheet)
{
    fprintf(sheet->to,
            "width = %d.0\nheight = %d.0\nink = '%s'\nfaint = '%s'\ngridded = '%s'\naxis = '%s'\nground = "
            "'%s'\nbold = '%s'\n",
            sheet->width, sheet->height, INK, FAINT, GRID, AXIS, GROUND,
            sheet->picture == PICTURE_SVG ? SVG_BOLD : "DejaVu Sans:Bold");
}

int chart_draw(struct chart *chart, enum picture picture, const struct gnuplot *gnuplot, struct why *why)
{
    struct arena arena = { 0 };
    char *script = NULL;
    size_t len = 0;
    const char *path = NULL;
    struct str template = { NULL, 0 };
    int result =
        read_template(gnuplot ? gnuplot->templates : NULL, chart->template, &arena, &template, &path, why);
    FILE *to = result == 0 ? open_memstream(&script, &len) : NULL;
    if (to) {
        struct sheet sheet = { .picture = picture, .width = chart->width, .height = chart->height, .to = to };
        sheet_begin(&sheet);
        put_common(&sheet);
        fwrite(chart->data.at, 1, chart->data.len, to);
        fwrite(template.at, 1, template.len, to);
        fclose(to);
    }
    if (result == 0) {
        result = picture_draw(picture, (struct str){ script, len }, gnuplot, &chart->drawn[picture], why);
        if (result < 0 && path)
            why_prefix(why, "%s: ", path);
    }
    if (result == 0 && picture == PICTURE_SVG)
        svg_mend(&chart->drawn[picture], chart->title, chart->parts, chart->part_count);
    free(script);
    arena_free(&arena);
    return result;
}

void chart_free(struct chart *chart)
{
    for (int i = 0; i < PICTURES; i++) {
        free(chart->drawn[i].at);
        chart->drawn[i] = (struct picture_bytes){ 0 };
    }
}
