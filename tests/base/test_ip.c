/* Addresses and prefixes: read, written, and what holds what. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ip.h"

static const struct {
    const char *text, *written; /* written == NULL: no address */
} addresses[] = {
    { "192.0.2.1", "192.0.2.1" },
    { "0.0.0.0", "0.0.0.0" },
    { "255.255.255.255", "255.255.255.255" },
    { "100.10.1.9", "100.10.1.9" },
    { "2001:DB8:0:0::1", "2001:db8::1" },  /* RFC 5952 4 */
    { "IPv6:2001:db8::1", "2001:db8::1" }, /* RFC 5321 4.1.3 */
    { "fe80::1%eth0", "fe80::1" },
    { "::ffff:192.0.2.1", "192.0.2.1" }, /* the same address */
    { "::", "::" },
    { "", NULL },
    { "192.0.2", NULL },
    { "192.0.2.1.5", NULL },
    { "192.0.2.256", NULL },
    { "192.0.02.1", NULL },
    { "192.0.2.1 ", NULL },
    { "192..2.1", NULL },
    { "1234.0.2.1", NULL },
    { "2001:db8::1::2", NULL },
    { "unknown", NULL },
    { "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:0001:2222:3333", NULL },
};

START_TEST(addresses_are_read_and_written)
{
    struct ip ip;
    char text[IP_TEXT_BYTES];
    bool is = ip_parse(str_of(addresses[_i].text), &ip);
    ck_assert_msg(is == (addresses[_i].written != NULL), "%s", addresses[_i].text);
    if (!is)
        return;
    ck_assert_uint_eq(ip_format(&ip, text), strlen(addresses[_i].written));
    ck_assert_str_eq(text, addresses[_i].written);
}
END_TEST

/* What was read is remembered: thousands of addresses, forth and back, with texts between them that begin
 * like one and are none. */
START_TEST(addresses_are_read_again)
{
    enum { ADDRESSES = 5000 };
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < ADDRESSES; i++) {
            uint32_t address = 0xc6120000 + (round ? ADDRESSES - 1 - i : i); /* 198.18.0.0/15 */
            struct ip made = ip_from_v4(address), read;
            char text[IP_TEXT_BYTES + 1];
            size_t len = ip_format(&made, text);
            for (int again = 0; again < 2; again++) {
                ck_assert(ip_parse((struct str){ text, len }, &read));
                ck_assert(ip_eq(&read, &made));
                text[len] = '.';
                ck_assert(!ip_parse((struct str){ text, len + 1 }, &read));
            }
        }
}
END_TEST

START_TEST(every_octet_is_written_as_printf_does)
{
    for (unsigned n = 0; n < 256; n++) {
        char text[IP_TEXT_BYTES], expected[IP_TEXT_BYTES];
        struct ip ip = ip_from_v4(n << 24 | (255 - n) << 16 | n << 8 | n), again;
        snprintf(expected, sizeof expected, "%u.%u.%u.%u", n, 255 - n, n, n);
        ip_format(&ip, text);
        ck_assert_str_eq(text, expected);
        ck_assert(ip_parse(str_of(text), &again) && ip_eq(&ip, &again));
    }
}
END_TEST

START_TEST(zeros_anywhere_are_written_as_inet_ntop_does)
{
    static const unsigned others[] = { 1, 0x2a, 0x3bc, 0xdef0 };
    for (unsigned pattern = 0; pattern < 4 * 256;
         pattern++) { /* which groups are not zero, and what they are */
        struct ip ip = { { 0 } };
        char text[IP_TEXT_BYTES], expected[IP_TEXT_BYTES];
        for (unsigned i = 0; i < 8; i++) {
            unsigned group = pattern >> i & 1 ? others[(pattern / 256 + i) % 4] : 0;
            ip.octet[2 * i] = (uint8_t)(group >> 8);
            ip.octet[2 * i + 1] = (uint8_t)group;
        }
        inet_ntop(AF_INET6, ip.octet, expected, sizeof expected);
        ck_assert_uint_eq(ip_format(&ip, text), strlen(expected));
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

static const struct {
    const char *prefix, *ip;
    bool holds;
} holding[] = {
    { "192.0.2.0/24", "192.0.2.255", true },
    { "192.0.2.0/24", "192.0.3.0", false },
    { "192.0.2.128/25", "192.0.2.127", false },
    { "192.0.2.128/25", "192.0.2.128", true },
    { "192.0.2.4/30", "192.0.2.7", true },
    { "192.0.2.4/30", "192.0.2.8", false },
    { "192.0.2.1", "192.0.2.1", true },
    { "192.0.2.1", "192.0.2.2", false },
    { "0.0.0.0/0", "203.0.113.9", true },
    { "0.0.0.0/0", "2001:db8::1", false },
    { "2001:db8::/32", "2001:db8:ffff::", true },
    { "2001:db8::/32", "2001:db9::", false },
    { "2001:db8:8000::/33", "2001:db8::", false },
    { "::/0", "192.0.2.1", true },
};

START_TEST(prefixes_hold_what_is_in_them)
{
    struct prefix prefix;
    struct ip ip;
    ck_assert(prefix_parse(str_of(holding[_i].prefix), &prefix) && ip_parse(str_of(holding[_i].ip), &ip));
    ck_assert_msg(prefix_holds(&prefix, &ip) == holding[_i].holds, "%s %s", holding[_i].prefix,
                  holding[_i].ip);
}
END_TEST

START_TEST(what_is_no_prefix)
{
    static const char *const bad[] = { "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/",
                                       "192.0.2.0/2x", "/24",          "2001:db8::1/64" };
    struct prefix prefix;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!prefix_parse(str_of(bad[i]), &prefix), "%s", bad[i]);
}
END_TEST

START_TEST(networks_of_addresses)
{
    struct ip ip;
    char text[IP_TEXT_BYTES + 4];
    struct prefix prefix;
    ck_assert(ip_parse(STR("198.51.100.77"), &ip));
    prefix = ip_network(&ip, 24, 64);
    prefix_format(&prefix, text);
    ck_assert_str_eq(text, "198.51.100.0/24");
    ck_assert(ip_parse(STR("2001:db8:1:2:3:4:5:6"), &ip));
    prefix = ip_network(&ip, 24, 64);
    prefix_format(&prefix, text);
    ck_assert_str_eq(text, "2001:db8:1:2::/64");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ip");
    TCase *tcase = tcase_create("ip");
    tcase_add_loop_test(tcase, addresses_are_read_and_written, 0, sizeof addresses / sizeof *addresses);
    tcase_add_test(tcase, addresses_are_read_again);
    tcase_add_test(tcase, every_octet_is_written_as_printf_does);
    tcase_add_test(tcase, zeros_anywhere_are_written_as_inet_ntop_does);
    tcase_add_loop_test(tcase, prefixes_hold_what_is_in_them, 0, sizeof holding / sizeof *holding);
    tcase_add_test(tcase, what_is_no_prefix);
    tcase_add_test(tcase, networks_of_addresses);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
