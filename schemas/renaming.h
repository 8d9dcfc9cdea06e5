/* The site's own phrases in the database, and what is stored named by them. */
#ifndef SCHEMAS_RENAMING_H
#define SCHEMAS_RENAMING_H

#include <sqlite3.h>
#include "collect/phrasebook.h"
#include "schemas/store.h"

/* Adds the phrases that the database has to an empty book. Returns an SQLite result code. */
int phrases_load(sqlite3 *db, struct phrasebook *book);
/* Puts the book in place of the phrases that the database has, takes back what those have named, and names
 * what is stored as if it were being stored now. One transaction, one session in memory. Returns an SQLite
 * result code. */
int renaming_apply(sqlite3 *db, struct phrasebook *book, struct store_named *named);

#endif
