/* Random zone files, read by rbldnsd itself and by us: each address and name that they could be about has the
 * same A and TXT records. MXREPLAY_SEEDS=N tries so many worlds of eleven files. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "enrich/zones.h"
#include "tests/lib/inputs.h"

#define RBLDNSD "/usr/sbin/rbldnsd"

enum {
    SEEDS = 5,
    FILES = 11,
    TEXT_BYTES = 32 * 1024,
    REPLY_BYTES = 2048, /* rbldnsd's most */
    RECORDS_MOST = 64,
    TYPE_A = 1,
    TYPE_TXT = 16,
    TYPE_OPT = 41,
};

/* ---- Random files */

static uint64_t state;

static unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

struct text {
    char bytes[TEXT_BYTES];
    size_t len;
};

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

/* Few addresses, so that entries meet: of 198.18.0.0/15 (RFC 2544) four /24s. */
static uint32_t any_v4(void)
{
    static const uint32_t networks[] = { 0xc6120000, 0xc6120100, 0xc612ff00, 0xc6130000 };
    return networks[any(4)] | (any(3) ? any(8) : any(2) ? 250 + any(6) : any(256));
}

static void say_v4(struct text *text, uint32_t ip, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++)
        say(text, "%s%u", i ? "." : "", ip >> (24 - 8 * i) & 255);
}

/* Of 2001:db8::/32 a few networks that differ in their third and fourth group, and few hosts. */
static void any_v6(unsigned group[8])
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

static const char *const domains[] = {
    "example",       "a.example",      "b.example",        "c.b.example", "d.c.b.example", "x.test",
    "www.x.test",    "1.0.18.198",     "2.0.18.198",       "0.18.198",    "1.18.198",      "X.Test",
    "A.B.C.example", "long-name.test", "w.long-name.test", "*.x.test",
};

enum { DOMAINS = sizeof domains / sizeof *domains };

static void dnset(struct text *text)
{
    static const char *const before[] = { "", "", ".", "*." };
    for (unsigned lines = 5 + any(20); lines; lines--) {
        if (any(10) == 0)
            say_special(text, false);
        if (any(10) == 0)
            say_standard(text);
        say(text, "%s%s%s%s ", any(5) ? "" : "!", before[any(4)], domains[any(DOMAINS)], any(9) ? "" : ".");
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
            say(text, "%s%s", domains[any(DOMAINS)], any(2) ? "\t" : " ");
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
} kinds[] = {
    { "ip4set", ip4set },   { "ip4tset", ip4tset }, { "ip4trie", ip4trie }, { "ip6tset", ip6tset },
    { "ip6trie", ip6trie }, { "dnset", dnset },     { "generic", generic },
};

enum { KINDS = sizeof kinds / sizeof *kinds, COMBINED = KINDS };

static const char *const below[] = { "@", "one", "two.deep" };

static void combined(struct text *text)
{
    if (any(2))
        say_special(text, false);
    for (unsigned sets = 1 + any(5); sets; sets--) {
        unsigned kind = any(KINDS);
        say(text, "$DATASET %s%s", kinds[kind].name, any(2) ? ":title" : "");
        for (unsigned names = 1 + any(3); names; names--)
            say(text, " %s", below[any(3)]);
        say(text, "%s\n", any(2) ? "" : " # and so on");
        kinds[kind].write(text);
    }
}

/* ---- rbldnsd */

struct server {
    pid_t pid;
    int socket;
};

static struct server server;

static void stop(void)
{
    if (server.pid > 0) {
        kill(server.pid, SIGTERM);
        waitpid(server.pid, NULL, 0);
    }
    if (server.socket > 0)
        close(server.socket);
    server = (struct server){ 0 };
}

/* A port of the loopback that is free now. */
static struct sockaddr_in free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert(probe >= 0 && bind(probe, (struct sockaddr *)&at, sizeof at) == 0);
    ck_assert(getsockname(probe, (struct sockaddr *)&at, &len) == 0);
    close(probe);
    return at;
}

static void start(char *const zones[FILES])
{
    struct sockaddr_in at = free_port();
    char bind_to[40], *argv[FILES + 12];
    size_t n = 0;
    snprintf(bind_to, sizeof bind_to, "127.0.0.1/%d", ntohs(at.sin_port));
    argv[n++] = (char[]){ RBLDNSD };
    argv[n++] = (char[]){ "-n" };
    argv[n++] = (char[]){ "-c0" };
    if (geteuid() == 0) {
        argv[n++] = (char[]){ "-u" };
        argv[n++] = (char[]){ "nobody" };
    }
    argv[n++] = (char[]){ "-b" };
    argv[n++] = bind_to;
    for (int i = 0; i < FILES; i++)
        argv[n++] = zones[i];
    argv[n] = NULL;
    const char *log = input_path("rbldnsd.log");
    server.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval patience = { .tv_usec = 200000 };
    setsockopt(server.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ck_assert(connect(server.socket, (struct sockaddr *)&at, sizeof at) == 0);
    server.pid = fork();
    if (server.pid == 0) {
        if (!freopen(log, "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
            _exit(126);
        execv(RBLDNSD, argv);
        _exit(127);
    }
}

/* A record's value: four bytes of an address, or a text. */
struct record {
    uint8_t len;
    char bytes[255];
};

struct records {
    struct record record[RECORDS_MOST];
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return x->len != y->len ? x->len - y->len : memcmp(x->bytes, y->bytes, x->len);
}

/* In order, each once. */
static void keep(struct records *records, const void *bytes, size_t len)
{
    struct record new = { (uint8_t)len, { 0 } };
    size_t at = 0;
    ck_assert(len <= sizeof new.bytes && records->count < RECORDS_MOST);
    memcpy(new.bytes, bytes, len);
    while (at < records->count && compare(&records->record[at], &new) < 0)
        at++;
    if (at < records->count && compare(&records->record[at], &new) == 0)
        return;
    memmove(&records->record[at + 1], &records->record[at], (records->count++ - at) * sizeof new);
    records->record[at] = new;
}

static size_t question(uint8_t *to, unsigned id, const char *name, unsigned type)
{
    uint8_t *at = to;
    const uint8_t head[12] = { (uint8_t)(id >> 8), (uint8_t)id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
    const uint8_t option[11] = { 0, 0, TYPE_OPT, REPLY_BYTES >> 8, REPLY_BYTES & 255 };
    memcpy(at, head, sizeof head);
    at += sizeof head;
    while (*name) {
        size_t len = strcspn(name, ".");
        *at++ = (uint8_t)len;
        memcpy(at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    const uint8_t tail[5] = { 0, 0, (uint8_t)type, 0, 1 };
    memcpy(at, tail, sizeof tail);
    at += sizeof tail;
    memcpy(at, option, sizeof option);
    return (size_t)(at + sizeof option - to);
}

/* What rbldnsd answers; false: its reply is so full that something may not have fitted. */
static bool ask_server(const char *name, unsigned type, struct records *records)
{
    static unsigned id;
    uint8_t query[512], reply[REPLY_BYTES];
    ssize_t got = -1;
    id++;
    size_t len = question(query, id & 0xffff, name, type);
    for (int tries = 0; got < 0 && tries < 100; tries++) { /* the first ones while it reads its files */
        if (send(server.socket, query, len, 0) < 0) {
            usleep(20000);
            continue;
        }
        do
            got = recv(server.socket, reply, sizeof reply, 0);
        while (got >= 2 && (reply[0] != (id >> 8 & 255) || reply[1] != (id & 255)));
        if (got < 0)
            usleep(20000);
    }
    ck_assert_msg(got >= 12, "no answer for %s", name);
    ck_assert_msg((reply[3] & 15) == 0 || (reply[3] & 15) == 3, "%s: rcode %d", name, reply[3] & 15);
    size_t at = len - 11, answers = (size_t)reply[6] << 8 | reply[7];
    *records = (struct records){ .count = 0 };
    for (; answers; answers--) {
        ck_assert(at + 12 <= (size_t)got && reply[at] == 0xc0);
        unsigned is = (unsigned)reply[at + 2] << 8 | reply[at + 3],
                 size = (unsigned)reply[at + 10] << 8 | reply[at + 11];
        if (is == type && type == TYPE_TXT)
            keep(records, reply + at + 13, reply[at + 12]);
        else if (is == type)
            keep(records, reply + at + 12, 4);
        at += 12 + size;
    }
    return got < REPLY_BYTES - 300;
}

/* ---- Both */

struct world {
    struct zone *zone[FILES];
    char spec[FILES][256];
    uint64_t compared, listed;
};

static void compare_answers(struct world *world, const char *name, const struct zone_answer *answers,
                            size_t count)
{
    struct records ours[2] = { 0 }, theirs[2];
    for (size_t i = 0; i < count; i++) {
        char text[ZONE_TEXT_BYTES];
        uint32_t a = htonl(answers[i].a);
        size_t len = zone_answer_text(&answers[i], text);
        if (a)
            keep(&ours[0], &a, 4);
        if (len)
            keep(&ours[1], text, len);
    }
    for (int i = 0; i < 2; i++) {
        if (!ask_server(name, i ? TYPE_TXT : TYPE_A, &theirs[i]))
            return;
        bool same = theirs[i].count == ours[i].count;
        for (size_t k = 0; same && k < ours[i].count; k++)
            same = compare(&theirs[i].record[k], &ours[i].record[k]) == 0;
        ck_assert_msg(same, "%s: %zu %s records of rbldnsd, %zu of ours; the first \"%.*s\" and \"%.*s\"",
                      name, theirs[i].count, i ? "TXT" : "A", ours[i].count, theirs[i].record[0].len,
                      theirs[i].record[0].bytes, ours[i].record[0].len, ours[i].record[0].bytes);
    }
    world->compared++;
    world->listed += theirs[0].count > 0;
}

static void ask_ip(struct world *world, int file, const char *part, struct ip ip)
{
    struct zone_answer answers[ZONE_ANSWERS_MOST];
    char name[256];
    size_t len = 0, number = zone_part_find(world->zone[file], str_of(part));
    if (number == ZONE_NO_PART)
        return;
    for (int i = 15; i >= (ip_is_v4(&ip) ? 12 : 0); i--)
        len += (size_t)(ip_is_v4(&ip) ? snprintf(name + len, sizeof name - len, "%u.", ip.octet[i])
                                      : snprintf(name + len, sizeof name - len, "%x.%x.", ip.octet[i] & 15,
                                                 ip.octet[i] >> 4));
    snprintf(name + len, sizeof name - len, "%s%sz%d.test", *part == '@' ? "" : part, *part == '@' ? "" : ".",
             file);
    compare_answers(world, name, answers,
                    zone_ask(world->zone[file], number, &ip, answers, ZONE_ANSWERS_MOST));
}

static void ask_domain(struct world *world, int file, const char *part, const char *domain)
{
    struct zone_answer answers[ZONE_ANSWERS_MOST];
    char name[256];
    size_t number = zone_part_find(world->zone[file], str_of(part));
    if (number == ZONE_NO_PART)
        return;
    snprintf(name, sizeof name, "%s.%s%sz%d.test", domain, *part == '@' ? "" : part, *part == '@' ? "" : ".",
             file);
    compare_answers(world, name, answers,
                    zone_ask_name(world->zone[file], number, str_of(domain), answers, ZONE_ANSWERS_MOST));
}

static struct ip ip_of(const unsigned group[8])
{
    struct ip ip;
    for (int i = 0; i < 8; i++) {
        ip.octet[2 * i] = (uint8_t)(group[i] >> 8);
        ip.octet[2 * i + 1] = (uint8_t)group[i];
    }
    return ip;
}

static void ask_all(struct world *world, int file, const char *part)
{
    for (int i = 0; i < 60; i++) {
        uint32_t v4 = any(10) ? any_v4() : any_v4() ^ 1u << any(32);
        unsigned v6[8];
        any_v6(v6);
        if (any(5) == 0)
            v6[any(8)] ^= 1u << any(16);
        ask_ip(world, file, part, ip_from_v4(v4));
        ask_ip(world, file, part, ip_of(v6));
        if (any(10) == 0) { /* 6to4 */
            v6[0] = 0x2002;
            v6[1] = v4 >> 16;
            v6[2] = v4 & 0xffff;
            ask_ip(world, file, part, ip_of(v6));
        }
    }
    for (int i = 0; i < DOMAINS; i++) {
        char under[80];
        snprintf(under, sizeof under, "sub.%s", domains[i]);
        if (!strstr(domains[i], ".0.18.198")) /* that is an address, and asked as such */
            ask_domain(world, file, part, domains[i]);
        ask_domain(world, file, part, under);
    }
}

static void read_zone(struct world *world, int file, const char *path, const char *format)
{
    enum zone_format number = ZONE_GUESS;
    struct why why = { 0 };
    ck_assert(zone_format_parse(str_of(format), &number));
    ck_assert_msg(zone_read(world->zone[file], path, number, &why) == 0, "%s", why.text);
}

/* File by file: each kind, two files that make one dataset, and combined ones. */
static void make_zone(struct world *world, int file)
{
    static struct text text;
    char name[32];
    bool is_combined = file >= KINDS + 1;
    const char *format = is_combined ? "combined" : kinds[file % KINDS].name;
    int parts = file == KINDS ? 2 : 1;
    char *spec = world->spec[file];
    size_t len = (size_t)snprintf(spec, sizeof world->spec[file], "z%d.test:%s:", file, format);
    world->zone[file] = zone_new();
    for (int i = 0; i < parts; i++) {
        text.len = 0;
        if (is_combined)
            combined(&text);
        else
            kinds[file % KINDS].write(&text);
        snprintf(name, sizeof name, "z%d.%d", file, i);
        const char *path = input_path(name);
        input_write(name, (struct str){ text.bytes, text.len });
        chmod(path, 0644);
        len += (size_t)snprintf(spec + len, sizeof world->spec[file] - len, "%s%s", i ? "," : "", path);
        read_zone(world, file, path, format);
    }
    zone_finish(world->zone[file]);
}

static int seeds(void)
{
    const char *asked = getenv("MXREPLAY_SEEDS");
    return asked ? atoi(asked) : SEEDS;
}

START_TEST(answers_are_those_of_rbldnsd)
{
    static struct world world;
    char *zones[FILES];
    world = (struct world){ 0 };
    state = 20261129 + (uint64_t)_i * 7919;
    any(1);
    chmod(input_path(""), 0755);
    for (int i = 0; i < FILES; i++) {
        make_zone(&world, i);
        zones[i] = world.spec[i];
    }
    start(zones);
    for (int i = 0; i < FILES; i++)
        for (size_t k = 0; k < sizeof below / sizeof *below; k++)
            ask_all(&world, i, below[k]);
    for (int i = 0; i < FILES; i++)
        zone_free(world.zone[i]);
    ck_assert_msg(world.compared > 1000 && world.listed > 200, "%llu of %llu listed",
                  (unsigned long long)world.listed, (unsigned long long)world.compared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zones_truth");
    TCase *cases = tcase_create("zones_truth");
    if (access(RBLDNSD, X_OK)) {
        puts("skipped: there is no " RBLDNSD);
        return 0;
    }
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, NULL, stop);
    tcase_add_loop_test(cases, answers_are_those_of_rbldnsd, 0, seeds());
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}
