/* A DNS list's zone files as evidence: every client is asked about. */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "enrich/enrich.h"
#include "enrich/zones.h"

struct asking {
    const struct zone *zone;
    size_t part;
    struct providing *providing;
    struct enriched *enriched;
    usec at;
    struct why *why;
};

static int say(const struct asking *asking, const struct ip *client, enum tri state,
               const struct zone_answer *answer, unsigned n)
{
    char text[ZONE_TEXT_BYTES];
    size_t len = answer ? zone_answer_text(answer, text) : 0;
    struct provided provided = { .client = *client,
                                 .at = asking->at,
                                 .state = (uint8_t)state,
                                 .a = answer ? answer->a : 0,
                                 .detail = { len ? text : NULL, len } };
    return providing_add(asking->providing, &provided, n, asking->why);
}

/* Of an address family of which a zone has nothing a server of it says "no", as of all that is not there. */
static int ask(void *state, const struct ip *client, usec first, usec last)
{
    (void)first;
    (void)last;
    struct asking *asking = state;
    struct zone_answer answer[ZONE_ANSWERS_MOST];
    const struct zone_facts *facts = zone_facts(asking->zone, asking->part);
    asking->enriched->asked++;
    if (!(ip_is_v4(client) ? facts->asks_v4 : facts->asks_v6))
        asking->enriched->beside++;
    size_t count = zone_ask(asking->zone, asking->part, client, answer, ZONE_ANSWERS_MOST);
    *(count ? &asking->enriched->yes : &asking->enriched->no) += 1;
    int result = count ? 0 : say(asking, client, NO, NULL, 0);
    for (size_t i = 0; i < count && result == 0; i++)
        result = say(asking, client, YES, &answer[i], (unsigned)i);
    return result;
}

/* "FILE,ip4set:FILE": the files, each of the format in front or of what it looks like. */
static int read_files(struct zone *zone, const char *files, struct arena *arena, struct why *why)
{
    struct str rest = str_of(files), word = { 0 };
    while (rest.len) {
        enum zone_format format = ZONE_GUESS;
        const char *comma = memchr(rest.at, ',', rest.len);
        struct str one = comma ? str_range(rest.at, comma) : rest, file = one;
        rest = str_skip(rest, one.len + (comma != NULL));
        if (cut_until_char(&file, ':', &word) && zone_format_parse(word, &format))
            one = file;
        if (one.len && zone_read(zone, arena_printf(arena, "%.*s", STR_ARG(one)).at, format, why) < 0)
            return -1;
    }
    return 0;
}

/* Of when it says that it is, or else when the file was written. */
static usec date_of(const struct zone_history *history)
{
    if (history->stamp != USEC_NONE)
        return history->stamp;
    if (history->serial_stamp != USEC_NONE)
        return history->serial_stamp;
    return history->changed != USEC_NONE ? history->changed : clock_now();
}

/* A part of the zone that is called `name`. */
static int ask_part(struct store *store, const struct zone *zone, size_t part, struct str name,
                    const char *files, const struct period *period, struct enriched *enriched,
                    struct why *why)
{
    struct provider provider = { .kind = KIND_DNSBL,
                                 .origin = ORIGIN_SNAPSHOT,
                                 .about = ABOUT_CLIENT,
                                 .subject = name,
                                 .place = str_of(files),
                                 .from = period->from,
                                 .to = period->to,
                                 .taken = enriched->taken };
    struct asking asking = {
        zone, part, store_provide(store, &provider, why), enriched, enriched->taken, why
    };
    if (!asking.providing)
        return -1;
    int result = store_each_client(store, ask, &asking, why);
    if (providing_end(asking.providing, result == 0, result == 0 ? why : NULL) < 0)
        result = -1;
    return result;
}

int enrich_zone(struct store *store, struct str name, const char *files, const struct period *period,
                struct enriched *enriched, struct why *why)
{
    struct arena arena = { 0 };
    struct zone *zone = zone_new();
    *enriched = (struct enriched){ 0 };
    int result = read_files(zone, files, &arena, why);
    if (result == 0) {
        zone_finish(zone);
        const struct zone_history *history = zone_history(zone);
        enriched->entries = history->entries;
        enriched->skipped = history->skipped;
        enriched->taken = date_of(history);
    }
    bool any = false;
    for (size_t part = 0; result == 0 && part < zone_parts(zone); part++) {
        const struct zone_facts *facts = zone_facts(zone, part);
        if (!facts->asks_v4 && !facts->asks_v6)
            continue;
        struct str of = part == ZONE_BASE ? name
                                          : arena_printf(&arena, "%.*s.%.*s",
                                                         STR_ARG(zone_part_name(zone, part)), STR_ARG(name));
        any = true;
        result = ask_part(store, zone, part, of, files, period, enriched, why);
    }
    if (result == 0 && !any)
        result = why_set(why, EX_DATAERR, "%s: lists no address; a list of domains says nothing of clients",
                         files);
    zone_free(zone);
    arena_free(&arena);
    return result;
}
