/* Places, labels and boxes for gnuplot, and pictures that are whole. */
#define _GNU_SOURCE
#include "report/sheet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "report/escape.h"
#include "report/svg.h"
#include "report/table.h"
#include "report/whole_file.h"

const char *const picture_ending[PICTURES] = { [PICTURE_SVG] = ".svg", [PICTURE_PNG] = ".png" };

enum { PNG_SCALE = 2 };

/* A number without the locale's say in it. */
void sheet_number(FILE *to, double number)
{
    int64_t scaled = (int64_t)(number * 10000 + (number < 0 ? -0.5 : 0.5));
    fprintf(to, "%s%" PRId64 ".%04" PRId64, scaled < 0 ? "-" : "", (scaled < 0 ? -scaled : scaled) / 10000,
            (scaled < 0 ? -scaled : scaled) % 10000);
}

/* A place on the canvas, from its upper left corner. */
static void put_place(const struct sheet *sheet, double x, double y)
{
    fputs(" screen ", sheet->to);
    sheet_number(sheet->to, x / sheet->width);
    fputs(", screen ", sheet->to);
    sheet_number(sheet->to, 1 - y / sheet->height);
}

void sheet_begin(const struct sheet *sheet)
{
    fputs("set encoding utf8\n", sheet->to);
    if (sheet->picture == PICTURE_SVG) {
        fprintf(sheet->to, "set terminal svg size %d,%d font 'sans-serif,12' background '%s' noenhanced\n",
                sheet->width, sheet->height, GROUND);
        return;
    }
    /* Debian's gnuplot-nox draws with cairo; one that cannot has libgd. Both count fonts in points of 96 dpi.
     */
    fprintf(
        sheet->to,
        "if (strstrt(GPVAL_TERMINALS, 'pngcairo')) { set terminal pngcairo size %d,%d fontscale %d.%d "
        "linewidth %d "
        "font 'DejaVu Sans,12' background '%s' noenhanced } else { set terminal png size %d,%d linewidth %d "
        "truecolor font 'DejaVuSans' fontscale %d.%d noenhanced }\n",
        sheet->width * PNG_SCALE, sheet->height * PNG_SCALE, PNG_SCALE * 3 / 4, PNG_SCALE * 75 % 100,
        PNG_SCALE, GROUND, sheet->width * PNG_SCALE, sheet->height * PNG_SCALE, PNG_SCALE, PNG_SCALE * 3 / 4,
        PNG_SCALE * 75 % 100);
}

void sheet_label(const struct sheet *sheet, double x, double y, const struct pen *pen, struct str text)
{
    fputs("set label ", sheet->to);
    escape_gnuplot(sheet->to, text);
    fputs(" at", sheet->to);
    put_place(sheet, x, y);
    /* gnuplot takes a face without a family for a family of that name. */
    const char *bold = sheet->picture == PICTURE_SVG ? SVG_BOLD : "DejaVu Sans:Bold";
    fprintf(sheet->to, " %s font '%s,%u' textcolor rgb '%s' front noenhanced\n", pen->side,
            pen->weight == BOLD ? bold : "", pen->size, pen->colour);
}

void sheet_box(const struct sheet *sheet, double x, double y, double width, double height, uint32_t rgb,
               double fill)
{
    fputs("set object rectangle from", sheet->to);
    put_place(sheet, x, y + height);
    fputs(" to", sheet->to);
    put_place(sheet, x + width, y);
    fprintf(sheet->to, " fillcolor rgb '#%06" PRIx32 "' fillstyle ", rgb);
    if (fill < 1) {
        fputs("transparent solid ", sheet->to);
        sheet_number(sheet->to, fill);
    } else {
        fputs("solid 1", sheet->to);
    }
    fputs(" noborder front\n", sheet->to);
}

/* A gnuplot that ends well may still have been cut off by a full disk of its own, or be no gnuplot. */
static bool is_whole(enum picture picture, const struct picture_bytes *bytes)
{
    static const struct str png_begin = STR_INIT("\x89PNG\r\n\x1a\n"),
                            png_end = STR_INIT("IEND\xae\x42\x60\x82");
    struct str all = str_trim((struct str){ bytes->at, bytes->len });
    if (picture == PICTURE_PNG)
        return str_starts(all, png_begin) && str_ends((struct str){ bytes->at, bytes->len }, png_end);
    return (str_starts(all, STR("<?xml")) || str_starts(all, STR("<svg"))) && str_ends(all, STR("</svg>"));
}

enum picture picture_of(const char *path, struct why *why)
{
    if (strcmp(path, "-") == 0)
        return PICTURE_SVG;
    for (int i = 0; i < PICTURES; i++) {
        size_t len = strlen(path), ending = strlen(picture_ending[i]);
        if (len > ending && str_eq_nocase(str_of(path + len - ending), str_of(picture_ending[i])))
            return (enum picture)i;
    }
    why_set(why, EX_USAGE, "%s: a graph is drawn as .svg or .png; give the file such a name", path);
    return PICTURES;
}

int picture_draw(enum picture picture, struct str script, const struct gnuplot *gnuplot,
                 struct picture_bytes *bytes, struct why *why)
{
    int result = script.at ? gnuplot_run(gnuplot, script, bytes, why)
                           : why_set(why, EX_OSERR, "there is no memory for the graph's script");
    if (result == 0 && !is_whole(picture, bytes)) {
        result = why_set(why, EX_SOFTWARE,
                         "gnuplot drew no whole %s; see whether $GNUPLOT or PATH lead to a real gnuplot",
                         picture_ending[picture] + 1);
        free(bytes->at);
        *bytes = (struct picture_bytes){ 0 };
    }
    return result;
}

int picture_write(struct picture_bytes *bytes, const char *path, struct why *why)
{
    int result = 0;
    if (strcmp(path, "-") == 0) {
        fwrite(bytes->at, 1, bytes->len, stdout);
        result = printed(stdout, why);
    } else {
        result = whole_file_write(path, (struct str){ bytes->at, bytes->len }, why);
    }
    free(bytes->at);
    *bytes = (struct picture_bytes){ 0 };
    return result;
}
