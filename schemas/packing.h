/* What the parts of packing share: packer.c holds the tables and writes them, pack.c makes a session's row,
 * alike.c finds what other sessions have alike. */
#ifndef SCHEMAS_PACKING_H
#define SCHEMAS_PACKING_H

#include "collect/phrasebook.h"
#include "schemas/cache.h"
#include "schemas/kept.h"
#include "schemas/layout.h"
#include "schemas/naming.h"
#include "schemas/pack.h"
#include "schemas/rows.h"
#include "schemas/text.h"

enum table {
    NAME,
    REPLY,
    FACT,
    PLACE,
    SESSION,
    TRANSACTION,
    RECIPIENT,
    EVIDENCE,
    LATE,
    NAMED_EVIDENCE,
    RENAMED,
    RENAMED_RECIPIENT,
    TABLES
};

enum { TEXTS_SEEN = 1 << 12 /* of evidence */, EVIDENCE_CELLS = 9 };

/* What makes two pieces of evidence alike. No padding: it is compared as bytes. */
struct fact {
    uint8_t kind, state, origin, moment;
    int32_t transaction, recipient;
    int32_t nothing;
    int64_t a, b;
    int64_t subject, detail; /* number of a text, -1 - enum same, or 0: none */
};

struct packer {
    sqlite3 *db;
    sqlite3_stmt *insert[TABLES], *count, *keep;
    struct rows rows[TABLES];
    int64_t number[TABLES]; /* the last one given */
    int64_t last[TABLES];   /* the highest id in the table */
    struct kept *kept;
    struct naming *names;
    struct cache replies, facts, places, texts;
    uint16_t *seen;      /* marks of evidence's texts, as naming.c has them */
    int64_t text_number; /* the last one given */
    struct arena text;   /* of the rows that are not written yet */
    struct phrasebook phrases;
    struct totals totals;
    bool ordered;         /* evidence is read in the order in which it came */
    int64_t first_given;  /* the first session of this packer; INT64_MAX: none yet */
    int64_t pruned;       /* sessions up to this may have gone */
    sqlite3_stmt *stands; /* whether one still does */
};

/* The session that is being packed. */
struct packing {
    struct packer *packer;
    const struct session *session;
    const struct name_hashes *hashes;
    const struct transaction *transaction; /* the first ones, or NULL */
    const struct recipient *recipient;
    struct str same[SAMES];
    struct quotes quotes;
    struct fact fact[FACTS_MOST];
    struct str subject[FACTS_MOST], detail[FACTS_MOST];
    uint32_t fact_count;
    usec moment;
    uint64_t bits;
};

/* ---- packer.c */

/* Finds out anew which ids the tables of sessions end with, after rows were taken away. An SQLite result
 * code. */
int packer_find_ends(struct packer *packer);

/* ---- pack.c */

/* session.bits' early talker, from the session's evidence and what naming has added to it. */
enum tri early_talker(const struct session *session, const struct naming_effect *effect);

/* A cell for a text that may be a name; `hash` is str_hash(text). */
void cell_name(struct packer *packer, struct cell *cell, struct str text, uint64_t hash);
void cell_rare_name(struct packer *packer, struct cell *cell, struct str text);
/* A cell for a time after `base`; NULL where it is not known. */
void cell_time(struct cell *cell, usec at, usec base);
/* A cell for a number that is not known when it is 0. */
void cell_positive(struct cell *cell, int64_t number);

/* ---- alike.c: numbers of what many sessions have; what is new is written down. */

/* 0: there is none. */
int64_t reply_number(struct packer *packer, const struct reply *reply, const struct quotes *quotes);
int64_t place_number(struct packer *packer, const struct session *session);
/* All evidence: what is usual into packing->fact, the rest into rows; of the former the number, or 0. */
int64_t pack_evidence(struct packing *packing);
/* The cells that evidence_more and evidence_late have in common, from `bits` to `at`. */
void pack_evidence_cells(struct cell *cell, const struct evidence *evidence, usec base);
/* A row of evidence_named, the session's `place`th; `same` and `quotes` are texts as they are stored. */
void pack_named_cells(struct cell row[EVIDENCE_CELLS], struct arena *arena, const struct session *session,
                      const struct str same[SAMES], const struct quotes *quotes,
                      const struct evidence *evidence, uint32_t place);

#endif
