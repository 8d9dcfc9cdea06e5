/* Look-ups: what is asked about is known before the first question, since answers are written meanwhile. */
#include "enrich/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct lookup_row *const rows[] = { &lookup_dnsbl, &lookup_rdns, &lookup_sender_domain,
                                                 &lookup_helo, &lookup_spf };
enum { ROWS = sizeof rows / sizeof *rows };
const char *const lookup_names[] = { "dnsbl:ZONE", "rdns", "sender-domain", "helo", "spf", NULL };

enum { COMMIT_USEC = 2 * 1000 * 1000 };

const char *reversed_name(const struct ip *ip, struct str zone_v4, struct str zone_v6,
                          char name[REVERSED_BYTES])
{
    char *to = name;
    if (ip_is_v4(ip)) {
        uint32_t v4 = ip_v4(ip);
        snprintf(name, REVERSED_BYTES, "%u.%u.%u.%u.%.*s", v4 & 255, v4 >> 8 & 255, v4 >> 16 & 255, v4 >> 24,
                 STR_ARG(zone_v4));
        return name;
    }
    for (size_t i = sizeof ip->octet; i-- > 0; to += 4)
        snprintf(to, 5, "%x.%x.", ip->octet[i] & 15, ip->octet[i] >> 4);
    snprintf(to, REVERSED_BYTES - 64, "%.*s", STR_ARG(zone_v6));
    return name;
}

void looking_say(struct looking *looking, unsigned p, const struct ip *client, struct str name,
                 enum tri state, int64_t a, uint32_t ttl, struct str detail, unsigned n)
{
    struct provided provided = { .client = client ? *client : (struct ip){ .octet = { 0 } },
                                 .name = name,
                                 .at = clock_now(),
                                 .state = (uint8_t)state,
                                 .a = a,
                                 .b = ttl,
                                 .detail = detail };
    if (p == 0 && n == 0)
        *(state == YES  ? &looking->enriched->yes
          : state == NO ? &looking->enriched->no
                        : &looking->enriched->unknown) += 1;
    if (looking->failed == 0)
        looking->failed = providing_add(looking->providing[p], &provided, n, looking->why);
}

/* ---- What is asked about. */

static void want(struct looking *looking, const struct ip *client, struct str name)
{
    static const struct ip none;
    if (providing_knows(looking->providing[0], client ? client : &none, name, clock_now(),
                        looking->settings->fresh))
        return;
    mem_room(looking->clients, looking->client_room, looking->count + 1);
    mem_room(looking->names, looking->name_room, looking->count + 1);
    looking->clients[looking->count] = client ? *client : none;
    looking->names[looking->count++] = name.at ? arena_str(&looking->arena, name) : name;
}

static int want_client(void *state, const struct ip *client, usec first, usec last)
{
    (void)first;
    (void)last;
    want(state, client, (struct str){ NULL, 0 });
    return 0;
}

/* What is no name in DNS cannot be asked about: too long, with a blank, quoted, a literal. */
static bool is_askable(struct str name)
{
    size_t label = 0;
    if (name.len == 0 || name.len >= DNS_NAME_BYTES - 2)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        label = c == '.' ? 0 : label + 1;
        if (c <= ' ' || c >= 0x7f || c == '\\' || c == '[' || label > 63 ||
            (c == '.' && (i == 0 || name.at[i - 1] == '.')))
            return false;
    }
    return true;
}

static int want_name(void *state, struct str name)
{
    if (is_askable(name))
        want(state, NULL, name);
    return 0;
}

static int want_pair(void *state, const struct ip *client, struct str name)
{
    if (is_askable(name))
        want(state, client, name);
    return 0;
}

static int gather(struct looking *looking)
{
    const struct lookup_row *row = looking->row;
    if (row->of_clients && row->of_names)
        return store_each_pair(looking->store, want_pair, looking, looking->why);
    if (row->of_clients)
        return store_each_client(looking->store, want_client, looking, looking->why);
    return store_each_name(looking->store, row->about, want_name, looking, looking->why);
}

/* ---- The run. */

static int begin(struct looking *looking, const char *place)
{
    const struct lookup_row *row = looking->row;
    for (unsigned p = 0; p < row->providers; p++) {
        const struct lookup_provider *of = &row->provider[p];
        struct provider provider = { .kind = (uint8_t)of->kind,
                                     .origin = ORIGIN_LIVE,
                                     .about = (uint8_t)row->about,
                                     .subject = of->subject ? str_of(of->subject) : looking->subject,
                                     .place = str_of(place),
                                     .from = USEC_NONE,
                                     .to = USEC_NONE,
                                     .taken = clock_now() };
        looking->providing[p] = store_provide(looking->store, &provider, looking->why);
        if (!looking->providing[p])
            return -1;
    }
    return 0;
}

static int ask_all(struct looking *looking)
{
    looking->committed = clock_steady();
    for (size_t i = 0; i < looking->count && looking->failed == 0; i++) {
        const struct ip *client = looking->row->of_clients ? &looking->clients[i] : NULL;
        looking->row->ask(looking, client, looking->names[i]);
        looking->enriched->asked++;
        if (clock_steady() - looking->committed < COMMIT_USEC)
            continue;
        looking->committed = clock_steady();
        if (looking->failed == 0)
            looking->failed = providing_commit(looking->providing[0], looking->why);
        if (looking->settings->tell)
            looking->settings->tell(looking->settings->state, i + 1, looking->count);
    }
    resolver_wait(looking->resolver);
    return looking->failed;
}

static const struct lookup_row *row_of(struct str what, struct str *subject)
{
    struct str rest = what, word = what;
    *subject = (struct str){ NULL, 0 };
    if (cut_until_char(&rest, ':', &word))
        *subject = rest;
    for (size_t i = 0; i < ROWS; i++)
        if (str_eq(word, str_of(rows[i]->name)) && rows[i]->has_subject == (subject->len != 0))
            return rows[i];
    return NULL;
}

int enrich_lookup(struct store *store, struct str what, const struct lookup_settings *settings,
                  struct enriched *enriched, struct why *why)
{
    struct looking looking = { .store = store, .settings = settings, .enriched = enriched, .why = why };
    *enriched = (struct enriched){ .taken = clock_now() };
    looking.row = row_of(what, &looking.subject);
    if (!looking.row)
        return why_set(
            why, EX_USAGE,
            "--lookup: \"%.*s\" is nothing to look up; write dnsbl:ZONE, rdns, sender-domain, helo or spf",
            STR_ARG(what));
    if (looking.row->has_subject && !is_askable(looking.subject))
        return why_set(why, EX_USAGE, "--lookup: \"%.*s\": the zone is no name", STR_ARG(what));
    looking.resolver = resolver_new(&settings->resolver, why);
    int result = looking.resolver
                     ? begin(&looking, settings->resolver.server ? settings->resolver.server : "resolver")
                     : -1;
    if (result == 0)
        result = gather(&looking);
    if (result == 0)
        result = ask_all(&looking);
    bool keep = result == 0;
    for (unsigned p = 0; p < LOOKUP_PROVIDERS; p++)
        if (looking.providing[p] && providing_end(looking.providing[p], keep, result == 0 ? why : NULL) < 0)
            result = -1;
    resolver_free(looking.resolver);
    free(looking.clients);
    free(looking.names);
    arena_free(&looking.arena);
    return result;
}
