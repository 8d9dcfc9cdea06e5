/* status --unnamed: refusals whose measure is not known, by shape. Strangers write half of each reply, so the
 * table is bounded; what finds no room is counted all the same. */
#include "cli/unnamed.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/names.h"
#include "cli/say.h"
#include "report/table.h"

enum { SHAPES_KEPT = 4096, EXAMPLE_BYTES = 200 };

struct shape {
    struct str pattern;
    uint64_t count, sessions;
    int64_t last_session;
    unsigned stages; /* a bit each */
    int16_t code;    /* of the example */
    struct str example;
};

struct unnamed {
    struct phrasebook book; /* what holds already: what it says is no measure's needs no name */
    struct names names;
    struct shape *shapes;
    size_t count, room;
    uint64_t others; /* that found no room, or have no word of the server's */
    struct arena arena;
};

static void take_refusal(void *state, const struct session *session, const struct reply *reply,
                         struct str sender, struct str recipient)
{
    struct unnamed *unnamed = state;
    char pattern[PATTERN_BYTES];
    if (phrasebook_find(&unnamed->book, session, reply, sender, recipient))
        return;
    struct str shape = { pattern,
                         reply->text.len ? phrase_shape(session, reply, sender, recipient, pattern) : 0 };
    uint32_t number = shape.len ? names_find(&unnamed->names, shape) : NAME_NONE;
    if (number == NAME_NONE && (shape.len == 0 || unnamed->count == SHAPES_KEPT)) {
        unnamed->others++;
        return;
    }
    if (number == NAME_NONE) {
        number = names_add(&unnamed->names, shape);
        struct str example = reply->text;
        if (example.len > EXAMPLE_BYTES)
            example.len = EXAMPLE_BYTES;
        mem_room(unnamed->shapes, unnamed->room, unnamed->count + 1);
        unnamed->shapes[unnamed->count++] = (struct shape){ .pattern = names_text(&unnamed->names, number),
                                                            .code = reply->code,
                                                            .example = arena_str(&unnamed->arena, example) };
    }
    struct shape *found = &unnamed->shapes[number];
    found->count++;
    found->sessions += found->last_session != session->id;
    found->last_session = session->id;
    found->stages |= 1u << reply->stage;
}

static int take_session(void *state, const struct session *session)
{
    session_unnamed(session, take_refusal, state);
    return 0;
}

static int by_count(const void *left, const void *right)
{
    const struct shape *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    size_t len = a->pattern.len < b->pattern.len ? a->pattern.len : b->pattern.len;
    int order = memcmp(a->pattern.at, b->pattern.at, len);
    return order ? order : (a->pattern.len > b->pattern.len) - (a->pattern.len < b->pattern.len);
}

static struct str stages_text(struct unnamed *unnamed, unsigned stages)
{
    struct str text = { "", 0 };
    for (size_t i = 0; i < STAGES; i++)
        if (stages >> i & 1)
            text =
                arena_printf(&unnamed->arena, "%.*s%s%s", STR_ARG(text), text.len ? " " : "", stage_name[i]);
    return text;
}

static int print_table(struct unnamed *unnamed, enum table_format format, struct why *why)
{
    static const struct column columns[] = {
        { .name = "count", .title = STR_INIT("Refusals"), .number = true },
        { .name = "sessions", .title = STR_INIT("Sessions"), .number = true },
        { .name = "stage", .title = STR_INIT("Stage") },
        { .name = "code", .title = STR_INIT("Code"), .number = true },
        { .name = "pattern", .title = STR_INIT("What they say"), .most = 100 },
        { .name = "example" },
    };
    bool machine = format == TABLE_CSV || format == TABLE_JSON;
    struct table *table = table_open(stdout, format, columns, sizeof columns / sizeof *columns - !machine);
    for (size_t i = 0; i < unnamed->count; i++) {
        const struct shape *shape = &unnamed->shapes[i];
        table_count(table, shape->count);
        table_count(table, shape->sessions);
        table_cell(table, stages_text(unnamed, shape->stages));
        table_count(table, (uint64_t)shape->code);
        table_cell(table, shape->pattern);
        if (machine)
            table_cell(table, shape->example);
    }
    return table_close(table, why);
}

/* What strangers wrote, in a comment: one line of printable characters. */
static void print_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        putchar(c < ' ' || c >= 0x7f ? '?' : c);
    }
}

static int print_phrases(struct unnamed *unnamed, const struct common *common, struct why *why)
{
    const char *database = common->database ? common->database : NULL;
    printf("# Refusals whose measure mxreplay does not know, by what they say; a * stands for anything. "
           "Write behind\n"
           "# `measure:` which one it is (mxreplay help policy has them; `other`: it is none), and then\n"
           "#     %s collect%s%s --phrases THIS-FILE\n"
           "# Phrases that are left empty are passed over.\n",
           program(), database ? " -d " : "", database ? database : "");
    if (unnamed->book.count)
        printf("\n# What holds already: the file takes the place of it, so leave it here.\n");
    for (size_t i = 0; i < unnamed->book.count; i++)
        phrase_write(&unnamed->book.phrase[i], stdout);
    for (size_t i = 0; i < unnamed->count; i++) {
        const struct shape *shape = &unnamed->shapes[i];
        struct site_phrase phrase = { .pattern = shape->pattern, .measure = NAMED_NONE, .stage = STAGES };
        struct str stages = stages_text(unnamed, shape->stages);
        printf("\n# %" PRIu64 " %s in %" PRIu64 " %s, at %.*s: %d ", shape->count,
               shape->count == 1 ? "refusal" : "refusals", shape->sessions,
               shape->sessions == 1 ? "session" : "sessions", STR_ARG(stages), shape->code);
        print_plain(shape->example);
        putchar('\n');
        phrase_write(&phrase, stdout);
    }
    return printed(stdout, why);
}

int unnamed_print(struct store *store, const struct common *common, struct why *why)
{
    struct unnamed unnamed = { .count = 0 };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE, .outbound = true };
    int result = -1;
    if (store_phrases(store, &unnamed.book, why) == 0 &&
        store_each(store, &all, take_session, &unnamed, why) == 0) {
        if (unnamed.count)
            qsort(unnamed.shapes, unnamed.count, sizeof *unnamed.shapes, by_count);
        result = common->format_given ? print_table(&unnamed, (enum table_format)common->format, why)
                                      : print_phrases(&unnamed, common, why);
        if (unnamed.count == 0 && unnamed.others == 0)
            say("Every refusal has a measure, or is known to have none.");
        if (unnamed.others)
            say("%" PRIu64 " more refusals have no words of the server's, or words that none of these has",
                unnamed.others);
    }
    phrasebook_free(&unnamed.book);
    names_free(&unnamed.names);
    arena_free(&unnamed.arena);
    free(unnamed.shapes);
    return result;
}
