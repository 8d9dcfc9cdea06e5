/* What format a file has, told by its first lines. */
#include "enrich/zone_parts.h"

enum { GUESS_LINES = 500 };

struct seen {
    unsigned v4, v6, domains, records;
    bool values;    /* ":2:text", "!", "$TTL": rbldnsd's */
    bool shortened; /* "192.0.2", "2001:db8": a plain list writes addresses in full */
    bool combined;
};

/* "NAME [TTL] [IN] A 127.0.0.2", "... TXT text", "... MX 10 name" */
static bool is_record(struct str line)
{
    uint32_t a = 0;
    cut_word(&line);
    if (line.len && is_digit(*line.at))
        cut_word(&line);
    struct str type = cut_word(&line);
    if (str_eq_nocase(type, STR("IN")))
        type = cut_word(&line);
    if (line.len == 0)
        return false;
    if (str_eq_nocase(type, STR("A")))
        return cut_octets(&line, &a) == 32 && line.len == 0;
    return str_eq_nocase(type, STR("TXT")) || (str_eq_nocase(type, STR("MX")) && is_digit(*line.at));
}

static bool ends(struct str rest, struct seen *seen)
{
    rest.len = rest.len > 64 ? 64 : rest.len; /* no more than a look */
    struct str behind = skip_space(rest);
    if (behind.len && *behind.at == ':')
        seen->values = true;
    return behind.len == 0 || behind.at != rest.at || is_remark(*behind.at) || *behind.at == ':' ||
           *behind.at == ',';
}

static bool is_v4(struct str line, struct seen *seen)
{
    uint32_t first = 0, last = 0;
    struct str at = line;
    if (cut_range4(&at, &first, &last) < 0 || !ends(at, seen))
        return false;
    at = line;
    seen->shortened = seen->shortened || cut_octets(&at, &first) < 32;
    return true;
}

static bool is_v6(struct str line, struct seen *seen)
{
    address first = 0;
    struct str at = line, word = cut_word(&at);
    at = line;
    if (!memchr(word.at, ':', word.len) || cut_cidr6(&at, &first) < 0 || !ends(at, seen))
        return false;
    at = line;
    seen->shortened = seen->shortened || cut_groups(&at, &first) < 128;
    return true;
}

static void see(struct str line, struct seen *seen)
{
    char text[DOMAIN_BYTES];
    struct str name;
    if (*line.at == ':' && !str_starts(line, STR("::"))) {
        seen->values = true;
        return;
    }
    if (*line.at == '!') {
        seen->values = true;
        line = skip_space(str_skip(line, 1));
    }
    if (is_record(line)) {
        seen->records++;
    } else if (is_v4(line, seen)) {
        seen->v4++;
    } else if (is_v6(line, seen)) {
        seen->v6++;
    } else {
        cut_prefix(&line, STR("*"));
        struct str word = cut_word(&line);
        if (domain_clean(word, text, &name) && memchr(word.at, '.', word.len))
            seen->domains++;
    }
}

enum zone_format zone_guess(struct str text)
{
    struct seen seen = { 0 };
    struct str line;
    for (unsigned lines = 0; lines < GUESS_LINES && text.len; lines++) {
        if (!cut_until_char(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        line = str_trim(line);
        if (line.len >= 2 && (*line.at == '$' || line.at[1] == '$') && !is_alnum(*line.at)) {
            struct str word = str_skip(line, *line.at == '$' ? 1 : 2);
            if (str_eq_nocase(cut_word(&word), STR("DATASET")))
                return ZONE_COMBINED;
            seen.values = seen.values || *line.at == '$';
        } else if (line.len && !is_remark(*line.at)) {
            see(line, &seen);
        }
    }
    unsigned addresses = seen.v4 + seen.v6;
    if (addresses == 0 && seen.records == 0 && seen.domains == 0)
        return ZONE_GUESS;
    if (seen.records > addresses && seen.records >= seen.domains)
        return ZONE_GENERIC;
    if (seen.domains > addresses)
        return ZONE_DNSET;
    if (!seen.values && (!seen.shortened || (seen.v4 && seen.v6))) /* rbldnsd's have one family */
        return ZONE_LIST;
    return seen.v6 > seen.v4 ? ZONE_IP6TRIE : ZONE_IP4SET;
}
