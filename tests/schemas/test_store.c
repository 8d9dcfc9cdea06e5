/* What goes into the store comes out, byte by byte. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "schemas/store.h"
#include "tests/lib/random_session.h"
#include "tests/lib/scratch_store.h"

enum { SESSIONS = 4000 };

/* What is expected next. */
struct expected {
    struct session **session;
    size_t count, at;
};

static int compare(void *state, const struct session *session)
{
    struct expected *expected = state;
    const char *difference = NULL;
    ck_assert_uint_lt(expected->at, expected->count);
    const struct session *want = expected->session[expected->at++];
    ck_assert_msg(session_same(want, session, &difference), "session %lld where %lld is expected: %s differs",
                  (long long)session->id, (long long)want->id, difference);
    return 0;
}

static void expect(struct store *store, const struct store_filter *filter, struct session **session,
                   size_t count)
{
    struct why why = { 0 };
    struct expected expected = { .session = session, .count = count };
    ck_assert_msg(store_each(store, filter, compare, &expected, &why) == 0, "%s", why.text);
    ck_assert_uint_eq(expected.at, count);
}

static int by_start(const void *a, const void *b)
{
    const struct session *one = *(struct session *const *)a, *other = *(struct session *const *)b;
    if (one->started != other->started)
        return one->started < other->started ? -1 : 1;
    return one->id < other->id ? -1 : one->id > other->id;
}

static struct session **make(struct chance *chance, size_t count)
{
    struct session **sessions = arena_alloc(&scratch_arena, count * sizeof(struct session *));
    for (size_t i = 0; i < count; i++)
        sessions[i] = random_session(chance, &scratch_arena, (int64_t)i + 1);
    return sessions;
}

static void never(void *state, const char *finding)
{
    (void)state;
    ck_abort_msg("%s", finding);
}

/* Everything in both orders, at once and after closing; committed now and then, and once not at all. */
START_TEST(sessions_come_back)
{
    struct chance chance = { (uint64_t)_i + 1 };
    struct store_filter all = { .outbound = true }, any_order = { .outbound = true, .any_order = true };
    struct session **sessions = make(&chance, SESSIONS);
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < SESSIONS; i++) {
        ck_assert_int_eq(store_next_session(store), (int64_t)i + 1);
        scratch_put(store, sessions[i]);
        if (_i && draw(&chance, 500) == 0)
            scratch_commit(store);
    }
    expect(store, &any_order, sessions, SESSIONS);
    scratch_close(store);
    store = scratch_open(STORE_READ);
    expect(store, &any_order, sessions, SESSIONS);
    qsort(sessions, SESSIONS, sizeof *sessions, by_start);
    expect(store, &all, sessions, SESSIONS);
    scratch_close(store);
}
END_TEST

/* Ids need not follow on each other, nor be in order. */
START_TEST(any_ids)
{
    struct chance chance = { 77 };
    struct store_filter any_order = { .outbound = true, .any_order = true };
    static const int64_t ids[] = { 5, 6, 7, 3, 100000000000, 100000000001, 8 },
                         order[] = { 3, 0, 1, 2, 6, 4, 5 };
    enum { COUNT = sizeof ids / sizeof *ids };
    struct session *sessions[COUNT], *sorted[COUNT];
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < COUNT; i++) {
        sessions[i] = random_session(&chance, &scratch_arena, ids[i]);
        scratch_put(store, sessions[i]);
        if (i % 2)
            scratch_commit(store);
    }
    for (size_t i = 0; i < COUNT; i++)
        sorted[i] = sessions[order[i]];
    expect(store, &any_order, sorted, COUNT);
    ck_assert_int_eq(store_next_session(store), 100000000002);
    scratch_close(store);
}
END_TEST

/* What is collected in many runs is one record; names and replies that came before are used on. */
START_TEST(runs_add_up)
{
    struct chance chance = { 4711 };
    enum { COUNT = 600 };
    struct store_filter any_order = { .outbound = true, .any_order = true };
    struct session **sessions = make(&chance, COUNT);
    struct store_summary summary;
    struct why why = { 0 };
    uint64_t transactions = 0, recipients = 0, messages = 0, evidence = 0;
    for (size_t i = 0; i < COUNT;) {
        struct store *store = scratch_open(STORE_WRITE);
        ck_assert_int_eq(store_next_session(store), (int64_t)i + 1);
        for (size_t end = i + 100; i < end; i++)
            scratch_put(store, sessions[i]);
        scratch_close(store);
    }
    usec first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < COUNT; i++) {
        transactions += sessions[i]->transaction_count;
        evidence += sessions[i]->evidence_count;
        for (uint32_t t = 0; t < sessions[i]->transaction_count; t++) {
            recipients += sessions[i]->transactions[t].recipient_count;
            messages += sessions[i]->transactions[t].verdict == VERDICT_ACCEPTED;
        }
        first = sessions[i]->started < first ? sessions[i]->started : first;
        last = sessions[i]->started > last ? sessions[i]->started : last;
    }
    struct store *store = scratch_open(STORE_READ);
    expect(store, &any_order, sessions, COUNT);
    ck_assert_int_eq(store_summarise(store, &summary, &why), 0);
    ck_assert_uint_eq(summary.sessions, COUNT);
    ck_assert_uint_eq(summary.transactions, transactions);
    ck_assert_uint_eq(summary.recipients, recipients);
    ck_assert_uint_eq(summary.messages, messages);
    ck_assert_uint_eq(summary.evidence, evidence);
    ck_assert_int_eq(summary.first, first);
    ck_assert_int_eq(summary.last, last);
    struct stat status;
    ck_assert_int_eq(stat(scratch_path, &status), 0);
    ck_assert_uint_eq(summary.bytes, (uint64_t)status.st_size);
    scratch_close(store);
}
END_TEST

/* Evidence that comes after its session, in the same run and in a later one, is the session's like any other.
 */
START_TEST(late_evidence_is_found)
{
    struct chance chance = { 99 };
    enum { COUNT = 300 };
    struct store_filter all = { .outbound = true }, any_order = { .outbound = true, .any_order = true };
    struct session **sessions = make(&chance, COUNT);
    for (int run = 0; run < 3; run++) {
        struct store *store = scratch_open(STORE_WRITE);
        for (size_t i = 0; i < COUNT / 3; i++)
            scratch_put(store, sessions[(size_t)run * COUNT / 3 + i]);
        for (int i = 0; i < 200; i++) {
            struct session *session = sessions[draw(&chance, ((uint64_t)run + 1) * COUNT / 3)];
            struct evidence *evidence =
                arena_alloc(&scratch_arena, (session->evidence_count + 1) * sizeof *evidence);
            if (session->evidence_count)
                memcpy(evidence, session->evidence, session->evidence_count * sizeof *evidence);
            evidence[session->evidence_count] = random_evidence(&chance, &scratch_arena, session);
            scratch_late(store, session->id, &evidence[session->evidence_count]);
            session->evidence = evidence;
            session->evidence_count++;
        }
        scratch_close(store);
    }
    struct store *store = scratch_open(STORE_READ);
    expect(store, &any_order, sessions, COUNT);
    qsort(sessions, COUNT, sizeof *sessions, by_start);
    expect(store, &all, sessions, COUNT);
    scratch_close(store);
}
END_TEST

/* More of one thing than any cache or batch holds. */
START_TEST(giant_sessions)
{
    enum { RECIPIENTS = 40000, EVIDENCE = 30000, TEXT = 5 * 1024 * 1024 };
    struct store_filter any_order = { .any_order = true };
    struct session *sessions[3];
    for (size_t i = 0; i < 3; i++) {
        sessions[i] = arena_zero(&scratch_arena, sizeof *sessions[i]);
        *sessions[i] = (struct session){
            .id = (int64_t)i + 1, .input = 1, .started = (usec)i, .ended = USEC_NONE, .server = STR("mx1")
        };
    }
    struct transaction *transaction = arena_zero(&scratch_arena, sizeof *transaction);
    *transaction = (struct transaction){ .size = -1, .at = 5, .recipient_count = RECIPIENTS };
    transaction->recipients = arena_zero(&scratch_arena, RECIPIENTS * sizeof *transaction->recipients);
    for (unsigned i = 0; i < RECIPIENTS; i++) {
        transaction->recipients[i].address = arena_printf(&scratch_arena, "user%u@example.org", i);
        transaction->recipients[i].reply = (struct reply){
            .code = 550, .text = arena_printf(&scratch_arena, "<user%u@example.org>: unknown %u", i, i % 9000)
        };
    }
    sessions[0]->transactions = transaction;
    sessions[0]->transaction_count = 1;
    sessions[1]->evidence = arena_zero(&scratch_arena, EVIDENCE * sizeof *sessions[1]->evidence);
    sessions[1]->evidence_count = EVIDENCE;
    for (unsigned i = 0; i < EVIDENCE; i++)
        sessions[1]->evidence[i] =
            (struct evidence){ .kind = KIND_DNSBL,
                               .state = YES,
                               .transaction = WHOLE_SESSION,
                               .recipient = WHOLE_TRANSACTION,
                               .a = i,
                               .subject = arena_printf(&scratch_arena, "zone%u.example", i) };
    char *text = arena_alloc(&scratch_arena, TEXT);
    memset(text, 0xff, TEXT);
    sessions[2]->helo = (struct str){ text, TEXT };
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < 3; i++)
        scratch_put(store, sessions[i]);
    scratch_close(store);
    store = scratch_open(STORE_READ);
    expect(store, &any_order, sessions, 3);
    scratch_close(store);
}
END_TEST

/* More distinct names and replies than are remembered, then all of them again. */
START_TEST(more_names_than_are_remembered)
{
    enum { NAMES = 50000, ROUNDS = 3 };
    struct store_filter any_order = { .any_order = true };
    struct session **sessions = arena_alloc(&scratch_arena, sizeof(struct session *) * NAMES * ROUNDS);
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < (size_t)NAMES * ROUNDS; i++) {
        unsigned name = (unsigned)(i % NAMES);
        sessions[i] = arena_zero(&scratch_arena, sizeof *sessions[i]);
        *sessions[i] = (struct session){ .id = (int64_t)i + 1,
                                         .input = 1,
                                         .started = (usec)i,
                                         .ended = (usec)i + 1,
                                         .helo = arena_printf(&scratch_arena, "host%u.example.org", name),
                                         .reply = { .code = 550,
                                                    .named = NAMED_OTHER,
                                                    .text = arena_printf(&scratch_arena, "you are number %u",
                                                                         name % 20000) } };
        scratch_put(store, sessions[i]);
    }
    scratch_close(store);
    store = scratch_open(STORE_READ);
    expect(store, &any_order, sessions, (size_t)NAMES * ROUNDS);
    scratch_close(store);
}
END_TEST

static void same_input(const struct input *a, const struct input *b)
{
    ck_assert_int_eq(a->id, b->id);
    ck_assert(text_same(a->path, b->path) && text_same(a->kind, b->kind) &&
              text_same(a->dialects, b->dialects));
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert_uint_eq(a->lines, b->lines);
    ck_assert_uint_eq(a->other, b->other);
    ck_assert_uint_eq(a->skipped, b->skipped);
    ck_assert_int_eq(a->first, b->first);
    ck_assert_int_eq(a->last, b->last);
    ck_assert_uint_eq(a->head_hash, b->head_hash);
    ck_assert_uint_eq(a->head_bytes, b->head_bytes);
    ck_assert_uint_eq(a->tail_hash, b->tail_hash);
    ck_assert_uint_eq(a->tail_bytes, b->tail_bytes);
}

/* Given two inputs that begin alike and one that does not, each is found by its head, in this run and the
 * next. */
START_TEST(inputs_are_known_again)
{
    struct why why = { 0 };
    struct input inputs[3] = {
        { .path = STR("mail.log"),
          .kind = STR("log"),
          .dialects = STR("postfix"),
          .bytes = 100,
          .lines = 3,
          .other = 1,
          .skipped = 1,
          .first = 5,
          .last = 9,
          .head_hash = UINT64_MAX,
          .head_bytes = 64,
          .tail_hash = 7,
          .tail_bytes = 64 },
        { .path = STR("copy\n.log"),
          .kind = STR("log, gzip"),
          .dialects = STR(""),
          .first = USEC_NONE,
          .last = USEC_NONE,
          .head_hash = UINT64_MAX,
          .head_bytes = 64 },
        { .path = STR("-"),
          .kind = STR("log"),
          .dialects = STR("postfix postgrey"),
          .first = USEC_NONE,
          .last = USEC_NONE,
          .head_hash = UINT64_MAX,
          .head_bytes = 128 },
    };
    struct store *store = scratch_open(STORE_WRITE);
    struct catalogue catalogue = store_catalogue(store);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(catalogue.write(catalogue.state, &inputs[i], &why), 0);
        ck_assert_int_eq(inputs[i].id, i + 1);
    }
    inputs[0].bytes = UINT64_MAX;
    inputs[0].path = STR("mail.log.1");
    ck_assert_int_eq(catalogue.write(catalogue.state, &inputs[0], &why), 0);
    for (int run = 0; run < 2; run++) {
        struct input asked = { .path = STR("asked"), .head_hash = UINT64_MAX, .head_bytes = 64 };
        catalogue = store_catalogue(store);
        ck_assert_int_eq(catalogue.find(catalogue.state, &asked, &why), 1);
        same_input(&asked, &inputs[0]);
        ck_assert_int_eq(catalogue.find(catalogue.state, &asked, &why), 1);
        same_input(&asked, &inputs[1]);
        ck_assert_int_eq(catalogue.find(catalogue.state, &asked, &why), 0);
        asked = (struct input){ .head_hash = UINT64_MAX, .head_bytes = 128 };
        ck_assert_int_eq(catalogue.find(catalogue.state, &asked, &why), 1);
        same_input(&asked, &inputs[2]);
        struct input *listed = NULL;
        size_t count = 0;
        ck_assert_int_eq(store_inputs(store, &scratch_arena, &listed, &count, &why), 0);
        ck_assert_uint_eq(count, 3);
        for (size_t i = 0; i < count; i++)
            same_input(&listed[i], &inputs[i]);
        scratch_close(store);
        store = scratch_open(STORE_WRITE);
    }
    scratch_close(store);
}
END_TEST

/* Of one shape there is one row; its count adds up and its first line stays. */
START_TEST(skipped_lines_add_up)
{
    struct why why = { 0 };
    struct skipped skipped[] = {
        { .input = 1,
          .reason = "unknown text",
          .shape = STR("lost N"),
          .count = 2,
          .first_line = 3,
          .first_offset = 100,
          .first_text = STR("lost 5 \xff") },
        { .input = 1,
          .reason = "too long",
          .shape = STR("lost N"),
          .count = 50,
          .first_line = 4,
          .first_offset = 200,
          .first_text = STR("lost 6") },
        { .input = 1,
          .reason = "unknown text",
          .shape = STR("lost N"),
          .count = 40,
          .first_line = 9,
          .first_offset = 900,
          .first_text = STR("lost 7") },
        { .input = 2,
          .reason = "unknown text",
          .shape = STR("lost N"),
          .count = 1,
          .first_line = 9,
          .first_offset = 900,
          .first_text = STR("") },
    };
    struct store *store = scratch_open(STORE_WRITE);
    struct catalogue catalogue = store_catalogue(store);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(catalogue.skipped(catalogue.state, &skipped[i], &why), 0);
    scratch_close(store);
    store = scratch_open(STORE_READ);
    struct skipped *listed = NULL;
    size_t count = 0;
    ck_assert_int_eq(store_skipped(store, &scratch_arena, &listed, &count, &why), 0);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(listed[0].reason, "too long");
    ck_assert_uint_eq(listed[0].count, 50);
    ck_assert_str_eq(listed[1].reason, "unknown text");
    ck_assert_uint_eq(listed[1].count, 42);
    ck_assert_int_eq(listed[1].input, 1);
    ck_assert_uint_eq(listed[1].first_line, 3);
    ck_assert_uint_eq(listed[1].first_offset, 100);
    ck_assert(text_same(listed[1].shape, STR("lost N")));
    ck_assert(text_same(listed[1].first_text, STR("lost 5 \xff")));
    ck_assert_int_eq(listed[2].input, 2);
    ck_assert(text_same(listed[2].first_text, STR("")));
    scratch_close(store);
}
END_TEST

START_TEST(recorded_policies_in_order)
{
    struct why why = { 0 };
    const struct recorded_policy policies[] = {
        { STR("later"), STR("policy: later\n"), 2000, USEC_NONE },
        { STR("always"), STR("policy: always\n# \xc3\xa9\t'\"\n"), USEC_NONE, 1000 },
        { STR("between"), STR("policy: between\n"), 1000, 2000 },
        { STR("between"), STR("policy: between\n"), 1000, 2000 }, /* said twice */
    };
    static const size_t order[] = { 1, 2, 0 };
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(store_add_recorded(store, &policies[i], &why), 0);
    scratch_close(store);
    store = scratch_open(STORE_READ);
    struct recorded_policy *stored = NULL;
    size_t count = 0;
    ck_assert_int_eq(store_recorded(store, &scratch_arena, &stored, &count, &why), 0);
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        const struct recorded_policy *want = &policies[order[i]];
        ck_assert(text_same(stored[i].name, want->name) && text_same(stored[i].yaml, want->yaml));
        ck_assert_int_eq(stored[i].from, want->from);
        ck_assert_int_eq(stored[i].to, want->to);
    }
    scratch_close(store);
}
END_TEST

/* A store that was written passes its own check, and one that was tampered with does not: see test_errors.c.
 */
START_TEST(what_is_written_is_whole)
{
    struct chance chance = { 5 };
    struct why why = { 0 };
    struct session **sessions = make(&chance, 500);
    struct store *store = scratch_open(STORE_WRITE);
    struct catalogue catalogue = store_catalogue(store);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(catalogue.write(catalogue.state, &(struct input){ .path = STR("mail.log") }, &why),
                         0);
    for (size_t i = 0; i < 500; i++)
        scratch_put(store, sessions[i]);
    ck_assert_int_eq(store_check(store, never, NULL, &why), 0);
    scratch_close(store);
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(store_check(store, never, NULL, &why), 0);
    scratch_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    tcase_add_checked_fixture(tests, scratch_begin, scratch_end);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, sessions_come_back, 0, 4);
    tcase_add_test(tests, any_ids);
    tcase_add_test(tests, runs_add_up);
    tcase_add_test(tests, late_evidence_is_found);
    tcase_add_test(tests, giant_sessions);
    tcase_add_test(tests, more_names_than_are_remembered);
    tcase_add_test(tests, inputs_are_known_again);
    tcase_add_test(tests, skipped_lines_add_up);
    tcase_add_test(tests, recorded_policies_in_order);
    tcase_add_test(tests, what_is_written_is_whole);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
