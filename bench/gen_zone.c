/* Makes a DNS list as large as the largest: gen_zone KIND [ENTRIES [SEED]] writes it to stdout.
 *     ip4set    single addresses and a few networks, five values with a text, in no order
 *     ip4trie   the same with more networks
 *     ip4tset   single addresses
 *     ip6trie   /64 networks and single addresses of 2001:db8::/32
 *     list      addresses alone, in order, as lists are often published
 * Single addresses are as they are in a real list: many near each other. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 20261129;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * 0x2545F4914F6CDD1Du >> 16) % below;
}

static void print_v4(uint32_t ip)
{
    printf("%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

/* Half of them in a sixteenth of the networks. */
static uint32_t any_v4(void)
{
    uint32_t ip = (uint32_t)draw(223) << 24 | (uint32_t)draw(1 << 24);
    return draw(2) ? (ip & 0xf0ffffffu) : ip;
}

static void line_v4(uint64_t i, uint64_t networks)
{
    static const char *const values[] = { "",          "",         "",      " :3:CSS $",
                                          " :4:XBL $", " :10:PBL", " :11:", " open relay" };
    if (i % 1000 == 0)
        printf(":%u:see https://www.example.test/query/$ (%u)\n", 2 + (unsigned)(i / 1000 % 9),
               (unsigned)(i / 1000 % 97));
    if (draw(1000) < networks) {
        unsigned bits = 16 + (unsigned)draw(16);
        print_v4(any_v4() & UINT32_MAX << (32 - bits));
        printf("/%u%s\n", bits, values[draw(8)]);
    } else {
        print_v4(any_v4());
        printf("%s\n", values[draw(8)]);
    }
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "ip4set";
    uint64_t entries = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000, at = 1u << 24;
    if (argc > 3)
        seed += strtoull(argv[3], NULL, 10) << 20;
    for (uint64_t i = 0; i < entries; i++) {
        if (strcmp(kind, "ip4set") == 0) {
            line_v4(i, 5);
        } else if (strcmp(kind, "ip4trie") == 0) {
            line_v4(i, 300);
        } else if (strcmp(kind, "ip6trie") == 0) {
            printf("2001:db8:%x:%x%s\n", (unsigned)draw(65536), (unsigned)draw(65536), draw(2) ? "" : "::1");
        } else {
            if (strcmp(kind, "list") == 0)
                at += 1 + (draw(4) ? draw(8) : draw(((uint64_t)3 << 30) / (entries / 4 + 1) * 2));
            print_v4(strcmp(kind, "list") == 0 ? (uint32_t)at : any_v4());
            putchar('\n');
        }
    }
    return fflush(stdout) != 0 || ferror(stdout);
}
