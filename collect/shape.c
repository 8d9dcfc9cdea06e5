/* Lines that were not understood, by shape. */
#include "collect/shape.h"

#include <stdlib.h>

enum { REASONS_MOST = 16, PROGRAM_SHOWN_BYTES = 46 };

static const struct str other_shapes = STR_INIT("(all other shapes)");

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char closing(char c)
{
    return c == '<' ? '>' : c == '[' ? ']' : c == '"' ? '"' : '\0';
}

/* The end of the word at the front of `s`: up to a blank or a bracket or quote. */
static size_t word_length(struct str s)
{
    size_t i = 0;
    while (i < s.len && !is_blank(s.at[i]) && !closing(s.at[i]))
        i++;
    return i;
}

/* Whether a word may be another one next time. `any_language`: letters beyond ASCII make it none. */
static bool is_variable(struct str word, bool any_language)
{
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.at[i];
        if (is_digit(word.at[i]) || c == '@' || c < ' ' || c == 0x7f || (c > 0x7f && !any_language) ||
            (c == '.' && i + 1 < word.len))
            return true;
    }
    return false;
}

struct folding {
    char to[SHAPE_BYTES];
    size_t len;
    bool any_language;
};

static void put(struct folding *folding, struct str text)
{
    size_t room = SHAPE_BYTES - folding->len;
    size_t n = text.len < room ? text.len : room;
    memcpy(folding->to + folding->len, text.at, n);
    folding->len += n;
}

/* A list of names is one shape however many there are: "* * *" is "*". */
static void put_star(struct folding *folding)
{
    struct str so_far = { folding->to, folding->len };
    if (str_ends(so_far, STR("*")))
        return;
    if (str_ends(so_far, STR("* ")) || str_ends(so_far, STR("*, ")))
        folding->len = (size_t)(str_find_last(so_far, '*') - folding->to);
    put(folding, STR("*"));
}

static void fold_word(struct folding *folding, struct str word)
{
    struct str value = word, key;
    if (cut_until_char(&value, '=', &key) && !is_variable(key, folding->any_language)) {
        put(folding, key);
        put(folding, STR("="));
        if (value.len)
            put_star(folding);
        return;
    }
    for (; word.len && word.at[0] == '('; word = str_skip(word, 1))
        put(folding, (struct str){ word.at, 1 });
    size_t end = word.len;
    while (end && memchr(",;:.()", word.at[end - 1], 6))
        end--;
    struct str body = { word.at, end };
    if (is_variable(body, folding->any_language))
        put_star(folding);
    else
        put(folding, body);
    put(folding, str_skip(word, end));
}

static size_t fold_text(struct str text, bool any_language, char shape[SHAPE_BYTES])
{
    struct folding folding = { .any_language = any_language };
    while (text.len && folding.len < SHAPE_BYTES) {
        char close = closing(text.at[0]);
        const char *end = close ? memchr(text.at + 1, close, text.len - 1) : NULL;
        if (is_blank(text.at[0]) || (close && !end)) {
            put(&folding, (struct str){ text.at, 1 });
            text = str_skip(text, 1);
        } else if (close) {
            put(&folding, (struct str){ text.at, 1 });
            if (end > text.at + 1)
                put(&folding, STR("*"));
            put(&folding, (struct str){ end, 1 });
            text = str_range(end + 1, text.at + text.len);
        } else {
            size_t len = word_length(text);
            fold_word(&folding, (struct str){ text.at, len });
            text = str_skip(text, len);
        }
    }
    memcpy(shape, folding.to, folding.len);
    return folding.len;
}

size_t shape_fold(struct str text, char shape[SHAPE_BYTES])
{
    return fold_text(text, false, shape);
}

size_t shape_fold_words(struct str text, char shape[SHAPE_BYTES])
{
    return fold_text(text, true, shape);
}

void shapes_free(struct shapes *shapes)
{
    free(shapes->skipped);
    arena_free(&shapes->arena);
    *shapes = (struct shapes){ 0 };
}

static bool is_same(const struct skipped *skipped, const char *reason, struct str shape)
{
    return strcmp(skipped->reason, reason) == 0 && str_eq(skipped->shape, shape);
}

/* The place of this shape, or the free one where it belongs. The table is never more than a third full. */
static uint16_t *find(struct shapes *shapes, const char *reason, struct str shape)
{
    enum { MASK = sizeof shapes->slot / sizeof *shapes->slot - 1 };
    size_t i = (size_t)str_hash(shape) & MASK;
    while (shapes->slot[i] && !is_same(&shapes->skipped[shapes->slot[i] - 1], reason, shape))
        i = (i + 1) & MASK;
    return &shapes->slot[i];
}

void shapes_add(struct shapes *shapes, const char *reason, struct str program, struct str text,
                struct str whole, uint64_t number, uint64_t offset)
{
    char buffer[PROGRAM_SHOWN_BYTES + 2 + SHAPE_BYTES];
    struct str shape = { buffer, 0 };
    if (program.len) {
        shape.len = program.len < PROGRAM_SHOWN_BYTES ? program.len : PROGRAM_SHOWN_BYTES;
        memcpy(buffer, program.at, shape.len);
        buffer[shape.len++] = ':';
        buffer[shape.len++] = ' ';
    }
    shape.len += shape_fold(text, buffer + shape.len);
    uint16_t *slot = find(shapes, reason, shape);
    if (!*slot && shapes->count >= SHAPES_MOST) {
        shape = other_shapes;
        slot = find(shapes, reason, shape);
    }
    if (!*slot && shapes->count < SHAPES_MOST + REASONS_MOST) {
        mem_room(shapes->skipped, shapes->capacity, shapes->count + 1);
        if (whole.len > SHAPE_FIRST_BYTES)
            whole.len = SHAPE_FIRST_BYTES;
        shapes->skipped[shapes->count++] = (struct skipped){ .reason = reason,
                                                             .shape = arena_str(&shapes->arena, shape),
                                                             .first_line = number,
                                                             .first_offset = offset,
                                                             .first_text = arena_str(&shapes->arena, whole) };
        *slot = (uint16_t)shapes->count;
    }
    if (*slot)
        shapes->skipped[*slot - 1].count++;
}

int shapes_hand_over(struct shapes *shapes, int32_t input, const struct catalogue *catalogue, struct why *why)
{
    for (size_t i = 0; i < shapes->count; i++) {
        struct skipped *skipped = &shapes->skipped[i];
        skipped->input = input;
        if (skipped->count && catalogue->skipped(catalogue->state, skipped, why))
            return -1;
        skipped->count = 0;
    }
    return 0;
}
