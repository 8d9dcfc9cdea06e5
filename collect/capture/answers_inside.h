/* The answers' inside, for its own files: answers.c takes and keeps them, answers_note.c tells sessions what
 * they mean. */
#ifndef COLLECT_CAPTURE_ANSWERS_INSIDE_H
#define COLLECT_CAPTURE_ANSWERS_INSIDE_H

#include "collect/capture/answers.h"
#include "collect/capture/dns.h"

enum {
    ASKED_SLOTS = 1 << 13, /* questions that wait; who comes last has the slot */
    ENTRY_SLOTS = 1 << 14,
    ZONES_MOST = 64
};

/* What an answer said. */
enum said {
    SAID_FAILED,  /* servfail, refused, truncated: nothing is known */
    SAID_NO_NAME, /* NXDOMAIN: there is none of any type (RFC 8020) */
    SAID_NO_DATA, /* the name has none of this type */
    SAID_DATA
};

struct entry {
    struct entry *same_slot, *before, *after; /* before and after: by when they were told or used */
    uint64_t hash;
    usec at;
    uint32_t ttl; /* seconds; the shortest of its records */
    uint16_t type, name_len, data_len;
    uint8_t said; /* enum said */
    bool null_mx, spf;
    char bytes[]; /* the name, then the data: addresses of 4 or 16 bytes; of PTR, names that end with NUL;
                     text */
};

struct asked {
    uint64_t hash;
    usec at;
};

/* Zones of DNS lists that were asked, by how often: made-up ones do not push out those that are asked always.
 */
struct zone {
    uint64_t count;
    uint8_t len; /* 0: free */
    char name[255];
};

struct answers {
    struct entry *slot[ENTRY_SLOTS];
    struct entry *first, *last; /* first: to go next */
    uint64_t seed;
    size_t bytes_most;
    struct answers_counts counts;
    struct asked asked[ASKED_SLOTS];
    struct zone zone[ZONES_MOST];
    /* Of the message that is being taken. */
    struct dns_message message;
    struct dns_name name;
};

/* What was answered last to this question, or NULL. */
struct entry *answers_find(struct answers *answers, struct str name, unsigned type);

static inline struct str answer_data(const struct entry *entry)
{
    return (struct str){ entry->bytes + entry->name_len, entry->data_len };
}

#endif
