/* What a database of ours is: how one is opened, made, known again and brought up to date. */
#ifndef SCHEMAS_SCHEMA_H
#define SCHEMAS_SCHEMA_H

#include "schemas/store.h"

#include <sqlite3.h>

enum {
    SCHEMA_APPLICATION = 0x6d787270, /* "mxrp": PRAGMA application_id */
    SCHEMA_VERSION = 8               /* PRAGMA user_version */
};

/* Opens the database and sees to it that it is ours and of this version: made when it is new, migrated when
 * it is old (STORE_WRITE only). *lock: a file descriptor that keeps other writers out, or -1 where a reader
 * needs none; it is closed after the database. Returns 0, or -1 with why and nothing left open. */
int schema_open(const char *path, enum store_mode mode, sqlite3 **db, int *lock, struct why *why);
/* Brings a database from one version to another in one transaction: step[n] is the SQL that leads to version
 * n. Returns an SQLite result code. */
int schema_migrate(sqlite3 *db, const char *const step[], int from, int to);
/* Closes what schema_open() has opened; afterwards, if it can be, the database is one file that reads
 * anywhere. */
int schema_close(const char *path, enum store_mode mode, sqlite3 *db, int lock, struct why *why);
/* The first column of the first row of a query; 0 where there is none. Returns an SQLite result code. */
int schema_number(sqlite3 *db, const char *sql, int64_t *number);

#endif
