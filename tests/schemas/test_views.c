/* The views, as anybody with a stock sqlite3 reads them: what design.md section 5 promises. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/store.h"
#include "tests/lib/random_session.h"
#include "tests/lib/scratch_store.h"

enum { SESSIONS = 1500, ROW_BYTES = 64 * 1024 };

/* Rows as text: columns with | between them, NULL as ~; in any order. */
struct lines {
    char **line;
    size_t count, room;
};

static void add_line(struct lines *lines, const char *text, size_t length)
{
    mem_room(lines->line, lines->room, lines->count + 1);
    lines->line[lines->count++] = memcpy(mem_zero(length + 1, 1), text, length);
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
    free(lines->line);
    *lines = (struct lines){ 0 };
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void same_lines(struct lines *found, struct lines *expected)
{
    ck_assert_uint_eq(found->count, expected->count);
    qsort(found->line, found->count, sizeof *found->line, by_text);
    qsort(expected->line, expected->count, sizeof *expected->line, by_text);
    for (size_t i = 0; i < found->count; i++)
        ck_assert_str_eq(found->line[i], expected->line[i]);
    free_lines(found);
    free_lines(expected);
}

/* A row that is being put together. */
struct row {
    char text[ROW_BYTES];
    size_t length;
};

static void add_bytes(struct row *row, const char *at, size_t length)
{
    ck_assert_uint_lt(row->length + length + 2, ROW_BYTES);
    if (row->length)
        row->text[row->length++] = '|';
    memcpy(row->text + row->length, at, length);
    row->length += length;
    row->text[row->length] = '\0';
}

static void add_null(struct row *row)
{
    add_bytes(row, "~", 1);
}

static void add_number(struct row *row, int64_t number)
{
    char text[32];
    add_bytes(row, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number));
}

static void add_number_or_null(struct row *row, int64_t number, int64_t null)
{
    if (number == null)
        add_null(row);
    else
        add_number(row, number);
}

static void add_word(struct row *row, const char *word)
{
    if (word)
        add_bytes(row, word, strlen(word));
    else
        add_null(row);
}

/* The code point at the front of valid UTF-8, or -1; told by writing it again. */
static int32_t code_point(const unsigned char *at, size_t left, size_t *length)
{
    static const struct {
        unsigned char mask, lead;
        int32_t least;
    } forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };
    for (size_t n = 1; n <= 4; n++) {
        if ((at[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        if (left < n)
            return -1;
        int32_t point = at[0] & ~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return -1;
            point = point << 6 | (at[i] & 0x3f);
        }
        *length = n;
        return point < forms[n - 1].least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? -1
                                                                                                      : point;
    }
    return -1;
}

/* As session.sql says that text stands. */
static void add_text(struct row *row, struct str text)
{
    static char escaped[3 * ROW_BYTES];
    size_t length = 0;
    if (!text.at) {
        add_null(row);
        return;
    }
    for (size_t i = 0, n = 0; i < text.len; i += n) {
        const unsigned char *at = (const unsigned char *)text.at + i;
        int32_t point = code_point(at, text.len - i, &n);
        bool control = (point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0);
        if (point >= 0 && !control && !(point >= 0xef00 && point <= 0xefff)) {
            memcpy(escaped + length, at, n);
            length += n;
            continue;
        }
        unsigned escape = 0xef00u + *at;
        escaped[length++] = (char)(0xe0 | escape >> 12);
        escaped[length++] = (char)(0x80 | (escape >> 6 & 0x3f));
        escaped[length++] = (char)(0x80 | (escape & 0x3f));
        n = 1;
    }
    add_bytes(row, escaped, length);
}

static void add_time(struct row *row, usec at)
{
    char text[CLOCK_TEXT_BYTES];
    if (at == USEC_NONE)
        add_null(row);
    else
        add_bytes(row, text, clock_format(at, text));
}

static void add_ip(struct row *row, const struct ip *ip)
{
    char text[IP_TEXT_BYTES];
    if (ip_is_none(ip))
        add_null(row);
    else
        add_bytes(row, text, ip_format(ip, text));
}

static void end_row(struct row *row, struct lines *lines)
{
    add_line(lines, row->text, row->length);
    row->length = 0;
}

/* The rows of a query on a connection of its own, with nothing of ours in it. */
static struct lines query(const char *sql)
{
    struct lines lines = { 0 };
    static struct row row;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_open_v2(scratch_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    int rc = 0;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        row.length = 0;
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            int type = sqlite3_column_type(statement, i);
            ck_assert_int_ne(type, SQLITE_BLOB);
            if (type == SQLITE_NULL)
                add_null(&row);
            else
                add_bytes(&row, (const char *)sqlite3_column_text(statement, i),
                          (size_t)sqlite3_column_bytes(statement, i));
        }
        add_line(&lines, row.text, row.length);
    }
    ck_assert_msg(rc == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return lines;
}

static struct session **write_random(uint64_t seed)
{
    struct chance chance = { seed };
    struct session **sessions = arena_alloc(&scratch_arena, SESSIONS * sizeof(struct session *));
    struct store *store = scratch_open(STORE_WRITE);
    for (size_t i = 0; i < SESSIONS; i++) {
        sessions[i] = random_session(&chance, &scratch_arena, (int64_t)i + 1);
        scratch_put(store, sessions[i]);
    }
    scratch_close(store);
    return sessions;
}

/* ---- Every row of every view against the session that it came from. */

static uint32_t count_recipients(const struct session *session)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        count += session->transactions[t].recipient_count;
    return count;
}

static uint32_t count_messages(const struct session *session)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        count += session->transactions[t].verdict == VERDICT_ACCEPTED;
    return count;
}

/* The first evidence of the best origin. */
static enum tri early_talker(const struct session *session)
{
    for (int origin = 0; origin < ORIGINS; origin++)
        for (uint32_t i = 0; i < session->evidence_count; i++)
            if (session->evidence[i].kind == KIND_EARLY_TALKER && session->evidence[i].origin == origin)
                return session->evidence[i].state;
    return UNKNOWN;
}

START_TEST(sessions_as_they_were)
{
    struct session **sessions = write_random(1000 + (uint64_t)_i);
    static struct row row;
    struct lines expected = { 0 };
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct session *session = sessions[i];
        add_number(&row, session->id);
        add_number(&row, session->input);
        add_word(&row, session->direction == DIRECTION_OUT ? "out" : "in");
        add_number(&row, session->gap);
        add_time(&row, session->started);
        add_time(&row, session->ended);
        add_ip(&row, &session->client);
        add_number_or_null(&row, session->client_port, 0);
        add_text(&row, session->client_name);
        add_text(&row, session->server);
        add_ip(&row, &session->server_address);
        add_number_or_null(&row, session->server_port, 0);
        add_text(&row, session->helo);
        add_number(&row, session->tls);
        add_text(&row, session->auth_user);
        add_word(&row, stage_name[session->stage]);
        add_word(&row, closed_name[session->closed]);
        add_number_or_null(&row, (int64_t)early_talker(session) - 1, -1);
        add_number(&row, session->transaction_count);
        add_number(&row, count_messages(session));
        add_number(&row, count_recipients(session));
        add_word(&row, verdict_name[session->verdict]);
        add_word(&row, named_measure[session->reply.named]);
        add_number_or_null(&row, session->reply.code, 0);
        add_text(&row, session->reply.enhanced);
        add_text(&row, session->reply.text);
        end_row(&row, &expected);
    }
    struct lines found =
        query("SELECT id, input_id, direction, gap, started, ended, client_ip, client_port, client_name, "
              "server, server_ip, server_port, helo, tls, auth_user, stage, closed, early_talker, "
              "transactions, messages, recipients, verdict, measure, code, enhanced, text FROM v_session");
    same_lines(&found, &expected);
    for (size_t i = 0; i < SESSIONS; i++) {
        if (sessions[i]->ended == USEC_NONE)
            continue;
        add_number(&row, sessions[i]->id);
        add_number(&row, sessions[i]->ended - sessions[i]->started);
        end_row(&row, &expected);
    }
    found =
        query("SELECT id, CAST(round(seconds * 1e6) AS INTEGER) FROM v_session WHERE seconds IS NOT NULL");
    same_lines(&found, &expected);
}
END_TEST

START_TEST(transactions_and_recipients_as_they_were)
{
    struct session **sessions = write_random(2000);
    static struct row row;
    struct lines transactions = { 0 }, recipients = { 0 };
    for (size_t i = 0; i < SESSIONS; i++) {
        int64_t recipient_id = sessions[i]->id * 16777216;
        recipient_id += sessions[i]->transaction_count && sessions[i]->transactions->recipient_count == 0;
        for (uint32_t t = 0; t < sessions[i]->transaction_count; t++) {
            const struct transaction *transaction = &sessions[i]->transactions[t];
            int64_t id = sessions[i]->id * 16777216 + t;
            uint32_t accepted = 0;
            for (uint32_t r = 0; r < transaction->recipient_count; r++) {
                const struct recipient *recipient = &transaction->recipients[r];
                accepted += recipient->verdict == VERDICT_ACCEPTED;
                add_number(&row, recipient_id++);
                add_number(&row, id);
                add_number(&row, sessions[i]->id);
                add_text(&row, recipient->address);
                add_word(&row, verdict_name[recipient->verdict]);
                add_word(&row, named_measure[recipient->reply.named]);
                add_number_or_null(&row, recipient->reply.code, 0);
                add_number_or_null(&row, (int64_t)recipient->valid - 1, -1);
                end_row(&row, &recipients);
            }
            add_number(&row, id);
            add_number(&row, sessions[i]->id);
            add_text(&row, transaction->mail_from);
            add_number(&row, transaction->recipient_count);
            add_number(&row, accepted);
            add_text(&row, transaction->queue_id);
            add_text(&row, transaction->message_id);
            add_number_or_null(&row, transaction->size, -1);
            add_word(&row, verdict_name[transaction->verdict]);
            add_word(&row, named_measure[transaction->reply.named]);
            add_number_or_null(&row, transaction->reply.code, 0);
            end_row(&row, &transactions);
        }
    }
    struct lines found =
        query("SELECT id, session_id, mail_from, recipients, accepted_recipients, queue_id, message_id, "
              "size, verdict, measure, code FROM v_transaction");
    same_lines(&found, &transactions);
    found = query(
        "SELECT id, transaction_id, session_id, address, verdict, measure, code, valid FROM v_recipient");
    same_lines(&found, &recipients);
}
END_TEST

static void expect_evidence(struct lines *expected, int64_t session, const struct evidence *evidence)
{
    static struct row row;
    add_number(&row, session);
    add_word(&row, kind_name[evidence->kind]);
    add_text(&row, evidence->subject);
    add_number_or_null(&row, (int64_t)evidence->state - 1, -1);
    add_text(&row, evidence->detail);
    add_time(&row, evidence->at);
    add_word(&row, origin_name[evidence->origin]);
    end_row(&row, expected);
}

START_TEST(evidence_as_it_was)
{
    static const char sql[] = "SELECT session_id, kind, subject, state, detail, at, origin FROM v_evidence";
    struct session **sessions = write_random(3000);
    struct chance chance = { 7 };
    struct lines expected = { 0 };
    for (size_t i = 0; i < SESSIONS; i++)
        for (uint32_t e = 0; e < sessions[i]->evidence_count; e++)
            expect_evidence(&expected, sessions[i]->id, &sessions[i]->evidence[e]);
    struct store *store = scratch_open(STORE_WRITE);
    for (int i = 0; i < 100; i++) {
        const struct session *session = sessions[draw(&chance, SESSIONS)];
        struct evidence late = random_evidence(&chance, &scratch_arena, session);
        scratch_late(store, session->id, &late);
        expect_evidence(&expected, session->id, &late);
    }
    scratch_close(store);
    struct lines found = query(sql);
    same_lines(&found, &expected);
}
END_TEST

START_TEST(attempts_as_they_were)
{
    struct session **sessions = write_random(4000);
    static struct row row;
    struct lines expected = { 0 };
    static const struct transaction nothing;
    static const struct recipient nobody;
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct session *session = sessions[i];
        bool none = count_recipients(session) == 0;
        uint32_t transactions = none ? 1 : session->transaction_count;
        for (uint32_t t = 0; t < transactions; t++) {
            const struct transaction *transaction =
                t < session->transaction_count ? &session->transactions[t] : &nothing;
            for (uint32_t r = 0; r < (none ? 1 : transaction->recipient_count); r++) {
                const struct recipient *recipient = none ? &nobody : &transaction->recipients[r];
                char network[IP_TEXT_BYTES + 4];
                struct prefix prefix = ip_network(&session->client, 24, 64);
                add_ip(&row, &session->client);
                prefix_format(&prefix, network);
                add_word(&row, ip_is_none(&session->client) ? NULL : network);
                add_text(&row, session->server);
                add_text(&row, transaction->mail_from);
                add_text(&row, recipient->address);
                add_time(&row, session->started);
                add_number(&row, session->id);
                add_word(&row, verdict_name[none ? session->verdict : recipient->verdict]);
                end_row(&row, &expected);
            }
        }
    }
    struct lines found = query("SELECT client_ip, client_net, server, mail_from, recipient, started, "
                               "session_id, verdict FROM v_attempt");
    same_lines(&found, &expected);
}
END_TEST

/* ---- By hand. */

/* A greylisted session as a Postfix with postgrey logs it, with what comes out written down. */
START_TEST(one_session_in_full)
{
    struct recipient recipient = {
        .address = STR("ivan@lab.test"),
        .reply = { .code = 450,
                   .named = NAMED_GREYLIST,
                   .stage = STAGE_RCPT,
                   .enhanced = STR("4.2.0"),
                   .text = STR("<ivan@lab.test>: Recipient address rejected: Greylisted, see "
                               "http://postgrey.schweikert.ch/help/lab.test.html") },
        .verdict = VERDICT_DEFERRED,
        .valid = YES,
        .at = 1795444140 * USEC_SECOND + 585914
    };
    struct transaction transaction = { .mail_from = STR("orders8@good.test"),
                                       .size = -1,
                                       .verdict = VERDICT_DEFERRED,
                                       .at = recipient.at,
                                       .recipients = &recipient,
                                       .recipient_count = 1 };
    struct evidence evidence[] = {
        { .kind = KIND_RDNS,
          .state = YES,
          .transaction = -1,
          .recipient = -1,
          .at = 1795444140 * USEC_SECOND + 578957 },
        { .kind = KIND_GREYLIST,
          .state = YES,
          .transaction = 0,
          .recipient = 0,
          .subject = recipient.address,
          .detail = STR("new"),
          .at = 1795444140 * USEC_SECOND + 582953 },
        { .kind = KIND_EARLY_TALKER,
          .state = NO,
          .transaction = -1,
          .recipient = -1,
          .a = 6000000,
          .b = -1,
          .at = USEC_NONE,
          .origin = ORIGIN_CAPTURE },
    };
    struct session session = { .id = 1,
                               .input = 1,
                               .started = 1795444140 * USEC_SECOND + 578957,
                               .ended = 1795444140 * USEC_SECOND + 591476,
                               .client = { { [10] = 0xff, [11] = 0xff, 198, 51, 100, 8 } },
                               .server = STR("mx"),
                               .service = STR("postfix/smtpd"),
                               .client_name = STR("mail8.good.test"),
                               .helo = STR("mail8.good.test"),
                               .stage = STAGE_RCPT,
                               .closed = CLOSED_QUIT,
                               .verdict = VERDICT_DEFERRED,
                               .reply = recipient.reply,
                               .transactions = &transaction,
                               .transaction_count = 1,
                               .evidence = evidence,
                               .evidence_count = 3 };
    struct session empty = { .id = 2, .input = 1, .started = 0, .ended = USEC_NONE };
    ip_parse(STR("2001:db8:a:0:1::5"), &empty.client);
    struct skipped skipped = { .input = 1,
                               .reason = "unknown text",
                               .shape = STR("lost N"),
                               .count = 2,
                               .first_line = 3,
                               .first_offset = 100,
                               .first_text = STR("lost 5") };
    struct input input = { .path = STR("mail.log"),
                           .kind = STR("log"),
                           .dialects = STR("postfix postgrey"),
                           .bytes = 700,
                           .lines = 5,
                           .other = 1,
                           .skipped = 2,
                           .first = 0,
                           .last = 1795444140 * USEC_SECOND };
    struct why why = { 0 };
    struct store *store = scratch_open(STORE_WRITE);
    struct catalogue catalogue = store_catalogue(store);
    ck_assert_int_eq(catalogue.write(catalogue.state, &input, &why), 0);
    ck_assert_int_eq(catalogue.skipped(catalogue.state, &skipped, &why), 0);
    scratch_put(store, &session);
    scratch_put(store, &empty);
    scratch_close(store);

    static const struct {
        const char *sql, *row;
    } cases[] = {
        { "SELECT * FROM v_session WHERE id = 1",
          "1|1|in|0|2026-11-23T14:29:00.578957Z|2026-11-23T14:29:00.591476Z|0.012519|198.51.100.8|~|mail8."
          "good.test|mx|~|~|"
          "mail8.good.test|0|~|rcpt|quit|0|1|0|1|deferred|greylist|450|4.2.0|<ivan@lab.test>: Recipient "
          "address rejected: "
          "Greylisted, see http://postgrey.schweikert.ch/help/lab.test.html" },
        { "SELECT * FROM v_session WHERE id = 2", "2|1|in|0|1970-01-01T00:00:00.000000Z|~|~|2001:db8:a:0:1::"
                                                  "5|~|~|~|~|~|~|0|~|connect|~|~|0|0|0|none|~|~|~|~" },
        { "SELECT * FROM v_transaction", "16777216|1|orders8@good.test|1|0|~|~|~|deferred|~|~" },
        { "SELECT * FROM v_recipient", "16777216|16777216|1|ivan@lab.test|deferred|greylist|450|1" },
        { "SELECT * FROM v_evidence WHERE kind = 'rdns'", "1|rdns|~|1|~|2026-11-23T14:29:00.578957Z|log" },
        { "SELECT * FROM v_evidence WHERE kind = 'greylist'",
          "1|greylist|ivan@lab.test|1|new|2026-11-23T14:29:00.582953Z|log" },
        { "SELECT * FROM v_evidence WHERE kind = 'early_talker'", "1|early_talker|~|0|~|~|capture" },
        { "SELECT count(*) FROM v_evidence", "3" },
        { "SELECT * FROM v_attempt WHERE session_id = 1",
          "198.51.100.8|198.51.100.0/"
          "24|mx|orders8@good.test|ivan@lab.test|2026-11-23T14:29:00.578957Z|1|deferred" },
        { "SELECT * FROM v_attempt WHERE session_id = 2",
          "2001:db8:a:0:1::5|2001:db8:a::/64|~|~|~|1970-01-01T00:00:00.000000Z|2|none" },
        { "SELECT id, path, kind, dialects, bytes, lines, other, skipped, first, last FROM v_input",
          "1|mail.log|log|postfix "
          "postgrey|700|5|1|2|1970-01-01T00:00:00.000000Z|2026-11-23T14:29:00.000000Z" },
        { "SELECT * FROM v_skipped", "1|unknown text|lost N|2|3|100|lost 5" },
        /* collected is now, to the day (or yesterday, at midnight) */
        { "SELECT julianday('now') - julianday(collected) < 1 FROM v_input", "1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lines found = query(cases[i].sql);
        ck_assert_msg(found.count == 1, "%s: %zu rows", cases[i].sql, found.count);
        ck_assert_str_eq(found.line[0], cases[i].row);
        free_lines(&found);
    }
}
END_TEST

/* The columns, by name and in order: scripts rely on them. */
static const struct promise {
    const char *view, *columns;
} promises[] = {
    { "v_session",
      "id input_id direction gap started ended seconds client_ip client_port client_name server server_ip "
      "server_port helo tls auth_user stage closed early_talker transactions messages recipients verdict "
      "measure code enhanced text" },
    { "v_transaction", "id session_id mail_from recipients accepted_recipients queue_id message_id size "
                       "verdict measure code" },
    { "v_recipient", "id transaction_id session_id address verdict measure code valid" },
    { "v_evidence", "session_id kind subject state detail at origin" },
    { "v_attempt", "client_ip client_net server mail_from recipient started session_id verdict" },
    { "v_input", "id path kind dialects bytes lines other skipped first last collected" },
    { "v_skipped", "input_id reason shape count first_line first_offset first_text" },
};

START_TEST(columns_as_promised)
{
    char sql[128];
    scratch_close(scratch_open(STORE_WRITE));
    snprintf(sql, sizeof sql, "SELECT group_concat(name, ' ') FROM pragma_table_info('%s')",
             promises[_i].view);
    struct lines found = query(sql);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.line[0], promises[_i].columns);
    free_lines(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("views");
    TCase *tests = tcase_create("views");
    tcase_add_checked_fixture(tests, scratch_begin, scratch_end);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, sessions_as_they_were, 0, 2);
    tcase_add_test(tests, transactions_and_recipients_as_they_were);
    tcase_add_test(tests, evidence_as_it_was);
    tcase_add_test(tests, attempts_as_they_were);
    tcase_add_test(tests, one_session_in_full);
    tcase_add_loop_test(tests, columns_as_promised, 0, sizeof promises / sizeof *promises);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
