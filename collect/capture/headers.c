/* A few fields of a message's header. A field goes over several lines where the next begins with a blank (RFC
 * 5322 2.2.3); so a field is looked at when the line behind it begins. */
#include "collect/capture/headers.h"

static size_t copy(char *to, struct str text)
{
    size_t n = text.len < HEADERS_TEXT_BYTES ? text.len : HEADERS_TEXT_BYTES;
    if (n)
        memcpy(to, text.at, n);
    return n;
}

/* The address in "Name <local@domain>", "local@domain (comment)": what stands in the last brackets, or all of
 * it up to a blank. */
static struct str domain_of(struct str value)
{
    struct str rest = value, inside = value, before;
    while (cut_until_char(&rest, '<', &before)) {
        struct str look = rest;
        if (!cut_until_char(&look, '>', &inside))
            inside = rest;
    }
    const char *at = str_find_last(inside, '@');
    if (!at)
        return (struct str){ NULL, 0 };
    struct str domain = str_range(at + 1, inside.at + inside.len);
    size_t len = 0;
    while (len < domain.len && !strchr(" \t\r\n,;()>", domain.at[len]))
        len++;
    return (struct str){ domain.at, len };
}

static struct str without_brackets(struct str text)
{
    if (text.len > 2 && text.at[0] == '<' && text.at[text.len - 1] == '>')
        return (struct str){ text.at + 1, text.len - 2 };
    return text;
}

/* A whole field, unfolded. */
static void field_ended(struct headers *headers)
{
    struct str rest = { headers->field, headers->len }, name;
    headers->len = 0;
    if (!cut_until_char(&rest, ':', &name))
        return;
    name = str_trim(name);
    rest = str_trim(rest);
    if (str_eq_nocase(name, STR("Message-ID")) && !headers->message_id_len)
        headers->message_id_len = copy(headers->message_id, without_brackets(rest));
    else if (str_eq_nocase(name, STR("From")) && !headers->from_len)
        headers->from_len = copy(headers->from, domain_of(rest));
    else if (str_eq_nocase(name, STR("Subject")) && !headers->subject_len)
        headers->subject_len = copy(headers->subject, rest);
}

void headers_take(struct headers *headers, struct str bytes)
{
    for (size_t i = 0; i < bytes.len && !headers->ended; i++) {
        char c = bytes.at[i];
        bool folded = c == ' ' || c == '\t';
        if (!headers->line && !folded) {
            field_ended(headers);
            if (c == '\r' || c == '\n') {
                headers->ended = true;
                return;
            }
        }
        headers->line = c != '\n';
        if (c != '\r' && c != '\n' && headers->len < HEADERS_FIELD_BYTES)
            headers->field[headers->len++] = c;
    }
}
