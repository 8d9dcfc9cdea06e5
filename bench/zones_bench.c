/* How fast and how small a DNS list is: zones_bench FORMAT FILE [QUESTIONS]
 * prints seconds to read and to sort, bytes an entry, the most memory that was resident, and questions a
 * second: of clients as they come, any address, and those that are listed among them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "enrich/zones.h"

static uint64_t seed = 1;

static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545F4914F6CDD1Du;
}

static double seconds_since(usec from)
{
    return (double)(clock_steady() - from) / USEC_SECOND;
}

static struct ip any_ip(bool v6)
{
    struct ip ip = ip_from_v4((uint32_t)(draw() >> 32));
    if (v6) {
        uint64_t high = 0x20010db800000000u | draw() >> 32, low = draw() >> 63;
        for (int i = 0; i < 8; i++) {
            ip.octet[i] = (uint8_t)(high >> (56 - 8 * i));
            ip.octet[8 + i] = (uint8_t)(low >> (56 - 8 * i));
        }
    }
    return ip;
}

int main(int argc, char **argv)
{
    enum zone_format format = ZONE_GUESS;
    struct why why = { 0 };
    struct rusage usage;
    if (argc < 3 || !zone_format_parse(str_of(argv[1]), &format)) {
        fputs("usage: zones_bench FORMAT FILE [QUESTIONS]\n", stderr);
        return 64;
    }
    uint64_t questions = argc > 3 ? strtoull(argv[3], NULL, 10) : 10000000, listed = 0;
    struct zone *zone = zone_new();
    usec began = clock_steady();
    if (zone_read(zone, argv[2], format, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return why.status;
    }
    double read = seconds_since(began);
    zone_finish(zone);
    double all = seconds_since(began);
    const struct zone_history *history = zone_history(zone);
    getrusage(RUSAGE_SELF, &usage);
    bool v6 = !zone_facts(zone, ZONE_BASE)->asks_v4;
    began = clock_steady();
    for (uint64_t i = 0; i < questions; i++) {
        struct zone_answer answers[ZONE_ANSWERS_MOST];
        struct ip ip = any_ip(v6);
        listed += zone_ask(zone, ZONE_BASE, &ip, answers, ZONE_ANSWERS_MOST) > 0;
    }
    double asked = seconds_since(began);
    printf("%s: %.1f million entries, %llu skipped; %.2f s (%.2f s to read, %.2f s to sort), %.1f bytes an "
           "entry, "
           "at most %ld MiB; %.1f million questions/s, %.1f %% listed\n",
           zone_format_name(history->format), (double)history->entries / 1e6,
           (unsigned long long)history->skipped, all, read, all - read,
           (double)history->bytes / (double)(history->entries ? history->entries : 1), usage.ru_maxrss / 1024,
           (double)questions / 1e6 / asked, 100.0 * (double)listed / (double)questions);
    zone_free(zone);
    return 0;
}
