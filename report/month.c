/* The monthly report. Everything is made before anything is written, so that a gnuplot that fails leaves last
 * time's report as it was. */
#define _GNU_SOURCE
#include "report/month.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "report/plot.h"
#include "report/replay_table.h"
#include "report/views.h"
#include "report/whole_file.h"

/* The folder with those above it that are missing. */
static int make_folder(const char *folder, struct arena *arena, struct why *why)
{
    char *path = (char *)arena_str(arena, str_of(folder)).at;
    for (char *at = path + 1; *path; at++) {
        char was = *at;
        if (was != '/' && was != '\0')
            continue;
        *at = '\0';
        struct stat there;
        if (mkdir(path, 0777) && (errno != EEXIST || stat(path, &there) || !S_ISDIR(there.st_mode)))
            return why_set(why, EX_CANTCREAT, "%s: cannot make this folder: %s", path,
                           strerror(errno == EEXIST ? ENOTDIR : errno));
        *at = was;
        if (was == '\0')
            break;
    }
    return 0;
}

static int write_picture(const char *path, const struct picture_bytes *bytes, struct why *why)
{
    return whole_file_write(path, (struct str){ bytes->at, bytes->len }, why);
}

static const char *in_folder(struct arena *arena, const char *folder, const char *name, const char *ending)
{
    return arena_printf(arena, "%s/%s%s", folder, name, ending).at;
}

static int write_table(const char *path, const struct tally *tally,
                       int (*print)(const struct tally *, enum table_format, FILE *, struct why *),
                       struct why *why)
{
    struct whole_file file;
    if (whole_file_open(&file, path, why))
        return -1;
    if (print(tally, TABLE_CSV, file.to, why)) {
        whole_file_drop(&file);
        return -1;
    }
    return whole_file_keep(&file, why);
}

static int write_page(const char *path, const struct report *report,
                      void (*write)(const struct report *, FILE *), struct why *why)
{
    struct whole_file file;
    if (whole_file_open(&file, path, why))
        return -1;
    write(report, file.to);
    return whole_file_keep(&file, why);
}

int month_write(const struct month *month, const char *folder, struct why *why)
{
    struct arena arena = { 0 };
    struct report report = { .month = month, .arena = &arena };
    struct picture_bytes png[GRAPHS] = { { 0 } };
    int result = -1;
    for (int graph = 0; graph < GRAPHS; graph++)
        if (plot_picture(month->tally, (enum graph)graph, PICTURE_SVG, month->gnuplot, &report.svg[graph],
                         why) ||
            plot_picture(month->tally, (enum graph)graph, PICTURE_PNG, month->gnuplot, &png[graph], why))
            goto done;
    if (make_folder(folder, &arena, why))
        goto done;
    for (int graph = 0; graph < GRAPHS; graph++)
        if (write_picture(in_folder(&arena, folder, graph_name[graph], ".svg"), &report.svg[graph], why) ||
            write_picture(in_folder(&arena, folder, graph_name[graph], ".png"), &png[graph], why))
            goto done;
    if (write_table(in_folder(&arena, folder, "replay", ".csv"), month->tally, replay_table_print, why) ||
        write_table(in_folder(&arena, folder, "series", ".csv"), month->tally, series_table_print, why) ||
        write_page(in_folder(&arena, folder, "report", ".txt"), &report, page_write_text, why) ||
        write_page(in_folder(&arena, folder, "index", ".html"), &report, page_write, why))
        goto done;
    result = 0;
done:
    for (int graph = 0; graph < GRAPHS; graph++) {
        free(report.svg[graph].at);
        free(png[graph].at);
    }
    arena_free(&arena);
    return result;
}
