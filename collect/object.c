/* The members of a JSON object that fills one line. */
#include "collect/object.h"

static void pass_space(struct str *rest)
{
    while (rest->len && (rest->at[0] == ' ' || rest->at[0] == '\t' || rest->at[0] == '\r'))
        *rest = str_skip(*rest, 1);
}

/* Takes a string with its quotes; *inside is what stands between them. */
static bool cut_string(struct str *rest, struct str *inside, bool *is_escaped)
{
    if (rest->len == 0 || rest->at[0] != '"')
        return false;
    const char *from = rest->at + 1, *end = rest->at + rest->len;
    for (const char *at = from; (at = memchr(at, '"', (size_t)(end - at))); at++) {
        const char *slash = at;
        while (slash > from && slash[-1] == '\\')
            slash--;
        if ((at - slash) % 2)
            continue;
        *inside = str_range(from, at);
        *is_escaped = inside->len && memchr(inside->at, '\\', inside->len);
        *rest = str_range(at + 1, end);
        return true;
    }
    return false;
}

/* Takes an array or an object, by its brackets. */
static bool cut_nested(struct str *rest, struct str *whole)
{
    struct str in = *rest, inside;
    bool is_escaped = false;
    size_t depth = 0;
    while (in.len) {
        char c = in.at[0];
        if (c == '"') {
            if (!cut_string(&in, &inside, &is_escaped))
                return false;
            continue;
        }
        in = str_skip(in, 1);
        if (c == '[' || c == '{') {
            if (++depth > OBJECT_DEPTH_MOST)
                return false;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            *whole = str_range(rest->at, in.at);
            *rest = in;
            return true;
        }
    }
    return false;
}

static bool cut_value(struct str *rest, struct object_value *value)
{
    *value = (struct object_value){ .kind = VALUE_OTHER };
    if (rest->len == 0)
        return false;
    switch (rest->at[0]) {
    case '"':
        value->kind = VALUE_STRING;
        return cut_string(rest, &value->raw, &value->is_escaped);
    case '[':
        value->kind = VALUE_ARRAY;
        return cut_nested(rest, &value->raw);
    case '{':
        value->kind = VALUE_OBJECT;
        return cut_nested(rest, &value->raw);
    default: {
        size_t len = 0;
        while (len < rest->len && (is_alpha(rest->at[len]) || is_digit(rest->at[len]) ||
                                   rest->at[len] == '-' || rest->at[len] == '+' || rest->at[len] == '.'))
            len++;
        value->raw = (struct str){ rest->at, len };
        *rest = str_skip(*rest, len);
        return len > 0;
    }
    }
}

bool object_begin(struct str *rest)
{
    struct str in = *rest;
    pass_space(&in);
    if (!cut_char(&in, '{'))
        return false;
    *rest = in;
    return true;
}

int object_next(struct str *rest, struct str *key, struct object_value *value)
{
    struct str in = *rest;
    bool is_escaped = false;
    pass_space(&in);
    cut_char(&in, ','); /* lenient: it may be missing, or stand before the first */
    pass_space(&in);
    if (cut_char(&in, '}')) {
        *rest = in;
        return 0;
    }
    if (!cut_string(&in, key, &is_escaped))
        return -1;
    pass_space(&in);
    if (!cut_char(&in, ':'))
        return -1;
    pass_space(&in);
    if (!cut_value(&in, value))
        return -1;
    *rest = in;
    return 1;
}

static int hex_digit(char c)
{
    char lower = ascii_lower(c);
    return is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* "\u00e9" without its "\u". */
static bool cut_unit(struct str *rest, unsigned *unit)
{
    *unit = 0;
    if (rest->len < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(rest->at[i]);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (unsigned)digit;
    }
    *rest = str_skip(*rest, 4);
    return true;
}

/* A character in UTF-8 (RFC 3629 3). */
static size_t put_utf8(unsigned c, char to[4])
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = more; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(lead[more] | c);
    return more + 1;
}

enum { REPLACEMENT = 0xFFFD };

/* What follows a backslash, which has been taken. */
static size_t unescape(struct str *rest, char to[4])
{
    static const char plain[] = "bfnrt", meant[] = "\b\f\n\r\t";
    if (rest->len == 0)
        return 0;
    char c = rest->at[0];
    *rest = str_skip(*rest, 1);
    if (c != 'u') {
        const char *at = memchr(plain, c, sizeof plain - 1);
        to[0] = at ? meant[at - plain] : c;
        return 1;
    }
    unsigned high = 0, low = 0;
    if (!cut_unit(rest, &high))
        return put_utf8(REPLACEMENT, to);
    if (high >= 0xD800 && high < 0xE000) {
        struct str in = *rest;
        if (high >= 0xDC00 || !cut_prefix(&in, STR("\\u")) || !cut_unit(&in, &low) || low < 0xDC00 ||
            low >= 0xE000)
            return put_utf8(REPLACEMENT, to);
        *rest = in;
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    return put_utf8(high, to);
}

static size_t put(char *to, size_t at, size_t room, struct str text)
{
    if (at < room && text.len)
        memcpy(to + at, text.at, text.len < room - at ? text.len : room - at);
    return at + text.len;
}

static size_t string_text(struct str rest, char *to, size_t room)
{
    size_t len = 0;
    struct str before;
    while (cut_until_char(&rest, '\\', &before)) {
        char character[4];
        len = put(to, len, room, before);
        size_t bytes = unescape(&rest, character);
        len = put(to, len, room, (struct str){ character, bytes });
    }
    return put(to, len, room, rest);
}

/* "[104,105]": journalctl writes bytes that are no UTF-8 so. */
static long bytes_text(struct str rest, char *to, size_t room)
{
    size_t len = 0;
    cut_char(&rest, '[');
    pass_space(&rest);
    while (!cut_char(&rest, ']')) {
        uint64_t byte = 0;
        if ((len && !cut_char(&rest, ',')))
            return -1;
        pass_space(&rest);
        if (!cut_number(&rest, &byte) || byte > 255)
            return -1;
        pass_space(&rest);
        if (len < room)
            to[len] = (char)byte;
        len++;
    }
    return (long)len;
}

long object_text(const struct object_value *value, char *to, size_t room)
{
    if (value->kind == VALUE_ARRAY) {
        struct str first = str_skip(value->raw, 1);
        struct object_value text = { .kind = VALUE_STRING };
        pass_space(&first);
        if (cut_string(&first, &text.raw, &text.is_escaped))
            return object_text(&text, to, room);
        return bytes_text(value->raw, to, room);
    }
    if (value->kind != VALUE_STRING)
        return -1;
    if (value->is_escaped)
        return (long)string_text(value->raw, to, room);
    return (long)put(to, 0, room, value->raw);
}
