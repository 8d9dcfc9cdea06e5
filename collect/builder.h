/* The session builder: dialects tell it what lines say, it puts sessions together and hands them over.
 *
 * A session is found again by keys: the pid of the process that serves it, the client's address and port, a
 * queue id. Keys come back into use, so one always leads to the session that took it last. A session is handed
 * over when it has ended and the fate of its messages is known, when that is long in coming, or when memory
 * must be had; what is said of its messages after that goes through sink->late. All of it is bounded by
 * BUILDER_BYTES_MOST whatever the input: the oldest goes first. */
#ifndef COLLECT_BUILDER_H
#define COLLECT_BUILDER_H

#include "collect/dialect.h"
#include "collect/session.h"

enum { BUILDER_BYTES_MOST = 24 * 1024 * 1024 };

struct builder;

struct builder_counts {
    uint64_t handed_over;  /* sessions */
    uint64_t open;         /* sessions that have not been handed over yet */
    uint64_t early;        /* handed over before they had ended, for want of memory or after long silence */
    uint64_t late;         /* evidence through sink->late */
    uint64_t cut;          /* things of a session that were not kept since it had too many of them */
    size_t bytes, bytes_most;
};

/* ---- For who reads lines. */

/* The sink's functions and state are used until builder_free(). The first session gets number `first_session`. */
struct builder *builder_new(const struct sink *sink, int64_t first_session);
void builder_free(struct builder *builder);
/* Log time is now `at`: hands over what has waited long enough. Cheap; call it whenever the stamp's second
 * changes, or for each line. Returns 0, or -1 with the reason of the sink's first failure, now or before. */
int builder_advance(struct builder *builder, usec at, struct why *why);
/* The end of all input: hands over what is open as it stands. As above. */
int builder_finish(struct builder *builder, struct why *why);
const struct builder_counts *builder_counts(const struct builder *builder);

/* Asks to be told which session a line was attributed to, both by their offsets: `first_offset` is that of the
 * session's first line, as in the session. A line may belong to several sessions or none, and may be attributed only
 * when a later line is read (a DNSBL's answer logged before the CONNECT that it belongs to). NULL: no more. */
typedef void builder_took_fn(void *state, int32_t input, uint64_t first_offset, uint64_t line_offset);
void builder_watch(struct builder *builder, builder_took_fn *took, void *state);

/* ---- For dialects. Text given to these is copied; handles last until the next line. */

typedef uint64_t session_key;

/* Keys of different kinds never meet, nor do those of different hosts. `what` keeps apart what else must be:
 * the program's tag for a pid, nothing for a queue id. Never 0. */
enum key_kind { KEY_PROCESS, KEY_CLIENT, KEY_QUEUE_ID, KEY_MESSAGE_ID, KEY_SESSION };
session_key key_of_text(enum key_kind kind, struct str host, struct str text);
session_key key_of_process(const struct line *line);
session_key key_of_client(enum key_kind kind, struct str host, const struct ip *client, uint16_t port);

/* A session that is being built. Dialects fill the plain fields of `session` themselves (text through
 * builder_keep()), and use the functions below for what grows. */
struct open_session {
    struct session session;
    struct open_session_parts *parts; /* the builder's own */
    /* For the dialect that opened it: what it must remember from line to line. */
    int32_t transaction;              /* the one that is under way, or -1 */
    uint8_t dialect_state;
    uint8_t flags;
    uint16_t awaited;                 /* queue ids whose fate is not known yet: see builder_bind() */
};

/* Begins a session with this line as its first; `key` leads to it from now on (0: none). What was open under the key
 * is closed as CLOSED_UNKNOWN. Fills started, input, offsets, server and service from the line. */
struct open_session *builder_open(struct builder *builder, session_key key, const struct line *line);
/* What `key` leads to, or NULL where there is none or it has been handed over. *transaction (may be NULL): what was
 * given when it was bound, else -1. */
struct open_session *builder_find(struct builder *builder, session_key key, int32_t *transaction);
/* Calls `each` for the open sessions of a client that have not ended, newest first, until it returns false. */
void builder_each_of_client(struct builder *builder, const struct ip *client,
                            bool (*each)(void *state, struct open_session *open), void *state);
/* Makes a further key lead to the session, in the name of one of its transactions (or -1). `awaits`: the session is
 * kept for a while after its end until builder_release() for this key. */
void builder_bind(struct builder *builder, session_key key, struct open_session *open, int32_t transaction, bool awaits);
/* The key has done its duty (a queue id that was removed): it leads nowhere from now on. */
void builder_release(struct builder *builder, session_key key);
/* The line belongs to the session. builder_open() has done it for the first. */
void builder_took(struct builder *builder, struct open_session *open, const struct line *line);
/* The session has ended with this line; its process and client keys lead nowhere from now on. */
void builder_close(struct builder *builder, struct open_session *open, const struct line *line, enum closed closed);

/* A copy of the text that lasts as long as the session. Control characters stay; over-long text is cut. */
struct str builder_keep(struct builder *builder, struct open_session *open, struct str text);
/* Adds one and returns it, zeroed but for indices and -1s, with `at` from the line; NULL where the session has too many
 * already (it is marked as one with a gap). The pointer lasts until the next one is added. */
struct transaction *builder_add_transaction(struct builder *builder, struct open_session *open, usec at);
struct recipient *builder_add_recipient(struct builder *builder, struct open_session *open, int32_t transaction,
                                        struct str address, usec at);
/* Adds evidence; subject and detail are copied. */
void builder_add_evidence(struct builder *builder, struct open_session *open, const struct evidence *evidence);
/* Adds evidence to the session that the queue id belongs or belonged to, through sink->late where that has been handed
 * over. evidence->transaction is filled in. False where nothing is known of the key. */
bool builder_add_fate(struct builder *builder, session_key key, const struct evidence *evidence);

/* Shorthands for the common evidence of a whole session. */
static inline struct evidence evidence_of(enum kind kind, enum tri state, usec at)
{
    return (struct evidence){ .kind = (uint8_t)kind,
                              .state = (uint8_t)state,
                              .origin = ORIGIN_LOG,
                              .transaction = WHOLE_SESSION,
                              .recipient = WHOLE_TRANSACTION,
                              .at = at };
}

#endif
