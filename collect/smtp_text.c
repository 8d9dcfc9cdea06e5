/* What SMTP commands and replies have in them. */
#define _GNU_SOURCE
#include "collect/smtp_text.h"

bool smtp_cut_enhanced(struct str *rest, int code, struct str *enhanced)
{
    struct str at = *rest;
    uint64_t part = 0;
    if (at.len < 5 || !is_digit(at.at[0]) || at.at[0] - '0' != code / 100)
        return false;
    bool cut = cut_number(&at, &part) && cut_char(&at, '.') && cut_number(&at, &part) && part < 1000 &&
               cut_char(&at, '.') && cut_number(&at, &part) && part < 1000;
    if (!cut || (at.len && at.at[0] != ' '))
        return false;
    *enhanced = str_range(rest->at, at.at);
    *rest = str_trim(at);
    return true;
}

struct str smtp_without_address(struct str text)
{
    struct str rest = text, address;
    if (!cut_char(&rest, '<') || !cut_until_char(&rest, '>', &address))
        return text;
    while (rest.len && strchr(".: ", rest.at[0]))
        rest = str_skip(rest, 1);
    return rest.len ? rest : text;
}

struct str smtp_path(struct str argument)
{
    struct str rest = str_trim(argument);
    bool quoted = false;
    if (!cut_char(&rest, '<')) { /* many clients leave the brackets out */
        struct str word;
        return cut_until_char(&rest, ' ', &word) ? word : rest;
    }
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.at[i] == '\\' && quoted)
            i++;
        else if (rest.at[i] == '"')
            quoted = !quoted;
        else if (rest.at[i] == '>' && !quoted)
            return (struct str){ rest.at, i };
    }
    struct str path; /* a quote that does not end */
    return cut_until_char(&rest, '>', &path) ? path : rest;
}

static struct str word_of(struct str text)
{
    size_t len = 0;
    while (len < text.len && text.at[len] != ' ')
        len++;
    return (struct str){ text.at, len };
}

struct str smtp_queue_id(struct str text)
{
    static const struct {
        struct str before; /* the id stands behind it */
    } told[] = {
        { STR_INIT("queued as ") }, /* Postfix, Haraka */
        { STR_INIT("OK id=") },     /* Exim */
        { STR_INIT(" qp ") },       /* qmail: the pid of qmail-queue */
    };
    struct str enhanced;
    smtp_cut_enhanced(&text, 250, &enhanced);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *at = str_find(text, told[i].before);
        if (at)
            return word_of(str_range(at + told[i].before.len, text.at + text.len));
    }
    /* Sendmail, OpenSMTPD: "3ANB9CUn001234 Message accepted for delivery" */
    struct str rest = text, id;
    if (cut_until(&rest, STR(" Message accepted"), &id) && id.len && !memchr(id.at, ' ', id.len))
        return id;
    return (struct str){ NULL, 0 };
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 4; stops at what is not of it. */
static size_t base64(struct str text, char *to, size_t most)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < most; i++) {
        int value = base64_value(text.at[i]);
        if (value < 0)
            break;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            to[len++] = (char)(bits >> count & 0xff);
        }
    }
    return len;
}

size_t smtp_auth_user(struct str mechanism, unsigned step, struct str response, char user[SMTP_USER_BYTES])
{
    char bytes[3 * SMTP_USER_BYTES];
    struct str decoded = { bytes, 0 }, name = { NULL, 0 }, authorize;
    decoded.len = base64(response, bytes, sizeof bytes);
    if (str_eq_nocase(mechanism, STR("PLAIN")) && step == 0) {
        if (!cut_until_char(&decoded, '\0', &authorize) || !cut_until_char(&decoded, '\0', &name))
            name.len = 0;
    } else if (str_eq_nocase(mechanism, STR("LOGIN")) && step == 0) {
        name = decoded;
    } else if (str_starts(mechanism, STR("CRAM-")) && step == 0) {
        const char *blank = str_find_last(decoded, ' ');
        if (blank)
            name = str_range(decoded.at, blank);
    }
    if (name.len > SMTP_USER_BYTES)
        name.len = SMTP_USER_BYTES;
    if (name.len)
        memcpy(user, name.at, name.len);
    explicit_bzero(bytes, sizeof bytes);
    return name.len;
}
