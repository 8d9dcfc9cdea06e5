/* A line of each format, as rbldnsd's dataset of that name takes it (rbldnsd_ip4set.c and its siblings). */
#include "enrich/zone_parts.h"

const struct format zone_formats[ZONE_FORMATS] = {
    /*                 name        line           of several that hold an address    asked of */
    [ZONE_GUESS] = { "guess", NULL, SPANS_UNION, false, false, false },
    [ZONE_LIST] = { "list", list_take, SPANS_UNION, false, false, false }, /* what it has */
    [ZONE_IP4SET] = { "ip4set", ip4set_take, SPANS_OCTETS, true, false, false },
    [ZONE_IP4TSET] = { "ip4tset", ip4tset_take, SPANS_UNION, true, false, false },
    [ZONE_IP4TRIE] = { "ip4trie", ip4trie_take, SPANS_LONGEST, true, false, false },
    [ZONE_IP6TSET] = { "ip6tset", ip6tset_take, SPANS_LONGEST, false, true, false },
    [ZONE_IP6TRIE] = { "ip6trie", ip6trie_take, SPANS_LONGEST, false, true, false },
    [ZONE_DNSET] = { "dnset", dnset_take, SPANS_UNION, false, false, true },
    [ZONE_GENERIC] = { "generic", generic_take, SPANS_UNION, false, false, true },
    [ZONE_COMBINED] = { "combined", NULL, SPANS_UNION, false, false, false },
};

static enum line_is bad(const char **wrong, const char *what)
{
    *wrong = what;
    return LINE_BAD;
}

static const char no_address[] = "no address", host_part[] = "bits are set behind the prefix's length",
                  no_value[] = "no value: write :127.0.0.2:text, :2: or a text";

/* ":127.0.0.2:text" alone: what entries from here on have. */
static enum line_is take_standard(struct names *values, struct str line, uint32_t *standard,
                                  const char **wrong)
{
    return values_parse(values, line, VALUE_STANDARD, standard) ? LINE_OTHER : bad(wrong, no_value);
}

/* In the sets with one value it is the first such line, wherever it stands. */
static enum line_is take_own(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    return set->own == VALUE_NONE ? take_standard(values, line, &set->own, wrong) : LINE_OTHER;
}

static bool cut_exclusion(struct str *line)
{
    if (!cut_char(line, '!'))
        return false;
    *line = skip_space(*line);
    return true;
}

/* What may follow an address. */
static bool ends_address(struct str rest)
{
    return rest.len == 0 || is_space(*rest.at) || is_remark(*rest.at) || *rest.at == ':';
}

/* What an entry answers, of what stands behind it. */
static bool entry_value(const struct dataset *set, struct names *values, struct str rest, uint32_t *value)
{
    rest = skip_space(rest);
    if (rest.len == 0 || is_remark(*rest.at)) {
        *value = set->standard;
        return true;
    }
    return values_parse(values, rest, set->standard, value);
}

static bool too_wide(const struct dataset *set, uint32_t first, uint32_t last)
{
    return set->most && set->most <= last - first;
}

enum line_is ip4set_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    uint32_t first = 0, last = 0, value = VALUE_NONE;
    if (line.len && *line.at == ':')
        return take_standard(values, line, &set->standard, wrong);
    bool excluded = cut_exclusion(&line);
    int bits = cut_range4(&line, &first, &last);
    if (bits <= 0 || !ends_address(line)) /* rbldnsd takes no /0 here either */
        return bad(wrong, no_address);
    if (first & host4(bits))
        return bad(wrong, host_part);
    if (too_wide(set, first, last))
        return LINE_WIDE;
    if (!excluded && !entry_value(set, values, line, &value))
        return bad(wrong, no_value);
    spans_add_octets(&set->v4, first, last, value);
    return LINE_ENTRY;
}

enum line_is ip4tset_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    uint32_t first = 0;
    if (line.len && *line.at == ':')
        return take_own(set, values, line, wrong);
    if (cut_octets(&line, &first) != 32 || !ends_address(line))
        return bad(wrong, no_address);
    spans_add(&set->v4, first, first, VALUE_OWN);
    return LINE_ENTRY;
}

enum line_is ip4trie_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    uint32_t first = 0, value = VALUE_NONE;
    if (line.len && *line.at == ':')
        return take_standard(values, line, &set->standard, wrong);
    bool excluded = cut_exclusion(&line);
    int bits = cut_cidr4(&line, &first);
    if (bits < 0 || !ends_address(line))
        return bad(wrong, no_address);
    if (first & host4(bits))
        return bad(wrong, host_part);
    if (too_wide(set, first, first | host4(bits)))
        return LINE_WIDE;
    if (!excluded && !entry_value(set, values, line, &value))
        return bad(wrong, no_value);
    spans_add(&set->v4, first, first | host4(bits), value);
    return LINE_ENTRY;
}

enum line_is ip6tset_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    address first = 0;
    if (line.len && *line.at == ':')
        return take_own(set, values, line, wrong);
    bool excluded = cut_exclusion(&line);
    int bits = cut_groups(&line, &first);
    if (bits < 0 || !ends_address(line))
        return bad(wrong, no_address);
    if (bits != (excluded ? 128 : 64))
        return bad(wrong,
                   excluded ? "what is excluded has to be one address" : "no /64: write its four groups");
    spans_add(&set->v6, first, first | host6(bits), excluded ? VALUE_NONE : VALUE_OWN);
    return LINE_ENTRY;
}

enum line_is ip6trie_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    address first = 0;
    uint32_t value = VALUE_NONE;
    if (str_starts(line, STR(":")) && !str_starts(line, STR("::")))
        return take_standard(values, line, &set->standard, wrong);
    bool excluded = cut_exclusion(&line);
    int bits = cut_cidr6(&line, &first);
    if (bits < 0 || !ends_address(line))
        return bad(wrong, no_address);
    if (first & host6(bits))
        return bad(wrong, host_part);
    if (!excluded && !entry_value(set, values, line, &value))
        return bad(wrong, no_value);
    spans_add(&set->v6, first, first | host6(bits), value);
    return LINE_ENTRY;
}

/* ---- A plain list: what follows an entry is a remark, of whatever kind. */

static bool ends_item(struct str rest)
{
    return rest.len == 0 || is_space(*rest.at) || is_remark(*rest.at) || *rest.at == ',';
}

/* The other end of "192.0.2.1 - 192.0.2.9", with or without blanks. */
static bool cut_dash(struct str *rest)
{
    struct str at = skip_space(*rest);
    if (!cut_char(&at, '-'))
        return false;
    *rest = skip_space(at);
    return true;
}

static enum line_is list_take4(struct dataset *set, struct str line, const char **wrong)
{
    uint32_t first = 0, last = 0;
    unsigned octets = cut_octets(&line, &first);
    int bits = 32;
    if (octets && line.len && *line.at == '/')
        bits = cut_bits4(&line, octets);
    else if (octets != 32)
        return bad(wrong, no_address);
    if (bits < 0)
        return bad(wrong, no_address);
    if (first & host4(bits))
        return bad(wrong, host_part);
    last = first | host4(bits);
    if (bits == 32 && cut_dash(&line) && (cut_octets(&line, &last) != 32 || last < first))
        return bad(wrong, "no range");
    if (!ends_item(line))
        return bad(wrong, no_address);
    spans_add(&set->v4, first, last, VALUE_STANDARD);
    set->has_v4 = true;
    return LINE_ENTRY;
}

enum line_is list_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    address first = 0, last = 0;
    (void)values;
    struct str at = line, word = cut_word(&at);
    if (!memchr(word.at, ':', word.len))
        return list_take4(set, line, wrong);
    at = line;
    int bits = cut_cidr6(&at, &first);
    bool sized = bits >= 0 && memchr(line.at, '/', (size_t)(at.at - line.at));
    if (bits < 0 || (!sized && bits != 128))
        return bad(wrong, no_address);
    if (first & host6(bits))
        return bad(wrong, host_part);
    last = first | host6(bits);
    if (!sized && cut_dash(&at) && (cut_groups(&at, &last) != 128 || last < first))
        return bad(wrong, "no range");
    if (!ends_item(at))
        return bad(wrong, no_address);
    spans_add(&set->v6, first, last, VALUE_STANDARD);
    set->has_v6 = true;
    return LINE_ENTRY;
}

/* ---- Names */

/* Whether it is 1.2.0.192, or an IPv6 address's 32 digits. */
static void note_reversed(struct dataset *set, struct str name)
{
    uint32_t first = 0;
    struct str at = name;
    if (cut_octets(&at, &first) && at.len == 0) {
        set->has_v4 = true;
        return;
    }
    if (name.len < 15) /* a /32 of IPv6 at least: short names could be domains */
        return;
    for (size_t i = 0; i < name.len; i++)
        if (i % 2 ? name.at[i] != '.' : hex_digit(name.at[i]) < 0)
            return;
    set->has_v6 = true;
}

enum line_is dnset_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    char text[DOMAIN_BYTES];
    struct str name;
    uint32_t value = VALUE_NONE;
    if (line.len && *line.at == ':')
        return take_standard(values, line, &set->standard, wrong);
    bool excluded = cut_exclusion(&line);
    bool both = cut_char(&line, '.'), wild = both || cut_prefix(&line, STR("*."));
    if (!domain_clean(cut_word(&line), text, &name) || name.len == 0)
        return bad(wrong, "no domain");
    if (!excluded && !entry_value(set, values, line, &value))
        return bad(wrong, no_value);
    if (wild)
        domains_add(&set->domains, name, true, value);
    if (!wild || both)
        domains_add(&set->domains, name, false, value);
    note_reversed(set, name);
    return LINE_ENTRY;
}

/* A time to live, "3600" or "1h", that may stand before the type. */
static void cut_ttl(struct str *rest)
{
    if (rest->len && is_digit(*rest->at))
        cut_word(rest);
}

enum line_is generic_take(struct dataset *set, struct names *values, struct str line, const char **wrong)
{
    char text[DOMAIN_BYTES];
    struct str name = STR("");
    uint32_t a = 0;
    struct str word = cut_word(&line);
    if (!str_eq(word, STR("@")) && (!domain_clean(word, text, &name) || name.len == 0))
        return bad(wrong, "no name");
    cut_ttl(&line);
    word = cut_word(&line);
    if (str_eq_nocase(word, STR("IN")))
        word = cut_word(&line);
    if (line.len == 0)
        return bad(wrong, "no record: write NAME A 127.0.0.2 or NAME TXT \"text\"");
    if (str_eq_nocase(word, STR("A"))) {
        unsigned bits = cut_octets(&line, &a);
        if (bits == 0)
            return bad(wrong, no_address);
        if (bits < 32) /* ip4addr(): 127.2 is 127.0.0.2 */
            a = bits == 8 ? a >> 24 : (a & ~host4((int)bits - 8)) | (a >> (32 - bits) & 255);
        domains_add(&set->domains, name, false, values_add(values, a, STR("")));
    } else if (str_eq_nocase(word, STR("TXT"))) {
        if (line.len >= 2 && line.at[0] == '"' && line.at[line.len - 1] == '"')
            line = (struct str){ line.at + 1, line.len - 2 };
        domains_add(&set->domains, name, false, values_add(values, 0, line));
    } else if (!str_eq_nocase(word, STR("MX"))) {
        return bad(wrong, "no record that is known: A, TXT or MX");
    }
    note_reversed(set, name);
    return LINE_ENTRY;
}
