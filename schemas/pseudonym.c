/* Pseudonyms. Texts are hashed with HMAC-SHA256, whose output is written as letters from a to p, four bits
 * each; the bits of addresses are flipped by AES-256 of the bits before them. Both keys come out of the one
 * that is given. */
#define _GNU_SOURCE /* explicit_bzero */
#include "schemas/pseudonym.h"

#include <libpsl.h>
#include <nettle/aes.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>

/* What a hash is of: the same text as another thing has another. Never renumber: old copies' pseudonyms would
 * change. */
enum of { OF_LABEL = 1, OF_BOX, OF_NUMBER, OF_TAG, OF_EXTENSION, OF_CASE, OF_HELO, OF_ID };

enum {
    LABEL_LETTERS = 16,
    BOX_LETTERS = 20,
    TAG_LETTERS = 10,
    ID_LETTERS = 16,
    NUMBER_DIGITS = 18,
    HOST_BYTES_MOST = 220, /* a host name must not become longer than 255 */
    ADDRESS_NORMALISED_MOST = 1023,
    ZONE_KEY_BYTES_LEAST = 20
};

struct pseudonyms {
    struct hmac_sha256_ctx text;
    struct aes256_ctx bits;
    psl_ctx_t *suffixes;
    enum pseudonym_domains domains;
};

struct pseudonyms *pseudonyms_new(struct str key, enum pseudonym_domains domains)
{
    struct pseudonyms *pseudonyms = mem_zero(1, sizeof *pseudonyms);
    uint8_t derived[2][SHA256_DIGEST_SIZE];
    static const char *const use[2] = { "mxreplay texts", "mxreplay addresses" };
    for (int i = 0; i < 2; i++) {
        struct hmac_sha256_ctx from;
        hmac_sha256_set_key(&from, key.len, (const uint8_t *)key.at);
        hmac_sha256_update(&from, strlen(use[i]), (const uint8_t *)use[i]);
        hmac_sha256_digest(&from, SHA256_DIGEST_SIZE, derived[i]);
    }
    hmac_sha256_set_key(&pseudonyms->text, SHA256_DIGEST_SIZE, derived[0]);
    aes256_set_encrypt_key(&pseudonyms->bits, derived[1]);
    explicit_bzero(derived, sizeof derived);
    pseudonyms->suffixes = psl_latest(NULL);
    pseudonyms->domains = domains;
    return pseudonyms;
}

void pseudonyms_free(struct pseudonyms *pseudonyms)
{
    if (!pseudonyms)
        return;
    psl_free(pseudonyms->suffixes);
    explicit_bzero(pseudonyms, sizeof *pseudonyms);
    free(pseudonyms);
}

/* ---- Hashes. */

static void hash_of(const struct pseudonyms *pseudonyms, enum of of, struct str text,
                    uint8_t digest[SHA256_DIGEST_SIZE])
{
    struct hmac_sha256_ctx hash = pseudonyms->text;
    uint8_t what = (uint8_t)of;
    hmac_sha256_update(&hash, 1, &what);
    if (text.len)
        hmac_sha256_update(&hash, text.len, (const uint8_t *)text.at);
    hmac_sha256_digest(&hash, SHA256_DIGEST_SIZE, digest);
}

static char *put(char *to, struct str text)
{
    if (text.len)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

static char *put_letters(const struct pseudonyms *pseudonyms, char *to, enum of of, struct str text,
                         int letters)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    hash_of(pseudonyms, of, text, digest);
    for (int i = 0; i < letters; i++)
        *to++ = (char)('a' + (digest[i / 2] >> (i % 2 * 4) & 15));
    return to;
}

static char *put_digits(const struct pseudonyms *pseudonyms, char *to, enum of of, struct str text)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    uint64_t number = 0;
    hash_of(pseudonyms, of, text, digest);
    memcpy(&number, digest, sizeof number);
    for (int i = 0; i < NUMBER_DIGITS; i++, number /= 10)
        *to++ = (char)('0' + number % 10);
    return to;
}

static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = ascii_lower(text.at[i]);
    copy[text.len] = '\0';
    return (struct str){ copy, text.len };
}

/* ---- Addresses. */

static const struct fixed {
    uint8_t bits;
    struct ip ip;
} fixed[] = {
    { 104, { { [10] = 0xff, [11] = 0xff, [12] = 127 } } }, /* 127.0.0.0/8 */
    { 128, { { [15] = 1 } } },                             /* ::1 */
};

/* Whether the bits before `at` are those of a network that stays: then so must be the next. */
static bool leads_to_fixed(const struct ip *ip, unsigned at)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        struct prefix begin = { .network = fixed[i].ip, .bits = (uint8_t)at };
        if (at < fixed[i].bits && prefix_holds(&begin, ip))
            return true;
    }
    return false;
}

/* The first bits of a block are the address's, the last byte how many of them count. */
static bool flips(const struct pseudonyms *pseudonyms, const struct ip *ip, unsigned at)
{
    uint8_t block[AES_BLOCK_SIZE] = { 0 };
    memcpy(block, ip->octet, at / 8);
    if (at % 8)
        block[at / 8] = (uint8_t)(ip->octet[at / 8] & (0xff00u >> at % 8));
    block[15] |= 1; /* the last bit is never one that comes before another */
    uint8_t length[AES_BLOCK_SIZE];
    aes256_encrypt(&pseudonyms->bits, sizeof block, length, block);
    length[0] ^= (uint8_t)at; /* so that 0, 00 and 000 differ */
    aes256_encrypt(&pseudonyms->bits, sizeof block, block, length);
    return block[0] & 1;
}

struct ip pseudonym_ip(const struct pseudonyms *pseudonyms, const struct ip *ip)
{
    struct ip to = *ip;
    unsigned from = ip_is_v4(ip) ? 96 : 0;
    if (ip_is_none(ip))
        return to;
    for (unsigned at = from; at < 128; at++)
        if (!leads_to_fixed(ip, at) && flips(pseudonyms, ip, at))
            to.octet[at / 8] ^= (uint8_t)(0x80u >> at % 8);
    return to;
}

struct prefix pseudonym_prefix(const struct pseudonyms *pseudonyms, const struct prefix *prefix)
{
    struct ip ip = pseudonym_ip(pseudonyms, &prefix->network);
    bool v4 = ip_is_v4(&prefix->network);
    return ip_network(&ip, v4 && prefix->bits > 96 ? prefix->bits - 96u : 0, prefix->bits);
}

static struct str ip_text(const struct pseudonyms *pseudonyms, struct arena *arena, const struct ip *ip)
{
    char text[IP_TEXT_BYTES];
    struct ip to = pseudonym_ip(pseudonyms, ip);
    size_t length = ip_format(&to, text);
    return arena_str(arena, (struct str){ text, length });
}

/* "[192.0.2.1]"; what only begins so does afterwards, too. */
static struct str literal(const struct pseudonyms *pseudonyms, struct arena *arena, struct str text)
{
    struct ip ip;
    if (text.len > 2 && text.at[text.len - 1] == ']' &&
        ip_parse((struct str){ text.at + 1, text.len - 2 }, &ip)) {
        struct ip to = pseudonym_ip(pseudonyms, &ip);
        struct str address = ip_text(pseudonyms, arena, &ip);
        return arena_printf(arena, ip_is_v4(&to) ? "[%.*s]" : "[IPv6:%.*s]", STR_ARG(address));
    }
    char *made = arena_alloc(arena, 1 + LABEL_LETTERS), *to = made;
    *to++ = '[';
    return str_range(made, put_letters(pseudonyms, to, OF_LABEL, text, LABEL_LETTERS));
}

/* ---- Domains. */

/* Names that are no site's, at the end of a host name: what stands left of them is somebody's choice. */
static bool is_reserved(struct str name)
{
    static const char *const names[] = {
        "test", "example", "invalid", "localhost", "localdomain", "local", "lan", "internal", "arpa", "onion"
    }; /* RFC 2606, 6761, 6762, 8375, 7686 */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* Registered for examples (RFC 2606 section 3): the policies that come with mxreplay are written with them.
 */
static bool is_for_examples(struct str name)
{
    return str_eq(name, STR("example.org")) || str_eq(name, STR("example.com")) ||
           str_eq(name, STR("example.net"));
}

static size_t labels_of(const char *name)
{
    size_t labels = name != NULL;
    for (; name && *name; name++)
        labels += *name == '.';
    return labels;
}

/* How many bytes at the end of a name in lower case stay; it is followed by a NUL. */
static size_t bytes_kept(const struct pseudonyms *pseudonyms, struct str host)
{
    if (!pseudonyms->suffixes)
        return 0;
    const char *registered = psl_registrable_domain(pseudonyms->suffixes, host.at),
               *suffix = psl_unregistrable_domain(pseudonyms->suffixes, host.at);
    bool listed = suffix && (psl_is_public_suffix2(pseudonyms->suffixes, suffix,
                                                   PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) ||
                             is_reserved(str_of(suffix)));
    if (!listed)
        return 0; /* "pc.mueller" */
    bool whole = registered && (pseudonyms->domains == DOMAINS_KEEP || is_for_examples(str_of(registered)));
    return strlen(whole ? registered : suffix);
}

/* Writes the name's labels left of the last `kept` bytes as hashes of the name from there on; returns where
 * it begins, for it is written from the right. */
static char *put_labels(const struct pseudonyms *pseudonyms, char *end, struct str host, size_t kept)
{
    char *to = end - kept, label[LABEL_LETTERS];
    memcpy(to, host.at + host.len - kept, kept);
    size_t left = host.len - kept;
    if (left && kept) {
        left--;
        *--to = '.';
    }
    while (left) {
        const char *dot = str_find_last((struct str){ host.at, left }, '.');
        bool last = end - to > HOST_BYTES_MOST - 2 * LABEL_LETTERS;
        size_t from = dot && !last ? (size_t)(dot - host.at) + 1 : 0;
        if (from < left) {
            put_letters(pseudonyms, label, OF_LABEL, str_skip(host, from), LABEL_LETTERS);
            to -= LABEL_LETTERS;
            memcpy(to, label, LABEL_LETTERS);
        }
        left = from;
        if (left) {
            left--;
            *--to = '.';
            if (left == 0) /* it begins with a dot */
                break;
        }
    }
    return to;
}

struct str pseudonym_domain(const struct pseudonyms *pseudonyms, struct arena *arena, struct str domain)
{
    struct ip ip;
    if (!domain.len)
        return domain;
    if (domain.at[0] == '[')
        return literal(pseudonyms, arena, domain);
    if (ip_parse(domain, &ip))
        return ip_text(pseudonyms, arena, &ip);
    size_t dots = 0;
    while (dots < domain.len && domain.at[domain.len - 1 - dots] == '.')
        dots++;
    struct str host = lower(arena, (struct str){ domain.at, domain.len - dots });
    /* Empty labels take a byte of it each, others no more than these. */
    size_t room = host.len + HOST_BYTES_MOST + 4 * LABEL_LETTERS;
    char *end = (char *)arena_alloc(arena, room + dots + 1) + room;
    size_t kept = bytes_kept(pseudonyms, host);
    char *begin = put_labels(pseudonyms, end, host, kept);
    *end = '\0';
    /* The list has exceptions for names of places: then a hash is not registered in the way that its name
     * was. */
    if (pseudonyms->suffixes) {
        const char *before = psl_registrable_domain(pseudonyms->suffixes, host.at),
                   *after = psl_registrable_domain(pseudonyms->suffixes, begin);
        if (before && labels_of(before) != labels_of(after))
            begin = put_labels(pseudonyms, end, host, strlen(before));
    }
    memset(end, '.', dots);
    return str_range(begin, end + dots);
}

struct str pseudonym_zone(const struct pseudonyms *pseudonyms, struct arena *arena, struct str zone)
{
    char *made = arena_alloc(arena, zone.len + LABEL_LETTERS * (zone.len / ZONE_KEY_BYTES_LEAST + 1)),
         *to = made;
    for (struct str rest = zone, label; rest.len; rest = str_skip(rest, label.len + 1)) {
        const char *dot = memchr(rest.at, '.', rest.len);
        bool digits = false;
        label = dot ? str_range(rest.at, dot) : rest;
        for (size_t i = 0; i < label.len; i++)
            digits |= is_digit(label.at[i]);
        if (digits && label.len >= ZONE_KEY_BYTES_LEAST)
            to = put_letters(pseudonyms, to, OF_LABEL, lower(arena, label), LABEL_LETTERS);
        else
            to = put(to, label);
        if (dot)
            *to++ = '.';
    }
    return zone.len ? str_range(made, to) : zone;
}

/* ---- What a client calls itself. */

/* As the helo measure has it (analyze/measure/helo.c): what it takes for a name must stay one, and the other
 * way round. */
static bool is_host_name(struct str name)
{
    size_t label = 0;
    bool letters = false;
    if (name.len == 0 || name.len > 255)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '.') {
            if (label == 0 || name.at[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        bool high = (unsigned char)c >= 0x80;
        letters |= !is_digit(c);
        if (!(is_alpha(c) || is_digit(c) || high || c == '_' || (c == '-' && label > 0)) || ++label > 63)
            return false;
    }
    return letters && name.at[name.len - 1] != '-';
}

struct str pseudonym_helo(const struct pseudonyms *pseudonyms, struct arena *arena, struct str helo)
{
    struct ip ip;
    if (!helo.len || helo.at[0] == '[' || ip_parse(helo, &ip) || is_host_name(helo))
        return pseudonym_domain(pseudonyms, arena, helo);
    char *made = arena_alloc(arena, 1 + LABEL_LETTERS), *to = made;
    *to++ = '!'; /* in no name */
    return str_range(made, put_letters(pseudonyms, to, OF_HELO, lower(arena, helo), LABEL_LETTERS));
}

/* ---- Mailboxes. */

/* A local part in lower case as greylisting reads it (analyze/state_greylist.c): without its BATV tag and
 * extension, in `plain`, and as of a sender, with # for numbers that stand alone, in `folded`. */
struct box {
    struct str plain, folded;
    bool tagged, extended;
};

static struct box box_of(struct arena *arena, struct str local)
{
    struct box box = { .plain = local };
    struct str rest = local, tag;
    if (local.len > 5 && cut_prefix(&rest, STR("prvs=")) && cut_until_char(&rest, '=', &tag) && rest.len) {
        box.plain = rest;
        box.tagged = true;
    }
    struct str before;
    rest = box.plain;
    if (cut_until_char(&rest, '+', &before)) {
        box.plain = before;
        box.extended = true;
    }
    char *folded = arena_alloc(arena, box.plain.len + 1), *to = folded;
    bool in_word = false;
    for (size_t i = 0; i < box.plain.len;) {
        size_t end = i;
        while (end < box.plain.len && is_digit(box.plain.at[end]))
            end++;
        bool word_after = end < box.plain.len && (is_alpha(box.plain.at[end]) || box.plain.at[end] == '_');
        if (end > i && !in_word && !word_after) {
            *to++ = '#';
            i = end;
            continue;
        }
        char c = box.plain.at[i++];
        in_word = is_alpha(c) || is_digit(c) || c == '_';
        *to++ = c;
    }
    box.folded = str_range(folded, to);
    return box;
}

/* Texts that differ by case only have pseudonyms that do. */
static void vary_case(const struct pseudonyms *pseudonyms, char *from, const char *end, struct str exact)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    hash_of(pseudonyms, OF_CASE, exact, digest);
    for (size_t i = 0; from < end; from++, i++)
        if (is_alpha(*from) && digest[i / 8 % sizeof digest] >> (i % 8) & 1)
            *from = (char)(*from - 'a' + 'A');
}

struct str pseudonym_address(const struct pseudonyms *pseudonyms, struct arena *arena, struct str address)
{
    if (!address.len)
        return address;
    const char *at = str_find_last(address, '@');
    size_t local_bytes = at ? (size_t)(at - address.at) : address.len;
    struct str whole = lower(arena, address), local = { whole.at, local_bytes };
    struct str domain =
        at ? pseudonym_domain(pseudonyms, arena, str_skip(address, local_bytes + 1)) : STR("");
    char *made = arena_alloc(arena, domain.len + 8 + 3 * BOX_LETTERS + NUMBER_DIGITS + TAG_LETTERS),
         *to = made;
    /* Greylisting leaves one that is longer as it is, case and all. */
    struct box box = address.len > ADDRESS_NORMALISED_MOST ? (struct box){ address, address, false, false }
                                                           : box_of(arena, local);
    /* What is hashed has the domain with it: one person's local part tells nothing of another's. */
    struct str host = at ? str_skip(whole, local_bytes) : STR("");
    struct str folded = arena_printf(arena, "%.*s%.*s", STR_ARG(box.folded), STR_ARG(host));
    struct str plain = arena_printf(arena, "%.*s%.*s", STR_ARG(box.plain), STR_ARG(host));
    if (box.tagged) {
        to = put(to, STR("prvs="));
        to = put_letters(pseudonyms, to, OF_TAG, whole, TAG_LETTERS);
        *to++ = '=';
    }
    char *letters = to;
    if (str_eq(box.folded, STR("postmaster")))
        to = put(to, box.folded);
    else if (box.folded.len)
        to = put_letters(pseudonyms, to, OF_BOX, folded, BOX_LETTERS);
    if (!str_eq(whole, address) && address.len <= ADDRESS_NORMALISED_MOST)
        vary_case(pseudonyms, letters, to, address);
    if (box.folded.len && memchr(box.folded.at, '#', box.folded.len)) {
        *to++ = '-';
        to = put_digits(pseudonyms, to, OF_NUMBER, plain);
    }
    if (box.extended) {
        *to++ = '+';
        to = put_letters(pseudonyms, to, OF_EXTENSION, whole, TAG_LETTERS);
    }
    if (at) {
        *to++ = '@';
        to = put(to, domain);
    }
    return str_range(made, to);
}

struct str pseudonym_id(const struct pseudonyms *pseudonyms, struct arena *arena, struct str id)
{
    if (!id.len)
        return id;
    char *made = arena_alloc(arena, ID_LETTERS);
    return str_range(made, put_letters(pseudonyms, made, OF_ID, id, ID_LETTERS));
}
