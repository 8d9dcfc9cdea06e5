/* What the files that make up the zone reader share. */
#ifndef ENRICH_ZONE_PARTS_H
#define ENRICH_ZONE_PARTS_H

#include "base/memory.h"
#include "base/names.h"
#include "enrich/domains.h"
#include "enrich/spans.h"
#include "enrich/zones.h"

/* ---- Addresses in text. Each takes what it can read off *rest, or leaves it. */

/* "192.0.2" or "192.0.2.1": 8, 16, 24 or 32 bits of an address, the rest zero; 0: no address. */
unsigned cut_octets(struct str *rest, uint32_t *first);
/* The same, or "192.0.2/24": -1 where it is none. A lone number is none. */
int cut_cidr4(struct str *rest, uint32_t *first);
/* The same, or "192.0.2.1-9", "192.0.2-192.0.3": for ranges 32 bits. *last is its last address. */
int cut_range4(struct str *rest, uint32_t *first, uint32_t *last);
/* "2001:db8:0:1" (64 bits), "2001:db8::1" (128): a multiple of 16, or -1. */
int cut_groups(struct str *rest, address *first);
/* The same, or with "/48" behind it. One group alone is none. */
int cut_cidr6(struct str *rest, address *first);
/* "/24" behind so many bits in octets, or nothing (then a lone octet is -1). */
int cut_bits4(struct str *rest, unsigned octets);
/* -1: it is none. */
int hex_digit(char c);
/* The host part of a prefix: ones after `bits`. */
static inline uint32_t host4(int bits)
{
    return bits >= 32 ? 0 : UINT32_MAX >> bits;
}
static inline address host6(int bits)
{
    return bits >= 128 ? 0 : ~(address)0 >> bits;
}
static inline bool is_space(char c)
{
    return c == ' ' || c == '\t';
}
static inline bool is_remark(char c)
{
    return c == '#' || c == ';';
}
static inline struct str skip_space(struct str s)
{
    while (s.len && is_space(*s.at))
        s = str_skip(s, 1);
    return s;
}
/* Takes the bytes before the next white space, and that. */
struct str cut_word(struct str *rest);

/* ---- Values: an A record and a text, each pair once, by number. */

enum {
    VALUE_NONE = SPAN_NONE, /* excluded */
    VALUE_OWN,              /* the dataset's one value, which may stand behind the entry */
    VALUE_STANDARD,         /* 127.0.0.2 without a text */
    VALUE_TEXT_BYTES = 255, /* the rest is cut off */
};

/* Interns those that are numbered here. */
void values_begin(struct names *values);
uint32_t values_add(struct names *values, uint32_t a, struct str text);
void values_get(const struct names *values, uint32_t value, uint32_t *a, struct str *text);
/* ":127.0.0.2:text", ":2", ":2:", or a text, as it stands behind an entry; what it does not say is as in
 * `standard`. False: it is none. */
bool values_parse(struct names *values, struct str text, uint32_t standard, uint32_t *value);

/* ---- Datasets */

enum { SUBSTITUTES = 11, SUBSTITUTE_BASE = 10 };

struct dataset {
    const struct format *format;
    const struct zone *zone;
    uint32_t standard;           /* what entries without a value have */
    uint32_t own;                /* what VALUE_OWN is; VALUE_NONE: not said yet */
    uint64_t most;               /* $MAXRANGE4; 0: any */
    struct str put[SUBSTITUTES]; /* $0 ... $9, $= */
    bool has_v4, has_v6;         /* of a list, or names that are reversed addresses */
    uint64_t entries;
    struct spans v4, v6;
    struct domains domains;
};

/* What a line is to a format. */
enum line_is {
    LINE_ENTRY,
    LINE_OTHER,
    LINE_WIDE, /* an entry that $MAXRANGE4 forbids */
    LINE_BAD,
};

struct format {
    const char *name;
    /* Takes a line without blanks at its ends, no remark and no directive; `wrong` is set where it is bad. */
    enum line_is (*take)(struct dataset *set, struct names *values, struct str line, const char **wrong);
    enum spans_rule rule;
    bool v4, v6, names; /* what it is asked */
};

extern const struct format zone_formats[ZONE_FORMATS];

/* The format of a text's first lines; ZONE_GUESS where they could be anything. */
enum zone_format zone_guess(struct str text);

enum line_is list_take(struct dataset *, struct names *, struct str, const char **);
enum line_is ip4set_take(struct dataset *, struct names *, struct str, const char **);
enum line_is ip4tset_take(struct dataset *, struct names *, struct str, const char **);
enum line_is ip4trie_take(struct dataset *, struct names *, struct str, const char **);
enum line_is ip6tset_take(struct dataset *, struct names *, struct str, const char **);
enum line_is ip6trie_take(struct dataset *, struct names *, struct str, const char **);
enum line_is dnset_take(struct dataset *, struct names *, struct str, const char **);
enum line_is generic_take(struct dataset *, struct names *, struct str, const char **);

#endif
