/* Labels of wanted and unwanted mail: each sign by itself, which outweighs which, and what is left where the
 * measure that a sign rests on is judged. The expected labels are semantics.md's section 7, case by case. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "analyze/wanted.h"

/* Sessions of one transaction with one recipient, a minute apart. */
struct given {
    struct session session;
    struct transaction transaction;
    struct recipient recipient;
    struct evidence evidence;
};

static struct columns *columns;
static usec now;

static void begin(void)
{
    columns = columns_new();
    now = 1000000 * USEC_SECOND;
}

static void end(void)
{
    columns_free(columns);
}

static struct given make(const char *client, const char *from, const char *to, int16_t code,
                         enum named measure)
{
    static int64_t id;
    now += USEC_MINUTE;
    id = columns && now == 1000000 * USEC_SECOND + USEC_MINUTE ? 1 : id + 1;
    struct given given = {
        .session = { .id = id, .started = now, .ended = now, .server = STR("mx"), .stage = STAGE_EOM },
        .transaction = { .mail_from = str_of(from), .size = -1, .at = now },
        .recipient = { .address = str_of(to), .at = now }
    };
    given.recipient.reply = (struct reply){ .code = code, .named = (uint8_t)measure, .stage = STAGE_RCPT };
    given.transaction.verdict = code < 400 ? VERDICT_ACCEPTED : VERDICT_NONE;
    ck_assert(ip_parse(str_of(client), &given.session.client));
    return given;
}

static void put(struct given *given)
{
    given->transaction.recipients = &given->recipient;
    given->transaction.recipient_count = 1;
    given->session.transactions = &given->transaction;
    given->session.transaction_count = 1;
    given->session.evidence = &given->evidence;
    session_conclude(&given->session);
    columns_add(columns, &given->session);
}

static void mail(const char *client, const char *from, const char *to, int16_t code, enum named measure)
{
    struct given given = make(client, from, to, code, measure);
    put(&given);
}

static void mail_with(enum kind kind, enum tri state, int64_t a, int64_t b)
{
    struct given given = make("192.0.2.77", "x@far.example", "u@ours.example", 250, NAMED_NONE);
    given.evidence = (struct evidence){
        .kind = (uint8_t)kind, .state = (uint8_t)state, .transaction = -1, .recipient = -1, .a = a, .b = b
    };
    given.session.evidence_count = 1;
    put(&given);
}

static void provide(enum kind kind, enum about about, const char *of, enum tri state, usec from, usec to)
{
    struct provider provider = { .kind = (uint8_t)kind,
                                 .origin = ORIGIN_LIST,
                                 .about = (uint8_t)about,
                                 .subject = STR("label"),
                                 .from = from,
                                 .to = to,
                                 .taken = now };
    struct provided provided = { .at = now, .state = (uint8_t)state, .name = str_of(of) };
    if (about == ABOUT_CLIENT) {
        ck_assert(ip_parse(str_of(of), &provided.client));
        provided.name = (struct str){ NULL, 0 };
    }
    columns_provide(columns, &provider, &provided);
}

static void label(enum about about, const char *of, enum tri state)
{
    provide(KIND_LABEL, about, of, state, USEC_NONE, USEC_NONE);
}

/* What the attempts are labelled, in order: a letter each, of n(one), w(anted), u(nwanted), p(resumed). */
static void expect(const char *letters, enum named judged)
{
    struct wanted wanted = wanted_new(columns, NULL);
    char found[64] = "";
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        found[a] = label_name[wanted_attempt(&wanted, a, judged, NULL)][0];
    ck_assert_str_eq(found, letters);
    wanted_free(&wanted);
}

START_TEST(test_accepted_is_presumed)
{
    begin();
    mail("192.0.2.1", "a@far.example", "u@ours.example", 250, NAMED_NONE);
    mail("192.0.2.2", "b@far.example", "u@ours.example", 450, NAMED_GREYLIST);
    mail_with(KIND_FATE, NO, 0, 0); /* accepted, and bounced */
    mail_with(KIND_FATE, YES, 0, 0);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("pnnp", NAMED_NONE);
    end();
}
END_TEST

START_TEST(test_content)
{
    begin();
    mail_with(KIND_VIRUS, YES, 0, 0);
    mail_with(KIND_SPAM, YES, INT64_MIN, INT64_MIN);
    mail_with(KIND_SPAM, UNKNOWN, 6000, 5000);
    mail_with(KIND_SPAM, UNKNOWN, 4000, 5000);
    mail("192.0.2.1", "a@far.example", "u@ours.example", 550, NAMED_SPAM);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("uuupu", NAMED_NONE);
    expect("upppn", NAMED_SPAM);
    expect("puupu", NAMED_VIRUS);
    end();
}
END_TEST

START_TEST(test_clients)
{
    begin();
    for (int i = 0; i < 4; i++) /* the fifth in ten minutes is one too many */
        mail("192.0.2.1", "a@far.example", "nobody@ours.example", 550, NAMED_RECIPIENT);
    mail("192.0.2.2", "a@far.example", "nobody@ours.example", 550, NAMED_RECIPIENT);
    mail("192.0.2.2", "c@far.example", "u@ours.example", 250, NAMED_NONE);
    mail("192.0.2.1", "d@far.example", "u@ours.example", 250, NAMED_NONE);
    mail("198.51.100.1", "e@far.example", "u@other.example", 554, NAMED_RELAY);
    mail("198.51.100.1", "f@far.example", "u@ours.example", 250, NAMED_NONE);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("nnnnuupuu", NAMED_NONE);
    expect("nnnnnppuu", NAMED_DICTIONARY);
    expect("nnnnuupnp", NAMED_RELAY);
    end();
}
END_TEST

START_TEST(test_correspondents)
{
    begin();
    mail("192.0.2.1", "Friend@far.example", "u@ours.example", 250, NAMED_NONE); /* before */
    struct given out =
        make("192.0.2.9", "prvs=0123abcdef=U@ours.example", "friend@far.example", 250, NAMED_NONE);
    out.session.direction = DIRECTION_OUT;
    put(&out);
    mail("192.0.2.1", "FRIEND@far.example", "u@Ours.example", 450, NAMED_GREYLIST);
    mail("192.0.2.1", "friend@far.example", "v@ours.example", 450, NAMED_GREYLIST); /* another of ours */
    mail("192.0.2.1", "", "u@ours.example", 450, NAMED_GREYLIST);
    struct given in = make("192.0.2.5", "v@ours.example", "late@far.example", 250, NAMED_NONE);
    in.session.auth_user = STR("v");
    put(&in);
    mail("192.0.2.1", "late@far.example", "v@ours.example", 450, NAMED_GREYLIST);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("pwnnww", NAMED_NONE);
    end();
}
END_TEST

START_TEST(test_own_networks)
{
    begin();
    mail("192.0.2.25", "u@ours.example", "friend@far.example", 250, NAMED_NONE);
    mail("198.51.100.1", "friend@far.example", "u@ours.example", 450, NAMED_GREYLIST);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("pn", NAMED_NONE);
    struct prefix prefix;
    ck_assert(prefix_parse(STR("192.0.2.0/24"), &prefix));
    const struct networks own = { &prefix, 1, NULL };
    struct wanted wanted = wanted_new(columns, &own);
    enum sign sign;
    ck_assert_int_eq(wanted_attempt(&wanted, 1, NAMED_NONE, &sign), LABEL_WANTED);
    ck_assert_int_eq(sign, SIGN_CORRESPONDENT);
    wanted_free(&wanted);
    end();
}
END_TEST

START_TEST(test_user_outweighs)
{
    begin();
    label(ABOUT_CLIENT, "192.0.2.1", NO);
    label(ABOUT_SENDER, "a@far.example", YES);
    label(ABOUT_MESSAGE_ID, "one@far.example", NO);
    label(ABOUT_SESSION, "4", YES);
    provide(KIND_TRAP, ABOUT_RECIPIENT, "trap@ours.example", YES, USEC_NONE, USEC_NONE);
    mail("192.0.2.1", "z@far.example", "u@ours.example", 250, NAMED_NONE); /* the client's */
    mail("192.0.2.1", "A@far.example", "u@ours.example", 250, NAMED_NONE); /* the sender's */
    for (int i = 0; i < 2; i++) {
        struct given given = make("192.0.2.1", "a@far.example", "u@ours.example", 250, NAMED_NONE);
        given.transaction.message_id = STR("<One@far.example>");
        put(&given); /* the message's, then the session's */
    }
    mail("192.0.2.9", "q@far.example", "Trap@ours.example", 250, NAMED_NONE);
    mail("192.0.2.9", "a@far.example", "trap@ours.example", 250, NAMED_NONE);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("uwuwuw", NAMED_NONE);
    end();
}
END_TEST

START_TEST(test_periods)
{
    begin();
    usec third = now + 3 * USEC_MINUTE;
    provide(KIND_LABEL, ABOUT_SENDER, "a@far.example", YES, USEC_NONE, USEC_NONE);
    provide(KIND_LABEL, ABOUT_SENDER, "a@far.example", NO, third, third + USEC_MINUTE); /* the later word */
    for (int i = 0; i < 4; i++)
        mail("192.0.2.1", "a@far.example", "u@ours.example", 250, NAMED_NONE);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    expect("wwuw", NAMED_NONE);
    end();
}
END_TEST

START_TEST(test_delivery)
{
    begin();
    label(ABOUT_SESSION, "2", YES);
    mail("192.0.2.1", "a@far.example", "u@ours.example", 450, NAMED_GREYLIST);
    mail("192.0.2.1", "a@far.example", "u@ours.example", 250, NAMED_NONE);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    struct wanted wanted = wanted_new(columns, NULL);
    enum sign sign;
    ck_assert_int_eq(wanted_attempt(&wanted, 0, NAMED_NONE, &sign), LABEL_NONE);
    ck_assert_int_eq(sign, SIGNS);
    ck_assert_int_eq(wanted_delivery(&wanted, 0, NAMED_NONE, &sign), LABEL_WANTED);
    ck_assert_int_eq(sign, SIGN_SESSION_WANTED);
    ck_assert_uint_eq(wanted_signs(&wanted, 0), 1u << SIGN_SESSION_WANTED | 1u << SIGN_ACCEPTED);
    wanted_free(&wanted);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wanted");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_accepted_is_presumed);
    tcase_add_test(all, test_content);
    tcase_add_test(all, test_clients);
    tcase_add_test(all, test_correspondents);
    tcase_add_test(all, test_own_networks);
    tcase_add_test(all, test_user_outweighs);
    tcase_add_test(all, test_periods);
    tcase_add_test(all, test_delivery);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
