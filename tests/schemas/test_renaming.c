/* Sessions of every sort, named when they are stored or afterwards: they come out the same, and so do the
 * counts. And a database of the layout before. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/schema.h"
#include "tests/lib/layouts.h"
#include "tests/lib/random_session.h"
#include "tests/lib/scratch_store.h"

enum { SESSIONS = 1000, ROUNDS = 6 };

static struct session **make(uint64_t seed)
{
    struct chance chance = { seed };
    struct session **sessions = arena_alloc(&scratch_arena, SESSIONS * sizeof(struct session *));
    for (size_t i = 0; i < SESSIONS; i++)
        sessions[i] = random_session(&chance, &scratch_arena, (int64_t)i + 1);
    return sessions;
}

/* Pieces of what the sessions' replies say, and words that stand in any. */
static struct phrasebook random_book(struct chance *chance, struct session **sessions)
{
    static const char *const usual[] = { "example", "name*.", "blocked", "e*o*r", "user", "org" };
    struct phrasebook book = { 0 };
    size_t count = draw(chance, 12);
    for (size_t i = 0; i < count; i++) {
        const struct session *session = sessions[draw(chance, SESSIONS)];
        struct str text = session->reply.text;
        if (text.len < 8 || draw(chance, 2))
            text = str_of(usual[draw(chance, sizeof usual / sizeof *usual)]);
        else
            text = (struct str){ text.at + draw(chance, text.len - 7), 7 };
        struct site_phrase phrase = { .pattern = text,
                                      .measure =
                                          (uint8_t)(NAMED_OTHER + draw(chance, NAMED_COUNT - NAMED_OTHER)),
                                      .stage = draw(chance, 3) ? STAGES : (uint8_t)draw(chance, STAGES) };
        if (phrase.measure == NAMED_DNSBL && draw(chance, 2))
            phrase.zone = STR("bl.example");
        phrasebook_add(&book, &phrase);
    }
    return book;
}

/* ---- Everything that a store holds, to be compared. */

struct held {
    struct session **session;
    size_t count;
    struct arena arena;
};

static void *copy_array(struct arena *arena, const void *from, size_t bytes)
{
    return bytes ? memcpy(arena_alloc(arena, bytes), from, bytes) : NULL;
}

static void copy_text(struct arena *arena, struct str *text)
{
    if (text->at)
        *text = arena_str(arena, *text);
}

static void copy_reply(struct arena *arena, struct reply *reply)
{
    copy_text(arena, &reply->enhanced);
    copy_text(arena, &reply->text);
}

static int hold(void *state, const struct session *session)
{
    struct held *held = state;
    struct arena *arena = &held->arena;
    struct session *copy = copy_array(arena, session, sizeof *session);
    copy_text(arena, &copy->server);
    copy_text(arena, &copy->service);
    copy_text(arena, &copy->client_name);
    copy_text(arena, &copy->helo);
    copy_text(arena, &copy->auth_user);
    copy_reply(arena, &copy->reply);
    copy->transactions =
        copy_array(arena, session->transactions, session->transaction_count * sizeof *session->transactions);
    for (uint32_t t = 0; t < copy->transaction_count; t++) {
        struct transaction *transaction = &copy->transactions[t];
        copy_text(arena, &transaction->mail_from);
        copy_text(arena, &transaction->queue_id);
        copy_text(arena, &transaction->message_id);
        copy_reply(arena, &transaction->reply);
        transaction->recipients = copy_array(arena, transaction->recipients,
                                             transaction->recipient_count * sizeof *transaction->recipients);
        for (uint32_t r = 0; r < transaction->recipient_count; r++) {
            copy_text(arena, &transaction->recipients[r].address);
            copy_reply(arena, &transaction->recipients[r].reply);
        }
    }
    copy->evidence =
        copy_array(arena, session->evidence, session->evidence_count * sizeof *session->evidence);
    for (uint32_t e = 0; e < copy->evidence_count; e++) {
        copy_text(arena, &copy->evidence[e].subject);
        copy_text(arena, &copy->evidence[e].detail);
    }
    held->session[held->count++] = copy;
    return 0;
}

static struct held all_of(struct store *store)
{
    struct held held = { .session = mem_zero(SESSIONS, sizeof *held.session) };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE, .outbound = true, .any_order = true };
    struct why why = { 0 };
    ck_assert_msg(store_each(store, &all, hold, &held, &why) == 0, "%s", why.text);
    ck_assert_uint_eq(held.count, SESSIONS);
    return held;
}

static void held_free(struct held *held)
{
    free(held->session);
    arena_free(&held->arena);
}

static void never(void *state, const char *finding)
{
    (void)state;
    ck_abort_msg("%s", finding);
}

static void is_whole(struct store *store)
{
    struct why why = { 0 };
    ck_assert_msg(store_check(store, never, NULL, &why) == 0, "%s", why.text);
}

static void name(struct store *store, struct phrasebook *book, struct store_named *named)
{
    struct why why = { 0 };
    ck_assert_msg(store_name(store, book, named, &why) == 0, "%s", why.text);
}

static void put_all(struct store *store, struct session **sessions, uint64_t seed)
{
    struct chance chance = { seed };
    struct catalogue catalogue = store_catalogue(store);
    struct input input = {
        .path = STR("mail.log"), .kind = STR("log"), .first = USEC_NONE, .last = USEC_NONE
    };
    struct why why = { 0 };
    for (int i = 0; i < 8; i++) {
        input.id = 0;
        ck_assert_int_eq(catalogue.write(catalogue.state, &input, &why), 0);
    }
    for (size_t i = 0; i < SESSIONS; i++) {
        scratch_put(store, sessions[i]);
        if (draw(&chance, 10) == 0) { /* is not there when the session is named */
            struct evidence late = random_evidence(&chance, &scratch_arena, sessions[i]);
            scratch_late(store, sessions[i]->id, &late);
        }
    }
    scratch_commit(store);
}

static void renew(void)
{
    struct arena kept = scratch_arena; /* what the sessions lie in outlasts the database */
    scratch_arena = (struct arena){ 0 };
    scratch_end();
    scratch_begin();
    scratch_arena = kept;
}

static void same_sessions(const struct held *one, const struct held *other, const char *what, int round)
{
    const char *difference = NULL;
    for (size_t i = 0; i < SESSIONS; i++)
        ck_assert_msg(session_same(one->session[i], other->session[i], &difference),
                      "%s, round %d: session %lld: %s differs", what, round, (long long)one->session[i]->id,
                      difference);
}

START_TEST(named_at_once_or_afterwards)
{
    struct chance chance = { (uint64_t)_i + 77 };
    struct session **sessions = make((uint64_t)_i);
    struct store_named named;
    struct held fresh[ROUNDS], plain;
    struct phrasebook book[ROUNDS];
    uint64_t refusals = 0;
    for (int round = 0; round < ROUNDS; round++) {
        book[round] = random_book(&chance, sessions);
        struct store *store = scratch_open(STORE_WRITE);
        name(store, &book[round], &named);
        put_all(store, sessions, (uint64_t)_i);
        is_whole(store);
        fresh[round] = all_of(store);
        scratch_close(store);
        renew();
    }
    struct store *store = scratch_open(STORE_WRITE);
    put_all(store, sessions, (uint64_t)_i);
    plain = all_of(store);
    for (int round = 0; round < ROUNDS; round++) {
        scratch_close(store);
        store = scratch_open(STORE_WRITE);
        name(store, &book[round], &named);
        refusals += named.refusals;
        is_whole(store);
        struct held later = all_of(store);
        same_sessions(&later, &fresh[round], "named afterwards", round);
        held_free(&later);
        name(store, &book[round], &named);
        ck_assert(named.same);
    }
    ck_assert_uint_gt(refusals, 100);
    struct phrasebook none = { 0 };
    name(store, &none, &named);
    struct held back = all_of(store);
    same_sessions(&back, &plain, "taken back", ROUNDS);
    is_whole(store);
    scratch_close(store);
    held_free(&back);
    held_free(&plain);
    for (int round = 0; round < ROUNDS; round++) {
        held_free(&fresh[round]);
        phrasebook_free(&book[round]);
    }
}
END_TEST

/* Phrases last from one run to the next. */
START_TEST(phrases_stay)
{
    struct phrasebook book = { 0 }, read = { 0 };
    struct store_named named;
    struct why why = { 0 };
    phrasebook_add(&book, &(struct site_phrase){ .pattern = STR("go \xff away\x01"),
                                                 .measure = NAMED_DNSBL,
                                                 .stage = STAGES,
                                                 .zone = STR("bl.example") });
    phrasebook_add(
        &book, &(struct site_phrase){
                   .pattern = STR("go away"), .measure = NAMED_OTHER, .stage = STAGE_CONNECT, .code = 421 });
    struct store *store = scratch_open(STORE_WRITE);
    name(store, &book, &named);
    ck_assert(!named.same);
    scratch_close(store);
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(store_phrases(store, &read, &why), 0);
    ck_assert(phrasebook_same(&book, &read));
    scratch_close(store);
    phrasebook_free(&book);
    phrasebook_free(&read);
}
END_TEST

/* ---- The layout before phrases. */

static char *schema_of(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    ck_assert_int_eq(sqlite3_open(scratch_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT type, name, iif(type = 'view', sql, '') FROM sqlite_schema "
                                        "UNION ALL SELECT m.name, c.name, c.type FROM sqlite_schema m "
                                        "JOIN pragma_table_info(m.name) c ORDER BY 1, 2, 3",
                                        -1, &row, NULL),
                     SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW)
        fprintf(to, "%s %s %s\n", sqlite3_column_text(row, 0), sqlite3_column_text(row, 1),
                sqlite3_column_text(row, 2));
    sqlite3_finalize(row);
    sqlite3_close(db);
    fclose(to);
    return text;
}

START_TEST(of_layout_2)
{
    struct session **sessions = make(1);
    struct store *store = scratch_open(STORE_WRITE);
    put_all(store, sessions, 1);
    struct held plain = all_of(store);
    scratch_close(store);
    char *whole = schema_of();

    layout_back(scratch_path, 2);
    char *old = schema_of();
    ck_assert_str_ne(whole, old);

    store = scratch_open(STORE_WRITE);
    struct held migrated = all_of(store);
    same_sessions(&migrated, &plain, "migrated", 0);
    is_whole(store);
    scratch_close(store);
    char *now = schema_of();
    ck_assert_str_eq(whole, now);
    held_free(&plain);
    held_free(&migrated);
    free(whole);
    free(old);
    free(now);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("renaming");
    TCase *tests = tcase_create("renaming");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, scratch_begin, scratch_end);
    tcase_add_loop_test(tests, named_at_once_or_afterwards, 0, 2);
    tcase_add_test(tests, phrases_stay);
    tcase_add_test(tests, of_layout_2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
