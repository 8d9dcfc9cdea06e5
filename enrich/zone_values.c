/* What entries of zone files answer: an A record and a TXT template (rbldnsd_util.c, parse_a_txt and
 * txtsubst). Interned as four bytes and the text. */
#include <assert.h>
#include "enrich/zone_parts.h"

static void packed(uint8_t to[4], uint32_t a)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(a >> (24 - 8 * i));
}

uint32_t values_add(struct names *values, uint32_t a, struct str text)
{
    char bytes[4 + VALUE_TEXT_BYTES];
    if (text.len > VALUE_TEXT_BYTES)
        text.len = VALUE_TEXT_BYTES;
    packed((uint8_t *)bytes, a);
    if (text.len)
        memcpy(bytes + 4, text.at, text.len);
    return names_add(values, (struct str){ bytes, 4 + text.len });
}

void values_begin(struct names *values)
{
    names_add(values, STR(""));  /* VALUE_NONE */
    names_add(values, STR("=")); /* VALUE_OWN: no value has so few bytes */
    values_add(values, 0x7f000002u, STR(""));
}

void values_get(const struct names *values, uint32_t value, uint32_t *a, struct str *text)
{
    assert(value != VALUE_NONE && value != VALUE_OWN && value < values->count);
    struct str bytes = values->name[value];
    *a = 0;
    for (unsigned i = 0; i < 4; i++)
        *a = *a << 8 | (uint8_t)bytes.at[i];
    *text = str_skip(bytes, 4);
}

bool values_parse(struct names *values, struct str text, uint32_t standard, uint32_t *value)
{
    uint32_t a = 0;
    struct str standard_text;
    values_get(values, standard, &a, &standard_text);
    if (!cut_char(&text, ':')) {
        *value = values_add(values, a, text);
        return true;
    }
    unsigned bits = cut_octets(&text, &a);
    if (bits == 0)
        return false;
    /* The last octet of what is written is the last of the address (ip4parse.c, ip4addr). */
    if (bits == 8)
        a = a >> 24 | 0x7f000000u;
    else if (bits == 16)
        a = (a & 0xff000000u) | (a >> 16 & 255);
    else if (bits == 24)
        a = (a & 0xffff0000u) | (a >> 8 & 255);
    if (a == 0 || (bits == 8 && a == 0x7f000000u))
        return false;
    text = skip_space(text);
    if (cut_char(&text, ':'))
        *value = values_add(values, a, skip_space(text));
    else if (text.len)
        return false;
    else
        *value = values_add(values, a, standard_text);
    return true;
}

/* What is written so far, up to 254 bytes (txtsubst stops there, though a TXT record has room for 255). */
struct writing {
    char *to;
    size_t len;
};

static void put(struct writing *out, struct str s)
{
    size_t room = ZONE_TEXT_BYTES - 2 - out->len;
    size_t n = s.len < room ? s.len : room;
    if (n)
        memcpy(out->to + out->len, s.at, n);
    out->len += n;
}

static size_t substitute(const struct dataset *set, struct str text, struct str subject, char *to)
{
    struct writing out = { to, 0 };
    struct str own = text; /* $= */
    if (cut_char(&text, '=')) {
        own = text;
    } else if (set->put[SUBSTITUTE_BASE].len) {
        own = text.len ? text : subject;
        text = set->put[SUBSTITUTE_BASE];
    }
    struct str before;
    while (cut_until_char(&text, '$', &before)) {
        put(&out, before);
        char what = text.len ? *text.at : '\0';
        if (what == '$') {
            put(&out, STR("$"));
        } else if (is_digit(what)) {
            struct str named = set->put[what - '0'];
            put(&out, named.at ? named : (struct str){ text.at - 1, 2 });
        } else if (what == '=') {
            put(&out, own);
        } else {
            put(&out, subject);
            continue;
        }
        text = str_skip(text, 1);
    }
    put(&out, text);
    to[out.len] = '\0';
    return out.len;
}

size_t zone_answer_text(const struct zone_answer *answer, char text[ZONE_TEXT_BYTES])
{
    char ip[IP_TEXT_BYTES];
    struct str subject = answer->entry;
    if (answer->of->format == &zone_formats[ZONE_GENERIC]) { /* as it stands */
        memcpy(text, answer->text.at, answer->text.len);
        text[answer->text.len] = '\0';
        return answer->text.len;
    }
    if (!subject.at)
        subject = (struct str){ ip, ip_format(&answer->ip, ip) };
    return substitute(answer->of, answer->text, subject, text);
}
