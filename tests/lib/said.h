/* What a database says, as hashes of what queries give, to compare two. */
#ifndef TESTS_LIB_SAID_H
#define TESTS_LIB_SAID_H

#include <stdint.h>

enum { SAID_MOST = 12 };

struct said {
    uint64_t hash[SAID_MOST], rows[SAID_MOST];
};

/* `views`: queries, ends with NULL. */
struct said said_hear(const char *path, const char *const views[]);
/* Fails the test where the database at `path` says anything else; `what` and `seed` tell which case that was.
 */
void said_expect(const struct said *expected, const char *path, const char *const views[], const char *what,
                 unsigned seed);
/* Removes a database with what a killed writer left beside it. */
void said_forget(const char *path);

#endif
