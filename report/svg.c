/* What gnuplot's SVG lacks. gnuplot writes what it writes in the same way each time, so this looks for fixed
 * text, and leaves everything as it is where it finds none. */
#define _GNU_SOURCE
#include "report/svg.h"

#include <stdlib.h>
#include "report/escape.h"

static void put(FILE *to, struct str text)
{
    fwrite(text.at, 1, text.len, to);
}

/* Copies up to `mark` and passes over it; nothing where it is not there. */
static bool copy_until(FILE *to, struct str *rest, struct str mark)
{
    struct str before;
    if (!cut_until(rest, mark, &before))
        return false;
    put(to, before);
    return true;
}

/* Leaves out what stands between two marks, with them. */
static void leave_out(FILE *to, struct str *rest, struct str from, struct str upto)
{
    struct str dropped;
    const char *begin = str_find(*rest, from);
    if (!begin || !str_find(str_range(begin, rest->at + rest->len), upto))
        return;
    copy_until(to, rest, from);
    cut_until(rest, upto, &dropped);
}

static void put_title(FILE *to, struct str title)
{
    fputs("<title>", to);
    escape_html(to, title);
    fputs("</title>", to);
}

static void put_part(FILE *to, const struct svg_part *part)
{
    if (part->measure.at) {
        fputs("<g class=\"lit\" data-of=\"", to);
        escape_html(to, part->measure);
        fputs("\">", to);
    } else {
        fputs("<g>", to);
    }
    put_title(to, part->title);
}

void svg_mend(struct picture_bytes *picture, struct str title, const struct svg_part *parts,
              size_t part_count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return;
    struct str rest = { picture->at, picture->len };
    if (copy_until(to, &rest, STR("<svg"))) {
        fputs("<svg role=\"img\" aria-label=\"", to);
        escape_html(to, title);
        putc('"', to);
    }
    if (copy_until(to, &rest, STR("<title>Gnuplot</title>")))
        put_title(to, title);
    /* The shapes of points, which we do not draw: their ids would be there twice in a page with two graphs.
     */
    leave_out(to, &rest, STR("<desc>"), STR("</desc>\n"));
    if (copy_until(to, &rest, STR("<g id=\"gnuplot_canvas\">")))
        fputs("<g>", to);
    leave_out(to, &rest, STR("<defs>"), STR("</defs>\n"));
    const struct str bold = STR("\"" SVG_BOLD "\""), plot = STR("<g id=\"gnuplot_plot_");
    for (size_t part = 0;;) {
        const char *next_bold = str_find(rest, bold), *next_plot = str_find(rest, plot);
        if (next_plot && (!next_bold || next_plot < next_bold)) {
            struct str own; /* "1" ><title>gnuplot_plot_1" */
            copy_until(to, &rest, plot);
            cut_until(&rest, STR("</title>"), &own);
            if (part < part_count)
                put_part(to, &parts[part++]);
            else
                fputs("<g>", to);
        } else if (next_bold) {
            copy_until(to, &rest, bold);
            fputs("\"sans-serif\" font-weight=\"bold\"", to);
        } else {
            break;
        }
    }
    put(to, rest);
    fclose(to);
    free(picture->at);
    *picture = (struct picture_bytes){ text, len };
}

void svg_inline(struct str picture, FILE *to)
{
    const char *begin = str_find(picture, STR("<svg"));
    put(to, begin ? str_range(begin, picture.at + picture.len) : picture);
}
