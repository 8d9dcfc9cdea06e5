/* Whose network a client is in, and in which country: from a file in MaxMind's format, whoever made it.
 * GeoLite2's and its like have autonomous_system_number and _organization, or country/iso_code; others asn
 * and country_code. */
#define _GNU_SOURCE /* struct addrinfo, which <maxminddb.h> wants */
#include <arpa/inet.h>
#include <inttypes.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "enrich/enrich.h"

enum { ASN, COUNTRY, KNOWN };

struct asking {
    MMDB_s *file;
    struct store *store;
    const char *path;
    const struct period *period;
    struct providing *providing[KNOWN]; /* begun with the first that there is */
    struct enriched *enriched;
    struct why *why;
};

static int say(struct asking *asking, int what, const struct ip *client, int64_t number, struct str detail)
{
    static const enum kind kinds[KNOWN] = { [ASN] = KIND_ASN, [COUNTRY] = KIND_COUNTRY };
    struct provider provider = { .kind = (uint8_t)kinds[what],
                                 .origin = ORIGIN_SNAPSHOT,
                                 .about = ABOUT_CLIENT,
                                 .place = str_of(asking->path),
                                 .from = asking->period->from,
                                 .to = asking->period->to,
                                 .taken = asking->enriched->taken };
    if (!asking->providing[what])
        asking->providing[what] = store_provide(asking->store, &provider, asking->why);
    struct provided provided = {
        .client = *client, .at = asking->enriched->taken, .state = YES, .a = number, .detail = detail
    };
    return asking->providing[what] ? providing_add(asking->providing[what], &provided, 0, asking->why) : -1;
}

/* The value at one of two paths, of a type. */
static bool value_at(MMDB_entry_s *entry, const char *const *path, const char *const *other, uint32_t type,
                     MMDB_entry_data_s *value)
{
    return (MMDB_aget_value(entry, value, path) == MMDB_SUCCESS && value->has_data && value->type == type) ||
           (MMDB_aget_value(entry, value, other) == MMDB_SUCCESS && value->has_data && value->type == type);
}

static struct str text_of(const MMDB_entry_data_s *value)
{
    return (struct str){ value->utf8_string, value->data_size };
}

/* "AS64496", "64496". */
static bool number_of(MMDB_entry_s *entry, int64_t *number)
{
    static const char *const path[] = { "autonomous_system_number", NULL }, *const other[] = { "asn", NULL };
    MMDB_entry_data_s value;
    uint64_t read = 0;
    if (value_at(entry, path, other, MMDB_DATA_TYPE_UINT32, &value)) {
        *number = value.uint32;
        return true;
    }
    if (!value_at(entry, other, path, MMDB_DATA_TYPE_UTF8_STRING, &value))
        return false;
    struct str text = text_of(&value);
    if (text.len > 2 && str_eq_nocase((struct str){ text.at, 2 }, STR("AS")))
        text = str_skip(text, 2);
    bool is_one = str_number(text, &read) && read <= UINT32_MAX;
    *number = (int64_t)read;
    return is_one;
}

static int ask(void *state, const struct ip *client, usec first, usec last)
{
    static const char *const owner[] = { "autonomous_system_organization", NULL },
                             *const owner2[] = { "as_name", NULL },
                             *const country[] = { "country", "iso_code", NULL },
                             *const country2[] = { "country_code", NULL };
    (void)first;
    (void)last;
    struct asking *asking = state;
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    bool is_v4 = ip_is_v4(client);
    int error = 0, result = 0;
    asking->enriched->asked++;
    if (is_v4)
        v4.sin_addr.s_addr = htonl(ip_v4(client));
    else
        memcpy(v6.sin6_addr.s6_addr, client->octet, sizeof client->octet);
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(
        asking->file, is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6, &error);
    if (error != MMDB_SUCCESS || !found.found_entry) {
        asking->enriched->no++;
        return 0;
    }
    MMDB_entry_data_s value;
    int64_t number = 0;
    if (number_of(&found.entry, &number)) {
        bool named = value_at(&found.entry, owner, owner2, MMDB_DATA_TYPE_UTF8_STRING, &value);
        result = say(asking, ASN, client, number, named ? text_of(&value) : (struct str){ NULL, 0 });
    }
    if (result == 0 && value_at(&found.entry, country, country2, MMDB_DATA_TYPE_UTF8_STRING, &value))
        result = say(asking, COUNTRY, client, 0, text_of(&value));
    asking->enriched->yes++;
    return result;
}

int enrich_mmdb(struct store *store, const char *path, const struct period *period, struct enriched *enriched,
                struct why *why)
{
    MMDB_s file;
    int error = MMDB_open(path, MMDB_MODE_MMAP, &file);
    *enriched = (struct enriched){ 0 };
    if (error != MMDB_SUCCESS)
        return why_set(
            why, error == MMDB_FILE_OPEN_ERROR ? EX_NOINPUT : EX_DATAERR,
            "%s: cannot be read as an mmdb file: %s; GeoLite2-ASN.mmdb and GeoLite2-Country.mmdb are such",
            path, MMDB_strerror(error));
    enriched->entries = file.metadata.node_count;
    enriched->taken = (usec)file.metadata.build_epoch * USEC_SECOND;
    struct asking asking = { &file, store, path, period, { NULL, NULL }, enriched, why };
    int result = store_each_client(store, ask, &asking, why);
    bool any = asking.providing[ASN] || asking.providing[COUNTRY];
    if (result == 0 && enriched->yes && !any)
        result =
            why_set(why, EX_DATAERR, "%s: has neither autonomous systems nor countries (it is of type %s)",
                    path, file.metadata.database_type);
    for (int i = 0; i < KNOWN; i++)
        if (asking.providing[i] &&
            providing_end(asking.providing[i], result == 0, result == 0 ? why : NULL) < 0)
            result = -1;
    MMDB_close(&file);
    return result;
}
