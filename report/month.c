/* The monthly report. Everything is made before anything is written, so that a gnuplot that fails leaves last
 * time's report as it was. */
#define _GNU_SOURCE
#include "report/month.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "report/json.h"
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

static const char *in_folder(struct arena *arena, const char *folder, const char *name, const char *ending)
{
    return arena_printf(arena, "%s/%s%s", folder, name, ending).at;
}

/* ---- The sections. */

static void add_section(struct section *section, struct report *report, const struct view *view,
                        const struct outline_row *row)
{
    enum { USUAL_MOST = 20 };
    report->most = row && row->most ? row->most : USUAL_MOST;
    *section = (struct section){
        .name = view->name,
        .title = row && row->title.at ? row->title : str_of(view->title),
        .arena = report->arena,
    };
    view->make(report, section);
}

struct section *month_sections(const struct month *month, struct arena *arena, size_t *count)
{
    struct report report = { .month = month, .tally = &month->period->tally, .arena = arena };
    const struct outline *outline = month->outline;
    size_t most = 0;
    while (views[most])
        most++;
    most = outline ? outline->count : most;
    struct section *sections = arena_zero(arena, (most + 1) * sizeof *sections);
    report.inks = arena_zero(arena, (report.tally->row_count + 1) * sizeof *report.inks);
    palette_assign(report.tally, report.inks);
    *count = 0;
    for (size_t i = 0; i < most; i++) {
        const struct outline_row *row = outline ? &outline->rows[i] : NULL;
        const struct view *view = row ? row->view : views[i];
        if (!view->applies || view->applies(&report))
            add_section(&sections[(*count)++], &report, view, row);
    }
    return sections;
}

/* ---- Files. */

/* All graphs, or none. */
static int draw(struct section *sections, size_t count, const struct gnuplot *gnuplot, struct why *why)
{
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < sections[s].count; i++) {
            struct part *part = &sections[s].parts[i];
            for (int picture = 0; part->kind == PART_CHART && picture < PICTURES; picture++)
                if (chart_draw(part->chart, (enum picture)picture, gnuplot, why))
                    return -1;
        }
    return 0;
}

static void undraw(struct section *sections, size_t count)
{
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < sections[s].count; i++)
            if (sections[s].parts[i].kind == PART_CHART)
                chart_free(sections[s].parts[i].chart);
}

static int write_chart(const struct chart *chart, const char *folder, struct arena *arena, struct why *why)
{
    for (int picture = 0; picture < PICTURES; picture++) {
        const struct picture_bytes *bytes = &chart->drawn[picture];
        if (whole_file_write(in_folder(arena, folder, chart->name, picture_ending[picture]),
                             (struct str){ bytes->at, bytes->len }, why))
            return -1;
    }
    return 0;
}

static int write_grid(const struct grid *grid, const char *folder, struct arena *arena, struct why *why)
{
    struct whole_file csv, json;
    if (whole_file_open(&csv, in_folder(arena, folder, grid->name, ".csv"), why))
        return -1;
    grid_csv(grid, csv.to);
    if (whole_file_keep(&csv, why) ||
        whole_file_open(&json, in_folder(arena, folder, grid->name, ".json"), why))
        return -1;
    struct json out = { .to = json.to };
    grid_json(grid, &out, NULL);
    return whole_file_keep(&json, why);
}

static int write_parts(const struct section *section, const char *graphs, const char *tables,
                       struct arena *arena, struct why *why)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct part *part = &section->parts[i];
        if (part->kind == PART_CHART && write_chart(part->chart, graphs, arena, why))
            return -1;
        if (part->kind == PART_GRID && part->in & IN_DATA && write_grid(part->grid, tables, arena, why))
            return -1;
    }
    return 0;
}

typedef void page_writer(const struct month *, const struct section *, size_t, FILE *);

static int write_page(const char *path, const struct month *month, const struct section *sections,
                      size_t count, page_writer *write, struct why *why)
{
    struct whole_file file;
    if (whole_file_open(&file, path, why))
        return -1;
    write(month, sections, count, file.to);
    return whole_file_keep(&file, why);
}

int month_write(const struct month *month, const char *folder, struct why *why)
{
    struct arena arena = { 0 };
    size_t count = 0;
    struct section *sections = month_sections(month, &arena, &count);
    const char *graphs = in_folder(&arena, folder, "graphs", ""),
               *tables = in_folder(&arena, folder, "tables", "");
    int result = -1;
    if (draw(sections, count, month->gnuplot, why) || make_folder(graphs, &arena, why) ||
        make_folder(tables, &arena, why))
        goto done;
    for (size_t s = 0; s < count; s++)
        if (write_parts(&sections[s], graphs, tables, &arena, why))
            goto done;
    if (write_page(in_folder(&arena, folder, "report", ".txt"), month, sections, count, page_write_text,
                   why) ||
        write_page(in_folder(&arena, folder, "report", ".json"), month, sections, count, page_write_json,
                   why) ||
        write_page(in_folder(&arena, folder, "index", ".html"), month, sections, count, page_write, why))
        goto done;
    result = 0;
done:
    undraw(sections, count);
    arena_free(&arena);
    return result;
}
