/* Names of DNS lists, and where replies have them. */
#include "collect/zone.h"

/* The pages that lists point to, and the zones that they are about. */
static const struct page {
    struct str host, zone;
} pages[] = {
    { STR_INIT("spamhaus.org"), STR_INIT("zen.spamhaus.org") },
    { STR_INIT("check.spamhaus.org"), STR_INIT("zen.spamhaus.org") },
    { STR_INIT("spamcop.net"), STR_INIT("bl.spamcop.net") },
    { STR_INIT("barracudacentral.org"), STR_INIT("b.barracudacentral.org") },
    { STR_INIT("barracudanetworks.com"), STR_INIT("b.barracudacentral.org") },
    { STR_INIT("sorbs.net"), STR_INIT("dnsbl.sorbs.net") },
    { STR_INIT("uceprotect.net"), STR_INIT("dnsbl-1.uceprotect.net") },
    { STR_INIT("abuseat.org"), STR_INIT("cbl.abuseat.org") },
    { STR_INIT("cbl.abuseat.org"), STR_INIT("cbl.abuseat.org") },
    { STR_INIT("psbl.org"), STR_INIT("psbl.surriel.com") },
    { STR_INIT("njabl.org"), STR_INIT("dnsbl.njabl.org") },
    { STR_INIT("dnsbl.info"), STR_INIT("") },
};

static bool is_in_host(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

/* A name with a dot in it whose last label is no number. */
static bool is_zone(struct str word)
{
    const char *dot = str_find_last(word, '.');
    return dot && dot > word.at && dot + 2 < word.at + word.len && is_alpha(dot[1]);
}

struct str zone_in(struct str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        while (at < text.len && is_in_host(text.at[at]))
            at++;
        if (at == from) {
            at++;
            continue;
        }
        struct str word = { text.at + from, at - from };
        while (word.len && word.at[word.len - 1] == '.')
            word.len--;
        bool address = (from && text.at[from - 1] == '@') || (at < text.len && text.at[at] == '@');
        if (address || !is_zone(word))
            continue;
        bool page = from >= 3 && memcmp(text.at + from - 3, "://", 3) == 0;
        cut_prefix(&word, STR("www."));
        for (size_t i = 0; page && i < sizeof pages / sizeof *pages; i++)
            if (str_eq_nocase(word, pages[i].host))
                return pages[i].zone.len ? pages[i].zone : (struct str){ NULL, 0 };
        return word;
    }
    return (struct str){ NULL, 0 };
}

bool zone_is_name(struct str name)
{
    bool letter = false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
        if (c == '.' && (i == 0 || i + 1 == name.len || name.at[i - 1] == '.'))
            return false;
        letter = letter || is_alpha(c);
    }
    return letter && name.len <= 253;
}
