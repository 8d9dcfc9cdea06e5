/* Reading back a part: the filters, against a plain look at each session. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "schemas/store.h"
#include "tests/lib/random_session.h"
#include "tests/lib/scratch_store.h"

enum { SESSIONS = 1200 };

static struct session *sessions[SESSIONS];

static int by_start(const void *a, const void *b)
{
    const struct session *one = *(struct session *const *)a, *other = *(struct session *const *)b;
    if (one->started != other->started)
        return one->started < other->started ? -1 : 1;
    return one->id < other->id ? -1 : one->id > other->id;
}

/* In order of start; sessions[] then too. */
static struct store *write_sessions(void)
{
    struct chance chance = { 31 };
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < SESSIONS; i++) {
        sessions[i] = random_session(&chance, &scratch_arena, (int64_t)i + 1);
        scratch_put(store, sessions[i]);
    }
    scratch_close(store);
    qsort(sessions, SESSIONS, sizeof *sessions, by_start);
    return scratch_open(STORE_READ);
}

struct found {
    int64_t id[SESSIONS];
    size_t count;
};

static int take(void *state, const struct session *session)
{
    struct found *found = state;
    if (found->count == SESSIONS)
        ck_abort_msg("more sessions than were written");
    found->id[found->count++] = session->id;
    return 0;
}

static struct found read_with(struct store *store, const struct store_filter *filter)
{
    struct found found = { .count = 0 };
    struct why why = { 0 };
    ck_assert_msg(store_each(store, filter, take, &found, &why) == 0, "%s", why.text);
    return found;
}

/* ---- What a filter means, said plainly. */

static bool address_wanted(struct str wanted, struct str address)
{
    if (!wanted.at)
        return true;
    if (!address.at)
        return false;
    if (wanted.len > 0 && wanted.at[0] == '@') {
        if (address.len < wanted.len)
            return false;
        return str_eq_nocase(wanted, (struct str){ address.at + (address.len - wanted.len), wanted.len });
    }
    return str_eq_nocase(wanted, address);
}

static bool transaction_wanted(const struct store_filter *filter, const struct transaction *transaction)
{
    bool recipient = !filter->recipient.at;
    for (uint32_t r = 0; r < transaction->recipient_count; r++)
        recipient |= address_wanted(filter->recipient, transaction->recipients[r].address);
    return recipient && address_wanted(filter->sender, transaction->mail_from) &&
           (!filter->queue_id.at || text_same(filter->queue_id, transaction->queue_id));
}

static bool wanted(const struct store_filter *filter, const struct prefix *client,
                   const struct session *session)
{
    bool transaction = !filter->sender.at && !filter->recipient.at && !filter->queue_id.at;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        transaction |= transaction_wanted(filter, &session->transactions[t]);
    if (filter->client.at && (ip_is_none(&session->client) || !prefix_holds(client, &session->client)))
        return false;
    return transaction && (filter->outbound || session->direction == DIRECTION_IN) &&
           (filter->id == 0 || filter->id == session->id) &&
           (filter->from == 0 || filter->from == USEC_NONE || session->started >= filter->from) &&
           (filter->to == 0 || filter->to == USEC_NONE || session->started < filter->to);
}

/* Reads with the filter in both orders; returns how many there were. */
static size_t compare(struct store *store, struct store_filter filter)
{
    struct found found = read_with(store, &filter);
    struct prefix client;
    size_t count = 0;
    ck_assert(!filter.client.at || prefix_parse(filter.client, &client));
    for (size_t i = 0; i < SESSIONS; i++)
        if (wanted(&filter, &client, sessions[i]) &&
            (count == found.count || found.id[count++] != sessions[i]->id))
            ck_abort_msg("session %lld is not found in its place", (long long)sessions[i]->id);
    ck_assert_uint_eq(found.count, count);
    filter.any_order = true;
    found = read_with(store, &filter);
    ck_assert_uint_eq(found.count, count);
    for (size_t i = 1; i < found.count; i++)
        if (found.id[i - 1] >= found.id[i])
            ck_abort_msg("session %lld comes after %lld", (long long)found.id[i], (long long)found.id[i - 1]);
    return count;
}

START_TEST(filters_mean_what_they_say)
{
    struct store *store = write_sessions();
    struct chance chance = { 62 };
    ck_assert_uint_gt(compare(store, (struct store_filter){ 0 }), 0);
    ck_assert_uint_eq(
        compare(store, (struct store_filter){ .from = USEC_NONE, .to = USEC_NONE, .outbound = true }),
        SESSIONS);
    size_t found = 0;
    for (int i = 0; i < 150; i++) {
        const struct session *session = sessions[draw(&chance, SESSIONS)];
        struct store_filter filter = { .outbound = true };
        char address[IP_TEXT_BYTES + 4];
        if (draw(&chance, 4) == 0)
            filter.from = session->started;
        if (draw(&chance, 4) == 0)
            filter.to = session->started + (int64_t)draw(&chance, 2) * 100000000 * USEC_SECOND;
        if (draw(&chance, 6) == 0)
            filter.id = session->id;
        if (draw(&chance, 3) == 0 && !ip_is_none(&session->client)) {
            struct prefix prefix =
                ip_network(&session->client, (unsigned)draw(&chance, 33), (unsigned)draw(&chance, 129));
            filter.client = (struct str){ address, prefix_format(&prefix, address) };
        }
        if (session->transaction_count) {
            const struct transaction *transaction =
                &session->transactions[draw(&chance, session->transaction_count)];
            if (draw(&chance, 3) == 0)
                filter.sender = transaction->mail_from;
            if (draw(&chance, 3) == 0)
                filter.queue_id = transaction->queue_id;
            if (draw(&chance, 3) == 0 && transaction->recipient_count)
                filter.recipient =
                    transaction->recipients[draw(&chance, transaction->recipient_count)].address;
        }
        found += compare(store, filter);
    }
    ck_assert_uint_gt(found, 150);
    scratch_close(store);
}
END_TEST

/* By hand: which of these addresses is found with which text. */
START_TEST(addresses_by_hand)
{
    static const struct str senders[] = { STR_INIT("anna@example.org"),
                                          STR_INIT("Bob@Example.ORG"),
                                          STR_INIT(""),
                                          STR_INIT("anna@sub.example.org"),
                                          STR_INIT("cy@notexample.org"),
                                          STR_INIT("dee\xff@example.org"),
                                          { NULL, 0 } };
    static const struct {
        struct str sender;
        unsigned found; /* a bit for each of the above */
    } cases[] = {
        { STR_INIT("anna@example.org"), 0x01 },
        { STR_INIT("ANNA@EXAMPLE.org"), 0x01 },
        { STR_INIT("bob@example.org"), 0x02 },
        { STR_INIT("@example.org"), 0x23 },
        { STR_INIT("example.org"), 0 },
        { STR_INIT(""), 0x04 },
        { STR_INIT("dee\xff@example.org"), 0x20 },
        { { NULL, 0 }, 0x7f },
    };
    enum { SENDERS = sizeof senders / sizeof *senders };
    struct store *store = scratch_open(STORE_WRITE);
    for (int round = 0; round < 3; round++) { /* so that they are names in the end */
        for (int i = 0; i < SENDERS; i++) {
            struct transaction transactions[2] = { { .mail_from = STR("x@y"), .size = -1 },
                                                   { .mail_from = senders[i], .size = -1 } };
            struct session session = { .id = store_next_session(store),
                                       .input = 1,
                                       .started = store_next_session(store),
                                       .ended = USEC_NONE };
            session.transactions = round < 2 ? &transactions[1] : transactions;
            session.transaction_count = round < 2 ? 1 : 2;
            scratch_put(store, &session);
        }
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct store_filter filter = { .sender = cases[c].sender };
        struct found found = read_with(store, &filter);
        size_t at = 0;
        for (int i = 0; i < 3 * SENDERS; i++)
            if (cases[c].found >> i % SENDERS & 1)
                ck_assert_int_eq(found.id[at++], i + 1);
        ck_assert_uint_eq(found.count, at);
    }
    scratch_close(store);
}
END_TEST

static int take_until_five(void *state, const struct session *session)
{
    int *count = state;
    (void)session;
    return ++*count == 5 ? 42 : 0;
}

START_TEST(reading_ends_when_told)
{
    struct store *store = write_sessions();
    struct store_filter all = { .outbound = true };
    struct why why = { 0 };
    int count = 0;
    ck_assert_int_eq(store_each(store, &all, take_until_five, &count, &why), 42);
    ck_assert_int_eq(count, 5);
    ck_assert_uint_eq(read_with(store, &all).count, SESSIONS);
    scratch_close(store);
}
END_TEST

static int has_no_texts(void *state, const struct session *session)
{
    size_t *codes = state;
    bool has = session->reply.text.at;
    *codes += session->reply.code != 0;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        const struct transaction *transaction = &session->transactions[t];
        has |= transaction->reply.text.at || transaction->message_id.at;
        for (uint32_t r = 0; r < transaction->recipient_count; r++)
            has |= transaction->recipients[r].reply.text.at != NULL;
    }
    ck_assert(!has);
    return 0;
}

START_TEST(texts_are_left_out)
{
    struct store *store = write_sessions();
    struct store_filter all = { .outbound = true, .no_texts = true };
    struct why why = { 0 };
    size_t codes = 0;
    ck_assert_int_eq(store_each(store, &all, has_no_texts, &codes, &why), 0);
    ck_assert_uint_gt(codes, 100);
    scratch_close(store);
}
END_TEST

START_TEST(client_that_is_none)
{
    struct store *store = write_sessions();
    struct store_filter filter = { .client = STR("mail.example.org") };
    struct why why = { 0 };
    int count = 0;
    ck_assert_int_eq(store_each(store, &filter, take_until_five, &count, &why), -1);
    ck_assert_int_eq(why.status, EX_USAGE);
    ck_assert_ptr_nonnull(strstr(why.text, "mail.example.org: is not an address"));
    ck_assert_int_eq(count, 0);
    scratch_close(store);
}
END_TEST

/* What is written can be read in the same breath, and written on. */
START_TEST(reading_between_writing)
{
    struct chance chance = { 8 };
    struct store *store = scratch_open(STORE_WRITE);
    struct store_filter all = { .outbound = true };
    for (int64_t id = 1; id <= 30; id++) {
        scratch_put(store, random_session(&chance, &scratch_arena, id));
        ck_assert_uint_eq(read_with(store, &all).count, (size_t)id);
    }
    scratch_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader");
    TCase *tests = tcase_create("reader");
    tcase_add_checked_fixture(tests, scratch_begin, scratch_end);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, filters_mean_what_they_say);
    tcase_add_test(tests, addresses_by_hand);
    tcase_add_test(tests, reading_ends_when_told);
    tcase_add_test(tests, texts_are_left_out);
    tcase_add_test(tests, client_that_is_none);
    tcase_add_test(tests, reading_between_writing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
