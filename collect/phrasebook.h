/* The site's own words: what a refusal means where no dialect could tell, by the user's word (collect
 * --phrases). Phrases are applied to finished sessions, so it does not matter when they are known: to a
 * session that is being stored, or to one that was stored years ago. They name what has no measure
 * (NAMED_OTHER) and touch nothing else; what a dialect was sure of stays. */
#ifndef COLLECT_PHRASEBOOK_H
#define COLLECT_PHRASEBOOK_H

#include <stdio.h>

#include "base/memory.h"
#include "collect/session.h"

enum { PHRASE_BYTES_LEAST = 3 /* of a pattern, without its * */ };

struct site_phrase {
    struct str pattern; /* stands somewhere in the reply, in any case; * stands for anything */
    struct str zone;    /* of dnsbl; at == NULL: what the reply says */
    uint8_t measure;    /* enum named; NAMED_OTHER: it is known to be no measure's */
    uint8_t stage;      /* at which the reply was given; STAGES: any */
    int16_t code;       /* of the reply; 0: any */
};

/* Zero-initialise to begin with. */
struct phrasebook {
    struct site_phrase *phrase; /* the first that fits counts */
    size_t count, room;
    struct arena arena;        /* of their texts */
    struct str *folded;        /* patterns as they are looked for */
    struct evidence *evidence; /* what was added last */
    size_t evidence_room;
};

void phrasebook_free(struct phrasebook *book);
/* The phrase is copied. */
void phrasebook_add(struct phrasebook *book, const struct site_phrase *phrase);
/* Whether a pattern has words enough to mean something. */
bool phrase_pattern_is_enough(struct str pattern);
bool phrasebook_same(const struct phrasebook *one, const struct phrasebook *other);
/* Reads a file of phrases, "-": from stdin, into an empty book: a list of mappings with pattern, measure and,
 * if wanted, zone, stage and code. One whose measure is left empty is passed over; *unfilled says how many.
 * 0, or -1 with file, line, column and cure; the book must be freed in any case. */
int phrasebook_read(struct phrasebook *book, const char *path, size_t *unfilled, struct why *why);
/* The same of a text. */
int phrasebook_parse(struct phrasebook *book, const char *origin, struct str yaml, size_t *unfilled,
                     struct why *why);
/* Writes a phrase as it is read. NAMED_NONE: with the measure left empty. */
void phrase_write(const struct site_phrase *phrase, FILE *to);

/* What naming has changed in a session besides the names in its replies. */
struct naming_effect {
    struct reply reply; /* the session's, as it was */
    bool other_reply;   /* another one has taken its place */
    const struct evidence
        *evidence; /* the refusals are; not in the session. Lasts until the book names another */
    uint32_t evidence_count;
};

/* Names the session's refusals: sets reply.named and reply.phrased, whether recipients are valid, and chooses
 * the session's reply among what has a measure now (session.h says how). True where anything was named; only
 * then *effect is filled. */
bool phrasebook_name(struct phrasebook *book, struct session *session, struct naming_effect *effect);
/* The phrase that fits a refusal of this session, whatever that is named; sender and recipient are those of
 * its transaction. NULL: none does. */
const struct site_phrase *phrasebook_find(const struct phrasebook *book, const struct session *session,
                                          const struct reply *reply, struct str sender, struct str recipient);

enum { PATTERN_BYTES = 240 };
/* A pattern that fits this refusal and others of its sort: what may be another word next time is a star, and
 * so is what the client gave. Returns its length; 0: no word is the server's. */
size_t phrase_shape(const struct session *session, const struct reply *reply, struct str sender,
                    struct str recipient, char pattern[PATTERN_BYTES]);

/* Calls `take` for each refusal of the session that has no measure, once: of its recipients, its
 * transactions, and the session's own where it is none of these. */
void session_unnamed(const struct session *session,
                     void (*take)(void *state, const struct session *session, const struct reply *reply,
                                  struct str sender, struct str recipient),
                     void *state);

#endif
