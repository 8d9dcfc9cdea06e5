/* What strangers wrote, made into data. */
#include "report/escape.h"

#include <inttypes.h>
#include "report/utf8.h"

/* A character that is not hidden goes out as it came, from `before` to `rest`. */
static void copy(FILE *to, struct str before, struct str rest)
{
    fwrite(before.at, 1, before.len - rest.len, to);
}

static void spell(FILE *to, uint32_t code)
{
    char text[SPELLED_BYTES];
    utf8_spell(code, text);
    fputs(text, to);
}

void escape_plain(FILE *to, struct str text)
{
    uint32_t code = 0;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        if (utf8_is_hidden(code))
            spell(to, code);
        else
            copy(to, before, rest);
    }
}

void escape_html(FILE *to, struct str text)
{
    uint32_t code = 0;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        if (code == '&')
            fputs("&amp;", to);
        else if (code == '<')
            fputs("&lt;", to);
        else if (code == '>')
            fputs("&gt;", to);
        else if (code == '"')
            fputs("&quot;", to);
        else if (code == '\'')
            fputs("&#39;", to);
        else if (utf8_is_hidden(code))
            spell(to, code);
        else
            copy(to, before, rest);
    }
}

/* GitHub makes links of http://, of www. and of addresses, and tells people who are @mentioned. */
static bool begins_link(uint32_t code, struct str rest)
{
    return code == '@' || (code == ':' && str_starts(rest, STR("//"))) ||
           ((code == 'w' || code == 'W') && rest.len >= 3 &&
            str_eq_nocase((struct str){ rest.at, 3 }, STR("ww.")));
}

/* "[text](" and "[text][": brackets alone are no link, as long as nobody can define one. */
static bool ends_link_text(struct str rest)
{
    return rest.len && (rest.at[0] == '(' || rest.at[0] == '[' || rest.at[0] == ':');
}

void escape_markdown(FILE *to, struct str text)
{
    uint32_t code = 0;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        if (utf8_is_hidden(code)) {
            putc('\\', to); /* the backslash of what follows */
            spell(to, code);
        } else if (begins_link(code, rest)) {
            /* A letter cannot be escaped with a backslash; as a character reference it starts no link. */
            if (code == '@' || code == ':')
                putc('\\', to), copy(to, before, rest);
            else
                fprintf(to, "&#%" PRIu32 ";", code);
        } else {
            if ((code < 0x80 && strchr("\\`*_<>#|&~$", (int)code)) || (code == ']' && ends_link_text(rest)))
                putc('\\', to);
            copy(to, before, rest);
        }
    }
}

/* OWASP's list for CSV injection: the ASCII ones, their full-width forms, and what is trimmed before them.
 * What has the mark against it already gets another, so that whoever takes one off has the text back. */
static bool is_formula(struct str text)
{
    uint32_t code = 0;
    while (text.len && text.at[0] == '\'')
        text = str_skip(text, 1);
    if (!utf8_next(&text, &code))
        return false;
    return code == '=' || code == '+' || code == '-' || code == '@' || code == '\t' || code == '\r' ||
           code == '\n' || code == 0xff1d || code == 0xff0b || code == 0xff0d || code == 0xff20;
}

void escape_csv(FILE *to, struct str text)
{
    bool formula = is_formula(text), quoted = formula;
    for (size_t i = 0; i < text.len && !quoted; i++)
        quoted = text.at[i] == '"' || text.at[i] == ',' || text.at[i] == '\r' || text.at[i] == '\n';
    quoted = quoted || (text.len && (text.at[0] == ' ' || text.at[text.len - 1] == ' '));
    if (quoted)
        putc('"', to);
    if (formula)
        putc('\'', to);
    uint32_t code = 0;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        if (code == '"')
            fputs("\"\"", to);
        else if (utf8_is_hidden(code) && code != '\t' && code != '\r' && code != '\n')
            spell(to, code);
        else
            copy(to, before, rest);
    }
    if (quoted)
        putc('"', to);
}

void escape_json(FILE *to, struct str text)
{
    putc('"', to);
    uint32_t code = 0;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        if (code == '"' || code == '\\')
            fprintf(to, "\\%c", (char)code);
        else if (code == '\n')
            fputs("\\n", to);
        else if (code == '\t')
            fputs("\\t", to);
        else if (code == '\r')
            fputs("\\r", to);
        else if (code >= UTF8_BYTE)
            fputs("\\ufffd", to);
        else if (!utf8_is_hidden(code))
            copy(to, before, rest);
        else if (code < 0x10000)
            fprintf(to, "\\u%04" PRIx32, code);
        else /* a surrogate pair, RFC 8259 section 7 */
            fprintf(to, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((code - 0x10000) >> 10),
                    0xdc00 + ((code - 0x10000) & 0x3ff));
    }
    putc('"', to);
}

void escape_gnuplot(FILE *to, struct str text)
{
    putc('"', to);
    uint32_t code = 0;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        char spelled[SPELLED_BYTES];
        struct str shown = { before.at, before.len - rest.len };
        if (utf8_is_hidden(code))
            shown = (struct str){ spelled, utf8_spell(code, spelled) };
        for (size_t i = 0; i < shown.len; i++) {
            unsigned char c = (unsigned char)shown.at[i];
            if (c >= 0x80 || c == ' ' || is_digit((char)c) || is_alpha((char)c))
                putc(c, to);
            else /* four digits: after a leading 0 gnuplot takes that many */
                fprintf(to, "\\0%03o", c);
        }
    }
    putc('"', to);
}
