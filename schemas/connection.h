/* The store's connection, for those parts of the store that have files of their own. */
#ifndef SCHEMAS_CONNECTION_H
#define SCHEMAS_CONNECTION_H

#include <sqlite3.h>

#include "schemas/store.h"

/* For the calling thread until something is handed over to the store again; NULL with why. */
sqlite3 *store_connection(struct store *store, struct why *why);
const char *store_path(const struct store *store);

/* Takes away what was provided about clients and names that no session has any more. Returns an SQLite result
 * code. */
int provided_prune(sqlite3 *db);

/* How a client's address stands in the database (session.client). */
struct ip client_of_column(sqlite3_stmt *row, int column);
/* The text of one that is not IPv4: the address, a blank and its /64. */
enum { CLIENT_TEXT_BYTES = 100 };
size_t client_text(const struct ip *ip, char text[CLIENT_TEXT_BYTES]);

#endif
