/* The builder's inside, for its own files: the memory of a session that is being built, in blocks from a
 * pool, so that a usual session costs no allocation, and what finds it. */
#ifndef COLLECT_BUILDING_H
#define COLLECT_BUILDING_H

#include "collect/builder.h"
#include "collect/held.h"
#include "collect/keys.h"
#include "collect/stash.h"
#include "collect/twice.h"

enum {
    BLOCK_BYTES = 2048,                   /* most sessions fit in one */
    SESSION_BYTES_MOST = 6 * 1024 * 1024, /* of one session: some 10,000 transactions */
    POOL_BYTES_MOST = 12 * 1024 * 1024,   /* of all; beyond it the oldest go */
    TEXT_BYTES_MOST = 2000,               /* Postfix cuts its own lines there (postfix msg_output.c) */
    TRANSACTIONS_LEAST = 1,               /* what arrays begin with */
    RECIPIENTS_LEAST = 2,
    EVIDENCE_LEAST = 4
};

struct block;
struct state_bytes;

struct pool {
    struct block *free; /* of BLOCK_BYTES each */
    size_t bytes;       /* in use and free */
    size_t used;        /* in use */
};

struct building {
    struct open_session open;                     /* first: a handle is a pointer to it */
    struct building *client_newer, *client_older; /* of one slot of the builder's clients */
    struct block *blocks;                         /* the last holds this struct */
    char *at, *end;
    size_t bytes;
    size_t more; /* that the pool counts as in use for it, modulo 2^64: see building_account() */
    struct key_list keys;
    struct building_list *list; /* the one of the builder's that it is in */
    struct building *before, *after;
    usec seen;        /* the builder's time when a line was last taken */
    uint32_t awaited; /* keys that await something */
    uint32_t number;  /* for who writes them down */
    bool has_client;
};

enum { CLIENT_SLOTS = 1 << 12, LEARNT_MOST = 64, HOSTS_MOST = 16, HOST_BYTES = 64 };

/* A host that sessions are of. */
struct serving {
    uint8_t len;
    char name[HOST_BYTES];
};

struct building_list {
    struct building *first, *last;
    uint64_t count;
};

struct builder {
    struct sink sink;
    struct keys keys;
    struct pool pool;
    struct stash stash;
    struct held held;
    struct building_list open, resting, ended;
    struct twice twice;
    struct building **client; /* CLIENT_SLOTS heads, newest first */
    usec now;
    int64_t next_session;
    struct builder_counts counts;
    struct why failed; /* the sink's first failure */
    builder_took_fn *took;
    void *took_state;
    session_key learnt[LEARNT_MOST]; /* a ring */
    unsigned learnt_next;
    struct serving hosts[HOSTS_MOST]; /* a ring of those that sessions are of; the last met is `host` */
    uint32_t host, host_next;
};

static inline struct building *building_of(struct open_session *open)
{
    return (struct building *)open;
}

struct building *building_new(struct pool *pool);
void building_free(struct pool *pool, struct building *building);
/* NULL where the session has all it may have; the session is then marked as one with a gap. */
void *building_alloc(struct pool *pool, struct building *building, size_t bytes);
struct str building_keep(struct pool *pool, struct building *building, struct str text);
struct transaction *building_add_transaction(struct pool *pool, struct building *building);
struct recipient *building_add_recipient(struct pool *pool, struct building *building,
                                         struct transaction *transaction);
struct evidence *building_add_evidence(struct pool *pool, struct building *building);
/* A session that was loaded counts as it did before, however its blocks fall now: `bytes` in use, of which
 * `room` are left behind an address that is `slip` beyond a multiple of 8. */
void building_account(struct pool *pool, struct building *building, size_t bytes, size_t room, unsigned slip);
void pool_free(struct pool *pool);

/* builder.c, for builder_state.c */
void building_list_add(struct building_list *list, struct building *building);
/* As the newest of its client. */
void building_client_add(struct builder *builder, struct building *building);

#endif
