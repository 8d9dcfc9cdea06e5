/* A capture that grows, or comes in several files, comes to the same whether it is read in one run or in
 * many: cut anywhere between two packets, with connections open there, packets out of order, bytes missing.
 * $AGAIN is how often cuts are tried, with other seeds. */
#define _GNU_SOURCE
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/capture_maker.h"
#include "tests/lib/inputs.h"
#include "tests/lib/runs.h"
#include "tests/lib/said.h"

enum { PACKETS_MOST = 64 * 1024, PARTS_MOST = 4 };

static const struct lab {
    const char *log, *capture;
} servers[] = {
    { "sample-logs/labs/postfix-smtpd/mail.log", "sample-logs/labs/postfix-smtpd/capture.pcap.xz" },
    { "sample-logs/labs/opensmtpd-filters/mail.log.gz",
      "sample-logs/labs/opensmtpd-filters/capture.pcap.xz" },
    { "sample-logs/labs/sendmail-loglevel14/mail.log.gz",
      "sample-logs/labs/sendmail-loglevel14/capture.pcap.xz" },
};
enum { LABS = sizeof servers / sizeof *servers };

/* With the ids: in how many runs the same packets come makes no difference to those. */
static const char *const whole_views[] = {
    "SELECT * FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT * FROM v_attempt",
    "SELECT id, first_offset, span FROM session",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    "SELECT reason, shape, count FROM skipped ORDER BY reason, shape",
    NULL,
};

/* Without what depends on how the packets lie in files. */
#define SESSION                                                                                              \
    "id, direction, gap, started, ended, client_ip, client_port, client_name, server, server_ip, "           \
    "server_port, helo, tls, auth_user, stage, closed, early_talker, transactions, messages, recipients, "   \
    "verdict, measure, code, enhanced, text"
static const char *const set_views[] = {
    "SELECT " SESSION " FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    NULL,
};

/* With a log: what stands for open sessions has had numbers between. */
#define WHOSE    "s.started, s.client_ip, s.client_port, "
#define EVIDENCE "e.kind, e.subject, e.state, e.detail, e.at, e.origin"
static const char *const joined_views[] = {
    "SELECT direction, gap, started, ended, client_ip, client_port, client_name, server, server_ip, helo, "
    "tls, auth_user, stage, closed, early_talker, transactions, messages, recipients, verdict, measure, "
    "code, enhanced, text FROM v_session ORDER BY started, client_ip, client_port, ended",
    "SELECT " WHOSE "t.mail_from, t.recipients, t.accepted_recipients, t.queue_id, t.size, t.verdict, "
    "t.measure, t.code FROM v_transaction t JOIN v_session s ON s.id = t.session_id "
    "ORDER BY s.started, s.client_ip, s.client_port, t.id & 16777215",
    "SELECT " WHOSE EVIDENCE
    " FROM v_evidence e JOIN v_session s ON s.id = e.session_id ORDER BY " WHOSE EVIDENCE,
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    "SELECT count(*), min(ahead), max(ahead) FROM joined",
    NULL,
};

/* ---- Captures in parts. */

/* A capture, and where each of its packets ends. */
struct parts {
    struct str file;
    size_t head; /* what each file of a set begins with */
    size_t *end;
    size_t packets;
};

static uint32_t word(const char *at, bool swapped)
{
    uint32_t value = 0;
    memcpy(&value, at, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
}

/* The blocks of pcapng (draft-ietf-opsawg-pcapng 3.1): what comes before the first packet is the head. */
static void find_blocks(struct parts *parts)
{
    enum { SECTION = 0x0a0d0d0a, SIMPLE = 3, ENHANCED = 6, ORDER_AT = 8 };
    bool swapped = word(parts->file.at + ORDER_AT, false) != 0x1a2b3c4d;
    for (size_t at = 0, len = 0; at < parts->file.len; at += len) {
        uint32_t type = word(parts->file.at + at, swapped);
        len = word(parts->file.at + at + 4, swapped);
        ck_assert(len >= 12 && len <= parts->file.len - at);
        if (type != ENHANCED && type != SIMPLE)
            continue;
        if (!parts->packets)
            parts->head = at;
        parts->end[parts->packets++] = at + len;
    }
}

static void find_records(struct parts *parts)
{
    enum { HEAD = 24, RECORD = 16, LEN_AT = 8 };
    uint32_t magic = word(parts->file.at, false);
    bool swapped = magic != 0xa1b2c3d4 && magic != 0xa1b23c4d;
    parts->head = HEAD;
    for (size_t at = HEAD; at < parts->file.len; parts->end[parts->packets++] = at)
        at += RECORD + word(parts->file.at + at + LEN_AT, swapped);
}

static struct parts parts_of(struct str file, struct arena *arena)
{
    struct parts parts = { .file = file, .end = arena_alloc(arena, PACKETS_MOST * sizeof *parts.end) };
    if (word(file.at, false) == 0x0a0d0d0a)
        find_blocks(&parts);
    else
        find_records(&parts);
    ck_assert_uint_lt(parts.packets, PACKETS_MOST);
    ck_assert_uint_gt(parts.packets, 0);
    return parts;
}

/* Where the first `packets` end. */
static size_t end_of(const struct parts *parts, size_t packets)
{
    return packets ? parts->end[packets - 1] : parts->head;
}

/* In order, the last is the number of packets. */
static size_t cut(const struct parts *parts, size_t at[PARTS_MOST])
{
    size_t count = 2 + random_below(PARTS_MOST - 1), from = 0;
    for (size_t i = 0; i < count; i++) {
        at[i] = i + 1 == count ? parts->packets : from + random_below(parts->packets - from + 1);
        from = at[i];
    }
    return count;
}

static void collect(const char *database, const char *const *paths, size_t count)
{
    struct store *store = open_store(database);
    collect_paths(store, paths, count, 0);
    close_store(store);
    expect_sound(database);
}

static void collect_one(const char *database, const char *path)
{
    collect(database, &path, 1);
}

static const char *fresh(const char *name)
{
    const char *database = input_path(name);
    said_forget(database);
    return database;
}

/* It was being written: the last packet is there in part. */
static void collect_truncated(const char *database, const struct parts *parts, size_t packets)
{
    struct why why = { 0 };
    struct collected collected;
    size_t end = end_of(parts, packets), next = end_of(parts, packets + 1);
    const char *path = input_path("growing.pcap");
    input_write("growing.pcap", (struct str){ parts->file.at, end + 1 + random_below(next - end - 1) });
    struct store *store = open_store(database);
    struct collect_options options = {
        .paths = &path, .path_count = 1, .first_session = store_next_session(store), .quiet = true
    };
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    ck_assert_int_eq(collect_run(&options, &sink, &catalogue, &collected, &why), -1);
    ck_assert_msg(strstr(why.text, "truncated"), "%s", why.text);
    close_store(store);
    expect_sound(database);
}

static void collect_growing(const char *database, const struct parts *parts, size_t packets)
{
    input_write("growing.pcap", (struct str){ parts->file.at, end_of(parts, packets) });
    collect_one(database, input_path("growing.pcap"));
}

/* ---- One that grows. */

static struct said once(const struct parts *parts, const char *const *views)
{
    const char *database = fresh("once.db");
    collect_growing(database, parts, parts->packets);
    return said_hear(database, views);
}

static void expect_growing(const struct parts *parts, const char *what, unsigned seed)
{
    size_t at[PARTS_MOST], count = cut(parts, at);
    struct said expected = once(parts, whole_views);
    const char *database = fresh("growing.db");
    for (size_t i = 0; i < count; i++)
        if (at[i] > 0 && at[i] < parts->packets && random_below(3) == 0)
            collect_truncated(database, parts, at[i]);
        else
            collect_growing(database, parts, at[i]);
    said_expect(&expected, database, whole_views, what, seed);
    collect_growing(database, parts, parts->packets); /* nothing new */
    said_expect(&expected, database, whole_views, what, seed);
}

START_TEST(grows)
{
    struct arena arena = { 0 };
    struct parts parts = parts_of(input_unpacked(servers[_i].capture, &arena), &arena);
    for (unsigned seed = 0, all = seeds(2); seed < all; seed++) {
        random_state = seed * 1000 + (uint64_t)_i;
        expect_growing(&parts, servers[_i].capture, seed);
    }
    arena_free(&arena);
}
END_TEST

/* Packets that are late, doubled, cut short or missing, of all link types. */
START_TEST(grows_with_damage)
{
    for (unsigned seed = 0, all = seeds(12); seed < all; seed++) {
        struct arena arena = { 0 };
        struct made_capture made;
        capture_make(&made, seed, seed % 2, &arena);
        struct parts parts = parts_of(made.file, &arena);
        random_state = seed;
        expect_growing(&parts, made.link, seed);
        arena_free(&arena);
    }
}
END_TEST

/* ---- A set of files, as tcpdump -C and -G leave it. */

static const char *const names[PARTS_MOST] = { "set.pcap0", "set.pcap1", "set.pcap2", "set.pcap3" };

static void write_part(const struct parts *parts, const char *name, size_t from, size_t to,
                       struct arena *arena)
{
    struct str head = { parts->file.at, parts->head },
               body = str_range(parts->file.at + end_of(parts, from), parts->file.at + end_of(parts, to));
    char *bytes = arena_alloc(arena, head.len + body.len);
    memcpy(bytes, head.at, head.len);
    memcpy(bytes + head.len, body.at, body.len);
    input_write(name, (struct str){ bytes, head.len + body.len });
}

/* All in one run; each in a run of its own; each together with those before it. */
START_TEST(comes_in_files)
{
    struct arena arena = { 0 };
    struct parts parts = parts_of(input_unpacked(servers[_i].capture, &arena), &arena);
    struct said expected = once(&parts, set_views);
    for (unsigned seed = 0, all = seeds(1); seed < all; seed++) {
        char paths[PARTS_MOST][256];
        const char *path[PARTS_MOST];
        size_t at[PARTS_MOST], count = 0, from = 0;
        random_state = seed * 1000 + (uint64_t)_i;
        do
            count = cut(&parts, at);
        while (at[0] == 0 || at[count - 1] == at[count - 2]); /* files have a packet each */
        size_t files = 0;
        for (size_t i = 0; i < count; from = at[i++]) {
            if (at[i] == from)
                continue;
            write_part(&parts, names[files], from, at[i], &arena);
            snprintf(paths[files], sizeof paths[files], "%s", input_path(names[files]));
            path[files] = paths[files];
            files++;
        }
        const char *database = fresh("set.db");
        collect(database, path, files);
        said_expect(&expected, database, set_views, "one run", seed);
        database = fresh("set.db");
        for (size_t i = 0; i < files; i++)
            collect_one(database, path[i]);
        said_expect(&expected, database, set_views, "a run each", seed);
        database = fresh("set.db");
        for (size_t i = 0; i < files; i++)
            collect(database, path, i + 1);
        said_expect(&expected, database, set_views, "with those before", seed);
    }
    arena_free(&arena);
}
END_TEST

/* ---- With the server's log. */

/* The log is there, or comes between, or last; sessions of it are settled while the capture's are open. */
START_TEST(grows_beside_a_log)
{
    struct arena arena = { 0 };
    struct parts parts = parts_of(input_unpacked(servers[_i].capture, &arena), &arena);
    const char *database = fresh("once.db");
    collect_one(database, servers[_i].log);
    collect_growing(database, &parts, parts.packets);
    struct said expected = said_hear(database, joined_views);
    for (unsigned seed = 0, all = seeds(1); seed < all; seed++) {
        random_state = seed * 1000 + (uint64_t)_i;
        size_t at[PARTS_MOST], count = cut(&parts, at), log_at = seed % (count + 1);
        database = fresh("beside.db");
        for (size_t i = 0; i <= count; i++) {
            if (i == log_at)
                collect_one(database, servers[_i].log);
            if (i < count)
                collect_growing(database, &parts, at[i]);
        }
        said_expect(&expected, database, joined_views, servers[_i].log, seed);
    }
    arena_free(&arena);
}
END_TEST

/* The log was collected to its end before, so its sessions are settled; that of the capture which a session
 * is joined with is open, and comes again when the capture has grown. At each step it is as if log and
 * capture had been read in one run as they are then; so it is when nothing new is read in between. */
START_TEST(settled_log_meets_an_open_capture)
{
    struct arena arena = { 0 };
    struct parts parts = parts_of(input_unpacked(servers[_i].capture, &arena), &arena);
    static const char once_each[] = "SELECT count(*) FROM v_session WHERE direction = 'in'";
    int64_t pairs = 0;
    for (unsigned seed = 0, all = seeds(1); seed < all; seed++) {
        const char *both[] = { servers[_i].log, input_path("growing.pcap") };
        random_state = seed * 1000 + (uint64_t)_i;
        size_t at[] = { parts.packets / 4 + random_below(parts.packets / 4),
                        parts.packets / 2 + random_below(parts.packets / 2), parts.packets };
        const char *grown = fresh("beside.db");
        collect_one(grown, servers[_i].log);
        int64_t sessions = number(grown, once_each); /* a log has all of them (test_joined.c) */
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            const char *once = fresh("once.db");
            collect_growing(grown, &parts, at[i]);
            collect(once, both, 2);
            struct said expected = said_hear(once, joined_views);
            said_expect(&expected, grown, joined_views, servers[_i].log, seed);
            ck_assert_int_eq(number(grown, once_each), sessions);
            pairs += number(grown, "SELECT count(*) FROM joined WHERE record IS NOT NULL");
            collect(grown, both, 2);
            said_expect(&expected, grown, joined_views, "nothing new", seed);
        }
    }
    ck_assert_int_gt(pairs, 0);
    arena_free(&arena);
}
END_TEST

/* A run that only has another server's log to read keeps what is open in a capture, and the other way round.
 * The log's sessions begin while the captures go on: */
enum { OTHER_BEGINS = (9 * 60 + 7) * 60 + 30 };

START_TEST(waits_while_logs_are_read)
{
    struct arena arena = { 0 };
    struct parts parts = parts_of(input_unpacked(servers[_i].capture, &arena), &arena);
    struct str log = log_of(OTHER_BEGINS, OTHER_BEGINS + 100, &arena);
    input_write("other.log", log);
    const char *database = fresh("once.db");
    collect_growing(database, &parts, parts.packets);
    collect_one(database, input_path("other.log"));
    struct said expected = said_hear(database, joined_views);
    for (unsigned seed = 0, all = seeds(1); seed < all; seed++) {
        random_state = seed * 1000 + (uint64_t)_i;
        database = fresh("between.db");
        said_forget(database);
        collect_growing(database, &parts, random_below(parts.packets));
        input_write("other.log", log_part(log, 0, 101));
        collect_one(database, input_path("other.log"));
        collect_growing(database, &parts, parts.packets);
        input_write("other.log", log);
        collect_one(database, input_path("other.log"));
        said_expect(&expected, database, joined_views, "a log between", seed);
    }
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture parts");
    TCase *cases = tcase_create("parts");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, grows, 0, LABS);
    tcase_add_test(cases, grows_with_damage);
    tcase_add_loop_test(cases, comes_in_files, 0, LABS);
    tcase_add_loop_test(cases, grows_beside_a_log, 0, LABS);
    tcase_add_loop_test(cases, settled_log_meets_an_open_capture, 0, LABS);
    tcase_add_loop_test(cases, waits_while_logs_are_read, 0, LABS);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}
