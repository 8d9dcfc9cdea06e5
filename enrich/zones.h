/* DNS lists as files: what a DNSBL or a list of domains answers is worked out from a snapshot of its data, in
 * the formats of rbldnsd(8) or as a plain list of networks, without a name server.
 *
 *     struct zone *zone = zone_new();
 *     if (zone_read(zone, "zen.2026-11-01.gz", ZONE_GUESS, &why))
 *         ...
 *     zone_finish(zone);
 *     if (zone_facts(zone, ZONE_BASE)->asks_v4)
 *         count = zone_ask(zone, ZONE_BASE, &client, answers, ZONE_ANSWERS_MOST);
 *
 * The rules are those of rbldnsd 0.998 (its manual and, where that is silent, its source): exclusions, which
 * of several entries answers, what stands for what in a text. Where they differ: a line may end in CR LF, no
 * file is refused for a $TIMESTAMP in the future nor its data for being expired, an `acl` dataset is no data,
 * names with a backslash are not taken, and MX, NS and TTLs are not kept. */
#ifndef ENRICH_ZONES_H
#define ENRICH_ZONES_H

#include <stdbool.h>
#include "base/clock.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/why.h"

struct zone;
struct dataset;

enum zone_format {
    ZONE_GUESS,    /* by the first lines; where ip4set and ip4trie are both possible: ip4set */
    ZONE_LIST,     /* an address, prefix or range a line, of either family; what follows is a remark */
    ZONE_IP4SET,   /* ranges, each with values; the narrowest of /32, /24, /16, /8 answers with all its values
                    */
    ZONE_IP4TSET,  /* single addresses, one value for all */
    ZONE_IP4TRIE,  /* prefixes; the longest one answers */
    ZONE_IP6TSET,  /* /64 networks, one value for all; single addresses are excluded */
    ZONE_IP6TRIE,  /* prefixes; the longest one answers */
    ZONE_DNSET,    /* domains, *.domains, .domains */
    ZONE_GENERIC,  /* A and TXT records by name */
    ZONE_COMBINED, /* several of these in one file, for the zone and for zones below it */
    ZONE_FORMATS
};

enum {
    ZONE_BASE = 0, /* the part of a zone that is the zone itself; what is no combined file has no other */
    ZONE_ANSWERS_MOST = 64, /* an address has no more of one dataset: rbldnsd's would not fit in a reply */
    ZONE_TEXT_BYTES = 256,
};

#define ZONE_NO_PART SIZE_MAX

struct zone_answer {
    uint32_t a;      /* the A record, in host order; 0: none, only a text (a generic file's TXT) */
    struct str text; /* as the file has it; it belongs to the zone. zone_answer_text() writes it out */
    const struct dataset *of;
    struct str entry; /* of names: the domain that is listed */
    struct ip ip;     /* of addresses: the one that was asked about */
};

struct zone_facts {
    bool asks_v4, asks_v6, asks_names; /* whether it has data of this kind: a zone without IPv6 data says
                                          nothing about IPv6 clients (unknown, not no) */
    uint64_t entries;                  /* lines that list or exclude something */
};

/* Of all that was read. */
struct zone_history {
    enum zone_format format;   /* of the last file, as it was named or guessed */
    uint64_t entries, skipped; /* skipped: lines that say nothing that can be understood */
    struct why first_skipped;  /* "FILE:LINE: ..." of the first of them; status 0: none was */
    size_t bytes;              /* of memory */
    usec stamp, expires;       /* $TIMESTAMP; the latest stamp and the earliest end. USEC_NONE: not given */
    usec serial_stamp; /* what $SOA's serial says when it is a date (2026112901) or seconds since 1970 */
    usec changed;      /* the latest time when a file was written; USEC_NONE: it came through a pipe */
    uint32_t serial;   /* the first $SOA's; 0: none */
};

/* "ip4set" and so on, as rbldnsd writes them; "list" and "guess" are ours. Lives for ever. */
const char *zone_format_name(enum zone_format format);
bool zone_format_parse(struct str name, enum zone_format *format);

/* Give back with zone_free(). */
struct zone *zone_new(void);
void zone_free(struct zone *zone);

/* Reads a file into the zone, plain or compressed (gzip, bzip2, xz, zstd, lz4); "-" is stdin. Files of one
 * format make one dataset, as in rbldnsd's zone:format:file,file (so an exclusion in one excludes what
 * another lists); datasets of different formats, and those of combined files, add up. A line that cannot be
 * understood is skipped and counted, as rbldnsd does. Returns 0; or -1 with the reason in `why` where the
 * file cannot be read to its end, or more of its lines are skipped than taken: then the zone is good for
 * zone_free() alone. */
int zone_read(struct zone *zone, const char *path, enum zone_format format, struct why *why);
/* The same from a text that is there already; `origin` is what messages call it. */
int zone_read_text(struct zone *zone, const char *origin, struct str text, enum zone_format format,
                   struct why *why);
/* Sorts and merges: from here on the zone can be asked, by several threads, and no more be read. */
void zone_finish(struct zone *zone);

/* The parts of the zone: ZONE_BASE, and each zone below it that a combined file has, "relays" in
 * `$DATASET ip4set relays @`. */
size_t zone_parts(const struct zone *zone);
/* "@" is ZONE_BASE. */
struct str zone_part_name(const struct zone *zone, size_t part);
/* In either case of letters, "@" or empty for ZONE_BASE; ZONE_NO_PART where there is none of that name. */
size_t zone_part_find(const struct zone *zone, struct str name);
const struct zone_facts *zone_facts(const struct zone *zone, size_t part);
const struct zone_history *zone_history(const struct zone *zone);

/* What the zone answers for an address: 0 where it does not list it. No two answers are the same.
 * At most `room` of them are given. */
size_t zone_ask(const struct zone *zone, size_t part, const struct ip *ip, struct zone_answer answers[],
                size_t room);
/* The same for a name below the zone: a domain in a list of domains. Case does not count. */
size_t zone_ask_name(const struct zone *zone, size_t part, struct str name, struct zone_answer answers[],
                     size_t room);
/* The TXT record as rbldnsd sends it, with what stands for $, $1 ... put in, and a NUL; returns its length.
 * 0: no TXT record. */
size_t zone_answer_text(const struct zone_answer *answer, char text[ZONE_TEXT_BYTES]);

#endif
