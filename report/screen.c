/* The grid. */
#include "report/screen.h"

#include <stdlib.h>
#include "report/utf8.h"

struct screen screen_new(size_t rows, size_t columns, bool ascii)
{
    struct screen screen = { .rows = rows, .columns = columns, .ascii = ascii };
    screen.cell = mem_zero(rows * columns + 1, sizeof *screen.cell);
    for (size_t i = 0; i < rows * columns; i++)
        screen.cell[i].code = ' ';
    return screen;
}

void screen_free(struct screen *screen)
{
    free(screen->cell);
    *screen = (struct screen){ 0 };
}

/* What a terminal without Unicode shows in its place. */
static uint32_t plain_code(uint32_t code)
{
    return code < 0x7f ? code : code == 0x2500 ? '-' : code == 0x2026 ? '~' : '?';
}

size_t screen_put(struct screen *screen, size_t row, size_t column, size_t width, enum screen_style style,
                  struct str text)
{
    struct arena arena = { 0 };
    struct str rest = text_fit(&arena, text_visible(&arena, text), width);
    uint32_t code = 0;
    while (row < screen->rows && utf8_next(&rest, &code)) {
        unsigned wide = utf8_width(code);
        if (wide == 0) /* what is put onto the character before it has no place in a grid */
            continue;
        if (column + wide > screen->columns)
            break;
        struct screen_cell *cell = &screen->cell[row * screen->columns + column];
        cell[0] = (struct screen_cell){ screen->ascii ? plain_code(code) : code, (uint8_t)style };
        if (wide == 2)
            cell[1] = (struct screen_cell){ screen->ascii ? '?' : 0, (uint8_t)style };
        column += wide;
    }
    arena_free(&arena);
    return column;
}

void screen_put_right(struct screen *screen, size_t row, size_t end, size_t width, enum screen_style style,
                      struct str text)
{
    struct arena arena = { 0 };
    struct str shown = text_fit(&arena, text_visible(&arena, text), width);
    size_t taken = text_width(shown);
    screen_put(screen, row, end > taken ? end - taken : 0, taken, style, shown);
    arena_free(&arena);
}

void screen_style(struct screen *screen, size_t row, enum screen_style style)
{
    for (size_t i = 0; row < screen->rows && i < screen->columns; i++)
        screen->cell[row * screen->columns + i].style = (uint8_t)style;
}

void screen_rule(struct screen *screen, size_t row, size_t column, enum screen_style style)
{
    while (column < screen->columns)
        column = screen_put(screen, row, column, 1, style, STR("\xe2\x94\x80"));
}

static size_t encode(uint32_t code, char *to)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint32_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    to[0] = (char)(lead[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

struct str screen_text(const struct screen *screen, size_t row, struct arena *arena)
{
    char *text = arena_alloc(arena, screen->columns * 4 + 1);
    size_t len = 0, end = screen->columns;
    const struct screen_cell *cell = &screen->cell[row * screen->columns];
    while (end && cell[end - 1].code == ' ')
        end--;
    for (size_t i = 0; i < end; i++)
        if (cell[i].code)
            len += encode(cell[i].code, text + len);
    return (struct str){ text, len };
}
