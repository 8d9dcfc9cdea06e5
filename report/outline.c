/* An outline from YAML. */
#define _GNU_SOURCE
#include "report/outline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/yaml.h"
#include "report/views.h"

enum { NAMES_MOST = 64, ROWS_MOST = 1000 };

static const struct view *find_view(struct str name)
{
    for (size_t i = 0; views[i]; i++)
        if (str_eq(name, str_of(views[i]->name)))
            return views[i];
    return NULL;
}

static int read_title(struct reader *reader, yaml_node_t *node, void *into)
{
    return read_text(reader, node, &((struct outline_row *)into)->title);
}

static int read_most(struct reader *reader, yaml_node_t *node, void *into)
{
    uint64_t most = 0;
    int result = read_count(reader, node, 1, ROWS_MOST, &most);
    ((struct outline_row *)into)->most = (size_t)most;
    return result;
}

static const struct key row_keys[] = { { "title", read_title }, { "most", read_most }, { NULL, NULL } };

static int name_row(struct reader *reader, const yaml_node_t *node, struct outline_row *row)
{
    struct str name = node_text(node);
    const char *names[NAMES_MOST];
    size_t count = 0;
    row->view = name.at ? find_view(name) : NULL;
    if (row->view)
        return 0;
    if (!name.at)
        return reader_not_a(reader, node, "a section", "its name, or name: { title: TEXT, most: 50 }");
    while (count < NAMES_MOST && views[count]) {
        names[count] = views[count]->name;
        count++;
    }
    return reader_fail(reader, node, "\"%.*s\" is no section; %.*s", STR_ARG(name),
                       STR_ARG(reader_possible(reader, name, names, count)));
}

static int take_named(struct reader *reader, yaml_node_t *key, yaml_node_t *value, void *state)
{
    struct outline_row *row = state;
    if (row->view)
        return reader_fail(reader, key, "one section an item; begin the next with \"- \"");
    return name_row(reader, key, row) ? -1 : reader_mapping(reader, value, row_keys, row);
}

static int take_row(struct reader *reader, yaml_node_t *item, void *state)
{
    struct outline *outline = state;
    struct outline_row *row = &outline->rows[outline->count];
    int result = item->type == YAML_MAPPING_NODE ? reader_pairs(reader, item, false, take_named, row)
                                                 : name_row(reader, item, row);
    if (result == 0 && !row->view)
        return reader_not_a(reader, item, "a section", "its name");
    for (size_t i = 0; result == 0 && i < outline->count; i++)
        if (outline->rows[i].view == row->view)
            return reader_fail(reader, item, "\"%s\" is there already", row->view->name);
    outline->count++;
    return result;
}

static int read_sections(struct reader *reader, yaml_node_t *node, void *into)
{
    struct outline *outline = into;
    size_t count = 0;
    if (reader_room(reader, node, &count))
        return -1;
    outline->rows = arena_zero(reader->arena, (count + 1) * sizeof *outline->rows);
    return reader_items(reader, node, &count, take_row, outline);
}

static const struct key outline_keys[] = { { "sections", read_sections }, { NULL, NULL } };

static int take_root(struct reader *reader, yaml_node_t *root, void *state)
{
    struct outline *outline = state;
    if (!root)
        return why_set(reader->why, EX_DATAERR, "%s: it is empty; write sections: [table, counts]",
                       reader->origin);
    if (root->type != YAML_MAPPING_NODE)
        return reader_not_a(reader, root, "a list of sections", "sections: [table, counts]");
    if (reader_mapping(reader, root, outline_keys, outline))
        return -1;
    return outline->count ? 0 : reader_fail(reader, root, "there are no sections; write sections: [table]");
}

int outline_read(struct outline *outline, const char *origin, struct str yaml, struct arena *arena,
                 struct why *why)
{
    *outline = (struct outline){ 0 };
    return reader_document(origin, "list of sections", yaml, arena, take_root, outline, why);
}

int outline_load(struct outline *outline, const char *path, struct arena *arena, struct why *why)
{
    int in = open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return why_set(why, EX_NOINPUT, "%s: cannot open: %s", path, strerror(errno));
    char *text = NULL;
    size_t len = 0;
    int result = reader_bytes(in, path, &text, &len, why);
    close(in);
    if (result == 0)
        result = outline_read(outline, path, arena_str(arena, (struct str){ text, len }), arena, why);
    free(text);
    return result;
}

unsigned outline_wants(const struct outline *outline)
{
    unsigned wants = 0;
    for (size_t i = 0; outline && i < outline->count; i++)
        wants |= outline->rows[i].view->wants;
    return outline ? wants : WANT_ALL;
}
