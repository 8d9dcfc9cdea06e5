/* A log's record and a capture's of one session: what is made of both, by cases that are worked out by hand;
 * and which are the same, on made-up traffic of which it is known. */
#define _GNU_SOURCE
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include "collect/joint.h"
#include "collect/matching.h"
#include "tests/lib/inputs.h"
#include "tests/lib/random_session.h"
#include "tests/lib/session_text.h"

#define BEGAN (1795392000 * USEC_SECOND)

/* ---- One out of two. */

static struct reply said(int16_t code, enum named named, enum stage stage, const char *text)
{
    return (
        struct reply){ .code = code, .named = (uint8_t)named, .stage = (uint8_t)stage, .text = str_of(text) };
}

static struct recipient to(const char *address, struct reply reply)
{
    return (struct recipient){ .address = str_of(address), .reply = reply, .at = USEC_NONE };
}

static struct transaction from(const char *sender, struct recipient *recipients, uint32_t count,
                               enum verdict verdict)
{
    return (struct transaction){ .mail_from = str_of(sender),
                                 .size = -1,
                                 .verdict = (uint8_t)verdict,
                                 .at = USEC_NONE,
                                 .recipients = recipients,
                                 .recipient_count = count };
}

static struct session record(usec started, struct transaction *transactions, uint32_t count,
                             struct evidence *evidence, uint32_t evidence_count)
{
    return (struct session){ .id = 7,
                             .input = 1,
                             .started = started,
                             .ended = started + USEC_SECOND,
                             .client = ip_from_v4(0xc6336404u),
                             .transactions = transactions,
                             .transaction_count = count,
                             .evidence = evidence,
                             .evidence_count = evidence_count };
}

static void expect(const struct session *log, const struct session *capture, usec offset,
                   const char *expected)
{
    struct arena arena = { 0 };
    char *text = NULL;
    size_t len = 0;
    struct places *places = NULL;
    FILE *out = open_memstream(&text, &len);
    struct session joined = session_joined(log, capture, offset, &arena, &places);
    session_write(out, &joined);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
    arena_free(&arena);
}

/* Exim's default log tells of what it refused and what it took, without a port; the capture tells the rest.
 */
START_TEST(what_one_has_alone_is_taken_from_it)
{
    struct recipient logged[] = { to("bob@lab.test", said(550, NAMED_OTHER, STAGE_RCPT, "go away")) };
    struct recipient sent[] = { to("Alice@lab.test", said(250, NAMED_NONE, STAGE_RCPT, NULL)),
                                to("BOB@lab.test", said(550, NAMED_RECIPIENT, STAGE_RCPT, "unknown user")) };
    struct transaction of_log[] = { from("a@good.test", logged, 1, VERDICT_REJECTED) };
    struct transaction of_capture[] = { from("first@good.test", NULL, 0, VERDICT_NONE),
                                        from("A@good.test", sent, 2, VERDICT_NONE) };
    struct evidence told = { .kind = KIND_GREYLIST,
                             .state = NO,
                             .transaction = 0,
                             .recipient = 0,
                             .at = BEGAN,
                             .subject = STR("bob@lab.test") };
    struct evidence seen[] = { { .kind = KIND_EARLY_TALKER,
                                 .state = NO,
                                 .origin = ORIGIN_CAPTURE,
                                 .transaction = WHOLE_SESSION,
                                 .recipient = WHOLE_TRANSACTION,
                                 .a = 5,
                                 .at = BEGAN },
                               { .kind = KIND_RELAY,
                                 .state = NO,
                                 .origin = ORIGIN_CAPTURE,
                                 .transaction = 1,
                                 .recipient = 0,
                                 .at = BEGAN } };
    struct session log = record(BEGAN + 3 * USEC_SECOND, of_log, 1, &told, 1);
    struct session capture = record(BEGAN - 60 * USEC_SECOND, of_capture, 2, seen, 2);
    log.server = STR("mx");
    log.stage = capture.stage = STAGE_RCPT;
    log.verdict = capture.verdict = VERDICT_REJECTED;
    log.helo = STR("old.test");
    capture.helo = STR("last.test");
    capture.client_port = 1025;
    capture.server_address = ip_from_v4(0xc000020au);
    capture.server_port = 25;
    capture.closed = CLOSED_QUIT;
    capture.ended = capture.started + 5 * USEC_SECOND;
    log.gap = true; /* the capture has what it lost */
    /* its clock is a minute ahead: the session began with the capture's first packet, and took five seconds
     */
    expect(&log, &capture, 60 * USEC_SECOND,
           "session 198.51.100.4:1025 by mx 192.0.2.10:25, 5 s, helo=last.test, rcpt, quit: rejected\n"
           "    reply 550 rcpt recipient \"go away\"\n"
           "    mail <first@good.test>: none\n"
           "    mail <A@good.test>: rejected\n"
           "        rcpt <Alice@lab.test> 250 rcpt: none\n"
           "        rcpt <BOB@lab.test> 550 rcpt recipient \"go away\": rejected\n"
           "    greylist no of 1.1 <bob@lab.test>\n"
           "    early_talker no a=5\n"
           "    relay no of 1.0\n"
           "    contradiction yes <helo> \"old.test\"\n"
           "    contradiction yes <helo> \"last.test\"\n");
}
END_TEST

/* What the log says, and the capture says otherwise: both stand, each with its origin. Codes of one class are
 * the same, for many logs have no more; a HELO that was refused may have been followed by another. */
START_TEST(contradictions_are_told)
{
    struct recipient logged[] = { to("a@lab.test", said(550, NAMED_RECIPIENT, STAGE_RCPT, "go away")),
                                  to("b@lab.test", said(550, NAMED_OTHER, STAGE_RCPT, "no")) };
    struct recipient sent[] = { to("a@lab.test", said(250, NAMED_NONE, STAGE_RCPT, NULL)),
                                to("b@lab.test", said(554, NAMED_OTHER, STAGE_RCPT, "no")) };
    struct transaction of_log[] = { from("s@good.test", logged, 2, VERDICT_REJECTED) };
    struct transaction of_capture[] = { from("s@good.test", sent, 2, VERDICT_ACCEPTED) };
    struct session log = record(BEGAN, of_log, 1, NULL, 0), capture = record(BEGAN, of_capture, 1, NULL, 0);
    of_log[0].reply = said(451, NAMED_OTHER, STAGE_EOM, "later");
    log.helo = STR("m\\303\\274ller.test"); /* as Exim prints it: the same */
    capture.helo = STR("m\303\274ller.test");
    const char *words = "session 198.51.100.4, 1 s, helo=m\303\274ller.test, connect: accepted\n"
                        "    reply 550 rcpt recipient \"go away\"\n"
                        "    mail <s@good.test>: accepted\n"
                        "        reply 451 eom other \"later\"\n"
                        "        rcpt <a@lab.test> 550 rcpt recipient \"go away\": rejected\n"
                        "        rcpt <b@lab.test> 550 rcpt other \"no\": rejected\n"
                        "    contradiction yes of 0 <message> \"451 later\"\n"
                        "    contradiction yes of 0 <message> \"accepted\"\n"
                        "    contradiction yes of 0.0 <recipient> \"550 go away\"\n"
                        "    contradiction yes of 0.0 <recipient> \"250\"\n";
    expect(&log, &capture, 0, words);
}
END_TEST

/* Behind STARTTLS only the log knows. */
START_TEST(what_tls_hides_is_the_logs)
{
    struct recipient logged[] = { to("bob@lab.test", said(250, NAMED_NONE, STAGE_RCPT, NULL)) };
    struct transaction of_log[] = { from("a@good.test", logged, 1, VERDICT_ACCEPTED) };
    of_log[0].queue_id = STR("4ABC");
    of_log[0].size = 1234;
    struct session log = record(BEGAN, of_log, 1, NULL, 0), capture = record(BEGAN, NULL, 0, NULL, 0);
    log.client_port = 1024;
    log.helo = STR("behind.test");
    capture.helo = STR("before.test");
    capture.tls = true;
    log.stage = STAGE_EOM;
    capture.stage = STAGE_HELO;
    log.verdict = VERDICT_ACCEPTED;
    capture.gap = true; /* the log has what it lost */
    expect(&log, &capture, 0,
           "session 198.51.100.4:1024, 1 s, helo=behind.test, tls, eom: accepted\n"
           "    mail <a@good.test> id=4ABC size=1234: accepted\n"
           "        rcpt <bob@lab.test> 250 rcpt: accepted\n");
}
END_TEST

/* tcpserver's log has the connection alone. */
START_TEST(a_log_without_a_dialog_gets_the_captures)
{
    struct recipient sent[] = { to("bob@lab.test", said(250, NAMED_NONE, STAGE_RCPT, NULL)) };
    struct transaction of_capture[] = { from("a@good.test", sent, 1, VERDICT_ACCEPTED),
                                        from("a@good.test", sent, 1, VERDICT_ACCEPTED) };
    struct session log = record(BEGAN, NULL, 0, NULL, 0), capture = record(BEGAN, of_capture, 2, NULL, 0);
    log.client_port = capture.client_port = 1024;
    log.closed = CLOSED_LOST; /* its process ended with an error: the client had not said QUIT */
    expect(&log, &capture, 0,
           "session 198.51.100.4:1024, 1 s, connect, lost: accepted\n"
           "    mail <a@good.test>: accepted\n"
           "        rcpt <bob@lab.test> 250 rcpt: accepted\n"
           "    mail <a@good.test>: accepted\n"
           "        rcpt <bob@lab.test> 250 rcpt: accepted\n");
}
END_TEST

/* A refusal before the first MAIL stays the session's. */
START_TEST(a_refusal_at_connect_stays)
{
    struct session log = record(BEGAN, NULL, 0, NULL, 0), capture = record(BEGAN, NULL, 0, NULL, 0);
    log.reply = said(554, NAMED_OTHER, STAGE_CONNECT, "blocked");
    log.verdict = VERDICT_REJECTED;
    capture.reply = said(554, NAMED_DNSBL, STAGE_CONNECT, "554 listed at zen");
    capture.verdict = VERDICT_REJECTED;
    capture.client_port = 1024;
    expect(&log, &capture, 0,
           "session 198.51.100.4:1024, 1 s, connect: rejected\n"
           "    reply 554 connect dnsbl \"554 listed at zen\"\n");
}
END_TEST

/* ---- Which are the same. */

enum { SESSIONS = 3000, CLIENTS = 300 };

struct truth {
    struct session log, capture;
    struct transaction log_transaction, capture_transaction;
    char helo[24], sender[24];
    bool in_log, in_capture, paired;
};

struct drawn {
    struct truth *truth;
    usec offset;
    unsigned pairs, wrong;
};

/* Session i has id 2 i + 1 in the log, 2 i + 2 in the capture. */
static int pair_found(void *state, int64_t log, int64_t capture, usec offset)
{
    struct drawn *drawn = state;
    drawn->pairs++;
    if (capture != log + 1)
        drawn->wrong++;
    else
        drawn->truth[log / 2].paired = true;
    ck_assert(llabs(offset - drawn->offset) <= 2 * USEC_SECOND);
    return 0;
}

struct arrival {
    usec at;
    const struct session *session;
    bool captured;
};

static int by_arrival(const void *left, const void *right)
{
    const struct arrival *a = left, *b = right;
    return a->at != b->at ? (a->at > b->at) - (a->at < b->at)
                          : (a->session->id > b->session->id) - (a->session->id < b->session->id);
}

/* Traffic of a day as a log with the port or without it, and stamps of whole seconds, has it, and as a
 * capture has it; some sessions are in one only. */
static struct drawn draw_day(uint64_t seed, bool ports, usec offset)
{
    struct chance chance = { seed };
    struct drawn drawn = { .truth = calloc(SESSIONS, sizeof(struct truth)), .offset = offset };
    static struct arrival arrival[2 * SESSIONS];
    size_t arrivals = 0;
    for (int i = 0; i < SESSIONS; i++) {
        struct truth *truth = &drawn.truth[i];
        usec began = BEGAN + (usec)draw(&chance, (uint64_t)USEC_DAY),
             lasts = (usec)draw(&chance, 20 * USEC_SECOND);
        truth->capture = record(began, NULL, 0, NULL, 0);
        truth->capture.id = 2 * i + 2;
        truth->capture.ended = began + lasts;
        truth->capture.client = ip_from_v4(0xc6330000u + (uint32_t)draw(&chance, CLIENTS));
        truth->capture.client_port = (uint16_t)(1024 + draw(&chance, 60000));
        snprintf(truth->helo, sizeof truth->helo, "h%u.test", (unsigned)draw(&chance, 20));
        if (draw(&chance, 4)) {
            snprintf(truth->sender, sizeof truth->sender, "s%u@x.test", (unsigned)draw(&chance, 100));
            truth->capture_transaction = from(truth->sender, NULL, 0, VERDICT_NONE);
            truth->capture.transactions = &truth->capture_transaction;
            truth->capture.transaction_count = 1;
        }
        truth->capture.helo = str_of(truth->helo);
        truth->log = truth->capture;
        truth->log.id = 2 * i + 1;
        truth->log.started += offset + (usec)draw(&chance, (uint64_t)lasts / 2 + 1);
        truth->log.started -= truth->log.started % USEC_SECOND;
        truth->log.ended = USEC_NONE;
        if (!ports)
            truth->log.client_port = 0;
        if (draw(&chance, 3) == 0)
            truth->log.helo = (struct str){ NULL, 0 };
        truth->in_log = draw(&chance, 10) > 0;
        truth->in_capture = draw(&chance, 10) > 0;
        if (truth->in_log)
            arrival[arrivals++] = (struct arrival){ truth->log.started, &truth->log, false };
        if (truth->in_capture)
            arrival[arrivals++] = (struct arrival){ truth->capture.started, &truth->capture, true };
    }
    qsort(arrival, arrivals, sizeof *arrival, by_arrival);
    struct matching *matching = matching_new(pair_found, &drawn);
    for (size_t i = 0; i < arrivals; i++)
        ck_assert_int_eq(matching_add(matching, arrival[i].session, arrival[i].captured), 0);
    ck_assert_int_eq(matching_finish(matching), 0);
    matching_free(matching);
    return drawn;
}

static unsigned missed(const struct drawn *drawn)
{
    unsigned count = 0;
    for (int i = 0; i < SESSIONS; i++)
        count += drawn->truth[i].in_log && drawn->truth[i].in_capture && !drawn->truth[i].paired;
    return count;
}

static const usec offsets[] = { 0, 90 * USEC_SECOND, -USEC_HOUR, 5 * USEC_HOUR + 30 * USEC_MINUTE };

/* With the port, each session is found, and no other. */
START_TEST(with_ports_all_are_found)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct drawn drawn = draw_day(seed, true, offsets[seed % 4]);
        ck_assert_uint_gt(drawn.pairs, SESSIONS * 3 / 4);
        ck_assert_uint_eq(drawn.wrong, 0);
        ck_assert_uint_eq(missed(&drawn), 0);
        free(drawn.truth);
    }
}
END_TEST

/* Without it a client's two sessions at once, of which nothing else is known, may be taken for each other:
 * one in two hundred here. */
START_TEST(without_ports_hardly_any_is_mistaken)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct drawn drawn = draw_day(seed, false, offsets[seed % 4]);
        ck_assert_uint_gt(drawn.pairs, SESSIONS * 3 / 4);
        fprintf(stderr, "seed %d: pairs %u, wrong %u, missed %u\n", (int)seed, drawn.pairs, drawn.wrong,
                missed(&drawn));
        ck_assert_uint_le(drawn.wrong * 200, drawn.pairs);
        ck_assert_uint_le(missed(&drawn) * 200, drawn.pairs);
        free(drawn.truth);
    }
}
END_TEST

static int count_pair(void *state, int64_t log, int64_t capture, usec offset)
{
    (void)log;
    (void)capture;
    (void)offset;
    ++*(int *)state;
    return 0;
}

static int pairs_of(const struct session *log, const struct session *capture)
{
    int pairs = 0;
    struct matching *matching = matching_new(count_pair, &pairs);
    ck_assert_int_eq(matching_add(matching, log, false), 0);
    ck_assert_int_eq(matching_add(matching, capture, true), 0);
    ck_assert_int_eq(matching_finish(matching), 0);
    matching_free(matching);
    return pairs;
}

/* Sendmail's log has no port, no HELO, and of a session only the transaction that took data; of the
 * capture's, which ends within the session, the first was refused. They began at once: nothing says that they
 * are two. */
START_TEST(open_where_the_capture_ends)
{
    struct transaction of_log[] = { from("last@good.test", NULL, 0, VERDICT_NONE) };
    struct transaction of_capture[] = { from("first@good.test", NULL, 0, VERDICT_REJECTED),
                                        from("last@good.test", NULL, 0, VERDICT_NONE) };
    struct session log = record(BEGAN + 2000, of_log, 1, NULL, 0),
                   capture = record(BEGAN, of_capture, 2, NULL, 0);
    capture.client_port = 1024;
    log.ended = BEGAN + 17 * USEC_SECOND;
    capture.ended = USEC_NONE;
    ck_assert_int_eq(pairs_of(&log, &capture), 1);
    capture.ended = BEGAN + 5 * USEC_SECOND; /* that is another */
    ck_assert_int_eq(pairs_of(&log, &capture), 0);
    capture.ended = USEC_NONE;
    log.helo = STR("other.test");
    capture.helo = STR("this.test");
    ck_assert_int_eq(pairs_of(&log, &capture), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("joint");
    TCase *cases = tcase_create("joint");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_one_has_alone_is_taken_from_it);
    tcase_add_test(cases, contradictions_are_told);
    tcase_add_test(cases, what_tls_hides_is_the_logs);
    tcase_add_test(cases, a_log_without_a_dialog_gets_the_captures);
    tcase_add_test(cases, a_refusal_at_connect_stays);
    tcase_add_test(cases, open_where_the_capture_ends);
    tcase_add_test(cases, with_ports_all_are_found);
    tcase_add_test(cases, without_ports_hardly_any_is_mistaken);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}
