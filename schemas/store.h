/* The store: sessions in one SQLite file, and back. The only place with SQL for the session data; the DDL is
 * session.sql, what users and scripts are promised are its views (design.md section 5). */
#ifndef SCHEMAS_STORE_H
#define SCHEMAS_STORE_H

#include "base/why.h"
#include "base/memory.h"
#include "collect/collect.h"
#include "collect/phrasebook.h"
#include "collect/session.h"

struct store;

enum store_mode { STORE_READ, STORE_WRITE /* made when it is not there */ };

/* Opens a database. Errors: not a database, not ours, of a newer version (EX_DATAERR), cannot be written
 * (EX_CANTCREAT, EX_NOPERM), does not exist (EX_NOINPUT, read only), another process writes to it
 * (EX_TEMPFAIL; one that follows logs, and so will go on: EX_UNAVAILABLE). An older version is migrated on
 * writing.
 */
int store_open(const char *path, enum store_mode mode, struct store **store, struct why *why);
/* Commits what is pending. 0, or -1 with why; the store is closed in any case. */
int store_close(struct store *store, struct why *why);

/* Sessions go through here. They are copied into a batch that a thread of the store's own writes while the
 * caller reads on; an error of that thread is returned by the next call. Others see what has been handed
 * over, and it outlives a crash, from the next commit of the catalogue on: all that lies between two is one
 * transaction, so sessions are committed together with how far their input was read. */
struct sink store_sink(struct store *store);
struct catalogue store_catalogue(struct store *store);
/* The number that the next session must have. */
int64_t store_next_session(struct store *store);

/* A policy that the server enforced in [from, to) (USEC_NONE: without end), as the YAML text of its file. */
struct recorded_policy {
    struct str name, yaml;
    usec from, to;
};
int store_add_recorded(struct store *store, const struct recorded_policy *policy, struct why *why);
/* All of them in order of `from`; the array and its text belong to `arena`. */
int store_recorded(struct store *store, struct arena *arena, struct recorded_policy **policies, size_t *count,
                   struct why *why);

/* The site's own phrases. store_phrases() adds those that the database has to an empty book. store_name()
 * puts a book in their place, names what is stored by it, in one transaction, and has what is stored from
 * then on named by it too; `same`: they are what the database has, and nothing is done. Before anything is
 * handed over. */
struct store_named {
    bool same;
    uint64_t sessions, refusals; /* that the phrases have named */
};
int store_phrases(struct store *store, struct phrasebook *book, struct why *why);
int store_name(struct store *store, struct phrasebook *book, struct store_named *named, struct why *why);

/* Which sessions to read. All fields zero/USEC_NONE: all. */
struct store_filter {
    usec from, to;                                  /* started in [from, to); USEC_NONE: open */
    int64_t id;                                     /* one session; 0: any */
    struct str sender, recipient, client, queue_id; /* client: address or prefix; texts match whole, @domain
                                                       matches a domain; at == NULL: any */
    bool outbound;                                  /* those of direction out too */
    bool no_texts;                                  /* reply texts, message ids are not wanted: faster */
    bool any_order; /* in order of id, not of start: faster, for who sorts anyway */
};

/* Calls `take` for each session in order of start (then id), with all its transactions, recipients and
 * evidence, byte by byte as they were handed over; evidence of the session is not in that order, late
 * evidence comes last. The session lasts until `take` returns; a `take` that returns other than 0 ends the
 * reading with that value. */
int store_each(struct store *store, const struct store_filter *filter,
               int (*take)(void *state, const struct session *session), void *state, struct why *why);

/* What the database holds, for `status`. */
struct store_summary {
    uint64_t sessions, transactions, recipients, messages, evidence;
    usec first, last;
    uint64_t joined; /* sessions that a log and a capture have */
    uint64_t bytes;  /* of the file */
};
int store_summarise(struct store *store, struct store_summary *summary, struct why *why);
int store_inputs(struct store *store, struct arena *arena, struct input **inputs, size_t *count,
                 struct why *why);
int store_skipped(struct store *store, struct arena *arena, struct skipped **skipped, size_t *count,
                  struct why *why);

/* Retention: takes away the sessions that started before `before`, with all that hangs on them and the texts
 * that nothing refers to any more, and gives the room back. The ids of others stay, no id is given twice, and
 * what was collected stays known. Sessions go in transactions of half a million: killed, what has not gone
 * stands whole, and the same again does the rest. `dry_run`: only tells (texts are not counted then). */
struct store_pruned {
    uint64_t sessions, transactions, recipients, messages, evidence, texts;
    uint64_t bytes_before, bytes_after; /* of the file */
};
int store_prune(struct store *store, usec before, bool dry_run, struct store_pruned *pruned, struct why *why);

/* A new database is to be a pseudonymised copy: nothing is collected into it, and evidence is read in the
 * order in which it was handed over, as replay found it in the original. Before the first session. */
int store_begin_copy(struct store *store, struct why *why);
bool store_is_copy(const struct store *store);

/* Integrity: SQLite's own check and ours. Calls `complain` for each finding; returns their number, or -1. */
int store_check(struct store *store, void (*complain)(void *state, const char *finding), void *state,
                struct why *why);

#endif
