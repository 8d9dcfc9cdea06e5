/* Zone files: what they answer for an address or a domain, worked out by hand from rbldnsd(8). */
#include <archive.h>
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "enrich/zones.h"
#include "tests/lib/inputs.h"

static struct zone *zone;

static void begin(void)
{
    zone = zone_new();
}

static void finish(void)
{
    zone_free(zone);
}

/* "127.0.0.2 text | 127.0.0.3 other", in the order of what is written; "-": not listed. */
static const char *written(const struct zone_answer *answers, size_t count)
{
    static char all[4096];
    char lines[ZONE_ANSWERS_MOST][ZONE_TEXT_BYTES + 64], *sorted[ZONE_ANSWERS_MOST];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        char text[ZONE_TEXT_BYTES], a[IP_TEXT_BYTES] = "-";
        struct ip ip = ip_from_v4(answers[i].a);
        if (answers[i].a)
            ip_format(&ip, a);
        zone_answer_text(&answers[i], text);
        snprintf(lines[i], sizeof lines[i], "%s%s%s", a, *text ? " " : "", text);
        size_t at = i;
        for (; at && strcmp(sorted[at - 1], lines[i]) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = lines[i];
    }
    all[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? " | " : "", sorted[i]);
    return count ? all : "-";
}

static const char *asked(const char *part, const char *text)
{
    struct zone_answer answers[ZONE_ANSWERS_MOST];
    struct ip ip;
    size_t number = zone_part_find(zone, str_of(part));
    ck_assert_msg(number != ZONE_NO_PART, "%s", part);
    size_t count = ip_parse(str_of(text), &ip)
                       ? zone_ask(zone, number, &ip, answers, ZONE_ANSWERS_MOST)
                       : zone_ask_name(zone, number, str_of(text), answers, ZONE_ANSWERS_MOST);
    return written(answers, count);
}

static void read_text(enum zone_format format, const char *text)
{
    struct why why = { 0 };
    ck_assert_msg(zone_read_text(zone, "list", str_of(text), format, &why) == 0, "%s", why.text);
}

struct expected {
    const char *text, *answers;
};

static void asks(const char *part, const struct expected *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(strcmp(asked(part, expected[i].text), expected[i].answers) == 0, "%s %s: %s, not %s",
                      part, expected[i].text, asked(part, expected[i].text), expected[i].answers);
}

#define ASKS(part, ...)                                                                                      \
    do {                                                                                                     \
        static const struct expected rows[] = { __VA_ARGS__ };                                               \
        asks(part, rows, sizeof rows / sizeof *rows);                                                        \
    } while (0)

/* The examples of rbldnsd(8), "Resulting A values and TXT templates". */
START_TEST(values_are_as_the_manual_has_them)
{
    read_text(ZONE_IP4SET, ":127.0.0.2:IP address $ is listed\n"
                           "192.0.2.4\n"
                           "192.0.2.5 :5\n"
                           "192.0.2.6 :6:\n"
                           "192.0.2.7 IP address $ running an open relay\n"
                           "192.0.2.8 # a remark\n"
                           "$1 See http://www.example.com/bl\n"
                           "$2 for details\n"
                           "192.0.2.12  $1/spammer/$ $2\n"
                           "192.0.2.14  This spammer wants some $$$$.  $1/$\n"
                           "192.0.2.15  :127.0.1.9: $3 is not defined\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.4", "127.0.0.2 IP address 192.0.2.4 is listed" },
         { "192.0.2.5", "127.0.0.5 IP address 192.0.2.5 is listed" }, { "192.0.2.6", "127.0.0.6" },
         { "192.0.2.7", "127.0.0.2 IP address 192.0.2.7 running an open relay" },
         { "192.0.2.8", "127.0.0.2 IP address 192.0.2.8 is listed" },
         { "192.0.2.12", "127.0.0.2 See http://www.example.com/bl/spammer/192.0.2.12 for details" },
         { "192.0.2.14", "127.0.0.2 This spammer wants some $$.  See http://www.example.com/bl/192.0.2.14" },
         { "192.0.2.15", "127.0.1.9 $3 is not defined" }, { "192.0.2.9", "-" });
}
END_TEST

START_TEST(a_base_template_is_around_each_text)
{
    read_text(ZONE_IP4SET, "$= See http://www.example.com/bl?$= ($) for details\n"
                           "192.0.2.2    r123\n"
                           "192.0.2.3\n"
                           "192.0.2.4    =See other blocklists for details about $\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.2", "127.0.0.2 See http://www.example.com/bl?r123 (192.0.2.2) for details" },
         { "192.0.2.3", "127.0.0.2 See http://www.example.com/bl?192.0.2.3 (192.0.2.3) for details" },
         { "192.0.2.4", "127.0.0.2 See other blocklists for details about 192.0.2.4" });
}
END_TEST

/* The ways to write a range, of the manual's "ip4set Dataset": each line is the first 256 addresses or 2^20.
 */
static const struct {
    const char *line, *in, *last, *out;
} ranges[] = {
    { "198.51.100.0/24", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
    { "198.51.100", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
    { "198.51.100-198.51.100", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
    { "198.51.100.0-198.51.100.255", "198.51.100.0", "198.51.100.255", "198.51.99.255" },
    { "198.51.100.0-255", "198.51.100.0", "198.51.100.255", "198.51.99.255" },
    { "198.16.0.0-198.31.255.255", "198.16.0.0", "198.31.255.255", "198.32.0.0" },
    { "198.16.0-198.31.255", "198.16.0.0", "198.31.255.255", "198.32.0.0" },
    { "198.16-198.31", "198.16.0.0", "198.31.255.255", "198.32.0.0" },
    { "198.16-31", "198.16.0.0", "198.31.255.255", "198.15.255.255" },
    { "198.16.0.0/12", "198.16.0.0", "198.31.255.255", "198.15.255.255" },
    { "198.16/12", "198.16.0.0", "198.31.255.255", "198.15.255.255" },
    { "198/8", "198.0.0.0", "198.255.255.255", "199.0.0.0" },
    { "198-199", "198.0.0.0", "199.255.255.255", "200.0.0.0" },
    { "192.0.2.250-192.0.3.5", "192.0.2.250", "192.0.3.5", "192.0.3.6" },
    { "0.0.0.1-255.255.255.254", "0.0.0.1", "255.255.255.254", "255.255.255.255" },
    { "255.255.255.255", "255.255.255.255", "255.255.255.255", "0.0.0.0" },
};

START_TEST(ranges_are_written_in_many_ways)
{
    read_text(ZONE_IP4SET, ranges[_i].line);
    zone_finish(zone);
    ck_assert_str_eq(asked("@", ranges[_i].in), "127.0.0.2");
    ck_assert_str_eq(asked("@", ranges[_i].last), "127.0.0.2");
    ck_assert_str_eq(asked("@", ranges[_i].out), "-");
}
END_TEST

/* rbldnsd_ip4set.c, ds_ip4set_query(): /32 before /24 before /16 before /8; all values of what is found. */
START_TEST(in_a_set_the_narrowest_octet_answers_with_all_its_values)
{
    read_text(ZONE_IP4SET, "198/8 :3:wide\n"
                           "198.51.100/24 :4:a\n"
                           "198.51.100/24 :5:b\n"
                           "198.51.100.7 :6:c\n"
                           "198.51.100.7 :6:c\n"
                           "198.51.100.6-8 :7:d\n"
                           "!198.51.100.9\n"
                           "198.51.100.9 :8:e\n"
                           "!198.51.101/24\n"
                           "198.51.101.1 :9:f\n");
    zone_finish(zone);
    ASKS("@", { "198.0.2.1", "127.0.0.3 wide" }, { "198.51.100.1", "127.0.0.4 a | 127.0.0.5 b" },
         { "198.51.100.6", "127.0.0.7 d" }, { "198.51.100.7", "127.0.0.6 c | 127.0.0.7 d" },
         { "198.51.100.9", "-" }, /* excluded, whatever else is said of it */
         { "198.51.101.2", "-" }, /* an exclusion of the /24 is nearer than the /8 */
         { "198.51.101.1", "127.0.0.9 f" }, { "198.51.102.0", "127.0.0.3 wide" }, { "199.0.0.0", "-" });
}
END_TEST

START_TEST(in_a_trie_the_longest_prefix_answers)
{
    read_text(ZONE_IP4TRIE, "0/0 :2:all\n"
                            "198.51.100.0/22 :3:a\n"
                            "198.51.100.0/22 :4:again\n"
                            "!198.51.100.128/25\n"
                            "198.51.100.129 :5:b\n"
                            "198.51.100.1-2 :6:no prefix\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.1", "127.0.0.2 all" }, { "198.51.101.1", "127.0.0.3 a" }, { "198.51.100.128", "-" },
         { "198.51.100.129", "127.0.0.5 b" }, { "198.51.100.130", "-" }, { "198.51.104.0", "127.0.0.2 all" },
         { "255.255.255.255", "127.0.0.2 all" });
    ck_assert_uint_eq(zone_history(zone)->skipped, 1);
}
END_TEST

START_TEST(a_tset_has_one_value_wherever_it_stands)
{
    read_text(ZONE_IP4TSET, "192.0.2.1\n:5:text $\n192.0.2.2 other\n:6:late\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.1", "127.0.0.5 text 192.0.2.1" }, { "192.0.2.2", "127.0.0.5 text 192.0.2.2" },
         { "192.0.2.3", "-" });
}
END_TEST

/* The manual's "ip6trie Dataset" and "ip6tset Dataset", with addresses that are for documentation. */
START_TEST(ipv6_prefixes_and_networks)
{
    read_text(ZONE_IP6TRIE, ":127.0.1.2: Listed, see http://example.com/lookup?$\n"
                            "2001:db8:c000/36\n"
                            "2001:db8:def7:4242 :127.0.1.3: This one smells funny\n"
                            "2001:db8:42::/52\n"
                            "::1    # localhost\n"
                            "!2001:db8:42::bead   # exclusion\n");
    zone_finish(zone);
    ASKS("@", { "2001:db8:c000::1", "127.0.1.2 Listed, see http://example.com/lookup?2001:db8:c000::1" },
         { "2001:db8:def7:4242:ffff::", "127.0.1.3 This one smells funny" }, { "2001:db8:def7:4243::", "-" },
         { "2001:db8:42:fff::", "127.0.1.2 Listed, see http://example.com/lookup?2001:db8:42:fff::" },
         { "2001:db8:42:1000::", "-" }, { "2001:db8:42::bead", "-" }, { "192.0.2.1", "-" },
         { "::1", "127.0.1.2 Listed, see http://example.com/lookup?::1" });
    ck_assert(zone_facts(zone, ZONE_BASE)->asks_v6 && !zone_facts(zone, ZONE_BASE)->asks_v4);
}
END_TEST

START_TEST(ipv6_networks_of_64_bits)
{
    read_text(ZONE_IP6TSET, "2001:db8:23:41ed\n2001:db8:ad00:42f\n!2001:db8:ad00:42f::2\n2001:db8:1\n");
    zone_finish(zone);
    ASKS("@", { "2001:db8:23:41ed::9", "127.0.0.2" }, { "2001:db8:ad00:42f::1", "127.0.0.2" },
         { "2001:db8:ad00:42f::2", "-" }, { "2001:db8::1", "-" });
    ck_assert_uint_eq(zone_history(zone)->skipped, 1);
    ck_assert_str_eq(zone_history(zone)->first_skipped.text, "list:4: no /64: write its four groups");
}
END_TEST

/* RFC 3056: 2002:c000:0201::/48 belongs to 192.0.2.1. */
START_TEST(a_6to4_client_is_asked_for_by_its_ipv4_address)
{
    read_text(ZONE_IP4SET, "192.0.2.1 of $\n");
    zone_finish(zone);
    ASKS("@", { "2002:c000:201::5", "127.0.0.2 of 192.0.2.1" }, { "2002:c000:202::5", "-" },
         { "2001:db8::1", "-" });
}
END_TEST

START_TEST(domains_and_what_is_below_them)
{
    read_text(ZONE_DNSET, ":3:$ is listed\n"
                          "plain.example\n"
                          "*.below.example\n"
                          ".both.example. :4:\n"
                          "!good.both.example\n"
                          "!*.fine.both.example\n"
                          "Upper.Example :5:$\n");
    zone_finish(zone);
    ASKS("@", { "plain.example", "127.0.0.3 plain.example is listed" }, { "a.plain.example", "-" },
         { "below.example", "-" }, { "a.b.below.example", "127.0.0.3 below.example is listed" },
         { "both.example", "127.0.0.4" }, { "x.both.example", "127.0.0.4" }, { "good.both.example", "-" },
         { "x.good.both.example", "127.0.0.4" }, { "fine.both.example", "127.0.0.4" },
         { "x.fine.both.example", "-" }, { "UPPER.example.", "127.0.0.5 upper.example" }, { "example", "-" });
    ck_assert(zone_facts(zone, ZONE_BASE)->asks_names && !zone_facts(zone, ZONE_BASE)->asks_v4);
}
END_TEST

START_TEST(records_by_name)
{
    read_text(ZONE_GENERIC, "$NS 0 ns1.example.com ns2.example.com\n"
                            "www 3000 A 192.0.2.80\n"
                            "about TXT \"the $ blocklist\"\n"
                            "@ MX 10 mx.example.com\n"
                            "1.2.0.192 IN A 127.0.0.2\n"
                            "1.2.0.192 1h TXT Spam source\n"
                            "1.2.0.192 A 127.0.0.4\n"
                            "2.2.0.192 AAAA ::1\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.1", "- Spam source | 127.0.0.2 | 127.0.0.4" }, { "192.0.2.2", "-" },
         { "about", "- the $ blocklist" }, { "WWW", "192.0.2.80" });
    ck_assert(zone_facts(zone, ZONE_BASE)->asks_v4 && !zone_facts(zone, ZONE_BASE)->asks_v6);
    ck_assert_str_eq(zone_history(zone)->first_skipped.text, "list:8: no record that is known: A, TXT or MX");
}
END_TEST

/* The manual's "combined Dataset". */
START_TEST(several_zones_in_one_file)
{
    read_text(ZONE_GUESS, "# common section\n"
                          "$NS 1w ns1.example.com ns2.example.com\n"
                          "$SOA 1w ns1.example.com admin.example.com 0 2h 2h 1w 1h\n"
                          "$1 common\n"
                          "$DATASET ip4set:proxy proxies @\n"
                          ":2:Open proxy $1, see http://bl.example.com/proxy/$\n"
                          "192.0.2.2\n"
                          "192.0.2.10\n"
                          "$DATASET ip4set:relay relays @ # and so on\n"
                          "$1 another\n"
                          "$2 own\n"
                          ":3:Open relay $1 $2\n"
                          "192.0.2.2\n"
                          "!192.0.2.10\n"
                          "$DATASET ip6trie multihop\n"
                          "2001:db8::/32 :4:$1 $2\n");
    zone_finish(zone);
    ck_assert_uint_eq(zone_parts(zone), 4);
    /* exclusions are the dataset's own */
    ASKS("@",
         { "192.0.2.2", "127.0.0.2 Open proxy common, see http://bl.example.com/proxy/192.0.2.2 | "
                        "127.0.0.3 Open relay common own" },
         { "192.0.2.10", "127.0.0.2 Open proxy common, see http://bl.example.com/proxy/192.0.2.10" },
         { "2001:db8::1", "-" });
    ASKS("Proxies",
         { "192.0.2.2", "127.0.0.2 Open proxy common, see http://bl.example.com/proxy/192.0.2.2" });
    ASKS("relays", { "192.0.2.2", "127.0.0.3 Open relay common own" }, { "192.0.2.10", "-" });
    ASKS("multihop", { "2001:db8::1", "127.0.0.4 common $2" });
    ck_assert_uint_eq(zone_part_find(zone, STR("nothing")), ZONE_NO_PART);
    ck_assert(!zone_facts(zone, ZONE_BASE)->asks_v6);
    ck_assert_uint_eq(zone_facts(zone, ZONE_BASE)->entries, 4);
}
END_TEST

START_TEST(a_plain_list_has_networks_of_both_families)
{
    read_text(ZONE_GUESS, "; Spamhaus DROP List\n"
                          "192.0.2.0/28 ; SBL1\n"
                          "198.51.100.1\r\n"
                          "198.51.100.10 - 198.51.100.12, a remark\n"
                          "203.0.113.1-203.0.113.2\n"
                          "192.0.2.8/29#nested\n"
                          "2001:db8::/32 ; SBL2\n"
                          "2001:db9::1\n"
                          "198.51.100.77/24\n"
                          "198.51.100\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.0", "127.0.0.2" }, { "192.0.2.15", "127.0.0.2" }, { "192.0.2.16", "-" },
         { "198.51.100.1", "127.0.0.2" }, { "198.51.100.11", "127.0.0.2" }, { "198.51.100.13", "-" },
         { "203.0.113.2", "127.0.0.2" }, { "203.0.113.3", "-" }, { "2001:db8:ffff::", "127.0.0.2" },
         { "2001:db9::1", "127.0.0.2" }, { "2001:db9::2", "-" }, { "198.51.100.77", "-" });
    ck_assert(zone_facts(zone, ZONE_BASE)->asks_v4 && zone_facts(zone, ZONE_BASE)->asks_v6);
}
END_TEST

/* What the labs' rbldnsd had, and their README says: 203.0.113.1-99 in zen, .100-129 in the other, .130-149
 * in both, .240-244 an error code; zen's code goes by the last digit. */
START_TEST(the_labs_zone_files)
{
    static const char *const codes[] = { "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.10", "127.0.0.11" };
    struct why why = { 0 };
    ck_assert_int_eq(zone_read(zone, "tests/enrich/zones/rbldnsd-zen4", ZONE_GUESS, &why), 0);
    ck_assert_int_eq(zone_read(zone, "tests/enrich/zones/rbldnsd-zen6", ZONE_GUESS, &why), 0);
    zone_finish(zone);
    for (unsigned i = 1; i < 256; i++) {
        char ip[32], expected[128] = "-";
        snprintf(ip, sizeof ip, "203.0.113.%u", i);
        if (i < 100 || (i >= 130 && i < 150))
            snprintf(expected, sizeof expected, "%s https://www.example-rbl.test/query/ip/%s", codes[i % 5],
                     ip);
        else if (i >= 240 && i < 245)
            snprintf(expected, sizeof expected,
                     "127.255.255.254 Error: open resolver; see https://www.example-rbl.test/returnc/pub");
        ck_assert_str_eq(asked("@", ip), expected);
    }
    ASKS("@", { "2001:db8:b::bad:f", "127.0.0.4 https://www.example-rbl.test/query/ip/2001:db8:b::bad:f" },
         { "2001:db8:b::bad:14", "-" });
    ck_assert_uint_eq(zone_history(zone)->entries, 24 + 24 + 23 + 24 + 24 + 5 + 19);
    ck_assert_uint_eq(zone_history(zone)->serial, 1);
    ck_assert_int_eq(zone_history(zone)->serial_stamp, USEC_NONE);
    ck_assert(zone_history(zone)->changed > 0);
}
END_TEST

/* rbldnsd's zone:ip4set:a,b: an exclusion in one file is one of the dataset; a default ends with its file. */
START_TEST(files_of_one_format_are_one_dataset)
{
    read_text(ZONE_IP4SET, ":5:first\n192.0.2.1\n192.0.2.2\n");
    read_text(ZONE_IP4SET, "!192.0.2.1\n192.0.2.3\n");
    read_text(ZONE_LIST, "192.0.2.2\n192.0.2.1\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.1", "127.0.0.2" }, { "192.0.2.2", "127.0.0.2 | 127.0.0.5 first" },
         { "192.0.2.3", "127.0.0.2" });
}
END_TEST

START_TEST(a_snapshot_tells_its_time)
{
    usec at = 0;
    read_text(ZONE_IP4SET, "$SOA 1h ns.example. host.example. 2026112901 1h 600 1d 5m\n"
                           "$SOA 1h ns.example. host.example. 2020010101 1h 600 1d 5m\n"
                           "#$TIMESTAMP 2026:11:28:23:30 +2d\n"
                           "$TIMESTAMP 20261127 2026-12-24\n"
                           "#$Id: list,v 1.1 $\n"
                           "$TIMESTAMP yesterday\n"
                           "192.0.2.1\n192.0.2.2\n");
    ck_assert_uint_eq(zone_history(zone)->serial, 2026112901);
    ck_assert(clock_parse(STR("2026-11-29"), &at));
    ck_assert_int_eq(zone_history(zone)->serial_stamp, at);
    ck_assert(clock_parse(STR("2026-11-28T23:30"), &at));
    ck_assert_int_eq(zone_history(zone)->stamp, at);
    ck_assert(clock_parse(STR("2026-11-30T23:30"), &at));
    ck_assert_int_eq(zone_history(zone)->expires, at);
    ck_assert_uint_eq(zone_history(zone)->skipped, 1);
    ck_assert_str_eq(zone_history(zone)->first_skipped.text,
                     "list:6: no directive that is known, or its values are wrong");
    ck_assert_int_eq(zone_history(zone)->changed, USEC_NONE);
}
END_TEST

START_TEST(a_range_can_be_too_wide)
{
    read_text(ZONE_IP4SET, "192.0.0.0/16\n$MAXRANGE4 /24\n198.51.0.0/16\n198.51.100.0/24\n$MAXRANGE4 512\n"
                           "203.0.112.0/23\n203.0.113.0-127\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.1", "127.0.0.2" }, { "198.51.99.1", "-" }, { "198.51.100.1", "127.0.0.2" },
         { "203.0.112.1", "-" }, { "203.0.113.1", "127.0.0.2" });
    ck_assert_uint_eq(zone_history(zone)->skipped, 2);
    ck_assert_str_eq(zone_history(zone)->first_skipped.text, "list:3: a range wider than $MAXRANGE4 allows");
}
END_TEST

static const struct {
    const char *text;
    enum zone_format format;
} guesses[] = {
    { "192.0.2.1\n192.0.2.0/24 a remark\n", ZONE_LIST },
    { "2001:db8::/32 ; SBL1\n", ZONE_LIST },
    { "192.0.2.1\n2001:db8::1\n", ZONE_LIST },
    { "192.0.2.1 :3:text\n", ZONE_IP4SET },
    { ":3:text\n192.0.2.1\n", ZONE_IP4SET },
    { "192.0.2.1\n!192.0.2.2\n", ZONE_IP4SET },
    { "# remark\n$TTL 1h\n192.0.2.1\n", ZONE_IP4SET },
    { "192.0.2\n", ZONE_IP4SET },
    { "2001:db8:1\n", ZONE_IP6TRIE },
    { "$TTL 1h\n2001:db8::/32\n", ZONE_IP6TRIE },
    { "::1 :2:x\n", ZONE_IP6TRIE },
    { "example.com\n.example.org\n*.example.net\n", ZONE_DNSET },
    { ":2:text\nexample.com :3:other\n", ZONE_DNSET },
    { "1.2.0.192 A 127.0.0.2\n1.2.0.192 TXT text\n", ZONE_GENERIC },
    { "www 3600 IN A 192.0.2.1\n", ZONE_GENERIC },
    { "192.0.2.1 A spammer\n", ZONE_LIST },
    { "; remark\n$DATASET ip4set @\n192.0.2.1\n", ZONE_COMBINED },
};

START_TEST(the_format_is_told_by_the_first_lines)
{
    struct why why = { 0 };
    ck_assert_int_eq(zone_read_text(zone, "list", str_of(guesses[_i].text), ZONE_GUESS, &why), 0);
    struct zone *named = zone_new();
    ck_assert_int_eq(zone_read_text(named, "list", str_of(guesses[_i].text), guesses[_i].format, &why), 0);
    ck_assert_str_eq(zone_format_name(zone_history(zone)->format), zone_format_name(guesses[_i].format));
    ck_assert_uint_eq(zone_history(zone)->entries, zone_history(named)->entries);
    ck_assert_uint_eq(zone_history(zone)->skipped, 0);
    zone_free(named);
}
END_TEST

static const struct {
    enum zone_format format;
    const char *text, *why;
} refused[] = {
    { ZONE_GUESS, "",
      "list: holds no address and no domain: what format it has cannot be told; name it if it is a "
      "list that lists nothing" },
    { ZONE_LIST, "<html>\n<body>404\n192.0.2.1\n",
      "list:1: no address; so it is with 2 lines, and 1 could be read as list. If it is of another format, "
      "name "
      "that: list, ip4set, ip4tset, ip4trie, ip6tset, ip6trie, dnset, generic, combined" },
    { ZONE_COMBINED, "$SOA 1h a. b. 1 1 1 1 1\n192.0.2.1\n",
      "list:2: no dataset has begun yet: in a combined file entries stand below a line like \"$DATASET "
      "ip4set @\"" },
    { ZONE_GUESS, "$DATASET ip4sett @\n192.0.2.1\n",
      "list:1: \"ip4sett\" is no kind of dataset that can be in a combined file; possible: ip4set, ip4tset, "
      "ip4trie, "
      "ip6tset, ip6trie, dnset, generic, list" },
};

START_TEST(what_is_no_list_is_refused)
{
    struct why why = { 0 };
    ck_assert_int_eq(zone_read_text(zone, "list", str_of(refused[_i].text), refused[_i].format, &why), -1);
    ck_assert_str_eq(why.text, refused[_i].why);
    ck_assert_int_eq(why.status, EX_DATAERR);
}
END_TEST

START_TEST(an_empty_list_of_a_known_format_lists_nothing)
{
    read_text(ZONE_IP4SET, "# nothing\n");
    zone_finish(zone);
    ASKS("@", { "192.0.2.1", "-" });
    ck_assert(zone_facts(zone, ZONE_BASE)->asks_v4 && !zone_facts(zone, ZONE_BASE)->asks_v6);
}
END_TEST

/* 20,000 lines, so that blocks end within lines. */
static struct str many_lines(void)
{
    static char text[400000];
    size_t len = 0;
    for (unsigned i = 0; i < 20000; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "198.%u.%u.%u\n", 18 + i % 2, i / 256, i % 256);
    text[len - 1] = '\0'; /* the last line without an end */
    return (struct str){ text, len - 1 };
}

static int (*const filters[])(struct archive *) = {
    archive_write_add_filter_none, archive_write_add_filter_gzip, archive_write_add_filter_bzip2,
    archive_write_add_filter_xz,   archive_write_add_filter_zstd, archive_write_add_filter_lz4,
};

START_TEST(files_may_be_compressed)
{
    struct why why = { 0 };
    input_compress("list", filters[_i], many_lines());
    ck_assert_msg(zone_read(zone, input_path("list"), ZONE_GUESS, &why) == 0, "%s", why.text);
    zone_finish(zone);
    ck_assert_uint_eq(zone_history(zone)->entries, 20000);
    ck_assert_uint_eq(zone_history(zone)->skipped, 0);
    ASKS("@", { "198.18.0.0", "127.0.0.2" }, { "198.19.78.31", "127.0.0.2" }, { "198.18.78.31", "-" });
}
END_TEST

START_TEST(half_a_file_is_no_list)
{
    struct arena arena = { 0 };
    struct why why = { 0 };
    input_compress("list", filters[1], many_lines());
    struct str whole = input_read("list", &arena);
    input_write("half", (struct str){ whole.at, whole.len / 2 });
    ck_assert_int_eq(zone_read(zone, input_path("half"), ZONE_GUESS, &why), -1);
    ck_assert_ptr_nonnull(strstr(why.text, "/half: cannot be read to its end: truncated gzip input"));
    arena_free(&arena);
}
END_TEST

START_TEST(what_cannot_be_opened)
{
    struct why why = { 0 };
    ck_assert_int_eq(zone_read(zone, "tests/enrich/zones/none", ZONE_GUESS, &why), -1);
    ck_assert_str_eq(why.text, "tests/enrich/zones/none: cannot be read: No such file or directory");
    ck_assert_int_eq(why.status, EX_NOINPUT);
    ck_assert_int_eq(zone_read(zone, "tests/enrich", ZONE_GUESS, &why), -1);
    ck_assert_str_eq(why.text, "tests/enrich: is a folder; name its files");
}
END_TEST

START_TEST(a_list_may_come_through_stdin)
{
    int ends[2];
    struct why why = { 0 };
    struct str text = STR("192.0.2.1\n192.0.2.2");
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], text.at, text.len), (ssize_t)text.len);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    ck_assert_msg(zone_read(zone, "-", ZONE_GUESS, &why) == 0, "%s", why.text);
    zone_finish(zone);
    ASKS("@", { "192.0.2.2", "127.0.0.2" }, { "192.0.2.3", "-" });
    ck_assert_int_eq(zone_history(zone)->changed, USEC_NONE);
}
END_TEST

int main(void)
{
    Suite *all = suite_create("zones");
    TCase *cases = tcase_create("zones");
    tcase_add_checked_fixture(cases, begin, finish);
    tcase_add_test(cases, values_are_as_the_manual_has_them);
    tcase_add_test(cases, a_base_template_is_around_each_text);
    tcase_add_loop_test(cases, ranges_are_written_in_many_ways, 0, sizeof ranges / sizeof *ranges);
    tcase_add_test(cases, in_a_set_the_narrowest_octet_answers_with_all_its_values);
    tcase_add_test(cases, in_a_trie_the_longest_prefix_answers);
    tcase_add_test(cases, a_tset_has_one_value_wherever_it_stands);
    tcase_add_test(cases, ipv6_prefixes_and_networks);
    tcase_add_test(cases, ipv6_networks_of_64_bits);
    tcase_add_test(cases, a_6to4_client_is_asked_for_by_its_ipv4_address);
    tcase_add_test(cases, domains_and_what_is_below_them);
    tcase_add_test(cases, records_by_name);
    tcase_add_test(cases, several_zones_in_one_file);
    tcase_add_test(cases, a_plain_list_has_networks_of_both_families);
    tcase_add_test(cases, the_labs_zone_files);
    tcase_add_test(cases, files_of_one_format_are_one_dataset);
    tcase_add_test(cases, a_snapshot_tells_its_time);
    tcase_add_test(cases, a_range_can_be_too_wide);
    tcase_add_loop_test(cases, the_format_is_told_by_the_first_lines, 0, sizeof guesses / sizeof *guesses);
    tcase_add_loop_test(cases, what_is_no_list_is_refused, 0, sizeof refused / sizeof *refused);
    tcase_add_test(cases, an_empty_list_of_a_known_format_lists_nothing);
    tcase_add_loop_test(cases, files_may_be_compressed, 0, sizeof filters / sizeof *filters);
    tcase_add_test(cases, half_a_file_is_no_list);
    tcase_add_test(cases, what_cannot_be_opened);
    tcase_add_test(cases, a_list_may_come_through_stdin);
    suite_add_tcase(all, cases);
    return inputs_main(all);
}
