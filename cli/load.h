/* The way of every command that judges: the database's sessions to columns, with what the server enforced
 * beside them, ready for any policy. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "analyze/fates.h"
#include "analyze/policy.h"
#include "analyze/replay.h"
#include "base/memory.h"
#include "cli/options.h"
#include "schemas/store.h"

struct load {
    struct store *store;
    struct columns *columns;
    struct policy *policy;         /* the one that was asked for; NULL: what the server did */
    struct policy *recorded;       /* what the server enforced, one each for in_force */
    struct fate_counter *fates;    /* counts while sessions are read (the caller's); NULL: nobody asks */
    struct replay_options options; /* in_force and assumed included */
    struct arena arena;
};

/* The database that is meant: -d, $MXREPLAY_DB, mxreplay.db. */
const char *database_path(const struct common *common);
/* " -d FILE" where it was named, else "": for lines to type next. Lasts as long as `arena`. */
const char *database_option(const struct common *common, struct arena *arena);
/* Says so where a period has no units, and what to do about it. */
void say_if_empty(const struct common *common, uint64_t units);
/* Opens it for reading. A database that is not there is an error that tells how to make it. */
int database_open(const struct common *common, struct store **store, struct why *why);
/* The same to change it: it is not made where it is not there. */
int database_change(const struct common *common, struct store **store, struct why *why);

/* A policy by its name or file; *policy stays NULL for "recorded". */
int load_named_policy(struct load *load, const char *name, struct why *why);
/* Fills load->options from what was asked for, and load->recorded from the database, which must be open. */
int load_options(struct load *load, const struct common *common, struct why *why);
/* Reads all sessions: measures with state need what came before the period too. */
int load_sessions(struct load *load, const struct common *common, struct why *why);

/* All of the above: common->policy, or where it is NULL `fallback`, on common's database. Whatever it
 * returns, load_free() is due. `load` is zeroed to begin with. */
int load_all(struct load *load, const struct common *common, const char *fallback, struct why *why);
void load_free(struct load *load);

#endif
