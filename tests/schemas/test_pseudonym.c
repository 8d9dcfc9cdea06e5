/* Pseudonyms: what a measure looks at is as before. The classes below are worked out by hand from RFC
 * 6647 2.4 and semantics.md, "normalise": texts of one class are one key to a greylist, texts of two are two.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/pseudonym.h"

static struct arena arena;
static struct pseudonyms *pseudonyms, *keeping;

static void begin(void)
{
    static const char key[] = "0123456789abcdef0123456789abcdef";
    pseudonyms = pseudonyms_new(STR(key), DOMAINS_HASH);
    keeping = pseudonyms_new(STR(key), DOMAINS_KEEP);
}

static void end(void)
{
    pseudonyms_free(pseudonyms);
    pseudonyms_free(keeping);
    arena_free(&arena);
}

static struct str address(const char *text)
{
    return pseudonym_address(pseudonyms, &arena, str_of(text));
}

static struct str domain(const char *text)
{
    return pseudonym_domain(pseudonyms, &arena, str_of(text));
}

static struct str helo(const char *text)
{
    return pseudonym_helo(pseudonyms, &arena, str_of(text));
}

static void expect(struct str is, const char *expected)
{
    ck_assert_msg(str_eq(is, str_of(expected)), "%.*s, expected %s", STR_ARG(is), expected);
}

static struct ip ip_of(const char *text)
{
    struct ip ip = { 0 };
    ck_assert(ip_parse(str_of(text), &ip));
    return ip;
}

static unsigned common_bits(const struct ip *a, const struct ip *b)
{
    unsigned bits = 0;
    while (bits < 128 && !((a->octet[bits / 8] ^ b->octet[bits / 8]) >> (7 - bits % 8) & 1))
        bits++;
    return bits;
}

/* ---- Addresses. */

static uint32_t random_number(void)
{
    static uint64_t state;
    state++;
    return (uint32_t)bytes_hash(&state, sizeof state, 1);
}

START_TEST(prefixes)
{
    for (int i = 0; i < 20000; i++) {
        struct ip a = ip_from_v4(random_number()), b = a;
        if (i % 2)
            for (int k = 0; k < 16; k++)
                a.octet[k] = b.octet[k] = (uint8_t)random_number();
        unsigned at = ip_is_v4(&a) ? 96 + random_number() % 32 : random_number() % 128;
        b.octet[at / 8] ^= (uint8_t)(0x80u >> at % 8);
        struct ip to_a = pseudonym_ip(pseudonyms, &a), to_b = pseudonym_ip(pseudonyms, &b);
        ck_assert_uint_eq(common_bits(&to_a, &to_b), at);
        ck_assert(ip_is_v4(&to_a) == ip_is_v4(&a));
        struct prefix network = ip_network(&a, random_number() % 33, random_number() % 129),
                      named = pseudonym_prefix(pseudonyms, &network);
        ck_assert_uint_eq(named.bits, network.bits);
        ck_assert(prefix_holds(&named, &to_a));
        ck_assert(prefix_holds(&named, &to_b) == prefix_holds(&network, &b));
    }
}
END_TEST

START_TEST(loopback)
{
    static const char *const stay[] = { "::1", "::" };
    for (size_t i = 0; i < 2; i++) {
        struct ip ip = ip_of(stay[i]), to = pseudonym_ip(pseudonyms, &ip);
        ck_assert(ip_eq(&ip, &to));
    }
    struct prefix own = { 0 };
    ck_assert(prefix_parse(STR("127.0.0.0/8"), &own));
    for (uint32_t i = 0; i < 100000; i++) {
        struct ip ip = ip_from_v4(i * 42949u), to = pseudonym_ip(pseudonyms, &ip);
        ck_assert(prefix_holds(&own, &ip) == prefix_holds(&own, &to));
    }
}
END_TEST

/* ---- Mailboxes. */

/* `same`: one key to a greylist when they are senders; `as_recipients`: also when they are recipients. All
 * differ, and by more than case but where it says so. */
static const struct {
    const char *one, *other;
    bool same, as_recipients;
} pairs[] = {
    { "ann@shop.test", "ANN@shop.test", true, true },
    { "ann@shop.test", "ann@SHOP.test", true, true },
    { "ann@shop.test", "ann+news@shop.test", true, true },
    { "ann+a@shop.test", "ann+b@shop.test", true, true },
    { "ann@shop.test", "prvs=0123abcdef=ann@shop.test", true, true },
    { "prvs=1=ann@shop.test", "PRVS=2=ann@shop.test", true, true },
    { "prvs=1=ann+x@shop.test", "ann@shop.test", true, true },
    { "bounce-17-ann@shop.test", "bounce-4711-ann@shop.test", true, false },
    { "17@shop.test", "4@shop.test", true, false },
    { "ann17@shop.test", "ann18@shop.test", false, false },
    { "17ann@shop.test", "18ann@shop.test", false, false },
    { "ann@shop.test", "bob@shop.test", false, false },
    { "ann@shop.test", "ann@mail.shop.test", false, false },
    { "ann", "ann@shop.test", false, false },
    { "prvs=ann@shop.test", "ann@shop.test", false, false },
};

/* semantics.md, "normalise", written anew and plainly; what is in `to` is good until the next call. */
static const char *greylist_key(struct str from, bool sender)
{
    static char to[2][200];
    static int turn;
    char *key = to[turn++ % 2], *end = key;
    char text[200];
    snprintf(text, sizeof text, "%.*s", STR_ARG(from));
    for (char *c = text; *c; c++)
        *c = ascii_lower(*c);
    char *host = strrchr(text, '@');
    if (!host)
        host = text + strlen(text);
    char *local = text, *tag = strncmp(text, "prvs=", 5) == 0 ? strchr(text + 5, '=') : NULL;
    if (tag && tag + 1 < host)
        local = tag + 1;
    while (local < host && *local != '+') {
        size_t digits = strspn(local, "0123456789");
        bool word_before = end > key && (is_alpha(end[-1]) || is_digit(end[-1]) || end[-1] == '_');
        bool word_after = is_alpha(local[digits]) || local[digits] == '_';
        if (sender && digits && !word_before && !word_after) {
            *end++ = '#';
            local += digits;
        } else {
            *end++ = *local++;
        }
    }
    memcpy(end, host, strlen(host) + 1);
    return key;
}

START_TEST(mailboxes)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct str one = address(pairs[i].one), other = address(pairs[i].other);
        ck_assert_msg(!str_eq(one, other), "%s and %s are one", pairs[i].one, pairs[i].other);
        bool same = strcmp(greylist_key(one, true), greylist_key(other, true)) == 0;
        ck_assert_msg(same == pairs[i].same, "senders %s, %s: %.*s, %.*s", pairs[i].one, pairs[i].other,
                      STR_ARG(one), STR_ARG(other));
        same = strcmp(greylist_key(one, false), greylist_key(other, false)) == 0;
        ck_assert_msg(same == pairs[i].as_recipients, "recipients %s, %s: %.*s, %.*s", pairs[i].one,
                      pairs[i].other, STR_ARG(one), STR_ARG(other));
        bool by_case = strlen(pairs[i].one) == strlen(pairs[i].other) &&
                       str_eq_nocase(str_of(pairs[i].one), str_of(pairs[i].other));
        ck_assert(str_eq_nocase(one, other) == by_case);
        /* and the plain key maker is right about the originals */
        ck_assert((strcmp(greylist_key(str_of(pairs[i].one), true),
                          greylist_key(str_of(pairs[i].other), true)) == 0) == pairs[i].same);
    }
    ck_assert_ptr_null(pseudonym_address(pseudonyms, &arena, (struct str){ NULL, 0 }).at);
    expect(address(""), "");
    expect(address("postmaster"), "postmaster");
    expect(address("postmaster@example.org"), "postmaster@example.org");
    ck_assert(str_eq_nocase(address("PostMaster@example.org"), STR("postmaster@example.org")));
    ck_assert(str_starts(address("prvs=123=ann@shop.test"), STR("prvs=")));
    ck_assert(!str_find(address("ann"), STR("@")));
    ck_assert(!str_find(address("ann@host"), STR(".")));
}
END_TEST

/* ---- Names. */

START_TEST(domains)
{
    expect(domain("co.uk"), "co.uk");
    expect(domain("com"), "com");
    expect(domain("example.org"), "example.org");
    ck_assert(str_ends(domain("mx.example.org"), STR(".example.org")));
    ck_assert(!str_find(domain("mx.example.org"), STR("mx")));
    ck_assert(str_ends(domain("shop.co.uk"), STR(".co.uk")));
    ck_assert(!str_find(domain("shop.co.uk"), STR("shop")));
    ck_assert(!str_find(domain("pc.mueller"), STR("mueller")));
    /* below another, whatever the case */
    struct str outer = domain("shop.test"), inner = domain("a.b.Shop.Test");
    ck_assert(str_ends(inner, arena_printf(&arena, ".%.*s", STR_ARG(outer))));
    ck_assert(!str_eq(domain("a.shop.test"), domain("a.news.test")));
    ck_assert(str_ends(domain("shop.test."), STR(".test.")));
    /* registered names stay where they are to, and nothing else */
    struct str kept = pseudonym_domain(keeping, &arena, STR("203-0-113-5.dyn.isp.test"));
    ck_assert(str_ends(kept, STR(".isp.test")));
    ck_assert(!str_find(kept, STR("113")) && !str_find(kept, STR("dyn")));
    ck_assert(!str_find(pseudonym_domain(keeping, &arena, STR("pc.mueller")), STR("mueller")));
    /* an exception of the list: www.ck is registered, other names below ck are registries */
    expect(domain("www.ck"), "www.ck");
    char longest[256];
    for (int i = 0; i < 255; i++)
        longest[i] = i % 2 ? '.' : 'a';
    longest[255] = '\0';
    ck_assert_uint_le(domain(longest).len, 255);
    expect(domain("..."), "...");
}
END_TEST

/* As Postfix's valid_hostname() and ip_parse() have it. */
static bool is_name(struct str text)
{
    bool letter = false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alpha(text.at[i]) && !is_digit(text.at[i]) && !strchr(".-_", text.at[i]))
            return false;
        letter |= !is_digit(text.at[i]) && text.at[i] != '.';
    }
    return letter && text.at[0] != '.' && text.at[0] != '-' && text.at[text.len - 1] != '-' &&
           !str_find(text, STR(".."));
}

START_TEST(helos)
{
    static const char *const names[] = { "mail.shop.test", "localhost", "a_b.test", "x" }, *const others[] = {
        "a b", "-x.test", "a..b", "a-", "1.2.3", "<x>", "x@y.test", "!"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str to = helo(names[i]);
        ck_assert_msg(is_name(to), "%s: %.*s", names[i], STR_ARG(to));
        ck_assert(!str_find(to, STR(".")) == !strchr(names[i], '.'));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct ip ip;
        struct str to = helo(others[i]);
        ck_assert_msg(!is_name(to) && !ip_parse(to, &ip) && to.at[0] != '[', "%s: %.*s", others[i],
                      STR_ARG(to));
    }
    struct ip ip = ip_of("192.0.2.1"), to = pseudonym_ip(pseudonyms, &ip), found;
    char text[IP_TEXT_BYTES];
    ip_format(&to, text);
    expect(helo("192.0.2.1"), text);
    expect(helo("[192.0.2.1]"), arena_printf(&arena, "[%s]", text).at);
    struct str v6 = helo("[IPv6:2001:db8::1]");
    ck_assert(str_starts(v6, STR("[IPv6:")) && v6.at[v6.len - 1] == ']');
    ck_assert(ip_parse((struct str){ v6.at + 1, v6.len - 2 }, &found));
    struct str bad = helo("[192.0.2]");
    ck_assert(bad.at[0] == '[' && bad.at[bad.len - 1] != ']');
}
END_TEST

START_TEST(zones)
{
    expect(pseudonym_zone(pseudonyms, &arena, STR("zen.spamhaus.org")), "zen.spamhaus.org");
    expect(pseudonym_zone(pseudonyms, &arena, STR("b.barracudacentral.org")), "b.barracudacentral.org");
    struct str keyed =
        pseudonym_zone(pseudonyms, &arena, STR("abcdefghij0123456789klmnop.zen.dq.spamhaus.net"));
    ck_assert(str_ends(keyed, STR(".zen.dq.spamhaus.net")));
    ck_assert(!str_find(keyed, STR("0123456789")));
}
END_TEST

/* ---- A session: free texts. */

START_TEST(free_texts)
{
    static const struct {
        const char *text, *named; /* with C, N, H, S, R for the pseudonyms */
    } cases[] = {
        { "Client host rejected: cannot find your hostname, [192.0.2.1]",
          "Client host rejected: cannot find your hostname, [C]" },
        { "<gwen@shop.test>: Sender address rejected: Domain not found",
          "<S>: Sender address rejected: Domain not found" },
        { "<hello.isp.test>: Helo command rejected: Host not found",
          "<H>: Helo command rejected: Host not found" },
        { "User unknown: gwen.miller", NULL },
        { "see http://list.test/q?192.0.2.1 or call Mueller", NULL },
        { "1.2.0.192.in-addr.arpa 192-0-2-1 c0000201", NULL },
        { "450 4.7.1 try again later", "450 4.7.1 try again later" },
    };
    struct reply reply = { .code = 450, .stage = STAGE_RCPT };
    struct recipient recipient = { .address = STR("bob@home.test") };
    struct transaction transaction = { .mail_from = STR("gwen@shop.test"),
                                       .recipients = &recipient,
                                       .recipient_count = 1 };
    struct session session = { .id = 1,
                               .client = ip_of("192.0.2.1"),
                               .client_name = STR("host-192-0-2-1.isp.test"),
                               .helo = STR("hello.isp.test"),
                               .transactions = &transaction,
                               .transaction_count = 1 },
                   to;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply.text = str_of(cases[i].text);
        recipient.reply = reply;
        pseudonym_session(pseudonyms, &arena, &session, &to);
        struct str named = to.transactions[0].recipients[0].reply.text;
        static const char *const secret[] = { "gwen",  "miller", "Mueller",  "shop", "isp",
                                              "hello", "192",    "c0000201", "list" };
        for (size_t k = 0; k < sizeof secret / sizeof *secret; k++)
            ck_assert_msg(!str_find(named, str_of(secret[k])), "%s: %.*s", secret[k], STR_ARG(named));
        if (!cases[i].named)
            continue;
        char text[IP_TEXT_BYTES];
        ip_format(&to.client, text);
        const struct str by[256] = {
            ['C'] = str_of(text), ['H'] = to.helo, ['S'] = to.transactions[0].mail_from
        };
        struct str expected = STR("");
        for (const char *c = cases[i].named; *c; c++) {
            bool marked = (c > cases[i].named && strchr("<[", c[-1])) && by[(unsigned char)*c].at;
            expected = arena_printf(&arena, "%.*s%.*s", STR_ARG(expected),
                                    marked ? (int)by[(unsigned char)*c].len : 1,
                                    marked ? by[(unsigned char)*c].at : c);
        }
        ck_assert_msg(str_eq(named, expected), "%.*s, expected %.*s", STR_ARG(named), STR_ARG(expected));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pseudonym");
    TCase *cases = tcase_create("pseudonym");
    tcase_add_checked_fixture(cases, begin, end);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, prefixes);
    tcase_add_test(cases, loopback);
    tcase_add_test(cases, mailboxes);
    tcase_add_test(cases, domains);
    tcase_add_test(cases, helos);
    tcase_add_test(cases, zones);
    tcase_add_test(cases, free_texts);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
