/* Random zone files, read by rbldnsd itself and by us: each address and name that they could be about has the
 * same A and TXT records. MXREPLAY_SEEDS=N tries so many worlds of eleven files. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
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
#include "tests/lib/zone_files.h"

#define RBLDNSD "/usr/sbin/rbldnsd"

enum {
    SEEDS = 5,
    FILES = 11,
    REPLY_BYTES = 2048, /* rbldnsd's most */
    RECORDS_MOST = 64,
    TYPE_A = 1,
    TYPE_TXT = 16,
    TYPE_OPT = 41,
};

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
    uint64_t compared, listed, refused;
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
    for (unsigned i = 0; i < zone_domain_count; i++) {
        char under[80];
        snprintf(under, sizeof under, "sub.%s", zone_domains[i]);
        if (!strstr(zone_domains[i], ".0.18.198")) /* that is an address, and asked as such */
            ask_domain(world, file, part, zone_domains[i]);
        ask_domain(world, file, part, under);
    }
}

/* False: more of it is wrong than right, which we refuse and rbldnsd does not. */
static bool read_zone(struct zone *zone, const char *path, const char *format)
{
    enum zone_format number = ZONE_GUESS;
    struct why why = { 0 };
    ck_assert(zone_format_parse(str_of(format), &number));
    int result = zone_read(zone, path, number, &why);
    ck_assert_msg(result == 0 || strstr(why.text, "could be read as"), "%s", why.text);
    return result == 0;
}

/* File by file: each kind, two files that make one dataset, and combined ones. */
static bool make_zone(struct world *world, int file)
{
    static struct text text;
    char name[32];
    unsigned kind = file < ZONE_KINDS ? (unsigned)file : file == ZONE_KINDS ? 0 : ZONE_COMBINED_KIND;
    int parts = file == ZONE_KINDS ? 2 : 1;
    char *spec = world->spec[file];
    size_t len = 0;
    zone_free(world->zone[file]);
    world->zone[file] = zone_new();
    for (int i = 0; i < parts; i++) {
        const char *format = zone_file_write(kind, &text);
        snprintf(name, sizeof name, "z%d.%d", file, i);
        const char *path = input_path(name);
        input_write(name, (struct str){ text.bytes, text.len });
        chmod(path, 0644);
        if (i == 0)
            len = (size_t)snprintf(spec, sizeof world->spec[file], "z%d.test:%s:%s", file, format, path);
        else
            snprintf(spec + len, sizeof world->spec[file] - len, ",%s", path);
        if (!read_zone(world->zone[file], path, format))
            return false;
    }
    zone_finish(world->zone[file]);
    return true;
}

static int seeds(void)
{
    const char *asked = getenv("MXREPLAY_SEEDS");
    return asked ? (int)strtol(asked, NULL, 10) : SEEDS;
}

START_TEST(answers_are_those_of_rbldnsd)
{
    static struct world world;
    char *zones[FILES];
    world = (struct world){ 0 };
    any_begin(20261129 + (uint64_t)_i * 7919);
    chmod(input_path(""), 0755);
    for (int i = 0; i < FILES; i++) {
        while (!make_zone(&world, i))
            ck_assert_uint_lt(world.refused++, 2);
        zones[i] = world.spec[i];
    }
    start(zones);
    for (int i = 0; i < FILES; i++)
        for (size_t k = 0; k < ZONE_BELOW; k++)
            ask_all(&world, i, zone_below[k]);
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
