/* DNS answers: messages as RFC 1035 has them, written here byte by byte, and what they mean for a session. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include "collect/capture/answers.h"
#include "collect/capture/dns.h"
#include "tests/lib/inputs.h"

#define HEADER(id, flags, answers, authorities) id flags "\0\1" answers authorities "\0\0"

/* ---- Messages. */

START_TEST(names_and_records_are_read)
{
    /* 9.113.0.203.in-addr.arpa PTR: a CNAME as RFC 2317 has it, then the name, compressed. */
    static const char bytes[] = HEADER("\x12\x34", "\x84\0", "\0\2", "\0\0")
        /* 12 */ "\1"
                 "9\3"
                 "113\1"
                 "0\3"
                 "203\7in-addr\4arpa\0\0\x0c\0\1"
                 /* 42 */ "\xc0\x0c\0\5\0\1\0\0\1\x2c\0\7\4ZEN9\xc0\x0e"
                 /* 61 */ "\xc0\x36\0\x0c\0\1\0\0\1\x2c\0\x10\4MaIl\4a\\.b\4test\0";
    struct dns_message message;
    struct dns_record record;
    struct dns_name name;
    ck_assert(dns_begin(&message, (struct str){ bytes, sizeof bytes - 1 }));
    ck_assert(message.response && message.authoritative && !message.recursive && !message.truncated);
    ck_assert_uint_eq(message.id, 0x1234);
    ck_assert_uint_eq(message.type, DNS_PTR);
    ck_assert(str_eq(dns_name_text(&message.name), STR("9.113.0.203.in-addr.arpa")));
    ck_assert(dns_next(&message, &record));
    ck_assert_uint_eq(record.type, 5);
    ck_assert(dns_data_name(&message, &record, 0, &name));
    ck_assert(str_eq(dns_name_text(&name), STR("zen9.113.0.203.in-addr.arpa")));
    ck_assert(dns_next(&message, &record));
    ck_assert(record.answer);
    ck_assert_uint_eq(record.type, DNS_PTR);
    ck_assert_uint_eq(record.ttl, 300);
    ck_assert(dns_data_name(&message, &record, 0, &name));
    /* a dot inside a label is none between two */
    ck_assert(str_eq(dns_name_text(&name), STR("mail.a\\\\\\.b.test")));
    ck_assert(!dns_next(&message, &record));
}
END_TEST

static bool begins(const char *bytes, size_t len)
{
    struct dns_message message;
    return dns_begin(&message, (struct str){ bytes, len });
}
#define BEGINS(literal) begins(literal, sizeof(literal) - 1)

START_TEST(broken_messages_are_refused)
{
    ck_assert(BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\1a\0\0\1\0\1"));
    ck_assert_msg(!BEGINS("\0\1\1\0"), "short header");
    ck_assert_msg(!BEGINS("\0\1\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1a\0\0\1\0\1"), "two questions");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\xc0\x0c\0\1\0\1"), "a pointer to itself");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\1a\xc0\x0c\0\1\0\1"), "a loop");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\xc0\x20\0\1\0\1"), "a pointer ahead");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\x40\0\0\1\0\1"),
                  "a label type that is none");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\5ab\0"), "a label beyond the end");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\1\0", "\0\0", "\0\0") "\1a\0\0\1\0\3"), "of class CH");
    ck_assert_msg(!BEGINS(HEADER("\0\1", "\x28\0", "\0\0", "\0\0") "\1a\0\0\1\0\1"), "an update");
    char longest[12 + 4 * 64 + 5] = HEADER("\0\1", "\1\0", "\0\0", "\0\0"), *at = longest + 12;
    for (size_t label = 0; label < 4; label++) {
        *at++ = 63;
        memset(at, 'x', 63);
        at += 63;
    }
    memcpy(at, "\0\0\1\0\1", 5);
    ck_assert_msg(!begins(longest, (size_t)(at + 5 - longest)), "257 bytes of name");
}
END_TEST

START_TEST(text_is_joined)
{
    char text[8];
    ck_assert(dns_text_starts(STR("\3v=s\4pf1 \5-all."), STR("v=spf1")));
    ck_assert(!dns_text_starts(STR("\5v=spf"), STR("v=spf1")));
    ck_assert_uint_eq(dns_text(STR("\2ab\0\3cdefgh"), text, sizeof text), 7);
    ck_assert_mem_eq(text, "abcdegh", 7); /* the last string is longer than what is there */
}
END_TEST

/* ---- Exchanges. Times are seconds after the session's begin. */

#define BEGAN (1795392000 * USEC_SECOND)

static const struct answers_parties resolver = { { { [10] = 0xff, 0xff, 192, 0, 2, 10 } },
                                                 { { [10] = 0xff, 0xff, 192, 0, 2, 53 } },
                                                 5300 };

/* Writes a name as a message has it. */
static size_t put_name(char *to, const char *name)
{
    char *at = to;
    while (*name) {
        size_t n = strcspn(name, ".");
        *at++ = (char)n;
        memcpy(at, name, n);
        at += n;
        name += n + (name[n] == '.');
    }
    *at++ = '\0';
    return (size_t)(at - to);
}

struct answer {
    int seconds;
    const char *name;
    enum dns_type type;
    unsigned flags;   /* of the answer's header, with the rcode: 0x8480 an authority's, 0x8180 a resolver's */
    const char *data; /* of one record; NULL: none */
    size_t len;
    unsigned ttl;
    bool unasked;
};

static void tell(struct answers *answers, const struct answer *answer)
{
    static uint16_t id;
    id++;
    char bytes[512] = { (char)(id >> 8), (char)id, 1, 0, 0, 1 };
    size_t len = 12 + put_name(bytes + 12, answer->name);
    const char question[] = { 0, (char)answer->type, 0, 1 };
    memcpy(bytes + len, question, 4);
    len += 4;
    usec at = BEGAN + answer->seconds * USEC_SECOND;
    if (!answer->unasked)
        answers_take(answers, &resolver, false, (struct str){ bytes, len }, at);
    bytes[2] = (char)(answer->flags >> 8);
    bytes[3] = (char)answer->flags;
    if (answer->data) {
        const char record[] = { '\xc0',
                                12,
                                0,
                                (char)answer->type,
                                0,
                                1,
                                (char)(answer->ttl >> 24),
                                (char)(answer->ttl >> 16),
                                (char)(answer->ttl >> 8),
                                (char)answer->ttl,
                                0,
                                (char)answer->len };
        bytes[7] = 1;
        memcpy(bytes + len, record, sizeof record);
        memcpy(bytes + len + sizeof record, answer->data, answer->len);
        len += sizeof record + answer->len;
    }
    answers_take(answers, &resolver, true, (struct str){ bytes, len }, at);
}

struct told {
    char text[2048];
    size_t len;
};

static int keep(void *state, const struct session *session, struct why *why)
{
    struct told *told = state;
    (void)why;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        told->len += (size_t)snprintf(told->text + told->len, sizeof told->text - told->len,
                                      "%s%s%.*s %s%s%.*s", kind_name[evidence->kind],
                                      evidence->subject.len ? " " : "", STR_ARG(evidence->subject),
                                      evidence->state == YES  ? "yes"
                                      : evidence->state == NO ? "no"
                                                              : "unknown",
                                      evidence->detail.len ? " " : "", STR_ARG(evidence->detail));
        if (evidence->kind == KIND_DNSBL && evidence->state == YES)
            told->len +=
                (size_t)snprintf(told->text + told->len, sizeof told->text - told->len, " %llx ttl %lld",
                                 (unsigned long long)evidence->a, (long long)evidence->b);
        told->len += (size_t)snprintf(told->text + told->len, sizeof told->text - told->len, "\n");
    }
    return 0;
}

static int no_late(void *state, int64_t session, const struct evidence *evidence, struct why *why)
{
    (void)state;
    (void)session;
    (void)evidence;
    (void)why;
    ck_abort_msg("late evidence");
    return 0;
}

/* What a session of ten seconds from 203.0.113.9, with HELO mail.x.test and sender a@x.test, is told. */
static void expect(const struct answer *answer, size_t count, const char *expected)
{
    struct told told = { .len = 0 };
    struct sink sink = { &told, keep, no_late };
    struct builder *builder = builder_new(&sink, 1);
    struct answers *answers = answers_new(0);
    struct line line = { .at = BEGAN, .input = 1 };
    struct open_session *open = builder_open(builder, 0, &line);
    struct ip client = ip_from_v4(0xcb007109u);
    builder_set_client(builder, open, &client, 1024);
    open->session.helo = builder_keep(builder, open, STR("Mail.x.test"));
    builder_add_transaction(builder, open, BEGAN)->mail_from = builder_keep(builder, open, STR("a@X.test"));
    for (size_t i = 0; i < count; i++)
        tell(answers, &answer[i]);
    answers_note(answers, builder, open, BEGAN + 10 * USEC_SECOND);
    line.at = BEGAN + 10 * USEC_SECOND;
    builder_close(builder, open, &line, CLOSED_QUIT);
    ck_assert_int_eq(builder_finish(builder, NULL), 0);
    builder_free(builder);
    answers_free(answers);
    ck_assert_str_eq(told.text, expected);
}
#define EXPECT(expected, ...)                                                                                \
    do {                                                                                                     \
        const struct answer told_[] = { __VA_ARGS__ };                                                       \
        expect(told_, sizeof told_ / sizeof *told_, expected);                                               \
    } while (0)

#define PTR_NAME      "9.113.0.203.in-addr.arpa"
#define AS_PTR        "\4mail\1x\4test\0", 13, 300
#define FROM_RESOLVER 0x8180
#define NXDOMAIN      0x8183
#define SERVFAIL      0x8182

START_TEST(the_name_leads_back_or_not)
{
    EXPECT("rdns yes\nfcrdns yes\nhelo resolves yes\n", /* the HELO is that name */
           { 0, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false },
           { 1, "MAIL.x.test", DNS_A, FROM_RESOLVER, "\xcb\0\x71\x09", 4, 300, false });
    EXPECT("rdns yes\nfcrdns no\nhelo resolves yes\n", { 0, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false },
           { 1, "mail.x.test", DNS_A, FROM_RESOLVER, "\xcb\0\x71\x08", 4, 300, false });
    EXPECT("rdns yes\nfcrdns no\nhelo resolves no\n", { 0, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false },
           { 1, "mail.x.test", DNS_A, NXDOMAIN, NULL, 0, 0, false });
    EXPECT("rdns yes\nfcrdns unknown\n", { 0, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false },
           { 1, "mail.x.test", DNS_A, SERVFAIL, NULL, 0, 0, false });
    EXPECT("rdns no\nfcrdns no\n", { 0, PTR_NAME, DNS_PTR, NXDOMAIN, NULL, 0, 0, false });
    EXPECT("rdns unknown\nfcrdns unknown\n", { 0, PTR_NAME, DNS_PTR, SERVFAIL, NULL, 0, 0, false });
    /* a second server knew */
    EXPECT("rdns no\nfcrdns no\n", { 0, PTR_NAME, DNS_PTR, NXDOMAIN, NULL, 0, 0, false },
           { 1, PTR_NAME, DNS_PTR, SERVFAIL, NULL, 0, 0, false });
    /* neither authoritative nor recursive, and without an SOA: sent on to another server */
    EXPECT("rdns unknown\nfcrdns unknown\n", { 0, PTR_NAME, DNS_PTR, 0x8000, NULL, 0, 0, false });
}
END_TEST

START_TEST(an_answer_counts_in_its_time)
{
    EXPECT("", { 0, PTR_NAME, DNS_PTR, NXDOMAIN, NULL, 0, 0, true }); /* that nobody asked for */
    EXPECT("", { 11, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false });
    EXPECT("rdns yes\nfcrdns unknown\n", { -300, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false });
    EXPECT("", { -301, PTR_NAME, DNS_PTR, FROM_RESOLVER, AS_PTR, false });
}
END_TEST

START_TEST(lists_are_those_that_are_asked)
{
    EXPECT("dnsbl zen.example yes why 7f000004 ttl 60\n",
           { 0, "9.113.0.203.zen.example", DNS_A, FROM_RESOLVER, "\x7f\0\0\4", 4, 60, false },
           { 0, "9.113.0.203.zen.example", DNS_TXT, FROM_RESOLVER, "\3why", 4, 60, false });
    EXPECT("dnsbl zen.example no\n", { 0, "9.113.0.203.zen.example", DNS_A, NXDOMAIN, NULL, 0, 0, false });
    EXPECT("", { 0, "9.113.0.203.zen.example", DNS_A, SERVFAIL, NULL, 0, 0, false });
    EXPECT("", { 0, "8.113.0.203.zen.example", DNS_A, NXDOMAIN, NULL, 0, 0, false });
    /* its own name is made of its address */
    EXPECT("rdns yes\nfcrdns no\n",
           { 0, PTR_NAME, DNS_PTR, FROM_RESOLVER,
             "\1"
             "9\3"
             "113\1"
             "0\3"
             "203\3dyn\0",
             17, 300, false },
           { 0, "9.113.0.203.dyn", DNS_A, NXDOMAIN, NULL, 0, 0, false });
}
END_TEST

START_TEST(senders_have_domains)
{
    EXPECT("sender_domain exists yes x.test\nsender_domain mx yes x.test\nsender_domain null-mx no x.test\n"
           "sender_domain spf yes x.test\n",
           { 1, "x.test", DNS_MX, FROM_RESOLVER, "\0\12\1m\1x\4test\0", 12, 60, false },
           { 1, "x.test", DNS_TXT, FROM_RESOLVER, "\13v=spf1 -all", 12, 60, false });
    EXPECT("sender_domain exists yes x.test\nsender_domain mx yes x.test\nsender_domain null-mx yes x.test\n",
           { 1, "x.test", DNS_MX, FROM_RESOLVER, "\0\0\0", 3, 60, false }); /* RFC 7505 */
    EXPECT("sender_domain exists no x.test\nsender_domain mx no x.test\nsender_domain null-mx no x.test\n",
           { 1, "x.test", DNS_MX, NXDOMAIN, NULL, 0, 0, false });
    /* no MX, and nobody asked for an address */
    EXPECT("sender_domain mx no x.test\nsender_domain null-mx no x.test\n",
           { 1, "x.test", DNS_MX, FROM_RESOLVER, NULL, 0, 0, false });
    EXPECT("sender_domain spf no x.test\nspf x.test no none\n",
           { 1, "x.test", DNS_TXT, FROM_RESOLVER, "\5hello", 6, 60, false });
}
END_TEST

START_TEST(memory_is_bounded)
{
    enum { MOST = 64 * 1024 };
    struct answers *answers = answers_new(MOST);
    char name[64];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%d.113.0.203.z%d.example", i % 256, i);
        tell(answers, &(struct answer){ 0, name, DNS_A, NXDOMAIN, NULL, 0, 0, false });
    }
    ck_assert_uint_eq(answers_counts(answers)->answers, 20000);
    ck_assert_uint_le(answers_counts(answers)->bytes_most, MOST + 1024);
    answers_free(answers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns");
    TCase *cases = tcase_create("dns");
    tcase_add_test(cases, names_and_records_are_read);
    tcase_add_test(cases, broken_messages_are_refused);
    tcase_add_test(cases, text_is_joined);
    tcase_add_test(cases, the_name_leads_back_or_not);
    tcase_add_test(cases, an_answer_counts_in_its_time);
    tcase_add_test(cases, lists_are_those_that_are_asked);
    tcase_add_test(cases, senders_have_domains);
    tcase_add_test(cases, memory_is_bounded);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}
