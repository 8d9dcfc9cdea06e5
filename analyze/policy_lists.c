/* Lists of a policy: inline, from files, or from what comes with mxreplay. */
#define _POSIX_C_SOURCE 200809L
#include "analyze/policy_lists.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "analyze/policy.h"

const struct shipped_list shipped_lists[] = {
    {
        "cloud-senders",
        "asns",
#include "schemas/lists/cloud-senders.asns.inc"
    },
    {
        "cloud-senders",
        "spf-domains",
#include "schemas/lists/cloud-senders.spf-domains.inc"
    },
    { NULL, NULL, NULL },
};

struct opening {
    struct list *list;
    const char *key;
};

static void add_item(struct list *list, const yaml_node_t *node, const char *origin)
{
    mem_room(list->item, list->room, list->count + 1);
    list->item[list->count++] = (struct list_item){ *node, origin };
}

/* ---- From a text. */

static struct str entry_of(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] == '#' && (i == 0 || line.at[i - 1] == ' ' || line.at[i - 1] == '\t'))
            line.len = i;
    return str_trim(line);
}

/* Each entry becomes a node that knows its line, so that what is wrong with it is told as in the policy. */
static void add_entries(struct list *list, const char *origin, struct str text)
{
    for (size_t number = 0; text.len; number++) {
        struct str line = text;
        if (!cut_until_char(&text, '\n', &line))
            text.len = 0;
        struct str entry = entry_of(line);
        if (!entry.len)
            continue;
        size_t column = (size_t)(entry.at - line.at);
        yaml_char_t *value = memcpy(arena_alloc(&list->texts, entry.len), entry.at, entry.len);
        yaml_node_t node = {
            .type = YAML_SCALAR_NODE,
            .data.scalar = { .value = value, .length = entry.len, .style = YAML_DOUBLE_QUOTED_SCALAR_STYLE },
            .start_mark = { .line = number, .column = column },
            .end_mark = { .line = number, .column = column + entry.len },
        };
        add_item(list, &node, origin);
    }
}

/* A path that does not begin at the root begins at the policy's folder. */
static const char *path_from(struct reader *reader, struct str name)
{
    struct str origin = str_of(reader->origin);
    const char *slash = name.at[0] == '/' ? NULL : str_find_last(origin, '/');
    struct str folder = slash ? str_range(origin.at, slash + 1) : STR("");
    return arena_printf(reader->arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(name)).at;
}

static int open_file(const char *path, const char **wrong)
{
    struct stat about;
    int in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *wrong = in < 0 ? strerror(errno) : NULL;
    if (in >= 0 && (fstat(in, &about) != 0 || !S_ISREG(about.st_mode))) {
        *wrong = "it is not a file";
        close(in);
        in = -1;
    }
    return in;
}

static int from_file(struct reader *reader, yaml_node_t *value, void *into)
{
    const struct opening *opening = into;
    struct str name = { NULL, 0 };
    const char *wrong = NULL;
    if (read_text(reader, value, &name))
        return -1;
    if (!name.len)
        return reader_not_a(reader, value, "the name of a file", "{ file: friends.txt }");
    const char *path = path_from(reader, name);
    int in = open_file(path, &wrong);
    if (in < 0)
        return reader_fail(reader, value, "%s: %s; the path is from the policy's own folder on", path, wrong);
    char *text = NULL;
    size_t len = 0;
    int result = reader_bytes(in, path, &text, &len, reader->why);
    close(in);
    if (result)
        return -1;
    if (len > READER_BYTES_MOST)
        result = reader_fail(reader, value, "%s: more than 1 MB; name fewer, or join them", path);
    else if (memchr(text, '\0', len))
        result = reader_fail(reader, value, "%s: not a text; it has an entry a line", path);
    else
        add_entries(opening->list, path, (struct str){ text, len });
    free(text);
    reader->elsewhere = true;
    return result;
}

static int from_shipped(struct reader *reader, yaml_node_t *value, void *into)
{
    const struct opening *opening = into;
    struct str name = { NULL, 0 };
    const char *known[16];
    size_t count = 0;
    if (read_text(reader, value, &name))
        return -1;
    for (const struct shipped_list *list = shipped_lists; list->name; list++) {
        if (strcmp(list->key, opening->key) != 0)
            continue;
        if (count < sizeof known / sizeof *known)
            known[count++] = list->name;
        if (!str_eq(str_of(list->name), name))
            continue;
        add_entries(opening->list, list->name, str_of(list->text));
        reader->elsewhere = true;
        return 0;
    }
    if (!count)
        return reader_fail(reader, value, "no lists of %s come with mxreplay; write { file: PATH }",
                           opening->key);
    struct str cure = reader_possible(reader, name, known, count);
    return reader_fail(reader, value, "no list of %s called \"%.*s\" comes with mxreplay; %.*s", opening->key,
                       STR_ARG(name), STR_ARG(cure));
}

static const struct key sources[] = { { "file", from_file }, { "list", from_shipped }, { NULL, NULL } };

/* ---- From nodes. */

static int take_item(struct reader *reader, yaml_node_t *item, void *state)
{
    struct opening *opening = state;
    if (item->type == YAML_MAPPING_NODE && item->data.mapping.pairs.start < item->data.mapping.pairs.top)
        return reader_mapping(reader, item, sources, opening);
    add_item(opening->list, item, NULL);
    return 0;
}

int list_open(struct reader *reader, yaml_node_t *node, const char *key, struct list *list)
{
    struct opening opening = { list, key };
    size_t count = 0;
    return reader_items(reader, node, &count, take_item, &opening);
}

int list_each(struct reader *reader, struct list *list,
              int (*take)(struct reader *reader, yaml_node_t *item, void *state), void *state)
{
    const char *origin = reader->origin;
    int result = 0;
    for (size_t i = 0; i < list->count && result == 0; i++) {
        reader->origin = list->item[i].origin ? list->item[i].origin : origin;
        result = (list->item[i].origin && reader_count(reader, &list->item[i].node)) ||
                         take(reader, &list->item[i].node, state)
                     ? -1
                     : 0;
    }
    reader->origin = origin;
    return result;
}

void list_close(struct list *list)
{
    free(list->item);
    arena_free(&list->texts);
    *list = (struct list){ 0 };
}
