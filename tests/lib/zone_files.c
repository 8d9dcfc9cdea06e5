/* Random zone files of each of rbldnsd's formats, with entries that meet and lie over each other, values of
 * all shapes, directives, and now and then a mistake. */
#include "tests/lib/zone_files.h"

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static uint64_t state;

void any_begin(uint64_t seed)
{
    state = seed;
    any(1);
}

unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void say(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->bytes + text->len, sizeof text->bytes - text->len, format, args);
    va_end(args);
    ck_assert(n >= 0 && text->len + (size_t)n < sizeof text->bytes);
    text->len += (size_t)n;
}

uint32_t any_v4(void)
{
    static const uint32_t networks[] = { 0xc6120000, 0xc6120100, 0xc612ff00, 0xc6130000 };
    return networks[any(4)] | (any(3) ? any(8) : any(2) ? 250 + any(6) : any(256));
}

static void say_v4(struct text *text, uint32_t ip, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++)
        say(text, "%s%u", i ? "." : "", ip >> (24 - 8 * i) & 255);
}

void any_v6(unsigned group[8])
{
    const unsigned hosts[] = { 0, 1, 2, 0x8000, 0xffff };
    group[0] = 0x2001;
    group[1] = 0xdb8;
    group[2] = any(2) ? 0 : any(2) ? 1 : 0x8000;
    group[3] = any(3);
    group[4] = any(4) ? 0 : 0xabcd;
    group[5] = 0;
    group[6] = any(3) ? 0 : hosts[any(5)];
    group[7] = hosts[any(5)];
}

static void say_groups(struct text *text, const unsigned group[8], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        say(text, "%s%x", i ? ":" : "", group[i]);
}

static void say_template(struct text *text)
{
    static const char *const words[] = {
        "listed",  "$",  "$$", "$1/x",        "$2",      "$9",  "see http://bl.example/?$",
        "a \"b\"", "$=", "$",  "# no remark", ": colon", "x=y", "= x"
    };
    if (any(30) == 0)
        say(text, "%0*d ", 240 + (int)any(30), 1);
    unsigned count = 1 + any(4);
    if (any(8) == 0)
        say(text, "=");
    for (unsigned i = 0; i < count; i++)
        say(text, "%s%s", i ? " " : "", words[any(sizeof words / sizeof *words)]);
}

static void say_value(struct text *text)
{
    static const char *const written[] = { "127.0.0.2", "2",        "3", "4", "127.5",
                                           "127.0.9",   "10.0.0.1", "0", "x", "" };
    say(text, ":%s", written[any(any(8) ? 7 : 10)]);
    if (any(6) == 0)
        say(text, " ");
    if (any(3) == 0)
        return;
    say(text, any(2) ? ":" : ": ");
    if (any(4))
        say_template(text);
}

/* What stands behind an entry. */
static void say_behind(struct text *text)
{
    switch (any(6)) {
    case 0:
        say(text, any(2) ? " # remark" : ";remark");
        break;
    case 1:
        say(text, any(2) ? " " : "");
        say_value(text);
        break;
    case 2:
        say(text, "\t");
        say_template(text);
        break;
    case 3:
        say(text, "  ");
        break;
    default:
        break;
    }
    say(text, "\n");
}

static void say_special(struct text *text, bool v4)
{
    static const char *const marks[] = { "$", "$", "#$", ";$", ":$" };
    const char *mark = marks[any(5)];
    switch (any(v4 ? 7 : 6)) {
    case 0:
        say(text, "%sTTL %u%s\n", mark, 1 + any(9), any(2) ? "h" : "");
        break;
    case 1:
        say(text, "%sSOA 1h ns.example. host.example. %u 1h 600 1d 5m\n", mark, any(5));
        break;
    case 2:
    case 3:
        say(text, "%s%u ", mark, any(3));
        say_template(text);
        say(text, "\n");
        break;
    case 4:
        say(text, any(3) ? "# remark\n" : "%sTIMESTAMP 2026:01:02:03 +90w\n", mark);
        break;
    case 5:
        if (any(4) == 0) {
            say(text, "%s= ", mark);
            say_template(text);
            say(text, "\n");
        } else {
            say(text, "\n   \n");
        }
        break;
    default:
        say(text, "%sMAXRANGE4 %s\n", mark, any(2) ? "/20" : "9000");
    }
}

static void say_standard(struct text *text)
{
    say_value(text);
    say(text, "\n");
}

static void say_cidr4(struct text *text)
{
    static const unsigned lengths[] = { 32, 32, 31, 30, 28, 25, 24, 23, 22, 17, 16, 15, 9, 8, 7, 0 };
    uint32_t ip = any_v4();
    unsigned bits = lengths[any(16)];
    if (any(12))
        ip &= bits ? UINT32_MAX << (32 - bits) : 0;
    say_v4(text, ip, bits <= 8 && any(2) ? 1 : bits <= 16 && any(2) ? 2 : bits <= 24 && any(2) ? 3 : 4);
    say(text, "/%u", bits);
}

static void say_range4(struct text *text)
{
    uint32_t a = any_v4(), b = any_v4();
    unsigned octets = any(3) ? 4 : 1 + any(4);
    if (b < a && any(20)) {
        uint32_t c = a;
        a = b;
        b = c;
    }
    say_v4(text, a, octets);
    say(text, "-");
    if (any(3))
        say_v4(text, b, any(30) ? octets : 1 + any(4));
    else
        say(text, "%u", (b >> (32 - 8 * octets)) & 255);
}

static void ip4set(struct text *text)
{
    for (unsigned lines = 10 + any(60); lines; lines--) {
        if (any(10) == 0)
            say_special(text, true);
        if (any(10) == 0)
            say_standard(text);
        if (any(6) == 0)
            say(text, any(3) ? "!" : "! ");
        switch (any(4)) {
        case 0:
            say_v4(text, any_v4(), any(2) ? 4 : 3);
            break;
        case 1:
            say_cidr4(text);
            break;
        case 2:
            say_range4(text);
            break;
        default:
            say_v4(text, any_v4(), any(20) ? 4 : 1);
        }
        say_behind(text);
    }
}

static void ip4tset(struct text *text)
{
    for (unsigned lines = 10 + any(60); lines; lines--) {
        if (any(10) == 0)
            say_special(text, true);
        if (any(20) == 0)
            say_standard(text);
        say_v4(text, any_v4(), any(20) ? 4 : 3);
        say_behind(text);
    }
}

static void ip4trie(struct text *text)
{
    for (unsigned lines = 10 + any(60); lines; lines--) {
        if (any(10) == 0)
            say_special(text, true);
        if (any(10) == 0)
            say_standard(text);
        if (any(6) == 0)
            say(text, "!");
        if (any(2))
            say_cidr4(text);
        else
            say_v4(text, any_v4(), any(3) ? 4 : 3);
        say_behind(text);
    }
}

static void ip6tset(struct text *text)
{
    for (unsigned lines = 5 + any(30); lines; lines--) {
        unsigned group[8];
        any_v6(group);
        if (any(10) == 0)
            say_special(text, false);
        if (any(20) == 0)
            say_standard(text);
        if (any(3) == 0) {
            say(text, "!");
            say_groups(text, group, any(20) ? 8 : 4);
        } else {
            say_groups(text, group, any(20) ? 4 : 8);
        }
        say_behind(text);
    }
}

static void ip6trie(struct text *text)
{
    static const unsigned lengths[] = { 16, 31, 32, 33, 47, 48, 49, 63, 64, 65, 112, 113, 127, 128, 128, 0 };
    for (unsigned lines = 5 + any(50); lines; lines--) {
        unsigned group[8], bits = lengths[any(16)];
        any_v6(group);
        if (any(10) == 0)
            say_special(text, false);
        if (any(10) == 0)
            say_standard(text);
        if (any(6) == 0)
            say(text, "!");
        if (any(12)) { /* no bits behind the length */
            for (unsigned i = 0; i < 8; i++) {
                unsigned left = bits > 16 * i ? bits - 16 * i : 0;
                if (left < 16)
                    group[i] &= 0xffffu & (0xffff0000u >> left);
            }
        }
        switch (any(4)) {
        case 0: /* "2001:db8" */
            say_groups(text, group, 1 + any(8));
            break;
        case 1: /* "2001:db8::1/112" */
            say(text, "%x:%x::%x/%u", group[0], group[1], group[7], bits);
            break;
        default:
            say_groups(text, group, 8);
            say(text, "/%u", bits);
        }
        say_behind(text);
    }
}

const char *const zone_domains[] = {
    "example",       "a.example",      "b.example",        "c.b.example", "d.c.b.example", "x.test",
    "www.x.test",    "1.0.18.198",     "2.0.18.198",       "0.18.198",    "1.18.198",      "X.Test",
    "A.B.C.example", "long-name.test", "w.long-name.test", "*.x.test",
};

enum { DOMAINS = sizeof zone_domains / sizeof *zone_domains };

const unsigned zone_domain_count = DOMAINS;

static void dnset(struct text *text)
{
    static const char *const before[] = { "", "", ".", "*." };
    for (unsigned lines = 5 + any(20); lines; lines--) {
        if (any(10) == 0)
            say_special(text, false);
        if (any(10) == 0)
            say_standard(text);
        say(text, "%s%s%s%s ", any(5) ? "" : "!", before[any(4)], zone_domains[any(DOMAINS)],
            any(9) ? "" : ".");
        say_behind(text);
    }
}

static void generic(struct text *text)
{
    for (unsigned lines = 5 + any(20); lines; lines--) {
        uint32_t ip = any_v4();
        if (any(10) == 0)
            say_special(text, false);
        if (any(2))
            say(text, "%s%s", zone_domains[any(DOMAINS)], any(2) ? "\t" : " ");
        else
            say(text, "%u.%u.%u.%u ", ip & 255, ip >> 8 & 255, ip >> 16 & 255, ip >> 24);
        if (any(4) == 0)
            say(text, "%u%s ", 1 + any(5), any(2) ? "h" : "");
        if (any(4) == 0)
            say(text, "IN ");
        switch (any(6)) {
        case 0:
            say(text, "MX 10 mx.example\n");
            break;
        case 1:
        case 2:
            say(text, "txt ");
            say_template(text);
            say(text, "\n");
            break;
        case 3:
            say(text, "TXT \"in quotes $ \"\n");
            break;
        case 4:
            say(text, "AAAA ::1\n");
            break;
        default:
            say(text, "a %s\n", any(2) ? "127.0.0.2" : any(2) ? "127.3" : "10.0.4");
        }
    }
}

static const struct {
    const char *name;
    void (*write)(struct text *text);
} kinds[ZONE_COMBINED_KIND] = {
    { "ip4set", ip4set },   { "ip4tset", ip4tset }, { "ip4trie", ip4trie }, { "ip6tset", ip6tset },
    { "ip6trie", ip6trie }, { "dnset", dnset },     { "generic", generic },
};

const char *const zone_below[ZONE_BELOW] = { "@", "one", "two.deep" };

static void combined(struct text *text)
{
    if (any(2))
        say_special(text, false);
    for (unsigned sets = 1 + any(5); sets; sets--) {
        unsigned kind = any(ZONE_COMBINED_KIND);
        say(text, "$DATASET %s%s", kinds[kind].name, any(2) ? ":title" : "");
        for (unsigned names = 1 + any(3); names; names--)
            say(text, " %s", zone_below[any(ZONE_BELOW)]);
        say(text, "%s\n", any(2) ? "" : " # and so on");
        kinds[kind].write(text);
    }
}

const char *zone_file_write(unsigned kind, struct text *text)
{
    text->len = 0;
    if (kind == ZONE_COMBINED_KIND) {
        combined(text);
        return "combined";
    }
    kinds[kind].write(text);
    return kinds[kind].name;
}
