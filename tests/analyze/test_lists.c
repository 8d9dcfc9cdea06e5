/* Lists of a policy: inline, from files, and those that come with mxreplay; who is in them. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/measure/parameters.h"

static char folder[] = "/tmp/mxreplay-lists-XXXXXX";
static const char *const made[] = { "site/mine.yaml", "site/networks.txt", "site/users", "asns", "site" };

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        remove(made[i]);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

static uint64_t seed = 7;

static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static bool one_in(uint32_t n)
{
    return draw(n) == 0;
}

START_TEST(lists_from_files)
{
    struct policy policy;
    struct why why = { 0 };
    ck_assert_int_eq(mkdir("site", 0700), 0);
    put_file("site/mine.yaml", "exempt:\n"
                               "  networks: [192.0.2.1, { file: networks.txt }, 203.0.113.0/24]\n"
                               "  asns: { file: ../asns }\n"
                               "measures:\n- recipient: { list: { file: users } }\n");
    put_file("site/networks.txt", "# friends\n\n  198.51.100.0/24\t# theirs\r\n2001:db8::/32");
    put_file("asns", "AS64497\n64496 # twice\n64497\n");
    put_file("site/users", "u#1@example.org\n@example.net\n");
    ck_assert_msg(policy_load(&policy, "site/mine.yaml", &why) == 0, "%s", why.text);
    ck_assert(policy.has_lists);
    ck_assert_uint_eq(policy.exempt.networks.count, 4);
    struct ip inside, outside;
    ck_assert(ip_parse(STR("2001:db8:1::7"), &inside) && ip_parse(STR("2001:db9::7"), &outside));
    ck_assert(networks_hold(&policy.exempt.networks, &inside));
    ck_assert(!networks_hold(&policy.exempt.networks, &outside));
    ck_assert_uint_eq(policy.exempt.asns.count, 2);
    ck_assert_uint_eq(policy.exempt.asns.number[0], 64496);
    const struct recipient_parameters *recipient = policy.rules[0].parameters;
    ck_assert(texts_hold_address(&recipient->list, STR("U#1@example.org")));
    ck_assert(texts_hold_address(&recipient->list, STR("any@example.net")));
    ck_assert(!texts_hold_address(&recipient->list, STR("any@example.org")));
    policy_free(&policy);

    put_file("site/networks.txt", "192.0.2.0/24\n # x\n  192.0.2.1/24 \n");
    ck_assert_int_eq(policy_load(&policy, "site/mine.yaml", &why), -1);
    ck_assert_str_eq(why.text,
                     "site/networks.txt:3:3: exempt.networks: \"192.0.2.1/24\" has bits set behind its "
                     "/24; write 192.0.2.0/24 or 192.0.2.1");
    ck_assert_int_eq(unlink("site/networks.txt"), 0);
    ck_assert_int_eq(policy_load(&policy, "site/mine.yaml", &why), -1);
    ck_assert_str_eq(why.text,
                     "site/mine.yaml:2:33: exempt.networks.file: site/networks.txt: No such file or "
                     "directory; the path is from the policy's own folder on");
    ck_assert_int_eq(mkdir("site/networks.txt", 0700), 0);
    ck_assert_int_eq(policy_load(&policy, "site/mine.yaml", &why), -1);
    ck_assert_str_eq(why.text,
                     "site/mine.yaml:2:33: exempt.networks.file: site/networks.txt: it is not a file; "
                     "the path is from the policy's own folder on");
}
END_TEST

START_TEST(lists_that_come_with_it)
{
    struct policy policy;
    struct why why = { 0 };
    ck_assert_msg(policy_read(&policy, "policy.yaml",
                              STR("exempt: { asns: [64496, { list: cloud-senders }], spf-domains: { list: "
                                  "cloud-senders } }\nmeasures: []\n"),
                              &why) == 0,
                  "%s", why.text);
    ck_assert(policy.has_lists);
    ck_assert(numbers_hold(&policy.exempt.asns, 64496));
    ck_assert(numbers_hold(&policy.exempt.asns, 15169));
    ck_assert(texts_hold_domain(&policy.exempt.spf_domains, STR("bounces.Google.com")));
    ck_assert(!texts_hold_domain(&policy.exempt.spf_domains, STR("notgoogle.com")));
    policy_free(&policy);
}
END_TEST

/* A long list is looked into otherwise than a short one: both say the same as one network after the other. */
START_TEST(long_lists)
{
    struct arena arena = { 0 };
    for (int round = 0; round < 50; round++) {
        struct networks networks = { .count = 9 + draw(60) };
        networks.prefix = arena_zero(&arena, networks.count * sizeof *networks.prefix);
        for (size_t i = 0; i < networks.count; i++) {
            struct ip ip = ip_from_v4(0xc0000200u + draw(64) * 0x1000u);
            ip.octet[3] = (uint8_t)draw(2);
            networks.prefix[i] = ip_network(&ip, draw(33), 100 + draw(29));
        }
        networks_index(&networks, &arena);
        for (int k = 0; k < 200; k++) {
            struct ip ip = ip_from_v4(0xc0000200u + draw(64) * 0x1000u + draw(3));
            ip.octet[3] = (uint8_t)draw(2);
            bool held = false;
            for (size_t i = 0; i < networks.count; i++)
                held = held || prefix_holds(&networks.prefix[i], &ip);
            ck_assert_int_eq(networks_hold(&networks, &ip), held);
        }
        struct texts texts = { .count = 9 + draw(40) }, few = { 0 };
        texts.text = arena_zero(&arena, texts.count * sizeof *texts.text);
        for (size_t i = 0; i < texts.count; i++)
            texts.text[i] = arena_printf(&arena, "%s%s%u.Example",
                                         one_in(3)   ? "@"
                                         : one_in(3) ? "u@"
                                                     : "",
                                         one_in(2) ? "a." : "", draw(60));
        few = texts;
        texts_index(&texts, &arena);
        ck_assert_ptr_nonnull(texts.sorted);
        for (int k = 0; k < 200; k++) {
            struct str asked = arena_printf(&arena, "%s%s%u.eXample", one_in(3) ? "u@" : "",
                                            one_in(2) ? "A." : "", draw(60));
            ck_assert_int_eq(texts_hold_address(&texts, asked), texts_hold_address(&few, asked));
            ck_assert_int_eq(texts_hold_domain(&texts, asked), texts_hold_domain(&few, asked));
            ck_assert_int_eq(texts_hold(&texts, asked), texts_hold(&few, asked));
            ck_assert_int_eq(texts_hold_exactly(&texts, asked), texts_hold_exactly(&few, asked));
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lists");
    TCase *files = tcase_create("files"), *inside = tcase_create("inside");
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, lists_from_files);
    tcase_add_test(files, lists_that_come_with_it);
    tcase_add_test(inside, long_lists);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, inside);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
