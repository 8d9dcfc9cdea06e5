/* Sessions to rows: texts that come again and again become numbers, small fields one number, evidence that
 * many sessions have alike one number; the rows are written a thousand at a time. */
#ifndef SCHEMAS_PACK_H
#define SCHEMAS_PACK_H

#include <sqlite3.h>
#include "collect/session.h"

struct packer;

/* What the table `total` holds. */
struct totals {
    uint64_t sessions, transactions, recipients, messages, evidence;
    usec first, last; /* USEC_NONE: there is none */
};

/* Prepares to write to the database; numbers go on where those in it end. `ordered`: evidence is
 * read again in the order of the session, at some cost in bytes. NULL with *rc where SQLite fails. */
struct packer *packer_new(sqlite3 *db, bool ordered, int *rc);
void packer_free(struct packer *packer);
/* The hashes of the session's texts that may be names, for who has time to make them. */
struct name_hashes {
    uint64_t client_name, helo, recipient;
};
struct name_hashes packer_hashes(const struct session *session);
/* Says that a session with these will come soon. */
void packer_announce(const struct packer *packer, const struct name_hashes *hashes);
/* The session's and the evidence's texts must last until the next packer_flush(). Its refusals are named by
 * the phrases that the database has (collect/phrasebook.h), in the session itself. */
void packer_session(struct packer *packer, struct session *session, const struct name_hashes *hashes);
void packer_late(struct packer *packer, int64_t session_id, const struct evidence *evidence);
/* Writes what has been packed. Returns an SQLite result code. */
int packer_flush(struct packer *packer);
/* Writes down, with the collector's state, how much there is: packer_take_back() comes back to here. Both
 * after packer_flush(); they return SQLite result codes. */
int packer_keep(struct packer *packer, struct str state);
int packer_take_back(struct packer *packer);
/* Writes what has been counted. Returns an SQLite result code. */
int packer_totals(struct packer *packer);

#endif
